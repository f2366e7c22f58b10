//! What a page must know about the one who reads it: language, time, protection token, theme.
//!
//! It reaches every template as an askama runtime value, so that views carry none of it.

use std::any::Any;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use chrono::{DateTime, Utc};
use http::request::Parts;

use crate::{AppError, Lang, Who};

/// The name under which templates find the reader.
pub(crate) const READER: &str = "reader";

/// The colours the reader chose.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the system says.
    #[default]
    Auto,
    /// Always light.
    Light,
    /// Always dark: the duty room at three in the morning.
    Dark,
}

impl Theme {
    /// Returns the word in the cookie and in `data-theme`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// Returns the theme named by a cookie's value.
    pub fn from_word(word: &str) -> Self {
        match word {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::Auto,
        }
    }
}

/// The one who reads a page, and the moment it is made.
#[derive(Debug, Clone)]
pub struct Reader {
    /// The language of the page.
    pub lang: Lang,
    /// The chosen colours.
    pub theme: Theme,
    /// The token every form carries; empty for someone not signed in.
    pub csrf: String,
    /// The moment the page is made.
    pub now: DateTime<Utc>,
    /// Who it is, if signed in.
    pub who: Option<Arc<Who>>,
}

impl<S: Sync> FromRequestParts<S> for Reader {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AppError> {
        let reader = parts.extensions.get::<Self>();
        reader.cloned().ok_or_else(|| AppError::internal("no reader: the route is not served"))
    }
}

impl askama::Values for Reader {
    fn get_value<'a>(&'a self, key: &str) -> Option<&'a dyn Any> {
        (key == READER).then_some(self as &dyn Any)
    }
}

/// Returns the language of a rendering; Vietnamese when a template is rendered by itself.
pub(crate) fn lang_of(values: &dyn askama::Values) -> Lang {
    askama::get_value::<Reader>(values, READER).map(|reader| reader.lang).unwrap_or_default()
}
