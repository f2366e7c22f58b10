//! Log sources: the streams of records, each with a token (HTTP), an address (syslog) or a path
//! (file). What comes on a source belongs to its agency and system, whatever the sender claims.

mod actions;
mod connect;
mod model;
mod routes;
mod store;
mod token;
mod views;

pub use connect::{Intake, IntakeListener, ParserInfo};
pub use model::{LogSource, SourceDraft, SourceFilter, SourceKind};
pub(crate) use routes::{routes, rows};
pub(crate) use store::{all, insert, move_all, update};
pub use token::Token;
pub(crate) use token::{Digest, digest, same};
pub(crate) use views::SourceRow;

#[cfg(test)]
mod tests;
