//! What node, scheduler and executors must agree on: functions, options, and that nothing but the lake
//! can be read.

use std::sync::Arc;
use std::time::Duration;

use ballista_core::extension::SessionConfigExt as _;
use ballista_core::registry::BallistaFunctionRegistry;
use datafusion::common::extensions_options;
use datafusion::common::not_impl_err;
use datafusion::config::ConfigExtension;
use datafusion::error::Result;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::object_store::{ObjectStoreRegistry, ObjectStoreUrl};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::SessionState;
use datafusion::execution::{FunctionRegistry as _, TaskContext};
use datafusion::prelude::{SessionConfig, SessionContext};
use object_store::ObjectStore;
use object_store::memory::InMemory;
use url::Url;

use super::credentials::Credentials;
use crate::ask::functions;

/// Bytes of the largest message between the machines.
pub(super) const MESSAGE_BYTES_MAX: usize = 16 << 20;

extensions_options! {
    /// What travels with a question besides its plan.
    pub(super) struct QuestionOptions {
        /// The longest that one of its tasks may run, in milliseconds.
        pub time_ms: u64, default = 30_000
    }
}

impl ConfigExtension for QuestionOptions {
    const PREFIX: &'static str = "luytre";
}

/// Returns how long one task of a question may run.
pub(super) fn time_of(config: &SessionConfig) -> Duration {
    let options = config.options().extensions.get::<QuestionOptions>();
    Duration::from_millis(options.map_or(30_000, |options| options.time_ms))
}

/// Where the lake's files are, for plans.
pub(super) fn lake_url() -> Result<ObjectStoreUrl> {
    ObjectStoreUrl::parse("lake://events/")
}

/// Returns the options that plans are made, cut and run with.
pub(super) fn config(credentials: &Credentials) -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_option_extension(QuestionOptions::default())
        .upgrade_for_ballista()
        .with_ballista_grpc_client_max_message_size(MESSAGE_BYTES_MAX)
        .with_ballista_override_create_grpc_client_endpoint(credentials.endpoints())
        .with_ballista_use_tls(credentials.encrypt())
        .with_information_schema(false)
        .with_round_robin_repartition(false);
    let options = config.options_mut();
    options.execution.parquet.pushdown_filters = true;
    options.execution.parquet.schema_force_view_types = false;
    // A file is read by one task: two halves of it would each be the whole on the other side.
    options.optimizer.repartition_file_scans = false;
    // What one task learns while it runs does not reach the others.
    options.optimizer.enable_dynamic_filter_pushdown = false;
    config
}

/// Returns the state in which the scheduler reads plans.
pub(super) fn state(config: SessionConfig) -> Result<SessionState> {
    let runtime = closed_runtime(RuntimeEnvBuilder::new())?;
    let mut state = SessionStateBuilder::new()
        .with_default_features()
        .with_config(config)
        .with_runtime_env(runtime)
        .build();
    for function in functions() {
        state.register_udf(Arc::new(function))?;
    }
    Ok(state)
}

/// Returns the functions that executors know.
pub(super) fn registry() -> Result<BallistaFunctionRegistry> {
    Ok(BallistaFunctionRegistry::from(&state(SessionConfig::new())?))
}

/// Returns a context in which foreign bytes are read.
pub(super) fn foreign_context() -> Arc<TaskContext> {
    state(SessionConfig::new())
        .map_or_else(|_| Arc::default(), |state| SessionContext::new_with_state(state).task_ctx())
}

/// Finishes a runtime from which no plan reaches a file or an address.
pub(super) fn closed_runtime(builder: RuntimeEnvBuilder) -> Result<Arc<RuntimeEnv>> {
    builder.with_object_store_registry(Arc::new(OnlyTheLake(Arc::new(InMemory::new())))).build_arc()
}

/// Plans name a store; here they find one with nothing in it: the files are opened by the leaf itself.
#[derive(Debug)]
struct OnlyTheLake(Arc<InMemory>);

impl ObjectStoreRegistry for OnlyTheLake {
    fn register_store(
        &self,
        _url: &Url,
        _store: Arc<dyn ObjectStore>,
    ) -> Option<Arc<dyn ObjectStore>> {
        None
    }

    fn get_store(&self, url: &Url) -> Result<Arc<dyn ObjectStore>> {
        if url.scheme() == "lake" {
            return Ok(Arc::clone(&self.0) as _);
        }
        not_impl_err!("plans read the lake and nothing else")
    }
}
