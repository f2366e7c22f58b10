//! The condition's little language: `selection and not 1 of filter_*`.

use crate::ast::{Condition, joined};
use crate::error::{Fault, Place, did_you_mean};
use crate::limits::CONDITION_DEPTH_MAX;
use crate::yaml::Node;

/// Reads a condition, or a list of conditions of which any will do.
pub(super) fn read(node: &Node, names: &[&str]) -> Result<Condition, Fault> {
    let mut any = Vec::new();
    for member in node.members() {
        let Some(text) = member.as_text() else {
            let found = member.describe();
            return Err(Fault::rule(member.at, format!("expected a condition, found {found}")));
        };
        any.push(parse(text, member.at, Names { names, of: "selection" })?);
    }
    joined(any, Condition::Any).ok_or_else(|| Fault::rule(node.at, "the condition is empty"))
}

/// What a condition may name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names<'a> {
    pub(crate) names: &'a [&'a str],
    /// What they are called in messages: `selection`, `rule`.
    pub(crate) of: &'static str,
}

/// Returns the names that a condition mentions, in its order, with where.
pub(super) fn names(text: &str, at: Place) -> Vec<(&str, Place)> {
    let is_name = |(word, _): &(&str, Place)| {
        !["and", "or", "not", "(", ")", "|"].iter().any(|own| word.eq_ignore_ascii_case(own))
    };
    words(text, at).into_iter().filter(is_name).collect()
}

/// Reads one condition.
pub(crate) fn parse(text: &str, at: Place, known: Names<'_>) -> Result<Condition, Fault> {
    let Names { names, of } = known;
    let mut parser = Parser { words: words(text, at), next: 0, depth: 0, names, of, at };
    let condition = parser.any()?;
    match parser.peek() {
        None => Ok(condition),
        Some(("|", at)) => {
            Err(Fault::unsupported(at, "aggregations after `|` are not part of Sigma 2")
                .hint("write a correlation rule instead"))
        }
        Some((word, at)) => Err(Fault::rule(at, format!("`{word}` stands where nothing fits"))
            .hint("join selections with `and` or `or`")),
    }
}

/// Splits at blanks, brackets and bars; each word with its place. A condition over several lines
/// keeps the line it starts on (YAML folds it), the column counts on from there.
fn words(text: &str, at: Place) -> Vec<(&str, Place)> {
    let mut words = Vec::new();
    let mut start: Option<usize> = None;
    let mut column = 0_usize;
    let mut start_column = 0_usize;
    for (index, c) in text.char_indices() {
        let single = matches!(c, '(' | ')' | '|');
        if (single || c.is_whitespace()) && start.is_some() {
            let word = start.take().and_then(|from| text.get(from..index));
            words.extend(word.map(|word| (word, at.right(start_column))));
        }
        if single {
            let word = text.get(index..index.saturating_add(c.len_utf8()));
            words.extend(word.map(|word| (word, at.right(column))));
        } else if !c.is_whitespace() && start.is_none() {
            (start, start_column) = (Some(index), column);
        }
        column = column.saturating_add(1);
    }
    let last = start.and_then(|from| text.get(from..));
    words.extend(last.map(|word| (word, at.right(start_column))));
    words
}

struct Parser<'a> {
    words: Vec<(&'a str, Place)>,
    next: usize,
    depth: usize,
    names: &'a [&'a str],
    of: &'static str,
    at: Place,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<(&'a str, Place)> {
        self.words.get(self.next).copied()
    }

    fn take(&mut self) -> Option<(&'a str, Place)> {
        let word = self.peek();
        self.next = self.next.saturating_add(1);
        word
    }

    fn take_if(&mut self, keyword: &str) -> bool {
        let is = self.peek().is_some_and(|(word, _)| word.eq_ignore_ascii_case(keyword));
        if is {
            self.next = self.next.saturating_add(1);
        }
        is
    }

    fn any(&mut self) -> Result<Condition, Fault> {
        let first = self.all()?;
        let mut parts = vec![first];
        while self.take_if("or") {
            parts.push(self.all()?);
        }
        self.join(parts, Condition::Any)
    }

    fn all(&mut self) -> Result<Condition, Fault> {
        let first = self.not()?;
        let mut parts = vec![first];
        while self.take_if("and") {
            parts.push(self.not()?);
        }
        self.join(parts, Condition::All)
    }

    fn not(&mut self) -> Result<Condition, Fault> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > CONDITION_DEPTH_MAX {
            let at = self.peek().map_or(self.at, |(_, at)| at);
            return Err(Fault::rule(at, format!("nested more than {CONDITION_DEPTH_MAX} deep")));
        }
        let condition =
            if self.take_if("not") { Condition::Not(Box::new(self.not()?)) } else { self.one()? };
        self.depth = self.depth.saturating_sub(1);
        Ok(condition)
    }

    fn one(&mut self) -> Result<Condition, Fault> {
        let Some((word, at)) = self.take() else {
            return Err(Fault::rule(self.at, "the condition ends where a selection is expected"));
        };
        if word == "(" {
            let inside = self.any()?;
            return match self.take() {
                Some((")", _)) => Ok(inside),
                _ => Err(Fault::rule(at, "this bracket is never closed")),
            };
        }
        if self.peek().is_some_and(|(next, _)| next.eq_ignore_ascii_case("of")) {
            return self.of(word, at);
        }
        match self.names.iter().position(|name| *name == word) {
            Some(index) => Ok(Condition::Selection(index)),
            None => Err(self.unknown(word, at)),
        }
    }

    fn of(&mut self, quantity: &str, at: Place) -> Result<Condition, Fault> {
        self.next = self.next.saturating_add(1);
        let Some((pattern, pattern_at)) = self.take() else {
            return Err(Fault::rule(at, "`of` what? A selection pattern or `them` is missing"));
        };
        let them = pattern.eq_ignore_ascii_case("them");
        let chosen: Vec<Condition> = (0..self.names.len())
            .zip(self.names)
            .filter(|(_, name)| is_meant(if them { "*" } else { pattern }, name))
            .map(|(index, _)| Condition::Selection(index))
            .collect();
        if chosen.is_empty() && them {
            let message = format!("`them` means none: a {} whose name begins with `_`", self.of);
            return Err(Fault::rule(pattern_at, format!("{message} does not count")));
        }
        if chosen.is_empty() {
            return Err(self.unknown(pattern, pattern_at));
        }
        match quantity.to_ascii_lowercase().as_str() {
            "1" | "any" => self.join(chosen, Condition::Any),
            "all" => self.join(chosen, Condition::All),
            _ => Err(Fault::unsupported(at, format!("`{quantity} of` is not part of Sigma"))
                .hint("`1 of`, `any of` or `all of`")),
        }
    }

    fn join(
        &self,
        parts: Vec<Condition>,
        with: impl Fn(Vec<Condition>) -> Condition,
    ) -> Result<Condition, Fault> {
        joined(parts, with).ok_or_else(|| Fault::rule(self.at, "the condition is empty"))
    }

    fn unknown(&self, word: &str, at: Place) -> Fault {
        Fault::rule(at, format!("no {} is called `{word}`", self.of))
            .maybe_hint(did_you_mean(word, self.names.iter().copied()))
    }
}

/// Returns whether a pattern means a selection. One with a leading underscore is only meant by a pattern
/// that begins with one, too: `1 of x*` is as `1 of them`, of fewer (specification 2.1, "Condition").
fn is_meant(pattern: &str, name: &str) -> bool {
    fits(pattern, name) && (pattern.starts_with('_') || !name.starts_with('_'))
}

/// Returns whether a selection's name fits a pattern with `*`.
fn fits(pattern: &str, name: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    let mut last: Option<&str> = None;
    for piece in pieces {
        if let Some(middle) = last {
            match rest.split_once(middle) {
                Some((_, after)) => rest = after,
                None => return false,
            }
        }
        last = Some(piece);
    }
    last.map_or(rest.is_empty(), |end| rest.ends_with(end))
}
