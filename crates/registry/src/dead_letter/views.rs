//! The pages of dead letters.

use askama::Template;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use web::paging::Pager;
use web::{Permission, filters};

use super::model::StoredLetter;
use crate::forms::Choice;
use crate::{Snapshot, limits};

/// A dead letter in a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct LetterRow {
    pub(crate) id: String,
    pub(crate) source: Option<String>,
    pub(crate) source_name: Option<String>,
    pub(crate) agency_name: Option<String>,
    pub(crate) collected_at: DateTime<Utc>,
    pub(crate) peer: Option<String>,
    pub(crate) code: String,
    pub(crate) detail: String,
    pub(crate) size: u64,
    pub(crate) state: String,
    /// The beginning of the text.
    pub(crate) preview: String,
    #[serde(skip)]
    pub(crate) state_key: &'static str,
}

/// Characters of a letter shown in the list.
const PREVIEW_CHARS: usize = 100;

impl LetterRow {
    /// Returns the row of a letter.
    pub(crate) fn new(letter: &StoredLetter, snapshot: &Snapshot) -> Self {
        let binding = letter.source.and_then(|id| snapshot.binding(id));
        let beginning = letter.bytes.get(..PREVIEW_CHARS * 4).unwrap_or(&letter.bytes);
        Self {
            id: letter.id.to_string(),
            source: letter.source.map(|id| id.to_string()),
            source_name: binding.map(|binding| binding.name.clone()),
            agency_name: binding.map(|binding| binding.agency_name.clone()),
            collected_at: letter.collected_at,
            peer: letter.peer.map(|peer| peer.to_string()),
            code: letter.reason.code.clone(),
            detail: letter.reason.detail.clone(),
            size: letter.bytes.len() as u64,
            state: letter.state.word().to_owned(),
            preview: readable(beginning).chars().take(PREVIEW_CHARS).collect(),
            state_key: letter.state.key(),
        }
    }
}

/// How many letters wait for one reason.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ReasonCount {
    pub(crate) code: String,
    pub(crate) count: u64,
}

/// The list.
#[derive(Debug, Template, Serialize, ToSchema)]
#[template(path = "dead_letter/list.html")]
pub(crate) struct LetterList {
    pub(crate) rows: Vec<LetterRow>,
    pub(crate) reasons: Vec<ReasonCount>,
    pub(crate) pager: Pager,
    #[serde(skip)]
    pub(crate) states: Vec<Choice>,
    #[serde(skip)]
    pub(crate) codes: Vec<Choice>,
    #[serde(skip)]
    pub(crate) source: Option<String>,
    #[serde(skip)]
    pub(crate) code: Option<String>,
    #[serde(skip)]
    pub(crate) query: String,
}

/// One letter, whole enough to see what is wrong with it.
#[derive(Debug, Template, Serialize, ToSchema)]
#[template(path = "dead_letter/detail.html")]
pub(crate) struct LetterDetail {
    pub(crate) row: LetterRow,
    pub(crate) closed_at: Option<DateTime<Utc>>,
    /// The beginning as text; bytes that are none show as `�`.
    pub(crate) text: String,
    /// The beginning as bytes.
    pub(crate) hex: String,
    /// Whether there is more than is shown.
    pub(crate) cut: bool,
    pub(crate) open: bool,
}

impl LetterDetail {
    /// Returns the page of a letter.
    pub(crate) fn new(letter: &StoredLetter, snapshot: &Snapshot) -> Self {
        let shown = letter.bytes.get(..limits::DEAD_LETTER_SHOWN_BYTES).unwrap_or(&letter.bytes);
        Self {
            row: LetterRow::new(letter, snapshot),
            closed_at: letter.closed_at,
            text: readable(shown),
            hex: hex_lines(shown),
            cut: shown.len() < letter.bytes.len(),
            open: letter.state == super::DeadLetterState::New,
        }
    }
}

/// Returns bytes as text that no terminal or browser takes for more: control characters become their
/// pictures (␀ ␛), and marks that turn the direction of writing become `�`.
pub(crate) fn readable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .chars()
        .map(|c| match c {
            '\n' | '\t' => c,
            '\0'..='\u{1f}' => {
                char::from_u32(0x2400 + u32::from(c)).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            '\u{7f}' => '\u{2421}',
            '\u{80}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                char::REPLACEMENT_CHARACTER
            }
            c => c,
        })
        .collect()
}

/// Returns bytes in the usual three columns: position, hex, characters.
pub(crate) fn hex_lines(bytes: &[u8]) -> String {
    let line = |(index, chunk): (usize, &[u8])| {
        let hex: Vec<String> = chunk.iter().map(|byte| format!("{byte:02x}")).collect();
        let shown = |byte: &u8| if (b' '..=b'~').contains(byte) { char::from(*byte) } else { '.' };
        let text: String = chunk.iter().map(shown).collect();
        format!("{:08x}  {:<47}  {text}\n", index * 16, hex.join(" "))
    };
    bytes.chunks(16).enumerate().map(line).collect()
}
