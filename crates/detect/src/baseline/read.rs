//! The `baseline` attribute of a document → [`Spec`].

use super::spec::{Kind, Learn, Spec};
use super::value::Part;
use crate::error::{Fault, did_you_mean};
use crate::fingerprint::Fingerprint;
use crate::number::Number;
use crate::parser::read_duration;
use crate::yaml::{Node, NodeKind};

/// Keys of every baseline.
const KEYS: [&str; 5] = ["type", "entity", "value", "learn", "forget"];

/// Learning, where a baseline does not say.
const LEARN: Learn = Learn { span_s: 7 * DAY_S, events: 200, known: 20 };

/// Forgetting, where a baseline does not say.
const FORGET_S: i64 = 90 * DAY_S;

const DAY_S: i64 = 86_400;

/// Reads the `baseline` of a document.
pub(crate) fn read(document: &Node, own: &Node) -> Result<Spec, Fault> {
    if own.as_map().is_none() {
        return Err(Fault::rule(own.at, format!("expected a map, found {}", own.describe())));
    }
    let (kind, more) = kind(own)?;
    check_keys(own, &[&KEYS, more])?;
    let (entity, value) = (parts(own, "entity")?, parts(own, "value")?);
    let has_value = !matches!(kind, Kind::Volume { .. });
    if has_value == value.is_empty() {
        let message =
            if has_value { "no `value` to remember" } else { "a volume takes no `value`" };
        return Err(Fault::rule(own.at, message).maybe_hint(
            (!has_value).then(|| "name the field that is added up in `sum`".to_owned()),
        ));
    }
    if matches!(kind, Kind::Beacon { .. }) && entity.is_empty() {
        return Err(Fault::rule(own.at, "no `entity` that makes the contacts"));
    }
    let learn = learn(own)?;
    let forget_s = span(own, "forget")?.unwrap_or(FORGET_S);
    if forget_s < learn.span_s {
        return Err(Fault::rule(own.at, "`forget` is shorter than what it learns"));
    }
    let fingerprint = fingerprint(document, own);
    Ok(Spec { kind, entity, value, learn, forget_s, fingerprint })
}

fn kind(own: &Node) -> Result<(Kind, &'static [&'static str]), Fault> {
    let Some(node) = own.get("type") else { return Err(Fault::rule(own.at, "no `type`")) };
    let word = node.as_text().unwrap_or_default();
    let text = |name: &str| own.get(name).and_then(Node::as_text).map(ToOwned::to_owned);
    Ok(match word {
        "first_seen" => (Kind::FirstSeen, &[]),
        "rare_value" => {
            let share_max = decimal(own, "share")?.unwrap_or(0.001);
            let others_max = whole(own, "others")?.unwrap_or(1);
            (Kind::RareValue { share_max, others_max }, &["share", "others"])
        }
        "volume" => {
            let least = decimal(own, "least")?;
            let least = least.ok_or_else(|| {
                Fault::rule(own.at, "no `least`: from which total on it is worth a look")
            })?;
            let times = decimal(own, "times")?.unwrap_or(3.0);
            (Kind::Volume { sum: text("sum"), least, times }, &["sum", "least", "times"])
        }
        "beacon" => {
            let contacts = whole(own, "contacts")?.unwrap_or(24);
            let contacts = usize::try_from(contacts).unwrap_or(usize::MAX);
            if !(4..=super::rhythm::CONTACTS_KEPT).contains(&contacts) {
                let message = format!("`contacts` is from 4 to {}", super::rhythm::CONTACTS_KEPT);
                return Err(Fault::rule(own.at, message));
            }
            let jitter_max = decimal(own, "jitter")?.unwrap_or(0.2);
            let others_max = whole(own, "others")?.unwrap_or(1);
            let from = span(own, "shortest")?.unwrap_or(20);
            let interval_s = (from, span(own, "longest")?.unwrap_or(DAY_S / 4));
            let size = text("size");
            (
                Kind::Beacon { contacts, jitter_max, interval_s, others_max, size },
                &["contacts", "jitter", "shortest", "longest", "others", "size"],
            )
        }
        other => {
            let hint = did_you_mean(other, Kind::WORDS.into_iter());
            let message = format!("unknown baseline type `{other}`");
            return Err(Fault::rule(node.at, message)
                .hint("one of first_seen, rare_value, volume, beacon")
                .maybe_hint(hint));
        }
    })
}

fn check_keys(own: &Node, known: &[&[&'static str]]) -> Result<(), Fault> {
    for (key, _) in own.as_map().unwrap_or_default() {
        let mut all = known.iter().flat_map(|keys| keys.iter().copied());
        if !all.any(|name| name == key.name) {
            let all = known.iter().flat_map(|keys| keys.iter().copied());
            return Err(Fault::rule(key.at, format!("unknown attribute `{}`", key.name))
                .maybe_hint(did_you_mean(&key.name, all)));
        }
    }
    Ok(())
}

fn parts(own: &Node, name: &str) -> Result<Vec<Part>, Fault> {
    let members = own.get(name).map(Node::members).unwrap_or_default();
    let part = |node: &Node| {
        let Some(text) = node.as_text() else {
            return Err(Fault::rule(node.at, "expected a field name"));
        };
        Part::read(text).map_err(|view| {
            Fault::rule(node.at, format!("unknown part `{view}`"))
                .hint("one of name, domain, shape, net/24")
                .maybe_hint(did_you_mean(view, Part::WORDS.into_iter()))
        })
    };
    members.iter().map(part).collect()
}

fn learn(own: &Node) -> Result<Learn, Fault> {
    let Some(node) = own.get("learn") else { return Ok(LEARN) };
    check_keys(node, &[&["time", "events", "known"]])?;
    let span_s = span(node, "time")?.unwrap_or(LEARN.span_s);
    let events = whole(node, "events")?.unwrap_or(LEARN.events);
    let known = whole(node, "known")?.unwrap_or(LEARN.known);
    Ok(Learn { span_s, events, known })
}

fn span(own: &Node, name: &str) -> Result<Option<i64>, Fault> {
    let Some(node) = own.get(name) else { return Ok(None) };
    let text = node.as_text().unwrap_or_default();
    let seconds = read_duration(text).map(|span| span.num_seconds()).filter(|seconds| *seconds > 0);
    let fault = || {
        Fault::rule(node.at, format!("`{text}` is no time span"))
            .hint("a number and s, m, h, d or w")
    };
    seconds.map(Some).ok_or_else(fault)
}

fn decimal(own: &Node, name: &str) -> Result<Option<f64>, Fault> {
    let Some(node) = own.get(name) else { return Ok(None) };
    let number =
        node.as_text().and_then(Number::read).map(Number::nearest).filter(|number| *number >= 0.0);
    let fault = || Fault::rule(node.at, format!("`{name}` takes a number from 0"));
    number.map(Some).ok_or_else(fault)
}

fn whole(own: &Node, name: &str) -> Result<Option<u64>, Fault> {
    let Some(node) = own.get(name) else { return Ok(None) };
    let number = node.as_text().and_then(|text| text.parse().ok());
    let fault = || Fault::rule(node.at, format!("`{name}` takes a whole number"));
    number.map(Some).ok_or_else(fault)
}

/// Returns what changes when other things are learned: then what was learned is worth nothing. A
/// change of a threshold, a title or a comment keeps it.
fn fingerprint(document: &Node, own: &Node) -> u64 {
    let mut fingerprint = Fingerprint::default();
    for (tree, name) in [
        (document, "logsource"),
        (document, "detection"),
        (own, "type"),
        (own, "entity"),
        (own, "value"),
        (own, "sum"),
        (own, "size"),
    ] {
        fingerprint.take(name);
        if let Some(node) = tree.get(name) {
            take_tree(node, &mut fingerprint);
        }
    }
    fingerprint.value()
}

fn take_tree(node: &Node, fingerprint: &mut Fingerprint) {
    match &node.kind {
        NodeKind::Scalar { text, .. } => fingerprint.take(&format!("={text}")),
        NodeKind::List(members) => {
            fingerprint.take("[");
            for member in members {
                take_tree(member, fingerprint);
            }
            fingerprint.take("]");
        }
        NodeKind::Map(entries) => {
            fingerprint.take("{");
            for (key, value) in entries {
                fingerprint.take(&key.name);
                take_tree(value, fingerprint);
            }
            fingerprint.take("}");
        }
    }
}
