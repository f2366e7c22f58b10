//! Registers as offices keep them: Excel files of agencies, systems and people. A file is first only
//! looked at: what would be added, what changed, and which cell is wrong and why. Then it is taken in as
//! one batch, and can be undone as one, as long as nobody built on it.

mod actions;
mod columns;
mod model;
mod plan;
mod routes;
mod sheet;
mod store;
mod views;
mod work;

pub(crate) use routes::routes;
pub(crate) use views::{deed_key, deed_tone};
pub use work::Importer;

#[cfg(test)]
mod tests;
