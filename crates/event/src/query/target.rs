//! Which value a field's name means: one rule for the matcher, the lake and the screens.

use std::borrow::Cow;

use crate::{Attr, Event, Note, Value};

/// A name for something that every event has beside its attributes and fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Builtin {
    /// The event's own id.
    EventId,
    /// The agency it belongs to.
    AgencyId,
    /// The information system.
    SystemId,
    /// The log source.
    SourceId,
    /// The OCSF class, as its word.
    Class,
    /// Which reader read it.
    Parser,
    /// Sigma's `logsource.product`.
    LogProduct,
    /// Sigma's `logsource.category`.
    LogCategory,
    /// Sigma's `logsource.service`.
    LogService,
    /// How far the time can be trusted, as its word.
    TimeQuality,
    /// The codes of what the decoder noted about it.
    EventNote,
}

impl Builtin {
    /// All built-in names.
    pub const ALL: [Self; 11] = [
        Self::EventId,
        Self::AgencyId,
        Self::SystemId,
        Self::SourceId,
        Self::Class,
        Self::Parser,
        Self::LogProduct,
        Self::LogCategory,
        Self::LogService,
        Self::TimeQuality,
        Self::EventNote,
    ];

    /// Returns the name that people type.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EventId => "event_id",
            Self::AgencyId => "agency_id",
            Self::SystemId => "system_id",
            Self::SourceId => "source_id",
            Self::Class => "class",
            Self::Parser => "parser",
            Self::LogProduct => "logsource.product",
            Self::LogCategory => "logsource.category",
            Self::LogService => "logsource.service",
            Self::TimeQuality => "time_quality",
            Self::EventNote => "event_note",
        }
    }

    /// Returns the built-in that a name means.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|builtin| builtin.name() == name)
    }

    /// Returns the event's value.
    pub fn value(self, event: &Event) -> Option<Value> {
        match self {
            Self::EventId => Some(Value::Text(event.id.to_string())),
            Self::AgencyId => Some(Value::Text(event.origin.agency.to_string())),
            Self::SystemId => event.origin.system.map(|id| Value::Text(id.to_string())),
            Self::SourceId => Some(Value::Text(event.origin.source.to_string())),
            Self::Class => Some(Value::Text(event.class.word().to_owned())),
            Self::Parser => Some(Value::Text(event.parser.to_string())),
            Self::LogProduct => event.logsource.product.as_deref().map(Value::from),
            Self::LogCategory => event.logsource.category.as_deref().map(Value::from),
            Self::LogService => event.logsource.service.as_deref().map(Value::from),
            Self::TimeQuality => Some(Value::from(event.time_quality.word())),
            Self::EventNote => codes_of(&event.notes),
        }
    }
}

/// Returns the codes of an event's notes as the value of its field, each once.
pub fn codes_of(notes: &[Note]) -> Option<Value> {
    let mut codes: Vec<Value> = Vec::new();
    for note in notes {
        let code = Value::from(note.code.as_ref());
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    if codes.len() > 1 { Some(Value::List(codes)) } else { codes.pop() }
}

/// What a name means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// Something every event has.
    Builtin(Builtin),
    /// An attribute; where the event lacks it, its own field of the name as typed.
    Attr(Attr, &'a str),
    /// The source's own field.
    Own(&'a str),
}

impl<'a> Target<'a> {
    /// Returns what a name means.
    pub fn of(name: &'a str) -> Self {
        match (Builtin::from_name(name), Attr::from_name(name)) {
            (Some(builtin), _) => Self::Builtin(builtin),
            (None, Some(attr)) => Self::Attr(attr, name),
            (None, None) => Self::Own(name),
        }
    }
}

/// Returns the value that a query's field name means in an event.
///
/// Unlike [`Event::get`], which serves rules written against one source, an attribute's name means
/// the attribute first: a search runs over all sources at once.
pub fn resolve<'a>(event: &'a Event, name: &str) -> Option<Cow<'a, Value>> {
    match Target::of(name) {
        Target::Builtin(builtin) => builtin.value(event).map(Cow::Owned),
        Target::Attr(attr, name) => {
            event.attrs.get(attr).or_else(|| event.fields.get(name)).map(Cow::Borrowed)
        }
        Target::Own(name) => event.fields.get(name).map(Cow::Borrowed),
    }
}
