//! What someone may have meant: for a line that cannot be read, and for one that reads but asks for
//! what is not there.

use chrono::NaiveDate;

use super::question::{Question, STAGES, parse_question};
use super::summary::FigureKind;
use super::{Builtin, Moment, ParseError, parse};
use crate::Attr;

/// A better way to write something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// Stable word for translation: `field`, `capitals`, `colon`, `quotes`.
    pub code: &'static str,
    /// The column of what was written, from 1.
    pub column: usize,
    /// What was written.
    pub written: String,
    /// What may have been meant.
    pub better: String,
    /// The whole line with it.
    pub line: String,
}

/// What other products call a field that we have.
///
/// Source of the names: Elastic Common Schema 8, Splunk CIM, Sigma taxonomy.
const FOREIGN: [(&str, &str); 30] = [
    ("source.ip", "src_ip"),
    ("sourceip", "src_ip"),
    ("src", "src_ip"),
    ("client_ip", "src_ip"),
    ("client.ip", "src_ip"),
    ("clientip", "src_ip"),
    ("ip", "src_ip"),
    ("source.port", "src_port"),
    ("destination.ip", "dst_ip"),
    ("dest_ip", "dst_ip"),
    ("dest", "dst_ip"),
    ("destination.port", "dst_port"),
    ("dest_port", "dst_port"),
    ("port", "dst_port"),
    ("user.name", "user"),
    ("username", "user"),
    ("user_name", "user"),
    ("host.name", "host"),
    ("hostname", "host"),
    ("process.command_line", "cmd_line"),
    ("command_line", "cmd_line"),
    ("commandline", "cmd_line"),
    ("status_code", "http_status"),
    ("http.response.status_code", "http_status"),
    ("method", "http_method"),
    ("uri", "url"),
    ("uri_path", "url_path"),
    ("dns.question.name", "dns_query"),
    ("eventid", "event_code"),
    ("event.code", "event_code"),
];

/// Returns every name that a query line knows by itself, aliases first.
pub fn known_names() -> impl Iterator<Item = &'static str> {
    let attrs = Attr::ALL.iter().map(|attr| attr.alias());
    let builtins = Builtin::ALL.into_iter().map(Builtin::name);
    let moments = Moment::ALL.into_iter().map(Moment::name);
    let paths = Attr::ALL.iter().map(|attr| attr.path());
    attrs.chain(builtins).chain(moments).chain(paths)
}

/// Returns what may have been meant instead of a field's name that nothing knows.
pub fn near_field(name: &str) -> Option<&'static str> {
    let low = name.to_lowercase();
    let foreign = FOREIGN.iter().find(|(own, _)| *own == low).map(|(_, better)| *better);
    foreign.or_else(|| nearest(&low, known_names()))
}

/// Returns hints for a line that was read; `is_seen` tells which of the sources' own names the events
/// at hand have.
pub fn hints(line: &str, question: &Question, is_seen: impl Fn(&str) -> bool) -> Vec<Hint> {
    let mut hints = Vec::new();
    for field in &question.fields {
        if known_names().any(|name| name == field.text) || is_seen(&field.text) {
            continue;
        }
        if let Some(better) = near_field(&field.text) {
            hints.push(Hint::new("field", line, field.column, &field.text, better));
        }
    }
    hints.extend(straight_quotes(line));
    hints.extend(gap_before_colon(line, question, is_seen));
    for word in &question.words {
        let (code, better) = match word.text.as_str() {
            "and" | "or" | "not" | "And" | "Or" | "Not" => ("capitals", word.text.to_uppercase()),
            text if text.starts_with('\'') && text.len() > 2 => {
                ("quotes", text.replace('\'', "\""))
            }
            text => match text.split_once('=') {
                Some((name, value)) => {
                    let value = value.trim_start_matches('=');
                    let own = name.trim_end_matches('!');
                    if value.is_empty() || !known_names().any(|known| known == own) {
                        continue;
                    }
                    let denial = if own == name { "" } else { "NOT " };
                    ("colon", format!("{denial}{own}:{value}"))
                }
                None => continue,
            },
        };
        hints.push(Hint::new(code, line, word.column, &word.text, &better));
    }
    // A hint that would break the line helps nobody.
    hints.retain(|hint| parse_question(&hint.line).is_ok());
    hints
}

/// Returns the hint that a blank stands before a colon: `src_ip : 10.0.0.1` asks for three words.
fn gap_before_colon(
    line: &str,
    question: &Question,
    is_seen: impl Fn(&str) -> bool,
) -> Option<Hint> {
    let name_at = |place: usize| {
        let name = question
            .words
            .get(place)
            .filter(|name| known_names().any(|known| known == name.text) || is_seen(&name.text));
        name.zip(question.words.get(place + 1).filter(|word| word.text.starts_with(':')))
    };
    let (name, colon) = (0..question.words.len()).find_map(name_at)?;
    let before = line.chars().skip(name.column.saturating_sub(1));
    let head: String = before.take(colon.column.saturating_sub(name.column)).collect();
    // Nothing but blanks may lie between the two.
    if head.trim_end() != name.text {
        return None;
    }
    let rest: String = line.chars().skip(colon.column).collect();
    let gap = rest.chars().take_while(|c| c.is_whitespace()).count();
    let value: String =
        rest.chars().skip(gap).take_while(|c| !c.is_whitespace() && *c != ')').collect();
    let length = head.chars().count() + 1 + gap + value.chars().count();
    let written: String = line.chars().skip(name.column.saturating_sub(1)).take(length).collect();
    (!value.is_empty())
        .then(|| Hint::new("colon", line, name.column, &written, &format!("{}:{value}", name.text)))
}

/// Returns the hint that a line has the quotes of a word processor, which mean nothing here.
fn straight_quotes(line: &str) -> Option<Hint> {
    const ROUND: [char; 3] = ['“', '”', '„'];
    let is_round = |c: &char| ROUND.contains(c);
    let first = line.chars().position(|c| is_round(&c)).filter(|_| !line.contains('"'))?;
    let from_first = || line.chars().skip(first);
    let length = from_first().enumerate().filter(|(_, c)| is_round(c)).last()?.0 + 1;
    let written: String = from_first().take(length).collect();
    Some(Hint::new("quotes", line, first + 1, &written, &written.replace(ROUND, "\"")))
}

impl Hint {
    fn new(code: &'static str, line: &str, column: usize, written: &str, better: &str) -> Self {
        Self {
            code,
            column,
            written: written.to_owned(),
            better: better.to_owned(),
            line: replaced(line, column, written.chars().count(), better),
        }
    }
}

/// Returns the line with so many characters from a column on replaced.
fn replaced(line: &str, column: usize, length: usize, better: &str) -> String {
    let before = line.chars().take(column.saturating_sub(1));
    let after = line.chars().skip(column.saturating_sub(1) + length);
    before.chain(better.chars()).chain(after).collect()
}

/// Returns a line that can be read and is near to one that cannot, if there is one at hand.
pub fn mended(line: &str, error: &ParseError) -> Option<String> {
    let typed = |column: usize| -> String {
        let rest = line.chars().skip(column.saturating_sub(1));
        rest.take_while(|c| c.is_alphanumeric() || "_.-".contains(*c)).collect()
    };
    let word = typed(error.column);
    let swap = |better: &str| replaced(line, error.column, word.chars().count(), better);
    let better = match error.code {
        "close-missing" => format!("{line})"),
        "quote-open" => format!("{line}\""),
        "range-open" => format!("{line}]"),
        "range-shape" if line.chars().nth(error.column.saturating_sub(1)) == Some('{') => {
            let inside: String =
                line.chars().skip(error.column).take_while(|c| !matches!(c, '}' | ']')).collect();
            replaced(line, error.column, inside.chars().count() + 2, &format!("[{inside}]"))
        }
        "range-order" => {
            let rest: String = line.chars().skip(error.column).take_while(|c| *c != ']').collect();
            let (low, high) = rest.split_once(" TO ")?;
            let swapped = format!("{} TO {}", high.trim(), low.trim());
            replaced(line, error.column + 1, rest.chars().count(), &swapped)
        }
        "time-expected" => {
            let rest: String = line.chars().skip(error.column.saturating_sub(1)).collect();
            let ends = if rest.starts_with('[') { rest.find(']') } else { rest.find(' ') };
            let written = ends.and_then(|end| rest.get(..end)).unwrap_or(&rest);
            replaced(line, error.column, written.chars().count(), &iso_dates(written))
        }
        "unexpected-close" => replaced(line, error.column, 1, ""),
        "value-missing" => {
            let after: String = line.chars().skip(error.column.saturating_sub(1)).collect();
            let gap = after.chars().count() - after.trim_start().chars().count();
            let value = if after.trim().is_empty() { "*" } else { "" };
            replaced(line, error.column, gap, value)
        }
        "term-missing" => {
            let end = line.trim_end();
            let words = ["AND", "OR", "NOT", "&&", "||"];
            let cut = words.into_iter().find_map(|word| end.strip_suffix(word))?;
            cut.trim_end().to_owned()
        }
        "stage-unknown" => swap(nearest(&word.to_lowercase(), STAGES.into_iter())?),
        "figure-unknown" => {
            let words = FigureKind::ALL.into_iter().map(|(word, _)| word);
            swap(nearest(&word.to_lowercase(), words)?)
        }
        "pipe-here" => {
            let cut: String = line.chars().take(error.column.saturating_sub(1)).collect();
            return parse(&cut).is_ok().then(|| cut.trim_end().to_owned());
        }
        _ => return None,
    };
    parse_question(&better).is_ok().then_some(better)
}

/// Returns a text with its days, as Vietnam writes them (22/11/2026), the way the language does.
fn iso_dates(text: &str) -> String {
    let is_part = |c: char| c.is_ascii_digit() || c == '/';
    let piece = |piece: &str| {
        let (day, mark) = piece.split_at(piece.trim_end_matches(|c| !is_part(c)).len());
        let has_year = day.rsplit('/').next().is_some_and(|year| year.len() == 4);
        match NaiveDate::parse_from_str(day, "%d/%m/%Y") {
            Ok(date) if has_year => format!("{}{mark}", date.format("%Y-%m-%d")),
            _ => piece.to_owned(),
        }
    };
    text.split_inclusive(|c| !is_part(c)).map(piece).collect()
}

/// Returns the nearest of some names: at most one letter wrong in a short one, two in a long one.
pub fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let length = name.chars().count();
    if length < 2 {
        return None;
    }
    let far = if length <= 4 { 1 } else { 2 };
    let bare = |text: &str| text.replace(['_', '-', '.', ' '], "");
    let own = bare(name);
    names
        .filter_map(|known| {
            let low = known.to_lowercase();
            let away = if bare(&low) == own { 0 } else { distance(name, &low, far)? };
            Some((away, known))
        })
        .min_by_key(|(away, _)| *away)
        .map(|(_, known)| known)
}

/// Returns how many letters must be put in, left out, changed or swapped to make one of the other,
/// up to a bound.
fn distance(a: &str, b: &str, bound: usize) -> Option<usize> {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > bound {
        return None;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let at =
                |row: &[usize], place: usize| row.get(place).copied().unwrap_or(usize::MAX / 2);
            let mut best =
                (at(&row, j) + usize::from(x != y)).min(at(&row, j + 1) + 1).min(at(&next, j) + 1);
            let is_swapped = i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
            if is_swapped {
                best = best.min(at(&before, j - 1) + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().filter(|away| *away <= bound)
}
