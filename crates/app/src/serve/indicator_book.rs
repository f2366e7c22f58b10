//! The indicators in force: loaded once, and again when a file of the operator changes.

use std::sync::Arc;

use arc_swap::ArcSwap;
use detect::IndicatorSet;
use tokio_util::sync::CancellationToken;

use super::folder_watch::FolderWatch;
use crate::indicators::{self, Loaded, Places};

/// The indicators in force, swapped whole.
#[derive(Debug)]
pub struct IndicatorBook {
    places: Places,
    set: ArcSwap<IndicatorSet>,
}

impl IndicatorBook {
    /// Loads the indicators.
    ///
    /// # Errors
    ///
    /// When a file or folder cannot be read; a bad line is logged and left out.
    pub fn load(places: Places) -> anyhow::Result<Self> {
        let loaded = indicators::load(&places)?;
        tell(&loaded);
        Ok(Self { places, set: ArcSwap::new(loaded.set) })
    }

    /// Returns the indicators in force.
    pub fn current(&self) -> Arc<IndicatorSet> {
        self.set.load_full()
    }

    /// Loads the indicators again whenever a file changed, until `stop`.
    pub async fn watch(self: Arc<Self>, stop: CancellationToken) {
        let places = [self.places.indicators.as_slice(), &self.places.warning_lists].concat();
        if places.is_empty() {
            return;
        }
        let mut files = FolderWatch::new(places, indicators::is_list).await;
        while files.changed(&stop).await {
            let book = Arc::clone(&self);
            match tokio::task::spawn_blocking(move || indicators::load(&book.places)).await {
                Ok(Ok(loaded)) => {
                    tell(&loaded);
                    self.set.store(loaded.set);
                }
                Ok(Err(error)) => tracing::error!("indicators stay as they were: {error:#}"),
                Err(error) => tracing::error!(%error, "loading indicators failed"),
            }
        }
    }
}

/// Lines that are logged of what cannot be used; `luytre indicators check` shows all.
const TOLD: usize = 20;

fn tell(loaded: &Loaded) {
    if loaded.files == 0 {
        return;
    }
    for line in indicators::summary(loaded) {
        tracing::info!("{line}");
    }
    for error in loaded.report.errors.iter().take(TOLD) {
        tracing::warn!("{error}");
    }
    for error in loaded.warning_errors.iter().take(TOLD) {
        tracing::warn!("{error}");
    }
}
