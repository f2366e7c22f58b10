//! An event of which each text is folded once, however many patterns are held against it: a rule that
//! fires may list hundreds.

use std::cell::RefCell;

use ahash::AHashMap;
use event::{Event, Value};

use crate::letter_case::fold;
use crate::pattern::Pattern;
use crate::reference::Sight;
use crate::test_value;

/// The event with what was folded of it so far.
#[derive(Debug)]
pub(super) struct Folded<'e> {
    event: &'e Event,
    /// By where the value stands in memory: the event holds it all the while.
    texts: RefCell<AHashMap<usize, String>>,
}

impl<'e> Folded<'e> {
    pub(super) fn new(event: &'e Event) -> Self {
        Self { event, texts: RefCell::default() }
    }
}

impl Sight for Folded<'_> {
    fn event(&self) -> &Event {
        self.event
    }

    fn meets(&self, pattern: &Pattern, value: &Value) -> bool {
        let Some(text) = test_value::text(value) else { return false };
        if pattern.cased() {
            return pattern.matches_folded(&text);
        }
        let mut texts = self.texts.borrow_mut();
        let place = std::ptr::from_ref(value).addr();
        pattern.matches_folded(texts.entry(place).or_insert_with(|| fold(&text)))
    }
}
