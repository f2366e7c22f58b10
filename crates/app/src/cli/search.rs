//! `luytre search`: asks a running platform over its API, as the token's owner.
//!
//! The lake belongs to the process that writes it; asking that process shows the last second too, and
//! its scope and audit trail hold for the command line as they do for pages.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};
use event::query::parse_question;
use event::query::summary::Summary;
use event::{Attr, Event};
use serde::Deserialize;

use super::{Outcome, output};
use crate::config::Config;

/// How long the platform may stay silent.
const READ_TIMEOUT: Duration = Duration::from_mins(2);

/// The longest event line that is read: a record's limit with room for its fields.
const LINE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// What to ask.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The question, for example `src_ip:203.0.113.0/24 AND "failed password"`
    query: String,
    /// The question is a SQL SELECT over `events`, `agencies`, `systems` and `sources`
    #[arg(long, conflicts_with = "range")]
    sql: bool,
    /// How far back
    #[arg(long, default_value = "24h", value_parser = ["15m", "1h", "4h", "24h", "7d", "30d"])]
    range: String,
    /// Not before this time, instead of a range: RFC 3339, or `2026-11-22T14:05` or `2026-11-22` by
    /// Vietnam's clock
    #[arg(long, conflicts_with_all = ["range", "sql"])]
    from: Option<String>,
    /// Before this time; without it, until now
    #[arg(long, requires = "from")]
    to: Option<String>,
    /// Show at most this many events
    #[arg(long, default_value_t = 100)]
    limit: usize,
    /// How to print the events
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// API token; make one with `luytre user token`
    #[arg(long, env = "LUYTRE_TOKEN", hide_env_values = true)]
    token: String,
    /// Address of the platform; without it, the one of the configuration
    #[arg(long, value_name = "HOST:PORT")]
    address: Option<String>,
}

/// How events are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Time, host, user and message
    Table,
    /// One JSON object per event
    Jsonl,
    /// The records as they came
    Raw,
}

pub(crate) fn run(config: &Config, arguments: &Arguments) -> Result<Outcome> {
    let address = arguments.address.clone().unwrap_or_else(|| config.web.listen.to_string());
    if arguments.sql {
        return sql(&address, arguments);
    }
    let mut answer = ask(&address, &path_of(arguments), arguments)?;
    // A line that is wrong never comes so far: the platform has refused it.
    let summary = parse_question(&arguments.query).ok().and_then(|question| question.summary);
    let mut rows = Vec::new();
    let mut shown = 0_usize;
    let mut line = String::new();
    while shown < arguments.limit {
        line.clear();
        if (&mut answer.body).take(LINE_BYTES_MAX).read_line(&mut line)? == 0 {
            // One answer holds so many events; the next one goes on where it ends.
            let Some(next) = answer.next.take() else { break };
            answer = ask(&address, &format!("/api/v1{next}"), arguments)?;
            continue;
        }
        shown += 1;
        match arguments.format {
            Format::Jsonl => print!("{line}"),
            _ if summary.is_some() => rows.push(figures(&line, summary.as_ref())?),
            Format::Raw => println!("{}", event(&line)?.raw),
            Format::Table => rows.push(row(&event(&line)?)),
        }
    }
    if let Some(summary) = &summary
        && arguments.format != Format::Jsonl
    {
        output::table(&summary.columns(), &rows);
    } else if arguments.format == Format::Table {
        output::table(&["time (UTC)", "host", "user", "event"], &rows);
    }
    Ok(Outcome::Good)
}

/// The longest answer to a SQL question that is read: what the platform gives, with room for JSON.
const SQL_BYTES_MAX: u64 = 128 * 1024 * 1024;

/// Asks a SQL question and prints its rows.
fn sql(address: &str, arguments: &Arguments) -> Result<Outcome> {
    let path = format!("/api/v1/search/sql?sql={}", encoded(&arguments.query));
    let answer = get(address, &path, &arguments.token)?;
    let page: Page = serde_json::from_reader(answer.take(SQL_BYTES_MAX))?;
    let table = page.table.unwrap_or_default();
    let rows = table.rows.into_iter().take(arguments.limit);
    if arguments.format == Format::Jsonl {
        for row in rows {
            let cells = table.columns.iter().cloned().zip(row.into_iter().map(Into::into));
            println!("{}", serde_json::Value::Object(cells.collect()));
        }
    } else {
        let columns: Vec<&str> = table.columns.iter().map(String::as_str).collect();
        // As `psql` and others write it: an empty text is something else.
        let told = |cell: Option<String>| cell.unwrap_or_else(|| "NULL".to_owned());
        let rows: Vec<Vec<String>> = rows.map(|row| row.into_iter().map(told).collect()).collect();
        output::table(&columns, &rows);
    }
    Ok(Outcome::Good)
}

/// The answer to a SQL question.
#[derive(Debug, Deserialize)]
struct Page {
    table: Option<Answered>,
}

/// Its rows.
#[derive(Debug, Default, Deserialize)]
struct Answered {
    columns: Vec<String>,
    /// Nothing is a missing value.
    rows: Vec<Vec<Option<String>>>,
}

/// Returns the path of a search's events.
fn path_of(arguments: &Arguments) -> String {
    let times = match &arguments.from {
        Some(from) => {
            let to = arguments.to.as_deref().unwrap_or_default();
            format!("from={}&to={}", encoded(from), encoded(to))
        }
        None => format!("range={}", encoded(&arguments.range)),
    };
    format!("/api/v1/search/export.ndjson?{times}&q={}", encoded(&arguments.query))
}

/// Events, and the path of those that did not go into the same answer.
struct Answer {
    body: BufReader<TcpStream>,
    next: Option<String>,
}

fn ask(address: &str, path: &str, arguments: &Arguments) -> Result<Answer> {
    let (body, next) = answer(address, path, &arguments.token)?;
    Ok(Answer { body, next })
}

/// Asks a running platform for a path of its API and returns the answer's body.
pub(super) fn get(address: &str, path: &str, token: &str) -> Result<BufReader<TcpStream>> {
    Ok(answer(address, path, token)?.0)
}

/// Asks a running platform for a path of its API; returns the answer's body, and where it goes on.
fn answer(
    address: &str,
    path: &str,
    token: &str,
) -> Result<(BufReader<TcpStream>, Option<String>)> {
    let mut stream = TcpStream::connect(address)
        .with_context(|| format!("no platform answers at {address}; is `luytre serve` running?"))?;
    stream.set_read_timeout(Some(READ_TIMEOUT))?;
    // HTTP/1.0: the body ends where the connection does, without chunks to take apart.
    write!(
        stream,
        "GET {path} HTTP/1.0\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\r\n"
    )?;
    let mut answer = BufReader::new(stream);
    let (status, next) = head(&mut answer)?;
    match status {
        200 => Ok((answer, next)),
        401 => bail!("the token is not accepted; make one with `luytre user token`"),
        403 | 404 => bail!("the token's owner may not ask this"),
        other => {
            let mut body = String::new();
            answer.take(64 * 1024).read_to_string(&mut body)?;
            bail!("the platform answered {other}: {}", told(&body));
        }
    }
}

/// Reads the answer's head and returns its status, and where the answer goes on.
fn head(answer: &mut BufReader<TcpStream>) -> Result<(u16, Option<String>)> {
    const HEAD_BYTES_MAX: u64 = 64 * 1024;
    let mut lines = answer.take(HEAD_BYTES_MAX);
    let mut first = String::new();
    lines.read_line(&mut first)?;
    let status = first.split(' ').nth(1).and_then(|word| word.parse().ok());
    let (mut line, mut next) = (String::new(), None);
    loop {
        line.clear();
        if lines.read_line(&mut line)? == 0 || line.trim_end().is_empty() {
            return Ok((status.context("the answer is no HTTP")?, next));
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("luytre-next")
        {
            next = Some(value.trim().to_owned());
        }
    }
}

/// Returns what a problem document says to people.
fn told(body: &str) -> String {
    let problem: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    let text = |name: &str| problem.get(name).and_then(serde_json::Value::as_str);
    // What is wrong with the line says more than that something is.
    let fields = problem.get("fields").and_then(serde_json::Value::as_object);
    let wrong = fields.and_then(|fields| fields.values().next()?.as_str());
    wrong.or(text("error")).or(text("detail")).or(text("title")).unwrap_or(body).to_owned()
}

/// Returns a text as it may stand in a query string.
fn encoded(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            write!(out, "%{byte:02X}").unwrap_or_default();
        }
    }
    out
}

/// Returns the cells of a row of figures, in the order of the question's columns.
fn figures(line: &str, summary: Option<&Summary>) -> Result<Vec<String>> {
    let row: serde_json::Value = serde_json::from_str(line).context("reading a row of figures")?;
    let cell = |name: &str| match row.get(name) {
        None | Some(serde_json::Value::Null) => String::new(),
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(number) => number.to_string(),
    };
    let columns = summary.map(Summary::columns).unwrap_or_default();
    Ok(columns.into_iter().map(cell).collect())
}

fn event(line: &str) -> Result<Event> {
    serde_json::from_str(line).context("reading an event of the answer")
}

fn row(event: &Event) -> Vec<String> {
    let text = |attr| event.attr_text(attr).unwrap_or_default().to_owned();
    let told = event.attr_text(Attr::Message).unwrap_or(&event.raw);
    let short: String = told.chars().take(120).collect();
    vec![
        event.occurred_at.format("%Y-%m-%d %H:%M:%S").to_string(),
        text(Attr::Host),
        text(Attr::User),
        short,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_stand_in_the_order_of_the_question() {
        let question = parse_question("| stats count(), avg(x) by user").unwrap();
        let row = r#"{"avg(x)":-0.5,"count":822,"user":"an"}"#;
        assert_eq!(figures(row, question.summary.as_ref()).unwrap(), ["an", "822", "-0.5"]);
        let empty = r#"{"avg(x)":"","count":0,"user":"an"}"#;
        assert_eq!(figures(empty, question.summary.as_ref()).unwrap(), ["an", "0", ""]);
    }
}
