//! Reading and writing incidents and their timelines.

use db::Tx;
use event::fold::fold;
use event::{AccountId, AgencyId, IncidentId, Scope, Severity, SystemId};
use sea_orm::entity::prelude::*;
use sea_orm::{ActiveValue::Set, QueryOrder as _, QuerySelect as _};

use super::model::{Entry, EntryKind, Findings, Incident, IncidentStatus};
use crate::alert::{Reason, within};
use crate::error::RespondError;
use crate::limits::TIMELINE_LINES;

pub(super) mod row {
    #![expect(unreachable_pub, reason = "SeaORM makes public items of its own")]
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "incident")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub number: String,
        pub title: String,
        pub severity: i16,
        pub state: String,
        pub is_open: bool,
        pub agency_id: Uuid,
        pub assignee_id: Option<Uuid>,
        pub occurred_at: Option<DateTimeUtc>,
        pub detected_at: DateTimeUtc,
        pub reported_at: Option<DateTimeUtc>,
        pub opened_at: DateTimeUtc,
        pub contained_at: Option<DateTimeUtc>,
        pub closed_at: Option<DateTimeUtc>,
        pub cause: Option<String>,
        pub impact: Option<String>,
        pub lessons: Option<String>,
        pub cost: Option<String>,
        pub follow_up: Option<String>,
        pub merged_into: Option<Uuid>,
        pub changed_at: DateTimeUtc,
        pub folded: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod system {
    #![expect(unreachable_pub, reason = "SeaORM makes public items of its own")]
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "incident_system")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub incident_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub system_id: Uuid,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod entry {
    #![expect(unreachable_pub, reason = "SeaORM makes public items of its own")]
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "incident_entry")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub incident_id: Uuid,
        pub at: DateTimeUtc,
        pub made_at: DateTimeUtc,
        pub account_id: Option<Uuid>,
        pub author: String,
        pub kind: String,
        pub text: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

use row::Column;

/// Returns every incident in sight detected within a time, without merged ones and without systems.
pub(crate) async fn detected_between(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    (from, to): (DateTimeUtc, DateTimeUtc),
) -> Result<Vec<Incident>, RespondError> {
    let rows = row::Entity::find()
        .filter(within(scope, Column::AgencyId))
        .filter(Column::DetectedAt.gte(from))
        .filter(Column::DetectedAt.lt(to))
        .filter(Column::MergedInto.is_null())
        .all(conn)
        .await?;
    rows.into_iter().map(|row| model(row, Vec::new())).collect()
}

/// Returns how many incidents were opened since a moment, and how many were closed since.
pub(crate) async fn changes_since(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    since: chrono::DateTime<chrono::Utc>,
) -> Result<(u64, u64), RespondError> {
    let opened = within(scope, Column::AgencyId).add(Column::OpenedAt.gte(since));
    let closed = within(scope, Column::AgencyId).add(Column::ClosedAt.gte(since));
    let opened = row::Entity::find().filter(opened).count(conn).await?;
    Ok((opened, row::Entity::find().filter(closed).count(conn).await?))
}

/// Returns how many incidents of an agency were detected in a time, by severity and whether they are
/// open; those merged into others are not counted twice.
pub(crate) async fn counts(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    agency: AgencyId,
    (from, to): (DateTimeUtc, DateTimeUtc),
) -> Result<Vec<(Severity, bool, u64)>, RespondError> {
    let all = within(scope, Column::AgencyId)
        .add(Column::AgencyId.eq(agency.uuid()))
        .add(Column::DetectedAt.gte(from))
        .add(Column::DetectedAt.lt(to))
        .add(Column::MergedInto.is_null());
    let rows: Vec<(i16, bool, i64)> = row::Entity::find()
        .select_only()
        .columns([Column::Severity, Column::IsOpen])
        .column_as(Column::Id.count(), "number")
        .filter(all)
        .group_by(Column::Severity)
        .group_by(Column::IsOpen)
        .into_tuple()
        .all(conn)
        .await?;
    let bad = RespondError::BadRow { table: "incident", column: "severity" };
    let read = |(severity, open, number): (i16, bool, i64)| {
        let severity = u8::try_from(severity).ok().and_then(Severity::from_number)?;
        Some((severity, open, u64::try_from(number).unwrap_or_default()))
    };
    rows.into_iter().map(read).collect::<Option<_>>().ok_or(bad)
}

/// Returns one incident with its systems.
pub(crate) async fn get(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    id: IncidentId,
) -> Result<Incident, RespondError> {
    let found = row::Entity::find_by_id(id.uuid()).filter(within(scope, Column::AgencyId));
    let row = found.one(conn).await?.ok_or(RespondError::NotFound)?;
    with_systems(conn, row).await
}

/// Returns one incident and holds it for the change under way. One that was merged into another does not
/// change: work goes on there.
pub(crate) async fn get_for_change(
    tx: &Tx,
    scope: &Scope,
    id: IncidentId,
) -> Result<Incident, RespondError> {
    let incident = get_to_link(tx, scope, id).await?;
    match incident.merged_into {
        Some(_) => Err(RespondError::Conflict("room-error-merged")),
        None => Ok(incident),
    }
}

/// Returns one incident, merged or not, and holds it for the change under way.
pub(crate) async fn get_to_link(
    tx: &Tx,
    scope: &Scope,
    id: IncidentId,
) -> Result<Incident, RespondError> {
    let found =
        row::Entity::find_by_id(id.uuid()).filter(within(scope, Column::AgencyId)).lock_exclusive();
    let row = found.one(tx.conn()).await?.ok_or(RespondError::NotFound)?;
    with_systems(tx.conn(), row).await
}

async fn with_systems(
    conn: &impl ConnectionTrait,
    row: row::Model,
) -> Result<Incident, RespondError> {
    let systems = system::Entity::find()
        .filter(system::Column::IncidentId.eq(row.id))
        .order_by_asc(system::Column::SystemId)
        .limit(TIMELINE_LINES)
        .all(conn)
        .await?;
    model(row, systems.into_iter().map(|row| SystemId::from_uuid(row.system_id)).collect())
}

pub(super) fn model(row: row::Model, systems: Vec<SystemId>) -> Result<Incident, RespondError> {
    let bad = |column: &'static str| RespondError::BadRow { table: "incident", column };
    let reason = |text: &Option<String>, column: &'static str| {
        text.as_deref().and_then(Reason::new).ok_or(bad(column))
    };
    let status = match row.state.as_str() {
        "open" => IncidentStatus::Open,
        "contained" => IncidentStatus::Contained,
        "closed" => IncidentStatus::Closed(Findings {
            cause: reason(&row.cause, "cause")?,
            impact: reason(&row.impact, "impact")?,
            lessons: reason(&row.lessons, "lessons")?,
            cost: row.cost.as_deref().and_then(Reason::new),
            follow_up: row.follow_up.as_deref().and_then(Reason::new),
        }),
        _ => return Err(bad("state")),
    };
    Ok(Incident {
        id: IncidentId::from_uuid(row.id),
        number: row.number,
        title: row.title,
        severity: u8::try_from(row.severity)
            .ok()
            .and_then(Severity::from_number)
            .ok_or(bad("severity"))?,
        status,
        agency: AgencyId::from_uuid(row.agency_id),
        systems,
        assignee: row.assignee_id.map(AccountId::from_uuid),
        occurred_at: row.occurred_at,
        detected_at: row.detected_at,
        reported_at: row.reported_at,
        opened_at: row.opened_at,
        contained_at: row.contained_at,
        closed_at: row.closed_at,
        merged_into: row.merged_into.map(IncidentId::from_uuid),
    })
}

/// Writes an incident: a new one, or what has changed of one that stands.
pub(crate) async fn save(
    tx: &Tx,
    incident: &Incident,
    is_new: Novelty,
) -> Result<(), RespondError> {
    let left = match &incident.status {
        IncidentStatus::Closed(left) => Some(left),
        _ => None,
    };
    let text = |reason: &Reason| reason.as_str().to_owned();
    let row = row::ActiveModel {
        id: Set(incident.id.uuid()),
        number: Set(incident.number.clone()),
        title: Set(incident.title.clone()),
        severity: Set(i16::from(incident.severity.number())),
        state: Set(incident.status.word().to_owned()),
        is_open: Set(incident.status.is_open() && incident.merged_into.is_none()),
        agency_id: Set(incident.agency.uuid()),
        assignee_id: Set(incident.assignee.map(AccountId::uuid)),
        occurred_at: Set(incident.occurred_at),
        detected_at: Set(incident.detected_at),
        reported_at: Set(incident.reported_at),
        opened_at: Set(incident.opened_at),
        contained_at: Set(incident.contained_at),
        closed_at: Set(incident.closed_at),
        cause: Set(left.map(|left| text(&left.cause))),
        impact: Set(left.map(|left| text(&left.impact))),
        lessons: Set(left.map(|left| text(&left.lessons))),
        cost: Set(left.and_then(|left| left.cost.as_ref()).map(text)),
        follow_up: Set(left.and_then(|left| left.follow_up.as_ref()).map(text)),
        merged_into: Set(incident.merged_into.map(IncidentId::uuid)),
        changed_at: Set(tx.now()),
        folded: Set(fold(&format!("{} {}", incident.number, incident.title))),
    };
    match is_new {
        Novelty::New => {
            row::Entity::insert(row).exec_without_returning(tx.conn()).await?;
        }
        Novelty::Stands => {
            row::Entity::update(row).exec(tx.conn()).await?;
            system::Entity::delete_many()
                .filter(system::Column::IncidentId.eq(incident.id.uuid()))
                .exec(tx.conn())
                .await?;
        }
    }
    let systems = incident.systems.iter().map(|id| system::ActiveModel {
        incident_id: Set(incident.id.uuid()),
        system_id: Set(id.uuid()),
    });
    if !incident.systems.is_empty() {
        system::Entity::insert_many(systems).exec_without_returning(tx.conn()).await?;
    }
    Ok(())
}

/// Whether a row is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Novelty {
    /// Not yet.
    New,
    /// It is.
    Stands,
}

/// Writes the three moments of an incident that stands.
pub(crate) async fn save_moments(tx: &Tx, incident: &Incident) -> Result<(), RespondError> {
    row::Entity::update_many()
        .col_expr(Column::OccurredAt, Expr::value(incident.occurred_at))
        .col_expr(Column::DetectedAt, Expr::value(incident.detected_at))
        .col_expr(Column::ReportedAt, Expr::value(incident.reported_at))
        .col_expr(Column::ChangedAt, Expr::value(tx.now()))
        .filter(Column::Id.eq(incident.id.uuid()))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Writes lines of a timeline.
pub(crate) async fn add_entries(
    tx: &Tx,
    id: IncidentId,
    account: Option<AccountId>,
    entries: &[Entry],
) -> Result<(), RespondError> {
    let rows = entries.iter().map(|line| entry_row(tx.new_uuid(), id, account, line));
    if !entries.is_empty() {
        entry::Entity::insert_many(rows).exec_without_returning(tx.conn()).await?;
    }
    Ok(())
}

/// Writes a line of the platform's own into a timeline.
pub(crate) async fn add_entry(
    conn: &impl ConnectionTrait,
    line_id: Uuid,
    id: IncidentId,
    line: &Entry,
) -> Result<(), RespondError> {
    entry::Entity::insert(entry_row(line_id, id, None, line)).exec_without_returning(conn).await?;
    Ok(())
}

fn entry_row(
    line_id: Uuid,
    id: IncidentId,
    account: Option<AccountId>,
    line: &Entry,
) -> entry::ActiveModel {
    entry::ActiveModel {
        id: Set(line_id),
        incident_id: Set(id.uuid()),
        at: Set(line.at),
        made_at: Set(line.made_at),
        account_id: Set(account.map(AccountId::uuid)),
        author: Set(line.author.clone()),
        kind: Set(line.kind.word().to_owned()),
        text: Set(line.text.clone()),
    }
}

/// Returns the timeline of an incident that the caller has read and of those merged into it, the oldest
/// line first.
pub(crate) async fn timeline(
    conn: &impl ConnectionTrait,
    of: &Incident,
) -> Result<Vec<Entry>, RespondError> {
    let all = super::family::family(conn, of.id).await?;
    let rows = entry::Entity::find()
        .filter(entry::Column::IncidentId.is_in(all.iter().map(|id| id.uuid())))
        .order_by_asc(entry::Column::At)
        .order_by_asc(entry::Column::Id)
        .limit(TIMELINE_LINES)
        .all(conn)
        .await?;
    let line = |row: entry::Model| {
        let bad = RespondError::BadRow { table: "incident_entry", column: "kind" };
        Ok(Entry {
            kind: EntryKind::from_word(&row.kind).ok_or(bad)?,
            at: row.at,
            made_at: row.made_at,
            author: row.author,
            text: row.text,
        })
    };
    rows.into_iter().map(line).collect()
}

/// Returns the number people call an incident by, for links from its alerts.
pub(crate) async fn number_of(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    id: IncidentId,
) -> Result<Option<String>, RespondError> {
    match get(conn, scope, id).await {
        Ok(incident) => Ok(Some(incident.number)),
        Err(RespondError::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns the incident of a number.
pub(crate) async fn by_number(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    number: &str,
) -> Result<Incident, RespondError> {
    let found = row::Entity::find()
        .filter(within(scope, Column::AgencyId))
        .filter(Column::Number.eq(number.trim().to_uppercase()));
    let row = found.one(conn).await?.ok_or(RespondError::NotFound)?;
    with_systems(conn, row).await
}
