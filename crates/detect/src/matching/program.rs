//! The program of one log source: its rules as expressions over shared atoms, and per field the
//! automata that find the atoms.

use ahash::AHashMap;
use event::{Event, Value};

use super::expression::{Cost, Expression, Trigger};
use super::scratch::Scratch;
use super::text_program::{Stand, TextProgram};
use crate::ast::{Condition, Detection, Item, Matcher, Rule, Search};
use crate::pattern::Shape;
use crate::{reference, test_value};

/// The pseudo field that keywords are looked for in: every value of the event.
const KEYWORDS: &str = "";

/// A compiled log source.
#[derive(Debug)]
pub(super) struct Program {
    /// By field id.
    fields: AHashMap<usize, FieldProgram>,
    keywords: Option<FieldProgram>,
    rules: Vec<(usize, Expression)>,
    late: Vec<Late>,
    /// By atom: the rules it may set off.
    triggered: Vec<Vec<usize>>,
    /// Rules that nothing sets off: judged on every event.
    always: Vec<usize>,
}

#[derive(Debug, Default)]
struct FieldProgram {
    folded: TextProgram,
    cased: TextProgram,
    /// Rules that the mere presence of the field may set off.
    present: Vec<usize>,
}

/// A test made only when a rule comes to need it.
#[derive(Debug)]
struct Late {
    field: String,
    matcher: Matcher,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct AtomKey {
    field: String,
    cased: bool,
    stand: Stand,
    text: String,
}

#[derive(Debug, Default)]
struct Atoms {
    ids: AHashMap<AtomKey, usize>,
    keys: Vec<AtomKey>,
    uses: Vec<Cost>,
    late: Vec<Late>,
}

impl Program {
    /// Compiles the rules (by their numbers in `rules`) of one log source. Field names get their id
    /// from `field_id`.
    pub(super) fn build(
        numbers: &[usize],
        rules: &[Rule],
        field_id: &mut dyn FnMut(&str) -> usize,
    ) -> Result<Self, aho_corasick::BuildError> {
        let mut atoms = Atoms::default();
        let mut expressions = Vec::with_capacity(numbers.len());
        for number in numbers {
            if let Some(rule) = rules.get(*number) {
                expressions.push((*number, atoms.rule(rule)));
            }
        }
        let mut program = Self {
            fields: AHashMap::new(),
            keywords: None,
            rules: expressions,
            late: Vec::new(),
            triggered: vec![Vec::new(); atoms.keys.len()],
            always: Vec::new(),
        };
        let present = program.set_triggers(&atoms, field_id);
        program.set_fields(&atoms, present, field_id)?;
        program.late = atoms.late;
        Ok(program)
    }

    /// Chooses what sets each rule off; returns the rules set off by a field's presence.
    fn set_triggers(
        &mut self,
        atoms: &Atoms,
        field_id: &mut dyn FnMut(&str) -> usize,
    ) -> AHashMap<usize, Vec<usize>> {
        let late_fields: Vec<Option<usize>> =
            atoms.late.iter().map(|late| late.trigger_field().map(&mut *field_id)).collect();
        let late_trigger = |id: usize| {
            let field = late_fields.get(id).copied().flatten()?;
            Some((PRESENCE_COST, Trigger::Field(field)))
        };
        let mut present: AHashMap<usize, Vec<usize>> = AHashMap::new();
        for (slot, (_, expression)) in self.rules.iter().enumerate() {
            let witness = expression.witness(&|id| atoms.cost(id), &late_trigger);
            let Some((_, mut triggers)) = witness else {
                self.always.push(slot);
                continue;
            };
            triggers.sort_unstable();
            triggers.dedup();
            for trigger in triggers {
                match trigger {
                    Trigger::Field(field) => present.entry(field).or_default().push(slot),
                    Trigger::Atom(id) => {
                        if let Some(rules) = self.triggered.get_mut(id) {
                            rules.push(slot);
                        }
                    }
                }
            }
        }
        present
    }

    fn set_fields(
        &mut self,
        atoms: &Atoms,
        mut present: AHashMap<usize, Vec<usize>>,
        field_id: &mut dyn FnMut(&str) -> usize,
    ) -> Result<(), aho_corasick::BuildError> {
        type Texts<'a> = Vec<(Stand, &'a str, usize)>;
        let mut by_field: std::collections::BTreeMap<&str, (Texts<'_>, Texts<'_>)> =
            std::collections::BTreeMap::new();
        for (id, key) in atoms.keys.iter().enumerate() {
            let (folded, cased) = by_field.entry(&key.field).or_default();
            let texts = if key.cased { cased } else { folded };
            texts.push((key.stand, &key.text, id));
        }
        for (field, (folded, cased)) in by_field {
            let texts = FieldProgram {
                folded: TextProgram::build(&folded)?,
                cased: TextProgram::build(&cased)?,
                present: Vec::new(),
            };
            if field == KEYWORDS {
                self.keywords = Some(texts);
            } else {
                self.fields.insert(field_id(field), texts);
            }
        }
        let mut fields: Vec<usize> = present.keys().copied().collect();
        fields.sort_unstable();
        for field in fields {
            self.fields.entry(field).or_default().present =
                present.remove(&field).unwrap_or_default();
        }
        Ok(())
    }

    /// Returns how many atoms and rules the program has: what a scratch must hold.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.triggered.len(), self.rules.len())
    }

    /// Adds the numbers of the rules that fire on the event to the scratch.
    pub(super) fn run(&self, event: &Event, scratch: &mut Scratch) {
        scratch.begin_program();
        scratch.each_field(event, &self.fields, |program, value, scratch| {
            for slot in &program.present {
                scratch.candidate(*slot);
            }
            for member in value.members() {
                self.scan(program, member, scratch);
            }
        });
        if let Some(program) = &self.keywords {
            for value in reference::all_values(event) {
                self.scan(program, value, scratch);
            }
        }
        for slot in &self.always {
            scratch.candidate(*slot);
        }
        while let Some(slot) = scratch.next_candidate() {
            let Some((number, expression)) = self.rules.get(slot) else { continue };
            let fires = expression.holds(&|atom| scratch.has(atom), &|late| self.late(late, event));
            if fires {
                scratch.fired(*number);
            }
        }
    }

    fn scan(&self, program: &FieldProgram, member: &Value, scratch: &mut Scratch) {
        if program.folded.is_empty() && program.cased.is_empty() {
            return;
        }
        scratch.with_text(member, |text, folded, scratch| {
            let mut hit = |atom: usize| {
                if scratch.set(atom)
                    && let Some(rules) = self.triggered.get(atom)
                {
                    for slot in rules {
                        scratch.candidate(*slot);
                    }
                }
            };
            program.folded.scan(folded, &mut hit);
            if !program.cased.is_empty() {
                program.cased.scan(text, &mut hit);
            }
        });
    }

    fn late(&self, id: usize, event: &Event) -> bool {
        let Some(late) = self.late.get(id) else { return false };
        if late.field == KEYWORDS {
            return reference::all_values(event)
                .any(|value| test_value::holds(&late.matcher, value, event));
        }
        let value = crate::taxonomy::field(event, &late.field);
        match (&late.matcher, value) {
            (Matcher::Null, _) => test_value::is_null(value),
            (Matcher::Exists(wanted), _) => value.is_some() == *wanted,
            (_, None) => false,
            (matcher, Some(value)) => {
                value.members().iter().any(|member| test_value::holds(matcher, member, event))
            }
        }
    }
}

/// A field is there in nearly every event of its log source.
const PRESENCE_COST: Cost = 4_000;

impl Late {
    /// Returns the field that must be there for the test to hold, if there is one.
    fn trigger_field(&self) -> Option<&str> {
        let needs_field = !matches!(self.matcher, Matcher::Null | Matcher::Exists(false));
        (needs_field && self.field != KEYWORDS).then_some(self.field.as_str())
    }
}

impl Atoms {
    fn rule(&mut self, rule: &Rule) -> Expression {
        let mut parts = vec![self.search(&rule.search)];
        parts.extend(rule.filters.iter().map(|filter| self.search(filter)));
        Expression::all(parts)
    }

    fn search(&mut self, search: &Search) -> Expression {
        self.condition(&search.condition, search)
    }

    fn condition(&mut self, condition: &Condition, search: &Search) -> Expression {
        match condition {
            Condition::All(parts) => {
                Expression::all(parts.iter().map(|part| self.condition(part, search)).collect())
            }
            Condition::Any(parts) => {
                Expression::any(parts.iter().map(|part| self.condition(part, search)).collect())
            }
            Condition::Not(inside) => self.condition(inside, search).not(),
            Condition::Selection(index) => match search.selections.get(*index) {
                Some((_, detection)) => self.detection(detection),
                None => Expression::Known(false),
            },
        }
    }

    fn detection(&mut self, detection: &Detection) -> Expression {
        match detection {
            Detection::All(parts) => {
                Expression::all(parts.iter().map(|part| self.detection(part)).collect())
            }
            Detection::Any(parts) => {
                Expression::any(parts.iter().map(|part| self.detection(part)).collect())
            }
            Detection::Item(item) => self.item(item),
        }
    }

    fn item(&mut self, item: &Item) -> Expression {
        let field = item.field.as_deref().unwrap_or(KEYWORDS);
        let values = item
            .values
            .iter()
            .map(|wanted| {
                let variants = wanted.variants.iter().map(|matcher| self.matcher(field, matcher));
                Expression::any(variants.collect())
            })
            .collect();
        let met = if item.all { Expression::all(values) } else { Expression::any(values) };
        if item.negated { met.not() } else { met }
    }

    fn matcher(&mut self, field: &str, matcher: &Matcher) -> Expression {
        let Matcher::Text(pattern) = matcher else { return self.add_late(field, matcher) };
        let (stand, text) = match pattern.shape() {
            Shape::Exact(text) => (Stand::Whole, text),
            Shape::Starts(text) => (Stand::Start, text),
            Shape::Ends(text) => (Stand::End, text),
            Shape::Contains(text) => (Stand::Anywhere, text),
            Shape::Anything => (Stand::Any, ""),
            Shape::Mixed(longest) => {
                let late = self.add_late(field, matcher);
                if longest.is_empty() {
                    return late;
                }
                let atom = self.add_atom(field, pattern.cased(), Stand::Anywhere, longest);
                return Expression::All(vec![atom, late]);
            }
        };
        self.add_atom(field, pattern.cased(), stand, text)
    }

    fn add_late(&mut self, field: &str, matcher: &Matcher) -> Expression {
        let same =
            |late: &Late| late.field == field && late.matcher == *matcher && !is_regex(matcher);
        let id = self.late.iter().position(same).unwrap_or_else(|| {
            self.late.push(Late { field: field.to_owned(), matcher: matcher.clone() });
            self.late.len().saturating_sub(1)
        });
        Expression::Late(id)
    }

    fn add_atom(&mut self, field: &str, cased: bool, stand: Stand, text: &str) -> Expression {
        let key = AtomKey { field: field.to_owned(), cased, stand, text: text.to_owned() };
        let id = *self.ids.entry(key).or_insert_with_key(|key| {
            self.keys.push(key.clone());
            self.uses.push(0);
            self.keys.len().saturating_sub(1)
        });
        if let Some(uses) = self.uses.get_mut(id) {
            *uses = uses.saturating_add(1);
        }
        Expression::Atom(id)
    }

    /// Returns how often an atom is likely to be seen in vain: short texts and texts that many rules
    /// want are common in events too.
    fn cost(&self, id: usize) -> Cost {
        let Some(key) = self.keys.get(id) else { return PRESENCE_COST };
        let base: Cost = match key.text.chars().count() {
            0 => PRESENCE_COST,
            1 => 20,
            2 => 12,
            3 => 8,
            4 => 5,
            5..=7 => 3,
            8..=11 => 2,
            _ => 1,
        };
        let uses = self.uses.get(id).copied().unwrap_or(0);
        base.saturating_mul(uses.saturating_add(4))
    }
}

/// Two regular expressions with the same text may differ in their flags: never shared.
fn is_regex(matcher: &Matcher) -> bool {
    matches!(matcher, Matcher::Regex(_))
}
