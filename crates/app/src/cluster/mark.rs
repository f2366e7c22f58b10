//! The table `intake_mark`: what must not be taken in twice. Each row is committed with the events that it stands for.
//! It names requests and files, no agency's data: no scope.

use chrono::{DateTime, Utc};
use collect::REQUEST_MARK;
use db::DbError;
use event::SourceId;
use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;

mod entity {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "intake_mark")]
    pub(super) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(super) name: String,
        pub(super) mark: Vec<u8>,
        pub(super) at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Returns the text of a request's mark; nothing for another one.
fn request(mark: &[u8]) -> Option<&str> {
    std::str::from_utf8(mark).ok().filter(|text| text.starts_with(REQUEST_MARK))
}

/// Returns the name of the row for a followed file's mark: source and file.
fn file(mark: &[u8]) -> Option<String> {
    let mark: serde_json::Value = serde_json::from_slice(mark).ok()?;
    let source = mark.get("source")?.as_str()?;
    let key = mark.get("progress")?.get("key")?;
    Some(format!("file:{source}:{key}"))
}

/// Keeps a mark. A request that is kept already is an error: whoever commits it a second time must not. A file's mark
/// replaces the one before.
pub(crate) async fn keep_mark(
    conn: &impl ConnectionTrait,
    mark: &[u8],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let row = |name: String| entity::ActiveModel {
        name: Set(name),
        mark: Set(mark.to_vec()),
        at: Set(now),
    };
    if let Some(name) = request(mark) {
        entity::Entity::insert(row(name.to_owned())).exec_without_returning(conn).await?;
    } else if let Some(name) = file(mark) {
        let replace = OnConflict::column(entity::Column::Name)
            .update_columns([entity::Column::Mark, entity::Column::At])
            .to_owned();
        entity::Entity::insert(row(name)).on_conflict(replace).exec_without_returning(conn).await?;
    }
    Ok(())
}

/// Returns whether a request is kept already.
pub(crate) async fn has_mark(conn: &impl ConnectionTrait, mark: &[u8]) -> Result<bool, DbError> {
    let Some(name) = request(mark) else { return Ok(false) };
    Ok(entity::Entity::find_by_id(name).one(conn).await?.is_some())
}

/// Returns how far the files of a source were read.
pub(crate) async fn marks_of(
    conn: &impl ConnectionTrait,
    source: SourceId,
) -> Result<Vec<Vec<u8>>, DbError> {
    let rows = entity::Entity::find()
        .filter(entity::Column::Name.starts_with(format!("file:{source}:")))
        .all(conn)
        .await?;
    Ok(rows.into_iter().map(|row| row.mark).collect())
}

/// Forgets the keys of requests made before a moment.
pub(crate) async fn forget_marks(
    conn: &impl ConnectionTrait,
    before: DateTime<Utc>,
) -> Result<(), DbError> {
    entity::Entity::delete_many()
        .filter(entity::Column::At.lt(before))
        .filter(entity::Column::Name.starts_with(REQUEST_MARK))
        .exec(conn)
        .await?;
    Ok(())
}
