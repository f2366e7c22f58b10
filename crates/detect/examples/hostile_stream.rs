//! How fast records are judged that are made to hurt, each beside the calm stream it is measured by:
//! `cargo run --release -p detect --example hostile_stream [MEGABYTES]`.
//!
//! All public rules for Windows are loaded; a record is screened, and decoded and matched if need be, as
//! a hunt does. Long records are compared by their bytes. For a flood of groups see
//! `correlation_flood`.

#![allow(clippy::print_stdout, reason = "it prints its figures")]
#![allow(clippy::unwrap_used, reason = "a measurement may stop at the first surprise")]
#![allow(clippy::indexing_slicing, reason = "shared with the tests")]

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use detect::{Engine, RuleFile, RuleSet, Screen, Verdict};

#[expect(dead_code, reason = "shared with the tests, which use all of it")]
#[path = "../tests/it/data.rs"]
mod data;
#[expect(dead_code, reason = "shared with the tests, which use all of it")]
#[path = "../tests/it/decoded.rs"]
mod decoded;

use decoded::Auto;

/// What a stream writes into the record of a number.
type Stream = (&'static str, fn(u64) -> String);

const STREAMS: [Stream; 5] = [
    ("calm", |number| record(number % 100, number % 40, "")),
    ("every value unique", |number| record(number, number, "")),
    ("every name and value unique", |number| {
        let own = format!(",\"Field{number}\":\"{number}\"");
        record(number, number, &own)
    }),
    ("a value of a megabyte", |number| {
        record(number, number, &format!(",\"Details\":\"{}\"", "ab cd.ef ".repeat(111_000)))
    }),
    ("10,000 fields", |number| {
        let mut own = String::new();
        for field in 0..10_000 {
            write!(own, ",\"f{field}\":\"v{}\"", number ^ field).unwrap();
        }
        record(number, number, &own)
    }),
];

fn record(host: u64, value: u64, more: &str) -> String {
    format!(
        "{{\"Channel\":\"Microsoft-Windows-Sysmon/Operational\",\"EventID\":1,\
         \"Provider_Name\":\"Microsoft-Windows-Sysmon\",\"Computer\":\"may-{host}.example.vn\",\
         \"UtcTime\":\"2026-11-27 04:00:{:02}.{:03}\",\"ProcessId\":{value},\
         \"Image\":\"C:\\\\Program Files\\\\App{value}\\\\tool{value}.exe\",\
         \"CommandLine\":\"tool{value}.exe --input C:\\\\Users\\\\user{host}\\\\{value}.txt\",\
         \"ParentImage\":\"C:\\\\Windows\\\\explorer{value}.exe\",\
         \"User\":\"TINH\\\\user{host}\",\"IntegrityLevel\":\"Medium\",\
         \"Hashes\":\"SHA256={value:064x}\"{more}}}",
        value % 60,
        host % 1000
    )
}

fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or_default() / 1024
}

fn main() {
    let megabytes: usize =
        std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(200);
    let Some(sigma) = data::folder("sigma") else { return };
    let texts = data::windows_texts(&sigma);
    let files: Vec<RuleFile<'_>> =
        texts.iter().map(|(path, text)| RuleFile { path, text }).collect();
    let rules = Arc::new(RuleSet::compile(&files).0);
    println!("{} rules, {} MiB held once they are loaded", rules.rules().len(), peak_mib());
    for (name, stream) in STREAMS {
        let mut screen = Screen::new(Arc::clone(&rules), Auto);
        let mut engine = Engine::new(Arc::clone(&rules));
        let mut findings = Vec::new();
        let (mut bytes, mut records, mut opened, mut cut) = (0, 0_u64, 0_u64, String::new());
        let mut spent = Duration::ZERO;
        while bytes < megabytes * 1_000_000 {
            let batch: Vec<String> = (records..records + 64).map(stream).collect();
            let began = Instant::now();
            for line in &batch {
                if screen.judge(line.as_bytes()) == Verdict::Silent {
                    continue;
                }
                opened += 1;
                if let Ok(event) = decoded::read("auto", line.as_bytes()) {
                    engine.process_one(&event, &mut findings);
                    if let Some(note) = event.notes.first().filter(|_| cut.is_empty()) {
                        cut = format!("; said: {}: {}", note.code, note.detail);
                    }
                }
            }
            spent += began.elapsed();
            bytes += batch.iter().map(String::len).sum::<usize>();
            records += 64;
            findings.clear();
        }
        let per_s = |count: u128| count * 1_000_000 / spent.as_micros().max(1);
        println!(
            "{name:28} {:>9} records/s {:>6} kB/s, {opened} of {records} decoded, peak {} MiB{cut}",
            per_s(records.into()),
            per_s(u128::try_from(bytes).unwrap_or_default()) / 1_000,
            peak_mib()
        );
    }
}
