//! Writes `expected.ndjson` of source folders anew: `cargo run -p decode --example bless [folder …]`.
//!
//! Run it after a change, then read the difference as carefully as code: the test only compares.

use std::fs;
use std::path::Path;

use decode::{Decoder, SourceText, decode_sample};

#[expect(clippy::print_stderr, reason = "command line output")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sources");
    let mut folders: Vec<String> = Vec::new();
    for entry in fs::read_dir(&root)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() && entry.path().join("source.toml").try_exists()? {
            folders.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    folders.sort();
    let mut definitions = Vec::new();
    for folder in &folders {
        definitions.push(fs::read_to_string(root.join(folder).join("source.toml"))?);
    }
    let texts: Vec<SourceText<'_>> = folders
        .iter()
        .zip(&definitions)
        .map(|(folder, definition)| SourceText { folder, definition })
        .collect();
    let decoder = match Decoder::from_definitions(&texts) {
        Ok(decoder) => decoder,
        Err(errors) => {
            for error in errors {
                eprintln!("{error}");
            }
            return Err("some definitions cannot be used".into());
        }
    };
    for folder in folders.iter().filter(|folder| wanted.is_empty() || wanted.contains(folder)) {
        let sample_path = root.join(folder).join("sample.log");
        if !sample_path.try_exists()? {
            eprintln!("{folder}: no sample.log");
            continue;
        }
        let events = decode_sample(&decoder, folder, &fs::read_to_string(sample_path)?);
        let mut text = String::new();
        for event in events {
            text.push_str(&event.to_string());
            text.push('\n');
        }
        fs::write(root.join(folder).join("expected.ndjson"), text)?;
        eprintln!("{folder}: written");
    }
    Ok(())
}
