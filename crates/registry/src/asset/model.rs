//! What an asset is, and what a form may say about one.

use chrono::{DateTime, NaiveDate, Utc};
use event::{AgencyId, SystemId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use web::{AppError, FieldErrors, Phrase};

use crate::limits;
use crate::text::{check_length, check_marks, check_name, clean};

/// What kind of asset it is. The words stand in the database: append only.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum AssetKind {
    /// A server, of metal or virtual.
    Server,
    /// A program, with its release.
    Software,
    /// A switch, router, access point.
    NetworkDevice,
    /// A firewall, detector, gateway.
    SecurityDevice,
    /// A desktop or laptop.
    Workstation,
    /// A domain name.
    Domain,
    /// An address that stands alone.
    Address,
    /// Anything else.
    Other,
}

impl AssetKind {
    /// All kinds, in the order of lists.
    pub const ALL: [Self; 8] = [
        Self::Server,
        Self::Software,
        Self::NetworkDevice,
        Self::SecurityDevice,
        Self::Workstation,
        Self::Domain,
        Self::Address,
        Self::Other,
    ];

    /// Returns the word used in columns, forms and addresses.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Software => "software",
            Self::NetworkDevice => "network_device",
            Self::SecurityDevice => "security_device",
            Self::Workstation => "workstation",
            Self::Domain => "domain",
            Self::Address => "address",
            Self::Other => "other",
        }
    }

    /// Returns the kind that a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Returns the language key of the kind's name.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Server => "asset-kind-server",
            Self::Software => "asset-kind-software",
            Self::NetworkDevice => "asset-kind-network-device",
            Self::SecurityDevice => "asset-kind-security-device",
            Self::Workstation => "asset-kind-workstation",
            Self::Domain => "asset-kind-domain",
            Self::Address => "asset-kind-address",
            Self::Other => "asset-kind-other",
        }
    }
}

/// An asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    /// Its id.
    pub id: Uuid,
    /// The agency it belongs to; of a system's asset that of the system.
    pub agency: AgencyId,
    /// The system it is part of.
    pub system: Option<SystemId>,
    /// Its kind.
    pub kind: AssetKind,
    /// What it is called.
    pub name: String,
    /// Maker and product.
    pub product: String,
    /// Release or model.
    pub release: String,
    /// Its address or domain.
    pub address: String,
    /// Where it stands.
    pub place: String,
    /// What it is for.
    pub purpose: String,
    /// The last day on which its maker supports it.
    pub support_ends: Option<NaiveDate>,
    /// What else is to be said.
    pub note: String,
    /// When it was entered.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// Counts changes.
    pub version: i32,
}

/// What a form or program says about an asset.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AssetDraft {
    /// The agency; left out for a system's asset.
    #[schema(value_type = Option<String>)]
    pub agency: Option<AgencyId>,
    /// The system.
    #[schema(value_type = Option<String>)]
    pub system: Option<SystemId>,
    /// Kind: `server` …
    pub kind: String,
    /// What it is called.
    pub name: String,
    /// Maker and product.
    pub product: String,
    /// Release or model.
    pub release: String,
    /// Its address or domain.
    pub address: String,
    /// Where it stands.
    pub place: String,
    /// What it is for.
    pub purpose: String,
    /// The last day of its support.
    pub support_ends: Option<NaiveDate>,
    /// What else is to be said.
    pub note: String,
    /// The version that the change is made from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i32>,
}

impl AssetDraft {
    /// Returns the draft with tidy fields, and its kind.
    ///
    /// # Errors
    /// [`AppError::Invalid`] with every field that does not fit.
    pub(crate) fn checked(mut self) -> Result<(Self, AssetKind), AppError> {
        let mut errors = FieldErrors::default();
        self.name = clean(&self.name);
        check_name(&mut errors, "name", &self.name);
        for (field, text) in [
            ("product", &mut self.product),
            ("release", &mut self.release),
            ("address", &mut self.address),
            ("place", &mut self.place),
            ("purpose", &mut self.purpose),
            ("note", &mut self.note),
        ] {
            *text = clean(text);
            check_length(&mut errors, field, text, limits::ASSET_TEXT_CHARS_MAX);
            check_marks(&mut errors, field, text);
        }
        check_marks(&mut errors, "name", &self.name);
        let kind = AssetKind::from_word(&self.kind);
        if kind.is_none() {
            errors.add("kind", Phrase::key("registry-field-choose"));
        }
        errors.check()?;
        Ok((self, kind.unwrap_or(AssetKind::Other)))
    }
}

impl From<&Asset> for AssetDraft {
    fn from(asset: &Asset) -> Self {
        Self {
            agency: Some(asset.agency),
            system: asset.system,
            kind: asset.kind.word().to_owned(),
            name: asset.name.clone(),
            product: asset.product.clone(),
            release: asset.release.clone(),
            address: asset.address.clone(),
            place: asset.place.clone(),
            purpose: asset.purpose.clone(),
            support_ends: asset.support_ends,
            note: asset.note.clone(),
            version: Some(asset.version),
        }
    }
}

/// Which assets a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AssetFilter {
    /// Part of name, product, address or place; diacritics do not matter.
    pub q: Option<String>,
    /// Only this kind.
    pub kind: Option<String>,
    /// Only this system's.
    pub system: Option<SystemId>,
    /// Only this agency's.
    pub agency: Option<AgencyId>,
    /// `ended`, `soon` (within [`limits::SUPPORT_SOON_DAYS`]) or `unknown`.
    pub support: Option<String>,
}
