//! The table `system`.

use std::collections::BTreeSet;

use db::DbError;
use event::{AgencyId, Level, Scope, SystemId, fold};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{QueryOrder as _, QuerySelect as _};

use super::model::{System, SystemFilter, SystemState};
use crate::{limits, stores};

mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "system")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub agency_id: Uuid,
        pub code: String,
        pub name: String,
        pub name_folded: String,
        pub level: Option<i16>,
        pub state: String,
        pub operator: String,
        pub owner_contact: String,
        pub duty_phone: String,
        pub description: String,
        pub domains: Json,
        pub ip_ranges: Json,
        pub created_at: DateTimeUtc,
        pub updated_at: DateTimeUtc,
        pub version: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

impl From<row::Model> for System {
    fn from(row: row::Model) -> Self {
        Self {
            id: SystemId::from_uuid(row.id),
            agency: AgencyId::from_uuid(row.agency_id),
            code: row.code,
            name: row.name,
            level: row.level.and_then(|level| u8::try_from(level).ok()).and_then(Level::new),
            state: SystemState::from_word(&row.state),
            operator: row.operator,
            owner_contact: row.owner_contact,
            duty_phone: row.duty_phone,
            description: row.description,
            domains: serde_json::from_value(row.domains).unwrap_or_default(),
            ip_ranges: serde_json::from_value(row.ip_ranges).unwrap_or_default(),
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
        }
    }
}

impl From<&System> for row::Model {
    fn from(system: &System) -> Self {
        let found_by = [&system.name, &system.code, &system.operator, &system.domains.join(" ")]
            .map(String::as_str)
            .join(" ");
        Self {
            id: system.id.uuid(),
            agency_id: system.agency.uuid(),
            code: system.code.clone(),
            name: system.name.clone(),
            name_folded: fold::fold(&found_by),
            level: system.level.map(|level| i16::from(level.number())),
            state: system.state.word().to_owned(),
            operator: system.operator.clone(),
            owner_contact: system.owner_contact.clone(),
            duty_phone: system.duty_phone.clone(),
            description: system.description.clone(),
            domains: serde_json::json!(system.domains),
            ip_ranges: serde_json::json!(system.ip_ranges),
            created_at: system.created_at,
            updated_at: system.updated_at,
            version: system.version,
        }
    }
}

/// Begins every read: what lies outside the scope does not exist.
fn seen(scope: &Scope) -> Select<row::Entity> {
    stores::within(scope, row::Column::AgencyId)
}

fn filtered(
    scope: &Scope,
    filter: &SystemFilter,
    watched: &BTreeSet<SystemId>,
) -> Select<row::Entity> {
    let mut query = seen(scope);
    if let Some(typed) = &filter.q {
        query = query.filter(row::Column::NameFolded.like(db::holding(typed)));
    }
    if let Some(agency) = filter.agency {
        query = query.filter(row::Column::AgencyId.eq(agency.uuid()));
    }
    query = match filter.level.as_deref() {
        None => query,
        Some("none") => query.filter(row::Column::Level.is_null()),
        Some("3+") => query.filter(row::Column::Level.gte(3)),
        Some(level) => query.filter(row::Column::Level.eq(level.parse::<i16>().unwrap_or(0))),
    };
    if filter.logs.as_deref() == Some("missing") {
        query = query
            .filter(row::Column::Level.gte(3))
            .filter(row::Column::State.eq(SystemState::Running.word()))
            .filter(row::Column::Id.is_not_in(watched.iter().map(|system| system.uuid())));
    }
    match filter.state.as_deref() {
        None => query.filter(row::Column::State.ne(SystemState::Retired.word())),
        Some(state) => query.filter(row::Column::State.eq(state)),
    }
}

/// Returns a part of the list, the highest level first, and how long the whole list is. `watched`
/// are the systems that have a log source.
pub(crate) async fn list(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    filter: &SystemFilter,
    watched: &BTreeSet<SystemId>,
    part: (u64, u64),
) -> Result<(Vec<System>, u64), DbError> {
    let unclassified_last = Expr::col(row::Column::Level).is_null();
    let query = filtered(scope, filter, watched)
        .order_by_asc(unclassified_last)
        .order_by_desc(row::Column::Level)
        .order_by_asc(row::Column::NameFolded)
        .order_by_asc(row::Column::Id);
    stores::part(conn, query, part).await
}

/// Returns every system in scope, also retired ones, by name.
pub(crate) async fn all(
    conn: &impl ConnectionTrait,
    scope: &Scope,
) -> Result<Vec<System>, DbError> {
    let rows =
        seen(scope).order_by_asc(row::Column::NameFolded).limit(limits::ROWS_MAX).all(conn).await?;
    Ok(rows.into_iter().map(System::from).collect())
}

/// Returns a system, if it is in scope.
pub(crate) async fn by_id(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    id: SystemId,
) -> Result<Option<System>, DbError> {
    let row = seen(scope).filter(row::Column::Id.eq(id.uuid())).one(conn).await?;
    Ok(row.map(System::from))
}

/// Adds a system.
pub(crate) async fn insert(conn: &impl ConnectionTrait, system: &System) -> Result<(), DbError> {
    stores::insert(conn, row::Model::from(system)).await
}

/// Writes a system over its former version; says whether that version still stood.
pub(crate) async fn update(conn: &impl ConnectionTrait, system: &System) -> Result<bool, DbError> {
    stores::overwrite(conn, row::Model::from(system), (row::Column::Id, row::Column::Version)).await
}

/// Removes a system that nothing refers to: an import that is undone. Others are retired.
pub(crate) async fn delete(conn: &impl ConnectionTrait, id: SystemId) -> Result<(), DbError> {
    row::Entity::delete_by_id(id.uuid()).exec(conn).await?;
    Ok(())
}

/// Gives the systems of an agency to another; returns how many.
pub(crate) async fn move_all(
    conn: &impl ConnectionTrait,
    from_to: (AgencyId, AgencyId),
) -> Result<u64, DbError> {
    let columns = (row::Column::AgencyId, Some(row::Column::Version));
    stores::move_all::<row::Entity>(conn, columns, from_to).await
}
