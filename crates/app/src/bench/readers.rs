//! People at work: each opens one page after the other over a connection of their own, signed in; how long
//! each page took is kept.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::Args;
use db::Db;
use hdrhistogram::Histogram;
use hyper::StatusCode;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use web::Role;
use web::identity::console;

use super::visitor::Visitor;

/// Who works; the bench's own installation ends with it.
const LOGIN: &str = "quan-tri";
/// The password of the bench's only account.
const PASSWORD: &str = "mat-khau-cua-phep-do";

/// How people work.
#[derive(Debug, Args)]
pub(crate) struct Readers {
    /// People who work at the same time
    #[arg(id = "readers", long = "readers", value_name = "READERS", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    count: u32,
    /// How long each looks at a page before they open the next, on average, in milliseconds
    #[arg(long, default_value_t = 2_000)]
    pause_ms: u64,
    /// How long they work
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
}

/// A page that is opened.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    /// What it is called.
    pub(crate) name: &'static str,
    /// Where it is: `{n}` becomes a number, `{word}` and `{id}` one of what is given.
    pub(crate) path: &'static str,
    /// What `{id}` becomes.
    pub(crate) ids: Arc<[String]>,
}

/// How long pages took.
#[derive(Debug, Default)]
pub(crate) struct Times {
    /// Microseconds of each page.
    pages: BTreeMap<&'static str, Histogram<u64>>,
    /// Pages that were not answered 200.
    pub(crate) wrong: u64,
}

/// Makes the account that works, before the platform starts; returns a token of it.
pub(crate) async fn account(db: &Db) -> Result<String> {
    let given = PASSWORD.to_owned();
    console::add(db, LOGIN, "Người đo", Role::Administrator, given).await?;
    let scopes = ["all".to_owned()];
    Ok(console::token(db, LOGIN, "bench", (&scopes, 1)).await?)
}

/// Returns a person who signed in.
pub(crate) async fn person(pages: SocketAddr) -> Result<Visitor> {
    Visitor::signed_in(pages, LOGIN, PASSWORD).await
}

impl Readers {
    /// Lets people open these pages and returns how long each took.
    pub(crate) async fn work(
        &self,
        address: SocketAddr,
        pages: Vec<Page>,
        words: &'static [&'static str],
    ) -> Result<Times> {
        let pages: Arc<[Page]> = pages.into();
        let mut people = Vec::new();
        for _ in 0..self.count {
            people.push(person(address).await?);
        }
        let until = Instant::now() + Duration::from_secs(self.seconds);
        let mut at_work = Vec::new();
        for (number, visitor) in (0_u64..).zip(people) {
            let desk = Desk { visitor, pages: Arc::clone(&pages), words, pause_ms: self.pause_ms };
            at_work.push(tokio::spawn(desk.browse(number, until)));
        }
        let mut times = Times::default();
        for person in at_work {
            let (seen, wrong) = person.await.context("a reader ended")??;
            times.wrong += wrong;
            for (name, took_us) in seen {
                times.add(name, took_us)?;
            }
        }
        Ok(times)
    }
}

struct Desk {
    visitor: Visitor,
    pages: Arc<[Page]>,
    words: &'static [&'static str],
    pause_ms: u64,
}

impl Desk {
    /// Opens one page after the other until the end; returns how long each took, and how many were not there.
    async fn browse(self, number: u64, until: Instant) -> Result<(Vec<(&'static str, u64)>, u64)> {
        let mut chance = StdRng::seed_from_u64(number);
        let (mut seen, mut wrong) = (Vec::new(), 0);
        while Instant::now() < until {
            let pause = chance.random_range(0..=self.pause_ms * 2);
            tokio::time::sleep(Duration::from_millis(pause)).await;
            let Some((name, path)) = self.next(&mut chance) else { break };
            let answer = self.visitor.get(&path).await?;
            if answer.status != StatusCode::OK {
                tracing::warn!(path, status = %answer.status, "a page was not there");
                wrong += 1;
            }
            seen.push((name, u64::try_from(answer.took.as_micros()).unwrap_or(u64::MAX)));
        }
        Ok((seen, wrong))
    }

    fn next(&self, chance: &mut StdRng) -> Option<(&'static str, String)> {
        let mut one_of = |count: usize| chance.random_range(0..count.max(1));
        let page = self.pages.get(one_of(self.pages.len()))?;
        let word = self.words.get(one_of(self.words.len())).copied().unwrap_or_default();
        let id = page.ids.get(one_of(page.ids.len())).map_or("", String::as_str);
        let path = page.path.replace("{n}", &(one_of(49) + 1).to_string());
        let path = path.replace("{word}", word).replace("{id}", id);
        Some((page.name, escaped(&path)))
    }
}

/// Writes an address so that every letter may stand there (RFC 3986 §2.1).
fn escaped(path: &str) -> String {
    let mut address = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_graphic() {
            address.push(char::from(byte));
        } else {
            address.push('%');
            address.push_str(&hex::encode_upper([byte]));
        }
    }
    address
}

#[expect(clippy::cast_precision_loss, reason = "times far below 2^52 µs, shown with few digits")]
fn ms(took_us: u64) -> f64 {
    took_us as f64 / 1000.0
}

fn figures(name: &str, times: &Histogram<u64>) -> Value {
    let at = |quantile| ms(times.value_at_quantile(quantile));
    json!({ "page": name, "opened": times.len(), "ms_p50": at(0.5), "ms_p95": at(0.95), "ms_max": at(1.0) })
}

impl Times {
    fn add(&mut self, name: &'static str, took_us: u64) -> Result<()> {
        use std::collections::btree_map::Entry;
        let times = match self.pages.entry(name) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(Histogram::new(3).context("making a histogram")?),
        };
        times.record(took_us).context("noting a page's time")
    }

    fn whole(&self) -> Result<Histogram<u64>> {
        let mut whole = Histogram::new(3).context("making a histogram")?;
        for times in self.pages.values() {
            whole.add(times).context("adding up")?;
        }
        Ok(whole)
    }

    /// Returns the figures of all pages, `all` last, as JSON.
    pub(crate) fn object(&self) -> Result<Value> {
        let whole = self.whole()?;
        let all = self.pages.iter().chain(std::iter::once((&"all", &whole)));
        Ok(all.map(|(name, times)| figures(name, times)).collect())
    }

    /// Prints the figures of all pages as a table.
    pub(crate) fn print(&self, out: &mut impl Write) -> Result<()> {
        let whole = self.whole()?;
        writeln!(
            out,
            "{:<20} {:>7} {:>9} {:>9} {:>9}",
            "page", "opened", "p50 ms", "p95 ms", "max ms"
        )?;
        for (name, times) in self.pages.iter().chain(std::iter::once((&"all", &whole))) {
            let at = |quantile| ms(times.value_at_quantile(quantile));
            let (p50, p95, max) = (at(0.5), at(0.95), at(1.0));
            writeln!(out, "{name:<20} {:>7} {p50:>9.1} {p95:>9.1} {max:>9.1}", times.len())?;
        }
        Ok(())
    }
}
