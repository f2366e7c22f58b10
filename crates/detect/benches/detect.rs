//! How many events a second one core matches, with all public rules for Windows, on real recordings.
//!
//! `cargo bench -p detect`. Decoding is not in the figure; the decoder has its own benchmark.

#![allow(clippy::unwrap_used, reason = "a benchmark may stop at the first surprise")]
#![allow(clippy::indexing_slicing, reason = "a benchmark may stop at the first surprise")]
#![allow(missing_docs, reason = "criterion's macros make undocumented items")]
#![allow(clippy::print_stdout, reason = "a benchmark says what it saw")]

use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use detect::{Engine, RuleFile, RuleSet};

#[expect(dead_code, reason = "shared with the tests, which use all of it")]
#[path = "../tests/it/data.rs"]
mod data;
#[path = "../tests/it/recordings.rs"]
mod recordings;

const EVENTS: usize = 100_000;

fn stream(criterion: &mut Criterion) {
    let Some(sigma) = data::folder("sigma") else { return };
    let Some(folder) = data::folder("security-datasets/compound") else { return };
    let folders = [
        sigma.join("rules/windows"),
        sigma.join("rules-emerging-threats"),
        sigma.join("rules-threat-hunting/windows"),
    ];
    let texts: Vec<(String, String)> = folders
        .iter()
        .flat_map(|folder| data::files(folder, ".yml"))
        .map(|path| (path.display().to_string(), std::fs::read_to_string(&path).unwrap()))
        .filter(|(_, text)| text.contains("product: windows"))
        .collect();
    let files: Vec<RuleFile<'_>> =
        texts.iter().map(|(path, text)| RuleFile { path, text }).collect();
    let mut group = criterion.benchmark_group("detect");
    group.sample_size(10);
    group.throughput(Throughput::Elements(u64::try_from(files.len()).unwrap()));
    group.bench_function("load rules", |bencher| bencher.iter(|| RuleSet::compile(&files)));
    let (rules, _) = RuleSet::compile(&files);
    let events = recordings::events(&folder, EVENTS);
    let mut engine = Engine::new(Arc::new(rules));
    println!(
        "{} rules, {} events, {} findings",
        engine.rules().rules().len(),
        events.len(),
        engine.process(&events).len()
    );
    group.throughput(Throughput::Elements(u64::try_from(events.len()).unwrap()));
    group.bench_function("match events", |bencher| bencher.iter(|| engine.process(&events)));
    group.finish();
}

criterion_group!(benches, stream);
criterion_main!(benches);
