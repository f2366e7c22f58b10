//! Where detection rules come from: those in the binary, and the folders that the operator names.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use detect::limits::RULE_FILE_BYTES_MAX;
use detect::{Pipeline, Placeholders, RuleError, RuleErrorKind, RuleFile, RuleSet};
use include_dir::{Dir, DirEntry, include_dir};

/// Our own rules, as they were when the binary was made.
static BUILTIN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../rules");

/// Our own baselines.
static BASELINES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../baselines");

/// Fewer files than this are not worth a thread.
const FILES_PER_THREAD_MIN: usize = 128;

/// A rule file with its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleText {
    /// Its path, as people know it.
    pub path: String,
    /// What it says.
    pub text: String,
}

/// The rules that could be loaded, and those that could not.
#[derive(Debug)]
pub struct Loaded {
    /// The compiled rules.
    pub set: RuleSet,
    /// Every rule that is not in force, with file, line and reason.
    pub bad: Vec<RuleError>,
    /// The files as they were read, for pages that show a rule's source.
    pub texts: Vec<RuleText>,
}

/// Returns the rules built into the binary, in the order of their paths, without their tests.
pub fn builtin() -> Vec<RuleText> {
    texts_of(&BUILTIN, "rules")
}

/// Returns the baselines built into the binary, in the order of their paths, without their tests.
pub fn builtin_baselines() -> Vec<RuleText> {
    texts_of(&BASELINES, "baselines")
}

fn texts_of(folder: &'static Dir<'static>, name: &str) -> Vec<RuleText> {
    let mut texts = Vec::new();
    embedded(folder, &mut |path, text| {
        if is_rule(Path::new(path)) {
            texts.push(RuleText { path: format!("{name}/{path}"), text: text.to_owned() });
        }
    });
    texts.sort_by(|a, b| a.path.cmp(&b.path));
    texts
}

/// Returns the built-in rules with the test file that stands beside each.
pub fn builtin_with_tests() -> Vec<(RuleText, Option<String>)> {
    let test_of = |path: &str| {
        let inside = path.strip_prefix("rules/")?;
        let stem = inside.strip_suffix(".yml").or_else(|| inside.strip_suffix(".yaml"))?;
        BUILTIN.get_file(format!("{stem}.test.yml"))?.contents_utf8().map(ToOwned::to_owned)
    };
    builtin().into_iter().map(|text| (text.clone(), test_of(&text.path))).collect()
}

fn embedded(folder: &'static Dir<'static>, each: &mut dyn FnMut(&str, &str)) {
    for entry in folder.entries() {
        match entry {
            DirEntry::Dir(inside) => embedded(inside, each),
            DirEntry::File(file) => {
                if let (Some(path), Some(text)) = (file.path().to_str(), file.contents_utf8()) {
                    each(path, text);
                }
            }
        }
    }
}

/// Returns whether a file holds rules: YAML, and not the tests of one.
pub fn is_rule(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let is_ending = |ending: &std::ffi::OsStr| {
        ["yml", "yaml"].iter().any(|yaml| ending.eq_ignore_ascii_case(yaml))
    };
    path.extension().is_some_and(is_ending) && !name.contains(".test.")
}

/// Reads the rule files of a folder (or one file, whatever it is called), in the order of their paths, on all
/// cores. What cannot be read is told and stops nothing else.
pub fn read(folder: &Path) -> Result<(Vec<RuleText>, Vec<RuleError>)> {
    let (mut files, mut bad) = files(folder)?;
    files.sort_by_cached_key(|path| path.display().to_string());
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let share = files.len().div_ceil(cores).max(FILES_PER_THREAD_MIN);
    let shares = std::thread::scope(|scope| {
        let threads: Vec<_> = files
            .chunks(share)
            .map(|share| scope.spawn(|| share.iter().map(|path| text(path)).collect()))
            .collect();
        threads.into_iter().map(std::thread::ScopedJoinHandle::join).collect::<Vec<_>>()
    });
    let mut texts = Vec::with_capacity(files.len());
    for share in shares {
        let share: Vec<Result<RuleText, RuleError>> =
            share.map_err(|_panic| anyhow!("reading rules failed"))?;
        for text in share {
            match text {
                Ok(text) => texts.push(text),
                Err(error) => bad.push(error),
            }
        }
    }
    Ok((texts, bad))
}

/// Returns the rule files below a folder, or the file itself, and what cannot be opened.
fn files(folder: &Path) -> Result<(Vec<PathBuf>, Vec<RuleError>)> {
    let facts = fs::metadata(folder).with_context(|| format!("opening {}", folder.display()))?;
    if !facts.is_dir() {
        return Ok((vec![folder.to_owned()], Vec::new()));
    }
    let (mut files, mut bad) = (Vec::new(), Vec::new());
    let mut waiting = vec![folder.to_owned()];
    // A link may lead back to a folder above it.
    let mut seen = BTreeSet::new();
    while let Some(path) = waiting.pop() {
        match fs::metadata(&path) {
            Ok(facts) if facts.is_dir() => match entries(&path, &mut seen) {
                Ok(inside) => waiting.extend(inside),
                Err(error) => bad.push(unreadable(&path, &error)),
            },
            Ok(_) if is_rule(&path) => files.push(path),
            Err(error) if is_rule(&path) => bad.push(unreadable(&path, &error)),
            Ok(_) | Err(_) => {}
        }
    }
    Ok((files, bad))
}

/// Returns what is in a folder; nothing if it was seen before.
fn entries(folder: &Path, seen: &mut BTreeSet<PathBuf>) -> io::Result<Vec<PathBuf>> {
    if !seen.insert(folder.canonicalize()?) {
        return Ok(Vec::new());
    }
    fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect()
}

fn unreadable(path: &Path, why: &dyn std::fmt::Display) -> RuleError {
    RuleError {
        path: path.display().to_string(),
        line: 1,
        column: 1,
        kind: RuleErrorKind::Yaml,
        title: None,
        message: format!("cannot be read: {why}"),
        hint: None,
    }
}

fn text(path: &Path) -> Result<RuleText, RuleError> {
    let read = || -> io::Result<Vec<u8>> {
        let bytes_max = u64::try_from(RULE_FILE_BYTES_MAX).unwrap_or(u64::MAX);
        let mut bytes = Vec::new();
        fs::File::open(path)?.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().map_err(|error| unreadable(path, &error))?;
    if bytes.len() > RULE_FILE_BYTES_MAX {
        let why = format!("it is longer than {RULE_FILE_BYTES_MAX} bytes");
        return Err(unreadable(path, &why));
    }
    let text = String::from_utf8(bytes).map_err(|broken| {
        // Guessed letters would make a rule that never fires.
        let good = broken.as_bytes().get(..broken.utf8_error().valid_up_to()).unwrap_or_default();
        let line = memchr::memchr_iter(b'\n', good).count() + 1;
        let hint = Some("save it as UTF-8, as Sigma asks for".to_owned());
        RuleError { line, hint, ..unreadable(path, &"it is no UTF-8 from this line on") }
    })?;
    Ok(RuleText { path: path.display().to_string(), text })
}

/// Loads rules: those of the folders, or the built-in ones when none is named.
pub fn load(folders: &[PathBuf]) -> Result<Loaded> {
    load_with(folders, &[])
}

/// Loads rules as [`load`] does, brought to the operator's own names by these pipelines.
pub fn load_with(folders: &[PathBuf], pipelines: &[PathBuf]) -> Result<Loaded> {
    let (mut texts, mut unread) = (Vec::new(), Vec::new());
    if folders.is_empty() {
        texts = builtin();
    }
    for folder in folders {
        let (read, bad) = read(folder)?;
        texts.extend(read);
        unread.extend(bad);
    }
    Ok(compile(texts, unread, &read_pipelines(pipelines)?))
}

/// Loads baselines: those of the folders, or the built-in ones when none is named.
pub fn load_baselines(folders: &[PathBuf]) -> Result<Loaded> {
    if folders.is_empty() {
        Ok(compile(builtin_baselines(), Vec::new(), &[]))
    } else {
        load(folders)
    }
}

/// Loads the built-in rules and baselines and those of the operator's folders together, as the server does, brought
/// to the operator's own names by these pipelines.
pub fn load_all(folders: &[PathBuf], pipelines: &[PathBuf]) -> Result<Loaded> {
    let mut texts = builtin();
    texts.extend(builtin_baselines());
    let mut unread = Vec::new();
    for folder in folders {
        let (read, bad) = read(folder)?;
        texts.extend(read);
        unread.extend(bad);
    }
    Ok(compile(texts, unread, &read_pipelines(pipelines)?))
}

/// Reads processing pipelines. One that is not in order is an error: without it rules would mean
/// something else.
fn read_pipelines(files: &[PathBuf]) -> Result<Vec<Pipeline>> {
    let mut pipelines = Vec::with_capacity(files.len());
    for file in files {
        let path = file.display().to_string();
        let text = fs::read_to_string(file).with_context(|| format!("reading {path}"))?;
        match Pipeline::read(RuleFile { path: &path, text: &text }) {
            Ok(pipeline) => pipelines.push(pipeline),
            Err(errors) => {
                let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
                bail!("this pipeline cannot be used:\n{}", lines.join("\n"));
            }
        }
    }
    Ok(pipelines)
}

fn compile(texts: Vec<RuleText>, mut unread: Vec<RuleError>, pipelines: &[Pipeline]) -> Loaded {
    let files: Vec<RuleFile<'_>> =
        texts.iter().map(|text| RuleFile { path: &text.path, text: &text.text }).collect();
    let (set, bad) = RuleSet::compile_all(&files, &Placeholders::new(), pipelines);
    unread.extend(bad);
    Loaded { set, bad: unread, texts }
}
