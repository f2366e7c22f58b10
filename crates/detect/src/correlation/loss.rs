//! What correlations could not judge, and the findings that say so: a limit that cut, an event that
//! came too late. Nothing is lost silently, and nothing is said more often than once per rule and
//! window (or hour, where windows are shorter).

use chrono::Duration;
use event::{Event, Finding, Match, Severity};
use serde::{Deserialize, Serialize};

use super::entry::Micros;
use super::plan::CorrelationPlan;
use crate::entity;
use crate::limits;

/// The rule id of the finding that says that a correlation reached a memory limit.
pub const LIMIT_RULE: &str = "luytre-correlation-limit";

/// The rule id of the finding that says that events came too late for a correlation.
pub const LATE_RULE: &str = "luytre-correlation-late";

/// Shortest time between two such findings of one rule.
const TOLD_EVERY: Duration = Duration::hours(1);

/// What a correlation could not judge since it was last told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Losses {
    /// Groups given up to a limit.
    groups: u64,
    /// Events remembered in those groups.
    entries: u64,
    /// Windows that miss what their group had to give up.
    pub(super) cut_windows: u64,
    /// Events whose fellows may have been forgotten for their age.
    pub(super) late: u64,
    limit_told_at: Option<Micros>,
    late_told_at: Option<Micros>,
}

impl Losses {
    /// Counts groups, and the events in them, that were given up.
    pub(super) fn give_up(&mut self, groups: usize, entries: usize) {
        let wide = |number| u64::try_from(number).unwrap_or(u64::MAX);
        self.groups = self.groups.saturating_add(wide(groups));
        self.entries = self.entries.saturating_add(wide(entries));
    }

    /// After our clock was set back: nothing was told in the future.
    pub(super) fn set_back(&mut self, now: Micros) {
        self.limit_told_at = self.limit_told_at.map(|told| told.min(now));
        self.late_told_at = self.late_told_at.map(|told| told.min(now));
    }

    /// Returns the findings that are due, made on this event; what they tell is counted anew.
    pub(super) fn tell(
        &mut self,
        plan: &CorrelationPlan,
        event: &Event,
        now: Micros,
    ) -> impl Iterator<Item = Finding> {
        let every = plan.span().max(TOLD_EVERY.num_microseconds().unwrap_or_default());
        let is_due =
            |told: Option<Micros>| told.is_none_or(|told| now.saturating_sub(told) >= every);
        let mut findings = [None, None];
        let cut = self.groups.saturating_add(self.cut_windows);
        if cut > 0 && is_due(self.limit_told_at) {
            findings = [Some(self.limit_finding(plan, event, cut)), None];
            (self.groups, self.entries, self.cut_windows) = (0, 0, 0);
            self.limit_told_at = Some(now);
        }
        if self.late > 0 && is_due(self.late_told_at) {
            findings[1] = Some(self.late_finding(plan, event));
            (self.late, self.late_told_at) = (0, Some(now));
        }
        findings.into_iter().flatten()
    }

    /// Returns the findings of what was not told yet, made on this event, the last of all.
    pub(super) fn tell_rest(&mut self, plan: &CorrelationPlan, event: &Event) -> Vec<Finding> {
        (self.limit_told_at, self.late_told_at) = (None, None);
        self.tell(plan, event, 0).collect()
    }

    fn limit_finding(&self, plan: &CorrelationPlan, event: &Event, cut: u64) -> Finding {
        let groups = format!(
            "at most {} groups and {} events of one rule, {} groups and {} events of all rules",
            limits::GROUPS_PER_RULE_MAX,
            limits::ENTRIES_PER_RULE_MAX,
            limits::GROUPS_MAX,
            limits::ENTRIES_MAX
        );
        let entries = format!("at most {} events of one group", plan.entries_max());
        let matched = [
            ("groups given up", self.groups, &groups),
            ("events given up with them", self.entries, &groups),
            ("windows judged without their oldest events", self.cut_windows, &entries),
        ];
        let matched = matched.into_iter().filter(|(_, number, _)| *number > 0);
        Finding {
            rule: LIMIT_RULE.to_owned(),
            title: format!("Correlation “{}” reached a memory limit", plan.info.title),
            title_vi: Some(format!("Quy tắc tương quan “{}” đã chạm giới hạn bộ nhớ", name(plan))),
            matched: matched
                .map(|(what, number, limit)| reason(plan, what, number.to_string(), limit.clone()))
                .collect(),
            ..finding(event, cut)
        }
    }

    fn late_finding(&self, plan: &CorrelationPlan, event: &Event) -> Finding {
        let late = event.collected_at.signed_duration_since(event.occurred_at).num_minutes();
        let limit = format!("at most {} minutes", limits::LATENESS.num_minutes());
        Finding {
            rule: LATE_RULE.to_owned(),
            title: format!("Events came too late for correlation “{}”", plan.info.title),
            title_vi: Some(format!("Sự kiện đến quá muộn cho quy tắc tương quan “{}”", name(plan))),
            matched: vec![
                reason(plan, "events judged without their fellows", self.late.to_string(), limit),
                reason(plan, "minutes this one came late", late.to_string(), String::new()),
            ],
            ..finding(event, self.late)
        }
    }
}

fn name(plan: &CorrelationPlan) -> &str {
    plan.info.title_vi.as_deref().unwrap_or(&plan.info.title)
}

fn reason(plan: &CorrelationPlan, what: &str, value: String, limit: String) -> Match {
    Match {
        selection: plan.info.id.clone(),
        field: what.to_owned(),
        value,
        pattern: limit,
        ..Match::default()
    }
}

fn finding(event: &Event, count: u64) -> Finding {
    Finding {
        rule: String::new(),
        title: String::new(),
        title_vi: None,
        severity: Severity::Medium,
        tags: Vec::new(),
        event: event.id,
        events: vec![event.id],
        origin: event.origin,
        occurred_at: event.occurred_at,
        entity: entity::source(event),
        matched: Vec::new(),
        count,
    }
}
