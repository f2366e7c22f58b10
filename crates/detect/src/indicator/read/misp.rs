//! MISP events: the attributes that are meant for detection (`to_ids`).

use serde_json::Value;

use super::{Intake, Place, brief};
use crate::indicator::kind::{IndicatorKind, Tlp};
use crate::indicator::set::Facts;
use crate::indicator::value::IndicatorValue;

/// What an event says of all its attributes.
#[derive(Debug, Default)]
pub(super) struct Header {
    title: String,
    organisation: String,
    tlp: Option<Tlp>,
}

impl Header {
    /// Takes note of a fact about the event.
    pub(super) fn note(&mut self, name: &str, value: &Value) {
        match name {
            "info" => value.as_str().unwrap_or_default().clone_into(&mut self.title),
            "Orgc" => text(value, "name").clone_into(&mut self.organisation),
            "Tag" => self.tlp = tlp(value).or(self.tlp),
            _ => {}
        }
    }
}

/// Reads the number-th attribute of a file.
pub(super) fn read(
    attribute: &Value,
    number: usize,
    header: Option<&Header>,
    intake: &mut Intake<'_>,
) {
    let for_detection = match attribute.get("to_ids") {
        Some(Value::Bool(truth)) => *truth,
        Some(Value::String(word)) => word == "1" || word == "true",
        Some(Value::Number(number)) => number.as_i64() == Some(1),
        _ => false,
    };
    if !for_detection || attribute.get("deleted") == Some(&Value::Bool(true)) {
        return intake.skip();
    }
    let place = || match text(attribute, "uuid") {
        "" => Place::Object(format!("{number} of `Attribute`")),
        uuid => Place::Object(brief(uuid)),
    };
    let (kind, value) = (text(attribute, "type"), text(attribute, "value"));
    let organisation = header.map_or("", |header| header.organisation.as_str());
    let comment = text(attribute, "comment");
    let facts = Facts {
        source: if organisation.is_empty() { intake.stem } else { organisation },
        label: if comment.is_empty() { header.map_or("", |header| &header.title) } else { comment },
        confidence: None,
        tlp: attribute.get("Tag").and_then(tlp).or_else(|| header.and_then(|header| header.tlp)),
        valid_until: None,
    };
    // A name and the address that it had: both are looked for.
    if kind == "domain|ip" {
        let (name, address) = value.split_once('|').unwrap_or((value, ""));
        let name_value = IndicatorValue::of_kind(IndicatorKind::Domain, name);
        intake.take(place(), name, name_value, &facts);
        let address_value = IndicatorValue::of_kind(IndicatorKind::Ip, address);
        return intake.take(place(), address, address_value, &facts);
    }
    match IndicatorKind::from_word(kind) {
        Some(kind) => intake.take(place(), value, IndicatorValue::of_kind(kind, value), &facts),
        None => intake.wrong(place(), format!("type `{}` is not looked for", brief(kind))),
    }
}

/// Returns the TLP among tags.
fn tlp(tags: &Value) -> Option<Tlp> {
    let mut tags = tags.as_array()?.iter();
    tags.find_map(|tag| {
        let name = text(tag, "name");
        let is_tlp = name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("tlp:"));
        if is_tlp { Tlp::from_word(name) } else { None }
    })
}

fn text<'v>(object: &'v Value, name: &str) -> &'v str {
    object.get(name).and_then(Value::as_str).unwrap_or_default()
}
