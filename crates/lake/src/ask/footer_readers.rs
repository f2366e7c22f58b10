//! Gives `DataFusion` the footers that the lake has read already.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::ParquetFileReaderFactory;
use datafusion::error::Result;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::future::{BoxFuture, FutureExt as _};
use object_store::{ObjectStore, ObjectStoreExt as _, path::Path};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;

use crate::error::StoreError;
use crate::segment::{Footers, SegmentFile};

/// Makes readers of the lake's files.
#[derive(Debug)]
pub(crate) struct FooterReaders {
    store: Arc<dyn ObjectStore>,
    by_path: HashMap<Path, Arc<SegmentFile>>,
    footers: Arc<Footers>,
}

impl FooterReaders {
    pub(crate) fn new(
        store: Arc<dyn ObjectStore>,
        files: &[Arc<SegmentFile>],
        footers: &Arc<Footers>,
    ) -> Self {
        let by_path =
            files.iter().map(|file| (Path::from(file.segment.path.as_str()), Arc::clone(file)));
        Self { store, by_path: by_path.collect(), footers: Arc::clone(footers) }
    }
}

impl ParquetFileReaderFactory for FooterReaders {
    fn create_reader(
        &self,
        _partition: usize,
        file: PartitionedFile,
        _metadata_size_hint: Option<usize>,
        _metrics: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>> {
        let path = file.object_meta.location;
        Ok(Box::new(FooterReader {
            store: Arc::clone(&self.store),
            file: self.by_path.get(&path).cloned(),
            path,
            footers: Arc::clone(&self.footers),
        }))
    }
}

/// Reads one file.
struct FooterReader {
    store: Arc<dyn ObjectStore>,
    path: Path,
    file: Option<Arc<SegmentFile>>,
    footers: Arc<Footers>,
}

fn external(error: impl std::error::Error + Send + Sync + 'static) -> ParquetError {
    ParquetError::External(Box::new(error))
}

impl AsyncFileReader for FooterReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, parquet::errors::Result<Bytes>> {
        async move { self.store.get_range(&self.path, range).await.map_err(external) }.boxed()
    }

    fn get_byte_ranges(
        &mut self,
        ranges: Vec<Range<u64>>,
    ) -> BoxFuture<'_, parquet::errors::Result<Vec<Bytes>>> {
        async move { self.store.get_ranges(&self.path, &ranges).await.map_err(external) }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, parquet::errors::Result<Arc<ParquetMetaData>>> {
        async move {
            let file = self.file.clone().ok_or(ParquetError::EOF("no file of the lake".into()))?;
            let footers = Arc::clone(&self.footers);
            // It may have to come from the store.
            let read = tokio::task::spawn_blocking(move || {
                let footer = footers.of(&file)?;
                Ok(Arc::clone(footer.parquet(&file)?.plain.metadata()))
            });
            read.await.map_err(StoreError::from).and_then(|read| read).map_err(external)
        }
        .boxed()
    }
}
