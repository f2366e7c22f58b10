//! From foreign bytes to a playbook, or to all that is wrong with them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::{Map, Value};

use crate::extension;
use crate::json;
use crate::limits::{NAME_CHARS_MAX, STEPS_MAX, TEXT_CHARS_MAX};
use crate::parts::{Reader, under, uuid_of};
use crate::playbook::{Playbook, Step, StepKind, Words};

/// Something wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct Fault {
    /// A JSON pointer (RFC 6901), or line and column (`3:17`) where the text is no JSON; empty is the whole.
    pub place: String,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// It has more bytes than are read.
    TooLarge,
    /// It is no JSON: what the reader says, in English.
    Json(String),
    /// A property lacks.
    Missing(String),
    /// A property is no `string`, `object`, `list`, `identifier`, `timestamp`, `number`, or not `playbook`.
    Not(&'static str),
    /// It is of another version of the specification.
    Version(String),
    /// A word that is not known here.
    Unknown(String),
    /// A text has more characters than are kept.
    TooLong,
    /// There are more steps than are followed.
    TooManySteps,
    /// It names a step that is not there.
    NoStep(String),
    /// The step's id is of another type than the step.
    Type(String),
    /// `on_completion` stands beside `on_success` or `on_failure`.
    TwoWays,
    /// Nothing may follow an end.
    AfterEnd,
    /// Nothing follows a step that is no end.
    NoNext,
    /// Branches at the same time are fewer than two.
    OneBranch,
    /// Branches at the same time share a step that is no end.
    Joined(String),
    /// A step follows itself.
    Loop,
}

impl Problem {
    /// Returns a stable word for it.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::TooLarge => "too-large",
            Self::Json(_) => "json",
            Self::Missing(_) => "missing",
            Self::Not(_) => "not",
            Self::Version(_) => "version",
            Self::Unknown(_) => "unknown",
            Self::TooLong => "too-long",
            Self::TooManySteps => "too-many-steps",
            Self::NoStep(_) => "no-step",
            Self::Type(_) => "type",
            Self::TwoWays => "two-ways",
            Self::AfterEnd => "after-end",
            Self::NoNext => "no-next",
            Self::OneBranch => "one-branch",
            Self::Joined(_) => "joined",
            Self::Loop => "loop",
        }
    }

    /// Returns what it is about; may be empty.
    pub fn detail(&self) -> &str {
        match self {
            Self::Json(text)
            | Self::Missing(text)
            | Self::Version(text)
            | Self::Unknown(text)
            | Self::NoStep(text)
            | Self::Type(text)
            | Self::Joined(text) => text,
            Self::Not(kind) => kind,
            _ => "",
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let brief: String = self.detail().chars().take(100).collect();
        if brief.is_empty() {
            f.write_str(self.word())
        } else {
            write!(f, "{} {brief}", self.word())
        }
    }
}

/// Reads a playbook.
///
/// # Errors
/// All that is wrong with it, each with its place; at most [`crate::limits::FAULTS_MAX`].
pub fn read(bytes: &[u8]) -> Result<Playbook, Vec<Fault>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let value = json::parse(bytes).map_err(|fault| vec![fault])?;
    let mut reader = Reader::default();
    let whole = |problem| vec![Fault { place: String::new(), problem }];
    let Value::Object(object) = &value else { return Err(whole(Problem::Not("object"))) };
    match object.get("type").and_then(Value::as_str) {
        Some("playbook") => {}
        _ => {
            return Err(vec![Fault {
                place: "/type".to_owned(),
                problem: Problem::Not("playbook"),
            }]);
        }
    }
    if let Some(version) = reader.wanted(object, "", "spec_version")
        && version != "cacao-2.0"
    {
        reader.fault("/spec_version", Problem::Version(version));
    }
    let read = playbook(object, &mut reader);
    match read {
        Some(playbook) if reader.faults.is_empty() => {
            check(&playbook, &mut reader);
            if reader.faults.is_empty() { Ok(playbook) } else { Err(reader.faults) }
        }
        _ if reader.faults.is_empty() => Err(whole(Problem::Not("playbook"))),
        _ => Err(reader.faults),
    }
}

const EXTENSIONS: &str = "playbook_extensions";

fn playbook(object: &Map<String, Value>, reader: &mut Reader) -> Option<Playbook> {
    let id = reader.wanted(object, "", "id");
    let name = reader.wanted(object, "", "name");
    let created_by = reader.wanted(object, "", "created_by");
    let (created, modified) =
        (reader.moment(object, "", "created"), reader.moment(object, "", "modified"));
    let start = reader.wanted(object, "", "workflow_start");
    let steps = steps(object, reader);
    let uuid = id.as_deref().and_then(|id| id.starts_with("playbook--").then(|| uuid_of(id))?);
    if id.is_some() && uuid.is_none() {
        reader.fault("/id", Problem::Not("identifier"));
    }
    if created_by.is_some_and(|id| uuid_of(&id).is_none()) {
        reader.fault("/created_by", Problem::Not("identifier"));
    }
    let revoked = match object.get("revoked") {
        None => false,
        Some(Value::Bool(truth)) => *truth,
        Some(_) => {
            reader.fault("/revoked", Problem::Not("boolean"));
            false
        }
    };
    let names = ("name", EXTENSIONS, NAME_CHARS_MAX);
    let name = name.map(|_| reader.words(object, "", names));
    let description = reader.words(object, "", ("description", EXTENSIONS, TEXT_CHARS_MAX));
    let place = under(&under("", EXTENSIONS), extension::EXTENSION);
    let own = extension::of(object, EXTENSIONS);
    let categories = own.map(|own| reader.texts(own, &place, "categories")).unwrap_or_default();
    let types = reader.texts(object, "", "playbook_types");
    Some(Playbook {
        id: uuid?,
        name: name?,
        description,
        types,
        categories,
        created: created?,
        modified: modified?,
        revoked,
        start: start?,
        steps: steps?,
    })
}

fn steps(object: &Map<String, Value>, reader: &mut Reader) -> Option<BTreeMap<String, Step>> {
    let Some(workflow) = object.get("workflow") else {
        reader.fault("", Problem::Missing("workflow".to_owned()));
        return None;
    };
    let Some(workflow) = workflow.as_object() else {
        reader.fault("/workflow", Problem::Not("object"));
        return None;
    };
    if workflow.len() > STEPS_MAX {
        reader.fault("/workflow", Problem::TooManySteps);
        return None;
    }
    let agents = agents(object, reader);
    let mut steps = BTreeMap::new();
    for (id, value) in workflow {
        let place = under("/workflow", id);
        let Some(value) = value.as_object() else {
            reader.fault(&place, Problem::Not("object"));
            continue;
        };
        if let Some(step) = step(id, value, &place, &agents, reader) {
            steps.insert(id.clone(), step);
        }
    }
    Some(steps)
}

/// Returns what agents and roles are called.
fn agents(object: &Map<String, Value>, reader: &mut Reader) -> BTreeMap<String, Words> {
    let Some(all) = object.get("agent_definitions") else { return BTreeMap::new() };
    let Some(all) = all.as_object() else {
        reader.fault("/agent_definitions", Problem::Not("object"));
        return BTreeMap::new();
    };
    let mut named = BTreeMap::new();
    for (id, agent) in all {
        let place = under("/agent_definitions", id);
        let Some(agent) = agent.as_object() else {
            reader.fault(&place, Problem::Not("object"));
            continue;
        };
        let names = ("name", "agent_target_extensions", NAME_CHARS_MAX);
        named.insert(id.clone(), reader.words(agent, &place, names));
    }
    named
}

const STEP_EXTENSIONS: &str = "step_extensions";

fn step(
    id: &str,
    value: &Map<String, Value>,
    place: &str,
    agents: &BTreeMap<String, Words>,
    reader: &mut Reader,
) -> Option<Step> {
    let word = reader.wanted(value, place, "type")?;
    if uuid_of(id).is_none() {
        reader.fault(place, Problem::Not("identifier"));
    } else if id.split_once("--").is_none_or(|(kind, _)| kind != word) {
        reader.fault(place, Problem::Type(word.clone()));
    }
    let kind = kind(&word, value, place, reader)?;
    let next = reader.id(value, place, "on_completion");
    let success = reader.id(value, place, "on_success");
    let on_failure = reader.id(value, place, "on_failure");
    if next.is_some() && (success.is_some() || on_failure.is_some()) {
        reader.fault(place, Problem::TwoWays);
    }
    let next = next.or(success);
    match (&kind, next.is_some() || on_failure.is_some()) {
        (StepKind::End, true) => reader.fault(place, Problem::AfterEnd),
        (StepKind::Start | StepKind::Action | StepKind::Playbook(_), false) => {
            reader.fault(place, Problem::NoNext);
        }
        _ => {}
    }
    let own = extension::of(value, STEP_EXTENSIONS);
    let own_place = under(&under(place, STEP_EXTENSIONS), extension::EXTENSION);
    let basis = own.and_then(|own| reader.text(own, &own_place, "legal_basis", TEXT_CHARS_MAX));
    let deadline = own.and_then(|own| extension::deadline(own, &own_place, reader));
    let act = own
        .filter(|own| own.contains_key("act"))
        .and_then(|own| extension::act(own, &own_place, reader));
    let agent = reader.id(value, place, "agent").and_then(|id| agents.get(&id).cloned());
    Some(Step {
        kind,
        name: reader.words(value, place, ("name", STEP_EXTENSIONS, NAME_CHARS_MAX)),
        description: reader.words(value, place, ("description", STEP_EXTENSIONS, TEXT_CHARS_MAX)),
        agent: agent.unwrap_or_default(),
        commands: commands(value, place, reader),
        legal_basis: basis.unwrap_or_default(),
        deadline,
        act,
        next,
        on_failure,
    })
}

fn kind(
    word: &str,
    value: &Map<String, Value>,
    place: &str,
    reader: &mut Reader,
) -> Option<StepKind> {
    Some(match word {
        "start" => StepKind::Start,
        "end" => StepKind::End,
        "action" => StepKind::Action,
        "playbook-action" => {
            reader.wanted(value, place, "playbook_id")?;
            StepKind::Playbook(reader.id(value, place, "playbook_id")?)
        }
        "parallel" => {
            let all = reader.texts(value, place, "next_steps");
            if all.len() < 2 {
                reader.fault(&under(place, "next_steps"), Problem::OneBranch);
            }
            StepKind::Parallel(all)
        }
        "if-condition" => {
            let condition = reader.wanted(value, place, "condition")?;
            reader.wanted(value, place, "on_true")?;
            let yes = reader.id(value, place, "on_true")?;
            StepKind::If { condition, yes, no: reader.id(value, place, "on_false") }
        }
        "while-condition" => {
            let condition = reader.wanted(value, place, "condition")?;
            reader.wanted(value, place, "on_true")?;
            StepKind::While { condition, yes: reader.id(value, place, "on_true")? }
        }
        "switch-condition" => {
            let switch = reader.wanted(value, place, "switch")?;
            let Some(cases) = value.get("cases").and_then(Value::as_object) else {
                reader.fault(&under(place, "cases"), Problem::Not("object"));
                return None;
            };
            let place = under(place, "cases");
            let mut all = BTreeMap::new();
            for name in cases.keys() {
                if let Some(first) = reader.id(cases, &place, name) {
                    all.insert(name.clone(), first);
                }
            }
            StepKind::Switch { switch, cases: all }
        }
        _ => {
            reader.fault(&under(place, "type"), Problem::Unknown(word.to_owned()));
            return None;
        }
    })
}

fn commands(value: &Map<String, Value>, place: &str, reader: &mut Reader) -> Vec<String> {
    let Some(all) = value.get("commands") else { return Vec::new() };
    let place = under(place, "commands");
    let Some(all) = all.as_array() else {
        reader.fault(&place, Problem::Not("list"));
        return Vec::new();
    };
    let mut told = Vec::new();
    for (number, one) in all.iter().enumerate() {
        let place = under(&place, &number.to_string());
        let Some(one) = one.as_object() else {
            reader.fault(&place, Problem::Not("object"));
            continue;
        };
        reader.wanted(one, &place, "type");
        told.extend(reader.text(one, &place, "command", TEXT_CHARS_MAX));
    }
    told
}

/// Holds the steps against each other: what is named is there, nothing goes round, branches stay apart.
fn check(playbook: &Playbook, reader: &mut Reader) {
    match playbook.steps.get(&playbook.start).map(|step| &step.kind) {
        Some(StepKind::Start) => {}
        _ => reader.fault("/workflow_start", Problem::NoStep(playbook.start.clone())),
    }
    for (id, step) in &playbook.steps {
        let place = under("/workflow", id);
        let named = step.next.iter().chain(&step.on_failure).map(String::as_str);
        for named in named.chain(step.kind.branches()) {
            if !playbook.steps.contains_key(named) {
                reader.fault(&place, Problem::NoStep(named.to_owned()));
            }
        }
        if let StepKind::Parallel(all) = &step.kind {
            let mut met: BTreeSet<&str> = BTreeSet::new();
            for first in all {
                for one in playbook.reachable(first) {
                    let is_end =
                        playbook.steps.get(one).is_some_and(|step| step.kind == StepKind::End);
                    if !is_end && !met.insert(one) {
                        reader.fault(&place, Problem::Joined(one.to_owned()));
                    }
                }
            }
        }
    }
    for id in loops(playbook) {
        reader.fault(&under("/workflow", id), Problem::Loop);
    }
}

/// Returns the steps from which a way leads back to themselves.
fn loops(playbook: &Playbook) -> Vec<&str> {
    let mut before: BTreeMap<&str, usize> = BTreeMap::new();
    let after = |step: &'_ Step| -> Vec<String> {
        let named = step.next.iter().chain(&step.on_failure).cloned();
        named.chain(step.kind.branches().into_iter().map(ToOwned::to_owned)).collect()
    };
    for id in playbook.steps.keys() {
        before.entry(id).or_insert(0);
    }
    for step in playbook.steps.values() {
        for named in after(step) {
            if let Some((known, _)) = playbook.steps.get_key_value(&named) {
                *before.entry(known).or_insert(0) += 1;
            }
        }
    }
    // Taking away what nothing leads to, again and again, leaves what goes round and what hangs on it.
    let mut free: Vec<&str> =
        before.iter().filter(|(_, count)| **count == 0).map(|(id, _)| *id).collect();
    while let Some(id) = free.pop() {
        before.remove(id);
        for named in playbook.steps.get(id).map(after).unwrap_or_default() {
            let Some((known, _)) = playbook.steps.get_key_value(&named) else { continue };
            if let Some(count) = before.get_mut(known.as_str()) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    free.push(known);
                }
            }
        }
    }
    before.into_keys().collect()
}
