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
    task: tokio::task::JoinHandle<Result<Times>>,
}

impl Searches {
    /// Begins to search.
    pub(crate) fn start(lake: Arc<Lake>) -> Self {
        let stop = CancellationToken::new();
        Self { task: tokio::spawn(search(lake, stop.clone())), stop }
    }

    /// Ends after the search under way and returns how long they took.
    pub(crate) async fn end(self) -> Result<Times> {
        self.stop.cancel();
        self.task.await?
    }
}

/// How long searches took, in microseconds.
#[derive(Debug)]
pub(crate) struct Times {
    /// Those of all questions.
    pub(crate) all: Histogram<u64>,
    /// Those of each question by itself.
    pub(crate) each: Vec<(String, Histogram<u64>)>,
}

impl Times {
    fn new() -> Result<Self> {
        let none = || Histogram::new(3).context("making a histogram");
        let each = QUESTIONS.iter().map(|question| Ok((format!("{question:?}"), none()?)));
        Ok(Self { all: none()?, each: each.collect::<Result<_>>()? })
    }
}

async fn search(lake: Arc<Lake>, stop: CancellationToken) -> Result<Times> {
    let mut times = Times::new()?;
    for (place, question) in QUESTIONS.iter().enumerate().cycle() {
        if stop.is_cancelled() {
            break;
        }
        let began = Instant::now();
        ask(&lake, *question).await.with_context(|| format!("asking {question:?}"))?;
        let took_us = u64::try_from(began.elapsed().as_micros()).context("a search's time")?;
        let own = times.each.get_mut(place).map(|(_, times)| times);
        for times in own.into_iter().chain([&mut times.all]) {
            times.record(took_us).context("noting a search's time")?;
        }
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
