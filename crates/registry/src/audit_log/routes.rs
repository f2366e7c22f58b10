//! The address of the audit log.

use axum::extract::State;
use axum::response::Response;
use chrono::NaiveDate;
use db::audit::{self, AuditFilter};
use db::{AuditEntry, Subject};
use event::AgencyId;
use serde::Deserialize;
use serde_json::json;
use web::paging::Page;
use web::{AppError, Permission, Phrase, Query, Routes, View, Who};

use super::views::{AnchorSheet, AuditList, EntryRow};
use crate::export::{Export, Sheet};
use crate::{Registry, actor, agency_choices, failed, limits, text};

/// Returns the routes of the audit log.
pub(crate) fn routes() -> Routes<Registry> {
    Routes::new()
        .get("/audit", Permission::AuditRead, list)
        .doc("Lists audit entries, the newest first; `verify=yes` checks the whole chain")
        .gives::<AuditList>()
        .get("/audit/export", Permission::AuditRead, export)
        .doc("Gives the list as a file")
        .get("/audit/anchor", Permission::AuditRead, anchor)
        .doc("Gives a month's anchor for print; `mark` holds a printed one against the chain")
        .gives::<AnchorSheet>()
}

/// Which entries are asked for.
#[derive(Debug, Clone, Default, Deserialize)]
struct Asked {
    /// Beginning of the action (`source.`).
    action: Option<String>,
    /// Name of who did it.
    actor: Option<String>,
    /// Kind of thing changed, or the id of one.
    subject: Option<String>,
    /// First day, in Vietnam.
    from: Option<NaiveDate>,
    /// Last day, in Vietnam.
    to: Option<NaiveDate>,
    /// Whose data was changed.
    agency: Option<AgencyId>,
    /// Only older ones than this.
    before: Option<i64>,
    /// `yes` checks the chain.
    verify: Option<String>,
}

impl Asked {
    fn filter(&self) -> AuditFilter {
        let is_id = |text: &&String| text.contains('-');
        AuditFilter {
            action: self.action.clone(),
            actor_name: self.actor.clone(),
            subject_id: self.subject.as_ref().filter(is_id).cloned(),
            subject_kind: self.subject.as_ref().filter(|text| !is_id(text)).cloned(),
            agency: self.agency,
            from: self.from.and_then(text::day_begins),
            to: self.to.and_then(|day| day.succ_opt()).and_then(text::day_begins),
            before_seq: self.before,
        }
    }

    fn query(&self) -> String {
        text::query(&[
            ("action", self.action.clone()),
            ("actor", self.actor.clone()),
            ("subject", self.subject.clone()),
            ("agency", self.agency.map(|agency| agency.to_string())),
            ("from", self.from.map(|day| day.to_string())),
            ("to", self.to.map(|day| day.to_string())),
        ])
    }
}

async fn list(
    State(registry): State<Registry>,
    who: Who,
    Query(asked): Query<Asked>,
    Query(page): Query<Page>,
) -> Result<View<AuditList>, AppError> {
    let rows = audit::list(&registry.db, &who.scope, &asked.filter(), page.limit())
        .await
        .map_err(failed)?;
    let checked = match asked.verify.as_deref() {
        Some("yes") => Some(audit::verify(&registry.db).await.map_err(failed)?.into()),
        _ => None,
    };
    let full = rows.len() as u64 == page.limit();
    let query = asked.query();
    let snapshot = registry.directory.snapshot();
    let older = rows
        .last()
        .filter(|row| full && row.seq > 1)
        .map(|row| format!("/audit?{query}&before={}", row.seq));
    Ok(View::new(AuditList {
        rows: rows.into_iter().map(EntryRow::from).collect(),
        checked,
        older,
        action: asked.action.unwrap_or_default(),
        actor: asked.actor.unwrap_or_default(),
        subject: asked.subject.unwrap_or_default(),
        from: asked.from.map(|day| day.to_string()).unwrap_or_default(),
        to: asked.to.map(|day| day.to_string()).unwrap_or_default(),
        agencies: agency_choices(&snapshot, &who, asked.agency),
        query,
    }))
}

async fn export(
    State(registry): State<Registry>,
    who: Who,
    Query(asked): Query<Asked>,
    Query(export): Query<Export>,
) -> Result<Response, AppError> {
    let header = [
        "registry-audit-seq",
        "registry-audit-at",
        "registry-audit-actor",
        "registry-audit-action",
        "registry-audit-subject",
        "registry-audit-detail",
        "registry-audit-hash",
    ];
    // Whoever takes the log away is in it.
    note(&registry, &who, "audit.export", json!({ "filter": asked.query() })).await?;
    let mut sheet = Sheet::new("nhat-ky", who.lang, &header);
    let mut filter = asked.filter();
    let mut left = limits::EXPORT_ROWS_MAX;
    while left > 0 {
        let rows = audit::list(&registry.db, &who.scope, &filter, left).await.map_err(failed)?;
        let Some(last) = rows.last() else { break };
        filter.before_seq = Some(last.seq);
        left = left.saturating_sub(rows.len() as u64);
        for row in rows {
            sheet.row(vec![
                row.seq.to_string(),
                row.at.to_rfc3339(),
                row.actor_name,
                row.action,
                format!("{} {}", row.subject_kind, row.subject_id),
                row.detail,
                row.hash,
            ]);
        }
    }
    sheet.answer(export)
}

/// Notes a sensitive read.
async fn note(
    registry: &Registry,
    who: &Who,
    action: &str,
    detail: serde_json::Value,
) -> Result<(), AppError> {
    let tx = registry.db.begin().await.map_err(failed)?;
    let entry = AuditEntry::new(actor(who), action, Subject::all("audit"), detail);
    tx.commit(entry).await.map_err(failed)
}

/// Which anchor is asked for.
#[derive(Debug, Clone, Default, Deserialize)]
struct AnchorAsked {
    /// The month, `2026-11`; the one before this unless given.
    month: Option<String>,
    /// A printed mark to hold against the chain.
    mark: Option<String>,
}

async fn anchor(
    State(registry): State<Registry>,
    who: Who,
    Query(asked): Query<AnchorAsked>,
) -> Result<View<AnchorSheet>, AppError> {
    let now = registry.db.now();
    let month = asked.month.unwrap_or_else(|| text::last_month(now));
    let unfit = || AppError::invalid("month", Phrase::key("registry-anchor-month-unfit"));
    let period = audit::month(&month).ok_or_else(unfit)?;
    let anchor = audit::anchor(&registry.db, period).await.map_err(failed)?;
    let mark = asked.mark.unwrap_or_default();
    let checked = if mark.trim().is_empty() {
        None
    } else {
        let unfit = |_| AppError::invalid("mark", Phrase::key("registry-anchor-mark-unfit"));
        let marks = [mark.parse::<audit::Mark>().map_err(unfit)?];
        Some(audit::verify_against(&registry.db, &marks).await.map_err(failed)?)
    };
    let seq = anchor.mark.as_ref().map(|mark| mark.seq);
    note(&registry, &who, "audit.anchor", json!({ "month": month, "last": seq })).await?;
    Ok(View::new(AnchorSheet::new(month, &anchor, now, (mark, checked))))
}
