//! Short messages and Zalo: one HTTP request to the operator's gateway, shaped by configuration.
//!
//! In address, headers and body stand `{to}`, `{text}`, `{text_ascii}`, `{id}` and `{secret}`; each is
//! written as the place wants it (percent in addresses and forms, escapes in JSON and XML).

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use form_urlencoded::byte_serialize;
use http::{HeaderName, HeaderValue, Method};

use super::carrier::{Carrier, CarryError, Letter};
use crate::outbound::{Outbound, OutboundError};

/// How much of a gateway's answer is kept of a refusal.
const ANSWER_CHARS_MAX: usize = 200;

/// How the gateway is called.
#[derive(Clone, Default)]
pub struct GatewaySettings {
    /// `GET`, `POST` or `PUT`.
    pub method: String,
    /// The address.
    pub url: String,
    /// Headers by name.
    pub headers: BTreeMap<String, String>,
    /// What the body is: `application/json`, `application/x-www-form-urlencoded`, `text/xml`, `text/plain`.
    pub content_type: String,
    /// The body.
    pub body: String,
    /// What the gateway knows us by.
    pub secret: String,
}

/// The secret is never printed, nor what may hold one.
impl fmt::Debug for GatewaySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatewaySettings").finish_non_exhaustive()
    }
}

/// Why a gateway cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The method is none.
    #[error("`{0}` is no method of HTTP")]
    Method(String),
    /// A header cannot be sent.
    #[error("the header `{0}` cannot be sent")]
    Header(String),
    /// It may not be reached.
    #[error("the gateway may not be reached")]
    Outbound(#[from] OutboundError),
}

/// A gateway.
pub struct Gateway {
    outbound: Outbound,
    method: Method,
    settings: GatewaySettings,
    headers: Vec<(HeaderName, String)>,
    escape: Escape,
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").field("method", &self.method).finish_non_exhaustive()
    }
}

/// How a value is written into its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Escape {
    Percent,
    Json,
    Xml,
    None,
}

impl Escape {
    fn of(content_type: &str) -> Self {
        match content_type {
            kind if kind.contains("json") => Self::Json,
            kind if kind.contains("urlencoded") => Self::Percent,
            kind if kind.contains("xml") => Self::Xml,
            _ => Self::None,
        }
    }

    fn write(self, value: &str) -> String {
        match self {
            Self::Percent => byte_serialize(value.as_bytes()).collect(),
            Self::Json => {
                let quoted = serde_json::Value::from(value).to_string();
                let inside = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
                inside.unwrap_or_default().to_owned()
            }
            Self::Xml => value
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;")
                .replace('"', "&quot;"),
            Self::None => value.to_owned(),
        }
    }
}

impl Gateway {
    /// Sets a gateway up; nothing is sent yet.
    ///
    /// # Errors
    /// When method or headers are none, or the operator's list does not name the host.
    pub fn new(outbound: Outbound, settings: GatewaySettings) -> Result<Self, GatewayError> {
        let method = settings.method.to_uppercase();
        let method = Method::from_bytes(method.as_bytes())
            .map_err(|_| GatewayError::Method(settings.method.clone()))?;
        let headers = settings.headers.iter().map(|(name, value)| {
            let header = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| GatewayError::Header(name.clone()))?;
            Ok((header, value.clone()))
        });
        let headers = headers.collect::<Result<_, GatewayError>>()?;
        outbound.check(&fill(&settings.url, Escape::Percent, &BTreeMap::new()))?;
        let escape = Escape::of(&settings.content_type);
        Ok(Self { outbound, method, settings, headers, escape })
    }

    fn request(&self, letter: &Letter) -> Option<http::Request<Vec<u8>>> {
        let (id, ascii) = (letter.id.to_string(), plain(&letter.short));
        let values = BTreeMap::from([
            ("to", letter.to.as_str()),
            ("text", letter.short.as_str()),
            ("text_ascii", ascii.as_str()),
            ("id", id.as_str()),
            ("secret", self.settings.secret.as_str()),
        ]);
        let url = fill(&self.settings.url, Escape::Percent, &values);
        let body = fill(&self.settings.body, self.escape, &values);
        let mut request = http::Request::builder().method(self.method.clone()).uri(url);
        if !body.is_empty() {
            request = request.header(http::header::CONTENT_TYPE, &self.settings.content_type);
        }
        // Whoever understands it takes the same message over once.
        request = request.header("idempotency-key", id.as_str());
        for (name, value) in &self.headers {
            let value = HeaderValue::from_str(&fill(value, Escape::None, &values)).ok()?;
            request = request.header(name, value);
        }
        request.body(body.into_bytes()).ok()
    }
}

/// Returns a pattern with its places filled; a place without a value becomes empty.
fn fill(pattern: &str, escape: Escape, values: &BTreeMap<&str, &str>) -> String {
    let mut filled = pattern.to_owned();
    for name in ["to", "text", "text_ascii", "id", "secret"] {
        let place = format!("{{{name}}}");
        let value = values.get(name).copied().unwrap_or_default();
        filled = filled.replace(&place, &escape.write(value));
    }
    filled
}

/// Returns a text without Vietnamese marks: a short message then has 160 characters instead of 70.
fn plain(text: &str) -> String {
    let folded = |letter: char| -> String {
        let folded = event::fold::fold(&letter.to_string());
        if letter.is_uppercase() { folded.to_uppercase() } else { folded }
    };
    text.chars().map(folded).collect()
}

#[async_trait]
impl Carrier for Gateway {
    async fn carry(&self, letter: &Letter) -> Result<(), CarryError> {
        let request = self.request(letter);
        let request = request.ok_or_else(|| CarryError::Refused("no request".to_owned()))?;
        let answer = match self.outbound.send(request).await {
            Ok(answer) => answer,
            Err(error) => {
                let unsure = matches!(error, OutboundError::Timeout | OutboundError::TooLarge(_));
                return Err(CarryError::Down { why: crate::chain(&error), unsure });
            }
        };
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(answer.body());
        let said: String = said.chars().take(ANSWER_CHARS_MAX).collect();
        let why = format!("HTTP {}: {}", status.as_u16(), self.hide(said.trim()));
        // 401 and 403 are about us, not about this message.
        if status.is_server_error() || matches!(status.as_u16(), 401 | 403 | 408 | 429) {
            return Err(CarryError::Down { why, unsure: false });
        }
        Err(CarryError::Refused(why))
    }
}

impl Gateway {
    /// Some gateways say back what they were asked.
    fn hide(&self, said: &str) -> String {
        if self.settings.secret.is_empty() {
            said.to_owned()
        } else {
            said.replace(&self.settings.secret, "…")
        }
    }
}
