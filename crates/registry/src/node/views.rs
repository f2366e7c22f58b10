//! The page of the machines.

use askama::Template;
use serde::Serialize;
use utoipa::ToSchema;
use web::{Permission, filters};

use super::routes::link;
use super::{Cluster, ClusterNode};

/// The page.
#[derive(Debug, Clone, Template, Serialize, ToSchema)]
#[template(path = "node/page.html")]
pub(crate) struct NodesPage {
    /// The machines.
    pub(crate) cluster: Cluster,
    /// How many changes of the lake detection has not judged and stored yet.
    pub(crate) behind: u64,
    /// Whether one of them waits for longer than it should.
    pub(crate) is_late: bool,
    /// Whether a machine that is alive has the central duties.
    pub(crate) has_centre: bool,
    /// The sources of one machine, if they were asked for.
    pub(crate) leased: Option<Leased>,
    /// The address of this page.
    #[serde(skip)]
    pub(crate) here: String,
}

impl NodesPage {
    /// Returns the address of the list of a machine's sources.
    pub(crate) fn link(node: &ClusterNode) -> String {
        link(&node.name)
    }

    /// Returns the key of what a machine does.
    pub(crate) fn role_key(node: &ClusterNode) -> &'static str {
        match node.role.as_str() {
            "intake" => "node-role-intake",
            "web" => "node-role-web",
            _ => "node-role-all",
        }
    }
}

/// The sources whose records one machine takes.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Leased {
    /// The machine.
    pub(crate) node: String,
    /// The sources, by name.
    pub(crate) rows: Vec<LeasedSource>,
    /// How many more there are.
    pub(crate) more: u64,
}

/// A source whose records a machine takes.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct LeasedSource {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) agency: String,
}
