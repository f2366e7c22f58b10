//! Saved views of the alert queue and of the incidents, and the one that someone's list opens with. The
//! slice is `respond::queue_view`.

use super::table::Type::{Bool, Text, Time, Uuid};
use super::{Migration, Step, Table};

pub(super) const MIGRATIONS: &[Migration] =
    &[Migration { name: "0170_queue_view", steps: queue_view }];

fn queue_view() -> Vec<Step> {
    let view = Table::named("queue_view")
        .key("id", Uuid)
        .col("queue", Text)
        .col("name", Text)
        .col("query", Text)
        .col("owner_id", Uuid)
        .col("shared", Bool)
        .col("made_at", Time)
        .col("changed_at", Time)
        .index(&["queue", "owner_id"]);
    let chosen = Table::named("queue_view_default")
        .col("account_id", Uuid)
        .col("queue", Text)
        .col("view_id", Uuid)
        .keys(&["account_id", "queue"])
        .belongs("view_id", "queue_view");
    vec![Step::Table(view), Step::Table(chosen)]
}
