//! From a notice to people: which rules speak, who is meant, who may see it, by which channel, when.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use event::{AccountId, Scope};
use uuid::Uuid;

use super::model::{Audience, Channel, Notice, OnCall, Rule, State};
use super::preference::Preference;
use super::rows::{delivery, notice};
use crate::Role;
use crate::identity::Person;

/// Everyone who can be told, with what they see and want.
#[derive(Debug, Default)]
pub(super) struct People {
    pub(super) all: Vec<(Person, Scope)>,
    pub(super) wants: BTreeMap<Uuid, Preference>,
    pub(super) on_call: OnCall,
    /// Channels that work here at all.
    pub(super) channels: BTreeSet<Channel>,
}

impl People {
    /// Returns who is first on call: by the roster; where it has a hole, every duty officer; where there
    /// is none, every administrator.
    fn first(&self) -> BTreeSet<AccountId> {
        let known = |account: &AccountId| self.all.iter().any(|one| one.0.account == *account);
        let first: BTreeSet<AccountId> = self.on_call.first.iter().copied().filter(known).collect();
        if !first.is_empty() {
            return first;
        }
        let of = |role: Role| -> BTreeSet<AccountId> {
            let all = self.all.iter().filter(|(person, _)| person.role == role);
            all.map(|(person, _)| person.account).collect()
        };
        let officers = of(Role::DutyOfficer);
        if officers.is_empty() { of(Role::Administrator) } else { officers }
    }

    /// Returns whether someone is on duty now: quiet hours are not for them.
    fn is_on_duty(&self, account: AccountId) -> bool {
        self.first().contains(&account) || self.on_call.second.contains(&account)
    }

    fn means(&self, rule: &Rule, notice: &Notice, person: &Person) -> bool {
        match rule.audience {
            Audience::OnCall => self.first().contains(&person.account),
            Audience::Second => self.on_call.second.contains(&person.account),
            Audience::Named => notice.named.contains(&person.account),
            Audience::Role(role) => {
                let near = rule.chain || role.sees_province() || person.agency == notice.agency;
                person.role == role && near
            }
        }
    }
}

/// Returns whether someone may know of a notice: their role, and whose data it is.
fn may_know(notice: &Notice, person: &Person, scope: &Scope) -> bool {
    let allowed = notice.kind.needs().is_none_or(|needs| person.role.may(needs));
    let seen = match notice.agency {
        Some(agency) => scope.sees(agency),
        None => scope.visible().is_none() || notice.named.contains(&person.account),
    };
    allowed && seen && notice.except != Some(person.account)
}

/// Returns the deliveries of a notice, without ids.
pub(super) fn deliveries(
    people: &People,
    rules: &[Rule],
    row: &notice::Model,
    (now, give_up): (DateTime<Utc>, TimeDelta),
) -> Vec<delivery::Model> {
    let Some(notice) = row.notice() else { return Vec::new() };
    let fitting: Vec<&Rule> = rules.iter().filter(|rule| rule.fits(&notice)).collect();
    let nothing = Preference::default();
    let mut made = Vec::new();
    for (person, scope) in people.all.iter().filter(|one| may_know(&notice, &one.0, &one.1)) {
        let wants = people.wants.get(&person.account.uuid()).unwrap_or(&nothing);
        let mut by: BTreeMap<Channel, i32> = BTreeMap::new();
        for rule in fitting.iter().filter(|rule| people.means(rule, &notice, person)) {
            for channel in &rule.channels {
                let after = by.entry(*channel).or_insert(rule.after_min);
                *after = rule.after_min.min(*after);
            }
        }
        debug_assert!(scope.account().is_some());
        for (channel, after_min) in by {
            let works = channel == Channel::App || people.channels.contains(&channel);
            if !works || !wants.wants(notice.kind, channel) || wants.address(channel).is_empty() {
                continue;
            }
            let mut due_at = row.raised_at + TimeDelta::minutes(i64::from(after_min));
            let sleeps = channel != Channel::App
                && !notice.is_urgent()
                && !people.is_on_duty(person.account);
            if sleeps {
                due_at = wants.after_quiet(due_at.max(now));
            }
            made.push(delivery::Model {
                id: Uuid::nil(),
                notice_id: row.id,
                account_id: person.account.uuid(),
                channel: channel.word().to_owned(),
                state: State::Waiting.word().to_owned(),
                after_min,
                made_at: now,
                due_at,
                give_up_at: due_at.max(now) + give_up,
                attempts: 0,
                message_id: None,
                sent_at: None,
                read_at: None,
                error: String::new(),
            });
        }
    }
    made
}
