//! Logs whose columns are named by a header in the file: Zeek's own format, and the W3C's (IIS, proxies).
//! As a stream, every line becomes one JSON object with these names, on the same line.
//!
//! The W3C's columns stand behind blanks (IIS), tabs (`CloudFront`, TMG) or commas (Exchange), and in quotes where they
//! hold such themselves (Blue Coat). Most writers quote nothing, so a visitor chooses where quotes stand: they count
//! only where a line has as many columns as names by them, and not without them.
//!
//! Sources: Zeek's documentation of its ASCII writer; *Extended Log File Format*, W3C working draft.

use std::borrow::Cow;
use std::io::{self, Write as _};

use serde_json::{Map, Number, Value as Json};

use super::cutting::RECORD_BYTES_MAX;
use super::rewritten::Rewrite;

/// How such a log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeadedLog {
    Zeek,
    W3c,
}

impl HeadedLog {
    /// Returns what the beginning of a text tells of.
    pub(crate) fn told_by(text: &[u8]) -> Option<Self> {
        if text.starts_with(b"#separator ") {
            return Some(Self::Zeek);
        }
        let marks: [&[u8]; 3] = [b"#Software:", b"#Version:", b"#Fields:"];
        marks.iter().any(|mark| text.starts_with(mark)).then_some(Self::W3c)
    }
}

/// What the header says, by which every line becomes an object.
#[derive(Debug)]
pub(crate) struct Header {
    log: HeadedLog,
    separator: char,
    set_separator: String,
    unset: String,
    empty: String,
    /// Zeek's name of the log; the day of a W3C log that states only times.
    of_all: Option<(&'static str, String)>,
    names: Vec<String>,
    types: Vec<String>,
}

impl Rewrite for Header {
    fn rewrite(&mut self, open: &mut Vec<u8>, is_over: bool, text: &mut Vec<u8>) -> io::Result<()> {
        let is_whole = is_over || open.len() > RECORD_BYTES_MAX;
        let end = memchr::memrchr(b'\n', open).map_or(0, |end| end + 1);
        let end = if is_whole && end == 0 { open.len() } else { end };
        let rest = open.split_off(end);
        let whole = std::mem::replace(open, rest);
        for line in whole.split_inclusive(|byte| *byte == b'\n') {
            let ends = line.ends_with(b"\n");
            let zeros = line.iter().take_while(|byte| **byte == 0).count();
            self.line(line.get(zeros..).unwrap_or_default().trim_ascii_end(), text)?;
            if ends {
                text.push(b'\n');
            }
        }
        Ok(())
    }
}

impl Header {
    /// Returns what is known of a log before its header.
    pub(crate) fn of(log: HeadedLog) -> Self {
        Self {
            log,
            separator: if log == HeadedLog::Zeek { '\t' } else { ' ' },
            set_separator: ",".to_owned(),
            unset: "-".to_owned(),
            empty: "(empty)".to_owned(),
            of_all: None,
            names: Vec::new(),
            types: Vec::new(),
        }
    }

    /// Writes the object of a line; nothing for one of the header, the line itself before there is one.
    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        let text = String::from_utf8_lossy(line);
        if let Some(directive) = text.strip_prefix('#') {
            match self.log {
                HeadedLog::Zeek => self.zeek(directive),
                HeadedLog::W3c => self.w3c(directive),
            }
            return Ok(());
        }
        if self.names.is_empty() || text.is_empty() {
            return out.write_all(line);
        }
        serde_json::to_writer(out, &self.object(&text)).map_err(io::Error::other)
    }

    fn zeek(&mut self, directive: &str) {
        if let Some(separator) = directive.strip_prefix("separator ") {
            let written = unescaped(separator);
            self.separator = written.chars().next().unwrap_or('\t');
            return;
        }
        let (name, rest) = directive.split_once(self.separator).unwrap_or((directive, ""));
        let listed = || rest.split(self.separator).map(ToOwned::to_owned).collect();
        match name {
            "set_separator" => rest.clone_into(&mut self.set_separator),
            "empty_field" => rest.clone_into(&mut self.empty),
            "unset_field" => rest.clone_into(&mut self.unset),
            "path" => self.of_all = Some(("_path", rest.to_owned())),
            "fields" => (self.names, self.types) = (listed(), Vec::new()),
            "types" => self.types = listed(),
            _ => {}
        }
    }

    fn w3c(&mut self, directive: &str) {
        if let Some(names) = directive.strip_prefix("Fields:") {
            let names: Vec<&str> = names.split_ascii_whitespace().collect();
            (self.separator, self.names) = match names.as_slice() {
                [listed] if listed.contains(',') => {
                    (',', listed.split(',').map(plain_name).collect())
                }
                _ => (' ', names.into_iter().map(plain_name).collect()),
            };
        } else if let Some(date) = directive.strip_prefix("Date:") {
            let day = date.split_ascii_whitespace().next().unwrap_or_default();
            self.of_all = Some(("date", day.to_owned()));
        }
    }

    fn object(&self, line: &str) -> Json {
        let mut object = Map::new();
        if let Some((name, value)) = &self.of_all {
            object.insert((*name).to_owned(), value.as_str().into());
        }
        let is_zeek = self.log == HeadedLog::Zeek;
        let values = if is_zeek {
            line.split(self.separator).map(Cow::Borrowed).collect()
        } else {
            self.w3c_values(line)
        };
        for (number, (name, value)) in self.names.iter().zip(values).enumerate() {
            if value == self.unset.as_str() {
                continue;
            }
            let kind = self.types.get(number).map_or("string", String::as_str);
            let value = if is_zeek { self.typed(&value, kind) } else { value.into() };
            object.insert(name.clone(), value);
        }
        Json::Object(object)
    }

    /// Returns the columns of a line of a W3C log.
    fn w3c_values<'l>(&self, line: &'l str) -> Vec<Cow<'l, str>> {
        let is_whole = |values: &Vec<_>| values.len() == self.names.len();
        let as_said = split(line, self.separator);
        if is_whole(&as_said) {
            return as_said;
        }
        let others = [split(line, '\t'), quoted(line, self.separator)];
        others.into_iter().find(is_whole).unwrap_or(as_said)
    }

    fn typed(&self, value: &str, kind: &str) -> Json {
        let inner = kind.split_once('[').and_then(|(_, inner)| inner.strip_suffix(']'));
        if let Some(inner) = inner {
            let is_none = value == self.empty || value.is_empty();
            let members = value.split(self.set_separator.as_str()).filter(|_| !is_none);
            return members.map(|member| self.typed(member, inner)).collect();
        }
        let number = match kind {
            "count" | "int" | "port" => value.parse::<i64>().ok().map(Number::from),
            "time" | "interval" | "double" => value.parse().ok().and_then(Number::from_f64),
            "bool" => return Json::Bool(value == "T"),
            _ if value == self.empty => return "".into(),
            _ => None,
        };
        number.map_or_else(|| unescaped(value).into(), Json::Number)
    }
}

/// `cs(User-Agent)` is what rules call `cs-user-agent`.
fn plain_name(name: &str) -> String {
    match name.strip_suffix(')').and_then(|name| name.split_once('(')) {
        Some((before, inner)) => format!("{before}-{}", inner.to_ascii_lowercase()),
        None => name.to_owned(),
    }
}

/// Cuts a line into columns, as if quotes meant nothing.
fn split(line: &str, separator: char) -> Vec<Cow<'_, str>> {
    // Of blanks some programs write more than one.
    let values = line.split(separator).filter(|value| separator != ' ' || !value.is_empty());
    values.map(|value| Cow::Borrowed(unquoted(value))).collect()
}

/// Returns what stands in quotes, if a value stands in them as a whole.
fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)
}

/// Cuts a line into columns, of which some stand in quotes; a quote in such a one is written twice.
fn quoted(line: &str, separator: char) -> Vec<Cow<'_, str>> {
    let mut values = Vec::new();
    let mut rest = Some(line);
    // Behind a quote that is never closed no other is looked for: a line of them would take for ever.
    let mut closes = true;
    while let Some(text) = rest {
        let text = if separator == ' ' { text.trim_start_matches(' ') } else { text };
        let inside = text.strip_prefix('"').filter(|_| closes);
        let in_quotes = inside.and_then(|inside| closed(inside, separator));
        closes &= inside.is_none() || in_quotes.is_some();
        let (value, behind) = match in_quotes {
            Some((value, behind)) => {
                (Cow::Owned(value.replace("\"\"", "\"")), behind.strip_prefix(separator))
            }
            None => match text.split_once(separator) {
                Some((value, behind)) => (Cow::Borrowed(value), Some(behind)),
                None => (Cow::Borrowed(text), None),
            },
        };
        values.push(value);
        rest = behind;
    }
    values
}

/// Returns what stands up to the quote that ends a value, before the next column or the end of the line, and what
/// stands behind it.
fn closed(inside: &str, separator: char) -> Option<(&str, &str)> {
    let mut from = 0_usize;
    loop {
        let at = from.saturating_add(inside.get(from..)?.find('"')?);
        let behind = at.saturating_add(1);
        match inside.get(behind..)?.chars().next() {
            Some('"') => from = behind.saturating_add(1),
            Some(next) if next != separator => from = behind,
            _ => return Some((inside.get(..at)?, inside.get(behind..)?)),
        }
    }
}

/// Reads Zeek's `\x09`.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\\x") {
        bytes.extend_from_slice(before.as_bytes());
        let digits = after.get(..2);
        if let Some(byte) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            bytes.push(byte);
            rest = after.get(2..).unwrap_or_default();
        } else {
            bytes.extend_from_slice(b"\\x");
            rest = after;
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use proptest::prelude::*;

    use super::super::rewritten::Rewritten;
    use super::*;

    fn read(text: &str) -> String {
        let log = HeadedLog::told_by(text.as_bytes()).unwrap();
        let mut out = String::new();
        Rewritten::new(text.as_bytes(), Header::of(log)).read_to_string(&mut out).unwrap();
        out
    }

    #[test]
    fn zeek_names_and_types_its_columns() {
        let text = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tdns\n\
            #open\t2026-11-20-00-00-00\n#fields\tts\tuid\tid.orig_p\tquery\tanswers\tTTLs\tAA\tZ\n\
            #types\ttime\tstring\tport\tstring\tvector[string]\tvector[interval]\tbool\tcount\n\
            1795425601.5\tC1\t5353\ta\\x09b.example\tx,y\t(empty)\tT\t-\n#close\t2026\n";
        let want = r#"{"_path":"dns","ts":1795425601.5,"uid":"C1","id.orig_p":5353,"query":"a\tb.example","answers":["x","y"],"TTLs":[],"AA":true}"#;
        let found: Json = serde_json::from_str(read(text).trim()).unwrap();
        assert_eq!(found, serde_json::from_str::<Json>(want).unwrap());
        assert_eq!(read(text).lines().position(|line| !line.is_empty()), Some(8), "its own line");
    }

    #[test]
    fn the_w3c_header_may_come_anew() {
        let text = "#Software: Microsoft Internet Information Services 10.0\n#Date: 2026-11-20 00:00:00\n\
            #Fields: time cs-method cs-uri-stem cs(User-Agent) sc-status\n\
            03:04:05 GET /a curl/8 200\n#Fields: date time c-ip\n2026-11-21 03:04:06 - \nodd\n";
        let found: Vec<Json> = read(text)
            .lines()
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let want: Json = serde_json::json!([
            {"date": "2026-11-20", "time": "03:04:05", "cs-method": "GET", "cs-uri-stem": "/a",
             "cs-user-agent": "curl/8", "sc-status": "200"},
            {"date": "2026-11-21", "time": "03:04:06"},
            {"date": "odd"},
        ]);
        assert_eq!(Json::Array(found), want);
    }

    #[test]
    fn the_w3c_format_is_read_however_its_columns_stand() {
        let want = |user_agent: &str| {
            let names = ["cs-method", "cs-user-agent", "sc-status"];
            let values = ["GET", user_agent, "200"];
            names
                .into_iter()
                .zip(values)
                .map(|(name, value)| (name.to_owned(), value.into()))
                .collect()
        };
        for (names, line, user_agent) in [
            ("cs-method cs(User-Agent) sc-status", "GET a+b 200", "a+b"),
            ("cs-method cs(User-Agent) sc-status", "GET \"a b\" 200", "a b"),
            ("cs-method cs(User-Agent) sc-status", "GET \"a \"\"x\"\" b\"  200", "a \"x\" b"),
            ("cs-method cs(User-Agent) sc-status", "GET \"curl\" 200", "curl"),
            ("cs-method cs(User-Agent) sc-status", "GET\ta b\t200", "a b"),
            ("cs-method\tcs(User-Agent)\tsc-status", "GET\ta%20b\t200", "a%20b"),
            ("cs-method,cs(User-Agent),sc-status", "GET,\"a, b\",200", "a, b"),
            ("cs-method,cs(User-Agent),sc-status", "GET,a b,200", "a b"),
            // Of a writer that quotes nothing.
            ("cs-method cs(User-Agent) sc-status", "GET \"a 200", "\"a"),
            ("cs-method cs(User-Agent) sc-status", "GET a\t\"b 200", "a\t\"b"),
        ] {
            let text = format!("#Version: 1.0\n#Fields: {names}\n{line}\n");
            let found: Json = serde_json::from_str(read(&text).trim()).unwrap();
            assert_eq!(found, Json::Object(want(user_agent)), "{names} {line}");
        }
    }

    proptest! {
        #[test]
        fn every_text_stays_on_its_line(head in "#(separator |Fields:)[ -~\\n]{0,60}", rest in "[ -~\\t\\n#é]{0,200}") {
            let text = format!("{head}\n{rest}");
            prop_assert_eq!(read(&text).matches('\n').count(), text.matches('\n').count());
        }
    }
}
