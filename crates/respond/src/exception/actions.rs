//! Making, proposing, previewing and ending exceptions.

use std::cmp::Reverse;

use async_trait::async_trait;
use chrono::TimeDelta;
use db::{AuditEntry, Subject, Tx};
use event::lake::IDS_MAX;
use event::{AccountId, AgencyId, Event, EventId, Scope, SystemId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;
use web::approval::{Ask, Grave};
use web::{AppError, Permission, Phrase, Who};

use super::model::{Draft, Exception, Filter};
use super::store;
use crate::actor::Handler;
use crate::alert;
use crate::desk::Desk;
use crate::error::RespondError;
use crate::limits::{PREVIEW_DAYS, PREVIEW_EVENTS, PREVIEW_FINDINGS_MAX};

/// What an exception would have hidden.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Preview {
    /// Findings it would have hidden.
    pub(crate) hidden: u64,
    /// Findings looked at.
    pub(crate) looked_at: u64,
    /// Whether there were more than could be looked at.
    pub(crate) cut: bool,
    /// The newest events of those that it would have hidden.
    pub(crate) events: Vec<Event>,
}

/// Brings a draft into the maker's own bounds: a system decides the agency, and who does not see
/// every agency must name one of theirs.
fn bounded(desk: &Desk, scope: &Scope, draft: Draft) -> Result<Draft, RespondError> {
    let agency = match draft.system {
        None => draft.agency,
        Some(system) => Some(agency_of(desk, system)?),
    };
    match agency {
        Some(agency) if !scope.sees(agency) => Err(RespondError::NotFound),
        None if scope.visible().is_some() => {
            Err(RespondError::Field { field: "system", key: "exception-error-system" })
        }
        _ => Ok(Draft { agency, ..draft }),
    }
}

fn agency_of(desk: &Desk, system: SystemId) -> Result<AgencyId, RespondError> {
    let card = desk.directory.system(system).ok_or(RespondError::NotFound)?;
    card.agency_id.parse().map_err(|_| RespondError::NotFound)
}

/// Returns what the draft would have hidden of the past days' findings.
pub(crate) async fn preview(
    desk: &Desk,
    scope: &Scope,
    draft: Draft,
) -> Result<Preview, RespondError> {
    let now = desk.db.now();
    let draft = bounded(desk, scope, draft)?;
    let query = draft.check(now)?;
    let since = now - TimeDelta::days(PREVIEW_DAYS);
    let limit = PREVIEW_FINDINGS_MAX;
    let found = alert::findings_of_rule(desk.db.conn(), scope, &draft.rule, since, limit).await?;
    let cut = found.len() as u64 >= limit;
    let ids: Vec<EventId> = found
        .iter()
        .filter(|finding| draft.agency.is_none_or(|agency| agency == finding.agency))
        .filter(|finding| draft.system.is_none_or(|system| Some(system) == finding.system))
        .map(|finding| finding.event)
        .collect();
    let filter = Filter::preview(&draft, query);
    let every = filter.asks(None);
    let (mut hidden, mut shown) = (0, Vec::new());
    for part in ids.chunks(IDS_MAX) {
        if every && shown.len() >= PREVIEW_EVENTS {
            break;
        }
        let mut events = desk.lake.events(scope, part).await?;
        events.retain(|event| filter.asks(Some(event)));
        hidden += events.len();
        events.sort_by_key(|event| Reverse(event.occurred_at));
        shown.extend(events.into_iter().take(PREVIEW_EVENTS.saturating_sub(shown.len())));
    }
    // Without a condition it hides a finding even where the lake has forgotten the event.
    let hidden = if every { ids.len() } else { hidden } as u64;
    Ok(Preview { hidden, looked_at: found.len() as u64, cut, events: shown })
}

/// Makes an exception.
pub(crate) async fn make(
    desk: &Desk,
    who: &Handler,
    draft: Draft,
) -> Result<Exception, RespondError> {
    let draft = bounded(desk, &who.scope, draft)?;
    draft.check(desk.db.now())?;
    let tx = desk.db.begin().await?;
    let exception = exception_of(&tx, draft, who.account);
    store::insert(&tx, &exception).await?;
    let detail = json!({
        "rule": exception.rule,
        "system": exception.system,
        "condition": exception.condition,
        "reason": exception.reason,
        "expires_at": exception.expires_at,
    });
    tx.commit(entry(who, "exception.make", &exception, detail)).await?;
    Ok(exception)
}

fn exception_of(tx: &Tx, draft: Draft, made_by: AccountId) -> Exception {
    Exception {
        id: tx.new_uuid(),
        rule: draft.rule,
        agency: draft.agency,
        system: draft.system,
        condition: draft.condition.trim().to_owned(),
        reason: draft.reason,
        made_by,
        made_at: tx.now(),
        expires_at: draft.expires_at,
        ended_at: None,
        hidden: 0,
        last_hidden_at: None,
    }
}

/// Proposes an exception to the centre, with what it would have hidden: nothing is hidden until another
/// approves. Returns the request's id.
pub(crate) async fn propose(desk: &Desk, who: &Who, draft: Draft) -> Result<Uuid, AppError> {
    let draft = bounded(desk, &who.scope, draft)?;
    draft.check(desk.db.now()).map_err(RespondError::from)?;
    let preview = preview(desk, &who.scope, draft.clone()).await?;
    let rule = desk.rules.rule(&draft.rule).ok_or(RespondError::NotFound)?;
    let card = draft.system.and_then(|id| desk.directory.system(id));
    let condition = if draft.condition.is_empty() { "*" } else { &draft.condition };
    let day = web::figures::vietnam(draft.expires_at).format("%d/%m/%Y").to_string();
    let summary = Phrase::key("exception-summary")
        .arg("rule", rule.title_vi.unwrap_or(rule.title))
        .arg("system", card.map(|card| card.name).unwrap_or_default())
        .arg("condition", condition)
        .arg("until", day)
        .arg("hidden", preview.hidden)
        .arg("all", preview.looked_at);
    let proposal = Proposal { draft: draft.clone(), proposed_by: who.account };
    let place = draft.system.map(|id| id.to_string()).unwrap_or_default();
    let ask = Ask {
        action: MAKE,
        subject_kind: "exception",
        subject_id: format!("{}/{place}/{}", draft.rule, draft.condition),
        agency: draft.agency,
        summary,
        reason: draft.reason.as_str().to_owned(),
        payload: serde_json::to_value(&proposal).map_err(RespondError::Json)?,
    };
    desk.approvals.ask(who, ask).await
}

/// The act of making an exception that another proposed.
const MAKE: &str = "exception.make";

/// An exception that waits for the centre.
#[derive(Debug, Serialize, Deserialize)]
struct Proposal {
    #[serde(flatten)]
    draft: Draft,
    proposed_by: AccountId,
}

/// Puts a proposed exception in force.
#[derive(Debug)]
pub(crate) struct MakeProposed;

#[async_trait]
impl Grave for MakeProposed {
    fn action(&self) -> &'static str {
        MAKE
    }

    fn key(&self) -> &'static str {
        "exception-act"
    }

    fn permission(&self) -> Permission {
        Permission::ExceptionChange
    }

    async fn carry_out(&self, tx: &Tx, payload: &Value) -> Result<(), AppError> {
        let proposal: Proposal =
            serde_json::from_value(payload.clone()).map_err(AppError::internal)?;
        if proposal.draft.expires_at <= tx.now() {
            return Err(RespondError::Conflict("exception-error-over").into());
        }
        proposal.draft.check(tx.now()).map_err(RespondError::from)?;
        let exception = exception_of(tx, proposal.draft, proposal.proposed_by);
        Ok(store::insert(tx, &exception).await?)
    }
}

/// Ends an exception before its time. Ending one that is over changes nothing.
pub(crate) async fn end(desk: &Desk, who: &Handler, id: Uuid) -> Result<Exception, RespondError> {
    let exception = store::get(desk.db.conn(), &who.scope, id).await?;
    if exception.agency.is_none() && who.scope.visible().is_some() {
        return Err(RespondError::NotFound);
    }
    let tx = desk.db.begin().await?;
    if store::end(&tx, id).await? {
        let detail = json!({ "rule": exception.rule, "hidden": exception.hidden });
        tx.commit(entry(who, "exception.end", &exception, detail)).await?;
    } else {
        tx.rollback().await?;
    }
    Ok(exception)
}

fn entry(who: &Handler, action: &str, exception: &Exception, detail: Value) -> AuditEntry {
    let subject = Subject::new("exception", exception.id);
    let entry = AuditEntry::new(who.actor(), action, subject, detail);
    match exception.agency {
        None => entry,
        Some(agency) => entry.of_agency(agency),
    }
}
