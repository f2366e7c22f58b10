//! Finding a source's token in a request, whichever way the sender carries it, and the request's own key.

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use event::SourceId;
use sha2::{Digest as _, Sha256};

use super::reply::Refusal;
use crate::limits::{REQUEST_KEY_BYTES_MAX, TOKEN_BYTES_MAX};

/// The header for senders that can set one but no `Authorization`.
const TOKEN_HEADER: &str = "x-luytre-token";

/// Returns what may be the token: of `Bearer t`, `ApiKey base64(id:t)`, `ApiKey t`, `Splunk t`,
/// `Basic base64(anyone:t)` and `X-Luytre-Token: t`.
pub(super) fn candidates(headers: &HeaderMap) -> Vec<String> {
    let mut tokens = Vec::new();
    if let Some(token) = headers.get(TOKEN_HEADER).and_then(|value| value.to_str().ok()) {
        tokens.push(token.trim().to_owned());
    }
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if let Some((scheme, credentials)) = authorization.and_then(|value| value.split_once(' ')) {
        let credentials = credentials.trim();
        match scheme.to_ascii_lowercase().as_str() {
            "bearer" | "splunk" => tokens.push(credentials.to_owned()),
            "apikey" => {
                tokens.extend(secret_half(credentials));
                tokens.push(credentials.to_owned());
            }
            "basic" => tokens.extend(secret_half(credentials)),
            _ => {}
        }
    }
    tokens.retain(|token| !token.is_empty() && token.len() <= TOKEN_BYTES_MAX);
    tokens
}

/// The header by which a sender says that two requests are the same one.
const KEY_HEADER: &str = "idempotency-key";

/// Returns what names a request that has a key, made of its source and the key.
///
/// # Errors
///
/// When the key is empty or too long.
pub(super) fn request_key(
    headers: &HeaderMap,
    source: SourceId,
) -> Result<Option<[u8; 32]>, Refusal> {
    let Some(key) = headers.get(KEY_HEADER) else { return Ok(None) };
    if key.is_empty() || key.len() > REQUEST_KEY_BYTES_MAX {
        let why = format!("`Idempotency-Key` has from 1 to {REQUEST_KEY_BYTES_MAX} bytes");
        return Err(Refusal::Unreadable(why));
    }
    let mut hash = Sha256::new();
    hash.update(source.uuid().as_bytes());
    hash.update(key.as_bytes());
    Ok(Some(hash.finalize().into()))
}

/// Returns what stands behind the colon of `base64(name:secret)`.
fn secret_half(credentials: &str) -> Option<String> {
    let bytes =
        STANDARD.decode(credentials).or_else(|_padded| STANDARD_NO_PAD.decode(credentials)).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    text.split_once(':').map(|(_, secret)| secret.to_owned())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_key_names_one_request_of_one_source() {
        let (one, two) = (uuid::Uuid::from_u128(1), uuid::Uuid::from_u128(2));
        let key = |value: &'static str, source| {
            let mut headers = HeaderMap::new();
            headers.insert(KEY_HEADER, HeaderValue::from_static(value));
            request_key(&headers, SourceId::from_uuid(source)).ok().flatten()
        };
        assert!(request_key(&HeaderMap::new(), SourceId::from_uuid(one)).unwrap().is_none());
        assert_eq!(key("a", one), key("a", one));
        assert_ne!(key("a", one), key("b", one));
        assert_ne!(key("a", one), key("a", two));
        assert_eq!(key("", one), None, "refused");
    }

    #[test]
    fn a_token_is_found_in_every_usual_place() {
        let cases: &[(&str, &str, &[&str])] = &[
            ("authorization", "Bearer t0k", &["t0k"]),
            ("authorization", "bearer  t0k ", &["t0k"]),
            ("authorization", "Basic dXNlcjp0MGs=", &["t0k"]),
            ("authorization", "ApiKey aWQ6dDBr", &["t0k", "aWQ6dDBr"]),
            ("authorization", "ApiKey t0k", &["t0k"]),
            ("authorization", "Digest t0k", &[]),
            ("authorization", "t0k", &[]),
            ("x-luytre-token", "t0k", &["t0k"]),
        ];
        for (name, value, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(*name, HeaderValue::from_static(value));
            assert_eq!(&candidates(&headers), expected, "{name}: {value}");
        }
    }
}
