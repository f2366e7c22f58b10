//! The page of data quality, and the card on each record's page.

use askama::Template;
use serde::Serialize;
use utoipa::ToSchema;
use web::charts::Chart;
use web::{Lang, Phrase, filters};

use super::check::{Attribute, Check, Counts};
use crate::forms::Choice;

/// One attribute's figure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Figure {
    pub(crate) attribute: Attribute,
    /// How many of a hundred checks pass; `None` when none applies.
    pub(crate) percent: Option<u64>,
    #[serde(skip)]
    pub(crate) key: &'static str,
}

impl Figure {
    /// Returns the six figures of some counts.
    pub(crate) fn all(counts: &Counts) -> Vec<Self> {
        let figure = |attribute: Attribute| Self {
            attribute,
            percent: counts.percent(attribute),
            key: attribute.key(),
        };
        Attribute::ALL.map(figure).to_vec()
    }

    /// Returns the tone it is shown in: good from 90, middling from 60.
    pub(crate) const fn tone(&self) -> &'static str {
        match self.percent {
            None => "quiet",
            Some(90..) => "ok",
            Some(60..) => "warn",
            Some(_) => "bad",
        }
    }

    /// Returns the figure as text.
    pub(crate) fn text(&self) -> String {
        self.percent.map_or_else(|| "–".to_owned(), |percent| format!("{percent}%"))
    }
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Step {
    pub(crate) attribute: Attribute,
    /// What to do, in the reader's language.
    pub(crate) what: String,
    pub(crate) href: String,
    /// Records that need it.
    pub(crate) records: usize,
    #[serde(skip)]
    pub(crate) key: &'static str,
}

/// The quality of one record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Card {
    pub(crate) figures: Vec<Figure>,
    pub(crate) steps: Vec<Step>,
}

/// Returns the card of a record's checks.
pub(crate) fn card(checks: &[Check], lang: Lang) -> Card {
    let mut counts = Counts::default();
    counts.add(checks);
    let step = |check: &Check| Step {
        attribute: check.attribute,
        what: Phrase::key(check.key).text(lang),
        href: check.href.clone(),
        records: 1,
        key: check.attribute.key(),
    };
    Card {
        figures: Figure::all(&counts),
        steps: checks.iter().filter(|check| !check.passed).map(step).collect(),
    }
}

/// An agency in the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct QualityRow {
    pub(crate) agency: String,
    pub(crate) agency_name: String,
    /// Records checked.
    pub(crate) records: usize,
    pub(crate) figures: Vec<Figure>,
}

/// The page.
#[derive(Debug, Template, Serialize, ToSchema)]
#[template(path = "quality/page.html")]
pub(crate) struct QualityPage {
    /// Over everything in sight.
    pub(crate) figures: Vec<Figure>,
    /// Records checked.
    pub(crate) records: usize,
    /// What would help most, the most frequent first.
    pub(crate) steps: Vec<Step>,
    /// Agencies, the worst first.
    pub(crate) rows: Vec<QualityRow>,
    /// How it went from day to day; `None` before the second day.
    pub(crate) chart: Option<Chart>,
    #[serde(skip)]
    pub(crate) agencies: Vec<Choice>,
    #[serde(skip)]
    pub(crate) query: String,
}
