//! The duty page: is something burning, what fell silent, what waits for me. Read from counters and
//! tables only, never from the lake.

mod day;
mod pages;
mod routes;
#[cfg(test)]
mod tests;
mod views;

pub use day::Days;
pub(crate) use routes::routes;
pub use views::DutyPage;
