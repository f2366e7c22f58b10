//! Why a SQL question has no answer, for whoever asked: what is wrong, its place, and what may have been meant.
//!
//! What is common is told by name ([`SqlFault`]), in the reader's language; what is not recognised, in the engine's
//! words.

mod asked;
mod grammar;
mod kinds;
mod names;

use datafusion::error::DataFusionError;
use event::lake::{LakeError, SqlFault, SqlWrong};

pub(super) use asked::Asked;
use kinds::IN_CONDITION;

use crate::error::StoreError;

/// What the engine puts before a reason: where in it the reason came up.
const FOREWORDS: [&str; 6] = [
    "Error during planning: ",
    "Schema error: ",
    "SQL error: ",
    "Execution error: ",
    "Arrow error: ",
    "This feature is not implemented: ",
];

/// Tells a question that cannot be answered from a lake that failed.
pub(super) fn refused(error: DataFusionError, asked: &Asked<'_>) -> LakeError {
    // What stands around it names steps of the engine ("Optimizer rule … failed"), not what is wrong.
    let root = error.find_root();
    let fault = match root {
        DataFusionError::SQL(wrong, _) => grammar::fault(wrong, asked),
        DataFusionError::ResourcesExhausted(_) => Some(whole(SqlWrong::Memory)),
        _ => names::fault(root, asked).or_else(|| kinds::fault(root, asked)),
    };
    if let Some(mut fault) = fault {
        let span = error.diagnostic().and_then(|told| told.span);
        let at = span.map(|span| (span.start.line, span.start.column));
        let at = at.filter(|(line, _)| *line > 0);
        fault.at = fault.at.or(at).or_else(|| asked.place_of(&fault.name));
        return LakeError::Sql(fault);
    }
    match root {
        DataFusionError::SQL(..)
        | DataFusionError::Plan(_)
        | DataFusionError::SchemaError(..)
        | DataFusionError::Diagnostic(..)
        | DataFusionError::Collection(_)
        | DataFusionError::NotImplemented(_)
        | DataFusionError::Configuration(_)
        | DataFusionError::ArrowError(..)
        | DataFusionError::Execution(_) => LakeError::Question(reason(&root.strip_backtrace())),
        DataFusionError::ParquetError(error) if error.to_string().contains(IN_CONDITION) => {
            LakeError::Question(reason(&error.to_string()))
        }
        _ => StoreError::Query(error).into(),
    }
}

/// Returns what is wrong with a question as a whole.
pub(super) const fn whole(wrong: SqlWrong) -> SqlFault {
    SqlFault { wrong, name: String::new(), at: None, near: Vec::new() }
}

/// Letters of a part of a question, or of a value of an event, that are told.
const NAME_MAX: usize = 200;

/// Returns what is wrong with a part of a question; its place is still to be found.
fn about(wrong: SqlWrong, name: &str) -> SqlFault {
    SqlFault { name: name.chars().take(NAME_MAX).collect(), ..whole(wrong) }
}

/// Returns what stands between two texts, wherever the first stands.
fn between<'a>(told: &'a str, before: &str, after: &str) -> Option<&'a str> {
    told.split_once(before)?.1.split_once(after).map(|(name, _)| name)
}

/// Returns why, without the engine's forewords and its name for our tables' place.
fn reason(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let why = FOREWORDS.into_iter().find_map(|foreword| line.strip_prefix(foreword));
    why.unwrap_or(line).replace("datafusion.public.", "").trim_end_matches('.').to_owned()
}
