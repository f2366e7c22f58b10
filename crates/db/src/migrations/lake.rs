//! The lake's catalogue: which files exist, and up to where the spool is safely in them. `app`
//! implements `lake::Catalogue` over these.

use super::table::Type::{Big, Bool, Json, Small, Text, Time};
use super::{Migration, Step, Table};

pub(super) const MIGRATIONS: &[Migration] = &[
    Migration { name: "0008_lake", steps: lake },
    Migration { name: "0010_lake_object", steps: object },
];

fn lake() -> Vec<Step> {
    let segment = Table::named("lake_segment")
        .key("id", Text)
        .col("path", Text)
        .col("day", Text)
        .col("min_time", Time)
        .col("max_time", Time)
        .col("events", Big)
        .col("size_bytes", Big)
        // Whatever else `lake` keeps about a segment, in its own words.
        .col("meta", Json)
        .col("created_at", Time)
        .unique(&["path"])
        .index(&["day"])
        .index(&["min_time", "max_time"]);
    let position = Table::named("lake_position")
        // Always 1: there is one spool.
        .key("id", Small)
        .col("position", Big)
        .col("updated_at", Time);
    vec![Step::Table(segment), Step::Table(position)]
}

/// Files in the store that are no part of the lake: not yet, or no longer.
fn object() -> Vec<Step> {
    let object = Table::named("lake_object")
        .key("id", Text)
        .col("path", Text)
        .col("is_announced", Bool)
        .col("since", Time)
        .index(&["since"]);
    vec![Step::Table(object)]
}
