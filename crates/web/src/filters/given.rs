//! What the filters accept: small traits, so that a template need not unwrap or convert.

use chrono::{DateTime, TimeDelta, Utc};
use event::Level;
use fluent_bundle::FluentValue;

use crate::Lang;
use crate::figures;

/// A moment that may be missing.
pub trait Moment {
    /// Returns the moment, if there is one.
    fn moment(&self) -> Option<DateTime<Utc>>;
}

impl Moment for DateTime<Utc> {
    fn moment(&self) -> Option<DateTime<Utc>> {
        Some(*self)
    }
}

impl<M: Moment> Moment for Option<M> {
    fn moment(&self) -> Option<DateTime<Utc>> {
        self.as_ref().and_then(Moment::moment)
    }
}

impl<M: Moment + ?Sized> Moment for &M {
    fn moment(&self) -> Option<DateTime<Utc>> {
        M::moment(self)
    }
}

/// A level that may be missing.
pub trait Leveled {
    /// Returns the level, if there is one.
    fn level(&self) -> Option<Level>;
}

impl Leveled for Level {
    fn level(&self) -> Option<Level> {
        Some(*self)
    }
}

impl<L: Leveled> Leveled for Option<L> {
    fn level(&self) -> Option<Level> {
        self.as_ref().and_then(Leveled::level)
    }
}

impl<L: Leveled + ?Sized> Leveled for &L {
    fn level(&self) -> Option<Level> {
        L::level(self)
    }
}

/// Words that may be missing.
pub trait Words {
    /// Returns the words, if there are any.
    fn words(&self) -> Option<&str>;
}

impl Words for str {
    fn words(&self) -> Option<&str> {
        Some(self)
    }
}

impl Words for String {
    fn words(&self) -> Option<&str> {
        Some(self)
    }
}

impl<W: Words> Words for Option<W> {
    fn words(&self) -> Option<&str> {
        self.as_ref().and_then(Words::words)
    }
}

impl<W: Words + ?Sized> Words for &W {
    fn words(&self) -> Option<&str> {
        W::words(self)
    }
}

/// A number to show.
pub trait Figure {
    /// Returns the number as the reader writes it.
    fn figure(&self, lang: Lang) -> String;
}

/// A length of time.
pub trait Length {
    /// Returns the length.
    fn length(&self) -> TimeDelta;
}

impl Length for TimeDelta {
    fn length(&self) -> TimeDelta {
        *self
    }
}

impl Length for std::time::Duration {
    fn length(&self) -> TimeDelta {
        TimeDelta::from_std(*self).unwrap_or(TimeDelta::MAX)
    }
}

impl Length for i64 {
    fn length(&self) -> TimeDelta {
        TimeDelta::try_seconds(*self).unwrap_or(TimeDelta::MAX)
    }
}

impl<L: Length + ?Sized> Length for &L {
    fn length(&self) -> TimeDelta {
        L::length(self)
    }
}

/// A value told inside a sentence: a number (takes part in plural choices) or text.
pub trait Told {
    /// Returns the value for the language file.
    fn told(&self) -> FluentValue<'static>;
}

impl Told for str {
    fn told(&self) -> FluentValue<'static> {
        FluentValue::from(self.to_owned())
    }
}

impl Told for String {
    fn told(&self) -> FluentValue<'static> {
        FluentValue::from(self.clone())
    }
}

impl<T: Told + ?Sized> Told for &T {
    fn told(&self) -> FluentValue<'static> {
        T::told(self)
    }
}

macro_rules! numbers {
    ($($kind:ty),+) => {$(
        impl Figure for $kind {
            fn figure(&self, lang: Lang) -> String {
                figures::whole(i128::try_from(*self).unwrap_or(i128::MAX), lang)
            }
        }

        impl Told for $kind {
            fn told(&self) -> FluentValue<'static> {
                FluentValue::from(i64::try_from(*self).unwrap_or(i64::MAX))
            }
        }
    )+};
}

numbers!(u8, u16, u32, u64, usize, i32, i64);

impl Figure for f64 {
    fn figure(&self, lang: Lang) -> String {
        figures::decimal(*self, lang)
    }
}

impl Told for f64 {
    fn told(&self) -> FluentValue<'static> {
        FluentValue::from(*self)
    }
}

impl<F: Figure> Figure for Option<F> {
    fn figure(&self, lang: Lang) -> String {
        self.as_ref().map_or_else(|| "–".to_owned(), |figure| figure.figure(lang))
    }
}

impl<F: Figure + ?Sized> Figure for &F {
    fn figure(&self, lang: Lang) -> String {
        F::figure(self, lang)
    }
}
