//! Lines that were left out of what was brought in: each is named by file and line, and put into a file of
//! its own, one JSON object a line, so that nothing is lost and nothing stops for it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::json;

/// Lines that are shown; the file has them all.
const SHOWN_MAX: usize = 10;

/// Where lines are put that were left out.
#[derive(Debug)]
pub(crate) struct Rejects {
    path: PathBuf,
    file: Option<BufWriter<File>>,
    count: u64,
    shown: Vec<String>,
}

impl Rejects {
    /// Returns the place; the file is made with the first line that is put there.
    pub(crate) fn at(path: PathBuf) -> Self {
        Self { path, file: None, count: 0, shown: Vec::new() }
    }

    /// Puts a line aside. Bytes that are no text are shown as `�`; the input still has them.
    pub(crate) fn put(&mut self, from: &str, line: u64, why: &str, bytes: &[u8]) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(BufWriter::new(create(&self.path)?)),
        };
        let record = String::from_utf8_lossy(bytes);
        let entry = json!({ "file": from, "line": line, "why": why, "record": record });
        writeln!(file, "{entry}")?;
        self.count = self.count.saturating_add(1);
        if self.shown.len() < SHOWN_MAX {
            self.shown.push(format!("{from}:{line}: {why}"));
        }
        Ok(())
    }

    /// Makes the file durable, and tells what is in it; nothing where no line was put aside.
    pub(crate) fn finish(&mut self, mut out: impl Write) -> io::Result<()> {
        let Some(file) = self.file.take() else { return Ok(()) };
        file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        for line in &self.shown {
            writeln!(out, "{line}")?;
        }
        let more = self.count.saturating_sub(self.shown.len() as u64);
        if more > 0 {
            writeln!(out, "… and {more} more")?;
        }
        writeln!(out, "{} lines left out, kept in {}", self.count, self.path.display())
    }
}

/// Makes the file, for its owner only: what is in it are logs.
fn create(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_kept_and_few_are_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rejected").join("one.ndjson");
        let mut rejects = Rejects::at(path.clone());
        let mut told = Vec::new();
        rejects.finish(&mut told).unwrap();
        assert!(told.is_empty() && !path.try_exists().unwrap(), "no line, no file");
        for line in 1..=12 {
            rejects.put("a.ndjson", line, "no JSON", b"x\xffy").unwrap();
        }
        rejects.finish(&mut told).unwrap();
        let told = String::from_utf8(told).unwrap();
        assert!(told.starts_with("a.ndjson:1: no JSON\n"), "{told}");
        assert!(told.contains("… and 2 more\n12 lines left out, kept in "), "{told}");
        let kept = fs::read_to_string(&path).unwrap();
        let kept: Vec<serde_json::Value> =
            kept.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((kept.len(), rejects.count), (12, 12));
        let last =
            json!({"file": "a.ndjson", "line": 12, "why": "no JSON", "record": "x\u{fffd}y"});
        assert_eq!(kept[11], last);
    }
}
