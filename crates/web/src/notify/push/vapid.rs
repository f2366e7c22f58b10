//! Saying who sends a push: a signed word for the push service (VAPID, RFC 8292).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use p256::SecretKey;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::json;

/// How long a signed word holds: at most 24 hours are taken (RFC 8292 §2).
const HOLDS: TimeDelta = TimeDelta::hours(12);

/// The key of this installation.
#[derive(Clone)]
pub(super) struct Key {
    secret: SecretKey,
    /// The public half, base64url: browsers subscribe with it.
    pub(super) public: String,
}

/// The secret is never printed.
impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("public", &self.public).finish_non_exhaustive()
    }
}

impl Key {
    /// Reads the secret half; nothing when it is none.
    pub(super) fn read(secret: &[u8]) -> Option<Self> {
        let secret = SecretKey::from_slice(secret).ok()?;
        let public = URL_SAFE_NO_PAD.encode(secret.public_key().to_sec1_bytes());
        Some(Self { secret, public })
    }

    /// Returns the header `Authorization` for a push service: `origin` is its scheme, host and port,
    /// `contact` how its people reach ours.
    pub(super) fn authorization(&self, origin: &str, contact: &str, now: DateTime<Utc>) -> String {
        let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let head = part(&json!({ "typ": "JWT", "alg": "ES256" }));
        let until = (now + HOLDS).timestamp();
        let claims = part(&json!({ "aud": origin, "exp": until, "sub": contact }));
        let signed = format!("{head}.{claims}");
        let signature: Signature = SigningKey::from(&self.secret).sign(signed.as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(signature.to_bytes());
        format!("vapid t={signed}.{signature}, k={}", self.public)
    }
}

#[cfg(test)]
mod tests {
    use p256::ecdsa::VerifyingKey;
    use p256::ecdsa::signature::Verifier as _;

    use super::*;

    #[test]
    fn the_signed_word_holds_for_this_service_and_half_a_day() {
        let key = Key::read(&[7; 32]).unwrap();
        let now = DateTime::from_timestamp(1_795_330_800, 0).unwrap();
        let header = key.authorization("https://push.example", "mailto:soc@tinh.example", now);
        let rest = header.strip_prefix("vapid t=").unwrap();
        let (word, public) = rest.split_once(", k=").unwrap();
        let (signed, signature) = word.rsplit_once('.').unwrap();
        let public = URL_SAFE_NO_PAD.decode(public).unwrap();
        let verifying = VerifyingKey::from_sec1_bytes(&public).unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let signature = Signature::from_slice(&signature).unwrap();
        verifying.verify(signed.as_bytes(), &signature).unwrap();
        let claims = URL_SAFE_NO_PAD.decode(signed.split_once('.').unwrap().1).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        let expected = json!({
            "aud": "https://push.example",
            "exp": 1_795_330_800 + 12 * 3600,
            "sub": "mailto:soc@tinh.example",
        });
        assert_eq!(claims, expected);
        assert!(Key::read(&[0; 32]).is_none() && Key::read(b"short").is_none());
        assert!(!format!("{key:?}").contains("07"), "{key:?}");
    }
}
