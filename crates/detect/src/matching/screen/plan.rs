//! How to judge records of one shape: which value goes to which slot of which program, and all that
//! is the same for every record of the shape.

use std::sync::Arc;

use event::{Attr, LogSource, Value};

use super::layout::{Layout, Origin};
use super::looks::Looks;
use crate::matching::Matcher;
use crate::matching::leaf::KEYWORDS;
use crate::matching::program::Program;
use crate::matching::scratch::{Group, Scratch};

/// The plan of a shape.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) program: Arc<Program>,
    pub(super) logsource: Arc<LogSource>,
    /// Values to look at: the place in the record, and the slots of the program.
    pub(super) feeds: Box<[(usize, Group)]>,
    /// Slots of fields that every record of the shape has.
    pub(super) present: Vec<usize>,
    /// Slots of fields that only the decoder can tell.
    pub(super) open: Vec<usize>,
    /// Leaves that every record of the shape answers with yes.
    pub(super) seen: Vec<usize>,
    /// Where the values of fields come from, rising by the field's number; what is not here, no record
    /// of the shape has.
    origins: Vec<(usize, Origin)>,
    /// The fields that are objects in records of the shape: nothing has their name, but they are there.
    objects: Vec<usize>,
    /// Where indicators may stand.
    pub(super) looks: Looks,
}

impl Plan {
    /// Makes the plan of a layout.
    pub(super) fn new(
        layout: &Layout,
        looks: Looks,
        matcher: &Matcher,
        scratch: &mut Scratch,
    ) -> Self {
        let program = matcher.program_of(&layout.undecided(), scratch);
        let mut feeds: Vec<(usize, usize)> = Vec::new();
        let mut plan = Self {
            feeds: Box::default(),
            present: Vec::new(),
            open: Vec::new(),
            seen: Vec::new(),
            origins: Vec::new(),
            objects: Vec::new(),
            looks,
            logsource: Arc::new(layout.event.logsource.clone()),
            program,
        };
        plan.set_origins(layout, matcher);
        let program = Arc::clone(&plan.program);
        for (field, slot) in program.fields() {
            match plan.origin(field).cloned() {
                None => {}
                Some(Origin::Open) => plan.open.push(slot),
                Some(Origin::Value(place)) => {
                    plan.present.push(slot);
                    if program.has_texts(slot) {
                        feeds.push((place, slot));
                    }
                }
                Some(Origin::Constant(value)) => {
                    plan.present.push(slot);
                    plan.always_holds(slot, &value);
                }
            }
        }
        if let Some(slot) = program.slot(KEYWORDS) {
            plan.set_keywords(slot, layout, &mut feeds);
        }
        feeds.sort_unstable();
        feeds.dedup();
        plan.feeds = feeds
            .chunk_by(|(one, _), (other, _)| one == other)
            .filter_map(|own| {
                let slots: Vec<usize> = own.iter().map(|(_, slot)| *slot).collect();
                own.first().map(|(place, _)| (*place, scratch.group(&program, &slots)))
            })
            .collect();
        plan.seen.sort_unstable();
        plan.seen.dedup();
        plan.shrink();
        plan
    }

    /// Gives back the room that lists grew into: each thread keeps thousands of plans.
    fn shrink(&mut self) {
        let Self { present, open, seen, origins, objects, looks, .. } = self;
        for numbers in [present, open, seen, objects] {
            numbers.shrink_to_fit();
        }
        origins.shrink_to_fit();
        looks.places.shrink_to_fit();
    }

    /// Returns where a field's value comes from; `None` for a field that no record of the shape has.
    pub(super) fn origin(&self, field: usize) -> Option<&Origin> {
        let at = self.origins.binary_search_by_key(&field, |(own, _)| *own).ok()?;
        self.origins.get(at).map(|(_, origin)| origin)
    }

    /// Returns whether the field is an object, which only the decoder can tell more of.
    pub(super) fn is_object(&self, field: usize) -> bool {
        self.objects.binary_search(&field).is_ok()
    }

    fn set_origin(&mut self, field: usize, origin: Origin) {
        match self.origins.binary_search_by_key(&field, |(own, _)| *own) {
            Ok(at) => {
                if let Some((_, own)) = self.origins.get_mut(at) {
                    *own = origin;
                }
            }
            Err(at) => self.origins.insert(at, (field, origin)),
        }
    }

    /// The event's own fields, and the attributes that stand in for fields it does not have.
    fn set_origins(&mut self, layout: &Layout, matcher: &Matcher) {
        for (attr, _) in layout.event.attrs.iter() {
            for field in matcher.aliases.get(&attr).into_iter().flatten() {
                self.set_origin(*field, Origin::Open);
            }
        }
        for (name, origin) in &layout.fields {
            if let Some(field) = matcher.leaves.field(name) {
                self.set_origin(field, origin.clone());
            }
        }
        // An object is there, though nothing has its name.
        for (name, _) in &layout.fields {
            let objects = name.match_indices('.').filter_map(|(at, _)| name.get(..at));
            for field in objects.filter_map(|object| matcher.leaves.field(object)) {
                self.objects.push(field);
            }
        }
        self.objects.sort_unstable();
        self.objects.dedup();
    }

    /// Keywords are looked for in every value.
    fn set_keywords(&mut self, slot: usize, layout: &Layout, feeds: &mut Vec<(usize, usize)>) {
        let mut is_open = false;
        for (_, origin) in &layout.fields {
            match origin {
                Origin::Value(place) => feeds.push((*place, slot)),
                Origin::Constant(value) => self.always_holds(slot, value),
                Origin::Open => is_open = true,
            }
        }
        let is_field = |message: &Value| layout.event.fields.iter().any(|(_, own)| own == message);
        is_open |= layout.event.attrs.get(Attr::Message).is_some_and(|own| !is_field(own));
        let origin = if is_open { Origin::Open } else { Origin::Constant(Value::Null) };
        if is_open {
            self.open.push(slot);
        }
        self.set_origin(KEYWORDS, origin);
    }

    fn always_holds(&mut self, slot: usize, value: &Value) {
        let mut folded = String::new();
        for member in value.members() {
            if let Some(text) = crate::test_value::text(member) {
                self.program.scan(slot, &text, &mut folded, &mut self.seen);
            }
        }
    }
}
