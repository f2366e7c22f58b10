//! The store as DataFusion's own Parquet reader asks it: reading only, through the same cache.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use object_store::path::Path;
use object_store::{
    Attributes, CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult,
    MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, Result,
};
use parquet::file::reader::Length as _;

use super::Opened;
use crate::segment::SegmentFile;

/// Files by their path below the lake's folder.
#[derive(Debug)]
pub(super) struct SqlStore {
    files: HashMap<String, Arc<SegmentFile>>,
}

impl SqlStore {
    pub(super) fn new(files: &[Arc<SegmentFile>]) -> Self {
        let by_path = |file: &Arc<SegmentFile>| (file.segment.path.clone(), Arc::clone(file));
        Self { files: files.iter().map(by_path).collect() }
    }

    async fn opened<T: Send + 'static>(
        &self,
        location: &Path,
        work: impl FnOnce(&Opened) -> std::io::Result<T> + Send + 'static,
    ) -> Result<T> {
        let not_found = || Error::NotFound {
            path: location.to_string(),
            source: "it is no file of this question".into(),
        };
        let file = self.files.get(location.as_ref()).cloned().ok_or_else(not_found)?;
        let work = tokio::task::spawn_blocking(move || work(&file.open()?));
        work.await?.map_err(|source| Error::Generic { store: "lake", source: source.into() })
    }
}

impl fmt::Display for SqlStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the lake's store")
    }
}

fn reads_only<T>() -> Result<T> {
    Err(Error::NotSupported { source: "questions only read".into() })
}

#[async_trait]
impl ObjectStore for SqlStore {
    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let wanted = options.range.clone();
        let is_head = options.head;
        let (size, range, bytes) = self
            .opened(location, move |file| {
                let size = file.len();
                let range = match wanted {
                    Some(range) => range.as_range(size).map_err(std::io::Error::other)?,
                    None => 0..size,
                };
                let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
                let bytes = if is_head { Bytes::new() } else { file.read(range.start, length)? };
                Ok((size, range, bytes))
            })
            .await?;
        let meta = ObjectMeta {
            location: location.clone(),
            // A file of the lake never changes.
            last_modified: chrono::DateTime::UNIX_EPOCH,
            size,
            e_tag: None,
            version: None,
        };
        let payload = GetResultPayload::Stream(stream::iter([Ok(bytes)]).boxed());
        Ok(GetResult { payload, meta, range, attributes: Attributes::new() })
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let ranges = ranges.to_vec();
        self.opened(location, move |file| {
            let length = |range: &Range<u64>| usize::try_from(range.end - range.start);
            ranges
                .iter()
                .map(|range| file.read(range.start, length(range).unwrap_or(usize::MAX)))
                .collect()
        })
        .await
    }

    async fn put_opts(&self, _: &Path, _: PutPayload, _: PutOptions) -> Result<PutResult> {
        reads_only()
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        reads_only()
    }

    fn delete_stream(
        &self,
        _: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        stream::iter([reads_only()]).boxed()
    }

    fn list(&self, _: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        stream::iter([reads_only()]).boxed()
    }

    async fn list_with_delimiter(&self, _: Option<&Path>) -> Result<ListResult> {
        reads_only()
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        reads_only()
    }
}
