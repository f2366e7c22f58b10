//! What more there is to a piece of evidence: scans (`respond::evidence`).

use super::table::Type::{Json, Time, Uuid};
use super::{Migration, Step, Table};

pub(super) const MIGRATIONS: &[Migration] =
    &[Migration { name: "0172_evidence_scan", steps: scan }];

fn scan() -> Vec<Step> {
    let scan = Table::named("evidence_scan")
        .key("evidence_id", Uuid)
        .col("scanned_at", Time)
        .col("scanned", Json)
        .belongs("evidence_id", "evidence_item");
    vec![Step::Table(scan)]
}
