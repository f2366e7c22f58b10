//! Lists of alerts: what they show, in which order, how many there are. A flood of a million open alerts must
//! not hold up the page that shows the first fifty: what is more than a limit is neither counted nor looked
//! through, and the page says so.

use chrono::{DateTime, Utc};
use db::{Holders, TextIndex, counted};
use event::{AccountId, AgencyId, IncidentId, Level, Scope, Severity, SystemId};
use sea_orm::entity::prelude::*;
use sea_orm::{Condition, QueryOrder as _, QuerySelect as _};
use web::paging::Page;

use super::row::alert;
use super::{is_awake, within};
use crate::alert::model::Alert;
use crate::error::RespondError;
use crate::limits::{ALERTS_HOLDING_COUNTED_MAX, ALERTS_LOOKED_THROUGH_MAX, LISTED_COUNTED_MAX};

/// Which alerts a list shows.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct AlertFilter {
    /// Their state.
    pub state: StateFilter,
    /// Their severity.
    pub severity: Option<Severity>,
    /// Their system's level, or above.
    pub level_min: Option<Level>,
    /// Their agency.
    pub agency: Option<AgencyId>,
    /// Their system.
    pub system: Option<SystemId>,
    /// Their rule.
    pub rule: Option<String>,
    /// Who works on them.
    pub assignee: Option<AccountId>,
    /// Their incidents; none is any.
    pub incidents: Vec<IncidentId>,
    /// What they are about, exactly.
    pub entity: Option<String>,
    /// Words in number, title or entity; folded before comparing.
    pub text: String,
    /// Only with a finding since.
    pub since: Option<DateTime<Utc>>,
}

impl AlertFilter {
    /// Returns how many alerts of the list are counted at most.
    pub(crate) fn counted_max(&self) -> u64 {
        if self.text.trim().is_empty() { LISTED_COUNTED_MAX } else { ALERTS_HOLDING_COUNTED_MAX }
    }
}

/// Which states a list shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum StateFilter {
    /// Everything that is not closed.
    #[default]
    Open,
    /// Everything that is not closed, but what is put aside until after this moment.
    Awake(DateTime<Utc>),
    /// What is put aside until after this moment.
    Asleep(DateTime<Utc>),
    /// One state.
    Is(&'static str),
    /// Everything.
    All,
}

/// In which order a list stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum AlertOrder {
    /// The worst on the highest level first, the newest of those first.
    #[default]
    Worst,
    /// The newest first.
    Newest,
    /// The longest waiting first.
    Oldest,
}

/// Number, title and entity of alerts, folded.
const WORDS: TextIndex<alert::Column> =
    TextIndex { text: alert::Column::Folded, id: alert::Column::Id };

/// What a list is read from.
#[derive(Debug)]
pub(super) struct Found {
    /// The question for its rows.
    pub(super) rows: Select<alert::Entity>,
    /// Only so many alerts were looked at, the newest that hold the words: too many hold them, and too many are
    /// left by the rest of the filter.
    pub(super) newest: Option<usize>,
}

/// Returns what a list on a page is read from.
pub(super) async fn matching(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    filter: &AlertFilter,
) -> Result<Found, RespondError> {
    let rest = condition(scope, filter);
    let (rows, newest) = match WORDS.holders::<alert::Entity>(conn, &filter.text).await? {
        Holders::Unknown => (WORDS.among_all(&filter.text, rest), None),
        Holders::All(ids) => (WORDS.among(ids, &filter.text, rest), None),
        Holders::Newest(ids) => {
            let left = alert::Entity::find().filter(rest.clone());
            let limit = ALERTS_LOOKED_THROUGH_MAX + 1;
            if counted(conn, left, alert::Column::Id, limit).await? < limit {
                (WORDS.among_all(&filter.text, rest), None)
            } else {
                let looked_at = ids.len();
                (WORDS.among(ids, &filter.text, rest), Some(looked_at))
            }
        }
    };
    Ok(Found { rows, newest })
}

/// Returns what alerts of a list meet, but for the words in them.
pub(super) fn condition(scope: &Scope, filter: &AlertFilter) -> Condition {
    use alert::Column;
    let mut all = within(scope, Column::AgencyId);
    match filter.state {
        StateFilter::Open => all = all.add(Column::IsOpen.eq(true)),
        StateFilter::Awake(now) => all = all.add(Column::IsOpen.eq(true)).add(is_awake(now)),
        StateFilter::Asleep(now) => {
            all = all.add(Column::IsOpen.eq(true)).add(Column::SnoozedUntil.gt(now));
        }
        StateFilter::Is(state) => all = all.add(Column::State.eq(state)),
        StateFilter::All => {}
    }
    let equal = [
        filter.severity.map(|severity| Column::Severity.eq(i16::from(severity.number()))),
        filter.level_min.map(|level| Column::Level.gte(i16::from(level.number()))),
        filter.agency.map(|id| Column::AgencyId.eq(id.uuid())),
        filter.system.map(|id| Column::SystemId.eq(id.uuid())),
        filter.rule.as_deref().map(|rule| Column::Rule.eq(rule)),
        filter.assignee.map(|id| Column::AssigneeId.eq(id.uuid())),
        filter.entity.as_deref().map(|value| Column::EntityValue.eq(value)),
        filter.since.map(|since| Column::LastAt.gte(since)),
    ];
    for condition in equal.into_iter().flatten() {
        all = all.add(condition);
    }
    if !filter.incidents.is_empty() {
        let ids = filter.incidents.iter().map(|id| id.uuid());
        all = all.add(Column::IncidentId.is_in(ids));
    }
    all
}

/// A page of alerts.
#[derive(Debug)]
pub(crate) struct Listed {
    /// The alerts of the page.
    pub(crate) alerts: Vec<Alert>,
    /// How many the list has, counted up to one more than [`AlertFilter::counted_max`].
    pub(crate) total: u64,
    /// How many alerts were looked at, when it was not all.
    pub(crate) newest: Option<usize>,
}

/// Returns one page of alerts.
pub(crate) async fn list(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    filter: &AlertFilter,
    order: AlertOrder,
    page: Page,
) -> Result<Listed, RespondError> {
    let Found { rows, newest } = matching(conn, scope, filter).await?;
    let limit = filter.counted_max() + 1;
    let total = counted(conn, rows.clone(), alert::Column::Id, limit).await?;
    let part = Slice { order, offset: page.offset(), limit: page.limit() };
    Ok(Listed { alerts: part.of(conn, rows).await?, total, newest })
}

/// Returns how many alerts a list has, counted up to a limit: what is more is not looked for.
pub(crate) async fn count_up_to(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    filter: &AlertFilter,
    limit: u64,
) -> Result<u64, RespondError> {
    let found = matching(conn, scope, filter).await?;
    Ok(counted(conn, found.rows, alert::Column::Id, limit).await?)
}

/// A part of a list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slice {
    pub(crate) order: AlertOrder,
    pub(crate) offset: u64,
    pub(crate) limit: u64,
}

/// Returns a part of a list of alerts, however many there are to be looked through.
pub(crate) async fn slice(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    filter: &AlertFilter,
    slice: Slice,
) -> Result<Vec<Alert>, RespondError> {
    let found = WORDS.select(conn, &filter.text, condition(scope, filter)).await?;
    slice.of(conn, found).await
}

impl Slice {
    /// Returns this part of what was found.
    async fn of(
        self,
        conn: &impl ConnectionTrait,
        found: Select<alert::Entity>,
    ) -> Result<Vec<Alert>, RespondError> {
        use alert::Column;
        let ordered = match self.order {
            AlertOrder::Worst => {
                found.order_by_desc(Column::Priority).order_by_desc(Column::LastAt)
            }
            AlertOrder::Newest => found.order_by_desc(Column::LastAt),
            AlertOrder::Oldest => found.order_by_asc(Column::DetectedAt),
        };
        let rows = ordered.offset(self.offset).limit(self.limit).all(conn).await?;
        rows.into_iter().map(Alert::try_from).collect()
    }
}
