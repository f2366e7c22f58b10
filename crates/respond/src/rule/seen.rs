//! What arrived lately: one event for each kind that a log source sent, through the lake.

use std::str::FromStr as _;

use chrono::{DateTime, TimeDelta, Utc};
use event::lake::{IDS_MAX, LakeError, Search, Table};
use event::query::Query;
use event::{Event, EventId, Scope};
use web::{AppError, Lang, Phrase};

use crate::alert::Choice;
use crate::desk::Desk;
use crate::error::RespondError;
use crate::limits::EVENTS_PER_EXPORT_PAGE;

/// How far back is looked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum LookBack {
    /// Long enough for a daily job's log.
    #[default]
    Day,
    Week,
    /// Long enough for what is done once a month.
    Month,
}

impl LookBack {
    const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Month];

    /// Returns the one that a word of the address asks for; empty is a day.
    ///
    /// # Errors
    /// When it is none of those that are offered.
    pub(super) fn asked(word: &str) -> Result<Self, AppError> {
        if word.is_empty() {
            return Ok(Self::Day);
        }
        Self::ALL.into_iter().find(|own| own.word() == word).ok_or_else(|| {
            let known = Self::ALL.map(Self::word).join(", ");
            AppError::invalid("range", Phrase::key("search-range-unknown").arg("known", known))
        })
    }

    /// Returns its word in the address, the one that searches have for it.
    const fn word(self) -> &'static str {
        match self {
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
        }
    }

    /// Returns its word in addresses of these pages: none for a day.
    pub(super) const fn range(self) -> &'static str {
        match self {
            Self::Day => "",
            other => other.word(),
        }
    }

    /// Returns all of them to choose from.
    pub(super) fn choices(self, lang: Lang) -> Vec<Choice> {
        let key = |own: Self| match own {
            Self::Day => "search-span-24h",
            Self::Week => "search-span-7d",
            Self::Month => "search-span-30d",
        };
        Choice::words(lang, &Self::ALL.map(|own| (own.word(), key(own))), self.word())
    }

    /// Returns the moment so far before another.
    fn before(self, now: DateTime<Utc>) -> DateTime<Utc> {
        let days = match self {
            Self::Day => 1,
            Self::Week => 7,
            Self::Month => 30,
        };
        now - TimeDelta::days(days)
    }
}

/// Returns the word that is chosen.
pub(super) fn chosen(spans: &[Choice]) -> &str {
    spans.iter().find(|one| one.chosen).map_or("", |one| one.value.as_str())
}

/// Examples in one answer: SQL answers 10,000 rows at most.
const KINDS_MAX: usize = 4_000;

/// What arrived.
#[derive(Debug, Default)]
pub(super) struct Arrived {
    /// Examples, each with how many of its kind it stands for.
    pub(super) examples: Vec<(Event, u64)>,
    /// Whether less than asked for was looked at, because the lake could not count it all.
    pub(super) partial: bool,
}

/// Returns what arrived within the scope in the time before `now`. Where that is too much to count, what
/// arrived in the past day; where that is too much as well, the newest events.
pub(super) async fn arrived(
    desk: &Desk,
    scope: &Scope,
    now: DateTime<Utc>,
    back: LookBack,
) -> Result<Arrived, RespondError> {
    let shorter = Some(LookBack::Day).filter(|day| *day != back);
    for own in [Some(back), shorter].into_iter().flatten() {
        match desk.lake.sql(scope, &question(own.before(now))).await {
            Ok(table) => {
                let examples = by_kind(desk, scope, &table).await?;
                return Ok(Arrived { examples, partial: own != back });
            }
            Err(LakeError::Question(_) | LakeError::Sql(_) | LakeError::Timeout { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    newest(desk, scope, now, back).await
}

/// Returns the question: of each kind that a source sent since then, how many, the first and the last.
fn question(from: DateTime<Utc>) -> String {
    let from = from.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    format!(
        "SELECT count(*), min(id), max(id) FROM events WHERE occurred_at >= timestamp '{from}' \
         GROUP BY source_id, log_product, log_category, log_service, channel, provider, event_code \
         ORDER BY 1 DESC LIMIT {KINDS_MAX}"
    )
}

async fn by_kind(
    desk: &Desk,
    scope: &Scope,
    table: &Table,
) -> Result<Vec<(Event, u64)>, RespondError> {
    let mut wanted: Vec<(EventId, u64)> = Vec::new();
    for row in &table.rows {
        let [count, first, last] = row.as_slice() else { continue };
        let count = count.text().and_then(|count| count.parse().ok()).unwrap_or(1);
        let ids = [first, last].map(|id| EventId::from_str(id.text()?).ok());
        match ids {
            [Some(first), Some(last)] if first != last => {
                wanted.extend([(first, 1), (last, u64::saturating_sub(count, 1))]);
            }
            [Some(only), _] | [_, Some(only)] => wanted.push((only, count)),
            [None, None] => {}
        }
    }
    let mut examples = Vec::with_capacity(wanted.len());
    for part in wanted.chunks(IDS_MAX) {
        let ids: Vec<EventId> = part.iter().map(|(id, _)| *id).collect();
        for event in desk.lake.events(scope, &ids).await? {
            let times = part.iter().find(|(id, _)| *id == event.id).map_or(1, |(_, times)| *times);
            examples.push((event, times));
        }
    }
    Ok(examples)
}

async fn newest(
    desk: &Desk,
    scope: &Scope,
    now: DateTime<Utc>,
    back: LookBack,
) -> Result<Arrived, RespondError> {
    let search = Search {
        query: Query::All,
        from: back.before(now),
        to: now + TimeDelta::minutes(1),
        limit: EVENTS_PER_EXPORT_PAGE,
        after: None,
    };
    let found = desk.lake.search(scope, &search).await?;
    let examples = found.events.into_iter().map(|event| (event, 1)).collect();
    Ok(Arrived { examples, partial: found.next.is_some() })
}
