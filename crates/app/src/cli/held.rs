//! Keeping the platform from running while a command changes what it works on.

use anyhow::{Context as _, Result, bail};
use collect::{OpenError, Spool, SpoolReader};
use db::Db;
use event::SpoolPosition;
use lake::Catalogue as _;

use crate::catalogue::DbCatalogue;
use crate::catalogue::keyring::{self, First};
use crate::cluster;
use crate::config::Config;

/// Opens the spool to the end of what the lake has, and with it the right to change the lake.
pub(super) async fn hold_spool(
    config: &Config,
    db: &Db,
) -> Result<(Spool, SpoolReader, Option<SpoolPosition>)> {
    cluster::refuse_beside_others(db).await?;
    let stored = DbCatalogue::new(db.clone(), config.lake.has_store()).position().await?;
    let settings = keyring::spool_settings(config, db, First::Leave).await?;
    match Spool::open_for(&config.spool_folder(), settings, stored, None) {
        Ok((spool, reader, _)) => Ok((spool, reader, stored)),
        Err(error) => {
            refuse_running(matches!(error, OpenError::InUse(_)))?;
            Err(error).context("opening the spool")
        }
    }
}

/// Refuses to go on beside a running platform.
pub(super) fn refuse_running(is_running: bool) -> Result<()> {
    if is_running {
        bail!(
            "the platform is running on this data folder; end it first (`systemctl stop luytre`)"
        );
    }
    Ok(())
}
