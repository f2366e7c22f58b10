//! What the fuzz targets share: a decoder built once, and a frame round the fuzzer's bytes.

use std::sync::LazyLock;

use bytes::Bytes;
use chrono::DateTime;
use decode::{Decoder, SourceContext};
use event::{AgencyId, DeadReason, Event, EventId, Frame, Origin, SourceId};
use uuid::Uuid;

static DECODER: LazyLock<Decoder> = LazyLock::new(|| {
    Decoder::builtin().expect("the sources that are part of the program are good")
});

/// Decodes the bytes twice and stops if the two answers differ.
pub fn decode(bytes: &[u8], parser: &str) {
    let first = event(bytes, parser);
    assert_eq!(first, event(bytes, parser), "the same bytes gave two answers");
    if let Ok(event) = first {
        assert!(!event.raw.is_empty(), "the raw text was lost");
    }
}

/// Returns the decoder.
pub fn decoder() -> &'static Decoder {
    &DECODER
}

/// Returns the event of the bytes, or why it is none.
pub fn event(bytes: &[u8], parser: &str) -> Result<Event, DeadReason> {
    let nobody = Uuid::nil();
    let origin = Origin {
        agency: AgencyId::from_uuid(nobody),
        system: None,
        source: SourceId::from_uuid(nobody),
    };
    let frame = Frame {
        id: EventId::from_uuid(nobody),
        source: origin.source,
        collected_at: DateTime::from_timestamp(1_795_426_200, 0).expect("a valid second"),
        peer: None,
        bytes: Bytes::copy_from_slice(bytes),
        dead: None,
    };
    let ctx = SourceContext { origin, parser, utc_offset_minutes: 420 };
    DECODER.decode(&frame, &ctx)
}
