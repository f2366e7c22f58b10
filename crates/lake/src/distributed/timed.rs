//! Tasks that end when their question's time is up, whatever they were doing.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use ballista_core::JobId;
use ballista_core::serde::protobuf::{
    RuntimeStatsReport, ShuffleWritePartition, TaskColumnStats, WindowStateReport,
};
use ballista_executor::execution_engine::{ExecutionEngine, QueryStageExecutor};
use datafusion::common::exec_err;
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::MetricsSet;
use datafusion::prelude::SessionConfig;

use super::session::time_of;

/// What an executor has done since it began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WorkDone {
    /// Tasks begun.
    pub begun: u64,
    /// Tasks ended, in whatever way.
    pub ended: u64,
    /// Rows of files that a filter was run on: what the index left over.
    pub rows_filtered: u64,
}

/// Counts it.
#[derive(Debug, Default)]
pub(super) struct Figures {
    begun: AtomicU64,
    ended: AtomicU64,
    rows_filtered: AtomicU64,
}

impl Figures {
    pub(super) fn now(&self) -> WorkDone {
        WorkDone {
            begun: self.begun.load(Ordering::Relaxed),
            ended: self.ended.load(Ordering::Relaxed),
            rows_filtered: self.rows_filtered.load(Ordering::Relaxed),
        }
    }

    fn begin(self: &Arc<Self>) -> Begun {
        self.begun.fetch_add(1, Ordering::Relaxed);
        Begun(Arc::clone(self))
    }
}

/// A task that ends when this is dropped.
struct Begun(Arc<Figures>);

impl Drop for Begun {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}

/// The counters of the Parquet reader that tell on how many rows it ran the filter.
const FILTERED: [&str; 2] = ["pushdown_rows_matched", "pushdown_rows_pruned"];

/// Runs tasks as another engine does, within their time.
pub(super) struct Timed<E> {
    pub(super) engine: E,
    pub(super) figures: Arc<Figures>,
}

impl<E: ExecutionEngine> ExecutionEngine for Timed<E> {
    fn create_query_stage_exec(
        &self,
        job: JobId,
        stage: usize,
        task: usize,
        partitions: Vec<usize>,
        plan: Arc<dyn ExecutionPlan>,
        work_folder: &str,
        config: &SessionConfig,
    ) -> Result<Arc<dyn QueryStageExecutor>> {
        let limit = time_of(config);
        let stage = self.engine.create_query_stage_exec(
            job,
            stage,
            task,
            partitions,
            plan,
            work_folder,
            config,
        )?;
        Ok(Arc::new(TimedStage { stage, limit, figures: Arc::clone(&self.figures) }))
    }
}

#[derive(Debug)]
struct TimedStage {
    stage: Arc<dyn QueryStageExecutor>,
    limit: Duration,
    figures: Arc<Figures>,
}

impl fmt::Display for TimedStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.stage.fmt(f)
    }
}

#[async_trait]
impl QueryStageExecutor for TimedStage {
    async fn execute_query_stage(
        &self,
        task: usize,
        context: Arc<TaskContext>,
    ) -> Result<Vec<ShuffleWritePartition>> {
        let _begun = self.figures.begin();
        let work = self.stage.execute_query_stage(task, context);
        let Ok(done) = tokio::time::timeout(self.limit, work).await else {
            return exec_err!("the question's time was up after {} ms", self.limit.as_millis());
        };
        let metrics = self.stage.collect_plan_metrics();
        let metrics = metrics.iter().flat_map(MetricsSet::iter);
        let filtered = metrics.filter(|metric| FILTERED.contains(&metric.value().name()));
        let rows: usize = filtered.map(|metric| metric.value().as_usize()).sum();
        self.figures.rows_filtered.fetch_add(rows as u64, Ordering::Relaxed);
        done
    }

    fn collect_plan_metrics(&self) -> Vec<MetricsSet> {
        self.stage.collect_plan_metrics()
    }

    fn collect_runtime_stats_reports(&self) -> Vec<RuntimeStatsReport> {
        self.stage.collect_runtime_stats_reports()
    }

    fn collect_window_state_reports(&self) -> Result<Vec<WindowStateReport>> {
        self.stage.collect_window_state_reports()
    }

    fn collect_column_stats(&self) -> Vec<TaskColumnStats> {
        self.stage.collect_column_stats()
    }
}
