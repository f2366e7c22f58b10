//! Looks back over the lake and what they found. The slice is `respond::look_back`.

use super::table::Type::{Big, Json, Text, Time, Uuid};
use super::{Migration, Step, Table};

pub(super) const MIGRATIONS: &[Migration] =
    &[Migration { name: "0150_look_back", steps: look_back }];

fn look_back() -> Vec<Step> {
    let look_back = Table::named("look_back")
        .key("id", Uuid)
        .col("job_id", Uuid)
        .col("account_id", Uuid)
        .col("title", Text)
        .col("wanted", Json)
        .col("from_at", Time)
        .col("to_at", Time)
        .col("made_at", Time)
        .opt("outcome", Json)
        .index(&["made_at"])
        .index(&["account_id", "made_at"]);
    let found = Table::named("look_back_finding")
        .col("look_back_id", Uuid)
        .col("number", Big)
        .col("agency_id", Uuid)
        .col("finding", Json)
        .opt("taken_at", Time)
        .keys(&["look_back_id", "number"])
        .belongs("look_back_id", "look_back");
    vec![Step::Table(look_back), Step::Table(found)]
}
