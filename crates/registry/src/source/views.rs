//! The pages of log sources.

use askama::Template;
use chrono::{DateTime, Utc};
use event::Level;
use serde::Serialize;
use utoipa::ToSchema;
use web::paging::Pager;
use web::{Permission, filters};

use super::connect::Snippet;
use super::model::{LogSource, SourceDraft};
use crate::forms::{Choice, Errors};
use crate::{Health, Snapshot, Status};

/// A source in a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct SourceRow {
    pub(crate) id: String,
    pub(crate) code: String,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) parser: String,
    pub(crate) agency: String,
    pub(crate) agency_name: String,
    pub(crate) system: Option<String>,
    pub(crate) system_name: Option<String>,
    #[schema(value_type = Option<u8>)]
    pub(crate) level: Option<Level>,
    pub(crate) duty_phone: String,
    /// `live`, `silent`, `waiting`, `failing`, `disabled`: measured.
    pub(crate) status: String,
    pub(crate) last_event_at: Option<DateTime<Utc>>,
    pub(crate) last_collected_at: Option<DateTime<Utc>>,
    pub(crate) per_minute: f64,
    pub(crate) received: u64,
    pub(crate) dead: u64,
    /// Events in each of the last 60 minutes.
    pub(crate) minutes: Vec<u64>,
    #[serde(skip)]
    pub(crate) kind_key: &'static str,
    #[serde(skip)]
    pub(crate) status_key: &'static str,
    #[serde(skip)]
    pub(crate) rank: Status,
}

impl SourceRow {
    /// Returns the row of a source at this moment.
    pub(crate) fn new(
        source: &LogSource,
        health: &Health,
        snapshot: &Snapshot,
        now: DateTime<Utc>,
    ) -> Self {
        let system = source.system.and_then(|id| snapshot.system(id));
        let binding = snapshot.binding(source.id);
        let status = binding.map_or(Status::Waiting, |binding| health.status(binding, now));
        Self {
            id: source.id.to_string(),
            code: source.code.clone(),
            name: source.name.clone(),
            kind: source.kind.word().to_owned(),
            parser: source.parser.clone(),
            agency: source.agency.to_string(),
            agency_name: snapshot.tree().name(source.agency).to_owned(),
            system: source.system.map(|id| id.to_string()),
            system_name: system.map(|system| system.name.clone()),
            level: system.and_then(|system| system.level),
            duty_phone: binding.map(|binding| binding.duty_phone.clone()).unwrap_or_default(),
            status: status.word().to_owned(),
            last_event_at: health.last_event_at,
            last_collected_at: health.last_collected_at,
            per_minute: health.per_minute(),
            received: health.received,
            dead: health.dead,
            minutes: health.minutes.iter().copied().collect(),
            kind_key: source.kind.key(),
            status_key: status.key(),
            rank: status,
        }
    }

    /// Returns the class of the dot that shows the status.
    pub(crate) const fn tone(&self) -> &'static str {
        match self.rank {
            Status::Live => "ok",
            Status::Silent | Status::Failing => "bad",
            Status::Waiting => "warn",
            Status::Disabled => "quiet",
        }
    }

    /// Returns the points of the small line: 60 minutes wide, 16 high, the busiest minute on top.
    pub(crate) fn spark(&self) -> String {
        let most = self.minutes.iter().copied().max().unwrap_or(0).max(1);
        let start = 60_usize.saturating_sub(self.minutes.len());
        let point = |(index, count): (usize, &u64)| {
            let height = 15 - count.saturating_mul(14).checked_div(most).unwrap_or(0);
            format!("{},{height}", start + index)
        };
        let points: Vec<String> = self.minutes.iter().enumerate().map(point).collect();
        points.join(" ")
    }
}

/// How many sources are in a state; a number opens its rows.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct StatusCount {
    pub(crate) status: String,
    pub(crate) count: usize,
    #[serde(skip)]
    pub(crate) key: &'static str,
}

/// The list.
#[derive(Debug, Template, Serialize, ToSchema)]
#[template(path = "source/list.html")]
pub(crate) struct SourceList {
    pub(crate) rows: Vec<SourceRow>,
    pub(crate) counts: Vec<StatusCount>,
    /// Systems in use, of level 3 and above, without any source.
    pub(crate) unwatched: usize,
    pub(crate) pager: Pager,
    #[serde(skip)]
    pub(crate) q: String,
    #[serde(skip)]
    pub(crate) kinds: Vec<Choice>,
    #[serde(skip)]
    pub(crate) states: Vec<Choice>,
    #[serde(skip)]
    pub(crate) agencies: Vec<Choice>,
    #[serde(skip)]
    pub(crate) query: String,
}

/// One source.
#[derive(Debug, Template, Serialize, ToSchema)]
#[template(path = "source/detail.html")]
pub(crate) struct SourceDetail {
    /// How good what is known of it is.
    pub(crate) quality: crate::quality::Card,
    pub(crate) row: SourceRow,
    pub(crate) received_bytes: u64,
    pub(crate) decoded: u64,
    pub(crate) noted: u64,
    /// Events whose stated time could not be read or believed.
    pub(crate) undated: u64,
    pub(crate) last_peer: Option<String>,
    pub(crate) last_dead_at: Option<DateTime<Utc>>,
    pub(crate) last_dead_code: Option<String>,
    pub(crate) token_hint: Option<String>,
    pub(crate) listener: Option<String>,
    pub(crate) peers: Vec<String>,
    pub(crate) path: Option<String>,
    pub(crate) utc_offset_minutes: i32,
    pub(crate) silence_after_s: i64,
    pub(crate) enabled: bool,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) version: i32,
    #[serde(skip)]
    pub(crate) parser_title: String,
    #[serde(skip)]
    pub(crate) parser_hint: String,
    #[serde(skip)]
    pub(crate) snippets: Vec<Snippet>,
    #[serde(skip)]
    pub(crate) chart: web::charts::Chart,
}

/// A source whose token was just made: the only page that shows it.
#[derive(Template, Serialize, ToSchema)]
#[template(path = "source/token.html")]
pub(crate) struct SourceToken {
    pub(crate) id: String,
    pub(crate) name: String,
    /// The token. It cannot be read again.
    pub(crate) token: String,
    pub(crate) snippets: Vec<Snippet>,
}

/// The token stays out of logs.
impl std::fmt::Debug for SourceToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SourceToken").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The form of a new or a known source.
#[derive(Debug, Template, Serialize, ToSchema)]
#[template(path = "source/form.html")]
pub(crate) struct SourceForm {
    /// The source; `None` for a new one.
    pub(crate) id: Option<String>,
    pub(crate) draft: SourceDraft,
    pub(crate) kinds: Vec<Choice>,
    pub(crate) parsers: Vec<Choice>,
    pub(crate) agencies: Vec<Choice>,
    pub(crate) systems: Vec<Choice>,
    pub(crate) listeners: Vec<Choice>,
    pub(crate) errors: Errors,
}

impl SourceForm {
    pub(crate) fn utc_offset(&self) -> i32 {
        self.draft.utc_offset_minutes.unwrap_or(420)
    }

    pub(crate) fn silence(&self) -> i32 {
        self.draft.silence_minutes.unwrap_or(15)
    }
}
