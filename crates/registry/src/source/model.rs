//! What a log source is, and what a form may say about one.

use chrono::{DateTime, Utc};
use event::{AgencyId, SourceId, SystemId};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::{AppError, FieldErrors, Phrase};

use super::connect::ParserInfo;
use crate::limits;
use crate::system::net_text;
use crate::text::{check_code, check_length, check_name, clean};

/// How records of a source come in. The words stand in the database: append only.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// By HTTP with a token: shippers and programs.
    Http,
    /// By syslog, known by the sender's address: network devices, Unix machines.
    Syslog,
    /// From a file that this server can read.
    File,
}

impl SourceKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Http, Self::Syslog, Self::File];

    /// Returns the word used in columns, forms and addresses.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Syslog => "syslog",
            Self::File => "file",
        }
    }

    /// Returns the kind that a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Returns the language key of the kind's name.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Http => "registry-source-kind-http",
            Self::Syslog => "registry-source-kind-syslog",
            Self::File => "registry-source-kind-file",
        }
    }
}

/// A log source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSource {
    /// Its id.
    pub id: SourceId,
    /// The agency it belongs to.
    pub agency: AgencyId,
    /// The system it watches; `None` for one shared by several (a firewall, a directory server).
    pub system: Option<SystemId>,
    /// Short name in addresses, imports and drills (`DVC-NGINX`).
    pub code: String,
    /// Its name.
    pub name: String,
    /// How its records come in.
    pub kind: SourceKind,
    /// What reads them: `auto` or a folder of `sources/`.
    pub parser: String,
    /// SHA-256 of its token, hex (HTTP only).
    pub token_hash: Option<String>,
    /// The token's last characters.
    pub token_hint: Option<String>,
    /// The listener's name (syslog only); `None` is any.
    pub listener: Option<String>,
    /// The senders' addresses (syslog only); empty is any address of that listener.
    pub peers: Vec<IpNet>,
    /// The file or pattern (file only).
    pub path: Option<String>,
    /// Zone of times that state none, in minutes ahead of UTC.
    pub utc_offset_minutes: i32,
    /// Silence longer than this is reported.
    pub silence_after_s: i32,
    /// Whether its records are taken.
    pub enabled: bool,
    /// When it was connected.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// Counts changes.
    pub version: i32,
}

/// What a form or program says about a log source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceDraft {
    /// Id of the agency; not needed when a system is named.
    #[schema(value_type = Option<String>)]
    pub agency: Option<AgencyId>,
    /// Id of the system it watches.
    #[schema(value_type = Option<String>)]
    pub system: Option<SystemId>,
    /// Short name; made up when it is not given.
    #[serde(default)]
    pub code: String,
    /// Name.
    #[serde(default)]
    pub name: String,
    /// `http`, `syslog` or `file`; cannot be changed later.
    #[serde(default)]
    pub kind: String,
    /// `auto` or a parser's id.
    #[serde(default)]
    pub parser: String,
    /// Listener's name (syslog).
    pub listener: Option<String>,
    /// Senders' addresses, one a line (syslog).
    #[serde(default)]
    pub peers: String,
    /// File or pattern (file).
    pub path: Option<String>,
    /// Zone of times that state none, in minutes ahead of UTC; 420 is Vietnam.
    pub utc_offset_minutes: Option<i32>,
    /// Minutes of silence that are reported.
    pub silence_minutes: Option<i32>,
    /// The version that the change is made from.
    pub version: Option<i32>,
}

/// Vietnam's zone, for records that state none.
const VIETNAM_OFFSET_MINUTES: i32 = 420;

/// Silence that is reported unless set: an office's quietest source speaks every quarter hour.
const SILENCE_MINUTES: i32 = 15;

/// A draft whose every field fits.
#[derive(Debug, Clone)]
pub(super) struct Checked {
    pub(super) draft: SourceDraft,
    pub(super) kind: SourceKind,
    pub(super) peers: Vec<IpNet>,
    pub(super) utc_offset_minutes: i32,
    pub(super) silence_after_s: i32,
}

impl SourceDraft {
    /// Returns the draft with tidy, typed fields; `parsers` are those that exist besides `auto`.
    ///
    /// # Errors
    /// [`AppError::Invalid`] with every field that does not fit.
    pub(super) fn checked(mut self, parsers: &[ParserInfo]) -> Result<Checked, AppError> {
        self.name = clean(&self.name);
        self.code = clean(&self.code);
        self.listener = self.listener.as_deref().map(clean).filter(|name| !name.is_empty());
        self.path = self.path.as_deref().map(clean).filter(|path| !path.is_empty());
        if self.parser.is_empty() {
            "auto".clone_into(&mut self.parser);
        }
        let mut errors = FieldErrors::default();
        check_name(&mut errors, "name", &self.name);
        if !self.code.is_empty() {
            check_code(&mut errors, "code", &self.code);
        }
        if self.parser != "auto" && !parsers.iter().any(|info| info.id == self.parser) {
            errors.add("parser", Phrase::key("registry-field-choose"));
        }
        if self.agency.is_none() && self.system.is_none() {
            errors.add("agency", Phrase::key("registry-source-needs-owner"));
        }
        let peers = crate::system::check_nets(&mut errors, "peers", &self.peers);
        let utc_offset_minutes = self.utc_offset_minutes.unwrap_or(VIETNAM_OFFSET_MINUTES);
        if !(-720..=840).contains(&utc_offset_minutes) {
            errors.add("utc_offset_minutes", Phrase::key("registry-field-choose"));
        }
        let silence_after_s = self.silence_minutes.unwrap_or(SILENCE_MINUTES).saturating_mul(60);
        if !(limits::SILENCE_MIN_S..=limits::SILENCE_MAX_S).contains(&silence_after_s) {
            errors.add("silence_minutes", Phrase::key("registry-source-silence-range"));
        }
        for (field, text) in [("listener", &self.listener), ("path", &self.path)] {
            let text = text.as_deref().unwrap_or_default();
            check_length(&mut errors, field, text, limits::NAME_CHARS_MAX);
        }
        let kind = SourceKind::from_word(&self.kind);
        match kind {
            None => errors.add("kind", Phrase::key("registry-field-choose")),
            Some(SourceKind::File) if self.path.is_none() => {
                errors.add("path", Phrase::key("registry-field-empty"));
            }
            Some(SourceKind::Syslog) if peers.is_empty() && self.listener.is_none() => {
                errors.add("peers", Phrase::key("registry-source-needs-peers"));
            }
            Some(_) => {}
        }
        match kind {
            Some(kind) if errors.is_empty() => {
                Ok(Checked { draft: self, kind, peers, utc_offset_minutes, silence_after_s })
            }
            _ => Err(AppError::Invalid(errors)),
        }
    }
}

impl From<&LogSource> for SourceDraft {
    fn from(source: &LogSource) -> Self {
        Self {
            agency: Some(source.agency),
            system: source.system,
            code: source.code.clone(),
            name: source.name.clone(),
            kind: source.kind.word().to_owned(),
            parser: source.parser.clone(),
            listener: source.listener.clone(),
            peers: source.peers.iter().map(net_text).collect::<Vec<_>>().join("\n"),
            path: source.path.clone(),
            utc_offset_minutes: Some(source.utc_offset_minutes),
            silence_minutes: Some(source.silence_after_s / 60),
            version: Some(source.version),
        }
    }
}

/// Which sources a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFilter {
    /// Part of the name or parser; diacritics do not matter.
    pub q: Option<String>,
    /// Only this kind.
    pub kind: Option<String>,
    /// Only this agency's.
    pub agency: Option<AgencyId>,
    /// Only this system's.
    pub system: Option<SystemId>,
    /// Only those in this state: `live`, `silent`, `waiting`, `failing`, `disabled`.
    pub state: Option<String>,
}
