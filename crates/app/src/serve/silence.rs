//! The watch over silence: a source that says nothing for longer than agreed is a finding like any
//! other. Also writes the health book down.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use db::Db;
use event::{Entity, EntityKind, EventId, Finding, Level, Scope, Severity};
use registry::{HealthBook, Silence};
use respond::Hub;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::gap;

/// The rule id of a silence finding.
pub const SILENCE_RULE: &str = "luytre-source-silent";

/// How often silence is looked for, and the health book written down.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// What the watch looks at.
#[derive(Debug, Clone)]
pub(crate) struct SilenceWatch {
    pub(crate) db: Db,
    pub(crate) registry: Arc<registry::Directory>,
    pub(crate) health: Arc<HealthBook>,
    pub(crate) names: Arc<dyn respond::Directory>,
    pub(crate) hub: Hub,
}

impl SilenceWatch {
    /// Watches until `stop`, then writes the book down a last time.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut told: Vec<EventId> = Vec::new();
        let (mut steady, mut clock) = (Instant::now(), self.db.now());
        loop {
            let stopped = tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => false,
                () = stop.cancelled() => true,
            };
            let now = self.db.now();
            if let Some((from, to)) = gap::jumped(clock, steady.elapsed(), now) {
                self.health.clock_set(from, to);
            }
            (steady, clock) = (Instant::now(), now);
            let snapshot = self.registry.snapshot();
            if let Err(error) = self.health.flush(&self.db, &snapshot).await {
                tracing::warn!(error = web::chain(&error), "source counts cannot be written down");
            }
            if stopped {
                return;
            }
            let silent = self.health.silent(&snapshot, &Scope::platform(), now);
            let findings: Vec<Finding> = silent.iter().map(finding).collect();
            let ids: Vec<EventId> = findings.iter().map(|finding| finding.event).collect();
            let fresh: Vec<Finding> =
                findings.into_iter().filter(|finding| !told.contains(&finding.event)).collect();
            if fresh.is_empty() {
                told = ids;
                continue;
            }
            for finding in &fresh {
                self.hub.sources_changed(finding.origin.agency);
            }
            let names = self.names.as_ref();
            match respond::alert::receive(&self.db, names, &self.hub, fresh, &[]).await {
                Ok(_) => told = ids,
                Err(error) => {
                    tracing::error!(error = web::chain(&error), "silence cannot be reported");
                }
            }
        }
    }
}

/// Returns the finding of a silence. Its event id is made of source and beginning, so that the same
/// silence is the same finding, however often it is looked at.
fn finding(silence: &Silence) -> Finding {
    let binding = &silence.binding;
    let important = binding.level.map(Level::number).is_some_and(|level| level >= 3);
    let event = moment_id(binding.origin.source.uuid(), silence.since);
    Finding {
        rule: SILENCE_RULE.to_owned(),
        title: "Log source is silent".to_owned(),
        title_vi: Some("Nguồn log im lặng".to_owned()),
        severity: if important { Severity::High } else { Severity::Medium },
        tags: vec!["attack.defense-evasion".to_owned(), "attack.t1562".to_owned()],
        event,
        events: Vec::new(),
        origin: binding.origin,
        occurred_at: silence.since,
        entity: Entity { kind: EntityKind::Source, value: binding.name.clone() },
        matched: Vec::new(),
        count: 1,
    }
}

/// Returns an event id made of a moment and of what the moment is about.
pub(crate) fn moment_id(about: Uuid, since: DateTime<Utc>) -> EventId {
    let since_ms = u128::from(since.timestamp_millis().unsigned_abs());
    // The time in front as in any event id, what it is about behind.
    let low = about.as_u128() & 0x0000_0000_0000_0fff_3fff_ffff_ffff_ffff;
    let id = ((since_ms & 0xffff_ffff_ffff) << 80) | (0x7 << 76) | (0x2 << 62) | low;
    EventId::from_uuid(Uuid::from_u128(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silence_has_one_id() {
        let since = DateTime::from_timestamp_millis(1_790_000_000_123).unwrap();
        let (one, other) = (Uuid::from_u128(7), Uuid::from_u128(8));
        let id = moment_id(one, since);
        assert_eq!(id, moment_id(one, since));
        assert_ne!(id, moment_id(other, since));
        assert_ne!(id, moment_id(one, since + chrono::TimeDelta::milliseconds(1)));
        assert_eq!(id.collected_at_ms(), 1_790_000_000_123);
        assert_eq!(id.uuid().get_version_num(), 7);
    }
}
