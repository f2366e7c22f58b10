//! Where indicators and warning lists come from: the operator's files and folders, and the warning
//! lists in the binary.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use detect::limits::INDICATOR_FILE_BYTES_MAX;
use detect::{
    Indicator, IndicatorKind, IndicatorLoader, IndicatorReport, IndicatorSet, Tlp, WarningError,
    WarningLists,
};
use event::IdSource;
use include_dir::{Dir, include_dir};
use respond::indicator::Listed;

/// Our own warning lists, as they were when the binary was made.
static BUILTIN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../content/warning-lists");

/// Largest warning list, in bytes: the internet's million best-known names take 20 MB.
const WARNING_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Where to look.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Places {
    /// Files and folders of indicators.
    pub indicators: Vec<PathBuf>,
    /// Files and folders of warning lists besides the built-in ones.
    pub warning_lists: Vec<PathBuf>,
}

/// Indicators, ready to be looked for, and what was said about them.
#[derive(Debug, Default)]
pub struct Loaded {
    /// What is looked for.
    pub set: Arc<IndicatorSet>,
    /// What is not, and why.
    pub report: IndicatorReport,
    /// Lines of warning lists that cannot be used.
    pub warning_errors: Vec<WarningError>,
    /// How many files of indicators were read.
    pub files: usize,
    /// How many indicators of the platform's own list were read.
    pub listed: usize,
}

/// Loads the indicators. A line that cannot be used is reported and never stops the others.
///
/// # Errors
/// When a file or folder cannot be read.
pub fn load(places: &Places) -> Result<Loaded> {
    load_with(places, &[])
}

/// What errors call the platform's own list.
const OWN_LIST: &str = "the platform's own list";

/// Loads the indicators, and those of the platform's own list.
///
/// # Errors
/// When a file or folder cannot be read.
pub fn load_with(places: &Places, listed: &[Listed]) -> Result<Loaded> {
    let (warnings, warning_errors) = warning_lists(&places.warning_lists)?;
    let mut loader = IndicatorLoader::new(Arc::new(warnings), seed());
    let files = files(&places.indicators)?;
    for file in &files {
        let bytes = read(file, INDICATOR_FILE_BYTES_MAX as u64)?;
        loader.read(&file.display().to_string(), &bytes);
    }
    for (number, one) in (1..).zip(listed) {
        let Some(kind) = IndicatorKind::from_word(one.observable.kind.word()) else { continue };
        let indicator = Indicator {
            kind,
            value: &one.observable.value,
            source: &one.source,
            label: &one.reason,
            confidence: Some(one.confidence),
            tlp: Tlp::from_word(one.tlp),
            valid_until: Some(one.valid_until),
        };
        loader.add(OWN_LIST, number, &indicator);
    }
    let (set, report) = loader.finish();
    let (files, listed) = (files.len(), listed.len());
    Ok(Loaded { set: Arc::new(set), report, warning_errors, files, listed })
}

/// Loads indicators that someone pasted, past the built-in warning lists only.
///
/// # Errors
/// Never for what the text says: that is in the report.
pub fn of_text(text: &str) -> Result<Loaded> {
    let (warnings, warning_errors) = warning_lists(&[])?;
    let mut loader = IndicatorLoader::new(Arc::new(warnings), seed());
    loader.read("indicators.txt", text.as_bytes());
    let (set, report) = loader.finish();
    Ok(Loaded { set: Arc::new(set), report, warning_errors, files: 1, listed: 0 })
}

/// Returns a number that nobody can guess: what hashes into one bucket must not be known beforehand.
fn seed() -> u64 {
    let secret = IdSource::from_os().secret();
    secret.first_chunk::<8>().copied().map_or(0, u64::from_le_bytes)
}

/// Reads the built-in warning lists and those of the operator.
fn warning_lists(places: &[PathBuf]) -> Result<(WarningLists, Vec<WarningError>)> {
    let (mut lists, mut errors) = (WarningLists::default(), Vec::new());
    for file in BUILTIN.files() {
        let path = file.path().display().to_string();
        errors.extend(lists.read(&path, file.contents_utf8().unwrap_or_default()));
    }
    for file in files(places)? {
        let bytes = read(&file, WARNING_BYTES_MAX)?;
        errors.extend(lists.read(&file.display().to_string(), &String::from_utf8_lossy(&bytes)));
    }
    Ok((lists, errors))
}

/// Reads a file up to one byte more than it may have, so that what follows can refuse it.
fn read(path: &Path, bytes_max: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
    file.take(bytes_max.saturating_add(1))
        .read_to_end(&mut bytes)
        .with_context(|| format!("reading {}", path.display()))?;
    Ok(bytes)
}

/// Returns whether a file in a folder holds indicators, by its name's ending.
pub fn is_list(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    matches!(ending.to_ascii_lowercase().as_str(), "txt" | "csv" | "json" | "list" | "ioc" | "stix")
}

/// Returns the files named, and those in the folders named, in the order of their paths.
fn files(places: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for place in places {
        let facts = fs::metadata(place).with_context(|| format!("opening {}", place.display()))?;
        if !facts.is_dir() {
            found.push(place.clone());
            continue;
        }
        let mut waiting = vec![place.clone()];
        while let Some(folder) = waiting.pop() {
            let entries =
                fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?;
            for entry in entries {
                let path = entry?.path();
                if path.is_dir() {
                    waiting.push(path);
                } else if is_list(&path) {
                    found.push(path);
                }
            }
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// Says what came of loading, line by line: the command line prints it, the server logs it.
pub fn summary(loaded: &Loaded) -> Vec<String> {
    let Loaded { set, report, .. } = loaded;
    let mut lines = Vec::new();
    for aside in &report.set_aside {
        let (subject, verb) =
            if aside.count == 1 { ("indicator", "is") } else { ("indicators", "are") };
        let more = aside.count.saturating_sub(aside.examples.len());
        let mut examples = aside.examples.join(", ");
        if more > 0 {
            examples = format!("{examples} and {more} more");
        }
        lines.push(format!(
            "{} {subject} {verb} never matched because the warning lists say: {}: {examples}",
            aside.count, aside.list
        ));
    }
    let notes = [
        (report.narrowed, "wider than something on a warning list; that part is never matched"),
        (report.not_for_detection, "not meant for detection by their source"),
        (report.repeated, "named twice by the same source"),
        (report.errors.len().saturating_add(report.errors_beyond), "refused"),
    ];
    lines.extend(
        notes.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")),
    );
    let kinds = set.counts().filter(|(_, count)| *count > 0);
    let kinds: Vec<String> =
        kinds.map(|(kind, count)| format!("{count} {}", kind.word())).collect();
    let kinds = if kinds.is_empty() { String::new() } else { format!(" ({})", kinds.join(", ")) };
    lines.push(format!(
        "{} indicators in force{kinds}, {} bytes of memory",
        set.len(),
        set.memory_bytes()
    ));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_warning_lists_are_readable_and_stop_what_they_name() {
        let (lists, errors) = warning_lists(&[]).unwrap();
        assert_eq!(errors, []);
        let mut loader = IndicatorLoader::new(Arc::new(lists), 1);
        let feed = "dichvucong.gov.vn\nhttps://example.gov.vn/a.exe\n10.1.2.3\n8.8.8.8\ncom.vn\n\
                    github.com\nhttps://github.com/evil/evil.zip\nevil.github.io\n";
        loader.read("feed.txt", feed.as_bytes());
        let (set, report) = loader.finish();
        assert_eq!(report.errors, []);
        assert_eq!(
            (set.len(), report.set_aside.iter().map(|own| own.count).sum::<usize>()),
            (2, 6)
        );
        let loaded = Loaded { set: Arc::new(set), report, ..Loaded::default() };
        let said = summary(&loaded);
        assert!(said.iter().any(|line| line.starts_with("2 indicators are never matched because")));
        assert!(said.last().unwrap().starts_with("2 indicators in force (1 domain, 1 url), "));
    }

    #[test]
    fn files_and_folders_are_read_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("deep")).unwrap();
        for (name, text) in [
            ("b.txt", "evil.example"),
            ("deep/a.csv", "domain,confidence\nbad.example,5\n"),
            ("notes.md", "x"),
        ] {
            fs::write(path(name), text).unwrap();
        }
        let places = Places { indicators: vec![folder.path().to_owned()], ..Places::default() };
        let loaded = load(&places).unwrap();
        assert_eq!((loaded.files, loaded.set.len(), loaded.report.errors.len()), (2, 2, 0));
        let missing = Places { indicators: vec![path("none")], ..Places::default() };
        assert!(load(&missing).is_err());
    }
}
