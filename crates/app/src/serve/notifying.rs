//! The postman's rounds: spreads what there is to tell and carries what is due.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use db::Db;
use tokio_util::sync::CancellationToken;
use web::notify::Postman;
use web::outbound::Outbound;

use super::names::Tree;
use crate::config::Config;

/// How often the postman looks: soon enough to be "at once".
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// How long a database that does not answer is left alone.
const REST: Duration = Duration::from_secs(10);

/// How often old notices are forgotten, in looks.
const FORGET_EVERY: u32 = 43_200;

/// Returns the postman with the ways that are set up.
///
/// # Errors
/// Names what of the configuration cannot be used.
pub(super) fn postman(
    config: &Config,
    db: &Db,
    registry: &Arc<registry::Directory>,
) -> Result<Postman> {
    let settings = config.outbound.settings()?;
    let authorities = settings.authorities.clone();
    let outbound = Outbound::new(settings).context("opening the way out")?;
    let carriers = config.notify.carriers(&outbound, &authorities)?;
    let tree = Arc::new(Tree(Arc::clone(registry)));
    let heading = (config.web.address.as_str(), config.site.province.as_str());
    let postman = Postman::new(db.clone(), tree, Arc::new(respond::roster::DutyRoster(db.clone())));
    Ok(postman.with_ways(carriers, heading, config.notify.give_up()))
}

/// Makes rounds until `stop`. A message on its way is finished first.
pub(super) async fn rounds(postman: Postman, db: Db, stop: CancellationToken) {
    if let Err(error) = postman.begin().await {
        tracing::warn!(error = web::chain(&error), "the channels cannot be taken over");
    }
    let mut looks: u32 = 0;
    loop {
        let mut wait = LOOK_EVERY;
        if let Err(error) = postman.look().await {
            tracing::warn!(error = web::chain(&error), "people cannot be told");
            wait = REST;
        }
        if looks.is_multiple_of(FORGET_EVERY)
            && let Err(error) = web::notify::forget_old(&db).await
        {
            tracing::warn!(error = web::chain(&error), "old notices cannot be forgotten");
        }
        looks = looks.wrapping_add(1);
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = stop.cancelled() => return,
        }
    }
}
