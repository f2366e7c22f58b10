//! What someone changed behind the lake's back, in a file or in the catalogue, is found, and nothing is deleted on
//! its word.

use std::fs;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Days, TimeDelta, Utc};
use event::Event;
use lake::Lake;
use lake::keep::{Fault, OwnerRows, Verdict, verify_file};

use crate::home::{Home, agency, all_ids, at, events, newest_first, run, start};

async fn one_file(lake: &Lake) -> lake::Segment {
    lake.append(events(0..1000), at(1)).await.unwrap();
    lake.flush().await.unwrap();
    let mut files = lake.files();
    assert_eq!(files.len(), 1);
    files.remove(0)
}

#[test]
fn a_file_that_was_changed_is_not_deleted_as_the_one_that_was_written() {
    let home = Home::new();
    run(async {
        let lake = home.open().await;
        let file = one_file(&lake).await;
        let keep = |_: &OwnerRows, _: DateTime<Utc>| Verdict::Keep;
        assert_eq!(lake.prune(file.day, 9, &keep).await.unwrap(), []);
        let path = home.folder.path().join(&file.path);
        let whole = fs::read(&path).unwrap();
        let mut changed = whole.clone();
        changed[whole.len() / 2] ^= 1;
        fs::write(&path, &changed).unwrap();
        let all =
            |_: &OwnerRows, _: DateTime<Utc>| Verdict::Delete { basis: "12 months".to_owned() };
        assert_eq!(lake.prune(file.day, 9, &all).await.unwrap(), []);
        assert_eq!((lake.files().len(), home.catalogue.notes().len()), (1, 0));
        assert!(lake.health().damaged.contains(&file.path), "it is told");
        fs::write(&path, &whole).unwrap();
        assert_eq!(lake.prune(file.day, 9, &all).await.unwrap().len(), 1);
        assert_eq!((lake.files().len(), home.catalogue.notes().len()), (0, 1));
    });
}

#[test]
fn a_merge_between_two_deletions_is_no_damage_and_brings_nothing_back() {
    let home = Home::new();
    run(async {
        let lake = home.open().await;
        let all = events(0..900);
        for (number, part) in (1..).zip(all.chunks(100)) {
            lake.append(part.to_vec(), at(number)).await.unwrap();
            lake.flush().await.unwrap();
        }
        let day = start().date_naive();
        let (count, is_one_day) =
            (lake.files().len(), lake.files().iter().all(|file| file.day == day));
        assert_eq!((count, is_one_day), (9, true));
        // Whose events each file holds is known from here on.
        let keep = |_: &OwnerRows, _: DateTime<Utc>| Verdict::Keep;
        assert_eq!(lake.prune(day, 99, &keep).await.unwrap(), []);
        // While the first file is written again a merge begins to wait: its turn is before the second file's.
        let merge = Mutex::new(None);
        let over = |rows: &OwnerRows, _: DateTime<Utc>| {
            if rows.owner.agency == agency(1) {
                Verdict::Delete { basis: "12 months".to_owned() }
            } else {
                Verdict::Keep
            }
        };
        let rule = |rows: &OwnerRows, collected: DateTime<Utc>| {
            merge.lock().unwrap().get_or_insert_with(|| {
                let lake = Arc::clone(&lake);
                tokio::spawn(async move { lake.merge_small_files().await })
            });
            over(rows, collected)
        };
        let mut pruned = lake.prune(day, 99, &rule).await.unwrap();
        let merge = merge.lock().unwrap().take().unwrap();
        assert!(merge.await.unwrap().unwrap(), "small files were merged");
        assert!(lake.health().damaged.is_empty(), "a file that was merged is not damaged");
        pruned.extend(lake.prune(day, 99, &over).await.unwrap());
        let is_gone = |event: &&Event| event.origin.agency == agency(1);
        let gone = all.iter().filter(is_gone).count() as u64;
        assert_eq!(pruned.iter().map(|one| one.events).sum::<u64>(), gone);
        let stays = all.iter().filter(|event| !is_gone(event));
        assert_eq!(all_ids(&lake).await, newest_first(stays));
        assert_eq!(home.catalogue.notes().len(), pruned.len(), "each deletion is told once");
    });
}

#[test]
fn what_a_sender_dated_decades_ahead_is_looked_at_too() {
    let home = Home::new();
    run(async {
        let lake = home.open().await;
        let mut ahead = events(0..10);
        let collected = ahead[9].collected_at.date_naive();
        for event in &mut ahead {
            event.occurred_at += TimeDelta::days(26_000);
        }
        lake.append(ahead, at(1)).await.unwrap();
        lake.flush().await.unwrap();
        let all =
            |_: &OwnerRows, _: DateTime<Utc>| Verdict::Delete { basis: "12 months".to_owned() };
        assert_eq!(lake.prune(collected - Days::new(1), 9, &all).await.unwrap(), []);
        assert_eq!(lake.prune(collected, 9, &all).await.unwrap().len(), 1);
        assert_eq!(lake.files(), []);
    });
}

#[test]
fn a_catalogue_that_names_another_day_is_found() {
    let home = Home::new();
    run(async {
        let lake = home.open().await;
        let file = one_file(&lake).await;
        assert_eq!(verify_file(&home.place(), &file), []);
        for day in [file.day + Days::new(400), file.day - Days::new(400)] {
            let other = lake::Segment { day, ..file.clone() };
            let faults = verify_file(&home.place(), &other);
            assert!(matches!(faults.first(), Some(Fault::Rows(_))), "{faults:?}");
        }
    });
}
