//! What a million indicators cost: events a second with none and with a million loaded, on the same
//! recordings and rules in the same run, and the memory of the set.
//!
//! `cargo bench -p detect --bench indicator`. The engine has all public rules for Windows loaded, as in
//! `detect.rs`; "alone" is the looking for indicators without any rule.

#![allow(clippy::unwrap_used, reason = "a benchmark may stop at the first surprise")]
#![allow(clippy::indexing_slicing, reason = "a benchmark may stop at the first surprise")]
#![allow(missing_docs, reason = "criterion's macros make undocumented items")]
#![allow(clippy::print_stdout, reason = "a benchmark says what it saw")]

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use detect::{
    Engine, IndicatorLoader, IndicatorSet, IndicatorWatch, RuleFile, RuleSet, Screen, Verdict,
};
use event::Event;

#[expect(dead_code, reason = "shared with the tests, which use all of it")]
#[path = "../tests/it/data.rs"]
mod data;
#[expect(dead_code, reason = "shared with the tests, which use all of it")]
#[path = "../tests/it/decoded.rs"]
mod decoded;
#[path = "../tests/it/recordings.rs"]
mod recordings;

use decoded::Auto;

const EVENTS: usize = 100_000;
const INDICATORS: u64 = 1_000_000;
const LINES_PER_FILE: usize = 20_000;

/// Numbers without a pattern, the same in every run (splitmix64).
fn scattered(number: u64) -> u64 {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x9e37_79b9_7f4a_7c15);
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

/// A list as a centre has it: 40 % domains, 20 % each of addresses, URLs and SHA-256 digests, some
/// networks and mail addresses.
fn feed() -> String {
    let mut text = String::new();
    for number in 0..INDICATORS {
        let (a, b) = (scattered(number), scattered(number ^ 0xabcd_ef01));
        let [x, y, z, w, ..] = a.to_le_bytes();
        match number % 20 {
            0..8 => writeln!(text, "{:x}.site{}.example{}", a >> 40, b % 100_000, b % 300),
            8..11 => writeln!(text, "{}.{y}.{z}.{w}", 11 + x % 100),
            11 => writeln!(text, "{}.{y}.{z}.0/{}", 11 + x % 100, 20 + b % 9),
            12..15 => writeln!(
                text,
                "http://{:x}.example{}/{:x}/a.php?id={}",
                a >> 44,
                b % 300,
                b >> 40,
                b % 99
            ),
            15 => writeln!(text, "https://{:x}.example{}/{:x}/", a >> 44, b % 300, b >> 40),
            16..19 => writeln!(text, "{a:016x}{b:016x}{:016x}{:016x}", scattered(a), scattered(b)),
            _ => writeln!(text, "{:x}@mail{}.example", a >> 40, b % 1000),
        }
        .unwrap();
    }
    text
}

fn load(text: &str) -> Arc<IndicatorSet> {
    let mut loader = IndicatorLoader::new(Arc::default(), 42);
    loader.read("feed.txt", text.as_bytes());
    let (set, report) = loader.finish();
    assert_eq!(report.errors, []);
    Arc::new(set)
}

/// Turn and turn about, so that a slower minute of the machine hits both; the fastest round counts.
fn ratio(name: &str, rounds: usize, mut one: impl FnMut(), mut other: impl FnMut()) {
    let mut best = [Duration::MAX; 2];
    for _ in 0..rounds {
        let start = Instant::now();
        one();
        best[0] = best[0].min(start.elapsed());
        let start = Instant::now();
        other();
        best[1] = best[1].min(start.elapsed());
    }
    let rate = |time: Duration| f64::from(u32::try_from(EVENTS).unwrap()) / time.as_secs_f64();
    println!(
        "{name}: {:.0} events/s without, {:.0} with a million indicators: {:+.1} % time",
        rate(best[0]),
        rate(best[1]),
        (best[1].as_secs_f64() / best[0].as_secs_f64() - 1.0) * 100.0
    );
}

fn rules() -> Option<Arc<RuleSet>> {
    let sigma = data::folder("sigma")?;
    let texts = data::windows_texts(&sigma);
    let files: Vec<RuleFile<'_>> =
        texts.iter().map(|(path, text)| RuleFile { path, text }).collect();
    Some(Arc::new(RuleSet::compile(&files).0))
}

fn indicators(criterion: &mut Criterion) {
    let Some(rules) = rules() else { return };
    let Some(folder) = data::folder("security-datasets/compound") else { return };
    let events = recordings::events(&folder, EVENTS);
    let text = feed();
    let start = Instant::now();
    let set = load(&text);
    println!(
        "{} indicators loaded in {:.2} s, {:.1} MB, {:.1} bytes each",
        set.len(),
        start.elapsed().as_secs_f64(),
        f64::from(u32::try_from(set.memory_bytes()).unwrap()) / 1e6,
        f64::from(u32::try_from(set.memory_bytes()).unwrap())
            / f64::from(u32::try_from(set.len()).unwrap()),
    );
    let mut without = Engine::new(Arc::clone(&rules));
    let mut with = Engine::new(Arc::clone(&rules));
    with.swap_indicators(Arc::clone(&set));
    println!(
        "{} rules, {} events, {} findings without, {} with",
        rules.rules().len(),
        events.len(),
        without.process(&events).len(),
        with.process(&events).len()
    );
    ratio("all rules", 10, || drop(without.process(&events)), || drop(with.process(&events)));
    screened(&rules, &set, &recordings::records(&folder, LINES_PER_FILE, false)[..EVENTS]);

    let mut watch = IndicatorWatch::new(set);
    let mut group = criterion.benchmark_group("indicator");
    group.sample_size(10);
    group.throughput(Throughput::Elements(u64::try_from(events.len()).unwrap()));
    group.bench_function("rules, no indicators", |b| b.iter(|| without.process(&events)));
    group.bench_function("rules, a million indicators", |b| b.iter(|| with.process(&events)));
    group.bench_function("alone, a million indicators", |b| b.iter(|| alone(&mut watch, &events)));
    group.finish();
}

/// The same for records as they come: screened, and decoded and matched if need be, as a hunt does.
fn screened(rules: &Arc<RuleSet>, set: &Arc<IndicatorSet>, records: &[Vec<u8>]) {
    let judge = |indicators: &Arc<IndicatorSet>| {
        let screen = Screen::new(Arc::clone(rules), Auto);
        let mut screen = screen.with_indicators(Arc::clone(indicators));
        let mut engine = Engine::new(Arc::clone(rules));
        engine.swap_indicators(Arc::clone(indicators));
        let mut findings = Vec::new();
        move || {
            findings.clear();
            for record in records {
                if screen.judge(record) == Verdict::Open
                    && let Ok(event) = decoded::read("auto", record)
                {
                    engine.process_one(&event, &mut findings);
                }
            }
        }
    };
    ratio("records, screened", 10, judge(&Arc::default()), judge(set));
}

fn alone(watch: &mut IndicatorWatch, events: &[Event]) -> usize {
    let mut findings = Vec::new();
    for event in events {
        watch.observe(event, &mut findings);
    }
    findings.len()
}

criterion_group!(benches, indicators);
criterion_main!(benches);
