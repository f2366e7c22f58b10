//! Events and a lake of one file, for tests from within.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use event::{Event, IdSource, SpoolPosition, SystemClock};

use crate::{Lake, LakeSettings, MemoryCatalogue};

/// Returns a plain event of a number: one a second.
pub(crate) fn event(number: u32) -> Event {
    let text = r#"{"id":"01a22440-c968-7000-85cc-17dd9eabc10c","origin":{
        "agency":"01a22440-b94f-7000-a4f4-494684398c87","system":null,
        "source":"01a22440-b964-7000-bd52-e9421dc20fca"},
        "occurred_at":"2020-12-19T07:50:13.734Z","time_quality":"stated",
        "collected_at":"2026-11-28T22:22:35.368633Z","class":"base_event",
        "logsource":{"product":"linux","category":null,"service":null},
        "parser":"linux_sshd","attributes":{},"fields":{},"raw":"r"}"#;
    let event: Event = serde_json::from_str(text).unwrap();
    let id = IdSource::seeded(u64::from(number)).event(event.collected_at);
    let occurred_at = event.occurred_at + TimeDelta::seconds(i64::from(number));
    Event { id, occurred_at, ..event }
}

/// Returns a lake with these events in files; the folder goes with the first value.
pub(crate) async fn stored(events: Vec<Event>) -> (tempfile::TempDir, Arc<Lake>) {
    let folder = tempfile::tempdir().unwrap();
    let settings = LakeSettings {
        flush_interval: Duration::from_hours(1),
        compact_interval: None,
        ..LakeSettings::at(folder.path())
    };
    let catalogue = Arc::new(MemoryCatalogue::default());
    let lake = Lake::open(settings, catalogue, Arc::new(SystemClock)).await.unwrap();
    lake.append(events, SpoolPosition(1)).await.unwrap();
    lake.flush().await.unwrap();
    (folder, lake)
}

/// Runs a test's future on a runtime of its own.
pub(crate) fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.unwrap().block_on(test)
}
