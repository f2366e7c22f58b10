//! All texts that one program looks for in one field, found in one pass.
//!
//! Whole values stand in a hash table, everything else in one Aho-Corasick automaton; where the hit
//! stands decides between *begins with*, *ends with* and *contains*. Texts that regard case have a
//! program of their own. The automaton is made when the first value is scanned: in a short hunt most
//! fields of most kinds never have one.

use std::sync::{Arc, OnceLock};

use ahash::AHashMap;
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use crate::letter_case::fold_into;

/// Up to this many bytes of text an automaton is a table, which is several times faster and takes up
/// to 256 times their room.
const TABLE_BYTES_MAX: usize = 8 * 1024;

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

/// The texts looked for, with the leaves each of them is.
#[derive(Debug, Default)]
pub(super) struct TextProgram {
    cased: bool,
    /// Nothing is found in a shorter value.
    bytes_min: usize,
    whole: AHashMap<Arc<str>, usize>,
    whole_bytes_max: usize,
    /// The texts of the automata, each with its places.
    literals: Vec<Arc<str>>,
    places: Vec<Places>,
    /// One, unless the texts are too many for one; each with the place of its first text.
    automata: OnceLock<Vec<(usize, AhoCorasick)>>,
    any: Option<usize>,
}

/// The leaves of one text, by where it must stand.
#[derive(Debug, Default, Clone, Copy)]
struct Places {
    start: Option<usize>,
    end: Option<usize>,
    anywhere: Option<usize>,
}

/// A text, where it must stand, and the leaf it is.
pub(super) type Wanted<'t> = (Stand, &'t Arc<str>, usize);

impl TextProgram {
    /// Builds the program of these texts: folded, unless they regard case.
    pub(super) fn build(texts: &[Wanted<'_>], cased: bool) -> Self {
        let mut program = Self { cased, bytes_min: usize::MAX, ..Self::default() };
        let mut index: AHashMap<&Arc<str>, usize> = AHashMap::new();
        for (stand, text, leaf) in texts {
            program.bytes_min = program.bytes_min.min(text.len());
            match stand {
                Stand::Whole => {
                    program.whole.insert(Arc::clone(text), *leaf);
                    program.whole_bytes_max = program.whole_bytes_max.max(text.len());
                    continue;
                }
                Stand::Any => {
                    program.any = Some(*leaf);
                    continue;
                }
                Stand::Start | Stand::End | Stand::Anywhere => {}
            }
            let number = *index.entry(text).or_insert_with(|| {
                program.literals.push(Arc::clone(text));
                program.places.push(Places::default());
                program.places.len().saturating_sub(1)
            });
            let Some(places) = program.places.get_mut(number) else { continue };
            match stand {
                Stand::Start => places.start = Some(*leaf),
                Stand::End => places.end = Some(*leaf),
                _ => places.anywhere = Some(*leaf),
            }
        }
        program
    }

    /// Adds an automaton over the texts from `first` on; two over the halves where one would be too
    /// large, so that no rule is ever left out.
    fn add_automaton(
        &self,
        automata: &mut Vec<(usize, AhoCorasick)>,
        first: usize,
        literals: &[Arc<str>],
    ) {
        if literals.is_empty() {
            return;
        }
        let bytes: usize = literals.iter().map(|text| text.len()).sum();
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .ascii_case_insensitive(!self.cased)
            .kind((bytes <= TABLE_BYTES_MAX).then_some(AhoCorasickKind::DFA))
            .build(literals.iter().map(|text| text.as_bytes()));
        if let Ok(automaton) = automaton {
            automata.push((first, automaton));
        } else {
            let half = literals.len().div_ceil(2);
            let (left, right) = literals.split_at_checked(half).unwrap_or((literals, &[]));
            self.add_automaton(automata, first, left);
            self.add_automaton(automata, first.saturating_add(half), right);
        }
    }

    fn automata(&self) -> &[(usize, AhoCorasick)] {
        self.automata.get_or_init(|| {
            let mut automata = Vec::new();
            self.add_automaton(&mut automata, 0, &self.literals);
            automata
        })
    }

    /// Returns whether nothing is looked for.
    pub(super) fn is_empty(&self) -> bool {
        self.whole.is_empty() && self.literals.is_empty() && self.any.is_none()
    }

    /// Calls `hit` with every leaf that the value answers with yes, some perhaps more than once.
    /// `folded` is only room to fold in.
    pub(super) fn scan(&self, value: &str, folded: &mut String, mut hit: impl FnMut(usize)) {
        if let Some(leaf) = self.any {
            hit(leaf);
        }
        // Case folding may shorten a text, but an ASCII text never.
        let is_ascii = value.is_ascii();
        if self.is_empty() || (is_ascii && value.len() < self.bytes_min) {
            return;
        }
        let may_be_whole =
            !self.whole.is_empty() && (value.len() <= self.whole_bytes_max || !is_ascii);
        // The automata see through ASCII case themselves.
        if self.cased || (is_ascii && !may_be_whole) {
            self.scan_as_it_is(value, hit);
        } else {
            fold_into(value, folded);
            self.scan_as_it_is(folded, hit);
        }
    }

    fn scan_as_it_is(&self, value: &str, mut hit: impl FnMut(usize)) {
        if value.len() <= self.whole_bytes_max
            && let Some(leaf) = self.whole.get(value)
        {
            hit(*leaf);
        }
        for (first, automaton) in self.automata() {
            for found in automaton.find_overlapping_iter(value) {
                let number = first.saturating_add(found.pattern().as_usize());
                let Some(places) = self.places.get(number) else { continue };
                if let Some(leaf) = places.anywhere {
                    hit(leaf);
                }
                if let Some(leaf) = places.start
                    && found.start() == 0
                {
                    hit(leaf);
                }
                if let Some(leaf) = places.end
                    && found.end() == value.len()
                {
                    hit(leaf);
                }
            }
        }
    }
}
