//! Rules' own tests: `rules/<area>/<name>.test.yml` beside each rule.
//!
//! ```yaml
//! fires:                       # each case must make the rule fire
//!   - name: what happens
//!     logsource: { product: windows, category: process_creation }
//!     fields: { Image: 'C:\Windows\System32\cmd.exe' }
//! silent:                      # no case may make it fire
//!   - name: what looks alike
//!     events:                  # several events, for a correlation
//!       - { at: 0s, repeat: 20, every: 1s, logsource: …, fields: … }
//! ```
//!
//! In a file with several documents the last one is under test.

use chrono::{DateTime, Duration, Utc};
use event::{
    AgencyId, Attrs, Class, Event, Fields, IdSource, LogSource, Name, Origin, SourceId,
    TimeQuality, Value,
};

use crate::engine::Engine;
use crate::error::{Fault, Place};
use crate::parser::{RuleFile, read_duration};
use crate::rule_set::RuleSet;
use crate::taxonomy;
use crate::yaml::{self, Node, NodeKind, Scalar};

/// A case that went wrong, or a file that could not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{case}: {message}")]
pub struct Failure {
    /// The case's name, or the place in the file.
    pub case: String,
    /// What was expected and did not come, or came and was not expected.
    pub message: String,
}

/// Most events that one case may ask for.
const CASE_EVENTS_MAX: usize = 10_000;

/// Runs the tests of one rule file. Returns what went wrong; nothing means that every case went as
/// its file says.
pub fn run_test_file(rule_text: &str, test_yaml: &str) -> Vec<Failure> {
    let file = RuleFile { path: "rule", text: rule_text };
    let (rules, errors) = RuleSet::compile(&[file]);
    if !errors.is_empty() {
        return errors.iter().map(|error| failure("the rule", &error.to_string())).collect();
    }
    let Some(under_test) = rules.rules().iter().max_by_key(|rule| rule.line) else {
        return vec![failure("the rule", "no rule in the file")];
    };
    let id = under_test.id.clone();
    match cases(test_yaml) {
        Err(fault) => {
            let Place { line, column } = fault.at;
            vec![failure(&format!("test:{line}:{column}"), &fault.message)]
        }
        Ok(cases) => {
            let rules = std::sync::Arc::new(rules);
            cases.iter().filter_map(|case| run(&rules, &id, case)).collect()
        }
    }
}

fn failure(case: &str, message: &str) -> Failure {
    Failure { case: case.to_owned(), message: message.to_owned() }
}

fn run(rules: &std::sync::Arc<RuleSet>, id: &str, case: &Case) -> Option<Failure> {
    let mut engine = Engine::new(std::sync::Arc::clone(rules));
    let findings = engine.process(&case.events);
    let fired = findings.iter().any(|finding| finding.rule == id);
    match (case.must_fire, fired) {
        (true, false) => Some(failure(&case.name, "must fire and did not")),
        (false, true) => {
            let reasons = findings.iter().filter(|finding| finding.rule == id);
            let first = reasons.flat_map(|finding| &finding.matched).next();
            Some(failure(&case.name, &format!("must be silent and fired: {first:?}")))
        }
        _ => None,
    }
}

#[derive(Debug)]
struct Case {
    name: String,
    must_fire: bool,
    events: Vec<Event>,
}

fn cases(test_yaml: &str) -> Result<Vec<Case>, Fault> {
    let documents = yaml::documents(test_yaml)?;
    let [root] = documents.as_slice() else {
        return Err(Fault::rule(Place { line: 1, column: 1 }, "expected one document"));
    };
    let mut cases = Vec::new();
    for (key, list) in root.as_map().unwrap_or_default() {
        let must_fire = match key.name.as_str() {
            "fires" => true,
            "silent" => false,
            other => return Err(Fault::rule(key.at, format!("`{other}` is not fires or silent"))),
        };
        for node in list.members() {
            let name = node.get("name").and_then(Node::as_text);
            let name = name.ok_or_else(|| Fault::rule(node.at, "a case needs a `name`"))?;
            let events = case_events(node)?;
            cases.push(Case { name: name.to_owned(), must_fire, events });
        }
    }
    for (must_fire, word) in [(true, "fires"), (false, "silent")] {
        if !cases.iter().any(|case| case.must_fire == must_fire) {
            return Err(Fault::rule(root.at, format!("no case under `{word}`")));
        }
    }
    Ok(cases)
}

fn case_events(node: &Node) -> Result<Vec<Event>, Fault> {
    let mut maker = EventMaker::new();
    let mut timed: Vec<Event> = Vec::new();
    let list = node.get("events").map_or_else(|| std::slice::from_ref(node), Node::members);
    for own in list {
        let logsource = own.get("logsource").or_else(|| node.get("logsource"));
        let logsource = logsource.ok_or_else(|| Fault::rule(own.at, "no `logsource`"))?;
        let fields = own.get("fields").ok_or_else(|| Fault::rule(own.at, "no `fields`"))?;
        let (logsource, fields) = (log_source(logsource), fields_of(fields)?);
        let start = span(own, "at")?.unwrap_or_default();
        let every = span(own, "every")?.unwrap_or_else(|| Duration::seconds(1));
        let repeat = match own.get("repeat").and_then(Node::scalar) {
            None => 1,
            Some(Scalar::Int(times)) => usize::try_from(times).unwrap_or(0),
            Some(_) => return Err(Fault::rule(own.at, "`repeat` takes a whole number")),
        };
        let mut after = start;
        for _ in 0..repeat.min(CASE_EVENTS_MAX) {
            timed.push(maker.event(logsource.clone(), fields.clone(), after));
            after = after.checked_add(&every).unwrap_or(after);
        }
    }
    timed.sort_by_key(|event| event.occurred_at);
    Ok(timed)
}

fn span(node: &Node, name: &str) -> Result<Option<Duration>, Fault> {
    let Some(own) = node.get(name) else { return Ok(None) };
    span_of(own)
        .map(Some)
        .ok_or_else(|| Fault::rule(own.at, format!("`{name}` takes a time like 5s or 200ms")))
}

/// Reads a time like `5s` or `200ms`.
pub(crate) fn span_of(node: &Node) -> Option<Duration> {
    let text = node.as_text()?;
    let milliseconds =
        |text: &str| Duration::try_milliseconds(text.strip_suffix("ms")?.trim().parse().ok()?);
    milliseconds(text).or_else(|| read_duration(text))
}

/// Reads a log source of a test.
pub(crate) fn log_source(node: &Node) -> LogSource {
    let word = |name: &str| node.get(name).and_then(Node::as_text);
    let name = |word: &str| Name::Owned(word.to_owned());
    LogSource {
        product: word("product").map(name),
        category: word("category").map(name),
        service: word("service").map(name),
    }
}

/// Reads the fields of a test event.
pub(crate) fn fields_of(node: &Node) -> Result<Fields, Fault> {
    let Some(entries) = node.as_map() else {
        return Err(Fault::rule(node.at, "`fields` must be a map"));
    };
    let mut fields = Fields::new();
    for (key, value) in entries {
        fields.push(key.name.clone(), value_of(value)?);
    }
    Ok(fields)
}

fn value_of(node: &Node) -> Result<Value, Fault> {
    match (&node.kind, node.scalar()) {
        (NodeKind::List(members), _) => {
            Ok(Value::List(members.iter().map(value_of).collect::<Result<_, _>>()?))
        }
        (_, Some(Scalar::Null)) => Ok(Value::Null),
        (_, Some(Scalar::Bool(truth))) => Ok(Value::Bool(truth)),
        (_, Some(Scalar::Int(number))) => Ok(Value::Int(number)),
        (_, Some(Scalar::Float(number))) => Ok(Value::Float(number)),
        (_, Some(Scalar::Text(text))) => Ok(Value::from(text)),
        (_, None) => Err(Fault::rule(node.at, "a field holds a value or a list of values")),
    }
}

/// Makes events for tests: with ids that sort, one agency and source, attributes set from the fields
/// by the table of Sigma names.
#[derive(Debug)]
pub struct EventMaker {
    ids: IdSource,
    origin: Origin,
    start: DateTime<Utc>,
}

impl Default for EventMaker {
    fn default() -> Self {
        Self::new()
    }
}

/// When test events start: Monday 5 January 2026, 03:00 UTC.
const START_S: i64 = 1_767_582_000;

impl EventMaker {
    /// Returns a maker that makes the same events in every run.
    pub fn new() -> Self {
        let ids = IdSource::seeded(1);
        let start = DateTime::from_timestamp(START_S, 0).unwrap_or_default();
        let origin = Origin {
            agency: AgencyId::from_uuid(ids.uuid(start)),
            system: None,
            source: SourceId::from_uuid(ids.uuid(start)),
        };
        Self { ids, origin, start }
    }

    /// Returns an event of these fields, so long after the start.
    pub fn event(&mut self, logsource: LogSource, fields: Fields, after: Duration) -> Event {
        let occurred_at = self.start.checked_add_signed(after).unwrap_or(self.start);
        let mut attrs = Attrs::default();
        for (name, value) in fields.iter() {
            if let Some(attr) = taxonomy::attr_of(name)
                && attrs.get(attr).is_none()
            {
                attrs.set(attr, value.clone());
            }
        }
        Event {
            id: self.ids.event(occurred_at),
            origin: self.origin,
            occurred_at,
            time_quality: TimeQuality::Stated,
            collected_at: occurred_at,
            class: class_of(&logsource),
            logsource,
            parser: Name::Borrowed("test"),
            attrs,
            fields,
            notes: Vec::new(),
            raw: String::new(),
        }
    }
}

fn class_of(logsource: &LogSource) -> Class {
    match (logsource.category.as_deref(), logsource.service.as_deref()) {
        (Some("process_creation"), _) => Class::ProcessActivity,
        (Some("webserver" | "proxy"), _) => Class::HttpActivity,
        (Some("dns" | "dns_query"), _) => Class::DnsActivity,
        (Some("firewall" | "network_connection"), _) => Class::NetworkActivity,
        (Some("file_event"), _) => Class::FileActivity,
        (Some("registry_set" | "registry_add" | "registry_event"), _) => Class::RegistryActivity,
        (Some("authentication"), _) | (_, Some("sshd" | "auth" | "security")) => {
            Class::Authentication
        }
        _ => Class::BaseEvent,
    }
}
