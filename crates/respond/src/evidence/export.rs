//! Taking evidence out sealed: one ZIP with the pieces, their chain of custody, the remarks, and a list of
//! digests that `sha256sum -c` checks.

use std::io::{self, Seek, Write};

use async_trait::async_trait;
use db::job::{Ended, Handler as JobHandler, JobError, Running};
use db::{AuditEntry, Subject};
use event::IncidentId;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use vault::persist;
use web::figures::vietnam;
use web::{Lang, Phrase};
use zip::write::SimpleFileOptions;

use super::look::MANIFEST_NAME;
use super::model::Item;
use super::receive::subject;
use super::{stamp, store};
use crate::actor::Handler;
use crate::custody::{self, Act, Kind};
use crate::desk::Desk;
use crate::error::RespondError;
use crate::file::{Format, Sheet, bytes, sha256};
use crate::files::{Files, KeptFile};
use crate::incident;

/// The kind of job that makes a sealed export.
pub(super) const KIND: &str = "evidence.export";

/// What is taken out, and by whom.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Wanted {
    pub(super) incident: IncidentId,
    pub(super) number: String,
    pub(super) account: event::AccountId,
    pub(super) name: String,
}

/// What came of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Made {
    pub(super) pieces: u64,
    pub(super) size_bytes: u64,
    pub(super) sha256: String,
}

/// Makes sealed exports; they are taken away after a week as other exports are.
#[derive(Debug)]
pub struct ExportEvidence {
    /// The store.
    pub desk: Desk,
}

/// A file on its way into the archive.
enum Part {
    Stored(KeptFile),
    Text(Vec<u8>),
}

#[async_trait]
impl JobHandler for ExportEvidence {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn title_key(&self) -> &'static str {
        "evidence-job-export"
    }

    fn is_long(&self) -> bool {
        true
    }

    async fn run(&self, job: &Running) -> Result<Ended, JobError> {
        let wanted: Wanted = job.payload()?;
        let scope = job.scope().clone();
        let who = Handler { account: wanted.account, name: wanted.name.clone(), scope };
        let gathered = gather(&self.desk, &who, wanted.incident).await;
        let (items, parts) = gathered.map_err(JobError::failed)?;
        if items.is_empty() {
            return Err(JobError::Refused("evidence-error-none"));
        }
        let total = items.iter().map(|item| item.size_bytes).sum();
        job.progress(0, total, "evidence-job-note");
        let (files, id) = (self.desk.files.clone(), job.job().id.uuid());
        let stop = job.stop().clone();
        let packed = tokio::task::spawn_blocking(move || pack(&files, id, parts, &stop));
        let (digest, size_bytes) =
            packed.await.map_err(JobError::failed)?.map_err(JobError::failed)?;
        job.check()?;
        let made = Made { pieces: items.len() as u64, size_bytes, sha256: digest };
        self.end(job, &who, &wanted, (items.as_slice(), &made)).await
    }
}

impl ExportEvidence {
    async fn end(
        &self,
        job: &Running,
        who: &Handler,
        wanted: &Wanted,
        (items, made): (&[Item], &Made),
    ) -> Result<Ended, JobError> {
        let tx = self.desk.db.begin().await?;
        let result = serde_json::to_value(made).map_err(JobError::failed)?;
        let link = format!("/incidents/{}/evidence", wanted.incident);
        let ended = job.finish(&tx, result, &link).await?;
        for item in items {
            custody::record(&tx, who, subject(item), Act::Exported, &made.sha256)
                .await
                .map_err(JobError::failed)?;
        }
        let detail = json!({
            "number": wanted.number, "pieces": made.pieces, "sha256": made.sha256,
            "size_bytes": made.size_bytes,
        });
        let about = Subject::new("incident", wanted.incident);
        let entry = AuditEntry::new(who.actor(), "evidence.export", about, detail);
        let agency = items.first().map(|item| item.agency);
        let entry = agency.into_iter().fold(entry, AuditEntry::of_agency);
        tx.commit(entry).await?;
        Ok(ended)
    }
}

/// Returns a name as it may stand in an archive and in a list of digests.
fn packed_name(item: &Item) -> String {
    format!("evidence/{}-{}", item.number, item.name)
}

async fn gather(
    desk: &Desk,
    who: &Handler,
    id: IncidentId,
) -> Result<(Vec<Item>, Vec<(String, Part)>), RespondError> {
    let conn = desk.db.conn();
    incident::get(conn, &who.scope, id).await?;
    let family = incident::family(conn, id).await?;
    let mut items = store::of_incidents(conn, &family).await?;
    items.retain(Item::is_sealed);
    let (mut parts, mut remarks, mut checks) = (Vec::new(), Vec::new(), Vec::new());
    let head = ["evidence", "at", "who", "act", "sha256", "detail"];
    let mut custody = Sheet { head: head.map(str::to_owned).into(), rows: Vec::new() };
    for item in &items {
        let sha256 = item.sha256.clone().unwrap_or_default();
        parts.push((packed_name(item), Part::Stored(custody::kept(&desk.files, &sha256))));
        if let Some(stamp) = stamp::get(conn, item.id).await? {
            let name = format!("timestamps/{}.tsr", item.number);
            checks.push(format!(
                "openssl ts -verify -in {name} -data '{}' -CAfile tsa-ca.pem\n",
                packed_name(item).replace('\'', "'\\''")
            ));
            parts.push((name, Part::Text(stamp.answer)));
        }
        for line in custody::chain(conn, Kind::Evidence, item.id).await? {
            let at = line.at.to_rfc3339();
            let row = [&item.number, &at, &line.actor, &line.act, &line.sha256, &line.detail];
            custody.rows.push(row.map(Clone::clone).into());
        }
        for note in store::notes(conn, item.id).await? {
            let at = vietnam(note.made_at).format("%H:%M %d/%m/%Y");
            remarks.push(format!("{} · {at} · {}\n{}\n\n", item.number, note.author, note.text));
        }
    }
    if !checks.is_empty() {
        let told = Phrase::key("evidence-stamps-told").text(Lang::Vi);
        let text = format!("{told}\n\n{}", checks.concat());
        parts.push(("timestamps/README.txt".to_owned(), Part::Text(text.into_bytes())));
    }
    parts.push(("custody.csv".to_owned(), Part::Text(bytes(&custody, Format::Csv)?)));
    parts.push(("notes.txt".to_owned(), Part::Text(remarks.concat().into_bytes())));
    Ok((items, parts))
}

/// Packs the parts and the list of their digests; returns digest and size of the archive.
fn pack(
    files: &Files,
    job: Uuid,
    parts: Vec<(String, Part)>,
    stop: &CancellationToken,
) -> io::Result<(String, u64)> {
    std::fs::create_dir_all(files.folder())?;
    let archive = files.export(job);
    let part = archive.name().with_extension("part");
    if files.vault().is_sealing() {
        // What is sealed is not gone back to: sizes stand behind the parts then.
        let writer = zip::ZipWriter::new_stream(files.vault().create(&part, job)?);
        filled(writer, parts, stop)?.into_inner().finish()?;
    } else {
        let file = filled(zip::ZipWriter::new(std::fs::File::create(&part)?), parts, stop)?;
        persist::sync(&file)?;
    }
    files.vault().settle(&part, archive.name())?;
    let stored = custody::digest_of(archive.open()?)?;
    Ok((stored.sha256, stored.size_bytes))
}

/// Writes the parts into an archive, and the list of their digests behind them.
fn filled<W: Write + Seek>(
    mut writer: zip::ZipWriter<W>,
    parts: Vec<(String, Part)>,
    stop: &CancellationToken,
) -> io::Result<W> {
    // Logs shrink, but what was hashed must come out as it went in, from any tool: stored as it is.
    let options = SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Stored)
        .large_file(true);
    let mut manifest = Vec::new();
    for (name, part) in parts {
        if stop.is_cancelled() {
            return Err(io::Error::other("told to stop"));
        }
        writer.start_file(name.as_str(), options).map_err(io::Error::other)?;
        let digest = match part {
            Part::Text(text) => {
                writer.write_all(&text)?;
                sha256(&text)
            }
            Part::Stored(file) => {
                let mut file = custody::Digesting::new(file.open()?);
                io::copy(&mut file, &mut writer)?;
                file.finish()
            }
        };
        manifest.push(format!("{digest}  {name}\n"));
    }
    writer.start_file(MANIFEST_NAME, options).map_err(io::Error::other)?;
    writer.write_all(manifest.concat().as_bytes())?;
    writer.finish().map_err(io::Error::other)
}
