//! Numbers as rules and events write them, compared exactly: sizes, counters and ids grow past 2^53, where
//! floating point takes neighbours for one.

use std::cmp::Ordering;

use event::Value;

/// A number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    Whole(i128),
    /// With a fraction, with an exponent, or out of all measure.
    Part(f64),
}

impl Number {
    /// Reads a decimal number, with fraction and exponent if it likes, or `0x` and a hexadecimal one.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            let is_hex = hex.bytes().all(|byte| byte.is_ascii_hexdigit());
            return is_hex.then(|| i128::from_str_radix(hex, 16).ok()).flatten().map(Self::Whole);
        }
        let first = text.bytes().find(|byte| !matches!(byte, b'-' | b'+' | b'.'))?;
        if !first.is_ascii_digit() {
            return None;
        }
        text.parse().map(Self::Whole).or_else(|_| text.parse().map(Self::Part)).ok()
    }

    /// Returns the number that a single value is or spells.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Int(number) => Some(Self::Whole(i128::from(*number))),
            Value::Float(number) => Some(Self::Part(*number)),
            Value::Text(text) => Self::read(text),
            _ => None,
        }
    }

    /// Returns the nearest number of floating point.
    #[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "the nearest is wanted")]
    pub(crate) const fn nearest(self) -> f64 {
        match self {
            Self::Whole(number) => number as f64,
            Self::Part(number) => number,
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (*self, *other) {
            (Self::Whole(own), Self::Whole(other)) => Some(own.cmp(&other)),
            (Self::Part(own), Self::Part(other)) => own.partial_cmp(&other),
            (Self::Whole(own), Self::Part(other)) => whole_and_part(own, other),
            (Self::Part(own), Self::Whole(other)) => {
                whole_and_part(other, own).map(Ordering::reverse)
            }
        }
    }
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "what is past all whole numbers saturates, which keeps the order"
)]
fn whole_and_part(whole: i128, part: f64) -> Option<Ordering> {
    if part.is_nan() {
        return None;
    }
    let floor = part.floor();
    let order = whole.cmp(&(floor as i128));
    Some(order.then(if part > floor { Ordering::Less } else { Ordering::Equal }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_read_as_they_are_written() {
        for (text, want) in [
            ("9007199254740993", Some(Number::Whole(9_007_199_254_740_993))),
            ("18446744073709551615", Some(Number::Whole(18_446_744_073_709_551_615))),
            ("-7", Some(Number::Whole(-7))),
            (" +7 ", Some(Number::Whole(7))),
            ("0x1F", Some(Number::Whole(31))),
            ("0x", None),
            ("0x-1", None),
            ("1.5", Some(Number::Part(1.5))),
            ("-.5", Some(Number::Part(-0.5))),
            ("1e3", Some(Number::Part(1000.0))),
            ("", None),
            ("-", None),
            ("nan", None),
            ("infinity", None),
            ("12x", None),
            ("1_000", None),
        ] {
            assert_eq!(Number::read(text), want, "{text}");
        }
    }

    #[test]
    fn neighbours_are_told_apart() {
        let number = |text| Number::read(text).unwrap();
        for (less, more) in [
            ("9007199254740992", "9007199254740993"),
            ("9223372036854775807", "9223372036854775808"),
            ("9007199254740993", "9007199254740994.0"),
            ("-1e300", "-170141183460469231731687303715884105727"),
            ("4", "4.5"),
            ("-4.5", "-4"),
        ] {
            assert!(number(less) < number(more), "{less} {more}");
            assert!(number(more) > number(less), "{more} {less}");
        }
        assert_eq!(number("4.0").partial_cmp(&number("4")), Some(Ordering::Equal));
        assert_eq!(Number::Whole(1).partial_cmp(&Number::Part(f64::NAN)), None);
    }

    proptest! {
        #[test]
        fn small_numbers_compare_as_floating_point_does(own in -1000_i32..1000, other in -1000.0_f64..1000.0) {
            let (whole, part) = (Number::Whole(own.into()), Number::Part(other));
            prop_assert_eq!(whole.partial_cmp(&part), f64::from(own).partial_cmp(&other));
            prop_assert_eq!(part.partial_cmp(&whole), other.partial_cmp(&f64::from(own)));
        }
    }
}
