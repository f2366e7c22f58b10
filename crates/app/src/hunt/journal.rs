//! journald's export format → one JSON object for each entry, as `journalctl -o json` writes it.
//!
//! Source: *Journal Export Formats*, systemd's documentation: a line `NAME=value` for each field, or for a value that is
//! no text the name alone, its length in eight bytes and the value; an empty line ends the entry.

use std::io;

use serde_json::{Map, Value as Json};

use super::cutting::RECORD_BYTES_MAX;
use super::rewritten::Rewrite;

/// The bytes in which the length of a value is written.
const LENGTH_BYTES: usize = 8;

/// More than a journal holds in one value: what claims so is broken.
const VALUE_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;

/// Names of journald's fields are no longer.
const NAME_BYTES_MAX: usize = 64;

/// The entry that is being read.
#[derive(Debug, Default)]
pub(crate) struct JournalExport {
    entry: Map<String, Json>,
    /// Bytes of its values.
    size: usize,
    /// What is left of a value that is too long, say a core dump.
    skip: u64,
}

/// Returns whether a file begins as an export does.
pub(crate) fn is_export(head: &[u8]) -> bool {
    let begins: [&[u8]; 4] =
        [b"__CURSOR=", b"__REALTIME_TIMESTAMP=", b"__MONOTONIC_TIMESTAMP=", b"__SEQNUM="];
    begins.iter().any(|own| head.starts_with(own))
}

impl Rewrite for JournalExport {
    fn rewrite(&mut self, open: &mut Vec<u8>, is_over: bool, text: &mut Vec<u8>) -> io::Result<()> {
        let mut at = 0;
        while let Some(len) = self.field(open.get(at..).unwrap_or_default(), is_over, text)? {
            at += len;
        }
        open.drain(..at);
        if is_over {
            open.clear();
            self.end(text)?;
        }
        Ok(())
    }
}

impl JournalExport {
    /// Reads the field that stands here, or the end of an entry; returns how long it is, nothing if it goes on.
    fn field(
        &mut self,
        rest: &[u8],
        is_over: bool,
        text: &mut Vec<u8>,
    ) -> io::Result<Option<usize>> {
        if rest.is_empty() {
            return Ok(None);
        }
        if self.skip > 0 {
            let len = usize::try_from(self.skip).unwrap_or(rest.len()).min(rest.len());
            self.skip -= u64::try_from(len).unwrap_or(self.skip);
            return Ok(Some(len));
        }
        let Some(end) = memchr::memchr(b'\n', rest) else {
            let is_all = is_over || rest.len() > RECORD_BYTES_MAX;
            if is_all {
                self.line(rest);
            }
            return Ok(is_all.then_some(rest.len()));
        };
        let (line, behind) = rest.split_at(end);
        let behind = behind.get(1..).unwrap_or_default();
        if line.is_empty() {
            self.end(text)?;
            return Ok(Some(1));
        }
        if is_name(line) {
            return Ok(self.value(line, behind).map(|len| end + 1 + len));
        }
        self.line(line);
        Ok(Some(end + 1))
    }

    fn line(&mut self, line: &[u8]) {
        if let Some(equals) = memchr::memchr(b'=', line) {
            let (name, value) = line.split_at(equals);
            if is_name(name) {
                self.put(name, value.get(1..).unwrap_or_default());
            }
        }
    }

    /// Reads the value behind a name alone; returns how long it is with its length and end, nothing if it goes on.
    fn value(&mut self, name: &[u8], rest: &[u8]) -> Option<usize> {
        let length = u64::from_le_bytes(*rest.first_chunk::<LENGTH_BYTES>()?);
        if length > VALUE_BYTES_MAX {
            return Some(0);
        }
        let whole = usize::try_from(length).ok().filter(|length| *length <= RECORD_BYTES_MAX);
        let Some(length) = whole else {
            self.skip = length.saturating_add(1);
            return Some(LENGTH_BYTES);
        };
        let value = rest.get(LENGTH_BYTES..LENGTH_BYTES + length)?;
        // The end of its line.
        rest.get(LENGTH_BYTES + length)?;
        self.put(name, value);
        Some(LENGTH_BYTES + length + 1)
    }

    /// Adds a value to the entry; several under one name are a list.
    fn put(&mut self, name: &[u8], value: &[u8]) {
        self.size += name.len() + value.len();
        if self.size > RECORD_BYTES_MAX / 2 {
            return;
        }
        let name = String::from_utf8_lossy(name).into_owned();
        let value = Json::String(String::from_utf8_lossy(value).into_owned());
        match self.entry.get_mut(&name) {
            None => drop(self.entry.insert(name, value)),
            Some(Json::Array(members)) => members.push(value),
            Some(first) => *first = Json::Array(vec![first.take(), value]),
        }
    }

    fn end(&mut self, text: &mut Vec<u8>) -> io::Result<()> {
        self.size = 0;
        let entry = std::mem::take(&mut self.entry);
        if entry.is_empty() {
            return Ok(());
        }
        serde_json::to_writer(&mut *text, &entry).map_err(io::Error::other)?;
        text.push(b'\n');
        Ok(())
    }
}

fn is_name(name: &[u8]) -> bool {
    let is_letter = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
    !name.is_empty() && name.len() <= NAME_BYTES_MAX && name.iter().all(is_letter)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use proptest::prelude::*;

    use super::super::rewritten::Rewritten;
    use super::*;

    fn read(bytes: &[u8]) -> Vec<Json> {
        let mut text = String::new();
        Rewritten::new(bytes, JournalExport::default()).read_to_string(&mut text).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn binary(name: &str, value: &[u8]) -> Vec<u8> {
        let length = u64::try_from(value.len()).unwrap().to_le_bytes();
        [name.as_bytes(), b"\n", &length, value, b"\n"].concat()
    }

    #[test]
    fn entries_become_objects() {
        let bytes = [
            &b"__CURSOR=s=1\nMESSAGE=a=b\nTAG=x\nTAG=y\nTAG=z\n\n\n"[..],
            b"__CURSOR=s=2\n",
            &binary("MESSAGE", b"two\nlines \xff\n\n"),
            b"no field\nPRIORITY=5\n\n__CURSOR=s=3\n",
            &binary("COREDUMP", &vec![b'\n'; 3 * RECORD_BYTES_MAX]),
            b"_PID=7\n\n__CURSOR=s=4\nMESSAGE=the end",
        ]
        .concat();
        assert!(is_export(&bytes));
        let want = serde_json::json!([
            {"__CURSOR": "s=1", "MESSAGE": "a=b", "TAG": ["x", "y", "z"]},
            {"__CURSOR": "s=2", "MESSAGE": "two\nlines \u{fffd}\n\n", "PRIORITY": "5"},
            {"__CURSOR": "s=3", "_PID": "7"},
            {"__CURSOR": "s=4", "MESSAGE": "the end"},
        ]);
        assert_eq!(Json::Array(read(&bytes)), want);
    }

    #[test]
    fn a_broken_length_does_not_swallow_the_rest() {
        let bytes = [&b"__CURSOR=1\nMESSAGE\n"[..], &[0xff; 8], b"\n\n__CURSOR=2\n\n"].concat();
        let want = serde_json::json!([{"__CURSOR": "1"}, {"__CURSOR": "2"}]);
        assert_eq!(Json::Array(read(&bytes)), want);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
            read(&bytes);
            read(&[&b"A\n"[..], &bytes].concat());
        }
    }
}
