//! The plain texts of which a regular expression needs at least one: they say, in the same pass as
//! all other texts, that the expression need not be tried.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};

use crate::letter_case::{fold, fold_char};

/// Shorter texts stand in so many values that looking for them spares nothing.
const CHARS_MIN: usize = 3;

/// An expression with more alternatives than this is tried on every value.
const ALTERNATIVES_MAX: usize = 64;

/// Returns texts, folded, of which a value (folded) must hold at least one for the expression to
/// match; `None` if nothing useful is needed.
pub(crate) fn needed(expression: &str) -> Option<Vec<String>> {
    // Flags set beside the text (`re|i`) need not be known here: what is left of a text once folded is
    // in every folded value that matches, whatever its case.
    let hir = ParserBuilder::new().build().parse(expression).ok()?;
    let mut texts = of(&hir)?;
    texts.sort_unstable();
    texts.dedup();
    texts.iter().all(|text| text.chars().count() >= CHARS_MIN).then_some(texts)
}

fn of(hir: &Hir) -> Option<Vec<String>> {
    match hir.kind() {
        HirKind::Literal(_) | HirKind::Class(_) => text_of(hir).map(|text| vec![text]),
        HirKind::Capture(capture) => of(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => of(&repetition.sub),
        HirKind::Concat(parts) => best(parts),
        HirKind::Alternation(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(of(part)?);
            }
            (all.len() <= ALTERNATIVES_MAX).then_some(all)
        }
        HirKind::Empty | HirKind::Look(_) | HirKind::Repetition(_) => None,
    }
}

/// The longest run of plain characters, or the alternatives of the part that asks for the longest.
fn best(parts: &[Hir]) -> Option<Vec<String>> {
    let mut found: Vec<Vec<String>> = Vec::new();
    let mut run = String::new();
    for part in parts {
        if let Some(text) = text_of(part) {
            run.push_str(&text);
        } else {
            found.push(vec![std::mem::take(&mut run)]);
            found.extend(of(part));
        }
    }
    found.push(vec![run]);
    let shortest = |texts: &Vec<String>| texts.iter().map(String::len).min().unwrap_or(0);
    found.into_iter().max_by_key(shortest)
}

/// Returns the folded text if this is one: plain characters, or classes of one letter in all cases.
fn text_of(hir: &Hir) -> Option<String> {
    match hir.kind() {
        HirKind::Literal(literal) => std::str::from_utf8(&literal.0).ok().map(fold),
        HirKind::Capture(capture) => text_of(&capture.sub),
        HirKind::Class(Class::Unicode(class)) => {
            /// No letter has more forms.
            const FORMS_MAX: usize = 4;
            let mut chars = class.iter().flat_map(|range| range.start()..=range.end());
            let first = fold_char(chars.next()?);
            let mut rest = chars.take(FORMS_MAX);
            rest.all(|other| fold_char(other) == first).then(|| first.to_string())
        }
        HirKind::Concat(parts) => parts.iter().map(text_of).collect(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_expression_needs_is_found() {
        for (expression, want) in [
            ("abc", Some(vec!["abc"])),
            ("(?i)AbC.*x", Some(vec!["abc"])),
            ("^.*(powershell|pwsh)\\.exe$", Some(vec![".exe"])),
            ("[0-9]{4}-secret", Some(vec!["-secret"])),
            ("(a|bcd)", None),
            ("a?b*", None),
            ("(?:abc)?", None),
            ("(?:abc)+", Some(vec!["abc"])),
            ("\\{[0-5]\\}.*-f", Some(vec!["-f"])),
            ("ab", None),
        ] {
            let want: Option<Vec<String>> =
                want.map(|texts| texts.into_iter().map(ToOwned::to_owned).collect());
            let want = want.filter(|texts| texts.iter().all(|text| text.len() >= CHARS_MIN));
            assert_eq!(needed(expression), want, "{expression}");
        }
    }

    #[test]
    fn a_value_that_matches_always_holds_one_of_the_texts() {
        let cases = [
            ("(?i)k[eE]y=", "\u{212a}EY="),
            ("(?i)straSSe|weg12", "STRASSE"),
            ("(?s)begin.*end12", "begin\nEND12 end12"),
            ("(x|yy)abc{2,}", "yyabcc"),
        ];
        for (expression, value) in cases {
            let regex = regex::Regex::new(expression).unwrap();
            assert!(regex.is_match(value), "{expression}");
            if let Some(texts) = needed(expression) {
                let folded = fold(value);
                assert!(texts.iter().any(|text| folded.contains(text)), "{expression} {texts:?}");
            }
        }
    }
}
