//! Scanning a piece with YARA rules, in the background: the file itself and what lies in its archives. The
//! application has the engine; the walk through archives and its bounds are here.

use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use db::job::{Ended, Handler as JobHandler, JobError, Running};
use db::{Actor, AuditEntry, Subject};
use flate2::read::MultiGzDecoder;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;
use uuid::Uuid;
use web::{Lang, Phrase};

use super::examine::sealed;
use super::look::kind_of;
use super::model::Item;
use super::receive::subject;
use super::{store, tarball};
use crate::custody::{self, Act};
use crate::desk::Desk;
use crate::files::KeptFile;

/// The kind of job that scans a piece.
pub(super) const KIND: &str = "evidence.scan";

/// Matches of one piece that are kept; what is more is counted.
const HITS_MAX: usize = 500;
/// Files of an archive that are scanned.
const MEMBERS_MAX: usize = 10_000;
/// The largest file of an archive that is unpacked: it is held in memory.
const MEMBER_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// The largest encrypted piece that is scanned whole: it is opened in memory, where a plain one lies on the disk.
const SEALED_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// Bytes unpacked in all: a collection of a machine, not a bomb.
const UNPACKED_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;
/// Archives in archives.
const DEPTH_MAX: u8 = 3;
/// Files that were passed over and are named.
const PASSED_SHOWN: usize = 50;
/// First bytes that tell what a file is.
const HEAD_BYTES: usize = 512;

/// Which piece is scanned, and who wants it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Asked {
    pub(super) item: Uuid,
    pub(super) by: String,
}

/// A place in a file where a string of a rule stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct YaraString {
    /// The string's name in the rule: `$a`.
    pub name: String,
    /// Where it stands: bytes from the beginning of the file, the first of many.
    pub offsets: Vec<u64>,
    /// How often it stands there, counted to a bound.
    pub count: u64,
    /// The bytes at the first place, shortened and escaped.
    pub sample: String,
}

/// A rule that fits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct YaraMatch {
    /// The rule's name.
    pub rule: String,
    /// The file that the rule stands in.
    pub origin: String,
    /// What the rule says of itself (`description`), Vietnamese where it says so (`description_vi`).
    pub about: String,
    /// Its strings that were found.
    pub strings: Vec<YaraString>,
}

/// A file of the piece that a rule fits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct YaraHit {
    /// The file: the piece's name, and the way into its archives.
    pub file: String,
    /// The rule.
    #[serde(flatten)]
    pub found: YaraMatch,
}

/// A file of rules that cannot be used; the others can.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BadYara {
    /// The file.
    pub path: String,
    /// The line, from 1; 0 where there is none.
    pub line: u64,
    /// What is wrong.
    pub message: String,
}

/// What a scan came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Scanned {
    /// Rules that were tried.
    pub rules: u64,
    /// Files that were scanned.
    pub files: u64,
    /// Files that rules fit.
    pub hits: Vec<YaraHit>,
    /// How many there are.
    pub hit_count: u64,
    /// How many files were passed over.
    pub passed_count: u64,
    /// Those files, the first of many, and why.
    pub passed: Vec<String>,
    /// Files of rules that cannot be used.
    pub bad: Vec<BadYara>,
}

/// An engine with its rules, at work. Each file has a bound of its own on time.
pub trait Scan {
    /// Scans a file on the disk.
    ///
    /// # Errors
    /// Why it could not be scanned whole, in few words.
    fn file(&mut self, path: &Path) -> Result<Vec<YaraMatch>, String>;

    /// Scans bytes.
    ///
    /// # Errors
    /// Why they could not be scanned whole, in few words.
    fn bytes(&mut self, bytes: &[u8]) -> Result<Vec<YaraMatch>, String>;
}

/// Reads the rules and lends them out; the application has the engine.
pub trait Scanner: Send + Sync + std::fmt::Debug {
    /// Reads the rules as they are now and does the work with them. Returns how many rules there are, and
    /// the files of rules that cannot be used.
    ///
    /// # Errors
    /// When there is no engine.
    fn with_rules(
        &self,
        work: &mut dyn FnMut(&mut dyn Scan),
    ) -> Result<(u64, Vec<BadYara>), Box<dyn std::error::Error + Send + Sync>>;
}

/// A walk through a piece.
struct Walk<'a> {
    scan: &'a mut dyn Scan,
    stop: &'a CancellationToken,
    members: usize,
    left: u64,
    done: Scanned,
}

impl Walk<'_> {
    fn pass(&mut self, name: &str, why: &str) {
        self.done.passed_count += 1;
        if self.done.passed.len() < PASSED_SHOWN {
            self.done.passed.push(format!("{name}: {why}"));
        }
    }

    fn note(&mut self, name: &str, found: Result<Vec<YaraMatch>, String>) {
        self.done.files += 1;
        match found {
            Ok(found) => {
                for found in found {
                    self.done.hit_count += 1;
                    if self.done.hits.len() < HITS_MAX {
                        self.done.hits.push(YaraHit { file: name.to_owned(), found });
                    }
                }
            }
            Err(why) => self.pass(name, &why),
        }
    }

    /// Returns whether there is room for another file; an order to stop leaves none.
    fn has_room(&self) -> bool {
        self.members > 0 && self.left > 0 && !self.stop.is_cancelled()
    }

    /// Scans a file of an archive, and what lies in it.
    fn member(&mut self, name: &str, size: u64, bytes: &mut dyn Read, depth: u8) -> io::Result<()> {
        if !self.has_room() {
            return Err(io::Error::other("no room for more"));
        }
        self.members -= 1;
        if size > MEMBER_BYTES_MAX {
            self.pass(name, "larger than 64 MiB");
            return Ok(());
        }
        let mut held = Vec::new();
        // What an archive says of sizes may be wrong: the bound is on what comes out.
        let most = MEMBER_BYTES_MAX.min(self.left);
        if let Err(error) = bytes.take(most).read_to_end(&mut held) {
            self.pass(name, &error.to_string());
            return Ok(());
        }
        self.left = self.left.saturating_sub(held.len() as u64);
        let found = self.scan.bytes(&held);
        self.note(name, found);
        let head = held.get(..HEAD_BYTES).unwrap_or(&held).to_vec();
        self.unpack(name, &head, io::Cursor::new(held), depth);
        Ok(())
    }

    /// Scans what lies in an archive; of what is none, nothing.
    fn unpack<R: Read + io::Seek>(&mut self, name: &str, head: &[u8], mut from: R, depth: u8) {
        if depth >= DEPTH_MAX {
            return;
        }
        match kind_of(head) {
            "zip" => self.zip(name, from, depth),
            "tar" => self.tar(name, &mut from, depth),
            "gzip" => {
                let mut unpacked = BufReader::new(MultiGzDecoder::new(from));
                let mut head = Vec::new();
                let read = unpacked.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head);
                if read.is_err() {
                    return self.pass(name, "damaged");
                }
                let mut whole = io::Cursor::new(head.clone()).chain(unpacked);
                if kind_of(&head) == "tar" {
                    return self.tar(name, &mut whole, depth + 1);
                }
                let inner = format!("{name}/{}", inner_name(name));
                let done = self.member(&inner, 0, &mut whole, depth + 1);
                if done.is_err() {
                    self.pass(&inner, "no room for more");
                }
            }
            _ => {}
        }
    }

    fn zip<R: Read + io::Seek>(&mut self, name: &str, from: R, depth: u8) {
        let Ok(mut archive) = zip::ZipArchive::new(from) else {
            return self.pass(name, "damaged");
        };
        for place in 0..archive.len() {
            if !self.has_room() {
                return self.pass(name, "too much in it: the rest was not scanned");
            }
            match archive.by_index(place) {
                Ok(file) if file.is_dir() => {}
                Ok(mut file) => {
                    let inner = file.name().map(|name| name.replace('\\', "/"));
                    let inner = inner.unwrap_or_else(|_| format!("#{place}"));
                    let size = file.size();
                    let inner = format!("{name}/{inner}");
                    if self.member(&inner, size, &mut file, depth + 1).is_err() {
                        return self.pass(name, "too much in it: the rest was not scanned");
                    }
                }
                Err(error) => self.pass(&format!("{name}/#{place}"), &error.to_string()),
            }
        }
    }

    fn tar(&mut self, name: &str, from: &mut dyn Read, depth: u8) {
        let walked = tarball::walk(from, MEMBERS_MAX, &mut |entry| {
            let inner = format!("{name}/{}", entry.name);
            self.member(&inner, entry.size_bytes, entry.bytes, depth + 1)
        });
        if walked.is_err() {
            self.pass(name, "too much in it, or damaged: the rest was not scanned");
        }
    }
}

/// Returns what a packed file is called unpacked: without its ending.
fn inner_name(name: &str) -> &str {
    let last = name.rsplit('/').next().unwrap_or(name);
    last.strip_suffix(".gz").or_else(|| last.strip_suffix(".tgz")).unwrap_or(last)
}

/// Scans a file that people know by a name, and what lies in its archives.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn walk(
    scan: &mut dyn Scan,
    file: &KeptFile,
    name: &str,
    stop: &CancellationToken,
) -> io::Result<Scanned> {
    let mut head = Vec::new();
    let mut open = file.open()?;
    open.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head)?;
    let (members, left) = (MEMBERS_MAX, UNPACKED_BYTES_MAX);
    let mut walk = Walk { scan, stop, members, left, done: Scanned::default() };
    let size_bytes = open.size_bytes();
    match open.plain_path() {
        Some(path) => {
            let found = walk.scan.file(path);
            walk.note(name, found);
        }
        None if size_bytes > SEALED_BYTES_MAX => {
            walk.pass(name, "larger than 512 MiB and encrypted: what lies in it is scanned alone");
        }
        None => {
            let mut held = Vec::new();
            file.open()?.read_to_end(&mut held)?;
            let found = walk.scan.bytes(&held);
            walk.note(name, found);
        }
    }
    walk.unpack(name, &head, BufReader::new(file.open()?), 0);
    Ok(walk.done)
}

/// Scans pieces when people ask for it.
#[derive(Debug)]
pub struct ScanEvidence {
    /// The store.
    pub desk: Desk,
    /// The engine.
    pub scanner: Arc<dyn Scanner>,
}

/// A scan that failed, as an error of a job.
#[derive(Debug, thiserror::Error)]
#[error("the evidence could not be scanned")]
struct Failed(#[source] Box<dyn std::error::Error + Send + Sync>);

#[async_trait]
impl JobHandler for ScanEvidence {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn title_key(&self) -> &'static str {
        "evidence-job-scan"
    }

    fn is_long(&self) -> bool {
        true
    }

    async fn run(&self, job: &Running) -> Result<Ended, JobError> {
        let asked: Asked = job.payload()?;
        let (item, file) = sealed(&self.desk, job, asked.item).await?;
        let (scanner, name) = (Arc::clone(&self.scanner), item.name.clone());
        let stop = job.stop().clone();
        let scan = tokio::task::spawn_blocking(move || {
            let mut walked = None;
            let read = scanner.with_rules(&mut |scan| {
                walked = Some(walk(scan, &file, &name, &stop));
            });
            (read, walked)
        });
        let (read, walked) = scan.await.map_err(JobError::failed)?;
        job.check()?;
        let (rules, bad) = read.map_err(|error| JobError::failed(Failed(error)))?;
        let scanned = walked.transpose().map_err(JobError::failed)?.unwrap_or_default();
        self.end(job, &item, (&asked.by, &Scanned { rules, bad, ..scanned })).await
    }
}

impl ScanEvidence {
    async fn end(
        &self,
        job: &Running,
        item: &Item,
        (by, scanned): (&str, &Scanned),
    ) -> Result<Ended, JobError> {
        let tx = self.desk.db.begin().await?;
        let result = json!({
            "rules": scanned.rules, "files": scanned.files, "hits": scanned.hit_count,
            "passed": scanned.passed_count,
        });
        let ended = job.finish(&tx, result, &format!("/evidence/{}#yara", item.id)).await?;
        store::set_scanned(&tx, item.id, scanned).await.map_err(JobError::failed)?;
        // The chain of custody is a record of the state: its words are Vietnamese.
        let rules: std::collections::BTreeSet<&str> =
            scanned.hits.iter().map(|hit| hit.found.rule.as_str()).collect();
        let rules: Vec<&str> = rules.into_iter().take(20).collect();
        let told = Phrase::key("evidence-scanned-record")
            .arg("rules", scanned.rules)
            .arg("files", scanned.files)
            .arg("hits", scanned.hit_count)
            .arg("names", rules.join(", "))
            .arg("by", by)
            .text(Lang::Vi);
        custody::record_platform(&tx, subject(item), Act::Scanned, &told)
            .await
            .map_err(JobError::failed)?;
        let detail = json!({
            "number": item.number, "rules": scanned.rules, "hits": scanned.hit_count,
            "matched": rules,
        });
        let about = Subject::new("evidence", item.id);
        let entry = AuditEntry::new(Actor::Platform("evidence"), "evidence.scanned", about, detail);
        tx.commit(entry.of_agency(item.agency)).await?;
        self.desk.hub.incidents_changed(item.agency);
        Ok(ended)
    }
}
