//! A line of an export that is no event is named by file and line and put aside; the rest comes in.

use std::fs;

use chrono::{DateTime, Utc};
use event::IdSource;
use lake::SegmentId;
use lake::keep::{BadLine, Export, ExportFormat, Exported, ImportError, Taken};
use sha2::{Digest as _, Sha256};

use crate::home::{Home, all_ids, at, events, newest_first, run, start};

/// An export of 40 events as lines, with these lines put in behind the tenth; and the 40.
async fn spoilt(folder: &std::path::Path, bad: &[&[u8]]) -> (Exported, Vec<event::Event>) {
    let home = Home::new();
    let lake = home.open().await;
    let all = events(0..40);
    lake.append(all.clone(), at(1)).await.unwrap();
    lake.flush().await.unwrap();
    let (from, to) = (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
    let what = Export { from, to, systems: None, format: ExportFormat::Ndjson };
    let ids = IdSource::seeded(78);
    let next = || SegmentId::from_uuid(ids.uuid(start()));
    let (place, files) = (home.place(), lake.files());
    let mut exported =
        lake::keep::export(&place, &files, &what, folder, next, &mut Taken::default()).unwrap();
    lake.close().await;
    assert_eq!(exported.len(), 1);
    let mut file = exported.remove(0);
    let path = folder.join(&file.path);
    let text = fs::read(&path).unwrap();
    let mut lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    for line in bad.iter().rev() {
        lines.insert(10, line);
    }
    let text = lines.join(&b'\n');
    fs::write(&path, &text).unwrap();
    file.sha256 = hex::encode(Sha256::digest(&text));
    (file, all)
}

#[test]
fn bad_lines_are_put_aside_and_the_rest_comes_in() {
    let folder = tempfile::tempdir().unwrap();
    run(async {
        let (file, all) = spoilt(
            folder.path(),
            &[b"no event", b"", br#"{"raw":"\ud83d"}"#, b"{\"raw\":\"\xff\"}", b"[1,2]"],
        )
        .await;
        let home = Home::new();
        let lake = home.open().await;
        let mut aside: Vec<BadLine> = Vec::new();
        let imported = lake
            .import_good_lines(folder.path(), &file, |bad| {
                aside.push(bad.clone());
                Ok(())
            })
            .await
            .unwrap();
        assert_eq!((imported.new, imported.known, imported.refused), (40, 0, 4));
        assert_eq!(all_ids(&lake).await, newest_first(&all));
        let lines: Vec<u64> = aside.iter().map(|bad| bad.line).collect();
        assert_eq!(lines, [11, 13, 14, 15], "a blank line is no event, and no fault");
        assert_eq!(aside[0].bytes, b"no event");
        assert_eq!(aside[2].bytes, b"{\"raw\":\"\xff\"}");
        for bad in &aside {
            assert_eq!(bad.path, file.path);
            assert!(bad.why.contains("column"), "{}", bad.why);
        }
        // The same once more changes nothing.
        let again = lake.import_good_lines(folder.path(), &file, |_| Ok(())).await.unwrap();
        assert_eq!((again.new, again.known, again.refused), (0, 40, 4));
        let full = |_: &BadLine| Err(std::io::Error::other("no space"));
        let failed = lake.import_good_lines(folder.path(), &file, full).await;
        assert!(matches!(failed, Err(ImportError::Apart(_))), "{failed:?}");
    });
}

#[test]
fn a_strict_import_stops_at_the_first_bad_line_and_names_it() {
    let folder = tempfile::tempdir().unwrap();
    run(async {
        let (file, _) = spoilt(folder.path(), &[b"no event"]).await;
        let home = Home::new();
        let lake = home.open().await;
        let error = lake.import(folder.path(), &file).await.unwrap_err();
        assert!(error.to_string().starts_with(&format!("{}, line 11: ", file.path)), "{error}");
    });
}
