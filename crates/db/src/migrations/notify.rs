//! Telling people: the outbox of what there is to tell, one row for each person and channel, what people
//! want, and the rules of who is told. The slice is `web::notify`.

use super::table::Type::{Big, Int, Json, Small, Text, Time, Uuid};
use super::{Migration, Step, Table, both};

pub(super) const MIGRATIONS: &[Migration] = &[
    Migration { name: "0110_notify_outbox", steps: outbox },
    Migration { name: "0111_notify_delivery", steps: delivery },
    Migration { name: "0112_notify_preference", steps: preference },
    Migration { name: "0113_notify_rule", steps: rule },
    Migration { name: "0114_notify_channel", steps: channel },
];

fn outbox() -> Vec<Step> {
    let notice = Table::named("notice")
        .key("id", Uuid)
        // What it tells of: the same is told once.
        .col("key", Text)
        .col("kind", Text)
        .col("number", Text)
        .col("severity", Small)
        .col("level", Small)
        .opt("agency_id", Uuid)
        .col("link", Text)
        .col("named", Json)
        .opt("except_id", Uuid)
        .col("raised_at", Time)
        .opt("spread_at", Time)
        .opt("settled_at", Time)
        .unique(&["key"])
        .index(&["spread_at", "raised_at"]);
    vec![Step::Table(notice)]
}

pub(super) const UNREAD: &[Migration] = &[Migration { name: "0187_notify_unread", steps: unread }];

/// What the bell on every page counts.
fn unread() -> Vec<Step> {
    let index = "CREATE INDEX notice_delivery_unread_idx ON notice_delivery (account_id, channel, state) \
                 WHERE read_at IS NULL";
    vec![both(index)]
}

fn delivery() -> Vec<Step> {
    let delivery = Table::named("notice_delivery")
        .key("id", Uuid)
        .col("notice_id", Uuid)
        .col("account_id", Uuid)
        .col("channel", Text)
        .col("state", Text)
        .col("after_min", Int)
        .col("made_at", Time)
        .col("due_at", Time)
        .col("give_up_at", Time)
        .col("attempts", Int)
        // The message that carries it; several may share one.
        .opt("message_id", Uuid)
        .opt("sent_at", Time)
        .opt("read_at", Time)
        .col("error", Text)
        .belongs("notice_id", "notice")
        .belongs("account_id", "account")
        .unique(&["notice_id", "account_id", "channel"])
        .index(&["channel", "state", "due_at"])
        .index(&["account_id", "channel", "state", "made_at"])
        .index(&["made_at"]);
    vec![Step::Table(delivery)]
}

fn preference() -> Vec<Step> {
    let preference = Table::named("notify_preference")
        .key("account_id", Uuid)
        .col("lang", Text)
        .col("email", Text)
        .col("phone", Text)
        .col("zalo", Text)
        // Pairs `kind/channel` that this person does not want.
        .col("muted", Json)
        // Minutes of Vietnam's day; the same twice: no quiet hours.
        .col("quiet_from", Small)
        .col("quiet_to", Small)
        .belongs("account_id", "account");
    vec![Step::Table(preference)]
}

fn channel() -> Vec<Step> {
    let channel = Table::named("notify_channel")
        .key("name", Text)
        .col("failures", Big)
        .opt("failing_since", Time)
        .opt("next_at", Time)
        .opt("last_ok_at", Time)
        .col("last_error", Text)
        // One node sends on a channel at a time.
        .col("holder", Text)
        .opt("lease_until", Time);
    let names = "INSERT INTO notify_channel (name, failures, last_error, holder) VALUES \
                 ('email', 0, '', ''), ('sms', 0, '', ''), ('zalo', 0, '', '')";
    vec![Step::Table(channel), both(names)]
}

/// Who is told of what, as shipped; administrators change it. Severity: 1 to 5, level: 0 is any.
const RULES: &str = "INSERT INTO notify_rule \
    (id, kind, severity_min, level_min, audience, place, channels, after_min, is_on) VALUES \
    ('alert-critical', 'alert.opened', 5, 0, 'on-call', 'chain', 'app,email,sms,zalo', 0, 1), \
    ('alert-critical-second', 'alert.opened', 5, 0, 'second', 'chain', 'app,email,sms,zalo', 15, 1), \
    ('alert-critical-agency', 'alert.opened', 5, 3, 'agency_officer', 'own', 'app,email', 0, 1), \
    ('alert-high', 'alert.opened', 4, 0, 'on-call', 'chain', 'app,email', 0, 1), \
    ('incident', 'incident.opened', 1, 0, 'on-call', 'chain', 'app,email', 0, 1), \
    ('incident-agency', 'incident.opened', 1, 0, 'agency_officer', 'own', 'app,email', 0, 1), \
    ('incident-commune', 'incident.opened', 1, 0, 'commune_officer', 'own', 'app,email', 0, 1), \
    ('incident-head', 'incident.opened', 4, 0, 'agency_head', 'chain', 'app,email', 0, 1), \
    ('incident-leader', 'incident.opened', 5, 4, 'leader', 'chain', 'app,email,sms', 0, 1), \
    ('incident-assigned', 'incident.assigned', 1, 0, 'named', 'chain', 'app,email', 0, 1), \
    ('deadline-near', 'deadline.near', 1, 0, 'on-call', 'chain', 'app,email', 0, 1), \
    ('deadline-near-lead', 'deadline.near', 1, 0, 'named', 'chain', 'app,email', 0, 1), \
    ('deadline-close', 'deadline.close', 1, 0, 'on-call', 'chain', 'app,email,sms,zalo', 0, 1), \
    ('deadline-close-lead', 'deadline.close', 1, 0, 'named', 'chain', 'app,email,sms,zalo', 0, 1), \
    ('deadline-close-second', 'deadline.close', 1, 0, 'second', 'chain', 'app,email,sms,zalo', 0, 1), \
    ('deadline-close-head', 'deadline.close', 1, 0, 'agency_head', 'own', 'app,email', 0, 1), \
    ('deadline-over', 'deadline.over', 1, 0, 'on-call', 'chain', 'app,email,sms,zalo', 0, 1), \
    ('deadline-over-lead', 'deadline.over', 1, 0, 'named', 'chain', 'app,email,sms,zalo', 0, 1), \
    ('deadline-over-second', 'deadline.over', 1, 0, 'second', 'chain', 'app,email,sms,zalo', 0, 1), \
    ('deadline-over-head', 'deadline.over', 1, 0, 'agency_head', 'chain', 'app,email,sms', 0, 1), \
    ('deadline-over-coordinator', 'deadline.over', 1, 0, 'coordinator', 'chain', 'app,email', 0, 1), \
    ('deadline-over-leader', 'deadline.over', 1, 0, 'leader', 'chain', 'app,email,sms', 0, 1), \
    ('silent-agency', 'source.silent', 1, 0, 'agency_officer', 'own', 'app,email', 0, 1), \
    ('silent', 'source.silent', 1, 0, 'on-call', 'chain', 'app', 0, 1), \
    ('storage-admin', 'storage', 1, 0, 'administrator', 'chain', 'app,email,sms', 0, 1), \
    ('storage', 'storage', 1, 0, 'on-call', 'chain', 'app,email', 0, 1), \
    ('approval', 'approval.waiting', 1, 0, 'administrator', 'chain', 'app,email', 0, 1), \
    ('delegation', 'delegation.given', 1, 0, 'named', 'chain', 'app,email', 0, 1), \
    ('test', 'test', 1, 0, 'named', 'chain', 'app,email,sms,zalo', 0, 1)";

fn rule() -> Vec<Step> {
    let rule = Table::named("notify_rule")
        .key("id", Text)
        .col("kind", Text)
        .col("severity_min", Small)
        .col("level_min", Small)
        // `on-call`, `second`, `named`, or the word of a role.
        .col("audience", Text)
        // Of a role bound to agencies: `own` is the agency itself, `chain` also those above it.
        .col("place", Text)
        .col("channels", Text)
        // Only when nobody has taken it up after so many minutes.
        .col("after_min", Int)
        .col("is_on", Small)
        .index(&["kind"]);
    vec![Step::Table(rule), both(RULES)]
}
