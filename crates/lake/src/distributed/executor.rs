//! An executor: asks the scheduler for tasks, reads the store, keeps what other stages want in its work
//! folder and hands it out.

use std::fs::File;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arrow_flight::flight_service_server::FlightServiceServer;
use ballista_core::serde::BallistaCodec;
use ballista_core::serde::protobuf::scheduler_grpc_client::SchedulerGrpcClient;
use ballista_core::serde::protobuf::{
    ExecutorOperatingSystemSpecification, ExecutorRegistration, ExecutorStoppedParams,
};
use ballista_core::serde::scheduler::ExecutorSpecification;
use ballista_core::{BALLISTA_PROTOCOL_VERSION, RuntimeProducer};
use ballista_executor::execution_engine::DefaultExecutionEngine;
use ballista_executor::execution_loop::poll_loop;
use ballista_executor::executor::Executor;
use ballista_executor::flight_service::BallistaFlightService;
use ballista_executor::health::ExecutorHealth;
use ballista_executor::metrics::LoggingMetricsCollector;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion_proto::protobuf::{LogicalPlanNode, PhysicalPlanNode};
use futures::FutureExt as _;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Server};
use uuid::Uuid;

use super::client::endpoint;
use super::codec::LakeCodec;
use super::credentials::Credentials;
use super::files::StoreFiles;
use super::session::{self, MESSAGE_BYTES_MAX};
use super::timed::{Figures, Timed, WorkDone};
use super::{ServeError, engine};
use crate::ask::spill;
use crate::encryption::Keyring;
use crate::place::Place;
use crate::settings::LakeSettings;

/// How often an idle executor asks for work: what a question waits for at each of its stages, on average half
/// of it twice.
const ASK_INTERVAL: Duration = Duration::from_millis(25);

/// How often it asks while the scheduler is away.
const AWAY_INTERVAL: Duration = Duration::from_secs(1);

/// How long a scheduler may take to hear that an executor leaves.
const LEAVING: Duration = Duration::from_secs(2);

/// Disk that one task may spill to.
const SPILL_BYTES_MAX: u64 = 4 << 30;

/// Folders below the work folder.
const LAKE_FOLDER: &str = "lake";
const STAGES_FOLDER: &str = "stages";
const SPILL_FOLDER: &str = "spill";
/// Who holds it has the work folder.
const LOCK_FILE: &str = "lock";

/// How an executor serves.
#[derive(Debug, Clone)]
pub struct ExecutorSettings {
    /// The scheduler's address, `host:port`.
    pub scheduler: String,
    /// Where it hands out what it has worked out.
    pub listen: SocketAddr,
    /// Under which name or address others reach it; empty: the address it listens on.
    pub host: String,
    /// What proves that it belongs to the cluster.
    pub credentials: Credentials,
    /// A folder of its own: the store's cache, results between stages, what is spilled.
    pub work_folder: PathBuf,
    /// Tasks at once.
    pub tasks: usize,
    /// Memory that one task may take before it spills.
    pub task_memory_bytes: usize,
}

/// An executor that serves until it is stopped or dropped.
#[derive(Debug)]
pub struct QueryExecutor {
    address: SocketAddr,
    id: String,
    scheduler: Channel,
    tasks: JoinSet<()>,
    figures: Arc<Figures>,
    _lock: File,
}

impl QueryExecutor {
    /// Listens, and begins to ask for work.
    ///
    /// # Errors
    ///
    /// When it cannot listen there, or the work folder or the store cannot be used.
    pub async fn start(
        settings: ExecutorSettings,
        lake: &LakeSettings,
    ) -> Result<Self, ServeError> {
        let refused = |source| ServeError::Listen { address: settings.listen, source };
        let lock = prepare(&settings.work_folder).map_err(|source| ServeError::Folder {
            folder: settings.work_folder.clone(),
            source,
        })?;
        let lake_folder = settings.work_folder.join(LAKE_FOLDER);
        let lake = LakeSettings { folder: lake_folder.clone(), ..lake.clone() };
        let place = Place::open(&lake, lake_folder)?;
        let listener = TcpListener::bind(settings.listen).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let scheduler = endpoint(&settings.scheduler, &settings.credentials)?.connect_lazy();
        let id = format!("luytre-{}", Uuid::now_v7());
        let figures = Arc::new(Figures::default());
        let keys = place.keys().cloned();
        let executor = executor(&settings, &id, (address, keys), Arc::clone(&figures))?;
        let executor = Arc::new(executor);
        let codec = Arc::new(LakeCodec::reading(StoreFiles::new(place)));
        let server = settings.credentials.server()?;
        let mut tasks = JoinSet::new();
        tasks.spawn(hand_out(settings.clone(), server, listener));
        tasks.spawn(work(scheduler.clone(), executor, codec));
        Ok(Self { address, id, scheduler, tasks, figures, _lock: lock })
    }

    /// Returns where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns what it has done so far.
    pub fn work_done(&self) -> WorkDone {
        self.figures.now()
    }

    /// Ends it, and lets the scheduler know: its tasks go to others at once.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
        let mut scheduler = SchedulerGrpcClient::new(self.scheduler.clone());
        let leaves = ExecutorStoppedParams {
            executor_id: self.id.clone(),
            reason: "it was asked to end".to_owned(),
        };
        let told = tokio::time::timeout(LEAVING, scheduler.executor_stopped(leaves)).await;
        if !matches!(told, Ok(Ok(_))) {
            tracing::warn!("the scheduler does not know yet that this executor has ended");
        }
    }
}

/// Makes the work folder, clears what an earlier executor left in it, and takes it.
fn prepare(folder: &Path) -> std::io::Result<File> {
    std::fs::create_dir_all(folder.join(LAKE_FOLDER))?;
    let lock = File::create(folder.join(LOCK_FILE))?;
    lock.try_lock()?;
    for name in [STAGES_FOLDER, SPILL_FOLDER] {
        let path = folder.join(name);
        if path.try_exists()? {
            std::fs::remove_dir_all(&path)?;
        }
        std::fs::create_dir_all(&path)?;
    }
    Ok(lock)
}

fn executor(
    settings: &ExecutorSettings,
    id: &str,
    (address, keys): (SocketAddr, Option<Arc<Keyring>>),
    figures: Arc<Figures>,
) -> Result<Executor, ServeError> {
    let host = match settings.host.as_str() {
        "" => address.ip().to_string(),
        host => host.to_owned(),
    };
    let tasks = settings.tasks.max(1);
    let registration = ExecutorRegistration {
        id: id.to_owned(),
        host: Some(host),
        port: u32::from(address.port()),
        // No port takes orders.
        grpc_port: 0,
        specification: Some(
            ExecutorSpecification::default()
                .with_vcores(u32::try_from(tasks).unwrap_or(u32::MAX))
                .into(),
        ),
        os_info: Some(ExecutorOperatingSystemSpecification::default()),
        ballista_protocol_version: BALLISTA_PROTOCOL_VERSION,
    };
    let spill = settings.work_folder.join(SPILL_FOLDER);
    let memory_bytes = settings.task_memory_bytes;
    let runtime: RuntimeProducer = Arc::new(move |_| {
        let disk = spill::disk(spill.clone(), keys.as_ref(), SPILL_BYTES_MAX)?;
        let builder = RuntimeEnvBuilder::new()
            .with_memory_limit(memory_bytes, 1.0)
            .with_disk_manager_builder(disk);
        session::closed_runtime(builder)
    });
    let credentials = settings.credentials.clone();
    Ok(Executor::new(
        registration,
        &settings.work_folder.join(STAGES_FOLDER).to_string_lossy(),
        runtime,
        Arc::new(move || session::config(&credentials)),
        Arc::new(session::registry().map_err(engine)?),
        Arc::new(LoggingMetricsCollector::default()),
        tasks,
        Arc::new(Timed { engine: DefaultExecutionEngine::new(), figures }),
    ))
}

/// Hands out results to other executors and to the node that asked.
async fn hand_out(settings: ExecutorSettings, mut server: Server, listener: TcpListener) {
    let folder = settings.work_folder.join(STAGES_FOLDER);
    let service = BallistaFlightService::new(folder.to_string_lossy().into_owned());
    let service = FlightServiceServer::new(service)
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX);
    let service = InterceptedService::new(service, settings.credentials.guard());
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let served = server.add_service(service).serve_with_incoming(incoming).await;
    if let Err(error) = served {
        tracing::error!(%error, "the executor hands out nothing any more");
    }
}

/// Asks for work and does it, whatever one piece of it does to us.
async fn work(scheduler: Channel, executor: Arc<Executor>, codec: Arc<LakeCodec>) {
    let logical = Arc::new(ballista_core::serde::BallistaLogicalExtensionCodec::default());
    loop {
        let client = SchedulerGrpcClient::new(scheduler.clone())
            .max_encoding_message_size(MESSAGE_BYTES_MAX)
            .max_decoding_message_size(MESSAGE_BYTES_MAX);
        let codec: BallistaCodec<LogicalPlanNode, PhysicalPlanNode> =
            BallistaCodec::new(logical.clone(), codec.clone());
        let (now, health) = (Arc::new(Notify::new()), ExecutorHealth::new());
        let asking = poll_loop(
            client,
            Arc::clone(&executor),
            codec,
            Some(Arc::clone(&now)),
            None,
            health.clone(),
        );
        let ended = tokio::select! {
            ended = AssertUnwindSafe(asking).catch_unwind() => ended,
            () = remind(&now, &health) => return,
        };
        tracing::error!(ended = ?ended.map_err(|_panic| "panic"), "the executor begins anew");
        tokio::time::sleep(AWAY_INTERVAL).await;
    }
}

/// Lets the executor ask again soon, and says when the scheduler goes and comes.
async fn remind(now: &Notify, health: &ExecutorHealth) {
    let mut was_there = None;
    loop {
        let is_there = health.is_ready();
        if was_there != Some(is_there) {
            match (was_there, is_there) {
                (_, true) => tracing::info!("the scheduler is there"),
                (Some(_), false) => {
                    tracing::warn!("the scheduler is away; asking until it is back");
                }
                (None, false) => {}
            }
            was_there = Some(is_there);
        }
        tokio::time::sleep(if is_there { ASK_INTERVAL } else { AWAY_INTERVAL }).await;
        now.notify_one();
    }
}
