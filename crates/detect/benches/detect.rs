//! How many events a second one core judges, with all public rules for Windows, on real recordings:
//! as records (reading them included), and as events that were decoded already.
//!
//! `cargo bench -p detect --bench detect`

#![allow(clippy::unwrap_used, reason = "a benchmark may stop at the first surprise")]
#![allow(clippy::indexing_slicing, reason = "a benchmark may stop at the first surprise")]
#![allow(missing_docs, reason = "criterion's macros make undocumented items")]
#![allow(clippy::print_stdout, reason = "a benchmark says what it saw")]

use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use detect::{Engine, RuleFile, RuleSet, Screen, Verdict};

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

/// So that every recording has its share.
const LINES_PER_FILE: usize = 20_000;

/// What one core does with a stream of records: screen them, decode what may fire, match it.
fn judge(lines: &[Vec<u8>], screen: &mut Screen<'_>, engine: &mut Engine) -> usize {
    let mut findings = Vec::new();
    for line in lines {
        if screen.judge(line) == Verdict::Open
            && let Ok(event) = decoded::read("auto", line)
        {
            engine.process_one(&event, &mut findings);
        }
    }
    findings.len()
}

fn load(criterion: &mut Criterion) {
    let Some(sigma) = data::folder("sigma") else { return };
    let texts = data::windows_texts(&sigma);
    let files: Vec<RuleFile<'_>> =
        texts.iter().map(|(path, text)| RuleFile { path, text }).collect();
    let mut group = criterion.benchmark_group("load");
    group.sample_size(10);
    group.throughput(Throughput::Elements(u64::try_from(files.len()).unwrap()));
    group.bench_function("rules", |bencher| bencher.iter(|| RuleSet::compile(&files)));
    group.finish();
}

fn stream(criterion: &mut Criterion) {
    let Some(sigma) = data::folder("sigma") else { return };
    let Some(folder) = data::folder("security-datasets") else { return };
    let texts = data::windows_texts(&sigma);
    let files: Vec<RuleFile<'_>> =
        texts.iter().map(|(path, text)| RuleFile { path, text }).collect();
    let rules = Arc::new(RuleSet::compile(&files).0);
    let mut group = criterion.benchmark_group("stream");
    group.sample_size(10);
    for (name, with_message) in [("records", false), ("records with their text", true)] {
        let lines = recordings::records(&folder, LINES_PER_FILE, with_message);
        let bytes: usize = lines.iter().map(Vec::len).sum();
        let mut screen = Screen::new(Arc::clone(&rules), Auto);
        let mut engine = Engine::new(Arc::clone(&rules));
        let findings = judge(&lines, &mut screen, &mut engine);
        println!(
            "{name}: {} rules, {} lines, {bytes} bytes, {findings} findings",
            rules.rules().len(),
            lines.len()
        );
        group.throughput(Throughput::Elements(u64::try_from(lines.len()).unwrap()));
        group.bench_function(format!("{name}: parse only (serde_json)"), |bencher| {
            bencher.iter(|| {
                let parsed = lines
                    .iter()
                    .filter(|line| serde_json::from_slice::<serde_json::Value>(line).is_ok());
                parsed.count()
            });
        });
        group.bench_function(name, |bencher| {
            bencher.iter(|| judge(&lines, &mut screen, &mut engine));
        });
    }
    group.finish();
}

fn events(criterion: &mut Criterion) {
    let Some(sigma) = data::folder("sigma") else { return };
    let Some(folder) = data::folder("security-datasets/compound") else { return };
    let texts = data::windows_texts(&sigma);
    let files: Vec<RuleFile<'_>> =
        texts.iter().map(|(path, text)| RuleFile { path, text }).collect();
    let mut engine = Engine::new(Arc::new(RuleSet::compile(&files).0));
    let events = recordings::events(&folder, EVENTS);
    let mut group = criterion.benchmark_group("events");
    group.sample_size(10);
    println!("{} events, {} findings", events.len(), engine.process(&events).len());
    group.throughput(Throughput::Elements(u64::try_from(events.len()).unwrap()));
    group.bench_function("decoded", |bencher| bencher.iter(|| engine.process(&events)));
    group.finish();
}

criterion_group!(benches, load, stream, events);
criterion_main!(benches);
