//! Passes over the records that fire nothing without making events of them: most of any evidence.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use chrono::DateTime;
use decode::Decoder;
use detect::{Candidate, Decoding, IndicatorSet, RuleSet, Screen, Verdict};
use event::{Attr, Deciding, Event, EventId, LogSource};
use uuid::Uuid;

use super::reading::{Reader, Record};

/// What is known of a record before it is read.
#[derive(Debug)]
pub(crate) enum Seen<'s> {
    /// It is of this log source, fires no rule and holds no indicator.
    Silent(&'s LogSource),
    /// Only reading it can tell; where it is known which rules may fire, these.
    Open(Option<Vec<Candidate>>),
}

/// Screens of one thread, one for each way that records are read.
#[derive(Debug)]
pub(crate) struct Unread<'a> {
    reader: &'a Reader,
    rules: &'a Arc<RuleSet>,
    indicators: &'a Arc<IndicatorSet>,
    screens: HashMap<&'a str, Screen<'a>>,
}

impl<'a> Unread<'a> {
    /// Returns screens that have seen nothing yet.
    pub(crate) fn new(
        reader: &'a Reader,
        rules: &'a Arc<RuleSet>,
        indicators: &'a Arc<IndicatorSet>,
    ) -> Self {
        Self { reader, rules, indicators, screens: HashMap::new() }
    }

    /// Looks at a record.
    pub(crate) fn see(&mut self, record: &Record<'a>) -> Seen<'_> {
        let Self { reader, rules, indicators, screens } = self;
        let screen = screens.entry(record.parser).or_insert_with(|| {
            Screen::new(Arc::clone(rules), By { reader, parser: record.parser })
                .with_indicators(Arc::clone(indicators))
        });
        let verdict = screen.judge(&record.bytes);
        match (verdict, screen.logsource()) {
            (Verdict::Silent, Some(source)) => Seen::Silent(source),
            _ => Seen::Open(screen.candidates().map(<[Candidate]>::to_vec)),
        }
    }
}

/// A reader with one way of reading, as the screen asks it.
#[derive(Debug)]
struct By<'a> {
    reader: &'a Reader,
    parser: &'a str,
}

impl Decoding for By<'_> {
    fn read(&self, record: &[u8]) -> Option<Event> {
        let bytes = Bytes::copy_from_slice(record);
        let record = Record { number: 1, parser: self.parser, bytes };
        let id = EventId::from_uuid(Uuid::nil());
        let event = self.reader.event(record, DateTime::UNIX_EPOCH, id)?;
        self.reader.decoder().reads_plainly(&event).then_some(event)
    }

    fn decides(&self, path: &str) -> Deciding {
        self.reader.decoder().deciding_part(path)
    }

    fn feeds(&self, event: &Event) -> Vec<(String, Attr)> {
        let feeds = self.reader.decoder().feeds(event);
        feeds.map(|(field, attr)| (field.to_owned(), attr)).collect()
    }

    fn is_blank(&self, text: &str) -> bool {
        Decoder::is_blank(text)
    }
}
