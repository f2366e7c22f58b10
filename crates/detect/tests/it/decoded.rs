//! Records as the decoder reads them: what a rule sees in production.

use std::sync::LazyLock;

use bytes::Bytes;
use decode::{Decoder, SAMPLE_COLLECTED_AT, SourceContext};
use event::{AgencyId, Event, EventId, Frame, Origin, SourceId};
use uuid::Uuid;

static DECODER: LazyLock<Decoder> = LazyLock::new(|| Decoder::builtin().unwrap());

/// Returns the decoder with the sources that are part of the program.
pub(crate) fn decoder() -> &'static Decoder {
    &DECODER
}

/// Returns the event that `auto` makes of a record.
#[track_caller]
pub(crate) fn event(record: &str) -> Event {
    by("auto", record)
}

/// Returns the event that a source makes of a record.
#[track_caller]
pub(crate) fn by(parser: &str, record: &str) -> Event {
    let source = SourceId::from_uuid(Uuid::nil());
    let origin = Origin { agency: AgencyId::from_uuid(Uuid::nil()), system: None, source };
    let frame = Frame {
        id: EventId::from_uuid(Uuid::nil()),
        source,
        collected_at: SAMPLE_COLLECTED_AT,
        peer: None,
        bytes: Bytes::copy_from_slice(record.as_bytes()),
        dead: None,
    };
    let context = SourceContext { origin, parser, utc_offset_minutes: 420 };
    decoder().decode(&frame, &context).map_err(|reason| format!("{reason:?}: {record}")).unwrap()
}
