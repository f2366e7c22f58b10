//! The table `dead_letter`.

use chrono::{DateTime, Utc};
use db::DbError;
use event::{AgencyId, DeadReason, EventId, Scope, SourceId};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, IntoActiveModel as _, QueryOrder as _, QuerySelect as _};

use super::model::{DeadLetterFilter, DeadLetterState, StoredLetter};

mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "dead_letter")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub source_id: Option<Uuid>,
        pub agency_id: Option<Uuid>,
        pub collected_at: DateTimeUtc,
        pub peer: Option<String>,
        pub code: String,
        pub detail: String,
        pub bytes: Vec<u8>,
        pub size: i64,
        pub state: String,
        pub closed_at: Option<DateTimeUtc>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

impl From<row::Model> for StoredLetter {
    fn from(row: row::Model) -> Self {
        Self {
            id: EventId::from_uuid(row.id),
            source: row.source_id.map(SourceId::from_uuid),
            agency: row.agency_id.map(AgencyId::from_uuid),
            collected_at: row.collected_at,
            peer: row.peer.and_then(|peer| peer.parse().ok()),
            reason: DeadReason { code: row.code, detail: row.detail },
            bytes: row.bytes.into(),
            state: DeadLetterState::from_word(&row.state),
            closed_at: row.closed_at,
        }
    }
}

impl From<&StoredLetter> for row::Model {
    fn from(letter: &StoredLetter) -> Self {
        Self {
            id: letter.id.uuid(),
            source_id: letter.source.map(SourceId::uuid),
            agency_id: letter.agency.map(AgencyId::uuid),
            collected_at: letter.collected_at,
            peer: letter.peer.map(|peer| peer.to_string()),
            code: letter.reason.code.clone(),
            detail: letter.reason.detail.clone(),
            bytes: letter.bytes.to_vec(),
            size: i64::try_from(letter.bytes.len()).unwrap_or(i64::MAX),
            state: letter.state.word().to_owned(),
            closed_at: letter.closed_at,
        }
    }
}

/// Rows written by one statement: letters may be large.
const CHUNK: usize = 100;

/// Begins every read: what lies outside the scope does not exist. Letters of no known agency are for
/// those who see the whole province.
fn seen(scope: &Scope) -> Select<row::Entity> {
    match scope.visible() {
        None => row::Entity::find(),
        Some(visible) => row::Entity::find()
            .filter(row::Column::AgencyId.is_in(visible.iter().map(|agency| agency.uuid()))),
    }
}

fn filtered(scope: &Scope, filter: &DeadLetterFilter) -> Select<row::Entity> {
    let mut query = seen(scope);
    if let Some(source) = filter.source {
        query = query.filter(row::Column::SourceId.eq(source.uuid()));
    }
    if let Some(code) = &filter.code {
        query = query.filter(row::Column::Code.eq(code.as_str()));
    }
    match filter.state.as_deref() {
        Some("all") => query,
        Some(state) => query.filter(row::Column::State.eq(state)),
        None => query.filter(row::Column::State.eq(DeadLetterState::New.word())),
    }
}

/// Returns a part of the list, the newest first, and how long the whole list is.
pub(crate) async fn list(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    filter: &DeadLetterFilter,
    (offset, limit): (u64, u64),
) -> Result<(Vec<StoredLetter>, u64), DbError> {
    let total = filtered(scope, filter).count(conn).await?;
    let rows = filtered(scope, filter)
        .order_by_desc(row::Column::CollectedAt)
        .order_by_desc(row::Column::Id)
        .offset(offset)
        .limit(limit)
        .all(conn)
        .await?;
    Ok((rows.into_iter().map(StoredLetter::from).collect(), total))
}

/// Returns the new letters that fit, the oldest first: the order to replay them in.
pub(crate) async fn waiting(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    filter: &DeadLetterFilter,
    limit: u64,
) -> Result<Vec<StoredLetter>, DbError> {
    let new = DeadLetterFilter { state: None, ..filter.clone() };
    let rows = filtered(scope, &new)
        .filter(row::Column::SourceId.is_not_null())
        .order_by_asc(row::Column::CollectedAt)
        .order_by_asc(row::Column::Id)
        .limit(limit)
        .all(conn)
        .await?;
    Ok(rows.into_iter().map(StoredLetter::from).collect())
}

/// Returns how many new letters there are for each reason, the most first.
pub(crate) async fn reasons(
    conn: &impl ConnectionTrait,
    scope: &Scope,
) -> Result<Vec<(String, u64)>, DbError> {
    let rows: Vec<(String, i64)> = filtered(scope, &DeadLetterFilter::default())
        .select_only()
        .column(row::Column::Code)
        .column_as(row::Column::Id.count(), "letters")
        .group_by(row::Column::Code)
        .into_tuple()
        .all(conn)
        .await?;
    let mut reasons: Vec<(String, u64)> =
        rows.into_iter().map(|(code, n)| (code, u64::try_from(n).unwrap_or(0))).collect();
    reasons.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    Ok(reasons)
}

/// Returns how many letters of each known source are kept, whatever became of them but for those that
/// were replayed: these are events now.
pub(crate) async fn per_source(
    conn: &impl ConnectionTrait,
) -> Result<Vec<(SourceId, u64)>, DbError> {
    let rows: Vec<(Uuid, i64)> = seen(&Scope::platform())
        .filter(row::Column::SourceId.is_not_null())
        .filter(row::Column::State.ne(DeadLetterState::Replayed.word()))
        .select_only()
        .column(row::Column::SourceId)
        .column_as(row::Column::Id.count(), "letters")
        .group_by(row::Column::SourceId)
        .into_tuple()
        .all(conn)
        .await?;
    let read =
        |(source, n): (Uuid, i64)| (SourceId::from_uuid(source), u64::try_from(n).unwrap_or(0));
    Ok(rows.into_iter().map(read).collect())
}

/// Returns a letter, if it is in scope.
pub(crate) async fn by_id(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    id: EventId,
) -> Result<Option<StoredLetter>, DbError> {
    let row = seen(scope).filter(row::Column::Id.eq(id.uuid())).one(conn).await?;
    Ok(row.map(StoredLetter::from))
}

/// Keeps letters. One that is already there stays as it is: a replay of the spool files it again.
pub(crate) async fn insert(
    conn: &impl ConnectionTrait,
    letters: &[StoredLetter],
) -> Result<(), DbError> {
    for chunk in letters.chunks(CHUNK) {
        let rows =
            chunk.iter().map(|letter| row::Model::from(letter).into_active_model().reset_all());
        row::Entity::insert_many(rows)
            .on_conflict(OnConflict::column(row::Column::Id).do_nothing().to_owned())
            .exec_without_returning(conn)
            .await?;
    }
    Ok(())
}

/// Says what became of letters.
pub(crate) async fn close(
    conn: &impl ConnectionTrait,
    ids: &[EventId],
    state: DeadLetterState,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let change = row::ActiveModel {
        state: Set(state.word().to_owned()),
        closed_at: Set(Some(now)),
        ..Default::default()
    };
    row::Entity::update_many()
        .set(change)
        .filter(row::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .exec(conn)
        .await?;
    Ok(())
}

/// Writes a newer reason down for a letter that still cannot be read.
pub(crate) async fn set_reason(
    conn: &impl ConnectionTrait,
    id: EventId,
    reason: &DeadReason,
) -> Result<(), DbError> {
    let change = row::ActiveModel {
        code: Set(reason.code.clone()),
        detail: Set(reason.detail.clone()),
        ..Default::default()
    };
    row::Entity::update_many().set(change).filter(row::Column::Id.eq(id.uuid())).exec(conn).await?;
    Ok(())
}
