//! The border of a scope in a SQL plan.
//!
//! Rows that a scope does not see end here, before any expression of the question is run on them:
//! even an error message ("cannot cast '…' to a number") must not tell of them. The optimiser cannot
//! look below, so it cannot move a question's filter beneath the border.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use arrow::array::{AsArray as _, BooleanArray};
use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::exec_err;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PhysicalExpr, PlanProperties,
};
use futures::StreamExt as _;

use crate::schema::{AGENCY_ID, SCHEMA};

/// A plan that gives the rows of some agencies only.
#[derive(Debug)]
pub(crate) struct ScopedExec {
    input: Arc<dyn ExecutionPlan>,
    /// Whether others may see the input: nobody optimises any more, and it must be taken apart.
    #[cfg(feature = "distributed")]
    is_open: bool,
    agencies: Arc<BTreeSet<String>>,
    /// The columns that go on, of the input's.
    columns: Vec<usize>,
    properties: Arc<PlanProperties>,
}

/// Returns the columns that must be read so that the rows can be told apart, the asked ones first.
pub(super) fn with_agency(projection: Option<&Vec<usize>>) -> Result<Vec<usize>> {
    let agency = SCHEMA.index_of(AGENCY_ID)?;
    let mut columns = projection.cloned().unwrap_or((0..SCHEMA.fields().len()).collect());
    if !columns.contains(&agency) {
        columns.push(agency);
    }
    Ok(columns)
}

impl ScopedExec {
    /// Limits a plan that reads [`with_agency`]'s columns; the first `width` of them go on.
    pub(crate) fn new(
        input: Arc<dyn ExecutionPlan>,
        agencies: Arc<BTreeSet<String>>,
        width: usize,
    ) -> Result<Self> {
        if width > input.schema().fields().len() {
            return exec_err!("a border wider than what lies behind it");
        }
        let columns: Vec<usize> = (0..width).collect();
        let schema = Arc::new(input.schema().project(&columns)?);
        let of_input = input.properties();
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            of_input.partitioning.clone(),
            of_input.emission_type,
            of_input.boundedness,
        );
        Ok(Self {
            input,
            #[cfg(feature = "distributed")]
            is_open: false,
            agencies,
            columns,
            properties: Arc::new(properties),
        })
    }
}

/// What travels: the border between machines is the border here.
#[cfg(feature = "distributed")]
impl ScopedExec {
    /// Returns what lies behind the border.
    pub(crate) fn input(&self) -> &Arc<dyn ExecutionPlan> {
        &self.input
    }

    /// Returns whose rows go on.
    pub(crate) fn agencies(&self) -> &BTreeSet<String> {
        &self.agencies
    }

    /// Returns how many columns go on.
    pub(crate) fn width(&self) -> usize {
        self.columns.len()
    }

    /// Returns the same border before another input, which others may see.
    pub(crate) fn opened(&self, input: Arc<dyn ExecutionPlan>) -> Result<Self> {
        let same = Self::new(input, Arc::clone(&self.agencies), self.columns.len())?;
        Ok(Self { is_open: true, ..same })
    }
}

/// Returns the visible rows of a batch, and of them the columns that go on.
fn visible(
    batch: &RecordBatch,
    agencies: &BTreeSet<String>,
    columns: &[usize],
) -> Result<RecordBatch> {
    let ids = batch.column_by_name(AGENCY_ID).and_then(|column| column.as_string_opt::<i32>());
    let Some(ids) = ids else { return exec_err!("events without an agency") };
    let is_visible: BooleanArray =
        ids.iter().map(|id| Some(id.is_some_and(|id| agencies.contains(id)))).collect();
    Ok(filter_record_batch(batch, &is_visible)?.project(columns)?)
}

impl DisplayAs for ScopedExec {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ScopedExec: {} agencies", self.agencies.len())
    }
}

impl ExecutionPlan for ScopedExec {
    fn name(&self) -> &'static str {
        "ScopedExec"
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(self.properties.eq_properties.schema())
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    /// None, as far as the optimiser is told.
    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        #[cfg(feature = "distributed")]
        if self.is_open {
            return vec![&self.input];
        }
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        #[cfg(feature = "distributed")]
        if let (true, [input]) = (self.is_open, children.as_slice()) {
            return Ok(Arc::new(self.opened(Arc::clone(input))?));
        }
        drop(children);
        Ok(self)
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let (agencies, columns) = (Arc::clone(&self.agencies), self.columns.clone());
        let batches = self.input.execute(partition, context)?;
        let batches = batches.map(move |batch| visible(&batch?, &agencies, &columns));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), batches)))
    }
}
