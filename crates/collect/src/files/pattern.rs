//! Which files to follow: paths with `*` and `?` in a name, and `**` for any depth of folders.

use std::path::{Path, PathBuf};

use crate::limits::{FILES_MAX, FOLDER_DEPTH_MAX};

/// A path with wildcards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// The folders before the first wildcard.
    base: PathBuf,
    /// What follows, a name or wildcard each.
    rest: Vec<String>,
}

/// Why a pattern is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It is not an absolute path.
    #[error("`{0}` is not an absolute path")]
    Relative(String),
}

impl std::str::FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let Some(path) = text.strip_prefix('/') else {
            return Err(PatternError::Relative(text.to_owned()));
        };
        let mut base = PathBuf::from("/");
        let mut rest = Vec::new();
        for name in path.split('/').filter(|name| !name.is_empty()) {
            if rest.is_empty() && !name.contains(['*', '?']) {
                base.push(name);
            } else {
                rest.push(name.to_owned());
            }
        }
        // A folder means the files right in it; that is found out when it is looked at.
        Ok(Self { base, rest })
    }
}

impl Pattern {
    /// Returns the files that match now, sorted; at most [`FILES_MAX`]. Rotated files that were
    /// packed (`.gz`, `.bz2`, `.xz`, `.zst`) were read before they were packed and are left out.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        if self.rest.is_empty() && self.base.is_dir() {
            walk(&self.base, &["*".to_owned()], 0, &mut files);
        } else {
            walk(&self.base, &self.rest, 0, &mut files);
        }
        files.retain(|path| !is_packed(path));
        files.sort();
        files.dedup();
        files
    }
}

fn walk(at: &Path, rest: &[String], depth: usize, files: &mut Vec<PathBuf>) {
    if files.len() >= FILES_MAX || depth > FOLDER_DEPTH_MAX {
        return;
    }
    let Some((wanted, behind)) = rest.split_first() else {
        if at.is_file() {
            files.push(at.to_owned());
        }
        return;
    };
    if wanted == "**" {
        walk(at, behind, depth, files);
    }
    let Ok(entries) = std::fs::read_dir(at) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        // A link to a folder could lead in circles.
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if wanted == "**" {
            if is_folder {
                walk(&path, rest, depth.saturating_add(1), files);
            }
        } else if entry.file_name().to_str().is_some_and(|name| matches(wanted, name)) {
            walk(&path, behind, depth.saturating_add(1), files);
        }
    }
}

/// Returns whether a name fits a wildcard. Hidden files need a wildcard that begins with a dot.
fn matches(wanted: &str, name: &str) -> bool {
    if name.starts_with('.') && !wanted.starts_with('.') {
        return false;
    }
    let name: Vec<char> = name.chars().collect();
    // `possible[i]`: the wildcard read so far fits the name's first `i` characters.
    let mut possible = vec![false; name.len().saturating_add(1)];
    if let Some(first) = possible.first_mut() {
        *first = true;
    }
    for sign in wanted.chars() {
        let mut next = vec![false; possible.len()];
        let mut reached = false;
        for (at, (slot, own)) in next.iter_mut().zip(&possible).enumerate() {
            reached |= *own;
            let step = at.checked_sub(1).is_some_and(|before| {
                possible.get(before) == Some(&true)
                    && (sign == '?' || name.get(before) == Some(&sign))
            });
            *slot = if sign == '*' { reached } else { step };
        }
        possible = next;
    }
    possible.last() == Some(&true)
}

fn is_packed(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| matches!(ending, "gz" | "bz2" | "xz" | "zst" | "zip"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_fit_as_in_a_shell() {
        let cases = [
            ("*.log", "a.log", true),
            ("*.log", "a.log.1", false),
            ("*.log", ".log", false),
            ("*", "anything", true),
            ("*", ".hidden", false),
            (".*", ".hidden", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "aXcYb", false),
            ("nhật-ký.*", "nhật-ký.txt", true),
        ];
        for (wanted, name, expected) in cases {
            assert_eq!(matches(wanted, name), expected, "{wanted} {name}");
        }
    }

    #[test]
    fn files_are_found_at_any_depth() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::fs::create_dir_all(root.join("a/b")).unwrap();
        for name in ["x.log", "a/y.log", "a/b/z.log", "a/old.log.gz", "a/b/other.txt"] {
            std::fs::write(root.join(name), "").unwrap();
        }
        let find = |pattern: &str| -> Vec<String> {
            let pattern: Pattern = format!("{}/{pattern}", root.display()).parse().unwrap();
            let files = pattern.files();
            let names = files.iter().map(|path| path.strip_prefix(root).unwrap());
            names.map(|path| path.display().to_string()).collect()
        };
        assert_eq!(find("**/*.log"), ["a/b/z.log", "a/y.log", "x.log"]);
        assert_eq!(find("*/*.log"), ["a/y.log"]);
        assert_eq!(find("a"), ["a/y.log"], "a folder means the files in it");
        assert_eq!(find("a/*"), ["a/y.log"]);
        assert_eq!(find("a/y.log"), ["a/y.log"]);
        assert_eq!(find("missing/*.log"), [""; 0]);
        assert_eq!(
            "logs/*.log".parse::<Pattern>(),
            Err(PatternError::Relative("logs/*.log".to_owned()))
        );
    }
}
