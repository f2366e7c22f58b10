//! Brings flat JSON lines in: old logs, events made elsewhere.

use std::io::BufRead;
use std::sync::Arc;

use event::lake::LakeError;
use event::{IdSource, Origin};
use serde::Serialize;

use crate::catalogue::SegmentId;
use crate::error::StoreError;
use crate::lake::{Lake, blocking};
use crate::rows::FlatDefaults;
use crate::segment::SegmentFile;
use crate::store::bring_in;

/// How lines are brought in.
#[derive(Debug, Clone)]
pub struct LinesSettings {
    /// Whose events are that do not say so.
    pub origin: Origin,
    /// Threads that read and write.
    pub threads: usize,
}

/// What was brought in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct BroughtIn {
    /// Events that are in the lake now.
    pub events: u64,
    /// Lines that are no JSON object, or name a member twice.
    pub refused: u64,
    /// Files that hold them.
    pub files: u64,
    /// Their size.
    pub size_bytes: u64,
}

impl Lake {
    /// Brings flat JSON lines in, past the spool: all that are objects, or on an error none. A member
    /// that is named like a column, an attribute or its OCSF path goes there, every other one is an own
    /// field; the record is `raw`, or without it `message`, or without either the line. Durable, and
    /// to be found, when this returns.
    ///
    /// # Errors
    ///
    /// When the input, the disk, the store or the catalogue fails.
    pub async fn import_lines(
        &self,
        input: impl BufRead + Send + 'static,
        settings: &LinesSettings,
    ) -> Result<BroughtIn, LakeError> {
        let now = self.now();
        let defaults = FlatDefaults { origin: settings.origin, collected_at: now };
        let (target, threads) = (self.place.target(), settings.threads);
        let ids = IdSource::from_os();
        let next_id = move || SegmentId::from_uuid(ids.uuid(now));
        let (segments, refused) =
            blocking(move || bring_in(&target, input, &defaults, threads, next_id)).await?;
        self.publish(&segments).await?;
        self.catalogue.commit(&segments, &[], None).await.map_err(StoreError::from)?;
        self.place.settle(&segments);
        let brought = BroughtIn {
            events: segments.iter().map(|segment| segment.rows).sum(),
            refused,
            files: u64::try_from(segments.len()).unwrap_or(u64::MAX),
            size_bytes: segments.iter().map(|segment| segment.size_bytes).sum(),
        };
        let files = segments
            .into_iter()
            .map(|segment| Arc::new(SegmentFile::new(&self.place, segment)))
            .collect();
        self.state.lock().change_segments(files, &[]);
        Ok(brought)
    }
}
