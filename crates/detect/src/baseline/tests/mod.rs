//! Each kind on an ordinary stream and on one with something planted in it.

mod bounds;
mod kinds;
mod ordinary;
mod reading;
mod restart;

use std::sync::Arc;

use chrono::Duration;
use event::{Event, Fields, Finding, LogSource, Value};

use crate::engine::Engine;
use crate::parser::RuleFile;
use crate::rule_set::RuleSet;
use crate::testing::EventMaker;

pub(super) const HOUR: i64 = 3_600;
pub(super) const DAY: i64 = 24 * HOUR;

/// Returns a document around a `baseline` written in one line of YAML.
pub(super) fn document(baseline: &str) -> String {
    format!(
        "title: Something new\ntitle_vi: Điều mới\nid: b1\nname: the_one\n\
         logsource:\n  product: linux\n  service: sshd\n\
         detection:\n  selection:\n    action: login\n  condition: selection\n\
         baseline: {baseline}\nlevel: low\n"
    )
}

pub(super) fn rules(document: &str) -> Arc<RuleSet> {
    let (rules, errors) = RuleSet::compile(&[RuleFile { path: "b.yml", text: document }]);
    assert_eq!(errors, Vec::new());
    Arc::new(rules)
}

pub(super) fn engine(baseline: &str) -> Engine {
    Engine::new(rules(&document(baseline)))
}

/// Makes events of one source.
#[derive(Debug, Default)]
pub(super) struct Stream {
    maker: EventMaker,
}

impl Stream {
    /// Returns a login so many seconds after the start, a Monday at 10 o'clock in Vietnam.
    pub(super) fn at(&mut self, second: i64, fields: &[(&'static str, &str)]) -> Event {
        let mut all = Fields::new();
        all.push("action", "login");
        for (name, value) in fields {
            all.push(*name, value.parse::<i64>().map_or_else(|_| Value::from(*value), Value::Int));
        }
        let logsource = LogSource {
            product: Some("linux".into()),
            category: None,
            service: Some("sshd".into()),
        };
        self.maker.event(logsource, all, Duration::seconds(second))
    }
}

/// Returns each finding as `entity | value | explanation`.
pub(super) fn told(findings: &[Finding]) -> Vec<String> {
    let line = |finding: &Finding| {
        let last = finding.matched.last().unwrap();
        let entity = finding.matched.first().filter(|one| one.selection == "group-by");
        let entity = entity.map_or("", |one| one.value.as_str());
        format!("{entity} | {} | {}", last.value, last.pattern)
    };
    findings.iter().map(line).collect()
}
