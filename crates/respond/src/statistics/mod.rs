//! How quickly incidents are detected, taken up, contained and closed, and how many legal clocks are met:
//! measured from what the platform wrote down, by month, agency or severity.

mod measure;
mod routes;
mod store;
#[cfg(test)]
mod tests;
mod views;

pub(crate) use routes::routes;
pub use views::{StatisticsPage, StatisticsRow};
