//! JSON files: STIX bundles (`objects`) and MISP events (`Attribute`), read element by element, so that
//! a large file is never a tree in memory.
//!
//! The text is walked twice: first for who speaks (STIX identities, a MISP event's title, its
//! organisation and tags, which stand behind what they belong to), then for the indicators.

use std::collections::HashMap;
use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::Value;

use super::{Intake, Place, misp, stix};

/// Lists whose elements are handed on one by one.
const LISTS: [&str; 2] = ["objects", "Attribute"];

/// Objects and lists that are walked through.
const DOORS: [&str; 3] = ["Event", "response", "Object"];

/// Facts about an event that are handed on whole.
const FACTS: [&str; 3] = ["info", "Orgc", "Tag"];

/// What the walk comes upon.
enum Seen {
    /// A MISP event begins.
    Event,
    /// An element of a list, or a fact, under its key.
    Value(&'static str, Value),
}

/// Reads a file.
pub(super) fn read(text: &str, intake: &mut Intake<'_>) {
    let mut identities: HashMap<String, String> = HashMap::new();
    let mut events: Vec<misp::Header> = Vec::new();
    let first = walk(text, &mut |seen| match seen {
        Seen::Event => events.push(misp::Header::default()),
        Seen::Value("objects", object) => identities.extend(stix::identity(&object)),
        Seen::Value("Attribute", _) => {}
        Seen::Value(fact, value) => {
            if let Some(event) = events.last_mut() {
                event.note(fact, &value);
            }
        }
    });
    let (mut event, mut objects, mut attributes) = (0_usize, 0_usize, 0_usize);
    let _same_outcome = walk(text, &mut |seen| match seen {
        Seen::Event => event = event.saturating_add(1),
        Seen::Value("objects", object) => {
            objects = objects.saturating_add(1);
            stix::read(&object, objects, &identities, intake);
        }
        Seen::Value("Attribute", attribute) => {
            attributes = attributes.saturating_add(1);
            let header = event.checked_sub(1).and_then(|number| events.get(number));
            misp::read(&attribute, attributes, header, intake);
        }
        Seen::Value(..) => {}
    });
    if let Err(error) = first {
        let place = Place::Line(error.line());
        return intake.wrong(place, format!("not readable from here on: {error}"));
    }
    if objects == 0 && attributes == 0 && events.is_empty() {
        let message = "is neither a STIX bundle (`objects`) nor a MISP event (`Attribute`)";
        intake.wrong(Place::File, message.to_owned());
    }
}

fn walk(text: &str, each: &mut dyn FnMut(Seen)) -> Result<(), serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    Walk { each }.deserialize(&mut deserializer)?;
    deserializer.end()
}

/// Walks through an object or a list of them.
struct Walk<'a> {
    each: &'a mut dyn FnMut(Seen),
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a list of objects")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<std::borrow::Cow<'_, str>>()? {
            let named = |names: &[&'static str]| names.iter().copied().find(|name| *name == key);
            if let Some(list) = named(&LISTS) {
                map.next_value_seed(Elements { list, each: &mut *self.each })?;
            } else if let Some(door) = named(&DOORS) {
                if door == "Event" {
                    (self.each)(Seen::Event);
                }
                map.next_value_seed(Walk { each: &mut *self.each })?;
            } else if let Some(fact) = named(&FACTS) {
                let value = map.next_value::<Value>()?;
                (self.each)(Seen::Value(fact, value));
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Walk { each: &mut *self.each })?.is_some() {}
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<(), E> {
        Err(E::custom("text where an object belongs"))
    }
}

/// Hands on the elements of a list.
struct Elements<'a> {
    list: &'static str,
    each: &'a mut dyn FnMut(Seen),
}

impl<'de> DeserializeSeed<'de> for Elements<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Elements<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list under `{}`", self.list)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(element) = seq.next_element::<Value>()? {
            (self.each)(Seen::Value(self.list, element));
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        Err(A::Error::custom(format!("an object where the list `{}` belongs", self.list)))
    }
}
