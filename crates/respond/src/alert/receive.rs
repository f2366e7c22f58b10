//! Taking findings in: the one door from detection to people.
//!
//! The same finding may come twice, because after a crash the spool replays what the lake had not
//! yet flushed; the second time changes nothing. Either all of a batch is stored or nothing of it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use db::{Actor, AuditEntry, Bookkeeping, Db, Subject};
use event::{AgencyId, AlertId, EntityKind, Event, EventId, Finding, Level, Scope, SystemId};
use sea_orm::ConnectionTrait;
use serde_json::json;
use uuid::Uuid;

use super::grouping::kind_word;
use super::intake::{Fate, Folded, Ground, Place, fold};
use super::model::{Alert, vietnam_year};
use super::{risk, store, telling};
use crate::directory::Directory;
use crate::error::RespondError;
use crate::exception;
use crate::limits::{FINDINGS_KEPT_DAYS, FINDINGS_PER_BATCH, RISK_SIGNALS_MAX, RISKS_PER_BATCH};
use crate::live::Hub;

/// What came of some findings.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Received {
    /// Alerts made.
    pub fresh: Vec<AlertId>,
    /// Alerts that took more findings.
    pub grown: Vec<AlertId>,
    /// Findings hidden by exceptions.
    pub hidden: u64,
    /// Findings that had been taken in before.
    pub repeated: u64,
}

/// Takes findings in and tells open pages. `events` are the events of the batch that the findings
/// come from: exceptions ask them; where one is missing, only an exception without a condition hides
/// the finding. The findings are durable when this returns: the spool may forget the batch only
/// after that.
///
/// # Errors
/// When the database fails; then nothing of the failing part is stored, and it may be tried again.
pub async fn receive(
    db: &Db,
    directory: &dyn Directory,
    hub: &Hub,
    findings: Vec<Finding>,
    events: &[Event],
) -> Result<Received, RespondError> {
    let events: BTreeMap<EventId, &Event> = events.iter().map(|event| (event.id, event)).collect();
    let mut received = Received::default();
    for part in findings.chunks(FINDINGS_PER_BATCH) {
        let batch = Batch { directory, findings: part, events: &events };
        let folded = take_in(db, &batch).await?;
        tell(hub, &folded);
        received.add(part.len(), &folded);
        let risks = risks(db, &folded).await?;
        if !risks.is_empty() {
            let folded = take_in(db, &Batch { findings: &risks, ..batch }).await?;
            tell(hub, &folded);
            received.add(risks.len(), &folded);
        }
    }
    Ok(received)
}

/// Returns what the new alerts add up to, entity by entity. What a crash keeps from being said here is
/// said with the entity's next alert.
async fn risks(db: &Db, folded: &Folded) -> Result<Vec<Finding>, RespondError> {
    let fresh = folded.standing.iter().filter(|standing| standing.fate == Fate::Fresh);
    let about: BTreeSet<(&str, &str)> = fresh
        .map(|standing| &standing.alert)
        .filter(|alert| alert.rule != risk::RULE && alert.entity.kind != EntityKind::Source)
        .map(|alert| (kind_word(alert.entity.kind), alert.entity.value.as_str()))
        .take(RISKS_PER_BATCH)
        .collect();
    let (scope, now) = (Scope::platform(), db.now());
    let mut risks = Vec::new();
    for entity in about {
        let since = now - risk::WINDOW;
        let signals = store::signals(db.conn(), &scope, entity, since, RISK_SIGNALS_MAX).await?;
        let said = |alert: &Alert| {
            alert.rule == risk::RULE && alert.detected_at > now - TimeDelta::days(1)
        };
        if signals.iter().any(said) {
            continue;
        }
        let own: Vec<Alert> =
            signals.into_iter().filter(|alert| alert.rule != risk::RULE).collect();
        risks.extend(risk::finding(&own, now));
    }
    Ok(risks)
}

/// Forgets the identities of findings that no replay can bring back any more; call it once a day.
/// Returns how many were forgotten. Alerts stay.
///
/// # Errors
/// When the database fails.
pub async fn forget_old_findings(db: &Db) -> Result<u64, RespondError> {
    let books = db.begin_bookkeeping().await?;
    let gone =
        store::prune_findings(&books, db.now() - TimeDelta::days(FINDINGS_KEPT_DAYS)).await?;
    books.commit().await?;
    Ok(gone)
}

/// Findings on their way in, with what they need.
#[derive(Clone, Copy)]
struct Batch<'a> {
    directory: &'a dyn Directory,
    findings: &'a [Finding],
    events: &'a BTreeMap<EventId, &'a Event>,
}

/// Folds and stores a batch. New alerts are a change that the audit log names; an alert that merely
/// grows is bookkeeping, or a flood would bury the log.
async fn take_in(db: &Db, batch: &Batch<'_>) -> Result<Folded, RespondError> {
    let books = db.begin_bookkeeping().await?;
    let folded = look_and_fold(db, books.conn(), batch).await?;
    if folded.fresh == 0 {
        return Ok(folded);
    }
    if folded.standing.iter().all(|standing| standing.fate != Fate::Fresh) {
        store_all(books.conn(), &folded, books.now()).await?;
        books.commit().await?;
        return Ok(folded);
    }
    drop::<Bookkeeping>(books);
    let tx = db.begin().await?;
    let mut folded = look_and_fold(db, tx.conn(), batch).await?;
    number(tx.conn(), &mut folded, tx.now()).await?;
    store_all(tx.conn(), &folded, tx.now()).await?;
    let fresh = || folded.standing.iter().filter(|standing| standing.fate == Fate::Fresh);
    let notices: Vec<_> = fresh().map(|standing| telling::notice(&standing.alert)).collect();
    web::notify::raise(tx.conn(), db, &notices).await?;
    let made: Vec<&str> = fresh().map(|standing| standing.alert.number.as_str()).collect();
    let detail = json!({ "alerts": made, "findings": folded.fresh });
    let actor = Actor::Platform("pipeline");
    tx.commit(AuditEntry::new(actor, "alert.receive", Subject::all("alert"), detail)).await?;
    Ok(folded)
}

async fn look_and_fold(
    db: &Db,
    conn: &impl ConnectionTrait,
    batch: &Batch<'_>,
) -> Result<Folded, RespondError> {
    let now = db.now();
    let known = store::known(conn, batch.findings).await?;
    let at_hand = store::at_hand(conn, batch.findings).await?;
    let filters = exception::filters(conn, batch.findings, now).await?;
    let mut levels: BTreeMap<SystemId, Level> = BTreeMap::new();
    for system in batch.findings.iter().filter_map(|finding| finding.origin.system) {
        if let Some(level) = batch.directory.system(system).and_then(|card| card.level) {
            levels.insert(system, level);
        }
    }
    let ground = Ground {
        now,
        ids: db.ids(),
        filters: &filters,
        known: &known,
        events: batch.events,
        levels: &levels,
    };
    Ok(fold(&ground, at_hand, batch.findings.to_vec()))
}

/// Gives the new alerts their numbers.
async fn number(
    conn: &impl ConnectionTrait,
    folded: &mut Folded,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<(), RespondError> {
    let fresh = folded.standing.iter().filter(|standing| standing.fate == Fate::Fresh).count();
    if fresh == 0 {
        return Ok(());
    }
    let year = vietnam_year(now);
    let count = i64::try_from(fresh).unwrap_or(i64::MAX);
    let mut next = store::next_numbers(conn, ALERT_NUMBERS, year, count).await?;
    for standing in &mut folded.standing {
        if standing.fate == Fate::Fresh {
            standing.alert.number = format!("{ALERT_NUMBERS}-{year}-{next:05}");
            next += 1;
        }
    }
    Ok(())
}

/// The kind of number that alerts carry: *cảnh báo*.
const ALERT_NUMBERS: &str = "CB";

async fn store_all(
    conn: &impl ConnectionTrait,
    folded: &Folded,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<(), RespondError> {
    store::write(conn, &folded.standing).await?;
    store::remember(conn, &folded.taken, now).await?;
    let mut hidden: BTreeMap<Uuid, u64> = BTreeMap::new();
    for taken in &folded.taken {
        if let Place::Hidden(id) = taken.place {
            *hidden.entry(id).or_default() += 1;
        }
    }
    for (id, count) in hidden {
        exception::count_hidden(conn, id, count, now).await?;
    }
    Ok(())
}

/// Tells open pages what is new, one message per agency.
fn tell(hub: &Hub, folded: &Folded) {
    let changed: BTreeSet<AgencyId> = folded
        .standing
        .iter()
        .filter(|standing| standing.fate != Fate::Unchanged)
        .map(|standing| standing.alert.agency)
        .collect();
    for agency in changed {
        hub.alerts_changed(agency);
    }
}

impl Received {
    fn add(&mut self, findings: usize, folded: &Folded) {
        for standing in &folded.standing {
            match standing.fate {
                Fate::Unchanged => {}
                Fate::Grown => self.grown.push(standing.alert.id),
                Fate::Fresh => self.fresh.push(standing.alert.id),
            }
        }
        let hidden = folded.taken.iter().filter(|taken| matches!(taken.place, Place::Hidden(_)));
        self.hidden += hidden.count() as u64;
        self.repeated += (findings as u64).saturating_sub(folded.fresh);
    }
}
