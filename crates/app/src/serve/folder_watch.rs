//! Watches the operator's files and folders by looking at them: which files there are, how long and
//! how old. A change is told when it is over: what is half copied or half pulled is not loaded.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio_util::sync::CancellationToken;

/// How often the folders are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// How long files must stay as they are before a change counts as over.
const REST: Duration = Duration::from_secs(2);

/// After so many looks the files are loaded although they change on: a file that grows for ever must not keep
/// the others' changes waiting.
const RESTLESS_LOOKS_MAX: u32 = 30;

/// What tells a change of a file.
type Stamp = (PathBuf, u64, Option<SystemTime>);

/// How the files were at one look.
pub(super) type Stamps = Vec<Stamp>;

/// Waits for changes of files.
#[derive(Debug)]
pub(super) struct FolderWatch {
    places: Vec<PathBuf>,
    /// Which files below a folder count; a file that is named itself always does.
    counts: fn(&Path) -> bool,
    seen: Seen,
}

/// What was seen of the files.
#[derive(Debug, Default)]
struct Seen {
    /// As they were loaded.
    loaded: Stamps,
    /// As they were at the last look, while they change.
    changing: Option<Stamps>,
    restless_looks: u32,
}

impl Seen {
    /// Takes in a look; returns whether the files are to be loaded now.
    fn look(&mut self, now: Stamps) -> bool {
        if now == self.loaded {
            self.changing = None;
            self.restless_looks = 0;
            return false;
        }
        self.restless_looks = self.restless_looks.saturating_add(1);
        let is_over = self.changing.as_ref() == Some(&now);
        if !is_over && self.restless_looks < RESTLESS_LOOKS_MAX {
            self.changing = Some(now);
            return false;
        }
        *self = Self { loaded: now, ..Self::default() };
        true
    }
}

impl FolderWatch {
    /// Watches files that were so when they were loaded: look before loading, or a change meanwhile is
    /// never told.
    pub(super) fn new(places: Vec<PathBuf>, counts: fn(&Path) -> bool, loaded: Stamps) -> Self {
        Self { places, counts, seen: Seen { loaded, ..Seen::default() } }
    }

    /// Waits until files have changed, have come or have gone, and rest; `false` when stopped instead.
    pub(super) async fn changed(&mut self, stop: &CancellationToken) -> bool {
        loop {
            let wait = if self.seen.changing.is_some() { REST } else { LOOK_EVERY };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stop.cancelled() => return false,
            }
            let (places, counts) = (self.places.clone(), self.counts);
            let now = tokio::task::spawn_blocking(move || look(&places, counts)).await;
            if now.is_ok_and(|now| self.seen.look(now)) {
                return true;
            }
        }
    }
}

/// Returns how the files are now.
pub(super) fn look(places: &[PathBuf], counts: fn(&Path) -> bool) -> Stamps {
    let mut stamps = Vec::new();
    for place in places {
        collect(place, counts, &mut stamps);
    }
    stamps.sort();
    stamps
}

fn collect(place: &Path, counts: fn(&Path) -> bool, stamps: &mut Stamps) {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn stamps(bytes: u64) -> Stamps {
        vec![(PathBuf::from("feed.csv"), bytes, None)]
    }

    #[test]
    fn a_change_is_told_when_it_is_over() {
        let mut seen = Seen { loaded: stamps(1), ..Seen::default() };
        let told: Vec<bool> =
            [1, 2, 3, 3, 3, 4, 3, 4, 4].into_iter().map(|bytes| seen.look(stamps(bytes))).collect();
        assert_eq!(told, [false, false, false, true, false, false, false, false, true]);
    }

    #[test]
    fn a_file_that_never_rests_keeps_nobody_waiting_for_ever() {
        let mut seen = Seen { loaded: stamps(0), ..Seen::default() };
        let told = (1..=60).filter(|bytes| seen.look(stamps(*bytes))).count();
        assert_eq!(told, 2);
    }

    #[test]
    fn files_that_count_are_seen_with_their_length() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.yml"), "12").unwrap();
        fs::write(folder.path().join("b.md"), "1").unwrap();
        let named = folder.path().join("b.md");
        let places = [folder.path().to_owned(), named, folder.path().join("none")];
        let is_rule = |path: &Path| path.extension().is_some_and(|ending| ending == "yml");
        let found = look(&places, is_rule);
        let lengths: Vec<u64> = found.iter().map(|(_, bytes, _)| *bytes).collect();
        assert_eq!(lengths, [2, 1]);
    }
}
