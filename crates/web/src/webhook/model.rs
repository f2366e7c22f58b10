//! What a hook asks for, how its messages are signed, when a failed one is sent again. No IO.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use db::audit::AuditRow;
use event::AccountId;
use hmac::{Hmac, Mac as _};
use serde_json::json;
use sha2::Sha256;
use uuid::Uuid;

/// The first wait after a message was not taken; it doubles.
const WAIT: TimeDelta = TimeDelta::seconds(10);
/// The longest: a program that is back hears within a quarter of an hour.
const WAIT_MAX: TimeDelta = TimeDelta::minutes(15);
/// How long a message is tried before the hook pauses; it loses nothing by that.
pub(super) const GIVE_UP: TimeDelta = TimeDelta::days(3);
/// What a trial message is called.
pub(super) const TRIAL: &str = "webhook.trial";
/// What a secret begins with (Standard Webhooks 1.0).
const SECRET_PREFIX: &str = "whsec_";

/// A program that wants to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hook {
    pub(super) id: Uuid,
    pub(super) name: String,
    pub(super) url: String,
    /// Base64 behind [`SECRET_PREFIX`].
    pub(super) secret: String,
    /// Beginnings of actions; none: all.
    pub(super) actions: Vec<String>,
    /// In whose name it sees.
    pub(super) account: AccountId,
    /// The last entry that is dealt with.
    pub(super) seq: i64,
    pub(super) created_at: DateTime<Utc>,
    pub(super) paused_at: Option<DateTime<Utc>>,
    /// The language key of why it pauses; empty: somebody wanted it.
    pub(super) paused_why: String,
    pub(super) failures: i32,
    pub(super) failing_since: Option<DateTime<Utc>>,
    pub(super) next_at: Option<DateTime<Utc>>,
    pub(super) last_ok_at: Option<DateTime<Utc>>,
    pub(super) last_error: String,
}

impl Hook {
    /// Returns whether it asks for this entry; a trial reaches only the hook it is for.
    pub(super) fn wants(&self, row: &AuditRow) -> bool {
        if row.action == TRIAL {
            return row.subject_id == self.id.to_string();
        }
        self.actions.is_empty() || self.actions.iter().any(|begin| row.action.starts_with(begin))
    }
}

/// Returns a secret of these random bytes.
pub(super) fn secret_of(random: &[u8]) -> String {
    format!("{SECRET_PREFIX}{}", STANDARD.encode(random))
}

/// Returns the id of the message that tells of an entry: the same each time it is sent.
pub(super) fn message_id(row: &AuditRow) -> String {
    format!("audit-{}", row.seq)
}

/// Returns what is sent of an entry: which thing changed, how and when; nothing of what stands in it.
pub(super) fn message(row: &AuditRow) -> String {
    json!({
        "type": row.action,
        "timestamp": row.at.to_rfc3339_opts(SecondsFormat::Millis, true),
        "data": {
            "number": row.seq,
            "subject": { "kind": row.subject_kind, "id": row.subject_id },
            "agency": row.agency,
            "by": { "kind": row.actor_kind, "account": row.account },
        },
    })
    .to_string()
}

/// Returns the signature of a message sent at a moment (Standard Webhooks 1.0, symmetric): HMAC-SHA256 over
/// id, Unix time and body.
pub(super) fn signature(secret: &str, id: &str, sent_at: i64, body: &str) -> String {
    let encoded = secret.strip_prefix(SECRET_PREFIX).unwrap_or(secret);
    let key = STANDARD.decode(encoded).unwrap_or_default();
    // HMAC takes keys of any length (RFC 2104 §2).
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else { return String::new() };
    mac.update(format!("{id}.{sent_at}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// Returns how long a hook rests after it failed this often in a row.
pub(super) fn wait_after(failures: i32) -> TimeDelta {
    let doublings = u32::try_from((failures - 1).clamp(0, 16)).unwrap_or(0);
    (WAIT * 2_i32.saturating_pow(doublings)).min(WAIT_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_the_specification() {
        // The example of Standard Webhooks 1.0, spec/standard-webhooks.md.
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let (id, at) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330);
        let signed = signature(secret, id, at, r#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        let waits: Vec<i64> = (1..=9).map(|n| wait_after(n).num_seconds()).collect();
        assert_eq!(waits, [10, 20, 40, 80, 160, 320, 640, 900, 900]);
        assert_eq!(wait_after(i32::MAX), WAIT_MAX);
    }
}
