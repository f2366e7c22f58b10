//! Obligations, the circumstances that make them due, and how a deadline stands.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use event::IncidentId;
use serde::Deserialize;
use web::Lang;

/// Something about an incident that the law asks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Circumstance {
    /// A serious incident (left to a later text by NĐ 331/2026 Điều 28.6: presumed by severity and level).
    Serious,
    /// Signs of harm to national security or social order.
    Security,
    /// The system is seriously disrupted.
    Disruption,
    /// Personal data leaked or were lost.
    PersonalData,
    /// Location or biometric data, or sensitive financial data, among them.
    SensitiveData,
}

impl Circumstance {
    /// All of them, in the order of the form.
    pub(crate) const ALL: [Self; 5] =
        [Self::Serious, Self::Security, Self::Disruption, Self::PersonalData, Self::SensitiveData];

    /// Returns the word used in columns, forms and translation keys.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Serious => "serious",
            Self::Security => "security",
            Self::Disruption => "disruption",
            Self::PersonalData => "personal-data",
            Self::SensitiveData => "sensitive-data",
        }
    }

    /// Returns the language key of its name.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Serious => "obligation-circumstance-serious",
            Self::Security => "obligation-circumstance-security",
            Self::Disruption => "obligation-circumstance-disruption",
            Self::PersonalData => "obligation-circumstance-personal-data",
            Self::SensitiveData => "obligation-circumstance-sensitive-data",
        }
    }

    /// Returns the circumstance that a word names.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }
}

/// The moment that a time runs from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Base {
    /// When it happened; when that is unknown, when it was detected.
    Occurred,
    /// When it was detected.
    Detected,
}

/// Words in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Words {
    /// Vietnamese.
    pub vi: String,
    /// English.
    pub en: String,
}

impl Words {
    /// Returns the words for a reader.
    pub(crate) fn in_lang(&self, lang: Lang) -> &str {
        match lang {
            Lang::Vi => &self.vi,
            Lang::En => &self.en,
        }
    }
}

/// Who must be told what, by when, under which law.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Obligation {
    /// Its stable id.
    pub id: String,
    /// What must be told.
    pub name: Words,
    /// Who must be told.
    pub to: Words,
    /// The kind of report that fulfils it.
    pub report: String,
    /// Any of these makes it due; none: every incident does.
    pub when: Vec<Circumstance>,
    /// Where its time begins.
    pub base: Base,
    /// How long it runs.
    pub limit: TimeDelta,
    /// Document, article, clause.
    pub law: String,
    /// What to know about it.
    pub note: Option<Words>,
    /// The first day (Vietnam's clock) of detection for which it holds.
    pub from: NaiveDate,
    /// The last day for which it holds.
    pub until: Option<NaiveDate>,
}

/// The moments of an incident that times run from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moments {
    /// When it happened, as far as known.
    pub occurred: Option<DateTime<Utc>>,
    /// When it was detected.
    pub detected: DateTime<Utc>,
}

impl Obligation {
    /// Returns whether an incident of that day and these circumstances owes it.
    pub(crate) fn holds(&self, day: NaiveDate, circumstances: &[Circumstance]) -> bool {
        let in_force = self.from <= day && self.until.is_none_or(|until| day <= until);
        let asked = self.when.is_empty() || self.when.iter().any(|one| circumstances.contains(one));
        in_force && asked
    }

    /// Returns when it is due.
    pub(crate) fn due(&self, moments: Moments) -> DateTime<Utc> {
        let base = match self.base {
            Base::Occurred => moments.occurred.unwrap_or(moments.detected),
            Base::Detected => moments.detected,
        };
        base + self.limit
    }
}

/// What an incident owes, and whether it was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Deadline {
    /// The incident.
    pub incident: IncidentId,
    /// The obligation's id.
    pub obligation: String,
    /// By when.
    pub due_at: DateTime<Utc>,
    /// What was done about it.
    pub fulfilled: Option<Fulfilment>,
    /// How far people have been reminded.
    pub reminded: Stage,
}

/// That someone was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fulfilment {
    /// When.
    pub at: DateTime<Utc>,
    /// By which document, call or message.
    pub reference: String,
    /// Who says so.
    pub by: String,
}

/// How near a deadline is, in the steps at which people are reminded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// More than four hours are left.
    Far,
    /// At most four hours are left.
    Near,
    /// At most one hour is left.
    Close,
    /// It is over.
    Over,
}

impl Stage {
    /// The stages at which people are reminded, the last one first.
    pub(crate) const TOLD: [Self; 3] = [Self::Over, Self::Close, Self::Near];

    /// Returns how long before a deadline the stage begins.
    pub(crate) const fn ahead(self) -> TimeDelta {
        match self {
            Self::Far => TimeDelta::MAX,
            Self::Near => TimeDelta::hours(4),
            Self::Close => TimeDelta::hours(1),
            Self::Over => TimeDelta::zero(),
        }
    }

    /// Returns the number stored.
    pub(crate) const fn number(self) -> i16 {
        match self {
            Self::Far => 0,
            Self::Near => 1,
            Self::Close => 2,
            Self::Over => 3,
        }
    }

    /// Returns the stage that a stored number names.
    pub(crate) fn from_number(number: i16) -> Option<Self> {
        [Self::Far, Self::Near, Self::Close, Self::Over]
            .into_iter()
            .find(|stage| stage.number() == number)
    }

    /// Returns the word used in timelines and translation keys.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Far => "far",
            Self::Near => "near",
            Self::Close => "close",
            Self::Over => "over",
        }
    }
}

/// How a deadline came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing was done, and there is time.
    Running,
    /// Nothing was done, and the time is over.
    Overdue,
    /// It was done in time.
    InTime,
    /// It was detected only when the time was over already: nobody could have been in time.
    DetectedLate,
    /// It could have been done in time and was not.
    ReportedLate,
}

impl Outcome {
    /// Returns how a deadline stands. Late is told apart: a time that ran out before anyone knew is a
    /// matter of detection, the rest a matter of reporting.
    pub(crate) fn of(deadline: &Deadline, detected: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        match &deadline.fulfilled {
            Some(done) if done.at <= deadline.due_at => Self::InTime,
            Some(_) if deadline.due_at < detected => Self::DetectedLate,
            Some(_) => Self::ReportedLate,
            None if now <= deadline.due_at => Self::Running,
            None => Self::Overdue,
        }
    }

    /// Returns the word used in views and translation keys.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Overdue => "overdue",
            Self::InTime => "in-time",
            Self::DetectedLate => "detected-late",
            Self::ReportedLate => "reported-late",
        }
    }
}

/// How exactly the moment of occurrence is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Precision {
    /// To the minute.
    Minute,
    /// To the hour.
    Hour,
    /// To the day.
    Day,
}

impl Precision {
    /// All of them, the finest first.
    pub(crate) const ALL: [Self; 3] = [Self::Minute, Self::Hour, Self::Day];

    /// Returns the word used in columns, forms and translation keys.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    /// Returns the precision that a word names.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }
}

/// Which moment of an incident someone moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// When it happened.
    Occurred,
    /// When it was detected.
    Detected,
}

impl Which {
    /// Returns the word used in columns and forms.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Occurred => "occurred",
            Self::Detected => "detected",
        }
    }

    /// Returns the moment that a word names.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        [Self::Occurred, Self::Detected].into_iter().find(|one| one.word() == word)
    }
}

/// That someone moved a moment: the old value stays, with who and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moved {
    /// Which moment.
    pub which: Which,
    /// What it was.
    pub before: Option<DateTime<Utc>>,
    /// What it is.
    pub after: DateTime<Utc>,
    /// How exactly it is known.
    pub precision: Precision,
    /// From what it is known.
    pub source: String,
    /// Why it was moved.
    pub reason: String,
    /// Who moved it.
    pub by: String,
    /// When.
    pub made_at: DateTime<Utc>,
}
