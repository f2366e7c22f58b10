//! The tables of orders and their parts.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use db::Tx;
use event::{AccountId, AgencyId, IncidentId, Scope};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{Condition, IntoActiveModel as _, QueryOrder as _, QuerySelect as _};
use uuid::Uuid;
use web::paging::Page;

use super::model::{Closing, Kind, Order, Part, State, Told};
use crate::alert::within;
use crate::error::RespondError;

mod order {
    #![expect(unreachable_pub, reason = "SeaORM makes public items of its own")]
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "orders")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub number: String,
        pub kind: String,
        pub title: String,
        pub body: String,
        pub signer: String,
        pub incident_id: Option<Uuid>,
        pub issued_by: Uuid,
        pub issuer: String,
        pub issued_at: DateTimeUtc,
        pub acknowledge_by: DateTimeUtc,
        pub done_by: DateTimeUtc,
        pub needs_proof: bool,
        pub head_after_days: i32,
        pub is_open: bool,
        pub closed_at: Option<DateTimeUtc>,
        pub closed_by: Option<String>,
        pub summary: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod part {
    #![expect(unreachable_pub, reason = "SeaORM makes public items of its own")]
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "order_part")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub order_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub agency_id: Uuid,
        pub state: String,
        pub opened_at: Option<DateTimeUtc>,
        pub acknowledged_at: Option<DateTimeUtc>,
        pub acknowledged_by: Option<String>,
        pub done_at: Option<DateTimeUtc>,
        pub done_by: Option<String>,
        pub result: Option<String>,
        pub accepted_at: Option<DateTimeUtc>,
        pub returned: i32,
        pub told: i16,
        pub head_at: Option<DateTimeUtc>,
        pub next_at: Option<DateTimeUtc>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Rows that one statement brings in: SQLite takes 32,766 values a statement.
const ROWS_PER_INSERT: usize = 500;

fn order_of(row: order::Model) -> Result<Order, RespondError> {
    let bad = RespondError::BadRow { table: "orders", column: "kind" };
    let closed = row.closed_at.map(|at| Closing {
        at,
        by: row.closed_by.unwrap_or_default(),
        summary: row.summary.unwrap_or_default(),
    });
    Ok(Order {
        id: row.id,
        number: row.number,
        kind: Kind::from_word(&row.kind).ok_or(bad)?,
        title: row.title,
        body: row.body,
        signer: row.signer,
        incident: row.incident_id.map(IncidentId::from_uuid),
        issued_by: AccountId::from_uuid(row.issued_by),
        issuer: row.issuer,
        issued_at: row.issued_at,
        acknowledge_by: row.acknowledge_by,
        done_by: row.done_by,
        needs_proof: row.needs_proof,
        head_after_days: row.head_after_days,
        closed,
    })
}

fn order_row(order: &Order) -> order::Model {
    let closed = order.closed.clone();
    order::Model {
        id: order.id,
        number: order.number.clone(),
        kind: order.kind.word().to_owned(),
        title: order.title.clone(),
        body: order.body.clone(),
        signer: order.signer.clone(),
        incident_id: order.incident.map(IncidentId::uuid),
        issued_by: order.issued_by.uuid(),
        issuer: order.issuer.clone(),
        issued_at: order.issued_at,
        acknowledge_by: order.acknowledge_by,
        done_by: order.done_by,
        needs_proof: order.needs_proof,
        head_after_days: order.head_after_days,
        is_open: closed.is_none(),
        closed_at: closed.as_ref().map(|end| end.at),
        closed_by: closed.as_ref().map(|end| end.by.clone()),
        summary: closed.map(|end| end.summary),
    }
}

fn part_of(row: part::Model) -> Result<Part, RespondError> {
    let bad = |column| RespondError::BadRow { table: "order_part", column };
    Ok(Part {
        order: row.order_id,
        agency: AgencyId::from_uuid(row.agency_id),
        state: State::from_word(&row.state).ok_or(bad("state"))?,
        opened_at: row.opened_at,
        acknowledged_at: row.acknowledged_at,
        acknowledged_by: row.acknowledged_by,
        done_at: row.done_at,
        done_by: row.done_by,
        result: row.result,
        accepted_at: row.accepted_at,
        returned: row.returned,
        told: Told::from_number(row.told).ok_or(bad("told"))?,
        head_at: row.head_at,
    })
}

fn part_row(part: &Part, order: &Order) -> part::Model {
    part::Model {
        order_id: part.order,
        agency_id: part.agency.uuid(),
        state: part.state.word().to_owned(),
        opened_at: part.opened_at,
        acknowledged_at: part.acknowledged_at,
        acknowledged_by: part.acknowledged_by.clone(),
        done_at: part.done_at,
        done_by: part.done_by.clone(),
        result: part.result.clone(),
        accepted_at: part.accepted_at,
        returned: part.returned,
        told: part.told.number(),
        head_at: part.head_at,
        next_at: part.next_at(order),
    }
}

/// Writes a new order with its parts.
pub(super) async fn issue(tx: &Tx, order: &Order, parts: &[Part]) -> Result<(), RespondError> {
    let row = order_row(order).into_active_model();
    order::Entity::insert(row).exec_without_returning(tx.conn()).await?;
    for some in parts.chunks(ROWS_PER_INSERT) {
        let rows = some.iter().map(|part| part_row(part, order).into_active_model());
        part::Entity::insert_many(rows).exec_without_returning(tx.conn()).await?;
    }
    Ok(())
}

/// Which orders are looked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Filter {
    /// Only those that are open, or that are closed.
    pub(super) open: Option<bool>,
    /// Only those to this agency.
    pub(super) agency: Option<AgencyId>,
    /// Only those of this incident.
    pub(super) incident: Option<IncidentId>,
}

/// Returns the condition that an order has a part in sight.
fn in_sight(scope: &Scope, agency: Option<AgencyId>) -> Condition {
    if scope.visible().is_none() && agency.is_none() {
        return Condition::all();
    }
    let mut parts = within(scope, part::Column::AgencyId);
    if let Some(agency) = agency {
        parts = parts.add(part::Column::AgencyId.eq(agency.uuid()));
    }
    let mine = Query::select()
        .column(part::Column::OrderId)
        .from(part::Entity)
        .cond_where(parts)
        .to_owned();
    Condition::all().add(order::Column::Id.in_subquery(mine))
}

/// Returns a page of orders, the newest first, and how many there are.
pub(super) async fn list(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    filter: Filter,
    page: Page,
) -> Result<(Vec<Order>, u64), RespondError> {
    let mut all = in_sight(scope, filter.agency);
    if let Some(open) = filter.open {
        all = all.add(order::Column::IsOpen.eq(open));
    }
    if let Some(incident) = filter.incident {
        all = all.add(order::Column::IncidentId.eq(incident.uuid()));
    }
    let matching = || order::Entity::find().filter(all.clone());
    let total = matching().count(conn).await?;
    let rows = matching().order_by_desc(order::Column::IssuedAt).order_by_desc(order::Column::Id);
    let rows = rows.offset(page.offset()).limit(page.limit()).all(conn).await?;
    Ok((rows.into_iter().map(order_of).collect::<Result<_, _>>()?, total))
}

/// Returns an order that has a part in sight.
pub(super) async fn get(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    id: Uuid,
) -> Result<Order, RespondError> {
    let row = order::Entity::find_by_id(id).filter(in_sight(scope, None)).one(conn).await?;
    order_of(row.ok_or(RespondError::NotFound)?)
}

/// Returns the parts of an order that are in sight.
pub(super) async fn parts(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    id: Uuid,
) -> Result<Vec<Part>, RespondError> {
    let own = within(scope, part::Column::AgencyId).add(part::Column::OrderId.eq(id));
    let rows = part::Entity::find().filter(own).all(conn).await?;
    rows.into_iter().map(part_of).collect()
}

/// Returns how many parts in sight each of these orders has in each state.
pub(super) async fn counts(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    ids: &[Uuid],
) -> Result<BTreeMap<Uuid, BTreeMap<String, i64>>, RespondError> {
    let own =
        within(scope, part::Column::AgencyId).add(part::Column::OrderId.is_in(ids.iter().copied()));
    let rows: Vec<(Uuid, String, i64)> = part::Entity::find()
        .select_only()
        .column(part::Column::OrderId)
        .column(part::Column::State)
        .column_as(part::Column::AgencyId.count(), "number")
        .filter(own)
        .group_by(part::Column::OrderId)
        .group_by(part::Column::State)
        .into_tuple()
        .all(conn)
        .await?;
    let mut counts: BTreeMap<Uuid, BTreeMap<String, i64>> = BTreeMap::new();
    for (id, state, number) in rows {
        counts.entry(id).or_default().insert(state, number);
    }
    Ok(counts)
}

/// Returns the parts of open orders in these states that are in sight, with their orders; the soonest
/// to be done first, at most so many.
pub(super) async fn waiting(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    states: &[State],
    limit: u64,
) -> Result<Vec<(Part, Order)>, RespondError> {
    let own = within(scope, part::Column::AgencyId)
        .add(part::Column::State.is_in(states.iter().map(|state| state.word())));
    let rows = part::Entity::find()
        .filter(own)
        .filter(part::Column::OrderId.in_subquery(open_orders()))
        .limit(limit)
        .all(conn)
        .await?;
    with_orders(conn, rows).await
}

fn open_orders() -> sea_orm::sea_query::SelectStatement {
    Query::select()
        .column(order::Column::Id)
        .from(order::Entity)
        .and_where(order::Column::IsOpen.eq(true))
        .to_owned()
}

async fn with_orders(
    conn: &impl ConnectionTrait,
    rows: Vec<part::Model>,
) -> Result<Vec<(Part, Order)>, RespondError> {
    let ids: std::collections::BTreeSet<Uuid> = rows.iter().map(|row| row.order_id).collect();
    let found = order::Entity::find().filter(order::Column::Id.is_in(ids)).all(conn).await?;
    let mut orders = BTreeMap::new();
    for row in found {
        let order = order_of(row)?;
        orders.insert(order.id, order);
    }
    let mut all = Vec::new();
    for row in rows {
        if let Some(order) = orders.get(&row.order_id) {
            all.push((part_of(row)?, order.clone()));
        }
    }
    all.sort_by_key(|(part, order)| (order.done_by, part.order, part.agency));
    Ok(all)
}

/// Returns parts of which people must be told by now, with their orders, at most so many.
pub(super) async fn due(
    conn: &impl ConnectionTrait,
    now: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<(Part, Order)>, RespondError> {
    let rows = part::Entity::find()
        .filter(part::Column::NextAt.lte(now))
        .order_by_asc(part::Column::NextAt)
        .limit(limit)
        .all(conn)
        .await?;
    with_orders(conn, rows).await
}

/// Returns the parts of orders issued within a time, that are in sight, with their orders.
pub(super) async fn issued_between(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<(Part, Order)>, RespondError> {
    let issued = Query::select()
        .column(order::Column::Id)
        .from(order::Entity)
        .and_where(order::Column::IssuedAt.gte(from))
        .and_where(order::Column::IssuedAt.lt(to))
        .to_owned();
    let own = within(scope, part::Column::AgencyId).add(part::Column::OrderId.in_subquery(issued));
    with_orders(conn, part::Entity::find().filter(own).all(conn).await?).await
}

/// Writes a part as it is now, if it is still in the state it was read in; returns whether it was.
pub(super) async fn save_part(
    conn: &impl ConnectionTrait,
    part: &Part,
    order: &Order,
    was: State,
) -> Result<bool, RespondError> {
    let row = part_row(part, order).into_active_model().reset_all();
    let done = part::Entity::update_many()
        .set(row)
        .filter(part::Column::OrderId.eq(part.order))
        .filter(part::Column::AgencyId.eq(part.agency.uuid()))
        .filter(part::Column::State.eq(was.word()))
        .exec(conn)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Notes that someone of the agency opened the order, if nobody did before.
pub(super) async fn open(
    conn: &impl ConnectionTrait,
    (order, agency): (Uuid, AgencyId),
    at: DateTime<Utc>,
) -> Result<bool, RespondError> {
    let done = part::Entity::update_many()
        .col_expr(part::Column::OpenedAt, Expr::value(Some(at)))
        .filter(part::Column::OrderId.eq(order))
        .filter(part::Column::AgencyId.eq(agency.uuid()))
        .filter(part::Column::OpenedAt.is_null())
        .exec(conn)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Ends an order that is open; returns whether it was. Nobody is told of its parts any more.
pub(super) async fn close(tx: &Tx, order: &Order) -> Result<bool, RespondError> {
    let row = order_row(order).into_active_model().reset_all();
    let done = order::Entity::update_many()
        .set(row)
        .filter(order::Column::Id.eq(order.id))
        .filter(order::Column::IsOpen.eq(true))
        .exec(tx.conn())
        .await?;
    part::Entity::update_many()
        .col_expr(part::Column::NextAt, Expr::value(None::<DateTime<Utc>>))
        .filter(part::Column::OrderId.eq(order.id))
        .exec(tx.conn())
        .await?;
    Ok(done.rows_affected == 1)
}
