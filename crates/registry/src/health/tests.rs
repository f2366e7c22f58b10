//! Health: measured, silent on time, the same after a restart.

use chrono::{DateTime, TimeDelta, Utc};
use event::{Clock as _, Scope};

use super::{HealthBook, Sighting, Status, Tally};
use crate::testing::{Desk, desks, one_desk};

fn status(desk: &Desk, code: &str) -> Status {
    let now = desk.test.clock.now();
    let id = desk.sender(code).id;
    let snapshot = desk.registry.directory.snapshot();
    desk.registry.health.of(id, now).status(snapshot.binding(id).unwrap(), now)
}

fn sighting(desk: &Desk) -> Sighting {
    Sighting { at: desk.test.clock.now(), peer: Some("10.0.0.9".parse().unwrap()) }
}

/// Events of which some were noted, one of those for its time.
fn tally(events: u64, noted: u64, newest: DateTime<Utc>) -> Tally {
    Tally { events, noted, undated: noted.min(1), newest }
}

#[tokio::test]
async fn silence_is_measured_from_the_last_record() {
    let desk = one_desk().await;
    let (book, id) = (&desk.registry.health, desk.sender("DD-APP").id);
    let snapshot = desk.registry.directory.snapshot();
    assert_eq!(status(&desk, "DD-APP"), Status::Waiting);
    book.received(id, 1, 10, sighting(&desk));
    book.decoded(id, tally(1, 0, desk.test.clock.now()), desk.test.clock.now());
    assert_eq!(status(&desk, "DD-APP"), Status::Live);
    desk.test.clock.advance(TimeDelta::seconds(60));
    assert_eq!(status(&desk, "DD-APP"), Status::Live, "exactly as long as agreed is not silence");
    desk.test.clock.advance(TimeDelta::seconds(1));
    assert_eq!(status(&desk, "DD-APP"), Status::Silent);
    let now = desk.test.clock.now();
    let silent = book.silent(&snapshot, &Scope::platform(), now);
    assert_eq!(silent.len(), 1, "the others may still be quiet");
    assert!(silent[0].ever_heard && silent[0].since == now - TimeDelta::seconds(61));
    assert!(book.silent(&snapshot, &desk.officer("so-y-te").scope, now).is_empty());
    book.received(id, 1, 10, sighting(&desk));
    assert_eq!(status(&desk, "DD-APP"), Status::Live);
    desk.test.clock.advance(TimeDelta::hours(1));
    let silent = book.silent(&snapshot, &Scope::platform(), desk.test.clock.now());
    assert!(silent.len() > 80);
    assert!(silent.windows(2).all(|pair| pair[0].binding.level >= pair[1].binding.level));
}

#[tokio::test]
async fn a_clock_that_is_set_makes_no_source_silent_and_hides_none() {
    let desk = one_desk().await;
    let (book, id) = (&desk.registry.health, desk.sender("DD-APP").id);
    let snapshot = desk.registry.directory.snapshot();
    let binding = snapshot.binding(id).unwrap();
    let at = |when| book.of(id, when).status(binding, when);
    let heard = |when| book.received(id, 1, 10, Sighting { at: when, ..sighting(&desk) });
    let (now, second) = (desk.test.clock.now(), TimeDelta::seconds(1));
    heard(now);
    let ahead = now + TimeDelta::days(400);
    assert_eq!(at(ahead), Status::Silent);
    book.clock_set(now, ahead);
    assert_eq!((at(ahead + second * 60), at(ahead + second * 61)), (Status::Live, Status::Silent));
    heard(ahead + second * 5);
    // Set right again: silence is seen from then on, not in 400 days.
    book.clock_set(ahead + second * 10, now + second * 10);
    assert_eq!((at(now + second * 65), at(now + second * 66)), (Status::Live, Status::Silent));
    // What came under the new clock before anyone saw that it was set stays as it is.
    heard(ahead);
    book.clock_set(now, ahead + second);
    assert_eq!((at(ahead + second * 60), at(ahead + second * 61)), (Status::Live, Status::Silent));
    // Set right while the platform did not run.
    book.flush(&desk.test.db, &snapshot).await.unwrap();
    let again = HealthBook::load(&desk.test.db).await.unwrap();
    assert_eq!(again.of(id, now).last_collected_at, Some(desk.test.clock.now()));
}

#[tokio::test]
async fn more_dead_than_read_is_failing() {
    let desk = one_desk().await;
    let (book, id) = (&desk.registry.health, desk.sender("DVC-NGINX").id);
    let now = desk.test.clock.now();
    book.received(id, 3, 30, sighting(&desk));
    book.decoded(id, tally(1, 0, now), now);
    book.dead(id, "bad-json", now);
    assert_eq!(status(&desk, "DVC-NGINX"), Status::Live);
    book.dead(id, "bad-json", now);
    assert_eq!(status(&desk, "DVC-NGINX"), Status::Failing);
    desk.test.clock.advance(TimeDelta::minutes(5));
    book.received(id, 5, 50, sighting(&desk));
    book.decoded(id, tally(5, 0, now), desk.test.clock.now());
    assert_eq!(status(&desk, "DVC-NGINX"), Status::Live);
}

#[tokio::test]
async fn what_was_written_down_is_there_after_a_restart() {
    for desk in desks().await {
        let (book, id) = (&desk.registry.health, desk.sender("DVC-NGINX").id);
        let snapshot = desk.registry.directory.snapshot();
        for round in 0..3 {
            let now = desk.test.clock.now();
            book.received(id, 10, 1000, sighting(&desk));
            book.decoded(id, tally(9, 2, now), now);
            book.dead(id, "bad-json", now);
            book.flush(&desk.test.db, &snapshot).await.unwrap();
            desk.test.clock.advance(TimeDelta::seconds(if round == 0 { 5 } else { 60 }));
        }
        let now = desk.test.clock.now();
        let again = HealthBook::load(&desk.test.db).await.unwrap();
        let (before, after) = (book.of(id, now), again.of(id, now));
        assert_eq!(after.received, 30, "{}", desk.test.name);
        assert_eq!((after.decoded, after.noted, after.dead), (27, 6, 3));
        assert_eq!(after.undated, 3);
        assert_eq!(after.last_collected_at, before.last_collected_at);
        assert_eq!(after.last_peer, before.last_peer);
        assert_eq!(after.last_dead_code.as_deref(), Some("bad-json"));
        assert_eq!(after.minutes.iter().sum::<u64>(), 27);
        let tail = |minutes: &std::collections::VecDeque<u64>| {
            minutes.iter().rev().take(3).copied().collect::<Vec<_>>()
        };
        assert_eq!(tail(&after.minutes), tail(&before.minutes));
        let chart = again.chart(&desk.test.db, id, now, web::Lang::Vi).await.unwrap();
        assert!((chart.series[0].values.iter().sum::<f64>() - 27.0).abs() < f64::EPSILON);
        assert_eq!(chart.times.len(), chart.points.len() + 1);
    }
}

#[tokio::test]
async fn the_row_of_minutes_keeps_an_hour() {
    let desk = one_desk().await;
    let (book, id) = (&desk.registry.health, desk.sender("DVC-NGINX").id);
    for _ in 0..90 {
        let now = desk.test.clock.now();
        book.decoded(id, tally(6, 0, now), now);
        desk.test.clock.advance(TimeDelta::minutes(1));
    }
    let health = book.of(id, desk.test.clock.now());
    assert_eq!(health.minutes.len(), crate::limits::SPARK_MINUTES);
    assert!((health.per_minute() - 6.0).abs() < f64::EPSILON);
    desk.test.clock.advance(TimeDelta::hours(3));
    assert_eq!(book.of(id, desk.test.clock.now()).minutes.iter().sum::<u64>(), 0);
}

#[tokio::test]
async fn what_another_node_counted_is_read() {
    for desk in desks().await {
        let (book, id) = (&desk.registry.health, desk.sender("DD-APP").id);
        let (db, snapshot) = (&desk.test.db, desk.registry.directory.snapshot());
        let other = HealthBook::load(db).await.unwrap();
        for round in 1..=3_u64 {
            let now = desk.test.clock.now();
            book.received(id, 7, 70, sighting(&desk));
            book.decoded(id, tally(5, 0, now), now);
            book.dead(id, "bad-json", now);
            book.flush(db, &snapshot).await.unwrap();
            other.renew(db, |source| source == id).await.unwrap();
            assert_eq!(other.of(id, now).received, 7 * (round - 1), "it is the other's own");
            other.renew(db, |_| false).await.unwrap();
            assert_eq!(other.of(id, now), book.of(id, now), "round {round}");
            desk.test.clock.advance(TimeDelta::seconds(40));
        }
        // Whoever takes the source over counts on.
        let taker = HealthBook::default();
        taker.take_over(db, id).await.unwrap();
        let now = desk.test.clock.now();
        assert_eq!(taker.of(id, now), book.of(id, now));
        taker.received(id, 1, 1, sighting(&desk));
        taker.decoded(id, tally(1, 0, now), now);
        taker.flush(db, &snapshot).await.unwrap();
        other.renew(db, |_| false).await.unwrap();
        assert_eq!(other.of(id, now).received, 22);
        assert_eq!(other.of(id, now).minutes, taker.of(id, now).minutes);
    }
}
