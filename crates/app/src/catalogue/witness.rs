//! What the audit trail tells of the chain over the lake's files: how far it went, and with which hash. Who cuts the
//! chain's end off has to cut the trail as well, whose own end stands on its printed anchors and is sent to programs
//! outside.

use db::audit::{self, AuditFilter};
use db::{Actor, AuditEntry, Db, DbError, Subject};
use event::Scope;
use serde::Deserialize;
use serde_json::json;

use super::chain;

/// The action of an entry that tells of the chain.
const ACTION: &str = "lake.chain";

/// The end of the chain as the audit trail saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Witness {
    /// Which entry of the audit trail tells it.
    pub(crate) audit_entry: i64,
    /// How many entries the chain had.
    pub(crate) entries: i64,
    /// The hash of the last of them.
    pub(crate) head: String,
}

impl Witness {
    /// Returns whether the chain still has what the audit trail saw.
    pub(crate) async fn is_borne_out(&self, db: &Db) -> Result<bool, DbError> {
        Ok(chain::hash_at(db, self.entries).await?.as_ref() == Some(&self.head))
    }
}

#[derive(Debug, Deserialize)]
struct Told {
    entries: i64,
    head: String,
}

/// Returns the end of the chain that the audit trail saw last.
///
/// # Errors
///
/// When the database does not answer.
pub(crate) async fn newest(db: &Db) -> Result<Option<Witness>, DbError> {
    let filter = AuditFilter { action: Some(ACTION.to_owned()), ..AuditFilter::default() };
    let rows = audit::list(db, &Scope::platform(), &filter, 1).await?;
    Ok(rows.into_iter().find_map(|row| {
        let Told { entries, head } = serde_json::from_str(&row.detail).ok()?;
        Some(Witness { audit_entry: row.seq, entries, head })
    }))
}

/// Writes the end of the chain into the audit trail, if there is a new one. Where the chain no longer has what the
/// trail saw, nothing is written: what was seen stays the newest word.
///
/// # Errors
///
/// When the database does not answer.
pub(crate) async fn write(db: &Db) -> Result<(), DbError> {
    let (entries, head) = chain::end_of(db).await?;
    if let Some(seen) = newest(db).await? {
        if !seen.is_borne_out(db).await? {
            tracing::error!(
                audit.entry = seen.audit_entry,
                chain.entries = seen.entries,
                "the chain over the lake's files no longer has what the audit trail saw of it"
            );
            return Ok(());
        }
        if seen.entries == entries {
            return Ok(());
        }
    }
    if entries == 0 {
        return Ok(());
    }
    let detail = json!({ "entries": entries, "head": head });
    let entry = AuditEntry::new(Actor::Platform("lake"), ACTION, Subject::all("lake_file"), detail);
    db.begin().await?.commit(entry).await
}
