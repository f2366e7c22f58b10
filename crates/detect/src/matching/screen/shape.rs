//! The shapes of JSON records seen so far, as a tree: a step per key, so that telling the shape of a
//! record costs one comparison per key and no hash. What key comes next is known from the records
//! before, so most keys are not even read.
//!
//! Bounded: where the tree may not grow any further, a record has no shape and is read whole.

use ahash::AHashMap;
use event::{Deciding, JsonMarks};
use memchr::memmem;

use super::plan::Plan;
use super::record::{Cursor, Kind, Raw, Span};
use super::{Decoding, LETTERS_OF_NO_BLANK, Part};

/// Most steps of the tree. Real logs need some thousands.
const STEPS_MAX: usize = 200_000;

/// Most bytes of the keys of all steps, so that long invented keys cannot fill the memory.
const KEY_BYTES_MAX: usize = 16 << 20;

/// Most ways on from one step, so that invented keys cannot make a step slow.
const WAYS_MAX: usize = 64;

/// Most plans of all shapes.
const PLANS_MAX: usize = 16_384;

/// Most plans of one shape, so that a value wrongly held to decide cannot fill the room of others.
const PLANS_OF_SHAPE_MAX: usize = 256;

/// Longer texts than this do not decide how a record is read.
const DECIDING_BYTES_MAX: usize = 256;

/// Deepest nesting; the decoder's own limit is higher.
const DEPTH_MAX: u8 = 16;

/// The tree.
#[derive(Debug)]
pub(super) struct Shapes {
    steps: Vec<Step>,
    /// The bytes of their keys.
    key_bytes: usize,
    plans: usize,
    /// Room to write the text of a deciding value in.
    room: String,
}

/// One key with the kind of its value. Each thread has thousands of these: they are kept small.
#[derive(Debug)]
struct Step {
    /// The key in its quotes, the colon behind it and, before a text, the opening quote: as records without
    /// blanks have it.
    start: Box<str>,
    key_bytes: usize,
    kind: Kind,
    /// How many objects are open around the key.
    depth: u8,
    /// The step before, for names and for learning; before the first is itself.
    before: usize,
    /// What of the value decides how the decoder reads the record, if anything does.
    decides: Option<Box<Deciding>>,
    ways: Vec<Way>,
    ends: Option<Box<Ends>>,
}

/// The step before all keys.
const FIRST: usize = 0;

/// A way on from a step. Of most it shows here already that the next key is another: their steps are not touched.
#[derive(Debug)]
struct Way {
    step: usize,
    depth: u8,
    head_bytes: u8,
    /// The beginning of the step's start.
    head: [u8; HEAD_BYTES],
}

/// Bytes of a way's head, so that two ways share a line of the processor's cache.
const HEAD_BYTES: usize = 22;

/// What was learnt of records that end at a step, by their deciding values; `None`: read whole. Plans are
/// boxed: mostly there is one, and the map has room for four.
type Ends = AHashMap<Box<[u8]>, Option<Box<Plan>>>;

/// What is known of records of one shape with the same deciding values.
#[derive(Debug)]
pub(super) enum Learnt<'s> {
    Nothing,
    ReadWhole,
    Plan(&'s Plan),
}

/// Where a record's shape led, and where its values stand.
#[derive(Debug, Default)]
pub(super) struct Walk {
    pub(super) marks: JsonMarks,
    /// The values that are no objects, in order.
    pub(super) values: Vec<Span>,
    /// The deciding values.
    pub(super) deciding: Vec<u8>,
}

/// A value of a record, as learning needs it.
#[derive(Debug)]
pub(super) struct Place {
    /// In its quotes.
    pub(super) key: Box<str>,
    pub(super) kind: Kind,
    pub(super) depth: usize,
    pub(super) decides: Deciding,
}

impl Default for Shapes {
    fn default() -> Self {
        let root = Step {
            start: Box::default(),
            key_bytes: 0,
            kind: Kind::Null,
            depth: 0,
            before: FIRST,
            decides: None,
            ways: Vec::new(),
            ends: None,
        };
        Self { steps: vec![root], key_bytes: 0, plans: 0, room: String::new() }
    }
}

impl Shapes {
    /// Walks a record whose marks were read; returns the step it ends at, or `None` for a record without a
    /// shape.
    pub(super) fn walk(
        &mut self,
        record: &str,
        decoding: &dyn Decoding,
        walk: &mut Walk,
    ) -> Option<usize> {
        let Walk { marks, values, deciding } = walk;
        values.clear();
        deciding.clear();
        let mut cursor = Cursor::new(record, marks, 0);
        let (mut step, mut depth) = (FIRST, 0_u8);
        let mut may_close = cursor.take(b'{').then_some(true)?;
        loop {
            cursor.blanks();
            if !(may_close && cursor.take(b'}')) {
                let span;
                (step, span) = self.step_on(step, &mut cursor, depth, decoding)?;
                if span.kind == Kind::Object {
                    depth = depth.checked_add(1).filter(|depth| *depth <= DEPTH_MAX)?;
                    may_close = true;
                    continue;
                }
                values.push(span);
                if let Some(decides) = &self.steps.get(step)?.decides {
                    decide(**decides, span, record, decoding, &mut self.room, deciding)?;
                }
            } else if depth == 0 {
                cursor.blanks();
                return cursor.is_at_end().then_some(step);
            } else {
                depth = depth.checked_sub(1)?;
            }
            // The next key, or the end of as many objects as end here.
            loop {
                cursor.blanks();
                if cursor.take(b',') {
                    may_close = false;
                    break;
                }
                cursor.take(b'}').then_some(())?;
                if depth == 0 {
                    cursor.blanks();
                    return cursor.is_at_end().then_some(step);
                }
                depth = depth.checked_sub(1)?;
            }
        }
    }

    /// Takes one step over a key and its value, a new one if there is room.
    fn step_on(
        &mut self,
        from: usize,
        cursor: &mut Cursor<'_>,
        depth: u8,
        decoding: &dyn Decoding,
    ) -> Option<(usize, Span)> {
        let ways = &self.steps.get(from)?.ways;
        let step_of = |way: &Way| self.steps.get(way.step);
        let comes = |way: &Way| way.comes(cursor, depth);
        let found = ways.iter().enumerate().filter(|(_, way)| comes(way)).find_map(|(at, way)| {
            let step = step_of(way)?;
            let is_whole = step.start.len() <= HEAD_BYTES || cursor.comes(step.start.as_bytes());
            is_whole.then_some((at, way.step, step))
        });
        let (key, span) = if let Some((at, number, step)) = found {
            let (key, span) = cursor.known(step.key_bytes, step.start.len(), step.kind)?;
            if step.kind == span.kind {
                self.take_first(from, at);
                return Some((number, span));
            }
            (key, span)
        } else {
            let key = cursor.key()?;
            cursor.colon()?;
            (key, cursor.value()?)
        };
        let is = |way: &Way| {
            step_of(way).is_some_and(|step| {
                step.kind == span.kind && step.depth == depth && step.key() == key
            })
        };
        if let Some(at) = ways.iter().position(is) {
            let number = ways.get(at)?.step;
            self.take_first(from, at);
            return Some((number, span));
        }
        let key_bytes = self.key_bytes.saturating_add(key.len());
        if ways.len() >= WAYS_MAX || self.steps.len() >= STEPS_MAX || key_bytes > KEY_BYTES_MAX {
            return None;
        }
        self.key_bytes = key_bytes;
        Some((self.new_step(from, key, span.kind, depth, decoding)?, span))
    }

    /// Puts a way on from a step before the others: records of one kind often follow each other.
    #[inline]
    fn take_first(&mut self, from: usize, at: usize) {
        if at > 0
            && let Some(step) = self.steps.get_mut(from)
        {
            step.ways.swap(0, at);
        }
    }

    #[cold]
    fn new_step(
        &mut self,
        from: usize,
        key: &str,
        kind: Kind,
        depth: u8,
        decoding: &dyn Decoding,
    ) -> Option<usize> {
        let decides = match kind {
            Kind::Object => Deciding::Nothing,
            _ => decoding.decides(&self.path(from, key, depth)),
        };
        let decides = (decides != Deciding::Nothing).then(|| Box::new(decides));
        let number = self.steps.len();
        let quote = if kind == Kind::Text { "\"" } else { "" };
        let start = format!("{key}:{quote}");
        let way = Way::new(number, depth, start.as_bytes())?;
        self.steps.push(Step {
            start: start.into(),
            key_bytes: key.len(),
            kind,
            depth,
            before: from,
            decides,
            ways: Vec::new(),
            ends: None,
        });
        let ways = &mut self.steps.get_mut(from)?.ways;
        if ways.is_empty() {
            // Most steps have one way on; without this there would be room for four.
            ways.reserve_exact(1);
        }
        ways.push(way);
        Some(number)
    }

    /// Returns the path of a key after a step: the keys of the objects around it and its own, joined by
    /// dots.
    fn path(&self, from: usize, key: &str, mut depth: u8) -> String {
        let mut keys = vec![name(key)];
        for step in self.back_from(from) {
            if step.depth < depth && step.kind == Kind::Object {
                keys.push(name(step.key()));
                depth = step.depth;
            }
        }
        keys.reverse();
        keys.join(".")
    }

    /// Returns a step and all before it, but for the first.
    fn back_from(&self, step: usize) -> impl Iterator<Item = &Step> {
        let at = |number: usize| self.steps.get(number).filter(|_| number != FIRST);
        std::iter::successors(at(step), move |step| at(step.before))
    }

    /// Returns what was learnt of a shape with these deciding values.
    pub(super) fn plan(&self, end: usize, deciding: &[u8]) -> Learnt<'_> {
        let ends = self.steps.get(end).and_then(|step| step.ends.as_deref());
        match ends.and_then(|ends| ends.get(deciding)) {
            None => Learnt::Nothing,
            Some(None) => Learnt::ReadWhole,
            Some(Some(plan)) => Learnt::Plan(plan),
        }
    }

    /// Returns whether there is room to learn more of the shape that ends at a step.
    pub(super) fn has_room_at(&self, end: usize) -> bool {
        let own =
            self.steps.get(end).and_then(|step| step.ends.as_ref()).map_or(0, |own| own.len());
        self.plans < PLANS_MAX && own < PLANS_OF_SHAPE_MAX
    }

    /// Keeps what was learnt.
    pub(super) fn learn(&mut self, end: usize, deciding: &[u8], plan: Option<Plan>) {
        if let Some(step) = self.steps.get_mut(end) {
            let plan = plan.map(Box::new);
            step.ends.get_or_insert_default().insert(deciding.into(), plan);
            self.plans = self.plans.saturating_add(1);
        }
    }

    /// Returns the steps of a shape in order, objects included.
    pub(super) fn places(&self, end: usize) -> Vec<Place> {
        let place = |step: &Step| Place {
            key: step.key().into(),
            kind: step.kind,
            depth: usize::from(step.depth),
            decides: step.decides.as_deref().copied().unwrap_or(Deciding::Nothing),
        };
        let mut places: Vec<Place> = self.back_from(end).map(place).collect();
        places.reverse();
        places
    }
}

impl Step {
    /// Returns the key in its quotes.
    fn key(&self) -> &str {
        self.start.get(..self.key_bytes).unwrap_or_default()
    }
}

impl Way {
    fn new(step: usize, depth: u8, start: &[u8]) -> Option<Self> {
        let mut head = [0; HEAD_BYTES];
        let own = head.iter_mut().zip(start).map(|(own, byte)| *own = *byte).count();
        Some(Self { step, depth, head_bytes: u8::try_from(own).ok()?, head })
    }

    /// Returns whether the next key may be the one of its step.
    #[inline]
    fn comes(&self, cursor: &Cursor<'_>, depth: u8) -> bool {
        let head = self.head.get(..usize::from(self.head_bytes));
        self.depth == depth && head.is_some_and(|head| cursor.comes(head))
    }
}

/// Returns the name in a quoted key.
fn name(key: &str) -> &str {
    key.trim_matches('"')
}

/// Adds what of a value decides; `None` if it cannot decide as it is.
fn decide(
    decides: Deciding,
    span: Span,
    record: &str,
    decoding: &dyn Decoding,
    room: &mut String,
    out: &mut Vec<u8>,
) -> Option<()> {
    match span.kind {
        Kind::Text => {
            let raw = span.raw(record)?;
            if !surely_undecided(decides, raw) {
                let (part, is_whole) = match super::part_of(decides, raw.text(room)?, decoding) {
                    Part::Whole(text) => (text, true),
                    Part::Line(line) => (line, false),
                };
                if part.len() > DECIDING_BYTES_MAX {
                    return None;
                }
                out.extend_from_slice(part.as_bytes());
                // A value that is empty is not one of which nothing decides.
                out.extend(is_whole.then_some(0xfe));
            }
        }
        Kind::Int => out.extend_from_slice(span.raw(record)?.written.as_bytes()),
        Kind::Float | Kind::Bool(_) | Kind::Null => {}
        // A list where one value should decide: nothing here is plain.
        Kind::Array(_) | Kind::Object => return None,
    }
    out.push(0xff);
    Some(())
}

/// Returns whether it shows without reading a long text that no part of it decides.
fn surely_undecided(decides: Deciding, raw: Raw<'_>) -> bool {
    let Deciding::Text { starts, line } = decides else { return false };
    let bytes = raw.written.as_bytes();
    let Some(first) = bytes.first() else { return false };
    let begins_otherwise = first.is_ascii_graphic()
        && *first != b'\\'
        && !starts.iter().any(|start| start.starts_with(char::from(*first)));
    // Written as numbers, any letter could be in it.
    begins_otherwise
        && !may_be_blank(bytes)
        && memmem::find(bytes, line.as_bytes()).is_none()
        && (!raw.is_escaped || memmem::find(bytes, br"\u").is_none())
}

/// Returns whether a text, which has no characters written as numbers, may count as no value. Letters of escapes are
/// none of the text's.
fn may_be_blank(bytes: &[u8]) -> bool {
    let is_letter = |[before, own]: &&[u8; 2]| *before != b'\\' && own.is_ascii_alphanumeric();
    bytes.array_windows().filter(is_letter).take(LETTERS_OF_NO_BLANK).count() < LETTERS_OF_NO_BLANK
}
