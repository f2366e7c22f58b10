//! `when = { field = "value" }`: conditions on fields, any case, with `*` at the ends.

use event::{Fields, Value};

use crate::attribute::is_blank;

/// Conditions that must all hold.
#[derive(Debug, Clone, Default)]
pub(crate) struct Conditions(pub(super) Vec<Condition>);

/// A field and the values it may have.
#[derive(Debug, Clone)]
pub(super) struct Condition {
    pub(super) field: String,
    pub(super) any_of: Vec<Test>,
}

/// What a value is compared with; texts are in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Test {
    Present,
    Absent,
    Is(String),
    Starts(String),
    Ends(String),
    Contains(String),
}

impl Conditions {
    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the fields that are asked for, and whether only for their presence.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&str, bool)> {
        let presence_only = |test: &Test| matches!(test, Test::Present | Test::Absent);
        self.0.iter().map(move |condition| {
            (condition.field.as_str(), condition.any_of.iter().all(presence_only))
        })
    }

    /// Returns the fields that are asked for exact values.
    pub(crate) fn exact_fields(&self) -> impl Iterator<Item = &str> {
        let exact = |condition: &&Condition| condition.exact_values().is_some();
        self.0.iter().filter(exact).map(|condition| condition.field.as_str())
    }

    /// Returns the exact values that the field must be one of, in lower case; `None` if other
    /// values may do.
    pub(crate) fn exact_values(&self, field: &str) -> Option<Vec<&str>> {
        self.0.iter().find(|condition| condition.field == field)?.exact_values()
    }

    /// Whether all conditions hold.
    pub(crate) fn hold(&self, fields: &Fields) -> bool {
        self.0.iter().all(|condition| {
            let value = fields.get(&condition.field);
            condition.any_of.iter().any(|test| test.holds(value))
        })
    }
}

impl Condition {
    fn exact_values(&self) -> Option<Vec<&str>> {
        self.any_of
            .iter()
            .map(|test| match test {
                Test::Is(value) => Some(value.as_str()),
                _ => None,
            })
            .collect()
    }
}

impl Test {
    /// Reads a test as `source.toml` writes it.
    pub(super) fn from_text(text: &str) -> Self {
        let lower = text.to_ascii_lowercase();
        let starts_open = lower.starts_with('*');
        let ends_open = lower.ends_with('*');
        let inside = lower.trim_matches('*').to_owned();
        match (starts_open, ends_open) {
            _ if lower == "!" => Self::Absent,
            _ if starts_open && inside.is_empty() => Self::Present,
            (true, true) => Self::Contains(inside),
            (true, false) => Self::Ends(inside),
            (false, true) => Self::Starts(inside),
            (false, false) => Self::Is(lower),
        }
    }

    fn holds(&self, value: Option<&Value>) -> bool {
        let Some(value) = value.filter(|value| !is_blank(value)) else {
            return *self == Self::Absent;
        };
        match self {
            Self::Present => true,
            Self::Absent => false,
            test => value.members().iter().any(|member| match member {
                Value::Text(text) => test.holds_for(text),
                other => test.holds_for(&other.text()),
            }),
        }
    }

    fn holds_for(&self, text: &str) -> bool {
        let text = text.as_bytes();
        let is = |part: Option<&[u8]>, wanted: &str| {
            part.is_some_and(|part| part.eq_ignore_ascii_case(wanted.as_bytes()))
        };
        match self {
            Self::Present => true,
            Self::Absent => false,
            Self::Is(wanted) => is(Some(text), wanted),
            Self::Starts(wanted) => is(text.get(..wanted.len()), wanted),
            Self::Ends(wanted) => {
                is(text.len().checked_sub(wanted.len()).and_then(|from| text.get(from..)), wanted)
            }
            Self::Contains(wanted) => {
                !wanted.is_empty() && text.windows(wanted.len()).any(|part| is(Some(part), wanted))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_hold_in_any_case_and_with_open_ends() {
        let cases = [
            ("deny", "DENY", true),
            ("deny", "denied", false),
            ("den*", "Denied", true),
            ("*nied", "Denied", true),
            ("*eni*", "Denied", true),
            ("*", "x", true),
            ("*", "-", false),
            ("!", "-", true),
            ("!", "x", false),
            ("*x*", "", false),
            ("**", "y", true),
        ];
        for (test, value, expected) in cases {
            let holds = Test::from_text(test).holds(Some(&value.into()));
            assert_eq!(holds, expected, "{test} on {value}");
        }
        assert!(Test::from_text("4688").holds(Some(&Value::Int(4688))));
        assert!(Test::from_text("!").holds(None));
    }
}
