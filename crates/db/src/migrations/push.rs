//! Web push: browsers that people subscribed, the key of the installation, and the channel in the rules. The
//! slice is `web::notify`.

use super::table::Type::{Bytes, Text, Time, Uuid};
use super::{Migration, Step, Table, both};

pub(super) const MIGRATIONS: &[Migration] = &[Migration { name: "0171_push", steps: push }];

/// Where a rule sends mail or short messages, it rings the browsers too.
const RULES: &str = "UPDATE notify_rule SET channels = channels || ',push' \
                     WHERE channels LIKE '%email%' OR channels LIKE '%sms%'";

const CHANNEL: &str =
    "INSERT INTO notify_channel (name, failures, last_error, holder) VALUES ('push', 0, '', '')";

fn push() -> Vec<Step> {
    let device = Table::named("push_device")
        .key("id", Uuid)
        .col("account_id", Uuid)
        .col("name", Text)
        .col("endpoint", Text)
        .col("p256dh", Text)
        .col("auth", Text)
        .col("made_at", Time)
        .opt("last_at", Time)
        // What its service took over last: a message tried again is not shown twice.
        .opt("last_message", Uuid)
        .belongs("account_id", "account")
        .unique(&["endpoint"])
        .index(&["account_id", "made_at"]);
    let key = Table::named("push_key").key("name", Text).col("secret", Bytes).col("made_at", Time);
    vec![Step::Table(device), Step::Table(key), both(CHANNEL), both(RULES)]
}
