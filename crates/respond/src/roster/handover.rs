//! The handover between two shifts: what is open and what changed, frozen when the one who leaves signs;
//! the one who comes signs it as it is. Afterwards the database refuses any change.

use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use db::{AuditEntry, Subject};
use event::{AccountId, Scope, Severity};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;
use web::paging::Page;
use web::{Lang, filters};

use super::store;
use crate::actor::Handler;
use crate::alert::{self, AlertFilter, AlertOrder, Slice};
use crate::desk::Desk;
use crate::error::RespondError;
use crate::file;
use crate::incident::{self, IncidentFilter};
use crate::obligation;

/// Lines of each list that a handover carries; the rest is counted.
const LINES_MAX: usize = 30;
/// Longest notes: two pages.
const NOTES_CHARS_MAX: usize = 5_000;
/// How far back "since the shift began" reaches where the roster names no shift.
const SHIFT_PRESUMED: TimeDelta = TimeDelta::hours(12);

/// A handover as kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Handover {
    pub(super) id: Uuid,
    /// Since when "what changed" counts: the beginning of the shift that leaves.
    pub(super) from: DateTime<Utc>,
    pub(super) leaver: AccountId,
    pub(super) leaver_name: String,
    pub(super) left_at: DateTime<Utc>,
    pub(super) notes: String,
    /// The [`Snapshot`] as JSON text, exactly as hashed.
    pub(super) snapshot: String,
    pub(super) digest: String,
    pub(super) comer_name: Option<String>,
    pub(super) taken_at: Option<DateTime<Utc>>,
    pub(super) remark: String,
}

/// What stands at the moment of a handover.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Snapshot {
    /// Open alerts in all.
    pub open_alerts: u64,
    /// The worst of them.
    pub alerts: Vec<Line>,
    /// Open incidents in all.
    pub open_incidents: u64,
    /// The first of them.
    pub incidents: Vec<Line>,
    /// Legal deadlines that are open, the nearest first.
    pub deadlines: Vec<Line>,
    /// Log sources that are silent.
    pub silent: Vec<Line>,
    /// Alerts made since the shift began.
    pub alerts_made: u64,
    /// Alerts closed since.
    pub alerts_closed: u64,
    /// Incidents opened since.
    pub incidents_opened: u64,
    /// Incidents closed since.
    pub incidents_closed: u64,
}

/// A line of a handover.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Line {
    /// What people call it.
    pub number: String,
    /// What it is.
    pub title: String,
    /// How bad, where that is said.
    #[schema(value_type = Option<String>)]
    pub severity: Option<Severity>,
    /// Where.
    pub place: String,
    /// Until when, or since when.
    pub at: Option<DateTime<Utc>>,
    /// Its page.
    pub link: String,
}

/// Returns what stands now, and what changed since a moment. Texts are Vietnamese: the record is.
pub(super) async fn look(desk: &Desk, since: DateTime<Utc>) -> Result<Snapshot, RespondError> {
    let conn = desk.db.conn();
    let scope = Scope::platform();
    let names = desk.directory.as_ref();
    let worst = Slice { order: AlertOrder::Worst, offset: 0, limit: LINES_MAX as u64 };
    let alerts = alert::slice(conn, &scope, &AlertFilter::default(), worst).await?;
    let filter = IncidentFilter { open_only: true, ..IncidentFilter::default() };
    let short = Page { page: None, rows: Some(LINES_MAX as u64) };
    let (incidents, open_incidents) = incident::list(conn, &scope, &filter, short).await?;
    let (owed, _) = obligation::open(conn, &scope, short).await?;
    let mut deadlines = Vec::new();
    for deadline in owed {
        let number = incident::number_of(conn, &scope, deadline.incident).await?;
        deadlines.push(Line {
            number: number.unwrap_or_default(),
            title: desk.obligations.name(&deadline.obligation, Lang::Vi).to_owned(),
            severity: None,
            place: String::new(),
            at: Some(deadline.due_at),
            link: format!("/incidents/{}", deadline.incident),
        });
    }
    let place = |alert: &alert::Alert| {
        let system = alert.system.and_then(|id| names.system(id)).map(|card| card.name);
        system.or_else(|| names.agency(alert.agency).map(|card| card.name)).unwrap_or_default()
    };
    let (alerts_made, alerts_closed) = alert::changes_since(conn, &scope, since).await?;
    let (incidents_opened, incidents_closed) = incident::changes_since(conn, &scope, since).await?;
    let silent = names.silent(&scope).into_iter().take(LINES_MAX).map(|source| Line {
        number: String::new(),
        link: format!("/sources/{}", source.id),
        title: source.name,
        severity: None,
        place: source.place,
        at: source.last_at,
    });
    Ok(Snapshot {
        open_alerts: alert::open_count(conn, &scope).await?,
        alerts: alerts
            .iter()
            .map(|alert| Line {
                number: alert.number.clone(),
                title: alert.title_in(true).to_owned(),
                severity: Some(alert.severity),
                place: place(alert),
                at: Some(alert.last_at),
                link: format!("/alerts/{}", alert.id),
            })
            .collect(),
        open_incidents,
        incidents: incidents
            .iter()
            .map(|incident| Line {
                number: incident.number.clone(),
                title: incident.title.clone(),
                severity: Some(incident.severity),
                place: names.agency(incident.agency).map(|card| card.name).unwrap_or_default(),
                at: Some(incident.opened_at),
                link: format!("/incidents/{}", incident.id),
            })
            .collect(),
        deadlines,
        silent: silent.collect(),
        alerts_made,
        alerts_closed,
        incidents_opened,
        incidents_closed,
    })
}

/// Returns when the shift began that someone leaves: theirs by the roster, else the last handover, else
/// half a day ago.
pub(super) async fn begun(desk: &Desk, who: AccountId) -> Result<DateTime<Utc>, RespondError> {
    let now = desk.db.now();
    let since = now - super::model::SHIFT_MAX;
    let shifts = store::between(desk.db.conn(), since, now).await?;
    let own = shifts.iter().rev().find(|shift| shift.answers() == who && shift.from <= now);
    if let Some(shift) = own {
        return Ok(shift.from);
    }
    let last = store::handovers(desk.db.conn()).await?.first().map(|last| last.left_at);
    Ok(last.unwrap_or(now - SHIFT_PRESUMED).max(since))
}

/// Signs for the one who leaves: what stands now is frozen with their notes.
pub(super) async fn leave(desk: &Desk, who: &Handler, notes: &str) -> Result<Uuid, RespondError> {
    let notes = notes.trim();
    if notes.is_empty() || notes.chars().count() > NOTES_CHARS_MAX {
        return Err(RespondError::Field { field: "notes", key: "roster-error-notes" });
    }
    let from = begun(desk, who.account).await?;
    let snapshot = look(desk, from).await?;
    let snapshot = serde_json::to_string(&snapshot).map_err(RespondError::Json)?;
    let tx = desk.db.begin().await?;
    let left_at = tx.now();
    let hashed = json!([from, who.account, left_at, notes, snapshot]).to_string();
    let digest = file::sha256(hashed);
    let kept = Handover {
        id: tx.new_uuid(),
        from,
        leaver: who.account,
        leaver_name: who.name.clone(),
        left_at,
        notes: notes.to_owned(),
        snapshot,
        digest,
        comer_name: None,
        taken_at: None,
        remark: String::new(),
    };
    store::keep(&tx, &kept).await?;
    let detail = json!({ "from": from, "sha256": kept.digest });
    let subject = Subject::new("duty-handover", kept.id);
    tx.commit(AuditEntry::new(who.actor(), "handover.leave", subject, detail)).await?;
    Ok(kept.id)
}

/// Signs for the one who comes: they have read it as it is.
pub(super) async fn take(
    desk: &Desk,
    who: &Handler,
    id: Uuid,
    remark: &str,
) -> Result<(), RespondError> {
    let remark = remark.trim();
    if remark.chars().count() > NOTES_CHARS_MAX {
        return Err(RespondError::Field { field: "remark", key: "roster-error-notes" });
    }
    let tx = desk.db.begin().await?;
    let kept = store::handover(tx.conn(), id).await?.ok_or(RespondError::NotFound)?;
    if kept.leaver == who.account {
        return Err(RespondError::Field { field: "remark", key: "roster-error-own" });
    }
    if !store::take(&tx, id, (who.account, &who.name), remark).await? {
        return Err(RespondError::Field { field: "remark", key: "roster-error-taken-over" });
    }
    let detail = json!({ "sha256": kept.digest, "remark": remark });
    let subject = Subject::new("duty-handover", id);
    tx.commit(AuditEntry::new(who.actor(), "handover.take", subject, detail)).await?;
    Ok(())
}

/// Returns the newest handover if nobody has taken it yet.
pub(super) async fn waiting(desk: &Desk) -> Result<Option<String>, RespondError> {
    let all = store::handovers(desk.db.conn()).await?;
    Ok(all.first().filter(|last| last.taken_at.is_none()).map(|last| last.id.to_string()))
}

/// A handover in a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HandoverRow {
    /// Its id.
    pub id: String,
    /// Who left.
    pub leaver: String,
    /// When they signed.
    pub left_at: DateTime<Utc>,
    /// Who came.
    pub comer: Option<String>,
    /// When they signed.
    pub taken_at: Option<DateTime<Utc>>,
}

/// The list of handovers.
#[derive(Debug, Clone, Template, Serialize, ToSchema)]
#[template(path = "roster/handovers.html")]
pub struct HandoverList {
    /// The newest first.
    pub rows: Vec<HandoverRow>,
}

/// A handover on its page; before it is signed, what would be kept.
#[derive(Debug, Clone, Template, Serialize, ToSchema)]
#[template(path = "roster/handover.html")]
pub struct HandoverPage {
    /// Its id; empty before it is signed.
    pub id: String,
    /// When the shift began.
    pub from_at: DateTime<Utc>,
    /// Who leaves.
    pub leaver: String,
    /// When they signed.
    pub left_at: Option<DateTime<Utc>>,
    /// What they wrote.
    pub notes: String,
    /// What stood then.
    pub standing: Snapshot,
    /// SHA-256 over what was signed.
    pub digest: String,
    /// Who came.
    pub comer: Option<String>,
    /// When they signed.
    pub taken_at: Option<DateTime<Utc>>,
    /// What they wrote.
    pub remark: String,
    /// Whether the reader may sign for who comes.
    pub may_take: bool,
}

pub(super) async fn list(desk: &Desk) -> Result<HandoverList, RespondError> {
    let rows = store::handovers(desk.db.conn()).await?.into_iter().map(|one| HandoverRow {
        id: one.id.to_string(),
        leaver: one.leaver_name,
        left_at: one.left_at,
        comer: one.comer_name,
        taken_at: one.taken_at,
    });
    Ok(HandoverList { rows: rows.collect() })
}

pub(super) async fn draft(desk: &Desk, who: &Handler) -> Result<HandoverPage, RespondError> {
    let from_at = begun(desk, who.account).await?;
    Ok(HandoverPage {
        id: String::new(),
        from_at,
        leaver: who.name.clone(),
        left_at: None,
        notes: String::new(),
        standing: look(desk, from_at).await?,
        digest: String::new(),
        comer: None,
        taken_at: None,
        remark: String::new(),
        may_take: false,
    })
}

pub(super) async fn page(
    desk: &Desk,
    who: AccountId,
    id: Uuid,
) -> Result<HandoverPage, RespondError> {
    let kept = store::handover(desk.db.conn(), id).await?.ok_or(RespondError::NotFound)?;
    let bad = |_| RespondError::BadRow { table: "duty_handover", column: "snapshot" };
    Ok(HandoverPage {
        id: kept.id.to_string(),
        from_at: kept.from,
        may_take: kept.taken_at.is_none() && kept.leaver != who,
        leaver: kept.leaver_name,
        left_at: Some(kept.left_at),
        notes: kept.notes,
        standing: serde_json::from_str(&kept.snapshot).map_err(bad)?,
        digest: kept.digest,
        comer: kept.comer_name,
        taken_at: kept.taken_at,
        remark: kept.remark,
    })
}
