//! Reading obligations from their files.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use event::{Level, Severity};
use serde::Deserialize;
use web::Lang;
use web::figures::vietnam;

use super::model::{Base, Circumstance, Moments, Obligation, Words};

/// What the platform ships.
const BUILTIN: &str = include_str!("../../../../content/obligations.toml");

/// The longest time an obligation may run: a year. A slip of the pen must not hide a deadline.
const HOURS_MAX: i64 = 366 * 24;

/// All obligations, in the order of their files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obligations {
    all: Vec<Obligation>,
    serious: Option<Presumed>,
    at_once: TimeDelta,
}

/// From which severity and level an incident counts as serious until a person has judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Presumed {
    severity: Severity,
    level: Level,
}

/// Why a file of obligations cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ObligationsError {
    /// It is no such file.
    #[error("{path} is not a file of obligations")]
    File {
        /// The file.
        path: String,
        /// Where and why.
        #[source]
        source: toml::de::Error,
    },
    /// An obligation says something impossible.
    #[error("{path}: obligation `{id}`: {what}")]
    Wrong {
        /// The file.
        path: String,
        /// The obligation.
        id: String,
        /// What is wrong.
        what: &'static str,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// How many minutes `hours = 0` stands for.
    at_once_minutes: Option<i64>,
    #[serde(default)]
    presumed: PresumedFile,
    #[serde(default)]
    obligation: Vec<ObligationFile>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PresumedFile {
    serious: Option<SeriousFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeriousFile {
    severity: String,
    level: u8,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ObligationFile {
    id: String,
    name_vi: String,
    name_en: String,
    to_vi: String,
    to_en: String,
    report: String,
    #[serde(default)]
    when: Vec<Circumstance>,
    base: Base,
    hours: i64,
    law: String,
    note_vi: Option<String>,
    note_en: Option<String>,
    from: NaiveDate,
    until: Option<NaiveDate>,
}

impl Obligations {
    /// Returns what the platform ships, with files of this installation on top: an id that stands
    /// already is replaced.
    ///
    /// # Errors
    /// Names the file, and the line or the obligation that is wrong.
    pub fn read<'a>(
        more: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, ObligationsError> {
        let mut book = Self { all: Vec::new(), serious: None, at_once: TimeDelta::zero() };
        book.add("content/obligations.toml", BUILTIN)?;
        for (path, text) in more {
            book.add(path, text)?;
        }
        Ok(book)
    }

    fn add(&mut self, path: &str, text: &str) -> Result<(), ObligationsError> {
        let file: File = toml::from_str(text)
            .map_err(|source| ObligationsError::File { path: path.to_owned(), source })?;
        let wrong = |id: &str, what| ObligationsError::Wrong {
            path: path.to_owned(),
            id: id.to_owned(),
            what,
        };
        if let Some(serious) = file.presumed.serious {
            let severity = Severity::from_word(&serious.severity);
            let (Some(severity), Some(level)) = (severity, Level::new(serious.level)) else {
                return Err(wrong("presumed.serious", "no such severity or level"));
            };
            self.serious = Some(Presumed { severity, level });
        }
        if let Some(minutes) = file.at_once_minutes {
            if !(0..=60).contains(&minutes) {
                return Err(wrong("at_once_minutes", "at once is at most an hour"));
            }
            self.at_once = TimeDelta::minutes(minutes);
        }
        for one in file.obligation {
            if !(0..=HOURS_MAX).contains(&one.hours) {
                return Err(wrong(&one.id, "hours must be between 0 and 8784"));
            }
            if one.until.is_some_and(|until| until < one.from) {
                return Err(wrong(&one.id, "it ends before it begins"));
            }
            self.all.retain(|standing| standing.id != one.id);
            self.all.push(obligation(one, self.at_once));
        }
        Ok(())
    }

    /// Returns the obligation with this id.
    pub(crate) fn get(&self, id: &str) -> Option<&Obligation> {
        self.all.iter().find(|one| one.id == id)
    }

    /// Returns what an obligation is called; one that is in no file any more is called by its id.
    pub(crate) fn name<'a>(&'a self, id: &'a str, lang: Lang) -> &'a str {
        self.get(id).map_or(id, |one| one.name.in_lang(lang))
    }

    /// Returns what an incident owes and by when, the earliest first.
    pub(crate) fn owed(
        &self,
        moments: Moments,
        circumstances: &[Circumstance],
    ) -> Vec<(&Obligation, DateTime<Utc>)> {
        let day = vietnam(moments.detected).date_naive();
        let held = self.all.iter().filter(|one| one.holds(day, circumstances));
        let mut owed: Vec<_> = held.map(|one| (one, one.due(moments))).collect();
        owed.sort_by_key(|(_, due_at)| *due_at);
        owed
    }

    /// Returns whether an incident counts as serious until a person has judged it.
    pub(crate) fn presumes_serious(&self, severity: Severity, level: Option<Level>) -> bool {
        self.serious.is_some_and(|from| {
            severity >= from.severity && level.is_some_and(|level| level >= from.level)
        })
    }
}

fn obligation(file: ObligationFile, at_once: TimeDelta) -> Obligation {
    let note = file.note_vi.map(|vi| Words { en: file.note_en.unwrap_or_else(|| vi.clone()), vi });
    Obligation {
        id: file.id,
        name: Words { vi: file.name_vi, en: file.name_en },
        to: Words { vi: file.to_vi, en: file.to_en },
        report: file.report,
        when: file.when,
        base: file.base,
        limit: if file.hours == 0 { at_once } else { TimeDelta::hours(file.hours) },
        law: file.law,
        note,
        from: file.from,
        until: file.until,
    }
}
