//! Four weeks of an ordinary office: what is called unusual there is noise.

use event::Event;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::{DAY, HOUR, Stream, document, rules, told};
use crate::engine::Engine;

/// Twelve people, two servers and their habits; start is Monday at 10 in Vietnam.
fn office(days: i64) -> Vec<Event> {
    let mut random = StdRng::seed_from_u64(7);
    let mut stream = Stream::default();
    let mut plan: Vec<(i64, String, String, i64)> = Vec::new();
    for day in 0..days {
        let is_weekend = matches!(day % 7, 5 | 6);
        for person in 0..12 {
            let works =
                if is_weekend { random.random_ratio(1, 10) } else { random.random_ratio(19, 20) };
            let start = day * DAY - 2 * HOUR + random.random_range(0..HOUR);
            let requests = if works { random.random_range(150..250) } else { 0 };
            for _ in 0..requests {
                let second = start + random.random_range(0..8 * HOUR);
                // Popular places for all, and a few of one's own.
                let place = if random.random_ratio(9, 10) {
                    random.random_range(0..30)
                } else {
                    100 + person * 4 + random.random_range(0..4)
                };
                let size = random.random_range(200..3_000);
                plan.push((second, format!("p{person}"), format!("198.51.100.{place}"), size));
            }
        }
        for server in 0..2 {
            for step in 0..DAY / 300 {
                let second = day * DAY - 2 * HOUR + step * 300 + random.random_range(0..4);
                plan.push((second, format!("srv{server}"), "198.51.100.1".to_owned(), 90));
            }
        }
    }
    plan.sort();
    plan.iter()
        .map(|(second, user, address, size)| {
            let size = size.to_string();
            stream.at(*second, &[("user", user), ("src_ip", address), ("bytes_out", &size)])
        })
        .collect()
}

#[test]
fn an_ordinary_month_is_silent_but_for_a_stated_few() {
    let events = office(28);
    assert!(events.len() > 50_000);
    let learn = "learn: { time: 7d, events: 1000, known: 100 }";
    for (baseline, most) in [
        // A habit of one's own that shows only after two weeks.
        (format!("{{ type: first_seen, entity: [user], value: [src_ip], {learn} }}"), 3),
        (format!("{{ type: rare_value, entity: [user], value: [src_ip], {learn} }}"), 0),
        (format!("{{ type: volume, entity: [user], least: 40, {learn} }}"), 0),
        (format!("{{ type: volume, entity: [user], sum: bytes_out, least: 50000, {learn} }}"), 0),
        (format!("{{ type: beacon, entity: [user], value: [src_ip], {learn} }}"), 0),
    ] {
        let mut engine = Engine::new(rules(&document(&baseline)));
        let found = engine.process(&events);
        assert!(engine.learning()[0].speaks(), "{baseline}");
        assert!(found.len() <= most, "{baseline}: {:#?}", told(&found));
    }
}
