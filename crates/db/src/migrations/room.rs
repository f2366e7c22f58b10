//! What hangs on an incident besides its alerts: tasks, observables, comments, searches, and how incidents
//! were merged and split (`respond::room`).

use super::table::Type::{Bool, Json, Text, Time, Uuid};
use super::{Migration, Step, Table, both};

pub(super) const MIGRATIONS: &[Migration] = &[
    Migration { name: "0150_room", steps: room },
    Migration { name: "0151_room_incident", steps: incident },
    Migration { name: "0152_room_rule", steps: rules },
];

fn room() -> Vec<Step> {
    let task = Table::named("incident_task")
        .key("id", Uuid)
        .col("incident_id", Uuid)
        .col("agency_id", Uuid)
        .col("title", Text)
        .opt("assignee_id", Uuid)
        .opt("due_at", Time)
        .col("is_open", Bool)
        .col("author", Text)
        .col("made_at", Time)
        .opt("done_by", Text)
        .opt("done_at", Time)
        .belongs("incident_id", "incident")
        .index(&["incident_id", "made_at"])
        .index(&["assignee_id", "is_open", "due_at"]);
    let observable = Table::named("incident_observable")
        .key("id", Uuid)
        .col("incident_id", Uuid)
        .col("agency_id", Uuid)
        .col("kind", Text)
        .col("value", Text)
        .col("note", Text)
        .col("author", Text)
        .col("made_at", Time)
        .belongs("incident_id", "incident")
        .unique(&["incident_id", "kind", "value"])
        .index(&["value"]);
    let comment = Table::named("incident_comment")
        .key("id", Uuid)
        .col("incident_id", Uuid)
        .col("account_id", Uuid)
        .col("author", Text)
        .col("made_at", Time)
        .col("text", Text)
        .belongs("incident_id", "incident")
        .index(&["incident_id", "made_at"]);
    let search = Table::named("incident_search")
        .key("id", Uuid)
        .col("incident_id", Uuid)
        .col("name", Text)
        .col("line", Text)
        .col("from_at", Time)
        .col("to_at", Time)
        .col("author", Text)
        .col("made_at", Time)
        .belongs("incident_id", "incident")
        .index(&["incident_id", "made_at"]);
    // How one incident became part of another, or came out of one; undone, the row stays.
    let link = Table::named("incident_link")
        .key("id", Uuid)
        .col("kind", Text)
        .col("from_id", Uuid)
        .col("into_id", Uuid)
        .col("reason", Text)
        .col("author", Text)
        .col("made_at", Time)
        .col("detail", Json)
        .opt("undone_by", Text)
        .opt("undone_at", Time)
        .opt("undone_reason", Text)
        .refers("from_id", "incident")
        .refers("into_id", "incident")
        .index(&["from_id", "kind"])
        .index(&["into_id", "kind"]);
    [task, observable, comment, search, link].into_iter().map(Step::Table).collect()
}

fn incident() -> Vec<Step> {
    vec![
        both("ALTER TABLE incident ADD COLUMN cost text"),
        both("ALTER TABLE incident ADD COLUMN follow_up text"),
        Step::Sql {
            sqlite: "ALTER TABLE incident ADD COLUMN merged_into uuid_text",
            postgres: "ALTER TABLE incident ADD COLUMN merged_into uuid",
        },
        both("CREATE INDEX incident_merged_into_idx ON incident (merged_into)"),
    ]
}

/// Who is told of mentions and tasks, as shipped.
const RULES: &str = "INSERT INTO notify_rule \
    (id, kind, severity_min, level_min, audience, place, channels, after_min, is_on) VALUES \
    ('incident-mention', 'incident.mention', 1, 0, 'named', 'chain', 'app,email', 0, 1), \
    ('incident-task', 'incident.task', 1, 0, 'named', 'chain', 'app,email', 0, 1)";

fn rules() -> Vec<Step> {
    vec![both(RULES)]
}
