//! Receipts (*biên bản giao nhận*): on receipt and on each hand-over, who gives which bytes to whom, frozen
//! when the giver signs by their account, signed once more by who takes. Afterwards the database refuses any
//! change; both signatures are lines of the chain of custody.

mod print;
mod routes;
mod store;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Datelike as _, Utc};
use db::Tx;
use event::AccountId;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;
use web::figures::vietnam;

pub(super) use routes::routes;

use super::model::Item;
use super::receive::{commit, subject};
use crate::actor::Handler;
use crate::alert;
use crate::custody::{self, Act};
use crate::desk::Desk;
use crate::error::RespondError;
use crate::file;
use crate::limits::TEXT_CHARS_MAX;

/// The kind of number that receipts carry: *biên bản giao nhận*.
const NUMBERS: &str = "BBGN";

/// Hand-overs of one piece: more are a mistake.
const RECEIPTS_MAX: usize = 100;

/// Why bytes change hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Occasion {
    /// They came in.
    Receipt,
    /// They go from one who keeps them to another.
    HandOver,
}

impl Occasion {
    const fn word(self) -> &'static str {
        match self {
            Self::Receipt => "receipt",
            Self::HandOver => "hand-over",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        [Self::Receipt, Self::HandOver].into_iter().find(|one| one.word() == word)
    }
}

/// A receipt as kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Receipt {
    pub(super) id: Uuid,
    /// What people call it: `BBGN-2026-0007`.
    pub(super) number: String,
    pub(super) evidence: Uuid,
    pub(super) occasion: Occasion,
    /// What is handed over, as JSON text exactly as hashed.
    pub(super) content: String,
    /// SHA-256 over the content, the giver and the moment.
    pub(super) digest: String,
    pub(super) giver: AccountId,
    pub(super) giver_name: String,
    pub(super) given_at: DateTime<Utc>,
    /// Who is to take it; nothing: whoever of the centre takes it.
    pub(super) to: Option<AccountId>,
    pub(super) taker: Option<AccountId>,
    pub(super) taker_name: Option<String>,
    pub(super) taken_at: Option<DateTime<Utc>>,
    pub(super) remark: String,
}

/// What is handed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
pub(super) struct Content {
    /// The piece's number.
    pub(super) number: String,
    pub(super) incident: String,
    pub(super) name: String,
    pub(super) size_bytes: u64,
    pub(super) sha256: String,
    pub(super) source: String,
    pub(super) collected_at: Option<DateTime<Utc>>,
    /// Why it changes hands.
    pub(super) reason: String,
    /// Whose data it is, by name.
    pub(super) agency: String,
}

/// A receipt on the page of its piece.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReceiptRow {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub number: String,
    /// `receipt` or `hand-over`.
    pub occasion: &'static str,
    /// Who gives.
    pub giver: String,
    /// When they signed.
    pub given_at: DateTime<Utc>,
    /// Who is to take it, if it is someone by name.
    pub to: Option<String>,
    /// Who took it.
    pub taker: Option<String>,
    /// When they signed.
    pub taken_at: Option<DateTime<Utc>>,
    /// What they remarked.
    pub remark: String,
    /// Why it changes hands.
    pub reason: String,
    /// SHA-256 over what was signed.
    pub digest: String,
    /// Whether the reader may sign for who takes.
    pub may_take: bool,
}

impl ReceiptRow {
    /// Returns the key of why bytes change hands.
    pub fn occasion_key(&self) -> &'static str {
        match self.occasion {
            "receipt" => "receipt-occasion-receipt",
            _ => "receipt-occasion-hand-over",
        }
    }
}

/// Writes the receipt of a piece that came in; its giver signs by handing it in.
pub(super) async fn came_in(
    desk: &Desk,
    tx: &Tx,
    who: &Handler,
    (item, incident): (&Item, &str),
) -> Result<(), RespondError> {
    give(desk, tx, who, (item, incident), (Occasion::Receipt, None, "")).await.map(drop)
}

async fn give(
    desk: &Desk,
    tx: &Tx,
    who: &Handler,
    (item, incident): (&Item, &str),
    (occasion, to, reason): (Occasion, Option<AccountId>, &str),
) -> Result<Receipt, RespondError> {
    let given_at = tx.now();
    let content = Content {
        number: item.number.clone(),
        incident: incident.to_owned(),
        name: item.name.clone(),
        size_bytes: item.size_bytes,
        sha256: item.sha256.clone().unwrap_or_default(),
        source: item.source.clone(),
        collected_at: item.collected_at,
        reason: reason.to_owned(),
        agency: desk.directory.agency(item.agency).map(|card| card.name).unwrap_or_default(),
    };
    let content = serde_json::to_string(&content).map_err(RespondError::Json)?;
    let year = vietnam(given_at).year();
    let number = alert::next_numbers(tx.conn(), NUMBERS, year, 1).await?;
    let number = format!("{NUMBERS}-{year}-{number:04}");
    let hashed = json!([number, content, who.account, given_at]).to_string();
    let receipt = Receipt {
        id: tx.new_uuid(),
        number,
        evidence: item.id,
        occasion,
        content,
        digest: file::sha256(hashed),
        giver: who.account,
        giver_name: who.name.clone(),
        given_at,
        to,
        taker: None,
        taker_name: None,
        taken_at: None,
        remark: String::new(),
    };
    store::insert(tx, &receipt).await?;
    let told = format!("{} · {}", receipt.number, receipt.digest);
    custody::record(tx, who, subject(item), Act::Given, &told).await?;
    Ok(receipt)
}

/// Hands a piece over to someone: the giver signs.
pub(super) async fn hand_over(
    desk: &Desk,
    who: &Handler,
    id: Uuid,
    (to, reason): (AccountId, &str),
) -> Result<Receipt, RespondError> {
    let wrong = |field, key| RespondError::Field { field, key };
    let reason = alert::Reason::new(reason).ok_or_else(|| wrong("reason", "room-error-reason"))?;
    if web::carries_secret_mark(reason.as_str()) {
        return Err(wrong("reason", "profile-refused-stamp"));
    }
    if to == who.account {
        return Err(wrong("to", "receipt-error-own"));
    }
    let tx = desk.db.begin().await?;
    let item = super::store::get_for_change(&tx, &who.scope, id).await?;
    if !item.is_sealed() {
        return Err(RespondError::Conflict("evidence-error-state"));
    }
    let people = desk.directory.participants(item.agency);
    if !people.iter().any(|one| one.id == to.to_string()) {
        return Err(wrong("to", "receipt-error-to"));
    }
    if store::of(tx.conn(), id).await?.len() >= RECEIPTS_MAX {
        return Err(wrong("to", "receipt-error-many"));
    }
    let incident = crate::incident::get(tx.conn(), &who.scope, item.incident).await?;
    let occasion = (Occasion::HandOver, Some(to), reason.as_str());
    let receipt = give(desk, &tx, who, (&item, &incident.number), occasion).await?;
    let detail = json!({
        "number": item.number, "receipt": receipt.number, "sha256": receipt.digest, "to": to,
    });
    commit(desk, tx, who, "evidence.give", &item, detail).await?;
    Ok(receipt)
}

/// Signs for who takes, once: they have the bytes with this digest.
pub(super) async fn take(
    desk: &Desk,
    who: &Handler,
    (id, receipt): (Uuid, Uuid),
    remark: &str,
) -> Result<Receipt, RespondError> {
    let wrong = |key| RespondError::Field { field: "remark", key };
    let remark = remark.trim();
    if remark.chars().nth(TEXT_CHARS_MAX).is_some() {
        return Err(wrong("room-error-text"));
    }
    if web::carries_secret_mark(remark) {
        return Err(wrong("profile-refused-stamp"));
    }
    let tx = desk.db.begin().await?;
    let item = super::store::get_for_change(&tx, &who.scope, id).await?;
    let kept = store::get(tx.conn(), id, receipt).await?;
    if kept.giver == who.account {
        return Err(wrong("receipt-error-own"));
    }
    if kept.to.is_some_and(|to| to != who.account) {
        return Err(RespondError::Forbidden);
    }
    // What is signed for is there, and is what the receipt says.
    let content: Content = serde_json::from_str(&kept.content).map_err(RespondError::Json)?;
    if !item.is_sealed() || item.sha256.as_deref() != Some(content.sha256.as_str()) {
        return Err(RespondError::Conflict("evidence-error-state"));
    }
    if !store::take(&tx, receipt, (who.account, &who.name), remark).await? {
        return Err(RespondError::Conflict("receipt-error-taken"));
    }
    let told = format!("{} · {}", kept.number, kept.digest);
    custody::record(&tx, who, subject(&item), Act::TakenOver, &told).await?;
    let detail = json!({
        "number": item.number, "receipt": kept.number, "sha256": kept.digest, "remark": remark,
    });
    commit(desk, tx, who, "evidence.take-over", &item, detail).await?;
    Ok(kept)
}

/// Returns the receipts of a piece, which the caller has read, the first first.
pub(super) async fn rows(
    desk: &Desk,
    reader: &web::Who,
    item: &Item,
) -> Result<Vec<ReceiptRow>, RespondError> {
    let all = store::of(desk.db.conn(), item.id).await?;
    let row = |one: Receipt| {
        let content: Result<Content, _> = serde_json::from_str(&one.content);
        let for_reader = match one.to {
            Some(to) => to == reader.account,
            // What comes in is taken by the centre.
            None => reader.may(web::Permission::IncidentHandle),
        };
        let open = one.taken_at.is_none() && one.giver != reader.account && item.is_sealed();
        ReceiptRow {
            id: one.id.to_string(),
            occasion: one.occasion.word(),
            to: one.to.and_then(|id| desk.directory.person_name(id)),
            may_take: open && for_reader && reader.may(web::Permission::IncidentJoin),
            number: one.number,
            giver: one.giver_name,
            given_at: one.given_at,
            taker: one.taker_name,
            taken_at: one.taken_at,
            remark: one.remark,
            reason: content.map(|content| content.reason).unwrap_or_default(),
            digest: one.digest,
        }
    };
    Ok(all.into_iter().map(row).collect())
}
