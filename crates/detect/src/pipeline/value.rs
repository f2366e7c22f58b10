//! Values of items, seen and changed as the reference converter does it: with the wildcards that
//! `contains`, `startswith` and `endswith` put round them.

use std::borrow::Cow;
use std::ops::Range;

use regex::Regex;

use crate::error::Fault;
use crate::number::Number;
use crate::parser::draft::DraftItem;
use crate::pattern::{Token, tokens};
use crate::yaml::{Node, NodeKind, Scalar};

/// A change of values.
#[derive(Debug, Clone)]
pub(super) enum ValueChange {
    Replace(Replacement),
    /// Whole values, by their plain text.
    Map(Vec<(String, Vec<String>)>),
    Set(Node),
    ToText,
    ToNumber,
    Case(LetterCase),
    /// The value regards case from now on (the `regex` change of method `plain`).
    Cased,
    /// Nothing: what it stands for is how this engine works anyway.
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LetterCase {
    Lower,
    Upper,
    Snake,
}

/// A replacement by regular expression.
#[derive(Debug, Clone)]
pub(super) struct Replacement {
    pub(super) regex: Regex,
    /// In the writing of the `regex` crate.
    pub(super) with: String,
    /// Wildcards stay as they are; only the text between them changes.
    pub(super) skip_special: bool,
    /// `*` and `?` in what was put in are wildcards.
    pub(super) interpret_special: bool,
}

/// The modifiers under which a value is plain text.
const TEXT: [&str; 7] = ["all", "neq", "cased", "contains", "startswith", "endswith", "expand"];

fn has(item: &DraftItem<'_>, name: &str) -> bool {
    item.modifiers.iter().any(|(own, _)| *own == name)
}

/// Returns a value's text and wildcards; `None` if it is no text (a network, an expression, null …).
pub(super) fn seen(item: &DraftItem<'_>, node: &Node) -> Option<Vec<Token>> {
    if !item.modifiers.iter().all(|(name, _)| TEXT.contains(name)) {
        return None;
    }
    let mut seen = tokens(node.as_text()?);
    let anywhere = has(item, "contains");
    if (anywhere || has(item, "endswith")) && seen.first() != Some(&Token::Any) {
        seen.insert(0, Token::Any);
    }
    if (anywhere || has(item, "startswith")) && seen.last() != Some(&Token::Any) {
        seen.push(Token::Any);
    }
    Some(seen)
}

/// Returns whether a value is this, wildcards and all.
pub(super) fn is(item: &DraftItem<'_>, own: &Node, wanted: &str) -> bool {
    seen(item, own).is_some_and(|seen| seen == tokens(wanted))
}

pub(super) fn has_wildcard(tokens: &[Token]) -> bool {
    tokens.iter().any(|token| !matches!(token, Token::Text(_)))
}

/// Returns the text with its wildcards as `*` and `?`; where these are plain text, a backslash stands before them.
pub(super) fn plain(tokens: &[Token]) -> String {
    pieces(tokens).iter().map(|(shown, _)| shown.as_str()).collect()
}

/// Returns the characters and wildcards of a text, each as it is shown and as what it is.
fn pieces(tokens: &[Token]) -> Vec<(String, Token)> {
    let mut pieces = Vec::new();
    for token in tokens {
        match token {
            Token::Any => pieces.push(("*".to_owned(), Token::Any)),
            // Comes of a modifier, which is carried out later.
            Token::Dash => pieces.push(("-".to_owned(), Token::Dash)),
            Token::One => pieces.push(("?".to_owned(), Token::One)),
            Token::Text(text) => pieces.extend(text.chars().map(|c| {
                let escape = if matches!(c, '*' | '?') { "\\" } else { "" };
                (format!("{escape}{c}"), Token::Text(c.to_string()))
            })),
        }
    }
    pieces
}

/// Returns the text as a rule would write it, with no more escapes than needed.
fn written(tokens: &[Token]) -> String {
    let mut out = String::new();
    // From the end, because a backslash needs an escape only before what it would escape.
    for token in tokens.iter().rev() {
        match token {
            Token::Any => out.insert(0, '*'),
            Token::One => out.insert(0, '?'),
            Token::Dash => out.insert(0, '-'),
            Token::Text(text) => {
                for c in text.chars().rev() {
                    let before_special = out.starts_with(['*', '?', '\\']);
                    out.insert(0, c);
                    if matches!(c, '*' | '?') || (c == '\\' && before_special) {
                        out.insert(0, '\\');
                    }
                }
            }
        }
    }
    out
}

/// Reads a text in which a backslash is itself except before `*` and `?`.
fn reread(plain: &str) -> Vec<Token> {
    let mut escaped = String::with_capacity(plain.len());
    let mut chars = plain.chars().peekable();
    while let Some(c) = chars.next() {
        escaped.push(c);
        if c == '\\' && !matches!(chars.peek(), Some('*' | '?')) {
            escaped.push(c);
        }
    }
    tokens(&escaped)
}

fn text_node(at: &Node, tokens: &[Token]) -> Node {
    Node { at: at.at, kind: NodeKind::Scalar { text: written(tokens), plain: false } }
}

/// Carries out a change on all values of an item. Returns whether anything changed.
pub(super) fn change(item: &mut DraftItem<'_>, change: &ValueChange) -> Result<bool, Fault> {
    match change {
        ValueChange::None => Ok(false),
        ValueChange::Cased => {
            let is_text = item.values.iter().any(|own| seen(item, own).is_some());
            if is_text && !has(item, "cased") {
                item.modifiers.push(("cased", item.at));
            }
            Ok(is_text)
        }
        ValueChange::Set(node) => {
            item.modifiers.retain(|(name, _)| matches!(*name, "neq" | "cased"));
            item.values = Cow::Owned(vec![Node { at: item.at, ..node.clone() }]);
            Ok(true)
        }
        ValueChange::ToText | ValueChange::ToNumber => convert(item, change),
        _ => texts(item, change),
    }
}

fn convert(item: &mut DraftItem<'_>, change: &ValueChange) -> Result<bool, Fault> {
    let to_number = matches!(change, ValueChange::ToNumber);
    let is_text = |node: &Node| seen(item, node).is_some();
    let mut values = item.values.to_vec();
    for node in values.iter_mut().filter(|node| is_text(node)) {
        let at = node.at;
        if let NodeKind::Scalar { text, plain } = &mut node.kind {
            if to_number && Number::read(text).is_none() {
                let message = format!("a pipeline wants a number, and `{text}` is none");
                return Err(Fault::rule(at, message));
            }
            *plain = to_number;
        }
    }
    let changed = values != *item.values;
    item.values = Cow::Owned(values);
    Ok(changed)
}

/// Changes the texts among the values; their wildcards then stand in the values themselves.
fn texts(item: &mut DraftItem<'_>, change: &ValueChange) -> Result<bool, Fault> {
    let mut values = Vec::with_capacity(item.values.len());
    let mut changed = false;
    for node in item.values.iter() {
        let Some(own) = seen(item, node) else {
            values.push(node.clone());
            continue;
        };
        let is_text = matches!(node.scalar(), Some(Scalar::Text(_)));
        match changed_text(&own, is_text, change) {
            Some(new) => {
                changed = true;
                values.extend(new.iter().map(|tokens| text_node(node, tokens)));
            }
            None if is_text || has_wildcard(&own) => values.push(text_node(node, &own)),
            None => values.push(node.clone()),
        }
    }
    if !changed {
        return Ok(false);
    }
    if values.is_empty() {
        return Err(Fault::rule(item.at, "a pipeline leaves this field without a value"));
    }
    item.modifiers.retain(|(name, _)| !matches!(*name, "contains" | "startswith" | "endswith"));
    item.values = Cow::Owned(values);
    Ok(true)
}

fn changed_text(own: &[Token], is_text: bool, change: &ValueChange) -> Option<Vec<Vec<Token>>> {
    match change {
        ValueChange::Replace(replacement) => {
            let new = replacement.apply(own);
            (new != own).then(|| vec![new])
        }
        ValueChange::Map(entries) if is_text => {
            let plain = plain(own);
            let (_, new) = entries.iter().find(|(from, _)| *from == plain)?;
            Some(new.iter().map(|text| tokens(text)).collect())
        }
        ValueChange::Case(case) if is_text => {
            Some(vec![each_text(own, &|text| vec![Token::Text(in_case(text, *case))])])
        }
        _ => None,
    }
}

impl Replacement {
    fn apply(&self, own: &[Token]) -> Vec<Token> {
        let replaced = |text: &str| self.regex.replace_all(text, self.with.as_str()).into_owned();
        if !self.skip_special {
            return self.over_wildcards(own);
        }
        each_text(own, &|text| {
            let new = replaced(text);
            if self.interpret_special { tokens(&new) } else { vec![Token::Text(new)] }
        })
    }

    /// Replaces in the text as it is shown. What the expression does not match stays what it is: shown, a
    /// backslash before a wildcard looks like an escape.
    fn over_wildcards(&self, own: &[Token]) -> Vec<Token> {
        let (mut shown, mut spans) = (String::new(), Vec::new());
        for (text, token) in pieces(own) {
            let start = shown.len();
            shown.push_str(&text);
            spans.push((start..shown.len(), token));
        }
        let mut mended = Mended::default();
        let mut at = 0_usize;
        for captures in self.regex.captures_iter(&shown) {
            let Some(found) = captures.get(0) else { continue };
            mended.keep(&shown, &spans, at..found.start());
            captures.expand(&self.with, &mut mended.unread);
            at = found.end();
        }
        mended.keep(&shown, &spans, at..shown.len());
        mended.read();
        mended.tokens
    }
}

/// A text that is put together of what stays and what is put in.
#[derive(Default)]
struct Mended {
    tokens: Vec<Token>,
    /// Put in, and not read yet.
    unread: String,
}

impl Mended {
    /// Keeps a part of what is shown; half an escape is read with what was put in.
    fn keep(&mut self, shown: &str, spans: &[(Range<usize>, Token)], part: Range<usize>) {
        for (span, token) in spans {
            let cut = span.start.max(part.start)..span.end.min(part.end);
            if cut == *span {
                self.read();
                self.push(token.clone());
            } else if !cut.is_empty() {
                self.unread.push_str(shown.get(cut).unwrap_or_default());
            }
        }
    }

    /// Reads what was put in.
    fn read(&mut self) {
        for token in reread(&std::mem::take(&mut self.unread)) {
            self.push(token);
        }
    }

    fn push(&mut self, token: Token) {
        match (self.tokens.last_mut(), token) {
            (Some(Token::Text(text)), Token::Text(more)) => text.push_str(&more),
            (_, other) => self.tokens.push(other),
        }
    }
}

fn each_text(own: &[Token], change: &dyn Fn(&str) -> Vec<Token>) -> Vec<Token> {
    let each = |token: &Token| match token {
        Token::Text(text) => change(text),
        other => vec![other.clone()],
    };
    own.iter().flat_map(each).collect()
}

fn in_case(text: &str, case: LetterCase) -> String {
    match case {
        LetterCase::Lower => text.to_lowercase(),
        LetterCase::Upper => text.to_uppercase(),
        LetterCase::Snake => {
            let mut out = String::with_capacity(text.len());
            for c in text.chars() {
                if c.is_uppercase() && !out.is_empty() && !out.ends_with('_') {
                    out.push('_');
                }
                out.extend(c.to_lowercase());
            }
            out
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_an_expression_does_not_match_stays_what_it_is() {
        for (regex, with, written, want) in [
            ("x", "y", r"a\\*", r"a\\*"),
            ("a", "b", r"a\\*\*?", r"b\\*\*?"),
            (r"^\*\\", "C:/", r"*\\\\x*", r"C:/\\x*"),
            (r"\*$", "", r"a\\*", r"a\\"),
            (r"\\", "/", r"a\*b\\c", r"a/*b/c"),
            ("b", r"\*", "abc*", r"a\*c*"),
            ("b", "*", "abc", "a*c"),
        ] {
            let own = Replacement {
                regex: Regex::new(regex).unwrap(),
                with: with.to_owned(),
                skip_special: false,
                interpret_special: false,
            };
            assert_eq!(own.apply(&tokens(written)), tokens(want), "{regex} in {written}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_the_same(text in r"[a\\*?]{0,12}") {
            let own = tokens(&text);
            prop_assert_eq!(tokens(&written(&own)), own);
        }
    }
}
