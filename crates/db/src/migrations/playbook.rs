//! Playbooks that people brought in, their runs in incidents, and what kind of incident one is
//! (`respond::playbook`).

use super::table::Type::{Int, Json, Text, Time, Uuid};
use super::{Migration, Step, Table, both};

pub(super) const MIGRATIONS: &[Migration] = &[
    Migration { name: "0161_playbook", steps: playbooks },
    Migration { name: "0162_playbook_rule", steps: rules },
];

fn playbooks() -> Vec<Step> {
    // The document as it came, to the byte; the other columns are read from it.
    let playbook = Table::named("playbook")
        .key("id", Uuid)
        .col("document", Text)
        .col("modified_at", Time)
        .col("author", Text)
        .col("made_at", Time)
        .index(&["made_at"]);
    let run = Table::named("playbook_run")
        .key("id", Uuid)
        .col("incident_id", Uuid)
        .col("agency_id", Uuid)
        .col("playbook_id", Uuid)
        // As it was when the run began: a later version changes no run.
        .col("document", Text)
        .col("state", Text)
        .col("progress", Json)
        .col("version", Int)
        .col("account_id", Uuid)
        .col("author", Text)
        .col("started_at", Time)
        .opt("ended_at", Time)
        .opt("ended_by", Text)
        .opt("reason", Text)
        .belongs("incident_id", "incident")
        .index(&["incident_id", "started_at"]);
    let task = Table::named("playbook_task")
        .key("task_id", Uuid)
        .col("run_id", Uuid)
        .col("step", Text)
        .belongs("run_id", "playbook_run")
        .index(&["run_id"]);
    let category = Table::named("incident_category")
        .key("incident_id", Uuid)
        .col("category", Text)
        .col("author", Text)
        .col("made_at", Time)
        .belongs("incident_id", "incident");
    [playbook, run, task, category].into_iter().map(Step::Table).collect()
}

/// Who is told by the step of a playbook, as shipped.
const RULES: &str = "INSERT INTO notify_rule \
    (id, kind, severity_min, level_min, audience, place, channels, after_min, is_on) VALUES \
    ('playbook', 'incident.playbook', 1, 0, 'on-call', 'chain', 'app,email', 0, 1), \
    ('playbook-agency', 'incident.playbook', 1, 0, 'agency_officer', 'own', 'app,email', 0, 1)";

fn rules() -> Vec<Step> {
    vec![both(RULES)]
}
