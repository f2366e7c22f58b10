//! Alerts: findings of one rule about one entity of one system, close in time, with their way from
//! new to closed.

mod actions;
mod count;
mod export;
mod grouping;
mod intake;
mod model;
#[cfg(test)]
mod page_tests;
mod pages;
mod reason;
mod receive;
mod routes;
mod since;
mod store;
mod story;
mod telling;
#[cfg(test)]
mod tests;
mod unusual;
mod views;

pub(crate) use model::vietnam_year;
pub use model::{Alert, Closure, EventSample, Reason, Status, Step, WrongState, priority};
pub(crate) use pages::severity_counts;
pub use receive::{Received, forget_old_findings, receive};
pub(crate) use routes::{AssignForm, routes};
pub use since::made_since;
pub(crate) use store::{
    AlertFilter, AlertOrder, Slice, TopBy, TopKey, by_number, changes_since, count_of_incidents,
    detections, findings_of_rule, get, get_for_change, holds, next_numbers, of_incident,
    open_count, per_rule, set_incident, set_status, slice, top, within,
};
#[cfg(test)]
pub(crate) use store::{StateFilter, list};
pub use story::Both;
pub(crate) use telling::taken_up;
pub use views::{AlertList, AlertPage, AlertRow, Choice, SeverityCount};
