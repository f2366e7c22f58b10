//! The tables `playbook`, `playbook_run`, `playbook_task` and `incident_category`. Callers have read the
//! incident.

use db::Tx;
use event::{AccountId, AgencyId, IncidentId};
use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{QueryOrder as _, QuerySelect as _};
use uuid::Uuid;

use super::model::{Ended, Run, RunState};
use super::shelf::Held;
use crate::error::RespondError;
use crate::limits::{PLAYBOOKS_MAX, RUNS_SHOWN};

entity!(playbook_row, "playbook", {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    document: String,
    modified_at: DateTimeUtc,
    author: String,
    made_at: DateTimeUtc,
});

entity!(run_row, "playbook_run", {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    incident_id: Uuid,
    agency_id: Uuid,
    playbook_id: Uuid,
    document: String,
    state: String,
    progress: Json,
    version: i32,
    account_id: Uuid,
    author: String,
    started_at: DateTimeUtc,
    ended_at: Option<DateTimeUtc>,
    ended_by: Option<String>,
    reason: Option<String>,
});

entity!(task_row, "playbook_task", {
    #[sea_orm(primary_key, auto_increment = false)]
    task_id: Uuid,
    run_id: Uuid,
    step: String,
});

entity!(category_row, "incident_category", {
    #[sea_orm(primary_key, auto_increment = false)]
    incident_id: Uuid,
    category: String,
    author: String,
    made_at: DateTimeUtc,
});

fn held_of(row: playbook_row::Model) -> Result<Held, RespondError> {
    let bad = RespondError::BadRow { table: "playbook", column: "document" };
    let playbook = cacao::read(row.document.as_bytes()).map_err(|_| bad)?;
    Ok(Held { playbook, document: row.document, brought: Some((row.author, row.made_at)) })
}

/// Returns the playbooks that people brought in, the newest first.
pub(super) async fn playbooks(conn: &impl ConnectionTrait) -> Result<Vec<Held>, RespondError> {
    let rows = playbook_row::Entity::find()
        .order_by_desc(playbook_row::Column::MadeAt)
        .limit(PLAYBOOKS_MAX)
        .all(conn)
        .await?;
    rows.into_iter().map(held_of).collect()
}

/// Returns how many playbooks people brought in.
pub(super) async fn playbook_count(conn: &impl ConnectionTrait) -> Result<u64, RespondError> {
    Ok(playbook_row::Entity::find().count(conn).await?)
}

/// Returns a playbook that someone brought in.
pub(super) async fn playbook(
    conn: &impl ConnectionTrait,
    id: Uuid,
) -> Result<Option<Held>, RespondError> {
    playbook_row::Entity::find_by_id(id).one(conn).await?.map(held_of).transpose()
}

/// Writes a playbook, in the place of one with its id.
pub(super) async fn save_playbook(tx: &Tx, held: &Held, author: &str) -> Result<(), RespondError> {
    use playbook_row::{ActiveModel, Column, Entity};
    let row = ActiveModel {
        id: Set(held.playbook.id),
        document: Set(held.document.clone()),
        modified_at: Set(held.playbook.modified),
        author: Set(author.to_owned()),
        made_at: Set(tx.now()),
    };
    let replace = OnConflict::column(Column::Id)
        .update_columns([Column::Document, Column::ModifiedAt, Column::Author, Column::MadeAt])
        .to_owned();
    Entity::insert(row).on_conflict(replace).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// Takes a playbook away that someone brought in; returns whether there was one.
pub(super) async fn remove_playbook(tx: &Tx, id: Uuid) -> Result<bool, RespondError> {
    let gone = playbook_row::Entity::delete_by_id(id).exec(tx.conn()).await?;
    Ok(gone.rows_affected == 1)
}

fn run_of(row: run_row::Model) -> Result<Run, RespondError> {
    let bad = RespondError::BadRow { table: "playbook_run", column: "state" };
    let ended = row.ended_at.map(|at| Ended {
        at,
        by: row.ended_by.unwrap_or_default(),
        reason: row.reason,
    });
    Ok(Run {
        id: row.id,
        incident: IncidentId::from_uuid(row.incident_id),
        agency: AgencyId::from_uuid(row.agency_id),
        playbook_id: row.playbook_id,
        document: row.document,
        state: RunState::from_word(&row.state).ok_or(bad)?,
        way: serde_json::from_value(row.progress).map_err(RespondError::Json)?,
        version: row.version,
        account: AccountId::from_uuid(row.account_id),
        author: row.author,
        started_at: row.started_at,
        ended,
    })
}

fn run_row_of(run: &Run, version: i32) -> Result<run_row::ActiveModel, RespondError> {
    let ended = run.ended.clone();
    Ok(run_row::ActiveModel {
        id: Set(run.id),
        incident_id: Set(run.incident.uuid()),
        agency_id: Set(run.agency.uuid()),
        playbook_id: Set(run.playbook_id),
        document: Set(run.document.clone()),
        state: Set(run.state.word().to_owned()),
        progress: Set(serde_json::to_value(&run.way).map_err(RespondError::Json)?),
        version: Set(version),
        account_id: Set(run.account.uuid()),
        author: Set(run.author.clone()),
        started_at: Set(run.started_at),
        ended_at: Set(ended.as_ref().map(|end| end.at)),
        ended_by: Set(ended.as_ref().map(|end| end.by.clone())),
        reason: Set(ended.and_then(|end| end.reason)),
    })
}

/// Writes a new run.
pub(super) async fn add_run(tx: &Tx, run: &Run) -> Result<(), RespondError> {
    let row = run_row_of(run, run.version)?;
    run_row::Entity::insert(row).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// Writes a run as it is now, unless someone else has changed it meanwhile.
pub(super) async fn save_run(tx: &Tx, run: &mut Run) -> Result<(), RespondError> {
    let next = run.version.wrapping_add(1);
    let done = run_row::Entity::update_many()
        .set(run_row_of(run, next)?)
        .filter(run_row::Column::Id.eq(run.id))
        .filter(run_row::Column::Version.eq(run.version))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 0 {
        return Err(RespondError::Conflict("playbook-error-changed"));
    }
    run.version = next;
    Ok(())
}

/// Returns the runs of these incidents, the newest first.
pub(super) async fn runs(
    conn: &impl ConnectionTrait,
    of: &[IncidentId],
) -> Result<Vec<Run>, RespondError> {
    let rows = run_row::Entity::find()
        .filter(run_row::Column::IncidentId.is_in(of.iter().map(|id| id.uuid())))
        .order_by_desc(run_row::Column::StartedAt)
        .order_by_desc(run_row::Column::Id)
        .limit(RUNS_SHOWN)
        .all(conn)
        .await?;
    rows.into_iter().map(run_of).collect()
}

/// Returns how many runs of these incidents go on.
pub(crate) async fn running(
    conn: &impl ConnectionTrait,
    of: &[IncidentId],
) -> Result<u64, RespondError> {
    let own = run_row::Entity::find()
        .filter(run_row::Column::IncidentId.is_in(of.iter().map(|id| id.uuid())))
        .filter(run_row::Column::State.eq(RunState::Running.word()));
    Ok(own.count(conn).await?)
}

/// Returns one run of these incidents.
pub(super) async fn run(
    conn: &impl ConnectionTrait,
    of: &[IncidentId],
    id: Uuid,
) -> Result<Run, RespondError> {
    let row = run_row::Entity::find_by_id(id)
        .filter(run_row::Column::IncidentId.is_in(of.iter().map(|id| id.uuid())))
        .one(conn)
        .await?;
    run_of(row.ok_or(RespondError::NotFound)?)
}

/// Notes which step a task of the room is.
pub(super) async fn add_task(
    tx: &Tx,
    (task, run, step): (Uuid, Uuid, &str),
) -> Result<(), RespondError> {
    let row =
        task_row::ActiveModel { task_id: Set(task), run_id: Set(run), step: Set(step.to_owned()) };
    task_row::Entity::insert(row).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// Returns the run and the step that a task of the room is, if it is one.
pub(super) async fn of_task(
    conn: &impl ConnectionTrait,
    task: Uuid,
) -> Result<Option<(Uuid, String)>, RespondError> {
    let row = task_row::Entity::find_by_id(task).one(conn).await?;
    Ok(row.map(|row| (row.run_id, row.step)))
}

/// Returns what kind of incident someone said it is.
pub(super) async fn category(
    conn: &impl ConnectionTrait,
    incident: IncidentId,
) -> Result<Option<String>, RespondError> {
    let row = category_row::Entity::find_by_id(incident.uuid()).one(conn).await?;
    Ok(row.map(|row| row.category))
}

/// Writes what kind of incident it is.
pub(super) async fn set_category(
    tx: &Tx,
    incident: IncidentId,
    (category, author): (&str, &str),
) -> Result<(), RespondError> {
    use category_row::{ActiveModel, Column, Entity};
    let row = ActiveModel {
        incident_id: Set(incident.uuid()),
        category: Set(category.to_owned()),
        author: Set(author.to_owned()),
        made_at: Set(tx.now()),
    };
    let replace = OnConflict::column(Column::IncidentId)
        .update_columns([Column::Category, Column::Author, Column::MadeAt])
        .to_owned();
    Entity::insert(row).on_conflict(replace).exec_without_returning(tx.conn()).await?;
    Ok(())
}
