//! Probes: one marked event at a time, from the moment its acceptance is answered to the moment that
//! a search finds it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use chrono::TimeDelta;
use event::lake::Search;
use event::{Clock as _, LakeReader as _, Scope, SystemClock};
use hdrhistogram::Histogram;
use lake::Lake;
use tokio_util::sync::CancellationToken;

use super::load::HttpClient;

/// Between one probe found and the next sent.
const EVERY: Duration = Duration::from_millis(50);

/// Between two searches for the same probe: what is found is found so much later at most, and whoever looks more
/// often takes the processor from what is measured.
const SEARCH_EVERY: Duration = Duration::from_millis(50);

/// A probe not found for so long fails the bench.
const LOST_AFTER: Duration = Duration::from_mins(1);

/// Probes under way.
#[derive(Debug)]
pub(crate) struct Probes {
    stop: CancellationToken,
    task: tokio::task::JoinHandle<Result<Histogram<u64>>>,
}

impl Probes {
    /// Begins to probe.
    pub(crate) fn start(http: SocketAddr, token: &str, lake: Arc<Lake>) -> Self {
        let stop = CancellationToken::new();
        let task = tokio::spawn(probe(http, token.to_owned(), lake, stop.clone()));
        Self { stop, task }
    }

    /// Ends after the probe under way and returns the times from acceptance to found, in
    /// microseconds.
    pub(crate) async fn end(self) -> Result<Histogram<u64>> {
        self.stop.cancel();
        self.task.await?
    }
}

async fn probe(
    http: SocketAddr,
    token: String,
    lake: Arc<Lake>,
    stop: CancellationToken,
) -> Result<Histogram<u64>> {
    let mut times = Histogram::new(3).context("making a histogram")?;
    let own_token = token.clone();
    let mut client =
        tokio::task::spawn_blocking(move || HttpClient::connect(http, &own_token)).await??;
    let mut number = 0_u32;
    while !stop.is_cancelled() {
        number += 1;
        let word = format!("luytreprobe{number}x{}", std::process::id());
        let body = format!("{{\"message\":\"{word}\"}}\n");
        let token = token.clone();
        let (back, status) = tokio::task::spawn_blocking(move || {
            let status = send(&mut client, &body).or_else(|_closed| {
                // The platform closes what was quiet for long: while the last probe was looked for.
                client = HttpClient::connect(http, &token)?;
                send(&mut client, &body)
            });
            (client, status)
        })
        .await?;
        client = back;
        if status.context("sending a probe")? != 200 {
            tokio::time::sleep(EVERY).await;
            continue;
        }
        let accepted = Instant::now();
        while !found(&lake, &word).await? {
            if accepted.elapsed() > LOST_AFTER {
                bail!("a probe was accepted and not found for {} s", LOST_AFTER.as_secs());
            }
            tokio::time::sleep(SEARCH_EVERY).await;
        }
        // `saturating_record` would clamp to the first bounds instead of widening them.
        let took_us = u64::try_from(accepted.elapsed().as_micros()).context("a probe's time")?;
        times.record(took_us).context("noting a probe's time")?;
        tokio::time::sleep(EVERY).await;
    }
    Ok(times)
}

fn send(client: &mut HttpClient, body: &str) -> io::Result<u16> {
    client.post("/ingest", "application/x-ndjson", body.as_bytes())
}

async fn found(lake: &Lake, word: &str) -> Result<bool> {
    let now = SystemClock.now();
    let search = Search {
        query: event::query::parse(word).map_err(|error| anyhow::anyhow!("{error:?}"))?,
        // A probe is dated when it is received, and given up after a minute.
        from: now - TimeDelta::minutes(1),
        to: now + TimeDelta::minutes(1),
        limit: 1,
        after: None,
    };
    Ok(!lake.search(&Scope::platform(), &search).await?.events.is_empty())
}
