//! The address of the machines.

use axum::extract::State;
use chrono::TimeDelta;
use serde::Deserialize;
use web::{AppError, Permission, Query, Routes, View, Who};

use super::views::{Leased, LeasedSource, NodesPage};
use super::{ClusterNode, NodeState, Nodes};
use crate::{failed, limits};

/// Detection that has not judged for so long what was stored is late: what it knows is stored every five seconds.
const LATE_AFTER: TimeDelta = TimeDelta::seconds(60);

/// Returns the routes of the machines.
pub fn routes(nodes: Nodes) -> Routes {
    Routes::new()
        .get("/nodes", Permission::PlatformRead, page)
        .doc("Tells which machines the platform runs on, how each does, who has the central duties and how far detection is behind; `sources=NAME` lists the sources whose records a machine takes")
        .gives::<NodesPage>()
        .with_state(nodes)
}

/// What is asked for.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Asked {
    /// The machine whose sources are listed.
    pub(super) sources: Option<String>,
}

async fn page(
    State(nodes): State<Nodes>,
    who: Who,
    Query(asked): Query<Asked>,
) -> Result<View<NodesPage>, AppError> {
    Ok(View::new(gathered(&nodes, &who, &asked).await?))
}

pub(super) async fn gathered(
    nodes: &Nodes,
    who: &Who,
    asked: &Asked,
) -> Result<NodesPage, AppError> {
    let cluster = nodes.teller.told().await.map_err(failed)?;
    let now = nodes.registry.db.now();
    let leased = match asked.sources.as_deref().filter(|_| who.may(Permission::SourceRead)) {
        None => None,
        Some(name) => {
            let node = cluster.nodes.iter().find(|node| node.name == name);
            Some(leased(nodes, who, node.ok_or(AppError::NotFound)?))
        }
    };
    let holds = |node: &ClusterNode| node.is_centre && node.state == NodeState::Alive;
    Ok(NodesPage {
        here: leased.as_ref().map_or_else(|| "/nodes".to_owned(), |leased| link(&leased.node)),
        behind: cluster.behind(),
        is_late: cluster.behind_since.is_some_and(|since| now - since > LATE_AFTER),
        has_centre: cluster.nodes.iter().any(holds),
        cluster,
        leased,
    })
}

/// Returns the address of the list of a machine's sources.
pub(super) fn link(node: &str) -> String {
    let name: String = form_urlencoded::byte_serialize(node.as_bytes()).collect();
    format!("/nodes?sources={name}")
}

/// Returns the sources whose records a machine takes, by name, as far as the reader sees them.
fn leased(nodes: &Nodes, who: &Who, node: &ClusterNode) -> Leased {
    let snapshot = nodes.registry.directory.snapshot();
    let seen = node.leased.iter().filter_map(|id| snapshot.binding(*id));
    let mut rows: Vec<LeasedSource> = seen
        .filter(|source| who.scope.sees(source.origin.agency))
        .map(|source| LeasedSource {
            id: source.origin.source.to_string(),
            name: source.name.clone(),
            agency: source.agency_name.clone(),
        })
        .collect();
    rows.sort_by_cached_key(|row| event::fold::fold(&row.name));
    let more = rows.len().saturating_sub(limits::LEASED_SHOWN);
    rows.truncate(limits::LEASED_SHOWN);
    Leased { node: node.name.clone(), rows, more: u64::try_from(more).unwrap_or(u64::MAX) }
}
