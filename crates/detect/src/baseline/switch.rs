//! What the operator set: which baselines speak for which sources, and whose clock people live by.

use event::SourceId;

use crate::info::RuleInfo;

/// What the operator set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaselineSettings {
    /// The last one that fits counts; without one a baseline is on as soon as it has learned.
    pub switches: Vec<BaselineSwitch>,
    /// The zone whose days and hours people keep, in minutes east of UTC.
    pub utc_offset_minutes: i32,
}

impl Default for BaselineSettings {
    fn default() -> Self {
        Self { switches: Vec::new(), utc_offset_minutes: VIETNAM_MINUTES }
    }
}

/// Indochina Time.
const VIETNAM_MINUTES: i32 = 420;

/// Switches baselines on or off. What is off still learns, so that it can be switched on at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaselineSwitch {
    /// The baseline's id or name; `None`: all of them.
    pub baseline: Option<String>,
    /// The log source; `None`: all of them.
    pub source: Option<SourceId>,
    /// On or off.
    pub is_on: bool,
}

impl BaselineSettings {
    /// Returns whether a baseline is on for a source.
    pub fn is_on(&self, info: &RuleInfo, source: SourceId) -> bool {
        let fits = |switch: &&BaselineSwitch| {
            let called = |name: &String| info.id == *name || info.name.as_ref() == Some(name);
            switch.baseline.as_ref().is_none_or(called)
                && switch.source.is_none_or(|own| own == source)
        };
        self.switches.iter().rev().find(fits).is_none_or(|switch| switch.is_on)
    }

    /// Returns the zone in seconds east of UTC.
    pub(super) fn utc_offset_s(&self) -> i64 {
        i64::from(self.utc_offset_minutes).saturating_mul(60)
    }
}
