//! Bringing files of older versions into the store: proofs of orders lay in a folder of their own, signed
//! copies of reports in the database.

use super::disk::{keep_bytes, keep_file, let_go};
use super::{Act, Kind, Subject, store};
use crate::desk::Desk;
use crate::error::RespondError;
use crate::{order, report};

/// Brings old files into the store, and returns how many. What is there already is left alone, so that it
/// may be called at every start; a file that is not what its row says stays where it is and is logged.
///
/// # Errors
/// When the database or the disk does not answer.
pub async fn adopt_old(desk: &Desk) -> Result<u64, RespondError> {
    let mut adopted = 0;
    for proof in order::all_proofs(desk.db.conn()).await? {
        let old = desk.files.join("orders").join(proof.id.to_string());
        let is_there = old.try_exists().map_err(|error| RespondError::File(Box::new(error)))?;
        if !is_there || store::is_kept(desk.db.conn(), &proof.sha256).await? {
            continue;
        }
        let stored = keep_file(&desk.files, desk.db.new_uuid(), old.clone()).await?;
        if stored.sha256 != proof.sha256 {
            tracing::error!(proof = %proof.id, "a proof is not the file that was sent");
        }
        let subject = Subject {
            kind: Kind::OrderProof,
            id: proof.id,
            agency: proof.agency,
            sha256: &stored.sha256,
        };
        let books = desk.db.begin_bookkeeping().await?;
        store::keep(books.conn(), &stored, proof.added_at).await?;
        let made = (desk.db.new_uuid(), proof.added_at);
        let by = (None, proof.added_by.as_str());
        store::add(books.conn(), made, by, subject, (Act::Uploaded, "")).await?;
        books.commit().await?;
        let_go(old).await?;
        adopted += 1;
    }
    while let Some(copy) = report::next_in_rows(desk.db.conn()).await? {
        let stored = keep_bytes(&desk.files, desk.db.new_uuid(), copy.bytes.into()).await?;
        let subject = Subject {
            kind: Kind::ReportSigned,
            id: copy.report,
            agency: copy.agency,
            sha256: &stored.sha256,
        };
        let books = desk.db.begin_bookkeeping().await?;
        store::keep(books.conn(), &stored, copy.made_at).await?;
        let made = (desk.db.new_uuid(), copy.made_at);
        let by = (None, copy.author.as_str());
        store::add(books.conn(), made, by, subject, (Act::Uploaded, "")).await?;
        report::empty_row(books.conn(), copy.report, &stored.sha256).await?;
        books.commit().await?;
        adopted += 1;
    }
    Ok(adopted)
}
