//! The tables `system_paper` and `system_override`. Whoever names a system has read it within a scope.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use db::DbError;
use event::{Level, SystemId};
use sea_orm::entity::prelude::*;
use sea_orm::{IntoActiveModel as _, QueryOrder as _, QuerySelect as _};

use super::model::{Override, Paper};
use crate::limits;
use crate::system::System;

mod paper {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "system_paper")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub system_id: Uuid,
        pub kind: String,
        pub number: String,
        pub issuer: String,
        pub level: Option<i16>,
        pub issued_on: String,
        pub valid_to: Option<String>,
        pub note: String,
        pub created_at: DateTimeUtc,
        pub created_by: String,
        pub withdrawn_at: Option<DateTimeUtc>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod pass {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "system_override")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub system_id: Uuid,
        pub reason: String,
        pub approver: String,
        pub missing: Json,
        pub created_at: DateTimeUtc,
        pub created_by: String,
        pub expires_at: DateTimeUtc,
        pub ended_at: Option<DateTimeUtc>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

impl From<paper::Model> for Paper {
    fn from(row: paper::Model) -> Self {
        Self {
            id: row.id,
            system: SystemId::from_uuid(row.system_id),
            kind: row.kind,
            number: row.number,
            issuer: row.issuer,
            level: row.level.and_then(|level| u8::try_from(level).ok()).and_then(Level::new),
            issued_on: day(&row.issued_on).unwrap_or_default(),
            valid_to: row.valid_to.as_deref().and_then(day),
            note: row.note,
            created_at: row.created_at,
            created_by: row.created_by,
            withdrawn_at: row.withdrawn_at,
        }
    }
}

impl From<pass::Model> for Override {
    fn from(row: pass::Model) -> Self {
        Self {
            id: row.id,
            system: SystemId::from_uuid(row.system_id),
            reason: row.reason,
            approver: row.approver,
            missing: serde_json::from_value(row.missing).unwrap_or_default(),
            created_at: row.created_at,
            created_by: row.created_by,
            expires_at: row.expires_at,
            ended_at: row.ended_at,
        }
    }
}

fn day(text: &str) -> Option<NaiveDate> {
    text.parse().ok()
}

/// Returns the papers of a system, the newest first, withdrawn ones too.
pub(crate) async fn papers(
    conn: &impl ConnectionTrait,
    system: &System,
) -> Result<Vec<Paper>, DbError> {
    let rows = paper::Entity::find()
        .filter(paper::Column::SystemId.eq(system.id.uuid()))
        .order_by_desc(paper::Column::IssuedOn)
        .order_by_desc(paper::Column::CreatedAt)
        .limit(limits::PAPERS_MAX)
        .all(conn)
        .await?;
    Ok(rows.into_iter().map(Paper::from).collect())
}

/// Returns the papers of these systems.
pub(crate) async fn papers_of_all(
    conn: &impl ConnectionTrait,
    systems: &[SystemId],
) -> Result<BTreeMap<SystemId, Vec<Paper>>, DbError> {
    let mut found: BTreeMap<SystemId, Vec<Paper>> = BTreeMap::new();
    for part in systems.chunks(limits::IDS_PER_QUERY) {
        let ids = part.iter().map(|id| id.uuid());
        let rows =
            paper::Entity::find().filter(paper::Column::SystemId.is_in(ids)).all(conn).await?;
        for row in rows.into_iter().map(Paper::from) {
            found.entry(row.system).or_default().push(row);
        }
    }
    Ok(found)
}

/// Files a paper.
pub(crate) async fn insert_paper(
    conn: &impl ConnectionTrait,
    filed: &Paper,
) -> Result<(), DbError> {
    let row = paper::Model {
        id: filed.id,
        system_id: filed.system.uuid(),
        kind: filed.kind.clone(),
        number: filed.number.clone(),
        issuer: filed.issuer.clone(),
        level: filed.level.map(|level| i16::from(level.number())),
        issued_on: filed.issued_on.to_string(),
        valid_to: filed.valid_to.map(|day| day.to_string()),
        note: filed.note.clone(),
        created_at: filed.created_at,
        created_by: filed.created_by.clone(),
        withdrawn_at: filed.withdrawn_at,
    };
    let row = row.into_active_model().reset_all();
    paper::Entity::insert(row).exec_without_returning(conn).await?;
    Ok(())
}

/// Withdraws a paper of a system; says whether it stood.
pub(crate) async fn withdraw(
    conn: &impl ConnectionTrait,
    system: &System,
    id: Uuid,
    at: DateTime<Utc>,
) -> Result<bool, DbError> {
    let done = paper::Entity::update_many()
        .col_expr(paper::Column::WithdrawnAt, Expr::value(at))
        .filter(paper::Column::Id.eq(id))
        .filter(paper::Column::SystemId.eq(system.id.uuid()))
        .filter(paper::Column::WithdrawnAt.is_null())
        .exec(conn)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Returns the overrides of a system, the newest first.
pub(crate) async fn overrides(
    conn: &impl ConnectionTrait,
    system: &System,
) -> Result<Vec<Override>, DbError> {
    let rows = pass::Entity::find()
        .filter(pass::Column::SystemId.eq(system.id.uuid()))
        .order_by_desc(pass::Column::CreatedAt)
        .limit(limits::PAPERS_MAX)
        .all(conn)
        .await?;
    Ok(rows.into_iter().map(Override::from).collect())
}

/// Returns the override that holds at a moment for each of these systems that has one; the longest.
pub(crate) async fn overrides_of_all(
    conn: &impl ConnectionTrait,
    systems: &[SystemId],
    now: DateTime<Utc>,
) -> Result<BTreeMap<SystemId, Override>, DbError> {
    let mut found: BTreeMap<SystemId, Override> = BTreeMap::new();
    for part in systems.chunks(limits::IDS_PER_QUERY) {
        let ids = part.iter().map(|id| id.uuid());
        let rows = pass::Entity::find()
            .filter(pass::Column::SystemId.is_in(ids))
            .filter(pass::Column::ExpiresAt.gt(now))
            .filter(pass::Column::EndedAt.is_null())
            .order_by_asc(pass::Column::ExpiresAt)
            .all(conn)
            .await?;
        found.extend(rows.into_iter().map(Override::from).map(|given| (given.system, given)));
    }
    Ok(found)
}

/// Records an override.
pub(crate) async fn insert_override(
    conn: &impl ConnectionTrait,
    given: &Override,
) -> Result<(), DbError> {
    let row = pass::Model {
        id: given.id,
        system_id: given.system.uuid(),
        reason: given.reason.clone(),
        approver: given.approver.clone(),
        missing: serde_json::json!(given.missing),
        created_at: given.created_at,
        created_by: given.created_by.clone(),
        expires_at: given.expires_at,
        ended_at: given.ended_at,
    };
    let row = row.into_active_model().reset_all();
    pass::Entity::insert(row).exec_without_returning(conn).await?;
    Ok(())
}

/// Ends an override of a system; says whether it still held.
pub(crate) async fn end_override(
    conn: &impl ConnectionTrait,
    system: &System,
    id: Uuid,
    at: DateTime<Utc>,
) -> Result<bool, DbError> {
    let done = pass::Entity::update_many()
        .col_expr(pass::Column::EndedAt, Expr::value(at))
        .filter(pass::Column::Id.eq(id))
        .filter(pass::Column::SystemId.eq(system.id.uuid()))
        .filter(pass::Column::EndedAt.is_null())
        .exec(conn)
        .await?;
    Ok(done.rows_affected == 1)
}
