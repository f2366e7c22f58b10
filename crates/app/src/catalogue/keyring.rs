//! The lake's keyring: data keys in the database, wrapped by the master key in the file that
//! `lake.encryption.key_file` names. What concerns keys is a decision, with an audit entry; no key stands in it.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use collect::SpoolSettings;
use db::{Actor, AuditEntry, Db, Subject};
use event::seal::{FileSeal, Seal};
use lake::{
    DataKey, DataKeyId, FileKeys, Keyring, LakeSettings, MasterKey, RecordSeal, WrappedKey,
};
use serde_json::json;
use vault::Vault;
use web::Lang;
use web::i18n::Phrase;

use super::store;
use crate::config::Config;

/// Whether a keyring that has no key yet gets its first one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum First {
    /// Yes: files are about to be written.
    Make,
    /// No: files are only read.
    Leave,
}

/// Returns how the lake is set up, with its keys.
///
/// # Errors
///
/// When the store's keys or the master key cannot be read, or the master key is not the one that the files
/// want; in the reader's languages, with file and setting.
pub(crate) async fn settings(config: &Config, db: &Db, first: First) -> Result<LakeSettings> {
    let keys = open(config, db, first).await?.map(Arc::new);
    Ok(LakeSettings { keys, ..config.lake_settings()? })
}

/// Returns how the spool is set up, with what encrypts it, where the lake is encrypted.
///
/// # Errors
///
/// As [`settings`].
pub(crate) async fn spool_settings(
    config: &Config,
    db: &Db,
    first: First,
) -> Result<SpoolSettings> {
    let keys = open(config, db, first).await?.map(Arc::new);
    let seal = keys.map(RecordSeal::new).transpose().context("beginning to encrypt the spool")?;
    let seal = seal.map(|seal| Arc::new(seal) as Arc<dyn Seal>);
    Ok(SpoolSettings { seal, ..config.spool_settings() })
}

/// Returns how files beside the lake's are kept: what detection remembers, and people's files. Where the lake is
/// encrypted, so are they.
///
/// # Errors
///
/// As [`settings`].
pub(crate) async fn vault(config: &Config, db: &Db, first: First) -> Result<Vault> {
    let keys = open(config, db, first).await?.map(Arc::new);
    let seal = keys.map(|keys| Arc::new(FileKeys::new(keys)) as Arc<dyn FileSeal>);
    Ok(Vault::new(seal))
}

async fn open(config: &Config, db: &Db, first: First) -> Result<Option<Keyring>> {
    let wrapped = store::keys(db.conn()).await?;
    let Some(path) = &config.lake.encryption.key_file else {
        match wrapped.last() {
            None => return Ok(None),
            Some(newest) => {
                bail!("{}", told("keeping-key-missing", "", &newest.master));
            }
        }
    };
    let master = MasterKey::read(path).with_context(|| unusable(path, ""))?;
    let wanted = wrapped.last().map_or("", |newest| newest.master.as_str());
    let keyring = Keyring::open(&master, &wrapped).with_context(|| unusable(path, wanted))?;
    if keyring.is_some() || first == First::Leave {
        return Ok(keyring);
    }
    add(db, &master, Actor::Platform("lake"), "lake.key_begin").await?;
    let wrapped = store::keys(db.conn()).await?;
    Ok(Keyring::open(&master, &wrapped)?)
}

/// Says in both languages what is wrong with a key file.
fn unusable(path: &Path, wanted: &str) -> String {
    let key = if wanted.is_empty() { "keeping-key-unreadable" } else { "keeping-key-wrong" };
    told(key, &path.display().to_string(), wanted)
}

fn told(key: &'static str, path: &str, wanted: &str) -> String {
    let phrase = Phrase::key(key).arg("path", path.to_owned()).arg("key", wanted.to_owned());
    format!("{} / {}", phrase.text(Lang::Vi), phrase.text(Lang::En))
}

/// Adds a data key, which encrypts the files that are written from now on; returns its id.
async fn add(db: &Db, master: &MasterKey, actor: Actor, action: &'static str) -> Result<DataKeyId> {
    let tx = db.begin().await?;
    let key = DataKey::generate(DataKeyId::from_uuid(tx.new_uuid()))?;
    store::add_key(tx.conn(), &master.wrap(&key)?, tx.now()).await?;
    let detail = json!({ "data_key": key.id().to_string(), "master_key": master.fingerprint() });
    tx.commit(AuditEntry::new(actor, action, Subject::all("lake_key"), detail)).await?;
    Ok(key.id())
}

/// Returns the master key that is in force, and the data keys under it, the newest last.
///
/// # Errors
///
/// When encryption is off, or the key cannot be used.
async fn in_force(config: &Config, db: &Db) -> Result<(MasterKey, Vec<WrappedKey>)> {
    let Some(path) = &config.lake.encryption.key_file else {
        bail!(
            "`lake.encryption.key_file` is not set: nothing is encrypted, there is no key to change"
        );
    };
    // Opens all of them: a wrong key is told before anything is changed.
    open(config, db, First::Make).await?;
    let master = MasterKey::read(path).with_context(|| unusable(path, ""))?;
    Ok((master, store::keys(db.conn()).await?))
}

/// Makes a new data key for the files that are written from the next start on; returns its id.
///
/// # Errors
///
/// When encryption is off, or the key cannot be used.
pub(crate) async fn rotate(config: &Config, db: &Db) -> Result<DataKeyId> {
    let (master, _) = in_force(config, db).await?;
    add(db, &master, Actor::CommandLine, "lake.key_rotate").await
}

/// Puts all data keys under another master key, in one step; returns how many. Files stay as they are.
///
/// # Errors
///
/// When encryption is off, or one of both keys cannot be used; nothing was changed then.
pub(crate) async fn rewrap(config: &Config, db: &Db, to: &Path) -> Result<usize> {
    let (master, wrapped) = in_force(config, db).await?;
    let new = MasterKey::read(to).with_context(|| unusable(to, ""))?;
    if new.fingerprint() == master.fingerprint() {
        bail!("{} holds the master key that is in force already", to.display());
    }
    let tx = db.begin().await?;
    for one in &wrapped {
        store::rewrap(tx.conn(), &new.wrap(&master.unwrap(one)?)?).await?;
    }
    let detail = json!({
        "data_keys": wrapped.len(),
        "master_key": new.fingerprint(),
        "master_key_before": master.fingerprint(),
    });
    let subject = Subject::all("lake_key");
    tx.commit(AuditEntry::new(Actor::CommandLine, "lake.master_key_rotate", subject, detail))
        .await?;
    Ok(wrapped.len())
}

/// Returns the data keys, the newest last.
///
/// # Errors
///
/// When the database does not answer.
pub(crate) async fn list(db: &Db) -> Result<Vec<WrappedKey>> {
    Ok(store::keys(db.conn()).await?)
}
