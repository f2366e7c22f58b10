//! What the bench found, for people or as one JSON object.

use std::collections::BTreeMap;
use std::io::Write as _;

use anyhow::Result;
use hdrhistogram::Histogram;
use serde_json::json;

use super::searches::Times;

/// What was measured.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) seconds: f64,
    pub(crate) sent: u64,
    pub(crate) accepted: u64,
    pub(crate) accepted_http: u64,
    pub(crate) told_to_wait: u64,
    pub(crate) searchable: u64,
    pub(crate) dead: u64,
    pub(crate) lost: u64,
    pub(crate) drain_s: f64,
    pub(crate) latencies: Histogram<u64>,
    pub(crate) searches: Times,
    pub(crate) rss_max_bytes: u64,
    pub(crate) rss_end_bytes: u64,
    pub(crate) generator_cpu_s: f64,
    pub(crate) platform_cpu_s: f64,
}

impl Report {
    /// Returns durable events per second while sending.
    fn per_second(&self) -> f64 {
        float(self.accepted) / self.seconds.max(0.001)
    }

    /// Returns the generator's part of the processor time used.
    fn generator_share(&self) -> f64 {
        self.generator_cpu_s / (self.generator_cpu_s + self.platform_cpu_s).max(0.001)
    }

    fn quantile_ms(&self, quantile: f64) -> f64 {
        float(self.latencies.value_at_quantile(quantile)) / 1000.0
    }

    fn search_ms(&self, quantile: f64) -> f64 {
        float(self.searches.all.value_at_quantile(quantile)) / 1000.0
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52, shown with few digits")]
fn float(count: u64) -> f64 {
    count as f64
}

/// Returns the report as one JSON object.
fn object(report: &Report) -> serde_json::Value {
    json!({
        "seconds": report.seconds,
        "sent": report.sent,
        "accepted": report.accepted,
        "accepted_http": report.accepted_http,
        "accepted_per_s": report.per_second(),
        "told_to_wait": report.told_to_wait,
        "searchable": report.searchable,
        "dead": report.dead,
        "lost": report.lost,
        "drain_s": report.drain_s,
        "probes": report.latencies.len(),
        "searchable_ms_p50": report.quantile_ms(0.5),
        "searchable_ms_p99": report.quantile_ms(0.99),
        "searchable_ms_max": report.quantile_ms(1.0),
        "searches": report.searches.all.len(),
        "search_ms_p50": report.search_ms(0.5),
        "search_ms_p95": report.search_ms(0.95),
        "search_ms_max": report.search_ms(1.0),
        "search_ms_p95_each": each_p95(report),
        "rss_max_bytes": report.rss_max_bytes,
        "rss_end_bytes": report.rss_end_bytes,
        "generator_cpu_s": report.generator_cpu_s,
        "platform_cpu_s": report.platform_cpu_s,
        "generator_cpu_share": report.generator_share(),
    })
}

/// Returns each question with the 95th percentile of its times, in milliseconds.
fn each_p95(report: &Report) -> BTreeMap<&str, f64> {
    let ms = |times: &Histogram<u64>| float(times.value_at_quantile(0.95)) / 1000.0;
    report.searches.each.iter().map(|(question, times)| (question.as_str(), ms(times))).collect()
}

/// Prints the report.
pub(crate) fn print(report: &Report, as_json: bool) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if as_json {
        let object = object(report);
        writeln!(out, "{object}")?;
        return Ok(());
    }
    let mib = |bytes: u64| float(bytes) / (1024.0 * 1024.0);
    writeln!(
        out,
        "accepted          {:.0} events/s ({} in {:.1} s)",
        report.per_second(),
        report.accepted,
        report.seconds
    )?;
    writeln!(
        out,
        "searchable after  p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms ({} probes)",
        report.quantile_ms(0.5),
        report.quantile_ms(0.99),
        report.quantile_ms(1.0),
        report.latencies.len()
    )?;
    writeln!(
        out,
        "searches          p50 {:.1} ms, p95 {:.1} ms, max {:.1} ms ({} of them)",
        report.search_ms(0.5),
        report.search_ms(0.95),
        report.search_ms(1.0),
        report.searches.all.len()
    )?;
    for (question, ms) in each_p95(report) {
        writeln!(out, "                  p95 {ms:.1} ms  {question}")?;
    }
    writeln!(
        out,
        "in the end        {} searchable, {} dead letters, {} missing ({:.1} s after the last)",
        report.searchable, report.dead, report.lost, report.drain_s
    )?;
    writeln!(out, "told to wait      {} requests", report.told_to_wait)?;
    writeln!(
        out,
        "memory            {:.0} MiB at most, {:.0} MiB at the end",
        mib(report.rss_max_bytes),
        mib(report.rss_end_bytes)
    )?;
    writeln!(
        out,
        "processor         platform {:.1} s, generator {:.1} s ({:.0} %)",
        report.platform_cpu_s,
        report.generator_cpu_s,
        report.generator_share() * 100.0
    )?;
    Ok(())
}
