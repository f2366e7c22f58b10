//! The real decoder under the screen, as the program puts them together.

use bytes::Bytes;
use decode::{Decoder, SAMPLE_COLLECTED_AT, SourceContext};
use detect::Decoding;
use event::{AgencyId, Event, EventId, Frame, Origin, SourceId};
use uuid::Uuid;

/// Reads records that may come in any format.
pub(crate) struct Auto {
    decoder: Decoder,
}

impl Auto {
    pub(crate) fn new() -> Self {
        Self { decoder: Decoder::builtin().unwrap() }
    }

    /// Returns the event of a record.
    pub(crate) fn event(&self, record: &[u8]) -> Option<Event> {
        let nobody = Origin {
            agency: AgencyId::from_uuid(Uuid::nil()),
            system: None,
            source: SourceId::from_uuid(Uuid::nil()),
        };
        let frame = Frame {
            id: EventId::from_uuid(Uuid::nil()),
            source: nobody.source,
            collected_at: SAMPLE_COLLECTED_AT,
            peer: None,
            bytes: Bytes::copy_from_slice(record),
            dead: None,
        };
        let context = SourceContext { origin: nobody, parser: "auto", utc_offset_minutes: 0 };
        self.decoder.decode(&frame, &context).ok()
    }
}

impl Decoding for &Auto {
    fn read(&self, record: &[u8]) -> Option<Event> {
        self.event(record).filter(Decoder::reads_plainly)
    }

    fn decides(&self, path: &str) -> bool {
        self.decoder.decides(path)
    }

    fn deciding_part<'v>(&self, path: &str, value: &'v str) -> &'v str {
        Decoder::deciding_part(path, value)
    }
}
