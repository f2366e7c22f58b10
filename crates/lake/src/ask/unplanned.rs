//! Why a SQL question cannot be planned: the name in it that is wrong, its place, and what may have been meant.
//! What is not recognised here is told in the engine's words ([`super::refusal`]).

use datafusion::common::{Column, SchemaError};
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
use event::lake::{LakeError, SqlFault, SqlWrong};
use event::query::{near_field, nearest};

use super::refusal::asked_or_failed;

/// Columns whose name is a word of SQL: without quotes they mean something else.
const WORDS_OF_SQL: [&str; 2] = ["user", "group"];

/// Returns why a question has no plan. `tables` are those that it may name.
pub(super) fn unplanned(error: DataFusionError, text: &str, tables: &[&str]) -> LakeError {
    let Some(mut fault) = fault(error.find_root(), tables) else { return asked_or_failed(error) };
    let span = error.diagnostic().and_then(|told| told.span);
    let at = span.map(|span| (span.start.line, span.start.column));
    fault.at = at.filter(|(line, _)| *line > 0).or_else(|| place_of(text, &fault.name));
    LakeError::Sql(fault)
}

/// Returns what is wrong with which name; its place is still to be found.
fn fault(root: &DataFusionError, tables: &[&str]) -> Option<SqlFault> {
    let fault = |wrong, name: &str, near: Vec<String>| SqlFault {
        wrong,
        name: name.to_owned(),
        at: None,
        near,
    };
    match root {
        DataFusionError::SchemaError(wrong, _) => match wrong.as_ref() {
            SchemaError::FieldNotFound { field, valid_fields } => Some(fault(
                SqlWrong::Column,
                &field.flat_name(),
                near_columns(field.name(), valid_fields),
            )),
            SchemaError::AmbiguousReference { field } => {
                Some(fault(SqlWrong::Ambiguous, &field.flat_name(), Vec::new()))
            }
            _ => None,
        },
        DataFusionError::Plan(told) => {
            if let Some(name) = between(told, "table '", "' not found") {
                let name = bare(name);
                let near = nearest(&name.to_lowercase(), tables.iter().copied());
                let near = near.map(ToOwned::to_owned).into_iter().collect();
                return Some(fault(SqlWrong::Table, name, near));
            }
            if let Some(name) = between(told, "table function '", "' not found") {
                return Some(fault(SqlWrong::Function, name, Vec::new()));
            }
            if let Some(name) = between(told, "Invalid function '", "'") {
                // The engine names one in any case, however far it is.
                let meant = told.split_once("Did you mean '").and_then(|(_, rest)| {
                    nearest(
                        &name.to_lowercase(),
                        rest.split_once('\'').map(|(one, _)| one).into_iter(),
                    )
                });
                let near = meant.map(ToOwned::to_owned).into_iter().collect();
                return Some(fault(SqlWrong::Function, name, near));
            }
            let (_, rest) = told.split_once("column \"")?;
            let (name, _) = rest.split_once("\" must appear in the GROUP BY clause")?;
            Some(fault(SqlWrong::Ungrouped, name, Vec::new()))
        }
        _ => None,
    }
}

/// Returns what stands between two texts, of which the first begins the whole.
fn between<'a>(told: &'a str, before: &str, after: &str) -> Option<&'a str> {
    told.strip_prefix(before)?.split_once(after).map(|(name, _)| name)
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

/// Returns the line and column where a name stands in a question, where the engine does not tell.
fn place_of(text: &str, name: &str) -> Option<(u64, u64)> {
    let last = name.rsplit('.').next().unwrap_or(name);
    let tokens = Tokenizer::new(&GenericDialect {}, text).tokenize_with_location().ok()?;
    tokens.iter().find_map(|token| {
        let is_it = match &token.token {
            Token::Word(word) => word.value.eq_ignore_ascii_case(last),
            Token::SingleQuotedString(word) => word == name,
            _ => false,
        };
        is_it.then_some((token.span.start.line, token.span.start.column))
    })
}
