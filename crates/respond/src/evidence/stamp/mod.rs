//! A time stamp of an authority (RFC 3161) for each piece, where one is configured: asked for in the
//! background after the digest was taken, kept as it came, taken along in the sealed export.

mod store;
mod token;

use async_trait::async_trait;
use db::job::{self, Ended, Handler as JobHandler, JobError, NewJob, Running};
use db::{Actor, AuditEntry, Subject, Tx};
use event::Scope;
use http::{Request, header};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;
use web::figures::vietnam;
use web::outbound::{Outbound, OutboundError};
use web::{Lang, Phrase};

pub(super) use store::{Stamp, get};

use super::model::Item;
use super::receive::subject;
use crate::custody::{self, Act};
use crate::desk::Desk;
use crate::error::RespondError;

/// The kind of job that asks for a stamp.
const KIND: &str = "evidence.stamp";
/// How often an authority is asked that does not answer: for days, with growing waits.
const ATTEMPTS: i32 = 30;

/// The authority that stamps times.
#[derive(Debug, Clone)]
pub struct TimeStamps {
    /// The way out.
    pub outbound: Outbound,
    /// Its address.
    pub url: String,
}

/// Which piece is stamped.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Asked {
    item: Uuid,
}

/// Lets a piece be stamped, where an authority is configured; one that is stamped is left as it is.
pub(super) async fn ask(
    desk: &Desk,
    tx: &Tx,
    scope: &Scope,
    item: &Item,
) -> Result<(), RespondError> {
    if desk.time_stamps.is_none() {
        return Ok(());
    }
    let payload = serde_json::to_value(Asked { item: item.id }).map_err(RespondError::Json)?;
    let new = NewJob::new(KIND, scope, payload)
        .of_agency(item.agency)
        .about(&item.number)
        .attempts(ATTEMPTS)
        .once(&format!("stamp-{}", item.id));
    job::enqueue(tx, &new).await?;
    Ok(())
}

/// Asks for stamps.
#[derive(Debug)]
pub struct StampEvidence {
    /// The store, and the authority.
    pub desk: Desk,
}

/// Why there is no stamp.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("the time-stamping authority cannot be asked")]
    Outbound(#[source] OutboundError),
    #[error("the time-stamping authority answered HTTP {0}")]
    Status(u16),
    #[error("the time-stamping authority gave no time stamp")]
    Token(#[source] token::TokenError),
    #[error("the digest or the address cannot be put into a request")]
    Request,
}

#[async_trait]
impl JobHandler for StampEvidence {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn title_key(&self) -> &'static str {
        "evidence-job-stamp"
    }

    async fn run(&self, job: &Running) -> Result<Ended, JobError> {
        let asked: Asked = job.payload()?;
        let conn = self.desk.db.conn();
        let read = super::store::get(conn, job.scope(), asked.item).await;
        let item = read.map_err(|_| JobError::Refused("evidence-error-gone"))?;
        let Some(sha256) = item.sha256.clone().filter(|_| item.is_sealed()) else {
            return Err(JobError::Refused("evidence-error-gone"));
        };
        let authority = self.desk.time_stamps.clone();
        let authority = authority.ok_or(JobError::Refused("evidence-error-no-authority"))?;
        let link = format!("/evidence/{}", item.id);
        if get(conn, item.id).await.map_err(JobError::failed)?.is_some() {
            return Ok(Ended::with(json!({}), &link));
        }
        let stamp = self.stamped(&authority, sha256).await.map_err(JobError::failed)?;
        job.check()?;
        let tx = self.desk.db.begin().await?;
        let detail = json!({
            "number": item.number, "at": stamp.at, "authority": stamp.authority,
            "serial": stamp.serial, "sha256": stamp.sha256,
        });
        let ended = job.finish(&tx, detail.clone(), &link).await?;
        store::insert(&tx, item.id, &stamp).await.map_err(JobError::failed)?;
        // The chain of custody is a record of the state: its words are Vietnamese.
        let told = Phrase::key("evidence-stamped-record")
            .arg("at", vietnam(stamp.at).format("%H:%M:%S %d/%m/%Y").to_string())
            .arg("authority", stamp.authority.as_str())
            .arg("serial", stamp.serial.as_str())
            .text(Lang::Vi);
        custody::record_platform(&tx, subject(&item), Act::Stamped, &told)
            .await
            .map_err(JobError::failed)?;
        tx.commit(entry(&item, &detail)).await?;
        self.desk.hub.incidents_changed(item.agency);
        Ok(ended)
    }
}

fn entry(item: &Item, detail: &serde_json::Value) -> AuditEntry {
    let about = Subject::new("evidence", item.id);
    let entry =
        AuditEntry::new(Actor::Platform("evidence"), "evidence.stamped", about, detail.clone());
    entry.of_agency(item.agency)
}

impl StampEvidence {
    async fn stamped(&self, authority: &TimeStamps, sha256: String) -> Result<Stamp, Failed> {
        let digest = bytes(&sha256).ok_or(Failed::Request)?;
        let secret = self.desk.db.ids().secret();
        let nonce = secret.first_chunk().copied().ok_or(Failed::Request)?;
        let request = Request::post(&authority.url)
            .header(header::CONTENT_TYPE, "application/timestamp-query")
            .header(header::ACCEPT, "application/timestamp-reply")
            .body(token::request(digest, nonce))
            .map_err(|_| Failed::Request)?;
        let answer = authority.outbound.send(request).await.map_err(Failed::Outbound)?;
        if !answer.status().is_success() {
            return Err(Failed::Status(answer.status().as_u16()));
        }
        let read = token::read(answer.body(), digest, nonce).map_err(Failed::Token)?;
        let host = url_host(&authority.url);
        let name = if read.authority.is_empty() { host } else { read.authority };
        Ok(Stamp {
            sha256,
            answer: answer.into_body(),
            at: read.at,
            received_at: self.desk.db.now(),
            authority: name,
            serial: read.serial,
            policy: read.policy,
        })
    }
}

/// Reads a digest in hexadecimal.
fn bytes(sha256: &str) -> Option<[u8; 32]> {
    let digits: Vec<u32> = sha256.chars().filter_map(|c| c.to_digit(16)).collect();
    let pair = |pair: &[u32]| match pair {
        [high, low] => u8::try_from(high * 16 + low).ok(),
        _ => None,
    };
    let bytes: Option<Vec<u8>> = digits.chunks(2).map(pair).collect();
    bytes?.try_into().ok()
}

/// Returns the host in an address: the authority's name where the token tells none.
fn url_host(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or_default().to_owned()
}
