//! Addresses of keeping.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use event::SystemId;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use web::{AppError, Body, Done, Path, Permission, Phrase, Query, Routes, View, Who, done};

use super::model::{Plan, SetTerm, legal_day};
use super::views::{ChainView, HoldRow, KeepingPage, LongerView, RecordRow, TermRow};
use super::{Keeping, actions, store};
use crate::{failed, limits};

/// Records on one page.
const RECORDS_SHOWN: u64 = 50;

/// Returns the routes of keeping.
pub fn routes(keeping: Keeping) -> Routes {
    use Permission::{PlatformChange, PlatformRead};
    Routes::new()
        .get("/keeping", PlatformRead, page)
        .doc("Tells how long logs are kept, what is held and what was deleted; `verify=yes` follows the chain over the files")
        .gives::<KeepingPage>()
        .get("/keeping/records", PlatformRead, records)
        .doc("Gives all records of deletions with their hashes, one JSON object a line")
        .post("/keeping/systems/{id}", PlatformChange, set)
        .doc("Sets how long a system's logs are kept")
        .takes::<SetForm>()
        .with_state(keeping)
}

/// Which records are asked for.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Asked {
    /// Only older ones than this.
    pub(super) before: Option<i64>,
    /// `yes` follows the chain.
    pub(super) verify: Option<String>,
}

async fn page(
    State(keeping): State<Keeping>,
    who: Who,
    Query(asked): Query<Asked>,
) -> Result<View<KeepingPage>, AppError> {
    Ok(View::new(gathered(&keeping, &who, &asked).await?))
}

pub(super) async fn gathered(
    keeping: &Keeping,
    who: &Who,
    asked: &Asked,
) -> Result<KeepingPage, AppError> {
    let registry = &keeping.registry;
    let today = legal_day(registry.db.now());
    let set = store::all(registry.db.conn()).await.map_err(failed)?;
    let snapshot = registry.directory.snapshot();
    let all = snapshot.systems().map(|system| (system.id, system.level));
    let plan = Plan::new(all, &set, keeping.months, today);
    let archive = keeping.archive.as_ref();
    let shortened = archive.shortened(&plan).await.map_err(failed)?;
    let mut lengthened = plan.clone();
    for (system, longer) in &shortened {
        lengthened.lengthen(Some(*system), longer.months);
    }
    let mut terms: Vec<TermRow> = snapshot
        .systems()
        .filter(|system| who.scope.sees(system.agency))
        .map(|system| {
            let term = plan.term(Some(system.id));
            TermRow {
                id: system.id.to_string(),
                name: system.name.clone(),
                agency: snapshot.tree().name(system.agency).to_owned(),
                level: system.level,
                legal_months: term.legal_months,
                base: term.base.clone(),
                months: term.months,
                is_set: term.set_months.is_some(),
                reason: set.get(&system.id).map(told).unwrap_or_default(),
                kept_from: lengthened.term(Some(system.id)).kept_from(today),
                longer: shortened
                    .get(&system.id)
                    .map(|longer| LongerView { months: longer.months, until: longer.until }),
            }
        })
        .collect();
    terms.sort_by_cached_key(|row| (row.months, event::fold::fold(&row.name)));
    let records = archive.records(asked.before, RECORDS_SHOWN).await.map_err(failed)?;
    let full = u64::try_from(records.len()).is_ok_and(|count| count == RECORDS_SHOWN);
    let older = records.last().filter(|_| full).map(|last| format!("/keeping?before={}", last.seq));
    let chain = match asked.verify.as_deref() {
        Some("yes") => Some(archive.chain().await.map_err(failed)?),
        _ => None,
    };
    let (oldest, lake_bytes) = archive.extent();
    Ok(KeepingPage {
        terms,
        other_months: plan.term(None).months,
        holds: archive.holds().await.map_err(failed)?.into_iter().map(HoldRow::from).collect(),
        records: records.into_iter().map(RecordRow::from).collect(),
        older,
        chain: chain.map(|one| ChainView {
            entries: one.entries,
            holds: one.holds,
            head: one.head,
        }),
        oldest,
        lake_bytes,
    })
}

/// Returns why a term was set, by whom and when.
fn told(own: &SetTerm) -> String {
    let day = web::figures::vietnam(own.set_at).format("%d/%m/%Y");
    format!("{} ({}, {day})", own.reason, own.set_by)
}

async fn records(State(keeping): State<Keeping>, _who: Who) -> Result<Response, AppError> {
    let mut lines = String::new();
    let mut before = None;
    let mut left = limits::EXPORT_ROWS_MAX;
    while left > 0 {
        let part = keeping.archive.records(before, left.min(500)).await.map_err(failed)?;
        let Some(last) = part.last() else { break };
        before = Some(last.seq);
        left = left.saturating_sub(u64::try_from(part.len()).unwrap_or(left));
        for one in part {
            let line = json!({ "seq": one.seq, "at": one.at, "kind": one.kind, "detail": one.detail, "hash": one.hash });
            lines.push_str(&line.to_string());
            lines.push('\n');
        }
    }
    let headers = [
        ("content-type", "application/x-ndjson"),
        ("content-disposition", "attachment; filename=\"bien-ban-xoa-log.ndjson\""),
    ];
    Ok((headers, lines).into_response())
}

/// How long a system's logs are to be kept.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SetForm {
    /// Months; never below what the law wants for its level.
    months: u32,
    /// Why.
    #[serde(default)]
    reason: String,
}

async fn set(
    State(keeping): State<Keeping>,
    who: Who,
    Path(id): Path<SystemId>,
    Body(form): Body<SetForm>,
) -> Result<Done, AppError> {
    actions::set(&keeping, &who, id, form.months, &form.reason).await?;
    Ok(done("/keeping").notice(Phrase::key("keeping-done-set")))
}
