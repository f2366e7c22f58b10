//! Attributes' values as flat JSON lines state them.

use std::borrow::Cow;

use event::Value;

use super::encode::AttrColumn;
use super::json::first_value;
use super::scan::Token;

/// Appends a value to its column; returns the text that stands there, if it is one of texts, and the
/// value itself, if the column alone would not give it back.
pub(super) fn push_attr<'a>(
    column: &mut AttrColumn,
    token: Token,
    text: &'a str,
    line: &str,
) -> (Option<Cow<'a, str>>, Option<serde_json::Value>) {
    match (column, token) {
        (column, Token::Nested(_)) => {
            let kept = list_or_text(text);
            let AttrColumn::Text(column) = column else { return (None, Some(kept)) };
            let value = first_value(&kept.to_string());
            let stored: Cow<'a, str> = match value {
                Ok(value) => Cow::Owned(value.text().into_owned()),
                Err(_) => Cow::Borrowed(text),
            };
            column.append_value(&stored);
            (Some(stored), Some(kept))
        }
        (AttrColumn::Text(column), _) => {
            column.append_value(text);
            (Some(Cow::Borrowed(text)), None)
        }
        (AttrColumn::Int(column), _) => match text.parse::<i64>() {
            Ok(number) if is_usual(text) => {
                column.append_value(number);
                (None, None)
            }
            _ => {
                let value = first_value(&token.json(line)).and_then(serde_json::to_value);
                (None, Some(value.unwrap_or_default()))
            }
        },
    }
}

/// Returns whether a whole number is written as everyone writes it: reading it back gives the same text.
fn is_usual(number: &str) -> bool {
    let digits = number.strip_prefix('-').unwrap_or(number);
    number == "0" || matches!(digits.as_bytes().first(), Some(b'1'..=b'9'))
}

/// Returns a list of plain values as it is; everything else within a value is kept as its text.
pub(super) fn list_or_text(json: &str) -> serde_json::Value {
    let is_list = |value: &Value| match value {
        Value::List(members) => !members.iter().any(|member| matches!(member, Value::List(_))),
        _ => false,
    };
    let list = first_value(json).ok().filter(is_list);
    list.and_then(|list| serde_json::to_value(list).ok()).unwrap_or_else(|| json.into())
}
