//! The table `log_source`.

use db::DbError;
use event::{AgencyId, Scope, SourceId, SystemId, fold};
use sea_orm::entity::prelude::*;
use sea_orm::{QueryOrder as _, QuerySelect as _};

use super::model::{LogSource, SourceFilter, SourceKind};
use crate::{limits, stores};

mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "log_source")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub agency_id: Uuid,
        pub system_id: Option<Uuid>,
        pub code: String,
        pub name: String,
        pub name_folded: String,
        pub kind: String,
        pub parser: String,
        pub token_hash: Option<String>,
        pub token_hint: Option<String>,
        pub listener: Option<String>,
        pub peers: Json,
        pub path: Option<String>,
        pub utc_offset_minutes: i32,
        pub silence_after_s: i32,
        pub enabled: bool,
        pub created_at: DateTimeUtc,
        pub updated_at: DateTimeUtc,
        pub version: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

impl From<row::Model> for LogSource {
    fn from(row: row::Model) -> Self {
        Self {
            id: SourceId::from_uuid(row.id),
            agency: AgencyId::from_uuid(row.agency_id),
            system: row.system_id.map(SystemId::from_uuid),
            code: row.code,
            name: row.name,
            kind: SourceKind::from_word(&row.kind).unwrap_or(SourceKind::Http),
            parser: row.parser,
            token_hash: row.token_hash,
            token_hint: row.token_hint,
            listener: row.listener,
            peers: serde_json::from_value(row.peers).unwrap_or_default(),
            path: row.path,
            utc_offset_minutes: row.utc_offset_minutes,
            silence_after_s: row.silence_after_s,
            enabled: row.enabled,
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
        }
    }
}

impl From<&LogSource> for row::Model {
    fn from(source: &LogSource) -> Self {
        Self {
            id: source.id.uuid(),
            agency_id: source.agency.uuid(),
            system_id: source.system.map(SystemId::uuid),
            code: source.code.clone(),
            name: source.name.clone(),
            name_folded: fold::fold(&format!("{} {} {}", source.name, source.code, source.parser)),
            kind: source.kind.word().to_owned(),
            parser: source.parser.clone(),
            token_hash: source.token_hash.clone(),
            token_hint: source.token_hint.clone(),
            listener: source.listener.clone(),
            peers: serde_json::json!(source.peers),
            path: source.path.clone(),
            utc_offset_minutes: source.utc_offset_minutes,
            silence_after_s: source.silence_after_s,
            enabled: source.enabled,
            created_at: source.created_at,
            updated_at: source.updated_at,
            version: source.version,
        }
    }
}

/// Begins every read: what lies outside the scope does not exist.
fn seen(scope: &Scope) -> Select<row::Entity> {
    stores::within(scope, row::Column::AgencyId)
}

/// Returns the sources that fit, by name. Their health is known in memory, so the filter on it and
/// the pages are made by the caller.
pub(crate) async fn list(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    filter: &SourceFilter,
) -> Result<Vec<LogSource>, DbError> {
    let mut query = seen(scope);
    if let Some(typed) = &filter.q {
        query = query.filter(row::Column::NameFolded.like(db::holding(typed)));
    }
    if let Some(kind) = &filter.kind {
        query = query.filter(row::Column::Kind.eq(kind.as_str()));
    }
    if let Some(agency) = filter.agency {
        query = query.filter(row::Column::AgencyId.eq(agency.uuid()));
    }
    if let Some(system) = filter.system {
        query = query.filter(row::Column::SystemId.eq(system.uuid()));
    }
    let rows = query
        .order_by_asc(row::Column::NameFolded)
        .order_by_asc(row::Column::Id)
        .limit(limits::ROWS_MAX)
        .all(conn)
        .await?;
    Ok(rows.into_iter().map(LogSource::from).collect())
}

/// Returns every source in scope, also those switched off.
pub(crate) async fn all(
    conn: &impl ConnectionTrait,
    scope: &Scope,
) -> Result<Vec<LogSource>, DbError> {
    list(conn, scope, &SourceFilter::default()).await
}

/// Returns a source, if it is in scope.
pub(crate) async fn by_id(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    id: SourceId,
) -> Result<Option<LogSource>, DbError> {
    let row = seen(scope).filter(row::Column::Id.eq(id.uuid())).one(conn).await?;
    Ok(row.map(LogSource::from))
}

/// Adds a source.
pub(crate) async fn insert(conn: &impl ConnectionTrait, source: &LogSource) -> Result<(), DbError> {
    stores::insert(conn, row::Model::from(source)).await
}

/// Writes a source over its former version; says whether that version still stood.
pub(crate) async fn update(
    conn: &impl ConnectionTrait,
    source: &LogSource,
) -> Result<bool, DbError> {
    stores::overwrite(conn, row::Model::from(source), (row::Column::Id, row::Column::Version)).await
}

/// Gives the sources of an agency to another; returns how many.
pub(crate) async fn move_all(
    conn: &impl ConnectionTrait,
    from_to: (AgencyId, AgencyId),
) -> Result<u64, DbError> {
    let columns = (row::Column::AgencyId, Some(row::Column::Version));
    stores::move_all::<row::Entity>(conn, columns, from_to).await
}
