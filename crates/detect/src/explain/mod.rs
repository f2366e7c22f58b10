//! Why a rule fired, and why it did not: both read off the plain evaluator, so that neither can
//! disagree with it. Only how a text is held against a pattern is made fast for findings ([`folded`]).

mod explanation;
mod folded;
mod near;
mod part;
mod reason;

#[cfg(test)]
mod tests;

pub(crate) use explanation::of_rule;
pub use explanation::{
    Because, Branch, Counted, Explanation, FilterCheck, ItemCheck, Obstacle, Part, SourceCheck,
};
pub use near::Near;
pub(crate) use reason::{finding, unexplained};
