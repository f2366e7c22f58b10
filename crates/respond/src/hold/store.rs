//! The table `legal_hold`.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use db::Tx;
use event::{AgencyId, IncidentId, Scope, SystemId};
use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::{Condition, DbErr, QueryOrder as _, QuerySelect as _};

use super::{Hold, LIFT_DELAY, Lifted};
use crate::error::RespondError;
use crate::incident;

mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "legal_hold")]
    pub(super) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(super) id: Uuid,
        pub(super) incident_id: Uuid,
        pub(super) agency_id: Uuid,
        pub(super) systems: Json,
        pub(super) from_at: DateTimeUtc,
        pub(super) reason: String,
        pub(super) set_by: String,
        pub(super) set_at: DateTimeUtc,
        pub(super) lifted_by: Option<String>,
        pub(super) lifted_at: Option<DateTimeUtc>,
        pub(super) lift_reason: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

use row::Column;

/// Holds read at once: an incident has one or two, a province some dozens. If more stand, nothing may be
/// deleted: which logs they hold is not known.
const HOLDS_MAX: u64 = 10_000;

fn hold(row: row::Model, number: String) -> Result<Hold, RespondError> {
    let bad = |_| RespondError::BadRow { table: "legal_hold", column: "systems" };
    let systems: Vec<SystemId> = serde_json::from_value(row.systems).map_err(bad)?;
    let lifted = row.lifted_at.map(|at| Lifted {
        by: row.lifted_by.unwrap_or_default(),
        at,
        reason: row.lift_reason.unwrap_or_default(),
    });
    Ok(Hold {
        id: row.id,
        incident: IncidentId::from_uuid(row.incident_id),
        number,
        agency: AgencyId::from_uuid(row.agency_id),
        heirs: Vec::new(),
        systems,
        from: row.from_at,
        reason: row.reason,
        set_by: row.set_by,
        set_at: row.set_at,
        lifted,
    })
}

/// Returns the holds that stand, of the agencies that may be seen. A system that came to an incident
/// after its hold was set is held too.
///
/// # Errors
/// When the database does not answer, or more holds stand than are read.
pub async fn active(conn: &impl ConnectionTrait, scope: &Scope) -> Result<Vec<Hold>, RespondError> {
    read(conn, scope, Condition::all().add(Column::LiftedAt.is_null())).await
}

/// Returns the holds by which logs are kept at this moment: those that stand, and those that were lifted less than
/// [`LIFT_DELAY`] ago.
///
/// # Errors
/// As [`active`].
pub async fn effective(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    now: DateTime<Utc>,
) -> Result<Vec<Hold>, RespondError> {
    let since = now.checked_sub_signed(LIFT_DELAY).unwrap_or(now);
    let filter = Condition::any().add(Column::LiftedAt.is_null()).add(Column::LiftedAt.gt(since));
    read(conn, scope, filter).await
}

/// Returns all holds that were ever set, with the systems of that moment, whether they stand or not.
///
/// # Errors
/// When the database does not answer, or there are more than are read.
pub async fn ever_set(conn: &impl ConnectionTrait) -> Result<Vec<Hold>, RespondError> {
    let query = row::Entity::find().order_by_asc(Column::SetAt).limit(HOLDS_MAX + 1);
    let mut holds = Vec::new();
    for row in not_too_many(query.all(conn).await?)? {
        let incident = IncidentId::from_uuid(row.incident_id);
        let number = incident::get(conn, &Scope::platform(), incident).await?.number;
        holds.push(hold(row, number)?);
    }
    Ok(holds)
}

fn not_too_many(rows: Vec<row::Model>) -> Result<Vec<row::Model>, RespondError> {
    if u64::try_from(rows.len()).is_ok_and(|count| count > HOLDS_MAX) {
        return Err(DbErr::Custom(format!("there are more than {HOLDS_MAX} holds")).into());
    }
    Ok(rows)
}

async fn read(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    filter: Condition,
) -> Result<Vec<Hold>, RespondError> {
    let rows = row::Entity::find()
        .filter(filter)
        .order_by_asc(Column::SetAt)
        .limit(HOLDS_MAX + 1)
        .all(conn)
        .await?;
    let mut holds = Vec::new();
    for row in not_too_many(rows)? {
        if !scope.sees(AgencyId::from_uuid(row.agency_id)) {
            continue;
        }
        let incident = incident::get(conn, scope, IncidentId::from_uuid(row.incident_id)).await?;
        let mut own = hold(row, incident.number)?;
        if !own.systems.is_empty() {
            let all: BTreeSet<SystemId> = own.systems.into_iter().chain(incident.systems).collect();
            own.systems = all.into_iter().collect();
        }
        holds.push(own);
    }
    Ok(holds)
}

/// Returns the holds of an incident that the reader sees and of those merged into it, the newest first.
pub(crate) async fn of_incident(
    conn: &impl ConnectionTrait,
    incident: &incident::Incident,
) -> Result<Vec<Hold>, RespondError> {
    let family = incident::family(conn, incident.id).await?;
    let rows = row::Entity::find()
        .filter(Column::IncidentId.is_in(family.iter().map(|id| id.uuid())))
        .order_by_desc(Column::SetAt)
        .limit(HOLDS_MAX)
        .all(conn)
        .await?;
    rows.into_iter().map(|row| hold(row, incident.number.clone())).collect()
}

/// Adds a hold.
pub(super) async fn add(tx: &Tx, one: &Hold) -> Result<(), RespondError> {
    let systems = serde_json::to_value(&one.systems).map_err(RespondError::Json)?;
    let row = row::ActiveModel {
        id: Set(one.id),
        incident_id: Set(one.incident.uuid()),
        agency_id: Set(one.agency.uuid()),
        systems: Set(systems),
        from_at: Set(one.from),
        reason: Set(one.reason.clone()),
        set_by: Set(one.set_by.clone()),
        set_at: Set(one.set_at),
        lifted_by: Set(None),
        lifted_at: Set(None),
        lift_reason: Set(None),
    };
    row::Entity::insert(row).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// Ends all holds of an incident and of those merged into it; returns how many stood.
pub(super) async fn lift(
    tx: &Tx,
    incident: IncidentId,
    by: &str,
    at: DateTime<Utc>,
    reason: &str,
) -> Result<u64, RespondError> {
    let family = incident::family(tx.conn(), incident).await?;
    let done = row::Entity::update_many()
        .set(row::ActiveModel {
            lifted_by: Set(Some(by.to_owned())),
            lifted_at: Set(Some(at)),
            lift_reason: Set(Some(reason.to_owned())),
            ..Default::default()
        })
        .filter(Column::IncidentId.is_in(family.iter().map(|id| id.uuid())))
        .filter(Column::LiftedAt.is_null())
        .exec(tx.conn())
        .await?;
    Ok(done.rows_affected)
}
