//! What an agency is, and what a form may say about one.

use chrono::{DateTime, Utc};
use event::AgencyId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::{AppError, FieldErrors, Phrase};

use super::contact::Contact;
use crate::admin_unit::Units;
use crate::law::Law;
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
    /// A body of the party.
    Party,
    /// A mass organisation (mặt trận, đoàn thể).
    MassBody,
    /// A firm that works for the province: monitors, tests, runs.
    PartnerFirm,
    /// Anything else.
    Other,
}

impl AgencyKind {
    /// All kinds, in the order of lists.
    pub const ALL: [Self; 12] = [
        Self::Province,
        Self::Department,
        Self::Police,
        Self::Commune,
        Self::Unit,
        Self::Hospital,
        Self::School,
        Self::StateFirm,
        Self::Party,
        Self::MassBody,
        Self::PartnerFirm,
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
            Self::Party => "party",
            Self::MassBody => "mass_body",
            Self::PartnerFirm => "partner_firm",
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
            Self::Party => "registry-agency-kind-party",
            Self::MassBody => "registry-agency-kind-mass-body",
            Self::PartnerFirm => "registry-agency-kind-partner-firm",
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
    /// Its electronic identifier (mã định danh), new or old form; empty while none is known.
    pub identifier: String,
    /// Its sector, a word of the law's list; empty for none.
    pub sector: String,
    /// Code of the administrative unit that it governs; empty for none.
    pub unit: String,
    /// Who is called day and night.
    pub contact: Contact,
    /// The agency that took over its duties when it was closed.
    pub successor: Option<AgencyId>,
    /// Since when it has existed here.
    pub valid_from: DateTime<Utc>,
    /// Since when it has not; `None` while it exists.
    pub valid_to: Option<DateTime<Utc>>,
    /// Counts changes: a form made from an older version is refused.
    pub version: i32,
}

impl Agency {
    /// Returns an agency of which only code and name are known yet.
    pub fn named(id: AgencyId, code: String, name: String, now: DateTime<Utc>) -> Self {
        Self {
            id,
            code,
            name,
            kind: AgencyKind::Other,
            parent: None,
            phone: String::new(),
            email: String::new(),
            address: String::new(),
            identifier: String::new(),
            sector: String::new(),
            unit: String::new(),
            contact: Contact::default(),
            successor: None,
            valid_from: now,
            valid_to: None,
            version: 1,
        }
    }

    /// Returns the telephone to call at night: that of its contact, else that of its office.
    pub fn night_phone(&self) -> &str {
        if self.contact.phone.is_empty() { &self.phone } else { &self.contact.phone }
    }
}

/// Returns whether a text is an agency's electronic identifier: `H27.01.02` (QĐ 20/2020/QĐ-TTg, amended
/// by QĐ 09/2025/QĐ-TTg), or the older `000.01.02.H27` (QCVN 102:2016/BTTTT) that is still met.
pub fn is_identifier(text: &str) -> bool {
    let letter_digits = |part: &str| {
        let mut chars = part.chars();
        part.len() == 3
            && chars.next().is_some_and(|c| c.is_ascii_uppercase())
            && chars.all(|c| c.is_ascii_digit())
    };
    let digits =
        |part: &str, count: usize| part.len() == count && part.chars().all(|c| c.is_ascii_digit());
    let group = |part: &&str| {
        (1..=5).contains(&part.len())
            && part.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
    };
    let parts: Vec<&str> = text.split('.').collect();
    let new = match parts.split_first() {
        Some((first, deeper)) => letter_digits(first) && deeper.iter().all(group),
        None => false,
    };
    let old = matches!(parts.as_slice(), [unit, deeper, province, body]
        if digits(unit, 3) && digits(deeper, 2) && digits(province, 2) && letter_digits(body));
    (new || old) && text.len() <= limits::IDENTIFIER_CHARS_MAX
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
    /// Electronic identifier: `H27.01`, or the older `000.00.01.H27`.
    #[serde(default)]
    pub identifier: String,
    /// Sector, a word of the law's list.
    #[serde(default)]
    pub sector: String,
    /// Code of the administrative unit that it governs.
    #[serde(default)]
    pub unit: String,
    /// The version that the change is made from; not needed for a new agency.
    pub version: Option<i32>,
}

impl AgencyDraft {
    /// Returns the draft with tidy fields.
    ///
    /// # Errors
    /// [`AppError::Invalid`] with every field that does not fit.
    pub fn checked(mut self) -> Result<Self, AppError> {
        for field in [
            &mut self.code,
            &mut self.name,
            &mut self.phone,
            &mut self.email,
            &mut self.address,
            &mut self.unit,
        ] {
            *field = clean(field);
        }
        self.identifier = clean(&self.identifier).to_uppercase();
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
        if !self.identifier.is_empty() && !is_identifier(&self.identifier) {
            errors.add("identifier", Phrase::key("registry-field-identifier"));
        }
        if !self.sector.is_empty() && !Law::builtin().knows("sector", &self.sector) {
            errors.add("sector", Phrase::key("registry-field-choose"));
        }
        if !self.unit.is_empty() && Units::builtin().get(&self.unit).is_none() {
            errors.add("unit", Phrase::key("registry-field-unit"));
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
            identifier: agency.identifier.clone(),
            sector: agency.sector.clone(),
            unit: agency.unit.clone(),
            version: Some(agency.version),
        }
    }
}

/// Which agencies a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgencyFilter {
    /// Part of a name, present or former, or of a code; diacritics do not matter.
    pub q: Option<String>,
    /// Only this kind.
    pub kind: Option<String>,
    /// `closed` shows those that no longer exist; else those that do.
    pub state: Option<String>,
    /// `due` shows those whose contact was not confirmed this quarter.
    pub contact: Option<String>,
}
