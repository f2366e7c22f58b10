//! The leaf of a shipped plan: which rows of which files. It reads nothing itself.
//!
//! Ballista gives each task its part of a leaf by cutting the leaf's list of file groups, and it does so for one
//! kind of leaf: a `DataSourceExec` over a `FileScanConfig`. So ours is one, over a [`FileSource`] of our
//! own: `DataFusion`'s own Parquet source would be written to the wire without the rows that the index
//! left over, and with a filter that is read back against the wrong columns.

use std::fmt;
use std::sync::Arc;

use datafusion::common::stats::Precision;
use datafusion::common::tree_node::{Transformed, TreeNode as _, TreeNodeRecursion};
use datafusion::common::{Statistics, internal_err};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{
    FileGroup, FileOpener, FileScanConfig, FileScanConfigBuilder, FileSource, ParquetSource,
};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::Result;
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use datafusion::physical_plan::{DisplayFormatType, ExecutionPlan, PhysicalExpr};
use datafusion_datasource::TableSchema;
use object_store::ObjectStore;

use super::message::FilePart;
use crate::ask::{PartRead, ScopedExec};
use crate::catalogue::Where;
use crate::schema::SCHEMA;

/// The source of a leaf that is on its way.
#[derive(Debug, Clone)]
pub(super) struct Shipped {
    /// What reads it in the end: columns, filter.
    pub(super) parquet: ParquetSource,
    metrics: ExecutionPlanMetricsSet,
}

impl Shipped {
    pub(super) fn new(parquet: ParquetSource) -> Self {
        Self { parquet, metrics: ExecutionPlanMetricsSet::new() }
    }
}

impl FileSource for Shipped {
    fn create_file_opener(
        &self,
        _store: Arc<dyn ObjectStore>,
        _config: &FileScanConfig,
        _partition: usize,
    ) -> Result<Arc<dyn FileOpener>> {
        internal_err!("a leaf that is on its way was asked for rows")
    }

    fn table_schema(&self) -> &TableSchema {
        self.parquet.table_schema()
    }

    fn with_batch_size(&self, _rows: usize) -> Arc<dyn FileSource> {
        Arc::new(self.clone())
    }

    fn filter(&self) -> Option<Arc<dyn PhysicalExpr>> {
        self.parquet.filter()
    }

    fn projection(&self) -> Option<&ProjectionExprs> {
        self.parquet.projection()
    }

    fn metrics(&self) -> &ExecutionPlanMetricsSet {
        &self.metrics
    }

    fn file_type(&self) -> &'static str {
        "lake"
    }

    fn fmt_extra(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parquet.fmt_extra(format, f)
    }

    /// A file is read by one task: its rows are chosen as a whole.
    fn supports_repartitioning(&self) -> bool {
        false
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.parquet.apply_expressions(f)
    }
}

/// Returns a plan that can be shipped, and how many rows of files it reads; `None` if it reads a file that only
/// this node has.
pub(super) fn ship(plan: Arc<dyn ExecutionPlan>) -> Result<Option<(Arc<dyn ExecutionPlan>, u64)>> {
    let (mut rows, mut is_ours) = (0_u64, true);
    let shipped = plan.transform_up(|node| {
        if let Some(scoped) = node.downcast_ref::<ScopedExec>() {
            // From here on nobody pushes anything down; the border's input may be seen, and must be.
            let Some((input, read)) = ship(Arc::clone(scoped.input()))? else {
                is_ours = false;
                return Ok(Transformed::no(node));
            };
            rows += read;
            return Ok(Transformed::yes(Arc::new(scoped.opened(input)?) as _));
        }
        let Some((config, source)) = files_of(&node) else { return Ok(Transformed::no(node)) };
        let Some(groups) = shipped_groups(config) else {
            is_ours = false;
            return Ok(Transformed::no(node));
        };
        let parts = groups.iter().flat_map(FileGroup::iter);
        rows += parts
            .filter_map(|file| file.extension::<FilePart>())
            .map(FilePart::rows_read)
            .sum::<usize>() as u64;
        let source = Shipped::new(source.clone());
        Ok(Transformed::yes(leaf(config, Arc::new(source), groups)))
    })?;
    Ok(is_ours.then_some((shipped.data, rows)))
}

/// Returns the scan of Parquet files that a node is.
pub(super) fn files_of(node: &Arc<dyn ExecutionPlan>) -> Option<(&FileScanConfig, &ParquetSource)> {
    let config = config_of(node)?;
    Some((config, (config.file_source.as_ref()).downcast_ref::<ParquetSource>()?))
}

/// Returns the leaf on its way that a node is.
pub(super) fn shipped_of(node: &Arc<dyn ExecutionPlan>) -> Option<(&FileScanConfig, &Shipped)> {
    let config = config_of(node)?;
    Some((config, (config.file_source.as_ref()).downcast_ref::<Shipped>()?))
}

fn config_of(node: &Arc<dyn ExecutionPlan>) -> Option<&FileScanConfig> {
    let source = node.downcast_ref::<DataSourceExec>()?.data_source();
    (source.as_ref() as &dyn std::any::Any).downcast_ref::<FileScanConfig>()
}

fn shipped_groups(config: &FileScanConfig) -> Option<Vec<FileGroup>> {
    let group = |group: &FileGroup| group.iter().map(shipped_file).collect::<Option<Vec<_>>>();
    config.file_groups.iter().map(|own| group(own).map(FileGroup::new)).collect()
}

fn shipped_file(file: &PartitionedFile) -> Option<PartitionedFile> {
    if file.range.is_some() {
        // A part by bytes: the wire knows parts by rows only.
        return None;
    }
    let PartRead { file, ranges, rows } = file.extension::<PartRead>()?;
    let segment = &file.segment;
    let part = FilePart {
        id: segment.id,
        day: segment.day,
        size_bytes: segment.size_bytes,
        key: segment.key,
        rows: *rows,
        ranges: ranges.clone(),
    };
    let is_known = segment.lies_in == Where::Store && part.path() == segment.path;
    is_known.then(|| part_file(part))
}

/// Returns a file of a leaf on its way.
pub(super) fn part_file(part: FilePart) -> PartitionedFile {
    PartitionedFile::new(part.path(), part.size_bytes).with_extension(part)
}

/// Returns a leaf over other files, read by another source.
pub(super) fn leaf(
    config: &FileScanConfig,
    source: Arc<dyn FileSource>,
    groups: Vec<FileGroup>,
) -> Arc<dyn ExecutionPlan> {
    let parts = groups.iter().flat_map(FileGroup::iter);
    let rows = parts.filter_map(|file| file.extension::<FilePart>()).map(FilePart::rows_read).sum();
    let statistics =
        Statistics { num_rows: Precision::Inexact(rows), ..Statistics::new_unknown(&SCHEMA) };
    let builder = FileScanConfigBuilder::new(config.object_store_url.clone(), source)
        .with_file_groups(groups)
        .with_limit(config.limit)
        .with_statistics(statistics);
    DataSourceExec::from_data_source(builder.build())
}
