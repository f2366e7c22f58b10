//! What holds for incidents here besides what the platform ships.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use respond::obligation::Obligations;
use serde::{Deserialize, Serialize};

/// What holds for incidents.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IncidentsConfig {
    /// Files of obligations (who must be told by when) besides the built-in ones, such as those of a
    /// provincial plan.
    pub obligations: Vec<PathBuf>,
}

impl IncidentsConfig {
    /// Reads all obligations.
    ///
    /// # Errors
    /// Names the file and what is wrong in it.
    pub fn load_obligations(&self) -> Result<Obligations> {
        let mut files = Vec::with_capacity(self.obligations.len());
        for path in &self.obligations {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("reading obligations from {}", path.display()))?;
            files.push((path.display().to_string(), text));
        }
        let files = files.iter().map(|(path, text)| (path.as_str(), text.as_str()));
        Obligations::read(files).context("reading obligations")
    }
}
