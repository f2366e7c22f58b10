//! CACAO 2.0 playbooks: read, understood, followed. Pure: no IO, no clock.
//!
//! [`read`] takes foreign bytes, bounded, and says at which place something is wrong. What it returns is a
//! view of what people need; the bytes themselves stay the playbook, so that nothing is lost on the way out.
//! [`flow`] tells which steps of a run are open.
//!
//! Source: OASIS, CACAO Security Playbooks Version 2.0.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may stop at the first surprise"))]

mod extension;
pub mod flow;
mod json;
pub mod limits;
mod parts;
mod playbook;
mod read;
#[cfg(test)]
mod tests;

pub use extension::{Act, Deadline, EXTENSION, Moment};
pub use playbook::{Line, Playbook, Step, StepKind, Words};
pub use read::{Fault, Problem, read};
