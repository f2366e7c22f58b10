//! The table `system_profile`. Whoever holds a [`System`] has read it within a scope, so functions here
//! take systems, not ids.

use std::collections::BTreeMap;

use db::DbError;
use event::SystemId;
use sea_orm::entity::prelude::*;
use sea_orm::{ActiveValue::Set, IntoActiveModel as _};

use super::model::SystemProfile;
use crate::limits;
use crate::system::System;

mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "system_profile")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub system_id: Uuid,
        pub facts: Json,
        pub critical: bool,
        pub critical_note: String,
        pub flagged_at: Option<DateTimeUtc>,
        pub flag_reason: Json,
        pub updated_at: DateTimeUtc,
        pub version: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

impl From<row::Model> for SystemProfile {
    fn from(row: row::Model) -> Self {
        Self {
            system: SystemId::from_uuid(row.system_id),
            facts: serde_json::from_value(row.facts).unwrap_or_default(),
            critical: row.critical,
            critical_note: row.critical_note,
            flagged_at: row.flagged_at,
            flag_reason: serde_json::from_value(row.flag_reason).unwrap_or_default(),
            updated_at: Some(row.updated_at),
            version: row.version,
        }
    }
}

fn row_of(profile: &SystemProfile) -> row::Model {
    let mut facts = profile.facts.clone();
    facts.version = None;
    row::Model {
        system_id: profile.system.uuid(),
        facts: serde_json::json!(facts),
        critical: profile.critical,
        critical_note: profile.critical_note.clone(),
        flagged_at: profile.flagged_at,
        flag_reason: serde_json::json!(profile.flag_reason),
        updated_at: profile.updated_at.unwrap_or_default(),
        version: profile.version,
    }
}

/// Returns the profile of a system; an empty one if none is kept.
pub async fn of(conn: &impl ConnectionTrait, system: &System) -> Result<SystemProfile, DbError> {
    let row = row::Entity::find_by_id(system.id.uuid()).one(conn).await?;
    Ok(row.map_or_else(|| SystemProfile::empty(system.id), SystemProfile::from))
}

/// Returns the profiles kept of these systems.
pub(crate) async fn of_all(
    conn: &impl ConnectionTrait,
    systems: &[SystemId],
) -> Result<BTreeMap<SystemId, SystemProfile>, DbError> {
    let mut found = BTreeMap::new();
    for part in systems.chunks(limits::IDS_PER_QUERY) {
        let ids = part.iter().map(|id| id.uuid());
        let rows = row::Entity::find().filter(row::Column::SystemId.is_in(ids)).all(conn).await?;
        found.extend(rows.into_iter().map(SystemProfile::from).map(|kept| (kept.system, kept)));
    }
    Ok(found)
}

/// Writes a profile over its former version; says whether that version still stood.
pub(crate) async fn write(
    conn: &impl ConnectionTrait,
    profile: &SystemProfile,
) -> Result<bool, DbError> {
    let mut row = row_of(profile).into_active_model().reset_all();
    row.version = Set(profile.version + 1);
    if profile.version == 0 {
        let taken = row::Entity::insert(row).exec_without_returning(conn).await;
        return match taken.map_err(DbError::from) {
            Ok(_) => Ok(true),
            Err(error) if error.constraint().is_some() => Ok(false),
            Err(error) => Err(error),
        };
    }
    let done = row::Entity::update_many()
        .set(row)
        .filter(row::Column::SystemId.eq(profile.system.uuid()))
        .filter(row::Column::Version.eq(profile.version))
        .exec(conn)
        .await?;
    Ok(done.rows_affected == 1)
}
