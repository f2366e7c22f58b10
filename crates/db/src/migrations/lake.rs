//! The lake's catalogue: which files exist, and up to where the spool is safely in them. `app`
//! implements `lake::Catalogue` over these.

use super::table::Type::{Big, Bool, Bytes, Json, Small, Text, Time};
use super::{Migration, Step, Table, both};

pub(super) const MIGRATIONS: &[Migration] = &[
    Migration { name: "0008_lake", steps: lake },
    Migration { name: "0010_lake_object", steps: object },
];

/// Encryption and moving came later.
pub(super) const KEEPING: &[Migration] = &[
    Migration { name: "0190_lake_key", steps: key },
    Migration { name: "0191_lake_segment_lies_in", steps: lies_in },
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

/// The data keys of encrypted files, wrapped by the operator's master key; the newest is the last one made.
fn key() -> Vec<Step> {
    let key = Table::named("lake_key")
        .key("id", Text)
        // The fingerprint of the master key.
        .col("master", Text)
        .col("wrapped", Bytes)
        .col("created_at", Time);
    vec![Step::Table(key)]
}

/// Where a file lies, `folder` or `store`; nothing for files that are older than the column.
fn lies_in() -> Vec<Step> {
    let sql = "ALTER TABLE lake_segment ADD COLUMN lies_in TEXT";
    vec![both(sql)]
}
