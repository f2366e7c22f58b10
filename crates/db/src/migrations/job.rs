//! Work that takes time, and when it comes round again. The slice is `db::job`.

use super::table::Type::{Big, Bool, Int, Json, Text, Time, Uuid};
use super::{Migration, Step, Table};

pub(super) const MIGRATIONS: &[Migration] = &[Migration { name: "0020_job_queue", steps: queue }];

fn queue() -> Vec<Step> {
    let job = Table::named("job")
        .key("id", Uuid)
        .col("kind", Text)
        .col("payload", Json)
        // Who asked, and which agencies they saw then; null is the platform, or every agency.
        .opt("account_id", Uuid)
        .opt("visible", Json)
        // Whose data it is about; people of that agency see the job.
        .opt("agency_id", Uuid)
        .col("label", Text)
        .col("state", Text)
        .col("done", Big)
        .col("total", Big)
        .col("note_key", Text)
        .col("attempts", Int)
        .col("attempts_max", Int)
        .col("run_after", Time)
        .opt("lease_until", Time)
        .col("holder", Text)
        .col("cancel_asked", Bool)
        .opt("idempotency_key", Text)
        .opt("result", Json)
        .col("link", Text)
        .col("error_key", Text)
        .col("made_at", Time)
        .opt("started_at", Time)
        .opt("ended_at", Time)
        .unique(&["kind", "idempotency_key"])
        .index(&["state", "run_after"])
        .index(&["state", "lease_until"])
        .index(&["account_id", "made_at"])
        .index(&["agency_id", "made_at"])
        .index(&["made_at"])
        .index(&["ended_at"]);
    let schedule = Table::named("job_schedule")
        .key("name", Text)
        .col("kind", Text)
        .col("payload", Json)
        .opt("account_id", Uuid)
        .opt("visible", Json)
        .opt("agency_id", Uuid)
        .col("label", Text)
        .col("every_s", Int)
        .col("delay_s", Int)
        .col("missed", Text)
        // Every moment before this one has its job.
        .col("covered_until", Time)
        .col("next_at", Time)
        .index(&["next_at"]);
    vec![Step::Table(job), Step::Table(schedule)]
}
