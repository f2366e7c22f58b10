//! What people and programs are told of the machines: by `luytre nodes`, the page and the API, all from here.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use db::{Db, DbError};
use event::SourceId;
use registry::node::{Cluster, ClusterNode, ClusterTeller, NodeState};

use super::store::{self, LeaseRow, NodeRow};
use super::{ALIVE_FOR, CENTRE, SOURCE};

/// Tells of the machines that share a database.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    db: Db,
    is_on: bool,
}

impl Told {
    /// Returns the teller; `is_on` says whether the configuration makes this machine one of several.
    pub(crate) const fn new(db: Db, is_on: bool) -> Self {
        Self { db, is_on }
    }
}

#[async_trait]
impl ClusterTeller for Told {
    async fn told(&self) -> Result<Cluster, DbError> {
        let conn = self.db.conn();
        let now = self.db.now();
        let leases = store::leases(conn).await?;
        let nodes = store::nodes(conn).await?;
        let judged = store::judged(conn, CENTRE).await?;
        let last_change = crate::catalogue::last_change(&self.db).await?;
        let behind_since = match judged {
            Some((judged, _)) => crate::catalogue::changed_after(&self.db, judged).await?,
            None => None,
        };
        Ok(Cluster {
            is_on: self.is_on,
            nodes: nodes.into_iter().map(|node| told(node, &leases, now)).collect(),
            last_change,
            judged: judged.map(|(change, _)| change),
            judged_at: judged.map(|(_, at)| at),
            behind_since,
        })
    }
}

fn told(
    node: NodeRow,
    leases: &BTreeMap<(String, i64), Vec<LeaseRow>>,
    now: DateTime<Utc>,
) -> ClusterNode {
    let (state, state_since) = match node.left_at {
        Some(left_at) => (NodeState::Ended, left_at),
        None if node.is_alive(now) => (NodeState::Alive, node.since),
        None => (NodeState::Silent, node.alive_until),
    };
    // A lease of an older epoch is nobody's.
    let own = leases.get(&(node.name.clone(), node.epoch)).map_or(&[][..], Vec::as_slice);
    let source = |lease: &LeaseRow| lease.name.strip_prefix(SOURCE)?.parse::<SourceId>().ok();
    let leased: Vec<SourceId> = own.iter().filter_map(source).collect();
    ClusterNode {
        state,
        state_since,
        since: node.since,
        seen_at: node.left_at.unwrap_or(node.alive_until - ALIVE_FOR),
        settled_at: node.settled_at,
        is_centre: own.iter().any(|lease| lease.name == CENTRE),
        sources: u64::try_from(leased.len()).unwrap_or(u64::MAX),
        leased,
        name: node.name,
        role: node.role,
        address: node.address,
    }
}
