//! Web push (RFC 8030): a message to each browser that someone subscribed, sealed for it, by the push
//! service of the browser's maker. What it carries is as neutral as a mail: the service sees nothing, and
//! whoever looks over a shoulder sees number, severity and level.

mod seal;
mod vapid;

use async_trait::async_trait;
use chrono::TimeDelta;
use db::{Db, DbError};
use http::{HeaderValue, Request, header};
use p256::SecretKey;
use serde_json::json;
use url::Url;
use uuid::Uuid;

pub(super) use seal::Target;
use seal::{PLAIN_BYTES_MAX, SALT_BYTES};
use vapid::Key;

use super::carrier::{Carrier, CarryError, Letter};
use super::store::device::{self, Device};
use crate::outbound::{Outbound, OutboundError};

/// How long a push service keeps a message for a browser that is off.
const KEPT: TimeDelta = TimeDelta::hours(24);
/// Characters of title and body: what a telephone shows.
const TITLE_CHARS: usize = 120;
const BODY_CHARS: usize = 300;
/// How much of a service's answer is kept of a refusal.
const ANSWER_CHARS_MAX: usize = 200;

/// Why web push cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// The database does not answer.
    #[error("the key of web push cannot be had from the database")]
    Db(#[from] DbError),
    /// What stands there is no key.
    #[error("the key of web push in the database is none")]
    Key,
    /// Push services want to know whom to ask.
    #[error("`{0}` is no contact: `mailto:…` or `https://…`")]
    Contact(String),
}

/// The way to browsers.
#[derive(Debug)]
pub struct Push {
    db: Db,
    outbound: Outbound,
    key: Key,
    contact: String,
}

/// What came of one browser.
enum Outcome {
    Taken,
    /// The browser unsubscribed, or is no more.
    Gone,
    /// Not now.
    Later(String),
    /// Never as it is.
    Refused(String),
}

impl Push {
    /// Opens the way; the key of the installation is made when there is none yet.
    ///
    /// # Errors
    /// When the contact is none, or the key cannot be read or written.
    pub async fn open(db: Db, outbound: Outbound, contact: &str) -> Result<Self, PushError> {
        if !["mailto:", "https://"].iter().any(|start| contact.starts_with(start)) {
            return Err(PushError::Contact(contact.to_owned()));
        }
        if device::key(db.conn()).await?.is_none() {
            let books = db.begin_bookkeeping().await?;
            let fresh = fresh_key(&db);
            // Another node may be quicker: its key stays.
            device::keep_key(books.conn(), fresh.to_bytes().to_vec(), books.now()).await?;
            books.commit().await?;
        }
        let secret = device::key(db.conn()).await?.ok_or(PushError::Key)?;
        let key = Key::read(&secret).ok_or(PushError::Key)?;
        Ok(Self { db, outbound, key, contact: contact.to_owned() })
    }

    /// Returns the public half of the key: browsers subscribe with it.
    pub(super) fn public_key(&self) -> &str {
        &self.key.public
    }

    /// Goes on if a browser's push service may be reached.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn check(&self, endpoint: &str) -> Result<(), OutboundError> {
        self.outbound.check(endpoint)
    }

    fn request(&self, device: &Device, letter: &Letter) -> Option<Request<Vec<u8>>> {
        let target = Target::read(&device.p256dh, &device.auth)?;
        let origin = Url::parse(&device.endpoint).ok()?.origin().ascii_serialization();
        let salt: [u8; SALT_BYTES] = self.db.ids().secret().first_chunk().copied()?;
        let body = seal::seal(&target, &fresh_key(&self.db), salt, &payload(letter))?;
        let now = self.db.now();
        let word = self.key.authorization(&origin, &self.contact, now);
        let mut word = HeaderValue::from_str(&word).ok()?;
        word.set_sensitive(true);
        Request::post(&device.endpoint)
            .header("ttl", KEPT.num_seconds())
            .header("urgency", "high")
            // One that waits for a browser that is off is replaced by the same, not doubled.
            .header("topic", letter.id.simple().to_string())
            .header(header::CONTENT_ENCODING, "aes128gcm")
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .header(header::AUTHORIZATION, word)
            .body(body)
            .ok()
    }

    async fn push(&self, device: &Device, letter: &Letter) -> Outcome {
        let Some(request) = self.request(device, letter) else {
            return Outcome::Refused("the subscription cannot be read".to_owned());
        };
        let answer = match self.outbound.send(request).await {
            Ok(answer) => answer,
            Err(error) => return Outcome::Later(crate::chain(&error)),
        };
        let said = String::from_utf8_lossy(answer.body());
        let said: String = said.trim().chars().take(ANSWER_CHARS_MAX).collect();
        let status = answer.status();
        let why = format!("HTTP {}: {said}", status.as_u16());
        match status.as_u16() {
            _ if status.is_success() => Outcome::Taken,
            404 | 410 => Outcome::Gone,
            // 401 and 403 are about our key or clock, 429 about our haste.
            401 | 403 | 408 | 429 => Outcome::Later(why),
            _ if status.is_server_error() => Outcome::Later(why),
            _ => Outcome::Refused(why),
        }
    }

    async fn note(&self, device: Uuid, outcome: &Outcome, letter: Uuid) -> Result<(), DbError> {
        let books = self.db.begin_bookkeeping().await?;
        match outcome {
            Outcome::Taken => {
                device::taken(books.conn(), device, letter, books.now()).await?;
            }
            Outcome::Gone => device::remove(books.conn(), device).await?,
            Outcome::Later(_) | Outcome::Refused(_) => {}
        }
        books.commit().await
    }

    async fn push_all(&self, letter: &Letter) -> Result<Result<(), CarryError>, DbError> {
        let account = letter.to.parse().unwrap_or_default();
        let mut taken = 0_usize;
        let (mut later, mut refused) = (None, "no browser is left".to_owned());
        for device in device::of(self.db.conn(), account).await? {
            if device.last_message == Some(letter.id) {
                taken += 1;
                continue;
            }
            let outcome = self.push(&device, letter).await;
            self.note(device.id, &outcome, letter.id).await?;
            match outcome {
                Outcome::Taken => taken += 1,
                Outcome::Gone => tracing::info!(device.id = %device.id, "a browser is gone"),
                Outcome::Later(why) => later = Some(why),
                Outcome::Refused(why) => refused = why,
            }
        }
        Ok(match (later, taken) {
            (Some(why), _) => Err(CarryError::Again(why)),
            (None, 0) => Err(CarryError::Refused(refused)),
            (None, _) => Ok(()),
        })
    }
}

#[async_trait]
impl Carrier for Push {
    async fn carry(&self, letter: &Letter) -> Result<(), CarryError> {
        match self.push_all(letter).await {
            Ok(outcome) => outcome,
            Err(error) => Err(CarryError::Down { why: crate::chain(&error), unsure: true }),
        }
    }
}

/// Returns a fresh key of P-256. Of 2^256 numbers, fewer than 2^225 are none.
fn fresh_key(db: &Db) -> SecretKey {
    loop {
        if let Ok(key) = SecretKey::from_slice(&db.ids().secret()) {
            return key;
        }
    }
}

/// Returns what the browser is told: what a mail says, shortened.
fn payload(letter: &Letter) -> Vec<u8> {
    let cut = |text: &str, most: usize| -> String { text.chars().take(most).collect() };
    let told = json!({
        "title": cut(&letter.subject, TITLE_CHARS),
        "body": cut(&letter.brief, BODY_CHARS),
        "path": letter.path,
        "tag": letter.id.simple().to_string(),
    });
    let bytes = told.to_string().into_bytes();
    debug_assert!(bytes.len() <= PLAIN_BYTES_MAX);
    bytes
}
