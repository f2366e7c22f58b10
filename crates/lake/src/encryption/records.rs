//! Seals records that wait for the lake, each alone.
//!
//! ```text
//! data key's id 16 │ salt 32 │ number u64 │ the record, encrypted │ tag 16
//! ```
//!
//! Whoever writes draws a salt when it begins, so its key is its own, and counts its records: no nonce is
//! ever used twice with one key.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Buf as _, Bytes};
use event::seal::{Seal, SealError};
use parking_lot::Mutex;
use ring::aead::{Aad, LessSafeKey};
use uuid::Uuid;

use super::key::{DataKeyId, random};
use super::key_file::KeyError;
use super::keyring::Keyring;
use super::read::{Last, nonce};
use super::trailer::SALT_BYTES;

/// Bytes before the encrypted record.
const HEAD_BYTES: usize = 16 + SALT_BYTES + 8;

/// Which key records are sealed with: a data key, and the salt of whoever wrote them.
type KeyName = (DataKeyId, [u8; SALT_BYTES]);

/// Seals records with the newest data key, and opens those of all keys in the ring.
pub struct RecordSeal {
    keyring: Arc<Keyring>,
    name: KeyName,
    key: LessSafeKey,
    number: AtomicU64,
    /// The key of the record that was opened last: the next one has mostly the same.
    opened: Mutex<Option<(KeyName, Arc<LessSafeKey>)>>,
}

impl std::fmt::Debug for RecordSeal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecordSeal").field("key", &self.name.0).finish_non_exhaustive()
    }
}

impl RecordSeal {
    /// Begins to seal.
    ///
    /// # Errors
    ///
    /// When the system gives no random numbers.
    pub fn new(keyring: Arc<Keyring>) -> Result<Self, KeyError> {
        let salt = random()?;
        let data_key = keyring.newest();
        let name = (data_key.id(), salt);
        let key = data_key.of_records(&salt).ok_or(KeyError::Random)?;
        Ok(Self { keyring, name, key, number: AtomicU64::new(0), opened: Mutex::default() })
    }

    fn key_of(&self, name: KeyName) -> Result<Arc<LessSafeKey>, SealError> {
        let mut opened = self.opened.lock();
        if let Some((known, key)) = &*opened
            && *known == name
        {
            return Ok(Arc::clone(key));
        }
        let (id, salt) = name;
        let unknown = || SealError::UnknownKey(id.to_string());
        let data_key = self.keyring.get(id).ok_or_else(unknown)?;
        let key = Arc::new(data_key.of_records(&salt).ok_or(SealError::Damaged)?);
        *opened = Some((name, Arc::clone(&key)));
        Ok(key)
    }
}

impl Seal for RecordSeal {
    fn seal(&self, plain: Vec<u8>, bound: &[u8]) -> Result<Vec<u8>, SealError> {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let mut record = plain;
        self.key
            .seal_in_place_append_tag(nonce(number, Last::No), Aad::from(bound), &mut record)
            .map_err(|_unspecified| SealError::Unsealed)?;
        let (id, salt) = (self.name.0.uuid(), self.name.1);
        Ok([id.as_bytes().as_slice(), &salt, &number.to_be_bytes(), &record].concat())
    }

    fn open(&self, sealed: Bytes, bound: &[u8]) -> Result<Bytes, SealError> {
        let mut rest = sealed;
        let mut head = [0; HEAD_BYTES];
        rest.try_copy_to_slice(&mut head).map_err(|_short| SealError::Damaged)?;
        let mut head = head.as_slice();
        let (mut id, mut salt) = ([0; 16], [0; SALT_BYTES]);
        head.try_copy_to_slice(&mut id).map_err(|_short| SealError::Damaged)?;
        head.try_copy_to_slice(&mut salt).map_err(|_short| SealError::Damaged)?;
        let number = head.try_get_u64().map_err(|_short| SealError::Damaged)?;
        let key = self.key_of((DataKeyId::from_uuid(Uuid::from_bytes(id)), salt))?;
        let mut record = Vec::from(rest);
        let opened = key
            .open_in_place(nonce(number, Last::No), Aad::from(bound), &mut record)
            .map_err(|_unspecified| SealError::Damaged)?
            .len();
        record.truncate(opened);
        Ok(record.into())
    }
}

#[cfg(test)]
mod tests {
    use super::super::key::{DataKey, MasterKey};
    use super::*;

    fn keyring(ids: &[u128]) -> (MasterKey, Vec<super::super::WrappedKey>) {
        let master = MasterKey::generate().unwrap();
        let key =
            |id: &u128| DataKey::generate(DataKeyId::from_uuid(Uuid::from_u128(*id))).unwrap();
        let wrapped = ids.iter().map(|id| master.wrap(&key(id)).unwrap()).collect();
        (master, wrapped)
    }

    fn ring(master: &MasterKey, wrapped: &[super::super::WrappedKey]) -> Arc<Keyring> {
        Arc::new(Keyring::open(master, wrapped).unwrap().unwrap())
    }

    #[test]
    fn a_record_opens_with_its_key_and_what_it_was_bound_to_only() {
        let (master, wrapped) = keyring(&[1, 2]);
        let old = RecordSeal::new(ring(&master, &wrapped[..1])).unwrap();
        let plain = b"mat khau: khong ai duoc doc".to_vec();
        let sealed = old.seal(plain.clone(), b"3 frames").unwrap();
        assert!(memchr::memmem::find(&sealed, b"mat khau").is_none());
        let again = old.seal(plain.clone(), b"3 frames").unwrap();
        assert_ne!(sealed, again, "no two records are sealed alike");

        // After a rotation, by another process.
        let new = RecordSeal::new(ring(&master, &wrapped)).unwrap();
        for sealed in [sealed.clone(), again] {
            assert_eq!(new.open(sealed.into(), b"3 frames").unwrap(), plain);
        }
        let open = |bytes: Vec<u8>, bound: &[u8]| new.open(bytes.into(), bound);
        assert_eq!(open(sealed.clone(), b"4 frames"), Err(SealError::Damaged));
        let younger = new.seal(plain, b"").unwrap();
        let unknown = old.open(younger.into(), b"");
        assert!(matches!(unknown, Err(SealError::UnknownKey(_))), "{unknown:?}");
        // The id of the key, the salt, the number, the record, the tag: each cut short and each bit turned.
        for place in 0..sealed.len() {
            let mut bytes = sealed.clone();
            bytes[place] ^= 1;
            assert!(open(bytes, b"3 frames").is_err(), "{place}");
            assert!(open(sealed[..place].to_vec(), b"3 frames").is_err(), "{place}");
        }
    }
}
