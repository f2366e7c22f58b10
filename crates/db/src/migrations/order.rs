//! Orders to agencies, what each makes of them, what happened, and what proves it. The slice is
//! `respond::order`.

use super::table::Type::{Big, Bool, Int, Small, Text, Time, Uuid};
use super::{Migration, Step, Table, both};

pub(super) const MIGRATIONS: &[Migration] = &[
    Migration { name: "0130_order", steps: orders },
    Migration { name: "0131_order_rule", steps: rules },
    Migration { name: "0132_order_system", steps: systems },
];

fn systems() -> Vec<Step> {
    let system = Table::named("order_system")
        .col("order_id", Uuid)
        .col("system_id", Uuid)
        .col("agency_id", Uuid)
        .col("name", Text)
        .col("why", Text)
        .keys(&["order_id", "system_id"])
        .refers("order_id", "orders")
        .index(&["system_id"]);
    vec![Step::Table(system)]
}

fn orders() -> Vec<Step> {
    // `order` is a word of SQL.
    let order = Table::named("orders")
        .key("id", Uuid)
        .col("number", Text)
        .col("kind", Text)
        .col("title", Text)
        .col("body", Text)
        .col("signer", Text)
        .opt("incident_id", Uuid)
        .col("issued_by", Uuid)
        .col("issuer", Text)
        .col("issued_at", Time)
        .col("acknowledge_by", Time)
        .col("done_by", Time)
        .col("needs_proof", Bool)
        .col("head_after_days", Int)
        .col("is_open", Bool)
        .opt("closed_at", Time)
        .opt("closed_by", Text)
        .opt("summary", Text)
        .index(&["issued_at"])
        .index(&["is_open"])
        .index(&["incident_id"]);
    let part = Table::named("order_part")
        .col("order_id", Uuid)
        .col("agency_id", Uuid)
        .col("state", Text)
        .opt("opened_at", Time)
        .opt("acknowledged_at", Time)
        .opt("acknowledged_by", Text)
        .opt("done_at", Time)
        .opt("done_by", Text)
        .opt("result", Text)
        .opt("accepted_at", Time)
        .col("returned", Int)
        .col("told", Small)
        .opt("head_at", Time)
        // When people are told of something next.
        .opt("next_at", Time)
        .keys(&["order_id", "agency_id"])
        .refers("order_id", "orders")
        .index(&["agency_id", "state"])
        .index(&["next_at"]);
    let line = Table::named("order_line")
        .key("id", Uuid)
        .col("order_id", Uuid)
        .opt("agency_id", Uuid)
        .col("at", Time)
        .col("kind", Text)
        .col("author", Text)
        .col("text", Text)
        .refers("order_id", "orders")
        .index(&["order_id", "at"]);
    let proof = Table::named("order_proof")
        .key("id", Uuid)
        .col("order_id", Uuid)
        .col("agency_id", Uuid)
        .col("name", Text)
        .col("size_bytes", Big)
        .col("sha256", Text)
        .col("added_by", Text)
        .col("added_at", Time)
        .refers("order_id", "orders")
        .index(&["order_id", "agency_id"]);
    vec![Step::Table(order), Step::Table(part), Step::Table(line), Step::Table(proof)]
}

/// Who is told of orders, as shipped.
const RULES: &str = "INSERT INTO notify_rule \
    (id, kind, severity_min, level_min, audience, place, channels, after_min, is_on) VALUES \
    ('order-agency', 'order.issued', 1, 0, 'agency_officer', 'own', 'app,email,sms,zalo', 0, 1), \
    ('order-commune', 'order.issued', 1, 0, 'commune_officer', 'own', 'app,email,sms,zalo', 0, 1), \
    ('order-leader', 'order.issued', 1, 0, 'agency_head', 'own', 'app,email', 0, 1), \
    ('order-due-agency', 'order.due', 1, 0, 'agency_officer', 'own', 'app,email,sms', 0, 1), \
    ('order-due-commune', 'order.due', 1, 0, 'commune_officer', 'own', 'app,email,sms', 0, 1), \
    ('order-due-centre', 'order.due', 1, 0, 'named', 'chain', 'app', 0, 1), \
    ('order-head', 'order.head', 1, 0, 'agency_head', 'chain', 'app,email,sms', 0, 1), \
    ('order-head-centre', 'order.head', 1, 0, 'named', 'chain', 'app,email', 0, 1)";

fn rules() -> Vec<Step> {
    vec![both(RULES)]
}
