//! Orders: one paper to many agencies, each of which acknowledges, acts and proves; the board tells who
//! has not. *Công điện* (do this) and requests for coordination (help with this).
//!
//! An order never changes after it was issued. What each agency makes of it is its own row, a *part*; the
//! moments of a part are what the record for praise or criticism counts.

mod actions;
mod answer;
mod concern;
mod form;
mod model;
mod print;
mod record;
mod reminder;
mod routes;
mod sheet;
mod store;
mod story;
mod template;
mod views;
mod work;

#[cfg(test)]
mod tests;

pub use reminder::remind;
pub use views::{OrderForm, OrderList, OrderPage, OrderRow, PartRow, RecordPage, RecordRow};
pub use work::OrderWork;

pub(crate) use routes::routes;
pub(crate) use story::all_proofs;
