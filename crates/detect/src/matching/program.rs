//! The program of one kind of event: what is left of the rules once the event's log source and its
//! deciding fields are known, and per field what finds their texts.

use ahash::AHashMap;

use super::expression::{Answer, Expression, Trigger};
use super::leaf::{KEYWORDS, Leaf, Leaves, PRESENCE_COST, Test};
use super::scratch::Marks;
use super::text_program::{TextProgram, Wanted};
use crate::ast::Matcher;

/// What is left of some rules: each by its number, as an expression over [`Leaves`].
pub(super) type Residue = Vec<(usize, Expression)>;

/// A compiled kind of event.
#[derive(Debug)]
pub(super) struct Program {
    /// Never the same for two programs of a rule set; from 1.
    pub(super) number: usize,
    /// By the field's number: its slot, if a rule asks about it.
    slots_of: Vec<Option<usize>>,
    slots: Vec<Slot>,
    leaves: Vec<ProgramLeaf>,
    /// Rules by their number, as expressions over this program's leaves.
    rules: Vec<(usize, Expression)>,
    /// Rules that nothing sets off: judged on every event.
    always: Vec<usize>,
}

/// A field that some rule of the program asks about.
#[derive(Debug, Default)]
struct Slot {
    folded: TextProgram,
    cased: TextProgram,
    /// Rules that the mere presence of the field may set off.
    present: Vec<usize>,
    /// Every leaf about the field.
    leaves: Vec<usize>,
}

/// A leaf in this program.
#[derive(Debug)]
struct ProgramLeaf {
    /// Its number in [`Leaves`].
    id: usize,
    slot: usize,
    field: usize,
    /// Else the slot's texts answer.
    is_late: bool,
    /// The rules it may set off.
    triggers: Vec<usize>,
}

/// Answers what texts cannot.
pub(super) trait Facts {
    /// Returns whether a field's value (or, for keywords, any value) is what the matcher wants.
    fn late(&self, field: usize, matcher: &Matcher) -> Answer;

    /// Returns whether the field's texts were all fed to the program.
    fn is_fed(&self, field: usize) -> bool;
}

impl Program {
    /// Compiles what is left of some rules.
    pub(super) fn build(number: usize, residue: &Residue, leaves: &Leaves) -> Self {
        let mut program = Self {
            number,
            slots_of: vec![None; leaves.fields().len()],
            slots: Vec::new(),
            leaves: Vec::new(),
            rules: Vec::with_capacity(residue.len()),
            always: Vec::new(),
        };
        let mut own: AHashMap<usize, usize> = AHashMap::new();
        for (rule, expression) in residue {
            let expression = expression.map(&mut |id| {
                let next = program.leaves.len();
                let local = *own.entry(id).or_insert(next);
                if local == next {
                    program.add_leaf(id, leaves);
                }
                Expression::Leaf(local)
            });
            program.rules.push((*rule, expression));
        }
        program.set_texts(&own, leaves);
        program.set_triggers(&own, leaves);
        program
    }

    /// Returns whether the program was made of these.
    pub(super) fn is_of(&self, residue: &Residue) -> bool {
        let id_of = |leaf: usize| self.leaves.get(leaf).map(|leaf| leaf.id);
        self.rules.len() == residue.len()
            && self.rules.iter().zip(residue).all(|((own, inside), (rule, expression))| {
                own == rule && inside.is_over(&id_of, expression)
            })
    }

    fn add_leaf(&mut self, id: usize, leaves: &Leaves) {
        let Some(leaf) = leaves.get(id) else { return };
        let Some(slot_of) = self.slots_of.get_mut(leaf.field) else { return };
        let slot = *slot_of.get_or_insert_with(|| {
            self.slots.push(Slot::default());
            self.slots.len().saturating_sub(1)
        });
        if let Some(slot) = self.slots.get_mut(slot) {
            slot.leaves.push(self.leaves.len());
        }
        let is_late = matches!(leaf.test, Test::Late(_));
        self.leaves.push(ProgramLeaf {
            id,
            slot,
            field: leaf.field,
            is_late,
            triggers: Vec::new(),
        });
    }

    fn set_texts(&mut self, own: &AHashMap<usize, usize>, leaves: &Leaves) {
        let mut texts: Vec<(Vec<Wanted<'_>>, Vec<Wanted<'_>>)> =
            self.slots.iter().map(|_| Default::default()).collect();
        let mut ids: Vec<(usize, usize)> = own.iter().map(|(id, local)| (*local, *id)).collect();
        ids.sort_unstable();
        for (local, id) in ids {
            let Some(leaf) = leaves.get(id) else { continue };
            let Test::Text { text, stand, cased: is_cased } = &leaf.test else { continue };
            let slot = self.slots_of.get(leaf.field).copied().flatten();
            let Some((folded, cased)) = slot.and_then(|slot| texts.get_mut(slot)) else { continue };
            let texts = if *is_cased { cased } else { folded };
            texts.push((*stand, text, local));
        }
        for (slot, (folded, cased)) in self.slots.iter_mut().zip(texts) {
            slot.folded = TextProgram::build(&folded, false, leaves.rarity());
            slot.cased = TextProgram::build(&cased, true, leaves.rarity());
        }
    }

    /// Chooses what sets each rule off.
    fn set_triggers(&mut self, own: &AHashMap<usize, usize>, leaves: &Leaves) {
        let costs: AHashMap<usize, _> = own
            .iter()
            .filter_map(|(id, local)| {
                let leaf = leaves.get(*id)?;
                match leaf.test {
                    Test::Text { .. } => Some((*local, (leaf.cost(), Trigger::Leaf(*local)))),
                    Test::Late(_) if leaf.field == KEYWORDS || !leaf.needs_value() => None,
                    Test::Late(_) => Some((*local, (PRESENCE_COST, Trigger::FieldOf(*local)))),
                }
            })
            .collect();
        for (slot, (_, expression)) in self.rules.iter().enumerate() {
            let Some((_, mut triggers)) = expression.witness(&|leaf| costs.get(&leaf).copied())
            else {
                self.always.push(slot);
                continue;
            };
            triggers.sort_unstable();
            triggers.dedup();
            for trigger in triggers {
                match trigger {
                    Trigger::Leaf(leaf) => {
                        if let Some(leaf) = self.leaves.get_mut(leaf) {
                            leaf.triggers.push(slot);
                        }
                    }
                    Trigger::FieldOf(leaf) => {
                        let field = self.leaves.get(leaf).map(|leaf| leaf.slot);
                        if let Some(field) = field.and_then(|field| self.slots.get_mut(field)) {
                            field.present.push(slot);
                        }
                    }
                }
            }
        }
        for slot in &mut self.slots {
            slot.present.sort_unstable();
            slot.present.dedup();
        }
    }

    /// Returns how many leaves and rules the program has: what marks must hold.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.leaves.len(), self.rules.len())
    }

    /// Returns whether no rule of the program can ever fire.
    pub(super) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Returns the slot of a field that some rule asks about.
    pub(super) fn slot(&self, field: usize) -> Option<usize> {
        self.slots_of.get(field).copied().flatten()
    }

    /// Returns the fields that some rule asks about, keywords apart, with their slots.
    pub(super) fn fields(&self) -> impl Iterator<Item = (usize, usize)> {
        let slots = self.slots_of.iter().enumerate().skip(1);
        slots.filter_map(|(field, slot)| slot.map(|slot| (field, slot)))
    }

    /// Returns whether a slot has texts to look for.
    pub(super) fn has_texts(&self, slot: usize) -> bool {
        self.slots.get(slot).is_some_and(|own| !own.folded.is_empty() || !own.cased.is_empty())
    }

    /// Returns up to how many bytes a value of the slot is scanned faster than it is looked up: where
    /// few texts stand at its edges; and all values go by the few keywords, and most of them are short
    /// and met once.
    pub(super) fn scan_bytes(&self, slot: usize) -> usize {
        /// Measured on Windows recordings.
        const KEYWORD_BYTES: usize = 64;
        match self.slots.get(slot) {
            Some(own) if own.folded.is_cheap() && own.cased.is_cheap() => usize::MAX,
            _ if self.slot(KEYWORDS) == Some(slot) => KEYWORD_BYTES,
            _ => 0,
        }
    }

    /// Returns the bytes that an ASCII value must have for a text of the slot to be found in it.
    pub(super) fn bytes_min(&self, slot: usize) -> usize {
        let Some(own) = self.slots.get(slot) else { return usize::MAX };
        let texts = [&own.folded, &own.cased].into_iter().filter(|texts| !texts.is_empty());
        texts.map(TextProgram::bytes_min).min().unwrap_or(usize::MAX)
    }

    /// Starts on an event.
    pub(super) fn begin(&self, marks: &mut Marks) {
        marks.begin(self.size());
        for rule in &self.always {
            marks.candidate(*rule);
        }
    }

    /// Notes that the event has a field.
    pub(super) fn present(&self, slot: usize, marks: &mut Marks) {
        for rule in self.slots.get(slot).into_iter().flat_map(|own| &own.present) {
            marks.candidate(*rule);
        }
    }

    /// Notes that nobody knows what is in a field: whatever it may set off must be judged.
    pub(super) fn open(&self, slot: usize, marks: &mut Marks) {
        self.present(slot, marks);
        for leaf in self.slots.get(slot).into_iter().flat_map(|own| &own.leaves) {
            self.set_off(*leaf, marks);
        }
    }

    /// Notes a leaf that a value answered with yes.
    pub(super) fn see(&self, leaf: usize, marks: &mut Marks) {
        if marks.see(leaf) {
            self.set_off(leaf, marks);
        }
    }

    fn set_off(&self, leaf: usize, marks: &mut Marks) {
        for rule in self.leaves.get(leaf).into_iter().flat_map(|leaf| &leaf.triggers) {
            marks.candidate(*rule);
        }
    }

    /// Adds the leaves that a text in a slot answers with yes. `folded` is only room.
    pub(super) fn scan(&self, slot: usize, text: &str, folded: &mut String, out: &mut Vec<usize>) {
        let Some(own) = self.slots.get(slot) else { return };
        own.folded.scan(text, folded, |leaf| out.push(leaf));
        own.cased.scan(text, folded, |leaf| out.push(leaf));
    }

    /// Calls `may_fire` with the number of every rule that may fire, for all that is known, and with what
    /// tells whether it does.
    pub(super) fn judge(
        &self,
        leaves: &Leaves,
        facts: &impl Facts,
        marks: &mut Marks,
        mut may_fire: impl FnMut(usize, &dyn Fn() -> bool),
    ) {
        while let Some(rule) = marks.next_candidate() {
            let Some((number, expression)) = self.rules.get(rule) else { continue };
            let answer = |leaf| self.answer(leaf, leaves, facts, marks);
            if expression.may_hold(&answer) {
                may_fire(*number, &|| expression.must_hold(&answer));
            }
        }
    }

    fn answer(&self, leaf: usize, leaves: &Leaves, facts: &impl Facts, marks: &Marks) -> Answer {
        if marks.has(leaf) {
            return Answer::Yes;
        }
        match self.leaves.get(leaf) {
            None => Answer::No,
            Some(ProgramLeaf { field, id, is_late: true, .. }) => match leaves.get(*id) {
                Some(Leaf { test: Test::Late(matcher), .. }) => facts.late(*field, matcher),
                _ => Answer::No,
            },
            Some(ProgramLeaf { field, .. }) if facts.is_fed(*field) => Answer::No,
            Some(_) => Answer::Open,
        }
    }
}
