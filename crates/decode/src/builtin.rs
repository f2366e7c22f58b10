//! The source folders that are part of the program.

use include_dir::{Dir, include_dir};

use crate::check::SourceFiles;
use crate::definition::SourceText;

static SOURCES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../sources");

/// Returns the definitions of all folders.
pub(crate) fn definitions() -> Vec<SourceText<'static>> {
    folders()
        .map(|files| SourceText { folder: files.folder, definition: files.definition })
        .collect()
}

/// Returns the folders that are part of the program, in order of their names. A file that is
/// missing is empty here; the checks say so.
pub fn folders() -> impl Iterator<Item = SourceFiles<'static>> {
    SOURCES.dirs().filter_map(|dir| {
        let folder = dir.path().file_name()?.to_str()?;
        let text = |name: &str| {
            let file = dir.get_file(dir.path().join(name));
            file.and_then(|file| file.contents_utf8()).unwrap_or_default()
        };
        Some(SourceFiles {
            folder,
            definition: text("source.toml"),
            sample: text("sample.log"),
            expected: text("expected.ndjson"),
        })
    })
}
