//! Level dossiers: what stands in them, every step with whoever took it, and what appraisers say to each
//! part. The slice is `registry::dossier`.

use super::table::Type::{Bool, Int, Json, Small, Text, Time, Uuid};
use super::{Migration, Step, Table, both};

pub(super) const MIGRATIONS: &[Migration] = &[
    Migration { name: "0140_dossier", steps: dossiers },
    Migration { name: "0141_dossier_rule", steps: rules },
];

fn dossiers() -> Vec<Step> {
    let dossier = Table::named("dossier")
        .key("id", Uuid)
        .col("number", Text)
        .col("system_id", Uuid)
        .col("agency_id", Uuid)
        .col("level", Small)
        // Appraised outside (Bộ Công an): levels 4 and 5, and critical systems.
        .col("outside", Bool)
        .col("regime", Text)
        .col("state", Text)
        // The system while the dossier is under way: a second one is not begun.
        .opt("open_system", Uuid)
        .col("sections", Json)
        // What the register gave when it was last drawn from: tells what people wrote themselves.
        .col("drawn", Json)
        .col("round", Int)
        .col("made_by", Uuid)
        .col("author", Text)
        .col("made_at", Time)
        .col("changed_at", Time)
        .col("state_on", Text)
        .opt("due_on", Text)
        // Opinion, answer from outside, decision and the papers filed, each as it was given.
        .col("outcome", Json)
        .col("version", Int)
        .refers("system_id", "system")
        .unique(&["number"])
        .unique(&["open_system"])
        .index(&["agency_id", "state"])
        .index(&["system_id", "made_at"])
        .index(&["state", "due_on"])
        .index(&["changed_at"]);
    let step = Table::named("dossier_step")
        .key("id", Uuid)
        .col("dossier_id", Uuid)
        .col("round", Int)
        .col("at", Time)
        .col("step", Text)
        .col("account_id", Uuid)
        .opt("acting_for", Uuid)
        .col("author", Text)
        .col("note", Text)
        .belongs("dossier_id", "dossier")
        .index(&["dossier_id", "at"]);
    let comment = Table::named("dossier_comment")
        .col("dossier_id", Uuid)
        .col("round", Int)
        .col("part", Text)
        .col("verdict", Text)
        .col("text", Text)
        .col("account_id", Uuid)
        .col("author", Text)
        .col("made_at", Time)
        .keys(&["dossier_id", "round", "part"])
        .belongs("dossier_id", "dossier");
    let number = Table::named("dossier_number").key("year", Int).col("last", Int);
    [dossier, step, comment, number].into_iter().map(Step::Table).collect()
}

/// Who is told of dossiers, as shipped.
const RULES: &str = "INSERT INTO notify_rule \
    (id, kind, severity_min, level_min, audience, place, channels, after_min, is_on) VALUES \
    ('dossier-sign', 'dossier.sign', 1, 0, 'agency_head', 'own', 'app,email', 0, 1), \
    ('dossier-submitted', 'dossier.submitted', 1, 0, 'appraiser', 'chain', 'app,email', 0, 1), \
    ('dossier-returned', 'dossier.returned', 1, 0, 'named', 'chain', 'app,email', 0, 1), \
    ('dossier-returned-agency', 'dossier.returned', 1, 0, 'agency_officer', 'own', 'app,email', 0, 1), \
    ('dossier-returned-commune', 'dossier.returned', 1, 0, 'commune_officer', 'own', 'app,email', 0, 1), \
    ('dossier-appraised', 'dossier.appraised', 1, 0, 'agency_head', 'chain', 'app,email', 0, 1), \
    ('dossier-decided', 'dossier.decided', 1, 0, 'named', 'chain', 'app,email', 0, 1), \
    ('dossier-decided-agency', 'dossier.decided', 1, 0, 'agency_officer', 'own', 'app,email', 0, 1), \
    ('dossier-due', 'dossier.due', 1, 0, 'appraiser', 'chain', 'app,email', 0, 1), \
    ('dossier-due-head', 'dossier.due', 1, 0, 'agency_head', 'chain', 'app,email', 0, 1)";

fn rules() -> Vec<Step> {
    vec![both(RULES)]
}
