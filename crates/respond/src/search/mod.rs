//! The search over all events: query line, histogram, fields, live tail, files, SQL.
//!
//! Looking at events is reading sensitive data: each question goes into the audit log.

mod ask;
mod export;
mod fields;
mod pages;
mod reading;
mod routes;
mod sql_fault;
mod table;
mod tail;
#[cfg(test)]
mod tests;
mod values;
mod views;

use db::{AuditEntry, Subject};
use event::lake::Search;
use serde_json::json;

pub(crate) use ask::{Ask, SPANS};
pub(crate) use export::{cells, columns};
pub use fields::FieldsPage;
pub(crate) use pages::number;
pub(crate) use reading::Reading;
pub(crate) use routes::{routes, wrong};
pub(crate) use table::sheet;
pub(crate) use views::why;
pub use views::{SearchPage, SqlPage};

use crate::actor::Handler;
use crate::desk::Desk;
use crate::error::RespondError;

/// Writes into the audit log that someone asked this question.
pub(crate) async fn note_read(
    desk: &Desk,
    who: &Handler,
    action: &str,
    question: &str,
) -> Result<(), RespondError> {
    let detail = json!({ "question": question });
    let subject = Subject::all("event");
    let tx = desk.db.begin().await?;
    tx.commit(AuditEntry::new(who.actor(), action, subject, detail)).await?;
    Ok(())
}

/// Returns what the audit log keeps of a question: its words and its times.
pub(crate) fn asked(line: &str, search: &Search) -> serde_json::Value {
    json!({ "question": line, "from": search.from, "to": search.to })
}
