//! Programs that are told of changes, and what was sent to them. The slice is `web::webhook`.

use super::table::Type::{Big, Int, Json, Small, Text, Time, Uuid};
use super::{Migration, Step, Table};

pub(super) const MIGRATIONS: &[Migration] = &[Migration { name: "0180_webhook", steps: webhook }];

fn webhook() -> Vec<Step> {
    let hook = Table::named("webhook")
        .key("id", Uuid)
        .col("name", Text)
        .col("url", Text)
        .col("secret", Text)
        // Beginnings of actions; none: all.
        .col("actions", Json)
        // In whose name it sees.
        .col("account_id", Uuid)
        // The last entry of the audit log that is dealt with.
        .col("seq", Big)
        .col("created_at", Time)
        .opt("paused_at", Time)
        .col("paused_why", Text)
        .col("failures", Int)
        .opt("failing_since", Time)
        .opt("next_at", Time)
        // Until when a node has it in hand.
        .opt("held_until", Time)
        .opt("last_ok_at", Time)
        .col("last_error", Text)
        .belongs("account_id", "account");
    let delivery = Table::named("webhook_delivery")
        .col("webhook_id", Uuid)
        .col("seq", Big)
        .col("action", Text)
        .col("attempts", Int)
        // What the program answered; 0: nothing.
        .col("status", Small)
        .col("error", Text)
        .col("tried_at", Time)
        .opt("taken_at", Time)
        .keys(&["webhook_id", "seq"])
        .belongs("webhook_id", "webhook")
        .index(&["tried_at"]);
    vec![Step::Table(hook), Step::Table(delivery)]
}
