//! What the configuration says of keeping.

use serde::{Deserialize, Serialize};

/// How long events are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeepingConfig {
    /// Months that logs are kept where nobody set longer for their system; never below what the law
    /// wants for its level.
    pub months: u32,
}

impl Default for KeepingConfig {
    fn default() -> Self {
        Self { months: 12 }
    }
}
