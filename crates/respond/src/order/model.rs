//! An order, its parts, and when each part must be told of.

use chrono::{DateTime, TimeDelta, Utc};
use event::{AccountId, AgencyId, IncidentId, SystemId};
use uuid::Uuid;

/// What kind of paper an order is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// *Công điện*: it must be done.
    Directive,
    /// *Yêu cầu phối hợp*: help is asked for.
    Coordination,
    /// *Cảnh báo*: whoever's systems answer to it looks, and says whether they are affected.
    Warning,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::Directive, Self::Coordination, Self::Warning];

    /// Returns the word of columns, forms and the API.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Directive => "directive",
            Self::Coordination => "coordination",
            Self::Warning => "warning",
        }
    }

    /// Returns what its numbers begin with: *công điện*, *cảnh báo an toàn thông tin*.
    pub(super) const fn numbers(self) -> &'static str {
        match self {
            Self::Directive | Self::Coordination => "CD",
            Self::Warning => "CBAT",
        }
    }

    /// Returns the kind that a word names.
    pub(super) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Returns the key of its name.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Directive => "order-kind-directive",
            Self::Coordination => "order-kind-coordination",
            Self::Warning => "order-kind-warning",
        }
    }
}

/// The end of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Closing {
    pub(super) at: DateTime<Utc>,
    pub(super) by: String,
    pub(super) summary: String,
}

/// An order as it was issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    pub(super) id: Uuid,
    /// `CD-2026-0007`; the number that people quote.
    pub(super) number: String,
    pub(super) kind: Kind,
    pub(super) title: String,
    /// What must be done.
    pub(super) body: String,
    /// Who signs it, by name or title.
    pub(super) signer: String,
    /// The incident it belongs to.
    pub(super) incident: Option<IncidentId>,
    pub(super) issued_by: AccountId,
    /// That person's name on that day.
    pub(super) issuer: String,
    pub(super) issued_at: DateTime<Utc>,
    pub(super) acknowledge_by: DateTime<Utc>,
    pub(super) done_by: DateTime<Utc>,
    /// Whether words alone are not enough.
    pub(super) needs_proof: bool,
    /// After so many days of delay the head of the agency is told.
    pub(super) head_after_days: i32,
    pub(super) closed: Option<Closing>,
}

/// How far an agency is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    /// It was sent.
    Sent,
    /// The agency has said that it has it.
    Acknowledged,
    /// The agency says that it is done.
    Done,
    /// The centre has looked at the proof and agrees.
    Accepted,
}

impl State {
    pub(super) const ALL: [Self; 4] = [Self::Sent, Self::Acknowledged, Self::Done, Self::Accepted];

    /// Returns the word of columns, addresses and the API.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Acknowledged => "acknowledged",
            Self::Done => "done",
            Self::Accepted => "accepted",
        }
    }

    /// Returns the state that a word names.
    pub(super) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// Returns the key of its name.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Sent => "order-state-sent",
            Self::Acknowledged => "order-state-acknowledged",
            Self::Done => "order-state-done",
            Self::Accepted => "order-state-accepted",
        }
    }
}

/// A system that a warning concerns, as it was when the warning was issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Concern {
    pub(super) agency: AgencyId,
    pub(super) system: SystemId,
    /// Its name on that day.
    pub(super) name: String,
    /// What of it answers to the warning.
    pub(super) why: String,
}

/// What one agency makes of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(super) order: Uuid,
    pub(super) agency: AgencyId,
    pub(super) state: State,
    /// When somebody of the agency first opened it.
    pub(super) opened_at: Option<DateTime<Utc>>,
    pub(super) acknowledged_at: Option<DateTime<Utc>>,
    pub(super) acknowledged_by: Option<String>,
    /// When the agency last said that it is done.
    pub(super) done_at: Option<DateTime<Utc>>,
    pub(super) done_by: Option<String>,
    /// What was done.
    pub(super) result: Option<String>,
    pub(super) accepted_at: Option<DateTime<Utc>>,
    /// How often the centre gave it back.
    pub(super) returned: i32,
    /// Of what people were told already.
    pub(super) told: Told,
    /// When the agency's head was told.
    pub(super) head_at: Option<DateTime<Utc>>,
}

impl Part {
    /// Returns the part of a new order.
    pub(super) const fn new(order: Uuid, agency: AgencyId) -> Self {
        Self {
            order,
            agency,
            state: State::Sent,
            opened_at: None,
            acknowledged_at: None,
            acknowledged_by: None,
            done_at: None,
            done_by: None,
            result: None,
            accepted_at: None,
            returned: 0,
            told: Told::Nothing,
            head_at: None,
        }
    }

    /// Returns whether it was acknowledged after its time, or is not and its time is over.
    pub(super) fn acknowledged_late(&self, order: &Order, now: DateTime<Utc>) -> bool {
        self.acknowledged_at.unwrap_or(now) > order.acknowledge_by
    }

    /// Returns whether it was done after its time, or is not and its time is over.
    pub(super) fn done_late(&self, order: &Order, now: DateTime<Utc>) -> bool {
        self.done_at.unwrap_or(now) > order.done_by
    }

    /// Returns the last thing that people should have been told of by now.
    pub(super) fn due(&self, order: &Order, now: DateTime<Utc>) -> Told {
        Told::STEPS
            .into_iter()
            .rev()
            .find(|step| self.moment(order, *step).is_some_and(|moment| moment <= now))
            .unwrap_or(Told::Nothing)
    }

    /// Returns when people are told of something next; nothing when all was told, or nothing is owed.
    pub(super) fn next_at(&self, order: &Order) -> Option<DateTime<Utc>> {
        Told::STEPS
            .into_iter()
            .filter(|step| *step > self.told)
            .filter_map(|step| self.moment(order, step))
            .min()
    }

    /// Returns when a step is due for this part; nothing if it does not concern it.
    fn moment(&self, order: &Order, step: Told) -> Option<DateTime<Utc>> {
        if order.closed.is_some() {
            return None;
        }
        let head = TimeDelta::days(i64::from(order.head_after_days));
        match (step, self.state) {
            (Told::NotAcknowledged, State::Sent) => Some(order.acknowledge_by),
            (Told::DoneSoon, State::Sent | State::Acknowledged) => {
                // A short order is not told of before it is half over.
                let half = order.issued_at + (order.done_by - order.issued_at) / 2;
                Some((order.done_by - SOON).max(half))
            }
            (Told::NotDone, State::Sent | State::Acknowledged) => Some(order.done_by),
            (Told::Head, State::Sent) => Some(order.acknowledge_by + head),
            (Told::Head, State::Acknowledged) => Some(order.done_by + head),
            _ => None,
        }
    }
}

/// People are told so long before an order must be done.
const SOON: TimeDelta = TimeDelta::hours(24);

/// Of what people were told, in the order in which it comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Told {
    /// Of nothing but the order.
    Nothing,
    /// That it is not acknowledged in time.
    NotAcknowledged,
    /// That it must be done soon.
    DoneSoon,
    /// That it is not done in time.
    NotDone,
    /// The head of the agency, of the delay.
    Head,
}

impl Told {
    /// The steps in which people are told.
    pub(super) const STEPS: [Self; 4] =
        [Self::NotAcknowledged, Self::DoneSoon, Self::NotDone, Self::Head];

    /// Returns the number of columns.
    pub(super) const fn number(self) -> i16 {
        match self {
            Self::Nothing => 0,
            Self::NotAcknowledged => 1,
            Self::DoneSoon => 2,
            Self::NotDone => 3,
            Self::Head => 4,
        }
    }

    /// Returns what a column's number stands for.
    pub(super) fn from_number(number: i16) -> Option<Self> {
        [Self::Nothing].into_iter().chain(Self::STEPS).find(|step| step.number() == number)
    }

    /// Returns the word of lines and the API.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::NotAcknowledged => "not-acknowledged",
            Self::DoneSoon => "done-soon",
            Self::NotDone => "not-done",
            Self::Head => "head",
        }
    }
}

/// A line of what happened to an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(super) agency: Option<AgencyId>,
    pub(super) at: DateTime<Utc>,
    /// `issued`, `acknowledged`, `done`, `accepted`, `returned`, `told`, `reminded`, `closed`.
    pub(super) kind: String,
    /// Who; empty is the platform.
    pub(super) author: String,
    pub(super) text: String,
}

/// A file that proves what was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proof {
    pub(crate) id: Uuid,
    pub(crate) order: Uuid,
    pub(crate) agency: AgencyId,
    pub(crate) name: String,
    pub(crate) size_bytes: i64,
    /// In hexadecimal.
    pub(crate) sha256: String,
    pub(crate) added_by: String,
    pub(crate) added_at: DateTime<Utc>,
}
