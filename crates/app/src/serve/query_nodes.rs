//! Processes that answer questions for others: the scheduler and the executors of distributed queries. They have no
//! pages and no listeners of their own, and write nothing that must be kept.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use lake::LakeSettings;
use lake::distributed::{ExecutorSettings, QueryExecutor, QueryScheduler, SchedulerSettings};

use super::asked_to_end;
use crate::catalogue::keyring::{self, First};
use crate::config::Config;

/// Serves as the scheduler until the process is asked to end.
///
/// # Errors
///
/// When it cannot listen, or secret or certificate cannot be used.
pub(crate) async fn scheduler(config: &Config) -> Result<()> {
    let own = &config.lake.distributed;
    let scheduler = QueryScheduler::start(SchedulerSettings {
        listen: own.listen,
        credentials: own.credentials()?,
        executor_timeout: Duration::from_secs(own.executor_timeout_s),
    })
    .await
    .context("starting the scheduler")?;
    tracing::info!("scheduler: {}", scheduler.address());
    asked_to_end().await?;
    tracing::info!("ended");
    Ok(())
}

/// Serves as an executor until the process is asked to end.
///
/// # Errors
///
/// When it cannot listen, or secret, certificate, work folder, the store or the keys of the files cannot be used.
pub(crate) async fn executor(config: &Config) -> Result<()> {
    let own = &config.lake.distributed;
    if own.scheduler.is_empty() || !config.lake.has_store() {
        bail!("an executor needs `lake.distributed.scheduler` and `lake.store`");
    }
    let settings = ExecutorSettings {
        scheduler: own.scheduler.clone(),
        listen: own.executor_listen,
        host: own.executor_host.clone(),
        credentials: own.executor_credentials()?,
        work_folder: own
            .work_folder
            .clone()
            .unwrap_or_else(|| config.site.data_folder.join("executor")),
        tasks: own.tasks,
        task_memory_bytes: own.task_memory_bytes,
    };
    let lake = lake_settings(config).await?;
    let executor = QueryExecutor::start(settings, &lake).await.context("starting the executor")?;
    tracing::info!("executor: {}", executor.address());
    asked_to_end().await?;
    executor.stop().await;
    tracing::info!("ended");
    Ok(())
}

/// Returns how the store is read: for encrypted files the keys are wanted, which stand in the database.
async fn lake_settings(config: &Config) -> Result<LakeSettings> {
    if config.lake.encryption.key_file.is_none() {
        return Ok(config.lake_settings()?);
    }
    let db = super::open_db(config).await?;
    keyring::settings(config, &db, First::Leave).await
}
