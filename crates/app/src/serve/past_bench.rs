//! What can be looked for in the lake's past: the rules and indicators in force, or those that someone
//! pastes. A look back judges as a hunt over files does: correlations forget nothing for its age.

use std::sync::Arc;

use detect::{Engine, RuleFile, RuleSet};
use event::query::Query;
use event::{Event, Finding};
use respond::look_back::{Bench, Judge, Wanted};
use respond::rule::BadRule;

use super::rule_book::bad_rule;
use super::{IndicatorBook, RuleBook};
use crate::indicators;

/// The bench over what is in force.
#[derive(Debug)]
pub(super) struct PastBench {
    pub(super) rules: Arc<RuleBook>,
    pub(super) indicators: Arc<IndicatorBook>,
}

/// Characters of the first indicator that name a list.
const TITLE_CHARS: usize = 80;

impl Bench for PastBench {
    fn judge(&self, wanted: &Wanted) -> Result<(String, Box<dyn Judge>), Vec<BadRule>> {
        let (title, judge) = match wanted {
            Wanted::All => (String::new(), Past::of_rules(self.rules.current(), None)),
            Wanted::Rule(id) => {
                let rules = self.rules.current();
                let title = rules.rule(id).ok_or_else(Vec::new)?.title.clone();
                (title, Past::of_rules(rules, Some(id.clone())))
            }
            Wanted::Text(text) => {
                let (set, bad) = RuleSet::compile(&[RuleFile { path: "rule.yml", text }]);
                let title = set.rules().first().map(|rule| rule.title.clone());
                match title {
                    Some(title) if bad.is_empty() => (title, Past::of_rules(Arc::new(set), None)),
                    _ => return Err(bad.iter().map(bad_rule).collect()),
                }
            }
            Wanted::Feeds => {
                let mut engine = Engine::over_past(Arc::default());
                engine.swap_indicators(self.indicators.current());
                (String::new(), Past { engine, only: None, needs: Query::All })
            }
            Wanted::Indicators(text) => pasted(text)?,
        };
        Ok((title, Box::new(judge)))
    }
}

/// Returns the judge of pasted indicators, named after the first.
fn pasted(text: &str) -> Result<(String, Past), Vec<BadRule>> {
    let loaded = indicators::of_text(text).map_err(|error| vec![of_file(format!("{error:#}"))])?;
    if let Some(error) = loaded.report.errors.first() {
        return Err(vec![BadRule { line: error.place.line(), ..of_file(error.message.clone()) }]);
    }
    if loaded.set.is_empty() {
        // What the warning lists set aside is said rather than silently not found.
        let why = indicators::summary(&loaded).join("; ");
        return Err(vec![of_file(why)]);
    }
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let mut engine = Engine::over_past(Arc::default());
    engine.swap_indicators(loaded.set);
    Ok((
        first.trim().chars().take(TITLE_CHARS).collect(),
        Past { engine, only: None, needs: Query::All },
    ))
}

fn of_file(message: String) -> BadRule {
    BadRule { path: "indicators.txt".to_owned(), line: 1, column: 1, message, hint: None }
}

/// Judges the past.
#[derive(Debug)]
struct Past {
    engine: Engine,
    /// The one rule that was asked for. All are judged, for it may count what others find.
    only: Option<String>,
    /// What an event must be like for the rules to fire on it.
    needs: Query,
}

impl Past {
    fn of_rules(rules: Arc<RuleSet>, only: Option<String>) -> Self {
        let needs = match &only {
            Some(rule) => rules.necessary(rule),
            None => rules.necessary_of_all(),
        };
        Self { engine: Engine::over_past(rules), only, needs }
    }

    /// Returns whether this finding answers the question. A baseline learns as time goes by; over a past
    /// that begins somewhere it knows nothing.
    fn wants(&self, finding: &Finding) -> bool {
        match &self.only {
            Some(only) => finding.rule == *only,
            None => self.engine.rules().rule(&finding.rule).is_none_or(|rule| !rule.is_baseline),
        }
    }
}

impl Judge for Past {
    fn needs(&self) -> Query {
        self.needs.clone()
    }

    fn judge(&mut self, events: &[Event]) -> Vec<Finding> {
        let mut findings = self.engine.process(events);
        findings.retain(|finding| self.wants(finding));
        findings
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};
    use event::lake::{LakeReader as _, MemoryLake, Search};
    use event::{Fields, LogSource, Scope, Value};

    use super::*;

    /// Events of which some hold what rules look for, in one way of writing or another.
    fn events() -> Vec<Event> {
        let values = [
            "whoami",
            r"C:\Windows\WHOAMI.exe /all",
            "who ami",
            "\u{17f}vchost.exe",
            "svchost.exe",
        ];
        let mut maker = detect::testing::EventMaker::new();
        let make = |number: usize| {
            let value = values.get(number % 7).copied().unwrap_or("nothing");
            let fields: Fields = [
                ("Image", Value::from(value)),
                ("User", Value::from(format!("user{}", number % 3))),
                ("Port", Value::Int(i64::try_from(number).unwrap())),
            ]
            .into_iter()
            .collect();
            let raw = serde_json::to_string(&fields).unwrap();
            let logsource = LogSource { product: Some("windows".into()), ..LogSource::default() };
            Event { raw, ..maker.event(logsource, fields, TimeDelta::seconds(1)) }
        };
        (0..200).map(make).collect()
    }

    #[tokio::test]
    async fn what_the_lake_rules_out_completes_nothing() {
        let single = |selection: &str| {
            format!(
                "title: t\nid: a\nname: a\nlogsource: {{product: windows}}\n\
                 detection: {{s: {selection}, condition: s}}\n"
            )
        };
        let counted = "---\ntitle: c\nid: c\ncorrelation:\n  type: event_count\n  rules: [a]\n  \
                       group-by: [User]\n  timespan: 1h\n  condition: {gte: 3}\n";
        let (whoami, svchost) =
            (single(r"{Image|contains: 'whoami.exe'}"), single(r"{Image: 'svchost.exe'}"));
        for (text, is_narrow) in [
            (whoami.clone(), true),
            (format!("{whoami}{counted}"), true),
            (svchost, true),
            (single("{Port|gt: 150}"), false),
        ] {
            let (rules, errors) = RuleSet::compile(&[RuleFile { path: "r", text: &text }]);
            assert!(errors.is_empty(), "{errors:?}");
            let rules = Arc::new(rules);
            let events = events();
            let mut judge = Past::of_rules(Arc::clone(&rules), None);
            let needs = judge.needs();
            assert_eq!(needs != Query::All, is_narrow, "{text}");
            let search = Search {
                query: needs,
                from: DateTime::UNIX_EPOCH,
                to: DateTime::<chrono::Utc>::MAX_UTC,
                limit: 1000,
                after: None,
            };
            let lake = MemoryLake::with(events.clone());
            let mut asked = lake.search(&Scope::platform(), &search).await.unwrap().events;
            asked.reverse();
            assert_eq!(asked.len() < events.len(), is_narrow, "{text}");
            let found = judge.judge(&asked);
            assert!(!found.is_empty(), "{text}");
            assert_eq!(found, Past::of_rules(rules, None).judge(&events), "{text}");
        }
    }
}
