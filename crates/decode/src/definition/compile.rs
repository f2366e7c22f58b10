//! Checks a `source.toml` and makes it quick to use.

use event::{Attr, Class, LazyRegex, LogSource, Name, RegexFlags, Value};

use super::condition::{Condition, Test};
use super::file::{
    FieldsFile, FormatWord, MarksFile, MatchFile, PatternFile, SourceFile, Table, TimeFile,
    VariantFile, ZoneWord,
};
use super::rules::Words;
use super::{
    Aliases, Conditions, Format, Marks, Meaning, Pattern, Recognise, Rules, SourceDefinition,
    SourceError, SourceText, TimeFields, Variant, Variants,
};
use crate::limits::REGEX_BYTES_MAX;
use crate::text::delimited::{ColumnName, Columns};

/// Where a definition stands among the others unless it says so.
const RANK_DEFAULT: u32 = 50;

/// What is wrong, and in which key; the folder is added at the end.
type Fault = (String, String);

/// Reads a definition and checks it whole.
pub(super) fn definition(source: SourceText<'_>) -> Result<SourceDefinition, SourceError> {
    let file: SourceFile = toml::from_str(source.definition).map_err(|error| SourceError {
        folder: source.folder.to_owned(),
        line: error.span().map(|span| line_of(source.definition, span.start)),
        field: None,
        message: error.message().to_owned(),
    })?;
    checked(source.folder, file).map_err(|(field, message)| SourceError {
        folder: source.folder.to_owned(),
        line: line_naming(source.definition, &field),
        field: Some(field),
        message,
    })
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = text.get(..offset).unwrap_or(text);
    before.matches('\n').count().saturating_add(1)
}

/// The line on which the last part of a key stands: a hint, for keys that occur once.
fn line_naming(text: &str, field: &str) -> Option<usize> {
    let key = field.rsplit('.').next()?;
    let mut found = (1..).zip(text.lines()).filter(|(_, line)| {
        let line = line.trim_start().trim_start_matches(['"', '\'']);
        line.strip_prefix(key).is_some_and(|rest| rest.starts_with([' ', '=', '"', '\'']))
    });
    let first = found.next()?.0;
    found.next().is_none().then_some(first)
}

fn checked(folder: &str, file: SourceFile) -> Result<SourceDefinition, Fault> {
    if file.id != folder {
        let message = format!("`{}` must be the folder's name, `{folder}`", file.id);
        return Err(("id".to_owned(), message));
    }
    let format = format(&file)?;
    let rules = rules("", &file.map, &file.set, &file.values)?;
    let patterns = numbered("pattern", file.patterns, pattern)?;
    let variants = numbered("variant", file.variants, variant)?;
    Ok(SourceDefinition {
        id: Name::Owned(file.id),
        title_vi: file.title_vi,
        title_en: file.title_en,
        connect_vi: file.connect_vi,
        connect_en: file.connect_en,
        class: class("class", file.class.as_deref())?.unwrap_or(Class::BaseEvent),
        logsource: logsource(file.logsource),
        delegates: file.delegates,
        recognise: recognise(file.recognise)?,
        format,
        times: file.time.into_iter().map(time_fields).collect(),
        aliases: aliases("", &file.alias)?,
        rules,
        patterns,
        variants: Variants::new(variants),
    })
}

fn numbered<F, T>(
    key: &str,
    files: Vec<F>,
    compile: impl Fn(&str, F) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    (1_usize..)
        .zip(files)
        .map(|(number, file)| compile(&format!("{key}[{number}]."), file))
        .collect()
}

fn format(file: &SourceFile) -> Result<Format, Fault> {
    Ok(match file.format {
        FormatWord::Message => Format::Message,
        FormatWord::KeyValue => Format::KeyValue,
        FormatWord::Cef => Format::Cef,
        FormatWord::Leef => Format::Leef,
        FormatWord::AccessLog => Format::AccessLog,
        FormatWord::Auditd => Format::Auditd,
        FormatWord::Filterlog => Format::Filterlog,
        FormatWord::StructuredData => Format::StructuredData,
        FormatWord::Json => Format::Json,
        FormatWord::Windows => Format::Windows,
        FormatWord::Delimited => {
            let Some(own) = &file.delimited else {
                let message = "format `delimited` needs a [delimited] table".to_owned();
                return Err(("delimited".to_owned(), message));
            };
            Format::Delimited(Columns {
                separator: own.separator,
                names: own.columns.iter().map(|name| ColumnName::from_text(name)).collect(),
                at_least: own.at_least.unwrap_or(own.columns.len()),
            })
        }
    })
}

fn recognise(file: MatchFile) -> Result<Recognise, Fault> {
    let first =
        MarksFile { starts_with: file.starts_with, contains: file.contains, regex: file.regex };
    let mut all_marks = Vec::new();
    for own in std::iter::once(first).chain(file.or) {
        all_marks.extend(marks(own)?);
    }
    Ok(Recognise {
        programs: file.programs.iter().map(|program| program.to_ascii_lowercase()).collect(),
        marks: all_marks,
        has_own_date: file.own_date,
        fields: match &file.fields {
            FieldsFile::All(table) => vec![conditions("match.fields.", table)?],
            FieldsFile::AnyOf(tables) => tables
                .iter()
                .map(|table| conditions("match.fields.", table))
                .collect::<Result<_, _>>()?,
        },
        rank: file.rank.unwrap_or(RANK_DEFAULT),
    })
}

/// Returns what a text must have; `None` if that is nothing.
fn marks(file: MarksFile) -> Result<Option<Marks>, Fault> {
    if file.starts_with.is_empty() && file.contains.is_empty() && file.regex.is_none() {
        return Ok(None);
    }
    let regex =
        file.regex.map(|text| LazyRegex::new(&text, RegexFlags::default(), REGEX_BYTES_MAX));
    let regex = regex.transpose().map_err(|error| ("match.regex".to_owned(), error.to_string()))?;
    Ok(Some(Marks { starts_with: file.starts_with, contains: file.contains, regex }))
}

fn time_fields(file: TimeFile) -> TimeFields {
    match file {
        TimeFile::One(name) => TimeFields { names: vec![name], is_utc: false },
        TimeFile::Joined(names) => TimeFields { names, is_utc: false },
        TimeFile::Zoned { fields, zone } => {
            TimeFields { names: fields, is_utc: zone == ZoneWord::Utc }
        }
    }
}

fn pattern(key: &str, file: PatternFile) -> Result<Pattern, Fault> {
    let regex = LazyRegex::new(&file.regex, RegexFlags::default(), REGEX_BYTES_MAX)
        .map_err(|error| (format!("{key}regex"), format!("pattern `{}`: {error}", file.name)))?;
    let groups = regex.groups().iter();
    let groups = groups.map(|(at, name)| (*at, Name::Owned(field_of_group(name)))).collect();
    let meaning = Meaning {
        class: class(&format!("{key}class"), file.class.as_deref())?,
        logsource: file.logsource.map(logsource),
        rules: rules(key, &file.map, &file.set, &file.values)?,
    };
    Ok(Pattern { regex, groups, meaning })
}

/// `user__2` is the field `user` again: a regular expression may not name two groups the same.
fn field_of_group(name: &str) -> String {
    match name.rsplit_once("__") {
        Some((field, number)) if number.bytes().all(|b| b.is_ascii_digit()) => field.to_owned(),
        _ => name.to_owned(),
    }
}

fn variant(key: &str, file: VariantFile) -> Result<Variant, Fault> {
    let place = |field: &str| match &file.name {
        Some(name) => format!("{key}{field} ({name})"),
        None => format!("{key}{field}"),
    };
    let when = conditions(&format!("{key}when."), &file.when)?;
    if when.is_empty() {
        return Err((place("when"), "a variant needs a condition".to_owned()));
    }
    let meaning = Meaning {
        class: class(&place("class"), file.class.as_deref())?,
        logsource: file.logsource.map(logsource),
        rules: rules(key, &file.map, &file.set, &file.values)?,
    };
    Ok(Variant { when, aliases: aliases(key, &file.alias)?, meaning })
}

/// Sigma names are lower case.
fn logsource(given: LogSource) -> LogSource {
    let lower = |name: Option<Name>| name.map(|name| Name::Owned(name.to_ascii_lowercase()));
    LogSource {
        product: lower(given.product),
        category: lower(given.category),
        service: lower(given.service),
    }
}

fn class(field: &str, word: Option<&str>) -> Result<Option<Class>, Fault> {
    let Some(word) = word else { return Ok(None) };
    match Class::from_word(word) {
        Some(class) => Ok(Some(class)),
        None => Err((field.to_owned(), format!("`{word}` is no known class"))),
    }
}

fn attr(field: &str, name: &str) -> Result<Attr, Fault> {
    Attr::from_name(name)
        .ok_or_else(|| (field.to_owned(), format!("`{name}` is no known attribute")))
}

/// The texts of a value that is one scalar or a list of them.
fn texts(field: &str, value: &toml::Value) -> Result<Vec<String>, Fault> {
    match value {
        toml::Value::String(text) => Ok(vec![text.clone()]),
        toml::Value::Integer(number) => Ok(vec![number.to_string()]),
        toml::Value::Boolean(truth) => Ok(vec![truth.to_string()]),
        toml::Value::Array(members) => {
            let mut all = Vec::new();
            for member in members {
                if member.is_array() {
                    return Err((field.to_owned(), "lists do not nest".to_owned()));
                }
                all.extend(texts(field, member)?);
            }
            Ok(all)
        }
        other => {
            Err((field.to_owned(), format!("expected text or a list, found {}", other.type_str())))
        }
    }
}

fn conditions(key: &str, table: &Table) -> Result<Conditions, Fault> {
    let mut all = Vec::new();
    for (field, value) in table {
        let tests = texts(&format!("{key}{field}"), value)?;
        let any_of = tests.iter().map(|text| Test::from_text(text)).collect();
        all.push(Condition { field: field.clone(), any_of });
    }
    Ok(Conditions(all))
}

fn aliases(key: &str, table: &Table) -> Result<Aliases, Fault> {
    let mut all = Vec::new();
    for (name, own) in table {
        let sources = texts(&format!("{key}alias.{name}"), own)?;
        all.push((Name::Owned(name.clone()), sources));
    }
    Ok(Aliases::new(all))
}

fn rules(key: &str, map: &Table, set: &Table, values: &Table) -> Result<Rules, Fault> {
    let mut rules = Rules::default();
    for (field, targets) in map {
        let place = format!("{key}map.{field}");
        let names = texts(&place, targets)?;
        let attrs = names.iter().map(|name| attr(&place, name)).collect::<Result<_, _>>()?;
        rules.map.push((Name::Owned(field.clone()), attrs));
    }
    for (name, value) in set {
        let place = format!("{key}set.{name}");
        let value = match value {
            toml::Value::Integer(number) => Value::Int(*number),
            toml::Value::String(text) => Value::Text(text.clone()),
            other => {
                let message = format!("expected text or a number, found {}", other.type_str());
                return Err((place, message));
            }
        };
        rules.set.push((attr(&place, name)?, value));
    }
    for (name, table) in values {
        let place = format!("{key}values.{name}");
        rules.values.push((attr(&place, name)?, words(&place, table)?));
    }
    Ok(rules)
}

fn words(place: &str, table: &toml::Value) -> Result<Words, Fault> {
    let Some(table) = table.as_table() else {
        return Err((place.to_owned(), "expected a table of words".to_owned()));
    };
    let mut words = Words::default();
    for (own, ours) in table {
        let Some(ours) = ours.as_str() else {
            return Err((format!("{place}.{own}"), "expected text".to_owned()));
        };
        if own == "*" {
            words.other = Some(ours.to_owned());
        } else {
            words.pairs.push((own.clone(), ours.to_owned()));
        }
    }
    Ok(words)
}
