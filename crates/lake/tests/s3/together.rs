//! Two machines over one store and one catalogue.

use std::collections::BTreeSet;
use std::sync::Arc;

use lake::{Lake, LakeSettings, SegmentId};

use crate::home::{Home, all_ids, events, files_below, newest_first, run};

async fn member(home: &Home, folder: &std::path::Path) -> Arc<Lake> {
    let settings = LakeSettings { folder: folder.to_owned(), is_shared: true, ..home.settings() };
    home.open_with(settings).await
}

#[test]
fn what_one_stores_the_other_finds() {
    run(async {
        let home = Home::new();
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let one = member(&home, here.path()).await;
        let two = member(&home, there.path()).await;
        let all = events(0..300);
        one.store(all[..200].to_vec(), &[]).await.unwrap();
        two.store(all[200..].to_vec(), &[]).await.unwrap();
        assert_eq!(all_ids(&one).await, Vec::new(), "nothing is in memory");
        let last = one.refresh().await.unwrap();
        assert_eq!(all_ids(&one).await, newest_first(&all));
        assert_eq!(two.refresh().await.unwrap(), last);
        assert_eq!(two.refresh().await.unwrap(), last);
        assert_eq!(all_ids(&two).await, newest_first(&all));
        // Whoever looks at the changes finds every event once.
        let changes = two.changes(0).await.unwrap();
        let mut judged = Vec::new();
        for change in changes {
            for segment in change.added.into_iter().filter(|own| change.fresh.contains(&own.id)) {
                judged.extend(two.events_of(segment).await.unwrap());
            }
        }
        assert_eq!(newest_first(&judged), newest_first(&all));
        // A machine that joins later sees the same.
        let later = tempfile::tempdir().unwrap();
        let three = member(&home, later.path()).await;
        assert_eq!(all_ids(&three).await, newest_first(&all));
    });
}

#[test]
fn a_file_that_nobody_was_told_of_goes() {
    run(async {
        let home = Home::new();
        let here = tempfile::tempdir().unwrap();
        let lake = member(&home, here.path()).await;
        home.catalogue.fail_next_commits(usize::MAX);
        lake.store(events(0..10), &[]).await.unwrap_err();
        assert_eq!(files_below(here.path(), "parquet").len(), 0);
        home.catalogue.fail_next_commits(0);
        lake.store(events(0..10), &[]).await.unwrap();
        lake.refresh().await.unwrap();
        assert_eq!(all_ids(&lake).await.len(), 10, "its sender had it");
    });
}

#[test]
fn only_what_is_named_is_merged_and_all_see_it_once() {
    run(async {
        let home = Home::new();
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let one = member(&home, here.path()).await;
        let two = member(&home, there.path()).await;
        let all = events(0..120);
        for part in all.chunks(10) {
            two.store(part.to_vec(), &[]).await.unwrap();
        }
        one.refresh().await.unwrap();
        let ids: BTreeSet<SegmentId> = one.files().iter().map(|file| file.id).collect();
        assert_eq!(ids.len(), 12);
        let few: BTreeSet<SegmentId> = ids.iter().take(7).copied().collect();
        assert!(!one.merge_among(&few).await.unwrap(), "too few of them");
        assert!(one.merge_among(&ids).await.unwrap());
        for lake in [&one, &two] {
            lake.refresh().await.unwrap();
            assert_eq!(lake.files().len(), 1);
            assert_eq!(all_ids(lake).await, newest_first(&all));
        }
        let fresh = one.changes(0).await.unwrap().into_iter().flat_map(|change| change.fresh);
        assert!(fresh.collect::<BTreeSet<_>>().is_subset(&ids), "a merged file is nothing new");
    });
}
