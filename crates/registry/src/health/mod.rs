//! How each source does, measured: counted in memory while frames pass, written down every few
//! seconds. "Monitored" is what these numbers say, never what someone declares.

mod book;
mod chart;
mod store;

pub use book::{Health, HealthBook, Sighting, Silence, Status};

#[cfg(test)]
mod tests;
