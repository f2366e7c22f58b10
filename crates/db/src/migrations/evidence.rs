//! Files that people hand over, their chain of custody, and pieces of evidence (`respond::custody`,
//! `respond::evidence`).

use super::table::Type::{Big, Int, Json, Small, Text, Time, Uuid};
use super::{Migration, Step, Table};

pub(super) const MIGRATIONS: &[Migration] = &[
    Migration { name: "0160_custody", steps: custody },
    Migration { name: "0161_evidence", steps: evidence },
];

fn custody() -> Vec<Step> {
    // The bytes lie in the data folder, by digest.
    let file =
        Table::named("stored_file").key("sha256", Text).col("size_bytes", Big).col("kept_at", Time);
    let entry = Table::named("custody_entry")
        .key("id", Uuid)
        // What the file is here: `evidence`, `order-proof`, `report-signed`.
        .col("subject_kind", Text)
        .col("subject_id", Uuid)
        .col("agency_id", Uuid)
        .col("sha256", Text)
        .col("at", Time)
        .opt("account_id", Uuid)
        .col("actor", Text)
        .col("act", Text)
        .col("detail", Text)
        .index(&["subject_kind", "subject_id", "at"])
        .index(&["sha256"]);
    vec![
        Step::Table(file),
        Step::Table(entry),
        Step::Sql {
            sqlite: "CREATE TRIGGER custody_entry_no_update BEFORE UPDATE ON custody_entry
                     BEGIN SELECT RAISE(ABORT, 'the chain of custody is append-only'); END",
            postgres: "CREATE FUNCTION custody_entry_refuse() RETURNS trigger LANGUAGE plpgsql AS
                       $$BEGIN RAISE EXCEPTION 'the chain of custody is append-only'; END$$",
        },
        Step::Sql {
            sqlite: "CREATE TRIGGER custody_entry_no_delete BEFORE DELETE ON custody_entry
                     BEGIN SELECT RAISE(ABORT, 'the chain of custody is append-only'); END",
            postgres: "CREATE TRIGGER custody_entry_append_only
                       BEFORE UPDATE OR DELETE OR TRUNCATE ON custody_entry
                       FOR EACH STATEMENT EXECUTE FUNCTION custody_entry_refuse()",
        },
    ]
}

fn evidence() -> Vec<Step> {
    let item = Table::named("evidence_item")
        .key("id", Uuid)
        .col("number", Text)
        .col("incident_id", Uuid)
        .col("agency_id", Uuid)
        .col("name", Text)
        .col("source", Text)
        .col("state", Text)
        .col("size_bytes", Big)
        // What it shall have, as the sender says, while it is on its way.
        .col("expected_bytes", Big)
        .opt("sha256", Text)
        .opt("collected_at", Time)
        .opt("modified_at", Time)
        .col("account_id", Uuid)
        .col("author", Text)
        .col("made_at", Time)
        .opt("sealed_at", Time)
        .col("keep_until", Time)
        .opt("hold_reason", Text)
        .opt("held_by", Text)
        .opt("held_at", Time)
        .col("facts", Json)
        .opt("examined_at", Time)
        .opt("examined", Json)
        .belongs("incident_id", "incident")
        .unique(&["number"])
        .index(&["incident_id", "made_at"])
        .index(&["sha256"]);
    let note = Table::named("evidence_note")
        .key("id", Uuid)
        .col("evidence_id", Uuid)
        .col("author", Text)
        .col("made_at", Time)
        .col("text", Text)
        .belongs("evidence_id", "evidence_item")
        .index(&["evidence_id", "made_at"]);
    let finding = Table::named("evidence_finding")
        .col("evidence_id", Uuid)
        .col("place", Int)
        .col("at", Time)
        .col("severity", Small)
        .col("rule", Text)
        .col("title", Text)
        .opt("title_vi", Text)
        .col("host", Text)
        .col("entity", Text)
        .col("spot", Text)
        .keys(&["evidence_id", "place"])
        .belongs("evidence_id", "evidence_item")
        .index(&["evidence_id", "at"]);
    [item, note, finding].into_iter().map(Step::Table).collect()
}
