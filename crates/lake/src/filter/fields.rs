//! One of the source's own fields, found in a row's JSON without reading the others.

use event::Value;
use memchr::memmem::Finder;

use crate::error::BadRows;
use crate::rows::{fields, first_value};

/// Finds a field by its name.
#[derive(Debug, Clone)]
pub(crate) struct OwnField {
    name: String,
    /// `"name":`, unless the name has characters that make this ambiguous.
    key: Option<Finder<'static>>,
}

impl OwnField {
    pub(crate) fn new(name: &str) -> Self {
        let plain = name.chars().all(|c| c.is_alphanumeric() || "_.-@$%/# ".contains(c));
        let key = plain.then(|| Finder::new(&format!("\"{name}\":")).into_owned());
        Self { name: name.to_owned(), key }
    }

    /// Returns the field's value in a row's `fields`.
    pub(crate) fn value(&self, json: &str) -> Result<Option<Value>, BadRows> {
        let Some(key) = &self.key else { return Ok(fields(json)?.get(&self.name).cloned()) };
        let mut from = 0;
        while let Some(rest) = json.as_bytes().get(from..) {
            let Some(offset) = key.find(rest) else { return Ok(None) };
            let start = from + offset;
            let end = start + key.needle().len();
            // A key stands after `{` or `,`; the same text inside a value or a longer name would
            // have a `\` before its quote.
            let before = start.checked_sub(1).and_then(|at| json.as_bytes().get(at));
            if matches!(before, Some(b'{' | b',')) {
                let value = json.get(end..).ok_or(BadRows::Invalid(crate::schema::FIELDS))?;
                return first_value(value)
                    .map(Some)
                    .map_err(|_| BadRows::Invalid(crate::schema::FIELDS));
            }
            from = end;
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use event::Fields;

    use super::*;

    #[test]
    fn a_field_is_found_as_a_full_reading_finds_it() {
        let fields: Fields = [
            ("a", Value::from(r#"say "b": 1, {"c":2}"#)),
            ("x\"b", Value::from("not b")),
            ("b", Value::List(vec![Value::Int(1), Value::Null])),
            ("long.c-ip", Value::from("đỏ")),
            ("q\\", Value::Bool(true)),
            (",b", Value::Float(0.5)),
        ]
        .into_iter()
        .collect();
        let json = serde_json::to_string(&fields).unwrap();
        for name in ["a", "b", "c", "x\"b", "long.c-ip", "c-ip", "q\\", ",b", "", "zz"] {
            let found = OwnField::new(name).value(&json).unwrap();
            assert_eq!(found.as_ref(), fields.get(name), "{name}");
        }
    }
}
