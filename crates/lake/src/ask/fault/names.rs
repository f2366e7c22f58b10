//! Names in a SQL question that mean nothing, or more than one thing.

use datafusion::common::{Column, SchemaError};
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::tokenizer::Token;
use event::lake::{SqlFault, SqlWrong};
use event::query::{near_field, nearest};

use super::asked::Asked;
use super::{about, between, whole};

/// Columns whose name is a word of SQL: without quotes they mean something else.
const WORDS_OF_SQL: [&str; 2] = ["user", "group"];

/// Types of values that a question may name.
const TYPES: [&str; 8] =
    ["text", "bigint", "int", "double", "boolean", "date", "timestamp", "interval"];

/// Returns what is wrong with which name; its place is still to be found.
pub(super) fn fault(root: &DataFusionError, asked: &Asked<'_>) -> Option<SqlFault> {
    match root {
        DataFusionError::SchemaError(wrong, _) => match wrong.as_ref() {
            SchemaError::FieldNotFound { field, valid_fields } => {
                Some(column(field, valid_fields, asked))
            }
            SchemaError::AmbiguousReference { field } => {
                Some(about(SqlWrong::Ambiguous, &field.flat_name()))
            }
            _ => None,
        },
        DataFusionError::NotImplemented(told) => {
            let name = told.strip_prefix("Unsupported SQL type ")?;
            let near = near(name, TYPES.into_iter()).map(str::to_uppercase);
            Some(SqlFault { near: near.into_iter().collect(), ..about(SqlWrong::Type, name) })
        }
        DataFusionError::Plan(told) => planned(told, asked),
        _ => None,
    }
}

/// A column that is not there.
fn column(field: &Column, valid: &[Column], asked: &Asked<'_>) -> SqlFault {
    if valid.is_empty() && !asked.tokens.is_empty() && !asked.has_word("from") {
        return SqlFault { at: Some(asked.end()), ..whole(SqlWrong::NoFrom) };
    }
    let near = near_columns(field.name(), valid);
    let is_quoted = |token: &Token| matches!(token, Token::Word(word) if word.value == field.name && word.quote_style.is_some());
    let is_value = near.is_empty() && asked.place_where(is_quoted).is_some();
    let wrong = if is_value { SqlWrong::Quoted } else { SqlWrong::Column };
    SqlFault { near, ..about(wrong, &field.flat_name()) }
}

/// What the planner tells of names in a sentence.
fn planned(told: &str, asked: &Asked<'_>) -> Option<SqlFault> {
    if told.starts_with("table '")
        && let Some(name) = between(told, "table '", "' not found")
    {
        let name = bare(name);
        let near = near(name, asked.tables.iter().copied()).map(ToOwned::to_owned);
        return Some(SqlFault { near: near.into_iter().collect(), ..about(SqlWrong::Table, name) });
    }
    if let Some(name) = between(told, "table function '", "' not found") {
        return Some(about(SqlWrong::Function, name));
    }
    if let Some(name) = between(told, "Invalid function '", "'") {
        // The engine names one in any case, however far it is.
        let meant = between(told, "Did you mean '", "'");
        let near = near(name, meant.into_iter()).map(ToOwned::to_owned);
        return Some(SqlFault {
            near: near.into_iter().collect(),
            ..about(SqlWrong::Function, name)
        });
    }
    if told.starts_with("Aggregate functions are not allowed in the WHERE clause") {
        return Some(about(SqlWrong::Summed, "WHERE"));
    }
    let name = between(told, "column \"", "\" must appear in the GROUP BY clause")?;
    Some(about(SqlWrong::Ungrouped, name))
}

fn near<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    nearest(&name.to_lowercase(), names)
}

/// Returns a table's name without the engine's names for the place of our tables.
fn bare(name: &str) -> &str {
    let name = name.strip_prefix("datafusion.").unwrap_or(name);
    name.strip_prefix("public.").unwrap_or(name)
}

/// Returns the columns that may have been meant: by what other products call it, and by its letters.
fn near_columns(name: &str, valid: &[Column]) -> Vec<String> {
    let names = || valid.iter().map(Column::name);
    let known = near_field(name).filter(|near| names().any(|name| name == *near));
    let mut near: Vec<String> = Vec::new();
    for name in [known, nearest(&name.to_lowercase(), names())].into_iter().flatten() {
        let name = quoted(name);
        if !near.contains(&name) {
            near.push(name);
        }
    }
    near
}

/// Returns a column's name as a question must write it.
fn quoted(name: &str) -> String {
    let is_plain = name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
    if is_plain && !WORDS_OF_SQL.contains(&name) {
        return name.to_owned();
    }
    format!("\"{}\"", name.replace('"', "\"\""))
}
