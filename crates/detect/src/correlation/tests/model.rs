//! Correlations against a plain model: over all events in any order of arrival, the rule fires at
//! least once if and only if some window holds what it asks for.

use proptest::prelude::*;

use super::firings;

const SPAN: i64 = 10;

/// An event: when, which rule sees it, which value it carries.
type Told = (i64, usize, usize);

const KINDS: [&str; 3] = ["a", "b", "x"];
const USERS: [&str; 5] = ["u0", "u1", "u2", "u3", "u4"];

fn window(events: &[Told], from: i64) -> impl Iterator<Item = &Told> {
    events.iter().filter(move |(at, ..)| (from..=from + SPAN).contains(at))
}

fn any_window(events: &[Told], holds: impl Fn(Vec<Told>) -> bool) -> bool {
    events.iter().any(|(from, ..)| holds(window(events, *from).copied().collect()))
}

fn distinct<T: Ord>(values: impl Iterator<Item = T>) -> usize {
    values.collect::<std::collections::BTreeSet<T>>().len()
}

fn is_chain(window: &[Told]) -> bool {
    let of = |kind| window.iter().filter(move |(_, own, _)| *own == kind).map(|(at, ..)| *at);
    of(0).any(|a| of(1).any(|b| a <= b && of(2).any(|x| b <= x)))
}

fn fires(rule: &str, events: &[Told]) -> bool {
    let told: Vec<_> = events
        .iter()
        .map(|(at, kind, user)| (*at, KINDS[*kind], "1.1.1.1", USERS[*user]))
        .collect();
    !firings(rule, &told).is_empty()
}

fn rule(kind: &str, condition: &str) -> String {
    format!(
        "  type: {kind}\n  rules: [a, b, x]\n  group-by: [src_ip]\n  timespan: {SPAN}s\n{condition}"
    )
}

proptest! {
    #[test]
    fn any_order_of_arrival_comes_to_the_same(
        events in prop::collection::vec((0_i64..60, 0_usize..3, 0_usize..5), 0..24)
    ) {
        let count = rule("event_count", "  condition: { gte: 4 }\n");
        prop_assert_eq!(fires(&count, &events), any_window(&events, |own| own.len() >= 4));
        let values = rule("value_count", "  condition: { field: user, gt: 2 }\n");
        prop_assert_eq!(
            fires(&values, &events),
            any_window(&events, |own| distinct(own.iter().map(|(_, _, user)| user)) > 2)
        );
        let together = |own: Vec<Told>| distinct(own.iter().map(|(_, kind, _)| kind)) == 3;
        prop_assert_eq!(fires(&rule("temporal", ""), &events), any_window(&events, together));
        let ordered = rule("temporal_ordered", "");
        prop_assert_eq!(fires(&ordered, &events), any_window(&events, |own| is_chain(&own)));
    }
}
