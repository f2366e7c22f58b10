//! Which baselines speak for which log sources, as switched on their page. The slice is `respond::rule`.

use super::table::Type::{Bool, Text, Time, Uuid};
use super::{Migration, Step, Table};

pub(super) const MIGRATIONS: &[Migration] =
    &[Migration { name: "0195_baseline_switch", steps: switch }];

fn switch() -> Vec<Step> {
    let switch = Table::named("baseline_switch")
        .col("baseline", Text)
        .col("source_id", Uuid)
        .col("is_on", Bool)
        .col("account_id", Uuid)
        .col("changed_at", Time)
        .keys(&["baseline", "source_id"]);
    vec![Step::Table(switch)]
}
