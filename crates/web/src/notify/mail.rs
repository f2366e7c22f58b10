//! Mail by SMTP (RFC 5321), with the operator's server.

use std::fmt;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};

use super::carrier::{Carrier, CarryError, Letter};

/// Longest wait for each answer of the server.
const TIMEOUT: Duration = Duration::from_secs(20);

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailTls {
    /// TLS from the first byte (RFC 8314, port 465).
    Whole,
    /// STARTTLS, and nothing without it (RFC 3207, port 587).
    Start,
    /// None: a server on this machine or in a closed network.
    None,
}

/// The operator's mail server.
#[derive(Clone)]
pub struct MailSettings {
    /// Its name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub tls: MailTls,
    /// Who we are there; empty: nobody asks.
    pub user: String,
    /// What we prove it with.
    pub password: String,
    /// Who the mail is from: `Lũy Tre <soc@tinh.example>`.
    pub from: String,
    /// Certificates (PEM) of authorities trusted besides the usual ones.
    pub authorities: Vec<Vec<u8>>,
}

/// The password is never printed.
impl fmt::Debug for MailSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailSettings").field("host", &self.host).finish_non_exhaustive()
    }
}

/// Why mail cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The sender's address cannot be read.
    #[error("`{0}` is no address to send mail from")]
    From(String),
    /// Certificates or the server's name cannot be used.
    #[error("the mail server's TLS cannot be set up")]
    Tls(#[source] lettre::transport::smtp::Error),
}

/// Mail.
pub struct Mail {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail").field("from", &self.from).finish_non_exhaustive()
    }
}

impl Mail {
    /// Sets mail up; nothing is sent yet.
    ///
    /// # Errors
    /// When the sender's address or a certificate cannot be read.
    pub fn new(settings: &MailSettings) -> Result<Self, MailError> {
        let from: Mailbox =
            settings.from.parse().map_err(|_| MailError::From(settings.from.clone()))?;
        let parameters = || {
            let mut parameters = TlsParameters::builder(settings.host.clone());
            for authority in &settings.authorities {
                let certificate = Certificate::from_pem(authority).map_err(MailError::Tls)?;
                parameters = parameters.add_root_certificate(certificate);
            }
            parameters.build().map_err(MailError::Tls)
        };
        let tls = match settings.tls {
            MailTls::Whole => Tls::Wrapper(parameters()?),
            MailTls::Start => Tls::Required(parameters()?),
            MailTls::None => Tls::None,
        };
        let mut builder =
            AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(settings.host.as_str())
                .port(settings.port)
                .tls(tls)
                .timeout(Some(TIMEOUT));
        if !settings.user.is_empty() {
            let (user, password) = (settings.user.clone(), settings.password.clone());
            builder = builder.credentials(Credentials::new(user, password));
        }
        Ok(Self { transport: builder.build(), from })
    }
}

#[async_trait]
impl Carrier for Mail {
    async fn carry(&self, letter: &Letter) -> Result<(), CarryError> {
        let refused = |why: String| CarryError::Refused(why);
        let to: Mailbox = letter.to.parse().map_err(|_| refused("no mail address".to_owned()))?;
        let domain = self.from.email.domain();
        let message = Message::builder()
            .message_id(Some(format!("<{}@{domain}>", letter.id)))
            .date(SystemTime::from(letter.written_at))
            .from(self.from.clone())
            .to(to)
            .subject(letter.subject.clone())
            .header(ContentType::TEXT_PLAIN)
            .body(letter.text.clone())
            .map_err(|error| refused(error.to_string()))?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) => Err(failed(&error)),
        }
    }
}

/// Returns what a failure means: an answer to this message, or a broken way.
fn failed(error: &lettre::transport::smtp::Error) -> CarryError {
    let why = crate::chain(error);
    match error.status().map(u16::from) {
        // 421: the service closes; 530 to 538: who we are is not believed. Neither is about this message.
        Some(421 | 530..=538) => CarryError::Down { why, unsure: false },
        Some(_) => CarryError::Refused(why),
        None => CarryError::Down { why, unsure: error.is_timeout() },
    }
}
