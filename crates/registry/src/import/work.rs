//! A batch is taken in, or undone: as a whole or not at all, by the job queue, in the name of whoever asked.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use db::job::{Ended, Handler, JobError, Running};
use db::{Actor, Db, Tx};
use event::{AccountId, AgencyId, Scope, SystemId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;
use web::{AppError, Lang, Phrase};

use super::actions::entry;
use super::model::{Batch, Deed, Planned, Record, Turn};
use super::store;
use crate::agency::{self, AgencyDraft};
use crate::asset::{self, Asset, AssetDraft};
use crate::post::{self, Person, PersonDraft};
use crate::system::{self, SystemDraft};
use crate::{Directory, failed, profile};

/// The kind of its jobs.
pub(super) const KIND: &str = "registry.import";

/// Rows between two looks at whether to stop.
const ROWS_AT_ONCE: usize = 100;

/// Takes batches in and undoes them.
#[derive(Debug, Clone)]
pub struct Importer {
    /// The database.
    pub db: Db,
    /// The register in memory, told after each batch.
    pub directory: Arc<Directory>,
}

/// What the work needs to know.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Payload {
    pub(super) batch: Uuid,
    pub(super) account: AccountId,
    pub(super) agency: Option<AgencyId>,
    pub(super) lang: String,
    pub(super) turn: Turn,
}

#[async_trait]
impl Handler for Importer {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn title_key(&self) -> &'static str {
        "import-title"
    }

    async fn run(&self, job: &Running) -> Result<Ended, JobError> {
        let payload: Payload = job.payload()?;
        let found = store::by_id(self.db.conn(), payload.account, payload.batch).await?;
        let Some(batch) = found else { return Err(JobError::Refused("import-over")) };
        if batch.state != payload.turn.states().1 {
            return Err(JobError::Refused("import-over"));
        }
        match self.turn(job, &batch, &payload).await {
            Ok(ended) => {
                self.directory.reload(&self.db).await?;
                Ok(ended)
            }
            Err(Trouble::Job(error)) => Err(error),
            Err(Trouble::Refused(why)) => self.refuse(job, batch, (payload.turn, &why)).await,
        }
    }
}

/// Why a batch did not go through.
enum Trouble {
    /// The work was stopped or could not be done; nothing is decided.
    Job(JobError),
    /// Somebody's data stand against it.
    Refused(String),
}

impl From<JobError> for Trouble {
    fn from(error: JobError) -> Self {
        Self::Job(error)
    }
}

impl Trouble {
    fn of(error: AppError, lang: Lang) -> Self {
        match error {
            AppError::Conflict(phrase) => Self::Refused(phrase.text(lang)),
            AppError::Invalid(errors) => {
                let told = errors.told(lang).into_values().collect::<Vec<_>>();
                Self::Refused(told.join(" "))
            }
            AppError::NotFound => Self::Refused(Phrase::key("import-gone").text(lang)),
            error => Self::Job(JobError::failed(error)),
        }
    }
}

impl Importer {
    /// Does all rows and ends the job in one change.
    async fn turn(
        &self,
        job: &Running,
        batch: &Batch,
        payload: &Payload,
    ) -> Result<Ended, Trouble> {
        let lang = Lang::from_code(&payload.lang).unwrap_or_default();
        let tx = self.db.begin().await.map_err(JobError::from)?;
        let after = Batch { ended_at: Some(tx.now()), ..batch.clone() };
        let ours = store::advance(tx.conn(), &after, payload.turn.states().2).await;
        if !ours.map_err(JobError::from)? {
            return Err(JobError::Refused("import-over").into());
        }
        let total = u64::try_from(batch.rows.len()).unwrap_or(u64::MAX);
        for (done, row) in (0_u64..).zip(in_order(batch, payload.turn)) {
            if done.is_multiple_of(ROWS_AT_ONCE as u64) {
                job.progress(done, total, "import-rows");
                job.check()?;
            }
            let did = row_done(&tx, job.scope(), row, payload.turn).await;
            did.map_err(|error| Trouble::of(error, lang))?;
        }
        let link = batch.kind.page(batch.id);
        let ended = job.finish(&tx, json!({ "rows": total }), &link).await?;
        let by = Actor::Account { id: batch.account, name: batch.by.clone(), address: None };
        let entry = entry((by, payload.agency), payload.turn.action(), batch);
        tx.commit(entry).await.map_err(JobError::from)?;
        Ok(ended)
    }

    /// Puts a batch back to where it stood and says why: nothing of it was done.
    async fn refuse(
        &self,
        job: &Running,
        batch: Batch,
        (turn, why): (Turn, &str),
    ) -> Result<Ended, JobError> {
        let books = self.db.begin_bookkeeping().await?;
        let batch = Batch { trouble: why.to_owned(), ..batch };
        store::advance(books.conn(), &batch, turn.states().0).await?;
        books.commit().await?;
        job.progress(0, 0, "import-refused-all");
        Ok(Ended::with(json!({ "refused": why }), &batch.kind.page(batch.id)))
    }
}

/// Returns the rows in the order in which they are dealt with: what is undone goes the last first, as an
/// agency above was added before those below it.
fn in_order(batch: &Batch, turn: Turn) -> Vec<&Planned> {
    match turn {
        Turn::Apply => batch.rows.iter().collect(),
        Turn::Undo => batch.rows.iter().rev().collect(),
    }
}

/// Deals with a row, unless it is refused or known already. Whether the record is still as it was when the
/// file was looked at is seen again.
async fn row_done(tx: &Tx, scope: &Scope, row: &Planned, turn: Turn) -> Result<(), AppError> {
    let (Deed::Add | Deed::Change, Some(record)) = (row.deed, &row.record) else { return Ok(()) };
    match (turn, row.deed, &row.before) {
        (Turn::Apply, Deed::Add, _) => add(tx, scope, row.id, record).await,
        (Turn::Apply, _, before) => change(tx, scope, row, (before.as_ref(), record)).await,
        (Turn::Undo, Deed::Add, _) => remove(tx, scope, row, record).await,
        (Turn::Undo, _, Some(before)) => change(tx, scope, row, (Some(record), before)).await,
        (Turn::Undo, _, None) => Ok(()),
    }
}

/// Somebody changed the record since.
fn touched(row: &Planned) -> AppError {
    let phrase = Phrase::key("import-touched").arg("line", i64::from(row.line));
    AppError::Conflict(phrase.arg("name", row.name.as_str()))
}

async fn add(tx: &Tx, scope: &Scope, id: Uuid, record: &Record) -> Result<(), AppError> {
    let conn = tx.conn();
    match record {
        Record::Agency(draft) => {
            let agency = agency::agency_of(AgencyId::from_uuid(id), tx.now(), draft);
            agency::insert(conn, &agency).await.map_err(failed)
        }
        Record::System(draft) => {
            let system = system::of_draft(SystemId::from_uuid(id), tx.now(), draft.clone())?;
            seen(scope, Some(system.agency))?;
            system::insert(conn, &system).await.map_err(failed)?;
            profile::insert_first(tx, system.id, draft.in_use_since).await
        }
        Record::Person(draft) => {
            let person = person(id, seen(scope, draft.agency)?, draft, tx.now());
            post::insert_person(conn, &person).await.map_err(failed)
        }
        Record::Asset(draft) => {
            let asset = asset(id, scope, draft, tx.now())?;
            asset::insert(conn, &asset).await.map_err(failed)
        }
    }
}

fn asset(
    id: Uuid,
    scope: &Scope,
    draft: &AssetDraft,
    now: DateTime<Utc>,
) -> Result<Asset, AppError> {
    let agency = seen(scope, draft.agency)?;
    let (draft, kind) = draft.clone().checked()?;
    Ok(asset::asset_of(id, (agency, kind), now, &draft))
}

fn seen(scope: &Scope, agency: Option<AgencyId>) -> Result<AgencyId, AppError> {
    agency.filter(|agency| scope.sees(*agency)).ok_or(AppError::NotFound)
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
    scope: &Scope,
    row: &Planned,
    (before, after): (Option<&Record>, &Record),
) -> Result<(), AppError> {
    let conn = tx.conn();
    let kept = match after {
        Record::Agency(draft) => {
            let id = AgencyId::from_uuid(row.id);
            let old = agency::by_id(conn, scope, id).await.map_err(failed)?;
            let mut agency = old.ok_or(AppError::NotFound)?;
            let now = AgencyDraft { version: None, ..AgencyDraft::from(&agency) };
            let same = before == Some(&Record::Agency(now));
            agency::fill(&mut agency, draft);
            same && agency::update(conn, &agency).await.map_err(failed)?
        }
        Record::System(draft) => {
            let id = SystemId::from_uuid(row.id);
            let old = system::by_id(conn, scope, id).await.map_err(failed)?;
            let old = old.ok_or(AppError::NotFound)?;
            let now = SystemDraft { version: None, ..SystemDraft::from(&old) };
            let same = before == Some(&Record::System(now));
            let mut system = system::of_draft(id, tx.now(), draft.clone())?;
            seen(scope, Some(system.agency))?;
            system.created_at = old.created_at;
            system.version = old.version;
            same && system::update(conn, &system).await.map_err(failed)?
        }
        Record::Person(draft) => {
            let old = post::person_by_id(conn, scope, row.id).await.map_err(failed)?;
            let old = old.ok_or(AppError::NotFound)?;
            let same = before == Some(&Record::Person(draft_of(&old)));
            let agency = seen(scope, draft.agency)?;
            let mut new = person(row.id, agency, draft, old.created_at);
            new.account = old.account;
            post::update_person(conn, &new).await.map_err(failed)?;
            same
        }
        Record::Asset(draft) => {
            let old = asset::by_id(conn, scope, row.id).await.map_err(failed)?;
            let old = old.ok_or(AppError::NotFound)?;
            let now = AssetDraft { version: None, ..AssetDraft::from(&old) };
            let same = before == Some(&Record::Asset(now));
            let mut new = asset(row.id, scope, draft, tx.now())?;
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
async fn remove(tx: &Tx, scope: &Scope, row: &Planned, record: &Record) -> Result<(), AppError> {
    let conn = tx.conn();
    let untouched = match record {
        Record::Agency(_) => {
            let id = AgencyId::from_uuid(row.id);
            let found = agency::by_id(conn, scope, id).await.map_err(failed)?;
            found.is_some_and(|agency| agency.version == 1)
                && built_on(agency::delete(conn, id).await)?
        }
        Record::System(_) => {
            let id = SystemId::from_uuid(row.id);
            let found = system::by_id(conn, scope, id).await.map_err(failed)?;
            found.is_some_and(|system| system.version == 1)
                && built_on(system::delete(conn, id).await)?
        }
        Record::Person(draft) => {
            let found = post::person_by_id(conn, scope, row.id).await.map_err(failed)?;
            found.is_some_and(|person| draft_of(&person) == *draft)
                && built_on(post::delete_person(conn, row.id).await)?
        }
        Record::Asset(_) => {
            let found = asset::by_id(conn, scope, row.id).await.map_err(failed)?;
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
