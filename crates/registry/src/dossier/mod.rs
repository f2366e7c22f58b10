//! Level dossiers: from the draft that the register fills, through signature, sending, completeness,
//! appraisal and decision, to the papers and the level that the system then has (NĐ 331/2026, Điều 18-25).
//!
//! Limits run in working days (`law::Workdays`). Who writes does not appraise, who appraises does not
//! decide: every step bears its account, and [`duty`] refuses who joins duties. What the change of law
//! asks of each system, until when, is a list of its own.

mod actions;
mod check;
mod draw;
mod duty;
mod files;
mod form;
mod ground;
mod judge;
mod lists;
mod model;
mod page;
mod reminder;
mod report;
mod routes;
mod store;
mod transition;
mod views;
mod work;

pub use reminder::remind;

pub(crate) use routes::routes;
pub(crate) use store::{follow, move_all};
pub(crate) use work::todos;

#[cfg(test)]
mod tests;
