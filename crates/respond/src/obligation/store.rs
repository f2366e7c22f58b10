//! Reading and writing deadlines, circumstances and moved moments.

use chrono::{DateTime, Utc};
use db::Tx;
use event::{AccountId, AgencyId, IncidentId, Scope};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{ExprTrait as _, OnConflict};
use sea_orm::{ActiveValue::Set, Condition, QueryOrder as _, QuerySelect as _};
use web::paging::Page;

use super::model::{Circumstance, Deadline, Fulfilment, Moved, Precision, Stage, Which};
use crate::alert::within;
use crate::error::RespondError;
use crate::limits::{OPEN_COUNTED_MAX, TIMELINE_LINES};

mod deadline {
    #![expect(unreachable_pub, reason = "SeaORM makes public items of its own")]
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "incident_deadline")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub incident_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub obligation: String,
        pub agency_id: Uuid,
        pub due_at: DateTimeUtc,
        pub is_open: bool,
        pub fulfilled_at: Option<DateTimeUtc>,
        pub reference: Option<String>,
        pub account_id: Option<Uuid>,
        pub author: Option<String>,
        pub reminded: i16,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod circumstance {
    #![expect(unreachable_pub, reason = "SeaORM makes public items of its own")]
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "incident_circumstance")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub incident_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub word: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod moved {
    #![expect(unreachable_pub, reason = "SeaORM makes public items of its own")]
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "incident_moment")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub incident_id: Uuid,
        pub which: String,
        pub before_at: Option<DateTimeUtc>,
        pub after_at: DateTimeUtc,
        pub known_to: String,
        pub known_from: String,
        pub reason: String,
        pub account_id: Uuid,
        pub author: String,
        pub made_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

use deadline::Column;

/// Which deadlines a list shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Shown {
    /// Those that nobody has fulfilled.
    #[default]
    Open,
    /// Of these, those whose time is over at this moment.
    Overdue(DateTime<Utc>),
    /// Those fulfilled.
    Fulfilled,
}

/// Returns a page of deadlines, the earliest due first, and how many there are.
pub(crate) async fn list(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    shown: Shown,
    agency: Option<AgencyId>,
    page: Page,
) -> Result<(Vec<Deadline>, u64), RespondError> {
    let mut all = within(scope, Column::AgencyId);
    all = match shown {
        Shown::Open => all.add(Column::IsOpen.eq(true)),
        Shown::Overdue(now) => all.add(Column::IsOpen.eq(true)).add(Column::DueAt.lt(now)),
        // Those of merged incidents rest: neither open nor fulfilled.
        Shown::Fulfilled => all.add(Column::FulfilledAt.is_not_null()),
    };
    if let Some(agency) = agency {
        all = all.add(Column::AgencyId.eq(agency.uuid()));
    }
    let matching = || deadline::Entity::find().filter(all.clone());
    let total = matching().count(conn).await?;
    let rows = matching().order_by_asc(Column::DueAt).order_by_asc(Column::IncidentId);
    let rows = rows.offset(page.offset()).limit(page.limit()).all(conn).await?;
    Ok((rows.into_iter().map(model).collect::<Result<_, _>>()?, total))
}

/// Returns a page of open deadlines, the earliest due first, and how many there are.
pub(crate) async fn open(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    page: Page,
) -> Result<(Vec<Deadline>, u64), RespondError> {
    list(conn, scope, Shown::Open, None, page).await
}

/// Returns how many deadlines are open in the scope, counted up to [`OPEN_COUNTED_MAX`], and when the nearest is
/// due: every page shows it.
pub(crate) async fn nearest(
    conn: &impl ConnectionTrait,
    scope: &Scope,
) -> Result<Option<(u64, DateTime<Utc>)>, RespondError> {
    let open = within(scope, Column::AgencyId).add(Column::IsOpen.eq(true));
    let matching = || deadline::Entity::find().filter(open.clone());
    let Some(first) = matching().order_by_asc(Column::DueAt).one(conn).await? else {
        return Ok(None);
    };
    let key = Column::IncidentId;
    let open = db::counted(conn, matching(), key, OPEN_COUNTED_MAX).await?;
    Ok(Some((open, first.due_at)))
}

/// Returns the deadlines of an incident that the caller has read, the earliest due first.
pub(crate) async fn of_incident(
    conn: &impl ConnectionTrait,
    incident: IncidentId,
) -> Result<Vec<Deadline>, RespondError> {
    let rows = deadline::Entity::find()
        .filter(Column::IncidentId.eq(incident.uuid()))
        .order_by_asc(Column::DueAt)
        .order_by_asc(Column::Obligation)
        .limit(TIMELINE_LINES)
        .all(conn)
        .await?;
    rows.into_iter().map(model).collect()
}

/// Returns the deadlines of incidents that the caller has read.
pub(crate) async fn of_incidents(
    conn: &impl ConnectionTrait,
    incidents: &[IncidentId],
) -> Result<Vec<Deadline>, RespondError> {
    /// SQLite takes 32,766 values a statement.
    const IDS_PER_QUESTION: usize = 5_000;
    let mut all = Vec::new();
    for some in incidents.chunks(IDS_PER_QUESTION) {
        let ids = some.iter().map(|id| id.uuid());
        let rows = deadline::Entity::find().filter(Column::IncidentId.is_in(ids)).all(conn).await?;
        for row in rows {
            all.push(model(row)?);
        }
    }
    Ok(all)
}

/// Returns open deadlines due before a moment of which nobody has been told at this stage, with the
/// agency that owes them; the earliest due first, at most so many.
pub(crate) async fn unreminded(
    conn: &impl ConnectionTrait,
    due_before: DateTime<Utc>,
    stage: Stage,
    limit: u64,
) -> Result<Vec<(Deadline, AgencyId)>, RespondError> {
    let rows = deadline::Entity::find()
        .filter(
            Condition::all()
                .add(Column::IsOpen.eq(true))
                .add(Column::DueAt.lte(due_before))
                .add(Column::Reminded.lt(stage.number())),
        )
        .order_by_asc(Column::DueAt)
        .limit(limit)
        .all(conn)
        .await?;
    let owed = |row: deadline::Model| {
        let agency = AgencyId::from_uuid(row.agency_id);
        Ok((model(row)?, agency))
    };
    rows.into_iter().map(owed).collect()
}

fn model(row: deadline::Model) -> Result<Deadline, RespondError> {
    let bad = RespondError::BadRow { table: "incident_deadline", column: "reminded" };
    let fulfilled = row.fulfilled_at.map(|at| Fulfilment {
        at,
        reference: row.reference.unwrap_or_default(),
        by: row.author.unwrap_or_default(),
    });
    Ok(Deadline {
        incident: IncidentId::from_uuid(row.incident_id),
        obligation: row.obligation,
        due_at: row.due_at,
        fulfilled,
        reminded: Stage::from_number(row.reminded).ok_or(bad)?,
    })
}

/// Writes what an incident owes: a new deadline, or the new time of one that stands. A time that moves
/// is reminded of anew.
pub(crate) async fn owe(
    tx: &Tx,
    incident: IncidentId,
    agency: AgencyId,
    obligation: &str,
    due_at: DateTime<Utc>,
) -> Result<(), RespondError> {
    let row = deadline::ActiveModel {
        incident_id: Set(incident.uuid()),
        obligation: Set(obligation.to_owned()),
        agency_id: Set(agency.uuid()),
        due_at: Set(due_at),
        is_open: Set(true),
        fulfilled_at: Set(None),
        reference: Set(None),
        account_id: Set(None),
        author: Set(None),
        reminded: Set(Stage::Far.number()),
    };
    let standing = OnConflict::columns([Column::IncidentId, Column::Obligation])
        .update_columns([Column::DueAt, Column::Reminded])
        .to_owned();
    deadline::Entity::insert(row).on_conflict(standing).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// Takes a deadline away that is not owed any more; one that was fulfilled stays.
pub(crate) async fn forgive(
    tx: &Tx,
    incident: IncidentId,
    obligation: &str,
) -> Result<(), RespondError> {
    deadline::Entity::delete_many()
        .filter(Column::IncidentId.eq(incident.uuid()))
        .filter(Column::Obligation.eq(obligation))
        .filter(Column::IsOpen.eq(true))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Notes that a deadline was fulfilled. Returns whether it was open.
pub(crate) async fn fulfil(
    tx: &Tx,
    incident: IncidentId,
    obligation: &str,
    account: AccountId,
    done: &Fulfilment,
) -> Result<bool, RespondError> {
    let changed = deadline::Entity::update_many()
        .col_expr(Column::IsOpen, Expr::value(false))
        .col_expr(Column::FulfilledAt, Expr::value(done.at))
        .col_expr(Column::Reference, Expr::value(done.reference.clone()))
        .col_expr(Column::AccountId, Expr::value(account.uuid()))
        .col_expr(Column::Author, Expr::value(done.by.clone()))
        .filter(Column::IncidentId.eq(incident.uuid()))
        .filter(Column::Obligation.eq(obligation))
        .filter(Column::IsOpen.eq(true))
        .exec(tx.conn())
        .await?;
    Ok(changed.rows_affected > 0)
}

/// Notes how far people have been reminded of a deadline.
pub(crate) async fn set_reminded(
    conn: &impl ConnectionTrait,
    deadline: &Deadline,
    stage: Stage,
) -> Result<(), RespondError> {
    deadline::Entity::update_many()
        .col_expr(Column::Reminded, Expr::value(stage.number()))
        .filter(Column::IncidentId.eq(deadline.incident.uuid()))
        .filter(Column::Obligation.eq(deadline.obligation.as_str()))
        .exec(conn)
        .await?;
    Ok(())
}

/// Returns the circumstances of an incident that the caller has read, in the order of the form.
pub(crate) async fn circumstances(
    conn: &impl ConnectionTrait,
    incident: IncidentId,
) -> Result<Vec<Circumstance>, RespondError> {
    let rows = circumstance::Entity::find()
        .filter(circumstance::Column::IncidentId.eq(incident.uuid()))
        .all(conn)
        .await?;
    let bad = RespondError::BadRow { table: "incident_circumstance", column: "word" };
    let read = rows.iter().map(|row| Circumstance::from_word(&row.word));
    let mut all: Vec<Circumstance> = read.collect::<Option<_>>().ok_or(bad)?;
    all.sort();
    Ok(all)
}

/// Replaces the circumstances of an incident.
pub(crate) async fn set_circumstances(
    tx: &Tx,
    incident: IncidentId,
    all: &[Circumstance],
) -> Result<(), RespondError> {
    circumstance::Entity::delete_many()
        .filter(circumstance::Column::IncidentId.eq(incident.uuid()))
        .exec(tx.conn())
        .await?;
    let rows = all.iter().map(|one| circumstance::ActiveModel {
        incident_id: Set(incident.uuid()),
        word: Set(one.word().to_owned()),
    });
    if !all.is_empty() {
        circumstance::Entity::insert_many(rows).exec_without_returning(tx.conn()).await?;
    }
    Ok(())
}

/// Returns how the moments of an incident that the caller has read were moved, the first move first.
pub(crate) async fn moves(
    conn: &impl ConnectionTrait,
    incident: IncidentId,
) -> Result<Vec<Moved>, RespondError> {
    let rows = moved::Entity::find()
        .filter(moved::Column::IncidentId.eq(incident.uuid()))
        .order_by_asc(moved::Column::MadeAt)
        .order_by_asc(moved::Column::Id)
        .limit(TIMELINE_LINES)
        .all(conn)
        .await?;
    let bad = |column| RespondError::BadRow { table: "incident_moment", column };
    let read = |row: moved::Model| {
        Ok(Moved {
            which: Which::from_word(&row.which).ok_or(bad("which"))?,
            before: row.before_at,
            after: row.after_at,
            precision: Precision::from_word(&row.known_to).ok_or(bad("known_to"))?,
            source: row.known_from,
            reason: row.reason,
            by: row.author,
            made_at: row.made_at,
        })
    };
    rows.into_iter().map(read).collect()
}

/// Writes down that a moment was moved.
pub(crate) async fn add_move(
    tx: &Tx,
    incident: IncidentId,
    account: AccountId,
    moved: &Moved,
) -> Result<(), RespondError> {
    let row = moved::ActiveModel {
        id: Set(tx.new_uuid()),
        incident_id: Set(incident.uuid()),
        which: Set(moved.which.word().to_owned()),
        before_at: Set(moved.before),
        after_at: Set(moved.after),
        known_to: Set(moved.precision.word().to_owned()),
        known_from: Set(moved.source.clone()),
        reason: Set(moved.reason.clone()),
        account_id: Set(account.uuid()),
        author: Set(moved.by.clone()),
        made_at: Set(moved.made_at),
    };
    moved::Entity::insert(row).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// Lets the open clocks of an incident rest: they run on elsewhere.
pub(crate) async fn rest(tx: &Tx, incident: IncidentId) -> Result<(), RespondError> {
    set_open(tx, incident, false).await
}

/// Lets the clocks run again that nobody has fulfilled.
pub(crate) async fn wake(tx: &Tx, incident: IncidentId) -> Result<(), RespondError> {
    set_open(tx, incident, true).await
}

async fn set_open(tx: &Tx, incident: IncidentId, open: bool) -> Result<(), RespondError> {
    deadline::Entity::update_many()
        .col_expr(Column::IsOpen, Expr::value(open))
        .filter(Column::IncidentId.eq(incident.uuid()))
        .filter(Column::FulfilledAt.is_null())
        .exec(tx.conn())
        .await?;
    Ok(())
}

async fn fulfilled(tx: &Tx, of: IncidentId) -> Result<Vec<deadline::Model>, RespondError> {
    let own = Column::IncidentId.eq(of.uuid()).and(Column::FulfilledAt.is_not_null());
    Ok(deadline::Entity::find().filter(own).all(tx.conn()).await?)
}

/// Counts what was fulfilled for one incident as fulfilled for another that owes the same. Returns which
/// obligations.
pub(crate) async fn take_over(
    tx: &Tx,
    from: IncidentId,
    into: IncidentId,
) -> Result<Vec<String>, RespondError> {
    let mut taken = Vec::new();
    for done in fulfilled(tx, from).await? {
        let changed = deadline::Entity::update_many()
            .col_expr(Column::IsOpen, Expr::value(false))
            .col_expr(Column::FulfilledAt, Expr::value(done.fulfilled_at))
            .col_expr(Column::Reference, Expr::value(done.reference))
            .col_expr(Column::AccountId, Expr::value(done.account_id))
            .col_expr(Column::Author, Expr::value(done.author))
            .filter(Column::IncidentId.eq(into.uuid()))
            .filter(Column::Obligation.eq(done.obligation.as_str()))
            .filter(Column::IsOpen.eq(true))
            .exec(tx.conn())
            .await?;
        if changed.rows_affected > 0 {
            taken.push(done.obligation);
        }
    }
    Ok(taken)
}

/// Opens again what another incident had fulfilled for this one, unless it was told anew since.
pub(crate) async fn give_back(
    tx: &Tx,
    from: IncidentId,
    into: IncidentId,
    taken: &[String],
) -> Result<(), RespondError> {
    for done in fulfilled(tx, from).await? {
        if !taken.contains(&done.obligation) {
            continue;
        }
        deadline::Entity::update_many()
            .col_expr(Column::IsOpen, Expr::value(true))
            .col_expr(Column::FulfilledAt, Expr::value(None::<DateTime<Utc>>))
            .col_expr(Column::Reference, Expr::value(None::<String>))
            .col_expr(Column::AccountId, Expr::value(None::<Uuid>))
            .col_expr(Column::Author, Expr::value(None::<String>))
            .filter(Column::IncidentId.eq(into.uuid()))
            .filter(Column::Obligation.eq(done.obligation))
            .filter(Column::FulfilledAt.eq(done.fulfilled_at))
            .exec(tx.conn())
            .await?;
    }
    Ok(())
}
