//! Follows log files: from where it stopped, through rotation and truncation.
//!
//! A file is known by its inode and its first bytes, not by its name. How far it was read becomes
//! durable together with the lines (a mark in the spool) and is written to a checkpoint file right
//! after: a crash between the two neither loses nor doubles a line.

mod checkpoint;
mod follower;
mod pattern;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use event::SourceId;
use tokio_util::sync::CancellationToken;

pub use pattern::{Pattern, PatternError};

use crate::intake::Intake;
use checkpoint::Checkpoint;
use follower::Follower;

/// What to follow for one source.
#[derive(Debug, Clone)]
pub struct FileSettings {
    /// Whose lines these are.
    pub source: SourceId,
    /// Which files.
    pub patterns: Vec<Pattern>,
    /// Where it is kept how far each file was read; one file for each source.
    pub checkpoint: PathBuf,
    /// How often files are looked at.
    pub poll: Duration,
    /// Whether files that are there at the very first start are read from their beginning; else
    /// from their end.
    pub from_start: bool,
}

/// Why files cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The checkpoint cannot be read: going on would double or lose lines.
    #[error("cannot read the checkpoint {path}")]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: std::io::Error,
    },
}

/// Follows the files of one source.
#[derive(Debug)]
pub struct FileListener {
    follower: Follower,
}

impl FileListener {
    /// Reads the checkpoint, and over it the spool's marks from the last run (see
    /// [`crate::Recovered::marks`]).
    ///
    /// # Errors
    ///
    /// Returns an error when there is a checkpoint that cannot be read.
    pub fn open(
        settings: FileSettings,
        marks: &[Bytes],
        intake: Arc<Intake>,
    ) -> Result<Self, FollowError> {
        let failed = |source| FollowError::Checkpoint { path: settings.checkpoint.clone(), source };
        let mut checkpoint = Checkpoint::read(&settings.checkpoint).map_err(failed)?;
        checkpoint.advance(settings.source, marks);
        Ok(Self { follower: Follower::new(settings, checkpoint, intake) })
    }

    /// Follows until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            let busy = self.follower.round(&stop).await;
            if stop.is_cancelled() {
                return;
            }
            if !busy {
                tokio::select! {
                    () = tokio::time::sleep(self.follower.poll()) => {}
                    () = stop.cancelled() => return,
                }
            }
        }
    }
}
