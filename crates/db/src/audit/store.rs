//! The audit table: appending, listing, verifying.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use event::Scope;
use sea_orm::entity::prelude::*;
use sea_orm::{ActiveValue::Set, DatabaseTransaction, QueryOrder as _, QuerySelect as _};
use sha2::{Digest as _, Sha256};

use super::{AuditEntry, AuditFilter, AuditRow, Mark, Verdict};
use crate::tx::lock_chain;
use crate::{Db, DbError};

/// Rows read at a time while verifying: small enough for any machine.
const VERIFY_PAGE: u64 = 1000;

/// Most rows one page of the list may hold.
const LIST_MAX: u64 = 1000;

/// What the first row's hash covers in place of a row before it.
const GENESIS: &str = "luytre-audit-1";

mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "audit_entry")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub seq: i64,
        pub at: DateTimeUtc,
        pub actor_kind: String,
        pub account_id: Option<Uuid>,
        pub actor_name: String,
        pub address: Option<String>,
        pub action: String,
        pub subject_kind: String,
        pub subject_id: String,
        pub agency_id: Option<Uuid>,
        pub detail: String,
        pub hash: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Returns the hash of a row over everything in it and the hash before it. The fields stand in a
/// JSON array, so that no two different rows read alike.
fn chained(row: &row::Model, previous: &str) -> String {
    let fields = serde_json::json!([
        previous,
        row.seq,
        row.at.to_rfc3339_opts(SecondsFormat::Micros, true),
        row.actor_kind,
        row.account_id,
        row.actor_name,
        row.address,
        row.action,
        row.subject_kind,
        row.subject_id,
        row.agency_id,
        row.detail,
    ]);
    hex::encode(Sha256::digest(fields.to_string()))
}

pub(crate) async fn append(
    conn: &DatabaseTransaction,
    now: DateTime<Utc>,
    entry: AuditEntry,
) -> Result<(), DbError> {
    lock_chain(conn).await?;
    let last = row::Entity::find().order_by_desc(row::Column::Seq).one(conn).await?;
    let (seq, previous) = last.map_or((1, GENESIS.to_owned()), |last| (last.seq + 1, last.hash));
    let AuditEntry { actor, action, subject, agency, detail } = entry;
    let mut new = row::Model {
        seq,
        at: now,
        actor_kind: actor.kind().to_owned(),
        account_id: actor.account().map(event::AccountId::uuid),
        actor_name: actor.name(),
        address: actor.address().map(|address| address.to_string()),
        action,
        subject_kind: subject.kind.to_owned(),
        subject_id: subject.id,
        agency_id: agency.map(event::AgencyId::uuid),
        detail: detail.to_string(),
        hash: String::new(),
    };
    new.hash = chained(&new, &previous);
    let new = row::ActiveModel {
        seq: Set(new.seq),
        at: Set(new.at),
        actor_kind: Set(new.actor_kind),
        account_id: Set(new.account_id),
        actor_name: Set(new.actor_name),
        address: Set(new.address),
        action: Set(new.action),
        subject_kind: Set(new.subject_kind),
        subject_id: Set(new.subject_id),
        agency_id: Set(new.agency_id),
        detail: Set(new.detail),
        hash: Set(new.hash),
    };
    row::Entity::insert(new).exec_without_returning(conn).await?;
    Ok(())
}

/// Returns entries, the newest first, at most `limit`. Someone bound to agencies sees what was done
/// to their data; the province's people see all.
pub async fn list(
    db: &Db,
    scope: &Scope,
    filter: &AuditFilter,
    limit: u64,
) -> Result<Vec<AuditRow>, DbError> {
    let mut query = row::Entity::find();
    if let Some(visible) = scope.visible() {
        query = query.filter(row::Column::AgencyId.is_in(visible.iter().map(|id| id.uuid())));
    }
    if let Some(action) = &filter.action {
        query = query.filter(row::Column::Action.starts_with(action));
    }
    if let Some(name) = &filter.actor_name {
        query = query.filter(row::Column::ActorName.contains(name));
    }
    if let Some(kind) = &filter.subject_kind {
        query = query.filter(row::Column::SubjectKind.eq(kind.as_str()));
    }
    if let Some(id) = &filter.subject_id {
        query = query.filter(row::Column::SubjectId.eq(id.as_str()));
    }
    if let Some(agency) = filter.agency {
        query = query.filter(row::Column::AgencyId.eq(agency.uuid()));
    }
    if let Some(from) = filter.from {
        query = query.filter(row::Column::At.gte(from));
    }
    if let Some(to) = filter.to {
        query = query.filter(row::Column::At.lt(to));
    }
    if let Some(seq) = filter.before_seq {
        query = query.filter(row::Column::Seq.lt(seq));
    }
    let rows =
        query.order_by_desc(row::Column::Seq).limit(limit.min(LIST_MAX)).all(db.conn()).await?;
    Ok(rows.into_iter().map(AuditRow::from).collect())
}

/// Returns the entries after one, the oldest first, at most `limit`, as far as the scope sees them. Entries
/// are numbered in the order of their commits: whoever remembers the last number misses none.
pub async fn following(
    db: &Db,
    scope: &Scope,
    seq: i64,
    limit: u64,
) -> Result<Vec<AuditRow>, DbError> {
    let mut query = row::Entity::find().filter(row::Column::Seq.gt(seq));
    if let Some(visible) = scope.visible() {
        query = query.filter(row::Column::AgencyId.is_in(visible.iter().map(|id| id.uuid())));
    }
    let rows =
        query.order_by_asc(row::Column::Seq).limit(limit.min(LIST_MAX)).all(db.conn()).await?;
    Ok(rows.into_iter().map(AuditRow::from).collect())
}

/// Returns the number of the last entry; 0 when there is none.
pub async fn last_seq(conn: &impl ConnectionTrait) -> Result<i64, DbError> {
    let last = row::Entity::find().order_by_desc(row::Column::Seq).one(conn).await?;
    Ok(last.map_or(0, |last| last.seq))
}

impl From<row::Model> for AuditRow {
    fn from(row: row::Model) -> Self {
        Self {
            seq: row.seq,
            at: row.at,
            actor_kind: row.actor_kind,
            account: row.account_id,
            actor_name: row.actor_name,
            address: row.address,
            action: row.action,
            subject_kind: row.subject_kind,
            subject_id: row.subject_id,
            agency: row.agency_id,
            detail: row.detail,
            hash: row.hash,
        }
    }
}

/// Counts the entries of a period.
pub(super) async fn count(db: &Db, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<u64, DbError> {
    let within =
        row::Entity::find().filter(row::Column::At.gte(from)).filter(row::Column::At.lt(to));
    Ok(within.count(db.conn()).await?)
}

/// Returns the last entry made before a moment.
pub(super) async fn last_before(db: &Db, to: DateTime<Utc>) -> Result<Option<Mark>, DbError> {
    let last = row::Entity::find()
        .filter(row::Column::At.lt(to))
        .order_by_desc(row::Column::Seq)
        .one(db.conn())
        .await?;
    Ok(last.map(|last| Mark { seq: last.seq, hash: last.hash }))
}

/// Walks the whole chain and says whether it holds.
pub async fn verify(db: &Db) -> Result<Verdict, DbError> {
    verify_against(db, &[]).await
}

/// Walks the whole chain and says whether it holds, and whether it bears out what was once printed of it.
pub async fn verify_against(db: &Db, marks: &[Mark]) -> Result<Verdict, DbError> {
    let mut verdict = Verdict { entries: 0, first_bad: None, head: None, first_missed: None };
    let mut previous = GENESIS.to_owned();
    let mut seq = 0;
    let mut missed: BTreeMap<i64, &str> =
        marks.iter().map(|mark| (mark.seq, mark.hash.as_str())).collect();
    loop {
        let page = row::Entity::find()
            .filter(row::Column::Seq.gt(seq))
            .order_by_asc(row::Column::Seq)
            .limit(VERIFY_PAGE)
            .all(db.conn())
            .await?;
        if page.is_empty() {
            verdict.first_missed = missed.first_key_value().map(|(seq, _)| *seq);
            return Ok(verdict);
        }
        for entry in page {
            verdict.entries += 1;
            let fits = entry.seq == seq + 1 && entry.hash == chained(&entry, &previous);
            if !fits && verdict.first_bad.is_none() {
                verdict.first_bad = Some(entry.seq);
            }
            if verdict.first_bad.is_none() {
                verdict.head = Some(entry.hash.clone());
            }
            if missed.get(&entry.seq).is_some_and(|hash| *hash == entry.hash) {
                missed.remove(&entry.seq);
            }
            seq = entry.seq;
            previous = entry.hash;
        }
    }
}
