//! How fast correlations are under floods, each beside the calm stream it is measured by:
//! `cargo run --release -p detect --example correlation_flood [EVENTS]`.
//!
//! Every event feeds every correlation, which real streams never do. Memory is what the process held
//! at most; figures mean something on a quiet machine only.

#![expect(clippy::print_stdout, reason = "it prints its figures")]

use std::sync::Arc;
use std::time::Instant;

use chrono::Duration;
use detect::testing::EventMaker;
use detect::{Engine, RuleFile, RuleSet};
use event::{Event, Fields, LogSource};

const BASE: &str = "title: a\nname: a\nlogsource: { product: linux }\n\
                    detection: { s: { k: a }, condition: s }\n---\n\
                    title: b\nname: b\nlogsource: { product: linux }\n\
                    detection: { s: { k: b }, condition: s }\n";

const KINDS: [(&str, &str); 4] = [
    ("event_count", "condition: { gte: 9000 }"),
    ("value_count", "condition: { field: user, gte: 100 }"),
    ("value_avg", "condition: { field: bytes, gte: 1000000 }"),
    ("temporal_ordered", ""),
];

fn rules(kind: (&str, &str)) -> Arc<RuleSet> {
    let (name, condition) = kind;
    let text = format!(
        "{BASE}---\ntitle: c\nid: c\ncorrelation:\n  type: {name}\n  rules: [a, b]\n  \
         group-by: [src_ip]\n  timespan: 5m\n  {condition}\n"
    );
    Arc::new(RuleSet::compile(&[RuleFile { path: "flood.yml", text: &text }]).0)
}

/// What a flood writes into the event of a number: address, user and how late it is, in seconds.
type Flood = (&'static str, fn(u64) -> (u64, u64, i64));

const FLOODS: [Flood; 4] = [
    ("calm: 100 addresses", |number| (number % 100, number % 7, 0)),
    ("a new address each", |number| (number, number % 7, 0)),
    ("one address, a new user each", |number| (1, number, 0)),
    ("one address, out of order", |number| {
        (1, number % 90, number.wrapping_mul(7_919).cast_signed() % 300)
    }),
];

fn events(flood: Flood, count: u64) -> impl Iterator<Item = Event> {
    let mut maker = EventMaker::new();
    (0..count).map(move |number| {
        let (address, user, late) = flood.1(number);
        let logsource = LogSource { product: Some("linux".into()), ..LogSource::default() };
        let mut fields = Fields::new();
        fields.push("k", "a");
        fields.push(
            "src_ip",
            format!("10.{}.{}.{}", address >> 16, (address >> 8) & 255, address & 255),
        );
        fields.push("user", format!("user{user}"));
        fields.push("bytes", "1500");
        let at = Duration::milliseconds(number.cast_signed() / 5);
        let mut event = maker.event(logsource, fields, at);
        event.occurred_at -= Duration::seconds(late);
        event
    })
}

fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or_default() / 1024
}

fn main() {
    let count = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    for kind in KINDS {
        for flood in FLOODS {
            let mut engine = Engine::new(rules(kind));
            let mut findings = 0;
            let mut spent = std::time::Duration::ZERO;
            let mut stream = events(flood, count);
            loop {
                let batch: Vec<Event> = stream.by_ref().take(4096).collect();
                if batch.is_empty() {
                    break;
                }
                let began = Instant::now();
                findings += engine.process(&batch).len();
                spent += began.elapsed();
            }
            let rate = u128::from(count) * 1_000_000 / spent.as_micros().max(1);
            println!(
                "{:16} {:28} {rate:>9} events/s, {findings} findings, peak {} MiB",
                kind.0,
                flood.0,
                peak_mib()
            );
        }
    }
}
