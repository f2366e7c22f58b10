//! What the configuration says of the ways to people.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use ::web::notify::{Carrier, Channel, Gateway, GatewaySettings, Mail, MailSettings, MailTls};
use ::web::outbound::Outbound;
use serde::{Deserialize, Serialize};

use super::ConfigError;

/// The ways to people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NotifyConfig {
    /// Hours after which a message that cannot be sent is given up.
    pub give_up_hours: u32,
    /// Mail.
    pub smtp: SmtpConfig,
    /// Short messages.
    pub sms: GatewayConfig,
    /// Zalo.
    pub zalo: GatewayConfig,
    /// Web push.
    pub push: PushConfig,
}

impl Default for NotifyConfig {
    fn default() -> Self {
        Self {
            give_up_hours: 24,
            smtp: SmtpConfig::default(),
            sms: GatewayConfig::default(),
            zalo: GatewayConfig::default(),
            push: PushConfig::default(),
        }
    }
}

/// Web push.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PushConfig {
    /// How the people of a push service reach ours: `mailto:…` or `https://…`; empty: no web push.
    pub contact: String,
}

/// How the connection to the mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmtpTls {
    /// STARTTLS, and nothing without it.
    #[default]
    Starttls,
    /// TLS from the first byte.
    Tls,
    /// None.
    None,
}

/// The mail server.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SmtpConfig {
    /// Its name; empty: no mail.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub tls: SmtpTls,
    /// Who we are there; empty: nobody asks.
    pub user: String,
    /// What we prove it with.
    pub password: String,
    /// A file that holds it.
    pub password_file: Option<PathBuf>,
    /// Who the mail is from.
    pub from: String,
}

impl Default for SmtpConfig {
    fn default() -> Self {
        Self {
            host: String::new(),
            port: 587,
            tls: SmtpTls::default(),
            user: String::new(),
            password: String::new(),
            password_file: None,
            from: String::new(),
        }
    }
}

/// The password is never printed.
impl std::fmt::Debug for SmtpConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SmtpConfig").field("host", &self.host).finish_non_exhaustive()
    }
}

/// A gateway that takes one HTTP request for each message.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GatewayConfig {
    /// Its address; empty: none.
    pub url: String,
    /// `GET`, `POST` or `PUT`.
    pub method: String,
    /// What the body is.
    pub content_type: String,
    /// The body.
    pub body: String,
    /// Headers by name.
    pub headers: BTreeMap<String, String>,
    /// What the gateway knows us by.
    pub secret: String,
    /// A file that holds it.
    pub secret_file: Option<PathBuf>,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            url: String::new(),
            method: "POST".to_owned(),
            content_type: "application/json".to_owned(),
            body: r#"{"to":"{to}","text":"{text}","id":"{id}"}"#.to_owned(),
            headers: BTreeMap::new(),
            secret: String::new(),
            secret_file: None,
        }
    }
}

/// The secret is never printed, nor what may hold one.
impl std::fmt::Debug for GatewayConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GatewayConfig").finish_non_exhaustive()
    }
}

/// Returns a secret from its file, else the given one.
fn secret(given: &str, file: Option<&PathBuf>) -> Result<String, ConfigError> {
    let Some(path) = file else { return Ok(given.to_owned()) };
    let read = std::fs::read_to_string(path);
    let read = read.map_err(|source| ConfigError::File { path: path.clone(), source })?;
    Ok(read.trim_end_matches(['\r', '\n']).to_owned())
}

impl NotifyConfig {
    /// Returns how long a message is tried.
    pub fn give_up(&self) -> chrono::TimeDelta {
        chrono::TimeDelta::hours(i64::from(self.give_up_hours.max(1)))
    }

    /// Returns the ways out that are set up. `authorities` are certificates (PEM) trusted besides the
    /// usual ones.
    ///
    /// # Errors
    /// Names the section that cannot be used.
    pub fn carriers(
        &self,
        outbound: &Outbound,
        authorities: &[Vec<u8>],
    ) -> Result<BTreeMap<Channel, Arc<dyn Carrier>>, ConfigError> {
        let mut carriers: BTreeMap<Channel, Arc<dyn Carrier>> = BTreeMap::new();
        let wrong = |section: &str, error: &dyn std::error::Error| {
            ConfigError::Contradiction(format!("[notify.{section}] {}", ::web::chain(error)))
        };
        if !self.smtp.host.is_empty() {
            let smtp = &self.smtp;
            let mail = Mail::new(&MailSettings {
                host: smtp.host.clone(),
                port: smtp.port,
                tls: match smtp.tls {
                    SmtpTls::Starttls => MailTls::Start,
                    SmtpTls::Tls => MailTls::Whole,
                    SmtpTls::None => MailTls::None,
                },
                user: smtp.user.clone(),
                password: secret(&smtp.password, smtp.password_file.as_ref())?,
                from: smtp.from.clone(),
                authorities: authorities.to_vec(),
            });
            let mail = mail.map_err(|error| wrong("smtp", &error))?;
            carriers.insert(Channel::Email, Arc::new(mail));
        }
        for (channel, name, given) in
            [(Channel::Sms, "sms", &self.sms), (Channel::Zalo, "zalo", &self.zalo)]
        {
            if given.url.is_empty() {
                continue;
            }
            let settings = GatewaySettings {
                method: given.method.clone(),
                url: given.url.clone(),
                headers: given.headers.clone(),
                content_type: given.content_type.clone(),
                body: given.body.clone(),
                secret: secret(&given.secret, given.secret_file.as_ref())?,
            };
            let gateway = Gateway::new(outbound.clone(), settings);
            let gateway = gateway.map_err(|error| wrong(name, &error))?;
            carriers.insert(channel, Arc::new(gateway));
        }
        Ok(carriers)
    }
}
