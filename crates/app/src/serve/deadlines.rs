//! The watch over legal deadlines, orders and level dossiers: reminds people before, and when time is
//! over.

use std::time::Duration;

use respond::Desk;
use tokio_util::sync::CancellationToken;

/// How often deadlines are looked at; the law counts in hours.
const LOOK_EVERY: Duration = Duration::from_secs(20);

/// Reminds until `stop`.
pub(crate) async fn watch(desk: Desk, registry: registry::Registry, stop: CancellationToken) {
    loop {
        if let Err(error) = respond::obligation::remind(&desk).await {
            tracing::error!(error = web::chain(&error), "deadlines cannot be reminded of");
        }
        if let Err(error) = respond::order::remind(&desk).await {
            tracing::error!(error = web::chain(&error), "orders cannot be reminded of");
        }
        if let Err(error) = registry::dossier::remind(&registry).await {
            tracing::error!(error = web::chain(&error), "level dossiers cannot be reminded of");
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = stop.cancelled() => return,
        }
    }
}
