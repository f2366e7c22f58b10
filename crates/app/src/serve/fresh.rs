//! What one node of several does to know what the others did: files of the lake, the register, counts of sources.

use std::sync::Arc;
use std::time::{Duration, Instant};

use respond::rule::RuleCatalogue as _;
use tokio_util::sync::CancellationToken;

use crate::cluster::{Node, source_lease};
use crate::pipeline::Pipeline;

/// How often new files of the lake are looked for: a part of the second within which an event can be found.
const FILES_EVERY: Duration = Duration::from_millis(250);

/// How often changes of the register are looked for.
const REGISTER_EVERY: Duration = Duration::from_secs(1);

/// A register that takes long to read is read so much less often.
const REGISTER_SHARE: u32 = 10;

/// How often counts of sources are written down and read.
const COUNTS_EVERY: Duration = Duration::from_secs(2);

/// Takes up new files of the lake until `stop`.
pub(super) async fn files(way: Pipeline, stop: CancellationToken) {
    let mut failing = false;
    loop {
        match way.lake.refresh().await {
            Ok(_) => failing = false,
            Err(error) if !failing => {
                failing = true;
                tracing::warn!(error = web::chain(&error), "new files of others are not seen");
            }
            Err(_) => {}
        }
        tokio::select! {
            () = tokio::time::sleep(FILES_EVERY) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Gives the events that any node stores to the live tails that are open here, until `stop`.
pub(super) async fn tails(way: Pipeline, stop: CancellationToken) {
    // The last change whose events were given; nothing while nobody looks.
    let mut given = None;
    let mut failing = false;
    loop {
        tokio::select! {
            () = tokio::time::sleep(FILES_EVERY) => {}
            () = stop.cancelled() => return,
        }
        if !way.hub.has_tails() {
            given = None;
            continue;
        }
        match give(&way, &mut given).await {
            Ok(()) => failing = false,
            Err(error) if !failing => {
                failing = true;
                tracing::warn!(error = web::chain(error.as_ref()), "live tails stand still");
            }
            Err(_) => {}
        }
    }
}

/// Gives the events that came after a change, and moves on; without one it only looks where the lake is now.
async fn give(
    way: &Pipeline,
    given: &mut Option<u64>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let Some(last) = given else {
        *given = Some(crate::catalogue::last_change(&way.db).await?);
        return Ok(());
    };
    for change in way.lake.changes(*last).await? {
        let lake::Change { number, added, fresh, .. } = change;
        for file in added.into_iter().filter(|file| fresh.contains(&file.id)) {
            way.hub.publish_events(&way.lake.events_of(file).await?);
        }
        *last = number;
    }
    Ok(())
}

/// Reads the register again whenever anybody changed anything, until `stop`: no change is without its entry in the
/// audit log.
pub(super) async fn register(way: Pipeline, stop: CancellationToken) {
    let mut seen = None;
    let mut wait = REGISTER_EVERY;
    loop {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = stop.cancelled() => return,
        }
        wait = REGISTER_EVERY;
        match db::audit::last_seq(way.db.conn()).await {
            Ok(last) if seen == Some(last) => {}
            Ok(last) => {
                let began = Instant::now();
                match reload(&way).await {
                    Ok(()) => seen = Some(last),
                    Err(error) => tracing::warn!("the register stays as it was: {error:#}"),
                }
                wait = wait.max(began.elapsed() * REGISTER_SHARE);
            }
            Err(error) => {
                tracing::warn!(error = web::chain(&error), "the register stays as it was");
            }
        }
    }
}

async fn reload(way: &Pipeline) -> anyhow::Result<()> {
    way.registry.reload(&way.db).await?;
    way.rules.switch(&respond::rule::switched(&way.db).await?);
    Ok(())
}

/// Writes down what this node counted, and reads what others did, until `stop`; then writes a last time.
pub(super) async fn counts(way: Pipeline, node: Node, reads: bool, stop: CancellationToken) {
    loop {
        let stopped = tokio::select! {
            () = tokio::time::sleep(COUNTS_EVERY) => false,
            () = stop.cancelled() => true,
        };
        let snapshot = way.registry.snapshot();
        let mut done = way.health.flush(&way.db, &snapshot).await;
        if reads && done.is_ok() {
            let (health, node) = (Arc::clone(&way.health), node.clone());
            done = health.renew(&way.db, move |source| node.holds(&source_lease(source))).await;
        }
        if let Err(error) = done {
            tracing::warn!(error = web::chain(&error), "counts of sources are behind");
        }
        if stopped {
            return;
        }
    }
}
