//! The walk of a scan: what lies in archives is reached, and bombs are not followed.

use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use tokio_util::sync::CancellationToken;
use zip::write::SimpleFileOptions;

use super::scan::{Scan, Scanned, YaraMatch, walk};
use crate::files::KeptFile;

/// Finds the word EVIL.
#[derive(Default)]
pub(super) struct Finder {
    seen: Vec<usize>,
}

impl Scan for Finder {
    fn file(&mut self, path: &Path) -> Result<Vec<YaraMatch>, String> {
        self.bytes(&std::fs::read(path).unwrap())
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<Vec<YaraMatch>, String> {
        self.seen.push(bytes.len());
        if bytes.starts_with(b"SLOW") {
            return Err("too slow".to_owned());
        }
        let found = bytes.windows(4).any(|some| some == b"EVIL");
        let hit = YaraMatch {
            rule: "evil".to_owned(),
            origin: "evil.yar".to_owned(),
            about: String::new(),
            strings: Vec::new(),
        };
        Ok(found.then_some(hit).into_iter().collect())
    }
}

fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut writer = zip::ZipWriter::new(&mut bytes);
    for (name, content) in files {
        let options = SimpleFileOptions::default();
        writer.start_file(*name, options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap();
    bytes.into_inner()
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut writer = GzEncoder::new(Vec::new(), Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn tarred(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut block = vec![0_u8; 512];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[124..135].copy_from_slice(format!("{:011o}", bytes.len()).as_bytes());
    block[156] = b'0';
    block[257..263].copy_from_slice(b"ustar\0");
    block.extend(bytes);
    block.resize(block.len().next_multiple_of(512) + 1024, 0);
    block
}

fn scanned(bytes: &[u8], name: &str) -> Scanned {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let mut finder = Finder::default();
    walk(&mut finder, &KeptFile::plain(file.path()), name, &CancellationToken::new()).unwrap()
}

#[test]
fn what_lies_in_archives_is_reached() {
    let inner = zipped(&[("c:\\temp\\x.php", b"<?php EVIL"), ("good.txt", b"good")]);
    let cases = [
        (b"EVIL".to_vec(), vec!["a"]),
        (inner.clone(), vec!["a/c:/temp/x.php"]),
        (gzipped(b"EVIL"), vec!["a/a"]),
        (gzipped(&tarred("etc/x", b"EVIL")), vec!["a/etc/x"]),
        (tarred("in.zip", &inner), vec!["a/in.zip/c:/temp/x.php"]),
        (zipped(&[("log.gz", &gzipped(b"EVIL"))]), vec!["a/log.gz/log"]),
    ];
    for (bytes, expected) in cases {
        let scanned = scanned(&bytes, "a");
        let files: Vec<&str> = scanned.hits.iter().map(|hit| hit.file.as_str()).collect();
        // A packed file that is stored, not shrunk, shows its words on the outside too.
        let files: Vec<&str> = files.into_iter().filter(|file| expected.contains(file)).collect();
        assert_eq!(files, expected);
    }
}

#[test]
fn what_is_passed_over_is_named() {
    let deep = (0..6).fold(b"EVIL".to_vec(), |bytes, _| zipped(&[("in.zip", &bytes)]));
    let found = scanned(&deep, "deep");
    assert!(found.files <= 5, "{}", found.files);
    let slow = scanned(&zipped(&[("s", b"SLOW")]), "z");
    assert_eq!(slow.passed, ["z/s: too slow"]);
    let torn = zipped(&[("x", b"EVIL")]);
    let torn = scanned(&torn[..torn.len() - 10], "t");
    assert_eq!((torn.passed_count, torn.files), (1, 1));
    // Sixty-five mebibytes of nothing in a few bytes.
    let bomb = gzipped(&vec![0_u8; 65 * 1024 * 1024]);
    let found = scanned(&bomb, "bomb.gz");
    assert_eq!(found.files, 2);
    let stopped = CancellationToken::new();
    stopped.cancel();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&zipped(&[("x", b"EVIL")])).unwrap();
    let found = walk(&mut Finder::default(), &KeptFile::plain(file.path()), "z", &stopped).unwrap();
    assert_eq!(found.files, 1, "nothing more once it is told to stop");
}

proptest! {
    #[test]
    fn no_bytes_break_the_walk(bytes in prop::collection::vec(any::<u8>(), 0..900), kind in 0_usize..4) {
        let head: [&[u8]; 4] = [b"", b"PK\x03\x04", b"\x1f\x8b\x08", b"\x1f\x8b"];
        scanned(&[head[kind], &bytes].concat(), "x");
        scanned(&gzipped(&bytes), "x");
    }
}
