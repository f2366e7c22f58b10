//! Tokens and passwords: made, hashed, compared. Nothing here is ever logged or stored in clear.

use std::sync::LazyLock;

use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use event::IdSource;
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;

use crate::AppError;

/// Passwords hashed at the same time: each takes 19 MiB and a core for a moment.
static HASHING: Semaphore = Semaphore::const_new(2);

/// Compared against when there is no such account, so that the answer takes as long.
static NOBODY: LazyLock<String> = LazyLock::new(|| hash("nobody", &[7; 16]).unwrap_or_default());

/// Returns a fresh token for a cookie, a link or a program: 256 random bits.
pub(super) fn token(ids: &IdSource) -> String {
    URL_SAFE_NO_PAD.encode(ids.secret())
}

/// Returns what is stored of a token. Tokens are random, so a plain hash is enough.
pub(super) fn digest(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

fn hash(password: &str, salt: &[u8]) -> Result<String, argon2::password_hash::Error> {
    let salt = SaltString::encode_b64(salt)?;
    Ok(Argon2::default().hash_password(password.as_bytes(), &salt)?.to_string())
}

/// Hashes a password with argon2id, off the async threads.
pub(super) async fn hash_password(ids: &IdSource, password: String) -> Result<String, AppError> {
    let secret = ids.secret();
    let work = move || {
        let salt = secret.get(..16).unwrap_or_default();
        hash(&password, salt).map_err(|error| AppError::internal(error.to_string()))
    };
    let _turn = HASHING.acquire().await.map_err(AppError::internal)?;
    tokio::task::spawn_blocking(work).await.map_err(AppError::internal)?
}

/// Returns whether a password is the one; takes as long when there is none to compare with.
pub(super) async fn verify_password(
    stored: Option<String>,
    password: String,
) -> Result<bool, AppError> {
    let work = move || {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| NOBODY.clone());
        let Ok(parsed) = PasswordHash::new(&stored) else { return false };
        Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok() && known
    };
    let _turn = HASHING.acquire().await.map_err(AppError::internal)?;
    tokio::task::spawn_blocking(work).await.map_err(AppError::internal)
}
