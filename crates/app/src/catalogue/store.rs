//! The tables `lake_segment`, `lake_position`, `lake_object` and `lake_key`. They name no agency's data, only files: no
//! scope.

use chrono::{DateTime, Utc};
use db::DbError;
use event::SpoolPosition;
use lake::{DataKeyId, Leftover, Segment, SegmentId, Where, WrappedKey};
use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{IntoActiveModel as _, QueryOrder as _, QuerySelect as _};

mod segment {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "lake_segment")]
    pub(super) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(super) id: String,
        pub(super) path: String,
        pub(super) day: String,
        pub(super) min_time: DateTimeUtc,
        pub(super) max_time: DateTimeUtc,
        pub(super) events: i64,
        pub(super) size_bytes: i64,
        pub(super) meta: Json,
        pub(super) created_at: DateTimeUtc,
        /// `folder` or `store`; nothing for a file that is older than the column.
        pub(super) lies_in: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod spool {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "lake_position")]
    pub(super) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(super) id: i16,
        pub(super) position: i64,
        pub(super) updated_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod object {
    use sea_orm::entity::prelude::*;

    /// A file in the store that is no part of the lake: not yet, or no longer.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "lake_object")]
    pub(super) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(super) id: String,
        pub(super) path: String,
        pub(super) is_announced: bool,
        pub(super) since: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod key {
    use sea_orm::entity::prelude::*;

    /// A data key, wrapped by the operator's master key.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "lake_key")]
    pub(super) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(super) id: String,
        pub(super) master: String,
        pub(super) wrapped: Vec<u8>,
        pub(super) created_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Objects that are removed from the store at a time.
const LEFTOVERS_MAX: u64 = 1000;

/// There is one spool.
const THE_SPOOL: i16 = 1;

/// Rows of one statement: a database allows some ten thousand parameters.
const CHUNK: usize = 500;

/// Returns all segments, by path; one that does not say where it lies, lies `else_in`.
pub(super) async fn segments(
    conn: &impl ConnectionTrait,
    else_in: Where,
) -> Result<Vec<Segment>, DbError> {
    let rows = segment::Entity::find().order_by_asc(segment::Column::Path).all(conn).await?;
    rows.into_iter().map(|row| of_row(row, else_in)).collect()
}

fn of_row(row: segment::Model, else_in: Where) -> Result<Segment, DbError> {
    let segment: Segment =
        serde_json::from_value(row.meta).map_err(|error| DbErr::Json(error.to_string()))?;
    let lies_in = match row.lies_in.as_deref() {
        Some(STORE) => Where::Store,
        Some(_) => Where::Folder,
        None => else_in,
    };
    Ok(Segment { lies_in, ..segment })
}

/// The words of the column `lies_in`.
const FOLDER: &str = "folder";
/// See [`FOLDER`].
const STORE: &str = "store";

const fn word(place: Where) -> &'static str {
    match place {
        Where::Folder => FOLDER,
        Where::Store => STORE,
    }
}

/// Returns the paths of files that do not say where they lie, by id.
pub(super) async fn unplaced(
    conn: &impl ConnectionTrait,
) -> Result<Vec<(SegmentId, String)>, DbError> {
    let rows = segment::Entity::find().filter(segment::Column::LiesIn.is_null()).all(conn).await?;
    Ok(rows.into_iter().filter_map(|row| Some((row.id.parse().ok()?, row.path))).collect())
}

/// Writes down where files lie.
pub(super) async fn place(
    conn: &impl ConnectionTrait,
    ids: &[SegmentId],
    lies_in: Where,
) -> Result<(), DbError> {
    for part in ids.chunks(CHUNK) {
        let ids: Vec<String> = part.iter().map(ToString::to_string).collect();
        segment::Entity::update_many()
            .col_expr(segment::Column::LiesIn, Expr::value(word(lies_in)))
            .filter(segment::Column::Id.is_in(ids))
            .exec(conn)
            .await?;
    }
    Ok(())
}

/// Returns those of these segments that are there.
pub(super) async fn of_ids(
    conn: &impl ConnectionTrait,
    ids: &[SegmentId],
    else_in: Where,
) -> Result<Vec<Segment>, DbError> {
    let mut found = Vec::new();
    for part in ids.chunks(CHUNK) {
        let ids: Vec<String> = part.iter().map(ToString::to_string).collect();
        let rows = segment::Entity::find().filter(segment::Column::Id.is_in(ids)).all(conn).await?;
        for row in rows {
            found.push(of_row(row, else_in)?);
        }
    }
    Ok(found)
}

/// Adds segments; one that is there already is left alone.
pub(super) async fn add(
    conn: &impl ConnectionTrait,
    segments: &[Segment],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    for part in segments.chunks(CHUNK) {
        let rows: Vec<segment::ActiveModel> =
            part.iter().map(|one| row(one, now)).collect::<Result<_, _>>()?;
        segment::Entity::insert_many(rows)
            .on_conflict(OnConflict::column(segment::Column::Id).do_nothing().to_owned())
            .exec_without_returning(conn)
            .await?;
    }
    Ok(())
}

fn row(one: &Segment, now: DateTime<Utc>) -> Result<segment::ActiveModel, DbError> {
    let meta =
        serde_json::to_value(one).map_err(|error| DbError::from(DbErr::Json(error.to_string())))?;
    let model = segment::Model {
        id: one.id.to_string(),
        path: one.path.clone(),
        day: one.day.to_string(),
        min_time: one.min_occurred_at,
        max_time: one.max_occurred_at,
        events: i64::try_from(one.rows).unwrap_or(i64::MAX),
        size_bytes: i64::try_from(one.size_bytes).unwrap_or(i64::MAX),
        meta,
        created_at: now,
        lies_in: Some(word(one.lies_in).to_owned()),
    };
    Ok(model.into_active_model().reset_all())
}

/// Removes segments; one that is not there is no error.
pub(super) async fn remove(conn: &impl ConnectionTrait, ids: &[SegmentId]) -> Result<(), DbError> {
    for part in ids.chunks(CHUNK) {
        let ids: Vec<String> = part.iter().map(ToString::to_string).collect();
        segment::Entity::delete_many().filter(segment::Column::Id.is_in(ids)).exec(conn).await?;
    }
    Ok(())
}

/// Moves the position on; never back.
pub(super) async fn advance(
    conn: &impl ConnectionTrait,
    to: SpoolPosition,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    if position(conn).await?.is_some_and(|known| known >= to) {
        return Ok(());
    }
    let row = spool::ActiveModel {
        id: Set(THE_SPOOL),
        position: Set(i64::try_from(to.0).unwrap_or(i64::MAX)),
        updated_at: Set(now),
    };
    let replace = OnConflict::column(spool::Column::Id)
        .update_columns([spool::Column::Position, spool::Column::UpdatedAt])
        .to_owned();
    spool::Entity::insert(row).on_conflict(replace).exec_without_returning(conn).await?;
    Ok(())
}

/// Returns up to where the spool is in the segments.
pub(super) async fn position(
    conn: &impl ConnectionTrait,
) -> Result<Option<SpoolPosition>, DbError> {
    let row = spool::Entity::find_by_id(THE_SPOOL).one(conn).await?;
    Ok(row.map(|row| SpoolPosition(u64::try_from(row.position).unwrap_or(0))))
}

/// Notes files that are about to be put into the store.
pub(super) async fn announce(
    conn: &impl ConnectionTrait,
    files: &[Segment],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let row = |file: &Segment| object_row(file.id.to_string(), file.path.clone(), true, now);
    insert_objects(conn, files.iter().map(row).collect()).await
}

fn object_row(
    id: String,
    path: String,
    is_announced: bool,
    since: DateTime<Utc>,
) -> object::ActiveModel {
    object::Model { id, path, is_announced, since }.into_active_model().reset_all()
}

async fn insert_objects(
    conn: &impl ConnectionTrait,
    rows: Vec<object::ActiveModel>,
) -> Result<(), DbError> {
    let replace = OnConflict::column(object::Column::Id)
        .update_columns([object::Column::IsAnnounced, object::Column::Since])
        .to_owned();
    let mut rows = rows.into_iter();
    loop {
        let part: Vec<_> = rows.by_ref().take(CHUNK).collect();
        if part.is_empty() {
            return Ok(());
        }
        object::Entity::insert_many(part)
            .on_conflict(replace.clone())
            .exec_without_returning(conn)
            .await?;
    }
}

/// Turns announcements into a commit: fails for a file whose announcement was taken back.
pub(super) async fn take_announced(
    conn: &impl ConnectionTrait,
    add: impl Iterator<Item = &Segment>,
) -> Result<(), DbError> {
    for file in add {
        let id = file.id.to_string();
        let taken = object::Entity::delete_many()
            .filter(object::Column::Id.eq(&id))
            .filter(object::Column::IsAnnounced.eq(true))
            .exec(conn)
            .await?;
        if taken.rows_affected == 0 {
            let why = format!("file {id} was not announced, or too long ago");
            return Err(DbErr::Custom(why).into());
        }
    }
    Ok(())
}

/// Notes files of the store that the lake lets go of there.
pub(super) async fn note_removed(
    conn: &impl ConnectionTrait,
    files: impl Iterator<Item = &Segment>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let rows = files.map(|file| object_row(file.id.to_string(), file.path.clone(), false, now));
    insert_objects(conn, rows.collect()).await
}

/// Takes back announcements made before a moment, and returns files that left before it.
pub(super) async fn leftovers(
    conn: &impl ConnectionTrait,
    before: DateTime<Utc>,
) -> Result<Vec<Leftover>, DbError> {
    object::Entity::update_many()
        .col_expr(object::Column::IsAnnounced, Expr::value(false))
        .filter(object::Column::Since.lt(before))
        .exec(conn)
        .await?;
    let rows = object::Entity::find()
        .filter(object::Column::IsAnnounced.eq(false))
        .filter(object::Column::Since.lt(before))
        .order_by_asc(object::Column::Since)
        .limit(LEFTOVERS_MAX)
        .all(conn)
        .await?;
    let leftover =
        |row: object::Model| row.id.parse().ok().map(|id| Leftover { id, path: row.path.clone() });
    let mut leftovers: Vec<Leftover> = rows.into_iter().filter_map(leftover).collect();
    // An object that the lake has is none, whatever is noted of it.
    let ids: Vec<SegmentId> = leftovers.iter().map(|leftover| leftover.id).collect();
    let mut live = of_ids(conn, &ids, Where::Store).await?;
    live.retain(|segment| segment.lies_in == Where::Store);
    leftovers.retain(|leftover| !live.iter().any(|segment| segment.id == leftover.id));
    Ok(leftovers)
}

/// Forgets files that are gone from the store.
pub(super) async fn forget(conn: &impl ConnectionTrait, ids: &[SegmentId]) -> Result<(), DbError> {
    for part in ids.chunks(CHUNK) {
        let ids: Vec<String> = part.iter().map(ToString::to_string).collect();
        object::Entity::delete_many().filter(object::Column::Id.is_in(ids)).exec(conn).await?;
    }
    Ok(())
}

/// Returns the data keys, the newest last.
pub(super) async fn keys(conn: &impl ConnectionTrait) -> Result<Vec<WrappedKey>, DbError> {
    let rows = key::Entity::find()
        .order_by_asc(key::Column::CreatedAt)
        .order_by_asc(key::Column::Id)
        .all(conn)
        .await?;
    let wrapped = |row: key::Model| {
        let id: DataKeyId = row.id.parse().ok()?;
        Some(WrappedKey { id, master: row.master, bytes: row.wrapped })
    };
    Ok(rows.into_iter().filter_map(wrapped).collect())
}

/// Adds a data key: the newest from now on.
pub(super) async fn add_key(
    conn: &impl ConnectionTrait,
    wrapped: &WrappedKey,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let model = key::Model {
        id: wrapped.id.to_string(),
        master: wrapped.master.clone(),
        wrapped: wrapped.bytes.clone(),
        created_at: now,
    };
    key::Entity::insert(model.into_active_model()).exec_without_returning(conn).await?;
    Ok(())
}

/// Puts a data key under another master key.
pub(super) async fn rewrap(
    conn: &impl ConnectionTrait,
    wrapped: &WrappedKey,
) -> Result<(), DbError> {
    key::Entity::update_many()
        .col_expr(key::Column::Master, Expr::value(wrapped.master.clone()))
        .col_expr(key::Column::Wrapped, Expr::value(wrapped.bytes.clone()))
        .filter(key::Column::Id.eq(wrapped.id.to_string()))
        .exec(conn)
        .await?;
    Ok(())
}
