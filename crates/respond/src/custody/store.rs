//! The tables `stored_file` and `custody_entry`.

use chrono::{DateTime, Utc};
use event::{AccountId, AgencyId};
use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{QueryOrder as _, QuerySelect as _};

use super::{Act, Kind, Stored, Subject};
use crate::error::RespondError;
use crate::limits::CUSTODY_LINES;

entity!(stored, "stored_file", {
    #[sea_orm(primary_key, auto_increment = false)]
    sha256: String,
    size_bytes: i64,
    kept_at: DateTimeUtc,
});

entity!(entry, "custody_entry", {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    subject_kind: String,
    subject_id: Uuid,
    agency_id: Uuid,
    sha256: String,
    at: DateTimeUtc,
    account_id: Option<Uuid>,
    actor: String,
    act: String,
    detail: String,
});

/// Notes that the bytes of a digest are kept.
pub(super) async fn keep(
    conn: &impl ConnectionTrait,
    file: &Stored,
    now: DateTime<Utc>,
) -> Result<(), RespondError> {
    let row = stored::ActiveModel {
        sha256: Set(file.sha256.clone()),
        size_bytes: Set(i64::try_from(file.size_bytes).unwrap_or(i64::MAX)),
        kept_at: Set(now),
    };
    let stands = OnConflict::column(stored::Column::Sha256).do_nothing().to_owned();
    stored::Entity::insert(row).on_conflict(stands).exec_without_returning(conn).await?;
    Ok(())
}

/// Returns whether the bytes of a digest are kept.
pub(super) async fn is_kept(
    conn: &impl ConnectionTrait,
    sha256: &str,
) -> Result<bool, RespondError> {
    Ok(stored::Entity::find_by_id(sha256.to_owned()).one(conn).await?.is_some())
}

/// Adds a line to the chain of custody.
pub(super) async fn add(
    conn: &impl ConnectionTrait,
    (id, at): (Uuid, DateTime<Utc>),
    (account, actor): (Option<AccountId>, &str),
    subject: Subject<'_>,
    (act, detail): (Act, &str),
) -> Result<(), RespondError> {
    let row = entry::ActiveModel {
        id: Set(id),
        subject_kind: Set(subject.kind.word().to_owned()),
        subject_id: Set(subject.id),
        agency_id: Set(subject.agency.uuid()),
        sha256: Set(subject.sha256.to_owned()),
        at: Set(at),
        account_id: Set(account.map(AccountId::uuid)),
        actor: Set(actor.to_owned()),
        act: Set(act.word().to_owned()),
        detail: Set(detail.to_owned()),
    };
    entry::Entity::insert(row).exec_without_returning(conn).await?;
    Ok(())
}

/// A line of the chain of custody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) at: DateTime<Utc>,
    pub(crate) actor: String,
    /// The word of what was done.
    pub(crate) act: String,
    pub(crate) detail: String,
    pub(crate) agency: AgencyId,
    pub(crate) sha256: String,
}

fn entry_of(row: entry::Model) -> Entry {
    Entry {
        at: row.at,
        actor: row.actor,
        act: row.act,
        detail: row.detail,
        agency: AgencyId::from_uuid(row.agency_id),
        sha256: row.sha256,
    }
}

/// Returns the chain of a file that the caller may see, the oldest line first.
pub(crate) async fn chain(
    conn: &impl ConnectionTrait,
    kind: Kind,
    id: Uuid,
) -> Result<Vec<Entry>, RespondError> {
    let rows = entry::Entity::find()
        .filter(entry::Column::SubjectKind.eq(kind.word()))
        .filter(entry::Column::SubjectId.eq(id))
        .order_by_asc(entry::Column::At)
        .order_by_asc(entry::Column::Id)
        .limit(CUSTODY_LINES)
        .all(conn)
        .await?;
    Ok(rows.into_iter().map(entry_of).collect())
}

/// Returns when someone last did this with a file.
pub(crate) async fn last_by(
    conn: &impl ConnectionTrait,
    (kind, id): (Kind, Uuid),
    account: AccountId,
    act: Act,
) -> Result<Option<DateTime<Utc>>, RespondError> {
    let row = entry::Entity::find()
        .filter(entry::Column::SubjectKind.eq(kind.word()))
        .filter(entry::Column::SubjectId.eq(id))
        .filter(entry::Column::AccountId.eq(account.uuid()))
        .filter(entry::Column::Act.eq(act.word()))
        .order_by_desc(entry::Column::At)
        .one(conn)
        .await?;
    Ok(row.map(|row| row.at))
}

/// Returns whether anything but this file needs the bytes of a digest: it was handed in with them, and they
/// were not destroyed since.
pub(crate) async fn is_needed(
    conn: &impl ConnectionTrait,
    sha256: &str,
    but: Uuid,
) -> Result<bool, RespondError> {
    let gone = subjects(conn, sha256, Act::Disposed).await?;
    let all = subjects(conn, sha256, Act::Uploaded).await?;
    Ok(all.iter().any(|id| *id != but && !gone.contains(id)))
}

/// Returns with which files this was done that have these bytes.
async fn subjects(
    conn: &impl ConnectionTrait,
    sha256: &str,
    act: Act,
) -> Result<Vec<Uuid>, RespondError> {
    Ok(entry::Entity::find()
        .select_only()
        .column(entry::Column::SubjectId)
        .filter(entry::Column::Sha256.eq(sha256))
        .filter(entry::Column::Act.eq(act.word()))
        .into_tuple()
        .all(conn)
        .await?)
}
