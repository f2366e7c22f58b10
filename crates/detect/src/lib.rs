//! Events × rules → findings: Sigma rules and correlations, compiled once, matched fast.
//!
//! The way of a rule: text → `yaml` (a tree with places) → `parser` → `ast` → `matching` (one program
//! per log source) and, for rules over several events, `correlation`. The way of an event: [`Engine`] →
//! the programs of its log source → findings with their reasons (`explain`).
//!
//! This crate does no IO and reads no clock: the same rules and events give the same findings. Loading
//! rules uses all cores; nothing it starts outlives the call. `reference` evaluates a rule plainly, as
//! written; the fast way is tested against it.

#![deny(clippy::indexing_slicing, clippy::as_conversions, clippy::arithmetic_side_effects)]
#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        clippy::as_conversions,
        clippy::arithmetic_side_effects,
        reason = "a test may stop at the first surprise"
    )
)]

// A rule's way.
mod error;
mod fingerprint;
mod letter_case;
mod number;
mod pattern;
mod yaml;

mod ast;
mod info;
mod parser;
mod pipeline;

mod names;
mod rule_set;

// An event's way.
mod baseline;
mod correlation;
mod coverage;
mod engine;
mod entity;
mod explain;
mod indicator;
mod matching;
mod necessary;
mod reference;
mod taxonomy;
mod test_value;
mod time_part;

pub mod limits;
pub mod testing;

#[cfg(test)]
mod traps;

pub use ast::Placeholders;
pub use baseline::{
    BASELINE_LIMIT_RULE, BaselineSettings, BaselineState, BaselineSwitch, Learning,
};
pub use correlation::{Correlator, CorrelatorState, Dropped, LATE_RULE, LIMIT_RULE};
pub use coverage::{Needs, Readiness, RuleCoverage, Seen, SeenKind};
pub use engine::{CountedRules, Engine, EngineState};
pub use error::{RuleError, RuleErrorKind};
pub use explain::{
    Because, Branch, Counted, Explanation, FilterCheck, ItemCheck, Near, Obstacle, Part,
    SourceCheck,
};
pub use indicator::{
    Indicator, IndicatorError, IndicatorKind, IndicatorLoader, IndicatorReport, IndicatorSet,
    IndicatorWatch, Refused, SetAside, Tlp, WarningError, WarningLists, indicator_rules,
};
pub use info::{FirstStep, RuleInfo};
pub use matching::{Candidate, Decoding, Scratch, Screen, Verdict};
pub use parser::RuleFile;
pub use pipeline::Pipeline;
pub use rule_set::RuleSet;
pub use taxonomy::{attr_of, covers, field};
