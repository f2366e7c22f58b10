//! What only a lake in a store does.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use event::Scope;
use event::lake::LakeReader as _;
use lake::keep::{Fault, verify_file};
use lake::{LakeSettings, OpenError, S3Settings, Store};

use crate::home::{Home, all_ids, at, events, files_below, newest_first, run, search};

/// Returns the objects in the bucket, by path.
fn objects(home: &Home) -> Vec<PathBuf> {
    files_below(home.store.as_ref().unwrap().0.path(), "parquet")
}

fn cached(home: &Home) -> usize {
    fs::read_dir(home.folder.path().join("cache")).unwrap().count()
}

#[test]
fn another_machine_reads_what_one_wrote() {
    run(async {
        let home = Home::new();
        let all = events(0..300);
        let lake = home.open().await;
        lake.append(all.clone(), at(1)).await.unwrap();
        lake.flush().await.unwrap();
        assert_eq!(objects(&home).len(), 1);
        assert_eq!(files_below(home.folder.path(), "parquet"), Vec::<PathBuf>::new());
        assert_eq!(cached(&home), 1, "its own file is the first thing it keeps");
        let other = tempfile::tempdir().unwrap();
        let settings = LakeSettings { folder: other.path().to_owned(), ..home.settings() };
        let reader = home.open_with(settings).await;
        assert_eq!(all_ids(&reader).await, newest_first(&all));
        let kept = fs::read_dir(other.path().join("cache")).unwrap().count();
        assert!(kept > 0, "blocks that were read are kept");
        // With the blocks kept, the store is asked for nothing more.
        let object = objects(&home).remove(0);
        fs::rename(&object, object.with_extension("gone")).unwrap();
        assert_eq!(all_ids(&reader).await, newest_first(&all));
    });
}

#[test]
fn merged_files_stay_for_other_readers_until_their_time_is_up() {
    run(async {
        let home = Home::new();
        let lake = home.open().await;
        let all = events(0..80);
        for (position, part) in (1..).zip(all.chunks(10)) {
            lake.append(part.to_vec(), at(position)).await.unwrap();
            lake.flush().await.unwrap();
        }
        assert_eq!(objects(&home).len(), 8);
        let other = tempfile::tempdir().unwrap();
        let settings = LakeSettings { folder: other.path().to_owned(), ..home.settings() };
        let reader = home.open_with(settings).await;
        assert!(lake.merge_small_files().await.unwrap());
        assert_eq!(objects(&home).len(), 9);
        assert_eq!(all_ids(&reader).await, newest_first(&all), "its view has the old files");
        assert_eq!(lake.clear_store(DateTime::<Utc>::UNIX_EPOCH).await.unwrap(), 8);
        assert_eq!(objects(&home).len(), 1);
        assert_eq!(all_ids(&lake).await, newest_first(&all));
    });
}

#[test]
fn an_object_that_was_never_committed_goes() {
    run(async {
        let home = Home::new();
        let lake = home.open().await;
        home.catalogue.fail_next_commits(usize::MAX);
        lake.append(events(0..10), at(1)).await.unwrap();
        lake.flush().await.unwrap_err();
        // The lake would try again behind the test's back: it ends, with what it has under way.
        let ending = Arc::downgrade(&lake);
        drop(lake);
        while ending.strong_count() > 0 {
            tokio::task::yield_now().await;
        }
        let put = objects(&home).len();
        assert!(put > 0);
        let lake = home.open().await;
        assert_eq!(lake.clear_store(DateTime::<Utc>::UNIX_EPOCH).await.unwrap(), put);
        assert_eq!(objects(&home).len(), 0);
        // The spool has kept the events: they are put again, and now committed.
        home.catalogue.fail_next_commits(0);
        lake.append(events(0..10), at(1)).await.unwrap();
        lake.flush().await.unwrap();
        assert_eq!(objects(&home).len(), 1);
        assert_eq!(all_ids(&lake).await.len(), 10);
    });
}

#[test]
fn another_bucket_is_not_opened_silently() {
    run(async {
        let home = Home::new();
        let lake = home.open().await;
        lake.append(events(0..10), at(1)).await.unwrap();
        lake.flush().await.unwrap();
        let mut settings = home.settings();
        let Store::S3(s3) = &mut settings.store else { panic!("no store") };
        s3.prefix = "elsewhere".to_owned();
        let error = home.try_open_with(settings).await.unwrap_err();
        assert!(error.to_string().contains("missing"), "{error}");
    });
}

/// Returns an address at which nobody listens, below those that the system gives out by itself: no test beside this one
/// gets it meanwhile.
fn quiet_address() -> SocketAddr {
    let first = std::process::id() % 15_000;
    (first..first + 2_000)
        .filter_map(|number| u16::try_from(15_000 + number).ok())
        .map(|port| SocketAddr::from(([127, 0, 0, 1], port)))
        .find(|address| TcpListener::bind(address).is_ok())
        .unwrap()
}

#[test]
fn a_store_that_is_away_holds_up_no_start_and_one_that_refuses_is_told() {
    run(async {
        let home = Home::new();
        let (root, s3) = home.store.as_ref().unwrap();
        let all = events(0..80);
        let lake = home.open().await;
        lake.append(all[..50].to_vec(), at(1)).await.unwrap();
        lake.flush().await.unwrap();
        lake.close().await;
        let with = |s3| LakeSettings { store: Store::S3(s3), ..home.settings() };
        let stranger = S3Settings { secret_access_key: "another".to_owned(), ..s3.clone() };
        let refused = home.try_open_with(with(stranger)).await;
        assert!(matches!(refused, Err(OpenError::Unreachable { .. })), "{refused:?}");
        // Nobody listens there yet.
        let address = quiet_address();
        let away = S3Settings { endpoint: format!("http://{address}"), ..s3.clone() };
        let lake = home.open_with(with(away)).await;
        lake.append(all[50..].to_vec(), at(2)).await.unwrap();
        // It is back: what came in meanwhile goes there.
        crate::s3::start(root.path(), address);
        lake.flush().await.unwrap();
        assert_eq!(objects(&home).len(), 2);
        assert_eq!(all_ids(&lake).await, newest_first(&all));
        lake.close().await;
    });
}

#[test]
fn a_store_that_is_gone_is_an_error_not_an_empty_answer() {
    run(async {
        let home = Home::new();
        let lake = home.open().await;
        lake.append(events(0..10), at(1)).await.unwrap();
        lake.flush().await.unwrap();
        for object in objects(&home) {
            fs::remove_file(object).unwrap();
        }
        let other = tempfile::tempdir().unwrap();
        fs::create_dir_all(other.path().join("x")).unwrap();
        for entry in fs::read_dir(home.folder.path().join("cache")).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
        lake.search(&Scope::platform(), &search("", 10)).await.unwrap_err();
    });
}

#[test]
fn damage_in_the_store_is_found_whatever_is_kept_here_and_what_is_whole_is_saved() {
    run(async {
        let home = Home::new();
        let all = events(0..30_000);
        let lake = home.open().await;
        lake.append(all, at(1)).await.unwrap();
        lake.flush().await.unwrap();
        let segment = lake.files().remove(0);
        assert_eq!(verify_file(&home.place(), &segment), []);
        let object = objects(&home).remove(0);
        let mut bytes = fs::read(&object).unwrap();
        let middle = bytes.len() / 3;
        bytes[middle..middle + 200].fill(0xff);
        fs::write(&object, &bytes).unwrap();
        let faults = verify_file(&home.place(), &segment);
        assert!(matches!(faults[..], [Fault::Checksum { .. }]), "{faults:?}");
        // Nothing is kept here any more: only what is in the store can be saved.
        lake.close().await;
        fs::remove_dir_all(home.folder.path().join("cache")).unwrap();
        let lake = home.open().await;
        let salvaged = lake.take_out(&segment, true, "told to").await.unwrap();
        assert!((10_000..30_000).contains(&salvaged.rows_saved), "{salvaged:?}");
        let new = salvaged.replaced_by.clone().unwrap();
        assert_eq!(verify_file(&home.place(), &new), []);
        assert_eq!(u64::try_from(all_ids(&lake).await.len()).unwrap(), salvaged.rows_saved);
        let aside = home.folder.path().join("quarantine").join(format!("{}.parquet", segment.id));
        assert_eq!(fs::read(aside).unwrap(), bytes);
    });
}
