//! The tables `cluster_node`, `cluster_lease` and `cluster_state`. They name no agency's data: no scope.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use db::DbError;
use sea_orm::ActiveValue::Set;
use sea_orm::ExprTrait as _;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{QueryOrder as _, QuerySelect as _};

use super::{ALIVE_FOR, Card, Lease};

mod node {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "cluster_node")]
    pub(super) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(super) name: String,
        pub(super) role: String,
        pub(super) address: String,
        pub(super) epoch: i64,
        pub(super) since: DateTimeUtc,
        pub(super) alive_until: DateTimeUtc,
        /// Up to when everything that it received is stored, or was refused.
        pub(super) settled_at: DateTimeUtc,
        /// When it ended in order.
        pub(super) left_at: Option<DateTimeUtc>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod lease {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "cluster_lease")]
    pub(super) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(super) name: String,
        pub(super) node: String,
        /// The holder's epoch when it got the lease: one of an older epoch is nobody's.
        pub(super) epoch: i64,
        pub(super) since: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod state {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "cluster_state")]
    pub(super) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(super) name: String,
        pub(super) change: i64,
        pub(super) packed: Vec<u8>,
        pub(super) saved_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// What detection remembers, and of which changes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct CentreState {
    /// The last change of the lake that it has judged.
    pub(crate) change: u64,
    /// The engine's state, packed.
    pub(crate) packed: Vec<u8>,
}

/// Enters a node; returns its epoch, one more than any it had.
pub(super) async fn join(
    conn: &impl ConnectionTrait,
    card: &Card,
    now: DateTime<Utc>,
) -> Result<i64, DbError> {
    let row = node::ActiveModel {
        name: Set(card.name.clone()),
        role: Set(card.role.to_owned()),
        address: Set(card.address.clone()),
        epoch: Set(1),
        since: Set(now),
        alive_until: Set(now + ALIVE_FOR),
        settled_at: Set(now),
        left_at: Set(None),
    };
    let raised = Expr::col((node::Entity, node::Column::Epoch)).add(1);
    let replace = OnConflict::column(node::Column::Name)
        .update_columns([
            node::Column::Role,
            node::Column::Address,
            node::Column::Since,
            node::Column::AliveUntil,
            node::Column::SettledAt,
            node::Column::LeftAt,
        ])
        .value(node::Column::Epoch, raised)
        .to_owned();
    node::Entity::insert(row).on_conflict(replace).exec_without_returning(conn).await?;
    let row = node::Entity::find_by_id(&card.name).one(conn).await?;
    Ok(row.map_or(1, |row| row.epoch))
}

/// Keeps a node's row as it is until the transaction ends, if it has this epoch; `false` if it has not. Several
/// transactions of the node may do so at once.
pub(super) async fn hold(
    conn: &impl ConnectionTrait,
    name: &str,
    epoch: i64,
) -> Result<bool, DbError> {
    let held = node::Entity::find_by_id(name)
        .filter(node::Column::Epoch.eq(epoch))
        .lock_shared()
        .one(conn)
        .await?;
    Ok(held.is_some())
}

/// Prolongs a node's life, if it has this epoch: until when it counts as alive, and what it has settled.
pub(super) async fn prolong(
    conn: &impl ConnectionTrait,
    name: &str,
    epoch: i64,
    (alive_until, settled_at): (DateTime<Utc>, DateTime<Utc>),
) -> Result<bool, DbError> {
    let prolonged = node::Entity::update_many()
        .col_expr(node::Column::AliveUntil, Expr::value(alive_until))
        .col_expr(node::Column::SettledAt, Expr::value(settled_at))
        .filter(node::Column::Name.eq(name))
        .filter(node::Column::Epoch.eq(epoch))
        .exec(conn)
        .await?;
    Ok(prolonged.rows_affected == 1)
}

/// Gives a lease to a node if it is free, or its holder's time is up.
pub(super) async fn lease(
    conn: &impl ConnectionTrait,
    name: &str,
    to: &str,
    now: DateTime<Utc>,
) -> Result<Lease, DbError> {
    let own = node::Entity::find_by_id(to).one(conn).await?.map_or(0, |row| row.epoch);
    let row = lease::ActiveModel {
        name: Set(name.to_owned()),
        node: Set(to.to_owned()),
        epoch: Set(own),
        since: Set(now),
    };
    let nothing = OnConflict::column(lease::Column::Name).do_nothing().to_owned();
    lease::Entity::insert(row).on_conflict(nothing).exec_without_returning(conn).await?;
    let Some(current) = lease::Entity::find_by_id(name).one(conn).await? else {
        return Ok(Lease::Of(String::new()));
    };
    if current.node == to && current.epoch == own {
        return Ok(Lease::Own { is_new: true });
    }
    let holder = node::Entity::find_by_id(&current.node).one(conn).await?;
    // A holder that left, or joined anew, has no rights from before.
    let holder = holder.filter(|holder| holder.epoch == current.epoch);
    if let Some(holder) = &holder {
        if holder.alive_until > now {
            return Ok(Lease::Of(holder.address.clone()));
        }
        if !fence_off(conn, holder, now).await? {
            return Ok(Lease::Of(holder.address.clone()));
        }
    }
    let taken = lease::Entity::update_many()
        .col_expr(lease::Column::Node, Expr::value(to))
        .col_expr(lease::Column::Epoch, Expr::value(own))
        .col_expr(lease::Column::Since, Expr::value(now))
        .filter(lease::Column::Name.eq(name))
        .filter(lease::Column::Node.eq(&current.node))
        .filter(lease::Column::Epoch.eq(current.epoch))
        .exec(conn)
        .await?;
    match taken.rows_affected {
        1 => Ok(Lease::Own { is_new: true }),
        _ => Ok(Lease::Of(String::new())),
    }
}

/// Takes a silent node's rights away; `false` if it spoke up meanwhile.
async fn fence_off(
    conn: &impl ConnectionTrait,
    holder: &node::Model,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let fenced = node::Entity::update_many()
        .col_expr(node::Column::Epoch, Expr::value(holder.epoch + 1))
        .filter(node::Column::Name.eq(&holder.name))
        .filter(node::Column::Epoch.eq(holder.epoch))
        .filter(node::Column::AliveUntil.lte(now))
        .exec(conn)
        .await?;
    if fenced.rows_affected == 1 {
        tracing::warn!(node = %holder.name, "a node is silent; its work is taken over");
    }
    Ok(fenced.rows_affected == 1)
}

/// Lets a node's leases go.
pub(super) async fn release(
    conn: &impl ConnectionTrait,
    leases: &[String],
    node: &str,
) -> Result<(), DbError> {
    lease::Entity::delete_many()
        .filter(lease::Column::Name.is_in(leases))
        .filter(lease::Column::Node.eq(node))
        .exec(conn)
        .await?;
    Ok(())
}

/// Takes a node out: its row stays, so that its next epoch is a higher one.
pub(super) async fn leave(
    conn: &impl ConnectionTrait,
    name: &str,
    epoch: i64,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let left = node::Entity::update_many()
        .col_expr(node::Column::LeftAt, Expr::value(now))
        .col_expr(node::Column::AliveUntil, Expr::value(now))
        .filter(node::Column::Name.eq(name))
        .filter(node::Column::Epoch.eq(epoch))
        .exec(conn)
        .await?;
    if left.rows_affected == 1 {
        lease::Entity::delete_many().filter(lease::Column::Node.eq(name)).exec(conn).await?;
    }
    Ok(())
}

/// A machine, as the others know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NodeRow {
    /// Its name.
    pub(crate) name: String,
    /// What it does.
    pub(crate) role: String,
    /// Where senders find it.
    pub(crate) address: String,
    /// Raised whenever it joins, or another takes its work over.
    pub(crate) epoch: i64,
    /// Since when it runs.
    pub(crate) since: DateTime<Utc>,
    /// Until when it counts as alive, unless it says so again.
    pub(crate) alive_until: DateTime<Utc>,
    /// Up to when everything that it received is stored, or was refused.
    pub(crate) settled_at: DateTime<Utc>,
    /// When it ended in order; nothing while it runs, or if it is just silent.
    pub(crate) left_at: Option<DateTime<Utc>>,
}

impl NodeRow {
    /// Returns whether it counts as alive.
    pub(crate) fn is_alive(&self, now: DateTime<Utc>) -> bool {
        self.left_at.is_none() && self.alive_until > now
    }
}

/// A lease, as all know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LeaseRow {
    /// What is leased.
    pub(crate) name: String,
}

/// Returns all machines that ever were members, by name.
pub(crate) async fn nodes(conn: &impl ConnectionTrait) -> Result<Vec<NodeRow>, DbError> {
    let rows = node::Entity::find().order_by_asc(node::Column::Name).all(conn).await?;
    let row = |row: node::Model| NodeRow {
        name: row.name,
        role: row.role,
        address: row.address,
        epoch: row.epoch,
        since: row.since,
        alive_until: row.alive_until,
        settled_at: row.settled_at,
        left_at: row.left_at,
    };
    Ok(rows.into_iter().map(row).collect())
}

/// Returns all leases, by holder and by its epoch when it got them.
pub(super) async fn leases(
    conn: &impl ConnectionTrait,
) -> Result<BTreeMap<(String, i64), Vec<LeaseRow>>, DbError> {
    let rows = lease::Entity::find().order_by_asc(lease::Column::Name).all(conn).await?;
    let mut leases: BTreeMap<(String, i64), Vec<LeaseRow>> = BTreeMap::new();
    for row in rows {
        leases.entry((row.node, row.epoch)).or_default().push(LeaseRow { name: row.name });
    }
    Ok(leases)
}

/// Returns the last change that detection has judged, and when it stored that; not what it remembers, which is large.
pub(super) async fn judged(
    conn: &impl ConnectionTrait,
    name: &str,
) -> Result<Option<(u64, DateTime<Utc>)>, DbError> {
    let row: Option<(i64, DateTime<Utc>)> = state::Entity::find_by_id(name)
        .select_only()
        .columns([state::Column::Change, state::Column::SavedAt])
        .into_tuple()
        .one(conn)
        .await?;
    Ok(row.map(|(change, at)| (u64::try_from(change).unwrap_or(0), at)))
}

/// Writes down from where detection begins, unless that stands there already.
pub(crate) async fn begin_state(
    conn: &impl ConnectionTrait,
    name: &str,
    begin: CentreState,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let nothing = OnConflict::column(state::Column::Name).do_nothing().to_owned();
    let row = state_row(name, begin, now);
    state::Entity::insert(row).on_conflict(nothing).exec_without_returning(conn).await?;
    Ok(())
}

fn state_row(name: &str, saved: CentreState, now: DateTime<Utc>) -> state::ActiveModel {
    state::ActiveModel {
        name: Set(name.to_owned()),
        change: Set(i64::try_from(saved.change).unwrap_or(i64::MAX)),
        packed: Set(saved.packed),
        saved_at: Set(now),
    }
}

/// Returns what detection remembered.
pub(crate) async fn load_state(
    conn: &impl ConnectionTrait,
    name: &str,
) -> Result<Option<CentreState>, DbError> {
    let row = state::Entity::find_by_id(name).one(conn).await?;
    Ok(row.map(|row| CentreState {
        change: u64::try_from(row.change).unwrap_or(0),
        packed: row.packed,
    }))
}

/// Replaces what detection remembers.
pub(crate) async fn save_state(
    conn: &impl ConnectionTrait,
    name: &str,
    saved: CentreState,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let row = state_row(name, saved, now);
    let replace = OnConflict::column(state::Column::Name)
        .update_columns([state::Column::Change, state::Column::Packed, state::Column::SavedAt])
        .to_owned();
    state::Entity::insert(row).on_conflict(replace).exec_without_returning(conn).await?;
    Ok(())
}
