//! What the pages of reports show.

use askama::Template;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use web::paging::Pager;
use web::{Permission, filters};

use super::model::{Content, Fact, Report, ReportKind, State, Version};
use super::store::Signed;
use crate::alert::Choice;
use crate::directory::Directory;

/// One report in a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReportRow {
    /// Its id.
    pub id: String,
    /// `initial`, `update`, `full`, `closing` or `periodic`.
    pub kind: String,
    /// `draft`, `submitted`, `approved` or `withdrawn`.
    pub state: String,
    /// Its number and symbol, once it has them.
    pub quoted: Option<String>,
    /// What it is about.
    pub summary: String,
    /// Whose it is.
    pub agency: String,
    /// Who began it.
    pub author: String,
    /// When.
    pub made_at: DateTime<Utc>,
    /// When it was approved.
    pub approved_at: Option<DateTime<Utc>>,
    /// When it was sent.
    pub sent_at: Option<DateTime<Utc>>,
}

impl ReportRow {
    pub(super) fn of(report: &Report, directory: &dyn Directory) -> Self {
        Self {
            id: report.id.to_string(),
            kind: report.kind.word().to_owned(),
            state: report.state.word().to_owned(),
            quoted: report.quoted.clone(),
            summary: report.summary.clone(),
            agency: directory.agency_name_on(report.agency, report.made_at).unwrap_or_default(),
            author: report.author.clone(),
            made_at: report.made_at,
            approved_at: report.approved_at,
            sent_at: report.sent_at,
        }
    }

    /// Returns the key of the kind's name.
    pub fn kind_key(&self) -> &'static str {
        ReportKind::from_word(&self.kind).unwrap_or(ReportKind::Initial).key()
    }

    /// Returns the key of the state's name.
    pub fn state_key(&self) -> &'static str {
        State::from_word(&self.state).unwrap_or(State::Draft).key()
    }
}

/// The list of reports.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "report/list.html")]
pub struct ReportList {
    /// States to filter by.
    pub states: Vec<Choice>,
    /// Kinds to filter by.
    pub kinds: Vec<Choice>,
    /// Agencies to filter by.
    pub agencies: Vec<Choice>,
    /// Whether anything is filtered.
    pub active: bool,
    /// The reports.
    pub reports: Vec<ReportRow>,
    /// Where the list stands.
    pub pager: Pager,
}

/// A version in the list of versions.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct VersionView {
    /// Its number.
    pub version: i32,
    /// Who wrote it.
    pub author: String,
    /// When.
    pub made_at: DateTime<Utc>,
}

/// The signed copy.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SignedView {
    /// What the file was called.
    pub name: String,
    /// Its SHA-256.
    pub sha256: String,
    /// Who filed it.
    pub author: String,
    /// When.
    pub made_at: DateTime<Utc>,
}

/// One report.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "report/detail.html")]
pub struct ReportPage {
    /// The report.
    pub report: ReportRow,
    /// The incident's id, if it is about one.
    pub incident: Option<String>,
    /// The version shown.
    pub version: i32,
    /// What people wrote.
    pub content: Content,
    /// What the platform tells.
    pub facts: Vec<Fact>,
    /// By what right the signer signs.
    pub authorities: Vec<Choice>,
    /// Who handed it in.
    pub submitter: Option<String>,
    /// When.
    pub submitted_at: Option<DateTime<Utc>>,
    /// Whether the reader wrote it or handed it in: then somebody else approves it.
    pub is_own: bool,
    /// Who approved it.
    pub approver: Option<String>,
    /// Why it came back.
    pub returned: Option<String>,
    /// SHA-256 of the document as approved.
    pub sha256: Option<String>,
    /// By which number it was sent.
    pub reference: Option<String>,
    /// The day on the signed paper.
    pub signed_on: Option<String>,
    /// The signed copy.
    pub signed: Option<SignedView>,
    /// Its versions, the newest first.
    pub versions: Vec<VersionView>,
}

impl ReportPage {
    /// Returns whether its words may change.
    pub fn is_draft(&self) -> bool {
        self.report.state == "draft"
    }

    /// Returns whether it waits for approval.
    pub fn waits(&self) -> bool {
        self.report.state == "submitted"
    }

    /// Returns whether it is approved.
    pub fn is_approved(&self) -> bool {
        self.report.state == "approved"
    }

    /// Returns the sections that say something, with the keys of their headings.
    pub fn sections(&self) -> Vec<(&'static str, &str)> {
        self.content.sections().into_iter().filter(|(_, text)| !text.is_empty()).collect()
    }
}

impl From<&Version> for VersionView {
    fn from(version: &Version) -> Self {
        Self { version: version.number, author: version.author.clone(), made_at: version.made_at }
    }
}

impl From<Signed> for SignedView {
    fn from(copy: Signed) -> Self {
        Self { name: copy.name, sha256: copy.sha256, author: copy.author, made_at: copy.made_at }
    }
}
