//! The address of the audit log.

use axum::extract::State;
use axum::response::Response;
use db::audit::{self, AuditFilter};
use serde::Deserialize;
use web::paging::Page;
use web::{AppError, Permission, Query, Routes, View, Who};

use super::views::{AuditList, EntryRow};
use crate::export::{Export, Sheet};
use crate::{Registry, failed, limits, text};

/// Returns the routes of the audit log.
pub(crate) fn routes() -> Routes<Registry> {
    Routes::new()
        .get("/audit", Permission::AuditRead, list)
        .doc("Lists audit entries, the newest first; `verify=yes` checks the whole chain")
        .gives::<AuditList>()
        .get("/audit/export", Permission::AuditRead, export)
        .doc("Gives the list as a file")
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
            before_seq: self.before,
            ..AuditFilter::default()
        }
    }

    fn query(&self) -> String {
        text::query(&[
            ("action", self.action.clone()),
            ("actor", self.actor.clone()),
            ("subject", self.subject.clone()),
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
