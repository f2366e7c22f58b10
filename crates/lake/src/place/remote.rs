//! The S3 store, with threads of its own: a question that waits for it holds up no other.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt as _;
use object_store::aws::AmazonS3Builder;
use object_store::client::SpawnedReqwestConnector;
use object_store::path::Path as ObjectPath;
use object_store::prefix::PrefixStore;
use object_store::{ClientOptions, ObjectStore, ObjectStoreExt as _, RetryConfig, WriteMultipart};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::runtime::Runtime;

use super::cache::{BLOCK_BYTES, Cache, Part};
use crate::catalogue::SegmentId;
use crate::error::{OpenError, StoreError};
use crate::settings::S3Settings;

/// Folder of the cache, below the lake's.
const CACHE_FOLDER: &str = "cache";

/// Threads that talk to the store.
const THREADS: usize = 2;

/// The longest one request may take, and the longest it is tried again.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// See [`REQUEST_TIMEOUT`].
const RETRY_TIMEOUT: Duration = Duration::from_mins(1);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Parts of a large upload: S3 takes no smaller ones than 5 MiB, and no more than 10,000.
const PUT_PART_BYTES: usize = 8 << 20;

/// Parts of an upload that are under way at once.
const PUT_PARTS_AT_ONCE: usize = 2;

/// Neighbouring blocks that are fetched by one request.
const BLOCKS_AT_ONCE: u64 = 8;

/// The store and what is kept of it here.
#[derive(Debug)]
pub(super) struct Remote {
    store: Arc<dyn ObjectStore>,
    cache: Cache,
    /// `None` only while it is dropped.
    threads: Option<Runtime>,
}

impl Remote {
    pub(super) fn open(settings: &S3Settings, folder: &Path) -> Result<Self, OpenError> {
        let threads = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("lake-store")
            .enable_all()
            .build()
            .map_err(OpenError::Threads)?;
        let path = folder.join(CACHE_FOLDER);
        let cache = Cache::open(&path, settings.cache_bytes)
            .map_err(|source| OpenError::Folder { path, source })?;
        let bucket = bucket(settings, threads.handle().clone()).map_err(OpenError::Store)?;
        let store: Arc<dyn ObjectStore> = match settings.prefix.as_str() {
            "" => bucket,
            prefix => Arc::new(PrefixStore::new(bucket, prefix)),
        };
        Ok(Self { store, cache, threads: Some(threads) })
    }

    /// Puts a local file into the store.
    pub(super) async fn put(&self, local: &Path, path: &str) -> Result<(), StoreError> {
        let at = ObjectPath::from(path);
        let mut file = tokio::fs::File::open(local).await?;
        let size = file.metadata().await?.len();
        if size <= PUT_PART_BYTES as u64 {
            let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
            file.read_to_end(&mut bytes).await?;
            self.store.put(&at, Bytes::from(bytes).into()).await?;
            return Ok(());
        }
        let upload = self.store.put_multipart(&at).await?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, PUT_PART_BYTES);
        loop {
            let mut part = Vec::with_capacity(PUT_PART_BYTES);
            if (&mut file).take(PUT_PART_BYTES as u64).read_to_end(&mut part).await? == 0 {
                break;
            }
            upload.wait_for_capacity(PUT_PARTS_AT_ONCE).await?;
            upload.put(part.into());
        }
        upload.finish().await?;
        Ok(())
    }

    pub(super) async fn has(&self, path: &str) -> io::Result<bool> {
        match self.store.head(&ObjectPath::from(path)).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(
                error @ (object_store::Error::PermissionDenied { .. }
                | object_store::Error::Unauthenticated { .. }),
            ) => Err(io::Error::new(io::ErrorKind::PermissionDenied, error)),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn remove(&self, path: &str) -> Result<(), StoreError> {
        match self.store.delete(&ObjectPath::from(path)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn cached_file(&self, id: SegmentId) -> Option<File> {
        self.cache.whole(id)
    }

    pub(super) fn adopt(&self, id: SegmentId, path: &Path) {
        self.cache.adopt(id, path);
    }

    pub(super) fn forget(&self, id: SegmentId) {
        self.cache.forget_file(id);
    }

    /// Returns blocks `first..=last` of a file, from here where they are kept. Blocks the thread.
    pub(super) fn blocks(
        &self,
        (id, path): (SegmentId, &str),
        size_bytes: u64,
        (first, last): (u64, u64),
    ) -> io::Result<Vec<Bytes>> {
        let mut blocks = Vec::new();
        let mut next = first;
        while next <= last {
            if let Some(bytes) = self.cache.block(Part { id, block: Some(next) }) {
                blocks.push(bytes);
                next += 1;
                continue;
            }
            let end = last.min(next + BLOCKS_AT_ONCE - 1);
            let range = next * BLOCK_BYTES..((end + 1) * BLOCK_BYTES).min(size_bytes);
            let mut bytes = self.fetch(path, range)?;
            while !bytes.is_empty() {
                let length = bytes.len().min(usize::try_from(BLOCK_BYTES).unwrap_or(usize::MAX));
                let block = bytes.split_to(length);
                self.cache.keep_block(Part { id, block: Some(next) }, &block);
                blocks.push(block);
                next += 1;
            }
        }
        Ok(blocks)
    }

    /// Returns checksum and size of an object, read whole. Blocks the thread.
    pub(super) fn digest(&self, path: &str) -> io::Result<(String, u64)> {
        let closed = || io::Error::other("the lake's store is closed");
        let threads = self.threads.as_ref().ok_or_else(closed)?;
        let (store, at) = (Arc::clone(&self.store), ObjectPath::from(path));
        let (answer, answered) = std::sync::mpsc::sync_channel(1);
        threads.spawn(async move {
            let digest = async {
                let (mut hash, mut size_bytes) = (Sha256::new(), 0);
                let mut parts = store.get(&at).await?.into_stream();
                while let Some(part) = parts.try_next().await? {
                    size_bytes += part.len() as u64;
                    hash.update(&part);
                }
                Ok::<_, object_store::Error>((hex::encode(hash.finalize()), size_bytes))
            };
            drop(answer.send(digest.await));
        });
        Ok(answered.recv().map_err(|_gone| closed())??)
    }

    /// Writes an object to a local file.
    pub(super) async fn fetch_to(&self, path: &str, to: &Path) -> io::Result<()> {
        let mut parts = self.store.get(&ObjectPath::from(path)).await?.into_stream();
        let mut file = tokio::fs::File::create(to).await?;
        while let Some(part) = parts.try_next().await? {
            file.write_all(&part).await?;
        }
        file.sync_all().await
    }

    fn fetch(&self, path: &str, range: std::ops::Range<u64>) -> io::Result<Bytes> {
        let closed = || io::Error::other("the lake's store is closed");
        let threads = self.threads.as_ref().ok_or_else(closed)?;
        let (store, at) = (Arc::clone(&self.store), ObjectPath::from(path));
        let wanted = range.end - range.start;
        // A channel, not `block_on`: this may be called on a thread of another runtime.
        let (answer, answered) = std::sync::mpsc::sync_channel(1);
        threads.spawn(async move {
            let bytes = store.get_range(&at, range).await;
            drop(answer.send(bytes));
        });
        let bytes = answered.recv_timeout(RETRY_TIMEOUT + REQUEST_TIMEOUT);
        let bytes = bytes.map_err(|_timeout| io::Error::from(io::ErrorKind::TimedOut))??;
        if bytes.len() as u64 != wanted {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(bytes)
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        if let Some(threads) = self.threads.take() {
            // A runtime must not be waited for inside another.
            threads.shutdown_background();
        }
    }
}

fn bucket(
    settings: &S3Settings,
    handle: tokio::runtime::Handle,
) -> Result<Arc<dyn ObjectStore>, object_store::Error> {
    let client = ClientOptions::new()
        .with_timeout(REQUEST_TIMEOUT)
        .with_connect_timeout(CONNECT_TIMEOUT)
        .with_allow_http(settings.endpoint.starts_with("http://"));
    let retry = RetryConfig { retry_timeout: RETRY_TIMEOUT, ..RetryConfig::default() };
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(&settings.bucket)
        .with_region(&settings.region)
        .with_access_key_id(&settings.access_key_id)
        .with_secret_access_key(&settings.secret_access_key)
        .with_client_options(client)
        .with_retry(retry)
        .with_http_connector(SpawnedReqwestConnector::new(handle));
    if !settings.endpoint.is_empty() {
        builder = builder.with_endpoint(&settings.endpoint);
    }
    Ok(Arc::new(builder.build()?))
}
