//! The values and the named fields of an event.

use std::borrow::Cow;

use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A field's name. Names known at compile time cost no allocation.
pub type Name = Cow<'static, str>;

/// What a field holds. Nested objects do not exist: they are flattened into dotted names, and a list
/// of objects becomes one list per leaf.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// Present and empty (JSON `null`).
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction, or one past `i64`.
    Float(f64),
    /// Text, as the source wrote it.
    Text(String),
    /// Several values under one name, in the source's order. Never nested.
    List(Vec<Value>),
}

/// What stands between the members of a list in its text.
pub(crate) const JOINT: &str = ", ";

impl Value {
    /// Returns the value as the text a reader or a matcher sees; a list joins its members with `, `.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Null => Cow::Borrowed(""),
            Self::Bool(true) => Cow::Borrowed("true"),
            Self::Bool(false) => Cow::Borrowed("false"),
            Self::Int(number) => Cow::Owned(number.to_string()),
            Self::Float(number) => Cow::Owned(number.to_string()),
            Self::Text(text) => Cow::Borrowed(text),
            Self::List(members) => {
                Cow::Owned(members.iter().map(Self::text).collect::<Vec<_>>().join(JOINT))
            }
        }
    }

    /// Returns the number, if the value is one or is text that spells a whole one.
    pub fn int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// Returns the members of a list, or the value itself as its only member.
    pub fn members(&self) -> &[Value] {
        match self {
            Self::List(members) => members,
            one => std::slice::from_ref(one),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

/// The fields as the source named them, in its order. Look-ups walk the list: an event has tens of
/// fields, where a walk beats a hash map. A name set twice keeps both values, as a list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fields(Vec<(Name, Value)>);

impl Fields {
    /// Returns an empty set of fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the value of the field with exactly this name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find_map(|(own, value)| (own == name).then_some(value))
    }

    /// Adds a field; a second value for the same name joins the first in a list, so that a duplicate
    /// key in hostile JSON cannot hide the other.
    pub fn push(&mut self, name: impl Into<Name>, value: impl Into<Value>) {
        let name = name.into();
        let value = value.into();
        match self.0.iter_mut().find(|(own, _)| *own == name) {
            None => self.0.push((name, value)),
            Some((_, Value::List(members))) => match value {
                Value::List(more) => members.extend(more),
                one => members.push(one),
            },
            Some((_, first)) => {
                let mut members = vec![std::mem::replace(first, Value::Null)];
                match value {
                    Value::List(more) => members.extend(more),
                    one => members.push(one),
                }
                *first = Value::List(members);
            }
        }
    }

    /// Sets a field, replacing what stood there.
    pub fn set(&mut self, name: impl Into<Name>, value: impl Into<Value>) {
        let name = name.into();
        let value = value.into();
        match self.0.iter_mut().find(|(own, _)| *own == name) {
            None => self.0.push((name, value)),
            Some((_, old)) => *old = value,
        }
    }

    /// Returns the fields in the source's order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value))
    }

    /// Returns how many different names there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<N: Into<Name>, V: Into<Value>> FromIterator<(N, V)> for Fields {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut fields = Self::new();
        for (name, value) in pairs {
            fields.push(name, value);
        }
        fields
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Fields;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object of flat fields")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Fields, A::Error> {
                let mut fields = Fields::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    fields.push(name, value);
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_value_joins_the_first() {
        let fields: Fields = [("a", "1"), ("b", "2"), ("a", "3")].into_iter().collect();
        assert_eq!(fields.get("a"), Some(&Value::List(vec!["1".into(), "3".into()])));
        assert_eq!(fields.len(), 2);
    }

    #[test]
    fn fields_round_trip_through_json() {
        let text = r#"{"b":1,"a":["x",true,null],"c":1.5}"#;
        let fields: Fields = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&fields).unwrap(), text);
    }
}
