//! Several machines as one platform: who is alive, and who does what.
//!
//! Every node has a row in the database with a time until which it counts as alive, and an epoch. What
//! only one may do at a time (taking a source's records, the central duties) is a lease. A lease of a
//! node whose time is up may be taken over; the same step raises that node's epoch. Whatever the node
//! still commits carries its old epoch and is refused ([`Fence`]): a machine that was only slow, or
//! asleep, can do no harm when it wakes.

mod mark;
mod store;
mod told;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use db::{Db, DbError};
use parking_lot::Mutex;
use sea_orm::ConnectionTrait;
use tokio_util::sync::CancellationToken;

pub(crate) use mark::{forget_marks, has_mark, keep_mark, marks_of};
pub(crate) use store::{CentreState, begin_state, load_state, nodes, save_state};
pub(crate) use told::Told;

/// How long a node counts as alive after it last said so. Longer than a pause of the machine that
/// harms nobody, short enough that senders wait no longer.
pub(crate) const ALIVE_FOR: TimeDelta = TimeDelta::seconds(10);

/// How often a node says that it is alive: also how fresh it is known what it has settled.
const SAY_EVERY: Duration = Duration::from_secs(1);

/// The lease of the central duties: detection, merging, clearing up, telling people.
pub(crate) const CENTRE: &str = "centre";

/// What the leases of sources begin with.
pub(crate) const SOURCE: &str = "source:";

/// Returns the lease of a source.
pub(crate) fn source_lease(source: event::SourceId) -> String {
    format!("{SOURCE}{source}")
}

/// Says which machine of several runs on a database, for what must be the only one.
///
/// # Errors
///
/// When one runs, or the database does not answer.
pub(crate) async fn refuse_beside_others(db: &Db) -> anyhow::Result<()> {
    let now = db.now();
    let nodes = nodes(db.conn()).await?;
    match nodes.iter().find(|node| node.is_alive(now)) {
        None => Ok(()),
        Some(node) => anyhow::bail!(
            "the platform is running on the machine `{}`; end it on all machines first (`luytre nodes` shows them)",
            node.name
        ),
    }
}

/// What a node says of itself.
#[derive(Debug, Clone)]
pub(crate) struct Card {
    /// Its name, for ever.
    pub(crate) name: String,
    /// What it does.
    pub(crate) role: &'static str,
    /// Where senders find it.
    pub(crate) address: String,
}

/// This machine as a member.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    db: Db,
    card: Arc<Card>,
    epoch: Arc<AtomicI64>,
    /// Leases that this node holds, by name, with the epoch at which it got them.
    held: Arc<Mutex<BTreeMap<String, i64>>>,
}

/// What ties a commit to the node's right to make it.
#[derive(Debug, Clone)]
pub(crate) struct Fence {
    card: Arc<Card>,
    epoch: Arc<AtomicI64>,
}

impl Fence {
    /// Makes sure, inside the transaction that is to be committed, that nobody took this node's place, and keeps
    /// everybody from it until the transaction ends.
    pub(crate) async fn hold(&self, conn: &impl ConnectionTrait) -> Result<bool, DbError> {
        store::hold(conn, &self.card.name, self.epoch.load(Ordering::Acquire)).await
    }
}

/// What came of asking for a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lease {
    /// It is this node's.
    Own {
        /// Whether it was not before.
        is_new: bool,
    },
    /// It is another live node's, here is its address.
    Of(String),
}

impl Node {
    /// Makes this machine a member. A node of this name that ran before has no rights any more.
    pub(crate) async fn join(db: &Db, card: Card) -> Result<Self, DbError> {
        let books = db.begin_bookkeeping().await?;
        let epoch = store::join(books.conn(), &card, books.now()).await?;
        books.commit().await?;
        Ok(Self {
            db: db.clone(),
            card: Arc::new(card),
            epoch: Arc::new(AtomicI64::new(epoch)),
            held: Arc::default(),
        })
    }

    /// Returns its name.
    pub(crate) fn name(&self) -> &str {
        &self.card.name
    }

    /// Returns the fence of this node's commits.
    pub(crate) fn fence(&self) -> Fence {
        Fence { card: Arc::clone(&self.card), epoch: Arc::clone(&self.epoch) }
    }

    /// Says that this node is alive, and up to when everything it received is settled; if its place was taken, it
    /// joins anew and holds nothing.
    pub(crate) async fn say_alive(&self, settled_at: DateTime<Utc>) -> Result<(), DbError> {
        let books = self.db.begin_bookkeeping().await?;
        let (now, epoch) = (books.now(), self.epoch.load(Ordering::Acquire));
        let times = (now + ALIVE_FOR, settled_at);
        if !store::prolong(books.conn(), &self.card.name, epoch, times).await? {
            let epoch = store::join(books.conn(), &self.card, now).await?;
            // Before the new epoch counts: what was held is held no longer.
            self.held.lock().clear();
            self.epoch.store(epoch, Ordering::Release);
            tracing::warn!(node = self.name(), "another node took this one's place; it joins anew");
        }
        books.commit().await
    }

    /// Returns whether this node holds a lease, as far as it knows.
    pub(crate) fn holds(&self, lease: &str) -> bool {
        let epoch = self.epoch.load(Ordering::Acquire);
        self.held.lock().get(lease) == Some(&epoch)
    }

    /// Asks for a lease.
    pub(crate) async fn lease(&self, lease: &str) -> Result<Lease, DbError> {
        if self.holds(lease) {
            return Ok(Lease::Own { is_new: false });
        }
        let epoch = self.epoch.load(Ordering::Acquire);
        let books = self.db.begin_bookkeeping().await?;
        let answer = store::lease(books.conn(), lease, &self.card.name, books.now()).await?;
        books.commit().await?;
        if answer == (Lease::Own { is_new: true }) {
            self.held.lock().insert(lease.to_owned(), epoch);
        }
        Ok(answer)
    }

    /// Lets leases go.
    pub(crate) async fn release(&self, leases: &[String]) -> Result<(), DbError> {
        {
            let mut held = self.held.lock();
            held.retain(|name, _| !leases.contains(name));
        }
        let books = self.db.begin_bookkeeping().await?;
        store::release(books.conn(), leases, &self.card.name).await?;
        books.commit().await
    }

    /// Leaves: all leases are free at once.
    pub(crate) async fn leave(&self) -> Result<(), DbError> {
        self.held.lock().clear();
        let books = self.db.begin_bookkeeping().await?;
        let epoch = self.epoch.load(Ordering::Acquire);
        store::leave(books.conn(), &self.card.name, epoch, books.now()).await?;
        books.commit().await
    }

    /// Says that it is alive until `stop`. `settled` tells up to when everything received is settled.
    pub(crate) async fn stay(
        self,
        settled: impl Fn() -> DateTime<Utc> + Send + 'static,
        stop: CancellationToken,
    ) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(SAY_EVERY) => {}
                () = stop.cancelled() => return,
            }
            if let Err(error) = self.say_alive(settled()).await {
                tracing::warn!(
                    error = web::chain(&error),
                    "the database does not hear that this node is alive"
                );
            }
        }
    }
}
