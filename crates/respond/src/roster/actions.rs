//! Entering shifts, changing who answers, repeating a week.

use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveTime, TimeDelta};
use db::{AuditEntry, Subject, Tx};
use event::AccountId;
use serde_json::{Value, json};
use uuid::Uuid;
use web::identity::{Person, people};
use web::{Permission, Phrase};

use super::model::{DAYS_MAX, Order, SHIFT_MAX, Shift, WEEKS_MAX, moment, monday, repeated, span};
use super::store;
use crate::actor::Handler;
use crate::desk::Desk;
use crate::error::RespondError;

/// Longest telephone number and note.
const TEXT_CHARS_MAX: usize = 200;

/// Returns the names of everyone who has an account.
pub(super) async fn names(desk: &Desk) -> Result<BTreeMap<AccountId, String>, RespondError> {
    let all = people(&desk.db).await?;
    Ok(all.into_iter().map(|person| (person.account, person.name)).collect())
}

/// Returns those who can be put on duty: whoever handles the province's alerts.
pub(super) async fn candidates(desk: &Desk) -> Result<Vec<Person>, RespondError> {
    let fit = |person: &Person| {
        person.active && person.role.sees_province() && person.role.may(Permission::AlertHandle)
    };
    Ok(people(&desk.db).await?.into_iter().filter(fit).collect())
}

/// Who answers, and at which number.
#[derive(Debug, Clone)]
pub(super) struct Crew {
    pub(super) first: AccountId,
    pub(super) second: Option<AccountId>,
    pub(super) substitute: Option<AccountId>,
    pub(super) phone: String,
    pub(super) note: String,
}

impl Crew {
    async fn checked(mut self, desk: &Desk) -> Result<Self, RespondError> {
        let known = candidates(desk).await?;
        let is_known = |person: AccountId| known.iter().any(|one| one.account == person);
        let wrong = |field| RespondError::Field { field, key: "roster-error-person" };
        if !is_known(self.first) {
            return Err(wrong("first"));
        }
        let answers = self.substitute.unwrap_or(self.first);
        if self.second.is_some_and(|second| !is_known(second) || second == answers) {
            return Err(wrong("second"));
        }
        let stands_in = self.substitute;
        if stands_in.is_some_and(|person| !is_known(person) || person == self.first) {
            return Err(wrong("substitute"));
        }
        for text in [&mut self.phone, &mut self.note] {
            *text = text.trim().chars().take(TEXT_CHARS_MAX).collect();
        }
        Ok(self)
    }
}

/// When the shift begins and ends, and on how many days.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    pub(super) day: NaiveDate,
    pub(super) from: NaiveTime,
    pub(super) to: NaiveTime,
    pub(super) days: i64,
}

fn entry(who: &Handler, action: &str, id: &str, detail: Value) -> AuditEntry {
    AuditEntry::new(who.actor(), action, Subject::new("duty-shift", id), detail)
}

fn told(shift: &Shift) -> Value {
    json!({
        "from": shift.from, "to": shift.to, "first": shift.first, "second": shift.second,
        "substitute": shift.substitute,
    })
}

/// Returns whether another shift stands in the same time.
async fn is_taken(tx: &Tx, shift: &Shift) -> Result<bool, RespondError> {
    Ok(!store::between(tx.conn(), shift.from, shift.to).await?.is_empty())
}

/// Enters a shift, on one day or on several that follow each other; all of them, or none.
pub(super) async fn add(
    desk: &Desk,
    who: &Handler,
    crew: Crew,
    times: Times,
) -> Result<usize, RespondError> {
    let crew = crew.checked(desk).await?;
    let days = times.days.max(1);
    if days > DAYS_MAX {
        return Err(RespondError::Field { field: "days", key: "roster-error-days" });
    }
    let tx = desk.db.begin().await?;
    let mut made = Vec::new();
    for n in 0..days {
        let (from, to) = span(times.day + TimeDelta::days(n), (times.from, times.to));
        if to - from > SHIFT_MAX || to <= from {
            return Err(RespondError::Field { field: "to", key: "roster-error-times" });
        }
        let shift = Shift {
            id: tx.new_uuid(),
            first: crew.first,
            second: crew.second,
            substitute: crew.substitute,
            phone: crew.phone.clone(),
            from,
            to,
            note: crew.note.clone(),
        };
        if is_taken(&tx, &shift).await? {
            return Err(RespondError::Field { field: "from", key: "roster-error-taken" });
        }
        store::insert(&tx, &shift).await?;
        made.push(shift);
    }
    let id = made.first().map(|shift| shift.id.to_string()).unwrap_or_default();
    let detail = json!({ "shifts": made.iter().map(told).collect::<Vec<_>>() });
    tx.commit(entry(who, "roster.add", &id, detail)).await?;
    Ok(made.len())
}

/// Changes who answers in a shift.
pub(super) async fn change(
    desk: &Desk,
    who: &Handler,
    id: Uuid,
    crew: Crew,
) -> Result<Shift, RespondError> {
    let tx = desk.db.begin().await?;
    let before = store::get(&tx, id).await?.ok_or(RespondError::NotFound)?;
    if before.to <= tx.now() {
        return Err(RespondError::Field { field: "first", key: "roster-error-over" });
    }
    let Crew { first, second, substitute, phone, note } = crew.checked(desk).await?;
    let after = Shift { first, second, substitute, phone, note, ..before.clone() };
    store::update(&tx, &after).await?;
    let detail = json!({ "before": told(&before), "after": told(&after) });
    tx.commit(entry(who, "roster.change", &id.to_string(), detail)).await?;
    Ok(after)
}

/// Takes a shift away that has not begun.
pub(super) async fn remove(desk: &Desk, who: &Handler, id: Uuid) -> Result<Shift, RespondError> {
    let tx = desk.db.begin().await?;
    let shift = store::get(&tx, id).await?.ok_or(RespondError::NotFound)?;
    if shift.from <= tx.now() {
        return Err(RespondError::Field { field: "first", key: "roster-error-over" });
    }
    store::remove(&tx, id).await?;
    tx.commit(entry(who, "roster.remove", &id.to_string(), told(&shift))).await?;
    Ok(shift)
}

/// Repeats a week for the weeks after it; what stands there stays. Returns how many shifts were made and how
/// many had no room.
pub(super) async fn repeat(
    desk: &Desk,
    who: &Handler,
    (week, weeks): (NaiveDate, i64),
    order: Order,
) -> Result<(usize, usize), RespondError> {
    if !(1..=WEEKS_MAX).contains(&weeks) {
        return Err(RespondError::Field { field: "weeks", key: "roster-error-weeks" });
    }
    let begin = moment(monday(week), NaiveTime::MIN);
    let tx = desk.db.begin().await?;
    let end = begin + TimeDelta::weeks(1);
    let shifts = store::between(tx.conn(), begin, end).await?;
    // A night that began on the Sunday before belongs to that week.
    let shifts: Vec<Shift> = shifts.into_iter().filter(|shift| shift.from >= begin).collect();
    if shifts.is_empty() {
        return Err(RespondError::Field { field: "week", key: "roster-error-empty" });
    }
    let (mut made, mut skipped) = (0, 0);
    for shift in repeated(&shifts, weeks, order) {
        let shift = Shift { id: tx.new_uuid(), ..shift };
        if is_taken(&tx, &shift).await? {
            skipped += 1;
        } else {
            store::insert(&tx, &shift).await?;
            made += 1;
        }
    }
    let detail = json!({
        "week": monday(week), "weeks": weeks, "turning": order == Order::Turning,
        "made": made, "skipped": skipped,
    });
    tx.commit(entry(who, "roster.repeat", "", detail)).await?;
    Ok((made, skipped))
}

/// Returns the sentence that tells what came of a repetition.
pub(super) fn repeated_notice(made: usize, skipped: usize) -> Phrase {
    Phrase::key("roster-done-repeated").arg("made", made).arg("skipped", skipped)
}
