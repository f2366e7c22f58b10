//! Where detection rules come from: those in the binary, and the folders that the operator names.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use detect::{Pipeline, Placeholders, RuleError, RuleFile, RuleSet};
use include_dir::{Dir, DirEntry, include_dir};

/// Our own rules, as they were when the binary was made.
static BUILTIN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../rules");

/// Our own baselines.
static BASELINES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../baselines");

/// A rule file larger than this is refused: SigmaHQ's largest is under 100 kB.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

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
    let is_yaml = path.extension().is_some_and(|ending| ending == "yml" || ending == "yaml");
    is_yaml && !name.contains(".test.")
}

/// Reads the rule files of a folder (or one file), in the order of their paths, on all cores.
pub fn read(folder: &Path) -> Result<Vec<RuleText>> {
    let mut files = files(folder)?;
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
        let share: Vec<Result<RuleText>> =
            share.map_err(|_panic| anyhow!("reading rules failed"))?;
        for text in share {
            texts.push(text?);
        }
    }
    Ok(texts)
}

/// Returns the rule files below a folder, or the file itself.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(path) = waiting.pop() {
        let facts = fs::metadata(&path).with_context(|| format!("opening {}", path.display()))?;
        if facts.is_dir() {
            for entry in
                fs::read_dir(&path).with_context(|| format!("reading {}", path.display()))?
            {
                waiting.push(entry?.path());
            }
        } else if is_rule(&path) && facts.len() <= FILE_BYTES_MAX {
            files.push(path);
        }
    }
    Ok(files)
}

fn text(path: &Path) -> Result<RuleText> {
    let bytes = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    let text = String::from_utf8(bytes)
        .unwrap_or_else(|broken| String::from_utf8_lossy(broken.as_bytes()).into_owned());
    Ok(RuleText { path: path.display().to_string(), text })
}

/// Loads rules: those of the folders, or the built-in ones when none is named.
pub fn load(folders: &[PathBuf]) -> Result<Loaded> {
    load_with(folders, &[])
}

/// Loads rules as [`load`] does, brought to the operator's own names by these pipelines.
pub fn load_with(folders: &[PathBuf], pipelines: &[PathBuf]) -> Result<Loaded> {
    let texts = if folders.is_empty() {
        builtin()
    } else {
        let read: Result<Vec<Vec<RuleText>>> = folders.iter().map(|folder| read(folder)).collect();
        read?.into_iter().flatten().collect()
    };
    Ok(compile(texts, &read_pipelines(pipelines)?))
}

/// Loads baselines: those of the folders, or the built-in ones when none is named.
pub fn load_baselines(folders: &[PathBuf]) -> Result<Loaded> {
    if folders.is_empty() { Ok(compile(builtin_baselines(), &[])) } else { load(folders) }
}

/// Loads the built-in rules and baselines and those of the operator's folders together, as the server does, brought
/// to the operator's own names by these pipelines.
pub fn load_all(folders: &[PathBuf], pipelines: &[PathBuf]) -> Result<Loaded> {
    let mut texts = builtin();
    texts.extend(builtin_baselines());
    for folder in folders {
        texts.extend(read(folder)?);
    }
    Ok(compile(texts, &read_pipelines(pipelines)?))
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

fn compile(texts: Vec<RuleText>, pipelines: &[Pipeline]) -> Loaded {
    let files: Vec<RuleFile<'_>> =
        texts.iter().map(|text| RuleFile { path: &text.path, text: &text.text }).collect();
    let (set, bad) = RuleSet::compile_all(&files, &Placeholders::new(), pipelines);
    Loaded { set, bad, texts }
}
