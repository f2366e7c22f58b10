//! What the pages of orders show.

use std::collections::BTreeMap;

use askama::Template;
use chrono::{DateTime, Utc};
use event::AgencyId;
use serde::Serialize;
use utoipa::ToSchema;
use web::paging::Pager;
use web::{Permission, filters};

use super::model::{Concern, Line, Order, Part, Proof, State};
use super::record::Tally;
use crate::alert::Choice;
use crate::directory::{AffectedSystem, AgencyGroup, Concerned, Directory};

/// How many agencies stand where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Board {
    /// Agencies in sight.
    pub all: u64,
    /// Those that have not acknowledged.
    pub sent: u64,
    /// Those that have, and are at it.
    pub acknowledged: u64,
    /// Those that say that it is done.
    pub done: u64,
    /// Those whose work was accepted.
    pub accepted: u64,
}

impl Board {
    /// Returns the board of counts by state.
    pub(super) fn of(counts: Option<&BTreeMap<String, i64>>) -> Self {
        let count = |state: State| {
            let found = counts.and_then(|counts| counts.get(state.word())).copied();
            u64::try_from(found.unwrap_or(0)).unwrap_or(0)
        };
        let [sent, acknowledged, done, accepted] = State::ALL.map(count);
        Self { all: sent + acknowledged + done + accepted, sent, acknowledged, done, accepted }
    }

    /// Returns how many have done it.
    pub const fn finished(&self) -> u64 {
        self.done + self.accepted
    }
}

/// One order in a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OrderRow {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub number: String,
    /// `directive`, `coordination` or `warning`.
    pub kind: String,
    /// What is asked for.
    pub title: String,
    /// Who signs it.
    pub signer: String,
    /// When it was issued.
    pub issued_at: DateTime<Utc>,
    /// Until when it must be acknowledged.
    pub acknowledge_by: DateTime<Utc>,
    /// Until when it must be done.
    pub done_by: DateTime<Utc>,
    /// When it was closed.
    pub closed_at: Option<DateTime<Utc>>,
    /// Whether its time is over and someone is not done.
    pub is_late: bool,
    /// How many agencies stand where.
    pub board: Board,
}

impl OrderRow {
    pub(super) fn of(order: &Order, board: Board, now: DateTime<Utc>) -> Self {
        let is_late = (now > order.done_by && board.finished() < board.all)
            || (now > order.acknowledge_by && board.sent > 0);
        Self {
            id: order.id.to_string(),
            number: order.number.clone(),
            kind: order.kind.word().to_owned(),
            title: order.title.clone(),
            signer: order.signer.clone(),
            issued_at: order.issued_at,
            acknowledge_by: order.acknowledge_by,
            done_by: order.done_by,
            closed_at: order.closed.as_ref().map(|end| end.at),
            is_late: is_late && order.closed.is_none(),
            board,
        }
    }

    /// Returns the key of what kind of paper it is.
    pub fn kind_key(&self) -> &'static str {
        super::model::Kind::from_word(&self.kind).map_or("", super::model::Kind::key)
    }
}

/// The list of orders.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "order/list.html")]
pub struct OrderList {
    /// States to filter by.
    pub states: Vec<Choice>,
    /// Agencies to filter by.
    pub agencies: Vec<Choice>,
    /// Whether anything is filtered.
    pub active: bool,
    /// The rows.
    pub orders: Vec<OrderRow>,
    /// Where the list stands.
    pub pager: Pager,
}

/// A file that proves what was done.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ProofView {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its size.
    pub size_bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
    /// Who added it.
    pub added_by: String,
    /// When.
    pub added_at: DateTime<Utc>,
}

/// What one agency makes of an order.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PartRow {
    /// The agency's id.
    pub agency_id: String,
    /// Its name.
    pub agency: String,
    /// Whom to call there.
    pub phone: Option<String>,
    /// `sent`, `acknowledged`, `done` or `accepted`.
    pub state: String,
    /// When somebody of the agency first opened it.
    pub opened_at: Option<DateTime<Utc>>,
    /// When it was acknowledged.
    pub acknowledged_at: Option<DateTime<Utc>>,
    /// By whom.
    pub acknowledged_by: Option<String>,
    /// Whether after its time, or not yet and its time is over.
    pub acknowledged_late: bool,
    /// When it was done.
    pub done_at: Option<DateTime<Utc>>,
    /// By whom.
    pub done_by: Option<String>,
    /// Whether after its time, or not yet and its time is over.
    pub done_late: bool,
    /// What was done.
    pub result: Option<String>,
    /// How often it was given back.
    pub returned: i32,
    /// When the agency's head was told.
    pub head_at: Option<DateTime<Utc>>,
    /// What proves it.
    pub proofs: Vec<ProofView>,
    /// The agency's systems that a warning concerns.
    pub systems: Vec<ConcernView>,
}

/// A system that a warning concerns.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ConcernView {
    /// Its id.
    pub id: String,
    /// Its name on the day of the warning.
    pub name: String,
    /// What of it answers to the warning.
    pub why: String,
}

impl PartRow {
    pub(super) fn of(
        part: &Part,
        order: &Order,
        (proofs, concerns, directory): (&[Proof], &[Concern], &dyn Directory),
        now: DateTime<Utc>,
    ) -> Self {
        let now = order.closed.as_ref().map_or(now, |end| end.at);
        let card = directory.agency(part.agency);
        let own = proofs.iter().filter(|proof| proof.agency == part.agency);
        let systems = concerns.iter().filter(|one| one.agency == part.agency);
        let system = |one: &Concern| ConcernView {
            id: one.system.to_string(),
            name: one.name.clone(),
            why: one.why.clone(),
        };
        Self {
            systems: systems.map(system).collect(),
            agency_id: part.agency.to_string(),
            agency: directory.agency_name_on(part.agency, order.issued_at).unwrap_or_default(),
            phone: card.and_then(|card| card.phone),
            state: part.state.word().to_owned(),
            opened_at: part.opened_at,
            acknowledged_at: part.acknowledged_at,
            acknowledged_by: part.acknowledged_by.clone(),
            acknowledged_late: part.acknowledged_late(order, now),
            done_at: part.done_at,
            done_by: part.done_by.clone(),
            done_late: part.done_late(order, now),
            result: part.result.clone(),
            returned: part.returned,
            head_at: part.head_at,
            proofs: own
                .map(|proof| ProofView {
                    id: proof.id.to_string(),
                    name: proof.name.clone(),
                    size_bytes: u64::try_from(proof.size_bytes).unwrap_or(0),
                    sha256: proof.sha256.clone(),
                    added_by: proof.added_by.clone(),
                    added_at: proof.added_at,
                })
                .collect(),
        }
    }

    /// Returns the key of its state.
    pub fn state_key(&self) -> &'static str {
        State::from_word(&self.state).map_or("", State::key)
    }

    /// Returns how its state is coloured.
    pub fn tone(&self) -> &'static str {
        match self.state.as_str() {
            "accepted" => "ok",
            "done" if !self.done_late => "ok",
            "sent" if self.acknowledged_late => "bad",
            "sent" | "acknowledged" if self.done_late => "bad",
            "done" => "warn",
            _ => "quiet",
        }
    }

    /// Returns whether the agency can still say something.
    pub fn can_answer(&self) -> bool {
        matches!(self.state.as_str(), "sent" | "acknowledged")
    }

    /// Returns whether the centre can judge it.
    pub fn can_judge(&self) -> bool {
        self.state == "done"
    }
}

/// A line of what happened.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LineView {
    /// When.
    pub at: DateTime<Utc>,
    /// `issued`, `acknowledged`, `proof`, `done`, `accepted`, `returned`, `reminded`, `closed`, or `told-`
    /// with the step.
    pub kind: String,
    /// Of which agency; empty is the order itself.
    pub agency: String,
    /// Who; empty is the platform.
    pub author: String,
    /// What they wrote.
    pub text: String,
}

impl LineView {
    pub(super) fn of(line: Line, directory: &dyn Directory) -> Self {
        let agency = line.agency.and_then(|id| directory.agency(id)).map(|card| card.name);
        let (kind, text) = if line.kind == "told" {
            (format!("told-{}", line.text), String::new())
        } else {
            (line.kind, line.text)
        };
        Self { at: line.at, kind, agency: agency.unwrap_or_default(), author: line.author, text }
    }

    /// Returns the key of what happened.
    pub fn key(&self) -> &'static str {
        match self.kind.as_str() {
            "issued" => "order-line-issued",
            "acknowledged" => "order-line-acknowledged",
            "proof" => "order-line-proof",
            "done" => "order-line-done",
            "accepted" => "order-line-accepted",
            "returned" => "order-line-returned",
            "reminded" => "order-line-reminded",
            "told-not-acknowledged" => "order-line-told-not-acknowledged",
            "told-done-soon" => "order-line-told-done-soon",
            "told-not-done" => "order-line-told-not-done",
            "told-head" => "order-line-told-head",
            _ => "order-line-closed",
        }
    }
}

/// One order with its board.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "order/detail.html")]
pub struct OrderPage {
    /// The order.
    pub order: OrderRow,
    /// What must be done.
    pub body: String,
    /// Who issued it.
    pub issuer: String,
    /// Whether words alone are not enough.
    pub needs_proof: bool,
    /// After how many days of delay the head of an agency is told.
    pub head_after_days: i32,
    /// The incident it belongs to, for whoever sees it: id and number.
    pub incident: Option<(String, String)>,
    /// Who closed it.
    pub closed_by: Option<String>,
    /// With which words.
    pub summary: Option<String>,
    /// States to filter the board by.
    pub states: Vec<Choice>,
    /// What each agency in sight makes of it; the late ones first.
    pub parts: Vec<PartRow>,
    /// What happened, the newest first.
    pub lines: Vec<LineView>,
}

impl OrderPage {
    /// Returns whether it is open.
    pub const fn is_open(&self) -> bool {
        self.order.closed_at.is_none()
    }
}

/// The form of a new order.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "order/form.html")]
pub struct OrderForm {
    /// Texts to begin from.
    pub templates: Vec<Choice>,
    /// Kinds of paper.
    pub kinds: Vec<Choice>,
    /// What is asked for.
    pub title: String,
    /// What must be done.
    pub body: String,
    /// Who signs it.
    pub signer: String,
    /// Until when it must be acknowledged, on Vietnam's clock.
    pub acknowledge_by: String,
    /// Until when it must be done, on Vietnam's clock.
    pub done_by: String,
    /// Whether words alone are not enough.
    pub needs_proof: bool,
    /// After how many days of delay the head of an agency is told.
    pub head_after_days: i32,
    /// The incident it belongs to.
    pub incident: String,
    /// Whether it is a warning.
    pub is_warning: bool,
    /// Whose systems a warning is about.
    pub concerned: Concerned,
    /// Sectors to choose from.
    pub sectors: Vec<Choice>,
    /// The systems that it concerns.
    pub affected: Vec<AffectedSystem>,
    /// Agencies to choose from, by kind.
    pub groups: Vec<AgencyGroup>,
    /// Those chosen.
    #[serde(skip)]
    pub chosen: Vec<String>,
    /// What is wrong with what was typed.
    #[serde(skip)]
    pub errors: BTreeMap<String, String>,
}

impl OrderForm {
    /// Returns whether an agency or a kind is chosen.
    pub fn is_chosen(&self, word: &str) -> bool {
        self.chosen.iter().any(|one| one == word)
    }
}

/// How one agency answered the orders of a period.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RecordRow {
    /// The agency.
    pub agency: String,
    /// Its orders.
    pub href: String,
    /// Orders it was given.
    pub orders: u64,
    /// Acknowledged in time.
    pub acknowledged_in_time: u64,
    /// Acknowledged late, or not yet and late.
    pub acknowledged_late: u64,
    /// Done in time.
    pub done_in_time: u64,
    /// Done late.
    pub done_late: u64,
    /// Not done, and its time is over.
    pub overdue: u64,
    /// Times that its work was given back.
    pub returned: u64,
}

impl RecordRow {
    pub(super) fn of(agency: String, id: AgencyId, tally: Tally) -> Self {
        Self {
            agency,
            href: format!("/orders?agency={id}"),
            orders: tally.orders,
            acknowledged_in_time: tally.acknowledged_in_time,
            acknowledged_late: tally.acknowledged_late,
            done_in_time: tally.done_in_time,
            done_late: tally.done_late,
            overdue: tally.overdue,
            returned: tally.returned,
        }
    }
}

/// The record for praise or criticism.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "order/record.html")]
pub struct RecordPage {
    /// The first day, `2026-01-01`.
    pub from: String,
    /// The last day.
    pub to: String,
    /// The agencies, the most overdue first.
    pub rows: Vec<RecordRow>,
    /// Where the same is had as a file.
    pub export: String,
}
