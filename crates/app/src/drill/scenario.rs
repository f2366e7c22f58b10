//! The scenario file: what is sent when, and what should be seen.

use std::time::Duration;

use serde::Deserialize;

use super::line::Template;

/// A drill as its file tells it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// A short name for the command line.
    pub id: String,
    /// What people read.
    pub title: Titles,
    /// How long the whole drill lasts, in seconds.
    pub length_s: u32,
    /// Lines of an ordinary day.
    #[serde(default)]
    pub background: Vec<Background>,
    /// What the intruder does, in order of time.
    #[serde(default, rename = "act")]
    pub acts: Vec<Act>,
    /// Sources that stop sending, to show how silence is noticed.
    #[serde(default, rename = "silence")]
    pub silences: Vec<Silence>,
    /// The answer key.
    #[serde(default, rename = "expect")]
    pub expectations: Vec<Expectation>,
}

/// One text in both languages.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Titles {
    /// Vietnamese.
    pub vi: String,
    /// English.
    pub en: String,
}

/// Ordinary lines, for every source that has the parser.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Background {
    /// The parser (folder under `sources/`) whose sources send these lines.
    pub parser: String,
    /// Lines a second from each such source; below one is fine.
    pub per_second: f64,
    /// The lines to choose from.
    pub lines: Vec<Template>,
}

/// One thing the intruder does.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Act {
    /// Seconds after the start.
    pub at_s: f64,
    /// What it is, for the person who watches.
    pub title: Titles,
    /// The log source that would have seen it (its code in the registry).
    pub source: String,
    /// The lines, sent in order, each round of `repeat`.
    pub lines: Vec<Template>,
    /// How many rounds.
    #[serde(default = "one")]
    pub repeat: u32,
    /// Milliseconds between two lines.
    #[serde(default = "default_every_ms")]
    pub every_ms: u64,
}

/// A source that stops sending.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Silence {
    /// The log source's code.
    pub source: String,
    /// Seconds after the start from which it sends nothing more.
    pub at_s: f64,
}

/// What should be seen.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// The rule's `name`.
    pub rule: String,
    /// The code of the system the alert must belong to.
    pub system: String,
    /// The alert must exist this many seconds after the drill's start.
    pub by_s: u32,
}

const fn one() -> u32 {
    1
}

const fn default_every_ms() -> u64 {
    200
}

/// Why a scenario file cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// It is no TOML of this shape; the message names line and key.
    #[error("scenario {name} cannot be read")]
    Shape {
        /// The file's name.
        name: String,
        /// What the reader says, with the place.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// It contradicts itself.
    #[error("scenario {name}: {what}")]
    Content {
        /// The file's name.
        name: String,
        /// What is wrong.
        what: String,
    },
}

impl Scenario {
    /// Reads a scenario.
    ///
    /// # Errors
    /// Names the file and the place of what cannot be read.
    pub fn parse(name: &str, text: &str) -> Result<Self, ScenarioError> {
        let scenario: Self = toml::from_str(text).map_err(|source| ScenarioError::Shape {
            name: name.to_owned(),
            source: Box::new(source),
        })?;
        scenario.check().map_err(|what| ScenarioError::Content { name: name.to_owned(), what })?;
        Ok(scenario)
    }

    fn check(&self) -> Result<(), String> {
        if let Some(act) = self.acts.iter().find(|act| act.lines.is_empty()) {
            return Err(format!("the act “{}” sends nothing", act.title.en));
        }
        if let Some(act) = self.acts.iter().find(|act| !(act.at_s >= 0.0 && act.at_s.is_finite())) {
            return Err(format!("the act “{}” has no sensible `at_s`", act.title.en));
        }
        match self.background.iter().find(|b| !(b.per_second > 0.0 && b.per_second <= 1000.0)) {
            Some(bad) => {
                Err(format!("background of {}: `per_second` must be in 0-1000", bad.parser))
            }
            None => Ok(()),
        }
    }

    /// Returns how long the drill lasts.
    pub fn length(&self) -> Duration {
        Duration::from_secs(u64::from(self.length_s))
    }
}
