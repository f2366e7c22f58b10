//! Looking at a file, and asking for it to be taken in or undone; [`super::work`] does it.

use std::collections::BTreeSet;

use db::job::{self, JobId, NewJob};
use db::{Actor, AuditEntry, Subject};
use event::AgencyId;
use serde_json::json;
use uuid::Uuid;
use web::{AppError, Phrase, Upload, Who};

use super::model::{Batch, BatchState, Deed, Kind, Turn};
use super::plan::{self, Desk, Known};
use super::work::{KIND, Payload};
use super::{columns, sheet, store};
use crate::{Registry, actor, asset, failed, limits, post, today};

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
        job: None,
        trouble: String::new(),
    };
    store::insert(tx.conn(), &batch).await.map_err(failed)?;
    tx.commit(entry((actor(who), who.agency), "import.check", &batch)).await.map_err(failed)?;
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

/// Returns the work on a batch, as far as it is known.
pub(super) async fn work(
    registry: &Registry,
    who: &Who,
    batch: &Batch,
) -> Result<Option<job::Job>, AppError> {
    let Some(id) = batch.job else { return Ok(None) };
    job::get(registry.db.conn(), &who.scope, JobId::from_uuid(id)).await.map_err(failed)
}

/// Puts a batch into the queue, to be taken in or undone. One whose work failed or was stopped can be asked
/// for again. Returns it.
pub(super) async fn ask(
    registry: &Registry,
    who: &Who,
    id: Uuid,
    turn: Turn,
) -> Result<Batch, AppError> {
    let mut batch = own(registry, who, id).await?;
    let (before, meanwhile, _) = turn.states();
    let given_up = match work(registry, who, &batch).await? {
        Some(job) if batch.state == meanwhile => job.state.is_over(),
        _ => false,
    };
    let over = || AppError::Conflict(Phrase::key("import-over"));
    if batch.state != before && !given_up {
        return Err(over());
    }
    let tx = registry.db.begin().await.map_err(failed)?;
    let payload = Payload {
        batch: id,
        account: who.account,
        agency: who.agency,
        lang: who.lang.code().to_owned(),
        turn,
    };
    let payload = serde_json::to_value(payload).map_err(AppError::internal)?;
    let new = NewJob::new(KIND, &who.scope, payload).about(&batch.file);
    let job = job::enqueue(&tx, &new).await.map_err(failed)?;
    batch.job = Some(job.uuid());
    batch.trouble.clear();
    if !store::advance(tx.conn(), &batch, meanwhile).await.map_err(failed)? {
        return Err(over());
    }
    let entry = entry((actor(who), who.agency), "import.ask", &batch);
    tx.commit(entry).await.map_err(failed)?;
    Ok(batch)
}

/// Returns the entry of what was done with a batch.
pub(super) fn entry(
    (actor, agency): (Actor, Option<AgencyId>),
    action: &str,
    batch: &Batch,
) -> AuditEntry {
    let counts = batch.counts();
    let count = |deed| counts.get(&deed).copied().unwrap_or(0);
    let detail = json!({ "kind": batch.kind, "file": batch.file, "added": count(Deed::Add),
        "changed": count(Deed::Change), "kept": count(Deed::Keep), "refused": count(Deed::Refuse) });
    let entry = AuditEntry::new(actor, action, Subject::new("import", batch.id), detail);
    match agency {
        Some(agency) => entry.of_agency(agency),
        None => entry,
    }
}
