//! What screens show of a rule.

use event::{LogSource, Severity};
use serde::Serialize;

/// A rule as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleInfo {
    /// The rule's id; for a rule without one its name, or its file and document number.
    pub id: String,
    /// The rule's `name`, by which correlations and drills refer to it.
    pub name: Option<String>,
    /// The title as written (English).
    pub title: String,
    /// The Vietnamese title (our own attribute `title_vi`).
    pub title_vi: Option<String>,
    /// The description as written.
    pub description: Option<String>,
    /// The Vietnamese description (our own attribute `description_vi`).
    pub description_vi: Option<String>,
    /// How bad a finding is; `medium` for a rule that does not say.
    pub level: Severity,
    /// `stable`, `test`, `experimental` …
    pub status: Option<String>,
    /// ATT&CK and other tags.
    pub tags: Vec<String>,
    /// Who wrote it.
    pub author: Option<String>,
    /// Where to read more.
    pub references: Vec<String>,
    /// What may look the same and be harmless.
    pub falsepositives: Vec<String>,
    /// What to do first, in order (our own attribute `first_steps`).
    pub first_steps: Vec<FirstStep>,
    /// The events it looks at; empty for a correlation.
    pub logsource: LogSource,
    /// The file it stands in, as the caller named it.
    pub path: String,
    /// The line its document starts on.
    pub line: usize,
    /// It counts other rules' matches instead of looking at events.
    pub is_correlation: bool,
    /// It learns what is usual and finds what is not.
    pub is_baseline: bool,
    /// It makes findings of its own. `false` for a rule that only feeds a correlation, as the Sigma
    /// specification wants it (a correlation with `generate: true` keeps its rules audible).
    pub is_audible: bool,
}

/// One of the first steps that a rule advises.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FirstStep {
    /// In Vietnamese.
    pub vi: String,
    /// In English.
    pub en: String,
}
