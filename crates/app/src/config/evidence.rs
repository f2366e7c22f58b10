//! What holds for evidence here.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What holds for evidence.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EvidenceConfig {
    /// Folders and files of YARA rules besides the built-in ones; read anew for each scan.
    pub yara: Vec<PathBuf>,
    /// Address of a time-stamping authority (RFC 3161); empty: none. The host must stand in `[outbound]`.
    pub timestamp_url: String,
}
