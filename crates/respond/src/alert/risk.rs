//! Ten weak signals make one strong alert: alerts about one user, machine or address add up, whatever
//! rules and systems they come from, and past a mark an alert of its own says so.
//!
//! The sum is explainable: each alert counts by its severity and halves every two days, each rule counts
//! at most twice (one that repeats itself is one signal), and at least three rules must agree. What was
//! closed as false counts nothing. One such alert a day stands for an entity.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use event::{Finding, Match, Severity};

use web::{Lang, Phrase};

use super::model::Alert;
use crate::mark::unmarked;
use crate::rule::{FirstStep, RuleCard};

/// The id of the rule that these alerts name.
pub(crate) const RULE: &str = "luytre-entity-risk";

/// How long a signal counts.
pub(super) const WINDOW: TimeDelta = TimeDelta::days(7);

/// After so many hours a signal counts half.
const HALF_LIFE_HOURS: f64 = 48.0;

/// Points from which an entity is an alert: ten low signals of today, or two high ones and a weak one.
const POINTS_MIN: f64 = 100.0;

/// Rules that must agree: what one rule says again and again, its own alert says already.
const RULES_MIN: usize = 3;

/// Signals of one rule that count.
const PER_RULE_MAX: f64 = 2.0;

/// What a signal of today is worth.
const fn points(severity: Severity) -> f64 {
    match severity {
        Severity::Informational => 2.0,
        Severity::Low => 10.0,
        Severity::Medium => 25.0,
        Severity::High => 50.0,
        Severity::Critical => 100.0,
    }
}

/// What one rule adds.
#[derive(Debug, Clone, PartialEq)]
struct Share {
    title: String,
    points: f64,
    alerts: u64,
}

/// Returns the finding that these alerts about one entity come to, completed by the newest of them;
/// nothing while they are too few, too old or of too few rules.
pub(super) fn finding(alerts: &[Alert], now: DateTime<Utc>) -> Option<Finding> {
    let newest = alerts.iter().max_by_key(|alert| (alert.last_at, alert.id))?;
    let shares = shares(alerts, now);
    let sum: f64 = shares.iter().map(|share| share.points).sum();
    if shares.len() < RULES_MIN || sum < POINTS_MIN {
        return None;
    }
    let card = card();
    let share = |share: &Share| Match {
        selection: SELECTION.to_owned(),
        field: share.title.clone(),
        value: format!("{:.0}", share.points),
        pattern: share.alerts.to_string(),
        ..Match::default()
    };
    let mut events: Vec<_> = alerts.iter().filter_map(|alert| alert.events.iter().last()).collect();
    events.sort_unstable();
    events.dedup();
    Some(Finding {
        rule: RULE.to_owned(),
        title: card.title,
        title_vi: card.title_vi,
        severity: Severity::High,
        tags: Vec::new(),
        event: newest.events.iter().last()?,
        events,
        origin: event::Origin {
            agency: newest.agency,
            system: newest.system,
            source: newest.source,
        },
        occurred_at: newest.last_at,
        entity: newest.entity.clone(),
        matched: shares.iter().map(share).collect(),
        count: alerts.len() as u64,
    })
}

/// What the matches of such a finding are called.
pub(super) const SELECTION: &str = "entity_risk";

/// Returns what each rule adds, the most first.
fn shares(alerts: &[Alert], now: DateTime<Utc>) -> Vec<Share> {
    let mut by_rule: BTreeMap<&str, (Share, f64)> = BTreeMap::new();
    for alert in alerts {
        let whole = points(alert.severity);
        let seconds = (now - alert.last_at).num_seconds().max(0);
        let hours = f64::from(i32::try_from(seconds).unwrap_or(i32::MAX)) / 3600.0;
        let share = || Share { title: alert.title.clone(), points: 0.0, alerts: 0 };
        let (own, most) = by_rule.entry(&alert.rule).or_insert_with(|| (share(), 0.0));
        *most = most.max(whole * PER_RULE_MAX);
        own.points += whole * 0.5_f64.powf(hours / HALF_LIFE_HOURS);
        own.alerts += 1;
    }
    let bounded = |(share, most): (Share, f64)| Share { points: share.points.min(most), ..share };
    let mut shares: Vec<Share> = by_rule.into_values().map(bounded).collect();
    shares.sort_by(|a, b| b.points.total_cmp(&a.points).then_with(|| a.title.cmp(&b.title)));
    shares
}

/// Returns such a finding's reason in words; nothing for other findings.
pub(super) fn reason(matched: &[Match], lang: Lang) -> Option<String> {
    let shares: Vec<&Match> = matched.iter().filter(|one| one.selection == SELECTION).collect();
    if shares.is_empty() {
        return None;
    }
    let told = shares.iter().take(SHARES_TOLD).map(|one| {
        Phrase::key("alert-risk-share")
            .arg("rule", unmarked(&one.field))
            .arg("points", one.value.as_str())
            .text(lang)
    });
    let told: Vec<String> = told.collect();
    let points: u64 = shares.iter().filter_map(|one| one.value.parse::<u64>().ok()).sum();
    let words = Phrase::key("alert-risk-why")
        .arg("rules", shares.len() as u64)
        .arg("points", points)
        .arg("shares", told.join(", "))
        .text(lang);
    Some(words)
}

/// Rules named in the sentence; the rest is in the table below it.
const SHARES_TOLD: usize = 4;

/// Returns the rule as the pages of rules show it.
pub fn card() -> RuleCard {
    let step = |vi: &str, en: &str| FirstStep { vi: vi.to_owned(), en: en.to_owned() };
    RuleCard {
        id: RULE.to_owned(),
        title: "Many signals about one entity".to_owned(),
        title_vi: Some("Nhiều dấu hiệu cùng chỉ vào một đối tượng".to_owned()),
        description: "Alerts of several rules about the same user, machine or address add up: each \
                      counts by its severity, halves every two days, and a rule counts at most twice."
            .to_owned(),
        description_vi: Some(
            "Cảnh báo của nhiều luật về cùng một người dùng, máy hoặc địa chỉ được cộng điểm: mỗi cảnh \
             báo tính theo mức, giảm một nửa sau mỗi hai ngày, mỗi luật tính nhiều nhất hai lần."
                .to_owned(),
        ),
        level: Some(Severity::High),
        first_steps: vec![
            step(
                "Mở “Cảnh báo liên quan” và đọc theo thứ tự thời gian: chúng có cùng một chuyện không?",
                "Open the related alerts and read them in order of time: do they tell one story?",
            ),
            step(
                "Gọi đầu mối của hệ thống: người dùng hoặc máy này đang làm gì?",
                "Call the system's contact: what is this user or machine doing?",
            ),
        ],
        ..RuleCard::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Maker, alert_of, at};

    /// An alert of a rule, some hours before `at(0)`.
    fn alert(rule: &str, severity: Severity, hours: i64) -> Alert {
        let mut finding = Maker::new().finding(-hours * 60);
        finding.rule = rule.to_owned();
        finding.title = rule.to_owned();
        Alert { severity, ..alert_of(&finding) }
    }

    fn weak(rules: usize, hours: i64) -> Vec<Alert> {
        (0..rules).map(|n| alert(&format!("r{n}"), Severity::Low, hours)).collect()
    }

    #[test]
    fn ten_weak_signals_of_today_are_an_alert_and_nine_are_not() {
        let found = finding(&weak(10, 0), at(0)).unwrap();
        assert_eq!((found.severity, found.count, found.matched.len()), (Severity::High, 10, 10));
        assert_eq!(
            (found.matched[0].value.as_str(), found.matched[0].pattern.as_str()),
            ("10", "1")
        );
        assert_eq!(finding(&weak(9, 0), at(0)), None);
        assert_eq!(finding(&weak(10, 48), at(0)), None, "two days old they count half");
        assert!(finding(&weak(20, 48), at(0)).is_some());
    }

    #[test]
    fn one_rule_again_and_again_is_one_signal() {
        let same: Vec<Alert> = (0..500).map(|_| alert("r", Severity::Medium, 0)).collect();
        assert_eq!(finding(&same, at(0)), None);
        let two = [same.clone(), vec![alert("s", Severity::Critical, 0)]].concat();
        assert_eq!(finding(&two, at(0)), None, "two rules are not three");
        let three = [two, vec![alert("t", Severity::Informational, 0)]].concat();
        let found = finding(&three, at(0)).unwrap();
        let values: Vec<&str> = found.matched.iter().map(|one| one.value.as_str()).collect();
        assert_eq!(values, ["100", "50", "2"], "a rule counts at most twice");
        assert_eq!(finding(&[], at(0)), None);
    }
}
