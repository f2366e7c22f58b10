//! Asking, approving, rejecting, withdrawing.

use std::sync::Arc;

use async_trait::async_trait;
use db::{AuditEntry, Subject, Tx};
use serde_json::{Value, json};
use uuid::Uuid;

use super::model::{Ask, Request, State, TEXT_CHARS_MAX, WAITS};
use super::{Approvals, Grave, is_seen, store};
use crate::identity::people;
use crate::notify::{self, Kind, Notice};
use crate::todo::{Todo, TodoSource, Urgency};
use crate::{AppError, Permission, Phrase, Reach, Who};

impl Approvals {
    /// Returns whether an act must wait for another: whether anyone else could approve it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn is_needed(&self, who: &Who, permission: Permission) -> Result<bool, AppError> {
        let others = people(&self.db).await?;
        Ok(others.iter().any(|other| {
            other.active
                && other.joined
                && other.account != who.account
                && Some(other.account) != who.acting_for
                && other.role.reach() == Reach::Province
                && other.role.may(permission)
        }))
    }

    /// Keeps a request until another decides.
    ///
    /// # Errors
    /// [`AppError::Conflict`] when the same is asked for already; when the reason is missing.
    pub async fn ask(&self, who: &Who, ask: Ask) -> Result<Uuid, AppError> {
        let reason = ask.reason.trim();
        if reason.is_empty() || reason.chars().count() > TEXT_CHARS_MAX {
            return Err(AppError::invalid("reason", Phrase::key("approval-reason-needed")));
        }
        let tx = self.db.begin().await?;
        let now = tx.now();
        if store::waits(tx.conn(), (ask.action, &ask.subject_id), now).await? {
            return Err(AppError::Conflict(Phrase::key("approval-asked-already")));
        }
        let request = Request {
            id: tx.new_uuid(),
            action: ask.action.to_owned(),
            subject_kind: ask.subject_kind.to_owned(),
            subject_id: ask.subject_id,
            agency: ask.agency,
            summary: Some(ask.summary),
            payload: ask.payload,
            reason: reason.to_owned(),
            requested_by: who.account,
            requested_name: who.name.clone(),
            requested_at: now,
            expires_at: now + WAITS,
            state: State::Waiting,
            decided_name: None,
            decided_at: None,
            note: String::new(),
        };
        store::insert(tx.conn(), &request).await?;
        let notice = Notice::new(Kind::ApprovalWaiting, &request.id.to_string(), "/approvals");
        let notice = match request.agency {
            Some(agency) => notice.of_agency(agency),
            None => notice,
        };
        notify::raise(tx.conn(), &self.db, &[notice.not_to(who.account)]).await?;
        let detail = json!({ "act": request.action, "subject": request.subject_id, "reason": request.reason });
        commit(tx, who, &request, ("approval.request", detail)).await?;
        Ok(request.id)
    }

    /// Returns a request and its act if this reader may decide on it.
    async fn decidable(&self, who: &Who, id: Uuid) -> Result<(Request, &dyn Grave), AppError> {
        let request = store::by_id(self.db.conn(), id, self.db.now()).await?;
        let request = request.ok_or(AppError::NotFound)?;
        let act = self.act(&request.action).ok_or(AppError::NotFound)?;
        let own =
            request.requested_by == who.account || Some(request.requested_by) == who.acting_for;
        match who.require(act.permission()) {
            Err(AppError::SecondFactorNeeded) => return Err(AppError::SecondFactorNeeded),
            Err(_) if !own => return Err(AppError::NotFound),
            _ => {}
        }
        if own {
            return Err(AppError::Conflict(Phrase::key("approval-not-by-yourself")));
        }
        if !is_seen(&who.scope, request.agency) {
            return Err(AppError::NotFound);
        }
        Ok((request, act.as_ref()))
    }

    pub(super) async fn approve(&self, who: &Who, id: Uuid, note: &str) -> Result<(), AppError> {
        let (request, act) = self.decidable(who, id).await?;
        let tx = self.db.begin().await?;
        self.settle(&tx, who, id, (State::Approved, note)).await?;
        act.carry_out(&tx, &request.payload).await?;
        let detail = json!({
            "approval": id,
            "requested_by": request.requested_by,
            "requested_name": request.requested_name,
            "reason": request.reason,
            "note": note,
            "payload": request.payload,
        });
        commit(tx, who, &request, (act.action(), detail)).await
    }

    pub(super) async fn reject(&self, who: &Who, id: Uuid, note: &str) -> Result<(), AppError> {
        let (request, act) = self.decidable(who, id).await?;
        let tx = self.db.begin().await?;
        self.settle(&tx, who, id, (State::Rejected, note)).await?;
        let detail = json!({ "approval": id, "act": act.action(), "note": note });
        commit(tx, who, &request, ("approval.reject", detail)).await
    }

    pub(super) async fn withdraw(&self, who: &Who, id: Uuid) -> Result<(), AppError> {
        let request = store::by_id(self.db.conn(), id, self.db.now()).await?;
        let request = request.filter(|request| request.requested_by == who.account);
        let request = request.ok_or(AppError::NotFound)?;
        let tx = self.db.begin().await?;
        self.settle(&tx, who, id, (State::Withdrawn, "")).await?;
        let detail = json!({ "approval": id, "act": request.action });
        commit(tx, who, &request, ("approval.withdraw", detail)).await
    }

    async fn settle(
        &self,
        tx: &Tx,
        who: &Who,
        id: Uuid,
        (state, note): (State, &str),
    ) -> Result<(), AppError> {
        if note.chars().count() > TEXT_CHARS_MAX {
            return Err(AppError::invalid("note", Phrase::key("approval-note-long")));
        }
        let by = (who.account, who.name.as_str());
        if store::settle(tx.conn(), id, (state, note), by, tx.now()).await? {
            Ok(())
        } else {
            Err(AppError::Conflict(Phrase::key("approval-settled-already")))
        }
    }
}

async fn commit(
    tx: Tx,
    who: &Who,
    request: &Request,
    (action, detail): (&str, Value),
) -> Result<(), AppError> {
    let actor =
        db::Actor::Account { id: who.account, name: who.name.clone(), address: who.address };
    // The kinds of subjects are words of the slices, and an entry keeps them as they are.
    let subject = Subject::new("approval", request.id);
    let mut entry = AuditEntry::new(actor, action, subject, detail);
    if let Some(agency) = request.agency {
        entry = entry.of_agency(agency);
    }
    Ok(tx.commit(entry).await?)
}

#[async_trait]
impl TodoSource for Approvals {
    async fn todos(&self, who: &Who) -> Result<Vec<Todo>, AppError> {
        let may = |act: &&Arc<dyn Grave>| who.may(act.permission());
        let actions: Vec<&'static str> =
            self.acts.iter().filter(may).map(|act| act.action()).collect();
        if actions.is_empty() {
            return Ok(Vec::new());
        }
        let count = store::waiting_for(&self.db, who, actions).await?;
        if count == 0 {
            return Ok(Vec::new());
        }
        Ok(vec![Todo {
            what: Phrase::key("todo-approve").arg("count", count),
            why: Phrase::key("todo-approve-why"),
            how: vec![
                Phrase::key("todo-approve-how-1"),
                Phrase::key("todo-approve-how-2"),
                Phrase::key("todo-approve-how-3"),
            ],
            helper: None,
            link: "/approvals".to_owned(),
            urgency: Urgency::Today,
            due: None,
        }])
    }
}
