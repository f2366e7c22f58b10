//! Alerts, exceptions, incidents and what people note about them. The crate is `respond`.

use super::table::Type::{Big, Bool, Int, Small, Text, Time, Uuid};
use super::{Migration, Step, Table, both};

pub(super) const MIGRATIONS: &[Migration] = &[
    Migration { name: "0006_respond_alert", steps: alert },
    Migration { name: "0007_respond_incident", steps: incident },
];

pub(super) const OBLIGATIONS: &[Migration] =
    &[Migration { name: "0020_respond_obligation", steps: obligation }];

pub(super) const SAVED: &[Migration] =
    &[Migration { name: "0021_respond_saved_search", steps: saved }];

fn saved() -> Vec<Step> {
    let search = Table::named("saved_search")
        .key("id", Uuid)
        .col("name", Text)
        .col("about", Text)
        .col("line", Text)
        .col("span", Text)
        .col("owner_id", Uuid)
        .col("share", Text)
        .opt("agency_id", Uuid)
        // The schedule; 0 does not run by itself.
        .col("every_s", Int)
        .col("above", Big)
        .col("severity", Small)
        .col("made_at", Time)
        .col("changed_at", Time)
        .index(&["owner_id", "name"])
        .index(&["share", "agency_id", "name"]);
    // One row for each window that was asked about.
    let run = Table::named("saved_search_run")
        .col("search_id", Uuid)
        .col("window_from", Time)
        .col("window_to", Time)
        .col("ran_at", Time)
        .col("hits", Big)
        .col("raised", Bool)
        .col("late_s", Big)
        .col("skipped_key", Text)
        .keys(&["search_id", "window_from"])
        .belongs("search_id", "saved_search");
    vec![Step::Table(search), Step::Table(run)]
}

fn obligation() -> Vec<Step> {
    let deadline = Table::named("incident_deadline")
        .col("incident_id", Uuid)
        .col("obligation", Text)
        .col("agency_id", Uuid)
        .col("due_at", Time)
        .col("is_open", Bool)
        .opt("fulfilled_at", Time)
        .opt("reference", Text)
        .opt("account_id", Uuid)
        .opt("author", Text)
        // How far people have been reminded: 0 not yet, 1 four hours ahead, 2 one hour, 3 over.
        .col("reminded", Small)
        .keys(&["incident_id", "obligation"])
        .belongs("incident_id", "incident")
        .index(&["is_open", "due_at"])
        .index(&["agency_id", "is_open", "due_at"]);
    let circumstance = Table::named("incident_circumstance")
        .col("incident_id", Uuid)
        .col("word", Text)
        .keys(&["incident_id", "word"])
        .belongs("incident_id", "incident");
    // Each move of a moment, with the value it had before.
    let moment = Table::named("incident_moment")
        .key("id", Uuid)
        .col("incident_id", Uuid)
        .col("which", Text)
        .opt("before_at", Time)
        .col("after_at", Time)
        .col("known_to", Text)
        .col("known_from", Text)
        .col("reason", Text)
        .col("account_id", Uuid)
        .col("author", Text)
        .col("made_at", Time)
        .belongs("incident_id", "incident")
        .index(&["incident_id", "made_at"]);
    [deadline, circumstance, moment].into_iter().map(Step::Table).collect()
}

fn alert() -> Vec<Step> {
    vec![
        Step::Table(number_table()),
        Step::Table(alert_table()),
        Step::Table(finding_table()),
        Step::Table(comment_table()),
        Step::Table(exception_table()),
    ]
}

/// The last number given, per kind and year: `CB-2026-00042`.
fn number_table() -> Table {
    Table::named("respond_number")
        .col("kind", Text)
        .col("year", Int)
        .col("last", Big)
        .keys(&["kind", "year"])
}

fn alert_table() -> Table {
    Table::named("alert")
        .key("id", Uuid)
        .col("number", Text)
        .col("rule", Text)
        .col("title", Text)
        .opt("title_vi", Text)
        .col("severity", Small)
        .opt("level", Small)
        // Severity and level in one number: what open alerts are ordered by.
        .col("priority", Small)
        .col("tags", Text)
        .col("agency_id", Uuid)
        .opt("system_id", Uuid)
        .col("source_id", Uuid)
        .col("entity_kind", Text)
        .col("entity_value", Text)
        .col("state", Text)
        .col("is_open", Bool)
        .opt("closure", Text)
        .opt("closure_reason", Text)
        .opt("duplicate_of", Uuid)
        .opt("assignee_id", Uuid)
        .opt("incident_id", Uuid)
        .col("matched", Text)
        .col("findings", Big)
        .col("events", Text)
        .col("first_at", Time)
        .col("last_at", Time)
        .col("detected_at", Time)
        // The quarter of an hour of detection, since 1970: the duty page's chart counts by it.
        .col("detected_quarter", Int)
        .col("changed_at", Time)
        .col("group_key", Text)
        .col("folded", Text)
        .unique(&["number"])
        .index(&["group_key", "last_at"])
        .index(&["is_open", "priority", "last_at"])
        .index(&["agency_id", "is_open", "priority", "last_at"])
        .index(&["is_open", "severity", "agency_id"])
        .index(&["last_at", "system_id", "agency_id"])
        .index(&["entity_kind", "last_at", "entity_value", "agency_id"])
        .index(&["detected_quarter", "severity", "agency_id"])
        .index(&["rule", "last_at"])
        .index(&["system_id", "last_at"])
        .index(&["entity_kind", "entity_value", "last_at"])
        .index(&["assignee_id", "is_open"])
        .index(&["incident_id"])
}

/// Identities of findings already taken in, so that a replay after a crash changes nothing.
fn finding_table() -> Table {
    Table::named("alert_finding")
        .col("rule", Text)
        .col("event_id", Uuid)
        .opt("alert_id", Uuid)
        .opt("exception_id", Uuid)
        .col("agency_id", Uuid)
        .opt("system_id", Uuid)
        .col("occurred_at", Time)
        .col("received_at", Time)
        .keys(&["rule", "event_id"])
        .index(&["event_id"])
        .index(&["rule", "received_at"])
        .index(&["exception_id", "received_at"])
        .index(&["received_at"])
}

fn comment_table() -> Table {
    Table::named("alert_comment")
        .key("id", Uuid)
        .col("alert_id", Uuid)
        .opt("account_id", Uuid)
        .col("author", Text)
        .col("made_at", Time)
        .col("text", Text)
        .belongs("alert_id", "alert")
        .index(&["alert_id", "made_at"])
}

fn exception_table() -> Table {
    Table::named("alert_exception")
        .key("id", Uuid)
        .col("rule", Text)
        .opt("agency_id", Uuid)
        .opt("system_id", Uuid)
        .col("condition", Text)
        .col("reason", Text)
        .col("made_by", Uuid)
        .col("made_at", Time)
        .col("expires_at", Time)
        .opt("ended_at", Time)
        .col("hidden", Big)
        .opt("last_hidden_at", Time)
        .index(&["rule"])
        .index(&["expires_at"])
}

fn incident() -> Vec<Step> {
    let incident = Table::named("incident")
        .key("id", Uuid)
        .col("number", Text)
        .col("title", Text)
        .col("severity", Small)
        .col("state", Text)
        .col("is_open", Bool)
        .col("agency_id", Uuid)
        .opt("assignee_id", Uuid)
        .opt("occurred_at", Time)
        .col("detected_at", Time)
        .opt("reported_at", Time)
        .col("opened_at", Time)
        .opt("contained_at", Time)
        .opt("closed_at", Time)
        .opt("cause", Text)
        .opt("impact", Text)
        .opt("lessons", Text)
        .col("changed_at", Time)
        .col("folded", Text)
        .unique(&["number"])
        .index(&["is_open", "severity", "opened_at"])
        .index(&["agency_id", "is_open", "opened_at"])
        .index(&["opened_at"])
        .index(&["assignee_id", "is_open"]);
    let incident_system = Table::named("incident_system")
        .col("incident_id", Uuid)
        .col("system_id", Uuid)
        .keys(&["incident_id", "system_id"])
        .belongs("incident_id", "incident")
        .index(&["system_id"]);
    let incident_entry = Table::named("incident_entry")
        .key("id", Uuid)
        .col("incident_id", Uuid)
        .col("at", Time)
        .col("made_at", Time)
        .opt("account_id", Uuid)
        .col("author", Text)
        .col("kind", Text)
        .col("text", Text)
        .belongs("incident_id", "incident")
        .index(&["incident_id", "at"]);
    [incident, incident_system, incident_entry].into_iter().map(Step::Table).collect()
}

pub(super) const INCIDENT_ORDER: &[Migration] =
    &[Migration { name: "0186_incident_order", steps: incident_order }];

/// What the list of incidents and people's lists of work read in its order.
fn incident_order() -> Vec<Step> {
    vec![
        both("CREATE INDEX incident_is_open_opened_at_idx ON incident (is_open, opened_at)"),
        both(
            "CREATE INDEX incident_assignee_id_is_open_opened_at_idx \
             ON incident (assignee_id, is_open, opened_at)",
        ),
        both("DROP INDEX incident_assignee_id_is_open_idx"),
    ]
}

pub(super) const SNOOZE: &[Migration] = &[Migration { name: "0151_alert_snooze", steps: snooze }];

fn snooze() -> Vec<Step> {
    vec![Step::Sql {
        sqlite: "ALTER TABLE alert ADD COLUMN snoozed_until timestamp_with_timezone_text",
        postgres: "ALTER TABLE alert ADD COLUMN snoozed_until timestamp with time zone",
    }]
}
