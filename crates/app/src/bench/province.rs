//! The throw-away province that is measured: one agency with an HTTP and a syslog source.

use anyhow::{Context as _, Result};
use db::Db;
use event::SourceId;
use registry::demo::{self, Sender, SenderBy};

/// Its file, in the shape of `content/demo/province.toml`. The generator sends from loopback itself.
const PROVINCE: &str = r#"
    name = "Bench"
    system = []

    [[agency]]
    code = "bench"
    name = "Bench"
    kind = "other"
    phone = ""
    email = ""
    address = ""

    [[source]]
    code = "http"
    agency = "bench"
    name = "http"
    kind = "http"
    parser = "auto"
    host = "bench"
    silence_minutes = 1440

    [[source]]
    code = "syslog"
    agency = "bench"
    name = "syslog"
    kind = "syslog"
    parser = "auto"
    host = "bench"
    address = "127.0.0.1"
    silence_minutes = 1440
"#;

/// What the senders need.
#[derive(Debug, Clone)]
pub(crate) struct Province {
    /// The HTTP source.
    pub(crate) http: SourceId,
    /// Its token.
    pub(crate) token: String,
    /// The syslog source.
    pub(crate) syslog: SourceId,
}

/// Writes the province into the empty database of the bench.
pub(crate) async fn found(db: &Db) -> Result<Province> {
    let senders = demo::seed(db, &demo::Province::read(PROVINCE)?).await?;
    let named = |code: &str| senders.iter().find(|sender| sender.code == code);
    let http = named("http").context("the bench has no HTTP source")?;
    let syslog = named("syslog").context("the bench has no syslog source")?;
    let token = token(http).context("the bench's HTTP source has no token")?;
    Ok(Province { http: http.id, token, syslog: syslog.id })
}

fn token(sender: &Sender) -> Option<String> {
    match &sender.by {
        SenderBy::Token(token) => Some(token.reveal().to_owned()),
        SenderBy::Address(_) => None,
    }
}
