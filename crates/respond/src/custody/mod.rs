//! Files that people hand over: proofs of orders, signed copies of reports, evidence. One store keeps their
//! bytes in the data folder under their SHA-256; one table, which both databases refuse to change, tells
//! who did what with each, from its receipt on.

mod adopt;
mod disk;
mod gathered;
mod store;
#[cfg(test)]
mod tests;

use db::Tx;
use event::AgencyId;
use uuid::Uuid;

pub use adopt::adopt_old;
#[cfg(test)]
pub(crate) use disk::path;
pub(crate) use disk::{
    Digesting, Source, Stored, digest_of, discard, id_of, keep_bytes, keep_file, kept, open, read,
};
pub(crate) use gathered::{Gathered, part_id, piece_of, start_of};
pub(crate) use store::{Entry, chain, is_needed, last_by};

use crate::actor::Handler;
use crate::desk::Desk;
use crate::error::RespondError;

/// What a file is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A piece of evidence.
    Evidence,
    /// What an agency proves by it of an order.
    OrderProof,
    /// The signed copy of a report.
    ReportSigned,
}

impl Kind {
    /// Returns the word used in columns.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Evidence => "evidence",
            Self::OrderProof => "order-proof",
            Self::ReportSigned => "report-signed",
        }
    }
}

/// What someone does with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// Handed it in; the digest was taken at receipt.
    Uploaded,
    /// Looked at its page.
    Seen,
    /// Took its bytes out.
    Downloaded,
    /// Took it out with others, sealed.
    Exported,
    /// The platform searched it.
    Examined,
    /// The platform scanned it with YARA rules.
    Scanned,
    /// An authority stamped its digest with a time.
    Stamped,
    /// Gave it from their hands, by a receipt.
    Given,
    /// Took it over, by a receipt.
    TakenOver,
    /// Forbade its disposal.
    Held,
    /// Allowed it again.
    Released,
    /// Changed until when it is kept.
    Kept,
    /// Destroyed its bytes.
    Disposed,
}

impl Act {
    /// Returns the word used in columns and translation keys.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Uploaded => "uploaded",
            Self::Seen => "seen",
            Self::Downloaded => "downloaded",
            Self::Exported => "exported",
            Self::Examined => "examined",
            Self::Scanned => "scanned",
            Self::Stamped => "stamped",
            Self::Given => "given",
            Self::TakenOver => "taken-over",
            Self::Held => "held",
            Self::Released => "released",
            Self::Kept => "kept",
            Self::Disposed => "disposed",
        }
    }
}

/// Which file of whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) kind: Kind,
    pub(crate) id: Uuid,
    pub(crate) agency: AgencyId,
    pub(crate) sha256: &'a str,
}

/// Writes down what someone does with a file, in the transaction of what they do.
pub(crate) async fn record(
    tx: &Tx,
    who: &Handler,
    subject: Subject<'_>,
    act: Act,
    detail: &str,
) -> Result<(), RespondError> {
    let by = (Some(who.account), who.name.as_str());
    store::add(tx.conn(), (tx.new_uuid(), tx.now()), by, subject, (act, detail)).await
}

/// Writes down what the platform did with a file.
pub(crate) async fn record_platform(
    tx: &Tx,
    subject: Subject<'_>,
    act: Act,
    detail: &str,
) -> Result<(), RespondError> {
    let made = (tx.new_uuid(), tx.now());
    store::add(tx.conn(), made, (None, "Lũy Tre"), subject, (act, detail)).await
}

/// Writes down that a file was received, and that its bytes are in the store.
pub(crate) async fn receive(
    tx: &Tx,
    who: &Handler,
    subject: Subject<'_>,
    (stored, detail): (&Stored, &str),
) -> Result<(), RespondError> {
    store::keep(tx.conn(), stored, tx.now()).await?;
    record(tx, who, subject, Act::Uploaded, detail).await
}

/// Writes down that someone takes the bytes of a file out; nobody gets them without it.
pub(crate) async fn take_out(
    desk: &Desk,
    who: &Handler,
    subject: Subject<'_>,
) -> Result<(), RespondError> {
    let tx = desk.db.begin().await?;
    record(&tx, who, subject, Act::Downloaded, "").await?;
    let detail = serde_json::json!({ "sha256": subject.sha256, "kind": subject.kind.word() });
    let about = db::Subject::new("file", subject.id);
    let entry = db::AuditEntry::new(who.actor(), "file.take", about, detail);
    Ok(tx.commit(entry.of_agency(subject.agency)).await?)
}

/// Writes down what someone or the platform did with a file that nobody decided: looking at it.
pub(crate) async fn note(
    desk: &Desk,
    who: &Handler,
    subject: Subject<'_>,
    act: Act,
) -> Result<(), RespondError> {
    let books = desk.db.begin_bookkeeping().await?;
    let by = (Some(who.account), who.name.as_str());
    let made = (desk.db.new_uuid(), books.now());
    store::add(books.conn(), made, by, subject, (act, "")).await?;
    Ok(books.commit().await?)
}
