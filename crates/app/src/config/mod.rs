//! The configuration: one TOML file, overridden key by key from the environment
//! (`LUYTRE_WEB__LISTEN=0.0.0.0:8080`). Read once at the start; nothing else looks at either.
//!
//! Every key has a default, so that `luytre serve` works with no file. `luytre.example.toml` shows
//! all keys with their defaults; a test keeps it so.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

mod cluster;
#[cfg(feature = "distributed")]
mod cluster_tls;
mod detection;
mod distributed;
mod evidence;
mod incidents;
mod keeping;
mod lake;
mod notify;
mod outbound;
mod web;

#[cfg(test)]
mod tests;

pub use cluster::ClusterConfig;
pub use outbound::{OidcConfig, OutboundConfig};
pub use web::{SecondFactor, WebConfig};

pub use detection::{BaselineSwitchConfig, BaselinesConfig, IndicatorsConfig, RulesConfig};
pub use distributed::DistributedConfig;
pub use evidence::EvidenceConfig;
pub use incidents::IncidentsConfig;
pub use keeping::KeepingConfig;
pub use lake::{EncryptionConfig, LakeConfig, S3Config, TierConfig};
pub use notify::{GatewayConfig, NotifyConfig, SmtpConfig, SmtpTls};

/// Everything that can be set.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What the installation is.
    pub site: SiteConfig,
    /// The pages.
    pub web: WebConfig,
    /// Who else vouches for people.
    pub oidc: OidcConfig,
    /// What may be reached from here.
    pub outbound: OutboundConfig,
    /// How people are told.
    pub notify: NotifyConfig,
    /// State: accounts, registry, alerts, incidents.
    pub database: DatabaseConfig,
    /// Several machines as one platform.
    pub cluster: ClusterConfig,
    /// Where records come in.
    pub intake: IntakeConfig,
    /// Where they wait.
    pub spool: SpoolConfig,
    /// Where events are kept.
    pub lake: LakeConfig,
    /// How long they are kept.
    pub keeping: KeepingConfig,
    /// What is looked for in them.
    pub rules: RulesConfig,
    /// What is learned of them.
    pub baselines: BaselinesConfig,
    /// What others have seen attackers use.
    pub indicators: IndicatorsConfig,
    /// Who must be told of incidents.
    pub incidents: IncidentsConfig,
    /// How evidence is looked at and kept.
    pub evidence: EvidenceConfig,
    /// How records are read.
    pub sources: SourcesConfig,
}

/// What the installation is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SiteConfig {
    /// The province's name, shown in the top bar.
    pub province: String,
    /// The folder for everything that is kept: database, spool, lake.
    pub data_folder: PathBuf,
    /// Address or name at which log senders reach this machine, for the connection guides. Empty:
    /// the guides show a placeholder.
    pub host: String,
}

impl Default for SiteConfig {
    fn default() -> Self {
        let data_folder = PathBuf::from("data");
        Self { province: "Tỉnh".to_owned(), data_folder, host: String::new() }
    }
}

/// State.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseConfig {
    /// `postgres://user:password@host/database`; empty for SQLite in the data folder.
    pub url: String,
}

/// The URL may hold a password: it is never printed.
impl std::fmt::Debug for DatabaseConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DatabaseConfig").finish_non_exhaustive()
    }
}

/// Where records come in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IntakeConfig {
    /// HTTP intake, with each source's token.
    pub http: HttpConfig,
    /// Syslog listeners. A source is known by listener and sender's address.
    pub syslog: Vec<SyslogConfig>,
    /// How often followed files are looked at, in milliseconds.
    pub file_poll_ms: u64,
    /// Folders whose files sources may follow. Empty: any file that this process may read.
    pub file_folders: Vec<PathBuf>,
}

impl Default for IntakeConfig {
    fn default() -> Self {
        let syslog = |name: &str, transport| SyslogConfig {
            name: name.to_owned(),
            transport,
            listen: SocketAddr::from(([0, 0, 0, 0], 5514)),
            certificate: None,
            key: None,
            client_ca: None,
            proxy_protocol_from: Vec::new(),
        };
        Self {
            http: HttpConfig::default(),
            syslog: vec![syslog("udp", Transport::Udp), syslog("tcp", Transport::Tcp)],
            file_poll_ms: 500,
            file_folders: Vec::new(),
        }
    }
}

/// HTTP intake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpConfig {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Certificate chain (PEM); with it and a key, only HTTPS is spoken.
    pub certificate: Option<PathBuf>,
    /// Its private key (PEM).
    pub key: Option<PathBuf>,
    /// The largest body, unpacked, in bytes.
    pub body_bytes_max: usize,
    /// Connections at once.
    pub connections_max: usize,
    /// Networks of load balancers, whose connections begin with a PROXY header.
    pub proxy_protocol_from: Vec<ipnet::IpNet>,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([0, 0, 0, 0], 8514)),
            certificate: None,
            key: None,
            body_bytes_max: collect::limits::BODY_BYTES_MAX,
            connections_max: collect::limits::CONNECTIONS_MAX,
            proxy_protocol_from: Vec::new(),
        }
    }
}

/// One syslog listener.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyslogConfig {
    /// Its name, by which sources choose it.
    pub name: String,
    /// `udp`, `tcp` or `tls`.
    pub transport: Transport,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Certificate chain (PEM), for `tls`.
    #[serde(default)]
    pub certificate: Option<PathBuf>,
    /// Its private key (PEM), for `tls`.
    #[serde(default)]
    pub key: Option<PathBuf>,
    /// If given, senders must present a certificate of this CA (PEM), for `tls`.
    #[serde(default)]
    pub client_ca: Option<PathBuf>,
    /// Networks of load balancers, whose connections begin with a PROXY header, for `tcp` and `tls`.
    #[serde(default)]
    pub proxy_protocol_from: Vec<ipnet::IpNet>,
}

/// How syslog comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// Datagrams (RFC 5426).
    Udp,
    /// A stream (RFC 6587).
    Tcp,
    /// A stream in TLS (RFC 5425).
    Tls,
}

impl Transport {
    /// Returns the word used in the configuration.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        }
    }
}

/// Where records wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SpoolConfig {
    /// The most it may take on disk, in bytes. Past it senders are told to wait.
    pub disk_bytes_max: u64,
    /// Bytes that stay free on its disk. Below it senders are told to wait.
    pub free_bytes_min: u64,
    /// Length of one segment file, in bytes.
    pub segment_bytes: u64,
    /// Whether it is compressed.
    pub compress: bool,
}

impl Default for SpoolConfig {
    fn default() -> Self {
        let limits = collect::SpoolSettings::default();
        Self {
            disk_bytes_max: limits.disk_bytes_max,
            free_bytes_min: limits.free_bytes_min,
            segment_bytes: limits.segment_bytes,
            compress: limits.compress,
        }
    }
}

/// How records are read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SourcesConfig {
    /// Folders of source definitions besides the built-in ones; one of the same name replaces it.
    pub folders: Vec<PathBuf>,
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The file says something that cannot be.
    #[error("the configuration {path} is wrong")]
    Wrong {
        /// The file.
        path: PathBuf,
        /// Line, column and key.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// A variable of the environment does.
    #[error("the environment variables {names} make no configuration")]
    Environment {
        /// Those that were read.
        names: String,
        /// Which key, and why not.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// Values that each can be, and together cannot.
    #[error("the configuration is wrong: {0}")]
    Contradiction(String),
}

/// Prefix of the variables that override keys.
const PREFIX: &str = "LUYTRE_";

/// Returns the configuration of a file (the defaults without one), overridden from the environment.
///
/// # Errors
///
/// Names the file with line and key, or the variable.
pub fn load(file: Option<&Path>) -> Result<Config, ConfigError> {
    let text = match file {
        None => String::new(),
        Some(path) => std::fs::read_to_string(path)
            .map_err(|source| ConfigError::File { path: path.to_owned(), source })?,
    };
    let path = file.unwrap_or(Path::new("luytre.toml"));
    read(path, &text, std::env::vars())
}

/// Returns the configuration that a file's text and these variables make.
pub(crate) fn read(
    path: &Path,
    text: &str,
    variables: impl Iterator<Item = (String, String)>,
) -> Result<Config, ConfigError> {
    let wrong = |source| ConfigError::Wrong { path: path.to_owned(), source: Box::new(source) };
    let mut config: Config = toml::from_str(text).map_err(wrong)?;
    let mut table: toml::Table = toml::from_str(text).map_err(wrong)?;
    let mut names: Vec<String> = Vec::new();
    for (name, value) in variables {
        // `LUYTRE_CONFIG` and the like name no key of a section.
        let Some(keys) = name.strip_prefix(PREFIX).filter(|keys| keys.contains("__")) else {
            continue;
        };
        let keys: Vec<String> = keys.split("__").map(str::to_lowercase).collect();
        set(&mut table, &keys, value_of(&value));
        names.push(name);
    }
    if !names.is_empty() {
        names.sort();
        config = table.try_into().map_err(|source| ConfigError::Environment {
            names: names.join(", "),
            source: Box::new(source),
        })?;
    }
    config.check()?;
    Ok(config)
}

/// Sets the value at the end of a path of keys, making tables on the way.
fn set(table: &mut toml::Table, keys: &[String], value: toml::Value) {
    match keys {
        [] => {}
        [key] => {
            table.insert(key.clone(), value);
        }
        [key, rest @ ..] => {
            let inner =
                table.entry(key.clone()).or_insert_with(|| toml::Value::Table(toml::Table::new()));
            if !inner.is_table() {
                *inner = toml::Value::Table(toml::Table::new());
            }
            if let Some(inner) = inner.as_table_mut() {
                set(inner, rest, value);
            }
        }
    }
}

/// Returns what a variable means: a TOML value if it is one, else its text.
fn value_of(text: &str) -> toml::Value {
    toml::from_str::<toml::Table>(&format!("value = {text}"))
        .ok()
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| toml::Value::String(text.to_owned()))
}

impl Config {
    fn check(&self) -> Result<(), ConfigError> {
        let wrong = |text: String| Err(ConfigError::Contradiction(text));
        for (index, listener) in self.intake.syslog.iter().enumerate() {
            let name = &listener.name;
            if self.intake.syslog.iter().skip(index.saturating_add(1)).any(|it| it.name == *name) {
                return wrong(format!("two syslog listeners are called `{name}`"));
            }
            let has_tls = listener.certificate.is_some() && listener.key.is_some();
            if listener.transport == Transport::Tls && !has_tls {
                return wrong(format!("syslog listener `{name}` needs `certificate` and `key`"));
            }
            if listener.transport == Transport::Udp && !listener.proxy_protocol_from.is_empty() {
                return wrong(format!(
                    "syslog listener `{name}`: `proxy_protocol_from` is for `tcp` and `tls`"
                ));
            }
        }
        for (section, certificate, key) in [
            ("web", &self.web.certificate, &self.web.key),
            ("intake.http", &self.intake.http.certificate, &self.intake.http.key),
        ] {
            if certificate.is_some() != key.is_some() {
                return wrong(format!("`{section}` needs both `certificate` and `key`, or none"));
            }
        }
        if !self.oidc.issuer.is_empty() && self.web.address.is_empty() {
            return wrong(
                "`oidc` needs `address` in [web]: the provider sends people back there".to_owned(),
            );
        }
        if !matches!(self.oidc.claim.as_str(), "preferred_username" | "email") {
            return wrong("`claim` in [oidc] is `preferred_username` or `email`".to_owned());
        }
        if !(1..=120).contains(&self.keeping.months) {
            return wrong("`keeping.months` must be from 1 to 120".to_owned());
        }
        self.outbound.settings().map(drop)?;
        self.lake.check()?;
        self.check_cluster()
    }

    /// Returns how the database is opened.
    pub fn database(&self) -> db::DbSettings {
        if self.database.url.is_empty() {
            db::DbSettings::sqlite(&self.site.data_folder.join("luytre.db"))
        } else {
            db::DbSettings::from_url(&self.database.url)
        }
    }

    /// Returns the pages' address as a browser on this machine would call it.
    pub fn address(&self) -> String {
        let scheme = if self.web.certificate.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.web.listen)
    }

    /// Returns what the operator set for the baselines.
    pub fn baseline_settings(&self) -> detect::BaselineSettings {
        let switch = |own: &BaselineSwitchConfig| detect::BaselineSwitch {
            baseline: own.baseline.clone(),
            source: own.source,
            is_on: own.on,
        };
        let BaselinesConfig { utc_offset_minutes, switches } = &self.baselines;
        let utc_offset_minutes = *utc_offset_minutes;
        detect::BaselineSettings {
            switches: switches.iter().map(switch).collect(),
            utc_offset_minutes,
        }
    }

    /// Returns the folder of files made for people.
    #[must_use]
    pub fn exports_folder(&self) -> PathBuf {
        match (&self.cluster.files_folder, self.cluster.on) {
            (Some(shared), true) => shared.clone(),
            _ => self.site.data_folder.join("exports"),
        }
    }

    /// Returns the spool's folder.
    pub fn spool_folder(&self) -> PathBuf {
        self.site.data_folder.join("spool")
    }

    /// Returns the lake's folder.
    pub fn lake_folder(&self) -> PathBuf {
        self.site.data_folder.join("lake")
    }

    /// Returns what the spool may hold.
    pub fn spool_settings(&self) -> collect::SpoolSettings {
        collect::SpoolSettings {
            segment_bytes: self.spool.segment_bytes,
            disk_bytes_max: self.spool.disk_bytes_max,
            free_bytes_min: self.spool.free_bytes_min,
            compress: self.spool.compress,
            ..collect::SpoolSettings::default()
        }
    }

    /// Returns how the lake is set up.
    ///
    /// # Errors
    ///
    /// When the keys of its store cannot be read.
    pub fn lake_settings(&self) -> Result<::lake::LakeSettings, ConfigError> {
        self.lake.settings(&self.lake_folder())
    }
}
