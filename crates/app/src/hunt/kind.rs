//! Tells what a stream of evidence is by what it begins with.

use std::io::Read;

use anyhow::{Result, bail};
use event::json_spans::{inside_list, object_end};

use super::chunks::{EVTX_CHUNK_MAGIC, EVTX_FILE_MAGIC, EVTX_HEADER_BYTES};
use super::headed::HeadedLog;
use super::table::Table;
use super::utf16::ByteOrder;
use super::{cutting, journal, zeros};

/// How much of a file is looked at to tell what it is: a first JSON object fits.
const HEAD_BYTES: u64 = 64 * 1024;

/// What stands in the header of a tar archive's first file, and where (POSIX.1-2017, pax).
const TAR_MAGIC: &[u8] = b"ustar";
const TAR_MAGIC_AT: usize = 257;

/// What the first bytes of a stream say it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Empty,
    Gzip,
    Zstd,
    Zip,
    Tar,
    /// An EVTX file, or chunks of one.
    Evtx,
    Utf16(ByteOrder),
    /// A header names the columns.
    Headed(HeadedLog),
    /// CSV with a header.
    Table,
    /// journald's export format.
    Journal,
    /// JSON over several lines, several objects in a line, or in an array.
    Objects,
    /// Windows events as XML, but for one a line.
    XmlEvents,
    Lines,
    /// No log at all.
    Binary,
}

/// Returns the first bytes of a stream, behind the zeros that it may begin with.
pub(super) fn head_of(reader: &mut dyn Read) -> Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut has_zeros = false;
    loop {
        let wanted = HEAD_BYTES.saturating_sub(u64::try_from(head.len()).unwrap_or(HEAD_BYTES));
        let read = Read::take(&mut *reader, wanted).read_to_end(&mut head)?;
        if read == 0 && head.is_empty() && has_zeros {
            bail!("it holds nothing but zeros");
        }
        has_zeros = has_zeros || zeros::begin(&head);
        let zeros = head.iter().take_while(|byte| has_zeros && **byte == 0).count();
        head.drain(..zeros);
        if read == 0 || zeros == 0 {
            return Ok(head);
        }
    }
}

/// Returns what a stream is, given its name as well: in what is called EVTX chunks are looked for to its end.
pub(super) fn kind_by_name(name: &str, head: &[u8]) -> Kind {
    let kind = kind(head);
    let is_other =
        matches!(kind, Kind::Objects | Kind::Table | Kind::Lines | Kind::Utf16(_) | Kind::Binary);
    if is_other && name.to_ascii_lowercase().ends_with(".evtx") { Kind::Evtx } else { kind }
}

fn kind(head: &[u8]) -> Kind {
    let at = |place: usize| head.get(place..).unwrap_or_default();
    if at(EVTX_HEADER_BYTES).starts_with(EVTX_CHUNK_MAGIC) || head.starts_with(EVTX_FILE_MAGIC) {
        return Kind::Evtx;
    }
    for (magic, kind) in [
        (&[0x1f, 0x8b][..], Kind::Gzip),
        (&[0x28, 0xb5, 0x2f, 0xfd], Kind::Zstd),
        (b"PK\x03\x04", Kind::Zip),
        (EVTX_CHUNK_MAGIC, Kind::Evtx),
    ] {
        if head.starts_with(magic) {
            return kind;
        }
    }
    if at(TAR_MAGIC_AT).starts_with(TAR_MAGIC) {
        return Kind::Tar;
    }
    if let Some(order) = ByteOrder::told_by(head) {
        return Kind::Utf16(order);
    }
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    if head.is_empty() {
        return Kind::Empty;
    }
    if journal::is_export(head) {
        return Kind::Journal;
    }
    if memchr::memchr(0, at(0).get(..1024.min(head.len())).unwrap_or_default()).is_some() {
        let has_chunk = memchr::memmem::find(head, EVTX_CHUNK_MAGIC).is_some();
        let text = zeros::text_beside(head).filter(|_| !has_chunk);
        return text.map_or(if has_chunk { Kind::Evtx } else { Kind::Binary }, |text| kind(&text));
    }
    if let Some(log) = HeadedLog::told_by(text) {
        return Kind::Headed(log);
    }
    match text.first() {
        // A log line may begin with a bracket; an array of events goes on with an object.
        Some(b'[') if text.get(1..).unwrap_or_default().trim_ascii_start().starts_with(b"{") => {
            Kind::Objects
        }
        // A sequence of JSON texts (RFC 7464).
        Some(0x1e) => Kind::Objects,
        Some(b'{') if inside_list(text, 0).is_some() => Kind::Objects,
        Some(b'{') => match object_end(text, 0).and_then(|end| text.split_at_checked(end)) {
            Some((object, rest)) => {
                let next = rest.iter().find(|byte| !matches!(byte, b' ' | b'\t' | b'\r'));
                if next.is_some_and(|byte| matches!(byte, b'{' | b',' | 0x1e))
                    || object.contains(&b'\n')
                {
                    Kind::Objects
                } else {
                    Kind::Lines
                }
            }
            // An object that is longer than all this; one that broke off would not leave its bracket alone.
            None if text.split(|byte| *byte == b'\n').next().is_some_and(is_bracket) => {
                Kind::Objects
            }
            None => Kind::Lines,
        },
        Some(b'<' | b'R') if cutting::holds_xml_events(text) => Kind::XmlEvents,
        Some(b'<' | b'[') => Kind::Lines,
        _ if Table::told_by(head).is_some() => Kind::Table,
        _ => Kind::Lines,
    }
}

fn is_bracket(line: &[u8]) -> bool {
    line.trim_ascii() == b"{"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_stream_is_shows_in_its_first_bytes() {
        let mut evtx = EVTX_FILE_MAGIC.to_vec();
        evtx.resize(EVTX_HEADER_BYTES, 0);
        evtx.extend(EVTX_CHUNK_MAGIC);
        let mut headless = vec![0xff; EVTX_HEADER_BYTES];
        headless.extend(EVTX_CHUNK_MAGIC);
        let tar = [&[b'a'; TAR_MAGIC_AT][..], b"ustar\0"].concat();
        let carved = [&[0, 7, 1][..], EVTX_CHUNK_MAGIC].concat();
        for (head, want) in [
            (&b""[..], Kind::Empty),
            (&evtx, Kind::Evtx),
            (&headless, Kind::Evtx),
            (EVTX_CHUNK_MAGIC, Kind::Evtx),
            (&carved, Kind::Evtx),
            (&tar, Kind::Tar),
            (b"\x1f\x8b\x08", Kind::Gzip),
            (b"{\"a\":1}\n{\"a\":2}\n", Kind::Lines),
            (b"{\n  \"a\": 1\n}", Kind::Objects),
            (b"{\r\n  \"a\": [\r\n", Kind::Objects),
            (b"{\"a\": [1\n{\"a\":2}\n", Kind::Lines),
            (b"{\"a\":1} {\"a\":2}\n", Kind::Objects),
            (b"{\"a\":1},\n{\"a\":2},\n", Kind::Objects),
            (b"\x1e{\"a\":1}\n\x1e{\"a\":2}\n", Kind::Objects),
            (b"\xff\xfe{\0", Kind::Utf16(ByteOrder::Little)),
            (b"__CURSOR=s=1\nMESSAGE\n\x01\0\0\0\0\0\0\0x\n\n", Kind::Journal),
            (b"#separator \\x09\n", Kind::Headed(HeadedLog::Zeek)),
            (b"#Fields: date time\n", Kind::Headed(HeadedLog::W3c)),
            (b"[{\"a\":1}]", Kind::Objects),
            (b"\xef\xbb\xbftime,a,b\n1,2,3\n", Kind::Table),
            (b"time,a\n1,2\n", Kind::Lines),
            (b"{ \"Records\": [{\"a\":1}]}", Kind::Objects),
            (b"{\"@odata.context\":\"x\",\"value\":[{\"a\":1}]}", Kind::Objects),
            (b"{\n \"entries\": [\n {\"a\":1}", Kind::Objects),
            (b"{\"kind\":\"x\",\"events\":[{\"a\":1}]}\n", Kind::Lines),
            (b"[Sun Nov 22 10:00:00] error", Kind::Lines),
            (b"<13>Nov 22 10:00:00 h x", Kind::Lines),
            (
                b"<?xml version='1.0'?><Events><Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'>",
                Kind::XmlEvents,
            ),
            (b"\x7fELF\0\0\0", Kind::Binary),
        ] {
            assert_eq!(kind(head), want, "{head:?}");
        }
    }
}
