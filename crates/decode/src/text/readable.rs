//! Bytes to text: invalid UTF-8 is kept as `\xNN`, what is no text at all is refused.

use std::borrow::Cow;
use std::fmt::Write as _;

use event::{DeadReason, Note};

use crate::limits::RECORD_BYTES_MAX;

/// A record is no text when more than one byte in this many is a control character or no UTF-8:
/// Vietnamese in an old 8-bit encoding stays below a third, images and UTF-16 are far above.
const STRANGE_ONE_IN: usize = 3;

/// Returns the bytes as text, with a note for each thing that had to be done to them.
pub(crate) fn text<'a>(bytes: &'a [u8], notes: &mut Vec<Note>) -> Result<Cow<'a, str>, DeadReason> {
    if bytes.len() > RECORD_BYTES_MAX {
        let detail = format!("{} bytes; the most is {RECORD_BYTES_MAX}", bytes.len());
        return Err(DeadReason::new("too-long", detail));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(error) => {
            let (text, invalid_count) = escaped(bytes);
            refuse_if_strange(&text, invalid_count, bytes)?;
            notes.push(Note::new(
                "invalid-utf8",
                format!(
                    "{invalid_count} bytes, the first at column {}",
                    column(error.valid_up_to())
                ),
            ));
            Cow::Owned(text)
        }
    };
    refuse_if_strange(&text, 0, bytes)?;
    if text.trim_matches(|c: char| c.is_whitespace() || c == '\0').is_empty() {
        return Err(DeadReason::new("empty", "nothing but white space"));
    }
    Ok(text)
}

fn column(offset: usize) -> usize {
    offset.saturating_add(1)
}

fn escaped(bytes: &[u8]) -> (String, usize) {
    let mut text = String::with_capacity(bytes.len());
    let mut invalid_count = 0_usize;
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            invalid_count = invalid_count.saturating_add(1);
            let written = write!(text, "\\x{byte:02x}");
            debug_assert!(written.is_ok(), "writing to a String cannot fail");
        }
    }
    (text, invalid_count)
}

fn refuse_if_strange(text: &str, invalid_count: usize, bytes: &[u8]) -> Result<(), DeadReason> {
    let control_count = bytes
        .iter()
        .filter(|byte| {
            byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x1b | 0x1d)
        })
        .count();
    let strange_count = control_count.saturating_add(invalid_count);
    if strange_count.saturating_mul(STRANGE_ONE_IN) <= bytes.len() {
        return Ok(());
    }
    let every_second_is_nul =
        memchr::memchr_iter(0, bytes).count().saturating_mul(3) >= bytes.len();
    let guess = if text.is_empty() {
        ""
    } else if every_second_is_nul && bytes.iter().any(u8::is_ascii_alphanumeric) {
        "; it looks like UTF-16, send UTF-8"
    } else {
        ""
    };
    let detail = format!(
        "{strange_count} of {} bytes are control characters or no UTF-8{guess}",
        bytes.len()
    );
    Err(DeadReason::new("not-text", detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_text_or_say_why_not() {
        let long = vec![b'a'; RECORD_BYTES_MAX + 1];
        let cases: [(&[u8], Result<&str, &str>); 9] = [
            ("Sở Tài chính".as_bytes(), Ok("Sở Tài chính")),
            (b"\xef\xbb\xbfhello", Ok("hello")),
            (b"user=\xff\xfe logged in again", Ok("user=\\xff\\xfe logged in again")),
            (b"", Err("empty")),
            (b" \t\r\n", Err("empty")),
            (b"\0\0\0\0\0\0", Err("not-text")),
            (b"h\0e\0l\0l\0o\0", Err("not-text")),
            (b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", Err("not-text")),
            (&long, Err("too-long")),
        ];
        for (bytes, expected) in cases {
            let mut notes = Vec::new();
            let found = text(bytes, &mut notes);
            let found = found.as_deref().map_err(|reason| reason.code.as_str());
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn the_note_says_where_the_first_bad_byte_stands() {
        let mut notes = Vec::new();
        text(b"abc\xffdefghijkl", &mut notes).unwrap();
        assert_eq!(notes, [Note::new("invalid-utf8", "1 bytes, the first at column 4")]);
    }
}
