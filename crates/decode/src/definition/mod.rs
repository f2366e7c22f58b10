//! A log source as its folder under `sources/` defines it: how to recognise it, how to read it, and
//! what its fields are called in our words. The format is described in `sources/README.md`.

mod alias;
mod compile;
mod condition;
mod error;
mod file;
mod rules;
mod variants;

use event::{Class, LazyRegex, LogSource, Name};

pub(crate) use alias::Aliases;
pub(crate) use condition::Conditions;
pub use error::SourceError;
pub(crate) use rules::Rules;
pub(crate) use variants::{Variant, Variants};

use crate::parsed::StatedTime;
use crate::text::delimited::Columns;

/// The text of a source's definition, as the caller read it: `decode` opens no files.
#[derive(Debug, Clone, Copy)]
pub struct SourceText<'a> {
    /// The folder's name, which is the source's id.
    pub folder: &'a str,
    /// What stands in its `source.toml`.
    pub definition: &'a str,
}

/// A log source that the decoder knows.
#[derive(Debug, Clone)]
pub struct SourceDefinition {
    /// The folder's name: `linux_sshd`.
    pub id: Name,
    /// What people call it, in Vietnamese.
    pub title_vi: String,
    /// What people call it, in English.
    pub title_en: String,
    /// How to connect it, in one or two Vietnamese sentences.
    pub connect_vi: String,
    /// How to connect it, in English.
    pub connect_en: String,
    /// What Sigma rules call it, when no variant says otherwise.
    pub logsource: LogSource,
    /// Its OCSF class, when no variant says otherwise.
    pub class: Class,
    /// A choice for a whole machine: records of programs that have a definition go to that one.
    pub(crate) delegates: bool,
    /// How its records are recognised.
    pub(crate) recognise: Recognise,
    /// How its records are read.
    pub(crate) format: Format,
    /// Which fields state the time, in order of preference.
    pub(crate) times: Vec<TimeFields>,
    /// Other names for fields, in every record.
    pub(crate) aliases: Aliases,
    /// Field names and values for every record.
    pub(crate) rules: Rules,
    /// The first that matches adds its groups and rules.
    pub(crate) patterns: Vec<Pattern>,
    /// The first that holds adds its rules.
    pub(crate) variants: Variants,
}

impl SourceDefinition {
    /// Returns every Sigma log source that a record of this source may have.
    pub fn logsources(&self) -> impl Iterator<Item = &LogSource> {
        let patterns = self.patterns.iter().map(|pattern| &pattern.meaning);
        let meanings = patterns.chain(self.variants.meanings());
        std::iter::once(&self.logsource).chain(meanings.filter_map(|own| own.logsource.as_ref()))
    }

    /// Returns which field of a record may become which attribute, whatever its pattern or variant; the
    /// empty name stands for a fixed value.
    pub(crate) fn feeds(&self) -> impl Iterator<Item = (&str, event::Attr)> {
        let patterns = self.patterns.iter().map(|pattern| &pattern.meaning);
        let meanings = patterns.chain(self.variants.meanings()).map(|meaning| &meaning.rules);
        std::iter::once(&self.rules).chain(meanings).flat_map(Rules::feeds)
    }

    /// Whether its records are JSON objects.
    pub(crate) const fn reads_json(&self) -> bool {
        matches!(self.format, Format::Json | Format::Windows)
    }

    /// Reads a definition and checks it whole.
    pub(crate) fn from_text(source: SourceText<'_>) -> Result<Self, SourceError> {
        compile::definition(source)
    }
}

/// How a record is read into fields.
#[derive(Debug, Clone)]
pub(crate) enum Format {
    Message,
    KeyValue,
    Cef,
    Leef,
    AccessLog,
    Delimited(Columns),
    Auditd,
    Filterlog,
    StructuredData,
    Json,
    Windows,
}

/// How `auto` finds out that a record is this source's: by its program, or else by its text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recognise {
    /// Lower-case syslog programs.
    pub(crate) programs: Vec<String>,
    /// Marks of the text; any of them will do.
    pub(crate) marks: Vec<Marks>,
    /// Conditions on the fields of a structured record; any of them will do.
    pub(crate) fields: Vec<Conditions>,
    /// Its lines begin with a date of their own, which may look like a syslog header's.
    pub(crate) has_own_date: bool,
    /// The lower, the sooner it is asked.
    pub(crate) rank: u32,
}

/// What a text must have; never empty.
#[derive(Debug, Clone)]
pub(crate) struct Marks {
    /// Any of these in front.
    pub(crate) starts_with: Vec<String>,
    /// All of these somewhere.
    pub(crate) contains: Vec<String>,
    /// What it must match besides.
    pub(crate) regex: Option<LazyRegex>,
}

impl Marks {
    fn hold(&self, content: &str) -> bool {
        (self.starts_with.is_empty()
            || self.starts_with.iter().any(|start| content.starts_with(start.as_str())))
            && self.contains.iter().all(|part| content.contains(part.as_str()))
            && self.regex.as_ref().is_none_or(|regex| regex.is_match(content))
    }
}

impl Recognise {
    /// Whether there is anything to recognise the text by.
    pub(crate) fn by_text(&self) -> bool {
        !self.marks.is_empty()
    }

    /// Whether the fields of a structured record are this source's.
    pub(crate) fn holds_for_fields(&self, fields: &event::Fields) -> bool {
        self.fields.iter().any(|conditions| !conditions.is_empty() && conditions.hold(fields))
    }

    /// Whether the text looks like this source's.
    pub(crate) fn holds(&self, content: &str) -> bool {
        self.marks.iter().any(|marks| marks.hold(content))
    }
}

/// Fields that state the time together, joined by a space.
#[derive(Debug, Clone)]
pub(crate) struct TimeFields {
    pub(crate) names: Vec<String>,
    /// The source writes UTC without saying so.
    pub(crate) is_utc: bool,
}

impl TimeFields {
    /// Reads the time from the fields; `None` if one is missing or it is no time.
    pub(crate) fn read(&self, fields: &event::Fields) -> Option<StatedTime> {
        match crate::time::read(&self.joined(fields)?)? {
            StatedTime::Local(local) if self.is_utc => Some(StatedTime::Exact(local.and_utc())),
            stated => Some(stated),
        }
    }

    /// Returns what the fields say; `None` if one is missing.
    pub(crate) fn joined(&self, fields: &event::Fields) -> Option<String> {
        let mut joined = String::new();
        for name in &self.names {
            let value = fields.get(name)?;
            if !joined.is_empty() {
                joined.push(' ');
            }
            joined.push_str(&one_of_all(value).text());
        }
        Some(joined)
    }
}

/// Returns the value that all members of a list are: a time that is written twice is one.
fn one_of_all(value: &event::Value) -> &event::Value {
    match value.members() {
        [first, others @ ..] if others.iter().all(|other| other == first) => first,
        _ => value,
    }
}

/// A regular expression on the message, with what it means.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    pub(crate) regex: LazyRegex,
    /// The named groups: position and field name.
    pub(crate) groups: Vec<(usize, Name)>,
    pub(crate) meaning: Meaning,
}

/// What a pattern or a variant says about the record.
#[derive(Debug, Clone)]
pub(crate) struct Meaning {
    pub(crate) class: Option<Class>,
    pub(crate) logsource: Option<LogSource>,
    pub(crate) rules: Rules,
}

#[cfg(test)]
mod tests;
