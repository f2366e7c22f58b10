//! Lists of incidents: what they show and how many there are.

use db::TextIndex;
use event::{AccountId, AgencyId, Scope, Severity};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::ExprTrait as _;
use sea_orm::{Condition, QueryOrder as _, QuerySelect as _};
use web::paging::Page;

use super::model::Incident;
use super::store::model;
use super::store::row::{self, Column};
use crate::alert::within;
use crate::error::RespondError;
use crate::limits::{LISTED_COUNTED_MAX, OPEN_COUNTED_MAX};

/// The word of incidents that were merged into others.
pub(crate) const MERGED: &str = "merged";

/// Which incidents a list shows.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct IncidentFilter {
    /// One state; `None` is all of them.
    pub state: Option<&'static str>,
    /// Only open ones (open or contained).
    pub open_only: bool,
    /// Their severity.
    pub severity: Option<Severity>,
    /// Their agency.
    pub agency: Option<AgencyId>,
    /// Who leads them.
    pub assignee: Option<AccountId>,
    /// Words in number or title; folded before comparing.
    pub text: String,
}

/// Number and title of incidents, folded.
const WORDS: TextIndex<Column> = TextIndex { text: Column::Folded, id: Column::Id };

/// Returns the question for the incidents of a list.
async fn matching(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    filter: &IncidentFilter,
) -> Result<Select<row::Entity>, RespondError> {
    Ok(WORDS.select(conn, &filter.text, condition(scope, filter)).await?)
}

/// Returns what incidents of a list meet, but for the words in them.
fn condition(scope: &Scope, filter: &IncidentFilter) -> Condition {
    let mut all = within(scope, Column::AgencyId);
    let conditions = [
        filter.state.map(|state| match state {
            MERGED => Column::MergedInto.is_not_null(),
            state => Column::State.eq(state).and(Column::MergedInto.is_null()),
        }),
        filter.open_only.then(|| Column::IsOpen.eq(true)),
        filter.severity.map(|severity| Column::Severity.eq(i16::from(severity.number()))),
        filter.agency.map(|id| Column::AgencyId.eq(id.uuid())),
        filter.assignee.map(|id| Column::AssigneeId.eq(id.uuid())),
    ];
    for condition in conditions.into_iter().flatten() {
        all = all.add(condition);
    }
    all
}

/// Returns a page of incidents (open ones first, the newest of those first) and how many there are, counted up
/// to one more than [`LISTED_COUNTED_MAX`]. Their systems are left out.
pub(crate) async fn list(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    filter: &IncidentFilter,
    page: Page,
) -> Result<(Vec<Incident>, u64), RespondError> {
    let found = matching(conn, scope, filter).await?;
    let limit = LISTED_COUNTED_MAX + 1;
    let total = db::counted(conn, found.clone(), Column::Id, limit).await?;
    let rows = found
        .order_by_desc(Column::IsOpen)
        .order_by_desc(Column::OpenedAt)
        .offset(page.offset())
        .limit(page.limit())
        .all(conn)
        .await?;
    let list = rows.into_iter().map(|row| model(row, Vec::new())).collect::<Result<_, _>>()?;
    Ok((list, total))
}

/// Returns how many incidents a list has, counted up to a limit.
pub(crate) async fn count_up_to(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    filter: &IncidentFilter,
    limit: u64,
) -> Result<u64, RespondError> {
    let found = matching(conn, scope, filter).await?;
    Ok(db::counted(conn, found, Column::Id, limit).await?)
}

/// Returns open incidents that this person leads, then those that nobody does, of each the newest first and at most
/// so many; without their systems.
pub(super) async fn to_lead(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    account: AccountId,
    most: u64,
) -> Result<Vec<Incident>, RespondError> {
    let mut led = Vec::new();
    // Asked apart, each is answered in the order of its index.
    for assignee in [Column::AssigneeId.eq(account.uuid()), Column::AssigneeId.is_null()] {
        let rows = row::Entity::find()
            .filter(within(scope, Column::AgencyId).add(Column::IsOpen.eq(true)).add(assignee))
            .filter(Column::MergedInto.is_null())
            .order_by_desc(Column::OpenedAt)
            .limit(most)
            .all(conn)
            .await?;
        for row in rows {
            led.push(model(row, Vec::new())?);
        }
    }
    Ok(led)
}

/// Returns how many incidents are open, counted up to [`OPEN_COUNTED_MAX`].
pub(crate) async fn open_count(
    conn: &impl ConnectionTrait,
    scope: &Scope,
) -> Result<u64, RespondError> {
    let open = IncidentFilter { open_only: true, ..IncidentFilter::default() };
    count_up_to(conn, scope, &open, OPEN_COUNTED_MAX).await
}
