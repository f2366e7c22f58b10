//! Why a SQL question has no answer, in words for whoever asked.

use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::parser::ParserError;
use event::lake::LakeError;

use crate::error::StoreError;

/// What the engine puts before a reason: where in it the reason came up.
const FOREWORDS: [&str; 5] = [
    "Error during planning: ",
    "Schema error: ",
    "Execution error: ",
    "Arrow error: ",
    "This feature is not implemented: ",
];

/// Tells a question that cannot be answered from a lake that failed.
pub(super) fn asked_or_failed(error: DataFusionError) -> LakeError {
    // What stands around it names steps of the engine ("Optimizer rule … failed"), not what is wrong.
    let root = error.find_root();
    match root {
        DataFusionError::SQL(wrong, _) => LakeError::Question(match wrong.as_ref() {
            ParserError::TokenizerError(text) | ParserError::ParserError(text) => first_line(text),
            ParserError::RecursionLimitExceeded => "it nests too deep".to_owned(),
        }),
        DataFusionError::ResourcesExhausted(_) => LakeError::Question(
            "it takes more memory than one question may; ask for less time or fewer columns"
                .to_owned(),
        ),
        DataFusionError::Plan(_)
        | DataFusionError::SchemaError(..)
        | DataFusionError::Diagnostic(..)
        | DataFusionError::Collection(_)
        | DataFusionError::NotImplemented(_)
        | DataFusionError::Configuration(_)
        | DataFusionError::ArrowError(..)
        | DataFusionError::Execution(_) => LakeError::Question(reason(&root.strip_backtrace())),
        _ => StoreError::Query(error).into(),
    }
}

/// Returns why, without the engine's forewords and its name for our tables' place.
fn reason(text: &str) -> String {
    let line = first_line(text);
    let why = FOREWORDS.into_iter().find_map(|foreword| line.strip_prefix(foreword));
    why.unwrap_or(&line).replace("datafusion.public.", "").trim_end_matches('.').to_owned()
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
