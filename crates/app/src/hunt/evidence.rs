//! Opens evidence by what it holds, not by its name: EVTX, JSON, XML, log lines and tables (also in UTF-16), and archives
//! of these (gzip, zstd, zip, tar), and hands it on in pieces.
//!
//! Archives are read as streams into bounded pieces, never unpacked to disk; one that unfolds to far
//! more than logs do is given up (see [`unpacked_bytes_max`]).

use std::io::{self, BufReader, Cursor, Read, Seek as _};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result, bail};
use chrono::{DateTime, Utc};
use event::{Clock as _, SystemClock};
use respond::evidence::tarball;
use vault::VaultReader;

use super::chunks::{self, EVTX_FILE_MAGIC};
use super::cutting::{self, Content};
use super::headed::Header;
use super::journal::JournalExport;
use super::kind::{Kind, head_of, kind_by_name};
use super::rewritten::Rewritten;
use super::table::Table;

/// Compression inside compression: a log in a zip may be a `.gz` itself, no more.
const LAYERS_MAX: u32 = 2;

/// Archives inside archives: what a collector has packed may be handed on in a zip.
const ARCHIVES_MAX: u32 = 2;

/// Most files in one archive that are looked at.
const ARCHIVE_FILES_MAX: usize = 100_000;

/// How deep inside of other files a stream stands.
#[derive(Debug, Clone, Copy, Default)]
struct Depth {
    compressed: u32,
    archives: u32,
}

impl Depth {
    const fn unpacked(self) -> Self {
        Self { compressed: self.compressed + 1, ..self }
    }

    const fn inside(self) -> Self {
        Self { archives: self.archives + 1, ..self }
    }
}

/// Returns the most bytes an archive of this size may unfold to. Logs shrink to a tenth, the dullest to
/// a hundredth; past 250-fold and a gibibyte a bomb is likelier. 64 GiB is the end in any case.
fn unpacked_bytes_max(packed_bytes: u64) -> u64 {
    const GIB: u64 = 1024 * 1024 * 1024;
    packed_bytes.saturating_mul(250).clamp(GIB, 64 * GIB)
}

/// A file (or a file in an archive) as people know it.
#[derive(Debug)]
pub(crate) struct Exhibit {
    /// Its path; `archive.zip!inside.json` in an archive, `-` for standard input.
    pub(crate) shown: String,
    /// When it was last written: a log without a year is read as of then.
    pub(crate) written: DateTime<Utc>,
}

/// A piece of an exhibit.
#[derive(Debug)]
pub(crate) struct Piece {
    pub(crate) exhibit: Arc<Exhibit>,
    pub(crate) content: Content,
}

/// How files are opened: as they lie there, or by whoever keeps them sealed.
pub(crate) type Open<'a> = &'a (dyn Fn(&Path) -> io::Result<VaultReader> + Sync);

/// Opens exhibits one after the other and hands on their pieces.
pub(crate) struct Opener<'a> {
    pub(crate) open: Open<'a>,
    /// Where pieces go; `Break` when no more are wanted.
    pub(crate) send: &'a mut dyn FnMut(Piece) -> ControlFlow<()>,
    /// Bytes read from the files so far, for the progress bar.
    pub(crate) bytes_read: &'a AtomicU64,
    /// Files opened so far, those in archives too.
    pub(crate) files: &'a AtomicU64,
}

impl Opener<'_> {
    /// Opens one file (`-` is standard input). What cannot be read becomes a piece that says so.
    pub(crate) fn open(&mut self, path: &Path) -> ControlFlow<()> {
        self.files.fetch_add(1, Ordering::Relaxed);
        let shown = path.display().to_string();
        let mut exhibit = Exhibit { shown, written: SystemClock.now() };
        if path == Path::new("-") {
            let exhibit = Arc::new(exhibit);
            let mut reader = Counted { inner: io::stdin().lock(), bytes_read: self.bytes_read };
            return self.stream(
                &exhibit,
                &mut reader,
                unpacked_bytes_max(u64::MAX),
                Depth::default(),
            );
        }
        match (self.open)(path) {
            Ok(file) => {
                exhibit.written = file.modified().map_or(exhibit.written, DateTime::from);
                if !file.is_stream() {
                    let bytes = file.size_bytes();
                    return self.file(&Arc::new(exhibit), file, bytes);
                }
                let mut reader = Counted { inner: file, bytes_read: self.bytes_read };
                self.stream(
                    &Arc::new(exhibit),
                    &mut reader,
                    unpacked_bytes_max(u64::MAX),
                    Depth::default(),
                )
            }
            Err(error) => self.refuse(&Arc::new(exhibit), &error.to_string()),
        }
    }

    fn file(
        &mut self,
        exhibit: &Arc<Exhibit>,
        mut file: VaultReader,
        bytes: u64,
    ) -> ControlFlow<()> {
        let mut magic = [0; 4];
        let is_zip = file.read_exact(&mut magic).is_ok() && magic == *b"PK\x03\x04";
        if let Err(error) = file.rewind() {
            return self.refuse(exhibit, &error.to_string());
        }
        let most = unpacked_bytes_max(bytes);
        if is_zip {
            let outcome = self.zip(exhibit, file, most);
            self.bytes_read.fetch_add(bytes, Ordering::Relaxed);
            return match outcome {
                Ok(flow) => flow,
                Err(error) => self.refuse(exhibit, &format!("{error:#}")),
            };
        }
        let mut reader = Counted { inner: file, bytes_read: self.bytes_read };
        self.stream(exhibit, &mut reader, most, Depth::default())
    }

    fn zip(
        &mut self,
        archive: &Arc<Exhibit>,
        file: VaultReader,
        most: u64,
    ) -> Result<ControlFlow<()>> {
        let mut zip = zip::ZipArchive::new(BufReader::new(file)).context("reading the zip")?;
        if zip.len() > ARCHIVE_FILES_MAX {
            bail!("the zip holds {} files, more than {ARCHIVE_FILES_MAX}", zip.len());
        }
        let mut left = most;
        let depth = Depth::default().unpacked().inside();
        for number in 0..zip.len() {
            let mut file = match zip.by_index(number) {
                Ok(file) if file.is_dir() => continue,
                Ok(file) => file,
                Err(error) => {
                    if self.refuse(archive, &format!("file {}: {error}", number + 1)).is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                    continue;
                }
            };
            let name = String::from_utf8_lossy(file.name_raw()).into_owned();
            let name: String = name.chars().filter(|c| !c.is_control()).collect();
            let exhibit =
                Exhibit { shown: format!("{}!{name}", archive.shown), written: archive.written };
            self.files.fetch_add(1, Ordering::Relaxed);
            let mut reader = Limited { inner: &mut file, left: &mut left };
            if self.stream(&Arc::new(exhibit), &mut reader, most, depth).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            if left == 0 {
                bail!("it unfolds to more than {most} bytes; what follows is left out");
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Reads a stream by what it begins with. `most` bounds what it may unfold to.
    fn stream(
        &mut self,
        exhibit: &Arc<Exhibit>,
        reader: &mut dyn Read,
        most: u64,
        depth: Depth,
    ) -> ControlFlow<()> {
        match self.kinds(exhibit, reader, most, depth) {
            Ok(flow) => flow,
            Err(error) => self.refuse(exhibit, &format!("{error:#}")),
        }
    }

    fn kinds(
        &mut self,
        exhibit: &Arc<Exhibit>,
        reader: &mut dyn Read,
        most: u64,
        depth: Depth,
    ) -> Result<ControlFlow<()>> {
        let head = head_of(reader)?;
        let kind = kind_by_name(&exhibit.shown, &head);
        if depth.compressed >= LAYERS_MAX && matches!(kind, Kind::Gzip | Kind::Zstd) {
            bail!("compressed more than {LAYERS_MAX} times over");
        }
        if depth.archives >= ARCHIVES_MAX && kind == Kind::Tar {
            bail!("an archive inside of more than {ARCHIVES_MAX} others");
        }
        let skip = if matches!(kind, Kind::Utf16(_)) { 2 } else { 0 };
        let table = if kind == Kind::Table { Table::told_by(&head) } else { None };
        let mut whole = Cursor::new(head.get(skip..).unwrap_or_default().to_vec()).chain(reader);
        let mut left = most;
        let mut emit = |content| self.send(exhibit, content);
        match kind {
            Kind::Empty => {}
            Kind::Gzip => {
                let inner = flate2::read::MultiGzDecoder::new(whole);
                let mut reader = Limited { inner, left: &mut left };
                return Ok(self.stream(exhibit, &mut reader, most, depth.unpacked()));
            }
            Kind::Zstd => {
                let inner = zstd::Decoder::new(whole)?;
                let mut reader = Limited { inner, left: &mut left };
                return Ok(self.stream(exhibit, &mut reader, most, depth.unpacked()));
            }
            Kind::Utf16(order) => {
                let mut reader = Rewritten::new(whole, order);
                return Ok(self.stream(exhibit, &mut reader, most, depth));
            }
            Kind::Headed(log) => {
                cutting::lines(&mut Rewritten::new(whole, Header::of(log)), &mut emit)?;
            }
            Kind::Journal => {
                cutting::lines(&mut Rewritten::new(whole, JournalExport::default()), &mut emit)?;
            }
            Kind::Table => match table {
                Some(table) => cutting::lines(&mut Rewritten::new(whole, table), &mut emit)?,
                None => cutting::lines(&mut whole, &mut emit)?,
            },
            Kind::Tar => return self.tar(exhibit, &mut whole, most, depth.inside()),
            Kind::Zip => bail!("a zip inside another archive or on standard input is not opened"),
            Kind::Binary => bail!("no log: it holds binary data of no known kind"),
            Kind::Evtx => {
                let has_chunks = chunks::evtx(&mut whole, &mut emit)?;
                if !has_chunks && !head.starts_with(EVTX_FILE_MAGIC) {
                    bail!("no EVTX: it has neither a header nor a chunk");
                }
            }
            Kind::Objects => cutting::objects(&mut whole, &mut emit)?,
            Kind::XmlEvents => cutting::xml_events(&mut whole, &mut emit)?,
            Kind::Lines => cutting::lines(&mut whole, &mut emit)?,
        }
        Ok(ControlFlow::Continue(()))
    }

    fn tar(
        &mut self,
        archive: &Arc<Exhibit>,
        reader: &mut dyn Read,
        most: u64,
        depth: Depth,
    ) -> Result<ControlFlow<()>> {
        let mut flow = ControlFlow::Continue(());
        let mut files = 0;
        let walked = tarball::walk(reader, usize::MAX, &mut |entry| {
            files += 1;
            if files > ARCHIVE_FILES_MAX {
                let why = format!("the tar holds more than {ARCHIVE_FILES_MAX} files");
                return Err(io::Error::other(why));
            }
            let name: String = entry.name.chars().filter(|c| !c.is_control()).collect();
            let written = entry.modified.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
            let written = written.unwrap_or(archive.written);
            let exhibit = Exhibit { shown: format!("{}!{name}", archive.shown), written };
            self.files.fetch_add(1, Ordering::Relaxed);
            flow = self.stream(&Arc::new(exhibit), entry.bytes, most, depth);
            if flow.is_break() { Err(io::Error::other("no more is wanted")) } else { Ok(()) }
        });
        if flow.is_continue() {
            walked.context("reading the tar")?;
        }
        Ok(flow)
    }

    fn send(&mut self, exhibit: &Arc<Exhibit>, content: Content) -> ControlFlow<()> {
        (self.send)(Piece { exhibit: Arc::clone(exhibit), content })
    }

    fn refuse(&mut self, exhibit: &Arc<Exhibit>, reason: &str) -> ControlFlow<()> {
        self.send(exhibit, Content::Refused(reason.to_owned()))
    }
}

/// Counts what is read from a file.
struct Counted<'a, R> {
    inner: R,
    bytes_read: &'a AtomicU64,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.bytes_read.fetch_add(u64::try_from(count).unwrap_or(0), Ordering::Relaxed);
        Ok(count)
    }
}

/// Stops reading what unfolds to too much.
struct Limited<'a, R> {
    inner: R,
    left: &'a mut u64,
}

impl<R: Read> Read for Limited<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        match self.left.checked_sub(u64::try_from(count).unwrap_or(u64::MAX)) {
            Some(left) if left > 0 => *self.left = left,
            _ => {
                *self.left = 0;
                return Err(io::Error::other("it unfolds to far more than logs do"));
            }
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::super::zeros;
    use super::*;

    fn pieces(name: &str, bytes: &[u8], most: u64) -> Vec<Content> {
        let mut pieces = Vec::new();
        let (bytes_read, files) = (AtomicU64::new(0), AtomicU64::new(0));
        let mut send = |piece: Piece| {
            pieces.push(piece.content);
            ControlFlow::Continue(())
        };
        let open = &VaultReader::open_plain;
        let mut opener = Opener { open, send: &mut send, bytes_read: &bytes_read, files: &files };
        let exhibit = Arc::new(Exhibit { shown: name.to_owned(), written: DateTime::UNIX_EPOCH });
        let flow = opener.stream(&exhibit, &mut &*bytes, most, Depth::default());
        assert!(flow.is_continue());
        pieces
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn compressed_logs_are_read_and_bombs_are_given_up() {
        let found = pieces("a.log.gz", &gzip(b"one\ntwo\n"), 1_000);
        let lines = Content::Lines { first: 1, bytes: bytes::Bytes::from_static(b"one\ntwo\n") };
        assert_eq!(found, [lines]);
        let found = pieces("bomb.gz", &gzip(&vec![b'\n'; 500_000]), 100_000);
        assert!(matches!(found.last(), Some(Content::Refused(why)) if why.contains("unfolds")));
        let thrice = gzip(&gzip(&gzip(b"x\n")));
        let found = pieces("deep.gz", &thrice, 1_000_000);
        assert!(matches!(found.as_slice(), [Content::Refused(_)]), "{found:?}");
        let mut broken = gzip(b"one\ntwo\nthree\n");
        broken.truncate(broken.len() - 6);
        let found = pieces("cut.gz", &broken, 1_000);
        assert!(matches!(found.as_slice(), [.., Content::Refused(_)]), "{found:?}");
    }

    #[test]
    fn zeros_in_front_of_a_text_and_within_do_not_hide_it() {
        let zeros = vec![0; 3 * 64 * 1024 + 5];
        let front = pieces("a.log", &[&zeros[..], b"one\ntwo\n"].concat(), 1_000_000);
        let read: Vec<u8> = front
            .into_iter()
            .flat_map(|piece| match piece {
                Content::Lines { bytes, .. } => bytes.to_vec(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(zeros::trimmed(&read), b"one\ntwo");
        let nothing = pieces("a.log", &zeros, 1_000_000);
        assert_eq!(nothing, [Content::Refused("it holds nothing but zeros".to_owned())]);
        let array = [&b"[{\"a\":1},\n"[..], &[0; 100], b"{\"a\":2}]"].concat();
        assert!(
            matches!(pieces("a", &array, 1_000).as_slice(), [Content::Objects { spans, .. }] if spans.len() == 2)
        );
    }

    #[test]
    fn a_file_that_claims_to_be_evtx_and_is_not_says_so() {
        let found = pieces("a.evtx", b"not evtx at all", 1_000);
        assert!(matches!(found.as_slice(), [Content::Refused(why)] if why.contains("EVTX")));
    }
}
