//! What several machines need to be one platform: who is alive, who does what, what detection remembers, and what
//! must not be taken in twice.

use super::table::Type::{Big, Bytes, Text, Time};
use super::{Migration, Step, Table};

pub(super) const MIGRATIONS: &[Migration] = &[Migration { name: "0196_cluster", steps: cluster }];

fn cluster() -> Vec<Step> {
    let node = Table::named("cluster_node")
        .key("name", Text)
        .col("role", Text)
        .col("address", Text)
        // Raised whenever the node joins, or another takes its work over: what bears an older one is refused.
        .col("epoch", Big)
        .col("since", Time)
        .col("alive_until", Time)
        // Up to when everything that it received is stored, or was refused.
        .col("settled_at", Time)
        // When it ended in order; nothing while it runs, or if it is just silent.
        .opt("left_at", Time);
    let lease = Table::named("cluster_lease")
        .key("name", Text)
        .col("node", Text)
        .col("epoch", Big)
        .col("since", Time)
        .index(&["node"]);
    let state = Table::named("cluster_state")
        .key("name", Text)
        .col("change", Big)
        .col("packed", Bytes)
        .col("saved_at", Time);
    let mark = Table::named("intake_mark")
        .key("name", Text)
        .col("mark", Bytes)
        .col("at", Time)
        .index(&["at"]);
    [node, lease, state, mark].into_iter().map(Step::Table).collect()
}
