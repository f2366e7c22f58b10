//! Agencies, information systems, log sources with their health, and dead letters. The crate is
//! `registry`. What others hang on is never removed, it is closed (`valid_to`, `enabled`, `state`).

use super::table::Type::{Big, Bool, Bytes, Int, Json, Small, Text, Time, Uuid};
use super::{Migration, Step, Table, both};

pub(super) const MIGRATIONS: &[Migration] = &[
    Migration { name: "0003_registry_spine", steps: spine },
    Migration { name: "0004_registry_source", steps: source },
    Migration { name: "0005_registry_dead_letter", steps: dead_letter },
];

/// Counts of events that stand under the time of their collection, though they state one.
pub(super) const UNDATED: &[Migration] =
    &[Migration { name: "0197_registry_source_undated", steps: undated }];

fn undated() -> Vec<Step> {
    vec![both("ALTER TABLE source_health ADD COLUMN undated bigint NOT NULL DEFAULT 0")]
}

fn spine() -> Vec<Step> {
    let agency = Table::named("agency")
        .key("id", Uuid)
        .col("code", Text)
        .col("name", Text)
        .col("name_folded", Text)
        .col("kind", Text)
        .opt("parent_id", Uuid)
        .col("phone", Text)
        .col("email", Text)
        .col("address", Text)
        .col("valid_from", Time)
        .opt("valid_to", Time)
        .col("version", Int)
        .refers("parent_id", "agency")
        .unique(&["code"])
        .index(&["parent_id"])
        .index(&["name_folded"]);
    let system = Table::named("system")
        .key("id", Uuid)
        .col("agency_id", Uuid)
        .col("code", Text)
        .col("name", Text)
        .col("name_folded", Text)
        .opt("level", Small)
        .col("state", Text)
        .col("operator", Text)
        .col("owner_contact", Text)
        .col("duty_phone", Text)
        .col("description", Text)
        .col("domains", Json)
        .col("ip_ranges", Json)
        .col("created_at", Time)
        .col("updated_at", Time)
        .col("version", Int)
        .refers("agency_id", "agency")
        .unique(&["code"])
        .index(&["agency_id"])
        .index(&["level"])
        .index(&["name_folded"]);
    vec![Step::Table(agency), Step::Table(system)]
}

fn source() -> Vec<Step> {
    let log_source = Table::named("log_source")
        .key("id", Uuid)
        .col("agency_id", Uuid)
        .opt("system_id", Uuid)
        .col("code", Text)
        .col("name", Text)
        .col("name_folded", Text)
        .col("kind", Text)
        .col("parser", Text)
        .opt("token_hash", Text)
        .opt("token_hint", Text)
        .opt("listener", Text)
        .col("peers", Json)
        .opt("path", Text)
        .col("utc_offset_minutes", Int)
        .col("silence_after_s", Int)
        .col("enabled", Bool)
        .col("created_at", Time)
        .col("updated_at", Time)
        .col("version", Int)
        .refers("agency_id", "agency")
        .refers("system_id", "system")
        .unique(&["code"])
        .unique(&["token_hash"])
        .index(&["agency_id"])
        .index(&["system_id"]);
    // Measured, one row per source, overwritten: derived from what lake and dead letters keep.
    let source_health = Table::named("source_health")
        .key("source_id", Uuid)
        .opt("last_event_at", Time)
        .opt("last_collected_at", Time)
        .opt("last_peer", Text)
        .col("received", Big)
        .col("received_bytes", Big)
        .col("decoded", Big)
        .col("noted", Big)
        .col("dead", Big)
        .opt("last_dead_at", Time)
        .opt("last_dead_code", Text)
        .col("updated_at", Time)
        .belongs("source_id", "log_source");
    // Events per minute and source, for the charts; forgotten after some weeks.
    let counter_minute = Table::named("counter_minute")
        .col("minute", Time)
        .col("source_id", Uuid)
        .col("agency_id", Uuid)
        .col("events", Big)
        .col("dead", Big)
        .keys(&["minute", "source_id"])
        .index(&["source_id", "minute"]);
    [log_source, source_health, counter_minute].into_iter().map(Step::Table).collect()
}

fn dead_letter() -> Vec<Step> {
    let dead_letter = Table::named("dead_letter")
        // The frame's event id: filing the same frame twice after a crash changes nothing.
        .key("id", Uuid)
        .opt("source_id", Uuid)
        .opt("agency_id", Uuid)
        .col("collected_at", Time)
        .opt("peer", Text)
        .col("code", Text)
        .col("detail", Text)
        .col("bytes", Bytes)
        .col("size", Big)
        .col("state", Text)
        .opt("closed_at", Time)
        .index(&["state", "collected_at"])
        .index(&["source_id", "collected_at"]);
    vec![Step::Table(dead_letter)]
}
