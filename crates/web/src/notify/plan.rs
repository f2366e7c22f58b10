//! Which deliveries become which messages: one each, until there are too many for one person in an hour;
//! the rest is gathered. Pure.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use event::Severity;
use uuid::Uuid;

use super::model::{Channel, GATHER_EVERY};
use super::rows::delivery;

/// What to do with what is due to one person by one channel.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// Messages, each with its deliveries; those tried before keep their id.
    pub(super) messages: Vec<(Option<Uuid>, Vec<delivery::Model>)>,
    /// What waits, and until when.
    pub(super) later: Option<(DateTime<Utc>, Vec<delivery::Model>)>,
}

/// Returns the plan. `recent` are the moments of messages within the last hour.
pub(super) fn plan(
    channel: Channel,
    due: Vec<delivery::Model>,
    severities: &BTreeMap<Uuid, Severity>,
    recent: &[DateTime<Utc>],
    now: DateTime<Utc>,
) -> Plan {
    let mut plan = Plan::default();
    let mut tried: BTreeMap<Uuid, Vec<delivery::Model>> = BTreeMap::new();
    let mut fresh = Vec::new();
    for row in due {
        match row.message_id {
            Some(message) => tried.entry(message).or_default().push(row),
            None => fresh.push(row),
        }
    }
    let left = channel.per_hour().saturating_sub(recent.len()).saturating_sub(tried.len());
    plan.messages.extend(tried.into_iter().map(|(message, rows)| (Some(message), rows)));
    if fresh.is_empty() {
        return plan;
    }
    // The worst come by themselves.
    let severity = |row: &delivery::Model| severities.get(&row.notice_id).copied();
    fresh.sort_by_key(|row| (Reverse(severity(row)), row.made_at, row.id));
    if fresh.len() <= left {
        plan.messages.extend(fresh.into_iter().map(|row| (None, vec![row])));
        return plan;
    }
    let rest = fresh.split_off(left.saturating_sub(1).min(fresh.len()));
    plan.messages.extend(fresh.into_iter().map(|row| (None, vec![row])));
    let last = recent.iter().max().copied();
    match last.map(|last| last + GATHER_EVERY).filter(|next| left == 0 && *next > now) {
        Some(next) => plan.later = Some((next, rest)),
        None => plan.messages.push((None, rest)),
    }
    plan
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    fn row(n: u128, message: Option<u128>) -> delivery::Model {
        delivery::Model {
            id: Uuid::from_u128(n),
            notice_id: Uuid::from_u128(n),
            account_id: Uuid::nil(),
            channel: "sms".to_owned(),
            state: "waiting".to_owned(),
            after_min: 0,
            made_at: at(0),
            due_at: at(0),
            give_up_at: at(1440),
            attempts: 0,
            message_id: message.map(Uuid::from_u128),
            sent_at: None,
            read_at: None,
            error: String::new(),
        }
    }

    fn shape(plan: &Plan) -> (Vec<Vec<u128>>, Option<(i64, usize)>) {
        let ids = |rows: &Vec<delivery::Model>| rows.iter().map(|row| row.id.as_u128()).collect();
        let later = plan.later.as_ref();
        let later =
            later.map(|(at, rows)| ((*at - DateTime::UNIX_EPOCH).num_minutes(), rows.len()));
        (plan.messages.iter().map(|(_, rows)| ids(rows)).collect(), later)
    }

    #[test]
    fn too_many_become_one_and_the_worst_come_by_themselves() {
        let rows = |range: std::ops::RangeInclusive<u128>| -> Vec<_> {
            range.map(|n| row(n, None)).collect()
        };
        let worst = BTreeMap::from([(Uuid::from_u128(9), Severity::Critical)]);
        let of = |due, recent: &[i64], now| {
            let recent: Vec<_> = recent.iter().map(|minute| at(*minute)).collect();
            shape(&plan(Channel::Sms, due, &worst, &recent, at(now)))
        };
        assert_eq!(of(rows(1..=2), &[], 0), (vec![vec![1], vec![2]], None));
        let flood = of(rows(1..=9), &[], 0);
        let expected = vec![vec![9], vec![1], vec![2], vec![3], vec![4], vec![5, 6, 7, 8]];
        assert_eq!(flood, (expected, None), "six an hour, the last of them gathers");
        let full = [1, 2, 3, 4, 5, 6];
        assert_eq!(of(rows(1..=3), &full, 7), (Vec::new(), Some((16, 3))));
        assert_eq!(of(rows(1..=3), &full, 16), (vec![vec![1, 2, 3]], None));
        let tried = vec![row(1, Some(70)), row(2, Some(70)), row(3, None)];
        assert_eq!(of(tried, &[], 0), (vec![vec![1, 2], vec![3]], None), "tried stay together");
    }
}
