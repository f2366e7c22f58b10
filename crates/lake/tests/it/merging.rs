//! Many small files become one, and nobody notices.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use event::lake::LakeReader as _;
use event::{Event, Scope};
use lake::Lake;

use crate::crashes::Forgetful;
use crate::home::{Home, all_ids, at, events, found_ids, newest_first, run, search, search_for};

/// Ten files of one day, whose times lie across each other.
async fn ten_files(lake: &Lake) -> Vec<Event> {
    let events = events(0..2000);
    for rest in 0..10_u64 {
        let part = events.iter().skip(usize::try_from(rest).unwrap()).step_by(10);
        lake.append(part.cloned().collect(), at(rest)).await.unwrap();
        lake.flush().await.unwrap();
    }
    events
}

async fn check(lake: &Lake, events: &[Event]) {
    let scope = Scope::platform();
    assert_eq!(all_ids(lake).await, newest_first(events));
    let user = events.iter().filter(|event| event.raw.ends_with("user3"));
    let found = found_ids(lake, &scope, search("user:user3 AND failed", 100)).await;
    assert_eq!(found, newest_first(user));
    let ids: Vec<_> = events.iter().step_by(50).map(|event| event.id).collect();
    let expected: Vec<Event> = events.iter().step_by(50).cloned().collect();
    assert_eq!(lake.events(&scope, &ids).await.unwrap(), expected);
    let everything = search_for(event::query::Query::All, 0);
    assert_eq!(lake.histogram(&scope, &everything, 1).await.unwrap()[0].count, 2000);
    let table = lake.sql(&scope, "SELECT count(DISTINCT id), count(*) FROM events").await.unwrap();
    assert_eq!(table.rows, [["2000", "2000"]]);
}

#[test]
fn answers_are_the_same_before_during_and_after() {
    let home = Home::new();
    run(async {
        let lake = home.open().await;
        let events = ten_files(&lake).await;
        assert_eq!(home.files().len(), 10);
        check(&lake, &events).await;
        let readers: Vec<_> = (0..3)
            .map(|_| {
                let (lake, events) = (Arc::clone(&lake), events.clone());
                tokio::spawn(async move {
                    for _ in 0..4 {
                        check(&lake, &events).await;
                    }
                })
            })
            .collect();
        assert!(lake.merge_small_files().await.unwrap());
        check(&lake, &events).await;
        for reader in readers {
            reader.await.unwrap();
        }
        assert!(!lake.merge_small_files().await.unwrap());
        assert_eq!(lake.stats().await.unwrap().files, 1);
        lake.close().await;
    });
    assert_eq!(home.files().len(), 1);
    run(async {
        let lake = home.open().await;
        assert_eq!(lake.recovered().events, 2000);
        check(&lake, &events(0..2000)).await;
        lake.close().await;
    });
}

#[test]
fn a_merge_that_was_not_committed_leaves_what_it_was_made_of() {
    let home = Home::new();
    run(async {
        let lake = home.open().await;
        let events = ten_files(&lake).await;
        home.catalogue.fail_next_commits(usize::MAX);
        lake.merge_small_files().await.unwrap_err();
        lake.merge_small_files().await.unwrap_err();
        assert_eq!(home.files().len(), 11);
        check(&lake, &events).await;
    });
    home.catalogue.fail_next_commits(0);
    run(async {
        let lake = home.open().await;
        assert_eq!((lake.recovered().removed, lake.recovered().segments), (1, 10));
        check(&lake, &events(0..2000)).await;
        assert!(lake.merge_small_files().await.unwrap());
        check(&lake, &events(0..2000)).await;
        lake.close().await;
    });
}

#[test]
fn merged_files_that_a_crash_left_go() {
    let home = Home::new();
    let aside = tempfile::tempdir().unwrap();
    let mut left = Vec::new();
    run(async {
        let lake = home.open().await;
        ten_files(&lake).await;
        for file in home.files() {
            let copy = aside.path().join(file.file_name().unwrap());
            std::fs::copy(&file, &copy).unwrap();
            left.push((copy, file));
        }
        assert!(lake.merge_small_files().await.unwrap());
        lake.close().await;
    });
    for (copy, file) in left {
        std::fs::copy(copy, file).unwrap();
    }
    run(async {
        let lake = home.open().await;
        assert_eq!((lake.recovered().removed, lake.recovered().segments), (10, 1));
        assert!(lake.recovered().lost.is_empty());
        check(&lake, &events(0..2000)).await;
        lake.close().await;
    });
}

#[test]
fn a_merge_whose_answer_was_lost_is_not_done_twice() {
    let home = Home::new();
    let catalogue = Arc::<Forgetful>::default();
    run(async {
        let lake = catalogue.open(&home).await;
        let events = ten_files(&lake).await;
        catalogue.answers_lost.store(1, Ordering::Relaxed);
        lake.merge_small_files().await.unwrap_err();
        check(&lake, &events).await;
        assert!(lake.merge_small_files().await.unwrap());
        check(&lake, &events).await;
        lake.close().await;
    });
    run(async {
        let lake = catalogue.open(&home).await;
        assert_eq!(lake.recovered().segments, 1);
        check(&lake, &events(0..2000)).await;
        lake.close().await;
    });
}

#[test]
fn files_of_other_days_and_few_files_are_left_alone() {
    let home = Home::new();
    run(async {
        let lake = home.open().await;
        for day in 0..7_i64 {
            let mut events = events(day * 10..day * 10 + 10);
            for event in &mut events {
                event.occurred_at += chrono::TimeDelta::days(day);
            }
            lake.append(events, at(u64::try_from(day).unwrap())).await.unwrap();
            lake.flush().await.unwrap();
        }
        assert!(!lake.merge_small_files().await.unwrap());
        assert_eq!(home.files().len(), 7);
        lake.close().await;
    });
}
