//! Other engines beside ours: the same rules, the same NDJSON records, one core, one run.
//!
//! `cargo run --release -- speed` prints how many records each judges in a second, parsing included, the
//! two taking turns so that a busy machine slows both. `cargo run --release -- differences` prints
//! where the two disagree, rule by rule. Both read the data folder beside the project.

mod ours;
mod rsigma;

#[expect(dead_code, reason = "shared with the tests of detect, which use all of it")]
#[path = "../../crates/detect/tests/it/data.rs"]
mod data;
#[expect(dead_code, reason = "shared with the tests of detect, which use all of it")]
#[path = "../../crates/detect/tests/it/decoded.rs"]
mod decoded;
#[expect(dead_code, reason = "shared with the tests of detect, which use all of it")]
#[path = "../../crates/detect/tests/it/recordings.rs"]
mod recordings;

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use std::time::Instant;

use ours::Ours;
use rsigma::Rsigma;
use serde_json::json;

/// So that every recording has its share.
const LINES_PER_FILE: usize = 20_000;

/// How often each engine judges all records; the median counts.
const ROUNDS: usize = 5;

/// Rules shown where the two disagree.
const SHOWN: usize = 60;

fn main() -> ExitCode {
    let (Some(sigma), Some(folder)) = (data::folder("sigma"), data::folder("security-datasets"))
    else {
        return ExitCode::FAILURE;
    };
    let texts = data::windows_texts(&sigma);
    let lines = recordings::records(&folder, LINES_PER_FILE, false);
    match std::env::args().nth(1).as_deref() {
        Some("speed") => speed(&texts, &lines),
        Some("differences") => differences(&texts, &lines),
        _ => {
            eprintln!("expected `speed` or `differences`");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn speed(texts: &[(String, String)], lines: &[Vec<u8>]) {
    let started = Instant::now();
    let mut rsigma = Rsigma::load(texts);
    let rsigma_load_s = started.elapsed().as_secs_f64();
    let started = Instant::now();
    let mut ours = Ours::load(texts);
    let ours_load_s = started.elapsed().as_secs_f64();
    let (mut rsigma_s, mut ours_s) = (Vec::new(), Vec::new());
    let (mut rsigma_found, mut ours_found) = (0, 0);
    for _ in 0..ROUNDS {
        (rsigma_found, ours_found) = (0, 0);
        let started = Instant::now();
        lines.iter().for_each(|line| rsigma.judge(line, |_| rsigma_found += 1));
        rsigma_s.push(started.elapsed().as_secs_f64());
        let started = Instant::now();
        lines.iter().for_each(|line| ours.judge(line, |_| ours_found += 1));
        ours_s.push(started.elapsed().as_secs_f64());
    }
    let [rsigma_rate, ours_rate] = [&rsigma_s, &ours_s].map(|seconds| rate(lines.len(), seconds));
    let bytes: usize = lines.iter().map(Vec::len).sum();
    let figures = json!({
        "records": lines.len(),
        "bytes": bytes,
        "rounds": ROUNDS,
        "rsigma": {
            "rules": rsigma.rules(),
            "refused": rsigma.refused,
            "load_s": rsigma_load_s,
            "findings": rsigma_found,
            "records_per_s": rsigma_rate.round(),
            "seconds": rsigma_s,
        },
        "ours": {
            "rules": ours.rules(),
            "refused": ours.refused,
            "load_s": ours_load_s,
            "findings": ours_found,
            "records_per_s": ours_rate.round(),
            "seconds": ours_s,
        },
        "times_rsigma": ours_rate / rsigma_rate,
    });
    println!("{figures:#}");
}

/// Returns records a second by the median round.
fn rate(records: usize, seconds: &[f64]) -> f64 {
    let mut sorted = seconds.to_vec();
    sorted.sort_by(f64::total_cmp);
    records as f64 / sorted[sorted.len() / 2]
}

/// What only one of the two said of a rule.
#[derive(Default)]
struct Difference {
    rsigma: Vec<usize>,
    ours: Vec<usize>,
}

fn differences(texts: &[(String, String)], lines: &[Vec<u8>]) {
    let (mut rsigma, mut ours) = (Rsigma::load(texts), Ours::load(texts));
    let mut by_rule: BTreeMap<String, Difference> = BTreeMap::new();
    let mut both = 0;
    for (number, line) in lines.iter().enumerate() {
        let (mut one, mut other) = (BTreeSet::new(), BTreeSet::new());
        rsigma.judge(line, |rule| drop(one.insert(rule.to_owned())));
        ours.judge(line, |rule| drop(other.insert(rule.to_owned())));
        both += one.intersection(&other).count();
        for rule in one.difference(&other) {
            by_rule.entry(rule.clone()).or_default().rsigma.push(number);
        }
        for rule in other.difference(&one) {
            by_rule.entry(rule.clone()).or_default().ours.push(number);
        }
    }
    let count = |of: fn(&Difference) -> usize| by_rule.values().map(of).sum::<usize>();
    println!(
        "{} records: both say {both}; only rsigma {}, only ours {} (rule, record) pairs; {} rules differ",
        lines.len(),
        count(|own| own.rsigma.len()),
        count(|own| own.ours.len()),
        by_rule.len(),
    );
    for (rule, own) in by_rule.iter().take(SHOWN) {
        let path = texts.iter().find(|(_, text)| text.contains(rule.as_str()));
        let path = path.map_or("?", |(path, _)| path.rsplit('/').next().unwrap_or_default());
        println!("{rule} {path}: only rsigma {}, only ours {}", own.rsigma.len(), own.ours.len());
        for (who, numbers) in [("rsigma", &own.rsigma), ("ours", &own.ours)] {
            if let Some(line) = numbers.first().and_then(|number| lines.get(*number)) {
                println!("    {who}: {:.400}", String::from_utf8_lossy(line));
            }
        }
    }
}
