//! The pages of assets.

use askama::Template;
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use web::paging::Pager;
use web::{Permission, filters};

use super::model::{Asset, AssetDraft, AssetKind};
use crate::forms::{Choice, Errors};
use crate::{Snapshot, limits};

/// An asset in a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct AssetRow {
    #[schema(value_type = String)]
    pub(crate) id: Uuid,
    pub(crate) kind: AssetKind,
    pub(crate) name: String,
    pub(crate) product: String,
    pub(crate) release: String,
    pub(crate) address: String,
    pub(crate) place: String,
    pub(crate) purpose: String,
    pub(crate) note: String,
    pub(crate) support_ends: Option<NaiveDate>,
    pub(crate) agency: String,
    pub(crate) agency_name: String,
    pub(crate) system: Option<String>,
    pub(crate) system_name: String,
    pub(crate) updated_at: DateTime<Utc>,
    #[serde(skip)]
    pub(crate) support_tone: &'static str,
}

impl AssetRow {
    /// Returns the row of an asset on a day.
    pub(super) fn new(asset: &Asset, snapshot: &Snapshot, today: NaiveDate) -> Self {
        let system = asset.system.and_then(|id| snapshot.system(id));
        let left = asset.support_ends.map(|day| (day - today).num_days());
        Self {
            id: asset.id,
            kind: asset.kind,
            name: asset.name.clone(),
            product: asset.product.clone(),
            release: asset.release.clone(),
            address: asset.address.clone(),
            place: asset.place.clone(),
            purpose: asset.purpose.clone(),
            note: asset.note.clone(),
            support_ends: asset.support_ends,
            agency: asset.agency.to_string(),
            agency_name: snapshot.tree().name(asset.agency).to_owned(),
            system: asset.system.map(|id| id.to_string()),
            system_name: system.map(|system| system.name.clone()).unwrap_or_default(),
            updated_at: asset.updated_at,
            support_tone: match left {
                None => "quiet",
                Some(..0) => "bad",
                Some(days) if days <= limits::SUPPORT_SOON_DAYS.cast_signed() => "warn",
                Some(_) => "ok",
            },
        }
    }
}

/// The list.
#[derive(Debug, Template, Serialize, ToSchema)]
#[template(path = "asset/list.html")]
pub(crate) struct AssetList {
    pub(crate) rows: Vec<AssetRow>,
    pub(crate) pager: Pager,
    #[serde(skip)]
    pub(crate) q: String,
    #[serde(skip)]
    pub(crate) system: Option<(String, String)>,
    #[serde(skip)]
    pub(crate) kinds: Vec<Choice>,
    #[serde(skip)]
    pub(crate) agencies: Vec<Choice>,
    #[serde(skip)]
    pub(crate) support: Vec<Choice>,
    #[serde(skip)]
    pub(crate) query: String,
}

/// One asset.
#[derive(Debug, Template, Serialize, ToSchema)]
#[template(path = "asset/detail.html")]
pub(crate) struct AssetPage {
    /// How good what is known of it is.
    pub(crate) quality: crate::quality::Card,
    pub(crate) asset: AssetRow,
}

/// The form of a new or a known asset.
#[derive(Debug, Template, Serialize, ToSchema)]
#[template(path = "asset/form.html")]
pub(crate) struct AssetForm {
    /// The asset; nothing for a new one.
    pub(crate) id: Option<String>,
    pub(crate) draft: AssetDraft,
    pub(crate) kinds: Vec<Choice>,
    pub(crate) agencies: Vec<Choice>,
    pub(crate) systems: Vec<Choice>,
    pub(crate) errors: Errors,
}

/// Something seen that is no asset.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct OfferRow {
    /// Names it in the form.
    pub(crate) key: String,
    pub(crate) kind: AssetKind,
    pub(crate) address: String,
    pub(crate) agency: String,
    pub(crate) agency_name: String,
    pub(crate) system: Option<String>,
    pub(crate) system_name: String,
    /// The log source it sends to; nothing when a system names it.
    pub(crate) source: Option<String>,
    pub(crate) at: Option<DateTime<Utc>>,
}

/// What was seen and is no asset.
#[derive(Debug, Template, Serialize, ToSchema)]
#[template(path = "asset/seen.html")]
pub(crate) struct SeenList {
    pub(crate) rows: Vec<OfferRow>,
    pub(crate) pager: Pager,
}
