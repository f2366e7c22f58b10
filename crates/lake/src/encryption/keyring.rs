//! All data keys, open in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::key::{DataKey, DataKeyId, MasterKey, WrappedKey};
use super::key_file::KeyError;

/// The data keys: the newest encrypts new files, the others open older ones.
#[derive(Debug, Clone)]
pub struct Keyring {
    keys: BTreeMap<DataKeyId, Arc<DataKey>>,
    newest: Arc<DataKey>,
}

impl Keyring {
    /// Opens wrapped keys, the newest last; `None` if there is none.
    ///
    /// # Errors
    ///
    /// When the master key is another one, or a data key is not as it was written.
    pub fn open(master: &MasterKey, wrapped: &[WrappedKey]) -> Result<Option<Self>, KeyError> {
        let mut keys = BTreeMap::new();
        let mut newest = None;
        for one in wrapped {
            let key = Arc::new(master.unwrap(one)?);
            keys.insert(key.id(), Arc::clone(&key));
            newest = Some(key);
        }
        Ok(newest.map(|newest| Self { keys, newest }))
    }

    /// Returns the key that new files are encrypted with.
    pub fn newest(&self) -> &Arc<DataKey> {
        &self.newest
    }

    /// Returns a key.
    pub fn get(&self, id: DataKeyId) -> Option<&Arc<DataKey>> {
        self.keys.get(&id)
    }
}
