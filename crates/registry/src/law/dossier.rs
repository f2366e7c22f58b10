//! What the law says of level dossiers, read from `content/law/level_dossier.toml`: parts and sections,
//! clocks in working days, and what the change of law asks until when.

use std::sync::LazyLock;

use chrono::NaiveDate;
use serde::Deserialize;

use super::Workdays;

const BUILTIN: &str = include_str!("../../../../content/law/level_dossier.toml");

static DOSSIER: LazyLock<DossierLaw> = LazyLock::new(|| {
    DossierLaw::read(BUILTIN).unwrap_or_else(|error| {
        tracing::error!(%error, "the law on dossiers cannot be read");
        DossierLaw::default()
    })
});

/// The law on level dossiers, as data.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DossierLaw {
    /// Parts that an appraiser comments upon, in their order; `frame` is how documents look.
    pub part: Vec<Part>,
    /// What stands in each part.
    pub section: Vec<Section>,
    /// Limits in working days.
    pub(crate) clock: Vec<Clock>,
    /// What the change of law asks.
    pub(crate) transition: Vec<Transition>,
}

/// A part of a dossier.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the file explains its fields")]
pub struct Part {
    pub id: String,
    pub vi: String,
    pub en: String,
    pub clause: String,
}

/// A section of a part.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the file explains its fields")]
pub struct Section {
    pub id: String,
    pub part: String,
    pub vi: String,
    pub en: String,
    pub clause: String,
    pub from_level: u8,
    /// Where the register keeps what fills it.
    pub place: String,
    pub needed: bool,
}

/// A limit.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Clock {
    pub(crate) state: String,
    pub(crate) regime: String,
    pub(crate) from_level: u8,
    pub(crate) days: u32,
    pub(crate) clause: String,
}

/// A case of the change of law.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Transition {
    pub(crate) id: String,
    pub(crate) vi: String,
    pub(crate) en: String,
    pub(crate) due: NaiveDate,
    pub(crate) clause: String,
}

impl DossierLaw {
    /// Returns the law that comes with the platform.
    pub fn builtin() -> &'static Self {
        &DOSSIER
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When it does not have the file's shape.
    pub fn read(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// Returns the sections of a dossier for this level, in their order.
    pub fn sections(&self, level: u8) -> impl Iterator<Item = &Section> {
        self.section.iter().filter(move |section| section.from_level <= level)
    }

    /// Returns the parts that are judged: all but the look of documents.
    pub fn judged(&self) -> impl Iterator<Item = &Part> {
        self.part.iter().filter(|part| part.id != "frame")
    }

    /// Returns the limit that runs in a state; the one for the highest level that fits.
    pub(crate) fn clock(&self, state: &str, regime: &str, level: u8) -> Option<&Clock> {
        let fits = |clock: &&Clock| {
            clock.state == state && clock.regime == regime && clock.from_level <= level
        };
        self.clock.iter().filter(fits).max_by_key(|clock| clock.from_level)
    }

    /// Returns the last day of the limit that begins with a state on a day.
    pub fn due(
        &self,
        state: &str,
        (regime, level): (&str, u8),
        day: NaiveDate,
    ) -> Option<NaiveDate> {
        let clock = self.clock(state, regime, level)?;
        Some(Workdays::builtin().after(day, clock.days))
    }

    /// Returns a case of the change of law.
    pub(crate) fn case(&self, id: &str) -> Option<&Transition> {
        self.transition.iter().find(|case| case.id == id)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_file_is_whole_and_limits_follow_level_and_regime() {
        let law = DossierLaw::read(BUILTIN).unwrap();
        let parts: BTreeSet<&str> = law.part.iter().map(|part| part.id.as_str()).collect();
        let mut seen = BTreeSet::new();
        for section in &law.section {
            assert!(seen.insert(section.id.as_str()), "{} stands twice", section.id);
            assert!(parts.contains(section.part.as_str()), "{}", section.id);
        }
        let days = |state, regime, level| law.clock(state, regime, level).map(|clock| clock.days);
        assert_eq!(days("submitted", "nd331_2026", 1), Some(5));
        assert_eq!(days("appraising", "nd331_2026", 2), None, "no limit stands for levels 1 and 2");
        assert_eq!(days("appraising", "nd331_2026", 3), Some(15));
        assert_eq!(days("outside", "nd331_2026", 4), Some(25));
        assert_eq!(days("outside", "nd85_2016", 5), Some(30));
        assert_eq!(days("appraised", "nd331_2026", 3), Some(7));
        assert!(law.sections(3).all(|section| section.id != "threats"));
        assert!(law.sections(4).any(|section| section.id == "threats"));
        assert!(law.case("never").is_some());
    }
}
