//! The spool: what was acknowledged comes back exactly once, whatever happens to the disk.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use bytes::Bytes;
use chrono::DateTime;
use event::seal::{Seal, SealError};
use event::{DeadReason, EventId, SourceId};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;

pub(super) fn frame(text: &str) -> Frame {
    Frame {
        id: EventId::from_uuid(Uuid::from_u128(text.len() as u128)),
        source: SourceId::from_uuid(Uuid::from_u128(9)),
        collected_at: DateTime::from_timestamp_micros(1_790_000_000_123_456).unwrap(),
        peer: None,
        bytes: Bytes::copy_from_slice(text.as_bytes()),
        dead: None,
    }
}

fn small() -> SpoolSettings {
    SpoolSettings { segment_bytes: 600, ..SpoolSettings::default() }
}

pub(super) fn open(folder: &Path, floor: u64) -> (Spool, SpoolReader, Recovered) {
    Spool::open(folder, small(), Some(SpoolPosition(floor))).unwrap()
}

pub(super) async fn append(spool: &Spool, text: &str) -> u64 {
    spool.append(&[frame(text)]).await.unwrap().0
}

/// Reads until the spool has been closed and is empty.
pub(super) async fn rest(reader: &mut SpoolReader) -> Vec<String> {
    let mut texts = Vec::new();
    while let Some(batch) = reader.next().await {
        texts.extend(batch.frames.iter().map(|it| String::from_utf8(it.bytes.to_vec()).unwrap()));
    }
    texts
}

pub(super) fn segments(folder: &Path) -> Vec<PathBuf> {
    segment::list(folder).unwrap().iter().map(|first| segment::path(folder, *first)).collect()
}

#[tokio::test]
async fn what_was_appended_is_read_in_order_and_again_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let (spool, mut reader, recovered) = open(folder.path(), 0);
    assert_eq!(recovered, Recovered::default());
    let texts: Vec<String> = (0..40).map(|number| format!("record {number}")).collect();
    for (index, text) in texts.iter().enumerate() {
        assert_eq!(append(&spool, text).await, index as u64 + 1);
    }
    spool.close().await;
    assert_eq!(rest(&mut reader).await, texts);
    assert!(matches!(spool.append(&[frame("late")]).await, Err(AppendError::Closed)));
    drop((spool, reader));
    assert!(segments(folder.path()).len() > 3, "small segments");

    let (spool, mut reader, recovered) = open(folder.path(), 12);
    assert_eq!((recovered.batches, recovered.frames), (28, 28));
    assert_eq!((recovered.last, recovered.damaged_bytes), (SpoolPosition(40), 0));
    assert_eq!(append(&spool, "one more").await, 41);
    spool.close().await;
    let again = rest(&mut reader).await;
    assert_eq!(again.split_last().unwrap(), (&"one more".to_owned(), &texts[12..]));
}

#[tokio::test]
async fn forgetting_removes_whole_segments_and_positions_never_come_again() {
    let folder = tempfile::tempdir().unwrap();
    let (spool, reader, _) = open(folder.path(), 0);
    for number in 0..40 {
        append(&spool, &format!("record {number}")).await;
    }
    let before = (segments(folder.path()).len(), spool.disk_bytes());
    spool.forget(SpoolPosition(20)).await;
    let after = (segments(folder.path()).len(), spool.disk_bytes());
    assert!(after.0 < before.0 && after.1 < before.1, "{before:?} {after:?}");
    spool.forget(SpoolPosition(40)).await;
    spool.close().await;
    drop((spool, reader));
    // Everything is in the lake: all segments go, and numbering goes on above the floor.
    let (spool, _reader, recovered) = open(folder.path(), 40);
    assert_eq!((recovered.batches, recovered.last), (0, SpoolPosition(40)));
    assert_eq!(append(&spool, "next").await, 41);
}

#[tokio::test]
async fn what_one_has_seen_and_another_has_not_is_given_out_in_parts() {
    let folder = tempfile::tempdir().unwrap();
    let limits = SpoolSettings::default;
    let (spool, reader, _) = Spool::open(folder.path(), limits(), None).unwrap();
    for number in 1..=9 {
        append(&spool, &format!("record {number}")).await;
    }
    spool.close().await;
    drop((spool, reader));
    let at = |position| Some(SpoolPosition(position));
    for (stored, judged, ends) in [
        (at(4), at(6), vec![6, 9]),
        (at(6), at(4), vec![6, 9]),
        (at(6), None, vec![6, 9]),
        (None, None, vec![9]),
        (at(9), at(8), vec![9]),
        (at(9), at(9), vec![]),
    ] {
        let (spool, mut reader, recovered) =
            Spool::open_for(folder.path(), limits(), stored, judged).unwrap();
        let floor = stored.min(judged).unwrap_or_default().0;
        assert_eq!(recovered.first, at(floor + 1).filter(|_| floor < 9));
        spool.close().await;
        let mut found = Vec::new();
        while let Some(batch) = reader.next().await {
            found.push(batch.position.0);
        }
        assert_eq!(found, ends, "{stored:?} {judged:?}");
    }
    // All files are gone: positions go on above what was stored, whatever was judged.
    let empty = tempfile::tempdir().unwrap();
    let (spool, _reader, _) = Spool::open_for(empty.path(), limits(), at(9), None).unwrap();
    assert_eq!(append(&spool, "next").await, 10);
}

#[tokio::test]
async fn what_lies_behind_much_that_is_stored_is_read_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let long = "x".repeat(1 << 20);
    let (spool, reader, _) =
        Spool::open(folder.path(), SpoolSettings::default(), Some(SpoolPosition(0))).unwrap();
    // More in one segment than is given out together.
    for _ in 0..6 {
        append(&spool, &long).await;
    }
    append(&spool, "not stored yet").await;
    spool.close().await;
    drop((spool, reader));
    for floor in [0, 3, 5, 6] {
        let (spool, mut reader, recovered) =
            Spool::open(folder.path(), SpoolSettings::default(), Some(SpoolPosition(floor)))
                .unwrap();
        assert_eq!(recovered.batches, 7 - floor);
        spool.close().await;
        let texts = rest(&mut reader).await;
        assert_eq!(texts.len() as u64, 7 - floor, "behind {floor}");
        assert_eq!(texts.last().unwrap(), "not stored yet");
        drop((spool, reader));
    }
}

#[tokio::test]
async fn a_new_folder_goes_on_above_what_the_lake_has() {
    let folder = tempfile::tempdir().unwrap();
    let (spool, mut reader, _) = open(folder.path(), 1000);
    assert_eq!(append(&spool, "first").await, 1001);
    assert_eq!(reader.next().await.unwrap().position, SpoolPosition(1001));
}

#[tokio::test]
async fn a_torn_end_is_cut_off_and_nothing_before_it_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let (spool, reader, _) = Spool::open(folder.path(), SpoolSettings::default(), None).unwrap();
    for text in ["one", "two", "three"] {
        append(&spool, text).await;
    }
    spool.close().await;
    drop((spool, reader));
    let path = segments(folder.path()).pop().unwrap();
    let whole = std::fs::read(&path).unwrap();
    let records = whole.len() - SEGMENT_HEAD_BYTES;
    // Cut at every byte of the last record (records of "one", "two" take 1/3 less two bytes each).
    let last = records / 3 + 2;
    for cut in 1..last {
        std::fs::write(&path, &whole[..whole.len() - cut]).unwrap();
        let (spool, mut reader, recovered) = open(folder.path(), 0);
        spool.close().await;
        assert_eq!(rest(&mut reader).await, ["one", "two"], "cut {cut}");
        assert!(recovered.truncated_bytes > 0 && recovered.damaged_bytes == 0, "cut {cut}");
    }
}

const SEGMENT_HEAD_BYTES: usize = segment::SEGMENT_HEAD.len();

#[tokio::test]
async fn a_flipped_bit_costs_its_own_batch_only_and_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let (spool, reader, _) = Spool::open(folder.path(), SpoolSettings::default(), None).unwrap();
    for text in ["one", "two", "three"] {
        append(&spool, text).await;
    }
    spool.close().await;
    drop((spool, reader));
    let path = segments(folder.path()).pop().unwrap();
    let whole = std::fs::read(&path).unwrap();
    let first_record = SEGMENT_HEAD_BYTES..SEGMENT_HEAD_BYTES + (whole.len() - 18) / 3;
    for at in first_record {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        std::fs::write(&path, &damaged).unwrap();
        let (spool, mut reader, recovered) = open(folder.path(), 0);
        spool.close().await;
        assert_eq!(rest(&mut reader).await, ["two", "three"], "byte {at}");
        assert!(recovered.damaged_bytes > 0 && recovered.truncated_bytes == 0, "byte {at}");
    }
}

#[tokio::test]
async fn only_one_process_may_have_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let _first = open(folder.path(), 0);
    let second = Spool::open(folder.path(), small(), None);
    assert!(matches!(second, Err(OpenError::InUse(_))), "{second:?}");
}

#[tokio::test]
async fn marks_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let (spool, reader, _) = open(folder.path(), 0);
    spool.append_marked(&[frame("a")], b"mark 1").await.unwrap();
    append(&spool, "b").await;
    spool.append_marked(&[frame("c")], b"mark 2").await.unwrap();
    spool.close().await;
    drop((spool, reader));
    let (_spool, _reader, recovered) = open(folder.path(), 0);
    assert_eq!(recovered.marks, ["mark 1", "mark 2"].map(Bytes::from));
}

#[tokio::test]
async fn a_full_spool_refuses_and_takes_again_after_forgetting() {
    let folder = tempfile::tempdir().unwrap();
    let limits = SpoolSettings { segment_bytes: 500, disk_bytes_max: 3000, ..small() };
    let (spool, _reader, _) = Spool::open(folder.path(), limits, None).unwrap();
    let mut last = SpoolPosition(0);
    let refusal = loop {
        match spool.append(&[frame(&"x".repeat(200))]).await {
            Ok(position) => last = position,
            Err(refusal) => break refusal,
        }
    };
    assert!(matches!(refusal, AppendError::Full));
    assert!(last.0 > 5 && spool.disk_bytes() <= 3000);
    assert!(!spool.has_room());
    spool.forget(last).await;
    spool.append(&[frame("room again")]).await.unwrap();
}

#[tokio::test]
async fn many_senders_share_commits_and_each_frame_is_there_once() {
    let folder = tempfile::tempdir().unwrap();
    let (spool, mut reader, _) =
        Spool::open(folder.path(), SpoolSettings { compress: true, ..small() }, None).unwrap();
    let mut senders = tokio::task::JoinSet::new();
    for sender in 0..20 {
        let spool = spool.clone();
        senders.spawn(async move {
            for number in 0..25 {
                append(&spool, &format!("{sender:02}-{number:02} {}", "pad ".repeat(20))).await;
            }
        });
    }
    senders.join_all().await;
    spool.close().await;
    let mut texts = rest(&mut reader).await;
    assert_eq!(texts.len(), 500);
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), 500);
}

fn frames() -> impl Strategy<Value = Vec<Frame>> {
    let peer = prop_oneof![
        Just(None),
        any::<u32>().prop_map(|it| Some(IpAddr::V4(Ipv4Addr::from(it)))),
        any::<u128>().prop_map(|it| Some(IpAddr::V6(Ipv6Addr::from(it)))),
    ];
    let dead = proptest::option::of((".{0,9}", ".{0,20}"));
    let bytes = proptest::collection::vec(any::<u8>(), 0..300);
    let one = (any::<u128>(), any::<u128>(), 0..4_000_000_000_000_000_i64, peer, dead, bytes);
    proptest::collection::vec(one, 0..12).prop_map(|all| {
        all.into_iter()
            .map(|(id, source, at, peer, dead, bytes)| Frame {
                id: EventId::from_uuid(Uuid::from_u128(id)),
                source: SourceId::from_uuid(Uuid::from_u128(source)),
                collected_at: DateTime::from_timestamp_micros(at).unwrap(),
                peer,
                bytes: Bytes::from(bytes),
                dead: dead.map(|(code, detail)| DeadReason { code, detail }),
            })
            .collect()
    })
}

/// Turns all bits, in the place of a cipher, and keeps what it is bound to.
#[derive(Debug)]
struct Turned;

impl Seal for Turned {
    fn seal(&self, plain: Vec<u8>, bound: &[u8]) -> Result<Vec<u8>, SealError> {
        Ok(bound.iter().copied().chain(plain.into_iter().map(|byte| !byte)).collect())
    }

    fn open(&self, sealed: Bytes, bound: &[u8]) -> Result<Bytes, SealError> {
        let plain = sealed.strip_prefix(bound).ok_or(SealError::Damaged)?;
        Ok(plain.iter().map(|byte| !byte).collect())
    }
}

#[tokio::test]
async fn what_is_sealed_waits_for_its_key_and_is_not_readable_without() {
    let folder = tempfile::tempdir().unwrap();
    append(&open(folder.path(), 0).0, "from before").await;
    let sealed = || SpoolSettings { seal: Some(Arc::new(Turned)), ..small() };
    let (spool, reader, recovered) = Spool::open(folder.path(), sealed(), None).unwrap();
    assert_eq!(recovered.frames, 1);
    spool.append_marked(&[frame("a password")], b"mark of a file").await.unwrap();
    spool.close().await;
    drop((spool, reader));
    for path in segments(folder.path()) {
        let bytes = std::fs::read(path).unwrap();
        for secret in [b"a password".as_slice(), b"mark of a file"] {
            assert!(memchr::memmem::find(&bytes, secret).is_none());
        }
    }

    let before =
        segments(folder.path()).iter().map(|path| path.metadata().unwrap().len()).sum::<u64>();
    let error = Spool::open(folder.path(), small(), None).unwrap_err();
    let said = std::error::Error::source(&error).unwrap().to_string();
    assert!(said.ends_with("a record is encrypted, and there is no key"), "{said}");
    let after =
        segments(folder.path()).iter().map(|path| path.metadata().unwrap().len()).sum::<u64>();
    assert_eq!(before, after, "nothing is cut off or removed");

    let (spool, mut reader, recovered) = Spool::open(folder.path(), sealed(), None).unwrap();
    assert_eq!((recovered.frames, recovered.damaged_bytes), (2, 0));
    assert_eq!(recovered.marks, [Bytes::from_static(b"mark of a file")]);
    spool.close().await;
    assert_eq!(rest(&mut reader).await, ["from before", "a password"]);
}

proptest! {
    #[test]
    fn a_record_reads_back_what_was_written(
        frames in frames(),
        mark in proptest::collection::vec(any::<u8>(), 0..40),
        compress in any::<bool>(),
        sealed in any::<bool>(),
        position in any::<u64>(),
    ) {
        let seal = sealed.then(|| Arc::new(Turned) as Arc<dyn Seal>);
        let settings = SpoolSettings { compress, seal, ..SpoolSettings::default() };
        let mut bytes = Vec::new();
        record::encode(&frames, &mark, &settings).unwrap().write(position, &mut bytes);
        let header = record::header(&bytes).unwrap();
        prop_assert_eq!(header.position, position);
        let payload = Bytes::from(bytes).slice(record::HEADER_BYTES..);
        prop_assert!(header.fits(&payload));
        if sealed {
            prop_assert!(matches!(header.decode(payload.clone(), None), Err(SealError::NoKey)));
        }
        let decoded = header.decode(payload, settings.seal.as_deref()).unwrap().unwrap();
        prop_assert_eq!(decoded.frames, frames);
        prop_assert_eq!(decoded.mark, mark);
    }

    #[test]
    fn hostile_bytes_are_no_record(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(record::header(&bytes).is_none());
    }
}
