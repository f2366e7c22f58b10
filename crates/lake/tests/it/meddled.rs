//! What someone changed behind the lake's back, in a file or in the catalogue, is found, and nothing is deleted on
//! its word.

use std::fs;

use chrono::{DateTime, Days, Utc};
use lake::Lake;
use lake::keep::{Fault, OwnerRows, Verdict, verify_file};

use crate::home::{Home, at, events, run};

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
fn a_catalogue_that_names_another_day_is_found() {
    let home = Home::new();
    run(async {
        let lake = home.open().await;
        let file = one_file(&lake).await;
        assert_eq!(verify_file(&home.place(), &file), []);
        for day in [file.day + Days::new(400), file.day - Days::new(400)] {
            let other = lake::Segment { day, ..file.clone() };
            let faults = verify_file(&home.place(), &other);
            assert!(matches!(faults[..], [Fault::Rows(_)]), "{faults:?}");
        }
    });
}
