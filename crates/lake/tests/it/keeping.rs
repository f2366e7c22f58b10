//! Keeping for years: damage is found, taken out and saved from; a span of time is taken along; what
//! was kept long enough goes, with a record, and nothing else does.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use event::lake::{IDS_MAX, LakeReader as _};
use event::{Attr, Event, EventId, IdSource, Scope, SystemId, Value};
use lake::keep::{
    Export, ExportFormat, Exported, Fault, OwnerRows, SetAside, Taken, Verdict, rescue, set_aside,
    verify_file,
};
use lake::{Catalogue as _, Lake, Segment, SegmentId};
use uuid::Uuid;

use crate::home::{
    Home, agency, all_ids, at, events, files_below, newest_first, run, search, start,
};

async fn filled(lake: &Lake, events: &[Event]) {
    lake.append(events.to_vec(), at(1)).await.unwrap();
    lake.flush().await.unwrap();
}

#[test]
fn a_whole_file_is_in_order_and_any_damage_is_found() {
    let home = Home::new();
    run(async {
        let lake = home.open().await;
        filled(&lake, &events(0..20_000)).await;
        lake.close().await;
        let segment = home.catalogue.segments().await.unwrap().remove(0);
        assert_eq!(verify_file(&home.place(), &segment), []);
        let path = home.folder.path().join(&segment.path);
        let whole = fs::read(&path).unwrap();
        for place in (0..whole.len()).step_by(whole.len() / 9) {
            let mut flipped = whole.clone();
            flipped[place] ^= 0x01;
            fs::write(&path, &flipped).unwrap();
            let faults = verify_file(&home.place(), &segment);
            assert!(matches!(faults[..], [Fault::Checksum { .. }]), "byte {place}: {faults:?}");
        }
        fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        assert!(!verify_file(&home.place(), &segment).is_empty());
        fs::remove_file(&path).unwrap();
        assert_eq!(verify_file(&home.place(), &segment), [Fault::Missing]);
        // The file is as it was written, and the catalogue says something else of it.
        fs::write(&path, &whole).unwrap();
        let mut other = segment.clone();
        other.max_occurred_at += TimeDelta::seconds(1);
        let faults = verify_file(&home.place(), &other);
        assert!(matches!(faults[..], [Fault::Rows(_)]), "{faults:?}");
    });
}

#[test]
fn a_damaged_file_is_taken_out_and_what_can_be_read_is_saved() {
    let home = Home::new();
    run(async {
        let lake = home.open().await;
        let events = events(0..30_000);
        filled(&lake, &events).await;
        let segment = lake.files().remove(0);
        let path = home.folder.path().join(&segment.path);
        // One page in the middle of the rows.
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 3;
        bytes[middle..middle + 200].fill(0xff);
        fs::write(&path, &bytes).unwrap();
        let salvaged = lake.take_out(&segment, true, "told to").await.unwrap();
        assert_eq!(salvaged.rows_before, 30_000);
        // A granule or two of four are gone, and the rest is as it was.
        assert!((10_000..30_000).contains(&salvaged.rows_saved), "{salvaged:?}");
        let new = salvaged.replaced_by.clone().unwrap();
        assert_eq!(verify_file(&home.place(), &new), []);
        let left = all_ids(&lake).await;
        assert_eq!(u64::try_from(left.len()).unwrap(), salvaged.rows_saved);
        let was: HashMap<EventId, &Event> = events.iter().map(|event| (event.id, event)).collect();
        for ids in left.chunks(IDS_MAX) {
            for event in lake.events(&Scope::platform(), ids).await.unwrap() {
                assert_eq!(was.get(&event.id), Some(&&event));
            }
        }
        let aside = home.folder.path().join("quarantine").join(format!("{}.parquet", segment.id));
        assert_eq!(fs::read(aside).unwrap(), bytes, "nothing is deleted");
        let note = home.catalogue.notes().remove(0);
        assert_eq!(note.kind, "quarantine");
        assert_eq!(note.detail["events_lost"], salvaged.rows_lost());
        lake.close().await;
        // The next start finds the lake whole.
        let lake = home.open().await;
        assert_eq!(lake.recovered().lost, Vec::<std::path::PathBuf>::new());
        assert_eq!(all_ids(&lake).await, left);
        let (folder, bytes) = ("quarantine", bytes.len() as u64);
        assert_eq!(set_aside(&home.place()).unwrap(), [SetAside { folder, files: 1, bytes }]);
        // Without saving, the file goes as it is.
        let gone = lake.take_out(&new, false, "told to").await.unwrap();
        assert_eq!((gone.rows_saved, gone.replaced_by), (0, None));
        assert_eq!(all_ids(&lake).await, []);
    });
}

/// Damages one byte of a file that is smaller than a long block, takes it out, and returns how many of its rows are
/// saved whole, and how many records are saved of the others.
async fn saved_of_a_small_file(all: &[Event], place: impl Fn(usize) -> usize) -> (usize, usize) {
    let home = Home::new();
    let lake = home.open().await;
    filled(&lake, all).await;
    let segment = lake.files().remove(0);
    let path = home.folder.path().join(&segment.path);
    let mut bytes = fs::read(&path).unwrap();
    assert!(bytes.len() < 64 * 1024, "{} bytes are no small file", bytes.len());
    let place = place(bytes.len());
    bytes[place] ^= 0x21;
    fs::write(&path, &bytes).unwrap();
    let salvaged = lake.take_out(&segment, true, "told to").await.unwrap();
    let whole = usize::try_from(salvaged.rows_saved).unwrap();
    let was: HashMap<EventId, &Event> = all.iter().map(|event| (event.id, event)).collect();
    let records: Vec<_> = rescue(&home.place(), &segment).flatten().collect();
    for record in &records {
        let event = was[&record.id];
        assert_eq!(record.bytes, event.raw.as_bytes());
        assert_eq!((record.source, record.collected_at), (event.origin.source, event.collected_at));
    }
    (whole, records.len())
}

#[test]
fn of_a_small_file_only_that_is_lost_which_is_damaged() {
    const PLACES: usize = 60;
    let all = events(0..200);
    run(async {
        let (mut whole, mut again, mut lost) = (0, 0, 0);
        for number in 0..PLACES {
            match saved_of_a_small_file(&all, |bytes| number * bytes / PLACES).await {
                (200, 0) => whole += 1,
                (0, 200) => again += 1,
                (0, 0) => lost += 1,
                other => panic!("{other:?} of 200 rows in one granule"),
            }
        }
        // The index, what stands beside the records, and the records themselves with the footer.
        assert!(whole > 0 && again > 0, "{whole} whole, {again} read again, {lost} lost");
    });
}

/// Returns where the footer of a file begins.
fn footer_start(bytes: &[u8]) -> usize {
    let length = bytes[bytes.len() - 8..bytes.len() - 4].try_into().unwrap();
    bytes.len() - 8 - usize::try_from(u32::from_le_bytes(length)).unwrap()
}

#[test]
fn rows_are_saved_where_only_the_footer_is_damaged() {
    type Change = fn(&mut Vec<u8>);
    let changes: [(&str, Change); 5] = [
        ("its last byte", |bytes| *bytes.last_mut().unwrap() ^= 1),
        ("its length", |bytes| {
            let at = bytes.len() - 6;
            bytes[at] ^= 0x40;
        }),
        ("one bit", |bytes| {
            let at = footer_start(bytes) + 2000;
            bytes[at] ^= 0x08;
        }),
        ("all of it", |bytes| {
            let start = footer_start(bytes);
            bytes[start..].fill(0xff);
        }),
        ("it is cut off", |bytes| {
            let kept = footer_start(bytes) + 100;
            bytes.truncate(kept);
        }),
    ];
    for all in [events(0..200), events(0..20_000)] {
        for (what, change) in changes {
            let home = Home::new();
            run(async {
                let lake = home.open().await;
                filled(&lake, &all).await;
                let segment = lake.files().remove(0);
                let path = home.folder.path().join(&segment.path);
                let mut bytes = fs::read(&path).unwrap();
                change(&mut bytes);
                fs::write(&path, &bytes).unwrap();
                let salvaged = lake.take_out(&segment, true, "told to").await.unwrap();
                assert_eq!(salvaged.rows_lost(), 0, "{what}: {salvaged:?}");
                let new = salvaged.replaced_by.unwrap();
                assert_eq!(verify_file(&home.place(), &new), []);
                assert_eq!(all_ids(&lake).await, newest_first(&all), "{what}");
                lake.close().await;
            });
        }
    }
}

#[test]
fn nothing_is_saved_by_a_copy_of_the_footer_that_is_damaged_too() {
    let home = Home::new();
    run(async {
        let lake = home.open().await;
        filled(&lake, &events(0..200)).await;
        let segment = lake.files().remove(0);
        let path = home.folder.path().join(&segment.path);
        let mut bytes = fs::read(&path).unwrap();
        let copy = bytes.windows(8).rposition(|window| window == b"LTFOOT01").unwrap();
        bytes[copy + 40] ^= 1;
        let end = footer_start(&bytes);
        bytes[end..].fill(0xff);
        fs::write(&path, &bytes).unwrap();
        let salvaged = lake.take_out(&segment, true, "told to").await.unwrap();
        assert_eq!((salvaged.rows_saved, salvaged.replaced_by), (0, None));
        assert_eq!(rescue(&home.place(), &segment).count(), 0);
        let aside = home.folder.path().join("quarantine").join(format!("{}.parquet", segment.id));
        assert_eq!(fs::read(aside).unwrap(), bytes, "nothing is deleted");
        lake.close().await;
    });
}

#[test]
fn nothing_is_made_of_a_file_that_is_not_as_it_was_written() {
    let home = Home::new();
    let all = events(0..900);
    run(async {
        let lake = home.open().await;
        for some in all.chunks(100) {
            filled(&lake, some).await;
        }
        let damaged = lake.files().remove(3);
        let path = home.folder.path().join(&damaged.path);
        let mut bytes = fs::read(&path).unwrap();
        let place = bytes.len() / 3;
        bytes[place] ^= 0x01;
        fs::write(&path, &bytes).unwrap();
        assert_eq!(lake.health().damaged, Vec::<String>::new());
        let error = lake.merge_small_files().await.unwrap_err();
        let said = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(said, format!("the file {} of the lake is not as it was written", damaged.path));
        assert_eq!(lake.health().damaged, [damaged.path.as_str()]);
        // The others do not wait for it.
        assert!(lake.merge_small_files().await.unwrap());
        assert_eq!(lake.files().len(), 2);
        assert!(lake.files().contains(&damaged));
        assert_eq!(fs::read(&path).unwrap(), bytes);
        // Neither is it taken along as if it were whole, nor deleted from.
        let what = Export {
            from: DateTime::<Utc>::MIN_UTC,
            to: DateTime::<Utc>::MAX_UTC,
            systems: None,
            format: ExportFormat::Ndjson,
        };
        let into = tempfile::tempdir().unwrap();
        let next = || SegmentId::from_uuid(Uuid::from_u128(1));
        let segments = lake.files();
        let (place, mut taken) = (home.place(), Taken::default());
        let error = lake::keep::export(&place, &segments, &what, into.path(), next, &mut taken);
        assert!(error.unwrap_err().to_string().contains(&damaged.path));
        lake.take_out(&damaged, true, "told to").await.unwrap();
        assert_eq!(lake.health().damaged, Vec::<String>::new());
    });
}

#[test]
fn a_search_names_the_file_that_it_cannot_read() {
    let home = Home::new();
    run(async {
        let lake = home.open().await;
        filled(&lake, &events(0..900)).await;
        let damaged = lake.files().remove(0);
        let path = home.folder.path().join(&damaged.path);
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, vec![0xff; bytes.len()]).unwrap();
        let error = lake.search(&Scope::platform(), &search("", 10)).await.unwrap_err();
        let said = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(said, format!("the file {} of the lake cannot be read", damaged.path));
        assert_eq!(lake.health().damaged, [damaged.path.as_str()]);
    });
}

fn export(home: &Home, what: &Export, into: &Path) -> Vec<Exported> {
    let ids = IdSource::seeded(77);
    let segments = run(home.catalogue.segments()).unwrap();
    let next = || SegmentId::from_uuid(ids.uuid(start()));
    lake::keep::export(&home.place(), &segments, what, into, next, &mut Taken::default()).unwrap()
}

#[test]
fn an_export_goes_on_where_a_merge_took_its_files_away() {
    for format in [ExportFormat::Parquet, ExportFormat::Ndjson] {
        let home = Home::new();
        run(async {
            let lake = home.open().await;
            // One file of another day, which stays, and small ones that are merged.
            for (position, first) in (1..).zip([40_000].into_iter().chain((0..800).step_by(100))) {
                lake.append(events(first..first + 100), at(position)).await.unwrap();
                lake.flush().await.unwrap();
            }
            let before = lake.files();
            let day = start().date_naive();
            let late = before.iter().rfind(|file| file.day == day).unwrap();
            let early: Vec<Segment> = before.iter().filter(|file| *file != late).cloned().collect();
            let what = Export {
                from: DateTime::<Utc>::MIN_UTC,
                to: DateTime::<Utc>::MAX_UTC,
                systems: None,
                format,
            };
            let into = tempfile::tempdir().unwrap();
            let (place, ids, mut taken) = (home.place(), IdSource::seeded(78), Taken::default());
            let mut export = |segments: &[Segment]| {
                let next = || SegmentId::from_uuid(ids.uuid(start()));
                lake::keep::export(&place, segments, &what, into.path(), next, &mut taken)
            };
            let first = export(&early).unwrap();
            assert!(lake.merge_small_files().await.unwrap());
            assert!(matches!(export(&before), Err(lake::ExportError::Replaced)));
            let files = export(&lake.files()).unwrap();
            assert_eq!(files.iter().map(|file| file.events).sum::<u64>(), 900);
            let stays = first.iter().filter(|file| files.contains(file)).count();
            assert_eq!(
                (files.len(), stays),
                (lake.files().len(), 1),
                "what stays is not read again"
            );
            let extension = files[0].path.rsplit_once('.').unwrap().1;
            assert_eq!(files_below(into.path(), extension).len(), files.len(), "no other is left");
            let other = Home::new();
            let copy = other.open().await;
            for file in &files {
                let imported = copy.import(into.path(), file).await.unwrap();
                assert_eq!((imported.new, imported.known), (file.events, 0), "each event once");
            }
            lake.close().await;
        });
    }
}

#[test]
fn an_export_comes_in_once_however_often_it_is_brought() {
    let home = Home::new();
    let system = SystemId::from_uuid(Uuid::from_u128(0x77));
    // Over midnight: two days' files.
    let mut all = events(0..60_000);
    for event in all.iter_mut().step_by(4) {
        event.origin.system = Some(system);
    }
    // Numbers that a reader of JSON may read one step off.
    for (number, event) in (1_u32..).zip(all.iter_mut()).step_by(7) {
        let odd = f64::from(number).sqrt() * 1e-9 / 3.0;
        event.fields.push("odd", Value::List(vec![Value::Float(odd), Value::Float(0.1 + 0.2)]));
        event.attrs.set(Attr::Message, Value::Float(odd));
    }
    run(async {
        let lake = home.open().await;
        filled(&lake, &all).await;
        lake.close().await;
    });
    assert_eq!(home.files().len(), 2);
    let (from, to) = (start() + TimeDelta::seconds(30_000), start() + TimeDelta::seconds(50_000));
    for format in [ExportFormat::Parquet, ExportFormat::Ndjson] {
        for systems in [None, Some(BTreeSet::from([system]))] {
            let folder = tempfile::tempdir().unwrap();
            let is_of = |event: &&Event| systems.is_none() || event.origin.system == Some(system);
            let expected: Vec<Event> = all[30_000..50_000].iter().filter(is_of).cloned().collect();
            let what = Export { from, to, systems: systems.clone(), format };
            let files = export(&home, &what, folder.path());
            let events: u64 = files.iter().map(|file| file.events).sum();
            assert_eq!(events, u64::try_from(expected.len()).unwrap());
            let other = Home::new();
            run(async {
                let lake = other.open().await;
                // Some of it is there already.
                lake.append(expected[..100].to_vec(), at(9)).await.unwrap();
                let mut new = 0;
                for round in 0..2 {
                    for file in &files {
                        let imported = lake.import(folder.path(), file).await.unwrap();
                        assert_eq!(imported.new + imported.known, file.events);
                        new += imported.new;
                    }
                    assert_eq!(new, events - 100, "round {round}");
                }
                assert_eq!(all_ids(&lake).await, newest_first(&expected));
                for some in [expected.iter().step_by(100), expected.iter().step_by(101)] {
                    let ids: Vec<_> = some.clone().map(|event| event.id).collect();
                    let some: Vec<_> = some.cloned().collect();
                    assert_eq!(lake.events(&Scope::platform(), &ids).await.unwrap(), some);
                }
                assert_eq!(*lake.flushed_position().borrow(), Some(at(9)));
                // A changed file is refused.
                let path = folder.path().join(&files[0].path);
                let mut bytes = fs::read(&path).unwrap();
                bytes[10] ^= 1;
                fs::write(&path, bytes).unwrap();
                assert!(lake.import(folder.path(), &files[0]).await.is_err());
            });
        }
    }
}

#[test]
fn the_longest_record_comes_back_from_an_export_as_lines() {
    let home = Home::new();
    let mut event = events(0..1).remove(0);
    // Each of these is six bytes in JSON.
    event.raw = "\u{1}".repeat(1 << 20);
    event.attrs.set(Attr::Message, event.raw.clone());
    event.fields.push("msg", Value::from(event.raw.clone()));
    run(async {
        let lake = home.open().await;
        filled(&lake, std::slice::from_ref(&event)).await;
        lake.close().await;
    });
    let (from, to) = (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
    let what = Export { from, to, systems: None, format: ExportFormat::Ndjson };
    let folder = tempfile::tempdir().unwrap();
    let files = export(&home, &what, folder.path());
    let other = Home::new();
    run(async {
        let lake = other.open().await;
        assert_eq!(lake.import(folder.path(), &files[0]).await.unwrap().new, 1);
        assert_eq!(lake.events(&Scope::platform(), &[event.id]).await.unwrap(), [event]);
    });
}

#[test]
fn what_was_kept_long_enough_goes_with_a_record_and_the_rest_stays() {
    let home = Home::new();
    run(async {
        let lake = home.open().await;
        let events = events(0..60_000);
        filled(&lake, &events).await;
        let collected_max =
            |day| lake.files().into_iter().find(|file| file.day == day).unwrap().max_collected_at;
        let first_day = start().date_naive();
        let second_day = first_day + TimeDelta::days(1);
        let (first_max, second_max) = (collected_max(first_day), collected_max(second_day));
        assert!(first_max < second_max);
        // Agency 1's events of the first day go: its file is written again without them.
        let rule = |rows: &OwnerRows, collected: DateTime<Utc>| {
            if rows.owner.agency == agency(1) && collected == first_max {
                Verdict::Delete { basis: "12 months".to_owned() }
            } else {
                Verdict::Keep
            }
        };
        let pruned = lake.prune(second_day, 9, &rule).await.unwrap();
        assert_eq!(pruned.len(), 1);
        let is_gone = |event: &&Event| {
            event.origin.agency == agency(1) && event.occurred_at.date_naive() == first_day
        };
        let gone = u64::try_from(events.iter().filter(is_gone).count()).unwrap();
        assert_eq!(pruned[0].events, gone);
        let stays: Vec<&Event> = events.iter().filter(|event| !is_gone(event)).collect();
        assert_eq!(all_ids(&lake).await, newest_first(stays.iter().copied()));
        for file in lake.files() {
            assert_eq!(verify_file(&home.place(), &file), []);
        }
        // Nothing more goes by the same rule.
        assert_eq!(lake.prune(second_day, 9, &rule).await.unwrap(), []);
        // All of a file: it goes as a whole, and the next one stays for the next call.
        let all = |_: &OwnerRows, _| Verdict::Delete { basis: "12 months".to_owned() };
        assert_eq!(lake.prune(second_day, 0, &all).await.unwrap(), [], "no file at all");
        let pruned = lake.prune(second_day, 1, &all).await.unwrap();
        assert_eq!(pruned.len(), 1);
        assert_eq!(pruned[0].replaced_by, None);
        assert_eq!(
            lake.prune(first_day, 9, &all).await.unwrap(),
            [],
            "the newer one is not asked for"
        );
        assert_eq!(home.files().len(), 1);
        let notes = home.catalogue.notes();
        assert_eq!(
            notes.iter().map(|note| note.kind).collect::<Vec<_>>(),
            ["deletion", "deletion"]
        );
        assert_eq!(notes[0].detail["events"], gone);
        assert_eq!(notes[0].detail["deleted"][0]["basis"], "12 months");
        let found = lake.search(&Scope::platform(), &search("failed", 1)).await.unwrap();
        assert_eq!(found.events[0].occurred_at.date_naive(), second_day);
        lake.close().await;
        let lake = home.open().await;
        assert_eq!(lake.recovered().removed, 0);
        assert_eq!(lake.files().len(), 1);
    });
}
