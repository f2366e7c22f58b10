//! Adding, changing and removing assets, and adopting what was seen.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use db::{AuditEntry, Subject, Tx};
use event::AgencyId;
use serde_json::json;
use uuid::Uuid;
use web::{AppError, Phrase, Who};

use super::model::{Asset, AssetDraft, AssetKind};
use super::{seen, store};
use crate::{Registry, actor, agency, failed, stale, system};

/// Adds an asset.
pub(super) async fn create(
    registry: &Registry,
    who: &Who,
    draft: AssetDraft,
) -> Result<Uuid, AppError> {
    let (draft, kind) = draft.checked()?;
    let tx = registry.db.begin().await.map_err(failed)?;
    let agency = owner(&tx, who, &draft).await?;
    let asset = asset_of(tx.new_uuid(), (agency, kind), tx.now(), &draft);
    store::insert(tx.conn(), &asset).await.map_err(failed)?;
    let detail = json!({ "new": AssetDraft::from(&asset) });
    tx.commit(entry(who, "asset.create", &asset, detail)).await.map_err(failed)?;
    Ok(asset.id)
}

/// Changes an asset.
pub(super) async fn change(
    registry: &Registry,
    who: &Who,
    id: Uuid,
    draft: AssetDraft,
) -> Result<(), AppError> {
    let tx = registry.db.begin().await.map_err(failed)?;
    let old = found(&tx, who, id).await?;
    let (draft, kind) = draft.checked()?;
    let agency = owner(&tx, who, &draft).await?;
    let mut new = asset_of(id, (agency, kind), tx.now(), &draft);
    new.created_at = old.created_at;
    new.version = draft.version.unwrap_or(old.version);
    if !store::update(tx.conn(), &new).await.map_err(failed)? {
        return Err(stale());
    }
    let detail = json!({ "old": AssetDraft::from(&old), "new": AssetDraft::from(&new) });
    tx.commit(entry(who, "asset.update", &new, detail)).await.map_err(failed)
}

/// Removes an asset that is no more; what it was stands in the audit log.
pub(super) async fn remove(registry: &Registry, who: &Who, id: Uuid) -> Result<(), AppError> {
    let tx = registry.db.begin().await.map_err(failed)?;
    let old = found(&tx, who, id).await?;
    store::delete(tx.conn(), id).await.map_err(failed)?;
    let detail = json!({ "old": AssetDraft::from(&old) });
    tx.commit(entry(who, "asset.remove", &old, detail)).await.map_err(failed)
}

/// Makes assets of what was seen and picked; returns how many. What is not offered to the asker, or not
/// any more, is left out.
pub(super) async fn adopt(
    registry: &Registry,
    who: &Who,
    picked: &BTreeSet<String>,
) -> Result<usize, AppError> {
    let offered = seen::offers(registry, who).await?;
    let tx = registry.db.begin().await.map_err(failed)?;
    let mut names = Vec::new();
    for offer in offered.iter().filter(|offer| picked.contains(&offer.key)) {
        let draft = AssetDraft {
            system: offer.system,
            name: offer.name.clone(),
            address: offer.address.clone(),
            ..AssetDraft::default()
        };
        let owner = (offer.agency, offer.kind);
        let asset = asset_of(tx.new_uuid(), owner, tx.now(), &draft);
        store::insert(tx.conn(), &asset).await.map_err(failed)?;
        names.push(offer.address.clone());
    }
    if names.is_empty() {
        return Err(AppError::Conflict(Phrase::key("asset-nothing-picked")));
    }
    let count = names.len();
    let subject = Subject::new("asset", "seen");
    let entry = AuditEntry::new(actor(who), "asset.adopt", subject, json!({ "adopted": names }));
    let entry = match who.agency {
        Some(agency) => entry.of_agency(agency),
        None => entry,
    };
    tx.commit(entry).await.map_err(failed)?;
    Ok(count)
}

/// Returns an asset as a draft describes it.
pub(crate) fn asset_of(
    id: Uuid,
    (agency, kind): (AgencyId, AssetKind),
    now: DateTime<Utc>,
    draft: &AssetDraft,
) -> Asset {
    Asset {
        id,
        agency,
        system: draft.system,
        kind,
        name: draft.name.clone(),
        product: draft.product.clone(),
        release: draft.release.clone(),
        address: draft.address.clone(),
        place: draft.place.clone(),
        purpose: draft.purpose.clone(),
        support_ends: draft.support_ends,
        note: draft.note.clone(),
        created_at: now,
        updated_at: now,
        version: 1,
    }
}

/// Returns whose an asset is: the system's agency, else the one named; both within what the asker sees.
async fn owner(tx: &Tx, who: &Who, draft: &AssetDraft) -> Result<AgencyId, AppError> {
    let choose = |field| AppError::invalid(field, Phrase::key("registry-field-choose"));
    if let Some(id) = draft.system {
        let found = system::by_id(tx.conn(), &who.scope, id).await.map_err(failed)?;
        return found.map(|system| system.agency).ok_or_else(|| choose("system"));
    }
    let id = draft.agency.ok_or_else(|| choose("agency"))?;
    let found = agency::by_id(tx.conn(), &who.scope, id).await.map_err(failed)?;
    let open = found.filter(|agency| agency.valid_to.is_none());
    open.map(|agency| agency.id).ok_or_else(|| choose("agency"))
}

async fn found(tx: &Tx, who: &Who, id: Uuid) -> Result<Asset, AppError> {
    let found = store::by_id(tx.conn(), &who.scope, id).await.map_err(failed)?;
    found.ok_or(AppError::NotFound)
}

fn entry(who: &Who, action: &str, asset: &Asset, detail: serde_json::Value) -> AuditEntry {
    AuditEntry::new(actor(who), action, Subject::new("asset", asset.id), detail)
        .of_agency(asset.agency)
}
