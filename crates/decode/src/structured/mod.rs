//! Structured formats: JSON, Windows event XML, and the shapes that products give them.
//!
//! [`json::flatten`] and [`xml::windows_event`] read bytes; [`shape`] tells which folder under
//! `sources/` knows the product; [`normalise`] brings the spellings of one product to one.

pub(crate) mod json;
mod laurel;
pub(crate) mod shape;
pub(crate) mod windows;
pub(crate) mod xml;
mod zeek;

#[cfg(test)]
mod recordings;

use event::Fields;

pub(crate) use self::shape::shape;

/// Brings the fields to the one spelling that the source's definition is written for.
pub(crate) fn normalise(source: &str, fields: &mut Fields) {
    match source {
        "microsoft_windows" => windows::normalise(fields),
        "zeek_zeek" => zeek::normalise(fields),
        "linux_laurel" => laurel::normalise(fields),
        _ => {}
    }
}
