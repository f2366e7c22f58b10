//! The lake as a DataFusion table: files that the catalogue names and the batches in memory.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::catalog::memory::MemorySourceConfig;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::Result;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{
    BinaryExpr, Expr, Operator, TableProviderFilterPushDown, TableType,
};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::union::UnionExec;

use super::scoped::{ScopedExec, with_agency};
use crate::schema::{OCCURRED_AT, SCHEMA};
use crate::segment::SegmentFile;

/// What one SQL question sees.
#[derive(Debug)]
pub(super) struct EventsTable {
    pub(super) batches: Vec<RecordBatch>,
    pub(super) segments: Arc<Vec<Arc<SegmentFile>>>,
    pub(super) store: ObjectStoreUrl,
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
        let span = TimeSpan::of(filters);
        let Some(agencies) = &self.agencies else {
            return self.scan_all(state, projection, &span, limit);
        };
        let width = projection.map_or(SCHEMA.fields().len(), Vec::len);
        let columns = with_agency(projection)?;
        let input = self.scan_all(state, Some(&columns), &span, None)?;
        Ok(Arc::new(ScopedExec::new(input, Arc::clone(agencies), width)?))
    }
}

impl EventsTable {
    fn scan_all(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        span: &TimeSpan,
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut groups = vec![FileGroup::default(); state.config().target_partitions().max(1)];
        let mut has_files = false;
        let files = self.segments.iter().filter(|file| span.may_hold(file));
        for (turn, file) in files.enumerate() {
            let part = PartitionedFile::new(file.segment.path.clone(), file.segment.size_bytes);
            let groups_count = groups.len();
            if let Some(group) = groups.get_mut(turn % groups_count) {
                group.push(part);
            }
            has_files = true;
        }
        let memory = MemorySourceConfig::try_new_exec(
            std::slice::from_ref(&self.batches),
            SCHEMA.clone(),
            projection.cloned(),
        )?;
        if !has_files {
            return Ok(memory);
        }
        let source = ParquetSource::new(SCHEMA.clone()).with_enable_page_index(true);
        groups.retain(|group| !group.is_empty());
        let config = FileScanConfigBuilder::new(self.store.clone(), Arc::new(source))
            .with_file_groups(groups)
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        let files: Arc<dyn ExecutionPlan> = DataSourceExec::from_data_source(config);
        UnionExec::try_new(vec![memory, files])
    }
}

/// The span of time that a question's filters leave, in microseconds, both ends inclusive.
#[derive(Debug)]
struct TimeSpan {
    from_us: i64,
    to_us: i64,
}

impl TimeSpan {
    fn of(filters: &[Expr]) -> Self {
        let mut span = Self { from_us: i64::MIN, to_us: i64::MAX };
        for filter in filters {
            // Only what is joined by AND narrows the span; everything else is left to the rows.
            let walked = filter.apply(|expr| match expr {
                Expr::BinaryExpr(binary) if binary.op == Operator::And => {
                    Ok(TreeNodeRecursion::Continue)
                }
                Expr::BinaryExpr(binary) => {
                    span.narrow(binary);
                    Ok(TreeNodeRecursion::Jump)
                }
                _ => Ok(TreeNodeRecursion::Jump),
            });
            debug_assert!(walked.is_ok(), "the walk above returns no error");
        }
        span
    }

    fn narrow(&mut self, binary: &BinaryExpr) {
        let (operator, literal) = match (&*binary.left, &*binary.right) {
            (Expr::Column(column), Expr::Literal(literal, _)) if column.name == OCCURRED_AT => {
                (binary.op, literal)
            }
            (Expr::Literal(literal, _), Expr::Column(column)) if column.name == OCCURRED_AT => {
                match binary.op.swap() {
                    Some(operator) => (operator, literal),
                    None => return,
                }
            }
            _ => return,
        };
        // Nanoseconds round down: a bound that lies between may let one file too many in.
        let time_us = match literal {
            ScalarValue::TimestampMicrosecond(Some(time), _) => *time,
            ScalarValue::TimestampNanosecond(Some(time), _) => time.div_euclid(1000),
            ScalarValue::TimestampMillisecond(Some(time), _) => time.saturating_mul(1000),
            ScalarValue::TimestampSecond(Some(time), _) => time.saturating_mul(1_000_000),
            _ => return,
        };
        match operator {
            Operator::Gt | Operator::GtEq => self.from_us = self.from_us.max(time_us),
            Operator::Lt | Operator::LtEq => self.to_us = self.to_us.min(time_us),
            Operator::Eq => {
                self.from_us = self.from_us.max(time_us);
                self.to_us = self.to_us.min(time_us);
            }
            _ => {}
        }
    }

    fn may_hold(&self, file: &SegmentFile) -> bool {
        file.segment.max_occurred_at.timestamp_micros() >= self.from_us
            && file.segment.min_occurred_at.timestamp_micros() <= self.to_us
    }
}
