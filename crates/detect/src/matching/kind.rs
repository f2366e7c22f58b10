//! What kind an event is: its log source and the values of a few deciding fields, which most rules
//! for one log source ask about and few events differ in. All questions about them are answered once
//! per kind instead of once per event.

use event::{Event, LogSource, Value};

use super::leaf::{Leaves, Test};
use super::text_program::{TextProgram, Wanted};
use crate::taxonomy;

/// The deciding fields: what Windows calls the kind of an event. A list in one of them decides nothing.
pub(super) const DECIDING: [&str; 3] = ["EventID", "Channel", "Provider_Name"];

/// A longer value decides nothing: no real one is, and kinds are kept.
const VALUE_BYTES_MAX: usize = 128;

/// A deciding field with all that rules ask about it.
#[derive(Debug)]
pub(super) struct Decider {
    /// The field's number.
    pub(super) field: usize,
    name: &'static str,
    folded: TextProgram,
    cased: TextProgram,
    /// Every leaf that the field decides, rising.
    leaves: Vec<usize>,
}

impl Decider {
    /// Returns the deciding fields that some rule asks about.
    pub(super) fn of(leaves: &Leaves) -> Vec<Self> {
        let numbered = DECIDING.into_iter().filter_map(|name| Some((name, leaves.field(name)?)));
        numbered.map(|(name, field)| Self::new(name, field, leaves)).collect()
    }

    fn new(name: &'static str, field: usize, leaves: &Leaves) -> Self {
        let (mut folded, mut cased): (Vec<Wanted<'_>>, Vec<Wanted<'_>>) = Default::default();
        let mut own = Vec::new();
        for (id, leaf) in leaves.about(field) {
            match &leaf.test {
                Test::Text { text, stand, cased: is_cased } => {
                    let texts = if *is_cased { &mut cased } else { &mut folded };
                    texts.push((*stand, text, id));
                }
                // Rare enough to stay a question to each event.
                Test::Late(_) => continue,
            }
            own.push(id);
        }
        Self {
            field,
            name,
            folded: TextProgram::build(&folded, false, leaves.rarity()),
            cased: TextProgram::build(&cased, true, leaves.rarity()),
            leaves: own,
        }
    }

    /// Returns whether the field answers this leaf.
    pub(super) fn decides(&self, leaf: usize) -> bool {
        self.leaves.binary_search(&leaf).is_ok()
    }

    /// Writes the field's value as part of an event's kind.
    pub(super) fn write(&self, kind: &mut Vec<u8>, event: &Event) {
        match taxonomy::field(event, self.name) {
            None => kind.push(0),
            Some(Value::Null) => kind.push(1),
            Some(Value::Text(text)) if text.len() <= VALUE_BYTES_MAX => {
                kind.push(2);
                kind.extend_from_slice(text.as_bytes());
                kind.push(0xff);
            }
            Some(Value::Int(number)) => {
                kind.push(3);
                kind.extend_from_slice(&number.to_le_bytes());
            }
            Some(_) => kind.push(4),
        }
    }

    /// Notes itself if the event's value decides, and the leaves that it answers with yes.
    pub(super) fn decide<'d>(
        &'d self,
        event: &Event,
        decided: &mut Vec<&'d Self>,
        holding: &mut Vec<usize>,
    ) {
        let value = taxonomy::field(event, self.name);
        let text = match value {
            None | Some(Value::Null) => None,
            Some(Value::Text(text)) if text.len() <= VALUE_BYTES_MAX => Some(text.clone()),
            Some(Value::Int(number)) => Some(number.to_string()),
            Some(_) => return,
        };
        decided.push(self);
        if let Some(text) = text {
            let mut folded = String::new();
            self.folded.scan(&text, &mut folded, |leaf| holding.push(leaf));
            self.cased.scan(&text, &mut folded, |leaf| holding.push(leaf));
        }
        holding.dedup();
    }
}

/// Writes a log source as part of an event's kind.
pub(super) fn write(kind: &mut Vec<u8>, logsource: &LogSource) {
    for word in [&logsource.product, &logsource.category, &logsource.service] {
        kind.extend_from_slice(word.as_deref().unwrap_or_default().as_bytes());
        kind.push(0xff);
    }
}
