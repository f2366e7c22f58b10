//! What hangs on an information system: its profile, papers, overrides of the go-live gate, and how it
//! stands. The crate is `registry`. Days are ISO text, so that both databases order them alike.

use super::table::Type::{Bool, Int, Json, Small, Text, Time, Uuid};
use super::{Migration, Step, Table};

pub(super) const MIGRATIONS: &[Migration] =
    &[Migration { name: "0101_system_dossier_ground", steps: ground }];

fn ground() -> Vec<Step> {
    let profile = Table::named("system_profile")
        .key("system_id", Uuid)
        .col("facts", Json)
        .col("critical", Bool)
        .col("critical_note", Text)
        .opt("flagged_at", Time)
        .col("flag_reason", Json)
        .col("updated_at", Time)
        .col("version", Int)
        .belongs("system_id", "system");
    let paper = Table::named("system_paper")
        .key("id", Uuid)
        .col("system_id", Uuid)
        .col("kind", Text)
        .col("number", Text)
        .col("issuer", Text)
        .opt("level", Small)
        .col("issued_on", Text)
        .opt("valid_to", Text)
        .col("note", Text)
        .col("created_at", Time)
        .col("created_by", Text)
        .opt("withdrawn_at", Time)
        .refers("system_id", "system")
        .index(&["system_id", "kind"]);
    let pass = Table::named("system_override")
        .key("id", Uuid)
        .col("system_id", Uuid)
        .col("reason", Text)
        .col("approver", Text)
        .col("missing", Json)
        .col("created_at", Time)
        .col("created_by", Text)
        .col("expires_at", Time)
        .opt("ended_at", Time)
        .refers("system_id", "system")
        .index(&["system_id", "expires_at"]);
    vec![Step::Table(profile), Step::Table(paper), Step::Table(pass)]
}
