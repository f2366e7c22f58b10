//! Keys: the master key that the operator keeps, data keys that it wraps, and the key of one file.

use std::fmt;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use ring::rand::{SecureRandom as _, SystemRandom};
use sha2::{Digest as _, Sha256};

use super::key_file::KeyError;
use super::trailer::{SALT_BYTES, Trailer};

/// Bytes of every key: AES-256.
pub(super) const KEY_BYTES: usize = 32;

/// What a key file's line begins with.
const KEY_WORD: &str = "luytre-lake-key-1 ";

/// What the keys of files are derived for.
const FILE_INFO: &[u8] = b"luytre lake file 1";

/// What the keys of waiting records are derived for.
const RECORDS_INFO: &[u8] = b"luytre waiting records 1";

/// What data keys are wrapped for.
const WRAP_INFO: &[u8] = b"luytre lake data key 1";

/// Fills bytes from the system's generator.
pub(super) fn random<const N: usize>() -> Result<[u8; N], KeyError> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_unspecified| KeyError::Random)?;
    Ok(bytes)
}

/// Derives a key for one use from another.
fn derive(secret: &[u8; KEY_BYTES], salt: &[u8], info: &[&[u8]]) -> Option<LessSafeKey> {
    let secret = Salt::new(HKDF_SHA256, salt).extract(secret);
    let okm = secret.expand(info, &AES_256_GCM).ok()?;
    Some(LessSafeKey::new(UnboundKey::from(okm)))
}

/// The key that the operator keeps apart from data and backups; it opens the [`super::Keyring`].
#[derive(Clone)]
pub struct MasterKey([u8; KEY_BYTES]);

impl MasterKey {
    /// Makes a new one from the system's random numbers.
    ///
    /// # Errors
    ///
    /// When the system gives none.
    pub fn generate() -> Result<Self, KeyError> {
        random().map(Self)
    }

    /// Reads a key file's text; `None` if it is no such text.
    pub(super) fn from_text(text: &str) -> Option<Self> {
        let hex = text.trim_end().strip_prefix(KEY_WORD)?;
        let mut bytes = [0; KEY_BYTES];
        hex::decode_to_slice(hex, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// Returns the text of a key file.
    pub(super) fn to_text(&self) -> String {
        format!("{KEY_WORD}{}\n", hex::encode(self.0))
    }

    /// Returns by what people tell it from others: 16 hexadecimal digits that say nothing of the key.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(b"luytre lake master key\0");
        hash.update(self.0);
        let digest = hash.finalize();
        hex::encode(digest.get(..8).unwrap_or_default())
    }

    /// Wraps a data key, so that it may lie in the database.
    ///
    /// # Errors
    ///
    /// When the system gives no random numbers.
    pub fn wrap(&self, key: &DataKey) -> Result<WrappedKey, KeyError> {
        let nonce = random::<NONCE_LEN>()?;
        let id = key.id.uuid().into_bytes();
        let wrapping = derive(&self.0, &[], &[WRAP_INFO]).ok_or(KeyError::Random)?;
        let mut sealed = key.bytes.to_vec();
        wrapping
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(id),
                &mut sealed,
            )
            .map_err(|_unspecified| KeyError::Random)?;
        let bytes = [nonce.as_slice(), &sealed].concat();
        Ok(WrappedKey { id: key.id, master: self.fingerprint(), bytes })
    }

    /// Opens a data key.
    ///
    /// # Errors
    ///
    /// When it was wrapped by another master key, or is not as it was written.
    pub fn unwrap(&self, wrapped: &WrappedKey) -> Result<DataKey, KeyError> {
        let found = self.fingerprint();
        if wrapped.master != found {
            return Err(KeyError::OtherMaster { wanted: wrapped.master.clone(), found });
        }
        let damaged = || KeyError::Damaged { id: wrapped.id };
        let (nonce, sealed) = wrapped.bytes.split_first_chunk::<NONCE_LEN>().ok_or_else(damaged)?;
        let wrapping = derive(&self.0, &[], &[WRAP_INFO]).ok_or(KeyError::Random)?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let id = Aad::from(wrapped.id.uuid().into_bytes());
        let mut sealed = sealed.to_vec();
        let opened = wrapping.open_in_place(nonce, id, &mut sealed).map_err(|_| damaged())?;
        let bytes = <[u8; KEY_BYTES]>::try_from(&*opened).map_err(|_| damaged())?;
        Ok(DataKey { id: wrapped.id, bytes })
    }
}

/// A key is never printed.
impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MasterKey").field(&self.fingerprint()).finish()
    }
}

event::id! {
    /// Names a data key for ever.
    DataKeyId,
}

/// A key that files are encrypted with, each under a key of its own derived from this one.
#[derive(Clone)]
pub struct DataKey {
    id: DataKeyId,
    bytes: [u8; KEY_BYTES],
}

impl DataKey {
    /// Makes a new one from the system's random numbers.
    ///
    /// # Errors
    ///
    /// When the system gives none.
    pub fn generate(id: DataKeyId) -> Result<Self, KeyError> {
        Ok(Self { id, bytes: random()? })
    }

    /// Returns its id.
    pub const fn id(&self) -> DataKeyId {
        self.id
    }

    /// Returns the key of the file that a trailer speaks of.
    pub(super) fn of_file(&self, trailer: &Trailer) -> Option<LessSafeKey> {
        let salt: &[u8; SALT_BYTES] = &trailer.salt;
        derive(&self.bytes, salt, &[FILE_INFO, trailer.file.uuid().as_bytes()])
    }

    /// Returns the key of the records that one writer seals, by its salt.
    pub(super) fn of_records(&self, salt: &[u8; SALT_BYTES]) -> Option<LessSafeKey> {
        derive(&self.bytes, salt, &[RECORDS_INFO])
    }
}

/// A key is never printed.
impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DataKey").field(&self.id).finish()
    }
}

/// A data key as it lies in the database: of no use without the master key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedKey {
    /// Which.
    pub id: DataKeyId,
    /// The fingerprint of the master key that wraps it.
    pub master: String,
    /// Nonce, encrypted key, tag.
    pub bytes: Vec<u8>,
}
