//! What can go wrong for a reader: one enum with a page, a fragment and a problem+json face.
//!
//! Each error says what happened and what to do next, in the reader's language. An internal error
//! shows an id and nothing else; the log has the whole chain under that id, once.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use thiserror::Error;

use crate::view::Unrendered;
use crate::{Lang, Phrase};

/// What went wrong. There is no blanket conversion: each is a decision.
#[derive(Debug, Error)]
pub enum AppError {
    /// There is no such thing, or the reader may not know of it.
    #[error("not found")]
    NotFound,
    /// The page is for someone signed in.
    #[error("not signed in")]
    NotSignedIn,
    /// The role may not do this, and that it exists is no secret.
    #[error("not allowed for this role")]
    Forbidden,
    /// The role asks for a second factor and the account has none yet.
    #[error("a second factor must be set up first")]
    SecondFactorNeeded,
    /// It does not fit the present state; the phrase says what and what to do.
    #[error("conflict with the present state")]
    Conflict(Phrase),
    /// What was sent is wrong; each field says why.
    #[error("what was sent is not valid: {0}")]
    Invalid(FieldErrors),
    /// Too many tries.
    #[error("too many requests; again in {retry_after_s} s")]
    TooMany {
        /// Seconds until the next try makes sense.
        retry_after_s: u64,
    },
    /// A part that is needed does not answer now.
    #[error("temporarily unavailable")]
    Unavailable(#[source] Option<Box<dyn Error + Send + Sync>>),
    /// Our fault. The reader sees an id only.
    #[error("internal error")]
    Internal(#[source] Box<dyn Error + Send + Sync>),
}

impl AppError {
    /// Wraps an error that is our fault; the chain goes to the log, never to the reader.
    pub fn internal(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Internal(error.into())
    }

    /// Wraps the error of a part that does not answer now.
    pub fn unavailable(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable(Some(error.into()))
    }

    /// Returns the error of one wrong field.
    pub fn invalid(field: &'static str, why: Phrase) -> Self {
        Self::Invalid(FieldErrors::default().with(field, why))
    }

    /// Returns the HTTP status.
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::NotSignedIn => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::SecondFactorNeeded => StatusCode::FORBIDDEN,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Returns the stable word of the kind: the end of problem+json's `type`.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::NotSignedIn => "not-signed-in",
            Self::Forbidden => "forbidden",
            Self::SecondFactorNeeded => "second-factor-needed",
            Self::Conflict(_) => "conflict",
            Self::Invalid(_) => "invalid",
            Self::TooMany { .. } => "too-many",
            Self::Unavailable(_) => "unavailable",
            Self::Internal(_) => "internal",
        }
    }

    /// Returns what happened, as a heading.
    pub const fn title(&self) -> Phrase {
        Phrase::key(match self {
            Self::NotFound => "web-error-not-found",
            Self::NotSignedIn => "web-error-not-signed-in",
            Self::Forbidden => "web-error-forbidden",
            Self::SecondFactorNeeded => "web-error-second-factor",
            Self::Conflict(_) => "web-error-conflict",
            Self::Invalid(_) => "web-error-invalid",
            Self::TooMany { .. } => "web-error-too-many",
            Self::Unavailable(_) => "web-error-unavailable",
            Self::Internal(_) => "web-error-internal",
        })
    }

    /// Returns what was kept and what to do next.
    pub fn advice(&self) -> Phrase {
        match self {
            Self::NotFound => Phrase::key("web-error-not-found-advice"),
            Self::NotSignedIn => Phrase::key("web-error-not-signed-in-advice"),
            Self::Forbidden => Phrase::key("web-error-forbidden-advice"),
            Self::SecondFactorNeeded => Phrase::key("web-error-second-factor-advice"),
            Self::Conflict(phrase) => phrase.clone(),
            Self::Invalid(_) => Phrase::key("web-error-invalid-advice"),
            Self::TooMany { retry_after_s } => {
                Phrase::key("web-error-too-many-advice").arg("seconds", *retry_after_s)
            }
            Self::Unavailable(_) => Phrase::key("web-error-unavailable-advice"),
            Self::Internal(_) => Phrase::key("web-error-internal-advice"),
        }
    }
}

/// Which fields are wrong and why. The empty name means the whole form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldErrors(BTreeMap<String, Vec<Phrase>>);

impl FieldErrors {
    /// Adds a reason for a field, by value.
    #[must_use]
    pub fn with(mut self, field: impl Into<String>, why: Phrase) -> Self {
        self.add(field, why);
        self
    }

    /// Adds a reason for a field.
    pub fn add(&mut self, field: impl Into<String>, why: Phrase) {
        self.0.entry(field.into()).or_default().push(why);
    }

    /// Returns whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Goes on if nothing is wrong.
    ///
    /// # Errors
    /// [`AppError::Invalid`] with all reasons.
    pub fn check(self) -> Result<(), AppError> {
        if self.is_empty() { Ok(()) } else { Err(AppError::Invalid(self)) }
    }

    /// Returns the reasons in a language, by field: what a form shows beside its inputs.
    pub fn told(&self, lang: Lang) -> BTreeMap<String, String> {
        self.0
            .iter()
            .map(|(field, reasons)| {
                let reasons: Vec<String> = reasons.iter().map(|reason| reason.text(lang)).collect();
                (field.clone(), reasons.join(" "))
            })
            .collect()
    }
}

impl fmt::Display for FieldErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, field) in self.0.keys().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            f.write_str(if field.is_empty() { "(form)" } else { field })?;
        }
        Ok(())
    }
}

/// Returns the messages of an error and of all its causes, outermost first.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(Unrendered::Error(Arc::new(self)));
        response
    }
}
