//! A damaged spool: what is told of it, and what nobody can make of it.

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use chrono::DateTime;
use event::seal::{Seal, SealError};
use event::{EventId, SourceId};
use uuid::Uuid;

use super::*;

fn frame(bytes: &[u8]) -> Frame {
    Frame {
        id: EventId::from_uuid(Uuid::from_u128(7)),
        source: SourceId::from_uuid(Uuid::from_u128(9)),
        collected_at: DateTime::from_timestamp_micros(1_790_000_000_123_456).unwrap(),
        peer: None,
        bytes: Bytes::copy_from_slice(bytes),
        dead: None,
    }
}

/// Writes these records, one a batch, and returns the files.
async fn written(folder: &Path, settings: SpoolSettings, texts: &[&[u8]]) -> Vec<PathBuf> {
    let (spool, reader, _) = Spool::open(folder, settings, None).unwrap();
    for text in texts {
        spool.append(&[frame(text)]).await.unwrap();
    }
    spool.close().await;
    drop((spool, reader));
    segment::list(folder).unwrap().iter().map(|first| segment::path(folder, *first)).collect()
}

/// Returns what a reader gives out, and what was found at the start.
async fn given_out(folder: &Path) -> (Vec<Vec<u8>>, Recovered) {
    let (spool, mut reader, recovered) =
        Spool::open(folder, SpoolSettings::default(), None).unwrap();
    spool.close().await;
    let mut texts = Vec::new();
    while let Some(batch) = reader.next().await {
        texts.extend(batch.frames.iter().map(|it| it.bytes.to_vec()));
    }
    (texts, recovered)
}

/// A sender's line that holds a whole record of its own making.
fn smuggled(position: u64) -> Vec<u8> {
    let mut line = b"GET /".to_vec();
    let forged = record::encode(&[frame(b"forged")], &[], &SpoolSettings::default()).unwrap();
    forged.write(position, &mut line);
    line.extend([b'x'; 300]);
    line
}

fn everything(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

fn look(folder: &Path, stored: u64) -> Inspection {
    let before = everything(folder);
    let found = inspect(folder, Some(SpoolPosition(stored)), Keys::Open(None)).unwrap();
    assert_eq!(everything(folder), before, "a look changes nothing");
    found
}

#[tokio::test]
async fn what_a_sender_wrote_is_never_taken_for_a_record() {
    for position in [2, 3, u64::MAX] {
        let folder = tempfile::tempdir().unwrap();
        let (before, after, line) = (b"one".as_slice(), b"three".as_slice(), smuggled(position));
        let texts = [before, &line, after];
        let path = written(folder.path(), SpoolSettings::default(), &texts).await.pop().unwrap();
        let whole = std::fs::read(&path).unwrap();
        let inner = memchr::memmem::find(&whole, &line[5..40]).unwrap();

        // A crash cut the record short, behind what the sender put into it.
        std::fs::write(&path, &whole[..inner + 200]).unwrap();
        let (texts, recovered) = given_out(folder.path()).await;
        assert_eq!(
            (texts, recovered.last),
            (vec![before.to_vec()], SpoolPosition(1)),
            "{position}"
        );

        // The disk lost a bit of the record: its own header still says how long it is.
        let mut damaged = whole.clone();
        damaged[inner + 250] ^= 1;
        std::fs::write(&path, &damaged).unwrap();
        let (texts, recovered) = given_out(folder.path()).await;
        assert_eq!(texts, [before, after], "{position}");
        assert_eq!((recovered.last, recovered.lost_batches), (SpoolPosition(3), 1));
    }
}

#[tokio::test]
async fn a_position_that_cannot_follow_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let (before, after, line) = (b"one".as_slice(), b"three".as_slice(), smuggled(u64::MAX));
    let texts = [before, &line, after];
    let path = written(folder.path(), SpoolSettings::default(), &texts).await.pop().unwrap();
    let mut damaged = std::fs::read(&path).unwrap();
    // The header itself is damaged: the reader has to look for the next one.
    let inner = memchr::memmem::find(&damaged, b"GET /").unwrap();
    damaged[inner - 70] ^= 1;
    std::fs::write(&path, &damaged).unwrap();
    let (texts, recovered) = given_out(folder.path()).await;
    assert_eq!((texts, recovered.last), (vec![before.to_vec(), after.to_vec()], SpoolPosition(3)));
}

#[tokio::test]
async fn a_look_tells_what_stands_there_and_what_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(look(folder.path(), 0), Inspection::default());
    let texts: Vec<Vec<u8>> = (0..12).map(|number| vec![b'a' + number; 200]).collect();
    let texts: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
    let small = SpoolSettings { segment_bytes: 600, ..SpoolSettings::default() };
    let paths = written(folder.path(), small, &texts).await;
    let found = look(folder.path(), 5);
    assert_eq!((found.files, found.batches, found.frames), (paths.len() as u64, 12, 12));
    assert_eq!((found.unread_batches, found.unread_frames, found.in_use), (7, 7, false));
    assert_eq!((found.faults.len(), found.missing(None).len()), (0, 0));

    let whole = std::fs::read(&paths[1]).unwrap();
    let mut damaged = whole.clone();
    damaged[100] ^= 4;
    std::fs::write(&paths[1], &damaged).unwrap();
    let first = segment::list(folder.path()).unwrap()[1];
    let [fault] = look(folder.path(), 0).faults.try_into().unwrap();
    assert_eq!((&fault.path, &fault.kind), (&paths[1], &SpoolFaultKind::Damaged(first..first + 1)));
    assert_eq!(fault.bytes.start, 16);
    assert!(fault.costs_records(None) && !fault.costs_records(Some(SpoolPosition(first))));

    std::fs::remove_file(&paths[1]).unwrap();
    let next = segment::list(folder.path()).unwrap()[1];
    let found = look(folder.path(), 0);
    assert_eq!(found.missing(None).pop(), Some(first..next));
    assert_eq!(found.missing(Some(SpoolPosition(first))).pop(), Some(first + 1..next));
    assert_eq!(found.missing(Some(SpoolPosition(next - 1))).pop(), None);
    assert_eq!(given_out(folder.path()).await.1.lost_batches, next - first);
}

#[tokio::test]
async fn a_torn_end_is_told_from_a_damaged_one() {
    let folder = tempfile::tempdir().unwrap();
    let path =
        written(folder.path(), SpoolSettings::default(), &[b"one", b"two"]).await.pop().unwrap();
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    let [fault] = look(folder.path(), 0).faults.try_into().unwrap();
    assert_eq!((&fault.kind, fault.costs_records(None)), (&SpoolFaultKind::Torn, false));
    let mut damaged = whole.clone();
    *damaged.last_mut().unwrap() ^= 1;
    std::fs::write(&path, &damaged).unwrap();
    let [fault] = look(folder.path(), 0).faults.try_into().unwrap();
    assert_eq!((&fault.kind, fault.costs_records(None)), (&SpoolFaultKind::Damaged(2..3), true));
    // While a platform runs, its newest file may end in the middle of a write.
    std::fs::write(&path, &whole).unwrap();
    let (spool, _reader, _) = Spool::open(folder.path(), SpoolSettings::default(), None).unwrap();
    std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    let found = look(folder.path(), 0);
    assert!(found.in_use && found.faults.is_empty() && found.batches == 1);
    spool.close().await;
}

/// Turns all bits, in the place of a cipher.
#[derive(Debug)]
struct Turned;

impl Seal for Turned {
    fn seal(&self, plain: Vec<u8>, _bound: &[u8]) -> Result<Vec<u8>, SealError> {
        Ok(plain.into_iter().map(|byte| !byte).collect())
    }

    fn open(&self, sealed: Bytes, _bound: &[u8]) -> Result<Bytes, SealError> {
        Ok(sealed.iter().map(|byte| !byte).collect())
    }
}

#[tokio::test]
async fn what_is_sealed_is_checked_with_its_key_and_without() {
    let folder = tempfile::tempdir().unwrap();
    let sealed = SpoolSettings { seal: Some(Arc::new(Turned)), ..SpoolSettings::default() };
    written(folder.path(), sealed, &[b"one", b"two"]).await;
    let look = |keys| inspect(folder.path(), None, keys).unwrap();
    for found in [look(Keys::Open(Some(&Turned))), look(Keys::Unasked)] {
        assert_eq!((found.unread_frames, found.faults.len()), (2, 0));
    }
    let found = look(Keys::Open(None));
    assert_eq!(found.faults.len(), 2);
    assert!(found.faults.iter().all(|fault| fault.costs_records(None)));
    assert!(found.faults[0].to_string().ends_with("the record is encrypted, and there is no key"));
}
