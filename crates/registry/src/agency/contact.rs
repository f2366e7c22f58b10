//! Who is called day and night, and that it was confirmed this quarter: a number that nobody answers is
//! found out at the worst hour (fined by NĐ 330/2026, Điều 21.1 and 21.4).

use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use db::{AuditEntry, Subject};
use event::AgencyId;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use web::{AppError, FieldErrors, Phrase, Who};

use super::store;
use crate::text::{check_length, check_phone, clean, day_begins};
use crate::{Registry, actor, failed, limits, stale, vietnam_day};

/// Who is called day and night.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contact {
    /// Their name and post.
    pub name: String,
    /// The telephone that is answered.
    pub phone: String,
    /// When it was last confirmed.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// By whom.
    pub confirmed_by: String,
}

/// How a contact stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContactState {
    /// There is none.
    Missing,
    /// It was not confirmed this quarter.
    Due,
    /// It was.
    Confirmed,
}

impl ContactState {
    /// Returns the language key of the state's name.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Missing => "agency-contact-missing",
            Self::Due => "agency-contact-due",
            Self::Confirmed => "agency-contact-confirmed",
        }
    }

    /// Returns the tone it is shown in.
    pub const fn tone(self) -> &'static str {
        match self {
            Self::Missing => "bad",
            Self::Due => "warn",
            Self::Confirmed => "ok",
        }
    }
}

impl Contact {
    /// Returns how it stands at a moment.
    pub fn state(&self, now: DateTime<Utc>) -> ContactState {
        let begins = quarter_begins(now);
        match self.confirmed_at {
            _ if self.phone.is_empty() => ContactState::Missing,
            Some(at) if begins.is_some_and(|begins| begins <= at) => ContactState::Confirmed,
            _ => ContactState::Due,
        }
    }
}

/// Returns the moment at which the quarter of a moment began in Vietnam.
pub(super) fn quarter_begins(now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let today = vietnam_day(now);
    let month = today.month0() / 3 * 3 + 1;
    day_begins(NaiveDate::from_ymd_opt(today.year(), month, 1)?)
}

/// What a form says of a contact. Sent unchanged, it confirms.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ContactDraft {
    /// Name and post.
    #[serde(default)]
    pub(crate) name: String,
    /// The telephone that is answered day and night.
    #[serde(default)]
    pub(crate) phone: String,
}

/// Keeps and confirms the contact of an agency.
pub(super) async fn confirm(
    registry: &Registry,
    who: &Who,
    id: AgencyId,
    draft: ContactDraft,
) -> Result<(), AppError> {
    let (name, phone) = (clean(&draft.name), clean(&draft.phone));
    let mut errors = FieldErrors::default();
    for (field, text) in [("name", &name), ("phone", &phone)] {
        if text.is_empty() {
            errors.add(field, Phrase::key("registry-field-empty"));
        }
    }
    check_length(&mut errors, "name", &name, limits::NAME_CHARS_MAX);
    check_phone(&mut errors, "phone", &phone);
    errors.check()?;
    let tx = registry.db.begin().await.map_err(failed)?;
    let found = store::by_id(tx.conn(), &who.scope, id).await.map_err(failed)?;
    let mut agency = found.ok_or(AppError::NotFound)?;
    let before = json!({ "name": agency.contact.name, "phone": agency.contact.phone });
    let confirmed_by = who.name.clone();
    agency.contact = Contact { name, phone, confirmed_at: Some(tx.now()), confirmed_by };
    if !store::update(tx.conn(), &agency).await.map_err(failed)? {
        return Err(stale());
    }
    let new = json!({ "name": agency.contact.name, "phone": agency.contact.phone });
    let detail = json!({ "old": before, "new": new });
    let entry = AuditEntry::new(actor(who), "agency.contact", Subject::new("agency", id), detail);
    tx.commit(entry.of_agency(id)).await.map_err(failed)?;
    registry.changed().await
}
