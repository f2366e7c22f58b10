//! The data folder beside the project: public rules and recordings, never copied into it.

use std::fs;
use std::path::{Path, PathBuf};

use detect::{RuleError, RuleFile, RuleSet};

/// Returns the data folder, or says that the test was skipped.
pub(crate) fn folder(below: &str) -> Option<PathBuf> {
    let wanted = Path::new("shared/data").join(below);
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let found = above.map(|folder| folder.join(&wanted)).find(|path| path.is_dir());
    if found.is_none() {
        println!("skipped: {} is absent beside the project", wanted.display());
    }
    found
}

/// Returns all files below a folder whose name ends so, in order.
pub(crate) fn files(below: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![below.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Reads rule files from several folders and compiles them.
pub(crate) fn compile(folders: &[PathBuf]) -> (RuleSet, Vec<RuleError>, usize) {
    let paths: Vec<PathBuf> = folders.iter().flat_map(|folder| files(folder, ".yml")).collect();
    let texts: Vec<(String, String)> = paths
        .iter()
        .map(|path| (path.display().to_string(), fs::read_to_string(path).unwrap()))
        .collect();
    let rule_files: Vec<RuleFile<'_>> =
        texts.iter().map(|(path, text)| RuleFile { path, text }).collect();
    let (rules, errors) = RuleSet::compile(&rule_files);
    (rules, errors, texts.len())
}

/// The folders of live SigmaHQ rules.
pub(crate) fn live_rules() -> Option<Vec<PathBuf>> {
    let sigma = folder("sigma")?;
    let names = [
        "rules",
        "rules-compliance",
        "rules-emerging-threats",
        "rules-placeholder",
        "rules-threat-hunting",
    ];
    Some(names.iter().map(|name| sigma.join(name)).collect())
}

/// The folders with SigmaHQ's rules for Windows.
pub(crate) fn windows_rules(sigma: &Path) -> Vec<PathBuf> {
    let names = ["rules/windows", "rules-emerging-threats", "rules-threat-hunting/windows"];
    names.iter().map(|name| sigma.join(name)).collect()
}

/// SigmaHQ's rules for Windows, as their files say: path and text.
pub(crate) fn windows_texts(sigma: &Path) -> Vec<(String, String)> {
    let folders = windows_rules(sigma);
    let paths = folders.iter().flat_map(|folder| files(folder, ".yml"));
    paths
        .map(|path| (path.display().to_string(), fs::read_to_string(&path).unwrap()))
        .filter(|(_, text)| text.contains("product: windows"))
        .collect()
}
