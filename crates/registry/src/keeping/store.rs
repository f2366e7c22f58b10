//! The table `system_retention`.

use std::collections::BTreeMap;

use db::DbError;
use event::SystemId;
use sea_orm::ActiveValue::Set;
use sea_orm::QuerySelect as _;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;

use super::model::SetTerm;
use crate::limits;

mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "system_retention")]
    pub(super) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(super) system_id: Uuid,
        pub(super) months: i32,
        pub(super) reason: String,
        pub(super) set_by: String,
        pub(super) set_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Returns what was set, for all systems: the platform's own reading. Pages filter by what the reader
/// may see of the systems.
pub(super) async fn all(
    conn: &impl ConnectionTrait,
) -> Result<BTreeMap<SystemId, SetTerm>, DbError> {
    let rows = row::Entity::find().limit(limits::ROWS_MAX).all(conn).await?;
    let term = |row: row::Model| {
        let term = SetTerm {
            months: u32::try_from(row.months).unwrap_or(0),
            reason: row.reason,
            set_by: row.set_by,
            set_at: row.set_at,
        };
        (SystemId::from_uuid(row.system_id), term)
    };
    Ok(rows.into_iter().map(term).collect())
}

/// Sets a system's term, in place of what was set before.
pub(super) async fn set(
    conn: &impl ConnectionTrait,
    system: SystemId,
    term: &SetTerm,
) -> Result<(), DbError> {
    let row = row::ActiveModel {
        system_id: Set(system.uuid()),
        months: Set(i32::try_from(term.months).unwrap_or(i32::MAX)),
        reason: Set(term.reason.clone()),
        set_by: Set(term.set_by.clone()),
        set_at: Set(term.set_at),
    };
    let replace = OnConflict::column(row::Column::SystemId)
        .update_columns([
            row::Column::Months,
            row::Column::Reason,
            row::Column::SetBy,
            row::Column::SetAt,
        ])
        .to_owned();
    row::Entity::insert(row).on_conflict(replace).exec_without_returning(conn).await?;
    Ok(())
}
