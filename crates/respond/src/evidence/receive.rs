//! Taking a piece in: begun, sent in parts that are durable one by one, sealed. What a broken line left is
//! gone on with from the last part.

use axum::body::Bytes;
use chrono::{DateTime, Datelike as _, Utc};
use db::job::{self, NewJob};
use db::{AuditEntry, Subject, Tx};
use event::IncidentId;
use serde_json::json;
use uuid::Uuid;
use web::figures::vietnam;

use super::examine::{self, Asked};
use super::model::{Facts, Item, KEPT, State};
use super::{look, receipt, stamp, store};
use crate::actor::Handler;
use crate::alert;
use crate::custody::{self, Gathered, Kind, Source};
use crate::desk::Desk;
use crate::error::RespondError;
use crate::files::blocking;
use crate::incident;
use crate::limits::{EVIDENCE_BYTES_MAX, EVIDENCE_ITEMS_MAX, TEXT_CHARS_MAX};

/// The kind of number that evidence carries: *chứng cứ*.
const NUMBERS: &str = "CC";

/// Characters of a file's name.
const NAME_CHARS_MAX: usize = 200;

const fn wrong(field: &'static str, key: &'static str) -> RespondError {
    RespondError::Field { field, key }
}

/// A piece on its way in.
#[derive(Debug, Clone, Default)]
pub(super) struct Incoming {
    pub(super) name: String,
    pub(super) size_bytes: u64,
    pub(super) source: String,
    pub(super) collected_at: Option<DateTime<Utc>>,
    pub(super) modified_at: Option<DateTime<Utc>>,
}

/// Returns a name without folders and without what would break a line.
fn plain_name(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = name.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect();
    let name = name.trim().trim_start_matches('.').to_owned();
    if name.is_empty() { "chung-cu".to_owned() } else { name }
}

/// Begins a piece.
pub(super) async fn begin(
    desk: &Desk,
    who: &Handler,
    id: IncidentId,
    new: Incoming,
) -> Result<Item, RespondError> {
    if new.size_bytes == 0 || new.size_bytes > EVIDENCE_BYTES_MAX {
        return Err(wrong("size_bytes", "evidence-error-size"));
    }
    let name = plain_name(&new.name);
    let source = new.source.trim().to_owned();
    if source.chars().nth(TEXT_CHARS_MAX).is_some() {
        return Err(wrong("source", "room-error-text"));
    }
    if web::carries_secret_mark(&name) || web::carries_secret_mark(&source) {
        tracing::warn!("evidence whose name carries the stamp of a state secret was refused");
        return Err(wrong("name", "profile-refused-stamp"));
    }
    let tx = desk.db.begin().await?;
    let incident = incident::get_for_change(&tx, &who.scope, id).await?;
    if store::count(tx.conn(), &[id]).await? >= EVIDENCE_ITEMS_MAX {
        return Err(wrong("name", "evidence-error-many"));
    }
    let now = tx.now();
    if new.collected_at.is_some_and(|at| at > now + chrono::TimeDelta::minutes(5)) {
        return Err(wrong("collected", "incident-error-time"));
    }
    let year = vietnam(now).year();
    let number = alert::next_numbers(tx.conn(), NUMBERS, year, 1).await?;
    let item = Item {
        id: tx.new_uuid(),
        number: format!("{NUMBERS}-{year}-{number:04}"),
        incident: id,
        agency: incident.agency,
        name,
        source,
        state: State::Receiving,
        size_bytes: 0,
        expected_bytes: new.size_bytes,
        sha256: None,
        collected_at: new.collected_at,
        modified_at: new.modified_at,
        account: who.account,
        author: who.name.clone(),
        made_at: now,
        sealed_at: None,
        keep_until: now + KEPT,
        hold: None,
        facts: Facts::default(),
        examined: None,
    };
    store::save(tx.conn(), &item, true).await?;
    let detail = json!({
        "number": item.number, "incident": incident.number, "name": item.name,
        "size_bytes": item.expected_bytes,
    });
    commit(desk, tx, who, "evidence.begin", &item, detail).await?;
    Ok(item)
}

/// Adds a part at the end of what has come; only whoever began the piece may. Returns how much there is.
///
/// # Errors
/// [`RespondError::Conflict`] when the part does not begin where the last one ended: the sender asks where
/// it stands and goes on from there.
pub(super) async fn add_part(
    desk: &Desk,
    who: &Handler,
    id: Uuid,
    (offset, bytes): (u64, Bytes),
) -> Result<u64, RespondError> {
    let item = store::get(desk.db.conn(), &who.scope, id).await?;
    own(&item, who)?;
    let end = offset.saturating_add(bytes.len() as u64);
    if end > item.expected_bytes {
        return Err(wrong("offset", "evidence-error-more"));
    }
    if offset != item.size_bytes {
        return Err(RespondError::Conflict("evidence-error-offset"));
    }
    let (gathered, try_id) = (Gathered::of(&desk.files, id), desk.db.new_uuid());
    blocking(move || gathered.write(offset, &bytes, try_id)).await.map_err(failed)?;
    let books = desk.db.begin_bookkeeping().await?;
    let mut now = store::get(books.conn(), &who.scope, id).await?;
    if now.state != State::Receiving || now.size_bytes != offset {
        return Err(RespondError::Conflict("evidence-error-offset"));
    }
    now.size_bytes = end;
    store::save(books.conn(), &now, false).await?;
    books.commit().await?;
    Ok(end)
}

fn own(item: &Item, who: &Handler) -> Result<(), RespondError> {
    if item.account != who.account {
        return Err(RespondError::Forbidden);
    }
    if item.state != State::Receiving {
        return Err(RespondError::Conflict("evidence-error-sealed"));
    }
    Ok(())
}

fn failed(error: std::io::Error) -> RespondError {
    RespondError::File(Box::new(error))
}

/// Removes what a piece was gathered in.
pub(super) async fn forget(gathered: Gathered) -> Result<(), RespondError> {
    blocking(move || gathered.remove()).await.map_err(failed)
}

/// Seals a piece that is whole: takes its digest, gives it its place in the store, looks at it, and lets it
/// be searched. A digest that the sender states must agree.
pub(super) async fn seal(
    desk: &Desk,
    who: &Handler,
    id: Uuid,
    stated: &str,
) -> Result<Item, RespondError> {
    let item = store::get(desk.db.conn(), &who.scope, id).await?;
    own(&item, who)?;
    if item.size_bytes != item.expected_bytes {
        return Err(RespondError::Conflict("evidence-error-short"));
    }
    let gathered = Gathered::of(&desk.files, id);
    let stated = stated.trim().to_ascii_lowercase();
    let source = Source::of(gathered.clone(), item.size_bytes).map_err(failed)?;
    let stored = custody::keep_file(&desk.files, desk.db.new_uuid(), source).await?;
    if !stated.is_empty() && stated != stored.sha256 {
        if !custody::is_needed(desk.db.conn(), &stored.sha256, id).await? {
            custody::discard(&desk.files, &stored.sha256).await?;
        }
        // What comes next must be another file: this one may be in the store, for a piece of the same bytes.
        forget(gathered).await?;
        let books = desk.db.begin_bookkeeping().await?;
        let mut again = item;
        again.size_bytes = 0;
        store::save(books.conn(), &again, false).await?;
        books.commit().await?;
        return Err(wrong("sha256", "evidence-error-digest"));
    }
    let kept = custody::kept(&desk.files, &stored.sha256);
    let facts = blocking(move || look::glance(&kept)).await.map_err(failed)?;
    let tx = desk.db.begin().await?;
    let mut item = store::get_for_change(&tx, &who.scope, id).await?;
    own(&item, who)?;
    item.state = State::Sealed;
    item.size_bytes = stored.size_bytes;
    item.sha256 = Some(stored.sha256.clone());
    item.sealed_at = Some(tx.now());
    item.facts = facts;
    store::save(tx.conn(), &item, false).await?;
    custody::receive(&tx, who, subject(&item), (&stored, &item.source)).await?;
    let payload = serde_json::to_value(Asked { item: id }).map_err(RespondError::Json)?;
    let search = NewJob::new(examine::KIND, &who.scope, payload)
        .of_agency(item.agency)
        .about(&item.number)
        .once(&id.to_string());
    job::enqueue(&tx, &search).await?;
    stamp::ask(desk, &tx, &who.scope, &item).await?;
    let incident = incident::get(tx.conn(), &who.scope, item.incident).await?;
    receipt::came_in(desk, &tx, who, (&item, &incident.number)).await?;
    let detail = json!({
        "number": item.number, "name": item.name, "sha256": item.sha256,
        "size_bytes": item.size_bytes,
    });
    commit(desk, tx, who, "evidence.seal", &item, detail).await?;
    if let Err(error) = forget(gathered).await {
        tracing::warn!(error = web::chain(&error), %id, "what evidence was gathered in stays until it is disposed of");
    }
    Ok(item)
}

/// Returns a piece as the chain of custody names it.
pub(super) fn subject(item: &Item) -> custody::Subject<'_> {
    custody::Subject {
        kind: Kind::Evidence,
        id: item.id,
        agency: item.agency,
        sha256: item.sha256.as_deref().unwrap_or_default(),
    }
}

/// Takes a whole small file in at once.
pub(super) async fn take_whole(
    desk: &Desk,
    who: &Handler,
    id: IncidentId,
    new: Incoming,
    bytes: Bytes,
) -> Result<Item, RespondError> {
    let item = begin(desk, who, id, new).await?;
    add_part(desk, who, item.id, (0, bytes)).await?;
    seal(desk, who, item.id, "").await
}

/// Commits a change of a piece, and tells those who look at its incident.
pub(super) async fn commit(
    desk: &Desk,
    tx: Tx,
    who: &Handler,
    action: &str,
    item: &Item,
    detail: serde_json::Value,
) -> Result<(), RespondError> {
    let about = Subject::new("evidence", item.id);
    let entry = AuditEntry::new(who.actor(), action, about, detail).of_agency(item.agency);
    tx.commit(entry).await?;
    desk.hub.incidents_changed(item.agency);
    Ok(())
}
