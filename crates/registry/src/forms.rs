//! What the forms of all slices share: choices, and being shown again with what is wrong.

use std::collections::BTreeMap;

use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use web::{AppError, By, Done, View, Who};

/// What is wrong with each field, in the reader's language.
pub(crate) type Errors = BTreeMap<String, String>;

/// One choice of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Choice {
    /// What is sent.
    pub(crate) value: String,
    /// What is shown.
    pub(crate) label: String,
    /// Whether it is the present one.
    pub(crate) chosen: bool,
}

/// Returns the choices of a list of (value, label), with the present one marked.
pub(crate) fn choices(
    all: impl IntoIterator<Item = (String, String)>,
    present: Option<&str>,
) -> Vec<Choice> {
    all.into_iter()
        .map(|(value, label)| Choice { chosen: present == Some(value.as_str()), value, label })
        .collect()
}

/// Answers a form: onwards when it was kept, else shown again with what is wrong.
pub(crate) fn answer<T>(
    who: &Who,
    kept: Result<Done, AppError>,
    form: impl FnOnce(Errors) -> T,
) -> Result<Response, AppError>
where
    T: askama::Template + Serialize + Send + Sync + 'static,
{
    match kept {
        Ok(done) => Ok(done.into_response()),
        Err(error) => again(who, error, form),
    }
}

/// Shows a form again to a person whose input does not fit; a program gets the error itself.
pub(crate) fn again<T>(
    who: &Who,
    error: AppError,
    form: impl FnOnce(Errors) -> T,
) -> Result<Response, AppError>
where
    T: askama::Template + Serialize + Send + Sync + 'static,
{
    match error {
        AppError::Invalid(errors) if who.by != By::Token => {
            let view = View::new(form(errors.told(who.lang)));
            Ok(view.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
        }
        error => Err(error),
    }
}
