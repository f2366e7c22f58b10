//! The tables `evidence_item`, `evidence_note` and `evidence_finding`.

use chrono::{DateTime, Utc};
use db::Tx;
use event::{AccountId, AgencyId, IncidentId, Scope, Severity};
use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::{QueryOrder as _, QuerySelect as _};
use web::paging::Page;

use super::examine::Found;
use super::model::{Facts, Hold, Item, State, Tally};
use super::scan::Scanned;
use crate::alert::within;
use crate::error::RespondError;
use crate::limits::{EVIDENCE_ITEMS_MAX, TIMELINE_LINES};

entity!(item, "evidence_item", {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    number: String,
    incident_id: Uuid,
    agency_id: Uuid,
    name: String,
    source: String,
    state: String,
    size_bytes: i64,
    expected_bytes: i64,
    sha256: Option<String>,
    collected_at: Option<DateTimeUtc>,
    modified_at: Option<DateTimeUtc>,
    account_id: Uuid,
    author: String,
    made_at: DateTimeUtc,
    sealed_at: Option<DateTimeUtc>,
    keep_until: DateTimeUtc,
    hold_reason: Option<String>,
    held_by: Option<String>,
    held_at: Option<DateTimeUtc>,
    facts: Json,
    examined_at: Option<DateTimeUtc>,
    examined: Option<Json>,
});

entity!(note, "evidence_note", {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    evidence_id: Uuid,
    author: String,
    made_at: DateTimeUtc,
    text: String,
});

entity!(scan, "evidence_scan", {
    #[sea_orm(primary_key, auto_increment = false)]
    evidence_id: Uuid,
    scanned_at: DateTimeUtc,
    scanned: Json,
});

entity!(finding, "evidence_finding", {
    #[sea_orm(primary_key, auto_increment = false)]
    evidence_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    place: i32,
    at: DateTimeUtc,
    severity: i16,
    rule: String,
    title: String,
    title_vi: Option<String>,
    host: String,
    entity: String,
    spot: String,
});

/// Rows that one statement brings in: SQLite takes 32,766 values a statement.
const ROWS_PER_INSERT: usize = 500;

fn item_of(row: item::Model) -> Result<Item, RespondError> {
    let bad = |column| RespondError::BadRow { table: "evidence_item", column };
    let hold = row.held_at.map(|at| Hold {
        reason: row.hold_reason.unwrap_or_default(),
        by: row.held_by.unwrap_or_default(),
        at,
    });
    let examined = match (row.examined_at, row.examined) {
        (Some(at), Some(tally)) => {
            Some((at, serde_json::from_value(tally).map_err(RespondError::Json)?))
        }
        _ => None,
    };
    Ok(Item {
        id: row.id,
        number: row.number,
        incident: IncidentId::from_uuid(row.incident_id),
        agency: AgencyId::from_uuid(row.agency_id),
        name: row.name,
        source: row.source,
        state: State::from_word(&row.state).ok_or(bad("state"))?,
        size_bytes: u64::try_from(row.size_bytes).map_err(|_| bad("size_bytes"))?,
        expected_bytes: u64::try_from(row.expected_bytes).map_err(|_| bad("expected_bytes"))?,
        sha256: row.sha256,
        collected_at: row.collected_at,
        modified_at: row.modified_at,
        account: AccountId::from_uuid(row.account_id),
        author: row.author,
        made_at: row.made_at,
        sealed_at: row.sealed_at,
        keep_until: row.keep_until,
        hold,
        facts: serde_json::from_value(row.facts).map_err(RespondError::Json)?,
        examined,
    })
}

/// Writes a piece: a new one, or how it stands.
pub(super) async fn save(
    conn: &impl ConnectionTrait,
    one: &Item,
    is_new: bool,
) -> Result<(), RespondError> {
    let size = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    let examined = one.examined.as_ref().map(|(_, tally)| serde_json::to_value(tally));
    let row = item::ActiveModel {
        id: Set(one.id),
        number: Set(one.number.clone()),
        incident_id: Set(one.incident.uuid()),
        agency_id: Set(one.agency.uuid()),
        name: Set(one.name.clone()),
        source: Set(one.source.clone()),
        state: Set(one.state.word().to_owned()),
        size_bytes: Set(size(one.size_bytes)),
        expected_bytes: Set(size(one.expected_bytes)),
        sha256: Set(one.sha256.clone()),
        collected_at: Set(one.collected_at),
        modified_at: Set(one.modified_at),
        account_id: Set(one.account.uuid()),
        author: Set(one.author.clone()),
        made_at: Set(one.made_at),
        sealed_at: Set(one.sealed_at),
        keep_until: Set(one.keep_until),
        hold_reason: Set(one.hold.as_ref().map(|hold| hold.reason.clone())),
        held_by: Set(one.hold.as_ref().map(|hold| hold.by.clone())),
        held_at: Set(one.hold.as_ref().map(|hold| hold.at)),
        facts: Set(serde_json::to_value(&one.facts).map_err(RespondError::Json)?),
        examined_at: Set(one.examined.as_ref().map(|(at, _)| *at)),
        examined: Set(examined.transpose().map_err(RespondError::Json)?),
    };
    if is_new {
        item::Entity::insert(row).exec_without_returning(conn).await?;
    } else {
        item::Entity::update(row).exec(conn).await?;
    }
    Ok(())
}

/// Returns a piece in sight.
pub(super) async fn get(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    id: Uuid,
) -> Result<Item, RespondError> {
    let own = item::Entity::find_by_id(id).filter(within(scope, item::Column::AgencyId));
    item_of(own.one(conn).await?.ok_or(RespondError::NotFound)?)
}

/// Returns a piece in sight and holds it for the change under way.
pub(super) async fn get_for_change(tx: &Tx, scope: &Scope, id: Uuid) -> Result<Item, RespondError> {
    let own = item::Entity::find_by_id(id).filter(within(scope, item::Column::AgencyId));
    item_of(own.lock_exclusive().one(tx.conn()).await?.ok_or(RespondError::NotFound)?)
}

fn uuids(ids: &[IncidentId]) -> impl Iterator<Item = Uuid> + '_ {
    ids.iter().map(|id| id.uuid())
}

/// Returns the pieces of these incidents, which the caller has read; the oldest first.
pub(super) async fn of_incidents(
    conn: &impl ConnectionTrait,
    of: &[IncidentId],
) -> Result<Vec<Item>, RespondError> {
    let rows = item::Entity::find()
        .filter(item::Column::IncidentId.is_in(uuids(of)))
        .order_by_asc(item::Column::MadeAt)
        .order_by_asc(item::Column::Id)
        .limit(EVIDENCE_ITEMS_MAX)
        .all(conn)
        .await?;
    rows.into_iter().map(item_of).collect()
}

/// Returns how many pieces these incidents have.
pub(crate) async fn count(
    conn: &impl ConnectionTrait,
    of: &[IncidentId],
) -> Result<u64, RespondError> {
    let own = item::Column::IncidentId.is_in(uuids(of));
    Ok(item::Entity::find().filter(own).count(conn).await?)
}

/// A remark about a piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Remark {
    pub(super) author: String,
    pub(super) made_at: DateTime<Utc>,
    pub(super) text: String,
}

/// Writes a remark.
pub(super) async fn add_note(tx: &Tx, evidence: Uuid, remark: &Remark) -> Result<(), RespondError> {
    let row = note::ActiveModel {
        id: Set(tx.new_uuid()),
        evidence_id: Set(evidence),
        author: Set(remark.author.clone()),
        made_at: Set(remark.made_at),
        text: Set(remark.text.clone()),
    };
    note::Entity::insert(row).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// Returns the remarks about a piece, the oldest first.
pub(super) async fn notes(
    conn: &impl ConnectionTrait,
    evidence: Uuid,
) -> Result<Vec<Remark>, RespondError> {
    let rows = note::Entity::find()
        .filter(note::Column::EvidenceId.eq(evidence))
        .order_by_asc(note::Column::MadeAt)
        .order_by_asc(note::Column::Id)
        .limit(TIMELINE_LINES)
        .all(conn)
        .await?;
    let read =
        |row: note::Model| Remark { author: row.author, made_at: row.made_at, text: row.text };
    Ok(rows.into_iter().map(read).collect())
}

/// Replaces what a search through a piece found.
pub(super) async fn set_findings(
    tx: &Tx,
    evidence: Uuid,
    found: &[Found],
) -> Result<(), RespondError> {
    finding::Entity::delete_many()
        .filter(finding::Column::EvidenceId.eq(evidence))
        .exec(tx.conn())
        .await?;
    let mut place = 0_i32;
    for some in found.chunks(ROWS_PER_INSERT) {
        let rows = some.iter().map(|one| {
            place += 1;
            finding::ActiveModel {
                evidence_id: Set(evidence),
                place: Set(place),
                at: Set(one.at),
                severity: Set(i16::from(one.severity.number())),
                rule: Set(one.rule.clone()),
                title: Set(one.title.clone()),
                title_vi: Set(one.title_vi.clone()),
                host: Set(one.host.clone()),
                entity: Set(one.entity.clone()),
                spot: Set(one.spot.clone()),
            }
        });
        finding::Entity::insert_many(rows).exec_without_returning(tx.conn()).await?;
    }
    Ok(())
}

/// Returns a page of what was found in a piece, the earliest first, and how much there is.
pub(super) async fn findings(
    conn: &impl ConnectionTrait,
    evidence: Uuid,
    page: Page,
) -> Result<(Vec<Found>, u64), RespondError> {
    let own = || finding::Entity::find().filter(finding::Column::EvidenceId.eq(evidence));
    let total = own().count(conn).await?;
    let rows = own()
        .order_by_asc(finding::Column::At)
        .order_by_asc(finding::Column::Place)
        .offset(page.offset())
        .limit(page.limit())
        .all(conn)
        .await?;
    let bad = RespondError::BadRow { table: "evidence_finding", column: "severity" };
    let read = |row: finding::Model| {
        Some(Found {
            at: row.at,
            severity: u8::try_from(row.severity).ok().and_then(Severity::from_number)?,
            rule: row.rule,
            title: row.title,
            title_vi: row.title_vi,
            host: row.host,
            entity: row.entity,
            spot: row.spot,
        })
    };
    let found = rows.into_iter().map(read).collect::<Option<_>>().ok_or(bad)?;
    Ok((found, total))
}

/// Replaces what a scan of a piece came to.
pub(super) async fn set_scanned(
    tx: &Tx,
    evidence: Uuid,
    scanned: &Scanned,
) -> Result<(), RespondError> {
    scan::Entity::delete_by_id(evidence).exec(tx.conn()).await?;
    let row = scan::ActiveModel {
        evidence_id: Set(evidence),
        scanned_at: Set(tx.now()),
        scanned: Set(serde_json::to_value(scanned).map_err(RespondError::Json)?),
    };
    scan::Entity::insert(row).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// Returns when a piece was last scanned, and what came of it.
pub(super) async fn scanned(
    conn: &impl ConnectionTrait,
    evidence: Uuid,
) -> Result<Option<(DateTime<Utc>, Scanned)>, RespondError> {
    let Some(row) = scan::Entity::find_by_id(evidence).one(conn).await? else { return Ok(None) };
    let scanned = serde_json::from_value(row.scanned).map_err(RespondError::Json)?;
    Ok(Some((row.scanned_at, scanned)))
}

/// Notes what a search through a piece came to.
pub(super) async fn set_examined(
    tx: &Tx,
    evidence: Uuid,
    facts: &Facts,
    tally: &Tally,
) -> Result<(), RespondError> {
    let tally = serde_json::to_value(tally).map_err(RespondError::Json)?;
    item::Entity::update_many()
        .set(item::ActiveModel {
            examined_at: Set(Some(tx.now())),
            examined: Set(Some(tally)),
            facts: Set(serde_json::to_value(facts).map_err(RespondError::Json)?),
            ..Default::default()
        })
        .filter(item::Column::Id.eq(evidence))
        .exec(tx.conn())
        .await?;
    Ok(())
}
