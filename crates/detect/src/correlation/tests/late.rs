//! Late events, and clocks that are wrong: ours and the senders'.

use chrono::Duration;
use event::Event;

use super::super::LATE_RULE;
use super::{COUNT, rules, story};
use crate::Engine;
use crate::testing::EventMaker;

/// Makes events of one group: when each happened and when it was collected, in seconds.
fn arrivals(times: &[(i64, i64)]) -> Vec<Event> {
    let told: Vec<_> = times.iter().map(|(at, _)| (*at, "a", "1.1.1.1", "u")).collect();
    let mut events = story(&mut EventMaker::new(), &told);
    for (event, (at, collected)) in events.iter_mut().zip(times) {
        event.collected_at = event.occurred_at + Duration::seconds(collected - at);
    }
    events
}

/// Returns which rule fired after which event, with its count.
fn told(times: &[(i64, i64)]) -> Vec<(usize, String, u64)> {
    let mut engine = Engine::new(rules(COUNT));
    let mut told = Vec::new();
    for (place, event) in arrivals(times).iter().enumerate() {
        let findings = engine.process(std::slice::from_ref(event));
        told.extend(findings.into_iter().map(|own| (place, own.rule, own.count)));
    }
    told
}

fn fires(place: usize) -> (usize, String, u64) {
    (place, "c".to_owned(), 3)
}

#[test]
fn a_late_event_completes_a_window() {
    // Within the hour after its fellows' window, to the second.
    assert_eq!(told(&[(0, 0), (1, 1), (2, 3_610)]), [fires(2)]);
    let mut engine = Engine::new(rules(COUNT));
    let findings = engine.process(&arrivals(&[(0, 0), (9, 9), (5, 60)]));
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].events.len(), 3, "also the one that happened after it");
}

#[test]
fn too_late_is_told() {
    let late = |place, count| (place, LATE_RULE.to_owned(), count);
    // One second past the hour its fellows are forgotten.
    assert_eq!(told(&[(0, 0), (1, 1), (2, 3_612)]), [late(2, 1)]);
    // Told once in an hour, with all that came since.
    let mut times = vec![(0, 0), (1, 1)];
    times.extend((0..100).map(|number| (-1_000 * number, 3_700 + number)));
    times.push((-500, 3_700 + 3_600));
    assert_eq!(told(&times), [late(2, 1), late(102, 100)]);
    // Nothing was forgotten: nothing is missed.
    assert_eq!(told(&[(0, 90_000)]), []);
}

#[test]
fn the_backlog_of_a_day_is_judged_like_any_other() {
    let mut times: Vec<(i64, i64)> = vec![(86_400, 86_400)];
    times.extend((0..3).map(|at| (at, 86_401)));
    assert_eq!(told(&times), [fires(3)]);
    // A flood of it fires once per time span.
    let mut times: Vec<(i64, i64)> = vec![(86_400, 86_400)];
    times.extend((0..40).map(|at| (at, 86_401)));
    let fired: Vec<usize> = told(&times).iter().map(|(place, ..)| *place).collect();
    assert_eq!(fired, [3, 13, 23, 33]);
    // Also the newest first.
    times[1..].reverse();
    assert_eq!(told(&times).len(), 4);
}

#[test]
fn a_clock_that_is_ahead_makes_no_one_forget() {
    // 59 minutes ahead, and another group's sender right.
    let mut events = arrivals(&[(0, 0), (3_540, 1), (3_541, 2), (3, 3), (4, 4)]);
    let other = story(&mut EventMaker::new(), &[(0, "a", "2.2.2.2", "u")]);
    for place in [1, 2] {
        events[place].attrs = other[0].attrs.clone();
        events[place].fields = other[0].fields.clone();
    }
    let mut engine = Engine::new(rules(COUNT));
    let findings = engine.process(&events);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].event, events[4].id);
}

#[test]
fn our_own_clock_may_be_set_back() {
    let year = 365 * 86_400;
    let mut engine = Engine::new(rules(COUNT));
    assert_eq!(engine.process(&arrivals(&[(year, year)])), []);
    // The same again as long as it takes, each group apart: then time passes as it should.
    let calm: Vec<(i64, i64)> = (0..11_000).map(|number| (20 * number, 20 * number)).collect();
    assert_eq!(engine.process(&arrivals(&calm)), []);
    let state = serde_json::to_string(&engine.state()).unwrap();
    assert!(state.len() < 40_000, "old events are forgotten again: {}", state.len());
}

#[test]
fn over_a_past_at_hand_nothing_is_late() {
    let mut engine = Engine::over_past(rules(COUNT));
    let times = [(0, 900_000), (1_000_000, 1_000_000), (1, 5), (50, 2_000_000), (2, 7_000_000)];
    let findings = engine.process(&arrivals(&times));
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].rule, "c");
}
