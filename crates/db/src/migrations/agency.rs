//! An agency through time: its former names, who took over from it; its identifier, sector, administrative
//! unit and the contact that is confirmed each quarter; how its data stood on each day; files that were
//! imported. The slices are `registry::agency`, `registry::quality` and `registry::import`.

use super::table::Type::{Json, Text, Time, Uuid};
use super::{Migration, Step, Table, both};

pub(super) const MIGRATIONS: &[Migration] = &[
    Migration { name: "0102_agency_history", steps: history },
    Migration { name: "0103_quality_day", steps: quality },
    Migration { name: "0104_import_batch", steps: import },
];

/// Batches are taken in by the job queue.
pub(super) const IMPORT_JOB: &[Migration] =
    &[Migration { name: "0181_import_job", steps: import_job }];

fn import() -> Vec<Step> {
    let batch = Table::named("import_batch")
        .key("id", Uuid)
        .col("kind", Text)
        .col("file", Text)
        .col("state", Text)
        // Each row of the file with what becomes of it, and how the known record was.
        .col("plan", Json)
        .col("ignored", Json)
        .col("account_id", Uuid)
        .col("account_name", Text)
        .col("created_at", Time)
        .opt("ended_at", Time)
        .index(&["account_id", "created_at"]);
    vec![Step::Table(batch)]
}

fn import_job() -> Vec<Step> {
    vec![
        // The work that takes it in or undoes it.
        both("ALTER TABLE import_batch ADD COLUMN job text NOT NULL DEFAULT ''"),
        // How many rows come to each deed, so that a list need not read the rows.
        both("ALTER TABLE import_batch ADD COLUMN counts text NOT NULL DEFAULT '{}'"),
        // Why the last turn was refused, in the importer's words.
        both("ALTER TABLE import_batch ADD COLUMN trouble text NOT NULL DEFAULT ''"),
    ]
}

fn quality() -> Vec<Step> {
    // Measured, one row a day and agency, overwritten within the day; days are ISO text.
    let day = Table::named("quality_day")
        .col("day", Text)
        .col("agency_id", Uuid)
        .col("counts", Json)
        .keys(&["day", "agency_id"])
        .belongs("agency_id", "agency");
    vec![Step::Table(day)]
}

fn history() -> Vec<Step> {
    let former = Table::named("agency_name")
        .key("id", Uuid)
        .col("agency_id", Uuid)
        .col("name", Text)
        .col("name_folded", Text)
        .col("from_at", Time)
        .col("to_at", Time)
        .col("decision", Text)
        .refers("agency_id", "agency")
        .index(&["agency_id", "to_at"])
        .index(&["name_folded"]);
    vec![
        Step::Table(former),
        both("ALTER TABLE agency ADD COLUMN identifier text"),
        both("CREATE UNIQUE INDEX agency_identifier_key ON agency (identifier)"),
        both("ALTER TABLE agency ADD COLUMN sector text NOT NULL DEFAULT ''"),
        both("ALTER TABLE agency ADD COLUMN unit text NOT NULL DEFAULT ''"),
        both("ALTER TABLE agency ADD COLUMN contact_name text NOT NULL DEFAULT ''"),
        both("ALTER TABLE agency ADD COLUMN contact_phone text NOT NULL DEFAULT ''"),
        Step::Sql {
            sqlite: "ALTER TABLE agency ADD COLUMN contact_confirmed_at timestamp_with_timezone_text",
            postgres: "ALTER TABLE agency ADD COLUMN contact_confirmed_at timestamp with time zone",
        },
        both("ALTER TABLE agency ADD COLUMN contact_confirmed_by text NOT NULL DEFAULT ''"),
        Step::Sql {
            sqlite: "ALTER TABLE agency ADD COLUMN successor_id uuid_text",
            postgres: "ALTER TABLE agency ADD COLUMN successor_id uuid",
        },
    ]
}
