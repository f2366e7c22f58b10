//! Alerts: findings of one rule about one entity of one system, close in time, with their way from
//! new to closed.

mod actions;
mod count;
mod export;
mod grouping;
mod intake;
mod loss;
mod model;
#[cfg(test)]
mod page_tests;
mod pages;
mod reason;
mod receive;
mod risk;
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
#[cfg(test)]
pub(crate) use pages::opened_list;
pub(crate) use pages::severity_counts;
pub use receive::{Received, forget_old_findings, receive};
pub use risk::card as entity_risk_card;
pub(crate) use routes::{AssignForm, normal_query, routes};
pub use since::made_since;
#[cfg(test)]
pub(crate) use store::list;
pub(crate) use store::{
    AlertFilter, AlertOrder, Slice, StateFilter, TopBy, TopKey, by_number, changes_since,
    count_of_incidents, detections, findings_of_rule, get, get_for_change, next_numbers,
    of_incident, open_count, per_rule, set_incident, set_status, slice, top, within,
};
pub use story::Both;
pub(crate) use telling::taken_up;
pub use views::{AlertList, AlertPage, AlertRow, Choice, SeverityCount};
