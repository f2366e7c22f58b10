//! What the bytes of a piece tell at a look: its kind, what lies in it, whether its own list of digests
//! holds. Hostile bytes: each look is bounded and none of them is unpacked to the disk.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Read, Seek as _};

use flate2::read::MultiGzDecoder;

use super::model::{Facts, Inside, Manifest, Said};
use super::{meta, tarball};
use crate::custody::Digesting;
use crate::files::KeptFile;

/// First bytes that are looked at.
const HEAD_BYTES: usize = 512;

/// First bytes that are shown.
const HEAD_SHOWN: usize = 16;

/// Bytes at the beginning and at the end of a file in which it says something of itself.
const SAID_BYTES: u64 = 2 * 1024 * 1024;

/// Files of an archive that are looked at, and that are named.
const INSIDE_MAX: usize = 20_000;
const INSIDE_SHOWN: usize = 200;

/// Largest list of digests that is read.
const MANIFEST_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Bytes of an archive that are unpacked to be held against its list: a collection of a machine, not a
/// bomb.
const UNPACKED_BYTES_MAX: u64 = 16 * 1024 * 1024 * 1024;

/// Faults that are named.
const BAD_SHOWN: usize = 50;

/// The name of an archive's list of digests, as `sha256sum -c` reads it.
pub(super) const MANIFEST_NAME: &str = "MANIFEST.sha256";

/// How files of a kind begin, where that stands, and what the kind is called.
const KINDS: &[(usize, &[u8], &str)] = &[
    (0, b"ElfFile\0", "evtx"),
    (0, b"ElfChnk\0", "evtx"),
    (0, b"\x1f\x8b", "gzip"),
    (0, b"\x28\xb5\x2f\xfd", "zstd"),
    (0, b"PK\x03\x04", "zip"),
    (0, b"PK\x05\x06", "zip"),
    (0, b"7z\xbc\xaf\x27\x1c", "7z"),
    (0, b"Rar!", "rar"),
    (257, b"ustar", "tar"),
    (0, b"%PDF-", "pdf"),
    (0, b"\x89PNG", "image"),
    (0, b"\xff\xd8\xff", "image"),
    (0, b"MZ", "program"),
    (0, b"\x7fELF", "program"),
    (0, b"\xd4\xc3\xb2\xa1", "capture"),
    (0, b"\xa1\xb2\xc3\xd4", "capture"),
    (0, b"\x0a\x0d\x0d\x0a", "capture"),
    (0, b"regf", "registry"),
    (0, b"EVF\x09", "disk"),
    (0, b"SQLite format 3\0", "database"),
    (0, b"\xd0\xcf\x11\xe0", "office"),
];

/// Returns what bytes are, by how they begin.
pub(super) fn kind_of(head: &[u8]) -> &'static str {
    let fits = |(at, magic, _): &&(usize, &[u8], &str)| {
        head.get(*at..).is_some_and(|rest| rest.starts_with(magic))
    };
    if let Some((_, _, kind)) = KINDS.iter().find(fits) {
        return kind;
    }
    if head.is_empty() {
        return "empty";
    }
    let wide = head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff");
    let is_text = wide || !head.contains(&0);
    if is_text { "text" } else { "binary" }
}

/// Looks at the first bytes of a file.
///
/// # Errors
/// When it cannot be read.
pub(super) fn glance(file: &KeptFile) -> io::Result<Facts> {
    let mut head = Vec::with_capacity(HEAD_BYTES);
    file.open()?.take(HEAD_BYTES as u64).read_to_end(&mut head)?;
    let kind = kind_of(&head);
    let shown = head.get(..HEAD_SHOWN).unwrap_or(&head);
    Ok(Facts {
        kind: kind.to_owned(),
        head: shown.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat(),
        ..Facts::default()
    })
}

/// Looks at all of a file, which takes a while for a large archive.
///
/// # Errors
/// When it cannot be read; a damaged archive is no error, it only tells less.
pub(super) fn look(file: &KeptFile) -> io::Result<Facts> {
    let mut facts = glance(file)?;
    let kind = facts.kind.clone();
    (facts.sha1, facts.md5) = old_digests(file)?;
    facts.said = said(file, &kind)?;
    if kind == "zip"
        && let Ok(archive) = zip::ZipArchive::new(BufReader::new(file.open()?))
    {
        inside(archive, &mut facts);
    }
    if kind == "gzip" {
        let mut unpacked = MultiGzDecoder::new(BufReader::new(file.open()?));
        let mut within = facts.clone();
        if tarred(&mut unpacked, &mut within) {
            facts = Facts { kind: "tar".to_owned(), ..within };
        }
    } else if kind == "tar" {
        tarred(&mut BufReader::new(file.open()?), &mut facts);
    }
    Ok(facts)
}

/// Takes the digests that older lists and tools know files by, in one pass.
fn old_digests(file: &KeptFile) -> io::Result<(String, String)> {
    use sha1::Digest as _;
    let mut file = file.open()?;
    let (mut sha1, mut md5) = (sha1::Sha1::new(), md5::Md5::new());
    let mut part = vec![0_u8; 64 * 1024];
    loop {
        let read = file.read(&mut part)?;
        let Some(bytes) = part.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        sha1.update(bytes);
        md5.update(bytes);
    }
    let hex =
        |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    Ok((hex(&sha1.finalize()), hex(&md5.finalize())))
}

/// Reads what a file says of itself, from its beginning and its end.
fn said(kept: &KeptFile, kind: &str) -> io::Result<Vec<Said>> {
    let mut file = kept.open()?;
    let size = file.size_bytes();
    let mut bytes = Vec::new();
    file.by_ref().take(SAID_BYTES).read_to_end(&mut bytes)?;
    Ok(match kind {
        "program" => meta::program(&bytes),
        "pdf" => {
            if size > SAID_BYTES {
                file.seek(io::SeekFrom::Start(size.saturating_sub(SAID_BYTES).max(SAID_BYTES)))?;
                file.take(SAID_BYTES).read_to_end(&mut bytes)?;
            }
            meta::pdf(&bytes)
        }
        "zip" => meta::archive(BufReader::new(kept.open()?)),
        _ => Vec::new(),
    })
}

/// Looks into a ZIP archive.
fn inside<R: Read + io::Seek>(mut archive: zip::ZipArchive<R>, facts: &mut Facts) {
    let mut seen = Seen::default();
    let mut left = UNPACKED_BYTES_MAX;
    facts.inside_count = archive.len() as u64;
    let has_list =
        archive.file_names().any(|name| name.is_ok_and(|name| name.ends_with(MANIFEST_NAME)));
    for place in 0..archive.len().min(INSIDE_MAX) {
        let Ok(mut file) = archive.by_index(place) else { continue };
        // Older Windows writes its own separator.
        let Ok(name) = file.name().map(|name| name.replace('\\', "/")) else { continue };
        let size = file.size();
        if file.is_dir() {
            continue;
        }
        if !has_list {
            if facts.inside.len() < INSIDE_SHOWN {
                facts.inside.push(Inside { name, size_bytes: size });
            }
        } else if !seen.take(facts, &name, size, &mut file, &mut left) {
            break;
        }
    }
    facts.manifest = seen.judge();
}

/// Looks into a tar archive; returns whether it is one.
fn tarred(stream: &mut dyn Read, facts: &mut Facts) -> bool {
    let mut seen = Seen::default();
    let mut left = UNPACKED_BYTES_MAX;
    let walked = tarball::walk(stream, INSIDE_MAX, &mut |entry| {
        facts.inside_count += 1;
        if seen.take(facts, entry.name, entry.size_bytes, entry.bytes, &mut left) {
            Ok(())
        } else {
            Err(io::Error::other("too large"))
        }
    });
    facts.manifest = seen.judge();
    walked.is_ok() && facts.inside_count > 0
}

/// The digests of what went by, and the archive's own list of them.
#[derive(Default)]
struct Seen {
    digests: BTreeMap<String, String>,
    listed: Option<BTreeMap<String, String>>,
}

impl Seen {
    /// Takes note of a file; returns whether there is room for more.
    fn take(
        &mut self,
        facts: &mut Facts,
        name: &str,
        size_bytes: u64,
        bytes: &mut dyn Read,
        left: &mut u64,
    ) -> bool {
        if facts.inside.len() < INSIDE_SHOWN {
            facts.inside.push(Inside { name: name.to_owned(), size_bytes });
        }
        if name.rsplit('/').next() == Some(MANIFEST_NAME) && self.listed.is_none() {
            let base = name.strip_suffix(MANIFEST_NAME).unwrap_or_default();
            let mut text = Vec::new();
            if bytes.take(MANIFEST_BYTES_MAX).read_to_end(&mut text).is_ok() {
                self.listed = Some(entries(&text, base));
            }
            return true;
        }
        let mut file = Digesting::new(bytes.take(*left));
        let read = io::copy(&mut file, &mut io::sink());
        *left = left.saturating_sub(read.as_ref().copied().unwrap_or(0));
        if read.is_ok() {
            self.digests.insert(name.to_owned(), file.finish());
        }
        *left > 0
    }

    /// Holds what went by against the list, if there was one.
    fn judge(&self) -> Option<Manifest> {
        let listed = self.listed.as_ref()?;
        let mut manifest = Manifest { good: 0, bad: Vec::new() };
        for (name, digest) in listed {
            if self.digests.get(name) == Some(digest) {
                manifest.good += 1;
            } else if manifest.bad.len() < BAD_SHOWN {
                manifest.bad.push(name.clone());
            }
        }
        Some(manifest)
    }
}

/// Reads a list as `sha256sum` writes it: digest, two blanks (or blank and star), path.
pub(super) fn entries(text: &[u8], base: &str) -> BTreeMap<String, String> {
    let mut listed = BTreeMap::new();
    for line in text.lines().take(INSIDE_MAX) {
        let Ok(line) = line else { break };
        let line = line.trim_end_matches('\r').trim_start_matches('\u{feff}');
        let Some((digest, name)) = line.split_once(' ') else { continue };
        let name = name.trim_start_matches([' ', '*']);
        let name = name.strip_prefix("./").unwrap_or(name);
        let is_digest = digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit());
        if is_digest && !name.is_empty() {
            listed.insert(format!("{base}{name}"), digest.to_ascii_lowercase());
        }
    }
    listed
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use proptest::prelude::*;
    use zip::write::SimpleFileOptions;

    use super::*;

    #[test]
    fn kinds_are_told_by_bytes_not_by_names() {
        let mut tar = vec![0; 300];
        tar[257..262].copy_from_slice(b"ustar");
        let cases: &[(&[u8], &str)] = &[
            (b"ElfFile\0...", "evtx"),
            (b"PK\x03\x04", "zip"),
            (&tar, "tar"),
            (b"Nov 22 14:05:09 web1 sshd[1]: x", "text"),
            (b"\xff\xfeN\0", "text"),
            (b"\0\x01", "binary"),
            (b"", "empty"),
        ];
        for (bytes, kind) in cases {
            assert_eq!(kind_of(bytes), *kind, "{bytes:?}");
        }
    }

    fn packed(files: &[(&str, &[u8])]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut writer = zip::ZipWriter::new(file.reopen().unwrap());
        for (name, bytes) in files {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap();
        file
    }

    #[test]
    fn an_archive_is_held_against_its_own_list() {
        let digest = crate::file::sha256(b"log");
        let list =
            format!("{digest}  ./may1/log.txt\n{digest} *may1/other.txt\n{digest}  gone.txt\n");
        let file = packed(&[
            ("thu/may1/log.txt", b"log"),
            ("thu/may1/other.txt", b"changed"),
            ("thu/MANIFEST.sha256", list.as_bytes()),
        ]);
        let facts = look(&KeptFile::plain(file.path())).unwrap();
        assert_eq!((facts.kind.as_str(), facts.inside_count), ("zip", 3));
        let manifest = facts.manifest.unwrap();
        assert_eq!(manifest.good, 1);
        assert_eq!(manifest.bad, ["thu/gone.txt", "thu/may1/other.txt"]);
    }

    proptest! {
        #[test]
        fn no_bytes_break_the_look(bytes in prop::collection::vec(any::<u8>(), 0..600), is_zip: bool) {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            if is_zip {
                file.write_all(b"PK\x03\x04").unwrap();
            }
            file.write_all(&bytes).unwrap();
            look(&KeptFile::plain(file.path())).unwrap();
            entries(&bytes, "");
        }
    }
}
