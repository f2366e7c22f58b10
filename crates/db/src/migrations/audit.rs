//! The audit table, and the triggers that make it append-only.

use super::table::Type::{Big, Text, Time, Uuid};
use super::{Migration, Step, Table};

pub(super) const MIGRATIONS: &[Migration] = &[Migration { name: "0001_audit", steps: audit_entry }];

fn audit_entry() -> Vec<Step> {
    let table = Table::named("audit_entry")
        .key("seq", Big)
        .col("at", Time)
        .col("actor_kind", Text)
        .opt("account_id", Uuid)
        .col("actor_name", Text)
        .opt("address", Text)
        .col("action", Text)
        .col("subject_kind", Text)
        .col("subject_id", Text)
        .opt("agency_id", Uuid)
        .col("detail", Text)
        .col("hash", Text)
        .index(&["subject_kind", "subject_id"])
        .index(&["agency_id", "seq"])
        .index(&["at"]);
    vec![
        Step::Table(table),
        Step::Sql {
            sqlite: "CREATE TRIGGER audit_entry_no_update BEFORE UPDATE ON audit_entry
                     BEGIN SELECT RAISE(ABORT, 'the audit table is append-only'); END",
            postgres: "CREATE FUNCTION audit_entry_refuse() RETURNS trigger LANGUAGE plpgsql AS
                       $$BEGIN RAISE EXCEPTION 'the audit table is append-only'; END$$",
        },
        Step::Sql {
            sqlite: "CREATE TRIGGER audit_entry_no_delete BEFORE DELETE ON audit_entry
                     BEGIN SELECT RAISE(ABORT, 'the audit table is append-only'); END",
            postgres: "CREATE TRIGGER audit_entry_append_only
                       BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry
                       FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_refuse()",
        },
    ]
}
