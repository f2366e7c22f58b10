//! How far each baseline has learned each log source: what it has seen, what it still needs, and since
//! when it speaks. Until it has learned it makes no finding, so a page must say that it is at work.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use event::SourceId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::paging::{Page, Pager};
use web::{AppError, Permission, Phrase, Query, View, Who, figures, filters};

use super::RuleCard;
use super::coverage::words;
use crate::address::Address;
use crate::alert::Choice;
use crate::desk::Desk;
use crate::file::{Format, Sheet};

/// How far a baseline has learned a log source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Learning {
    /// The baseline's id.
    pub baseline: String,
    /// The log source.
    pub source: SourceId,
    /// When the first event that it learned from happened.
    pub since: DateTime<Utc>,
    /// Events seen, and needed.
    pub events: (u64, u64),
    /// Parts of the learning time that had events, and needed.
    pub parts: (u64, u64),
    /// Length of such a part, in seconds.
    pub part_s: u64,
    /// When it had learned enough.
    pub learned_at: Option<DateTime<Utc>>,
    /// Whether the operator has left it on for this source.
    pub is_on: bool,
}

/// The states, in the order of the filter, with the key of their words.
const STATES: [(&str, &str); 3] =
    [("speaks", "baseline-speaks"), ("learns", "baseline-learns"), ("off", "baseline-off")];

impl Learning {
    const fn state(&self) -> &'static str {
        match (self.is_on, self.learned_at.is_some()) {
            (false, _) => "off",
            (true, true) => "speaks",
            (true, false) => "learns",
        }
    }

    /// Returns how far it is, in percent: the further behind of events and time.
    fn percent(&self) -> u64 {
        if self.learned_at.is_some() {
            return 100;
        }
        let share = |(have, want): (u64, u64)| {
            have.min(want).saturating_mul(100).checked_div(want).unwrap_or(100)
        };
        share(self.events).min(share(self.parts))
    }
}

/// A baseline on a log source.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BaselineRow {
    /// The baseline's id.
    pub id: String,
    /// Its title, English.
    pub title: String,
    /// Its title, Vietnamese.
    pub title_vi: Option<String>,
    /// Which logs it reads.
    pub logsource: String,
    /// The source's id.
    pub source: String,
    /// The source's name.
    pub source_name: String,
    /// `learns`, `speaks` or `off`.
    #[schema(value_type = String)]
    pub state: &'static str,
    /// How far it is, in percent.
    pub percent: u64,
    /// When the first event that it learned from happened.
    pub since: DateTime<Utc>,
    /// Events seen.
    pub events: u64,
    /// Events needed.
    pub events_wanted: u64,
    /// Parts of the learning time that had events.
    pub parts: u64,
    /// Parts needed.
    pub parts_wanted: u64,
    /// Length of a part, in seconds.
    pub part_s: u64,
    /// Since when it may make findings.
    pub learned_at: Option<DateTime<Utc>>,
}

impl BaselineRow {
    fn of(own: Learning, cards: &BTreeMap<String, RuleCard>, desk: &Desk) -> Self {
        let (state, percent) = (own.state(), own.percent());
        let card = cards.get(&own.baseline);
        Self {
            title: card.map_or_else(|| own.baseline.clone(), |card| card.title.clone()),
            title_vi: card.and_then(|card| card.title_vi.clone()),
            logsource: card.map(|card| words(&card.logsource)).unwrap_or_default(),
            source_name: desk.directory.source_name(own.source).unwrap_or_default(),
            source: own.source.to_string(),
            id: own.baseline,
            state,
            percent,
            since: own.since,
            events: own.events.0,
            events_wanted: own.events.1,
            parts: own.parts.0,
            parts_wanted: own.parts.1,
            part_s: own.part_s,
            learned_at: own.learned_at,
        }
    }

    /// Returns the key of the state's words.
    pub fn state_key(&self) -> &'static str {
        STATES.iter().find(|(own, _)| *own == self.state).map_or(STATES[0].1, |(_, key)| *key)
    }

    /// Returns how long a part is, in whole hours: learning times are days or weeks.
    pub const fn part_hours(&self) -> u64 {
        self.part_s.div_ceil(3600)
    }
}

/// How many rows have a state.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StateCount {
    /// The state in words.
    pub name: String,
    /// How many.
    pub count: u64,
    /// These in the list.
    pub href: String,
}

/// The page of baselines.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "rule/baseline.html")]
pub struct BaselinePage {
    /// Words to filter by.
    pub text: String,
    /// States to filter by.
    pub states: Vec<Choice>,
    /// How many of all have each state.
    pub counts: Vec<StateCount>,
    /// Those that fit the filter: what learns first, the least far first.
    pub rows: Vec<BaselineRow>,
    /// Where the list stands.
    pub pager: Pager,
    /// The list as a file, with this filter.
    pub export: String,
}

/// What the list is filtered by.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Filter {
    pub(super) q: String,
    pub(super) state: String,
    pub(super) page: Option<u64>,
    pub(super) rows: Option<u64>,
}

pub(super) async fn page(
    State(desk): State<Desk>,
    who: Who,
    Query(filter): Query<Filter>,
) -> View<BaselinePage> {
    View::new(shown(&desk, &who, &filter))
}

pub(super) async fn csv(
    State(desk): State<Desk>,
    who: Who,
    Query(filter): Query<Filter>,
) -> Result<Response, AppError> {
    let rows = fitting(all(&desk), &filter);
    Ok(crate::file::table("baselines", &sheet(&rows, &who), Format::Csv)?)
}

pub(super) async fn xlsx(
    State(desk): State<Desk>,
    who: Who,
    Query(filter): Query<Filter>,
) -> Result<Response, AppError> {
    let rows = fitting(all(&desk), &filter);
    Ok(crate::file::table("baselines", &sheet(&rows, &who), Format::Xlsx)?)
}

fn all(desk: &Desk) -> Vec<BaselineRow> {
    let cards = desk.rules.rules().into_iter().map(|card| (card.id.clone(), card)).collect();
    let learning = desk.rules.learning().into_iter();
    let mut rows: Vec<_> = learning.map(|own| BaselineRow::of(own, &cards, desk)).collect();
    rows.sort_by(|a, b| {
        let far = |row: &BaselineRow| (row.state != "learns", row.percent);
        far(a)
            .cmp(&far(b))
            .then_with(|| (&a.title, &a.source_name).cmp(&(&b.title, &b.source_name)))
    });
    rows
}

fn fitting(mut rows: Vec<BaselineRow>, filter: &Filter) -> Vec<BaselineRow> {
    let folded = event::fold::fold(filter.q.trim());
    rows.retain(|row| {
        let words = [&row.title, &row.source_name, &row.logsource, &row.id];
        let mut words = words.into_iter().chain(&row.title_vi);
        (filter.state.is_empty() || row.state == filter.state)
            && (folded.is_empty() || words.any(|own| event::fold::contains_folded(own, &folded)))
    });
    rows
}

pub(super) fn shown(desk: &Desk, who: &Who, filter: &Filter) -> BaselinePage {
    let rows = all(desk);
    let count = |(state, key): (&'static str, &'static str)| StateCount {
        name: Phrase::key(key).text(who.lang),
        count: rows.iter().filter(|row| row.state == state).count() as u64,
        href: Address::of("/rules/baselines").with("state", state).to_string(),
    };
    let counts = STATES.into_iter().map(count).collect();
    let states = [("", "alert-filter-any")].into_iter().chain(STATES).map(|(value, key)| Choice {
        value: value.to_owned(),
        name: Phrase::key(key).text(who.lang),
        chosen: value == filter.state,
    });
    let export = Address::of("").with("q", &filter.q).with("state", &filter.state).query();
    let rows = fitting(rows, filter);
    let page = Page { page: filter.page, rows: filter.rows };
    let (from, most) = (index(page.offset()), index(page.limit()));
    BaselinePage {
        text: filter.q.clone(),
        states: states.collect(),
        counts,
        pager: page.pager("/rules/baselines", &export, rows.len() as u64),
        rows: rows.into_iter().skip(from).take(most).collect(),
        export,
    }
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn sheet(rows: &[BaselineRow], who: &Who) -> Sheet {
    const COLUMNS: [&str; 8] = [
        "baseline-name",
        "rule-logs",
        "rule-coverage-source",
        "baseline-state",
        "baseline-progress",
        "baseline-events",
        "baseline-parts",
        "baseline-since",
    ];
    let vietnamese = who.lang == web::Lang::Vi;
    let cells = |row: &BaselineRow| {
        vec![
            row.title_vi.as_ref().filter(|_| vietnamese).unwrap_or(&row.title).clone(),
            row.logsource.clone(),
            row.source_name.clone(),
            Phrase::key(row.state_key()).text(who.lang),
            format!("{} %", row.percent),
            format!("{} / {}", row.events, row.events_wanted),
            format!("{} / {}", row.parts, row.parts_wanted),
            figures::vietnam(row.since).format("%d/%m/%Y %H:%M").to_string(),
        ]
    };
    Sheet {
        head: COLUMNS.map(|key| Phrase::key(key).text(who.lang)).to_vec(),
        rows: rows.iter().map(cells).collect(),
    }
}

#[cfg(test)]
mod tests {
    use db::testing::sqlite;
    use web::Role;
    use web::testing::{faults, who};

    use super::*;
    use crate::testing::{at, desk};

    fn learning(events: u64, parts: u64, learned: bool, is_on: bool) -> Learning {
        Learning {
            baseline: "b".to_owned(),
            source: SourceId::from_uuid(uuid::Uuid::from_u128(1)),
            since: at(0),
            events: (events, 1000),
            parts: (parts, 7),
            part_s: 86_400,
            learned_at: learned.then(|| at(5)),
            is_on,
        }
    }

    #[test]
    fn how_far_it_is_follows_what_lacks_most() {
        assert_eq!(learning(1000, 0, false, true).percent(), 0);
        assert_eq!(learning(500, 7, false, true).percent(), 50);
        assert_eq!(learning(5000, 6, false, true).percent(), 85);
        assert_eq!(learning(0, 0, true, true).percent(), 100);
        assert_eq!(learning(0, 0, true, true).state(), "speaks");
        assert_eq!(learning(0, 0, false, true).state(), "learns");
        assert_eq!(learning(0, 0, true, false).state(), "off");
    }

    #[tokio::test]
    async fn the_page_is_sound_and_its_numbers_open_their_rows() {
        let test = sqlite().await;
        let desk = desk(&test, Vec::new());
        let who = who(Role::Analyst);
        let page = shown(&desk, &who, &Filter::default());
        assert_eq!(faults(&page), Vec::<String>::new());
        let counts: Vec<u64> = page.counts.iter().map(|one| one.count).collect();
        assert_eq!((page.rows.len(), counts), (3, vec![1, 1, 1]));
        assert_eq!(page.rows[0].state, "learns", "what still learns stands first");
        for (state, _) in STATES {
            let filter = Filter { state: state.to_owned(), ..Filter::default() };
            let page = shown(&desk, &who, &filter);
            assert!(page.rows.iter().all(|row| row.state == state) && page.rows.len() == 1);
            assert_eq!(sheet(&page.rows, &who).rows.len(), 1);
        }
        let none = Filter { q: "khong co".to_owned(), ..Filter::default() };
        let page = shown(&desk, &who, &none);
        assert_eq!(faults(&page), Vec::<String>::new());
        assert!(page.rows.is_empty());
    }
}
