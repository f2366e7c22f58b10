//! What the law says of information systems, read from `content/law/information_systems.toml`: words
//! to choose from, criteria of the level, papers needed before operation, logs that must arrive.
//! Every entry has the days on which it holds; nothing of it stands in the code.

mod dossier;
mod level;
mod workdays;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use chrono::NaiveDate;
use serde::Deserialize;
use web::Lang;

use crate::forms::{Choice, choices};

pub use dossier::{DossierLaw, Part, Section};
pub use level::{Facts, Proposal, propose};
pub use workdays::Workdays;

const BUILTIN: &str = include_str!("../../../../content/law/information_systems.toml");

static LAW: LazyLock<Law> = LazyLock::new(|| {
    Law::read(BUILTIN).unwrap_or_else(|error| {
        tracing::error!(%error, "the law's data file cannot be read");
        Law::default()
    })
});

/// The law as data.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Law {
    /// Decrees under which a level may have been determined.
    pub regime: Vec<Regime>,
    /// Words to choose from.
    pub word: Vec<Word>,
    /// Criteria of the level.
    pub criterion: Vec<Criterion>,
    /// Papers of a system.
    pub paper: Vec<PaperKind>,
    /// Logs that must arrive.
    pub log: Vec<ExpectedLog>,
}

/// A decree under which a level may have been determined.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the file explains its fields")]
pub struct Regime {
    pub id: String,
    pub vi: String,
    pub en: String,
    pub catalogue: String,
    pub valid_from: NaiveDate,
    pub valid_to: Option<NaiveDate>,
}

/// One word of a list.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the file explains its fields")]
pub struct Word {
    pub list: String,
    pub id: String,
    pub vi: String,
    pub en: String,
    pub clause: String,
    pub valid_from: NaiveDate,
    pub valid_to: Option<NaiveDate>,
}

/// One criterion of the level.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the file explains its fields")]
pub struct Criterion {
    pub id: String,
    pub regime: String,
    pub level: event::Level,
    pub clause: String,
    pub needs: Vec<String>,
    #[serde(default)]
    pub at_least: BTreeMap<String, i64>,
    pub vi: String,
    pub en: String,
}

/// A kind of paper.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the file explains its fields")]
pub struct PaperKind {
    pub id: String,
    pub vi: String,
    pub en: String,
    pub clause: String,
    pub from_level: u8,
    pub months: u32,
    pub light: String,
    pub valid_from: NaiveDate,
    pub valid_to: Option<NaiveDate>,
}

/// A kind of log that a level asks for.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the file explains its fields")]
pub struct ExpectedLog {
    pub id: String,
    pub vi: String,
    pub en: String,
    pub from_level: u8,
    /// Parts of parser names that bring it.
    pub products: Vec<String>,
    pub valid_from: NaiveDate,
    pub valid_to: Option<NaiveDate>,
}

impl Law {
    /// Returns the law that comes with the platform.
    pub fn builtin() -> &'static Self {
        &LAW
    }

    /// Reads a law file.
    ///
    /// # Errors
    /// When it does not have the file's shape.
    pub fn read(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// Returns the words of a list that hold on a day.
    pub fn words(&self, list: &str, day: NaiveDate) -> impl Iterator<Item = &Word> {
        self.word
            .iter()
            .filter(move |word| word.list == list && holds(word.valid_from, word.valid_to, day))
    }

    /// Returns whether a list has this word, on any day: what was once chosen stays readable.
    pub fn knows(&self, list: &str, id: &str) -> bool {
        self.word.iter().any(|word| word.list == list && word.id == id)
    }

    /// Returns the words of a list as choices, in the order of the file, with the present one marked.
    pub(crate) fn choices(
        &self,
        list: &str,
        present: &str,
        (day, lang): (NaiveDate, Lang),
    ) -> Vec<Choice> {
        let words = self.words(list, day);
        let pair = |word: &Word| (word.id.clone(), told(&word.vi, &word.en, lang).to_owned());
        choices(words.map(pair), Some(present))
    }

    /// Returns a word's name.
    pub fn name<'a>(&'a self, list: &str, id: &'a str, lang: Lang) -> &'a str {
        self.word
            .iter()
            .find(|word| word.list == list && word.id == id)
            .map_or(id, |word| told(&word.vi, &word.en, lang))
    }

    /// Returns the papers needed on a day for a system of this level to go into operation.
    pub fn needed(&self, level: u8, day: NaiveDate) -> impl Iterator<Item = &PaperKind> {
        self.paper.iter().filter(move |kind| {
            kind.from_level > 0
                && kind.from_level <= level
                && holds(kind.valid_from, kind.valid_to, day)
        })
    }

    /// Returns a kind of paper.
    pub fn paper_kind(&self, id: &str) -> Option<&PaperKind> {
        self.paper.iter().find(|kind| kind.id == id)
    }

    /// Returns the regime under which a level is determined on a day: the newest that holds.
    pub fn regime_on(&self, day: NaiveDate) -> Option<&Regime> {
        self.regime
            .iter()
            .filter(|regime| holds(regime.valid_from, regime.valid_to, day))
            .max_by_key(|regime| regime.valid_from)
    }

    /// Returns the logs that a system of this level must send on a day.
    pub fn logs(&self, level: u8, day: NaiveDate) -> impl Iterator<Item = &ExpectedLog> {
        self.log
            .iter()
            .filter(move |log| log.from_level <= level && holds(log.valid_from, log.valid_to, day))
    }
}

/// Returns whether an entry holds on a day.
fn holds(from: NaiveDate, to: Option<NaiveDate>, day: NaiveDate) -> bool {
    from <= day && to.is_none_or(|to| day <= to)
}

/// Returns the words for a reader.
pub(crate) const fn told<'a>(vi: &'a str, en: &'a str, lang: Lang) -> &'a str {
    match lang {
        Lang::Vi => vi,
        Lang::En => en,
    }
}

#[cfg(test)]
mod tests;
