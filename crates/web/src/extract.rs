//! What handlers take in: path, query and body as typed structs, whose mistakes become our errors.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use http::header::CONTENT_TYPE;
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::error::FieldErrors;
use crate::{AppError, Phrase};

/// The values in the path. A malformed id is a page that does not exist.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AppError> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(path) => Ok(Self(path.0)),
            Err(_) => Err(AppError::NotFound),
        }
    }
}

/// The query of the address. A field that comes several times fills a `Vec`; an empty one counts as
/// not given, so that `<select>`s and empty inputs become `None`.
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AppError> {
        from_pairs(parts.uri.query().unwrap_or_default().as_bytes()).map(Self)
    }
}

/// The body of a change: a form from a page, JSON from a program, the same struct. An empty form
/// field counts as not given (use `#[serde(default)]` for text that may be empty).
#[derive(Debug, Clone, Copy)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = AppError;

    async fn from_request(request: Request, state: &S) -> Result<Self, AppError> {
        let is_json = request
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|kind| kind.starts_with("application/json"));
        let Ok(bytes) = Bytes::from_request(request, state).await else {
            return Err(AppError::invalid("", Phrase::key("web-field-too-large")));
        };
        if is_json {
            serde_json::from_slice(&bytes).map(Self).map_err(|error| unreadable(&error.to_string()))
        } else {
            from_pairs(&bytes).map(Self)
        }
    }
}

fn from_pairs<T: DeserializeOwned>(encoded: &[u8]) -> Result<T, AppError> {
    let given: Vec<(std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)> =
        form_urlencoded::parse(encoded)
            .filter(|(name, value)| name != crate::security::CSRF_FIELD && !value.is_empty())
            .collect();
    let kept = form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish();
    serde_html_form::from_str(&kept).map_err(|error| unreadable(&error.to_string()))
}

/// Turns serde's words into a field's message: they name the field between backticks.
fn unreadable(words: &str) -> AppError {
    let field = words.split('`').nth(1).unwrap_or_default();
    let why = if words.starts_with("missing field") {
        Phrase::key("web-field-missing")
    } else if words.starts_with("unknown field") {
        Phrase::key("web-field-unknown").arg("field", field)
    } else {
        return AppError::Invalid(
            FieldErrors::default()
                .with("", Phrase::key("web-field-unreadable").arg("detail", words)),
        );
    };
    AppError::Invalid(FieldErrors::default().with(field, why))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Filter {
        name: String,
        level: Option<u8>,
        #[serde(default)]
        tag: Vec<String>,
    }

    #[test]
    fn forms_fill_structs_and_mistakes_name_their_field() {
        let read = |text: &str| from_pairs::<Filter>(text.as_bytes());
        let full = read("name=a%20b&level=3&tag=x&tag=y&_csrf=zzz").unwrap();
        assert_eq!(
            full,
            Filter { name: "a b".into(), level: Some(3), tag: vec!["x".into(), "y".into()] }
        );
        assert_eq!(read("name=a&level=").unwrap().level, None);
        for (text, field) in
            [("level=3", "name"), ("name=a&more=1", "more"), ("name=a&level=x", "")]
        {
            let Err(AppError::Invalid(errors)) = read(text) else { panic!("{text} was accepted") };
            assert_eq!(errors.told(crate::Lang::Vi).keys().collect::<Vec<_>>(), [field], "{text}");
        }
    }
}
