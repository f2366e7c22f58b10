//! Playbooks: what is done about a kind of incident, by which post, under which law, until when; as CACAO 2.0
//! files in and out, and followed in an incident's room.
//!
//! A run keeps the playbook as it was when it began. Its steps become tasks of the room; a step opens when
//! those before it are done (`cacao::flow`). Questions are answered by a person. What the platform does by
//! itself: it counts what a search finds, tells people, and puts the incident's observables on the list of
//! indicators, once a second person agrees.

mod actions;
mod block;
mod category;
mod model;
mod pages;
mod routes;
mod run;
mod search;
mod shelf;
mod store;
#[cfg(test)]
mod tests;
mod views;

pub(crate) use block::BlockApproved;
pub(crate) use routes::routes;
pub(crate) use run::{follow_up, retime, task_set};
pub(crate) use store::running;
pub use views::{FlowLine, PlaybookList, PlaybookPage, PlaybookRow, RoomPlaybooksPage, RunView};
