//! The list of indicators as a file, with the filter that the page shows.

use axum::response::Response;
use db::{AuditEntry, Subject};
use serde_json::json;
use web::figures::vietnam;
use web::{Phrase, Who};

use super::routes::ListQuery;
use super::store;
use super::views::IndicatorRow;
use crate::actor::Handler;
use crate::desk::Desk;
use crate::error::RespondError;
use crate::file::{Format, Sheet, table};
use crate::limits::INDICATORS_LISTED_MAX;

/// The columns, as keys of their words.
const COLUMNS: [&str; 11] = [
    "room-kind",
    "indicator-value",
    "indicator-source",
    "indicator-confidence",
    "indicator-tlp",
    "indicator-reason",
    "indicator-valid-until",
    "indicator-author",
    "indicator-made",
    "indicator-state",
    "indicator-withdrawn-reason",
];

/// Returns the indicators that the filter names, up to the limit of the list. The values are defanged: a
/// spreadsheet makes links of what looks like one.
pub(super) async fn indicators(
    desk: &Desk,
    who: &Who,
    query: &ListQuery,
    format: Format,
) -> Result<Response, RespondError> {
    let now = desk.db.now();
    let slice = (0, INDICATORS_LISTED_MAX);
    let (rows, _) = store::list(desk.db.conn(), &query.filter(), now, slice).await?;
    let detail = json!({ "rows": rows.len(), "filter": query.address("").query() });
    let subject = Subject::all("indicator");
    let tx = desk.db.begin().await?;
    let actor = Handler::from(who).actor();
    tx.commit(AuditEntry::new(actor, "indicator.export", subject, detail)).await?;
    let time = |at| vietnam(at).format("%d/%m/%Y %H:%M").to_string();
    let cells = |one| {
        let row = IndicatorRow::of(one, now);
        vec![
            Phrase::key(row.kind_key()).text(who.lang),
            row.shown.clone(),
            row.source.clone(),
            row.confidence.to_string(),
            format!("TLP:{}", row.tlp),
            row.reason.clone(),
            time(row.valid_until),
            row.author.clone(),
            time(row.made_at),
            Phrase::key(row.state_key()).text(who.lang),
            row.withdrawn_reason.unwrap_or_default(),
        ]
    };
    let sheet = Sheet {
        head: COLUMNS.map(|key| Phrase::key(key).text(who.lang)).to_vec(),
        rows: rows.into_iter().map(cells).collect(),
    };
    table("indicators", &sheet, format)
}
