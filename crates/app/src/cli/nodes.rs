//! `luytre nodes`: the machines of the platform, what each does and since when it runs.

use std::collections::BTreeMap;

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use super::Outcome;
use crate::cluster::{self, LeaseRow, NodeRow};
use crate::config::Config;

/// How to tell.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Told {
    nodes: Vec<Line>,
    /// The last change of the lake, and the last one that detection remembers to have judged.
    last_change: u64,
    judged: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Line {
    #[serde(flatten)]
    node: NodeRow,
    state: &'static str,
    /// Whether it has the central duties.
    is_centre: bool,
    /// How many sources' records it takes.
    sources: usize,
}

pub(crate) fn run(config: Config, arguments: &Arguments) -> Result<Outcome> {
    super::block_on(async move {
        let db = super::open_existing_db(&config).await?;
        let now = db.now();
        let leases = cluster::leases(db.conn()).await?;
        let mut sources: BTreeMap<&str, usize> = BTreeMap::new();
        for lease in leases.iter().filter(|lease| lease.name.starts_with(cluster::SOURCE)) {
            *sources.entry(lease.node.as_str()).or_default() += 1;
        }
        let is_centre = |node: &NodeRow| {
            let holds = |lease: &LeaseRow| lease.name == cluster::CENTRE && lease.node == node.name;
            leases.iter().any(holds)
        };
        let mut nodes = Vec::new();
        for node in cluster::nodes(db.conn()).await? {
            let state = match (node.left_at, node.is_alive(now)) {
                (Some(_), _) => "ended",
                (None, true) => "alive",
                (None, false) => "silent",
            };
            nodes.push(Line {
                state,
                is_centre: is_centre(&node),
                sources: sources.get(node.name.as_str()).copied().unwrap_or(0),
                node,
            });
        }
        let last_change = crate::catalogue::last_change(&db).await?;
        let judged = cluster::load_state(db.conn(), cluster::CENTRE).await?;
        let told = Told { nodes, last_change, judged: judged.map(|state| state.change) };
        if arguments.json {
            println!("{}", serde_json::to_string_pretty(&told)?);
        } else {
            print(&told);
        }
        let is_silent = told.nodes.iter().any(|line| line.state == "silent");
        Ok(if is_silent { Outcome::NotInOrder } else { Outcome::Good })
    })
}

fn print(told: &Told) {
    if told.nodes.is_empty() {
        println!("one machine: [cluster] is not on");
        return;
    }
    println!(
        "{:<20} {:<8} {:<8} {:<7} {:>7}  {:<17} address",
        "node", "role", "state", "centre", "sources", "since (UTC)"
    );
    for line in &told.nodes {
        let node = &line.node;
        println!(
            "{:<20} {:<8} {:<8} {:<7} {:>7}  {:<17} {}",
            node.name,
            node.role,
            line.state,
            if line.is_centre { "yes" } else { "" },
            line.sources,
            node.since.format("%d/%m/%Y %H:%M"),
            node.address,
        );
    }
    if let Some(judged) = told.judged {
        println!("detection has judged and stored change {judged} of {}", told.last_change);
    }
}
