//! The token of an HTTP source: 32 random bytes, shown once, kept as a SHA-256 digest. A random
//! secret of that length needs no slow hash, and every request of a sender is checked by it.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// The first characters of every token, so that secret scanners can know one in a repository.
const PREFIX: &str = "luytre_";

/// Characters of a token that are kept readable, to tell two tokens apart.
const HINT_CHARS: usize = 4;

/// A digest.
pub(crate) type Digest = [u8; 32];

/// A fresh token. Printing it for debugging shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

impl Token {
    /// Returns the token made of a secret.
    pub fn new(secret: [u8; 32]) -> Self {
        Self(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(secret)))
    }

    /// Returns the text that the sender must present: for the one page that shows it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Returns the digest as it is stored, in hex.
    pub fn stored(&self) -> String {
        hex::encode(digest(&self.0))
    }

    /// Returns the last characters, stored to tell tokens apart.
    pub fn hint(&self) -> String {
        let skipped = self.0.chars().count().saturating_sub(HINT_CHARS);
        self.0.chars().skip(skipped).collect()
    }
}

/// Returns the digest of a token as a sender presents it.
pub(crate) fn digest(token: &str) -> Digest {
    Sha256::digest(token).into()
}

/// Compares two digests in a time that does not depend on where they differ.
pub(crate) fn same(one: &Digest, other: &Digest) -> bool {
    let difference = one.iter().zip(other).fold(0, |seen, (a, b)| seen | (a ^ b));
    std::hint::black_box(difference) == 0
}
