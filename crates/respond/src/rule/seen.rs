//! What arrived in the past day: one event for each kind that a log source sent, through the lake.

use std::str::FromStr as _;

use chrono::{DateTime, TimeDelta, Utc};
use event::lake::{IDS_MAX, LakeError, Search, Table};
use event::query::Query;
use event::{Event, EventId, Scope};

use crate::desk::Desk;
use crate::error::RespondError;
use crate::limits::EVENTS_PER_EXPORT_PAGE;

/// How far back the page looks: long enough for a daily job's log.
const LOOK_BACK: TimeDelta = TimeDelta::hours(24);

/// Examples in one answer: SQL answers 10,000 rows at most.
const KINDS_MAX: usize = 4_000;

/// What arrived.
#[derive(Debug, Default)]
pub(super) struct Arrived {
    /// Examples, each with how many of its kind it stands for.
    pub(super) examples: Vec<(Event, u64)>,
    /// Whether only the newest events were looked at, because the lake could not count them all.
    pub(super) partial: bool,
}

/// Returns what arrived within the scope in the day before `now`.
pub(super) async fn arrived(
    desk: &Desk,
    scope: &Scope,
    now: DateTime<Utc>,
) -> Result<Arrived, RespondError> {
    match desk.lake.sql(scope, &question(now)).await {
        Ok(table) => by_kind(desk, scope, &table).await,
        Err(LakeError::Question(_) | LakeError::Sql(_) | LakeError::Timeout { .. }) => {
            newest(desk, scope, now).await
        }
        Err(error) => Err(error.into()),
    }
}

/// Returns the question: of each kind that a source sent, how many, the first and the last.
fn question(now: DateTime<Utc>) -> String {
    let from = (now - LOOK_BACK).to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    format!(
        "SELECT count(*), min(id), max(id) FROM events WHERE occurred_at >= timestamp '{from}' \
         GROUP BY source_id, log_product, log_category, log_service, channel, provider, event_code \
         ORDER BY 1 DESC LIMIT {KINDS_MAX}"
    )
}

async fn by_kind(desk: &Desk, scope: &Scope, table: &Table) -> Result<Arrived, RespondError> {
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
    Ok(Arrived { examples, partial: false })
}

async fn newest(desk: &Desk, scope: &Scope, now: DateTime<Utc>) -> Result<Arrived, RespondError> {
    let search = Search {
        query: Query::All,
        from: now - LOOK_BACK,
        to: now + TimeDelta::minutes(1),
        limit: EVENTS_PER_EXPORT_PAGE,
        after: None,
    };
    let found = desk.lake.search(scope, &search).await?;
    let examples = found.events.into_iter().map(|event| (event, 1)).collect();
    Ok(Arrived { examples, partial: found.next.is_some() })
}
