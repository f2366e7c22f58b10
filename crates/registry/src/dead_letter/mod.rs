//! Dead letters: records that nothing could read, kept whole with the reason. A mended parser reads
//! them again; only a person throws one away.

mod actions;
mod model;
mod routes;
mod store;
mod views;

pub use actions::{file, per_source};
pub use model::{DeadLetterFilter, DeadLetterState, Replay, ReplayError, StoredLetter};
pub(crate) use routes::routes;

#[cfg(test)]
mod tests;
