//! Our leaf and the border of a scope as bytes, beside what Ballista writes of its own nodes.

use std::collections::BTreeSet;
use std::sync::Arc;

use ballista_core::serde::BallistaPhysicalExtensionCodec;
use datafusion::datasource::physical_plan::{
    FileGroup, FileScanConfigBuilder, FileSource, ParquetSource,
};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::physical_expr::projection::{ProjectionExpr, ProjectionExprs};
use datafusion::physical_plan::ExecutionPlan;
use datafusion_proto::physical_plan::{
    PhysicalExtensionCodec, PhysicalPlanDecodeContext, PhysicalProtoConverterExtension,
};
use prost::Message as _;

use super::files::{StoreFiles, chosen};
use super::leaf::{Shipped, leaf, part_file, shipped_of};
use super::message::{BadLeaf, BorderMessage, FileMessage, FilePart, GroupMessage, LeafMessage};
use super::session::lake_url;
use crate::ask::ScopedExec;
use crate::schema::{SCHEMA, SCHEMA_VERSION};

/// What our nodes begin with; no message of Ballista's does.
const MAGIC: &[u8; 8] = b"LTPLAN01";

/// The kinds of our nodes.
const LEAF: u8 = 1;
/// See [`LEAF`].
const BORDER: u8 = 2;

/// Writes and reads our nodes.
#[derive(Debug)]
pub(crate) struct LakeCodec {
    /// What reads the files, on an executor; nothing where plans only pass through.
    files: Option<StoreFiles>,
    ballista: BallistaPhysicalExtensionCodec,
}

impl LakeCodec {
    /// Returns the codec of a node or scheduler: what it decodes reads nothing.
    pub(super) fn passing() -> Self {
        Self { files: None, ballista: BallistaPhysicalExtensionCodec::default() }
    }

    /// Returns the codec of an executor.
    pub(super) fn reading(files: StoreFiles) -> Self {
        Self { files: Some(files), ballista: BallistaPhysicalExtensionCodec::default() }
    }

    fn encode_leaf(
        &self,
        node: &Arc<dyn ExecutionPlan>,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Option<LeafMessage>> {
        let Some((config, source)) = shipped_of(node) else { return Ok(None) };
        let projection: Vec<&ProjectionExpr> =
            source.parquet.projection().into_iter().flat_map(ProjectionExprs::iter).collect();
        let expression = |expr| converter.physical_expr_to_proto(expr, self);
        let groups = config.file_groups.iter().map(|group| {
            let files = group.iter().map(|file| file.extension::<FilePart>().map(FileMessage::of));
            let files = files.collect::<Option<Vec<_>>>().ok_or(BadLeaf("a file without its rows"));
            files.map(|files| GroupMessage { files }).map_err(bad)
        });
        Ok(Some(LeafMessage {
            columns: SCHEMA_VERSION,
            projection: projection
                .iter()
                .map(|own| expression(&own.expr))
                .collect::<Result<Vec<_>>>()?,
            names: projection.iter().map(|own| own.alias.clone()).collect(),
            predicate: source.filter().as_ref().map(expression).transpose()?,
            limit: config.limit.map(|limit| limit as u64),
            groups: groups.collect::<Result<Vec<_>>>()?,
        }))
    }

    fn decode_leaf(
        &self,
        message: &LeafMessage,
        context: &TaskContext,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        message.check().map_err(bad)?;
        let decoding = PhysicalPlanDecodeContext::new(context, self);
        let expression = |expr| converter.proto_to_physical_expr(expr, &SCHEMA, &decoding);
        let projection = message.projection.iter().zip(&message.names);
        let projection = projection
            .map(|(expr, name)| Ok(ProjectionExpr::new(expression(expr)?, name.clone())))
            .collect::<Result<Vec<_>>>()?;
        let mut parquet = ParquetSource::new(SCHEMA.clone())
            // Granules were left out by our own index.
            .with_enable_page_index(false)
            .with_pushdown_filters(true);
        if let Some(predicate) = message.predicate.as_ref().map(expression).transpose()? {
            parquet = parquet.with_predicate(predicate);
        }
        let parts = message.groups.iter().map(|group| {
            group.files.iter().map(FileMessage::read).collect::<Result<Vec<_>, _>>().map_err(bad)
        });
        let parts = parts.collect::<Result<Vec<Vec<FilePart>>>>()?;
        let limit = message.limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
        if let Some(files) = &self.files {
            parquet = files.reads(parquet, &parts)?;
        }
        let source = parquet
            .try_pushdown_projection(&ProjectionExprs::new(projection))?
            .ok_or(BadLeaf("columns"))
            .map_err(bad)?;
        let (source, groups): (Arc<dyn FileSource>, Vec<FileGroup>) = if self.files.is_some() {
            (source, chosen(parts))
        } else {
            let own = source.as_ref().downcast_ref::<ParquetSource>();
            let own = own.ok_or(BadLeaf("columns")).map_err(bad)?.clone();
            let groups = parts
                .into_iter()
                .map(|files| FileGroup::new(files.into_iter().map(part_file).collect()));
            (Arc::new(Shipped::new(own)), groups.collect())
        };
        let config = FileScanConfigBuilder::new(lake_url()?, Arc::clone(&source));
        Ok(leaf(&config.with_limit(limit).build(), source, groups))
    }
}

fn bad(error: BadLeaf) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

fn decoded<M: prost::Message + Default>(bytes: &[u8]) -> Result<M> {
    M::decode(bytes).map_err(|error| DataFusionError::External(Box::new(error)))
}

impl PhysicalExtensionCodec for LakeCodec {
    fn try_decode(
        &self,
        bytes: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        context: &TaskContext,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(rest) = bytes.strip_prefix(MAGIC) else {
            return self.ballista.try_decode(bytes, inputs, context, converter);
        };
        match (rest.split_first(), inputs) {
            (Some((&LEAF, message)), []) => {
                self.decode_leaf(&decoded(message)?, context, converter)
            }
            (Some((&BORDER, message)), [input]) => {
                let BorderMessage { agencies, width } = decoded(message)?;
                let width = usize::try_from(width).unwrap_or(usize::MAX);
                let agencies: BTreeSet<String> = agencies.into_iter().collect();
                let border = ScopedExec::new(Arc::clone(input), Arc::new(agencies), width)?;
                Ok(Arc::new(border.opened(Arc::clone(input))?))
            }
            _ => Err(bad(BadLeaf("a kind that is not known here"))),
        }
    }

    fn try_encode(
        &self,
        node: Arc<dyn ExecutionPlan>,
        bytes: &mut Vec<u8>,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<()> {
        if let Some(message) = self.encode_leaf(&node, converter)? {
            bytes.extend(MAGIC);
            bytes.push(LEAF);
            bytes.extend(message.encode_to_vec());
            return Ok(());
        }
        if let Some(border) = node.downcast_ref::<ScopedExec>() {
            let agencies = border.agencies().iter().cloned().collect();
            let message = BorderMessage { agencies, width: border.width() as u64 };
            bytes.extend(MAGIC);
            bytes.push(BORDER);
            bytes.extend(message.encode_to_vec());
            return Ok(());
        }
        self.ballista.try_encode(node, bytes, converter)
    }
}

/// Reads foreign bytes as one of our nodes; for a fuzzer. Returns whether it was one.
#[doc(hidden)]
pub fn decode_foreign(bytes: &[u8]) -> bool {
    let codec = LakeCodec::passing();
    let whole = [MAGIC.as_slice(), bytes].concat();
    let converter = datafusion_proto::physical_plan::DefaultPhysicalProtoConverter {};
    let input: Arc<dyn ExecutionPlan> =
        Arc::new(datafusion::physical_plan::empty::EmptyExec::new(SCHEMA.clone()));
    let context = super::session::foreign_context();
    let read = |inputs: &[Arc<dyn ExecutionPlan>]| {
        codec.try_decode(&whole, inputs, &context, &converter).is_ok()
    };
    read(&[]) | read(&[input])
}
