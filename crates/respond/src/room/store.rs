//! The tables `incident_task`, `incident_observable`, `incident_comment`, `incident_search` and
//! `incident_link`. Callers have read the incident; what is asked without one takes a scope.

use chrono::{DateTime, Utc};
use db::Tx;
use event::observable::{Observable, ObservableKind};
use event::{AccountId, AgencyId, IncidentId, Scope};
use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{QueryOrder as _, QuerySelect as _};

use super::model::{Comment, Kept, Link, LinkKind, LinkedSearch, Task};
use crate::actor::Handler;
use crate::alert::within;
use crate::error::RespondError;
use crate::limits::{OBSERVABLES_MAX, TIMELINE_LINES};

entity!(task, "incident_task", {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    incident_id: Uuid,
    agency_id: Uuid,
    title: String,
    assignee_id: Option<Uuid>,
    due_at: Option<DateTimeUtc>,
    is_open: bool,
    author: String,
    made_at: DateTimeUtc,
    done_by: Option<String>,
    done_at: Option<DateTimeUtc>,
});

entity!(observable, "incident_observable", {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    incident_id: Uuid,
    agency_id: Uuid,
    kind: String,
    value: String,
    note: String,
    author: String,
    made_at: DateTimeUtc,
});

entity!(comment, "incident_comment", {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    incident_id: Uuid,
    account_id: Uuid,
    author: String,
    made_at: DateTimeUtc,
    text: String,
});

entity!(search, "incident_search", {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    incident_id: Uuid,
    name: String,
    line: String,
    from_at: DateTimeUtc,
    to_at: DateTimeUtc,
    author: String,
    made_at: DateTimeUtc,
});

entity!(link, "incident_link", {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    kind: String,
    from_id: Uuid,
    into_id: Uuid,
    reason: String,
    author: String,
    made_at: DateTimeUtc,
    detail: Json,
    undone_by: Option<String>,
    undone_at: Option<DateTimeUtc>,
    undone_reason: Option<String>,
});

fn uuids(ids: &[IncidentId]) -> impl Iterator<Item = Uuid> + '_ {
    ids.iter().map(|id| id.uuid())
}

fn task_of(row: task::Model) -> Task {
    Task {
        id: row.id,
        incident: IncidentId::from_uuid(row.incident_id),
        agency: AgencyId::from_uuid(row.agency_id),
        title: row.title,
        assignee: row.assignee_id.map(AccountId::from_uuid),
        due_at: row.due_at,
        author: row.author,
        made_at: row.made_at,
        done: row.done_at.map(|at| (row.done_by.unwrap_or_default(), at)),
    }
}

/// Writes a task: a new one, or how it stands.
pub(super) async fn save_task(tx: &Tx, task: &Task, is_new: bool) -> Result<(), RespondError> {
    let row = task::ActiveModel {
        id: Set(task.id),
        incident_id: Set(task.incident.uuid()),
        agency_id: Set(task.agency.uuid()),
        title: Set(task.title.clone()),
        assignee_id: Set(task.assignee.map(AccountId::uuid)),
        due_at: Set(task.due_at),
        is_open: Set(task.done.is_none()),
        author: Set(task.author.clone()),
        made_at: Set(task.made_at),
        done_by: Set(task.done.as_ref().map(|(by, _)| by.clone())),
        done_at: Set(task.done.as_ref().map(|(_, at)| *at)),
    };
    if is_new {
        task::Entity::insert(row).exec_without_returning(tx.conn()).await?;
    } else {
        task::Entity::update(row).exec(tx.conn()).await?;
    }
    Ok(())
}

/// Gives an open task another time, if it still has the one that it was given.
pub(crate) async fn set_due(
    tx: &Tx,
    id: Uuid,
    (before, after): (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
) -> Result<(), RespondError> {
    let stands = match before {
        Some(before) => task::Column::DueAt.eq(before),
        None => task::Column::DueAt.is_null(),
    };
    task::Entity::update_many()
        .col_expr(task::Column::DueAt, Expr::value(after))
        .filter(task::Column::Id.eq(id))
        .filter(task::Column::IsOpen.eq(true))
        .filter(stands)
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Returns the tasks of these incidents: open ones first, the soonest due of those first.
pub(super) async fn tasks(
    conn: &impl ConnectionTrait,
    of: &[IncidentId],
) -> Result<Vec<Task>, RespondError> {
    let rows = task::Entity::find()
        .filter(task::Column::IncidentId.is_in(uuids(of)))
        .order_by_desc(task::Column::IsOpen)
        .order_by_asc(task::Column::MadeAt)
        .limit(TIMELINE_LINES)
        .all(conn)
        .await?;
    let mut tasks: Vec<Task> = rows.into_iter().map(task_of).collect();
    tasks.sort_by_key(|task| (task.done.is_some(), task.due_at.is_none(), task.due_at));
    Ok(tasks)
}

/// Returns open tasks of someone in their scope, the soonest due first, at most so many.
pub(super) async fn tasks_of_person(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    account: AccountId,
    most: u64,
) -> Result<Vec<Task>, RespondError> {
    let own = within(scope, task::Column::AgencyId)
        .add(task::Column::AssigneeId.eq(account.uuid()))
        .add(task::Column::IsOpen.eq(true));
    let rows = task::Entity::find().filter(own).order_by_asc(task::Column::DueAt);
    Ok(rows.limit(most).all(conn).await?.into_iter().map(task_of).collect())
}

fn kept_of(row: observable::Model) -> Result<Kept, RespondError> {
    let bad = RespondError::BadRow { table: "incident_observable", column: "kind" };
    let kind = ObservableKind::from_word(&row.kind).ok_or(bad)?;
    Ok(Kept {
        id: row.id,
        incident: IncidentId::from_uuid(row.incident_id),
        observable: Observable { kind, value: row.value },
        note: row.note,
        author: row.author,
        made_at: row.made_at,
    })
}

/// Writes observables; those that the incident has already stay as they are.
pub(super) async fn add_observables(
    tx: &Tx,
    who: &Handler,
    (incident, agency): (IncidentId, AgencyId),
    all: &[Observable],
    note: &str,
) -> Result<(), RespondError> {
    use observable::{ActiveModel, Column, Entity};
    for one in all {
        let row = ActiveModel {
            id: Set(tx.new_uuid()),
            incident_id: Set(incident.uuid()),
            agency_id: Set(agency.uuid()),
            kind: Set(one.kind.word().to_owned()),
            value: Set(one.value.clone()),
            note: Set(note.to_owned()),
            author: Set(who.name.clone()),
            made_at: Set(tx.now()),
        };
        let stands = OnConflict::columns([Column::IncidentId, Column::Kind, Column::Value])
            .do_nothing()
            .to_owned();
        Entity::insert(row).on_conflict(stands).exec_without_returning(tx.conn()).await?;
    }
    Ok(())
}

/// Returns the observables of these incidents, by kind and value.
pub(super) async fn observables(
    conn: &impl ConnectionTrait,
    of: &[IncidentId],
) -> Result<Vec<Kept>, RespondError> {
    use observable::{Column, Entity};
    let rows = Entity::find()
        .filter(Column::IncidentId.is_in(uuids(of)))
        .order_by_asc(Column::Kind)
        .order_by_asc(Column::Value)
        .limit(OBSERVABLES_MAX)
        .all(conn)
        .await?;
    rows.into_iter().map(kept_of).collect()
}

/// Returns how many observables these incidents have.
pub(super) async fn observable_count(
    conn: &impl ConnectionTrait,
    of: &[IncidentId],
) -> Result<u64, RespondError> {
    let own = observable::Column::IncidentId.is_in(uuids(of));
    Ok(observable::Entity::find().filter(own).count(conn).await?)
}

/// Returns which other incidents in sight have these observables as well, at most so many in all.
pub(super) async fn elsewhere(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    family: &[IncidentId],
    values: impl IntoIterator<Item = &str>,
    most: u64,
) -> Result<Vec<Kept>, RespondError> {
    use observable::{Column, Entity};
    let rows = Entity::find()
        .filter(within(scope, Column::AgencyId))
        .filter(Column::Value.is_in(values))
        .filter(Column::IncidentId.is_not_in(uuids(family)))
        .order_by_desc(Column::MadeAt)
        .limit(most)
        .all(conn)
        .await?;
    rows.into_iter().map(kept_of).collect()
}

/// Takes an observable of these incidents away; returns it.
pub(super) async fn remove_observable(
    tx: &Tx,
    of: &[IncidentId],
    id: Uuid,
) -> Result<Kept, RespondError> {
    use observable::{Column, Entity};
    let own = Entity::find_by_id(id).filter(Column::IncidentId.is_in(uuids(of)));
    let row = own.one(tx.conn()).await?.ok_or(RespondError::NotFound)?;
    Entity::delete_by_id(id).exec(tx.conn()).await?;
    kept_of(row)
}

/// Writes what someone said.
pub(super) async fn add_comment(
    tx: &Tx,
    who: &Handler,
    incident: IncidentId,
    (id, text): (Uuid, &str),
) -> Result<(), RespondError> {
    let row = comment::ActiveModel {
        id: Set(id),
        incident_id: Set(incident.uuid()),
        account_id: Set(who.account.uuid()),
        author: Set(who.name.clone()),
        made_at: Set(tx.now()),
        text: Set(text.to_owned()),
    };
    comment::Entity::insert(row).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// Returns what was said about these incidents: the newest lines, the oldest of them first.
pub(super) async fn comments(
    conn: &impl ConnectionTrait,
    of: &[IncidentId],
) -> Result<Vec<Comment>, RespondError> {
    let rows = comment::Entity::find()
        .filter(comment::Column::IncidentId.is_in(uuids(of)))
        .order_by_desc(comment::Column::MadeAt)
        .order_by_desc(comment::Column::Id)
        .limit(TIMELINE_LINES)
        .all(conn)
        .await?;
    let read =
        |row: comment::Model| Comment { author: row.author, made_at: row.made_at, text: row.text };
    Ok(rows.into_iter().rev().map(read).collect())
}

/// Writes a linked search.
pub(super) async fn add_search(tx: &Tx, one: &LinkedSearch) -> Result<(), RespondError> {
    let row = search::ActiveModel {
        id: Set(one.id),
        incident_id: Set(one.incident.uuid()),
        name: Set(one.name.clone()),
        line: Set(one.line.clone()),
        from_at: Set(one.from),
        to_at: Set(one.to),
        author: Set(one.author.clone()),
        made_at: Set(tx.now()),
    };
    search::Entity::insert(row).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// Returns the searches of these incidents, the oldest first.
pub(super) async fn searches(
    conn: &impl ConnectionTrait,
    of: &[IncidentId],
) -> Result<Vec<LinkedSearch>, RespondError> {
    let rows = search::Entity::find()
        .filter(search::Column::IncidentId.is_in(uuids(of)))
        .order_by_asc(search::Column::MadeAt)
        .order_by_asc(search::Column::Id)
        .limit(TIMELINE_LINES)
        .all(conn)
        .await?;
    let read = |row: search::Model| LinkedSearch {
        id: row.id,
        incident: IncidentId::from_uuid(row.incident_id),
        name: row.name,
        line: row.line,
        from: row.from_at,
        to: row.to_at,
        author: row.author,
    };
    Ok(rows.into_iter().map(read).collect())
}

/// Takes a search of these incidents away.
pub(super) async fn remove_search(
    tx: &Tx,
    of: &[IncidentId],
    id: Uuid,
) -> Result<(), RespondError> {
    let gone = search::Entity::delete_many()
        .filter(search::Column::Id.eq(id))
        .filter(search::Column::IncidentId.is_in(uuids(of)))
        .exec(tx.conn())
        .await?;
    if gone.rows_affected == 0 { Err(RespondError::NotFound) } else { Ok(()) }
}

/// Writes down a merge or a split.
pub(super) async fn add_link(tx: &Tx, who: &Handler, one: &Link) -> Result<(), RespondError> {
    let row = link::ActiveModel {
        id: Set(one.id),
        kind: Set(one.kind.word().to_owned()),
        from_id: Set(one.from.uuid()),
        into_id: Set(one.into.uuid()),
        reason: Set(one.reason.clone()),
        author: Set(who.name.clone()),
        made_at: Set(tx.now()),
        detail: Set(serde_json::to_value(&one.detail).map_err(RespondError::Json)?),
        undone_by: Set(None),
        undone_at: Set(None),
        undone_reason: Set(None),
    };
    link::Entity::insert(row).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// Returns the merge of an incident that stands.
pub(super) async fn merge_of(
    conn: &impl ConnectionTrait,
    from: IncidentId,
) -> Result<Option<Link>, RespondError> {
    one_link(conn, link::Column::FromId.eq(from.uuid()), LinkKind::Merge).await
}

/// Returns the split that an incident came of, unless it was put back.
pub(super) async fn split_of(
    conn: &impl ConnectionTrait,
    into: IncidentId,
) -> Result<Option<Link>, RespondError> {
    one_link(conn, link::Column::IntoId.eq(into.uuid()), LinkKind::Split).await
}

async fn one_link(
    conn: &impl ConnectionTrait,
    of: sea_orm::sea_query::SimpleExpr,
    kind: LinkKind,
) -> Result<Option<Link>, RespondError> {
    let row = link::Entity::find()
        .filter(of)
        .filter(link::Column::Kind.eq(kind.word()))
        .filter(link::Column::UndoneAt.is_null())
        .order_by_desc(link::Column::MadeAt)
        .one(conn)
        .await?;
    let read = |row: link::Model| {
        Ok(Link {
            id: row.id,
            kind,
            from: IncidentId::from_uuid(row.from_id),
            into: IncidentId::from_uuid(row.into_id),
            reason: row.reason,
            detail: serde_json::from_value(row.detail).map_err(RespondError::Json)?,
        })
    };
    row.map(read).transpose()
}

/// Notes that a merge or split was undone.
pub(super) async fn undo_link(
    tx: &Tx,
    id: Uuid,
    (by, at, reason): (&str, DateTime<Utc>, &str),
) -> Result<(), RespondError> {
    link::Entity::update_many()
        .col_expr(link::Column::UndoneBy, Expr::value(by))
        .col_expr(link::Column::UndoneAt, Expr::value(at))
        .col_expr(link::Column::UndoneReason, Expr::value(reason))
        .filter(link::Column::Id.eq(id))
        .exec(tx.conn())
        .await?;
    Ok(())
}
