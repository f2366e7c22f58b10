//! Watches the operator's files and folders by looking at them: which files there are, how long and
//! how old.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio_util::sync::CancellationToken;

/// How often the folders are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// What tells a change of a file.
type Stamp = (PathBuf, u64, Option<SystemTime>);

/// Waits for changes of files.
#[derive(Debug)]
pub(super) struct FolderWatch {
    places: Vec<PathBuf>,
    /// Which files below a folder count; a file that is named itself always does.
    counts: fn(&Path) -> bool,
    seen: Vec<Stamp>,
}

impl FolderWatch {
    /// Takes note of how the files are now.
    pub(super) async fn new(places: Vec<PathBuf>, counts: fn(&Path) -> bool) -> Self {
        let seen = stamps(places.clone(), counts).await;
        Self { places, counts, seen }
    }

    /// Waits until a file has changed, has come or has gone; `false` when stopped instead.
    pub(super) async fn changed(&mut self, stop: &CancellationToken) -> bool {
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = stop.cancelled() => return false,
            }
            let now = stamps(self.places.clone(), self.counts).await;
            if now != self.seen {
                self.seen = now;
                return true;
            }
        }
    }
}

async fn stamps(places: Vec<PathBuf>, counts: fn(&Path) -> bool) -> Vec<Stamp> {
    let found = tokio::task::spawn_blocking(move || {
        let mut stamps = Vec::new();
        for place in &places {
            collect(place, counts, &mut stamps);
        }
        stamps.sort();
        stamps
    });
    found.await.unwrap_or_default()
}

fn collect(place: &Path, counts: fn(&Path) -> bool, stamps: &mut Vec<Stamp>) {
    let mut waiting = vec![place.to_owned()];
    while let Some(path) = waiting.pop() {
        let Ok(facts) = fs::metadata(&path) else { continue };
        if facts.is_dir() {
            let entries = fs::read_dir(&path).into_iter().flatten().flatten();
            waiting.extend(entries.map(|entry| entry.path()));
        } else if path == place || counts(&path) {
            stamps.push((path, facts.len(), facts.modified().ok()));
        }
    }
}
