//! Filing papers, giving overrides, and the check before a system may be called running.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use db::{AuditEntry, Subject, Tx};
use event::{Level, SystemId};
use serde_json::json;
use uuid::Uuid;
use web::{AppError, FieldErrors, Phrase, Who};

use super::check::lacks;
use super::model::{LEVEL_DECISION, Override, OverrideDraft, Paper, PaperDraft};
use super::store;
use crate::law::Law;
use crate::system::{self, System};
use crate::text::{check_length, check_marks, clean};
use crate::{Registry, actor, failed, limits, profile, stale, vietnam_day};

/// Files a paper of a system. A decision on the level gives the system that level and answers a flag.
pub(crate) async fn file(
    registry: &Registry,
    who: &Who,
    id: SystemId,
    draft: PaperDraft,
) -> Result<(), AppError> {
    let tx = registry.db.begin().await.map_err(failed)?;
    // What does not fit is said before what is not found: nothing is told of others' systems.
    draft.clone().checked(Law::builtin(), vietnam_day(tx.now()))?;
    let system = found(&tx, who, id).await?;
    let detail = record(&tx, who, &system, draft).await?;
    tx.commit(entry(who, "system.paper", &system, detail)).await.map_err(failed)?;
    registry.changed().await
}

/// Files a paper within a change under way; returns what is said of it in the trace.
pub(crate) async fn record(
    tx: &Tx,
    who: &Who,
    system: &System,
    draft: PaperDraft,
) -> Result<serde_json::Value, AppError> {
    let (draft, issued_on, level) = draft.checked(Law::builtin(), vietnam_day(tx.now()))?;
    let paper = Paper {
        id: tx.new_uuid(),
        system: system.id,
        kind: draft.kind,
        number: draft.number,
        issuer: draft.issuer,
        level,
        issued_on,
        valid_to: draft.valid_to,
        note: draft.note,
        created_at: tx.now(),
        created_by: who.name.clone(),
        withdrawn_at: None,
    };
    let newest = newest_decision(tx, system).await?;
    store::insert_paper(tx.conn(), &paper).await.map_err(failed)?;
    let decides = paper.kind == LEVEL_DECISION && newest.is_none_or(|day| day <= issued_on);
    if decides && let Some(level) = level {
        give_level(tx, system, level).await?;
    }
    Ok(json!({ "kind": paper.kind, "number": paper.number, "issued_on": issued_on,
        "level": level }))
}

async fn newest_decision(tx: &Tx, system: &System) -> Result<Option<NaiveDate>, AppError> {
    let papers = store::papers(tx.conn(), system).await.map_err(failed)?;
    let decisions =
        papers.iter().filter(|paper| paper.kind == LEVEL_DECISION && paper.withdrawn_at.is_none());
    Ok(decisions.map(|paper| paper.issued_on).max())
}

async fn give_level(tx: &Tx, system: &System, level: Level) -> Result<(), AppError> {
    if system.level != Some(level) {
        let mut new = system.clone();
        new.level = Some(level);
        new.updated_at = tx.now();
        if !system::update(tx.conn(), &new).await.map_err(failed)? {
            return Err(stale());
        }
    }
    let mut kept = profile::of(tx.conn(), system).await.map_err(failed)?;
    if kept.flagged_at.take().is_some() {
        kept.flag_reason.clear();
        if !profile::write(tx.conn(), &kept).await.map_err(failed)? {
            return Err(stale());
        }
    }
    Ok(())
}

/// Withdraws a paper that was filed by mistake or no longer holds.
pub(crate) async fn withdraw(
    registry: &Registry,
    who: &Who,
    id: SystemId,
    paper: Uuid,
) -> Result<(), AppError> {
    let tx = registry.db.begin().await.map_err(failed)?;
    let system = found(&tx, who, id).await?;
    if !store::withdraw(tx.conn(), &system, paper, tx.now()).await.map_err(failed)? {
        return Err(AppError::NotFound);
    }
    let detail = json!({ "paper": paper });
    tx.commit(entry(who, "system.paper-withdraw", &system, detail)).await.map_err(failed)
}

/// Lets a system run without what the law wants, until a day.
pub(crate) async fn give_override(
    registry: &Registry,
    who: &Who,
    id: SystemId,
    draft: OverrideDraft,
) -> Result<(), AppError> {
    let tx = registry.db.begin().await.map_err(failed)?;
    let system = found(&tx, who, id).await?;
    let (reason, approver) = (clean(&draft.reason), clean(&draft.approver));
    let mut errors = FieldErrors::default();
    for (field, text) in [("reason", &reason), ("approver", &approver)] {
        if text.is_empty() {
            errors.add(field, Phrase::key("registry-field-empty"));
        }
        check_length(&mut errors, field, text, limits::TEXT_CHARS_MAX);
        check_marks(&mut errors, field, text);
    }
    let today = vietnam_day(tx.now());
    let last = today.checked_add_days(Days::new(limits::OVERRIDE_DAYS_MAX)).unwrap_or(today);
    let until = draft.until.filter(|day| (today..=last).contains(day));
    if until.is_none() {
        errors.add("until", Phrase::key("gate-until").arg("days", limits::OVERRIDE_DAYS_MAX));
    }
    errors.check()?;
    let missing = missing(&tx, &system, today).await?;
    let given = Override {
        id: tx.new_uuid(),
        system: id,
        reason,
        approver,
        missing,
        created_at: tx.now(),
        created_by: who.name.clone(),
        expires_at: end_of(until.unwrap_or(today)),
        ended_at: None,
    };
    store::insert_override(tx.conn(), &given).await.map_err(failed)?;
    let detail = json!({ "reason": given.reason, "approver": given.approver,
        "until": given.expires_at, "missing": given.missing });
    tx.commit(entry(who, "system.override", &system, detail)).await.map_err(failed)
}

/// Returns the end of a day in Vietnam (UTC+7).
fn end_of(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc() + chrono::TimeDelta::hours(24 - 7)
}

/// Ends an override before its day.
pub(crate) async fn end_override(
    registry: &Registry,
    who: &Who,
    id: SystemId,
    given: Uuid,
) -> Result<(), AppError> {
    let tx = registry.db.begin().await.map_err(failed)?;
    let system = found(&tx, who, id).await?;
    if !store::end_override(tx.conn(), &system, given, tx.now()).await.map_err(failed)? {
        return Err(AppError::NotFound);
    }
    let detail = json!({ "override": given });
    tx.commit(entry(who, "system.override-end", &system, detail)).await.map_err(failed)
}

/// Refuses to call a system running that lacks what the law wants and has no override.
pub(crate) async fn check_running(tx: &Tx, system: &System) -> Result<(), AppError> {
    let given = store::overrides(tx.conn(), system).await.map_err(failed)?;
    if given.iter().any(|given| given.holds(tx.now())) {
        return Ok(());
    }
    let missing = missing(tx, system, vietnam_day(tx.now())).await?;
    if missing.is_empty() {
        return Ok(());
    }
    let count = missing.len();
    Err(AppError::invalid("state", Phrase::key("gate-closed").arg("count", count)))
}

async fn missing(tx: &Tx, system: &System, day: NaiveDate) -> Result<Vec<String>, AppError> {
    let papers = store::papers(tx.conn(), system).await.map_err(failed)?;
    let critical = profile::of(tx.conn(), system).await.map_err(failed)?.critical;
    let lacks = lacks(Law::builtin(), (system.level, critical), &papers, day);
    Ok(lacks.into_iter().map(|lack| lack.id).collect())
}

async fn found(tx: &Tx, who: &Who, id: SystemId) -> Result<System, AppError> {
    let system = system::by_id(tx.conn(), &who.scope, id).await.map_err(failed)?;
    system.ok_or(AppError::NotFound)
}

fn entry(who: &Who, action: &str, system: &System, detail: serde_json::Value) -> AuditEntry {
    AuditEntry::new(actor(who), action, Subject::new("system", system.id), detail)
        .of_agency(system.agency)
}
