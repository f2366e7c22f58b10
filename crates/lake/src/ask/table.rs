//! The lake as a DataFusion table: files that the catalogue names and the batches in memory.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use datafusion::catalog::memory::MemorySourceConfig;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{ScalarValue, Statistics};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::ParquetRowSelection;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::union::UnionExec;
use object_store::ObjectStore;
use parquet::arrow::arrow_reader::RowSelection;

use super::footer_readers::FooterReaders;
use super::prune::Pruning;
use super::scoped::{ScopedExec, with_agency};
use crate::error::StoreError;
use crate::schema::{COLLECTED_AT, OCCURRED_AT, SCHEMA};
use crate::segment::{Footers, SegmentFile, granule_rows};

/// What one SQL question sees.
#[derive(Debug)]
pub(super) struct EventsTable {
    pub(super) batches: Vec<RecordBatch>,
    pub(super) segments: Arc<Vec<Arc<SegmentFile>>>,
    pub(super) store: ObjectStoreUrl,
    /// The files behind that address.
    pub(super) files: Arc<dyn ObjectStore>,
    pub(super) footers: Arc<Footers>,
    /// The agencies whose events are to be seen; `None` is all.
    pub(super) agencies: Option<Arc<BTreeSet<String>>>,
}

#[async_trait]
impl TableProvider for EventsTable {
    fn schema(&self) -> SchemaRef {
        SCHEMA.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let parts = self.parts(Pruning::of(filters)).await?;
        let Some(agencies) = &self.agencies else {
            return self.scan_all(state, projection, parts, limit);
        };
        let width = projection.map_or(SCHEMA.fields().len(), Vec::len);
        let columns = with_agency(projection)?;
        let input = self.scan_all(state, Some(&columns), parts, None)?;
        Ok(Arc::new(ScopedExec::new(input, Arc::clone(agencies), width)?))
    }
}

impl EventsTable {
    /// Returns the parts of files that may have rows of the answer. What must be known of a file for that
    /// may have to come from the store.
    async fn parts(&self, pruning: Pruning) -> Result<Vec<PartitionedFile>> {
        let files: Vec<Arc<SegmentFile>> =
            self.segments.iter().filter(|file| pruning.may_hold(file)).cloned().collect();
        let footers = Arc::clone(&self.footers);
        let work = tokio::task::spawn_blocking(move || {
            let parts = files.iter().filter_map(|file| part(file, &footers, &pruning).transpose());
            parts.collect::<Result<Vec<_>, StoreError>>()
        });
        work.await.map_err(StoreError::from).and_then(|parts| parts).map_err(external)
    }

    /// Returns what is in memory: of it only the columns that are asked for, because it may have to travel.
    fn memory(&self, projection: Option<&Vec<usize>>) -> Result<Arc<dyn ExecutionPlan>> {
        let columns = projection.cloned().unwrap_or((0..SCHEMA.fields().len()).collect());
        let schema = Arc::new(SCHEMA.project(&columns)?);
        let batches = self.batches.iter().filter(|batch| batch.num_rows() > 0);
        let batches =
            batches.map(|batch| batch.project(&columns)).collect::<Result<Vec<_>, _>>()?;
        Ok(MemorySourceConfig::try_new_exec(&[batches], schema, None)?)
    }

    fn scan_all(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        parts: Vec<PartitionedFile>,
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let memory = self.memory(projection)?;
        if parts.is_empty() {
            return Ok(memory);
        }
        let is_memory_empty = self.batches.iter().all(|batch| batch.num_rows() == 0);
        let mut groups = vec![FileGroup::default(); state.config().target_partitions().max(1)];
        let groups_count = groups.len();
        let mut rows = Precision::Exact(0);
        for (turn, part) in parts.into_iter().enumerate() {
            let own = part.statistics.as_ref().map_or(Precision::Absent, |own| own.num_rows);
            rows = rows.add(&own);
            if let Some(group) = groups.get_mut(turn % groups_count) {
                group.push(part);
            }
        }
        groups.retain(|group| !group.is_empty());
        let readers = FooterReaders::new(Arc::clone(&self.files), &self.segments, &self.footers);
        let source = ParquetSource::new(SCHEMA.clone())
            // Granules were left out by our own index.
            .with_enable_page_index(false)
            .with_parquet_file_reader_factory(Arc::new(readers));
        let config = FileScanConfigBuilder::new(self.store.clone(), Arc::new(source))
            .with_file_groups(groups)
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .with_statistics(Statistics { num_rows: rows, ..Statistics::new_unknown(&SCHEMA) })
            .build();
        let files: Arc<dyn ExecutionPlan> = DataSourceExec::from_data_source(config);
        if is_memory_empty {
            return Ok(files);
        }
        UnionExec::try_new(vec![memory, files])
    }
}

/// What is read of a file, for who must tell another machine.
#[cfg(feature = "distributed")]
#[derive(Debug, Clone)]
pub(crate) struct PartRead {
    pub(crate) file: Arc<SegmentFile>,
    /// Rows, ascending; `None` is all.
    pub(crate) ranges: Option<Vec<std::ops::Range<usize>>>,
    /// All that the file has.
    pub(crate) rows: usize,
}

/// Returns the part of a file that may have rows of the answer.
fn part(
    file: &Arc<SegmentFile>,
    footers: &Footers,
    pruning: &Pruning,
) -> Result<Option<PartitionedFile>, StoreError> {
    let footer = footers.of(file)?;
    let granules = pruning.granules(file, &footer)?;
    if granules.is_empty() {
        return Ok(None);
    }
    let all_rows = footer.granules.last().map_or(0, |granule| granule.rows.end);
    let rows: usize = granules.iter().map(|granule| granule.rows.len()).sum();
    let is_whole = rows == all_rows;
    let count = if is_whole { Precision::Exact(rows) } else { Precision::Inexact(rows) };
    let mut part = PartitionedFile::new(file.segment.path.clone(), file.segment.size_bytes)
        .with_statistics(Arc::new(statistics(file, count)));
    let ranges = (!is_whole).then(|| granule_rows(granules));
    if let Some(ranges) = &ranges {
        let ranges = ranges.iter().cloned();
        let selection = RowSelection::from_consecutive_ranges(ranges, all_rows);
        part = part.with_extension(ParquetRowSelection::new(selection));
    }
    #[cfg(feature = "distributed")]
    let part = part.with_extension(PartRead { file: Arc::clone(file), ranges, rows: all_rows });
    Ok(Some(part))
}

/// Returns what is known of a file's rows before they are read.
fn statistics(file: &SegmentFile, rows: Precision<usize>) -> Statistics {
    let mut statistics = Statistics { num_rows: rows, ..Statistics::new_unknown(&SCHEMA) };
    let time = |time: DateTime<Utc>| {
        let time_us = Some(time.timestamp_micros());
        Precision::Exact(ScalarValue::TimestampMicrosecond(time_us, Some("UTC".into())))
    };
    let columns = [
        (OCCURRED_AT, file.segment.min_occurred_at, file.segment.max_occurred_at),
        (COLLECTED_AT, file.segment.min_collected_at, file.segment.max_collected_at),
    ];
    for (name, min, max) in columns {
        let column = SCHEMA.index_of(name).ok();
        let column = column.and_then(|column| statistics.column_statistics.get_mut(column));
        if let Some(column) = column {
            column.null_count = Precision::Exact(0);
            column.min_value = time(min);
            column.max_value = time(max);
        }
    }
    statistics
}

fn external(error: StoreError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
