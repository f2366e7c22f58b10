//! What the node that is asked says to a scheduler: here is a plan, how far is it, nobody waits any more.

use std::sync::Arc;
use std::time::Duration;

use arrow::record_batch::RecordBatch;
use ballista_core::client::BallistaClient;
use ballista_core::extension::{BallistaConfigGrpcEndpoint, SessionConfigHelperExt as _};
use ballista_core::serde::protobuf::execute_query_params::Query;
use ballista_core::serde::protobuf::job_status::Status as JobState;
use ballista_core::serde::protobuf::scheduler_grpc_client::SchedulerGrpcClient;
use ballista_core::serde::protobuf::{
    CancelJobParams, CleanJobDataParams, ExecuteQueryParams, PartitionLocation, RemoveSessionParams,
};
use datafusion::prelude::SessionConfig;
use futures::StreamExt as _;
use tokio::runtime::Handle;
use tokio::sync::mpsc::Sender;
use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request};
use uuid::Uuid;

use super::ServeError;
use super::credentials::Credentials;
use super::session::MESSAGE_BYTES_MAX;

/// Metadata of a request that brings a question.
pub(super) const ASKED: &str = "luytre-question";

/// How long a scheduler may take to hear that nobody waits any more.
const ENDING: Duration = Duration::from_secs(5);

/// Why a cluster gave no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClusterError {
    /// It is not there, has no executors, or does not know us.
    #[error("it cannot be asked: {0}")]
    Away(String),
    /// It tried. What it says may hold what stands in events.
    #[error("it failed: {0}")]
    Failed(String),
}

impl From<tonic::Status> for ClusterError {
    fn from(status: tonic::Status) -> Self {
        let mut text = status.message().to_owned();
        let mut cause = std::error::Error::source(&status);
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        match status.code() {
            Code::InvalidArgument | Code::OutOfRange | Code::FailedPrecondition => {
                Self::Failed(text)
            }
            _ => Self::Away(text),
        }
    }
}

/// Returns how a scheduler is reached.
pub(super) fn endpoint(address: &str, credentials: &Credentials) -> Result<Endpoint, ServeError> {
    let wrong = || ServeError::Address { address: address.to_owned() };
    let has_port = address.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let address = format!("{}://{address}", credentials.scheme());
    let endpoint = Endpoint::from_shared(address).ok().filter(|_| has_port);
    let shaped = endpoint.and_then(|endpoint| (credentials.endpoints())(endpoint).ok());
    Ok(shaped.ok_or_else(wrong)?.tcp_nodelay(true))
}

/// A scheduler, as a node sees it.
#[derive(Debug, Clone)]
pub(super) struct Client {
    scheduler: SchedulerGrpcClient<Channel>,
    credentials: Credentials,
    /// Where connections live; questions are answered on threads that have none.
    io: Handle,
}

impl Client {
    /// Connects when it is first used, and again when it must.
    pub(super) fn new(address: &str, credentials: &Credentials) -> Result<Self, ServeError> {
        let channel = endpoint(address, credentials)?.connect_lazy();
        let scheduler = SchedulerGrpcClient::new(channel)
            .max_encoding_message_size(MESSAGE_BYTES_MAX)
            .max_decoding_message_size(MESSAGE_BYTES_MAX);
        Ok(Self { scheduler, credentials: credentials.clone(), io: Handle::current() })
    }

    /// Returns the runtime that a question must be run on.
    pub(super) const fn io(&self) -> &Handle {
        &self.io
    }

    /// Has a plan worked out and sends what comes of it. Dropped before its end, it takes the question back.
    pub(super) async fn run(
        mut self,
        plan: Vec<u8>,
        config: SessionConfig,
        batches: Sender<Result<RecordBatch, ClusterError>>,
    ) {
        if let Err(error) = self.ask(plan, &config, &batches).await {
            // Nobody listens any more: there is nobody to tell.
            drop(batches.send(Err(error)).await);
        }
    }

    async fn ask(
        &mut self,
        plan: Vec<u8>,
        config: &SessionConfig,
        batches: &Sender<Result<RecordBatch, ClusterError>>,
    ) -> Result<(), ClusterError> {
        let session = Uuid::now_v7().to_string();
        let mut request = Request::new(ExecuteQueryParams {
            session_id: session.clone(),
            settings: config.to_key_value_pairs(),
            operation_id: session.clone(),
            query: Some(Query::PhysicalPlan(plan)),
        });
        ballista_core::version::insert_version_header(request.metadata_mut());
        request.metadata_mut().insert(ASKED, MetadataValue::from_static("1"));
        let mut ending = Ending { client: self.clone(), session, job: None, is_answered: false };
        let mut states = self.scheduler.execute_query_push(request).await?.into_inner();
        let locations = loop {
            let next = states.message().await?;
            let Some(told) = next else {
                return Err(ClusterError::Failed("the scheduler said no more".to_owned()));
            };
            let Some(status) = told.status else { continue };
            if !status.job_id.is_empty() {
                ending.job = Some(status.job_id);
            }
            match status.status {
                Some(JobState::Successful(done)) => break done.partition_location,
                Some(JobState::Failed(failed)) => return Err(ClusterError::Failed(failed.error)),
                _ => {}
            }
        };
        for location in locations {
            if !self.fetch(location, batches).await? {
                break;
            }
        }
        ending.is_answered = true;
        Ok(())
    }

    /// Fetches one part of an answer; returns whether anybody wants more.
    async fn fetch(
        &self,
        location: PartitionLocation,
        batches: &Sender<Result<RecordBatch, ClusterError>>,
    ) -> Result<bool, ClusterError> {
        let layout = location.layout();
        let (Some(executor), Some(partition)) = (location.executor_meta, location.partition_id)
        else {
            return Err(ClusterError::Failed("a part of the answer that is nowhere".to_owned()));
        };
        let failed = |error: ballista_core::error::BallistaError| {
            ClusterError::Failed(format!("a part of the answer cannot be fetched: {error}"))
        };
        let port = u16::try_from(executor.port).unwrap_or(0);
        let shape = Arc::new(BallistaConfigGrpcEndpoint::new(self.credentials.endpoints()));
        let mut client = BallistaClient::try_new(
            &executor.host,
            port,
            MESSAGE_BYTES_MAX,
            self.credentials.encrypt(),
            Some(shape),
            1,
            0,
            0,
            0,
        )
        .await
        .map_err(failed)?;
        let mut parts = client
            .fetch_partition(&executor.id, &partition.into(), location.file_id, layout, true)
            .await
            .map_err(failed)?;
        while let Some(batch) = parts.next().await {
            let batch = batch.map_err(|error| ClusterError::Failed(error.to_string()))?;
            if batches.send(Ok(batch)).await.is_err() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Takes a question back, or clears what is left of an answer.
#[derive(Debug)]
struct Ending {
    client: Client,
    session: String,
    job: Option<String>,
    is_answered: bool,
}

impl Drop for Ending {
    fn drop(&mut self) {
        let mut scheduler = self.client.scheduler.clone();
        let (session, job) = (std::mem::take(&mut self.session), self.job.take());
        let is_answered = self.is_answered;
        let told = async move {
            if let Some(job) = job {
                if !is_answered {
                    scheduler.cancel_job(CancelJobParams { job_id: job.clone() }).await?;
                }
                let remove_stage_ids = Vec::new();
                let cleared = CleanJobDataParams { job_id: job, remove_stage_ids };
                scheduler.clean_job_data(cleared).await?;
            }
            scheduler.remove_session(RemoveSessionParams { session_id: session }).await
        };
        self.client.io.spawn(async move {
            if let Ok(Err(error)) = tokio::time::timeout(ENDING, told).await {
                tracing::debug!(%error, "a scheduler was not told that a question is over");
            }
        });
    }
}
