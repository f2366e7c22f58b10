//! Why a SQL question has no answer, in words for whoever asked.

use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::parser::ParserError;
use event::lake::LakeError;

use crate::error::StoreError;

/// Tells a question that cannot be answered from a lake that failed.
pub(super) fn asked_or_failed(error: DataFusionError) -> LakeError {
    match error.find_root() {
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
        | DataFusionError::Execution(_) => {
            LakeError::Question(first_line(&error.strip_backtrace()))
        }
        _ => StoreError::Query(error).into(),
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
