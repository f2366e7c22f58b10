//! Keeping: the chain over the lake's files (written by `app`), how long each system's logs are kept
//! (`registry`), and what is held for an incident (`respond`).

use super::table::Type::{Big, Int, Json, Text, Time, Uuid};
use super::{Migration, Step, Table};

pub(super) const MIGRATIONS: &[Migration] = &[
    Migration { name: "keeping_01_chain", steps: chain },
    Migration { name: "keeping_02_rules", steps: rules },
];

fn chain() -> Vec<Step> {
    let table = Table::named("lake_chain")
        .key("seq", Big)
        .col("at", Time)
        // `add`, `adopt`, `remove`, or a note of why: `deletion`, `quarantine`, `missing`.
        .col("kind", Text)
        .col("segment_id", Text)
        .col("detail", Text)
        .col("hash", Text)
        .index(&["kind", "seq"]);
    vec![
        Step::Table(table),
        Step::Sql {
            sqlite: "CREATE TRIGGER lake_chain_no_update BEFORE UPDATE ON lake_chain
                     BEGIN SELECT RAISE(ABORT, 'the chain is append-only'); END",
            postgres: "CREATE FUNCTION lake_chain_refuse() RETURNS trigger LANGUAGE plpgsql AS
                       $$BEGIN RAISE EXCEPTION 'the chain is append-only'; END$$",
        },
        Step::Sql {
            sqlite: "CREATE TRIGGER lake_chain_no_delete BEFORE DELETE ON lake_chain
                     BEGIN SELECT RAISE(ABORT, 'the chain is append-only'); END",
            postgres: "CREATE TRIGGER lake_chain_append_only
                       BEFORE UPDATE OR DELETE OR TRUNCATE ON lake_chain
                       FOR EACH STATEMENT EXECUTE FUNCTION lake_chain_refuse()",
        },
    ]
}

fn rules() -> Vec<Step> {
    // Months above the legal minimum; a system without a row is kept as the platform is set.
    let retention = Table::named("system_retention")
        .key("system_id", Uuid)
        .col("months", Int)
        .col("reason", Text)
        .col("set_by", Text)
        .col("set_at", Time)
        .belongs("system_id", "system");
    let hold = Table::named("legal_hold")
        .key("id", Uuid)
        .col("incident_id", Uuid)
        .col("agency_id", Uuid)
        .col("systems", Json)
        .col("from_at", Time)
        .col("reason", Text)
        .col("set_by", Text)
        .col("set_at", Time)
        .opt("lifted_by", Text)
        .opt("lifted_at", Time)
        .opt("lift_reason", Text)
        .refers("incident_id", "incident")
        .index(&["incident_id"])
        .index(&["lifted_at"]);
    vec![Step::Table(retention), Step::Table(hold)]
}
