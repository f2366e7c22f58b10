//! All texts that one program looks for in one field, found in one pass.
//!
//! Whole values stand in a hash table, everything else in one Aho-Corasick automaton over folded
//! text; where the hit stands decides between *begins with*, *ends with* and *contains*. Texts that
//! regard case have the same again over the value as it came.

use ahash::AHashMap;
use aho_corasick::{AhoCorasick, MatchKind};

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
    whole: AHashMap<Box<str>, usize>,
    whole_bytes_max: usize,
    /// One, unless the texts are too many for one; each with the place of its first text.
    automata: Vec<(usize, AhoCorasick)>,
    places: Vec<Places>,
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
pub(super) type Wanted<'t> = (Stand, &'t str, usize);

impl TextProgram {
    /// Builds the program of these texts.
    pub(super) fn build(texts: &[Wanted<'_>]) -> Self {
        let mut program = Self::default();
        let mut index: AHashMap<&str, usize> = AHashMap::new();
        let mut literals: Vec<&str> = Vec::new();
        for (stand, text, leaf) in texts {
            match stand {
                Stand::Whole => {
                    program.whole.insert((*text).into(), *leaf);
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
                literals.push(text);
                program.places.push(Places::default());
                literals.len().saturating_sub(1)
            });
            let Some(places) = program.places.get_mut(number) else { continue };
            match stand {
                Stand::Start => places.start = Some(*leaf),
                Stand::End => places.end = Some(*leaf),
                _ => places.anywhere = Some(*leaf),
            }
        }
        program.add_automaton(0, &literals);
        program
    }

    /// Adds an automaton over the texts from `first` on; two over the halves where one would be too
    /// large, so that no rule is ever left out.
    fn add_automaton(&mut self, first: usize, literals: &[&str]) {
        if literals.is_empty() {
            return;
        }
        if let Ok(automaton) =
            AhoCorasick::builder().match_kind(MatchKind::Standard).build(literals)
        {
            self.automata.push((first, automaton));
        } else {
            let half = literals.len().div_ceil(2);
            let (left, right) = literals.split_at_checked(half).unwrap_or((literals, &[]));
            self.add_automaton(first, left);
            self.add_automaton(first.saturating_add(half), right);
        }
    }

    /// Returns whether nothing is looked for.
    pub(super) fn is_empty(&self) -> bool {
        self.whole.is_empty() && self.automata.is_empty() && self.any.is_none()
    }

    /// Calls `hit` with every leaf that the value answers with yes, some perhaps more than once.
    pub(super) fn scan(&self, value: &str, mut hit: impl FnMut(usize)) {
        if let Some(leaf) = self.any {
            hit(leaf);
        }
        if value.len() <= self.whole_bytes_max
            && let Some(leaf) = self.whole.get(value)
        {
            hit(*leaf);
        }
        for (first, automaton) in &self.automata {
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
