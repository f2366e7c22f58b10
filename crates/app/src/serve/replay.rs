//! Dead letters, read again: what can be read now goes through the spool like anything new, under
//! the id it always had, so that rules see it too. Scheduled searches whose windows are over are asked
//! again.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use collect::Durable;
use decode::Decoder;
use event::{DeadReason, Frame};
use registry::Replay;
use registry::dead_letter::ReplayError;

use crate::pipeline;

/// Reads dead letters again.
#[derive(Debug)]
pub(crate) struct Replayer {
    pub(crate) db: db::Db,
    pub(crate) durable: Arc<dyn Durable>,
    pub(crate) decoder: Arc<Decoder>,
    pub(crate) registry: Arc<registry::Directory>,
}

#[async_trait]
impl Replay for Replayer {
    async fn replay(&self, frames: Vec<Frame>) -> Result<Vec<Result<(), DeadReason>>, ReplayError> {
        let snapshot = self.registry.snapshot();
        let decoder = Arc::clone(&self.decoder);
        let read = tokio::task::spawn_blocking(move || {
            let answers: Vec<Result<(), DeadReason>> = frames
                .iter()
                .map(|frame| pipeline::decode_one(&decoder, &snapshot, frame).map(drop))
                .collect();
            let readable: Vec<Frame> = frames
                .into_iter()
                .zip(&answers)
                .filter_map(|(frame, answer)| answer.is_ok().then_some(frame))
                .collect();
            (answers, readable)
        });
        let (answers, readable) = read.await.map_err(|error| ReplayError(Box::new(error)))?;
        if !readable.is_empty() {
            self.durable
                .keep(&readable, &[])
                .await
                .map_err(|error| ReplayError(Box::new(error)))?;
            let received: Vec<DateTime<Utc>> =
                readable.iter().map(|frame| frame.collected_at).collect();
            // They are read by now, whatever becomes of this.
            if let Err(error) = respond::saved::ask_again(&self.db, &received).await {
                tracing::error!(
                    error = web::chain(&error),
                    "scheduled searches were not asked again about what was received then"
                );
            }
        }
        Ok(answers)
    }
}
