//! What the page of statistics shows.

use askama::Template;
use chrono::TimeDelta;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;
use web::charts::Chart;
use web::{Lang, Phrase, figures, filters};

use super::measure::{Figures, Group, Spread};
use crate::alert::Choice;
use crate::directory::Directory;

/// How long something took: half of the incidents at most the median, nine of ten at most `p90`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct SpreadView {
    /// Seconds.
    #[serde(serialize_with = "seconds", rename = "median_s")]
    #[schema(value_type = i64)]
    pub median: TimeDelta,
    /// Seconds.
    #[serde(serialize_with = "seconds", rename = "p90_s")]
    #[schema(value_type = i64)]
    pub p90: TimeDelta,
    /// How many incidents were measured.
    pub count: usize,
}

fn seconds<S: Serializer>(length: &TimeDelta, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(length.num_seconds())
}

impl From<Spread> for SpreadView {
    fn from(spread: Spread) -> Self {
        Self { median: spread.median, p90: spread.p90, count: spread.count }
    }
}

/// The figures of a group.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StatisticsRow {
    /// What its incidents share, in the reader's language; empty for all of them.
    pub name: String,
    /// Its incidents in the list, where the list has that filter.
    pub href: Option<String>,
    /// Incidents.
    pub incidents: u64,
    /// Of these, those not closed.
    pub open: u64,
    /// From when it happened to when it was seen.
    pub detect: Option<SpreadView>,
    /// From when it was seen to when a person opened it.
    pub acknowledge: Option<SpreadView>,
    /// From when it was seen to when it spread no further.
    pub contain: Option<SpreadView>,
    /// From when it was seen to when it was closed.
    pub recover: Option<SpreadView>,
    /// Legal clocks met.
    pub met: u64,
    /// Legal clocks missed.
    pub missed: u64,
    /// Legal clocks still running.
    pub running: u64,
}

impl StatisticsRow {
    pub(super) fn of(
        (group, figures): (Group, Figures),
        directory: &dyn Directory,
        lang: Lang,
    ) -> Self {
        let (name, href) = match group {
            Group::Month(year, month) => (format!("{month:02}/{year}"), None),
            Group::Agency(id) => {
                let name = directory.agency(id).map(|card| card.name).unwrap_or_default();
                (name, Some(format!("/incidents?agency={id}")))
            }
            Group::Severity(std::cmp::Reverse(severity)) => (
                Phrase::key(filters::severity_key(severity)).text(lang),
                Some(format!("/incidents?severity={}", severity.word())),
            ),
            Group::All => (String::new(), Some("/incidents".to_owned())),
        };
        Self {
            name,
            href,
            incidents: figures.incidents,
            open: figures.open,
            detect: figures.detect.map(Into::into),
            acknowledge: figures.acknowledge.map(Into::into),
            contain: figures.contain.map(Into::into),
            recover: figures.recover.map(Into::into),
            met: figures.clocks.met,
            missed: figures.clocks.missed,
            running: figures.clocks.running,
        }
    }

    /// Returns the row as cells of a spreadsheet.
    pub(super) fn cells(&self, lang: Lang) -> Vec<String> {
        let mut cells = vec![self.name.clone(), self.incidents.to_string(), self.open.to_string()];
        for spread in [self.detect, self.acknowledge, self.contain, self.recover] {
            let text = |length| figures::duration(length, lang);
            cells.push(spread.map(|one| text(one.median)).unwrap_or_default());
            cells.push(spread.map(|one| text(one.p90)).unwrap_or_default());
        }
        cells.extend([self.met, self.missed, self.running].map(|count| count.to_string()));
        cells
    }
}

/// The page of statistics.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "statistics/page.html")]
pub struct StatisticsPage {
    /// The first day, `2026-01-01`.
    pub from: String,
    /// The last day.
    pub to: String,
    /// By what incidents are put together.
    pub by: Vec<Choice>,
    /// The groups.
    pub rows: Vec<StatisticsRow>,
    /// All incidents of the period.
    pub all: StatisticsRow,
    /// Incidents by group.
    pub chart: Chart,
    /// Where the same is had as a spreadsheet.
    pub export: String,
}
