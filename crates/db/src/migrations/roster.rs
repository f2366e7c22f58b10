//! The duty roster and the handovers between shifts. The slice is `respond::roster`.

use super::table::Type::{Text, Time, Uuid};
use super::{Migration, Step, Table};

pub(super) const MIGRATIONS: &[Migration] = &[
    Migration { name: "0115_duty_shift", steps: shift },
    Migration { name: "0116_duty_handover", steps: handover },
];

fn shift() -> Vec<Step> {
    let shift = Table::named("duty_shift")
        .key("id", Uuid)
        .col("first_id", Uuid)
        .opt("second_id", Uuid)
        .opt("substitute_id", Uuid)
        .col("phone", Text)
        .col("from_at", Time)
        .col("to_at", Time)
        .col("note", Text)
        .refers("first_id", "account")
        .refers("second_id", "account")
        .refers("substitute_id", "account")
        .index(&["from_at", "to_at"])
        .index(&["to_at"]);
    vec![Step::Table(shift)]
}

fn handover() -> Vec<Step> {
    let handover = Table::named("duty_handover")
        .key("id", Uuid)
        .col("from_at", Time)
        .col("leaver_id", Uuid)
        .col("leaver_name", Text)
        .col("left_at", Time)
        .col("notes", Text)
        // What stood then, as JSON text exactly as hashed.
        .col("snapshot", Text)
        .col("digest", Text)
        .opt("comer_id", Uuid)
        .opt("comer_name", Text)
        .opt("taken_at", Time)
        .col("remark", Text)
        .refers("leaver_id", "account")
        .refers("comer_id", "account")
        .index(&["left_at"]);
    vec![
        Step::Table(handover),
        // Signed is signed: the one who comes may add their name once, and nothing else ever changes.
        Step::Sql {
            sqlite: "CREATE TRIGGER duty_handover_no_update BEFORE UPDATE ON duty_handover
                     WHEN OLD.taken_at IS NOT NULL OR OLD.notes <> NEW.notes
                       OR OLD.snapshot <> NEW.snapshot OR OLD.digest <> NEW.digest
                       OR OLD.left_at <> NEW.left_at OR OLD.leaver_name <> NEW.leaver_name
                       OR OLD.leaver_id <> NEW.leaver_id OR OLD.from_at <> NEW.from_at
                     BEGIN SELECT RAISE(ABORT, 'a signed handover does not change'); END",
            postgres: "CREATE FUNCTION duty_handover_refuse() RETURNS trigger LANGUAGE plpgsql AS
                       $$BEGIN
                         IF TG_OP = 'UPDATE' AND OLD.taken_at IS NULL AND
                            (OLD.notes, OLD.snapshot, OLD.digest, OLD.left_at, OLD.leaver_name,
                             OLD.leaver_id, OLD.from_at) =
                            (NEW.notes, NEW.snapshot, NEW.digest, NEW.left_at, NEW.leaver_name,
                             NEW.leaver_id, NEW.from_at) THEN RETURN NEW; END IF;
                         RAISE EXCEPTION 'a signed handover does not change';
                       END$$",
        },
        Step::Sql {
            sqlite: "CREATE TRIGGER duty_handover_no_delete BEFORE DELETE ON duty_handover
                     BEGIN SELECT RAISE(ABORT, 'a signed handover does not change'); END",
            postgres: "CREATE TRIGGER duty_handover_kept BEFORE UPDATE OR DELETE ON duty_handover
                       FOR EACH ROW EXECUTE FUNCTION duty_handover_refuse()",
        },
    ]
}
