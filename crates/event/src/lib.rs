//! The words that every crate shares: [`Event`], [`Finding`], typed ids, [`Clock`], [`Scope`], the
//! query language and the [`LakeReader`] trait.
//!
//! This crate does no IO, starts no task and reads no clock of its own: it stands at the root of the
//! dependency graph, so everything here must stay small, plain and quick to compile.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may stop at the first surprise"))]

// What travels along the way, in the order of the way.
pub mod frame;
mod record;

mod attr;
mod class;
mod deciding;
mod json_marks;
pub mod json_spans;
mod lazy_regex;
mod value;

mod finding;
mod severity;

// Who and when.
mod clock;
pub mod id;
mod scope;

// What lies on the disk for a while.
pub mod seal;

// Asking for events.
pub mod fold;
pub mod lake;
pub mod query;

// What people write down of attackers.
pub mod observable;

pub use attr::{Attr, AttrType};
pub use class::{Class, LogSource};
pub use clock::{Clock, SystemClock, TestClock};
pub use deciding::Deciding;
pub use finding::{Entity, EntityKind, Finding, FindingKey, Match, MatchKind};
pub use frame::{DeadLetter, DeadReason, Frame, SpoolPosition};
pub use id::{AccountId, AgencyId, AlertId, EventId, IdSource, IncidentId, SourceId, SystemId};
pub use json_marks::{JsonMarks, begins};
pub use lake::LakeReader;
pub use lazy_regex::{LazyRegex, RegexFlags};
pub use record::{Attrs, CLOCK_OFF, Event, Note, Origin, TIME_UNREADABLE, TimeQuality};
pub use scope::Scope;
pub use severity::{Level, Severity};
pub use value::{Fields, Name, Value};
