//! What an event must hold for a rule to fire on it, as a question to the lake: its index then says which
//! parts of the past can hold a match at all.
//!
//! The question is met by more events than the rule, never by fewer: what cannot be asked in words (numbers,
//! networks, absence, letters beyond ASCII) is left out. The lake compares without regard to case and marks and
//! finds a value wherever it stands in the record or in a field, so every text of a rule can be asked for.

use event::query::{self, Query};

use crate::ast::{Condition, Detection, Item, Matcher, Search, Wanted};
use crate::limits::CORRELATION_CHAIN_MAX;
use crate::matching;
use crate::pattern::Token;
use crate::rule_set::RuleSet;

/// A question with more texts costs more on each event than judging it does.
const TEXTS_MAX: usize = 64;

impl RuleSet {
    /// Returns what an event must hold for the rule of this id (or one that it counts) to fire on it;
    /// [`Query::All`] where nothing is known.
    pub fn necessary(&self, rule: &str) -> Query {
        let number = self.rules().iter().position(|info| info.id == rule);
        let is_known = |info: &&crate::RuleInfo| !info.is_baseline;
        match number.filter(|number| self.rules().get(*number).as_ref().is_some_and(is_known)) {
            Some(number) => bounded(self.needed_by(number, 0)),
            None => Query::All,
        }
    }

    /// Returns what an event must hold for any rule of the set to fire on it.
    pub fn necessary_of_all(&self) -> Query {
        if !self.baselines.is_empty() {
            return Query::All;
        }
        bounded(any((0..self.rules().len()).map(|number| self.needed_by(number, 0))))
    }

    fn needed_by(&self, number: usize, depth: usize) -> Query {
        if let Some(rule) = self.rules.get(number) {
            let searches = std::iter::once(&rule.search).chain(&rule.filters);
            return all(searches.map(|search| condition(&search.condition, search)));
        }
        let plan = number.checked_sub(self.rules.len()).and_then(|at| self.correlations.get(at));
        match plan {
            Some(plan) if depth < CORRELATION_CHAIN_MAX => {
                let deeper = depth.saturating_add(1);
                any(plan.counted().map(|(source, _)| self.needed_by(source, deeper)))
            }
            _ => Query::All,
        }
    }
}

fn bounded(query: Query) -> Query {
    if texts(&query) <= TEXTS_MAX { query } else { Query::All }
}

fn texts(query: &Query) -> usize {
    match query {
        Query::And(parts) | Query::Or(parts) => {
            parts.iter().map(texts).fold(0, usize::saturating_add)
        }
        Query::Text(_) => 1,
        _ => 0,
    }
}

/// What is needed where all of these are.
fn all(parts: impl Iterator<Item = Query>) -> Query {
    let mut parts: Vec<Query> = parts.filter(|part| *part != Query::All).collect();
    match parts.pop() {
        None => Query::All,
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            Query::And(parts)
        }
    }
}

/// What is needed where one of these is.
fn any(parts: impl Iterator<Item = Query>) -> Query {
    let mut parts: Vec<Query> = parts.collect();
    if parts.contains(&Query::All) {
        return Query::All;
    }
    match parts.pop() {
        None => Query::All,
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            Query::Or(parts)
        }
    }
}

fn condition(own: &Condition, search: &Search) -> Query {
    match own {
        Condition::All(parts) => all(parts.iter().map(|part| condition(part, search))),
        Condition::Any(parts) => any(parts.iter().map(|part| condition(part, search))),
        Condition::Not(_) => Query::All,
        Condition::Selection(index) => match search.selections.get(*index) {
            Some((_, own)) => detection(own),
            None => Query::All,
        },
    }
}

fn detection(own: &Detection) -> Query {
    match own {
        Detection::All(parts) => all(parts.iter().map(detection)),
        Detection::Any(parts) => any(parts.iter().map(detection)),
        Detection::Item(item) => of_item(item),
    }
}

fn of_item(item: &Item) -> Query {
    let value = |wanted: &Wanted| any(wanted.variants.iter().map(matcher));
    match (item.negated, item.all) {
        (true, _) => Query::All,
        (false, true) => all(item.values.iter().map(value)),
        (false, false) => any(item.values.iter().map(value)),
    }
}

fn matcher(own: &Matcher) -> Query {
    match own {
        Matcher::Text(pattern) => tokens(pattern.tokens()),
        Matcher::Regex(regex) => match matching::texts_needed(regex.as_str()) {
            Some(texts) => any(texts.iter().map(|text| inside(text))),
            None => Query::All,
        },
        _ => Query::All,
    }
}

/// What a pattern needs: its one text at its place, or each of its texts somewhere, for what stands between
/// them may be anything.
fn tokens(tokens: &[Token]) -> Query {
    let text_of = |text: &str, before: &str, after: &str| {
        if is_plain(text) {
            Query::Text(format!("{before}{}{after}", query::escape(text)))
        } else {
            Query::All
        }
    };
    match tokens {
        [Token::Text(text)] => text_of(text, "", ""),
        [Token::Text(text), Token::Any] => text_of(text, "", "*"),
        [Token::Any, Token::Text(text)] => text_of(text, "*", ""),
        mixed => all(mixed.iter().map(|token| match token {
            Token::Text(text) => inside(text),
            Token::Any | Token::One | Token::Dash => Query::All,
        })),
    }
}

fn inside(text: &str) -> Query {
    if is_plain(text) { Query::Text(format!("*{}*", query::escape(text))) } else { Query::All }
}

/// Returns whether a text is surely found by the lake wherever a rule finds it: of letters beyond ASCII,
/// some are the same to one and not to the other.
fn is_plain(text: &str) -> bool {
    text.is_ascii() && text.bytes().any(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use chrono::Duration;
    use event::{Event, Fields, LogSource, Value};
    use proptest::prelude::*;

    use super::*;
    use crate::testing::EventMaker;
    use crate::{RuleFile, Scratch};

    fn set(text: &str) -> RuleSet {
        let (rules, errors) = RuleSet::compile(&[RuleFile { path: "r", text }]);
        assert!(errors.is_empty(), "{errors:?}");
        rules
    }

    fn rule(selection: &str, condition: &str) -> RuleSet {
        set(&format!(
            "title: t\nid: r\nlogsource: {{product: windows}}\ndetection:\n  {selection}\n  condition: {condition}\n"
        ))
    }

    #[test]
    fn what_a_rule_needs_is_asked_in_words() {
        let text = |text: &str| Query::Text(text.to_owned());
        for (selection, condition, want) in [
            (r"s: { Image|endswith: '\cmd.exe' }", "s", text(r"*\\cmd.exe")),
            (r"s: { A: 'ab c' }", "s", text("ab c")),
            (r"s: { A|startswith: 'a*b' }", "s", Query::And(vec![text("*a*"), text("*b*")])),
            (r"s: { A|startswith: 'ab' }", "s", text("ab*")),
            (r"s: { A|contains: [ab, cd] }", "s", Query::Or(vec![text("*ab*"), text("*cd*")])),
            (r"s: { A|contains|all: [ab, cd] }", "s", Query::And(vec![text("*ab*"), text("*cd*")])),
            (r"s: { A|contains: [ab, đc] }", "s", Query::All),
            (r"s: { A|re: '^ab.*xyz' }", "s", text("*xyz*")),
            (r"s: { A|gt: 5, B: x }", "s", text("x")),
            (r"s: { A: x }", "not s", Query::All),
            (r"s: [word]", "s", text("*word*")),
        ] {
            assert_eq!(rule(selection, condition).necessary("r"), want, "{selection} {condition}");
        }
        assert_eq!(rule("s: { A: x }", "s").necessary("other"), Query::All);
    }

    #[test]
    fn a_correlation_needs_what_the_rules_need_that_it_counts() {
        let rules = set(
            "title: a\nname: a\nid: ra\nlogsource: {product: windows}\ndetection: { s: { k: xx }, condition: s }\n\
            ---\ntitle: b\nname: b\nid: rb\nlogsource: {product: windows}\ndetection: { s: { k: yy }, condition: s }\n---\n\
            title: c\nid: rc\ncorrelation:\n  type: event_count\n  rules: [a, b]\n  group-by: [user]\n  \
            timespan: 1m\n  condition: { gte: 2 }\n",
        );
        let both = Query::Or(vec![Query::Text("xx".to_owned()), Query::Text("yy".to_owned())]);
        assert_eq!(rules.necessary("rc"), both);
        assert_eq!(
            rules.necessary_of_all(),
            Query::Or(vec![Query::Text("xx".to_owned()), Query::Text("yy".to_owned()), both,])
        );
    }

    fn event(values: Vec<Value>) -> Event {
        let fields: Fields = ["A", "B", "C"].into_iter().zip(values).collect();
        let raw = serde_json::to_string(&fields).unwrap();
        let logsource = LogSource { product: Some("windows".into()), ..LogSource::default() };
        let mut event = EventMaker::new().event(logsource, fields, Duration::zero());
        event.raw = raw;
        event
    }

    proptest! {
        #[test]
        fn an_event_that_a_rule_fires_on_has_what_the_rule_needs(
            values in proptest::collection::vec("[abkSſđ\u{212a} .\\\\\"\n*?-]{0,8}", 3),
            wanted in proptest::collection::vec("[abksđ .\\\\*?-]{1,4}", 1..4),
            modifier in proptest::sample::select(
                vec!["", "|contains", "|startswith", "|endswith", "|contains|all", "|contains|cased"],
            ),
            field in proptest::sample::select(vec!["A", "B"]),
        ) {
            let wanted: Vec<String> = wanted.iter().map(|one| format!("'{one}'")).collect();
            let selection = format!("s: {{ '{field}{modifier}': [{}] }}", wanted.join(", "));
            let rules = rule(&selection, "s");
            let event = event(values.into_iter().map(Value::from).collect());
            if !rules.matching_ids(&event, &mut Scratch::default()).is_empty() {
                let needs = rules.necessary("r");
                prop_assert!(query::matches(&needs, &event), "{:?} of {selection}", needs);
            }
        }
    }
}
