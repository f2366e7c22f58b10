//! Files go from the folder to the store and back, at once or when they are old: none lost, none twice,
//! whatever fails on the way.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::TimeDelta;
use event::lake::LakeReader as _;
use event::{Event, Scope};
use lake::keep::verify_file;
use lake::{Catalogue as _, Lake, LakeSettings, OpenError, Store, Where};

use crate::home::{Home, all_ids, at, events, files_below, newest_first, run, start};

fn objects(home: &Home) -> Vec<PathBuf> {
    files_below(home.store.as_ref().unwrap().0.path(), "parquet")
}

fn local(home: &Home) -> Vec<PathBuf> {
    let mut files = files_below(home.folder.path(), "parquet");
    files.retain(|path| {
        path.parent().unwrap().file_name().unwrap().to_string_lossy().starts_with("day=")
    });
    files
}

fn in_folder(home: &Home) -> LakeSettings {
    LakeSettings { store: Store::Folder, ..home.settings() }
}

fn tiered(home: &Home, after_days: u32) -> LakeSettings {
    let (_, store) = home.store.as_ref().unwrap();
    LakeSettings { store: Store::Tiered { store: store.clone(), after_days }, ..home.settings() }
}

async fn fill(lake: &Lake, all: &[Event], parts: usize) {
    for (position, part) in (1..).zip(all.chunks(all.len().div_ceil(parts))) {
        lake.append(part.to_vec(), at(position)).await.unwrap();
        lake.flush().await.unwrap();
    }
}

async fn check(home: &Home, lake: &Lake, all: &[Event], places: (usize, usize)) {
    assert_eq!(all_ids(lake).await, newest_first(all));
    let scope = Scope::platform();
    let counted = lake.sql_beside(&scope, "SELECT count(*) FROM events", Vec::new());
    assert_eq!(counted.await.unwrap().rows, [[all.len().to_string()]]);
    let files = lake.files();
    let stored = files.iter().filter(|file| file.lies_in == Where::Store).count();
    assert_eq!((files.len() - stored, stored), places);
    let named = home.catalogue.segments().await.unwrap();
    for file in &files {
        assert!(named.contains(file), "catalogue and lake say the same");
        assert_eq!(verify_file(&home.place(), file), []);
    }
}

async fn move_all(lake: &Lake, to: Where) -> usize {
    let mut moved = 0;
    for file in lake.files_outside(to) {
        moved += usize::from(lake.move_file(&file, to).await.unwrap());
    }
    moved
}

#[test]
fn a_folder_goes_to_the_store_and_comes_back() {
    run(async {
        let home = Home::new();
        let all = events(0..600);
        let lake = home.open_with(in_folder(&home)).await;
        fill(&lake, &all, 6).await;
        lake.close().await;
        // With the store set, what lies in the folder is read there.
        let lake = home.open().await;
        check(&home, &lake, &all, (6, 0)).await;
        assert_eq!(move_all(&lake, Where::Store).await, 6);
        assert_eq!((local(&home).len(), objects(&home).len()), (0, 6));
        check(&home, &lake, &all, (0, 6)).await;
        assert_eq!(move_all(&lake, Where::Store).await, 0, "all of them lie there");
        lake.close().await;
        // Neither there nor in what another machine keeps of it stands a word of the events.
        let other = tempfile::tempdir().unwrap();
        let settings = LakeSettings { folder: other.path().to_owned(), ..home.settings() };
        assert_eq!(all_ids(&*home.open_with(settings).await).await, newest_first(&all));
        let kept = fs::read_dir(other.path().join("cache")).unwrap();
        let kept: Vec<PathBuf> = kept.map(|entry| entry.unwrap().path()).collect();
        assert!(!kept.is_empty());
        for path in kept.into_iter().chain(objects(&home)) {
            let bytes = fs::read(&path).unwrap();
            for words in [&b"PAR1"[..], b"user3", b"linux_sshd", b"luytre.index"] {
                assert!(!bytes.windows(words.len()).any(|window| window == words), "{path:?}");
            }
        }
        // Without a store they could not be read: that is said, not passed over.
        let error = home.try_open_with(in_folder(&home)).await.unwrap_err();
        assert!(matches!(error, OpenError::NoStore { count: 6 }), "{error}");
        let lake = home.open().await;
        assert_eq!(move_all(&lake, Where::Folder).await, 6);
        check(&home, &lake, &all, (6, 0)).await;
        assert_eq!(lake.clear_store(start()).await.unwrap(), 6);
        assert_eq!((local(&home).len(), objects(&home).len()), (6, 0));
        lake.close().await;
        let lake = home.open_with(in_folder(&home)).await;
        check(&home, &lake, &all, (6, 0)).await;
        assert_eq!(lake.recovered().lost, Vec::<PathBuf>::new());
    });
}

#[test]
fn a_move_that_fails_at_the_catalogue_changes_nothing_and_is_done_again() {
    run(async {
        let home = Home::new();
        let all = events(0..200);
        let lake = home.open_with(in_folder(&home)).await;
        fill(&lake, &all, 2).await;
        lake.close().await;
        let lake = home.open().await;
        let file = lake.files_outside(Where::Store).remove(0);
        home.catalogue.fail_next_commits(1);
        lake.move_file(&file, Where::Store).await.unwrap_err();
        check(&home, &lake, &all, (2, 0)).await;
        assert_eq!((local(&home).len(), objects(&home).len()), (2, 1));
        drop(lake);
        // As after a crash: the copy that nobody told of goes, or is put again.
        let lake = home.open().await;
        assert_eq!(lake.clear_store(start()).await.unwrap(), 1);
        check(&home, &lake, &all, (2, 0)).await;
        assert_eq!(move_all(&lake, Where::Store).await, 2);
        home.catalogue.fail_next_commits(1);
        let file = lake.files_outside(Where::Folder).remove(0);
        lake.move_file(&file, Where::Folder).await.unwrap_err();
        check(&home, &lake, &all, (0, 2)).await;
        lake.close().await;
        // The copy in the folder is no stranger that is set aside: it becomes a part of the cache.
        let lake = home.open().await;
        assert_eq!(lake.recovered().lost, Vec::<PathBuf>::new());
        assert_eq!(local(&home), Vec::<PathBuf>::new());
        check(&home, &lake, &all, (0, 2)).await;
        assert_eq!(lake.clear_store(start()).await.unwrap(), 0, "nothing in use is cleared");
        check(&home, &lake, &all, (0, 2)).await;
    });
}

#[test]
fn a_damaged_file_stays_where_it_is() {
    run(async {
        let home = Home::new();
        let lake = home.open_with(in_folder(&home)).await;
        fill(&lake, &events(0..200), 2).await;
        lake.close().await;
        let victim = local(&home).remove(0);
        let mut bytes = fs::read(&victim).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&victim, &bytes).unwrap();
        let lake = home.open().await;
        let mut failed = 0;
        for file in lake.files_outside(Where::Store) {
            match lake.move_file(&file, Where::Store).await {
                Ok(moved) => assert!(moved),
                Err(error) => {
                    failed += 1;
                    assert!(format!("{error:?}").contains("Copy"), "{error:?}");
                }
            }
        }
        assert_eq!((failed, local(&home)), (1, vec![victim.clone()]));
        assert_eq!(fs::read(&victim).unwrap(), bytes);
    });
}

#[test]
fn old_files_go_to_the_store_and_new_ones_stay() {
    run(async {
        let home = Home::new();
        let all = events(0..900);
        let lake = home.open_with(tiered(&home, 3)).await;
        fill(&lake, &all[..800], 8).await;
        assert_eq!((local(&home).len(), objects(&home).len()), (8, 0), "new files stay here");
        let day = |days| start() + TimeDelta::days(days);
        assert_eq!(lake.move_old_files(day(2)).await.unwrap(), 0);
        assert_eq!(lake.move_old_files(day(3)).await.unwrap(), 8);
        assert_eq!((local(&home).len(), objects(&home).len()), (0, 8));
        lake.append(all[800..].to_vec(), at(20)).await.unwrap();
        lake.flush().await.unwrap();
        check(&home, &lake, &all, (1, 8)).await;
        // What is merged of both is a new file: it stays here until it is old.
        assert!(lake.merge_small_files().await.unwrap());
        assert_eq!(lake.clear_store(start()).await.unwrap(), 8);
        check(&home, &lake, &all, (1, 0)).await;
        assert_eq!(lake.move_old_files(day(3)).await.unwrap(), 1);
        check(&home, &lake, &all, (0, 1)).await;
        lake.close().await;
        let lake = home.open_with(tiered(&home, 3)).await;
        check(&home, &lake, &all, (0, 1)).await;
        assert_eq!(lake.move_old_files(day(300)).await.unwrap(), 0);
    });
}

#[test]
fn questions_and_merges_go_on_while_files_move() {
    run(async {
        let home = Home::new();
        let all = events(0..1600);
        let lake = home.open_with(tiered(&home, 1)).await;
        fill(&lake, &all, 16).await;
        let asking = {
            let (lake, all) = (Arc::clone(&lake), newest_first(&all));
            tokio::spawn(async move {
                for _ in 0..20 {
                    assert_eq!(all_ids(&lake).await, all);
                }
            })
        };
        let merging = {
            let lake = Arc::clone(&lake);
            tokio::spawn(async move { while lake.merge_small_files().await.unwrap() {} })
        };
        while lake.move_old_files(start() + TimeDelta::days(9)).await.unwrap() > 0 {}
        merging.await.unwrap();
        asking.await.unwrap();
        move_all(&lake, Where::Folder).await;
        assert_eq!(all_ids(&lake).await, newest_first(&all));
        lake.clear_store(start()).await.unwrap();
        assert_eq!((local(&home).len(), objects(&home).len()), (lake.files().len(), 0));
        assert_eq!(all_ids(&lake).await, newest_first(&all));
    });
}

#[test]
fn a_store_of_old_files_that_is_away_holds_up_no_intake() {
    run(async {
        let home = Home::new();
        let all = events(0..200);
        let lake = home.open_with(tiered(&home, 3)).await;
        fill(&lake, &all, 2).await;
        assert_eq!(lake.move_old_files(start() + TimeDelta::days(9)).await.unwrap(), 2);
        lake.close().await;
        let mut away = tiered(&home, 3);
        let Store::Tiered { store, .. } = &mut away.store else { panic!("no store") };
        // Nobody listens there.
        store.endpoint = "http://127.0.0.1:9".to_owned();
        let lake = home.open_with(away).await;
        let new = events(5000..5100);
        lake.append(new.clone(), at(50)).await.unwrap();
        lake.flush().await.unwrap();
        assert_eq!((local(&home).len(), objects(&home).len()), (1, 2));
        lake.close().await;
        let lake = home.open_with(tiered(&home, 3)).await;
        check(&home, &lake, &[all, new].concat(), (1, 2)).await;
    });
}
