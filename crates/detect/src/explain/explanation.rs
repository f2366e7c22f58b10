//! Why a rule fires on an event, or why not: the whole condition with what holds and what does not,
//! and for each item what was wanted and what was there.
//!
//! Every verdict in here is asked of the plain evaluator, so an explanation cannot disagree with it.

use event::{Event, LogSource, Match, Value};
use serde::Serialize;

use super::near::{self, Near};
use super::{part, reason};
use crate::ast::{Condition, Detection, Item, Rule, Search};
use crate::reference::Plain;
use crate::{reference, taxonomy};

/// Wanted values shown of one item; some rules list thousands.
const WANTED_SHOWN: usize = 20;

/// Values shown of one field of an event.
const THERE_SHOWN: usize = 10;

/// Why a rule fires on an event, or why it does not.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// The rule's id.
    pub rule: String,
    /// Its title, as written.
    pub title: String,
    /// Whether it fires; for a correlation, whether one of the rules it counts does.
    pub fires: bool,
    /// How that comes about.
    pub because: Because,
}

/// How a verdict comes about.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "made once per question of a person")]
pub enum Because {
    /// A rule over single events: its log source, its condition and the filters put upon it.
    Event {
        /// The log source.
        source: SourceCheck,
        /// The condition, part by part.
        condition: Branch,
        /// The filters; all of them must hold.
        filters: Vec<FilterCheck>,
    },
    /// A correlation: what each rule that it counts says of the event.
    Counted {
        /// One for each rule it counts.
        rules: Vec<Counted>,
    },
}

/// The log source that a rule wants and the one that the event has.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SourceCheck {
    /// Whether the rule is for this event at all.
    pub holds: bool,
    /// What the rule wants; what it does not state may be anything.
    pub wanted: LogSource,
    /// What the event is.
    pub there: LogSource,
}

/// A filter put upon a rule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FilterCheck {
    /// The filter's title.
    pub title: String,
    /// Whether it lets the event through.
    pub holds: bool,
    /// Its condition, part by part.
    pub condition: Branch,
}

/// One of the rules that a correlation counts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Counted {
    /// What it says of the event.
    pub explanation: Explanation,
    /// Each field that makes the group or is counted, with its value; without one the event belongs
    /// to no group.
    pub fields: Vec<(String, Option<String>)>,
}

/// One part of a condition.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Branch {
    /// Whether it holds.
    pub holds: bool,
    /// What it is.
    #[serde(flatten)]
    pub part: Part,
}

/// What a part of a condition is.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "part", rename_all = "snake_case")]
pub enum Part {
    /// All of these must hold.
    All {
        /// The parts.
        parts: Vec<Branch>,
    },
    /// One of these must hold.
    Any {
        /// The parts.
        parts: Vec<Branch>,
    },
    /// This must not hold.
    Not {
        /// The part.
        inside: Box<Branch>,
    },
    /// A selection of the rule.
    Selection {
        /// Its name.
        name: String,
        /// What it asks for.
        inside: Box<Branch>,
    },
    /// A field, or keywords, with the values asked for.
    Item(ItemCheck),
}

/// What a rule asks of one field, and what is there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ItemCheck {
    /// The field as the rule names it; `None` for keywords, looked for in every value.
    pub field: Option<String>,
    /// The first values asked for, as written.
    pub wanted: Vec<String>,
    /// How many values are asked for.
    pub wanted_count: usize,
    /// Every value must be found, not just one.
    pub all: bool,
    /// None may be found (`neq`).
    pub negated: bool,
    /// The field's values in the event; `None` when it is absent. Keywords look at all of them.
    pub there: Option<Vec<String>>,
    /// What met the wish, when it holds.
    pub met: Vec<Match>,
    /// What nearly met it, when it does not.
    pub near: Option<Near>,
}

/// The first thing that keeps a rule from firing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Obstacle<'e> {
    /// The event is of another log source.
    Source(&'e SourceCheck),
    /// A selection that must not hold does hold; the matches say why.
    Selection(&'e str),
    /// An item that must hold does not.
    Item(&'e ItemCheck),
    /// A filter stops the event.
    Filter(&'e str),
}

impl Explanation {
    /// Returns what keeps the rule from firing, the log source first; nothing when it fires, and
    /// nothing for a correlation (ask the rules it counts).
    pub fn obstacles(&self) -> Vec<Obstacle<'_>> {
        let mut found = Vec::new();
        if let Because::Event { source, condition, filters } = &self.because {
            if !source.holds {
                found.push(Obstacle::Source(source));
            }
            condition.obstacles(true, &mut found);
            let stopping = filters.iter().filter(|filter| !filter.holds);
            found.extend(stopping.map(|filter| Obstacle::Filter(&filter.title)));
        }
        found
    }
}

impl Branch {
    /// Adds what keeps this part from being as wanted.
    fn obstacles<'e>(&'e self, want: bool, out: &mut Vec<Obstacle<'e>>) {
        if self.holds == want {
            return;
        }
        match &self.part {
            Part::All { parts } | Part::Any { parts } => {
                for part in parts {
                    part.obstacles(want, out);
                }
            }
            Part::Not { inside } => inside.obstacles(!want, out),
            Part::Selection { name, .. } if !want => out.push(Obstacle::Selection(name)),
            Part::Selection { inside, .. } => inside.obstacles(want, out),
            Part::Item(item) => out.push(Obstacle::Item(item)),
        }
    }
}

/// Explains a rule over single events.
pub(crate) fn of_rule(rule: &Rule, event: &Event) -> Explanation {
    let wanted = rule.info.logsource.clone();
    let holds = reference::covers(&wanted, &event.logsource);
    let filter = |(search, title): (&Search, &String)| {
        let condition = condition(&search.condition, search, event);
        FilterCheck { title: title.clone(), holds: condition.holds, condition }
    };
    Explanation {
        rule: rule.info.id.clone(),
        title: rule.info.title.clone(),
        fires: reference::fires(rule, event),
        because: Because::Event {
            source: SourceCheck { holds, wanted, there: event.logsource.clone() },
            condition: condition(&rule.search.condition, &rule.search, event),
            filters: rule.filters.iter().zip(&rule.filter_titles).map(filter).collect(),
        },
    }
}

fn condition(own: &Condition, search: &Search, event: &Event) -> Branch {
    let holds = reference::condition(own, search, &Plain(event));
    let all = |parts: &[Condition]| -> Vec<Branch> {
        parts.iter().map(|part| condition(part, search, event)).collect()
    };
    let part = match own {
        Condition::All(parts) => Part::All { parts: all(parts) },
        Condition::Any(parts) => Part::Any { parts: all(parts) },
        Condition::Not(inside) => Part::Not { inside: Box::new(condition(inside, search, event)) },
        Condition::Selection(index) => match search.selections.get(*index) {
            None => Part::Any { parts: Vec::new() },
            Some((name, own)) => Part::Selection {
                name: name.clone(),
                inside: Box::new(detection(name, own, event)),
            },
        },
    };
    Branch { holds, part }
}

fn detection(selection: &str, own: &Detection, event: &Event) -> Branch {
    let holds = reference::detection(own, &Plain(event));
    let all = |parts: &[Detection]| -> Vec<Branch> {
        parts.iter().map(|part| detection(selection, part, event)).collect()
    };
    let part = match own {
        Detection::All(parts) => Part::All { parts: all(parts) },
        Detection::Any(parts) => Part::Any { parts: all(parts) },
        Detection::Item(item) => Part::Item(item_check(selection, item, holds, event)),
    };
    Branch { holds, part }
}

fn item_check(selection: &str, item: &Item, holds: bool, event: &Event) -> ItemCheck {
    let mut met = Vec::new();
    if holds {
        reason::of_item(selection, item, &Plain(event), &mut met);
    }
    let value = item.field.as_deref().and_then(|name| taxonomy::field(event, name));
    let shown = |value: &Value| {
        let text = value.members().iter().take(THERE_SHOWN).map(Value::text);
        text.map(|text| part::cut(&text, None).0).collect()
    };
    ItemCheck {
        field: item.field.clone(),
        wanted: item.values.iter().take(WANTED_SHOWN).map(|one| one.written.clone()).collect(),
        wanted_count: item.values.len(),
        all: item.all,
        negated: item.negated,
        there: value.map(shown),
        met,
        near: if holds || item.negated { None } else { near::miss(item, event) },
    }
}
