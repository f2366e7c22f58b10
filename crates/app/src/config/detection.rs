//! What events are judged by: rules, what is learned of systems, what others have seen.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::indicators::Places;

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RulesConfig {
    /// Folders of Sigma rules besides the built-in ones; changes in them are picked up.
    pub folders: Vec<PathBuf>,
    /// Processing pipelines that bring all rules to the operator's own names.
    pub pipelines: Vec<PathBuf>,
}

/// What is learned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BaselinesConfig {
    /// The zone whose working hours and weekends people keep, in minutes east of UTC.
    pub utc_offset_minutes: i32,
    /// Which baselines speak for which log sources; the last one that fits counts.
    pub switches: Vec<BaselineSwitchConfig>,
}

impl Default for BaselinesConfig {
    fn default() -> Self {
        let utc_offset_minutes = detect::BaselineSettings::default().utc_offset_minutes;
        Self { utc_offset_minutes, switches: Vec::new() }
    }
}

/// Switches baselines on or off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaselineSwitchConfig {
    /// The baseline's name or id; without one, all of them.
    #[serde(default)]
    pub baseline: Option<String>,
    /// The log source's id; without one, all of them.
    #[serde(default)]
    pub source: Option<event::SourceId>,
    /// Whether it makes findings. What is off still learns.
    pub on: bool,
}

/// What others have seen attackers use.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IndicatorsConfig {
    /// Files and folders of indicators; changes in them are picked up.
    pub folders: Vec<PathBuf>,
    /// Files and folders of warning lists, besides the built-in ones: what must never be alerted on.
    pub warning_lists: Vec<PathBuf>,
}

impl IndicatorsConfig {
    /// Returns where indicators and warning lists are.
    pub fn places(&self) -> Places {
        let warning_lists = self.warning_lists.clone();
        Places { indicators: self.folders.clone(), warning_lists }
    }
}
