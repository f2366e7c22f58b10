//! The scheduler: takes plans, cuts them into stages, hands tasks to executors that ask for some.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ballista_core::config::TaskSchedulingPolicy;
use ballista_core::serde::protobuf::scheduler_grpc_server::SchedulerGrpcServer;
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::SchedulerConfig;
use ballista_scheduler::scheduler_process::create_scheduler;
use ballista_scheduler::scheduler_server::SchedulerServer;
use datafusion_proto::protobuf::{LogicalPlanNode, PhysicalPlanNode};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Status};

use super::client::ASKED;
use super::codec::LakeCodec;
use super::credentials::Credentials;
use super::session::{self, MESSAGE_BYTES_MAX};
use super::{ServeError, engine};

/// How often dead executors are looked for, in seconds.
const EXPIRY_INTERVAL_S: u64 = 1;

/// How long what was answered may lie about before it is cleared, in seconds: a client clears its own at once.
const FINISHED_S: u64 = 120;

/// How often a task or a stage is tried: an executor may be lost, and then another.
const TRIES: usize = 3;

/// How a scheduler serves.
#[derive(Debug, Clone)]
pub struct SchedulerSettings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// What proves that it belongs to the cluster.
    pub credentials: Credentials,
    /// After how long without a word an executor is given up and its tasks go to others.
    pub executor_timeout: Duration,
}

/// A scheduler that serves until it is dropped.
#[derive(Debug)]
pub struct QueryScheduler {
    address: SocketAddr,
    serving: JoinHandle<()>,
    stop: watch::Sender<bool>,
}

impl QueryScheduler {
    /// Listens and serves.
    ///
    /// # Errors
    ///
    /// When it cannot listen there.
    pub async fn start(settings: SchedulerSettings) -> Result<Self, ServeError> {
        let refused = |source| ServeError::Listen { address: settings.listen, source };
        let listener = TcpListener::bind(settings.listen).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let mut serves = settings.credentials.server()?;
        let server = scheduler(&settings, address).await?;
        let guard = settings.credentials.guard();
        let readiness = server.clone();
        let let_in = move |request: Request<()>| {
            let request = guard(request)?;
            // A question that nobody would work on is told so, before it waits in vain.
            if request.metadata().contains_key(ASKED) && !readiness.is_ready() {
                return Err(Status::unavailable("no executor is there"));
            }
            Ok(request)
        };
        let service = SchedulerGrpcServer::new(server)
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX);
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        let (stop, mut stopped) = watch::channel(false);
        let serving = tokio::spawn(async move {
            let service = InterceptedService::new(service, let_in);
            // Connections end as well, when they have answered.
            let ended = async move { drop(stopped.wait_for(|is_told| *is_told).await) };
            let served =
                serves.add_service(service).serve_with_incoming_shutdown(incoming, ended).await;
            if let Err(error) = served {
                tracing::error!(%error, "the scheduler of distributed queries ended");
            }
        });
        Ok(Self { address, serving, stop })
    }

    /// Returns where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns whether it still serves.
    pub fn is_serving(&self) -> bool {
        !self.serving.is_finished()
    }
}

impl Drop for QueryScheduler {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

async fn scheduler(
    settings: &SchedulerSettings,
    address: SocketAddr,
) -> Result<SchedulerServer<LogicalPlanNode, PhysicalPlanNode>, ServeError> {
    let credentials = settings.credentials.clone();
    let config = SchedulerConfig {
        external_host: address.ip().to_string(),
        bind_host: address.ip().to_string(),
        bind_port: address.port(),
        // Executors ask: so they need no port that takes orders.
        scheduling_policy: TaskSchedulingPolicy::PullStaged,
        executor_timeout_seconds: settings.executor_timeout.as_secs().max(1),
        no_executors_grace_period_seconds: settings.executor_timeout.as_secs().max(1),
        expire_dead_executor_interval_seconds: EXPIRY_INTERVAL_S,
        finished_job_data_clean_up_interval_seconds: FINISHED_S,
        finished_job_state_clean_up_interval_seconds: FINISHED_S,
        task_max_failures: TRIES,
        stage_max_failures: TRIES,
        override_config_producer: Some(Arc::new(move || session::config(&credentials))),
        override_session_builder: Some(Arc::new(session::state)),
        override_physical_codec: Some(Arc::new(LakeCodec::passing())),
        override_create_grpc_client_endpoint: Some(settings.credentials.endpoints()),
        use_tls: settings.credentials.encrypt(),
        ..SchedulerConfig::default()
    };
    let cluster = BallistaCluster::new_from_config(&config).await.map_err(engine)?;
    create_scheduler(cluster, Arc::new(config)).await.map_err(engine)
}
