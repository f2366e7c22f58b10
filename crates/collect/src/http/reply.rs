//! What a refused request is told: a status, a JSON body in Elasticsearch's shape that a person can
//! read too, and when to try again.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::limits::RETRY_AFTER_S;
use crate::spool::AppendError;

/// The header that names the node which takes a source's records.
const NODE: header::HeaderName = header::HeaderName::from_static("luytre-node");

/// Why a request was refused. Nothing of it was kept.
#[derive(Debug)]
pub(super) enum Refusal {
    /// No known token.
    UnknownToken,
    /// The queue is full: try again.
    Full,
    /// The disk refuses: try again.
    CannotWrite,
    /// Another node takes this source's records.
    Elsewhere(String),
    /// More bytes than a request may have.
    TooLarge(String),
    /// The body cannot be read at all.
    Unreadable(String),
    /// An encoding or media type that is not taken.
    Unsupported(String),
    /// The body did not come in time.
    TooSlow,
}

impl From<AppendError> for Refusal {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Full => Self::Full,
            AppendError::Elsewhere(node) => Self::Elsewhere(node),
            AppendError::Failed(_) | AppendError::Closed => Self::CannotWrite,
            AppendError::TooLarge => {
                Self::TooLarge("the records are too large for one request".to_owned())
            }
        }
    }
}

impl Refusal {
    fn parts(self) -> (StatusCode, &'static str, String) {
        match self {
            Self::UnknownToken => (
                StatusCode::UNAUTHORIZED,
                "security_exception",
                "no log source has this token; send it as `Authorization: Bearer <token>`, as \
                 the password of Basic authentication, or as an API key"
                    .to_owned(),
            ),
            Self::Full => (
                StatusCode::TOO_MANY_REQUESTS,
                "es_rejected_execution_exception",
                "the queue is full; nothing of this request was kept, send it again".to_owned(),
            ),
            Self::CannotWrite => (
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable_shards_exception",
                "the records cannot be stored now; nothing of this request was kept, send it again"
                    .to_owned(),
            ),
            Self::Elsewhere(node) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable_shards_exception",
                format!(
                    "{node} takes this source's records; nothing of this request was kept, send \
                     it there, or here again if that node is gone"
                ),
            ),
            Self::TooLarge(reason) => {
                (StatusCode::PAYLOAD_TOO_LARGE, "content_too_long_exception", reason)
            }
            Self::Unreadable(reason) => (StatusCode::BAD_REQUEST, "parse_exception", reason),
            Self::Unsupported(reason) => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "media_type_header_exception", reason)
            }
            Self::TooSlow => (
                StatusCode::REQUEST_TIMEOUT,
                "timeout_exception",
                "the body did not come in time".to_owned(),
            ),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let elsewhere = match &self {
            Self::Elsewhere(node) => HeaderValue::from_str(node).ok(),
            _ => None,
        };
        let (status, kind, reason) = self.parts();
        let body = json!({
            "error": {
                "root_cause": [{ "type": kind, "reason": reason }],
                "type": kind,
                "reason": reason,
            },
            "status": status.as_u16(),
        });
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        if let Some(node) = elsewhere {
            headers.insert(NODE, node);
        }
        match status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S));
            }
            StatusCode::UNAUTHORIZED => {
                let ask = HeaderValue::from_static("Basic realm=\"luytre\", charset=\"UTF-8\"");
                headers.insert(header::WWW_AUTHENTICATE, ask);
            }
            _ => {}
        }
        response
    }
}
