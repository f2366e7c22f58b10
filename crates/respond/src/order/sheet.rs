//! Boards and records as spreadsheets.

use chrono::{DateTime, Utc};
use web::figures::vietnam;
use web::{Lang, Phrase};

use super::views::{PartRow, RecordRow};
use crate::file::Sheet;

fn head<const N: usize>(keys: [&'static str; N], lang: Lang) -> Vec<String> {
    keys.map(|key| Phrase::key(key).text(lang)).to_vec()
}

fn time(at: Option<DateTime<Utc>>) -> String {
    at.map(|at| vietnam(at).format("%d/%m/%Y %H:%M").to_string()).unwrap_or_default()
}

/// Returns the board of an order.
pub(super) fn board(rows: &[PartRow], lang: Lang) -> Sheet {
    let keys = [
        "alert-agency",
        "order-phone",
        "order-state",
        "order-opened",
        "order-acknowledged",
        "order-by",
        "order-done",
        "order-by",
        "order-result",
        "order-returned",
        "order-head-told",
        "order-systems",
    ];
    let row = |row: &PartRow| {
        let systems: Vec<&str> = row.systems.iter().map(|one| one.name.as_str()).collect();
        vec![
            row.agency.clone(),
            row.phone.clone().unwrap_or_default(),
            Phrase::key(row.state_key()).text(lang),
            time(row.opened_at),
            time(row.acknowledged_at),
            row.acknowledged_by.clone().unwrap_or_default(),
            time(row.done_at),
            row.done_by.clone().unwrap_or_default(),
            row.result.clone().unwrap_or_default(),
            row.returned.to_string(),
            time(row.head_at),
            systems.join("; "),
        ]
    };
    Sheet { head: head(keys, lang), rows: rows.iter().map(row).collect() }
}

/// Returns the record of a period.
pub(super) fn record(rows: &[RecordRow], lang: Lang) -> Sheet {
    let keys = [
        "alert-agency",
        "order-record-orders",
        "order-record-acknowledged-in-time",
        "order-record-acknowledged-late",
        "order-record-done-in-time",
        "order-record-done-late",
        "order-record-overdue",
        "order-returned",
    ];
    let row = |row: &RecordRow| {
        let numbers = [
            row.orders,
            row.acknowledged_in_time,
            row.acknowledged_late,
            row.done_in_time,
            row.done_late,
            row.overdue,
            row.returned,
        ];
        std::iter::once(row.agency.clone()).chain(numbers.map(|n| n.to_string())).collect()
    };
    Sheet { head: head(keys, lang), rows: rows.iter().map(row).collect() }
}
