//! A lake that is encrypted at rest answers like another one, and what lies on the disk says nothing.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use event::lake::LakeReader as _;
use event::{Event, IdSource, Scope};
use lake::keep::{Export, ExportFormat, Fault, Taken, verify_file};
use lake::{Catalogue as _, Lake, OpenError, Segment, SegmentId};

use crate::home::{
    Home, all_ids, at, events, found_ids, keyring, newest_first, open_keyring, run, search, start,
};

async fn fill(lake: &Lake, all: &[Event], parts: usize, first: u64) {
    for (position, part) in (first..).zip(all.chunks(all.len().div_ceil(parts))) {
        lake.append(part.to_vec(), at(position)).await.unwrap();
        lake.flush().await.unwrap();
    }
}

fn path_of(home: &Home, segment: &Segment) -> PathBuf {
    home.folder.path().join(&segment.path)
}

fn has(bytes: &[u8], words: &[u8]) -> bool {
    bytes.windows(words.len()).any(|window| window == words)
}

async fn check_answers(lake: &Lake, all: &[Event]) {
    assert_eq!(all_ids(lake).await, newest_first(all));
    let user3 = all.iter().filter(|event| event.raw.ends_with("for user3"));
    let scope = Scope::platform();
    let found = found_ids(lake, &scope, search("user3 AND \"failed password\"", 500));
    assert_eq!(found.await, newest_first(user3));
    let counted = lake.sql_beside(&scope, "SELECT count(*), max(src_port) FROM events", Vec::new());
    let port = 1000 + all.len() - 1;
    assert_eq!(counted.await.unwrap().rows, [[all.len().to_string(), port.to_string()]]);
}

#[test]
fn plain_and_encrypted_files_are_one_lake_until_all_are_written_again() {
    let mut home = Home::new();
    let all = events(0..4000);
    run(async {
        let lake = home.open().await;
        fill(&lake, &all[..1000], 3, 1).await;
        lake.close().await;
        let plain = lake.files().remove(0);
        assert_eq!(plain.key, None);
        assert!(fs::read(path_of(&home, &plain)).unwrap().starts_with(b"PAR1"));
    });
    let keys = keyring(2);
    home.keys = Some(open_keyring(&(keys.0.clone(), keys.1[..1].to_vec())));
    run(async {
        let lake = home.open().await;
        fill(&lake, &all[1000..], 2, 10).await;
        check_answers(&lake, &all).await;
        let (sealed, plain): (Vec<_>, Vec<_>) =
            lake.files().into_iter().partition(|file| file.key.is_some());
        assert_eq!((sealed.len(), plain.len()), (2, 3));
        for file in &sealed {
            let bytes = fs::read(path_of(&home, file)).unwrap();
            assert_eq!(u64::try_from(bytes.len()).unwrap(), file.size_bytes);
            for words in [&b"PAR1"[..], b"luytre.index", b"user3", b"occurred_at"] {
                assert!(!has(&bytes, words), "{}", String::from_utf8_lossy(words));
            }
        }
        for file in lake.files() {
            assert_eq!(verify_file(&home.place(), &file), []);
        }
        lake.close().await;
    });
    // With a second key the first opens what it wrote, the second writes.
    home.keys = Some(open_keyring(&keys));
    run(async {
        let lake = home.open().await;
        check_answers(&lake, &all).await;
        let mut written = 0;
        for file in lake.files() {
            written += usize::from(lake.encrypt_file(&file).await.unwrap());
        }
        assert_eq!(written, 5);
        check_answers(&lake, &all).await;
        for file in lake.files() {
            assert_eq!(file.key, Some(keys.1[1].id));
            assert_eq!(verify_file(&home.place(), &file), []);
            assert!(!lake.encrypt_file(&file).await.unwrap(), "once is enough");
        }
        assert_eq!(home.files().len(), 5, "the old files are gone");
        lake.close().await;
        let lake = home.open().await;
        check_answers(&lake, &all).await;
        assert_eq!(lake.recovered().lost, Vec::<PathBuf>::new());
    });
}

#[test]
fn merging_keeps_what_is_secret_secret() {
    let mut home = Home::new();
    home.keys = Some(open_keyring(&keyring(1)));
    run(async {
        let lake = home.open().await;
        let all = events(0..900);
        fill(&lake, &all, 9, 1).await;
        assert!(lake.merge_small_files().await.unwrap());
        let files = lake.files();
        assert_eq!((files.len(), home.files().len()), (1, 1));
        assert_eq!(files[0].key, home.keys.as_ref().map(|keys| keys.newest().id()));
        check_answers(&lake, &all).await;
    });
}

#[test]
fn without_the_key_nothing_is_opened_and_the_file_is_named() {
    let mut home = Home::new();
    home.keys = Some(open_keyring(&keyring(1)));
    let all = events(0..100);
    run(async {
        let lake = home.open().await;
        fill(&lake, &all, 1, 1).await;
        lake.close().await;
    });
    let segment = run(home.catalogue.segments()).unwrap().remove(0);
    home.keys = None;
    let error = run(home.try_open_with(home.settings())).unwrap_err();
    assert!(matches!(&error, OpenError::Key { path, .. } if *path == segment.path), "{error}");
    // Checksum and size are of the bytes that lie there: they hold without a key, the rows cannot be read.
    let faults = verify_file(&home.place(), &segment);
    let [Fault::Unreadable(why)] = &faults[..] else { panic!("{faults:?}") };
    assert!(why.contains("lake.encryption.key_file") && why.contains(&segment.path), "{why}");
    // Another key of the same id: it opens, and no byte of it is read.
    home.keys = Some(open_keyring(&keyring(1)));
    run(async {
        let lake = home.open().await;
        let error = lake.search(&Scope::platform(), &search("", 10)).await.unwrap_err();
        assert!(format!("{error:?}").contains("Chunk("), "{error:?}");
    });
}

#[test]
fn another_file_in_its_place_is_refused() {
    let mut home = Home::new();
    home.keys = Some(open_keyring(&keyring(1)));
    run(async {
        let lake = home.open().await;
        fill(&lake, &events(0..200), 2, 1).await;
        lake.close().await;
        let files = lake.files();
        let (one, other) = (&files[0], &files[1]);
        let whole = fs::read(path_of(&home, one)).unwrap();
        let plain = Home::new();
        let beside = plain.open().await;
        fill(&beside, &events(0..200), 1, 1).await;
        let plain = fs::read(&plain.files()[0]).unwrap();
        for bytes in [fs::read(path_of(&home, other)).unwrap(), plain] {
            fs::write(path_of(&home, one), bytes).unwrap();
            let lake = home.open().await;
            lake.search(&Scope::platform(), &search("", 1000)).await.unwrap_err();
            let faults = verify_file(&home.place(), one);
            assert!(matches!(faults[..], [Fault::Checksum { .. }]), "{faults:?}");
            lake.close().await;
        }
        fs::write(path_of(&home, one), whole).unwrap();
        assert_eq!(all_ids(&*home.open().await).await.len(), 200);
    });
}

#[test]
fn of_a_damaged_file_the_chunks_that_open_are_saved() {
    let mut home = Home::new();
    home.keys = Some(open_keyring(&keyring(1)));
    run(async {
        let lake = home.open().await;
        fill(&lake, &events(0..30_000), 1, 1).await;
        let segment = lake.files().remove(0);
        let path = path_of(&home, &segment);
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 3;
        bytes[middle..middle + 200].fill(0xff);
        fs::write(&path, &bytes).unwrap();
        let salvaged = lake.take_out(&segment, true, "told to").await.unwrap();
        assert!((10_000..30_000).contains(&salvaged.rows_saved), "{salvaged:?}");
        let new = salvaged.replaced_by.unwrap();
        assert!(new.key.is_some());
        assert_eq!(verify_file(&home.place(), &new), []);
        assert_eq!(u64::try_from(all_ids(&lake).await.len()).unwrap(), salvaged.rows_saved);
    });
}

#[test]
fn what_a_crash_left_is_known_although_it_is_encrypted() {
    let mut home = Home::new();
    home.keys = Some(open_keyring(&keyring(1)));
    let all = events(0..100);
    run(async {
        let lake = home.open().await;
        fill(&lake, &all[..50], 1, 1).await;
        home.catalogue.fail_next_commits(usize::MAX);
        lake.append(all[50..].to_vec(), at(2)).await.unwrap();
        lake.flush().await.unwrap_err();
        lake.close().await;
    });
    assert_eq!(home.files().len(), 2);
    run(async {
        home.catalogue.fail_next_commits(0);
        let lake = home.open().await;
        assert_eq!((lake.recovered().removed, lake.recovered().lost.len()), (1, 0));
        lake.append(all[50..].to_vec(), at(2)).await.unwrap();
        check_answers(&lake, &all).await;
    });
}

#[test]
fn an_export_is_plain_for_whoever_gets_it() {
    let mut home = Home::new();
    home.keys = Some(open_keyring(&keyring(1)));
    let all = events(0..500);
    run(async {
        let lake = home.open().await;
        fill(&lake, &all, 1, 1).await;
        lake.close().await;
    });
    let segments = run(home.catalogue.segments()).unwrap();
    let what = Export {
        from: start(),
        to: start() + chrono::TimeDelta::days(9),
        systems: None,
        format: ExportFormat::Parquet,
    };
    let folder = tempfile::tempdir().unwrap();
    let ids = IdSource::seeded(7);
    let next = || SegmentId::from_uuid(ids.uuid(start()));
    let (place, mut taken) = (home.place(), Taken::default());
    let files = lake::keep::export(&place, &segments, &what, folder.path(), next, &mut taken);
    let files = files.unwrap();
    assert!(fs::read(folder.path().join(&files[0].path)).unwrap().starts_with(b"PAR1"));
    let other = Home::new();
    run(async {
        let lake: Arc<Lake> = other.open().await;
        let imported = lake.import(folder.path(), &files[0]).await.unwrap();
        assert_eq!((imported.new, imported.known), (500, 0));
        assert_eq!(all_ids(&lake).await, newest_first(&all));
    });
}

#[test]
fn rows_of_an_encrypted_file_are_saved_where_only_its_footer_is_damaged() {
    for all in [events(0..200), events(0..20_000)] {
        let mut home = Home::new();
        home.keys = Some(open_keyring(&keyring(1)));
        run(async {
            let lake = home.open().await;
            fill(&lake, &all, 1, 1).await;
            let segment = lake.files().remove(0);
            let path = path_of(&home, &segment);
            let mut bytes = fs::read(&path).unwrap();
            // Before the trailer stands the tag of the last chunk, and that is all footer.
            let at = bytes.len() - 200;
            bytes[at] ^= 1;
            fs::write(&path, &bytes).unwrap();
            let salvaged = lake.take_out(&segment, true, "told to").await.unwrap();
            assert_eq!(salvaged.rows_lost(), 0, "{salvaged:?}");
            assert_eq!(all_ids(&lake).await, newest_first(&all));
            lake.close().await;
        });
    }
}
