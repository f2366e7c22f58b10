//! What the pages of evidence show.

use askama::Template;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use web::paging::Pager;
use web::{Permission, filters};

use super::examine::Found;
use super::model::{Item, Manifest, State};
use super::receipt::ReceiptRow;
use super::scan::Scanned;
use super::stamp::Stamp;
use crate::alert::Choice;
use crate::custody::Entry;
use crate::incident::Head;

/// A piece in a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EvidenceRow {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub number: String,
    /// The file's name.
    pub name: String,
    /// `receiving`, `sealed` or `disposed`.
    pub state: String,
    /// What it is, by its first bytes.
    pub kind: String,
    /// Bytes received.
    pub size_bytes: u64,
    /// Bytes it shall have.
    pub expected_bytes: u64,
    /// Its SHA-256, once it is sealed.
    pub sha256: Option<String>,
    /// Who handed it in.
    pub author: String,
    /// When.
    pub made_at: DateTime<Utc>,
    /// Until when it is kept.
    pub keep_until: DateTime<Utc>,
    /// Whether someone holds it.
    pub held: bool,
    /// What rules found in it; nothing before it was searched.
    pub findings: Option<u64>,
    /// Whether the reader began it, and may go on.
    pub own: bool,
}

impl EvidenceRow {
    pub(super) fn of(item: &Item, reader: event::AccountId) -> Self {
        Self {
            id: item.id.to_string(),
            number: item.number.clone(),
            name: item.name.clone(),
            state: item.state.word().to_owned(),
            kind: item.facts.kind.clone(),
            size_bytes: item.size_bytes,
            expected_bytes: item.expected_bytes,
            sha256: item.sha256.clone(),
            author: item.author.clone(),
            made_at: item.made_at,
            keep_until: item.keep_until,
            held: item.hold.is_some(),
            findings: item.examined.as_ref().map(|(_, tally)| tally.findings),
            own: item.account == reader && item.state == State::Receiving,
        }
    }

    /// Returns the key of the state's word.
    pub fn state_key(&self) -> &'static str {
        match self.state.as_str() {
            "receiving" => "evidence-state-receiving",
            "sealed" => "evidence-state-sealed",
            _ => "evidence-state-disposed",
        }
    }

    /// Returns the key of what it is.
    pub fn kind_key(&self) -> &'static str {
        match self.kind.as_str() {
            "evtx" => "evidence-kind-evtx",
            "gzip" | "zstd" | "zip" | "7z" | "rar" | "tar" => "evidence-kind-archive",
            "pdf" | "office" => "evidence-kind-document",
            "image" => "evidence-kind-image",
            "program" => "evidence-kind-program",
            "capture" => "evidence-kind-capture",
            "registry" => "evidence-kind-registry",
            "disk" => "evidence-kind-disk",
            "database" => "evidence-kind-database",
            "text" => "evidence-kind-text",
            "" => "evidence-kind-unknown",
            _ => "evidence-kind-binary",
        }
    }
}

/// A sealed export that was made or is under way.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ExportRow {
    /// The job's id.
    pub id: String,
    /// Whether it can be taken.
    pub ready: bool,
    /// How many pieces are in it.
    pub pieces: u64,
    /// Its size.
    pub size_bytes: u64,
    /// Its SHA-256.
    pub sha256: String,
    /// When it was made.
    pub made_at: Option<DateTime<Utc>>,
}

/// The tab of evidence of an incident.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "evidence/list.html")]
pub struct EvidenceList {
    /// Head and tabs.
    #[serde(flatten)]
    pub head: Head,
    /// The pieces, the oldest first.
    pub items: Vec<EvidenceRow>,
    /// The reader's sealed exports of it.
    pub exports: Vec<ExportRow>,
    /// The largest piece, in bytes.
    pub bytes_max: u64,
    /// The largest part, in bytes.
    pub part_bytes: u64,
}

/// A line of the chain of custody.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CustodyRow {
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: String,
    /// The word of what was done.
    pub act: String,
    /// What there is to say about it.
    pub detail: String,
}

impl From<Entry> for CustodyRow {
    fn from(entry: Entry) -> Self {
        Self { at: entry.at, actor: entry.actor, act: entry.act, detail: entry.detail }
    }
}

impl CustodyRow {
    /// Returns the key of what was done.
    pub fn act_key(&self) -> &'static str {
        match self.act.as_str() {
            "uploaded" => "evidence-act-uploaded",
            "seen" => "evidence-act-seen",
            "downloaded" => "evidence-act-downloaded",
            "exported" => "evidence-act-exported",
            "examined" => "evidence-act-examined",
            "scanned" => "evidence-act-scanned",
            "stamped" => "evidence-act-stamped",
            "given" => "evidence-act-given",
            "taken-over" => "evidence-act-taken-over",
            "held" => "evidence-act-held",
            "released" => "evidence-act-released",
            "kept" => "evidence-act-kept",
            _ => "evidence-act-disposed",
        }
    }
}

/// A remark.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RemarkRow {
    /// Who.
    pub author: String,
    /// When.
    pub made_at: DateTime<Utc>,
    /// Their words.
    pub text: String,
}

/// What a search came to.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ExaminedView {
    /// When.
    pub at: DateTime<Utc>,
    /// Files searched.
    pub files: u64,
    /// Records read.
    pub events: u64,
    /// Records that could not be read.
    pub unreadable: u64,
    /// Findings in all.
    pub findings: u64,
    /// What could not be searched.
    pub refused: Vec<String>,
}

/// What a scan with YARA rules came to.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ScanView {
    /// When.
    pub at: DateTime<Utc>,
    /// What came of it.
    #[serde(flatten)]
    pub scanned: Scanned,
}

/// A time stamp of an authority.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StampView {
    /// When the authority saw the digest.
    pub at: DateTime<Utc>,
    /// When its answer came.
    pub received_at: DateTime<Utc>,
    /// Whose it is.
    pub authority: String,
    /// The token's number, hexadecimal.
    pub serial: String,
    /// Under which policy.
    pub policy: String,
}

impl From<Stamp> for StampView {
    fn from(stamp: Stamp) -> Self {
        Self {
            at: stamp.at,
            received_at: stamp.received_at,
            authority: stamp.authority,
            serial: stamp.serial,
            policy: stamp.policy,
        }
    }
}

/// Something that a file says of itself.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SaidRow {
    /// What: `author`, `created`, `linked`, …
    pub key: String,
    /// As it stands there.
    pub value: String,
}

impl SaidRow {
    /// Returns the key of what it is.
    pub fn label(&self) -> &'static str {
        match self.key.as_str() {
            "form" => "evidence-said-form",
            "title" => "evidence-said-title",
            "author" => "evidence-said-author",
            "modifier" => "evidence-said-modifier",
            "created" => "evidence-said-created",
            "modified" => "evidence-said-modified",
            "printed" => "evidence-said-printed",
            "revision" => "evidence-said-revision",
            "program" => "evidence-said-program",
            "producer" => "evidence-said-producer",
            "keywords" => "evidence-said-keywords",
            "linked" => "evidence-said-linked",
            "packed-first" => "evidence-said-packed-first",
            "packed-last" => "evidence-said-packed-last",
            _ => "evidence-said-other",
        }
    }
}

/// A file in an archive.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct InsideRow {
    /// Its name.
    pub name: String,
    /// Its size.
    pub size_bytes: u64,
}

/// What an archive's own list of digests says.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ManifestView {
    /// Files that agree.
    pub good: u64,
    /// Files that do not, or lack.
    pub bad: Vec<String>,
}

impl From<Manifest> for ManifestView {
    fn from(manifest: Manifest) -> Self {
        Self { good: manifest.good, bad: manifest.bad }
    }
}

/// One piece.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "evidence/detail.html")]
pub struct EvidencePage {
    /// Head and tabs of its incident.
    #[serde(flatten)]
    pub head: Head,
    /// The piece.
    pub item: EvidenceRow,
    /// Where and how it was taken.
    pub source: String,
    /// When it was taken.
    pub collected_at: Option<DateTime<Utc>>,
    /// When the file was last written.
    pub modified_at: Option<DateTime<Utc>>,
    /// When its digest was taken.
    pub sealed_at: Option<DateTime<Utc>>,
    /// The first bytes.
    pub first_bytes: String,
    /// Its SHA-1; empty before it was searched.
    pub sha1: String,
    /// Its MD5.
    pub md5: String,
    /// What it says of itself.
    pub said: Vec<SaidRow>,
    /// An authority's time stamp, if there is one.
    pub stamp: Option<StampView>,
    /// Whether an authority is configured, so that there will be one.
    pub stamps: bool,
    /// Who gave it to whom.
    pub receipts: Vec<ReceiptRow>,
    /// To whom it can be handed over.
    pub people: Vec<Choice>,
    /// What a scan with YARA rules came to.
    pub scan: Option<ScanView>,
    /// Files in it, the first of many.
    pub inside: Vec<InsideRow>,
    /// How many there are.
    pub inside_count: u64,
    /// What its own list of digests says.
    pub manifest: Option<ManifestView>,
    /// Why it is held.
    pub hold_reason: Option<String>,
    /// Who holds it.
    pub held_by: Option<String>,
    /// Since when.
    pub held_at: Option<DateTime<Utc>>,
    /// Whether the logs of its incident are held, and it with them.
    pub incident_held: bool,
    /// Whether its bytes may be destroyed now.
    pub may_go: bool,
    /// What a search came to.
    pub examined: Option<ExaminedView>,
    /// What was found, the earliest first.
    pub found: Vec<Found>,
    /// Where that list stands.
    pub pager: Pager,
    /// Who did what with it.
    pub custody: Vec<CustodyRow>,
    /// What people say of it.
    pub notes: Vec<RemarkRow>,
}
