//! What can go wrong between people and their alerts.

use db::DbError;
use event::lake::LakeError;
use sea_orm::DbErr;
use web::{AppError, Phrase};

use crate::alert::WrongState;
use crate::exception::ExceptionError;
use crate::incident::IncidentStateError;
use crate::report::ReportError;
use crate::saved::DraftError;

/// Why an action was not done.
#[derive(Debug, thiserror::Error)]
pub enum RespondError {
    /// There is no such thing, or the reader may not see it.
    #[error("no such thing in the reader's scope")]
    NotFound,
    /// The state does not allow it.
    #[error("the alert's state does not allow it")]
    State(#[from] WrongState),
    /// The incident's state does not allow it.
    #[error("the incident's state does not allow it")]
    IncidentState(#[from] IncidentStateError),
    /// The report cannot be taken so far.
    #[error("the report cannot be taken so far")]
    Report(#[from] ReportError),
    /// A field of the form is wrong: its name and the key of the sentence that says why.
    #[error("the field {field} is wrong ({key})")]
    Field {
        /// The field's name in the form.
        field: &'static str,
        /// The key of the sentence.
        key: &'static str,
    },
    /// A line of a text in a field is wrong.
    #[error("line {line} of the field {field} is wrong: {detail}")]
    Line {
        /// The field's name in the form.
        field: &'static str,
        /// The key of the sentence, which names `line` and `detail`.
        key: &'static str,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        detail: String,
    },
    /// A field of the form is wrong, in a sentence that names what.
    #[error("the field {field} is wrong")]
    Told {
        /// The field's name in the form.
        field: &'static str,
        /// The sentence.
        phrase: Phrase,
    },
    /// What it is about is no longer as it was: the key of the sentence that says how.
    #[error("it has changed meanwhile ({0})")]
    Conflict(&'static str),
    /// The exception cannot be made.
    #[error("the exception cannot be made")]
    Exception(#[from] ExceptionError),
    /// The reader sees it, but may not do this with it.
    #[error("only the owner may do this")]
    Forbidden,
    /// The search cannot be saved so.
    #[error("the search cannot be saved")]
    Draft(#[from] DraftError),
    /// A stored row cannot be understood.
    #[error("column {column} of table {table} holds what this version cannot read")]
    BadRow {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// Something cannot be written as JSON.
    #[error("a value cannot be written as JSON")]
    Json(#[source] serde_json::Error),
    /// The database failed.
    #[error("the database failed")]
    Db(#[from] DbError),
    /// The lake did not answer.
    #[error("the lake did not answer")]
    Lake(#[from] LakeError),
    /// A file could not be made.
    #[error("the file could not be made")]
    File(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<DbErr> for RespondError {
    fn from(error: DbErr) -> Self {
        Self::Db(DbError::Query(error))
    }
}

/// What the reader is told: each kind of failure is a decision.
impl From<RespondError> for AppError {
    fn from(error: RespondError) -> Self {
        match error {
            RespondError::NotFound => Self::NotFound,
            RespondError::Forbidden => Self::Forbidden,
            RespondError::Draft(DraftError::Field(field, key)) => {
                Self::invalid(field, Phrase::key(key))
            }
            RespondError::Draft(DraftError::Line(wrong)) => Self::invalid(
                "line",
                Phrase::key("search-error-question").arg("detail", wrong.message.as_str()),
            ),
            RespondError::State(_) => Self::Conflict(Phrase::key("alert-error-state")),
            RespondError::IncidentState(_) => Self::Conflict(Phrase::key("incident-error-state")),
            RespondError::Conflict(key) => Self::Conflict(Phrase::key(key)),
            RespondError::Report(error) => Self::Conflict(Phrase::key(error.key())),
            RespondError::Told { field, phrase } => Self::invalid(field, phrase),
            RespondError::Field { field, key } => Self::invalid(field, Phrase::key(key)),
            RespondError::Line { field, key, line, detail } => {
                Self::invalid(field, Phrase::key(key).arg("line", line).arg("detail", detail))
            }
            RespondError::Exception(error) => exception(&error),
            RespondError::Lake(LakeError::Question(detail)) => {
                Self::invalid("q", Phrase::key("search-error-question").arg("detail", detail))
            }
            RespondError::Lake(LakeError::Sql(fault)) => Self::invalid(
                "q",
                Phrase::key("search-error-question").arg("detail", fault.to_string()),
            ),
            RespondError::Lake(LakeError::Unsupported(words)) => {
                Self::invalid("q", unsupported(words))
            }
            RespondError::Lake(LakeError::TooManyBars) => {
                Self::invalid("q", Phrase::key("search-error-bars"))
            }
            RespondError::Lake(LakeError::Timeout { limit_ms }) => {
                Self::Conflict(Phrase::key("search-error-timeout").arg("seconds", limit_ms / 1000))
            }
            RespondError::Lake(error) => Self::unavailable(error),
            error => Self::internal(error),
        }
    }
}

/// Says which part of a SQL question would be passed over.
pub(crate) fn unsupported(words: String) -> Phrase {
    Phrase::key("search-sql-error-unsupported").arg("words", words)
}

fn exception(error: &ExceptionError) -> AppError {
    match error {
        ExceptionError::Condition(wrong) => AppError::invalid(
            "condition",
            Phrase::key("exception-error-condition")
                .arg("column", wrong.column)
                .arg("detail", wrong.message.as_str()),
        ),
        ExceptionError::TooWide => {
            AppError::invalid("condition", Phrase::key("exception-error-wide"))
        }
        ExceptionError::TooLong => {
            AppError::invalid("condition", Phrase::key("exception-error-long"))
        }
        ExceptionError::Expiry => AppError::invalid("days", Phrase::key("exception-error-expiry")),
    }
}
