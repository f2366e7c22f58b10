//! What protects every page whoever wrote it: headers, request ids, and the check that a change was
//! asked for by our own page.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header::{
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, ORIGIN, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use tracing::Instrument as _;

use crate::{AppError, Phrase, Site, Visitor, limits, render};

/// The name of the protection token in forms.
pub(crate) const CSRF_FIELD: &str = "_csrf";
/// The name of the protection token among headers: what htmx sends.
const CSRF_HEADER: &str = "x-csrf-token";

/// From nothing upward: our own files and nothing inline.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; \
    manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'";

/// One year, as browsers' preload lists ask.
const HSTS: &str = "max-age=31536000; includeSubDomains";

/// The id of a request: in the log and, when something fails, on the page.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) String);

/// Gives the request its id and span, and the answer its headers.
pub(crate) async fn harden(State(site): State<Site>, mut request: Request, next: Next) -> Response {
    let started = site.clock.now();
    let id = site.ids.uuid(started).simple().to_string();
    let span = tracing::info_span!(
        "request",
        request.id = %id,
        method = %request.method(),
        path = %logged_path(request.uri().path()),
    );
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = next.run(request).instrument(span.clone()).await;
    let duration_ms = (site.clock.now() - started).num_milliseconds();
    span.in_scope(|| {
        tracing::debug!(status = response.status().as_u16(), duration_ms, "answered");
    });
    let headers = response.headers_mut();
    let fixed = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if site.settings.tls {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(HSTS));
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(HeaderName::from_static("x-request-id"), value);
    }
    response
}

/// Returns a path as it may stand in the log: a one-time link is a secret.
pub(crate) fn logged_path(path: &str) -> &str {
    if path.starts_with("/invite/") { "/invite/…" } else { path }
}

/// Lets a change through only if our own page asked for it: by the browser's word on where it comes
/// from, and by the token bound to the session. Programs with a bearer token carry no cookie and
/// need neither.
pub(crate) async fn check_origin(request: Request, next: Next) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if safe || is_api_request(&request) {
        return next.run(request).await;
    }
    if !same_site(request.headers()) {
        return refused();
    }
    let expected = request.extensions().get::<Visitor>().map(|visitor| visitor.csrf.clone());
    let expected = expected.unwrap_or_default();
    if expected.is_empty() {
        // Nobody is signed in: there is no session to misuse.
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    if header(&parts.headers, CSRF_HEADER).is_some_and(|given| same(given, &expected)) {
        return next.run(Request::from_parts(parts, body)).await;
    }
    let has_file = is_multipart(&parts.headers);
    let most = if has_file { limits::UPLOAD_BYTES_MAX } else { limits::BODY_BYTES_MAX };
    let Ok(bytes) = to_bytes(body, most).await else {
        return AppError::invalid("", Phrase::key("web-field-too-large")).into_response();
    };
    if token_in(&parts.headers, &bytes).is_some_and(|given| same(&given, &expected)) {
        next.run(Request::from_parts(parts, Body::from(bytes))).await
    } else {
        refused()
    }
}

fn is_api_request(request: &Request) -> bool {
    // The API never looks at cookies (see `render`), so a forged request has nothing to ride on.
    render::is_api(request.uri().path())
}

fn refused() -> Response {
    AppError::Conflict(Phrase::key("web-error-stale-form")).into_response()
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Every browser since 2020 says where a request comes from; the older `Origin` is asked next.
fn same_site(headers: &HeaderMap) -> bool {
    if let Some(site) = header(headers, "sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    match header(headers, ORIGIN.as_str()) {
        None => true,
        Some(origin) => {
            let host = origin.split_once("://").map(|(_, host)| host);
            host.is_some() && host == header(headers, HOST.as_str())
        }
    }
}

fn is_multipart(headers: &HeaderMap) -> bool {
    header(headers, CONTENT_TYPE.as_str())
        .is_some_and(|kind| kind.starts_with("multipart/form-data"))
}

fn token_in(headers: &HeaderMap, body: &Bytes) -> Option<String> {
    let kind = header(headers, CONTENT_TYPE.as_str())?;
    if kind.starts_with("application/x-www-form-urlencoded") {
        form_urlencoded::parse(body)
            .find_map(|(name, value)| (name == CSRF_FIELD).then(|| value.into_owned()))
    } else if is_multipart(headers) {
        let mark = format!("name=\"{CSRF_FIELD}\"\r\n\r\n");
        let head = body.get(..limits::TOKEN_WITHIN_BYTES).unwrap_or(body);
        let text = String::from_utf8_lossy(head);
        let (_, rest) = text.split_once(&mark)?;
        rest.split_once("\r\n").map(|(token, _)| token.to_owned())
    } else {
        None
    }
}

/// Compares without telling by its time where the first difference is.
pub(crate) fn same(given: &str, expected: &str) -> bool {
    given.len() == expected.len()
        && given.bytes().zip(expected.bytes()).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_may_ask_for_changes() {
        let cases: [(&[(&str, &str)], bool); 7] = [
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "none")], true),
            (&[("sec-fetch-site", "cross-site"), ("origin", "http://a"), ("host", "a")], false),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("origin", "https://soc.example"), ("host", "soc.example")], true),
            (&[("origin", "https://evil.example"), ("host", "soc.example")], false),
            (&[("origin", "null"), ("host", "soc.example")], false),
        ];
        for (given, expected) in cases {
            let mut headers = HeaderMap::new();
            for (name, value) in given {
                headers.insert(
                    HeaderName::from_bytes(name.as_bytes()).unwrap(),
                    HeaderValue::from_str(value).unwrap(),
                );
            }
            assert_eq!(same_site(&headers), expected, "{given:?}");
        }
    }

    #[test]
    fn the_token_is_found_in_forms() {
        let token = |kind: &'static str, body: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            token_in(&headers, &Bytes::from_static(body.as_bytes()))
        };
        assert_eq!(
            token("application/x-www-form-urlencoded", "a=1&_csrf=abc").as_deref(),
            Some("abc")
        );
        let part = "--x\r\nContent-Disposition: form-data; name=\"_csrf\"\r\n\r\nabc\r\n--x--";
        assert_eq!(token("multipart/form-data; boundary=x", part).as_deref(), Some("abc"));
        assert_eq!(token("text/plain", "_csrf=abc"), None);
        assert!(same("abc", "abc") && !same("abc", "abd") && !same("", "abc"));
    }
}
