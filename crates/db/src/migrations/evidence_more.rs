//! What more there is to a piece of evidence: scans, time stamps, receipts (`respond::evidence`).

use super::table::Type::{Bytes, Json, Text, Time, Uuid};
use super::{Migration, Step, Table};

pub(super) const MIGRATIONS: &[Migration] = &[
    Migration { name: "0172_evidence_scan", steps: scan },
    Migration { name: "0173_evidence_stamp", steps: stamp },
    Migration { name: "0174_evidence_receipt", steps: receipt },
];

fn scan() -> Vec<Step> {
    let scan = Table::named("evidence_scan")
        .key("evidence_id", Uuid)
        .col("scanned_at", Time)
        .col("scanned", Json)
        .belongs("evidence_id", "evidence_item");
    vec![Step::Table(scan)]
}

fn stamp() -> Vec<Step> {
    let stamp = Table::named("evidence_stamp")
        .key("evidence_id", Uuid)
        .col("sha256", Text)
        // The authority's answer as it came: another tool checks it.
        .col("answer", Bytes)
        .col("stamped_at", Time)
        .col("received_at", Time)
        .col("authority", Text)
        .col("serial", Text)
        .col("policy", Text)
        .belongs("evidence_id", "evidence_item");
    vec![Step::Table(stamp)]
}

fn receipt() -> Vec<Step> {
    let receipt = Table::named("evidence_receipt")
        .key("id", Uuid)
        .col("number", Text)
        .col("evidence_id", Uuid)
        .col("occasion", Text)
        // What is handed over, as JSON text exactly as hashed.
        .col("content", Text)
        .col("digest", Text)
        .col("giver_id", Uuid)
        .col("giver_name", Text)
        .col("given_at", Time)
        .opt("to_id", Uuid)
        .opt("taker_id", Uuid)
        .opt("taker_name", Text)
        .opt("taken_at", Time)
        .col("remark", Text)
        .refers("evidence_id", "evidence_item")
        .unique(&["number"])
        .index(&["evidence_id", "given_at"]);
    vec![
        Step::Table(receipt),
        // Signed is signed: the one who takes may add their name once, and nothing else ever changes.
        Step::Sql {
            sqlite: "CREATE TRIGGER evidence_receipt_no_update BEFORE UPDATE ON evidence_receipt
                     WHEN OLD.taken_at IS NOT NULL OR OLD.number <> NEW.number
                       OR OLD.content <> NEW.content OR OLD.digest <> NEW.digest
                       OR OLD.giver_id <> NEW.giver_id OR OLD.giver_name <> NEW.giver_name
                       OR OLD.given_at <> NEW.given_at OR OLD.evidence_id <> NEW.evidence_id
                       OR OLD.occasion <> NEW.occasion OR OLD.to_id IS NOT NEW.to_id
                     BEGIN SELECT RAISE(ABORT, 'a signed receipt does not change'); END",
            postgres:
                "CREATE FUNCTION evidence_receipt_refuse() RETURNS trigger LANGUAGE plpgsql AS
                       $$BEGIN
                         IF TG_OP = 'UPDATE' AND OLD.taken_at IS NULL AND
                            (OLD.number, OLD.content, OLD.digest, OLD.giver_id, OLD.giver_name,
                             OLD.given_at, OLD.evidence_id, OLD.occasion) =
                            (NEW.number, NEW.content, NEW.digest, NEW.giver_id, NEW.giver_name,
                             NEW.given_at, NEW.evidence_id, NEW.occasion)
                            AND OLD.to_id IS NOT DISTINCT FROM NEW.to_id THEN RETURN NEW; END IF;
                         RAISE EXCEPTION 'a signed receipt does not change';
                       END$$",
        },
        Step::Sql {
            sqlite: "CREATE TRIGGER evidence_receipt_no_delete BEFORE DELETE ON evidence_receipt
                     BEGIN SELECT RAISE(ABORT, 'a signed receipt does not change'); END",
            postgres:
                "CREATE TRIGGER evidence_receipt_kept BEFORE UPDATE OR DELETE ON evidence_receipt
                       FOR EACH ROW EXECUTE FUNCTION evidence_receipt_refuse()",
        },
    ]
}
