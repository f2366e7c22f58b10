//! Cuts EVTX files into pieces of a few chunks. Chunks stand by themselves: a file whose header or end is broken, that
//! lost bytes or has some too many, or stands behind something else, is read wherever a chunk of it can be found.
//!
//! Sources: [MS-EVEN6]; *Windows XML Event Log (EVTX) format*, libevtx.

use std::io::{self, Read};

use memchr::memmem;

use super::cutting::{Content, Emit};

/// The size of an EVTX file's header, and of each chunk after it.
pub(crate) const EVTX_HEADER_BYTES: usize = 4096;
const CHUNK_BYTES: usize = 64 * 1024;
const CHUNKS_AT_ONCE: usize = 4;

/// What begins each EVTX file, and each of its chunks.
pub(crate) const EVTX_FILE_MAGIC: &[u8] = b"ElfFile\0";
pub(crate) const EVTX_CHUNK_MAGIC: &[u8] = b"ElfChnk\0";

/// How much of what follows a chunk is looked at: up to the first record of the next.
const PROBE_BYTES: usize = 1024;

/// Cuts the chunks of a stream. Each piece gets a header of its own. Returns whether there was any chunk.
pub(crate) fn evtx(reader: &mut dyn Read, emit: Emit<'_>) -> io::Result<bool> {
    let most = u64::try_from(CHUNKS_AT_ONCE * CHUNK_BYTES).unwrap_or(u64::MAX);
    let mut cut = Cut::default();
    let mut open = Vec::new();
    loop {
        let outcome = Read::take(&mut *reader, most).read_to_end(&mut open);
        let is_over = !outcome.as_ref().is_ok_and(|read| *read > 0);
        let mut at = 0;
        while let Some(found) = part(open.get(at..).unwrap_or_default(), is_over) {
            let rest = open.get(at..).unwrap_or_default();
            match found {
                Part::Chunk { len, .. } => cut.chunk(rest.get(..len).unwrap_or_default()),
                Part::Other(len) => cut.pass_over(rest.get(..len).unwrap_or_default()),
            }
            at += found.advance();
            if cut.chunks >= CHUNKS_AT_ONCE && emit(cut.piece()).is_break() {
                return Ok(true);
            }
        }
        open.drain(..at);
        if is_over {
            cut.end_gap();
            if cut.chunks > 0 && emit(cut.piece()).is_break() {
                return Ok(true);
            }
            if cut.lost > 0 && emit(Content::Lost(cut.lost)).is_break() {
                return Ok(cut.has_found);
            }
            return outcome.map(|_| cut.has_found);
        }
    }
}

/// What stands at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// A chunk of so many bytes; where it lacks some, the next begins inside of these.
    Chunk { len: usize, next: usize },
    /// So many bytes that begin no chunk.
    Other(usize),
}

impl Part {
    const fn advance(self) -> usize {
        match self {
            Self::Chunk { next, .. } => next,
            Self::Other(len) => len,
        }
    }
}

/// Tells what these bytes begin with; nothing if more must be read to tell.
fn part(open: &[u8], is_over: bool) -> Option<Part> {
    if open.is_empty() || (!is_over && open.len() < CHUNK_BYTES + PROBE_BYTES) {
        return None;
    }
    if !begins_chunk(open) {
        let half = if is_over { 0 } else { EVTX_CHUNK_MAGIC.len() - 1 };
        return Some(Part::Other(next_chunk(open, |_| true).unwrap_or(open.len() - half)));
    }
    let len = CHUNK_BYTES.min(open.len());
    // The mark may stand in an event's data as well: only where none is in its place, it is believed elsewhere.
    let fits = open.get(CHUNK_BYTES..).is_some_and(|behind| {
        begins_chunk(behind)
            || behind.starts_with(EVTX_FILE_MAGIC)
            || behind.iter().take(EVTX_CHUNK_MAGIC.len()).all(|byte| *byte == 0)
    });
    let next = if fits { None } else { next_chunk(open, has_chunk_header) };
    Some(Part::Chunk { len, next: next.map_or(len, |next| next.min(len)) })
}

/// Returns where the next mark of a chunk stands of which this is so.
fn next_chunk(open: &[u8], is_meant: impl Fn(&[u8]) -> bool) -> Option<usize> {
    let mut marks = memmem::find_iter(open, EVTX_CHUNK_MAGIC);
    marks.find(|at| *at > 0 && open.get(*at..).is_some_and(&is_meant))
}

/// Returns whether a chunk begins here: by its mark or, if that is broken, by what its header and first record say.
fn begins_chunk(bytes: &[u8]) -> bool {
    const RECORD_MAGIC: &[u8] = b"**\0\0";
    let first_record = bytes.get(512..516);
    bytes.starts_with(EVTX_CHUNK_MAGIC)
        || (has_chunk_header(bytes) && first_record == Some(RECORD_MAGIC))
}

/// Returns whether the size that a chunk's header states of itself stands where it should.
fn has_chunk_header(bytes: &[u8]) -> bool {
    bytes.get(40..44) == Some(&128_u32.to_le_bytes())
}

/// A piece on its way.
#[derive(Debug, Default)]
struct Cut {
    block: Vec<u8>,
    chunks: usize,
    has_found: bool,
    /// Bytes since the last chunk that hold more than zeros.
    gap: usize,
    lost: u64,
}

impl Cut {
    fn chunk(&mut self, bytes: &[u8]) {
        self.end_gap();
        self.has_found = true;
        if self.block.is_empty() {
            self.block = header();
        }
        self.block.extend_from_slice(EVTX_CHUNK_MAGIC);
        self.block.extend_from_slice(bytes.get(EVTX_CHUNK_MAGIC.len()..).unwrap_or_default());
        self.chunks += 1;
        self.block.resize(EVTX_HEADER_BYTES + self.chunks * CHUNK_BYTES, 0);
    }

    fn pass_over(&mut self, bytes: &[u8]) {
        let header = memmem::find(bytes, EVTX_FILE_MAGIC).unwrap_or(bytes.len());
        let before = bytes.get(..header).unwrap_or_default();
        let behind = bytes.get(header + EVTX_HEADER_BYTES..).unwrap_or_default();
        for part in [before, behind] {
            if part.iter().any(|byte| *byte != 0) {
                self.gap += part.len();
            }
        }
    }

    /// Counts what could not be read between two chunks. Before the first, it may be a header.
    fn end_gap(&mut self) {
        let is_lost = self.gap >= CHUNK_BYTES || (self.has_found && self.gap > 0);
        self.lost += u64::from(is_lost);
        self.gap = 0;
    }

    /// Takes the piece out.
    fn piece(&mut self) -> Content {
        self.chunks = 0;
        Content::Evtx(std::mem::take(&mut self.block))
    }
}

/// Returns the header of an EVTX file: what a reader of one looks at, and no checksum.
fn header() -> Vec<u8> {
    const NO_CHECKSUM: u32 = 4;
    let mut header = EVTX_FILE_MAGIC.to_vec();
    header.resize(32, 0);
    header.extend(128_u32.to_le_bytes());
    header.extend([1_u16, 3, 4096, 1].into_iter().flat_map(u16::to_le_bytes));
    header.resize(120, 0);
    header.extend(NO_CHECKSUM.to_le_bytes());
    header.resize(EVTX_HEADER_BYTES, 0);
    header
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use proptest::prelude::*;

    use super::*;

    /// Returns a chunk that holds this byte, with a header that says what one says.
    fn chunk(fill: u8) -> Vec<u8> {
        let mut chunk = vec![fill; CHUNK_BYTES];
        chunk[..8].copy_from_slice(EVTX_CHUNK_MAGIC);
        chunk[40..44].copy_from_slice(&128_u32.to_le_bytes());
        chunk[512..516].copy_from_slice(b"**\0\0");
        chunk
    }

    fn file(fills: &[u8]) -> Vec<u8> {
        let mut file = header();
        for fill in fills {
            file.extend(chunk(*fill));
        }
        file
    }

    /// Returns the byte that each chunk found holds, the sizes of the pieces, and how much was lost.
    fn cut(mut bytes: &[u8]) -> (Vec<u8>, Vec<usize>, u64) {
        let (mut fills, mut sizes, mut lost) = (Vec::new(), Vec::new(), 0);
        let found = evtx(&mut bytes, &mut |piece| {
            match piece {
                Content::Evtx(bytes) => {
                    let chunks = bytes[EVTX_HEADER_BYTES..].chunks(CHUNK_BYTES);
                    sizes.push(chunks.len());
                    for chunk in chunks {
                        assert_eq!(&chunk[..8], EVTX_CHUNK_MAGIC);
                        fills.push(chunk[600]);
                    }
                }
                Content::Lost(count) => lost += count,
                other => panic!("{other:?}"),
            }
            ControlFlow::Continue(())
        });
        assert_eq!(found.unwrap(), !fills.is_empty());
        (fills, sizes, lost)
    }

    #[test]
    fn a_whole_file_is_cut_into_pieces() {
        let fills: Vec<u8> = (1..=17).collect();
        let mut whole = file(&fills);
        whole.extend(&chunk(18)[..1000]);
        let (found, sizes, lost) = cut(&whole);
        assert_eq!((found, lost), ((1..=18).collect(), 0));
        assert_eq!(sizes, [4, 4, 4, 4, 2]);
        assert_eq!(cut(&header()), (vec![], vec![], 0));
        assert_eq!(cut(&vec![7; 100_000]), (vec![], vec![], 1));
    }

    /// Returns where a chunk of a file stands.
    fn at(chunk: usize) -> usize {
        EVTX_HEADER_BYTES + chunk * CHUNK_BYTES
    }

    type Edit = fn(&mut Vec<u8>);

    #[test]
    fn chunks_are_found_wherever_they_stand() {
        let edits: [(&str, Edit, &[u8], u64); 13] = [
            ("no header", |own| own[..4096].fill(0xff), &[1, 2, 3, 4], 0),
            ("a part of the header", |own| drop(own.drain(..100)), &[1, 2, 3, 4], 0),
            ("zeros in front", |own| drop(own.splice(..0, vec![0; 5000])), &[1, 2, 3, 4], 0),
            ("zeros in place of the first", |own| own[..at(1)].fill(0), &[2, 3, 4], 0),
            ("much else in front", |own| drop(own.splice(..0, vec![7; 99_999])), &[1, 2, 3, 4], 1),
            ("bytes too many", |own| drop(own.splice(at(1)..at(1), *b"xyz")), &[1, 2, 3, 4], 1),
            ("bytes too few", |own| drop(own.drain(at(1) + 2000..at(1) + 2100)), &[1, 2, 3, 4], 0),
            ("a short header", |own| drop(own.drain(at(2) + 9..at(2) + 99)), &[1, 2, 3, 4], 0),
            ("a broken mark", |own| own[at(2)..at(2) + 8].fill(b'X'), &[1, 2, 3, 4], 0),
            ("a broken chunk", |own| own[at(2)..at(3)].fill(b'X'), &[1, 2, 4], 1),
            ("two files", |own| own.extend(file(&[5, 6])), &[1, 2, 3, 4, 5, 6], 0),
            (
                "zeros and a file",
                |own| own.extend([vec![0; 999], file(&[5])].concat()),
                &[1, 2, 3, 4, 5],
                0,
            ),
            ("a broken end", |own| own.truncate(at(3) + 700), &[1, 2, 3, 4], 0),
        ];
        for (what, edit, fills, lost) in edits {
            let mut bytes = file(&[1, 2, 3, 4]);
            edit(&mut bytes);
            let (found, _, broken) = cut(&bytes);
            assert_eq!((found.as_slice(), broken), (fills, lost), "{what}");
        }
    }

    #[test]
    fn a_mark_in_the_data_of_an_event_begins_no_chunk() {
        let mut whole = file(&[1, 2, 3]);
        let inside = chunk(9);
        whole[at(1) + 3000..at(1) + 4000].copy_from_slice(&inside[..1000]);
        assert_eq!(cut(&whole).0, [1, 2, 3]);
        // Nor in the last one, or before a chunk that is broken: there the whole is read first.
        let last = at(2);
        whole[last + 3000..last + 4000].copy_from_slice(&inside[..1000]);
        assert_eq!(cut(&whole).0, [1, 2, 3]);
        whole[last..last + 8].fill(b'X');
        whole[last + 512..last + 516].fill(b'X');
        assert_eq!(cut(&whole).0.first_chunk(), Some(&[1, 2]));
    }

    proptest! {
        #[test]
        fn any_bytes_are_cut_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
            let mut bytes = bytes.as_slice();
            let found = evtx(&mut bytes, &mut |_| ControlFlow::Continue(()));
            prop_assert!(found.is_ok());
        }
    }
}
