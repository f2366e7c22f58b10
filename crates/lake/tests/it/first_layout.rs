//! A file that was written with schema version 1 is found in as before, and merges into one of today's.

use std::path::Path;

use event::lake::LakeReader as _;
use event::query::escape;
use event::{Attr, Event, Scope};
use lake::keep::verify_file;
use lake::{Catalogue as _, SCHEMA_VERSION, Segment};

use crate::home::{Home, all_ids, at, event, found_ids, newest_first, run, search};

/// Puts the file where it was, with its row of the catalogue.
async fn bring_back(home: &Home) -> Segment {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let row = std::fs::read_to_string(data.join("first_layout.json")).unwrap();
    let segment: Segment = serde_json::from_str(&row).unwrap();
    assert_eq!(segment.schema_version, 1);
    let path = home.folder.path().join(&segment.path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::copy(data.join("first_layout.parquet"), path).unwrap();
    home.catalogue.commit(std::slice::from_ref(&segment), &[], None).await.unwrap();
    segment
}

#[test]
fn every_event_is_found_by_its_words_and_values() {
    run(async {
        let home = Home::new();
        let segment = bring_back(&home).await;
        assert_eq!(verify_file(&home.place(), &segment), []);
        let lake = home.open().await;
        let scope = Scope::platform();
        let events = lake.search(&scope, &search("", 1000)).await.unwrap().events;
        assert_eq!(events.len(), 60);
        let with = |passes: &dyn Fn(&Event) -> bool| {
            newest_first(events.iter().filter(|event| passes(event)))
        };
        for event in &events {
            for word in event::fold::words(&event.raw).iter().take(12) {
                let found = found_ids(&lake, &scope, search(&format!("\"{word}\""), 100)).await;
                assert!(found.contains(&event.id), "{word}");
            }
            for attr in [Attr::SrcIp, Attr::User, Attr::FileHash] {
                let Some(value) = event.attrs.get(attr) else { continue };
                let query = format!("{}:{}", attr.alias(), escape(&value.text()));
                let expected = with(&|other| other.attrs.get(attr) == Some(value));
                assert_eq!(
                    found_ids(&lake, &scope, search(&query, 100)).await,
                    expected,
                    "{query}"
                );
                let beginning: String = value.text().chars().take(6).collect();
                let query = format!("{}:{}*", attr.alias(), escape(&beginning));
                let found = found_ids(&lake, &scope, search(&query, 100)).await;
                assert!(found.contains(&event.id), "{query}");
            }
        }
        let tcp = with(&|event| event.attrs.get(Attr::Protocol) == Some(&"tcp".into()));
        let table = lake.sql(&scope, "SELECT count(*) FROM events WHERE protocol = 'tcp'").await;
        assert_eq!(table.unwrap().rows, [[tcp.len().to_string()]]);
        let absent = found_ids(&lake, &scope, search("no-such-word-anywhere", 10)).await;
        assert_eq!(absent, []);
    });
}

#[test]
fn it_merges_with_files_of_today() {
    run(async {
        let home = Home::new();
        let segment = bring_back(&home).await;
        let lake = home.open().await;
        let old = all_ids(&lake).await;
        let ids = event::IdSource::seeded(9);
        for number in 0..8 {
            let mut own = event(&ids, number);
            own.occurred_at = segment.min_occurred_at + chrono::TimeDelta::seconds(number);
            lake.append(vec![own], at(u64::try_from(number).unwrap())).await.unwrap();
            lake.flush().await.unwrap();
        }
        let all = all_ids(&lake).await;
        assert_eq!(all.len(), old.len() + 8);
        assert!(lake.merge_small_files().await.unwrap());
        assert_eq!(all_ids(&lake).await, all);
        let files = lake.files();
        let [merged] = files.as_slice() else { panic!("{} files", files.len()) };
        assert_eq!((merged.schema_version, merged.rows), (SCHEMA_VERSION, 68));
        assert_eq!(verify_file(&home.place(), merged), []);
    });
}
