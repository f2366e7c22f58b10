//! Where source definitions come from: the folders built into the binary, and those that the operator
//! adds or overrides.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use decode::{Decoder, SourceError, SourceText};

/// Returns a decoder that knows the built-in sources and those of the operator's folders; a folder of
/// the same name replaces the built-in one.
///
/// # Errors
/// Lists every definition that cannot be used, with file and line.
pub fn decoder(folders: &[PathBuf]) -> Result<Decoder> {
    let mut own = Vec::new();
    for folder in folders {
        own.extend(read(folder)?);
    }
    let texts: Vec<SourceText<'_>> =
        own.iter().map(|(folder, definition)| SourceText { folder, definition }).collect();
    Decoder::builtin()
        .and_then(|builtin| builtin.with_definitions(&texts))
        .map_err(|errors| anyhow::anyhow!("source definitions cannot be used:\n{}", lines(&errors)))
}

fn lines(errors: &[SourceError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Reads the `source.toml` of every folder below one, with the folder's name.
fn read(folder: &Path) -> Result<Vec<(String, String)>> {
    let mut texts = Vec::new();
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        // A README beside the folders is no source.
        if !entry.path().is_dir() {
            continue;
        }
        let file = entry.path().join("source.toml");
        if !file.try_exists()? {
            continue;
        }
        let Some(name) = entry.file_name().to_str().map(ToOwned::to_owned) else {
            bail!("{} has a name that is no text", entry.path().display());
        };
        let text =
            fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
        texts.push((name, text));
    }
    texts.sort();
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_beside_the_folders_is_no_source() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("README.md"), "text").unwrap();
        fs::create_dir(folder.path().join("empty")).unwrap();
        let acme = folder.path().join("acme_gate");
        fs::create_dir(&acme).unwrap();
        let text = "id = \"acme_gate\"\ntitle_vi = \"a\"\ntitle_en = \"a\"\nformat = \"json\"\n";
        fs::write(acme.join("source.toml"), text).unwrap();
        let decoder = decoder(&[folder.path().to_owned()]).unwrap();
        assert!(decoder.source("acme_gate").is_some());
    }
}
