//! Searches that run while events come in, as people in a duty room ask: a rare word, an address, a
//! chart of an hour, the most frequent values. How long each takes is the figure that a reader feels.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use chrono::TimeDelta;
use event::lake::Search;
use event::{Clock as _, LakeReader as _, Scope, SystemClock};
use hdrhistogram::Histogram;
use lake::Lake;
use tokio_util::sync::CancellationToken;

/// Between the end of one search and the next.
const EVERY: Duration = Duration::from_millis(200);

/// What one question is.
#[derive(Debug, Clone, Copy)]
enum Question {
    /// A page of events of all times.
    Page(&'static str),
    /// A chart of the last hour.
    Chart(&'static str),
    /// The most frequent values of the last quarter of an hour.
    Top(&'static str, &'static str),
}

/// The questions, in turn. The generator's own lines answer them.
const QUESTIONS: [Question; 6] = [
    Question::Page("luytreprobe*"),
    Question::Page("\"Failed password\" AND src_ip:203.0.113.77"),
    Question::Chart("action:accept"),
    Question::Page("khongcotunaynhuthe"),
    Question::Top("*", "src_ip"),
    Question::Page("user:root AND systemctl"),
];

/// All times: whatever a file's lines are dated.
const ALL_DAYS: i64 = 60;

/// Searches under way.
#[derive(Debug)]
pub(crate) struct Searches {
    stop: CancellationToken,
    task: tokio::task::JoinHandle<Result<Histogram<u64>>>,
}

impl Searches {
    /// Begins to search.
    pub(crate) fn start(lake: Arc<Lake>) -> Self {
        let stop = CancellationToken::new();
        Self { task: tokio::spawn(search(lake, stop.clone())), stop }
    }

    /// Ends after the search under way and returns the times, in microseconds.
    pub(crate) async fn end(self) -> Result<Histogram<u64>> {
        self.stop.cancel();
        self.task.await?
    }
}

async fn search(lake: Arc<Lake>, stop: CancellationToken) -> Result<Histogram<u64>> {
    let mut times = Histogram::new(3).context("making a histogram")?;
    for question in QUESTIONS.iter().cycle() {
        if stop.is_cancelled() {
            break;
        }
        let began = Instant::now();
        ask(&lake, *question).await.with_context(|| format!("asking {question:?}"))?;
        let took_us = u64::try_from(began.elapsed().as_micros()).context("a search's time")?;
        times.record(took_us).context("noting a search's time")?;
        tokio::time::sleep(EVERY).await;
    }
    Ok(times)
}

async fn ask(lake: &Lake, question: Question) -> Result<()> {
    let now = SystemClock.now();
    let (words, span) = match question {
        Question::Page(words) => (words, TimeDelta::days(ALL_DAYS)),
        Question::Chart(words) => (words, TimeDelta::hours(1)),
        Question::Top(words, _) => (words, TimeDelta::minutes(15)),
    };
    let search = Search {
        query: event::query::parse(words).map_err(|error| anyhow::anyhow!("{error:?}"))?,
        from: now - span,
        to: now + TimeDelta::minutes(5),
        limit: 50,
        after: None,
    };
    let scope = Scope::platform();
    match question {
        Question::Page(_) => drop(lake.search(&scope, &search).await?),
        Question::Chart(_) => drop(lake.histogram(&scope, &search, 96).await?),
        Question::Top(_, field) => drop(lake.top(&scope, &search, field, 20).await?),
    }
    Ok(())
}
