//! Alerts: findings of one rule about one entity of one system, close in time, with their way from
//! new to closed.

mod actions;
mod grouping;
mod intake;
mod model;
mod receive;
mod store;
#[cfg(test)]
mod tests;

pub use model::{Alert, Closure, EventSample, Reason, Status, Step, WrongState, priority};
pub(crate) use model::vietnam_year;
pub use receive::{Received, receive};
pub(crate) use store::{
    findings_of_rule, get_for_change, holds, next_numbers, set_incident, set_status, within,
};
