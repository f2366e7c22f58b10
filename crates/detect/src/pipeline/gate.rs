//! What a step is for: conditions on the rule, on single items, on field names.

use event::{LogSource, Severity};
use regex::Regex;

use super::{RuleDraft, Run, value};
use crate::ast::{Comparison, Condition, Correlation};
use crate::number::Number;
use crate::parser::draft::DraftItem;
use crate::taxonomy;
use crate::yaml::{Node, Scalar};

/// Conditions of one kind, joined.
#[derive(Debug, Clone)]
pub(super) struct Gate<T> {
    pub(super) tests: Vec<T>,
    pub(super) joined: Joined,
    pub(super) negated: bool,
}

/// How conditions are joined.
#[derive(Debug, Clone)]
pub(super) enum Joined {
    All,
    Any,
    /// By a condition over their names; a selection is a test by its place.
    By(Condition),
}

impl<T> Gate<T> {
    /// Returns whether the gate lets pass what the tests are about; one without tests always does.
    pub(super) fn holds(&self, test: &dyn Fn(&T) -> bool) -> bool {
        let held = match &self.joined {
            _ if self.tests.is_empty() => return true,
            Joined::All => self.tests.iter().all(test),
            Joined::Any => self.tests.iter().any(test),
            Joined::By(condition) => {
                condition.holds(&|index| self.tests.get(index).is_some_and(test))
            }
        };
        held != self.negated
    }
}

/// What a condition on a rule looks at.
#[derive(Debug, Clone, Copy)]
pub(super) enum Subject<'s, 'a> {
    Rule(&'s RuleDraft<'a>),
    /// With the log sources of the rules it counts.
    Correlation(&'s Correlation, &'s [LogSource]),
}

/// A condition on a rule.
#[derive(Debug, Clone)]
pub(super) enum RuleTest {
    /// Every part that is stated is equal.
    Logsource(LogSource),
    ContainsItem {
        field: String,
        value: String,
    },
    ContainsField(String),
    Applied(String),
    State(StateTest),
    IsRule,
    IsCorrelation,
    Attribute {
        name: String,
        relation: Relation,
        value: String,
    },
    Tag(String),
}

/// A condition on what `set_state` set.
#[derive(Debug, Clone)]
pub(super) struct StateTest {
    pub(super) key: String,
    pub(super) relation: Relation,
    pub(super) value: String,
}

/// How an attribute or a state compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    Is(Comparison),
    /// The attribute is a list that has the value.
    Among,
    NotAmong,
}

impl RuleTest {
    pub(super) fn holds(&self, subject: &Subject<'_, '_>, run: &Run<'_>) -> bool {
        match (self, subject) {
            (Self::Logsource(wanted), Subject::Rule(draft)) => {
                taxonomy::states(wanted, &draft.logsource)
            }
            (Self::Logsource(wanted), Subject::Correlation(_, logsources)) => {
                logsources.iter().any(|own| taxonomy::states(wanted, own))
            }
            (Self::ContainsItem { field, value }, Subject::Rule(draft)) => {
                let is = |item: &DraftItem<'_>| {
                    item.field.as_deref() == Some(field)
                        && item.values.iter().any(|own| value::is(item, own, value))
                };
                items(draft).any(is)
            }
            (Self::ContainsField(field), Subject::Rule(draft)) => {
                items(draft).any(|item| item.field.as_deref() == Some(field))
            }
            (Self::Applied(id), _) => run.applied.contains(id),
            (Self::State(test), _) => test.holds(run),
            (Self::Attribute { name, relation, value }, _) => {
                let own = run.attributes.get(name).map(|own| Attribute::One(own.clone()));
                own.or_else(|| attribute(subject, name))
                    .is_some_and(|own| own.compares(name, *relation, value))
            }
            (Self::Tag(tag), _) => attribute(subject, "tags")
                .is_some_and(|own| own.compares("tags", Relation::Among, tag)),
            (Self::IsRule, Subject::Rule(_)) | (Self::IsCorrelation, Subject::Correlation(..)) => {
                true
            }
            _ => false,
        }
    }
}

fn items<'s, 'a>(draft: &'s RuleDraft<'a>) -> impl Iterator<Item = &'s DraftItem<'a>> {
    draft.search.selections.iter().flat_map(|(_, own)| own.items())
}

impl StateTest {
    fn holds(&self, run: &Run<'_>) -> bool {
        let own = run.state.get(&self.key);
        own.is_some_and(|own| compares("", own, self.relation, &self.value))
    }
}

/// An attribute of a rule.
enum Attribute {
    One(String),
    Many(Vec<String>),
}

impl Attribute {
    fn compares(&self, name: &str, relation: Relation, wanted: &str) -> bool {
        match (self, relation) {
            (Self::One(own), _) => compares(name, own, relation, wanted),
            (Self::Many(own), Relation::Among) => own.iter().any(|own| own == wanted),
            (Self::Many(own), Relation::NotAmong) => own.iter().all(|own| own != wanted),
            // A list equals no single value and is in no order with one.
            (Self::Many(_), Relation::Is(comparison)) => comparison == Comparison::NotEqual,
        }
    }
}

fn attribute(subject: &Subject<'_, '_>, name: &str) -> Option<Attribute> {
    match subject {
        Subject::Rule(draft) => {
            let node = draft.document.get(name)?;
            if node.scalar().is_some() {
                return Some(Attribute::One(node.as_text()?.to_owned()));
            }
            let members = node.members().iter().filter_map(Node::as_text);
            Some(Attribute::Many(members.map(ToOwned::to_owned).collect()))
        }
        Subject::Correlation(correlation, _) => {
            let info = &correlation.info;
            Some(Attribute::One(match name {
                "tags" => return Some(Attribute::Many(info.tags.clone())),
                "id" => info.id.clone(),
                "title" => info.title.clone(),
                "level" => info.level.word().to_owned(),
                "name" => info.name.clone()?,
                "status" => info.status.clone()?,
                "author" => info.author.clone()?,
                "description" => info.description.clone()?,
                _ => return None,
            }))
        }
    }
}

/// The states of a rule's `status`, the least trusted first.
const STATUSES: [&str; 5] = ["unsupported", "deprecated", "experimental", "test", "stable"];

/// Compares by rank (levels and statuses), as numbers, or as text; dates compare as text rightly.
fn compares(name: &str, own: &str, relation: Relation, wanted: &str) -> bool {
    let Relation::Is(comparison) = relation else { return false };
    let rank = |word: &str| match name {
        "level" => Severity::from_word(word).map(|level| f64::from(level.number())),
        "status" => {
            let place = STATUSES.iter().position(|status| *status == word)?;
            u32::try_from(place).ok().map(f64::from)
        }
        _ => Number::read(word).map(Number::nearest),
    };
    if let (Some(own), Some(wanted)) = (rank(own), rank(wanted)) {
        return comparison.holds(own, wanted);
    }
    let order = own.cmp(wanted);
    match comparison {
        Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
    }
}

/// A condition on an item.
#[derive(Debug, Clone)]
pub(super) enum ItemTest {
    /// On its values: all of them (or any) must be so.
    Values {
        all: bool,
        test: ValueTest,
    },
    Applied(String),
    State(StateTest),
}

/// A condition on a value.
#[derive(Debug, Clone)]
pub(super) enum ValueTest {
    Matches { regex: Regex, negated: bool },
    Is(String),
    Wildcard,
    Null,
}

impl ItemTest {
    pub(super) fn holds(&self, item: &DraftItem<'_>, run: &Run<'_>) -> bool {
        match self {
            Self::Values { all: true, test } => item.values.iter().all(|own| test.holds(item, own)),
            Self::Values { all: false, test } => {
                item.values.iter().any(|own| test.holds(item, own))
            }
            Self::Applied(id) => item.changed_by.contains(id),
            Self::State(test) => test.holds(run),
        }
    }
}

impl ValueTest {
    fn holds(&self, item: &DraftItem<'_>, own: &Node) -> bool {
        let text = || {
            let is_text = matches!(own.scalar(), Some(Scalar::Text(_)));
            is_text.then(|| value::seen(item, own)).flatten()
        };
        match self {
            Self::Matches { regex, negated } => {
                text().is_some_and(|tokens| regex.is_match(&value::plain(&tokens))) != *negated
            }
            Self::Is(wanted) => value::is(item, own, wanted),
            Self::Wildcard => text().is_some_and(|tokens| value::has_wildcard(&tokens)),
            Self::Null => own.scalar() == Some(Scalar::Null),
        }
    }
}

/// A condition on a field name.
#[derive(Debug, Clone)]
pub(super) enum FieldTest {
    /// It is one of these, or begins as one of the patterns says.
    Among {
        names: Vec<String>,
        patterns: Vec<Regex>,
        negated: bool,
    },
    Applied(String),
    State(StateTest),
}

impl FieldTest {
    pub(super) fn holds(&self, field: Option<&str>, run: &Run<'_>) -> bool {
        match self {
            Self::Among { names, patterns, negated } => {
                let is = field.is_some_and(|field| {
                    names.iter().any(|name| name == field)
                        || patterns.iter().any(|pattern| pattern.is_match(field))
                });
                is != *negated
            }
            Self::Applied(id) => field
                .and_then(|field| run.mapped.get(field))
                .is_some_and(|steps| steps.contains(id)),
            Self::State(test) => test.holds(run),
        }
    }
}
