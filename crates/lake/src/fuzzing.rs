//! What a fuzzer throws foreign bytes at.

use chrono::DateTime;
use event::{AgencyId, IdSource, Origin, SourceId};
use uuid::Uuid;

use crate::rows::{FlatDefaults, FlatReader, decode};

/// Turns lines into columns and those into events again.
///
/// # Panics
///
/// When a line that was taken makes no event: that is what is looked for.
pub fn lines(bytes: &[u8]) {
    let origin = Origin {
        agency: AgencyId::from_uuid(Uuid::nil()),
        system: None,
        source: SourceId::from_uuid(Uuid::nil()),
    };
    let now = DateTime::UNIX_EPOCH;
    let mut reader = FlatReader::new(&FlatDefaults { origin, collected_at: now });
    let text = String::from_utf8_lossy(bytes);
    let read = reader.read(&text, IdSource::seeded(1).event_run(now));
    let events = read.map(|(rows, _)| decode(&rows.batch).map(|events| (events, rows)));
    assert!(matches!(events, Ok(Ok((events, rows))) if events.len() == rows.batch.num_rows()));
}
