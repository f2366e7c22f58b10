//! JSON bytes → flat [`Fields`], in one bounded pass without a tree in between.
//!
//! Why not `serde_json`: log senders write what it refuses (lone surrogates, raw control characters,
//! bytes that are no UTF-8, `C:\Windows` with single backslashes), and an attacker who can choose a
//! user name or a URL must not be able to push the record that tells of it into the dead letters. What *is* JSON reads the same as
//! there; a property test holds the two against each other.
//!
//! | in the record | in the fields |
//! | --- | --- |
//! | `{"a":{"b":1}}` | `a.b` = 1 |
//! | `{"a":[1,2]}` | `a` = list |
//! | `{"a":[{"b":1},{"b":2}]}` | `a.b` = list |
//! | `{"a":null}`, `{"a":[]}`, `{"a":{}}` | `a` present and empty |
//! | the same name twice | both values, as a list |
//! | whole numbers past `i64` | text, digit for digit |
//! | nesting past the limit | the rest as JSON text, note `too-deep` |
//! | more names or values than the limit | counted in the note `extra-fields` |
//! | the only member of a list in which a service hands on events | the member's names, then those of the wrapper |

mod scan;

#[cfg(test)]
mod tests;

use std::ops::Range;

use event::{DeadReason, Fields, Note, Value, json_spans};

use self::scan::{Fault, Scanner};
use crate::limits::{FIELDS_MAX, JSON_DEPTH_MAX, JSON_NAME_BYTES_MAX, JSON_VALUES_MAX};

/// Returns the fields of a JSON object and what could not be kept as it stood; of a wrapper round one event, those of
/// the event with what the wrapper says beside it.
///
/// # Errors
///
/// `bad-json` with line and column, when the bytes are no single JSON object.
pub(crate) fn flatten(bytes: &[u8]) -> Result<(Fields, Vec<Note>), DeadReason> {
    let Some((member, close)) = json_spans::only_member(bytes) else { return flatten_one(bytes) };
    let part = |range: Range<usize>| bytes.get(range).unwrap_or_default();
    let wrapper = [part(0..member.start), part(close..bytes.len())].concat();
    let (outer, outer_notes) = flatten_one(&wrapper)?;
    let (mut fields, mut notes) = flatten_one(part(member))?;
    for (name, value) in outer.iter() {
        if fields.len() < FIELDS_MAX && *value != Value::Null && fields.get(name).is_none() {
            fields.push(name.to_owned(), value.clone());
        }
    }
    notes.extend(outer_notes);
    Ok((fields, notes))
}

/// Returns whether a record is a wrapper round events: how many they are decides how it is read.
pub(crate) fn is_wrapped(record: &str) -> bool {
    json_spans::wrapped_list(record.as_bytes(), 0).is_some()
}

fn flatten_one(bytes: &[u8]) -> Result<(Fields, Vec<Note>), DeadReason> {
    let mut flattener = Flattener {
        scanner: Scanner::new(bytes),
        path: String::new(),
        fields: Fields::new(),
        values: 0,
        dropped: 0,
        deep: None,
        long_name: false,
    };
    match flattener.record() {
        Ok(()) => Ok(flattener.finish()),
        Err(fault) => {
            let (line, column) = flattener.scanner.position(fault.at);
            let detail = format!("line {line}, column {column}: {}", fault.what);
            Err(DeadReason::new("bad-json", detail))
        }
    }
}

/// Walks one record and collects its leaves.
struct Flattener<'a> {
    scanner: Scanner<'a>,
    /// Dotted name of the place where the walk stands.
    path: String,
    fields: Fields,
    /// Values kept so far.
    values: usize,
    /// Values that the limits left out.
    dropped: usize,
    /// Name of the first value that lay too deep.
    deep: Option<String>,
    long_name: bool,
}

impl Flattener<'_> {
    fn record(&mut self) -> Result<(), Fault> {
        self.scanner.skip_byte_order_mark();
        self.scanner.skip_blanks();
        if self.scanner.peek() != Some(b'{') {
            return Err(self.scanner.fault("expected an object"));
        }
        self.object(1, false)?;
        self.scanner.skip_blanks();
        match self.scanner.peek() {
            None => Ok(()),
            Some(_) => Err(self.scanner.fault("unexpected text after the object")),
        }
    }

    /// Reads an object; `listed` says that it stands in an array, so its leaves become lists.
    fn object(&mut self, depth: usize, listed: bool) -> Result<(), Fault> {
        self.scanner.expect(b'{')?;
        self.scanner.skip_blanks();
        if self.scanner.take(b'}') {
            // `{}` as the whole record is an object without fields, not a field without name.
            if depth > 1 {
                self.put(Value::Null, listed);
            }
            return Ok(());
        }
        loop {
            self.scanner.skip_blanks();
            let name = self.scanner.string()?;
            self.scanner.skip_blanks();
            self.scanner.expect(b':')?;
            let outer_bytes = self.path.len();
            self.enter(&name, depth);
            self.value(depth, listed)?;
            self.path.truncate(outer_bytes);
            self.scanner.skip_blanks();
            if self.scanner.take(b'}') {
                return Ok(());
            }
            self.scanner.expect(b',')?;
        }
    }

    /// Reads an array: its scalars become one list, its objects one list per leaf.
    fn array(&mut self, depth: usize) -> Result<(), Fault> {
        self.scanner.expect(b'[')?;
        self.scanner.skip_blanks();
        if self.scanner.take(b']') {
            self.put(Value::Null, false);
            return Ok(());
        }
        let mut members = Vec::new();
        loop {
            self.scanner.skip_blanks();
            if matches!(self.scanner.peek(), Some(b'{' | b'[')) {
                self.value(depth, true)?;
            } else {
                let member = self.scanner.scalar()?;
                self.keep_member(&mut members, member);
            }
            self.scanner.skip_blanks();
            if self.scanner.take(b']') {
                break;
            }
            self.scanner.expect(b',')?;
        }
        if !members.is_empty() {
            self.put_list(members);
        }
        Ok(())
    }

    /// Reads the value at the current path. `depth` is that of the object or array around it.
    fn value(&mut self, depth: usize, listed: bool) -> Result<(), Fault> {
        self.scanner.skip_blanks();
        match self.scanner.peek() {
            Some(b'{' | b'[') if depth >= JSON_DEPTH_MAX => {
                let text = self.scanner.nested_text()?;
                self.deep.get_or_insert_with(|| self.path.clone());
                self.put(Value::Text(text), listed);
                Ok(())
            }
            Some(b'{') => self.object(depth.saturating_add(1), listed),
            Some(b'[') => self.array(depth.saturating_add(1)),
            _ => {
                let value = self.scanner.scalar()?;
                self.put(value, listed);
                Ok(())
            }
        }
    }

    /// Appends a key to the path. The path's length is limited because every leaf carries a copy.
    fn enter(&mut self, name: &str, depth: usize) {
        if depth > 1 {
            self.path.push('.');
        }
        let room = JSON_NAME_BYTES_MAX.saturating_sub(self.path.len());
        if name.len() <= room {
            self.path.push_str(name);
            return;
        }
        self.long_name = true;
        let cut = name.char_indices().map(|(at, c)| at.saturating_add(c.len_utf8()));
        let end = cut.take_while(|end| *end <= room).last().unwrap_or(0);
        self.path.push_str(name.get(..end).unwrap_or_default());
    }

    fn keep_member(&mut self, members: &mut Vec<Value>, member: Value) {
        if self.values >= JSON_VALUES_MAX {
            self.dropped = self.dropped.saturating_add(1);
            return;
        }
        self.values = self.values.saturating_add(1);
        members.push(member);
    }

    fn put(&mut self, value: Value, listed: bool) {
        if self.values >= JSON_VALUES_MAX {
            self.dropped = self.dropped.saturating_add(1);
            return;
        }
        self.values = self.values.saturating_add(1);
        let value = if listed { Value::List(vec![value]) } else { value };
        self.put_named(value, 1);
    }

    /// Stores members that [`Self::keep_member`] has counted.
    fn put_list(&mut self, members: Vec<Value>) {
        let count = members.len();
        self.put_named(Value::List(members), count);
    }

    fn put_named(&mut self, value: Value, count: usize) {
        if self.fields.len() >= FIELDS_MAX && self.fields.get(&self.path).is_none() {
            self.dropped = self.dropped.saturating_add(count);
            return;
        }
        self.fields.push(self.path.clone(), value);
    }

    fn finish(self) -> (Fields, Vec<Note>) {
        let mut notes = Vec::new();
        if let Some(name) = self.deep {
            let detail = format!("nested deeper than {JSON_DEPTH_MAX}, kept as text: {name}");
            notes.push(Note::new("too-deep", detail));
        }
        if self.dropped > 0 {
            let detail = format!("{} values are in the raw record only", self.dropped);
            notes.push(Note::new("extra-fields", detail));
        }
        if self.long_name {
            let detail = format!("names are cut at {JSON_NAME_BYTES_MAX} bytes");
            notes.push(Note::new("long-name", detail));
        }
        if self.scanner.met_unknown_escape() {
            notes.push(Note::new("bad-escape", "a backslash that escapes nothing stands as it is"));
        }
        if self.scanner.met_invalid_utf8() {
            notes.push(Note::new("invalid-utf8", "bytes that are no UTF-8 stand as \\xNN"));
        }
        (self.fields, notes)
    }
}
