//! Reads what the system says of this process: memory, and the processor time of groups of threads.

use std::fs;

/// Ticks of the processor times in `/proc`; fixed at 100 by the kernel's interface to programs
/// (`USER_HZ`, see `proc(5)`).
const TICKS_PER_S: f64 = 100.0;

/// Returns the memory that this process holds now, in bytes; 0 where it cannot be read.
pub(crate) fn rss_bytes() -> u64 {
    status_bytes("VmRSS:")
}

/// Returns the most memory that this process ever held, in bytes; 0 where it cannot be read.
pub(crate) fn rss_max_bytes() -> u64 {
    status_bytes("VmHWM:")
}

fn status_bytes(key: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix(key))
        .and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok())
        .map_or(0, |kib| kib.saturating_mul(1024))
}

/// Processor time so far, in seconds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct CpuTime {
    /// Of threads whose name begins with the generator's prefix.
    pub(crate) generator_s: f64,
    /// Of all others.
    pub(crate) platform_s: f64,
}

/// Returns the processor time of this process so far, threads that ended included, in seconds; 0 where it
/// cannot be read.
pub(crate) fn process_cpu_s() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    parse_stat(&stat).map_or(0.0, |(_, ticks)| ticks / TICKS_PER_S)
}

/// Returns the processor time of this process so far, shared out to the generator's threads, which must still run, and
/// to all others, of which many have ended.
pub(crate) fn cpu_time(generator_prefix: &str) -> CpuTime {
    let mut generator_s = 0.0;
    for task in fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
        let Ok(stat) = fs::read_to_string(task.path().join("stat")) else { continue };
        let Some((name, ticks)) = parse_stat(&stat) else { continue };
        if name.starts_with(generator_prefix) {
            generator_s += ticks / TICKS_PER_S;
        }
    }
    CpuTime { generator_s, platform_s: process_cpu_s() - generator_s }
}

/// Returns a thread's name and its user and system ticks. The name may hold anything, brackets too.
fn parse_stat(stat: &str) -> Option<(&str, f64)> {
    let (_, rest) = stat.split_once('(')?;
    let (name, fields) = rest.rsplit_once(')')?;
    // After the name: state, ppid, … utime is the 12th, stime the 13th field.
    let mut fields = fields.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((name, user + system))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_line_is_read_past_any_name() {
        let stat = "12 (bench-s) (x) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0";
        assert_eq!(parse_stat(stat), Some(("bench-s) (x", 300.0)));
        assert_eq!(parse_stat("12 bench"), None);
    }

    #[test]
    fn this_process_has_memory_and_threads() {
        if !std::path::Path::new("/proc/self/task").is_dir() {
            return;
        }
        assert!(rss_bytes() > 100_000);
    }
}
