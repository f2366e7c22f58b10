//! All questions that the rules ask, each once: a field and what its value must be. Rules become
//! expressions over their numbers when they are loaded; programs pick the leaves they need.

use std::sync::Arc;

use ahash::AHashMap;

use super::expression::{Cost, Expression};
use super::grams::Rarity;
use super::literal;
use super::text_program::Stand;
use crate::ast::{Condition, Detection, Item, Matcher, Rule, Search};
use crate::pattern::Shape;

/// The number of the pseudo field that keywords are looked for in: every value of the event.
pub(super) const KEYWORDS: usize = 0;

/// One question.
#[derive(Debug)]
pub(super) struct Leaf {
    /// The field's number in [`Leaves::fields`].
    pub(super) field: usize,
    pub(super) test: Test,
    /// In how many places rules ask it.
    uses: Cost,
}

/// What a value must be.
#[derive(Debug)]
pub(super) enum Test {
    /// A text at a place: found in one pass over the field. Folded unless `cased`.
    Text { text: Arc<str>, stand: Stand, cased: bool },
    /// Anything else: tried only when a rule comes to need it.
    Late(Matcher),
}

/// The table of leaves and fields.
#[derive(Debug)]
pub(super) struct Leaves {
    all: Vec<Leaf>,
    texts: AHashMap<TextKey, usize>,
    fields: Vec<Box<str>>,
    field_numbers: AHashMap<Box<str>, usize>,
    rarity: Arc<Rarity>,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct TextKey {
    field: usize,
    text: Arc<str>,
    stand: Stand,
    cased: bool,
}

impl Default for Leaves {
    fn default() -> Self {
        let mut leaves = Self {
            all: Vec::new(),
            texts: AHashMap::new(),
            fields: Vec::new(),
            field_numbers: AHashMap::new(),
            rarity: Arc::default(),
        };
        leaves.number_field("");
        leaves
    }
}

impl Leaves {
    /// Returns the leaf of this number.
    pub(super) fn get(&self, id: usize) -> Option<&Leaf> {
        self.all.get(id)
    }

    /// Returns the names of the fields by their numbers; the first stands for keywords.
    pub(super) fn fields(&self) -> &[Box<str>] {
        &self.fields
    }

    /// Returns the number of a field that some rule asks about.
    pub(super) fn field(&self, name: &str) -> Option<usize> {
        self.field_numbers.get(name).copied().filter(|number| *number != KEYWORDS)
    }

    /// Returns how rare what the rules look for is.
    pub(super) const fn rarity(&self) -> &Arc<Rarity> {
        &self.rarity
    }

    /// Returns the leaves that ask about a field.
    pub(super) fn about(&self, field: usize) -> impl Iterator<Item = (usize, &Leaf)> {
        self.all.iter().enumerate().filter(move |(_, leaf)| leaf.field == field)
    }

    /// Returns the rule as an expression over leaves.
    pub(super) fn rule(&mut self, rule: &Rule) -> Expression {
        let mut parts = vec![self.search(&rule.search)];
        parts.extend(rule.filters.iter().map(|filter| self.search(filter)));
        let mut expression = Expression::all(parts);
        // What costs something is asked last: mostly it is then not asked at all.
        let is_late = |id| self.get(id).is_some_and(|leaf| matches!(leaf.test, Test::Late(_)));
        expression.put_last(&is_late);
        expression
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
        let field = self.number_field(item.field.as_deref().unwrap_or_default());
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

    /// A matcher as leaves. What texts cannot answer stands behind a text that can be looked for
    /// and without which it cannot hold.
    fn matcher(&mut self, field: usize, matcher: &Matcher) -> Expression {
        match matcher {
            Matcher::Text(pattern) => {
                let cased = pattern.cased();
                match pattern.shape() {
                    Shape::Exact(text) => self.text(field, text, Stand::Whole, cased),
                    Shape::Starts(text) => self.text(field, text, Stand::Start, cased),
                    Shape::Ends(text) => self.text(field, text, Stand::End, cased),
                    Shape::Contains(text) => self.text(field, text, Stand::Anywhere, cased),
                    Shape::Anything => self.text(field, "", Stand::Any, false),
                    Shape::Mixed("") => self.late(field, matcher),
                    Shape::Mixed(longest) => {
                        let text = self.text(field, longest, Stand::Anywhere, cased);
                        Expression::all(vec![text, self.late(field, matcher)])
                    }
                }
            }
            Matcher::Regex(regex) => {
                let late = self.late(field, matcher);
                let Some(texts) = literal::needed(regex.as_str()) else { return late };
                let text = |text: &String| self.text(field, text, Stand::Anywhere, false);
                Expression::all(vec![Expression::any(texts.iter().map(text).collect()), late])
            }
            _ => self.late(field, matcher),
        }
    }

    fn late(&mut self, field: usize, matcher: &Matcher) -> Expression {
        self.all.push(Leaf { field, test: Test::Late(matcher.clone()), uses: 1 });
        Expression::Leaf(self.all.len().saturating_sub(1))
    }

    fn text(&mut self, field: usize, text: &str, stand: Stand, cased: bool) -> Expression {
        let text: Arc<str> = text.into();
        let key = TextKey { field, text: Arc::clone(&text), stand, cased };
        let next = self.all.len();
        let id = *self.texts.entry(key).or_insert(next);
        if id == next {
            if stand == Stand::Anywhere
                && let Some(rarity) = Arc::get_mut(&mut self.rarity)
            {
                rarity.count(&text);
            }
            let test = Test::Text { text, stand, cased };
            self.all.push(Leaf { field, test, uses: 0 });
        }
        if let Some(leaf) = self.all.get_mut(id) {
            leaf.uses = leaf.uses.saturating_add(1);
        }
        Expression::Leaf(id)
    }

    fn number_field(&mut self, name: &str) -> usize {
        if let Some(number) = self.field_numbers.get(name) {
            return *number;
        }
        let number = self.fields.len();
        self.fields.push(name.into());
        self.field_numbers.insert(name.into(), number);
        number
    }
}

/// A value is there in nearly every event that has the field.
pub(super) const PRESENCE_COST: Cost = 16_000;

impl Leaf {
    /// Returns how often a text is likely to be found in vain: short texts, and texts that many
    /// rules want, are common in events too.
    pub(super) fn cost(&self) -> Cost {
        /// A whole value is told apart by every byte of it; parts of values are common to many.
        const PART_FACTOR: Cost = 4;
        let Test::Text { text, stand, .. } = &self.test else { return PRESENCE_COST };
        let base: Cost = match text.chars().count() {
            0 => PRESENCE_COST,
            1 => 20,
            2 => 12,
            3 => 8,
            4 => 5,
            5..=7 => 3,
            8..=11 => 2,
            _ => 1,
        };
        let factor = if *stand == Stand::Whole { 1 } else { PART_FACTOR };
        base.saturating_mul(factor).saturating_mul(self.uses.saturating_add(4))
    }

    /// Returns whether a value that is there is needed for the answer to be yes: an object exists without one.
    pub(super) const fn needs_value(&self) -> bool {
        !matches!(self.test, Test::Late(Matcher::Null | Matcher::Exists(_)))
    }
}
