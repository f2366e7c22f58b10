//! Runs of zeros in logs of text: what a file system leaves of a log when the power goes, what a program has put by for
//! what it would write next, and what stands in front of a log that was cut while its program wrote on.

use memchr::memmem;

/// How many in a row it takes; fewer belong to a record.
const RUN: [u8; 16] = [0; 16];

/// Returns whether a file begins with a run of zeros.
pub(super) fn begin(head: &[u8]) -> bool {
    head.starts_with(&RUN)
}

/// Returns a text without blanks and zeros round it.
pub(super) fn trimmed(text: &[u8]) -> &[u8] {
    let is_own = |byte: &u8| *byte != 0 && !byte.is_ascii_whitespace();
    let start = text.iter().position(is_own).unwrap_or(text.len());
    let end = text.iter().rposition(is_own).map_or(start, |last| last + 1);
    text.get(start..end).unwrap_or_default()
}

/// Returns what stands between runs of zeros.
pub(super) fn parts(text: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = memmem::find(rest, &RUN) {
        let (part, behind) = rest.split_at(at);
        parts.push(part);
        let zeros = behind.iter().position(|byte| *byte != 0).unwrap_or(behind.len());
        rest = behind.get(zeros..).unwrap_or_default();
    }
    parts.push(rest);
    parts.retain(|part| !part.is_empty());
    parts
}

/// Returns the beginning of a file without its zeros, if all else is lines of text.
pub(super) fn text_beside(head: &[u8]) -> Option<Vec<u8>> {
    let is_text =
        |byte: &u8| !byte.is_ascii_control() || matches!(byte, b'\t' | b'\n' | b'\r' | 0x1b);
    let text = parts(head).join(&b'\n');
    (text.contains(&b'\n') && text.iter().all(is_text)).then_some(text)
}

/// Returns where the last run of zeros in a text ends.
pub(super) fn end_of_last(text: &[u8]) -> Option<usize> {
    memmem::rfind(text, &RUN).map(|at| at + RUN.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_zeros_part_a_text_and_single_ones_do_not() {
        let run = [0; 40];
        let text = [&run[..], b"one\0\n", &run, b"two", &run[..15], b"three\n", &run].concat();
        let two = [&b"two"[..], &run[..15], b"three\n"].concat();
        assert_eq!(parts(&text), [&b"one\0\n"[..], two.as_slice()]);
        assert_eq!(parts(b""), Vec::<&[u8]>::new());
        assert_eq!(trimmed(b"\0\0 one\0two \r\n\0"), b"one\0two");
        assert_eq!(trimmed(b"\0 \n"), b"");
        assert!(begin(&text) && !begin(b"\0\0\0\x18ftyp"));
        assert_eq!(end_of_last(&text), Some(text.len()));
        assert_eq!(end_of_last(b"a\0b"), None);
    }

    #[test]
    fn text_with_zeros_is_told_from_what_is_none() {
        let run = [0; 4096];
        for text in [
            [&b"one\ntwo\n"[..], &run].concat(),
            [&run[..], b"one\ntwo\n"].concat(),
            [&b"{\"half\": "[..], &run, "{\"Đặng\": 1}\n".as_bytes()].concat(),
        ] {
            assert!(text_beside(&text).is_some());
        }
        for other in [
            [&b"SQLite format 3"[..], &run].concat(),
            [&b"\x7fELF\n"[..], &run].concat(),
            [&b"a\nb\0c\n"[..], &run].concat(),
            [&run[..], b"\x01CD001\x01\0\n"].concat(),
            run.to_vec(),
        ] {
            assert_eq!(text_beside(&other), None);
        }
    }
}
