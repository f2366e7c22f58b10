//! What a file says of itself: times and makers inside ZIP archives, office documents, programs and PDF
//! files. Read lightly and bounded; what a file says of itself may be a lie, and the page says so.

use std::io::{Read, Seek};

use chrono::{DateTime, NaiveDate, Utc};
use quick_xml::Reader;
use quick_xml::events::Event;

use super::model::Said;

/// Values of one file that are kept, and characters of one.
const SAID_MAX: usize = 40;
const VALUE_CHARS_MAX: usize = 200;
/// The part of an office document that says who and when.
const CORE: &str = "docProps/core.xml";
const CORE_BYTES_MAX: u64 = 64 * 1024;
/// Members of an archive whose times are looked at.
const MEMBERS_MAX: usize = 20_000;

fn said(key: &'static str, value: &str) -> Option<Said> {
    let value: String =
        value.trim().chars().filter(|c| !c.is_control()).take(VALUE_CHARS_MAX).collect();
    (!value.is_empty()).then(|| Said { key: key.to_owned(), value })
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn shown(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Reads the head of a program for Windows: for which machine, what it is, when it was linked.
///
/// Source: Microsoft, PE Format, "COFF File Header".
pub(super) fn program(bytes: &[u8]) -> Vec<Said> {
    let head = || {
        let at = usize::try_from(u32::from_le_bytes(number(bytes, 0x3c)?)).ok()?;
        (number::<4>(bytes, at)? == *b"PE\0\0").then_some(at)
    };
    let Some(at) = head().filter(|_| bytes.starts_with(b"MZ")) else { return Vec::new() };
    let word = |offset: usize| number(bytes, at.saturating_add(offset)).map(u16::from_le_bytes);
    let machine = match word(4) {
        Some(0x014c) => "x86",
        Some(0x8664) => "x86-64",
        Some(0xaa64) => "ARM64",
        Some(0x01c0 | 0x01c4) => "ARM",
        _ => "",
    };
    let is_library = word(22).is_some_and(|flags| flags & 0x2000 != 0);
    let linked = number(bytes, at.saturating_add(8)).map(u32::from_le_bytes);
    // Reproducible builds put a hash here: far from now it is no time.
    let linked = linked.and_then(|seconds| DateTime::from_timestamp(i64::from(seconds), 0));
    let form = if is_library { "DLL" } else { "EXE" };
    [
        said("form", &format!("PE {form} {machine}")),
        linked.and_then(|at| said("linked", &shown(at))),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Keys of a PDF's information dictionary, and what we call them.
///
/// Source: ISO 32000-1 §14.3.3.
const PDF_KEYS: [(&[u8], &str); 7] = [
    (b"/Title", "title"),
    (b"/Author", "author"),
    (b"/Creator", "program"),
    (b"/Producer", "producer"),
    (b"/CreationDate", "created"),
    (b"/ModDate", "modified"),
    (b"/Keywords", "keywords"),
];

/// Reads what a PDF file says of itself in plain strings; what is packed in streams stays unread.
pub(super) fn pdf(bytes: &[u8]) -> Vec<Said> {
    if !bytes.starts_with(b"%PDF-") {
        return Vec::new();
    }
    let mut found = Vec::new();
    let version = number::<3>(bytes, 5).map(|some| String::from_utf8_lossy(&some).into_owned());
    found.extend(version.and_then(|version| said("form", &format!("PDF {version}"))));
    for (key, name) in PDF_KEYS {
        let mut from = 0;
        // The last one holds: a file that was changed has the newer at its end.
        let mut value = None;
        while let Some(place) = find(bytes, key, from) {
            from = place.saturating_add(key.len());
            value = pdf_string(bytes.get(from..).unwrap_or_default()).or(value);
        }
        let value = value.map(|text| {
            if name == "created" || name == "modified" {
                pdf_date(&text).unwrap_or(text)
            } else {
                text
            }
        });
        found.extend(value.and_then(|value| said(name, &value)));
    }
    found
}

fn find(bytes: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    let place = rest.windows(wanted.len()).position(|some| some == wanted)?;
    place.checked_add(from)
}

/// Reads a string of a PDF: in brackets with escapes, or in hexadecimal; UTF-16 where it says so.
fn pdf_string(bytes: &[u8]) -> Option<String> {
    let start = bytes.iter().take(8).position(|byte| !byte.is_ascii_whitespace())?;
    let (open, rest) = bytes.get(start..)?.split_first()?;
    let most = rest.get(..4 * VALUE_CHARS_MAX).unwrap_or(rest);
    let raw = match open {
        b'(' => {
            let (mut raw, mut depth, mut escaped) = (Vec::new(), 0_u32, false);
            for byte in most {
                match byte {
                    _ if escaped => {
                        raw.push(*byte);
                        escaped = false;
                    }
                    b'\\' => escaped = true,
                    b')' if depth == 0 => break,
                    _ => {
                        depth = match byte {
                            b'(' => depth.saturating_add(1),
                            b')' => depth.saturating_sub(1),
                            _ => depth,
                        };
                        raw.push(*byte);
                    }
                }
            }
            raw
        }
        b'<' => {
            let digits: Vec<u32> = most
                .iter()
                .take_while(|byte| **byte != b'>')
                .filter_map(|byte| char::from(*byte).to_digit(16))
                .collect();
            let pair = |pair: &[u32]| match pair {
                [high, low] => u8::try_from(high * 16 + low).ok(),
                _ => None,
            };
            digits.chunks(2).filter_map(pair).collect()
        }
        _ => return None,
    };
    let wide = raw.strip_prefix(b"\xfe\xff").map(|rest| {
        let unit = |pair: &[u8]| pair.try_into().ok().map(u16::from_be_bytes);
        let units: Vec<u16> = rest.chunks(2).filter_map(unit).collect();
        String::from_utf16_lossy(&units)
    });
    Some(wide.unwrap_or_else(|| String::from_utf8_lossy(&raw).into_owned()))
}

/// Reads a PDF's date: `D:20261122140500+07'00'`.
fn pdf_date(text: &str) -> Option<String> {
    let digits = text.strip_prefix("D:").unwrap_or(text);
    let part = |from: usize, to: usize| -> Option<u32> { digits.get(from..to)?.parse().ok() };
    let day = NaiveDate::from_ymd_opt(i32::try_from(part(0, 4)?).ok()?, part(4, 6)?, part(6, 8)?)?;
    let time = (part(8, 10), part(10, 12), part(12, 14));
    let (hour, minute, second) = (time.0.unwrap_or(0), time.1.unwrap_or(0), time.2.unwrap_or(0));
    let local = day.and_hms_opt(hour, minute, second)?.and_utc();
    let zone = digits.get(14..).unwrap_or_default();
    let away = |zone: &str| -> Option<i64> {
        let hours: i64 = zone.get(1..3)?.parse().ok()?;
        let minutes: i64 = zone.get(4..6).and_then(|text| text.parse().ok()).unwrap_or(0);
        Some(hours * 60 + minutes)
    };
    let minutes = match zone.chars().next() {
        Some('+') => away(zone).map(|minutes| -minutes),
        Some('-') => away(zone),
        _ => Some(0),
    };
    Some(shown(local + chrono::TimeDelta::minutes(minutes?)))
}

/// Elements of an office document's core properties, and what we call them.
///
/// Source: ECMA-376 part 2, "Core Properties".
const CORE_KEYS: [(&str, &str); 7] = [
    ("title", "title"),
    ("creator", "author"),
    ("lastModifiedBy", "modifier"),
    ("created", "created"),
    ("modified", "modified"),
    ("lastPrinted", "printed"),
    ("revision", "revision"),
];

/// Reads the core properties of an office document.
pub(super) fn core_properties(xml: &[u8]) -> Vec<Said> {
    let mut reader = Reader::from_reader(xml);
    let mut found = Vec::new();
    let mut within = None;
    let mut buffer = Vec::new();
    while found.len() < SAID_MAX {
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Start(start)) => {
                let local = start.local_name();
                let known = CORE_KEYS.iter().find(|(name, _)| *name == local.as_ref());
                within = known.map(|(_, key)| *key);
            }
            Ok(Event::Text(text)) => {
                let value = text.xml10_content();
                found.extend(within.and_then(|key| said(key, &value)));
            }
            Ok(Event::End(_)) => within = None,
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
        buffer.clear();
    }
    found
}

/// Reads what a ZIP archive says of itself: the earliest and the latest time of its members, and of an
/// office document who made it.
pub(super) fn archive<R: Read + Seek>(from: R) -> Vec<Said> {
    let Ok(mut archive) = zip::ZipArchive::new(from) else { return Vec::new() };
    let mut found = Vec::new();
    let mut core = Vec::new();
    if let Ok(part) = archive.by_name(CORE)
        && part.take(CORE_BYTES_MAX).read_to_end(&mut core).is_ok()
    {
        found.extend(said("form", "Office Open XML"));
        found.extend(core_properties(&core));
    }
    let mut times: Option<(String, String)> = None;
    for place in 0..archive.len().min(MEMBERS_MAX) {
        let Ok(member) = archive.by_index_raw(place) else { continue };
        let Some(at) = member.last_modified() else { continue };
        // The clock of whoever packed it, without a zone; 1980 is what writers put who do not know.
        if at.year() <= 1980 {
            continue;
        }
        let at = format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
            at.year(),
            at.month(),
            at.day(),
            at.hour(),
            at.minute(),
            at.second()
        );
        times = Some(match times {
            None => (at.clone(), at),
            Some((first, last)) => (first.min(at.clone()), last.max(at)),
        });
    }
    if let Some((first, last)) = times {
        found.extend(said("packed-first", &first));
        found.extend(said("packed-last", &last));
    }
    found.truncate(SAID_MAX);
    found
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write as _};

    use proptest::prelude::*;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn told(found: &[Said]) -> Vec<(&str, &str)> {
        found.iter().map(|one| (one.key.as_str(), one.value.as_str())).collect()
    }

    #[test]
    fn a_program_says_when_it_was_linked() {
        let mut bytes = vec![0_u8; 0x100];
        bytes[..2].copy_from_slice(b"MZ");
        bytes[0x3c] = 0x80;
        bytes[0x80..0x84].copy_from_slice(b"PE\0\0");
        bytes[0x84..0x86].copy_from_slice(&0x8664_u16.to_le_bytes());
        bytes[0x88..0x8c].copy_from_slice(&1_795_330_800_u32.to_le_bytes());
        bytes[0x96..0x98].copy_from_slice(&0x2022_u16.to_le_bytes());
        let expected = [("form", "PE DLL x86-64"), ("linked", "2026-11-22T07:00:00Z")];
        assert_eq!(told(&program(&bytes)), expected);
        bytes[0x3c..0x40].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(program(&bytes), []);
    }

    #[test]
    fn a_pdf_says_who_made_it_and_when() {
        let text = b"%PDF-1.7\n1 0 obj <</Title <FEFF00410042> /Author (Tr\\(a\\)n) /Producer(Word (2016))\n\
            /CreationDate (D:20261122140500+07'00') /ModDate(D:20261122)>>";
        let expected = [
            ("form", "PDF 1.7"),
            ("title", "AB"),
            ("author", "Tr(a)n"),
            ("producer", "Word (2016)"),
            ("created", "2026-11-22T07:05:00Z"),
            ("modified", "2026-11-22T00:00:00Z"),
        ];
        assert_eq!(told(&pdf(text)), expected);
        assert_eq!(pdf(b"/Author (x)"), []);
    }

    #[test]
    fn an_office_document_says_who_changed_it() {
        let mut bytes = Cursor::new(Vec::new());
        let mut writer = zip::ZipWriter::new(&mut bytes);
        let at = zip::DateTime::from_date_and_time(2026, 11, 22, 14, 5, 6).unwrap();
        let options = SimpleFileOptions::default().last_modified_time(at);
        writer.start_file(CORE, options).unwrap();
        let core = "<cp:coreProperties xmlns:cp=\"x\" xmlns:dc=\"y\" xmlns:dcterms=\"z\"><dc:creator>Trần Minh\
            </dc:creator><cp:lastModifiedBy>Lê An</cp:lastModifiedBy><dcterms:created>2026-11-22T07:05:00Z\
            </dcterms:created></cp:coreProperties>";
        writer.write_all(core.as_bytes()).unwrap();
        writer.finish().unwrap();
        let expected = [
            ("form", "Office Open XML"),
            ("author", "Trần Minh"),
            ("modifier", "Lê An"),
            ("created", "2026-11-22T07:05:00Z"),
            ("packed-first", "2026-11-22T14:05:06"),
            ("packed-last", "2026-11-22T14:05:06"),
        ];
        assert_eq!(told(&archive(Cursor::new(bytes.into_inner()))), expected);
    }

    proptest! {
        #[test]
        fn no_bytes_break_the_readers(bytes in prop::collection::vec(any::<u8>(), 0..600), kind in 0_usize..4) {
            let head: [&[u8]; 4] = [b"", b"MZ", b"%PDF-1.4 /Author (", b"<a>"];
            let bytes = [head[kind], &bytes].concat();
            let all =
                [program(&bytes), pdf(&bytes), core_properties(&bytes), archive(Cursor::new(&bytes))];
            for found in all {
                prop_assert!(found.len() <= SAID_MAX);
                let short = |one: &Said| one.value.chars().count() <= VALUE_CHARS_MAX;
                prop_assert!(found.iter().all(short));
            }
        }
    }
}
