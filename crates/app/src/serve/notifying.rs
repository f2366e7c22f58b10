//! The rounds of postman and courier: people are told what there is to tell, programs what changed.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use db::Db;
use tokio_util::sync::CancellationToken;
use web::notify::{Postman, Push};
use web::outbound::Outbound;
use web::webhook::Webhooks;

use super::names::Tree;
use crate::config::Config;

/// How often the postman looks: soon enough to be "at once".
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// How long a database that does not answer is left alone.
const REST: Duration = Duration::from_secs(10);

/// How often old notices are forgotten, in looks.
const FORGET_EVERY: u32 = 43_200;

/// Returns who tells people and what tells programs.
///
/// # Errors
/// Names what of the configuration cannot be used.
pub(super) async fn told(
    config: &Config,
    db: &Db,
    registry: &Arc<registry::Directory>,
) -> Result<(Postman, Webhooks)> {
    Ok((postman(config, db, registry).await?, webhooks(config, db, registry)?))
}

/// Returns the postman with the ways that are set up.
///
/// # Errors
/// Names what of the configuration cannot be used.
async fn postman(config: &Config, db: &Db, registry: &Arc<registry::Directory>) -> Result<Postman> {
    let settings = config.outbound.settings()?;
    let authorities = settings.authorities.clone();
    let outbound = Outbound::new(settings).context("opening the way out")?;
    let carriers = config.notify.carriers(&outbound, &authorities)?;
    let tree = Arc::new(Tree(Arc::clone(registry)));
    let heading = (config.web.address.as_str(), config.site.province.as_str());
    let postman = Postman::new(db.clone(), tree, Arc::new(respond::roster::DutyRoster(db.clone())));
    let postman = postman.with_ways(carriers, heading, config.notify.give_up());
    let contact = config.notify.push.contact.as_str();
    if contact.is_empty() {
        return Ok(postman);
    }
    let push = Push::open(db.clone(), outbound, contact).await.context("[notify.push]")?;
    Ok(postman.with_push(push))
}

/// Returns the hooks of other programs.
///
/// # Errors
/// When the way out cannot be opened.
fn webhooks(config: &Config, db: &Db, registry: &Arc<registry::Directory>) -> Result<Webhooks> {
    let outbound = Outbound::new(config.outbound.settings()?).context("opening the way out")?;
    let tree = Arc::new(Tree(Arc::clone(registry)));
    Ok(Webhooks::new(db.clone(), tree, outbound, registry::action_key))
}

/// Carries what hooks ask for until `stop`. A message on its way is finished first.
pub(super) async fn deliveries(webhooks: Webhooks, stop: CancellationToken) {
    let mut looks: u32 = 0;
    loop {
        let wait = match webhooks.look().await {
            // Whoever had more than fits into one look goes on at once.
            Ok(taken) if taken > 0 => Duration::ZERO,
            Ok(_) => LOOK_EVERY,
            Err(error) => {
                tracing::warn!(error = web::chain(&error), "programs cannot be told");
                REST
            }
        };
        if looks.is_multiple_of(FORGET_EVERY)
            && let Err(error) = webhooks.forget_old().await
        {
            tracing::warn!(error = web::chain(&error), "old messages cannot be forgotten");
        }
        looks = looks.wrapping_add(1);
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = stop.cancelled() => return,
        }
    }
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
