//! Looking at a file, taking it in, undoing it: each as a whole or not at all.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use db::{AuditEntry, Subject, Tx};
use event::{AgencyId, SystemId};
use serde_json::json;
use uuid::Uuid;
use web::{AppError, Phrase, Upload, Who};

use super::model::{Batch, BatchState, Deed, Kind, Planned, Record};
use super::plan::{self, Desk, Known};
use super::{columns, sheet, store};
use crate::agency::{self, AgencyDraft};
use crate::asset::{self, Asset, AssetDraft};
use crate::post::{self, Person, PersonDraft};
use crate::system::{self, SystemDraft};
use crate::{Registry, actor, failed, limits, profile, today};

/// Looks at a file and keeps what would become of it.
pub(super) async fn check(
    registry: &Registry,
    who: &Who,
    kind: Kind,
    upload: Upload,
) -> Result<Uuid, AppError> {
    let unfit = |key: &'static str| AppError::invalid("file", Phrase::key(key));
    let bytes = upload.bytes.clone();
    let read = tokio::task::spawn_blocking(move || sheet::read(&bytes)).await;
    let sheet = read.map_err(AppError::internal)?.map_err(|error| unfit(error.key()))?;
    let table = columns::table(kind, &sheet).ok_or_else(|| unfit("import-no-head"))?;
    if table.rows.is_empty() {
        return Err(unfit("import-empty-file"));
    }
    if table.rows.len() > limits::IMPORT_ROWS_MAX {
        return Err(unfit("import-too-large"));
    }
    let known = known(registry, who, kind).await?;
    let db = &registry.db;
    let rows = {
        let mut new_id = || db.new_uuid();
        let mut desk = Desk { known: &known, lang: who.lang, kind, new_id: &mut new_id };
        plan::plan(&mut desk, &table.rows)
    };
    let tx = db.begin().await.map_err(failed)?;
    let batch = Batch {
        id: tx.new_uuid(),
        kind,
        file: upload.name,
        state: BatchState::Checked,
        rows,
        ignored: table.ignored,
        account: who.account,
        by: who.name.clone(),
        created_at: tx.now(),
        ended_at: None,
    };
    store::insert(tx.conn(), &batch).await.map_err(failed)?;
    tx.commit(entry(who, "import.check", &batch)).await.map_err(failed)?;
    Ok(batch.id)
}

async fn known(registry: &Registry, who: &Who, kind: Kind) -> Result<Known, AppError> {
    let snapshot = registry.directory.snapshot();
    let mut known = Known { today: today(registry), ..Known::default() };
    let seen = |agency: AgencyId| who.scope.sees(agency);
    known.agencies = snapshot.tree().iter().filter(|one| seen(one.id)).cloned().collect();
    known.systems = snapshot.systems().filter(|one| seen(one.agency)).cloned().collect();
    known.codes = match kind {
        Kind::Agencies => snapshot.tree().iter().map(|one| one.code.clone()).collect(),
        Kind::Systems => snapshot.systems().map(|one| one.code.clone()).collect(),
        Kind::People | Kind::Assets => BTreeSet::new(),
    };
    if kind == Kind::People {
        let conn = registry.db.conn();
        known.people = post::all_people(conn, &who.scope).await.map_err(failed)?;
    }
    if kind == Kind::Assets {
        let conn = registry.db.conn();
        known.assets = asset::all(conn, &who.scope).await.map_err(failed)?;
    }
    Ok(known)
}

/// Returns a batch of one's own that one may still handle.
pub(super) async fn own(registry: &Registry, who: &Who, id: Uuid) -> Result<Batch, AppError> {
    let batch = store::by_id(registry.db.conn(), who.account, id).await.map_err(failed)?;
    batch.filter(|batch| who.may(batch.kind.right())).ok_or(AppError::NotFound)
}

/// Takes a batch in: every row that is not refused. Whether the records are still as they were when the
/// file was looked at is seen again.
pub(super) async fn apply(registry: &Registry, who: &Who, id: Uuid) -> Result<(), AppError> {
    let batch = own(registry, who, id).await?;
    let tx = registry.db.begin().await.map_err(failed)?;
    step(&tx, &batch, (BatchState::Checked, BatchState::Applied)).await?;
    for row in &batch.rows {
        match (row.deed, &row.record) {
            (Deed::Add, Some(record)) => add(&tx, who, row.id, record).await?,
            (Deed::Change, Some(record)) => {
                let before = row.before.as_ref();
                change(&tx, who, row, (before, record)).await?;
            }
            _ => {}
        }
    }
    tx.commit(entry(who, "import.apply", &batch)).await.map_err(failed)?;
    registry.changed().await
}

/// Undoes a batch: what was added goes, what changed becomes what it was. Refused as a whole as soon as
/// somebody has built on a record.
pub(super) async fn undo(registry: &Registry, who: &Who, id: Uuid) -> Result<(), AppError> {
    let batch = own(registry, who, id).await?;
    let tx = registry.db.begin().await.map_err(failed)?;
    step(&tx, &batch, (BatchState::Applied, BatchState::Undone)).await?;
    // The last first: an agency above was added before those below it.
    for row in batch.rows.iter().rev() {
        match (row.deed, &row.before, &row.record) {
            (Deed::Add, _, Some(record)) => remove(&tx, who, row, record).await?,
            (Deed::Change, Some(before), Some(record)) => {
                change(&tx, who, row, (Some(record), before)).await?;
            }
            _ => {}
        }
    }
    tx.commit(entry(who, "import.undo", &batch)).await.map_err(failed)?;
    registry.changed().await
}

async fn step(
    tx: &Tx,
    batch: &Batch,
    (from, to): (BatchState, BatchState),
) -> Result<(), AppError> {
    let at = (to, tx.now());
    if batch.state != from || !store::advance(tx.conn(), batch, at).await.map_err(failed)? {
        return Err(AppError::Conflict(Phrase::key("import-over")));
    }
    Ok(())
}

/// Somebody changed the record since.
fn touched(row: &Planned) -> AppError {
    let phrase = Phrase::key("import-touched").arg("line", i64::from(row.line));
    AppError::Conflict(phrase.arg("name", row.name.as_str()))
}

async fn add(tx: &Tx, who: &Who, id: Uuid, record: &Record) -> Result<(), AppError> {
    let conn = tx.conn();
    match record {
        Record::Agency(draft) => {
            let agency = agency::agency_of(AgencyId::from_uuid(id), tx.now(), draft);
            agency::insert(conn, &agency).await.map_err(failed)
        }
        Record::System(draft) => {
            let system = system::of_draft(SystemId::from_uuid(id), tx.now(), draft.clone())?;
            seen(who, Some(system.agency))?;
            system::insert(conn, &system).await.map_err(failed)?;
            profile::insert_first(tx, system.id, draft.in_use_since).await
        }
        Record::Person(draft) => {
            let person = person(id, seen(who, draft.agency)?, draft, tx.now());
            post::insert_person(conn, &person).await.map_err(failed)
        }
        Record::Asset(draft) => {
            let asset = asset(id, who, draft, tx.now())?;
            asset::insert(conn, &asset).await.map_err(failed)
        }
    }
}

fn asset(id: Uuid, who: &Who, draft: &AssetDraft, now: DateTime<Utc>) -> Result<Asset, AppError> {
    let agency = seen(who, draft.agency)?;
    let (draft, kind) = draft.clone().checked()?;
    Ok(asset::asset_of(id, (agency, kind), now, &draft))
}

fn seen(who: &Who, agency: Option<AgencyId>) -> Result<AgencyId, AppError> {
    agency.filter(|agency| who.scope.sees(*agency)).ok_or(AppError::NotFound)
}

fn person(id: Uuid, agency: AgencyId, draft: &PersonDraft, now: DateTime<Utc>) -> Person {
    Person {
        id,
        agency,
        name: draft.name.clone(),
        phone: draft.phone.clone(),
        email: draft.email.clone(),
        account: None,
        created_at: now,
    }
}

/// Makes a record what `after` says, if it still is what `before` says.
async fn change(
    tx: &Tx,
    who: &Who,
    row: &Planned,
    (before, after): (Option<&Record>, &Record),
) -> Result<(), AppError> {
    let conn = tx.conn();
    let kept = match after {
        Record::Agency(draft) => {
            let id = AgencyId::from_uuid(row.id);
            let old = agency::by_id(conn, &who.scope, id).await.map_err(failed)?;
            let mut agency = old.ok_or(AppError::NotFound)?;
            let now = AgencyDraft { version: None, ..AgencyDraft::from(&agency) };
            let same = before == Some(&Record::Agency(now));
            agency::fill(&mut agency, draft);
            same && agency::update(conn, &agency).await.map_err(failed)?
        }
        Record::System(draft) => {
            let id = SystemId::from_uuid(row.id);
            let old = system::by_id(conn, &who.scope, id).await.map_err(failed)?;
            let old = old.ok_or(AppError::NotFound)?;
            let now = SystemDraft { version: None, ..SystemDraft::from(&old) };
            let same = before == Some(&Record::System(now));
            let mut system = system::of_draft(id, tx.now(), draft.clone())?;
            seen(who, Some(system.agency))?;
            system.created_at = old.created_at;
            system.version = old.version;
            same && system::update(conn, &system).await.map_err(failed)?
        }
        Record::Person(draft) => {
            let old = post::person_by_id(conn, &who.scope, row.id).await.map_err(failed)?;
            let old = old.ok_or(AppError::NotFound)?;
            let same = before == Some(&Record::Person(draft_of(&old)));
            let agency = seen(who, draft.agency)?;
            let mut new = person(row.id, agency, draft, old.created_at);
            new.account = old.account;
            post::update_person(conn, &new).await.map_err(failed)?;
            same
        }
        Record::Asset(draft) => {
            let old = asset::by_id(conn, &who.scope, row.id).await.map_err(failed)?;
            let old = old.ok_or(AppError::NotFound)?;
            let now = AssetDraft { version: None, ..AssetDraft::from(&old) };
            let same = before == Some(&Record::Asset(now));
            let mut new = asset(row.id, who, draft, tx.now())?;
            new.created_at = old.created_at;
            new.version = old.version;
            same && asset::update(conn, &new).await.map_err(failed)?
        }
    };
    if kept { Ok(()) } else { Err(touched(row)) }
}

fn draft_of(person: &Person) -> PersonDraft {
    PersonDraft {
        agency: Some(person.agency),
        name: person.name.clone(),
        phone: person.phone.clone(),
        email: person.email.clone(),
    }
}

/// Takes a record away that was added and that nobody changed or built on since.
async fn remove(tx: &Tx, who: &Who, row: &Planned, record: &Record) -> Result<(), AppError> {
    let conn = tx.conn();
    let untouched = match record {
        Record::Agency(_) => {
            let id = AgencyId::from_uuid(row.id);
            let found = agency::by_id(conn, &who.scope, id).await.map_err(failed)?;
            found.is_some_and(|agency| agency.version == 1)
                && built_on(agency::delete(conn, id).await)?
        }
        Record::System(_) => {
            let id = SystemId::from_uuid(row.id);
            let found = system::by_id(conn, &who.scope, id).await.map_err(failed)?;
            found.is_some_and(|system| system.version == 1)
                && built_on(system::delete(conn, id).await)?
        }
        Record::Person(draft) => {
            let found = post::person_by_id(conn, &who.scope, row.id).await.map_err(failed)?;
            found.is_some_and(|person| draft_of(&person) == *draft)
                && built_on(post::delete_person(conn, row.id).await)?
        }
        Record::Asset(_) => {
            let found = asset::by_id(conn, &who.scope, row.id).await.map_err(failed)?;
            found.is_some_and(|asset| asset.version == 1)
                && built_on(asset::delete(conn, row.id).await)?
        }
    };
    if untouched { Ok(()) } else { Err(touched(row)) }
}

/// A row that others refer to is not removed: the database says so.
fn built_on(removed: Result<(), db::DbError>) -> Result<bool, AppError> {
    match removed {
        Ok(()) => Ok(true),
        Err(error) if error.constraint().is_some() => Ok(false),
        Err(error) => Err(failed(error)),
    }
}

fn entry(who: &Who, action: &str, batch: &Batch) -> AuditEntry {
    let counts = batch.counts();
    let count = |deed| counts.get(&deed).copied().unwrap_or(0);
    let detail = json!({ "kind": batch.kind, "file": batch.file, "added": count(Deed::Add),
        "changed": count(Deed::Change), "kept": count(Deed::Keep), "refused": count(Deed::Refuse) });
    let entry = AuditEntry::new(actor(who), action, Subject::new("import", batch.id), detail);
    match who.agency {
        Some(agency) => entry.of_agency(agency),
        None => entry,
    }
}
