//! What the listeners' tests share: an intake in a temporary folder and a directory of two sources.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use event::{Frame, IdSource, SourceId, SystemClock};
use tempfile::TempDir;
use uuid::Uuid;

use crate::{Counters, Intake, SourceDirectory, Spool, SpoolReader, SpoolSettings};

/// The source behind the token `secret` and behind loopback on listeners called `known`.
pub(crate) const SOURCE: SourceId = SourceId::from_uuid(Uuid::from_u128(7));

#[derive(Debug)]
struct TestDirectory;

impl SourceDirectory for TestDirectory {
    fn by_token(&self, token: &str) -> Option<SourceId> {
        (token == "secret").then_some(SOURCE)
    }

    fn by_listener(&self, listener: &str, _peer: IpAddr) -> Option<SourceId> {
        (listener == "known").then_some(SOURCE)
    }
}

/// An intake with the spool's other end.
pub(crate) struct Bench {
    pub(crate) intake: Arc<Intake>,
    pub(crate) spool: Spool,
    pub(crate) reader: SpoolReader,
    pub(crate) folder: TempDir,
}

impl Bench {
    pub(crate) fn new(limits: SpoolSettings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (spool, reader, _) = Spool::open(&folder.path().join("spool"), limits, None).unwrap();
        let intake = Arc::new(Intake {
            durable: Arc::new(spool.clone()),
            directory: Arc::new(TestDirectory),
            counters: Arc::new(Counters::default()),
            clock: Arc::new(SystemClock),
            ids: Arc::new(IdSource::seeded(1)),
        });
        Self { intake, spool, reader, folder }
    }

    /// Returns the next frames, at least `count` of them.
    pub(crate) async fn frames(&mut self, count: usize) -> Vec<Frame> {
        let mut frames = Vec::new();
        while frames.len() < count {
            let next = tokio::time::timeout(Duration::from_mins(2), self.reader.next()).await;
            frames.extend(next.expect("the frames came in time").unwrap().frames);
        }
        frames
    }

    /// Returns the next frames as text, dead ones with their reason's code before them.
    pub(crate) async fn texts(&mut self, count: usize) -> Vec<String> {
        self.frames(count).await.iter().map(text).collect()
    }
}

pub(crate) fn text(frame: &Frame) -> String {
    let text = String::from_utf8_lossy(&frame.bytes);
    match &frame.dead {
        None => text.into_owned(),
        Some(reason) => format!("!{} {text}", reason.code),
    }
}
