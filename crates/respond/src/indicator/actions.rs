//! Putting indicators on the list, and taking them off.

use chrono::{DateTime, TimeDelta, Utc};
use db::{AuditEntry, Subject, Tx};
use event::IncidentId;
use event::observable::{Observable, read_all};
use serde_json::json;
use uuid::Uuid;

use super::Refusal;
use super::model::{Indicator, Tlp};
use super::store;
use crate::actor::Handler;
use crate::alert::Reason;
use crate::desk::Desk;
use crate::error::RespondError;
use crate::limits::{INDICATOR_DAYS_MAX, OBSERVABLES_AT_ONCE, TITLE_CHARS_MAX};

/// What is said of an indicator on its way in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Terms {
    /// Who says so.
    pub(crate) source: String,
    /// How sure they are, 0 to 100.
    pub(crate) confidence: u8,
    /// How far it may be passed on.
    pub(crate) tlp: Tlp,
    /// Why.
    pub(crate) reason: String,
    /// Until when it is looked for.
    pub(crate) valid_until: DateTime<Utc>,
    /// The incident that it came from.
    pub(crate) incident: Option<IncidentId>,
}

/// How sure an incident is of what it has shown: its alerts are high.
pub(super) const CONFIDENCE: u8 = 80;

/// For how many days an indicator is looked for unless someone says otherwise.
pub(crate) const DAYS: i64 = 90;

/// Returns the terms of what an incident has shown, by one press.
pub(crate) fn terms(
    (incident, number): (IncidentId, &str),
    reason: &str,
    now: DateTime<Utc>,
) -> Terms {
    Terms {
        source: number.to_owned(),
        confidence: CONFIDENCE,
        tlp: Tlp::Amber,
        reason: if reason.is_empty() { number.to_owned() } else { reason.to_owned() },
        valid_until: now + TimeDelta::days(DAYS),
        incident: Some(incident),
    }
}

/// Returns for each value why it does not go onto the list; nothing for what may.
pub(crate) async fn refusals(
    desk: &Desk,
    all: &[Observable],
) -> Result<Vec<Option<Refusal>>, RespondError> {
    let hosts: Vec<String> =
        all.iter().map(|one| one.host().unwrap_or_default().to_owned()).collect();
    let owned = desk.directory.owned(&hosts).await?;
    let refusal = |(one, ours): (&Observable, Option<(String, String)>)| {
        let ours = ours.map(|(system, place)| Refusal::Ours(system, place));
        ours.or_else(|| desk.lookout.refuses(one))
    };
    Ok(all.iter().zip(owned).map(refusal).collect())
}

/// Puts values on the list under the same terms; returns those that did not stand there. The caller has
/// asked for [`refusals`], commits, and tells the lookout.
pub(crate) async fn put(
    tx: &Tx,
    (account, author): (event::AccountId, &str),
    all: &[Observable],
    terms: &Terms,
) -> Result<Vec<Observable>, RespondError> {
    let mut fresh = Vec::new();
    for observable in all {
        let one = Indicator {
            id: tx.new_uuid(),
            observable: observable.clone(),
            source: terms.source.clone(),
            confidence: terms.confidence,
            tlp: terms.tlp,
            reason: terms.reason.clone(),
            valid_until: terms.valid_until,
            incident: terms.incident,
            account,
            author: author.to_owned(),
            made_at: tx.now(),
            withdrawn: None,
        };
        if store::insert(tx, &one).await? {
            fresh.push(observable.clone());
        }
    }
    Ok(fresh)
}

/// Indicators as someone types them.
#[derive(Debug, Clone, Default)]
pub(super) struct Typed<'a> {
    pub(super) value: &'a str,
    pub(super) source: &'a str,
    pub(super) confidence: &'a str,
    pub(super) tlp: &'a str,
    pub(super) reason: &'a str,
    pub(super) days: &'a str,
}

const fn wrong(field: &'static str, key: &'static str) -> RespondError {
    RespondError::Field { field, key }
}

fn read(typed: &Typed<'_>, now: DateTime<Utc>) -> Result<(Vec<Observable>, Terms), RespondError> {
    let (all, other) = read_all(typed.value, OBSERVABLES_AT_ONCE);
    if let Some(word) = other.first() {
        let phrase = web::Phrase::key("indicator-error-word").arg("word", word.as_str());
        return Err(RespondError::Told { field: "value", phrase });
    }
    if all.is_empty() {
        return Err(wrong("value", "indicator-error-value"));
    }
    let source = typed.source.trim();
    if source.is_empty() || source.chars().nth(TITLE_CHARS_MAX).is_some() {
        return Err(wrong("source", "indicator-error-source"));
    }
    let confidence = match typed.confidence.trim() {
        "" => Some(CONFIDENCE),
        text => text.parse::<u8>().ok().filter(|sure| *sure <= 100),
    };
    let days = match typed.days.trim() {
        "" => Some(DAYS),
        text => text.parse::<i64>().ok().filter(|days| (1..=INDICATOR_DAYS_MAX).contains(days)),
    };
    let tlp = if typed.tlp.is_empty() { Some(Tlp::Amber) } else { Tlp::from_word(typed.tlp) };
    let reason = Reason::new(typed.reason).ok_or(wrong("reason", "indicator-error-reason"))?;
    if web::carries_secret_mark(reason.as_str()) {
        return Err(wrong("reason", "profile-refused-stamp"));
    }
    let terms = Terms {
        source: source.to_owned(),
        confidence: confidence.ok_or(wrong("confidence", "indicator-error-confidence"))?,
        tlp: tlp.ok_or(wrong("tlp", "indicator-error-tlp"))?,
        reason: reason.as_str().to_owned(),
        valid_until: now + TimeDelta::days(days.ok_or(wrong("days", "indicator-error-days"))?),
        incident: None,
    };
    Ok((all, terms))
}

/// Adds what someone has typed: all of it, or nothing and the reason. Returns how many are new, and how
/// many stood already.
pub(super) async fn add(
    desk: &Desk,
    who: &Handler,
    typed: &Typed<'_>,
) -> Result<(usize, usize), RespondError> {
    let (all, terms) = read(typed, desk.db.now())?;
    for (one, refusal) in all.iter().zip(refusals(desk, &all).await?) {
        if let Some(refusal) = refusal {
            let phrase = refusal.phrase(one);
            return Err(RespondError::Told { field: "value", phrase });
        }
    }
    let tx = desk.db.begin().await?;
    let fresh = put(&tx, (who.account, &who.name), &all, &terms).await?;
    let counts = (fresh.len(), all.len().saturating_sub(fresh.len()));
    if fresh.is_empty() {
        tx.rollback().await?;
        return Ok(counts);
    }
    let told: Vec<String> = fresh.iter().map(Observable::defanged).collect();
    let detail = json!({
        "indicators": told, "source": terms.source, "confidence": terms.confidence,
        "tlp": terms.tlp.word(), "reason": terms.reason, "valid_until": terms.valid_until,
    });
    let subject = Subject::all("indicator");
    tx.commit(AuditEntry::new(who.actor(), "indicator.add", subject, detail)).await?;
    desk.lookout.changed();
    Ok(counts)
}

/// Takes an indicator off the list, with the reason.
pub(super) async fn withdraw(
    desk: &Desk,
    who: &Handler,
    id: Uuid,
    reason: &str,
) -> Result<(), RespondError> {
    let reason = Reason::new(reason).ok_or(wrong("reason", "indicator-error-reason"))?;
    let tx = desk.db.begin().await?;
    let one = store::get(tx.conn(), id).await?;
    if !store::withdraw(&tx, id, (&who.name, reason.as_str())).await? {
        return Err(RespondError::Conflict("indicator-error-withdrawn"));
    }
    let detail = json!({
        "indicator": one.observable.defanged(), "source": one.source, "reason": reason,
    });
    let subject = Subject::new("indicator", id);
    tx.commit(AuditEntry::new(who.actor(), "indicator.withdraw", subject, detail)).await?;
    desk.lookout.changed();
    Ok(())
}
