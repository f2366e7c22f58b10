//! What the columns of a table are called, and what that makes them.

use std::collections::BTreeSet;

/// What becomes of a column's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    /// Times, in whatever way people write them.
    Time,
    /// The record itself as a JSON object; the other columns were taken out of it.
    Object,
    /// What another column says too.
    Passed,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
}

/// The columns of Windows Event Viewer's *Save as CSV*, whose language is that of the machine; the message has no
/// name there.
const EVENT_VIEWER: [&str; 6] =
    ["LevelDisplayName", "EventTime", "ProviderName", "EventID", "TaskDisplayName", "Message"];

/// The English names that Event Viewer gives to columns, also to those that people add.
const EVENT_VIEWER_NAMES: &[(&str, &str)] = &[
    ("Level", "LevelDisplayName"),
    ("Date and Time", "EventTime"),
    ("Source", "ProviderName"),
    ("Event ID", "EventID"),
    ("Task Category", "TaskDisplayName"),
    ("Keywords", "KeywordsDisplayNames"),
    ("Operational Code", "OpcodeDisplayName"),
    ("Log", "Channel"),
    ("Computer", "Computer"),
    ("User", "Security_UserID"),
    ("Process ID", "Execution_ProcessID"),
    ("Thread ID", "Execution_ThreadID"),
    ("", "Message"),
];

/// Names of columns that hold times, in small letters and without what is no letter or number.
const TIMES: &[&str] = &[
    "time",
    "timestamp",
    "date",
    "datetime",
    "dateandtime",
    "timecreated",
    "timegenerated",
    "utctime",
    "eventtime",
    "systemtime",
    "creationdate",
    "creationtime",
    "createddatetime",
    "activitydatetime",
    "dateutc",
    "logtime",
    "eventdate",
    "occurredat",
    "receivetime",
    "ts",
    "starttime",
    "thờigian",
    "ngàygiờ",
    "ngàyvàgiờ",
];

/// Those among them that the decoder knows as they are.
const TIMES_KNOWN: &[&str] = &[
    "@timestamp",
    "timestamp",
    "time",
    "ts",
    "eventTime",
    "event_time",
    "EventTime",
    "datetime",
    "date",
    "TimeCreated",
    "TimeGenerated",
    "time_generated",
    "Timestamp",
    "_time",
    "UtcTime",
];

/// The longest name of a column, in bytes.
const NAME_BYTES_MAX: usize = 128;

/// Most blanks in a name: what has more is a sentence.
const BLANKS_MAX: usize = 6;

/// Fewest columns of a table: a line of text with one comma is none.
const COLUMNS_MIN: usize = 3;

/// Returns the columns that a first row names, if it names columns: all of them look like names, and one is
/// that of a time. The row that follows tells Event Viewer's table in any language.
pub(super) fn columns(names: &[String], next: &[String]) -> Option<Vec<Column>> {
    let is_last_unnamed = names.len() > COLUMNS_MIN && names.last().is_some_and(String::is_empty);
    let named = names.len().saturating_sub(usize::from(is_last_unnamed));
    if named < COLUMNS_MIN || !names.iter().take(named).all(|name| is_name(name)) {
        return None;
    }
    let is_event_viewer = |names: &[String]| {
        ["Event ID", "Date and Time"].iter().all(|own| names.iter().any(|name| name.trim() == *own))
    };
    let columns = if is_event_viewer(names) {
        let message = (!is_last_unnamed).then(String::new);
        names.iter().chain(&message).map(|name| Column::of(&english(name.trim()))).collect()
    } else if is_shaped_like_event_viewer(names, next) {
        EVENT_VIEWER.iter().map(|name| Column::of(name)).collect()
    } else {
        let has = |own: &str| names.iter().any(|name| name.trim() == own);
        // `Get-WinEvent` writes the machine's own time, others that of UTC.
        let is_local = has("LogName") && has("ProviderName");
        // Timeline Explorer puts blanks into the names of `EvtxECmd`.
        let is_parted = has("Time Created") && has("Event Id") && has("Payload");
        let column = |name: &String| match name.trim() {
            "TimeCreated" if is_local => Column::of("EventTime"),
            name if is_parted => Column::of(&name.replace(' ', "")),
            name => Column::of(name),
        };
        names.iter().map(column).collect()
    };
    let columns = with_known_time(columns);
    columns.iter().any(|column| column.kind == Kind::Time).then(|| apart(columns))
}

impl Column {
    fn of(name: &str) -> Self {
        // Log Analytics.
        let name = name.strip_suffix(" [UTC]").unwrap_or(name);
        let kind = if name.starts_with("__mv_") {
            // Splunk's lists.
            Kind::Passed
        } else if name == "AuditData" {
            // Purview's audit of Microsoft 365.
            Kind::Object
        } else if is_time(name) {
            Kind::Time
        } else {
            Kind::Plain
        };
        Self { name: name.to_owned(), kind }
    }
}

fn is_name(name: &str) -> bool {
    /// A colon stands in a line of syslog: in its time, and behind its program.
    const ODD: &str = "{}<>=\"|\\:";
    let name = name.trim();
    let is_odd = |c: char| c.is_control() || ODD.contains(c);
    name.len() <= NAME_BYTES_MAX
        && name.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '@' | '#'))
        && !name.contains(is_odd)
        && name.matches(' ').count() <= BLANKS_MAX
}

fn is_time(name: &str) -> bool {
    let letters = name.chars().filter(|c| c.is_alphanumeric());
    let plain: String = letters.flat_map(char::to_lowercase).collect();
    TIMES.contains(&plain.as_str())
}

/// Five names, six values, of which the fourth is the number of an event.
fn is_shaped_like_event_viewer(names: &[String], next: &[String]) -> bool {
    names.len() == 5
        && next.len() == 6
        && next.get(3).is_some_and(|number| number.parse::<u16>().is_ok())
}

fn english(name: &str) -> String {
    let own = EVENT_VIEWER_NAMES.iter().find(|(shown, _)| *shown == name);
    own.map_or(name, |(_, own)| *own).to_owned()
}

/// Gives the first time a name that the decoder knows, if none has one.
fn with_known_time(mut columns: Vec<Column>) -> Vec<Column> {
    let is_known = |column: &Column| TIMES_KNOWN.contains(&column.name.as_str());
    if !columns.iter().any(is_known)
        && let Some(column) = columns.iter_mut().find(|column| column.kind == Kind::Time)
    {
        "@timestamp".clone_into(&mut column.name);
    }
    columns
}

/// Tells columns of the same name apart, and names those without.
fn apart(columns: Vec<Column>) -> Vec<Column> {
    let mut seen = BTreeSet::new();
    let numbered = columns.into_iter().zip(1..).map(|(column, number): (Column, usize)| {
        if !column.name.is_empty() && seen.insert(column.name.clone()) {
            return column;
        }
        Column { name: unnamed(number), ..column }
    });
    numbered.collect()
}

/// Returns what a column without a name of its own is called, by its place from 1.
pub(super) fn unnamed(number: usize) -> String {
    format!("column_{number}")
}
