//! What there is to tell, to whom, by which way: types and reckoning, no IO.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use event::{AccountId, AgencyId, Level, Severity};

pub(super) use super::state::State;
use crate::{Permission, Role};

/// What a notice tells of. The list is append-only: the words stand in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A new alert.
    AlertOpened,
    /// A new incident.
    IncidentOpened,
    /// Someone was given the lead of an incident.
    IncidentAssigned,
    /// At most four hours are left of a legal deadline.
    DeadlineNear,
    /// At most one hour is left.
    DeadlineClose,
    /// A legal deadline is over.
    DeadlineOver,
    /// A log source fell silent.
    SourceSilent,
    /// The platform itself cannot take or keep logs as it should.
    Storage,
    /// Something waits for a second person.
    ApprovalWaiting,
    /// Someone may stand in for another.
    DelegationGiven,
    /// An order was issued to an agency, or it is reminded of one by hand.
    OrderIssued,
    /// The time to acknowledge or to do an order is over, or soon will be.
    OrderDue,
    /// An order is so late that it is the business of the agency's head.
    OrderHead,
    /// Someone was named in an incident's comment.
    IncidentMention,
    /// Someone was given a task of an incident.
    IncidentTask,
    /// The playbook of an incident says that people must know.
    IncidentPlaybook,
    /// A level dossier waits for the signature inside its agency.
    DossierSign,
    /// A level dossier was sent to the specialised unit.
    DossierSubmitted,
    /// A level dossier came back: something is missing, or the answer was no.
    DossierReturned,
    /// A level dossier was appraised and waits for the decision.
    DossierAppraised,
    /// A level dossier was approved: its decisions are to be filed.
    DossierDecided,
    /// The limit of a level dossier ends soon, or is over.
    DossierDue,
    /// Someone tries whether they are reached.
    Test,
}

impl Kind {
    /// All kinds, in the order of the pages.
    pub const ALL: [Self; 23] = [
        Self::AlertOpened,
        Self::IncidentOpened,
        Self::IncidentAssigned,
        Self::DeadlineNear,
        Self::DeadlineClose,
        Self::DeadlineOver,
        Self::SourceSilent,
        Self::Storage,
        Self::ApprovalWaiting,
        Self::DelegationGiven,
        Self::OrderIssued,
        Self::OrderDue,
        Self::OrderHead,
        Self::IncidentMention,
        Self::IncidentTask,
        Self::IncidentPlaybook,
        Self::DossierSign,
        Self::DossierSubmitted,
        Self::DossierReturned,
        Self::DossierAppraised,
        Self::DossierDecided,
        Self::DossierDue,
        Self::Test,
    ];

    /// Returns the word used in columns and forms.
    pub const fn word(self) -> &'static str {
        match self {
            Self::AlertOpened => "alert.opened",
            Self::IncidentOpened => "incident.opened",
            Self::IncidentAssigned => "incident.assigned",
            Self::DeadlineNear => "deadline.near",
            Self::DeadlineClose => "deadline.close",
            Self::DeadlineOver => "deadline.over",
            Self::SourceSilent => "source.silent",
            Self::Storage => "storage",
            Self::ApprovalWaiting => "approval.waiting",
            Self::DelegationGiven => "delegation.given",
            Self::OrderIssued => "order.issued",
            Self::OrderDue => "order.due",
            Self::OrderHead => "order.head",
            Self::IncidentMention => "incident.mention",
            Self::IncidentTask => "incident.task",
            Self::IncidentPlaybook => "incident.playbook",
            Self::DossierSign => "dossier.sign",
            Self::DossierSubmitted => "dossier.submitted",
            Self::DossierReturned => "dossier.returned",
            Self::DossierAppraised => "dossier.appraised",
            Self::DossierDecided => "dossier.decided",
            Self::DossierDue => "dossier.due",
            Self::Test => "test",
        }
    }

    /// Returns the kind that a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Returns the language key of its name in lists.
    pub const fn key(self) -> &'static str {
        match self {
            Self::AlertOpened => "notify-kind-alert-opened",
            Self::IncidentOpened => "notify-kind-incident-opened",
            Self::IncidentAssigned => "notify-kind-incident-assigned",
            Self::DeadlineNear => "notify-kind-deadline-near",
            Self::DeadlineClose => "notify-kind-deadline-close",
            Self::DeadlineOver => "notify-kind-deadline-over",
            Self::SourceSilent => "notify-kind-source-silent",
            Self::Storage => "notify-kind-storage",
            Self::ApprovalWaiting => "notify-kind-approval-waiting",
            Self::DelegationGiven => "notify-kind-delegation-given",
            Self::OrderIssued => "notify-kind-order-issued",
            Self::OrderDue => "notify-kind-order-due",
            Self::OrderHead => "notify-kind-order-head",
            Self::IncidentMention => "notify-kind-incident-mention",
            Self::IncidentTask => "notify-kind-incident-task",
            Self::IncidentPlaybook => "notify-kind-incident-playbook",
            Self::DossierSign => "notify-kind-dossier-sign",
            Self::DossierSubmitted => "notify-kind-dossier-submitted",
            Self::DossierReturned => "notify-kind-dossier-returned",
            Self::DossierAppraised => "notify-kind-dossier-appraised",
            Self::DossierDecided => "notify-kind-dossier-decided",
            Self::DossierDue => "notify-kind-dossier-due",
            Self::Test => "notify-kind-test",
        }
    }

    /// Returns the language key of the sentence that tells it, which takes `number`.
    pub(super) const fn title_key(self) -> &'static str {
        match self {
            Self::AlertOpened => "notify-title-alert-opened",
            Self::IncidentOpened => "notify-title-incident-opened",
            Self::IncidentAssigned => "notify-title-incident-assigned",
            Self::DeadlineNear => "notify-title-deadline-near",
            Self::DeadlineClose => "notify-title-deadline-close",
            Self::DeadlineOver => "notify-title-deadline-over",
            Self::SourceSilent => "notify-title-source-silent",
            Self::Storage => "notify-title-storage",
            Self::ApprovalWaiting => "notify-title-approval-waiting",
            Self::DelegationGiven => "notify-title-delegation-given",
            Self::OrderIssued => "notify-title-order-issued",
            Self::OrderDue => "notify-title-order-due",
            Self::OrderHead => "notify-title-order-head",
            Self::IncidentMention => "notify-title-incident-mention",
            Self::IncidentTask => "notify-title-incident-task",
            Self::IncidentPlaybook => "notify-title-incident-playbook",
            Self::DossierSign => "notify-title-dossier-sign",
            Self::DossierSubmitted => "notify-title-dossier-submitted",
            Self::DossierReturned => "notify-title-dossier-returned",
            Self::DossierAppraised => "notify-title-dossier-appraised",
            Self::DossierDecided => "notify-title-dossier-decided",
            Self::DossierDue => "notify-title-dossier-due",
            Self::Test => "notify-title-test",
        }
    }

    /// Returns what someone must be allowed to be told of it; nothing: whoever it is about.
    pub(super) const fn needs(self) -> Option<Permission> {
        match self {
            Self::AlertOpened | Self::Storage => Some(Permission::AlertRead),
            Self::IncidentOpened
            | Self::IncidentAssigned
            | Self::IncidentMention
            | Self::IncidentTask
            | Self::IncidentPlaybook
            | Self::DeadlineNear
            | Self::DeadlineClose
            | Self::DeadlineOver => Some(Permission::IncidentRead),
            Self::SourceSilent => Some(Permission::SourceRead),
            Self::OrderIssued | Self::OrderDue | Self::OrderHead => Some(Permission::OrderRead),
            Self::DossierSign
            | Self::DossierSubmitted
            | Self::DossierReturned
            | Self::DossierAppraised
            | Self::DossierDecided
            | Self::DossierDue => Some(Permission::DossierRead),
            Self::ApprovalWaiting => Some(Permission::AccountChange),
            Self::DelegationGiven | Self::Test => None,
        }
    }

    /// Returns whether it waits for nobody's sleep, however mild it is.
    pub(super) const fn is_urgent(self) -> bool {
        matches!(self, Self::DeadlineClose | Self::DeadlineOver | Self::Storage | Self::Test)
    }
}

/// A way to someone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    /// The bell of the platform.
    App,
    /// Mail.
    Email,
    /// A short message to a telephone.
    Sms,
    /// Zalo.
    Zalo,
    /// A push to the browsers that someone subscribed.
    Push,
}

impl Channel {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::App, Self::Email, Self::Sms, Self::Zalo, Self::Push];
    /// Those that leave the platform.
    pub const OUT: [Self; 4] = [Self::Email, Self::Sms, Self::Zalo, Self::Push];

    /// Returns the word used in columns and forms.
    pub const fn word(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Email => "email",
            Self::Sms => "sms",
            Self::Zalo => "zalo",
            Self::Push => "push",
        }
    }

    /// Returns the channel that a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.word() == word)
    }

    /// Returns the language key of its name.
    pub const fn key(self) -> &'static str {
        match self {
            Self::App => "notify-channel-app",
            Self::Email => "notify-channel-email",
            Self::Sms => "notify-channel-sms",
            Self::Zalo => "notify-channel-zalo",
            Self::Push => "notify-channel-push",
        }
    }

    /// Returns how many single messages one person gets by it in an hour; what is more is gathered. A
    /// telephone that never stops is put away.
    pub(super) const fn per_hour(self) -> usize {
        match self {
            Self::App => usize::MAX,
            Self::Email | Self::Push => 20,
            Self::Sms => 6,
            Self::Zalo => 10,
        }
    }
}

/// Past the limit of an hour, one gathered message comes as often as this.
pub(super) const GATHER_EVERY: TimeDelta = TimeDelta::minutes(10);
/// The time that limits count over.
pub(super) const LIMIT_OVER: TimeDelta = TimeDelta::hours(1);

/// The first wait after a gateway failed; it doubles.
const CHANNEL_WAIT: TimeDelta = TimeDelta::seconds(10);
/// The longest: a gateway that is back is used within five minutes.
const CHANNEL_WAIT_MAX: TimeDelta = TimeDelta::minutes(5);
/// The first wait after a message was refused; it doubles.
const MESSAGE_WAIT: TimeDelta = TimeDelta::minutes(1);
/// The longest.
const MESSAGE_WAIT_MAX: TimeDelta = TimeDelta::hours(1);

fn doubled(first: TimeDelta, times: i64, longest: TimeDelta) -> TimeDelta {
    let doublings = u32::try_from((times - 1).clamp(0, 16)).unwrap_or(0);
    (first * 2_i32.saturating_pow(doublings)).min(longest)
}

/// Returns how long a channel rests after it failed this often in a row.
pub(super) fn channel_wait(failures: i64) -> TimeDelta {
    doubled(CHANNEL_WAIT, failures, CHANNEL_WAIT_MAX)
}

/// Returns how long a message waits that was not taken everywhere this often: a service that is back is
/// used within five minutes.
pub(super) fn again_wait(attempts: i32) -> TimeDelta {
    doubled(CHANNEL_WAIT, i64::from(attempts), CHANNEL_WAIT_MAX)
}

/// Returns how long a message that was refused this often waits.
pub(super) fn message_wait(attempts: i32) -> TimeDelta {
    doubled(MESSAGE_WAIT, i64::from(attempts), MESSAGE_WAIT_MAX)
}

/// Something to tell. What leaves the platform is its kind, its number, severity and level, and a link:
/// nothing that says who was harmed.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    pub(super) kind: Kind,
    pub(super) key: String,
    pub(super) number: String,
    pub(super) severity: Severity,
    pub(super) level: Option<Level>,
    pub(super) agency: Option<AgencyId>,
    pub(super) link: String,
    pub(super) named: Vec<AccountId>,
    pub(super) except: Option<AccountId>,
}

impl Notice {
    /// Returns a notice of this kind about one thing: what has the same kind and `about` is told once.
    /// `link` is the path of the page that tells the rest.
    pub fn new(kind: Kind, about: &str, link: &str) -> Self {
        Self {
            kind,
            key: format!("{}:{about}", kind.word()),
            number: String::new(),
            severity: Severity::Medium,
            level: None,
            agency: None,
            link: link.to_owned(),
            named: Vec::new(),
            except: None,
        }
    }

    /// Says by which number people call it.
    #[must_use]
    pub fn number(mut self, number: &str) -> Self {
        number.clone_into(&mut self.number);
        self
    }

    /// Says how bad it is, and how much the system matters.
    #[must_use]
    pub const fn weighed(mut self, severity: Severity, level: Option<Level>) -> Self {
        self.severity = severity;
        self.level = level;
        self
    }

    /// Says whose data it is: only people who see that agency are told.
    #[must_use]
    pub const fn of_agency(mut self, agency: AgencyId) -> Self {
        self.agency = Some(agency);
        self
    }

    /// Says whom it concerns by name, besides those that rules name.
    #[must_use]
    pub fn to(mut self, account: Option<AccountId>) -> Self {
        self.named.extend(account);
        self
    }

    /// Leaves out who did it: they know.
    #[must_use]
    pub const fn not_to(mut self, account: AccountId) -> Self {
        self.except = Some(account);
        self
    }

    /// Returns whether it waits for nobody's sleep.
    pub(super) fn is_urgent(&self) -> bool {
        self.kind.is_urgent() || self.severity == Severity::Critical
    }
}

/// Whom a rule names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Whoever is first on call.
    OnCall,
    /// Whoever is second on call.
    Second,
    /// Whom the notice itself names.
    Named,
    /// Everyone of a role.
    Role(Role),
}

impl Audience {
    /// Returns all audiences, in the order of the form.
    pub fn all() -> Vec<Self> {
        let roles = Role::ALL.into_iter().filter(|role| role.signs_in()).map(Self::Role);
        [Self::OnCall, Self::Second, Self::Named].into_iter().chain(roles).collect()
    }

    /// Returns the word used in columns and forms.
    pub const fn word(self) -> &'static str {
        match self {
            Self::OnCall => "on-call",
            Self::Second => "second",
            Self::Named => "named",
            Self::Role(role) => role.word(),
        }
    }

    /// Returns the audience that a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::all().into_iter().find(|audience| audience.word() == word)
    }

    /// Returns the language key of its name.
    pub const fn key(self) -> &'static str {
        match self {
            Self::OnCall => "notify-audience-on-call",
            Self::Second => "notify-audience-second",
            Self::Named => "notify-audience-named",
            Self::Role(role) => role.key(),
        }
    }
}

/// Who is told of what, by which way: data that administrators change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) id: String,
    pub(super) kind: Kind,
    pub(super) severity_min: Severity,
    /// 0 is any.
    pub(super) level_min: u8,
    pub(super) audience: Audience,
    /// Whether people of agencies above the one concerned are told as well.
    pub(super) chain: bool,
    pub(super) channels: BTreeSet<Channel>,
    /// Only when nobody has taken it up after so many minutes.
    pub(super) after_min: i32,
    pub(super) is_on: bool,
}

impl Rule {
    /// Returns whether the rule speaks of a notice.
    pub(super) fn fits(&self, notice: &Notice) -> bool {
        self.is_on
            && self.kind == notice.kind
            && notice.severity >= self.severity_min
            && notice.level.map_or(0, Level::number) >= self.level_min
    }
}

/// Reads the channels of a column or form: `app,email`.
pub(super) fn channels(words: &str) -> BTreeSet<Channel> {
    words.split(',').filter_map(|word| Channel::from_word(word.trim())).collect()
}

/// Who is on call at a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OnCall {
    /// Who answers first.
    pub first: BTreeSet<AccountId>,
    /// Who answers when the first does not.
    pub second: BTreeSet<AccountId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end() {
        let minutes = [1, 2, 3, 7, 30].map(|n| message_wait(n).num_minutes());
        assert_eq!(minutes, [1, 2, 4, 60, 60]);
        let seconds = [1, 2, 3, 6, 900].map(|n| channel_wait(n).num_seconds());
        assert_eq!(seconds, [10, 20, 40, 300, 300]);
    }

    #[test]
    fn words_name_what_they_came_from() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_word(kind.word()), Some(kind));
        }
        for audience in Audience::all() {
            assert_eq!(Audience::from_word(audience.word()), Some(audience));
        }
        assert_eq!(Audience::from_word("api_client"), None, "a program is not told");
    }
}
