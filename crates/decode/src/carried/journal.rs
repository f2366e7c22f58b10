//! What journald writes as bytes. In its JSON a value that is no clean UTF-8 (one byte of another alphabet, or of an
//! attacker's making, does) is the list of its bytes; as text it says what it said.
//!
//! Source: *Journal JSON Format*, systemd's documentation.

use event::{Fields, Value};

/// Names that every record of journald has, and nobody else.
const MARKS: [&str; 3] = ["__REALTIME_TIMESTAMP", "__CURSOR", "__MONOTONIC_TIMESTAMP"];

/// Returns whether journald wrote a record: its values may be bytes.
pub(crate) fn is_of_journald(fields: &Fields) -> bool {
    MARKS.iter().any(|mark| fields.get(mark).is_some())
}

/// Writes out as text what journald wrote as bytes.
pub(crate) fn spell_out(fields: &mut Fields) {
    if !is_of_journald(fields) {
        return;
    }
    let spelled = |(name, value): (&str, &Value)| Some((name.to_owned(), text_of(value)?));
    let texts: Vec<(String, String)> = fields.iter().filter_map(spelled).collect();
    for (name, text) in texts {
        fields.set(name, text);
    }
}

fn text_of(value: &Value) -> Option<String> {
    let Value::List(members) = value else { return None };
    let byte = |member: &Value| match member {
        Value::Int(number) => u8::try_from(*number).ok(),
        _ => None,
    };
    let bytes: Option<Vec<u8>> = members.iter().map(byte).collect();
    let bytes = bytes.filter(|bytes| !bytes.is_empty())?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(bytes: &[u8]) -> Value {
        Value::List(bytes.iter().map(|byte| Value::Int(i64::from(*byte))).collect())
    }

    #[test]
    fn bytes_of_journald_become_text() {
        let mut fields = Fields::new();
        fields.push("__REALTIME_TIMESTAMP", "1767582000000000");
        fields.push("MESSAGE", list(b"run \xff now"));
        fields.push("TAGS", Value::List(vec!["a".into(), "b".into()]));
        fields.push("SIZES", Value::List(vec![1.into(), 4000.into()]));
        spell_out(&mut fields);
        assert_eq!(fields.get("MESSAGE"), Some(&Value::from("run \u{fffd} now")));
        assert_eq!(fields.get("TAGS"), Some(&Value::List(vec!["a".into(), "b".into()])));
        assert_eq!(fields.get("SIZES"), Some(&Value::List(vec![1.into(), 4000.into()])));
    }

    #[test]
    fn numbers_of_others_stay_numbers() {
        let mut fields = Fields::new();
        fields.push("MESSAGE", list(b"run"));
        spell_out(&mut fields);
        assert_eq!(fields.get("MESSAGE"), Some(&list(b"run")));
    }
}
