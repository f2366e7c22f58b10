//! Looking at events is reading sensitive data: each question goes into the audit log, with what
//! came of it; also one that its reader gave up.

use chrono::{DateTime, Utc};
use db::{Actor, AuditEntry, Db, Subject};
use serde_json::{Value, json};

use crate::actor::Handler;
use crate::desk::Desk;
use crate::error::RespondError;

/// A question that is being answered. Dropped before [`Reading::end`], it is noted as given up.
#[derive(Debug)]
pub(crate) struct Reading {
    db: Db,
    began: DateTime<Utc>,
    /// Taken out when the entry is written.
    entry: Option<(Actor, &'static str, Value)>,
}

impl Reading {
    /// Begins to answer; `asked` tells the question and its times.
    pub(crate) fn begin(desk: &Desk, who: &Handler, action: &'static str, asked: Value) -> Self {
        let entry = Some((who.actor(), action, asked));
        Self { db: desk.db.clone(), began: desk.db.now(), entry }
    }

    /// Writes down what came of it.
    pub(crate) async fn end(mut self, outcome: Value) -> Result<(), RespondError> {
        match self.entry.take() {
            Some(entry) => write(&self.db, self.began, entry, outcome).await,
            None => Ok(()),
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let Some(entry) = self.entry.take() else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (db, began) = (self.db.clone(), self.began);
        runtime.spawn(async move {
            if let Err(error) = write(&db, began, entry, json!({ "given_up": true })).await {
                tracing::error!(error = web::chain(&error), "a question could not be noted");
            }
        });
    }
}

async fn write(
    db: &Db,
    began: DateTime<Utc>,
    (actor, action, asked): (Actor, &'static str, Value),
    outcome: Value,
) -> Result<(), RespondError> {
    let mut detail = asked;
    if let (Value::Object(detail), Value::Object(outcome)) = (&mut detail, outcome) {
        detail.extend(outcome);
        let took_ms = (db.now() - began).num_milliseconds();
        detail.insert("took_ms".to_owned(), took_ms.into());
    }
    let tx = db.begin().await?;
    tx.commit(AuditEntry::new(actor, action, Subject::all("event"), detail)).await?;
    Ok(())
}
