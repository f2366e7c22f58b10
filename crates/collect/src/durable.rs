//! Where frames become durable: the spool of this machine, or what `app` puts in its place where
//! several machines share one store.

use std::fmt::Debug;

use async_trait::async_trait;
use event::{Frame, SpoolPosition};

use crate::spool::{AppendError, Spool};

/// Makes frames durable before their sender is told.
#[async_trait]
pub trait Durable: Debug + Send + Sync {
    /// Returns when all of these frames are durable, or none is. The mark becomes durable in the same
    /// moment: how far a followed file was read, or the key of a request ([`crate::REQUEST_MARK`]).
    ///
    /// # Errors
    ///
    /// When the frames were not accepted; the caller still has them and may try again.
    async fn keep(&self, frames: &[Frame], mark: &[u8]) -> Result<SpoolPosition, AppendError>;

    /// Returns whether an append of a usual size would be accepted now.
    fn takes_more(&self) -> bool;

    /// Returns how many bytes of a stream may be read while what was read before becomes durable: none where that takes
    /// no longer than a disk does. A stream has no acknowledgement, so its sender loses what was read and not kept if
    /// this machine ends, as it loses what lies in the sockets between.
    fn stream_bytes_ahead(&self) -> usize {
        0
    }
}

#[async_trait]
impl Durable for Spool {
    async fn keep(&self, frames: &[Frame], mark: &[u8]) -> Result<SpoolPosition, AppendError> {
        self.append_marked(frames, mark).await
    }

    fn takes_more(&self) -> bool {
        self.has_room()
    }
}
