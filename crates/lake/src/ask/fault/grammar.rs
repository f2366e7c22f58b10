//! What is wrong with the grammar of a SQL question.

use datafusion::sql::sqlparser::parser::ParserError;
use event::lake::{SqlFault, SqlWrong};
use event::query::nearest;

use super::asked::{Asked, At, place};
use super::{about, between, whole};
use crate::schema::SCHEMA;

/// Words that begin the parts of a question.
const PARTS: [&str; 8] = ["select", "from", "where", "group", "having", "order", "limit", "offset"];

/// Words that are easily misspelt.
const WORDS: [&str; 27] = [
    "select", "from", "where", "group", "having", "order", "limit", "offset", "and", "between",
    "like", "ilike", "join", "left", "inner", "union", "distinct", "case", "when", "then", "else",
    "end", "null", "desc", "with", "exists", "using",
];

/// Quotes of word processors: they are none in SQL.
const CURLY: [char; 6] = ['‘', '’', '“', '”', '´', '„'];

/// Letters of what the engine names as wanted, at most: longer ones are descriptions.
const WANTED_MAX: usize = 40;

/// Returns what is wrong; its place is that of the engine, or the end of the question.
pub(super) fn fault(error: &ParserError, asked: &Asked<'_>) -> Option<SqlFault> {
    let (told, at) = match error {
        ParserError::RecursionLimitExceeded => return Some(whole(SqlWrong::TooDeep)),
        ParserError::TokenizerError(told) => {
            let (told, at) = placed(told);
            return unclosed(told, at, asked);
        }
        ParserError::ParserError(told) => placed(told),
    };
    if let (Some(_), Some(at)) = (told.strip_prefix("No infix parser for token "), at) {
        let sign = asked.token_at(at).and_then(|number| asked.token(number))?;
        let near = if sign.to_string() == "!" { vec!["<>".to_owned()] } else { Vec::new() };
        return Some(SqlFault {
            at: Some(at),
            near,
            ..about(SqlWrong::Unexpected, &sign.to_string())
        });
    }
    let (wanted, found) = told.strip_prefix("Expected: ")?.rsplit_once(", found: ")?;
    let found = if found == "EOF" { "" } else { found };
    let number = at.and_then(|at| asked.token_at(at));
    let fault = bracket(wanted, found, asked)
        .or_else(|| curly(found))
        .or_else(|| misspelt(number, asked))
        .or_else(|| incomplete(number, asked))
        .or_else(|| by_wanted(wanted, found))?;
    Some(SqlFault { at: fault.at.or(at).or_else(|| Some(asked.end())), ..fault })
}

/// Cuts a message of the engine in two: what it says, and where.
fn placed(told: &str) -> (&str, Option<At>) {
    let parts = told.rsplit_once(" at Line: ").and_then(|(why, place)| {
        let (line, column) = place.split_once(", Column: ")?;
        Some((why, (line.parse().ok()?, column.parse().ok()?)))
    });
    match parts {
        Some((why, at)) => (why, Some(at)),
        None => (told, None),
    }
}

/// A quote or comment without an end.
fn unclosed(told: &str, at: Option<At>, asked: &Asked<'_>) -> Option<SqlFault> {
    let (sign, at) = if told.starts_with("Unterminated string literal") {
        ("'", at)
    } else if let Some(sign) = between(told, "Expected close delimiter '", "' before EOF") {
        (sign, at)
    } else if told.starts_with("Unexpected EOF while in a multi-line comment") {
        ("/*", asked.text.rfind("/*").map(|byte| asked.place_at(byte)))
    } else {
        return None;
    };
    Some(SqlFault { at, ..about(SqlWrong::Unclosed, sign) })
}

/// A bracket without an end or a beginning.
fn bracket(wanted: &str, found: &str, asked: &Asked<'_>) -> Option<SqlFault> {
    let (open, unopened) = asked.brackets();
    if wanted == ")" && open.is_some() {
        return Some(SqlFault { at: open, ..about(SqlWrong::Unclosed, "(") });
    }
    if found == ")" && unopened.is_some() {
        return Some(SqlFault { at: unopened, ..about(SqlWrong::Unopened, ")") });
    }
    None
}

/// A quote as word processors make it.
fn curly(found: &str) -> Option<SqlFault> {
    let is_curly = found.starts_with(CURLY);
    is_curly.then(|| SqlFault { near: vec!["'".to_owned()], ..about(SqlWrong::Unexpected, found) })
}

/// A word of SQL with a letter wrong, there or before: what follows such a word is what the engine stumbles over.
fn misspelt(number: Option<usize>, asked: &Asked<'_>) -> Option<SqlFault> {
    let number = number.unwrap_or(asked.tokens.len());
    [number.checked_sub(1), Some(number)].into_iter().flatten().find_map(|number| {
        let word = asked.word(number)?;
        if WORDS.contains(&word.as_str()) || SCHEMA.index_of(&word).is_ok() {
            return None;
        }
        let near = nearest(&word, WORDS.into_iter())?.to_uppercase();
        let at = asked.tokens.get(number).map(place);
        let name = asked.token(number)?.to_string();
        Some(SqlFault { at, near: vec![near], ..about(SqlWrong::Unexpected, &name) })
    })
}

/// `GROUP` and `ORDER` without `BY`.
fn incomplete(number: Option<usize>, asked: &Asked<'_>) -> Option<SqlFault> {
    let number = number?;
    let word = asked.word(number)?;
    let next = asked.word(number + 1);
    if !matches!(word.as_str(), "group" | "order") || next.as_deref() == Some("by") {
        return None;
    }
    let name = asked.token(number + 1).map(ToString::to_string).unwrap_or_default();
    let at = asked.tokens.get(number + 1).map_or_else(|| asked.end(), place);
    Some(SqlFault { at: Some(at), ..about(SqlWrong::Wanted("BY".to_owned()), &name) })
}

/// What the engine would have wanted there.
fn by_wanted(wanted: &str, found: &str) -> Option<SqlFault> {
    let is_part = PARTS.contains(&found.to_lowercase().as_str());
    let wrong = match wanted {
        "an SQL statement" => SqlWrong::Wanted("SELECT".to_owned()),
        "end of statement" if is_part => SqlWrong::OutOfOrder,
        "end of statement" => SqlWrong::Unexpected,
        "an expression" => SqlWrong::NoValue,
        "identifier" => SqlWrong::NoName,
        wanted => {
            // Words and signs as SQL writes them; all else describes what is wanted in English.
            let is_sql = !wanted.contains(|c: char| c.is_lowercase());
            if !is_sql || wanted.len() > WANTED_MAX {
                return None;
            }
            SqlWrong::Wanted(wanted.to_owned())
        }
    };
    Some(about(wrong, found))
}
