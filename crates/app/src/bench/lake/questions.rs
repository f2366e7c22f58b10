//! The questions, each asked the way a page asks it and, where that is another way, by SQL.

use std::collections::HashMap;
use std::time::Instant;

use anyhow::{Context as _, Result};
use chrono::{DateTime, NaiveDateTime, TimeDelta};
use event::Scope;
use event::lake::{LakeReader as _, Search, Table};
use event::query::summary::{Cell, Summarised};
use event::query::{Query, parse_question};
use lake::Lake;
use serde::Serialize;

use super::truth::{BAR_US, Truth, Wanted, are_top};

/// Values that a question for the most frequent ones gives.
const TOP: usize = 20;

/// Events on a page of the search.
const PAGE: u32 = 100;

/// What one question cost.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    /// What was asked.
    pub(super) work: &'static str,
    /// How: `page`, `stats` (the query language) or `sql`.
    pub(super) way: &'static str,
    /// The median, in milliseconds.
    pub(super) ms: f64,
    /// Whether it is what a plain count says.
    pub(super) right: bool,
}

/// Asks everything.
///
/// # Errors
///
/// When the lake cannot answer.
pub(super) async fn ask(
    lake: &Lake,
    truth: &Truth,
    wanted: &Wanted,
    repeat: u32,
) -> Result<Vec<Answer>> {
    let asker = Asker { lake, truth, repeat, scope: Scope::platform() };
    let mut answers = Vec::new();
    asker.needles(wanted, &mut answers).await?;
    asker.day(wanted, &mut answers).await?;
    asker.all(&mut answers).await?;
    Ok(answers)
}

struct Asker<'a> {
    lake: &'a Lake,
    truth: &'a Truth,
    repeat: u32,
    scope: Scope,
}

/// Measures a question: the first time warms up, then the median of the others counts.
macro_rules! timed {
    ($asker:expr, $ask:expr) => {{
        let mut answer = $ask;
        let mut seconds = Vec::new();
        for _ in 0..$asker.repeat {
            let started = Instant::now();
            answer = $ask;
            seconds.push(started.elapsed().as_secs_f64());
        }
        (answer, crate::bench::median(seconds) * 1000.0)
    }};
}

impl Asker<'_> {
    fn search(&self, line: &str, of_day: bool) -> Result<Search> {
        let query = parse_question(line).map_err(|error| anyhow::anyhow!("{error:?}"))?.query;
        Ok(self.over(query, of_day))
    }

    fn over(&self, query: Query, of_day: bool) -> Search {
        let day = self.truth.day.and_time(chrono::NaiveTime::MIN).and_utc();
        let (from, to) = if of_day {
            (day, day + TimeDelta::days(1))
        } else {
            // All that a bench holds; a chart by the hour allows no more.
            (day - TimeDelta::days(60), day + TimeDelta::days(60))
        };
        Search { query, from, to, limit: PAGE, after: None }
    }

    async fn sql(&self, work: &'static str, sql: &str) -> Result<(Table, f64)> {
        let (table, ms) = timed!(self, self.lake.sql(&self.scope, sql).await.context(work)?);
        Ok((table, ms))
    }

    async fn stats(&self, line: &str, of_day: bool) -> Result<(Summarised, f64)> {
        let question = parse_question(line).map_err(|error| anyhow::anyhow!("{error:?}"))?;
        let search = self.over(question.query, of_day);
        let summary = question.summary.context("a summary")?;
        let asked = timed!(self, self.lake.summarise(&self.scope, &search, &summary).await?);
        Ok(asked)
    }

    async fn needles(&self, wanted: &Wanted, answers: &mut Vec<Answer>) -> Result<()> {
        let quoted = |text: &str| text.replace('\'', "''");
        let word: fn(&str) -> String = |text| format!("has_token(raw, '{text}')");
        let part: fn(&str) -> String = |text| format!("raw ILIKE '%{text}%'");
        let any = format!("*{}*", wanted.part);
        for (work, line, text, by_sql, count) in [
            ("a rare word, all", &wanted.word, &wanted.word, word, self.truth.words),
            ("a part of a word, all", &any, &wanted.part, part, self.truth.parts),
        ] {
            let search = self.search(line, false)?;
            let (found, ms) = timed!(self, self.lake.search(&self.scope, &search).await?);
            let right = u64::try_from(found.events.len())? == count.min(u64::from(PAGE));
            answers.push(Answer { work, way: "page", ms, right });
            let sql = format!("SELECT count(*) FROM events WHERE {}", by_sql(&quoted(text)));
            let (table, ms) = self.sql(work, &sql).await?;
            let right = cell(&table, 0, 0) == count.to_string();
            answers.push(Answer { work, way: "sql", ms, right });
        }
        Ok(())
    }

    async fn day(&self, wanted: &Wanted, answers: &mut Vec<Answer>) -> Result<()> {
        let Self { truth, .. } = self;
        let work = "10-minute histogram, two filters, a day";
        let filter = format!("action:\"{}\" protocol:\"{}\"", wanted.action, wanted.protocol);
        let search = self.search(&filter, true)?;
        let (bars, ms) = timed!(self, self.lake.histogram(&self.scope, &search, 144).await?);
        let bars: HashMap<i64, u64> = bars
            .iter()
            .filter(|bar| bar.count > 0)
            .map(|bar| (bar.from.timestamp_micros(), bar.count))
            .collect();
        answers.push(Answer { work, way: "page", ms, right: bars == truth.bars });
        let (from, to) = (search.from.to_rfc3339(), search.to.to_rfc3339());
        let of_day = format!("occurred_at >= '{from}' AND occurred_at < '{to}'");
        let sql = format!(
            "SELECT date_bin(INTERVAL '10 minutes', occurred_at), count(*) FROM events WHERE {of_day} \
             AND action = '{}' AND protocol = '{}' GROUP BY 1",
            wanted.action, wanted.protocol
        );
        let (table, ms) = self.sql(work, &sql).await?;
        let bars = (0..table.rows.len()).map(|row| {
            let start = time_us(cell(&table, row, 0)).map(|us| us.div_euclid(BAR_US) * BAR_US);
            Ok((start?, cell(&table, row, 1).parse()?))
        });
        let bars: HashMap<i64, u64> = bars.collect::<Result<_>>()?;
        answers.push(Answer { work, way: "sql", ms, right: bars == truth.bars });
        let work = "top 20 sources and their sum, a day";
        let sql = format!(
            "SELECT src_ip, count(*), coalesce(sum(bytes_out), 0) FROM events WHERE {of_day} \
             AND src_ip IS NOT NULL GROUP BY src_ip ORDER BY 2 DESC LIMIT {TOP}"
        );
        let (table, ms) = self.sql(work, &sql).await?;
        let given = (0..table.rows.len()).map(|row| {
            let figures = (cell(&table, row, 1).parse()?, cell(&table, row, 2).parse()?);
            Ok((cell(&table, row, 0).to_owned(), figures))
        });
        let given: Vec<(String, (u64, i64))> = given.collect::<Result<_>>()?;
        let right = are_top(&given, &truth.sources, TOP, |(count, _)| count);
        answers.push(Answer { work, way: "sql", ms, right });
        Ok(())
    }

    async fn all(&self, answers: &mut Vec<Answer>) -> Result<()> {
        let Self { truth, .. } = self;
        let work = "top 20 users, all";
        let search = self.search("", false)?;
        let limit = u32::try_from(TOP)?;
        let (top, ms) = timed!(self, self.lake.top(&self.scope, &search, "user", limit).await?);
        let given: Vec<(String, u64)> =
            top.into_iter().map(|value| (value.value, value.count)).collect();
        let right = are_top(&given, &truth.users, TOP, |count| count);
        answers.push(Answer { work, way: "page", ms, right });
        let sql = format!(
            "SELECT \"user\", count(*) FROM events WHERE \"user\" IS NOT NULL GROUP BY 1 \
             ORDER BY 2 DESC LIMIT {TOP}"
        );
        let (table, ms) = self.sql(work, &sql).await?;
        let given = (0..table.rows.len())
            .map(|row| Ok((cell(&table, row, 0).to_owned(), cell(&table, row, 1).parse()?)));
        let given: Vec<(String, u64)> = given.collect::<Result<_>>()?;
        let right = are_top(&given, &truth.users, TOP, |count| count);
        answers.push(Answer { work, way: "sql", ms, right });
        let work = "hour and product, all";
        let (rows, ms) =
            self.stats("| timechart span=1h count() by logsource.product", false).await?;
        let right = !rows.cut && hours_of(&rows) == truth.hours;
        answers.push(Answer { work, way: "stats", ms, right });
        let sql = "SELECT date_trunc('hour', occurred_at), log_product, count(*) FROM events GROUP BY 1, 2";
        let (table, ms) = self.sql(work, sql).await?;
        let hours = (0..table.rows.len()).map(|row| {
            let key = (time_us(cell(&table, row, 0))?, cell(&table, row, 1).to_owned());
            Ok((key, cell(&table, row, 2).parse()?))
        });
        let hours: HashMap<(i64, String), u64> = hours.collect::<Result<_>>()?;
        answers.push(Answer { work, way: "sql", ms, right: hours == truth.hours });
        Ok(())
    }
}

fn hours_of(rows: &Summarised) -> HashMap<(i64, String), u64> {
    let mut hours = HashMap::new();
    for row in &rows.rows {
        if let [Cell::Time(at), Cell::Text(product), Cell::Number(count)] = row.as_slice()
            && *count > 0.0
        {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a count of events, far below 2^52"
            )]
            hours.insert((at.timestamp_micros(), product.clone()), *count as u64);
        }
    }
    hours
}

fn cell(table: &Table, row: usize, column: usize) -> &str {
    let cell = table.rows.get(row).and_then(|row| row.get(column));
    cell.and_then(event::lake::TableCell::text).unwrap_or_default()
}

/// Reads a time as an answer shows it, with or without a zone.
fn time_us(text: &str) -> Result<i64> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.timestamp_micros());
    }
    let plain: NaiveDateTime = text.parse().with_context(|| format!("the time {text}"))?;
    Ok(plain.and_utc().timestamp_micros())
}
