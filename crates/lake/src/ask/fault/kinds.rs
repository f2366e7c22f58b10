//! Values in a SQL question that are of another kind than what they stand beside.

use arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::tokenizer::Token;
use event::lake::{SqlFault, SqlKind, SqlWrong};

use super::asked::{Asked, At};
use super::{about, between, whole};
use crate::schema::SCHEMA;

/// What the engine says before two kinds with an operator between them, and behind.
const TOGETHER: [(&str, &str); 7] = [
    ("Cannot infer common argument type for comparison operation ", ""),
    ("Cannot infer common argument type for logical boolean operation ", ""),
    ("Cannot infer common argument type for regex operation ", ""),
    ("Cannot infer common argument type for operation ", ""),
    ("Cannot infer common type for bitwise operation ", ""),
    ("Cannot infer common string type for string concat operation ", ""),
    ("Cannot coerce arithmetic expression ", " to valid types"),
];

/// Operators as the engine writes them between two kinds.
const OPERATORS: [&str; 24] = [
    "IS NOT DISTINCT FROM",
    "IS DISTINCT FROM",
    "AND",
    "OR",
    "<=",
    ">=",
    "!=",
    "=",
    "<",
    ">",
    "!~*",
    "!~",
    "~*",
    "~",
    "||",
    "+",
    "-",
    "*",
    "/",
    "%",
    "&",
    "|",
    "<<",
    ">>",
];

/// What the engine says of arguments that a function does not take.
const UNTAKEN: [&str; 6] = [
    "does not support zero arguments",
    " expects ",
    " requires ",
    "failed to match any signature",
    "user-defined coercion failed",
    "Failed to coerce arguments",
];

/// Parts of a moment that functions can be asked for.
const PARTS: [&str; 11] =
    ["year", "quarter", "month", "week", "day", "hour", "minute", "second", "dow", "doy", "epoch"];

/// Returns what is wrong; its place is still to be found where it is none here.
pub(super) fn fault(root: &DataFusionError, asked: &Asked<'_>) -> Option<SqlFault> {
    match root {
        DataFusionError::ArrowError(error, _) => computed(error),
        DataFusionError::Plan(told) | DataFusionError::NotImplemented(told)
            if told.starts_with("No SQL statements were provided") =>
        {
            let fault = whole(SqlWrong::Wanted("SELECT".to_owned()));
            Some(SqlFault { at: Some(asked.end()), ..fault })
        }
        DataFusionError::Plan(told) | DataFusionError::NotImplemented(told)
            if told.contains("only supports a single SQL statement") =>
        {
            Some(whole(SqlWrong::NotOneSelect))
        }
        DataFusionError::Plan(told)
        | DataFusionError::Execution(told)
        | DataFusionError::Internal(told) => era(told)
            .or_else(|| together(told, asked))
            .or_else(|| function(told, asked))
            .or_else(|| choice(told))
            .or_else(|| condition(told, asked))
            .or_else(|| limit(told))
            .or_else(|| pattern(told)),
        DataFusionError::NotImplemented(told) => {
            let near = vec!["LIMIT".to_owned()];
            (told == "TOP").then(|| SqlFault { near, ..about(SqlWrong::Unexpected, told) })
        }
        DataFusionError::External(error) => pattern(&error.to_string()),
        DataFusionError::ParquetError(error) => in_condition(&error.to_string(), asked),
        _ => None,
    }
}

/// What the engine says where a condition fails while files are read.
pub(super) const IN_CONDITION: &str = "Error evaluating filter predicate: ";

/// What came up in a condition while files were read, of which the engine keeps no more than a text.
fn in_condition(told: &str, asked: &Asked<'_>) -> Option<SqlFault> {
    let (_, told) = told.split_once(IN_CONDITION)?;
    if told.starts_with("ArrowError(DivideByZero") {
        return Some(whole(SqlWrong::DivideByZero));
    }
    let (kind, rest) = told.split_once("(\"")?;
    let (why, _) = rest.rsplit_once("\")")?;
    let why = why.split("\"), Some(").next()?.replace("\\\"", "\"").replace("\\\\", "\\");
    match kind {
        "ArrowError(ArithmeticOverflow" => computed(&ArrowError::ArithmeticOverflow(why)),
        "ArrowError(CastError" => computed(&ArrowError::CastError(why)),
        "ArrowError(ParseError" => computed(&ArrowError::ParseError(why)),
        "ArrowError(ComputeError" => computed(&ArrowError::ComputeError(why)),
        "Execution" => fault(&DataFusionError::Execution(why), asked),
        _ => pattern(&why.replace("\\n", "\n")),
    }
}

/// What came up while values were read or counted with.
fn computed(error: &ArrowError) -> Option<SqlFault> {
    match error {
        ArrowError::DivideByZero => Some(whole(SqlWrong::DivideByZero)),
        ArrowError::ArithmeticOverflow(_) => Some(whole(SqlWrong::Overflow)),
        ArrowError::ComputeError(told) if told.contains("verflow") => {
            Some(whole(SqlWrong::Overflow))
        }
        // A sum that is wider than what it sums up.
        ArrowError::CastError(told)
            if told.starts_with("value of ") && told.contains(" is out of range ") =>
        {
            Some(whole(SqlWrong::Overflow))
        }
        ArrowError::CastError(told)
        | ArrowError::ParseError(told)
        | ArrowError::ComputeError(told) => era(told).or_else(|| {
            if let Some(value) = between(told, "Error parsing timestamp from '", "': ") {
                return Some(about(SqlWrong::Value(SqlKind::Time), value));
            }
            if let Some(value) = between(told, "Invalid input syntax for type interval: \"", "\"") {
                return Some(about(SqlWrong::Value(SqlKind::Span), value));
            }
            let (value, rest) = told.strip_prefix("Cannot cast string '")?.rsplit_once("' to ")?;
            let kind = between(rest, "value of ", " type")?;
            Some(about(SqlWrong::Value(kind_of(kind)), value))
        }),
        ArrowError::ExternalError(error) => pattern(&error.to_string()),
        _ => None,
    }
}

/// A moment that nanoseconds cannot count.
fn era(told: &str) -> Option<SqlFault> {
    let is_too_far = told.contains("to Nanosecond. The dates that can be represented")
        || told.starts_with("The dates that can be represented as nanoseconds")
        || (told.contains("to Timestamp(ns")
            && told.contains("converted value exceeds the representable"))
        || (told.starts_with("Timestamp ") && told.ends_with(" out of range"));
    is_too_far.then(|| whole(SqlWrong::Era))
}

/// Two kinds that an operator does not take together.
fn together(told: &str, asked: &Asked<'_>) -> Option<SqlFault> {
    let (left, operator, right) = TOGETHER
        .into_iter()
        .find_map(|(before, after)| told.strip_prefix(before)?.strip_suffix(after))
        .and_then(apart)
        .or_else(|| in_expression(told))?;
    let (left, right) = (kind_of(left), kind_of(right));
    let at = operator_at(operator, (left, right), asked);
    Some(SqlFault { at, ..about(SqlWrong::Kinds(left, right), operator) })
}

/// Cuts `LEFT OPERATOR RIGHT` apart.
fn apart(told: &str) -> Option<(&str, &str, &str)> {
    OPERATORS.into_iter().find_map(|operator| {
        let (left, right) = told.split_once(&format!(" {operator} "))?;
        Some((left, operator, right))
    })
}

/// Cuts `… LEFT and RIGHT in OPERATOR expression` and its like apart.
fn in_expression(told: &str) -> Option<(&str, &str, &str)> {
    if let Some(rest) = told.strip_prefix("Can not find compatible types to compare ") {
        let (left, right) = rest.split_once(" with [")?;
        return Some((left, "IN", right.split(", ").next()?.trim_end_matches(']')));
    }
    let rest = told
        .strip_prefix("There isn't a common type to coerce ")
        .or_else(|| told.strip_prefix("Failed to coerce types "))?;
    let (left, rest) = rest.split_once(" and ")?;
    let (right, rest) = rest.split_once(" in ")?;
    Some((left, rest.split(" expression").next()?, right))
}

/// Returns where the operator stands between values that may be of these kinds, if that is one place.
fn operator_at(operator: &str, kinds: (SqlKind, SqlKind), asked: &Asked<'_>) -> Option<At> {
    let fits = |number: Option<usize>, kind: SqlKind| {
        let token = number.and_then(|number| asked.token(number));
        token.and_then(kind_of_token).is_none_or(|own| own == kind)
    };
    let mut places = asked.tokens.iter().enumerate().filter(|(number, token)| {
        let sign = token.token.to_string();
        let is_it = sign.eq_ignore_ascii_case(operator) || (sign == "<>" && operator == "!=");
        is_it && fits(number.checked_sub(1), kinds.0) && fits(Some(number + 1), kinds.1)
    });
    let (_, first) = places.next()?;
    places.next().is_none().then(|| super::asked::place(first))
}

/// Returns the kind of a value or column; nothing where it cannot be told from the word alone.
fn kind_of_token(token: &Token) -> Option<SqlKind> {
    match token {
        Token::Number(..) => Some(SqlKind::Number),
        Token::SingleQuotedString(_) => Some(SqlKind::Text),
        Token::Word(word) => {
            let column = SCHEMA.field_with_name(&word.value.to_lowercase()).ok()?;
            Some(kind_of(&column.data_type().to_string()))
        }
        _ => None,
    }
}

/// Returns the kind of a type that the engine names.
fn kind_of(name: &str) -> SqlKind {
    // The first that fits: "Interval" begins as "Int" does.
    const KINDS: [(&[&str], SqlKind); 5] = [
        (&["Interval", "Duration"], SqlKind::Span),
        (&["Utf8", "LargeUtf8", "String"], SqlKind::Text),
        (&["Int", "UInt", "Float", "Decimal", "Numeric"], SqlKind::Number),
        (&["Timestamp", "Date"], SqlKind::Time),
        (&["Boolean"], SqlKind::Truth),
    ];
    let found = KINDS.iter().find(|(names, _)| names.iter().any(|own| name.starts_with(own)));
    found.map_or(SqlKind::Other, |(_, kind)| *kind)
}

/// Arguments that a function does not take.
fn function(told: &str, asked: &Asked<'_>) -> Option<SqlFault> {
    if told.starts_with("Substring without for/from") {
        return Some(about(SqlWrong::Arguments, "substr"));
    }
    if !UNTAKEN.iter().any(|words| told.contains(words)) {
        return None;
    }
    let zero = told.strip_prefix('\'').and_then(|rest| rest.split_once("' does not support zero"));
    let name = match zero {
        Some((name, _)) => name,
        None => between(told, "Function '", "'")
            .or_else(|| between(told, "satisfy a call to '", "' function"))?,
    };
    let wanted = between(told, "requires ", ", but received ")
        .or_else(|| between(told, "expects ", " but received "));
    let given = told.split_once("but received ").map(|(_, given)| given);
    let is_counted = given.is_none_or(|given| given.starts_with(|c: char| c.is_ascii_digit()));
    let wrong = match (wanted, given) {
        (Some(wanted), Some(given)) if !is_counted => {
            SqlWrong::Argument(kind_of(wanted), kind_of(given))
        }
        _ => SqlWrong::Arguments,
    };
    let calls = asked.tokens.windows(2).find(|pair| match pair {
        [word, bracket] => {
            let is_name =
                matches!(&word.token, Token::Word(word) if word.value.eq_ignore_ascii_case(name));
            is_name && bracket.token == Token::LParen
        }
        _ => false,
    });
    let at = calls.and_then(|pair| pair.first()).map(super::asked::place);
    Some(SqlFault { at, ..about(wrong, name) })
}

/// A part of a moment that there is not.
fn choice(told: &str) -> Option<SqlFault> {
    let name = between(told, "Unsupported date_trunc granularity: '", "'")
        .or_else(|| between(told, "Date part '", "' not supported"))?;
    let near = event::query::nearest(&name.to_lowercase(), PARTS.into_iter());
    let near = near.map_or_else(|| PARTS.to_vec(), |near| vec![near]);
    let near = near.into_iter().map(ToOwned::to_owned).collect();
    Some(SqlFault { near, ..about(SqlWrong::Choice, name) })
}

/// What rows are chosen by, and is neither true nor false.
fn condition(told: &str, asked: &Asked<'_>) -> Option<SqlFault> {
    if let Some(kind) =
        told.strip_prefix("Unary operator 'NOT' requires a boolean expression, got ")
    {
        let not = asked.after("not");
        let name = not.and_then(|number| asked.token(number)).map(ToString::to_string);
        let at = not.and_then(|number| asked.tokens.get(number)).map(super::asked::place);
        let fault = about(SqlWrong::NoCondition(kind_of(kind)), name.as_deref().unwrap_or("NOT"));
        return Some(SqlFault { at, ..fault });
    }
    let rest = told.strip_prefix("Cannot create filter with non-boolean predicate '")?;
    let (name, kind) = rest.rsplit_once("' returning ")?;
    let name = name.strip_prefix("events.").unwrap_or(name);
    // Where rows are chosen, not where the column stands first.
    let first = asked.after("where").unwrap_or(0);
    let at = asked.tokens.iter().skip(first).find(|token| token.token.to_string() == name);
    let fault = about(SqlWrong::NoCondition(kind_of(kind)), name);
    Some(SqlFault { at: at.map(super::asked::place), ..fault })
}

/// A count of rows that is none.
fn limit(told: &str) -> Option<SqlFault> {
    const PARTS: [&str; 2] = ["LIMIT", "OFFSET"];
    let name = PARTS.into_iter().find(|name| {
        told.starts_with(&format!("{name} must be >= 0"))
            || told.starts_with(&format!("Expected {name} to be an integer"))
    })?;
    Some(about(SqlWrong::Limit, name))
}

/// A regular expression that cannot be read; it stands in the message's second line.
fn pattern(told: &str) -> Option<SqlFault> {
    let (_, rest) = told.split_once("regex parse error:\n")?;
    let name = rest.lines().next().unwrap_or_default().trim();
    Some(about(SqlWrong::Pattern, name))
}
