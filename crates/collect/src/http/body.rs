//! Reading a body: piece by piece, decompressed on the way, with a cap on its size, on how much it
//! may grow, on how long it may pause, and on what all bodies together take of memory.

use std::io::{self, Write};
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Request, header};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::reply::Refusal;
use crate::limits::{BODY_STALL, GZIP_RATIO_FROM_BYTES, GZIP_RATIO_MAX};

/// A body in memory.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) bytes: Bytes,
    pub(super) headers: HeaderMap,
    pub(super) path: String,
    /// Its share of the memory for bodies; given back when dropped.
    _memory: Option<OwnedSemaphorePermit>,
}

/// Windows of zstd bodies: 8 MiB, what RFC 8878 asks decoders to support.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// Reads the whole body.
pub(super) async fn read(
    request: Request<Body>,
    bytes_max: usize,
    memory: &Arc<Semaphore>,
) -> Result<Received, Refusal> {
    let (parts, mut body) = request.into_parts();
    let sink = Sink::new(bytes_max, Arc::clone(memory));
    let mut unpacker = Unpacker::new(&parts.headers, sink)?;
    loop {
        let frame = match tokio::time::timeout(BODY_STALL, body.frame()).await {
            Err(_elapsed) => return Err(Refusal::TooSlow),
            Ok(None) => break,
            Ok(Some(Err(error))) => {
                return Err(Refusal::Unreadable(format!("the body broke off: {error}")));
            }
            Ok(Some(Ok(frame))) => frame,
        };
        if let Some(chunk) = frame.data_ref() {
            unpacker.push(chunk)?;
        }
    }
    let sink = unpacker.finish()?;
    Ok(Received {
        bytes: Bytes::from(sink.out),
        headers: parts.headers,
        path: parts.uri.path().to_owned(),
        _memory: sink.held,
    })
}

/// What comes out of a body, as far as it may.
struct Sink {
    out: Vec<u8>,
    bytes_max: usize,
    /// Bytes that went into the decompressor.
    packed: usize,
    memory: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
    refusal: Option<Refusal>,
}

impl Sink {
    fn new(bytes_max: usize, memory: Arc<Semaphore>) -> Self {
        Self { out: Vec::new(), bytes_max, packed: 0, memory, held: None, refusal: None }
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        let size = self.out.len().saturating_add(bytes.len());
        if size > self.bytes_max {
            let limit = self.bytes_max;
            return Err(Refusal::TooLarge(format!("the body is larger than {limit} bytes")));
        }
        if size > GZIP_RATIO_FROM_BYTES && size / GZIP_RATIO_MAX > self.packed {
            return Err(Refusal::TooLarge("the body grows too much when unpacked".to_owned()));
        }
        self.hold(size)?;
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    /// Makes sure that this many bytes are held of the common memory.
    fn hold(&mut self, bytes: usize) -> Result<(), Refusal> {
        /// Asked for at a time, in KiB.
        const STEP: usize = 64;
        let held = self.held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let wanted = bytes.div_ceil(1024).next_multiple_of(STEP);
        let Some(more) = wanted.checked_sub(held).filter(|more| *more > 0) else { return Ok(()) };
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        let Ok(permit) = Arc::clone(&self.memory).try_acquire_many_owned(more) else {
            return Err(Refusal::Full);
        };
        match &mut self.held {
            Some(held) => held.merge(permit),
            none => *none = Some(permit),
        }
        Ok(())
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.take(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(refusal) => {
                self.refusal = Some(refusal);
                Err(io::Error::other("the body is over its limit"))
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The way from the bytes on the line to the bytes meant.
enum Unpacker {
    Plain(Sink),
    Gzip(Box<flate2::write::MultiGzDecoder<Sink>>),
    Zlib(Box<flate2::write::ZlibDecoder<Sink>>),
    Zstd(Box<zstd::stream::write::Decoder<'static, Sink>>),
}

impl Unpacker {
    fn new(headers: &HeaderMap, sink: Sink) -> Result<Self, Refusal> {
        let encoding = headers.get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes);
        match encoding.map(<[u8]>::to_ascii_lowercase).as_deref() {
            None | Some(b"" | b"identity") => Ok(Self::Plain(sink)),
            Some(b"gzip" | b"x-gzip") => {
                Ok(Self::Gzip(Box::new(flate2::write::MultiGzDecoder::new(sink))))
            }
            Some(b"deflate") => Ok(Self::Zlib(Box::new(flate2::write::ZlibDecoder::new(sink)))),
            Some(b"zstd") => {
                let mut decoder =
                    zstd::stream::write::Decoder::new(sink).map_err(|error| unreadable(&error))?;
                decoder
                    .set_parameter(zstd::stream::raw::DParameter::WindowLogMax(ZSTD_WINDOW_LOG_MAX))
                    .map_err(|error| unreadable(&error))?;
                Ok(Self::Zstd(Box::new(decoder)))
            }
            Some(other) => Err(Refusal::Unsupported(format!(
                "content encoding `{}` is not taken; use gzip, deflate or zstd",
                String::from_utf8_lossy(other)
            ))),
        }
    }

    fn sink(&mut self) -> &mut Sink {
        match self {
            Self::Plain(sink) => sink,
            Self::Gzip(decoder) => decoder.get_mut(),
            Self::Zlib(decoder) => decoder.get_mut(),
            Self::Zstd(decoder) => decoder.get_mut(),
        }
    }

    fn push(&mut self, chunk: &[u8]) -> Result<(), Refusal> {
        let sink = self.sink();
        sink.packed = sink.packed.saturating_add(chunk.len());
        let written = match self {
            Self::Plain(sink) => sink.write_all(chunk),
            Self::Gzip(decoder) => decoder.write_all(chunk),
            Self::Zlib(decoder) => decoder.write_all(chunk),
            Self::Zstd(decoder) => decoder.write_all(chunk),
        };
        written.map_err(|error| self.refusal(&error))
    }

    fn finish(mut self) -> Result<Sink, Refusal> {
        let finished = match &mut self {
            Self::Plain(_) => Ok(()),
            Self::Gzip(decoder) => decoder.try_finish(),
            Self::Zlib(decoder) => decoder.try_finish(),
            Self::Zstd(decoder) => decoder.flush(),
        };
        if let Err(error) = finished {
            return Err(self.refusal(&error));
        }
        let sink = match self {
            Self::Plain(sink) => Ok(sink),
            Self::Gzip(decoder) => decoder.finish(),
            Self::Zlib(decoder) => decoder.finish(),
            Self::Zstd(decoder) => Ok(decoder.into_inner()),
        };
        sink.map_err(|error| unreadable(&error))
    }

    fn refusal(&mut self, error: &io::Error) -> Refusal {
        self.sink().refusal.take().unwrap_or_else(|| unreadable(error))
    }
}

fn unreadable(error: &io::Error) -> Refusal {
    Refusal::Unreadable(format!("the body cannot be unpacked: {error}"))
}
