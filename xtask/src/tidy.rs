//! Conventions that no compiler checks: file length, opening words, rooms with no name, rules without
//! tests, sources without expectations, text outside the language files.
//!
//! Each check adds complaints to one list; the run fails if the list is not empty.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

/// Lines per Rust file. Past this a name is missing.
const LINES_MAX: usize = 500;

/// Module names that say nothing about what is inside.
const NAMES_BANNED: &[&str] = &["util", "utils", "helper", "helpers", "common", "manager", "misc"];

/// Templates that may print unescaped text, and why.
const SAFE_ALLOWED: &[(&str, &str)] =
    &[("crates/web/", "the layout wraps bodies that askama has already escaped")];

/// Runs every check from the project's root.
///
/// # Errors
/// Fails with the number of complaints, after printing them.
pub(crate) fn run(root: &Path) -> Result<()> {
    let mut complaints = Vec::new();
    for file in
        files_below(&root.join("crates"))?.into_iter().chain(files_below(&root.join("xtask"))?)
    {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        let shown = file.strip_prefix(root).unwrap_or(&file).display().to_string();
        match file.extension().and_then(|ending| ending.to_str()) {
            Some("rs") => rust_file(&shown, &file, &text, &mut complaints),
            Some("html") => template(&shown, &text, &mut complaints),
            _ => {}
        }
    }
    rules_have_tests(root, &mut complaints)?;
    sources_are_whole(root, &mut complaints)?;
    languages_agree(root, &mut complaints)?;
    for complaint in &complaints {
        println!("{complaint}");
    }
    if !complaints.is_empty() {
        bail!("{} things to tidy", complaints.len());
    }
    println!("tidy: nothing to complain about");
    Ok(())
}

fn rust_file(shown: &str, file: &Path, text: &str, complaints: &mut Vec<String>) {
    let lines = text.lines().count();
    if lines > LINES_MAX {
        complaints.push(format!("{shown}: {lines} lines, more than {LINES_MAX}"));
    }
    if !text.trim_start().starts_with("//!") {
        complaints.push(format!("{shown}: does not open with `//!`"));
    }
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    if NAMES_BANNED.contains(&stem) {
        complaints.push(format!("{shown}: `{stem}` is no name for a room"));
    }
    // A table is touched only in its slice's store (architecture, invariant 3).
    let is_store =
        shown.contains("store") || shown.starts_with("crates/db/") || shown.contains("test");
    for (place, line) in text.lines().enumerate() {
        let at = format!("{shown}:{}", place + 1);
        if !is_store
            && (line.contains(concat!("Entity", "Trait")) || line.contains(concat!("raw_", "sql")))
        {
            complaints.push(format!("{at}: database access outside a store"));
        }
        if line.contains(concat!("todo", "!(")) || line.contains(concat!("unimplemented", "!(")) {
            complaints.push(format!("{at}: left open"));
        }
        if line.trim_start().starts_with(concat!("#[ig", "nore")) {
            complaints.push(format!("{at}: a test that does not run"));
        }
    }
}

fn template(shown: &str, text: &str, complaints: &mut Vec<String>) {
    for (place, line) in text.lines().enumerate() {
        let at = format!("{shown}:{}", place + 1);
        let allowed = SAFE_ALLOWED.iter().any(|(folder, _)| shown.starts_with(folder));
        if line.contains("|safe") && !allowed {
            complaints.push(format!("{at}: `|safe` outside the allow-list"));
        }
        if line.contains(" style=\"") || line.contains(" onclick=") || line.contains("<script>") {
            complaints.push(format!("{at}: inline style or script, which the CSP forbids"));
        }
        let bare = outside_tags(line);
        if bare.chars().any(is_vietnamese) {
            complaints.push(format!("{at}: text outside the language files"));
        }
    }
}

/// Returns the text of a template line that is neither markup nor a template expression.
fn outside_tags(line: &str) -> String {
    let mut bare = String::new();
    let mut depth = 0_u32;
    for c in line.chars() {
        match c {
            '<' | '{' => depth += 1,
            '>' | '}' => depth = depth.saturating_sub(1),
            other if depth == 0 => bare.push(other),
            _ => {}
        }
    }
    bare
}

/// Returns whether a letter is written in Vietnamese only.
fn is_vietnamese(c: char) -> bool {
    matches!(c, 'ă' | 'Ă' | 'đ' | 'Đ' | 'ơ' | 'Ơ' | 'ư' | 'Ư' | '\u{1ea0}'..='\u{1ef9}')
}

fn rules_have_tests(root: &Path, complaints: &mut Vec<String>) -> Result<()> {
    for file in files_below(&root.join("rules"))? {
        let name = file.to_string_lossy();
        let Some(stem) = name.strip_suffix(".yml") else { continue };
        if Path::new(stem).extension().is_some_and(|ending| ending == "test") {
            continue;
        }
        if !PathBuf::from(format!("{stem}.test.yml")).try_exists()? {
            complaints.push(format!("{name}: no test beside it"));
        }
    }
    Ok(())
}

fn sources_are_whole(root: &Path, complaints: &mut Vec<String>) -> Result<()> {
    let folder = root.join("sources");
    for entry in fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))? {
        let entry = entry?;
        if !entry.file_type()?.is_dir() {
            continue;
        }
        for file in ["source.toml", "sample.log", "expected.ndjson", "README.md"] {
            if !entry.path().join(file).try_exists()? {
                complaints.push(format!("{}: lacks {file}", entry.path().display()));
            }
        }
    }
    Ok(())
}

/// Both languages must say the same things: same files, same keys.
fn languages_agree(root: &Path, complaints: &mut Vec<String>) -> Result<()> {
    for file in files_below(&root.join("i18n/vi"))? {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        let twin = root.join("i18n/en").join(&name);
        let Ok(english) = fs::read_to_string(&twin) else {
            complaints.push(format!("i18n/en/{name}: missing"));
            continue;
        };
        let vietnamese = fs::read_to_string(&file)?;
        let (vi, en) = (keys(&vietnamese), keys(&english));
        for key in vi.iter().filter(|key| !en.contains(key)) {
            complaints.push(format!("i18n/en/{name}: lacks `{key}`"));
        }
        for key in en.iter().filter(|key| !vi.contains(key)) {
            complaints.push(format!("i18n/vi/{name}: lacks `{key}`"));
        }
    }
    Ok(())
}

/// Returns the message keys of a Fluent file.
fn keys(text: &str) -> Vec<&str> {
    text.lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()))
        .filter_map(|line| line.split_once('=').map(|(key, _)| key.trim()))
        .collect()
}

/// Returns all files below a folder, sorted, without build output; none if the folder is absent.
fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            if entry.file_type()?.is_dir() {
                if name != "target" && name != "node_modules" && name != "vendor" {
                    folders.push(entry.path());
                }
            } else {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}
