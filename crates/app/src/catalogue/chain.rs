//! The chain over the lake's files: every file that came or went, each entry's hash covering the one
//! before. Whoever changes a file, a row of the catalogue or an entry of the chain behind the
//! platform's back is found by [`verify`]. Deletions stand here with their record: what went, how much
//! of whose, and on what legal ground.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use db::{Db, DbError};
use lake::{Note, Segment, SegmentId, Where};
use sea_orm::entity::prelude::*;
use sea_orm::{DbBackend, IntoActiveModel as _, QueryOrder as _, QuerySelect as _};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::held;
use super::witness::{self, Witness};

mod link {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "lake_chain")]
    pub(super) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(super) seq: i64,
        pub(super) at: DateTimeUtc,
        pub(super) kind: String,
        pub(super) segment_id: String,
        pub(super) detail: String,
        pub(super) hash: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A file came.
const ADD: &str = "add";

/// A file that was there before the chain began.
const ADOPT: &str = "adopt";

/// A file went.
const REMOVE: &str = "remove";

/// In the detail of a file that came straight from senders, where several machines share the lake.
const FRESH: &str = "fresh";

/// Entries read at a time.
const CHUNK: u64 = 2000;

/// Any number that nothing else in this database locks: the audit chain's, and one.
const LAKE_CHAIN_LOCK: i64 = 589_874;

/// What [`verify`] found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ChainVerdict {
    /// How many entries were read.
    pub(crate) entries: u64,
    /// The first entry that does not fit the one before it.
    pub(crate) first_bad: Option<i64>,
    /// The last good hash: write it down elsewhere, and a shorter chain gives itself away.
    pub(crate) head: String,
    /// Files that the catalogue names otherwise than the chain, or only one of both.
    pub(crate) strangers: Vec<String>,
    /// What the audit trail saw of the chain and it no longer has: its end was cut off.
    pub(crate) cut: Option<Witness>,
    /// Incidents whose holds are not what the audit trail tells: logs would go that are held.
    pub(crate) holds_meddled: Vec<String>,
}

impl ChainVerdict {
    /// Returns whether chain and catalogue are as they were written.
    pub(crate) fn holds(&self) -> bool {
        self.first_bad.is_none()
            && self.strangers.is_empty()
            && self.cut.is_none()
            && self.holds_meddled.is_empty()
    }
}

/// A deletion, a quarantine or the loss of a file, as the chain keeps it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Kept {
    /// Its number in the chain.
    pub(crate) seq: i64,
    /// When.
    pub(crate) at: DateTime<Utc>,
    /// Which kind.
    pub(crate) kind: String,
    /// What went.
    pub(crate) detail: serde_json::Value,
    /// Its hash.
    pub(crate) hash: String,
}

/// Writes a change of files into the chain, in the transaction that changes the catalogue.
pub(super) async fn note(
    conn: &impl ConnectionTrait,
    now: DateTime<Utc>,
    change: Change<'_>,
) -> Result<(), DbError> {
    if conn.get_database_backend() == DbBackend::Postgres {
        conn.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({LAKE_CHAIN_LOCK})"))
            .await?;
    }
    let mut end = head(conn).await?;
    let mut rows = Vec::new();
    if let Some(note) = change.note {
        rows.push(end.link(now, note.kind, String::new(), note.detail.to_string()));
    }
    for segment in change.add {
        let detail = detail(segment, change.is_fresh);
        rows.push(end.link(now, change.added_as, segment.id.to_string(), detail));
    }
    for segment in change.remove {
        let sha256 = json!({ "sha256": segment.sha256 }).to_string();
        rows.push(end.link(now, REMOVE, segment.id.to_string(), sha256));
    }
    for part in rows.chunks(500) {
        let part = part.iter().map(|row| row.clone().into_active_model().reset_all());
        link::Entity::insert_many(part).exec_without_returning(conn).await?;
    }
    Ok(())
}

/// A change of files.
#[derive(Debug, Clone, Copy)]
pub(super) struct Change<'a> {
    pub(super) add: &'a [Segment],
    pub(super) added_as: &'static str,
    pub(super) remove: &'a [Segment],
    pub(super) note: Option<&'a Note>,
    /// Whether the files hold events that no file held before.
    pub(super) is_fresh: bool,
}

impl<'a> Change<'a> {
    pub(super) const fn of(add: &'a [Segment], remove: &'a [Segment]) -> Self {
        Self { add, added_as: ADD, remove, note: None, is_fresh: false }
    }

    /// Files that were there before the chain began.
    pub(super) const fn adopted(files: &'a [Segment]) -> Self {
        Self { add: files, added_as: ADOPT, remove: &[], note: None, is_fresh: false }
    }
}

/// Where the chain ends.
struct End {
    seq: i64,
    hash: String,
}

impl End {
    fn link(
        &mut self,
        at: DateTime<Utc>,
        kind: &str,
        segment_id: String,
        detail: String,
    ) -> link::Model {
        // The database keeps microseconds.
        let at = DateTime::from_timestamp_micros(at.timestamp_micros()).unwrap_or(at);
        self.seq = self.seq.saturating_add(1);
        let mut row = link::Model {
            seq: self.seq,
            at,
            kind: kind.to_owned(),
            segment_id,
            detail,
            hash: String::new(),
        };
        row.hash = hash(&self.hash, &row);
        self.hash.clone_from(&row.hash);
        row
    }
}

fn hash(before: &str, row: &link::Model) -> String {
    let mut hash = Sha256::new();
    let at_us = row.at.timestamp_micros().to_string();
    let seq = row.seq.to_string();
    for part in [before, &seq, &at_us, &row.kind, &row.segment_id, &row.detail] {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part.as_bytes());
    }
    format!("{:x}", hash.finalize())
}

fn detail(segment: &Segment, is_fresh: bool) -> String {
    let mut detail = json!({
        "path": segment.path,
        "sha256": segment.sha256,
        "size_bytes": segment.size_bytes,
        "events": segment.rows,
        "from": segment.min_occurred_at,
        "to": segment.max_occurred_at,
    });
    if let Some(detail) = detail.as_object_mut().filter(|_| is_fresh) {
        detail.insert(FRESH.to_owned(), true.into());
    }
    detail.to_string()
}

async fn head(conn: &impl ConnectionTrait) -> Result<End, DbError> {
    let last = link::Entity::find().order_by_desc(link::Column::Seq).one(conn).await?;
    Ok(last
        .map_or(End { seq: 0, hash: String::new() }, |last| End { seq: last.seq, hash: last.hash }))
}

/// Returns whether the chain has begun.
pub(super) async fn has_begun(conn: &impl ConnectionTrait) -> Result<bool, DbError> {
    Ok(head(conn).await?.seq > 0)
}

/// Returns the last hash of the chain; empty before it begins.
///
/// # Errors
///
/// When the database does not answer.
pub(crate) async fn head_of(db: &Db) -> Result<String, DbError> {
    Ok(head(db.conn()).await?.hash)
}

/// Returns how many entries the chain has, and the last hash.
///
/// # Errors
///
/// When the database does not answer.
pub(super) async fn end_of(db: &Db) -> Result<(i64, String), DbError> {
    let end = head(db.conn()).await?;
    Ok((end.seq, end.hash))
}

/// Returns the hash of an entry, if there is such a one.
///
/// # Errors
///
/// When the database does not answer.
pub(super) async fn hash_at(db: &Db, seq: i64) -> Result<Option<String>, DbError> {
    Ok(link::Entity::find_by_id(seq).one(db.conn()).await?.map(|row| row.hash))
}

/// Follows the chain from its beginning, and compares what it says with the catalogue and with what the audit trail
/// saw of it.
///
/// # Errors
///
/// When the database does not answer.
pub(crate) async fn verify(db: &Db) -> Result<ChainVerdict, DbError> {
    // Before the chain is read: it grows beside a running platform.
    let seen = witness::newest(db).await?;
    let mut verdict = ChainVerdict::default();
    let mut live: BTreeMap<String, String> = BTreeMap::new();
    let mut after = 0;
    loop {
        let rows = rows_after(db.conn(), after).await?;
        let Some(last) = rows.last() else { break };
        after = last.seq;
        for row in rows {
            let expected = i64::try_from(verdict.entries).unwrap_or(i64::MAX).saturating_add(1);
            let fits = row.seq == expected && row.hash == hash(&verdict.head, &row);
            verdict.entries = verdict.entries.saturating_add(1);
            if !fits {
                verdict.first_bad = Some(row.seq);
                return Ok(verdict);
            }
            verdict.head.clone_from(&row.hash);
            match row.kind.as_str() {
                ADD | ADOPT => drop(live.insert(row.segment_id, sha256(&row.detail))),
                REMOVE => drop(live.remove(&row.segment_id)),
                _ => {}
            }
        }
    }
    if let Some(seen) = seen
        && !seen.is_borne_out(db).await?
    {
        verdict.cut = Some(seen);
    }
    for segment in super::store::segments(db.conn(), Where::Folder).await? {
        if live.remove(&segment.id.to_string()).as_ref() != Some(&segment.sha256) {
            verdict.strangers.push(segment.id.to_string());
        }
    }
    verdict.strangers.extend(live.into_keys());
    verdict.holds_meddled = held::meddled(db).await?.into_iter().collect();
    Ok(verdict)
}

/// Returns the entries after one, the oldest first, some at a time.
async fn rows_after(conn: &impl ConnectionTrait, after: i64) -> Result<Vec<link::Model>, DbError> {
    Ok(link::Entity::find()
        .filter(link::Column::Seq.gt(after))
        .order_by_asc(link::Column::Seq)
        .limit(CHUNK)
        .all(conn)
        .await?)
}

/// An entry as it is handed out: all that its hash covers, so that others follow the chain without us.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Entry {
    /// Its number, from 1.
    pub(crate) seq: i64,
    /// When, in microseconds since 1970.
    at_us: i64,
    kind: String,
    /// The file's id; empty for a note.
    file: String,
    /// JSON as a text: the hash is of these very bytes.
    detail: String,
    hash: String,
}

/// Returns the entries after one, the oldest first, some at a time; none are left when it returns none.
///
/// # Errors
///
/// When the database does not answer.
pub(crate) async fn entries(db: &Db, after: i64) -> Result<Vec<Entry>, DbError> {
    let entry = |row: link::Model| Entry {
        seq: row.seq,
        at_us: row.at.timestamp_micros(),
        kind: row.kind,
        file: row.segment_id,
        detail: row.detail,
        hash: row.hash,
    };
    Ok(rows_after(db.conn(), after).await?.into_iter().map(entry).collect())
}

fn sha256(detail: &str) -> String {
    let detail: serde_json::Value = serde_json::from_str(detail).unwrap_or_default();
    detail.get("sha256").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
}

/// Returns deletions, quarantines and losses, the newest first; `before` is the number of the oldest
/// one seen so far.
///
/// # Errors
///
/// When the database does not answer.
pub(crate) async fn notes(db: &Db, before: Option<i64>, limit: u64) -> Result<Vec<Kept>, DbError> {
    let mut query = link::Entity::find()
        .filter(link::Column::Kind.is_not_in([ADD, ADOPT, REMOVE]))
        .order_by_desc(link::Column::Seq)
        .limit(limit);
    if let Some(before) = before {
        query = query.filter(link::Column::Seq.lt(before));
    }
    let rows = query.all(db.conn()).await?;
    let kept = |row: link::Model| Kept {
        seq: row.seq,
        at: row.at,
        detail: serde_json::from_str(&row.detail).unwrap_or_default(),
        kind: row.kind,
        hash: row.hash,
    };
    Ok(rows.into_iter().map(kept).collect())
}

/// Returns the number of the last entry; 0 before the first.
pub(super) async fn last(conn: &impl ConnectionTrait) -> Result<u64, DbError> {
    Ok(unsigned(head(conn).await?.seq))
}

/// Returns when the first change after an entry was made; nothing if there is none.
pub(super) async fn first_after(
    conn: &impl ConnectionTrait,
    after: u64,
) -> Result<Option<DateTime<Utc>>, DbError> {
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let row = link::Entity::find()
        .filter(link::Column::Seq.gt(after))
        .order_by_asc(link::Column::Seq)
        .one(conn)
        .await?;
    Ok(row.map(|row| row.at))
}

/// Returns the changes after an entry, oldest first, some at a time. Entries are numbered and seen in the order
/// of their commits: commits wait for each other at the end of the chain. A file that has left since is in none of
/// them.
pub(super) async fn changes(
    conn: &impl ConnectionTrait,
    after: u64,
    else_in: Where,
) -> Result<Vec<lake::Change>, DbError> {
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let mut rows = rows_after(conn, after).await?;
    // The entries of one commit bear one moment, and are told together: a file never beside what it replaces.
    let last = rows.last().map(|row| row.at);
    if rows.len() as u64 == CHUNK && rows.first().map(|row| row.at) != last {
        rows.retain(|row| Some(row.at) != last);
    }
    let is_add = |row: &&link::Model| matches!(row.kind.as_str(), ADD | ADOPT);
    let ids: Vec<SegmentId> =
        rows.iter().filter(is_add).filter_map(|row| row.segment_id.parse().ok()).collect();
    let mut files: BTreeMap<SegmentId, Segment> = BTreeMap::new();
    for file in super::store::of_ids(conn, &ids, else_in).await? {
        files.insert(file.id, file);
    }
    let mut changes = Vec::new();
    for commit in rows.chunk_by(|one, next| one.at == next.at) {
        let mut change = lake::Change::default();
        for row in commit {
            change.number = unsigned(row.seq);
            let Ok(id) = row.segment_id.parse::<SegmentId>() else { continue };
            if row.kind == REMOVE {
                change.removed.push(id);
            } else if let Some(file) = files.remove(&id) {
                change.added.push(file);
                if is_fresh(&row.detail) {
                    change.fresh.push(id);
                }
            }
        }
        changes.push(change);
    }
    Ok(changes)
}

fn is_fresh(detail: &str) -> bool {
    let detail: serde_json::Value = serde_json::from_str(detail).unwrap_or_default();
    detail.get(FRESH).and_then(serde_json::Value::as_bool).unwrap_or_default()
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
