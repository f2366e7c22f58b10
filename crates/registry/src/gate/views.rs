//! The pages of the gate: papers and what is missing of one system; all that run without.

use askama::Template;
use chrono::{DateTime, NaiveDate, Utc};
use event::Level;
use serde::Serialize;
use utoipa::ToSchema;
use web::paging::Pager;
use web::{Lang, Permission, filters};

use super::check::{Lack, Why};
use super::model::{Override, OverrideDraft, Paper, PaperDraft};
use crate::forms::{Choice, Errors};
use crate::law::{Law, told};

/// A paper in a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PaperRow {
    pub(crate) id: String,
    pub(crate) kind: String,
    /// The kind's name in the reader's language.
    pub(crate) title: String,
    pub(crate) number: String,
    pub(crate) issuer: String,
    #[schema(value_type = Option<u8>)]
    pub(crate) level: Option<Level>,
    pub(crate) issued_on: NaiveDate,
    /// Last day on which it counts.
    pub(crate) counts_until: Option<NaiveDate>,
    pub(crate) counts: bool,
    pub(crate) withdrawn: bool,
    pub(crate) note: String,
    pub(crate) created_by: String,
}

/// Returns papers as rows.
pub(crate) fn paper_rows(papers: Vec<Paper>, day: NaiveDate, lang: Lang) -> Vec<PaperRow> {
    let law = Law::builtin();
    let row = |paper: Paper| PaperRow {
        id: paper.id.to_string(),
        title: law
            .paper_kind(&paper.kind)
            .map_or(paper.kind.as_str(), |kind| told(&kind.vi, &kind.en, lang))
            .to_owned(),
        counts_until: paper.counts_until(law),
        counts: paper.counts(law, day),
        withdrawn: paper.withdrawn_at.is_some(),
        level: paper.level,
        issued_on: paper.issued_on,
        kind: paper.kind,
        number: paper.number,
        issuer: paper.issuer,
        note: paper.note,
        created_by: paper.created_by,
    };
    papers.into_iter().map(row).collect()
}

/// Something that is missing, with what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct LackRow {
    /// The paper's kind, or `level`.
    pub(crate) id: String,
    /// Its name in the reader's language.
    pub(crate) title: String,
    pub(crate) clause: String,
    /// `missing`, `expired`, `other_level` or `no_level`.
    pub(crate) why: &'static str,
    #[serde(skip)]
    pub(crate) why_key: &'static str,
}

impl LackRow {
    /// Returns what is missing as a row.
    pub(crate) fn new(lack: Lack, lang: Lang) -> Self {
        let (why, why_key) = match lack.why {
            Why::Missing => ("missing", "gate-why-missing"),
            Why::Expired => ("expired", "gate-why-expired"),
            Why::OtherLevel => ("other_level", "gate-why-other-level"),
            Why::NoLevel => ("no_level", "gate-why-no-level"),
        };
        let kind = Law::builtin().paper_kind(&lack.id);
        let title = kind.map(|kind| told(&kind.vi, &kind.en, lang).to_owned());
        let title = title.unwrap_or_else(|| web::Phrase::key("gate-level").text(lang));
        Self { title, id: lack.id, clause: lack.clause, why, why_key }
    }
}

/// An override in a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct OverrideRow {
    pub(crate) id: String,
    pub(crate) reason: String,
    pub(crate) approver: String,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) created_by: String,
    pub(crate) expires_at: DateTime<Utc>,
    pub(crate) holds: bool,
}

impl OverrideRow {
    /// Returns an override as a row.
    pub(crate) fn new(given: Override, now: DateTime<Utc>) -> Self {
        Self {
            id: given.id.to_string(),
            holds: given.holds(now),
            reason: given.reason,
            approver: given.approver,
            created_at: given.created_at,
            created_by: given.created_by,
            expires_at: given.expires_at,
        }
    }
}

/// Papers, what is missing, and overrides of one system.
#[derive(Debug, Template, Serialize, ToSchema)]
#[template(path = "gate/page.html")]
pub(crate) struct GatePage {
    pub(crate) system: String,
    pub(crate) name: String,
    #[schema(value_type = Option<u8>)]
    pub(crate) level: Option<Level>,
    pub(crate) lacks: Vec<LackRow>,
    pub(crate) papers: Vec<PaperRow>,
    pub(crate) overrides: Vec<OverrideRow>,
    #[serde(skip)]
    pub(crate) kinds: Vec<Choice>,
    #[serde(skip)]
    pub(crate) levels: Vec<Choice>,
    #[serde(skip)]
    pub(crate) draft: PaperDraft,
    #[serde(skip)]
    pub(crate) pass: OverrideDraft,
    #[serde(skip)]
    pub(crate) errors: Errors,
}

/// A system that runs without what the law wants.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct WithoutRow {
    pub(crate) id: String,
    pub(crate) name: String,
    #[schema(value_type = Option<u8>)]
    pub(crate) level: Option<Level>,
    pub(crate) agency: String,
    pub(crate) agency_name: String,
    /// Names of what is missing, in the reader's language.
    pub(crate) missing: Vec<String>,
    /// Until when an override lets it run.
    pub(crate) override_until: Option<DateTime<Utc>>,
    /// Who answers for that.
    pub(crate) approver: Option<String>,
}

/// All that run without.
#[derive(Debug, Template, Serialize, ToSchema)]
#[template(path = "gate/without.html")]
pub(crate) struct WithoutList {
    pub(crate) rows: Vec<WithoutRow>,
    pub(crate) pager: Pager,
    /// Systems in operation.
    pub(crate) running: u64,
    /// Those of them that run without.
    pub(crate) without: u64,
    #[serde(skip)]
    pub(crate) agencies: Vec<Choice>,
    #[serde(skip)]
    pub(crate) query: String,
}
