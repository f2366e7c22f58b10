//! Passes over the records that fire nothing without making events of them: most of any evidence.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use chrono::DateTime;
use decode::{Decoder, Part};
use detect::{Deciding, Decoding, RuleSet, Screen, Verdict};
use event::{Event, IdSource, LogSource};

use super::reading::{Reader, Record};

/// Screens of one thread, one for each way that records are read.
#[derive(Debug)]
pub(crate) struct Unread<'a> {
    reader: &'a Reader,
    rules: &'a Arc<RuleSet>,
    screens: HashMap<&'a str, Screen<By<'a>>>,
}

impl<'a> Unread<'a> {
    /// Returns screens that have seen nothing yet.
    pub(crate) fn new(reader: &'a Reader, rules: &'a Arc<RuleSet>) -> Self {
        Self { reader, rules, screens: HashMap::new() }
    }

    /// Returns the log source of a record that fires no rule; `None` where only reading it can tell.
    pub(crate) fn pass_over(&mut self, record: &Record<'a>) -> Option<&LogSource> {
        let Self { reader, rules, screens } = self;
        let screen = screens.entry(record.parser).or_insert_with(|| {
            Screen::new(Arc::clone(rules), By { reader, parser: record.parser })
        });
        match screen.judge(&record.bytes) {
            Verdict::Silent => screen.logsource(),
            Verdict::Open => None,
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
        let event = self.reader.event(record, DateTime::UNIX_EPOCH, &IdSource::seeded(0))?;
        self.reader.decoder().reads_plainly(&event).then_some(event)
    }

    fn decides(&self, path: &str) -> Deciding {
        match self.reader.decoder().deciding_part(path) {
            Part::Nothing => Deciding::Nothing,
            Part::Presence => Deciding::Presence,
            Part::Value => Deciding::Value,
            Part::Text { start, line } => Deciding::Text { start, line },
        }
    }

    fn is_blank(&self, text: &str) -> bool {
        Decoder::is_blank(text)
    }
}
