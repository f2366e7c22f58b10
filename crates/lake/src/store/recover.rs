//! What happens at the start: is every file there, and is there a file that nobody knows?

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use event::SpoolPosition;

use crate::catalogue::{Segment, SegmentId, Where};
use crate::error::OpenError;
use crate::place::Place;
use crate::segment::{FileOrigin, TEMP_EXTENSION, file_origin, merged_from};

/// Where files go that nobody can explain: nothing is deleted that may be the only copy.
pub(crate) const LOST_FOLDER: &str = "lost+found";

/// The origin of a file whose events came straight from their senders: until the catalogue has it, nobody was told
/// that they are kept.
const STRAIGHT: FileOrigin = FileOrigin::Flush(SpoolPosition(0));

/// Where SQL questions spill to.
pub(crate) const SPILL_FOLDER: &str = "spill";

/// How long a store may take to answer at the start.
const STORE_PATIENCE: Duration = Duration::from_secs(2);

/// What the lake found when it was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Files of the lake.
    pub segments: usize,
    /// Their events.
    pub events: u64,
    /// Half-written and superseded files that were removed.
    pub removed: usize,
    /// Files that the catalogue does not know and that nothing replaces, moved to `lost+found`.
    pub lost: Vec<PathBuf>,
}

/// Checks that every file is there, and clears up what a crash left.
pub(crate) async fn recover(
    place: &Place,
    segments: &[Segment],
    position: Option<SpoolPosition>,
    is_shared: bool,
) -> Result<Recovered, OpenError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| OpenError::Folder { path, source }
    };
    let folder = place.folder();
    fs::create_dir_all(folder).map_err(failed(folder))?;
    place.check(segments)?;
    let known: BTreeSet<PathBuf> =
        segments.iter().map(|segment| folder.join(&segment.path)).collect();
    let mut missing = Vec::new();
    for segment in looked_for(segments) {
        let path = folder.join(&segment.path);
        let is_there = is_there(place, segment).await.map_err(|source| {
            let path = segment.path.clone();
            OpenError::Unreachable { path, source }
        })?;
        if !is_there {
            missing.push((path, segment.id));
        }
    }
    if let Some((path, _)) = missing.first().cloned() {
        return Err(OpenError::Missing {
            path,
            ids: missing.into_iter().map(|(_, id)| id).collect(),
        });
    }
    let mut recovered = Recovered {
        segments: segments.len(),
        events: segments.iter().map(|segment| segment.rows).sum(),
        ..Recovered::default()
    };
    let mut strangers = Vec::new();
    for path in files(folder).map_err(failed(folder))? {
        let extension = path.extension().and_then(|extension| extension.to_str());
        match extension {
            Some(TEMP_EXTENSION) => remove(&path, &mut recovered).map_err(failed(&path))?,
            Some("parquet") if !known.contains(&path) => strangers.push(path),
            _ => {}
        }
    }
    // What a question spilled to disk when the process ended.
    match fs::remove_dir_all(folder.join(SPILL_FOLDER)) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(folder)(error)),
        _ => {}
    }
    if place.has_store() {
        // Files that were committed, or moved to the store, and not yet taken over.
        place.settle(segments);
    }
    let merged = if strangers.is_empty() { BTreeSet::new() } else { inputs(place, segments) };
    let ids: BTreeSet<SegmentId> = segments.iter().map(|segment| segment.id).collect();
    let position = position.filter(|_| are_of_one_flush(place, &strangers));
    for path in strangers {
        let was_never_told = is_shared && origin(place, &path) == Some(STRAIGHT);
        if was_never_told || is_replaced((place, &path), &ids, &merged, position) {
            remove(&path, &mut recovered).map_err(failed(&path))?;
        } else {
            set_aside(folder, &path).map_err(failed(&path))?;
            recovered.lost.push(path);
        }
    }
    Ok(recovered)
}

/// Returns whether a file is there. A store that is away holds up no start: what comes in waits in the spool, or is
/// refused to its sender, until the store is back. One that new files go to and that refuses us is told at once.
async fn is_there(place: &Place, segment: &Segment) -> io::Result<bool> {
    if segment.lies_in == Where::Folder {
        return place.has(segment).await;
    }
    match tokio::time::timeout(STORE_PATIENCE, place.has(segment)).await {
        Ok(Ok(is_there)) => Ok(is_there),
        Ok(Err(error)) if place.needs_store() && error.kind() == ErrorKind::PermissionDenied => {
            Err(error)
        }
        Ok(Err(error)) => {
            tracing::warn!(file.path = %segment.path, %error, "the lake's store cannot be asked");
            Ok(true)
        }
        Err(_elapsed) => {
            tracing::warn!(file.path = %segment.path, "the lake's store does not answer");
            Ok(true)
        }
    }
}

/// Returns the files whose being there is worth asking for: every one in the folder; in a store, where
/// each asking takes a while, the oldest and the newest. Another store, or another bucket, lacks them.
fn looked_for(segments: &[Segment]) -> Vec<&Segment> {
    let (mut asked, stored): (Vec<&Segment>, Vec<&Segment>) =
        segments.iter().partition(|segment| segment.lies_in == Where::Folder);
    let age = |segment: &&&Segment| (segment.max_occurred_at, segment.id);
    let (oldest, newest) = (stored.iter().min_by_key(age), stored.iter().max_by_key(age));
    asked.extend(oldest);
    asked.extend(newest.filter(|newest| oldest.is_none_or(|oldest| oldest.id != newest.id)));
    asked
}

/// Returns whether all that a stranger holds is, or will be, in the lake without it.
fn is_replaced(
    (place, path): (&Place, &Path),
    ids: &BTreeSet<SegmentId>,
    merged: &BTreeSet<SegmentId>,
    position: Option<SpoolPosition>,
) -> bool {
    let id = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
    if id.is_some_and(|id| merged.contains(&id)) {
        // The catalogue has the file that it was merged into.
        return true;
    }
    match origin(place, path) {
        // The spool plays everything above the catalogue's position again.
        Some(FileOrigin::Flush(own)) => position.is_some_and(|position| own > position),
        // The merge was never committed: what it was made of is still there.
        Some(FileOrigin::Merge(inputs)) => inputs.iter().all(|id| ids.contains(id)),
        // Half a file under its last name cannot be: it is named after it was synced. Lines that were
        // never wholly brought in may be nowhere else.
        Some(FileOrigin::Lines) | None => false,
    }
}

/// Returns whether strangers are no more than what a crash leaves: one buffer is written at a time.
/// More of them mean that the catalogue is older than the lake (a restored backup, another database),
/// and the spool may have forgotten their events.
fn are_of_one_flush(place: &Place, strangers: &[PathBuf]) -> bool {
    let positions: BTreeSet<SpoolPosition> = strangers
        .iter()
        .filter_map(|path| match origin(place, path) {
            Some(FileOrigin::Flush(position)) => Some(position),
            _ => None,
        })
        .collect();
    positions.len() <= 1
}

/// Returns where a stranger's rows came from, if it can be read.
fn origin(place: &Place, path: &Path) -> Option<FileOrigin> {
    file_origin(&place.open_stranger(path).ok()?)
}

/// Returns all that the files in the folder were merged from.
fn inputs(place: &Place, segments: &[Segment]) -> BTreeSet<SegmentId> {
    let here = segments.iter().filter(|segment| segment.lies_in == Where::Folder);
    let open = here.filter_map(|segment| place.open_file(segment).ok());
    open.flat_map(|file| merged_from(&file)).collect()
}

/// Returns all files in the folders of days.
pub(crate) fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with("day=") && entry.file_type()?.is_dir() {
            for file in fs::read_dir(entry.path())? {
                files.push(file?.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

fn remove(path: &Path, recovered: &mut Recovered) -> io::Result<()> {
    fs::remove_file(path)?;
    recovered.removed += 1;
    Ok(())
}

fn set_aside(folder: &Path, path: &Path) -> io::Result<()> {
    let lost = folder.join(LOST_FOLDER);
    fs::create_dir_all(&lost)?;
    match path.file_name() {
        Some(name) => fs::rename(path, lost.join(name)),
        None => Ok(()),
    }
}
