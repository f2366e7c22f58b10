//! What scheduled searches and exports ask of the platform: whether everything received can be found
//! yet, and what people may see now.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use collect::{Recovered, Spool};
use db::{Db, DbError};
use event::{AccountId, Scope, SpoolPosition};
use lake::Lake;
use respond::saved::{Arrivals, Owners};
use tokio::sync::watch;
use web::Permission;
use web::identity::scope_now;

use super::names::Tree;
use crate::cluster;

/// How long one question waits for the pipeline: longer than a busy one is behind, shorter than a
/// worker should stand idle.
const PATIENCE: Duration = Duration::from_secs(10);

/// How far the pipeline is behind the spool.
#[derive(Debug)]
pub(super) struct Arrived {
    spool: Spool,
    kept: watch::Receiver<SpoolPosition>,
    /// The last that an earlier run left to be read.
    recovered: Option<SpoolPosition>,
}

impl Arrived {
    pub(super) fn new(
        spool: Spool,
        kept: watch::Receiver<SpoolPosition>,
        recovered: &Recovered,
    ) -> Self {
        let recovered = (recovered.batches > 0).then_some(recovered.last);
        Self { spool, kept, recovered }
    }
}

#[async_trait]
impl Arrivals for Arrived {
    async fn are_searchable(&self) -> bool {
        let durable = self.spool.committed();
        let mut kept = self.kept.clone();
        let caught_up = kept.wait_for(|kept| *kept >= durable);
        matches!(tokio::time::timeout(PATIENCE, caught_up).await, Ok(Ok(_)))
    }

    fn are_recovered(&self) -> bool {
        self.recovered.is_none_or(|last| *self.kept.borrow() >= last)
    }
}

/// How often it is asked whether all nodes have settled what they received.
const ASK_EVERY: Duration = Duration::from_millis(250);

/// What the nodes of several have received and not stored yet.
#[derive(Debug)]
pub(super) struct AllArrived {
    pub(super) db: Db,
    pub(super) lake: Arc<Lake>,
}

impl AllArrived {
    /// Returns whether all that any live node received up to a moment is stored, or was refused. What a node that is
    /// gone had received was never acknowledged: its sender has it.
    async fn have_settled(&self, moment: DateTime<Utc>) -> Result<bool, DbError> {
        let now = self.db.now();
        let nodes = cluster::nodes(self.db.conn()).await?;
        let mut alive = nodes.iter().filter(|node| node.is_alive(now));
        Ok(alive.all(|node| node.settled_at >= moment))
    }
}

#[async_trait]
impl Arrivals for AllArrived {
    async fn are_searchable(&self) -> bool {
        let moment = self.db.now();
        let settled = async {
            while !matches!(self.have_settled(moment).await, Ok(true)) {
                tokio::time::sleep(ASK_EVERY).await;
            }
            self.lake.refresh().await.is_ok()
        };
        tokio::time::timeout(PATIENCE, settled).await.unwrap_or(false)
    }

    /// A node answers its senders when their records are in the store.
    fn are_recovered(&self) -> bool {
        true
    }
}

/// Accounts, as they are now.
#[derive(Debug)]
pub(super) struct Accounts {
    pub(super) db: Db,
    pub(super) registry: Arc<registry::Directory>,
}

#[async_trait]
impl Owners for Accounts {
    async fn scope(&self, account: AccountId) -> Result<Option<Scope>, DbError> {
        let tree = Tree(Arc::clone(&self.registry));
        scope_now(&self.db, &tree, account, Permission::EventSearch).await
    }
}
