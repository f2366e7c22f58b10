//! All texts that one program looks for in one field.
//!
//! Whole values stand in a hash table, the beginnings and ends of values in rising order ([`edges`]),
//! everything else in tables of grams ([`grams`]), made when the first value is scanned: in a short hunt
//! most fields of most kinds never have one. Texts that regard case have a program of their own.
//!
//! [`edges`]: super::edges
//! [`grams`]: super::grams

use std::cell::{Cell, OnceCell};
use std::sync::{Arc, OnceLock};

use ahash::AHashMap;

use super::edges::{Edges, Side};
use super::grams::{Grams, Rarity};
use crate::letter_case::fold_into;

/// Where a text must stand in the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Stand {
    Whole,
    Start,
    End,
    Anywhere,
    /// Any text will do (`*`).
    Any,
}

impl Stand {
    /// Returns whether a text stands so in a value; both folded, or neither.
    pub(super) fn holds(self, text: &str, value: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Whole => value == text,
            Self::Start => value.starts_with(text),
            Self::End => value.ends_with(text),
            Self::Anywhere => memchr::memmem::find(value.as_bytes(), text.as_bytes()).is_some(),
        }
    }
}

/// The texts looked for, with the leaves each of them is.
#[derive(Debug, Default)]
pub(super) struct TextProgram {
    cased: bool,
    /// Nothing is found in a shorter value.
    bytes_min: usize,
    whole: AHashMap<Arc<str>, usize>,
    /// A bit for each length, in bytes, of a whole value that is looked for; the last for all longer.
    whole_lengths: u64,
    starts: Edges,
    ends: Edges,
    inside: Vec<(Arc<str>, usize)>,
    grams: OnceLock<Grams>,
    rarity: Arc<Rarity>,
    any: Vec<usize>,
}

/// A text, where it must stand, and the leaf it is.
pub(super) type Wanted<'t> = (Stand, &'t Arc<str>, usize);

impl TextProgram {
    /// Builds the program of these texts: folded, unless they regard case.
    pub(super) fn build(texts: &[Wanted<'_>], cased: bool, rarity: &Arc<Rarity>) -> Self {
        let mut program =
            Self { cased, bytes_min: usize::MAX, rarity: Arc::clone(rarity), ..Self::default() };
        let (mut starts, mut ends) = (Vec::new(), Vec::new());
        for (stand, text, leaf) in texts {
            program.bytes_min = program.bytes_min.min(text.len());
            let own = (Arc::clone(text), *leaf);
            match stand {
                Stand::Whole => {
                    program.whole_lengths |= length_bit(text.len());
                    program.whole.insert(own.0, *leaf);
                }
                Stand::Any => program.any.push(*leaf),
                _ if text.is_empty() => program.any.push(*leaf),
                Stand::Start => starts.push(own),
                Stand::End => ends.push(own),
                Stand::Anywhere => program.inside.push(own),
            }
        }
        program.starts = Edges::new(Side::Start, starts);
        program.ends = Edges::new(Side::End, ends);
        program
    }

    /// Returns whether nothing is looked for.
    pub(super) fn is_empty(&self) -> bool {
        self.whole.is_empty()
            && self.starts.len() == 0
            && self.ends.len() == 0
            && self.inside.is_empty()
            && self.any.is_empty()
    }

    /// Returns the bytes that an ASCII value must have for anything to be found in it.
    pub(super) const fn bytes_min(&self) -> usize {
        self.bytes_min
    }

    /// Returns whether a scan takes no longer than a look-up: it never walks the value.
    pub(super) fn is_cheap(&self) -> bool {
        /// A search among so many takes four comparisons.
        const EDGES_MAX: usize = 16;
        self.inside.is_empty() && self.starts.len().saturating_add(self.ends.len()) <= EDGES_MAX
    }

    /// Calls `hit` with every leaf that the value answers with yes, some perhaps more than once.
    /// `folded` is only room to fold in.
    pub(super) fn scan(&self, value: &str, folded: &mut String, mut hit: impl FnMut(usize)) {
        for leaf in &self.any {
            hit(*leaf);
        }
        // Case folding may shorten a text, but an ASCII text never.
        if self.is_empty() || (value.len() < self.bytes_min && value.is_ascii()) {
            return;
        }
        if self.cased {
            self.scan_folded(value, &Lazy::done(value), &mut hit);
        } else if value.is_ascii() {
            self.scan_folded(value, &Lazy::new(value, folded), &mut hit);
        } else {
            fold_into(value, folded);
            self.scan_folded(folded, &Lazy::done(folded), &mut hit);
        }
    }

    /// Looks through a value that differs from its folded form by the case of ASCII letters at most.
    fn scan_folded(&self, value: &str, folded: &Lazy<'_>, hit: &mut impl FnMut(usize)) {
        if self.whole_lengths & length_bit(value.len()) != 0
            && let Some(leaf) = self.whole.get(folded.text())
        {
            hit(*leaf);
        }
        let bytes = value.as_bytes();
        for edges in [&self.starts, &self.ends] {
            if edges.may_stand(bytes) {
                edges.scan(folded.text().as_bytes(), hit);
            }
        }
        if !self.inside.is_empty() {
            let grams = self.grams.get_or_init(|| Grams::new(&self.inside, &self.rarity));
            grams.scan(bytes, &self.inside, || folded.text().as_bytes(), hit);
        }
    }
}

/// A value's folded form, made when it is first asked for: most values hold nothing that would need it.
struct Lazy<'v> {
    text: OnceCell<&'v str>,
    value: &'v str,
    room: Cell<Option<&'v mut String>>,
}

impl<'v> Lazy<'v> {
    fn new(value: &'v str, room: &'v mut String) -> Self {
        Self { text: OnceCell::new(), value, room: Cell::new(Some(room)) }
    }

    /// Of what is folded already.
    fn done(folded: &'v str) -> Self {
        Self { text: OnceCell::from(folded), value: folded, room: Cell::new(None) }
    }

    #[inline]
    fn text(&self) -> &'v str {
        self.text.get_or_init(|| match self.room.take() {
            None => self.value,
            Some(room) => {
                fold_into(self.value, room);
                room
            }
        })
    }
}

fn length_bit(bytes: usize) -> u64 {
    1 << bytes.min(63)
}
