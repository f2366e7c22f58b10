//! The page of the machines: what it tells, and whose sources it names.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use db::DbError;
use event::SourceId;
use web::{AppError, Rights, Role};

use super::routes::{Asked, gathered};
use super::{Cluster, ClusterNode, ClusterTeller, NodeState, Nodes};
use crate::testing::{Desk, administrator, one_desk};

/// Tells what it was given.
#[derive(Debug)]
struct Given(Cluster);

#[async_trait]
impl ClusterTeller for Given {
    async fn told(&self) -> Result<Cluster, DbError> {
        Ok(self.0.clone())
    }
}

fn node(name: &str, state: NodeState, at: DateTime<Utc>, leased: Vec<SourceId>) -> ClusterNode {
    ClusterNode {
        name: name.to_owned(),
        role: "intake".to_owned(),
        address: format!("{name}.tinh.vn:8514"),
        state,
        state_since: at,
        since: at,
        seen_at: at,
        settled_at: at,
        is_centre: false,
        sources: leased.len() as u64,
        leased,
    }
}

fn nodes(desk: &Desk, cluster: Cluster) -> Nodes {
    Nodes { registry: desk.registry.clone(), teller: Arc::new(Given(cluster)) }
}

fn several(desk: &Desk) -> Cluster {
    let now = desk.registry.db.now();
    let sources =
        desk.registry.directory.snapshot().bindings().map(|one| one.origin.source).collect();
    let log = node("log <1>", NodeState::Alive, now, sources);
    let web = ClusterNode {
        role: "web".to_owned(),
        is_centre: true,
        ..node("web1", NodeState::Silent, now, Vec::new())
    };
    Cluster {
        is_on: true,
        nodes: vec![log, web, node("old", NodeState::Ended, now, Vec::new())],
        last_change: 12_345,
        judged: Some(12_300),
        judged_at: Some(now),
        behind_since: Some(now - TimeDelta::seconds(61)),
    }
}

#[tokio::test]
async fn the_page_is_sound_and_says_what_is_wrong() {
    let desk = one_desk().await;
    let nodes = nodes(&desk, several(&desk));
    let asked = Asked { sources: Some("log <1>".to_owned()) };
    let page = gathered(&nodes, &administrator(), &asked).await.unwrap();
    // The one with the central duties is silent: nobody does them.
    assert_eq!((page.behind, page.is_late, page.has_centre), (45, true, false));
    let leased = page.leased.as_ref().unwrap();
    assert_eq!((leased.rows.len(), leased.more), (desk.senders.len(), 0));
    assert_eq!(page.here, "/nodes?sources=log+%3C1%3E");
    assert_eq!(web::testing::faults(&page), Vec::<String>::new());
    let json = serde_json::to_value(&page).unwrap();
    assert_eq!(json["cluster"]["nodes"][1]["state"], "silent");
    assert_eq!(json["cluster"]["nodes"][0]["sources"], desk.senders.len());
}

#[tokio::test]
async fn one_machine_says_so() {
    let desk = one_desk().await;
    let nodes = nodes(&desk, Cluster::default());
    let page = gathered(&nodes, &administrator(), &Asked::default()).await.unwrap();
    assert_eq!(web::testing::faults(&page), Vec::<String>::new());
    let html = web::testing::shown(&page);
    assert!(html.contains("README") && !html.contains("<table"), "{html}");
}

#[tokio::test]
async fn sources_are_named_to_whoever_may_read_them() {
    let desk = one_desk().await;
    let nodes = nodes(&desk, several(&desk));
    let asked = Asked { sources: Some("log <1>".to_owned()) };
    // A token that may read the platform's state and nothing else.
    let mut narrow = administrator();
    narrow.rights = Rights::Only(Arc::new([web::Permission::PlatformRead].into()));
    assert!(gathered(&nodes, &narrow, &asked).await.unwrap().leased.is_none());
    // Who sees one agency's sources is named no other's.
    let mut bound = web::testing::who(Role::DutyOfficer);
    bound.scope = desk.officer("so-y-te").scope;
    let leased = gathered(&nodes, &bound, &asked).await.unwrap().leased.unwrap();
    assert!(leased.rows.len() < desk.senders.len());
    let unknown = Asked { sources: Some("nobody".to_owned()) };
    let refused = gathered(&nodes, &administrator(), &unknown).await;
    assert!(matches!(refused, Err(AppError::NotFound)), "{refused:?}");
}
