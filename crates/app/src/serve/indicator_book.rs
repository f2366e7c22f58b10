//! The indicators in force: those of the operator's files and of the platform's own list, loaded once, and
//! again when a file or the list changes.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use db::Db;
use detect::{IndicatorKind, IndicatorSet, Refused};
use event::observable::Observable;
use parking_lot::Mutex;
use respond::indicator::{self, Lookout, Mark, Refusal};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::folder_watch::{self, FolderWatch, Stamps};
use crate::indicators::{self, Loaded, Places};

/// How often the list is looked at: another node of the same database may have changed it. A press here is
/// heard at once.
const LOOK_EVERY: Duration = Duration::from_secs(3);

/// The indicators in force, swapped whole.
#[derive(Debug)]
pub struct IndicatorBook {
    places: Places,
    /// How the files were before they were loaded first.
    seen: Stamps,
    set: ArcSwap<IndicatorSet>,
    /// How the list stood when it was read.
    mark: Mutex<Mark>,
    changed: Notify,
    /// One loading at a time: the later must not be overtaken by the earlier.
    loading: tokio::sync::Mutex<()>,
}

impl IndicatorBook {
    /// Loads the indicators.
    ///
    /// # Errors
    ///
    /// When a file or folder or the list cannot be read; a bad line is logged and left out.
    pub async fn load(places: Places, db: &Db) -> anyhow::Result<Arc<Self>> {
        let watched = watched(&places);
        let look = move || folder_watch::look(&watched, indicators::is_list);
        let seen = tokio::task::spawn_blocking(look).await?;
        let book = Self {
            places,
            seen,
            set: ArcSwap::default(),
            mark: Mutex::default(),
            changed: Notify::new(),
            loading: tokio::sync::Mutex::default(),
        };
        book.reload(db).await?;
        Ok(Arc::new(book))
    }

    /// Returns the indicators in force.
    pub fn current(&self) -> Arc<IndicatorSet> {
        self.set.load_full()
    }

    /// Loads the indicators again whenever a file or the list changed, until `stop`.
    pub async fn watch(self: Arc<Self>, db: Db, stop: CancellationToken) {
        tokio::join!(self.watch_files(&db, &stop), self.watch_list(&db, &stop));
    }

    async fn watch_files(&self, db: &Db, stop: &CancellationToken) {
        let places = watched(&self.places);
        if places.is_empty() {
            return;
        }
        let mut files = FolderWatch::new(places, indicators::is_list, self.seen.clone());
        while files.changed(stop).await {
            self.reload_or_tell(db).await;
        }
    }

    async fn watch_list(&self, db: &Db, stop: &CancellationToken) {
        loop {
            tokio::select! {
                () = self.changed.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = stop.cancelled() => return,
            }
            match indicator::mark(db).await {
                Ok(mark) if mark == *self.mark.lock() => {}
                Ok(_) => self.reload_or_tell(db).await,
                Err(error) => {
                    tracing::warn!(
                        error = web::chain(&error),
                        "the list of indicators was not read"
                    );
                }
            }
        }
    }

    async fn reload_or_tell(&self, db: &Db) {
        if let Err(error) = self.reload(db).await {
            tracing::error!("indicators stay as they were: {error:#}");
        }
    }

    async fn reload(&self, db: &Db) -> anyhow::Result<()> {
        let _turn = self.loading.lock().await;
        // The mark first: what changes between the two is seen at the next look.
        let mark = indicator::mark(db).await?;
        let listed = indicator::in_force(db).await?;
        let places = self.places.clone();
        let loading = move || indicators::load_with(&places, &listed);
        let loaded = tokio::task::spawn_blocking(loading).await??;
        tell(&loaded);
        self.set.store(loaded.set);
        *self.mark.lock() = mark;
        Ok(())
    }
}

impl Lookout for IndicatorBook {
    fn refuses(&self, observable: &Observable) -> Option<Refusal> {
        let set = self.set.load();
        let Some(kind) = IndicatorKind::from_word(observable.kind.word()) else {
            return Some(Refusal::Unfit);
        };
        Some(match set.refuses(kind, &observable.value)? {
            Refused::Unfit(_) => Refusal::Unfit,
            Refused::Listed(title) => Refusal::Warned(title.to_owned()),
        })
    }

    fn changed(&self) {
        self.changed.notify_one();
    }
}

/// Returns the files and folders that are watched.
fn watched(places: &Places) -> Vec<PathBuf> {
    [places.indicators.as_slice(), &places.warning_lists].concat()
}

/// Lines that are logged of what cannot be used; `luytre indicators check` shows all.
const TOLD: usize = 20;

fn tell(loaded: &Loaded) {
    if loaded.files == 0 && loaded.listed == 0 {
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
