//! What the file says.

use event::Level;
use ipnet::IpNet;
use serde::Deserialize;

use crate::agency::AgencyKind;
use crate::source::SourceKind;
use crate::system::SystemState;

/// The province that comes with the platform.
const BUILTIN: &str = include_str!("../../../../content/demo/province.toml");

/// Why the demonstration's province cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The file does not have the shape of a province.
    #[error("the province file cannot be read")]
    Shape(#[source] Box<toml::de::Error>),
    /// Something names an agency or system that stands nowhere before it.
    #[error("`{code}` names `{missing}`, which is not in the province file")]
    Missing {
        /// What names it.
        code: String,
        /// What is named.
        missing: String,
    },
    /// The database holds a province that is not the demonstration's.
    #[error("the database already holds another province; the demonstration needs an empty one")]
    Taken,
    /// There are more sources than loopback addresses to tell them apart.
    #[error("too many log sources for the demonstration")]
    TooMany,
    /// The database did not do its part.
    #[error("the province cannot be written down")]
    Db(#[from] db::DbError),
}

/// A province.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Province {
    /// Its name.
    pub name: String,
    /// Its agencies, each after the one above it.
    pub agency: Vec<DemoAgency>,
    /// Its information systems.
    pub system: Vec<DemoSystem>,
    /// Its log sources.
    pub source: Vec<DemoSource>,
}

/// An agency.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields are those of agency::Agency")]
pub struct DemoAgency {
    pub code: String,
    pub name: String,
    pub kind: AgencyKind,
    pub parent: Option<String>,
    pub phone: String,
    pub email: String,
    pub address: String,
    /// Who is on call day and night, at the agency's telephone.
    #[serde(default)]
    pub contact: String,
}

/// An information system.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields are those of system::System")]
pub struct DemoSystem {
    pub code: String,
    pub agency: String,
    pub name: String,
    pub level: Option<Level>,
    pub state: SystemState,
    pub operator: String,
    pub owner_contact: String,
    pub duty_phone: String,
    pub description: String,
    #[serde(default)]
    pub domains: Vec<String>,
    #[serde(default)]
    pub ip_ranges: Vec<IpNet>,
}

/// A log source.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields are those of source::LogSource")]
pub struct DemoSource {
    pub code: String,
    pub system: Option<String>,
    /// Only for a source that watches no single system.
    pub agency: Option<String>,
    pub name: String,
    pub kind: SourceKind,
    pub parser: String,
    /// The host name that its lines carry.
    pub host: String,
    /// The address its syslog comes from, if it is not to be given one of its own.
    pub address: Option<std::net::IpAddr>,
    #[serde(default = "quarter_hour")]
    pub silence_minutes: i32,
}

const fn quarter_hour() -> i32 {
    15
}

impl Province {
    /// Returns the province that comes with the platform.
    ///
    /// # Errors
    /// Never, once its test has passed.
    pub fn builtin() -> Result<Self, DemoError> {
        Self::read(BUILTIN)
    }

    /// Reads a province.
    ///
    /// # Errors
    /// When the text does not have the shape of a province.
    pub fn read(text: &str) -> Result<Self, DemoError> {
        toml::from_str(text).map_err(|error| DemoError::Shape(Box::new(error)))
    }
}
