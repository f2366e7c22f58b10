//! `luytre nodes`: the machines of the platform, what each does and since when it runs.

use anyhow::Result;
use clap::Args;
use registry::node::{Cluster, ClusterTeller as _, NodeState};

use super::Outcome;
use crate::cluster;
use crate::config::Config;

/// How to tell.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(config: Config, arguments: &Arguments) -> Result<Outcome> {
    super::block_on(async move {
        let db = super::open_existing_db(&config).await?;
        let told = cluster::Told::new(db, config.cluster.on).told().await?;
        if arguments.json {
            println!("{}", serde_json::to_string_pretty(&told)?);
        } else {
            print(&told);
        }
        let is_silent = told.nodes.iter().any(|node| node.state == NodeState::Silent);
        Ok(if is_silent { Outcome::NotInOrder } else { Outcome::Good })
    })
}

fn print(told: &Cluster) {
    if !told.is_on {
        println!("one machine: [cluster] is not on (README, chapter Growing)");
    }
    if !told.nodes.is_empty() {
        println!(
            "{:<20} {:<8} {:<8} {:<7} {:>7}  {:<17} {:<20} address",
            "node", "role", "state", "centre", "sources", "since (UTC)", "last seen (UTC)"
        );
    }
    for node in &told.nodes {
        println!(
            "{:<20} {:<8} {:<8} {:<7} {:>7}  {:<17} {:<20} {}",
            node.name,
            node.role,
            node.state.word(),
            if node.is_centre { "yes" } else { "" },
            node.sources,
            node.state_since.format("%d/%m/%Y %H:%M"),
            node.seen_at.format("%d/%m/%Y %H:%M:%S"),
            node.address,
        );
    }
    if let Some(judged) = told.judged {
        println!("detection has judged and stored change {judged} of {}", told.last_change);
    }
    if let Some(since) = told.behind_since {
        println!(
            "the oldest change it has not waits since {} UTC",
            since.format("%d/%m/%Y %H:%M:%S")
        );
    }
}
