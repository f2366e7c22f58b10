//! Our extension of CACAO: Vietnamese words, the legal basis, the deadline, and what the platform does by
//! itself. Other programs keep it and may leave it unread; a playbook without it is a playbook all the same.
//!
//! ```text
//! playbook  name_vi  description_vi  categories: [..]
//! agent     name_vi
//! step      name_vi  description_vi  legal_basis
//!           deadline_hours  deadline_from: occurred | detected | reported | opened | started
//!           obligation: the id of a legal duty, whose own deadline counts
//!           act: search | block | notify | collect      query: the line of a search
//! ```

use serde_json::{Map, Value};

use crate::limits::{DEADLINE_HOURS_MAX, TEXT_CHARS_MAX};
use crate::parts::Reader;
use crate::read::Problem;

/// The id under which our words stand among extensions.
pub const EXTENSION: &str = "extension-definition--6f0d6a52-9a5e-4c0e-8d7b-2f6f0b9f4a11";

/// What the platform does by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Counts the events of the incident's systems that a line finds.
    Search(String),
    /// Puts the incident's observables on the list of indicators, once a second person agrees.
    Block,
    /// Tells those whom the rules name.
    Notify,
    /// Gives the task of collecting evidence, with the way to the collector.
    Collect,
}

impl Act {
    /// Returns the word of files.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Search(_) => "search",
            Self::Block => "block",
            Self::Notify => "notify",
            Self::Collect => "collect",
        }
    }
}

/// The moment that a deadline runs from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// When the incident happened.
    Occurred,
    /// When it was seen.
    Detected,
    /// When it was reported onward.
    Reported,
    /// When it was opened.
    Opened,
    /// When the run of the playbook began.
    Started,
}

impl Moment {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Occurred, Self::Detected, Self::Reported, Self::Opened, Self::Started];

    /// Returns the word of files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Occurred => "occurred",
            Self::Detected => "detected",
            Self::Reported => "reported",
            Self::Opened => "opened",
            Self::Started => "started",
        }
    }
}

/// By when a step is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadline {
    /// How long, in hours; 0 is at once.
    pub hours: u64,
    /// From when on.
    pub from: Moment,
    /// The legal duty whose own deadline counts where the incident owes it.
    pub obligation: Option<String>,
}

/// Returns our words of something, if it has any.
pub(crate) fn of<'v>(
    object: &'v Map<String, Value>,
    among: &str,
) -> Option<&'v Map<String, Value>> {
    object.get(among)?.as_object()?.get(EXTENSION)?.as_object()
}

/// Reads what the platform does by itself.
pub(crate) fn act(own: &Map<String, Value>, place: &str, reader: &mut Reader) -> Option<Act> {
    let word = reader.text(own, place, "act", TEXT_CHARS_MAX)?;
    match word.as_str() {
        "search" => {
            let query = reader.text(own, place, "query", TEXT_CHARS_MAX);
            if query.is_none() {
                reader.fault(&format!("{place}/query"), Problem::Missing("query".to_owned()));
            }
            query.map(Act::Search)
        }
        "block" => Some(Act::Block),
        "notify" => Some(Act::Notify),
        "collect" => Some(Act::Collect),
        _ => {
            reader.fault(&format!("{place}/act"), Problem::Unknown(word));
            None
        }
    }
}

/// Reads a deadline.
pub(crate) fn deadline(
    own: &Map<String, Value>,
    place: &str,
    reader: &mut Reader,
) -> Option<Deadline> {
    let hours = own.get("deadline_hours")?;
    let Some(hours) = hours.as_u64().filter(|hours| *hours <= DEADLINE_HOURS_MAX) else {
        reader.fault(&format!("{place}/deadline_hours"), Problem::Not("number"));
        return None;
    };
    let word = reader.text(own, place, "deadline_from", TEXT_CHARS_MAX);
    let known = |word: &String| Moment::ALL.into_iter().find(|moment| moment.word() == word);
    let from = word.as_ref().map_or(Some(Moment::Started), known);
    let Some(from) = from else {
        let problem = Problem::Unknown(word.unwrap_or_default());
        reader.fault(&format!("{place}/deadline_from"), problem);
        return None;
    };
    let obligation = reader.text(own, place, "obligation", TEXT_CHARS_MAX);
    Some(Deadline { hours, from, obligation })
}
