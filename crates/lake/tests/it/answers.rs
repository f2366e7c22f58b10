//! Pages, figures and scopes.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use event::lake::{LakeReader as _, MemoryLake, Search};
use event::query::matches;
use event::query::summary::Cell;
use event::{AccountId, Attr, Event, EventId, Note, Scope, TimeQuality, Value};
use lake::{Lake, PAGE_EVENTS_MAX};
use uuid::Uuid;

use crate::home::{
    Home, agency, at, events, found_ids, newest_first, run, search, search_for, start,
};

fn officer() -> Scope {
    let account = AccountId::from_uuid(Uuid::from_u128(1));
    Scope::agencies(account, BTreeSet::from([agency(1), agency(7)]))
}

/// Two thirds in two files, the rest in memory; times lie across both.
async fn mixed(home: &Home) -> (std::sync::Arc<Lake>, Vec<Event>) {
    let lake = home.open().await;
    let events = events(0..900);
    let part = |rest: usize| events.iter().skip(rest).step_by(3).cloned().collect::<Vec<_>>();
    for rest in 0..3 {
        lake.append(part(rest), at(u64::try_from(rest).unwrap())).await.unwrap();
        if rest < 2 {
            lake.flush().await.unwrap();
        }
    }
    (lake, events)
}

#[test]
fn pages_follow_each_other_over_memory_and_files() {
    run(async {
        let home = Home::new();
        let (lake, events) = mixed(&home).await;
        let expected = newest_first(&events);
        for limit in [1, 7, 100, 899, 900, 901] {
            let found = found_ids(&lake, &Scope::platform(), search("", limit)).await;
            assert_eq!(found, expected, "{limit}");
        }
        let none = lake.search(&Scope::platform(), &search("", 0)).await.unwrap();
        assert!(none.events.is_empty() && none.next.is_none());
        let last = lake.search(&Scope::platform(), &search("", 900)).await.unwrap();
        assert_eq!(last.next, None);
        let span = Search {
            from: start() + TimeDelta::seconds(10),
            to: start() + TimeDelta::seconds(20),
            ..search("password", 1000)
        };
        let found = found_ids(&lake, &Scope::platform(), span).await;
        assert_eq!(found, newest_first(&events[10..20]));
        lake.close().await;
    });
}

#[test]
fn a_page_has_no_more_than_the_lake_allows() {
    run(async {
        let home = Home::new();
        let lake = home.open().await;
        lake.append(events(0..1100), at(1)).await.unwrap();
        let page = lake.search(&Scope::platform(), &search("", u32::MAX)).await.unwrap();
        assert_eq!(page.events.len(), usize::try_from(PAGE_EVENTS_MAX).unwrap());
        assert!(page.next.is_some());
        lake.close().await;
    });
}

#[test]
fn every_answer_stays_in_the_scope() {
    run(async {
        let home = Home::new();
        let (lake, events) = mixed(&home).await;
        let scope = officer();
        let visible: Vec<Event> =
            events.iter().filter(|event| scope.sees_origin(&event.origin)).cloned().collect();
        assert_eq!(visible.len(), 300);
        let found = found_ids(&lake, &scope, search("password OR NOT user:user1", 50)).await;
        assert_eq!(found, newest_first(&visible));
        let ids: Vec<EventId> = events.iter().map(|event| event.id).collect();
        assert_eq!(lake.events(&scope, &ids).await.unwrap(), visible);
        let span = search_for(event::query::Query::All, 0);
        let bars = lake.histogram(&scope, &span, 1).await.unwrap();
        assert_eq!(bars[0].count, 300);
        let top = lake.top(&scope, &span, "agency_id", 10).await.unwrap();
        assert_eq!(top.len(), 1);
        assert_eq!((top[0].value.as_str(), top[0].count), (&*agency(1).to_string(), 300));
        let nobody = Scope::agencies(AccountId::from_uuid(Uuid::nil()), BTreeSet::new());
        assert!(found_ids(&lake, &nobody, search("", 50)).await.is_empty());
        assert!(lake.events(&nobody, &ids).await.unwrap().is_empty());
        assert_eq!(lake.histogram(&nobody, &span, 1).await.unwrap()[0].count, 0);
        lake.close().await;
    });
}

#[test]
fn spellings_of_one_value_are_counted_as_one() {
    run(async {
        let home = Home::new();
        let lake = home.open().await;
        let mut events = events(0..12);
        for (number, event) in events.iter_mut().enumerate() {
            // The same name in NFC and in NFD, by turns.
            let user = if number % 2 == 0 { "Lê Hồng" } else { "Le\u{302} Ho\u{302}\u{300}ng" };
            event.attrs.set(Attr::User, user);
            event.fields = [("note", Value::from(user))].into_iter().collect();
        }
        let (filed, waiting) = events.split_at(8);
        lake.append(filed.to_vec(), at(0)).await.unwrap();
        lake.flush().await.unwrap();
        lake.append(waiting.to_vec(), at(1)).await.unwrap();
        let (scope, all) = (Scope::platform(), search("", 10));
        // The second answer is made of what the first one kept of the file.
        for _ in 0..2 {
            for field in ["user", "note"] {
                let top = lake.top(&scope, &all, field, 5).await.unwrap();
                let top: Vec<(&str, u64)> =
                    top.iter().map(|one| (one.value.as_str(), one.count)).collect();
                assert_eq!(top, [("Lê Hồng", 12)], "{field}");
                let line = format!("| stats count(), distinct(note) by {field}");
                let question = event::query::parse_question(&line).unwrap();
                let summary = question.summary.unwrap();
                let told = lake.summarise(&scope, &all, &summary).await.unwrap();
                let cells: Vec<String> = told.rows[0].iter().map(Cell::text).collect();
                assert_eq!((told.rows.len(), cells.join(" ")), (1, "Lê Hồng 12 1".to_owned()));
            }
        }
        for sql in [
            "SELECT \"user\", count(*) FROM events GROUP BY \"user\"",
            "SELECT \"user\", count(*) AS n FROM events GROUP BY 1 HAVING count(*) > 6 ORDER BY n",
            "SELECT u, count(*) FROM (SELECT e.\"user\" AS u FROM events e) GROUP BY u",
            "SELECT DISTINCT \"user\", '12' AS n FROM events",
            "SELECT min(\"user\"), count(*) FROM events GROUP BY lower(\"user\")",
            "SELECT 'Lê Hồng' AS a, 11 + count(DISTINCT \"user\") FROM events",
            "SELECT 'Lê Hồng' AS a, count(*) FROM events WHERE nfc(\"user\") = 'Lê Hồng'",
            "SELECT min(nfc(\"user\")), count(*) FROM events \
             WHERE nfc(\"user\") IN (SELECT \"user\" FROM events GROUP BY \"user\")",
        ] {
            assert_eq!(lake.sql(&scope, sql).await.unwrap().rows, [["Lê Hồng", "12"]], "{sql}");
        }
        // A condition compares what is stored, and records are shown as they came.
        let stored = "SELECT count(*) FROM events WHERE \"user\" = 'Lê Hồng'";
        assert_eq!(lake.sql(&scope, stored).await.unwrap().rows, [["6"]]);
        let fields = "SELECT count(*) FROM (SELECT DISTINCT fields FROM events)";
        assert_eq!(lake.sql(&scope, fields).await.unwrap().rows, [["2"]]);
        lake.close().await;
    });
}

#[test]
fn figures_are_those_of_the_twin() {
    run(async {
        let home = Home::new();
        let (lake, events) = mixed(&home).await;
        let twin = MemoryLake::with(events);
        for scope in [Scope::platform(), officer()] {
            for query in ["", "src_port:>1500", "user:user3", "thất", "nothing-at-all"] {
                let span = Search {
                    from: start() - TimeDelta::seconds(7),
                    to: start() + TimeDelta::seconds(800),
                    ..search(query, 10)
                };
                for buckets in [0, 1, 3, 60, 5000] {
                    let bars = lake.histogram(&scope, &span, buckets).await.unwrap();
                    let expected = twin.histogram(&scope, &span, buckets).await.unwrap();
                    assert_eq!(bars, expected, "{query} in {buckets}");
                }
                for field in ["user", "src_ip", "number", "reason", "event_id", "nothing"] {
                    let top = lake.top(&scope, &span, field, 20).await.unwrap();
                    let expected = twin.top(&scope, &span, field, 20).await.unwrap();
                    assert_eq!(top, expected, "{query} by {field}");
                }
            }
        }
        // Of whole files the second answer is made of what the first one kept, for that query and that reader alone.
        for query in ["", "user:user3", "", "NOT src_port:>1500", "user:user3"] {
            for scope in [Scope::platform(), officer(), Scope::platform()] {
                let all = search(query, 10);
                for field in ["user", "src_ip", "user", "number"] {
                    let top = lake.top(&scope, &all, field, 20).await.unwrap();
                    let expected = twin.top(&scope, &all, field, 20).await.unwrap();
                    assert_eq!(top, expected, "{query} again by {field}");
                }
                for buckets in [1, 4] {
                    let bars = lake.histogram(&scope, &all, buckets).await.unwrap();
                    let expected = twin.histogram(&scope, &all, buckets).await.unwrap();
                    assert_eq!(bars, expected, "{query} again in {buckets}");
                }
            }
        }
        let stats = lake.stats().await.unwrap();
        assert_eq!((stats.events, stats.files), (900, 2));
        assert_eq!(stats.oldest, Some(start()));
        assert_eq!(stats.newest, Some(start() + TimeDelta::seconds(899)));
        lake.close().await;
    });
}

#[test]
fn a_question_that_takes_too_long_is_stopped() {
    run(async {
        let home = Home::new();
        let lake = home.open().await;
        lake.append(events(0..100), at(1)).await.unwrap();
        lake.flush().await.unwrap();
        lake.close().await;
        let mut settings = home.settings();
        settings.query_timeout = std::time::Duration::ZERO;
        let lake = home.open_with(settings).await;
        let found = lake.search(&Scope::platform(), &search("x", 1)).await.unwrap();
        assert!(found.events.is_empty() && found.stopped_ms.is_some(), "{found:?}");
        let error = lake.histogram(&Scope::platform(), &search("x", 1), 5).await.unwrap_err();
        assert!(matches!(error, event::lake::LakeError::Timeout { limit_ms: 0 }), "{error:?}");
        let summary = event::query::parse_question("| stats count()").unwrap().summary.unwrap();
        let sums = lake.summarise(&Scope::platform(), &search("*", 1), &summary).await.unwrap();
        assert!(sums.stopped_ms.is_some(), "{sums:?}");
        let error = lake.sql(&Scope::platform(), "SELECT 1").await.unwrap_err();
        assert!(matches!(error, event::lake::LakeError::Timeout { .. }), "{error:?}");
        lake.close().await;
    });
}

#[test]
fn notes_and_the_quality_of_a_time_are_fields_in_files_and_in_memory() {
    run(async {
        let home = Home::new();
        let lake = home.open().await;
        let mut all = events(0..300);
        for (number, event) in all.iter_mut().enumerate() {
            if number % 10 == 0 {
                event.time_quality = TimeQuality::Collected;
                event.notes.push(Note::new(event::TIME_UNREADABLE, "`time` says `x`"));
            }
            if number % 15 == 0 {
                event.notes.push(Note::new("unparsed", "nothing fits"));
                event.notes.push(Note::new("unparsed", "nothing else fits"));
            }
        }
        lake.append(all[..200].to_vec(), at(0)).await.unwrap();
        lake.flush().await.unwrap();
        lake.append(all[200..].to_vec(), at(1)).await.unwrap();
        let everything = Scope::platform();
        for (query, count) in [
            ("event_note:\"time-unreadable\"", 30),
            ("event_note:(\"time-unreadable\" OR \"clock-off\")", 30),
            ("event_note:unparsed", 20),
            ("event_note:*", 40),
            ("event_note:time*", 30),
            ("NOT event_note:*", 260),
            ("time_quality:collected", 30),
            ("time_quality:stated -event_note:unparsed", 260),
        ] {
            let asked = search(query, 1000);
            let expected = all.iter().filter(|event| matches(&asked.query, event));
            let found = found_ids(&lake, &everything, asked.clone()).await;
            assert_eq!(found, newest_first(expected), "{query}");
            assert_eq!(found.len(), count, "{query}");
        }
        let twin = MemoryLake::with(all.clone());
        for field in ["event_note", "time_quality"] {
            let top = lake.top(&everything, &search("", 1), field, 5).await.unwrap();
            assert_eq!(top, twin.top(&everything, &search("", 1), field, 5).await.unwrap());
        }
    });
}
