//! The watch over what is lost before it can be read: datagrams that the kernel dropped because a UDP
//! listener's buffer was full. Nobody else can tell of them. A loss is a finding at once, and once an hour
//! while it goes on; the duty page shows the counts of the moment.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use collect::{Counters, UdpCount};
use event::Severity;
use respond::UdpListener;
use tokio_util::sync::CancellationToken;

use super::storage::{Notice, Teller};

/// The rule id of a finding about logs that were lost before they could be read.
pub const LOSS_RULE: &str = "luytre-intake";

/// How often the counts are looked at; the kernel is asked every five seconds.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What a listener lost after it was told of is told of so much later, all at once.
const TOLD_EVERY: TimeDelta = TimeDelta::hours(1);

/// A listener that lost nothing for so long is no longer losing.
const CALM_AFTER: TimeDelta = TimeDelta::minutes(10);

/// How long the end waits for the last losses to be told.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What the watch looks at.
#[derive(Debug)]
pub(crate) struct LossWatch {
    pub(crate) counters: Arc<Counters>,
    pub(crate) teller: Teller,
}

impl LossWatch {
    /// Watches until `stop`. What cannot be told now is told when the database takes it.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut ledger = Ledger::default();
        let mut untold = Vec::new();
        loop {
            let is_last = stop.is_cancelled();
            let now = self.teller.db.now();
            let counts = self.counters.udp_counts();
            untold.extend(ledger.due(&counts, now, is_last));
            self.teller.hub.set_udp(counts.into_iter().map(|count| shown(count, now)).collect());
            if is_last {
                self.tell_last(&untold).await;
                return;
            }
            if !untold.is_empty() && self.teller.tell(&untold).await {
                untold.clear();
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Tells what is still to be told at the end; the log has it in any case.
    async fn tell_last(&self, untold: &[Notice]) {
        if untold.is_empty() {
            return;
        }
        let told = tokio::time::timeout(LAST_WORDS, self.teller.tell(untold)).await;
        if !told.unwrap_or(false) {
            tracing::warn!(
                losses = untold.len(),
                "losses of datagrams were not told before the end"
            );
        }
    }
}

/// What was told of each listener.
#[derive(Debug, Default)]
struct Ledger {
    told: BTreeMap<String, Told>,
}

#[derive(Debug, Default)]
struct Told {
    /// How many were lost up to then.
    dropped: u64,
    at: Option<DateTime<Utc>>,
}

impl Ledger {
    /// Returns what is to be told now, which counts as told; with `is_last` all that is left.
    fn due(&mut self, counts: &[UdpCount], now: DateTime<Utc>, is_last: bool) -> Vec<Notice> {
        let mut notices = Vec::new();
        for count in counts {
            let dropped = count.dropped.unwrap_or_default();
            let told = self.told.entry(count.listener.clone()).or_default();
            // A clock that was set back is no reason to be silent for longer.
            let is_time = told.at.is_none_or(|at| (now - at).abs() >= TOLD_EVERY);
            let fresh = dropped.saturating_sub(told.dropped);
            if fresh == 0 || !(is_time || is_last) {
                continue;
            }
            // A moment of its own for each: by that findings are told apart.
            let place = i64::try_from(notices.len()).unwrap_or_default();
            let at = now + TimeDelta::milliseconds(place);
            *told = Told { dropped, at: Some(now) };
            tracing::error!(
                listener = count.listener,
                datagrams = fresh,
                buffer_bytes = count.buffer_bytes,
                "logs were lost: datagrams came faster than they could be read"
            );
            notices.push(notice(count, fresh, at));
        }
        notices
    }
}

fn notice(count: &UdpCount, fresh: u64, at: DateTime<Utc>) -> Notice {
    Notice {
        rule: LOSS_RULE,
        about: count.listener.clone(),
        at,
        severity: Severity::High,
        title: "Logs were lost: a UDP listener's buffer was full, and its senders cannot know",
        title_vi: "Mất log: bộ đệm của cổng nhận UDP bị đầy, nguồn gửi không biết được",
        facts: vec![
            ("datagrams lost", fresh.to_string()),
            ("lost since the start", count.dropped.unwrap_or_default().to_string()),
            ("listener", format!("{} ({})", count.listener, count.address)),
            ("receive buffer bytes", count.buffer_bytes.to_string()),
        ],
    }
}

/// Returns what the duty page shows of a listener.
fn shown(count: UdpCount, now: DateTime<Utc>) -> UdpListener {
    UdpListener {
        is_losing: count.last_dropped_at.is_some_and(|at| (now - at).abs() < CALM_AFTER),
        name: count.listener,
        address: count.address.to_string(),
        received: count.received,
        dropped: count.dropped,
        last_dropped_at: count.last_dropped_at,
        buffer_bytes: count.buffer_bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000 + minutes * 60, 0).unwrap()
    }

    fn count(listener: &str, dropped: Option<u64>) -> UdpCount {
        UdpCount {
            listener: listener.to_owned(),
            address: "127.0.0.1:5514".parse().unwrap(),
            buffer_bytes: 212_992,
            received: 9,
            dropped,
            last_dropped_at: None,
        }
    }

    fn lost(notices: &[Notice]) -> Vec<(String, String)> {
        notices.iter().map(|one| (one.about.clone(), one.facts[0].1.clone())).collect()
    }

    #[test]
    fn every_loss_is_told_once_and_not_too_often() {
        let mut ledger = Ledger::default();
        let mut told = |dropped, minutes, is_last| {
            lost(&ledger.due(&[count("udp", dropped)], at(minutes), is_last))
        };
        let one = |number: &str| vec![("udp".to_owned(), number.to_owned())];
        assert_eq!(told(None, 0, false), []);
        assert_eq!(told(Some(0), 1, false), []);
        assert_eq!(told(Some(5), 2, false), one("5"), "at once");
        assert_eq!(told(Some(7), 3, false), [], "not again within the hour");
        assert_eq!(told(Some(7), 62, false), one("2"), "what came after is not forgotten");
        assert_eq!(told(Some(7), 200, false), []);
        assert_eq!(told(Some(8), 201, false), one("1"), "after a calm it is told at once");
        assert_eq!(told(Some(10), 202, true), one("2"), "at the end all is told");
    }

    #[test]
    fn two_listeners_are_two_findings() {
        let counts = [count("one", Some(1)), count("two", Some(2))];
        let notices = Ledger::default().due(&counts, at(0), false);
        assert_eq!(lost(&notices).len(), 2);
        let agency = event::AgencyId::from_uuid(uuid::Uuid::from_u128(1));
        let [one, two] = &notices[..] else { panic!("two notices") };
        let key = |notice| super::super::storage::finding(notice, agency).key();
        assert_ne!(key(one), key(two));
        assert_eq!(key(one), key(one));
    }

    #[test]
    fn a_listener_is_losing_until_it_is_calm() {
        let count = UdpCount { last_dropped_at: Some(at(0)), ..count("udp", Some(3)) };
        assert!(shown(count.clone(), at(9)).is_losing);
        assert!(!shown(count, at(10)).is_losing);
    }
}
