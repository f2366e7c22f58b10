//! What an information system is, and what a form may say about one.

use chrono::{DateTime, NaiveDate, Utc};
use event::{AgencyId, Level, SystemId};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::{AppError, FieldErrors, Phrase};

use crate::limits;
use crate::text::{
    check_code, check_length, check_lines, check_marks, check_name, check_phone, clean, lines,
};

/// Where a system is in its life. The words stand in the database: append only.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum SystemState {
    /// Being built or tried.
    Building,
    /// In use.
    Running,
    /// Switched off for a while.
    Suspended,
    /// Gone.
    Retired,
}

impl SystemState {
    /// All states, in the order of life.
    pub const ALL: [Self; 4] = [Self::Building, Self::Running, Self::Suspended, Self::Retired];

    /// Returns the word used in columns, forms and addresses.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Building => "building",
            Self::Running => "running",
            Self::Suspended => "suspended",
            Self::Retired => "retired",
        }
    }

    /// Returns the state that a word names; an unknown word counts as running, so that nothing goes
    /// unwatched by mistake.
    pub fn from_word(word: &str) -> Self {
        Self::ALL.into_iter().find(|state| state.word() == word).unwrap_or(Self::Running)
    }

    /// Returns the language key of the state's name.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Building => "registry-system-state-building",
            Self::Running => "registry-system-state-running",
            Self::Suspended => "registry-system-state-suspended",
            Self::Retired => "registry-system-state-retired",
        }
    }
}

/// An information system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct System {
    /// Its id.
    pub id: SystemId,
    /// The agency that owns it.
    pub agency: AgencyId,
    /// Short name in addresses and imports (`cong-dvc`).
    pub code: String,
    /// Its full name.
    pub name: String,
    /// Its legal level; `None` while it is not classified, which is itself a debt.
    pub level: Option<Level>,
    /// Where it is in its life.
    pub state: SystemState,
    /// Who runs it (a firm, a centre, the agency itself).
    pub operator: String,
    /// The owner's person to talk to.
    pub owner_contact: String,
    /// The telephone that is answered at night.
    pub duty_phone: String,
    /// What it is for.
    pub description: String,
    /// Its domain names.
    pub domains: Vec<String>,
    /// Its addresses and networks.
    pub ip_ranges: Vec<IpNet>,
    /// When it was entered.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// Counts changes.
    pub version: i32,
}

/// What a form or program says about a system.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SystemDraft {
    /// Id of the owning agency.
    #[schema(value_type = Option<String>)]
    pub agency: Option<AgencyId>,
    /// Short name: letters without marks, digits, hyphens.
    #[serde(default)]
    pub code: String,
    /// Full name.
    #[serde(default)]
    pub name: String,
    /// Legal level, 1 to 5.
    pub level: Option<u8>,
    /// State: `running` …
    #[serde(default)]
    pub state: String,
    /// Who runs it.
    #[serde(default)]
    pub operator: String,
    /// The owner's person to talk to.
    #[serde(default)]
    pub owner_contact: String,
    /// The telephone that is answered at night.
    #[serde(default)]
    pub duty_phone: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Domain names, one a line.
    #[serde(default)]
    pub domains: String,
    /// Addresses and networks, one a line.
    #[serde(default)]
    pub ip_ranges: String,
    /// Since when it is in use: for a system that ran before it was registered. Only for a new one;
    /// later the profile holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_use_since: Option<NaiveDate>,
    /// The version that the change is made from.
    pub version: Option<i32>,
}

/// A draft whose every field fits.
#[derive(Debug, Clone)]
pub(super) struct Checked {
    pub(super) draft: SystemDraft,
    pub(super) agency: AgencyId,
    pub(super) level: Option<Level>,
    pub(super) domains: Vec<String>,
    pub(super) ip_ranges: Vec<IpNet>,
}

impl SystemDraft {
    /// Returns the draft with tidy, typed fields.
    ///
    /// # Errors
    /// [`AppError::Invalid`] with every field that does not fit.
    pub(super) fn checked(mut self) -> Result<Checked, AppError> {
        for field in [
            &mut self.code,
            &mut self.name,
            &mut self.operator,
            &mut self.owner_contact,
            &mut self.duty_phone,
            &mut self.description,
        ] {
            *field = clean(field);
        }
        let mut errors = FieldErrors::default();
        check_code(&mut errors, "code", &self.code);
        check_name(&mut errors, "name", &self.name);
        check_phone(&mut errors, "duty_phone", &self.duty_phone);
        check_length(&mut errors, "operator", &self.operator, limits::NAME_CHARS_MAX);
        check_length(&mut errors, "owner_contact", &self.owner_contact, limits::NAME_CHARS_MAX);
        check_marks(&mut errors, "name", &self.name);
        check_marks(&mut errors, "description", &self.description);
        check_length(&mut errors, "description", &self.description, limits::TEXT_CHARS_MAX);
        if !SystemState::ALL.iter().any(|state| state.word() == self.state) {
            errors.add("state", Phrase::key("registry-field-choose"));
        }
        let level = self.level.and_then(Level::new);
        if self.level.is_some() && level.is_none() {
            errors.add("level", Phrase::key("registry-field-choose"));
        }
        let domains = check_domains(&mut errors, &self.domains);
        let ip_ranges = check_nets(&mut errors, "ip_ranges", &self.ip_ranges);
        let Some(agency) = self.agency else {
            errors.add("agency", Phrase::key("registry-field-choose"));
            return Err(AppError::Invalid(errors));
        };
        errors.check()?;
        Ok(Checked { draft: self, agency, level, domains, ip_ranges })
    }
}

fn check_domains(errors: &mut FieldErrors, typed: &str) -> Vec<String> {
    let domains: Vec<String> = lines(typed).iter().map(|line| line.to_lowercase()).collect();
    check_lines(errors, "domains", domains.len());
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '*' | '_');
    if let Some(bad) = domains.iter().find(|name| !name.contains('.') || !name.chars().all(fits)) {
        errors.add("domains", Phrase::key("registry-field-domain").arg("value", bad.as_str()));
    }
    domains
}

/// Returns the addresses and networks typed into a field; a single address is a network of one.
pub(crate) fn check_nets(errors: &mut FieldErrors, field: &'static str, typed: &str) -> Vec<IpNet> {
    let typed = lines(typed);
    check_lines(errors, field, typed.len());
    let mut nets = Vec::with_capacity(typed.len());
    for line in typed {
        match parse_net(&line) {
            Some(net) => nets.push(net),
            None => errors.add(field, Phrase::key("registry-field-network").arg("value", line)),
        }
    }
    nets
}

/// Returns the network that a text names: `10.1.0.0/16`, or one address.
fn parse_net(text: &str) -> Option<IpNet> {
    text.parse::<IpNet>()
        .ok()
        .or_else(|| text.parse::<std::net::IpAddr>().ok().map(IpNet::from))
        .map(|net| net.trunc())
}

/// Returns a network as people write it: one address without its `/32`.
pub(crate) fn net_text(net: &IpNet) -> String {
    if net.prefix_len() == net.max_prefix_len() { net.addr().to_string() } else { net.to_string() }
}

impl From<&System> for SystemDraft {
    fn from(system: &System) -> Self {
        let ranges: Vec<String> = system.ip_ranges.iter().map(net_text).collect();
        Self {
            agency: Some(system.agency),
            code: system.code.clone(),
            name: system.name.clone(),
            level: system.level.map(Level::number),
            state: system.state.word().to_owned(),
            operator: system.operator.clone(),
            owner_contact: system.owner_contact.clone(),
            duty_phone: system.duty_phone.clone(),
            description: system.description.clone(),
            domains: system.domains.join("\n"),
            ip_ranges: ranges.join("\n"),
            in_use_since: None,
            version: Some(system.version),
        }
    }
}

/// Which systems a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemFilter {
    /// Part of the name, code, domain or operator; diacritics do not matter.
    pub q: Option<String>,
    /// Only this level, or `none` for those not classified.
    pub level: Option<String>,
    /// Only this state.
    pub state: Option<String>,
    /// Only this agency's.
    pub agency: Option<AgencyId>,
    /// `missing` shows only systems of level 3 and above that no log source watches.
    pub logs: Option<String>,
}
