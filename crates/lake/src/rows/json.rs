//! Values read back from JSON exactly as they were written.
//!
//! `serde_json` may read a number with a fraction one step off; what a source said must not drift
//! by being stored, so numbers are read by the standard library here.

use std::collections::BTreeMap;

use event::{Fields, Value};
use serde::Deserialize as _;
use serde::de::Error as _;
use serde_json::value::RawValue;

/// Reads an object of flat fields, in its order.
pub(crate) fn fields(text: &str) -> Result<Fields, serde_json::Error> {
    let Pairs(pairs) = serde_json::from_str(text)?;
    let mut fields = Fields::new();
    for (name, raw) in pairs {
        fields.push(name, value(raw.get())?);
    }
    Ok(fields)
}

/// Reads an object of values by name.
pub(crate) fn values(text: &str) -> Result<BTreeMap<String, Value>, serde_json::Error> {
    let Pairs(pairs) = serde_json::from_str(text)?;
    pairs.into_iter().map(|(name, raw)| Ok((name, value(raw.get())?))).collect()
}

/// Reads the value that a text starts with, whatever follows it.
pub(crate) fn first_value(text: &str) -> Result<Value, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_str(text);
    value(<&RawValue>::deserialize(&mut reader)?.get())
}

fn value(raw: &str) -> Result<Value, serde_json::Error> {
    match raw.as_bytes().first() {
        Some(b'"') => serde_json::from_str(raw).map(Value::Text),
        Some(b'[') => {
            let members: Vec<&RawValue> = serde_json::from_str(raw)?;
            members
                .into_iter()
                .map(|member| value(member.get()))
                .collect::<Result<_, _>>()
                .map(Value::List)
        }
        Some(b'-' | b'0'..=b'9') => number(raw),
        _ => serde_json::from_str(raw),
    }
}

/// A number is whole if it is written whole and fits. One that neither a whole number nor a float gives
/// back is its digits, as the decoder has it.
fn number(raw: &str) -> Result<Value, serde_json::Error> {
    if let Ok(whole) = raw.parse() {
        return Ok(Value::Int(whole));
    }
    let float: f64 = raw.parse().map_err(serde_json::Error::custom)?;
    let is_float = float.is_finite() && raw.contains(['.', 'e', 'E']);
    Ok(if is_float { Value::Float(float) } else { Value::Text(raw.to_owned()) })
}

/// The members of an object, in its order, not yet read.
struct Pairs<'a>(Vec<(String, &'a RawValue)>);

impl<'de> serde::Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object of flat fields")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Pairs<'de>, A::Error> {
                let mut pairs = Vec::with_capacity(map.size_hint().unwrap_or(0));
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_were_written() {
        let floats = [0.1, 1.0, -0.0, 5e-324, f64::MAX, 1.844_674_407_370_955_2e19, 3.3e-15];
        let odd = (1..2000_u32).map(|n| f64::from(n).sqrt() * 1e-9 / 3.0);
        for float in floats.into_iter().chain(odd) {
            let text = serde_json::to_string(&Value::Float(float)).unwrap();
            assert_eq!(first_value(&text).unwrap(), Value::Float(float), "{text}");
        }
        for whole in [0, -1, i64::MIN, i64::MAX] {
            let text = format!("{whole}}}");
            assert_eq!(first_value(&text).unwrap(), Value::Int(whole), "{text}");
        }
        for digits in ["18446744073709551615", "-9223372036854775809", "1e999"] {
            assert_eq!(first_value(digits).unwrap(), Value::from(digits));
        }
    }

    #[test]
    fn an_object_is_read_in_its_order() {
        let text = r#"{"z":[1,2.5,"x\n",null,[]],"a":true,"\u0000":"đ"}"#;
        let read = fields(text).unwrap();
        assert_eq!(read, serde_json::from_str(text).unwrap());
        assert_eq!(read.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["z", "a", "\0"]);
        assert_eq!(values(text).unwrap().len(), 3);
        for bad in ["", "[]", "{", r#"{"a":}"#, r#"{"a":-}"#] {
            assert!(fields(bad).is_err(), "{bad}");
        }
    }
}
