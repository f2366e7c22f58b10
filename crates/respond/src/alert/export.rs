//! The list of alerts as a file, with the filter that the page shows.

use axum::response::Response;
use db::{AuditEntry, Subject};
use serde_json::json;
use web::figures::vietnam;
use web::{Phrase, Who, filters};

use super::routes::ListQuery;
use super::store::{self, Slice};
use super::views::AlertRow;
use crate::actor::Handler;
use crate::desk::Desk;
use crate::error::RespondError;
pub(crate) use crate::file::Format;
use crate::file::{Sheet, table};
use crate::limits::ALERT_EXPORT_ROWS;

/// The columns, as keys of their words.
const COLUMNS: [&str; 12] = [
    "alert-number",
    "alert-severity",
    "alert-level",
    "alert-title-column",
    "alert-place",
    "alert-agency",
    "alert-entity",
    "alert-findings",
    "alert-first",
    "alert-last",
    "alert-state",
    "alert-assignee",
];

/// Returns the alerts that the filter names, in its order, up to the limit of a file.
pub(crate) async fn alerts(
    desk: &Desk,
    who: &Who,
    query: &ListQuery,
    format: Format,
) -> Result<Response, RespondError> {
    let slice = Slice { order: query.sorted(), offset: 0, limit: ALERT_EXPORT_ROWS };
    let filter = query.filter(who, desk.db.now());
    let alerts = store::slice(desk.db.conn(), &who.scope, &filter, slice).await?;
    let detail = json!({ "rows": alerts.len(), "filter": query.address("").query() });
    let handler = Handler::from(who);
    let subject = Subject::all("alert");
    let tx = desk.db.begin().await?;
    tx.commit(AuditEntry::new(handler.actor(), "alert.export", subject, detail)).await?;
    let row = |alert| {
        let row = AlertRow::of(alert, desk.directory.as_ref());
        cells(&row, who)
    };
    let sheet = Sheet {
        head: COLUMNS.map(|key| Phrase::key(key).text(who.lang)).to_vec(),
        rows: alerts.iter().map(row).collect(),
    };
    table("alerts", &sheet, format)
}

fn cells(row: &AlertRow, who: &Who) -> Vec<String> {
    let time = |at| vietnam(at).format("%d/%m/%Y %H:%M:%S").to_string();
    let vietnamese = who.lang == web::Lang::Vi;
    let title = row.title_vi.as_ref().filter(|_| vietnamese).unwrap_or(&row.title);
    vec![
        row.number.clone(),
        Phrase::key(filters::severity_key(row.severity)).text(who.lang),
        row.level.map(|level| level.number().to_string()).unwrap_or_default(),
        title.clone(),
        row.place.clone(),
        row.agency.clone(),
        row.entity.clone(),
        row.findings.to_string(),
        time(row.first_at),
        time(row.last_at),
        Phrase::key(row.state_key()).text(who.lang),
        row.assignee.clone().unwrap_or_default(),
    ]
}
