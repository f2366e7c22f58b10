//! What the pages of saved searches show.

use askama::Template;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use web::paging::Pager;
use web::{Permission, Phrase, Who, filters};

use super::model::{EVERY_MIN, Plan, Run, Saved, Share};
use crate::address::Address;
use crate::alert::Choice;
use crate::desk::Desk;
use crate::search::SPANS;

/// One saved search in the list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SavedRow {
    /// Its id.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub about: String,
    /// The query line.
    pub line: String,
    /// The search with it.
    pub href: String,
    /// Whose it is.
    pub owner: String,
    /// Whether it is the reader's own.
    pub is_own: bool,
    /// `own`, `agency` or `all`.
    pub share: &'static str,
    /// The agency it is shared with.
    pub agency: String,
    /// How long its windows are, in minutes; 0 does not run by itself.
    pub every_min: i64,
    /// Above how many an alert is raised.
    pub above: u64,
    /// How bad the alert is.
    pub severity: &'static str,
    /// When it was last changed.
    pub changed_at: DateTime<Utc>,
}

impl SavedRow {
    /// Returns it as a row for this reader.
    pub(super) fn of(saved: &Saved, desk: &Desk, who: &Who) -> Self {
        let agency = match saved.share {
            Share::Agency(agency) => desk.directory.agency(agency).map(|card| card.name),
            Share::Own | Share::All => None,
        };
        let plan = saved.plan;
        Self {
            id: saved.id.to_string(),
            name: saved.name.clone(),
            about: saved.about.clone(),
            href: address(saved).to_string(),
            line: saved.line.clone(),
            owner: desk.directory.person_name(saved.owner).unwrap_or_default(),
            is_own: saved.owner == who.account,
            share: saved.share.word(),
            agency: agency.unwrap_or_default(),
            every_min: plan.map_or(0, |plan| plan.every.num_minutes()),
            above: plan.map_or(0, |plan| plan.above),
            severity: plan.map_or("", |plan| plan.severity.word()),
            changed_at: saved.changed_at,
        }
    }

    /// Returns the key of the words for who finds it.
    fn share_key(&self) -> &'static str {
        match self.share {
            "agency" => "saved-share-agency",
            "all" => "saved-share-all",
            _ => "saved-share-own",
        }
    }

    /// Returns the key of the words for how often it runs.
    fn every_key(&self) -> &'static str {
        every_key(self.every_min)
    }
}

const fn every_key(minutes: i64) -> &'static str {
    match minutes {
        1 => "saved-every-1m",
        5 => "saved-every-5m",
        15 => "saved-every-15m",
        60 => "saved-every-1h",
        360 => "saved-every-6h",
        1440 => "saved-every-1d",
        _ => "saved-every-never",
    }
}

fn address(saved: &Saved) -> Address {
    let line = if saved.line.trim().is_empty() { "*" } else { &saved.line };
    Address::of("/search").with("q", line).with("range", &saved.span)
}

/// The list of saved searches.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "saved/list.html")]
pub struct SavedList {
    /// The rows, by name.
    pub searches: Vec<SavedRow>,
    /// Where the list stands.
    pub pager: Pager,
}

/// What came of one window.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RunRow {
    /// The window's beginning.
    pub from: DateTime<Utc>,
    /// The first moment after it.
    pub to: DateTime<Utc>,
    /// When it was asked about.
    pub ran_at: DateTime<Utc>,
    /// Events, or rows that the stages left.
    pub hits: u64,
    /// Whether it raised an alert.
    pub raised: bool,
    /// How long after its time it ran, in seconds.
    pub late_s: i64,
    /// The text key of why it was not asked at all, or only in part; empty if all was.
    pub skipped_key: String,
    /// The search for what it found.
    pub href: String,
}

/// Days before a window in which its events may have happened, for the link: older ones are counted
/// and can be searched for.
const LINK_DAYS: i64 = 30;

/// Days after a window, for the link: so far the clocks of senders may be ahead.
const AHEAD_DAYS: i64 = 1;

/// A run is late for its readers from here on.
const LATE_SHOWN_S: i64 = 120;

impl RunRow {
    /// Returns it as a row.
    pub(super) fn of(run: &Run, saved: &Saved) -> Self {
        let text = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        let length = event::query::parse_question(&saved.line)
            .map_or(usize::MAX, |question| question.filter_length);
        let filter: String = saved.line.chars().take(length).collect();
        let stages: String = saved.line.chars().skip(length).collect();
        let filter = match filter.trim() {
            "" | "*" => String::new(),
            filter => format!("({filter}) "),
        };
        let (from, to) = (text(run.from), text(run.to));
        let line = format!("{filter}collected_at:>={from} collected_at:<{to} {stages}");
        let since = text(run.from - TimeDelta::days(LINK_DAYS));
        let until = text(run.to + TimeDelta::days(AHEAD_DAYS));
        let href = Address::of("/search").with("q", line.trim());
        let href = href.with("from", since).with("to", until);
        Self {
            from: run.from,
            to: run.to,
            ran_at: run.ran_at,
            hits: run.hits,
            raised: run.raised,
            late_s: run.late_s,
            skipped_key: run.skipped_key.clone(),
            href: href.to_string(),
        }
    }

    /// Returns whether it ran too late for those who wait for its alerts.
    fn is_late(&self) -> bool {
        self.late_s > LATE_SHOWN_S
    }

    /// Returns by how much it was late, in whole minutes.
    fn late_min(&self) -> i64 {
        self.late_s / 60
    }
}

/// One saved search.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "saved/detail.html")]
pub struct SavedPage {
    /// The search.
    pub search: SavedRow,
    /// Its newest windows, the newest first.
    pub runs: Vec<RunRow>,
    /// Its alerts.
    pub alerts: String,
    /// The form to change it, for its owner.
    pub form: Option<SavedForm>,
    /// Whether the reader may delete it.
    pub may_delete: bool,
}

/// The form of a saved search.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "saved/form.html")]
pub struct SavedForm {
    /// Where it goes.
    pub action: String,
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub about: String,
    /// The query line.
    pub line: String,
    /// The span of time it opens with.
    pub spans: Vec<Choice>,
    /// Who finds it.
    pub shares: Vec<Choice>,
    /// With which agency.
    pub agencies: Vec<Choice>,
    /// How often it runs.
    pub every: Vec<Choice>,
    /// Above how many an alert is raised.
    pub above: u64,
    /// How bad the alert is.
    pub severities: Vec<Choice>,
}

/// What the form begins with.
#[derive(Debug, Clone)]
pub(super) struct Filled {
    pub(super) action: String,
    pub(super) name: String,
    pub(super) about: String,
    pub(super) line: String,
    pub(super) span: String,
    pub(super) share: Share,
    pub(super) plan: Option<Plan>,
}

impl SavedForm {
    /// Returns the form as this reader may fill it in.
    pub(super) fn of(filled: Filled, desk: &Desk, who: &Who) -> Self {
        let word = |value: &str, key: &'static str, chosen: &str| Choice {
            value: value.to_owned(),
            name: Phrase::key(key).text(who.lang),
            chosen: value == chosen,
        };
        let chosen = filled.share.word();
        let mut shares = vec![
            word("own", "saved-share-own", chosen),
            word("agency", "saved-share-agency", chosen),
        ];
        if who.scope.visible().is_none() || filled.share == Share::All {
            shares.push(word("all", "saved-share-all", chosen));
        }
        let agency = match filled.share {
            Share::Agency(agency) => Some(agency.to_string()),
            Share::Own | Share::All => who.agency.map(|agency| agency.to_string()),
        };
        let minutes = filled.plan.map_or(0, |plan| plan.every.num_minutes()).to_string();
        let every = std::iter::once(0).chain(EVERY_MIN);
        let severity = filled.plan.map_or(event::Severity::Medium, |plan| plan.severity);
        let spans = SPANS.iter().filter(|(_, minutes)| *minutes > 0);
        Self {
            action: filled.action,
            name: filled.name,
            about: filled.about,
            line: filled.line,
            spans: spans.map(|(span, _)| word(span, span_key(span), &filled.span)).collect(),
            shares,
            agencies: Choice::named(desk.directory.agencies(&who.scope), agency.as_deref()),
            every: every.map(|one| word(&one.to_string(), every_key(one), &minutes)).collect(),
            above: filled.plan.map_or(0, |plan| plan.above),
            severities: Choice::severities(who.lang, Some(severity)),
        }
    }
}

fn span_key(span: &str) -> &'static str {
    match span {
        "15m" => "search-span-15m",
        "1h" => "search-span-1h",
        "4h" => "search-span-4h",
        "7d" => "search-span-7d",
        "30d" => "search-span-30d",
        _ => "search-span-24h",
    }
}
