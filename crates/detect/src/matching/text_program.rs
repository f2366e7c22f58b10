//! All texts that the rules of one log source look for in one field, found in one pass.
//!
//! Whole values stand in a hash table, everything else in one Aho-Corasick automaton over folded
//! text; where the hit stands decides between *begins with*, *ends with* and *contains*. Texts that
//! regard case have the same again over the value as it came.

use ahash::AHashMap;
use aho_corasick::{AhoCorasick, BuildError, MatchKind};

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

/// The texts looked for, with the atoms each of them is.
#[derive(Debug, Default)]
pub(super) struct TextProgram {
    whole: AHashMap<Box<str>, usize>,
    whole_bytes_max: usize,
    automaton: Option<AhoCorasick>,
    places: Vec<Places>,
    any: Option<usize>,
}

/// The atoms of one text, by where it must stand.
#[derive(Debug, Default, Clone, Copy)]
struct Places {
    start: Option<usize>,
    end: Option<usize>,
    anywhere: Option<usize>,
}

impl TextProgram {
    /// Builds the program of these texts, each with where it must stand and the atom it is.
    pub(super) fn build(texts: &[(Stand, &str, usize)]) -> Result<Self, BuildError> {
        let mut program = Self::default();
        let mut index: AHashMap<&str, usize> = AHashMap::new();
        let mut literals: Vec<&str> = Vec::new();
        for (stand, text, atom) in texts {
            match stand {
                Stand::Whole => {
                    program.whole.insert((*text).into(), *atom);
                    program.whole_bytes_max = program.whole_bytes_max.max(text.len());
                    continue;
                }
                Stand::Any => {
                    program.any = Some(*atom);
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
                Stand::Start => places.start = Some(*atom),
                Stand::End => places.end = Some(*atom),
                _ => places.anywhere = Some(*atom),
            }
        }
        if !literals.is_empty() {
            let automaton =
                AhoCorasick::builder().match_kind(MatchKind::Standard).build(&literals)?;
            program.automaton = Some(automaton);
        }
        Ok(program)
    }

    /// Returns whether nothing is looked for.
    pub(super) fn is_empty(&self) -> bool {
        self.whole.is_empty() && self.automaton.is_none() && self.any.is_none()
    }

    /// Calls `hit` with every atom that the value holds, some perhaps more than once.
    pub(super) fn scan(&self, value: &str, mut hit: impl FnMut(usize)) {
        if let Some(atom) = self.any {
            hit(atom);
        }
        if value.len() <= self.whole_bytes_max
            && let Some(atom) = self.whole.get(value)
        {
            hit(*atom);
        }
        let Some(automaton) = &self.automaton else { return };
        for found in automaton.find_overlapping_iter(value) {
            let Some(places) = self.places.get(found.pattern().as_usize()) else { continue };
            if let Some(atom) = places.anywhere {
                hit(atom);
            }
            if let Some(atom) = places.start
                && found.start() == 0
            {
                hit(atom);
            }
            if let Some(atom) = places.end
                && found.end() == value.len()
            {
                hit(atom);
            }
        }
    }
}
