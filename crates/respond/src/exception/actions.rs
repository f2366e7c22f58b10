//! Making, previewing and ending exceptions.

use chrono::TimeDelta;
use db::{AuditEntry, Subject};
use event::{AgencyId, EventId, Scope, SystemId};
use serde_json::json;
use uuid::Uuid;

use super::model::{Draft, Exception, Filter};
use super::store;
use crate::actor::Handler;
use crate::alert;
use crate::desk::Desk;
use crate::error::RespondError;
use crate::limits::{PREVIEW_DAYS, PREVIEW_FINDINGS_MAX};

/// What an exception would have hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Preview {
    /// Findings it would have hidden.
    pub(crate) hidden: u64,
    /// Findings looked at.
    pub(crate) looked_at: u64,
    /// Whether there were more than could be looked at.
    pub(crate) cut: bool,
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
    let hidden = if filter.asks(None) {
        ids.len()
    } else {
        let events = desk.lake.events(scope, &ids).await?;
        events.iter().filter(|event| filter.asks(Some(event))).count()
    };
    Ok(Preview { hidden: hidden as u64, looked_at: found.len() as u64, cut })
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
    let exception = Exception {
        id: tx.new_uuid(),
        rule: draft.rule,
        agency: draft.agency,
        system: draft.system,
        condition: draft.condition.trim().to_owned(),
        reason: draft.reason,
        made_by: who.account,
        made_at: tx.now(),
        expires_at: draft.expires_at,
        ended_at: None,
        hidden: 0,
        last_hidden_at: None,
    };
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

fn entry(
    who: &Handler,
    action: &str,
    exception: &Exception,
    detail: serde_json::Value,
) -> AuditEntry {
    let subject = Subject::new("exception", exception.id);
    let entry = AuditEntry::new(who.actor(), action, subject, detail);
    match exception.agency {
        None => entry,
        Some(agency) => entry.of_agency(agency),
    }
}
