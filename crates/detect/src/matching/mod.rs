//! Rules made fast: one [`Program`] per log source, chosen by what the event is.

mod expression;
mod program;
mod scratch;
mod text_program;

#[cfg(test)]
mod tests;

use ahash::AHashMap;
use event::{Attr, Event, LogSource};

use crate::ast::Rule;
use crate::taxonomy;

use program::Program;
pub use scratch::Scratch;

/// A log source as numbers of its words; 0 stands for "not stated".
type SourceKey = [usize; 3];

/// All single-event rules, compiled.
#[derive(Debug, Default)]
pub(crate) struct Matcher {
    /// Words of log sources, numbered from 1.
    words: AHashMap<Box<str>, usize>,
    programs: AHashMap<SourceKey, Program>,
    fields: AHashMap<Box<str>, usize>,
    aliases: AHashMap<Attr, Vec<usize>>,
    /// Of the largest program.
    atoms_max: usize,
    rules_max: usize,
}

/// Why the automata of a log source could not be built: only a rule set of absurd size.
#[derive(Debug, thiserror::Error)]
#[error("the texts of the rules for {logsource} do not fit into one automaton")]
pub(crate) struct TooLarge {
    /// The numbers of the rules that are left out.
    pub(crate) rules: Vec<usize>,
    logsource: String,
    #[source]
    source: aho_corasick::BuildError,
}

impl Matcher {
    /// Compiles rules. A log source whose automata cannot be built is reported, the others stand.
    pub(crate) fn build(rules: &[Rule]) -> (Self, Vec<TooLarge>) {
        let mut matcher = Self::default();
        let mut errors = Vec::new();
        let mut by_source: std::collections::BTreeMap<SourceKey, Vec<usize>> =
            std::collections::BTreeMap::new();
        for (number, rule) in rules.iter().enumerate() {
            let key = matcher.number_words(&rule.info.logsource);
            by_source.entry(key).or_default().push(number);
        }
        for (key, numbers) in by_source {
            let Self { fields, aliases, .. } = &mut matcher;
            let mut field_id = |name: &str| number_field(name, fields, aliases);
            match Program::build(&numbers, rules, &mut field_id) {
                Ok(program) => {
                    let (atoms, slots) = program.size();
                    matcher.atoms_max = matcher.atoms_max.max(atoms);
                    matcher.rules_max = matcher.rules_max.max(slots);
                    matcher.programs.insert(key, program);
                }
                Err(source) => {
                    let first = numbers.first().and_then(|number| rules.get(*number));
                    let logsource =
                        first.map(|rule| format!("{:?}", rule.info.logsource)).unwrap_or_default();
                    errors.push(TooLarge { rules: numbers, logsource, source });
                }
            }
        }
        (matcher, errors)
    }

    fn number_words(&mut self, logsource: &LogSource) -> SourceKey {
        let mut number = |word: &Option<event::Name>| {
            let Some(word) = word else { return 0 };
            let next = self.words.len().saturating_add(1);
            *self.words.entry(word.as_ref().into()).or_insert(next)
        };
        [number(&logsource.product), number(&logsource.category), number(&logsource.service)]
    }

    /// Returns the numbers of the rules that fire on an event, in ascending order.
    pub(crate) fn run<'s>(&self, event: &Event, scratch: &'s mut Scratch) -> &'s [usize] {
        scratch.fit(self.fields.len(), self.atoms_max, self.rules_max);
        scratch.begin_event(event, &self.fields, &self.aliases);
        let number = |word: &Option<event::Name>| {
            word.as_deref().and_then(|word| self.words.get(word)).copied()
        };
        let LogSource { product, category, service } = &event.logsource;
        let wider = taxonomy::wider_category(category.as_deref());
        let wider = wider.and_then(|word| self.words.get(word)).copied();
        let (product, category, service) = (number(product), number(category), number(service));
        let stated = |word: Option<usize>| [Some(0), word].into_iter().flatten();
        for p in stated(product) {
            for c in stated(category).chain(wider) {
                for s in stated(service) {
                    if let Some(program) = self.programs.get(&[p, c, s]) {
                        program.run(event, scratch);
                    }
                }
            }
        }
        scratch.take_fired()
    }
}

fn number_field(
    name: &str,
    fields: &mut AHashMap<Box<str>, usize>,
    aliases: &mut AHashMap<Attr, Vec<usize>>,
) -> usize {
    let next = fields.len();
    if let Some(id) = fields.get(name) {
        return *id;
    }
    fields.insert(name.into(), next);
    if let Some(attr) = taxonomy::attr_of(name) {
        aliases.entry(attr).or_default().push(next);
    }
    next
}
