//! What an agency is, and what a form may say about one.

use chrono::{DateTime, Utc};
use event::AgencyId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::{AppError, FieldErrors, Phrase};

use crate::limits;
use crate::text::{check_code, check_length, check_name, check_phone, clean};

/// What kind of agency it is. The words stand in the database: append only.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum AgencyKind {
    /// The province's people's committee: the root.
    Province,
    /// A department of the province (sở, ban, văn phòng).
    Department,
    /// The provincial police.
    Police,
    /// A commune, ward or special zone.
    Commune,
    /// A centre or unit below a department.
    Unit,
    /// A hospital or health centre.
    Hospital,
    /// A school or college.
    School,
    /// A state-owned firm.
    StateFirm,
    /// Anything else.
    Other,
}

impl AgencyKind {
    /// All kinds, in the order of lists.
    pub const ALL: [Self; 9] = [
        Self::Province,
        Self::Department,
        Self::Police,
        Self::Commune,
        Self::Unit,
        Self::Hospital,
        Self::School,
        Self::StateFirm,
        Self::Other,
    ];

    /// Returns the word used in columns, forms and addresses.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Province => "province",
            Self::Department => "department",
            Self::Police => "police",
            Self::Commune => "commune",
            Self::Unit => "unit",
            Self::Hospital => "hospital",
            Self::School => "school",
            Self::StateFirm => "state_firm",
            Self::Other => "other",
        }
    }

    /// Returns the kind that a word names; an unknown word is some other kind.
    pub fn from_word(word: &str) -> Self {
        Self::ALL.into_iter().find(|kind| kind.word() == word).unwrap_or(Self::Other)
    }

    /// Returns the language key of the kind's name.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Province => "registry-agency-kind-province",
            Self::Department => "registry-agency-kind-department",
            Self::Police => "registry-agency-kind-police",
            Self::Commune => "registry-agency-kind-commune",
            Self::Unit => "registry-agency-kind-unit",
            Self::Hospital => "registry-agency-kind-hospital",
            Self::School => "registry-agency-kind-school",
            Self::StateFirm => "registry-agency-kind-state-firm",
            Self::Other => "registry-agency-kind-other",
        }
    }
}

/// An agency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agency {
    /// Its id.
    pub id: AgencyId,
    /// Short name in addresses and imports (`so-tai-chinh`).
    pub code: String,
    /// Its full name.
    pub name: String,
    /// Its kind.
    pub kind: AgencyKind,
    /// The agency above it.
    pub parent: Option<AgencyId>,
    /// Telephone of its office.
    pub phone: String,
    /// Mail address of its office.
    pub email: String,
    /// Where it is.
    pub address: String,
    /// Since when it has existed here.
    pub valid_from: DateTime<Utc>,
    /// Since when it has not; `None` while it exists.
    pub valid_to: Option<DateTime<Utc>>,
    /// Counts changes: a form made from an older version is refused.
    pub version: i32,
}

/// What a form or program says about an agency.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgencyDraft {
    /// Short name: letters without marks, digits, hyphens.
    #[serde(default)]
    pub code: String,
    /// Full name.
    #[serde(default)]
    pub name: String,
    /// Kind: `department`, `commune` …
    #[serde(default)]
    pub kind: String,
    /// Id of the agency above.
    #[schema(value_type = Option<String>)]
    pub parent: Option<AgencyId>,
    /// Telephone.
    #[serde(default)]
    pub phone: String,
    /// Mail address.
    #[serde(default)]
    pub email: String,
    /// Where it is.
    #[serde(default)]
    pub address: String,
    /// The version that the change is made from; not needed for a new agency.
    pub version: Option<i32>,
}

impl AgencyDraft {
    /// Returns the draft with tidy fields.
    ///
    /// # Errors
    /// [`AppError::Invalid`] with every field that does not fit.
    pub fn checked(mut self) -> Result<Self, AppError> {
        for field in
            [&mut self.code, &mut self.name, &mut self.phone, &mut self.email, &mut self.address]
        {
            *field = clean(field);
        }
        let mut errors = FieldErrors::default();
        check_code(&mut errors, "code", &self.code);
        check_name(&mut errors, "name", &self.name);
        check_phone(&mut errors, "phone", &self.phone);
        check_length(&mut errors, "address", &self.address, limits::TEXT_CHARS_MAX);
        let mail_fits = self.email.is_empty()
            || self.email.split_once('@').is_some_and(|(who, domain)| {
                !who.is_empty() && domain.contains('.') && !self.email.contains(char::is_whitespace)
            });
        if !mail_fits || self.email.len() > limits::NAME_CHARS_MAX {
            errors.add("email", Phrase::key("registry-field-email"));
        }
        if !AgencyKind::ALL.iter().any(|kind| kind.word() == self.kind) {
            errors.add("kind", Phrase::key("registry-field-choose"));
        }
        errors.check()?;
        Ok(self)
    }
}

impl From<&Agency> for AgencyDraft {
    fn from(agency: &Agency) -> Self {
        Self {
            code: agency.code.clone(),
            name: agency.name.clone(),
            kind: agency.kind.word().to_owned(),
            parent: agency.parent,
            phone: agency.phone.clone(),
            email: agency.email.clone(),
            address: agency.address.clone(),
            version: Some(agency.version),
        }
    }
}

/// Which agencies a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgencyFilter {
    /// Part of the name or code; diacritics do not matter.
    pub q: Option<String>,
    /// Only this kind.
    pub kind: Option<String>,
    /// `closed` shows those that no longer exist; else those that do.
    pub state: Option<String>,
}
