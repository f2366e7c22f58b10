//! `source.toml` as it is written; `compile` checks it and makes it quick to use.

use event::LogSource;
use serde::Deserialize;

/// A table that keeps the file's order (the toml crate is built with `preserve_order`).
pub(super) type Table = toml::Table;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SourceFile {
    pub(super) id: String,
    pub(super) title_vi: String,
    pub(super) title_en: String,
    #[serde(default)]
    pub(super) connect_vi: String,
    #[serde(default)]
    pub(super) connect_en: String,
    pub(super) format: FormatWord,
    #[serde(default)]
    pub(super) class: Option<String>,
    #[serde(default)]
    pub(super) logsource: LogSource,
    #[serde(default)]
    pub(super) time: Vec<TimeFile>,
    #[serde(default)]
    pub(super) delegates: bool,
    #[serde(default, rename = "match")]
    pub(super) recognise: MatchFile,
    #[serde(default)]
    pub(super) delimited: Option<DelimitedFile>,
    #[serde(default)]
    pub(super) alias: Table,
    #[serde(default)]
    pub(super) map: Table,
    #[serde(default)]
    pub(super) set: Table,
    #[serde(default)]
    pub(super) values: Table,
    #[serde(default, rename = "pattern")]
    pub(super) patterns: Vec<PatternFile>,
    #[serde(default, rename = "variant")]
    pub(super) variants: Vec<VariantFile>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FormatWord {
    Message,
    KeyValue,
    Cef,
    Leef,
    AccessLog,
    Delimited,
    Auditd,
    Filterlog,
    StructuredData,
    Json,
    Windows,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum TimeFile {
    One(String),
    Joined(Vec<String>),
    Zoned { fields: Vec<String>, zone: ZoneWord },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ZoneWord {
    Utc,
    Local,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct MatchFile {
    pub(super) programs: Vec<String>,
    pub(super) starts_with: Vec<String>,
    pub(super) contains: Vec<String>,
    pub(super) regex: Option<String>,
    pub(super) or: Vec<MarksFile>,
    pub(super) fields: FieldsFile,
    pub(super) own_date: bool,
    pub(super) rank: Option<u32>,
}

/// Other marks of a text, of which each in the table must hold.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct MarksFile {
    pub(super) starts_with: Vec<String>,
    pub(super) contains: Vec<String>,
    pub(super) regex: Option<String>,
}

/// One table of conditions, or several of which any may hold.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum FieldsFile {
    All(Table),
    AnyOf(Vec<Table>),
}

impl Default for FieldsFile {
    fn default() -> Self {
        Self::AnyOf(Vec::new())
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DelimitedFile {
    pub(super) separator: char,
    pub(super) columns: Vec<String>,
    #[serde(default)]
    pub(super) at_least: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PatternFile {
    pub(super) name: String,
    pub(super) regex: String,
    #[serde(default)]
    pub(super) class: Option<String>,
    #[serde(default)]
    pub(super) logsource: Option<LogSource>,
    #[serde(default)]
    pub(super) map: Table,
    #[serde(default)]
    pub(super) set: Table,
    #[serde(default)]
    pub(super) values: Table,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VariantFile {
    #[serde(default)]
    pub(super) name: Option<String>,
    pub(super) when: Table,
    #[serde(default)]
    pub(super) class: Option<String>,
    #[serde(default)]
    pub(super) logsource: Option<LogSource>,
    #[serde(default)]
    pub(super) alias: Table,
    #[serde(default)]
    pub(super) map: Table,
    #[serde(default)]
    pub(super) set: Table,
    #[serde(default)]
    pub(super) values: Table,
}
