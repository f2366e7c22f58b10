//! Records as the decoder reads them: what a rule sees in production.

use std::sync::LazyLock;

use bytes::Bytes;
use decode::{Decoder, SAMPLE_COLLECTED_AT, SourceContext};
use detect::Decoding;
use event::{AgencyId, Attr, DeadReason, Deciding, Event, EventId, Frame, Origin, SourceId};
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
    read(parser, record.as_bytes()).map_err(|reason| format!("{reason:?}: {record}")).unwrap()
}

/// Returns the event of any record, or why it is none.
pub(crate) fn read(parser: &str, record: &[u8]) -> Result<Event, DeadReason> {
    let source = SourceId::from_uuid(Uuid::nil());
    let origin = Origin { agency: AgencyId::from_uuid(Uuid::nil()), system: None, source };
    let frame = Frame {
        id: EventId::from_uuid(Uuid::nil()),
        source,
        collected_at: SAMPLE_COLLECTED_AT,
        peer: None,
        bytes: Bytes::copy_from_slice(record),
        dead: None,
    };
    let context = SourceContext { origin, parser, utc_offset_minutes: 420 };
    decoder().decode(&frame, &context)
}

/// The decoder as the screen asks it.
#[derive(Clone, Copy)]
pub(crate) struct Auto;

impl Decoding for Auto {
    fn read(&self, record: &[u8]) -> Option<Event> {
        read("auto", record).ok().filter(|event| decoder().reads_plainly(event))
    }

    fn decides(&self, path: &str) -> Deciding {
        decoder().deciding_part(path)
    }

    fn feeds(&self, event: &Event) -> Vec<(String, Attr)> {
        let feeds = decoder().feeds(event);
        feeds.map(|(field, attr)| (field.to_owned(), attr)).collect()
    }

    fn is_blank(&self, text: &str) -> bool {
        Decoder::is_blank(text)
    }
}
