//! Why a rule fired, and why it did not: both read off the plain evaluator, so that neither can
//! disagree with it.

mod part;
mod reason;

pub(crate) use reason::finding;
