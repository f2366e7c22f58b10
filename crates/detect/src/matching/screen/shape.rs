//! The shapes of JSON records seen so far, as a tree: a step per key and per array member, so that
//! telling the shape of a record costs one comparison per key and no hash.
//!
//! Bounded: where the tree may not grow any further, a record has no shape and is read whole.

use ahash::AHashMap;
use event::Deciding;
use simd_json::{Node, StaticNode};

use super::Decoding;
use super::plan::Plan;

/// Most steps of the tree. Real logs need some thousands.
const STEPS_MAX: usize = 200_000;

/// Most ways on from one step, so that invented keys cannot make a step slow.
const WAYS_MAX: usize = 64;

/// Most plans of all shapes.
const PLANS_MAX: usize = 16_384;

/// Most plans of one shape, so that a value wrongly held to decide cannot fill the room of others.
const PLANS_OF_SHAPE_MAX: usize = 256;

/// Longer texts than this do not decide how a record is read.
const DECIDING_BYTES_MAX: usize = 256;

/// Deepest nesting; the decoder's own limit is higher.
const DEPTH_MAX: usize = 16;

/// What a value is, as far as all records of a shape have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Int,
    Float,
    Bool(bool),
    Null,
    /// Empty, one member, or more; of texts and numbers only.
    Array(Members),
    Object(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Members {
    None,
    One,
    More,
}

/// The tree.
#[derive(Debug)]
pub(super) struct Shapes {
    steps: Vec<Step>,
    plans: usize,
}

/// One key with the kind of its value.
#[derive(Debug)]
struct Step {
    key: Box<str>,
    /// The keys of the objects around it and its own, joined by dots.
    path: Box<str>,
    kind: Kind,
    /// The step before, for names and for learning.
    before: Option<usize>,
    /// How many objects are open around the key.
    depth: usize,
    /// What of the value decides how the decoder reads the record.
    decides: Deciding,
    ways: Vec<usize>,
    /// What was learnt of records that end here, by their deciding values; `None`: read whole.
    ends: AHashMap<Box<[u8]>, Option<Plan>>,
}

/// Where a record's shape led, and where its values stand on the tape.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// Tape positions of the values that are no objects, in order.
    pub(super) values: Vec<usize>,
    /// The deciding values.
    pub(super) deciding: Vec<u8>,
    open: Vec<usize>,
}

/// A value of a record under its dotted name, as learning needs it.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) key: Box<str>,
    pub(super) kind: Kind,
    pub(super) depth: usize,
    pub(super) decides: Deciding,
}

impl Default for Shapes {
    fn default() -> Self {
        let root = Step {
            key: Box::default(),
            path: Box::default(),
            kind: Kind::Null,
            before: None,
            depth: 0,
            decides: Deciding::Nothing,
            ways: Vec::new(),
            ends: AHashMap::new(),
        };
        Self { steps: vec![root], plans: 0 }
    }
}

impl Shapes {
    /// Walks a record's tape; returns the step it ends at, or `None` for a record without a shape.
    pub(super) fn walk(
        &mut self,
        tape: &[Node<'_>],
        decoding: &dyn Decoding,
        walk: &mut Walk,
    ) -> Option<usize> {
        walk.values.clear();
        walk.deciding.clear();
        walk.open.clear();
        let Some(Node::Object { len, .. }) = tape.first() else { return None };
        let mut at = 1;
        let mut step = 0;
        let mut left = *len;
        loop {
            while left == 0 {
                let Some(outer) = walk.open.pop() else { return Some(step) };
                left = outer;
            }
            left = left.checked_sub(1)?;
            let Some(Node::String(key)) = tape.get(at) else { return None };
            at = at.checked_add(1)?;
            let node = tape.get(at)?;
            let kind = kind_of(node, tape, at)?;
            let depth = walk.open.len();
            step = self.step_on(step, key, kind, depth, decoding)?;
            if let Kind::Object(keys) = kind {
                if depth >= DEPTH_MAX {
                    return None;
                }
                walk.open.push(left);
                left = keys;
                at = at.checked_add(1)?;
                continue;
            }
            walk.values.push(at);
            decide(self.steps.get(step)?.decides, node, decoding, &mut walk.deciding)?;
            at = at.checked_add(match node {
                Node::Array { count, .. } => count.checked_add(1)?,
                _ => 1,
            })?;
        }
    }

    /// Takes one step, a new one if there is room.
    fn step_on(
        &mut self,
        from: usize,
        key: &str,
        kind: Kind,
        depth: usize,
        decoding: &dyn Decoding,
    ) -> Option<usize> {
        let ways = &self.steps.get(from)?.ways;
        for way in ways {
            let step = self.steps.get(*way)?;
            if *step.key == *key && step.kind == kind && step.depth == depth {
                return Some(*way);
            }
        }
        if ways.len() >= WAYS_MAX || self.steps.len() >= STEPS_MAX {
            return None;
        }
        let number = self.steps.len();
        let path = self.path(from, key, depth);
        let decides = match kind {
            Kind::Object(_) => Deciding::Nothing,
            _ => decoding.decides(&path),
        };
        self.steps.push(Step {
            key: key.into(),
            path,
            kind,
            before: Some(from),
            depth,
            decides,
            ways: Vec::new(),
            ends: AHashMap::new(),
        });
        self.steps.get_mut(from)?.ways.push(number);
        Some(number)
    }

    /// Returns the path of a key after a step.
    fn path(&self, from: usize, key: &str, depth: usize) -> Box<str> {
        let mut at = Some(from);
        while let Some(step) = at.and_then(|at| self.steps.get(at)) {
            if step.depth < depth && matches!(step.kind, Kind::Object(_)) {
                return format!("{}.{key}", step.path).into();
            }
            at = step.before;
        }
        key.into()
    }

    /// Returns whether a shape has been met with these deciding values.
    pub(super) fn knows(&self, end: usize, deciding: &[u8]) -> bool {
        self.steps.get(end).is_some_and(|step| step.ends.contains_key(deciding))
    }

    /// Returns what was learnt of a shape with these deciding values, if it can be judged at all.
    pub(super) fn plan(&self, end: usize, deciding: &[u8]) -> Option<&Plan> {
        self.steps.get(end)?.ends.get(deciding)?.as_ref()
    }

    /// Returns whether there is room to learn more of the shape that ends at a step.
    pub(super) fn has_room_at(&self, end: usize) -> bool {
        let own = self.steps.get(end).map_or(0, |step| step.ends.len());
        self.plans < PLANS_MAX && own < PLANS_OF_SHAPE_MAX
    }

    /// Keeps what was learnt.
    pub(super) fn learn(&mut self, end: usize, deciding: &[u8], plan: Option<Plan>) {
        if let Some(step) = self.steps.get_mut(end) {
            step.ends.insert(deciding.into(), plan);
            self.plans = self.plans.saturating_add(1);
        }
    }

    /// Returns the steps of a shape in order, objects included.
    pub(super) fn places(&self, end: usize) -> Vec<Place> {
        let mut places = Vec::new();
        let mut at = Some(end);
        while let Some(step) = at.and_then(|at| self.steps.get(at)) {
            at = step.before;
            if at.is_some() {
                let Step { key, kind, depth, decides, .. } = step;
                let key = key.clone();
                places.push(Place { key, kind: *kind, depth: *depth, decides: *decides });
            }
        }
        places.reverse();
        places
    }
}

/// Adds what of a value decides; `None` if it cannot decide as it is.
fn decide(
    decides: Deciding,
    node: &Node<'_>,
    decoding: &dyn Decoding,
    out: &mut Vec<u8>,
) -> Option<()> {
    if decides == Deciding::Nothing {
        return Some(());
    }
    match node {
        Node::String(text) => {
            let part = super::part_of(decides, text, decoding);
            if part.len() > DECIDING_BYTES_MAX {
                return None;
            }
            out.extend_from_slice(part.as_bytes());
        }
        Node::Static(StaticNode::I64(number)) => out.extend_from_slice(&number.to_le_bytes()),
        Node::Static(StaticNode::U64(number)) => out.extend_from_slice(&number.to_le_bytes()),
        Node::Static(_) => {}
        // A list where one value should decide: nothing here is plain.
        Node::Array { .. } | Node::Object { .. } => return None,
    }
    out.push(0xff);
    Some(())
}

fn kind_of(node: &Node<'_>, tape: &[Node<'_>], at: usize) -> Option<Kind> {
    Some(match node {
        Node::String(_) => Kind::Text,
        Node::Static(StaticNode::Null) => Kind::Null,
        Node::Static(StaticNode::Bool(value)) => Kind::Bool(*value),
        Node::Static(StaticNode::I64(_)) => Kind::Int,
        Node::Static(StaticNode::U64(number)) => i64::try_from(*number).ok().map(|_| Kind::Int)?,
        Node::Static(_) => Kind::Float,
        Node::Object { len, .. } => Kind::Object(*len),
        Node::Array { len, count } => {
            // Objects and arrays inside: not plain.
            let members = tape.get(at.checked_add(1)?..at.checked_add(1)?.checked_add(*count)?)?;
            let is_plain = |node: &Node<'_>| {
                matches!(
                    node,
                    Node::String(_) | Node::Static(StaticNode::I64(_) | StaticNode::U64(_))
                )
            };
            if len != count || !members.iter().all(is_plain) {
                return None;
            }
            Kind::Array(match len {
                0 => Members::None,
                1 => Members::One,
                _ => Members::More,
            })
        }
    })
}
