//! The cluster, as questions see it: worth asking or not, there or away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use arrow::record_batch::RecordBatch;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionConfig;
use datafusion_proto::physical_plan::AsExecutionPlan as _;
use datafusion_proto::protobuf::PhysicalPlanNode;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::JoinSet;

use super::client::{Client, ClusterError};
use super::codec::LakeCodec;
use super::leaf::ship;
use super::session::{self, MESSAGE_BYTES_MAX};
use super::{ClusterSettings, ServeError};

/// What a message holds beside the plan: options.
const BESIDE_PLAN_BYTES: usize = 256 << 10;

/// Batches of an answer that may wait here.
const WAITING_BATCHES: usize = 4;

/// Rows in memory, in bytes: of more than this, what a question wants of them is hardly ever small enough to travel.
pub(crate) const MEMORY_BYTES_MAX: usize = 128 << 20;

/// A cluster that questions may be sent to.
#[derive(Debug)]
pub(crate) struct Cluster {
    client: Client,
    settings: ClusterSettings,
    codec: LakeCodec,
    is_away: AtomicBool,
    answers: AtomicU64,
}

impl Cluster {
    /// Returns the cluster of a scheduler; nobody is asked yet.
    pub(crate) fn new(settings: &ClusterSettings) -> Result<Self, ServeError> {
        Ok(Self {
            client: Client::new(&settings.scheduler, &settings.credentials)?,
            settings: settings.clone(),
            codec: LakeCodec::passing(),
            is_away: AtomicBool::new(false),
            answers: AtomicU64::new(0),
        })
    }

    /// Returns the options that a question must be planned with.
    pub(crate) fn config(&self) -> SessionConfig {
        session::config(&self.settings.credentials)
            .with_target_partitions(self.settings.partitions.max(1))
    }

    /// Returns a plan as it goes over the wire; `None` if it stays here: it reads files that only this node has,
    /// or too little to be worth it, or cannot be written down.
    pub(crate) fn worth_sending(&self, plan: Arc<dyn ExecutionPlan>) -> Option<Vec<u8>> {
        let shipped = match ship(plan) {
            Ok(shipped) => shipped,
            Err(error) => {
                tracing::debug!(%error, "a question stays here");
                return None;
            }
        };
        let (plan, rows) = shipped?;
        // What is known without reading, as the count of all events, is known here.
        if rows < self.settings.rows_min.max(1) {
            return None;
        }
        let mut bytes = Vec::new();
        let written = PhysicalPlanNode::try_from_physical_plan(plan, &self.codec)
            .and_then(|message| message.try_encode(&mut bytes));
        match written {
            Ok(()) if bytes.len() + BESIDE_PLAN_BYTES <= MESSAGE_BYTES_MAX => Some(bytes),
            Ok(()) => {
                tracing::debug!(bytes = bytes.len(), "a question is too large to be sent");
                None
            }
            Err(error) => {
                tracing::debug!(%error, "a question cannot be sent");
                None
            }
        }
    }

    /// Sends a plan. What comes of it comes one by one; dropped, the question is taken back.
    pub(crate) fn send(&self, plan: Vec<u8>, config: SessionConfig, time: Duration) -> Coming {
        let mut config = config;
        let time_ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        if let Some(options) = config.options_mut().extensions.get_mut::<session::QuestionOptions>()
        {
            options.time_ms = time_ms;
        }
        let (sender, batches) = channel(WAITING_BATCHES);
        let mut work = JoinSet::new();
        work.spawn_on(self.client.clone().run(plan, config, sender), self.client.io());
        Coming { batches, _work: work }
    }

    /// Notes that it answered.
    pub(crate) fn answered(&self) {
        self.answers.fetch_add(1, Ordering::Relaxed);
        if self.is_away.swap(false, Ordering::Relaxed) {
            tracing::info!(scheduler = self.settings.scheduler, "the cluster answers again");
        }
    }

    /// Returns how many questions it has answered.
    pub(crate) fn answers(&self) -> u64 {
        self.answers.load(Ordering::Relaxed)
    }

    /// Notes that it did not. That it is away is said once, until it answers again.
    pub(crate) fn failed(&self, error: &(dyn std::error::Error + 'static)) {
        let scheduler = &self.settings.scheduler;
        if let Some(ClusterError::Failed(_)) = error.downcast_ref() {
            // Often the question's own fault: it is told to who asked, by this node's own answer.
            tracing::debug!(scheduler, %error, "the cluster failed at a question");
        } else if !self.is_away.swap(true, Ordering::Relaxed) {
            tracing::warn!(scheduler, %error, "the cluster is away; this node answers by itself");
        }
    }
}

/// An answer on its way.
#[derive(Debug)]
pub(crate) struct Coming {
    batches: Receiver<Result<RecordBatch, ClusterError>>,
    /// Ends with this.
    _work: JoinSet<()>,
}

impl Coming {
    /// Returns the next part; `None` is the end.
    pub(crate) async fn next(&mut self) -> Option<Result<RecordBatch, ClusterError>> {
        self.batches.recv().await
    }
}
