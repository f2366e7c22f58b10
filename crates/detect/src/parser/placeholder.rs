//! `%name%` in values under `expand`: found, and replaced by the values given for the name.
//!
//! A name is made of letters, digits, `_`, `-` and `.`, of which the last two do not begin it; any other `%` is
//! itself, and so is `\%`.

use super::Context;
use crate::error::{Fault, Place, RuleErrorKind};
use crate::limits::EXPANSIONS_MAX;

/// A part of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece<'t> {
    Text(String),
    Name(&'t str),
}

/// Returns the names of the placeholders in a value.
pub(super) fn names(text: &str) -> Vec<String> {
    let names = pieces(text).into_iter().filter_map(|piece| match piece {
        Piece::Name(name) => Some(name.to_owned()),
        Piece::Text(_) => None,
    });
    names.collect()
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        plain.push_str(before);
        if before.ends_with('\\') {
            plain.pop();
            plain.push('%');
            rest = after;
            continue;
        }
        match after.split_once('%') {
            Some((name, behind)) if is_name(name) => {
                if !plain.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut plain)));
                }
                pieces.push(Piece::Name(name));
                rest = behind;
            }
            _ => {
                plain.push('%');
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    pieces
}

fn is_name(text: &str) -> bool {
    !text.starts_with(['-', '.'])
        && !text.is_empty()
        && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

/// How the parts of a value are read.
pub(super) struct Reading<'r, T> {
    /// What the rule wrote round its placeholders.
    pub(super) text: &'r dyn Fn(&str) -> Vec<T>,
    /// A value given for a placeholder.
    pub(super) value: &'r dyn Fn(&str) -> Vec<T>,
}

/// Replaces the placeholders of a value by the values given for them, in all combinations.
pub(super) fn expand<T: Clone>(
    text: &str,
    at: Place,
    context: Context<'_>,
    reading: &Reading<'_, T>,
) -> Result<Vec<Vec<T>>, Fault> {
    let mut variants: Vec<Vec<T>> = vec![Vec::new()];
    for piece in pieces(text) {
        let choices: Vec<Vec<T>> = match piece {
            Piece::Text(text) => vec![(reading.text)(&text)],
            Piece::Name(name) => {
                let Some(values) = context.placeholders.get(name) else {
                    return Err(Fault {
                        kind: RuleErrorKind::Placeholder,
                        ..Fault::rule(at, format!("the placeholder `%{name}%` has no value"))
                            .hint("give it one by a pipeline with `vars` and `value_placeholders`")
                    });
                };
                values.iter().map(|value| (reading.value)(value)).collect()
            }
        };
        if variants.len().saturating_mul(choices.len()) > EXPANSIONS_MAX {
            return Err(Fault::unsupported(at, "too many variants of one value"));
        }
        variants = variants
            .iter()
            .flat_map(|variant| choices.iter().map(|choice| [variant.as_slice(), choice].concat()))
            .collect();
    }
    Ok(variants)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percent_sign_is_itself_unless_it_stands_round_a_name() {
        let text = |text: &str| Piece::Text(text.to_owned());
        for (written, want) in [
            ("%a%", vec![Piece::Name("a")]),
            ("x%a%y%b_1%", vec![text("x"), Piece::Name("a"), text("y"), Piece::Name("b_1")]),
            (r"\%plain%name%", vec![text("%plain"), Piece::Name("name")]),
            ("50%", vec![text("50%")]),
            ("50% of %a%", vec![text("50% of "), Piece::Name("a")]),
            ("%%", vec![text("%%")]),
            ("%app data%", vec![text("%app data%")]),
            ("%jump-hosts.v4%", vec![Piece::Name("jump-hosts.v4")]),
            ("%-1%", vec![text("%-1%")]),
            ("", vec![]),
        ] {
            assert_eq!(pieces(written), want, "{written}");
        }
    }
}
