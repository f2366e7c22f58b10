//! Folding a batch of findings into alerts: pure, so that grouping, exceptions and repeats can be
//! tested without a database. [`super::receive`] loads what this needs and stores what it decides.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use event::{AlertId, Event, EventId, Finding, FindingKey, IdSource, Level, SystemId};
use uuid::Uuid;

use super::grouping::{Window, group_key};
use super::model::{Alert, EventSample, Status};
use crate::exception::Filter;
use crate::limits::{FINDING_KEYS_PER_ALERT, MATCHES_PER_ALERT};

/// What stands behind the folding.
pub(crate) struct Ground<'a> {
    pub(crate) now: DateTime<Utc>,
    pub(crate) ids: &'a IdSource,
    /// Exceptions in force.
    pub(crate) filters: &'a [Filter],
    /// Findings already taken in.
    pub(crate) known: &'a BTreeSet<FindingKey>,
    /// The events of the batch.
    pub(crate) events: &'a BTreeMap<EventId, &'a Event>,
    /// The levels of the systems named in the batch.
    pub(crate) levels: &'a BTreeMap<SystemId, Level>,
}

/// An alert on the table while a batch is folded.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    pub(crate) alert: Alert,
    pub(crate) group_key: String,
    pub(crate) fate: Fate,
}

/// What has to be written for an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// As in the store.
    Unchanged,
    /// In the store, but grown.
    Grown,
    /// Not in the store yet.
    Fresh,
}

/// One finding to remember.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Taken {
    pub(crate) finding: Finding,
    pub(crate) place: Place,
}

/// Where a finding went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Into an alert.
    Alert(AlertId),
    /// Hidden by an exception.
    Hidden(Uuid),
}

/// What a batch comes to.
#[derive(Debug, Default)]
pub(crate) struct Folded {
    pub(crate) standing: Vec<Standing>,
    /// Findings to remember one by one.
    pub(crate) taken: Vec<Taken>,
    /// How many findings were new, remembered one by one or not.
    pub(crate) fresh: u64,
}

/// Folds findings into the alerts at hand and new ones.
pub(crate) fn fold(ground: &Ground<'_>, at_hand: Vec<Standing>, findings: Vec<Finding>) -> Folded {
    let mut folded = Folded { standing: at_hand, ..Folded::default() };
    let mut seen: BTreeSet<FindingKey> = BTreeSet::new();
    let mut ordered = findings;
    ordered.sort_by_key(|finding| (finding.occurred_at, finding.event));
    for finding in ordered {
        let key = finding.key();
        if ground.known.contains(&key) || !seen.insert(key) {
            continue;
        }
        let event = ground.events.get(&finding.event).copied();
        let filter = ground.filters.iter().find(|filter| filter.hides(&finding, event, ground.now));
        if let Some(filter) = filter {
            folded.fresh += 1;
            folded.taken.push(Taken { place: Place::Hidden(filter.id), finding });
        } else {
            take(ground, &mut folded, finding);
        }
    }
    folded
}

/// Puts one finding into its alert, making the alert if there is none.
fn take(ground: &Ground<'_>, folded: &mut Folded, finding: Finding) {
    let key = group_key(&finding);
    let mut same_group = folded.standing.iter_mut().filter(|standing| {
        let alert = &standing.alert;
        let window = Window { first_at: alert.first_at, last_at: alert.last_at };
        standing.group_key == key && window.takes(finding.occurred_at)
    });
    // Past the remembered keys, event ids tell a repeat: they grow in the order of collection.
    let repeats = |alert: &Alert| {
        alert.findings >= FINDING_KEYS_PER_ALERT
            && alert.events.iter().last().is_some_and(|last| finding.event <= last)
    };
    let open =
        same_group.find(|standing| standing.alert.status.is_open() || repeats(&standing.alert));
    let alert_id = if let Some(standing) = open {
        if repeats(&standing.alert) {
            return;
        }
        grow(standing, &finding, ground.now);
        (standing.alert.findings <= FINDING_KEYS_PER_ALERT).then_some(standing.alert.id)
    } else {
        let alert = begin(ground, &finding);
        let id = alert.id;
        folded.standing.push(Standing { alert, group_key: key, fate: Fate::Fresh });
        Some(id)
    };
    folded.fresh += 1;
    if let Some(id) = alert_id {
        folded.taken.push(Taken { place: Place::Alert(id), finding });
    }
}

/// Adds a finding to an alert.
fn grow(standing: &mut Standing, finding: &Finding, now: DateTime<Utc>) {
    let alert = &mut standing.alert;
    let window = Window { first_at: alert.first_at, last_at: alert.last_at };
    let widened = window.with(finding.occurred_at);
    alert.first_at = widened.first_at;
    alert.last_at = widened.last_at;
    alert.findings += 1;
    alert.changed_at = now;
    // A system's level may have been raised since: an alert never becomes milder by growing.
    alert.severity = alert.severity.max(finding.severity.on_level(alert.level));
    for id in &finding.events {
        alert.events.push(*id);
    }
    alert.events.push(finding.event);
    if standing.fate == Fate::Unchanged {
        standing.fate = Fate::Grown;
    }
}

/// Returns the alert that a finding begins. Its number is given when it is stored.
fn begin(ground: &Ground<'_>, finding: &Finding) -> Alert {
    let level = finding.origin.system.and_then(|system| ground.levels.get(&system)).copied();
    let mut events = EventSample::default();
    for id in &finding.events {
        events.push(*id);
    }
    events.push(finding.event);
    Alert {
        id: AlertId::from_uuid(ground.ids.uuid(ground.now)),
        number: String::new(),
        rule: finding.rule.clone(),
        title: finding.title.clone(),
        title_vi: finding.title_vi.clone(),
        severity: finding.severity.on_level(level),
        level,
        tags: finding.tags.clone(),
        agency: finding.origin.agency,
        system: finding.origin.system,
        source: finding.origin.source,
        entity: finding.entity.clone(),
        status: Status::New,
        assignee: None,
        incident: None,
        snoozed_until: None,
        matched: finding.matched.iter().take(MATCHES_PER_ALERT).cloned().collect(),
        findings: 1,
        events,
        first_at: finding.occurred_at,
        last_at: finding.occurred_at,
        detected_at: ground.now,
        changed_at: ground.now,
    }
}
