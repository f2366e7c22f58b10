//! What has been seen of the logs: one specimen for each kind of event, with every field that events
//! of this kind had.

use std::collections::BTreeMap;

use event::{Attr, Event, LogSource, SourceId};

/// Kinds of events that are kept apart. A Windows machine with everything on has about 1,500.
const KINDS_MAX: usize = 20_000;

/// Fields kept of one kind; JSON logs with free keys have no end.
const FIELDS_MAX: usize = 2_000;

/// Attributes that tell kinds of events apart: their value is the same in all events of a kind.
pub(super) const TELLING: [Attr; 3] = [Attr::Channel, Attr::Provider, Attr::EventCode];

/// What has been seen of the logs.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    kinds: Vec<SeenKind>,
    by_key: BTreeMap<Key, usize>,
}

type Words = [Option<String>; 3];
type Key = (SourceId, Words, Words);

/// One kind of event: what a log source sends under one log source of Sigma and one event number.
#[derive(Debug, Clone)]
pub struct SeenKind {
    /// Who sent it.
    pub source: SourceId,
    /// What Sigma calls it.
    pub logsource: LogSource,
    /// How many were seen.
    pub events: u64,
    /// An event of this kind that has every field that any of them had.
    pub(super) specimen: Event,
}

impl SeenKind {
    /// Returns the event's number or name in its product (Windows `EventID`).
    pub fn code(&self) -> Option<String> {
        self.specimen.attrs.get(Attr::EventCode).map(|code| code.text().into_owned())
    }

    /// Returns the channel it stood in.
    pub fn channel(&self) -> Option<&str> {
        self.specimen.attr_text(Attr::Channel)
    }
}

impl Seen {
    /// Takes in one event that stands for so many of its kind.
    pub fn add(&mut self, event: &Event, times: u64) {
        let key = key(event);
        if let Some(kind) = self.by_key.get(&key).and_then(|number| self.kinds.get_mut(*number)) {
            kind.events = kind.events.saturating_add(times);
            join(&mut kind.specimen, event);
        } else if self.kinds.len() < KINDS_MAX {
            self.by_key.insert(key, self.kinds.len());
            self.kinds.push(SeenKind {
                source: event.origin.source,
                logsource: event.logsource.clone(),
                events: times,
                specimen: Event { raw: String::new(), notes: Vec::new(), ..event.clone() },
            });
        }
    }

    /// Returns the kinds, in the order in which they were seen first.
    pub fn kinds(&self) -> &[SeenKind] {
        &self.kinds
    }
}

fn key(event: &Event) -> Key {
    let LogSource { product, category, service } = &event.logsource;
    let word = |word: &Option<event::Name>| word.as_deref().map(ToOwned::to_owned);
    let telling = TELLING.map(|attr| event.attrs.get(attr).map(|own| own.text().into_owned()));
    (event.origin.source, [word(product), word(category), word(service)], telling)
}

/// Adds the fields that the specimen lacks.
fn join(specimen: &mut Event, event: &Event) {
    for (name, value) in event.fields.iter() {
        if specimen.fields.len() < FIELDS_MAX && specimen.fields.get(name).is_none() {
            specimen.fields.set(name.to_owned(), value.clone());
        }
    }
    for (attr, value) in event.attrs.iter() {
        if specimen.attrs.get(attr).is_none() {
            specimen.attrs.set(attr, value.clone());
        }
    }
}
