//! What a page finds, and what is kept of it for whoever asks the same again.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use event::query::parse;

use super::*;
use crate::testing::{event, run, stored};

#[test]
fn where_nothing_was_found_nothing_is_looked_for_again() {
    let events = (0..9).map(|number| {
        let mut event = event(number);
        event.raw = format!("number {number}");
        event
    });
    let events: Vec<Event> = events.collect();
    let newest = events.last().unwrap().occurred_at;
    run(async {
        let (_folder, lake) = stored(events).await;
        let (view, footers) = (lake.view(), Footers::default());
        let footer = footers.of(view.segments.first().unwrap()).unwrap();
        let ask = |text: &str, to, limit| {
            let query = parse(text).unwrap();
            let search = Search { query, from: DateTime::<Utc>::MIN_UTC, to, limit, after: None };
            let stop = Stop::after(Duration::from_mins(1));
            let found = page(&view, &footers, &Scope::platform(), &search, &stop).unwrap();
            let filter = Filter::new(&Scope::platform(), &search);
            let kept = footer.counts.rows_of(filter.condition().unwrap());
            (found.events.len(), kept)
        };
        let ever = DateTime::<Utc>::MAX_UTC;
        assert_eq!(ask("number 7 parser:absent", ever, 5), (0, vec![Some(0)]));
        assert_eq!(ask("number 7 parser:absent", ever, 5), (0, vec![Some(0)]));
        assert_eq!(ask("number", ever, 50), (9, vec![Some(9)]));
        // More than were asked for, or at other times as well: that tells no number.
        assert_eq!(ask("number -absent", ever, 5), (5, vec![]));
        let before = newest - TimeDelta::nanoseconds(1);
        assert_eq!(ask("number parser:linux_sshd", before, 50), (8, vec![]));
        // A granule that is known to have none is not looked into.
        footer.counts.keep_rows(&condition("number 3"), &[(&footer.granules[0], 0)]);
        assert_eq!(ask("number 3", ever, 5).0, 0);
        lake.close().await;
    });
}

#[test]
fn what_was_found_is_not_read_again_and_still_asked_for_its_time() {
    let events = (0..9).map(|number| {
        let mut event = event(number);
        event.raw = format!("number {number}");
        event
    });
    let events: Vec<Event> = events.collect();
    let third = events[3].clone();
    run(async {
        let (_folder, lake) = stored(events).await;
        let (view, footers) = (lake.view(), Footers::default());
        let footer = footers.of(view.segments.first().unwrap()).unwrap();
        let ask = |to| {
            let query = parse("number 3").unwrap();
            let search =
                Search { query, from: DateTime::<Utc>::MIN_UTC, to, limit: 5, after: None };
            let stop = Stop::after(Duration::from_mins(1));
            page(&view, &footers, &Scope::platform(), &search, &stop).unwrap().events
        };
        let kept =
            || footer.rare.all_of(&condition("number 3"), footer.granules.first().unwrap(), 1);
        assert_eq!(kept(), None);
        for _ in 0..2 {
            assert_eq!(ask(DateTime::<Utc>::MAX_UTC), std::slice::from_ref(&third));
            assert_eq!(*kept().unwrap()[0], third);
        }
        assert_eq!(ask(third.occurred_at), []);
        lake.close().await;
    });
}

#[test]
fn a_file_that_cannot_be_read_again_fails_no_page_and_keeps_nothing() {
    // Two days, two files.
    let events = [0_u32, 100_000].map(|number| {
        let mut event = event(number);
        event.raw = "needle".to_owned();
        event
    });
    run(async {
        let (folder, lake) = stored(events.to_vec()).await;
        let view = lake.view();
        let search = Search {
            query: parse("needle").unwrap(),
            from: DateTime::<Utc>::MIN_UTC,
            to: DateTime::<Utc>::MAX_UTC,
            limit: 5,
            after: None,
        };
        let filter = Filter::new(&Scope::platform(), &search);
        let [gone, whole] = [0, 1].map(|number| Arc::clone(&view.segments[number]));
        let found = [&gone, &whole].map(|file| {
            let is_its = |event: &&Event| event.occurred_at == file.segment.min_occurred_at;
            events.iter().find(is_its).unwrap().clone()
        });
        let hits = [0, 1].map(|number| Hit {
            time_us: found[number].occurred_at.timestamp_micros(),
            id: found[number].id,
            place: Place::File(number, 0),
            record: None,
        });
        let footers = Footers::default();
        let footer = footers.of(&whole).unwrap();
        footer.counts.keep_rows(&condition("needle"), &[(&footer.granules[0], 1)]);
        std::fs::remove_file(folder.path().join(&gone.segment.path)).unwrap();
        assert!(footers.of(&gone).is_err());
        keep_rare(&view, &footers, &filter, &hits, &found);
        let kept = footer.rare.all_of(&condition("needle"), &footer.granules[0], 1).unwrap();
        assert_eq!(*kept[0], found[1]);
        lake.close().await;
    });
}

fn condition(text: &str) -> Arc<crate::segment::Condition> {
    Arc::new(crate::segment::Condition { query: parse(text).unwrap(), agencies: None })
}
