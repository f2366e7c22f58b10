//! Reports of incidents with their versions, numbers and signed copies, and what officers report by
//! six questions (`respond`).

use super::table::Type::{Big, Bytes, Int, Json, Text, Time, Uuid};
use super::{Migration, Step, Table};

pub(super) const MIGRATIONS: &[Migration] = &[
    Migration { name: "0120_report", steps: report },
    Migration { name: "0121_officer_notice", steps: notice },
];

fn report() -> Vec<Step> {
    let report = Table::named("report")
        .key("id", Uuid)
        .col("kind", Text)
        .col("state", Text)
        .col("agency_id", Uuid)
        .opt("incident_id", Uuid)
        .opt("from_at", Time)
        .opt("to_at", Time)
        .col("summary", Text)
        .col("version", Int)
        .col("made_by", Uuid)
        .col("author", Text)
        .col("made_at", Time)
        .col("changed_at", Time)
        .opt("submitted_by", Uuid)
        .opt("submitter", Text)
        .opt("submitted_at", Time)
        .opt("approver", Text)
        .opt("approved_at", Time)
        .opt("returned", Text)
        // Of the year and type of document; given at approval, in the same transaction.
        .opt("number", Big)
        .opt("year", Int)
        .opt("type", Text)
        .opt("quoted", Text)
        // The document as approved, and its SHA-256: never written again.
        .opt("frozen", Text)
        .opt("sha256", Text)
        .opt("sent_at", Time)
        .opt("reference", Text)
        .opt("signed_on", Text)
        .unique(&["agency_id", "year", "type", "number"])
        .index(&["agency_id", "changed_at"])
        .index(&["incident_id"])
        .index(&["state", "changed_at"]);
    let version = Table::named("report_version")
        .col("report_id", Uuid)
        .col("version", Int)
        .col("body", Json)
        .col("account_id", Uuid)
        .col("author", Text)
        .col("made_at", Time)
        .keys(&["report_id", "version"])
        .belongs("report_id", "report");
    let number = Table::named("report_number")
        .col("agency_id", Uuid)
        .col("year", Int)
        .col("type", Text)
        .col("last", Big)
        .keys(&["agency_id", "year", "type"]);
    let signed = Table::named("report_signed")
        .key("report_id", Uuid)
        .col("name", Text)
        .col("sha256", Text)
        .col("bytes", Bytes)
        .col("author", Text)
        .col("made_at", Time)
        .belongs("report_id", "report");
    [report, version, number, signed].into_iter().map(Step::Table).collect()
}

fn notice() -> Vec<Step> {
    let notice = Table::named("officer_notice")
        .key("incident_id", Uuid)
        .col("account_id", Uuid)
        .col("client_key", Text)
        .col("agency_id", Uuid)
        .col("answers", Json)
        .col("author", Text)
        .col("made_at", Time)
        .unique(&["account_id", "client_key"]);
    vec![Step::Table(notice)]
}
