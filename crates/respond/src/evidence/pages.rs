//! Gathering what the pages of evidence show.

use db::job::{self, JobState, ListFilter};
use event::IncidentId;
use uuid::Uuid;
use web::Who;
use web::paging::Page;

use super::export::{KIND, Made, Wanted};
use super::views::{
    CustodyRow, EvidenceList, EvidencePage, EvidenceRow, ExaminedView, ExportRow, InsideRow,
    ManifestView, RemarkRow, SaidRow, ScanView, StampView,
};
use super::{actions, receipt, stamp, store};
use crate::actor::Handler;
use crate::alert::Choice;
use crate::custody::{self, Kind};
use crate::desk::Desk;
use crate::error::RespondError;
use crate::limits::{EVIDENCE_BYTES_MAX, EVIDENCE_PART_BYTES, SHORT_LIST};
use crate::{export, incident, room};

/// Returns the tab of evidence.
pub(super) async fn list(
    desk: &Desk,
    who: &Who,
    id: IncidentId,
) -> Result<EvidenceList, RespondError> {
    let conn = desk.db.conn();
    let incident = incident::get(conn, &who.scope, id).await?;
    let family = incident::family(conn, id).await?;
    let items = store::of_incidents(conn, &family).await?;
    Ok(EvidenceList {
        head: room::head(desk, who, &incident, &family, "evidence").await?,
        items: items.iter().map(|item| EvidenceRow::of(item, who.account)).collect(),
        exports: exports(desk, who, id).await?,
        bytes_max: EVIDENCE_BYTES_MAX,
        part_bytes: EVIDENCE_PART_BYTES as u64,
    })
}

/// Returns the sealed exports of an incident that the reader asked for and that can still be had.
async fn exports(desk: &Desk, who: &Who, id: IncidentId) -> Result<Vec<ExportRow>, RespondError> {
    let filter =
        ListFilter { open: false, kind: KIND.to_owned(), offset: 0, limit: 10 * SHORT_LIST };
    let (jobs, _) = job::list(desk.db.conn(), &who.scope, &filter).await?;
    let mut rows = Vec::new();
    for job in jobs {
        let wanted: Option<Wanted> = serde_json::from_value(job.payload.clone()).ok();
        let is_own = wanted.is_some_and(|one| one.incident == id && one.account == who.account);
        let until = export::kept_until(&job);
        let over = until.is_some_and(|until| until <= desk.db.now());
        if !is_own || over || matches!(job.state, JobState::Failed | JobState::Cancelled) {
            continue;
        }
        let made: Option<Made> =
            job.result.clone().and_then(|one| serde_json::from_value(one).ok());
        rows.push(ExportRow {
            id: job.id.to_string(),
            ready: made.is_some(),
            pieces: made.as_ref().map_or(0, |made| made.pieces),
            size_bytes: made.as_ref().map_or(0, |made| made.size_bytes),
            sha256: made.map(|made| made.sha256).unwrap_or_default(),
            made_at: job.ended_at,
        });
    }
    Ok(rows)
}

/// Returns the page of one piece, and notes that the reader saw it.
pub(super) async fn detail(
    desk: &Desk,
    who: &Who,
    id: Uuid,
    page: Page,
) -> Result<EvidencePage, RespondError> {
    let conn = desk.db.conn();
    let item = store::get(conn, &who.scope, id).await?;
    let handler = Handler::from(who);
    actions::seen(desk, &handler, &item).await?;
    let incident = incident::get(conn, &who.scope, item.incident).await?;
    let family = incident::family(conn, item.incident).await?;
    let (found, total) = store::findings(conn, id, page).await?;
    let custody = custody::chain(conn, Kind::Evidence, id).await?;
    let notes = store::notes(conn, id).await?;
    let scan = store::scanned(conn, id).await?;
    let stamp = stamp::get(conn, id).await?;
    let receipts = receipt::rows(desk, who, &item).await?;
    let mut people = desk.directory.participants(item.agency);
    people.retain(|one| one.id != who.account.to_string());
    let incident_held = actions::is_incident_held(desk, &handler, &item).await?;
    let examined = item.examined.clone().map(|(at, tally)| ExaminedView {
        at,
        files: tally.files,
        events: tally.events,
        unreadable: tally.unreadable,
        findings: tally.findings,
        refused: tally.refused,
    });
    let row = EvidenceRow::of(&item, who.account);
    let may_go = item.may_go(desk.db.now(), incident_held);
    let (hold_reason, held_by, held_at) = match item.hold {
        Some(hold) => (Some(hold.reason), Some(hold.by), Some(hold.at)),
        None => (None, None, None),
    };
    let inside =
        |one: super::model::Inside| InsideRow { name: one.name, size_bytes: one.size_bytes };
    let said = |one: super::model::Said| SaidRow { key: one.key, value: one.value };
    let remark =
        |one: store::Remark| RemarkRow { author: one.author, made_at: one.made_at, text: one.text };
    Ok(EvidencePage {
        head: room::head(desk, who, &incident, &family, "evidence").await?,
        item: row,
        source: item.source,
        collected_at: item.collected_at,
        modified_at: item.modified_at,
        sealed_at: item.sealed_at,
        first_bytes: item.facts.head,
        sha1: item.facts.sha1,
        md5: item.facts.md5,
        said: item.facts.said.into_iter().map(said).collect(),
        stamp: stamp.map(StampView::from),
        stamps: desk.time_stamps.is_some(),
        receipts,
        people: Choice::named(people, None),
        scan: scan.map(|(at, scanned)| ScanView { at, scanned }),
        inside: item.facts.inside.into_iter().map(inside).collect(),
        inside_count: item.facts.inside_count,
        manifest: item.facts.manifest.map(ManifestView::from),
        hold_reason,
        held_by,
        held_at,
        incident_held,
        may_go,
        examined,
        found,
        pager: page.pager(&format!("/evidence/{id}"), "", total),
        custody: custody.into_iter().map(CustodyRow::from).collect(),
        notes: notes.into_iter().map(remark).collect(),
    })
}
