//! The process ends at the worst moment; every life is a runtime that is dropped with all its tasks.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use event::lake::LakeReader as _;
use event::{Event, SpoolPosition, SystemClock};
use lake::{
    Catalogue, CatalogueError, Change, Lake, Leftover, MemoryCatalogue, Note, OpenError, Segment,
    SegmentId, Where,
};

use crate::home::{Home, all_ids, at, events, files_below, newest_first, run};

/// A catalogue that does what it is told and then loses its answer, a few times.
#[derive(Debug, Default)]
pub(crate) struct Forgetful {
    inner: Arc<MemoryCatalogue>,
    pub(crate) answers_lost: AtomicUsize,
}

impl Forgetful {
    pub(crate) async fn open(self: &Arc<Self>, home: &Home) -> Arc<Lake> {
        let catalogue = Arc::clone(self) as _;
        Lake::open(home.settings(), catalogue, Arc::new(SystemClock)).await.unwrap()
    }
}

#[async_trait]
impl Catalogue for Forgetful {
    async fn segments(&self) -> Result<Vec<Segment>, CatalogueError> {
        self.inner.segments().await
    }

    async fn commit(
        &self,
        add: &[Segment],
        remove: &[SegmentId],
        position: Option<SpoolPosition>,
    ) -> Result<(), CatalogueError> {
        self.inner.commit(add, remove, position).await?;
        let lose = |left: usize| left.checked_sub(1);
        match self.answers_lost.fetch_update(Ordering::Relaxed, Ordering::Relaxed, lose) {
            Ok(_) => Err(CatalogueError("the answer was lost".into())),
            Err(_) => Ok(()),
        }
    }

    async fn commit_noted(
        &self,
        add: &[Segment],
        remove: &[SegmentId],
        note: &Note,
    ) -> Result<(), CatalogueError> {
        self.inner.commit_noted(add, remove, note).await
    }

    async fn moved(&self, id: SegmentId, to: Where) -> Result<(), CatalogueError> {
        self.inner.moved(id, to).await
    }

    async fn position(&self) -> Result<Option<SpoolPosition>, CatalogueError> {
        self.inner.position().await
    }

    async fn announce(&self, files: &[Segment]) -> Result<(), CatalogueError> {
        self.inner.announce(files).await
    }

    async fn leftovers(&self, before: DateTime<Utc>) -> Result<Vec<Leftover>, CatalogueError> {
        self.inner.leftovers(before).await
    }

    async fn forget(&self, ids: &[SegmentId]) -> Result<(), CatalogueError> {
        self.inner.forget(ids).await
    }

    async fn commit_fresh(&self, add: &[Segment], marks: &[Vec<u8>]) -> Result<(), CatalogueError> {
        self.inner.commit_fresh(add, marks).await
    }

    async fn last_change(&self) -> Result<u64, CatalogueError> {
        self.inner.last_change().await
    }

    async fn changes(&self, after: u64) -> Result<Vec<Change>, CatalogueError> {
        self.inner.changes(after).await
    }
}

fn position(lake: &Lake) -> Option<SpoolPosition> {
    *lake.flushed_position().borrow()
}

/// Three batches of which the first is in files and the second in a file that nobody knows.
fn crash_between_file_and_catalogue(home: &Home, batches: &[Vec<Event>; 3]) {
    run(async {
        let lake = home.open().await;
        lake.append(batches[0].clone(), at(1)).await.unwrap();
        lake.flush().await.unwrap();
        home.catalogue.fail_next_commits(usize::MAX);
        lake.append(batches[1].clone(), at(2)).await.unwrap();
        lake.flush().await.unwrap_err();
        lake.append(batches[2].clone(), at(3)).await.unwrap();
        assert_eq!(position(&lake), Some(at(1)));
        assert_eq!(all_ids(&lake).await, newest_first(batches.iter().flatten()));
        let health = lake.health();
        assert!(health.failures > 0 && health.failing_since.is_some());
        assert!(health.error.unwrap().contains("told to fail"));
        assert_eq!(health.waiting_events, 100);
    });
    home.catalogue.fail_next_commits(0);
}

fn three_batches() -> [Vec<Event>; 3] {
    [events(0..100), events(100..150), events(150..200)]
}

#[test]
fn a_file_that_was_never_committed_goes_and_the_spool_plays_again() {
    let home = Home::new();
    let batches = three_batches();
    crash_between_file_and_catalogue(&home, &batches);
    assert_eq!(home.files().len(), 2);
    run(async {
        let lake = home.open().await;
        assert_eq!((lake.recovered().removed, lake.recovered().segments), (1, 1));
        assert!(lake.recovered().lost.is_empty());
        assert_eq!(position(&lake), Some(at(1)));
        assert_eq!(all_ids(&lake).await, newest_first(&batches[0]));
        for (number, batch) in batches.iter().enumerate() {
            // Twice: the second time it is in memory or in files.
            for _ in 0..2 {
                let number = u64::try_from(number).unwrap();
                lake.append(batch.clone(), at(number + 1)).await.unwrap();
            }
        }
        assert_eq!(all_ids(&lake).await, newest_first(batches.iter().flatten()));
        lake.flush().await.unwrap();
        assert_eq!(position(&lake), Some(at(3)));
        assert_eq!(all_ids(&lake).await, newest_first(batches.iter().flatten()));
        lake.close().await;
    });
    assert_eq!(home.files().len(), 2);
}

#[test]
fn what_was_only_in_memory_is_played_again() {
    let home = Home::new();
    run(async {
        let lake = home.open().await;
        lake.append(events(0..10), at(5)).await.unwrap();
        assert_eq!(all_ids(&lake).await.len(), 10);
    });
    run(async {
        let lake = home.open().await;
        assert_eq!(position(&lake), None);
        assert!(all_ids(&lake).await.is_empty());
        lake.append(events(0..10), at(5)).await.unwrap();
        assert_eq!(all_ids(&lake).await, newest_first(&events(0..10)));
        lake.close().await;
    });
}

#[test]
fn a_batch_that_is_partly_stored_gives_the_rest_only() {
    let home = Home::new();
    run(async {
        let lake = home.open().await;
        lake.append(events(0..100), at(4)).await.unwrap();
        lake.close().await;
    });
    run(async {
        let lake = home.open().await;
        let all = events(0..160);
        // At the flushed position and below, ids decide; in memory, they always do.
        lake.append(all[..120].to_vec(), at(4)).await.unwrap();
        lake.append(all[50..140].to_vec(), at(3)).await.unwrap();
        lake.append(all[110..160].to_vec(), at(5)).await.unwrap();
        let mut doubled = all[150..155].to_vec();
        doubled.extend(all[150..155].to_vec());
        lake.append(doubled, at(6)).await.unwrap();
        assert_eq!(all_ids(&lake).await, newest_first(&all));
        lake.flush().await.unwrap();
        assert_eq!(all_ids(&lake).await, newest_first(&all));
        assert_eq!(position(&lake), Some(at(6)));
        lake.close().await;
    });
}

#[test]
fn a_batch_without_events_moves_the_position_on() {
    let home = Home::new();
    run(async {
        let lake = home.open().await;
        lake.append(Vec::new(), at(9)).await.unwrap();
        lake.flush().await.unwrap();
        assert_eq!(position(&lake), Some(at(9)));
        assert!(home.files().is_empty());
        lake.close().await;
    });
    run(async { assert_eq!(position(&*home.open().await), Some(at(9))) });
}

#[test]
fn half_written_files_go() {
    let home = Home::new();
    let day = home.folder.path().join("day=2026-09-21");
    std::fs::create_dir_all(&day).unwrap();
    std::fs::write(day.join("x.tmp"), "PAR1").unwrap();
    let spilled = home.folder.path().join("spill").join("datafusion-x");
    std::fs::create_dir_all(&spilled).unwrap();
    run(async {
        let lake = home.open().await;
        assert_eq!(lake.recovered().removed, 1);
        lake.close().await;
    });
    assert!(files_below(home.folder.path(), "tmp").is_empty());
    assert!(!spilled.try_exists().unwrap());
}

#[test]
fn a_missing_file_is_said_and_not_passed_over() {
    let home = Home::new();
    run(async {
        let lake = home.open().await;
        lake.append(events(0..10), at(1)).await.unwrap();
        lake.close().await;
    });
    std::fs::remove_file(&home.files()[0]).unwrap();
    run(async {
        let catalogue = Arc::clone(&home.catalogue) as _;
        let opened = Lake::open(home.settings(), catalogue, Arc::new(SystemClock)).await;
        assert!(matches!(opened, Err(OpenError::Missing { ids, .. }) if ids.len() == 1));
    });
}

#[test]
fn no_file_goes_when_the_catalogue_is_a_stranger() {
    let mut home = Home::new();
    run(async {
        let lake = home.open().await;
        for number in 0..3 {
            lake.append(events(number * 10..number * 10 + 10), at(1)).await.unwrap();
            lake.append(Vec::new(), at(u64::try_from(number).unwrap() + 2)).await.unwrap();
            lake.flush().await.unwrap();
        }
        lake.close().await;
    });
    let files = home.files();
    assert_eq!(files.len(), 3);
    home.catalogue = Arc::default();
    run(async {
        let lake = home.open().await;
        assert_eq!(lake.recovered().lost.len(), 3);
        assert_eq!(lake.recovered().removed, 0);
        lake.close().await;
    });
    let kept = files_below(&home.folder.path().join("lost+found"), "parquet");
    let name = |path: &std::path::PathBuf| path.file_name().unwrap().to_owned();
    assert!(kept.iter().map(name).eq(files.iter().map(name)));
}

#[test]
fn a_commit_whose_answer_was_lost_is_asked_for_again() {
    let home = Home::new();
    let catalogue = Arc::<Forgetful>::default();
    run(async {
        let lake = catalogue.open(&home).await;
        catalogue.answers_lost.store(2, Ordering::Relaxed);
        lake.append(events(0..10), at(1)).await.unwrap();
        lake.flush().await.unwrap_err();
        assert_eq!(all_ids(&lake).await.len(), 10);
        while lake.flush().await.is_err() {}
        assert_eq!(all_ids(&lake).await, newest_first(&events(0..10)));
        assert_eq!(lake.health().failures, 0);
        lake.close().await;
    });
    assert_eq!(home.files().len(), 1);
    run(async {
        let lake = catalogue.open(&home).await;
        assert_eq!(all_ids(&lake).await, newest_first(&events(0..10)));
        lake.close().await;
    });
}

#[test]
fn a_full_buffer_is_written_behind_and_append_waits_when_the_disk_does_not_keep_up() {
    let home = Home::new();
    let mut settings = home.settings();
    settings.flush_events = 100;
    run(async {
        let lake = home.open_with(settings).await;
        let mut flushed = lake.flushed_position();
        lake.append(events(0..100), at(1)).await.unwrap();
        flushed.wait_for(|position| *position == Some(at(1))).await.unwrap();
        home.catalogue.fail_next_commits(usize::MAX);
        lake.append(events(100..200), at(2)).await.unwrap();
        lake.append(events(200..300), at(3)).await.unwrap();
        let own = Arc::clone(&lake);
        let waiting = tokio::spawn(async move { own.append(events(300..400), at(4)).await });
        assert!(lake.flush().await.is_err());
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        assert_eq!(all_ids(&lake).await.len(), 300);
        home.catalogue.fail_next_commits(0);
        lake.flush().await.unwrap();
        waiting.await.unwrap().unwrap();
        flushed.wait_for(|position| *position == Some(at(4))).await.unwrap();
        let all: Vec<Event> = (0..4).flat_map(|n| events(n * 100..n * 100 + 100)).collect();
        assert_eq!(all_ids(&lake).await, newest_first(&all));
        lake.close().await;
    });
}

#[test]
fn old_events_are_written_behind() {
    let home = Home::new();
    let mut settings = home.settings();
    settings.flush_interval = std::time::Duration::from_millis(1);
    run(async {
        let lake = home.open_with(settings).await;
        lake.append(events(0..3), at(1)).await.unwrap();
        let mut flushed = lake.flushed_position();
        flushed.wait_for(|position| *position == Some(at(1))).await.unwrap();
        assert_eq!(home.files().len(), 1);
        lake.close().await;
    });
}

#[test]
fn a_closed_lake_takes_nothing_in_and_still_answers() {
    let home = Home::new();
    run(async {
        let lake = home.open().await;
        lake.append(events(0..10), at(1)).await.unwrap();
        lake.close().await;
        assert!(lake.append(events(10..20), at(2)).await.is_err());
        assert!(!lake.merge_small_files().await.unwrap());
        lake.close().await;
        assert_eq!(all_ids(&lake).await.len(), 10);
        assert_eq!(lake.stats().await.unwrap().files, 1);
    });
}
