//! What scheduled searches and exports ask of the platform: whether everything received can be found
//! yet, and what people may see now.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use collect::Spool;
use db::{Db, DbError};
use event::{AccountId, Scope, SpoolPosition};
use respond::saved::{Arrivals, Owners};
use tokio::sync::watch;
use web::Permission;
use web::identity::scope_now;

use super::names::Tree;

/// How long one question waits for the pipeline: longer than a busy one is behind, shorter than a
/// worker should stand idle.
const PATIENCE: Duration = Duration::from_secs(10);

/// How far the pipeline is behind the spool.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) spool: Spool,
    pub(super) kept: watch::Receiver<SpoolPosition>,
}

#[async_trait]
impl Arrivals for Arrived {
    async fn are_searchable(&self) -> bool {
        let durable = self.spool.committed();
        let mut kept = self.kept.clone();
        let caught_up = kept.wait_for(|kept| *kept >= durable);
        matches!(tokio::time::timeout(PATIENCE, caught_up).await, Ok(Ok(_)))
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
