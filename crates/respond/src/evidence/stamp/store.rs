//! The table `evidence_stamp`: one time stamp of each piece.

use chrono::{DateTime, Utc};
use db::Tx;
use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;

use crate::error::RespondError;

entity!(stamp, "evidence_stamp", {
    #[sea_orm(primary_key, auto_increment = false)]
    evidence_id: Uuid,
    sha256: String,
    answer: Vec<u8>,
    stamped_at: DateTimeUtc,
    received_at: DateTimeUtc,
    authority: String,
    serial: String,
    policy: String,
});

/// A time stamp as kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Stamp {
    /// The digest that it is of.
    pub(in super::super) sha256: String,
    /// The authority's whole answer (`TimeStampResp`), as it came.
    pub(in super::super) answer: Vec<u8>,
    /// When the authority saw the digest.
    pub(in super::super) at: DateTime<Utc>,
    /// When the answer came.
    pub(in super::super) received_at: DateTime<Utc>,
    /// Whose it is.
    pub(in super::super) authority: String,
    /// The token's number, hexadecimal.
    pub(in super::super) serial: String,
    /// Under which policy.
    pub(in super::super) policy: String,
}

/// Keeps a stamp.
pub(super) async fn insert(tx: &Tx, evidence: Uuid, given: &Stamp) -> Result<(), RespondError> {
    let row = stamp::ActiveModel {
        evidence_id: Set(evidence),
        sha256: Set(given.sha256.clone()),
        answer: Set(given.answer.clone()),
        stamped_at: Set(given.at),
        received_at: Set(given.received_at),
        authority: Set(given.authority.clone()),
        serial: Set(given.serial.clone()),
        policy: Set(given.policy.clone()),
    };
    stamp::Entity::insert(row).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// Returns the stamp of a piece.
pub(in super::super) async fn get(
    conn: &impl ConnectionTrait,
    evidence: Uuid,
) -> Result<Option<Stamp>, RespondError> {
    let found = stamp::Entity::find_by_id(evidence).one(conn).await?;
    Ok(found.map(|row| Stamp {
        sha256: row.sha256,
        answer: row.answer,
        at: row.stamped_at,
        received_at: row.received_at,
        authority: row.authority,
        serial: row.serial,
        policy: row.policy,
    }))
}
