//! `luytre bench distributed`: the same questions over the same store, answered by this machine alone and by the
//! cluster that the configuration names. It tells from how many rows on `lake.distributed.rows_min` pays.

use std::io::{self, BufReader, BufWriter, Write as _};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use event::lake::{LakeReader as _, Table};
use event::{IdSource, Scope, SystemClock};
use lake::Lake;
use lake::keep::LinesSettings;
use serde::Serialize;

use super::lake::{Events, RARE_PART, RARE_WORD};
use crate::config::Config;
use crate::serve::{open_db, open_lake};

/// What to measure.
#[derive(Debug, Args)]
pub struct DistributedArguments {
    /// Bring so many generated events into the lake first; it must be empty
    #[arg(long, value_name = "EVENTS", default_value_t = 0)]
    fill: u64,
    /// How often to ask; the median counts, and the first time does not
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=1000))]
    repeat: u32,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// One question, both ways.
#[derive(Debug, Serialize)]
struct Answer {
    work: &'static str,
    alone_ms: f64,
    cluster_ms: f64,
    same: bool,
}

/// Measures and prints; returns whether every answer of the cluster was that of this machine.
///
/// # Errors
///
/// When no cluster is set, the lake cannot be opened, or the cluster gives no answer.
pub fn run(config: Config, arguments: &DistributedArguments) -> Result<bool> {
    if config.lake.distributed.scheduler.is_empty() {
        bail!("`lake.distributed.scheduler` is not set: there is nobody to compare with");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?;
    let (events, answers) = runtime.block_on(measure(config, arguments))?;
    let mut out = io::stdout().lock();
    if arguments.json {
        writeln!(out, "{}", serde_json::json!({ "events": events, "answers": answers }))?;
    } else {
        writeln!(out, "{events} events")?;
        for Answer { work, alone_ms, cluster_ms, same } in &answers {
            let same = if *same { "the same" } else { "NOT THE SAME" };
            writeln!(
                out,
                "{work:<26} alone {alone_ms:>9.1} ms   cluster {cluster_ms:>9.1} ms   {same}"
            )?;
        }
    }
    Ok(answers.iter().all(|answer| answer.same))
}

/// Returns the questions: what is read of few rows, of all, and what is worked out of them.
fn questions() -> [(&'static str, String); 7] {
    let all = |select: &str, rest: &str| format!("SELECT {select} FROM events {rest}");
    [
        ("a rare word", all("count(*)", &format!("WHERE has_token(raw, '{RARE_WORD}')"))),
        ("a part of a word", all("count(*)", &format!("WHERE raw ILIKE '%{RARE_PART}%'"))),
        (
            "chart by the hour",
            all("date_trunc('hour', occurred_at) AS h, count(*)", "GROUP BY h ORDER BY h"),
        ),
        (
            "top 20 users",
            all("\"user\", count(*) AS n", "GROUP BY \"user\" ORDER BY n DESC, \"user\" LIMIT 20"),
        ),
        (
            "top 20 sources, sum",
            all("src_ip, sum(bytes_out) AS s", "GROUP BY src_ip ORDER BY s DESC, src_ip LIMIT 20"),
        ),
        ("different sources", all("count(DISTINCT src_ip)", "")),
        (
            "words by a pattern",
            all("count(*)", "WHERE regexp_like(raw, 'port [0-9]{4} .*(denied|failed)')"),
        ),
    ]
}

async fn measure(config: Config, arguments: &DistributedArguments) -> Result<(u64, Vec<Answer>)> {
    let mut alone = config.clone();
    alone.lake.distributed.scheduler = String::new();
    let mut cluster = config;
    cluster.lake.distributed.rows_min = 0;
    let db = open_db(&alone).await?;
    let lake = open_lake(&alone, &db).await?;
    if arguments.fill > 0 {
        fill(&lake, arguments.fill).await?;
    }
    let events = lake.stats().await?.events;
    let own = ask(&lake, arguments.repeat).await?;
    lake.close().await;
    drop(lake);
    let lake = open_lake(&cluster, &db).await?;
    let theirs = ask(&lake, arguments.repeat).await?;
    let asked = u64::from(arguments.repeat + 1) * theirs.len() as u64;
    let answered = lake.cluster_answers();
    lake.close().await;
    if answered < asked {
        bail!("the cluster answered {answered} of {asked} questions: see what its machines say");
    }
    let both = questions().into_iter().zip(own).zip(theirs);
    let answers = both.map(|(((work, _), (alone, alone_ms)), (cluster, cluster_ms))| Answer {
        work,
        alone_ms,
        cluster_ms,
        same: alone.rows == cluster.rows,
    });
    Ok((events, answers.collect()))
}

async fn ask(lake: &Lake, repeat: u32) -> Result<Vec<(Table, f64)>> {
    let mut answers = Vec::new();
    for (work, sql) in questions() {
        let mut table = lake.sql(&Scope::platform(), &sql).await.context(work)?;
        let mut seconds = Vec::new();
        for _ in 0..repeat {
            let started = Instant::now();
            table = lake.sql(&Scope::platform(), &sql).await.context(work)?;
            seconds.push(started.elapsed().as_secs_f64());
        }
        answers.push((table, super::median(seconds) * 1000.0));
    }
    Ok(answers)
}

async fn fill(lake: &Arc<Lake>, count: u64) -> Result<()> {
    if lake.stats().await?.events > 0 {
        bail!("the lake has events already: generated ones would stay among them for good");
    }
    let mut file = tempfile_of(count)?;
    io::Seek::rewind(&mut file)?;
    let ids = IdSource::seeded(1);
    let now = event::Clock::now(&SystemClock);
    let origin = event::Origin {
        agency: event::AgencyId::from_uuid(ids.uuid(now)),
        system: None,
        source: event::SourceId::from_uuid(ids.uuid(now)),
    };
    let input = BufReader::with_capacity(1 << 20, file);
    lake.import_lines(input, &LinesSettings { origin, threads: 2 }).await?;
    Ok(())
}

/// Returns a file of generated events that is gone when it is closed.
fn tempfile_of(count: u64) -> Result<std::fs::File> {
    let path = std::env::temp_dir().join(format!("luytre-bench-{}.ndjson", std::process::id()));
    let file = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .open(&path)
        .with_context(|| format!("making {}", path.display()))?;
    std::fs::remove_file(&path)?;
    Events::new(1, count).write(BufWriter::with_capacity(1 << 20, &file))?;
    Ok(file)
}
