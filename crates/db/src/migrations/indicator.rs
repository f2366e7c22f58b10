//! The list of indicators that the platform itself keeps (`respond::indicator`).

use super::table::Type::{Small, Text, Time, Uuid};
use super::{Migration, Step, Table};

pub(super) const MIGRATIONS: &[Migration] =
    &[Migration { name: "0160_indicator", steps: indicators }];

fn indicators() -> Vec<Step> {
    let indicator = Table::named("indicator")
        .key("id", Uuid)
        .col("kind", Text)
        .col("value", Text)
        // Kind and value while it stands on the list; null once it was taken off. No value stands twice.
        .opt("standing", Text)
        .col("source", Text)
        .col("confidence", Small)
        .col("tlp", Text)
        .col("reason", Text)
        .col("valid_until", Time)
        .opt("incident_id", Uuid)
        .col("account_id", Uuid)
        .col("author", Text)
        .col("made_at", Time)
        .col("changed_at", Time)
        .opt("withdrawn_at", Time)
        .opt("withdrawn_by", Text)
        .opt("withdrawn_reason", Text)
        .refers("incident_id", "incident")
        .unique(&["standing"])
        .index(&["made_at"])
        .index(&["incident_id"])
        .index(&["changed_at"]);
    vec![Step::Table(indicator)]
}
