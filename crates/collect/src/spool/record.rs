//! One batch on disk: a header with its own checksum, and a payload of frames.
//!
//! ```text
//! header  magic u32 · flags u32 · stored bytes u32 · plain bytes u32 · position u64 · frames u32
//!         · crc of the payload u32 · crc of the header u32                        (36 bytes)
//! payload mark length u32 · mark · frames               (zstd, then encrypted, if the flags say so)
//! frame   id 16 · source 16 · µs i64 · peer tag u8 + 0/4/16 · dead u8 [+ code, detail]
//!         · length u32 · bytes
//! ```
//! All numbers are little-endian. A frame's bytes are slices of the record that was read: no copy.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::{Buf as _, BufMut as _, Bytes};
use chrono::DateTime;
use event::seal::{Seal, SealError};
use event::{DeadReason, EventId, Frame, SourceId};
use uuid::Uuid;

use super::{AppendError, SpoolSettings};

/// Length of a record's header.
pub(super) const HEADER_BYTES: usize = 36;

/// Marks a record's start, so that reading finds its feet again after damage.
const MAGIC: u32 = 0x5542_594c;

/// The payload is compressed with zstd.
const FLAG_ZSTD: u32 = 1;

/// The payload is encrypted, and bound to what the header says of it.
const FLAG_SEALED: u32 = 2;

/// Fast, and already halves the bytes to be synced.
const ZSTD_LEVEL: i32 = 1;

/// Largest payload: one HTTP body with the frames' own fields, doubled for safety.
pub(super) const PAYLOAD_BYTES_MAX: usize = 256 * 1024 * 1024;

/// A batch ready to be written, but for its position.
#[derive(Debug)]
pub(super) struct Encoded {
    flags: u32,
    plain_bytes: u32,
    frames: u32,
    crc: u32,
    payload: Vec<u8>,
}

/// What a header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    flags: u32,
    pub(super) stored_bytes: usize,
    plain_bytes: usize,
    pub(super) position: u64,
    pub(super) frames: u32,
    crc: u32,
}

/// A payload, read back.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) mark: Bytes,
    pub(super) frames: Vec<Frame>,
}

impl Encoded {
    /// Returns the bytes that the batch takes on disk.
    pub(super) fn disk_bytes(&self) -> u64 {
        (HEADER_BYTES as u64).saturating_add(self.payload.len() as u64)
    }

    /// Appends header and payload to `out`.
    pub(super) fn write(&self, position: u64, out: &mut Vec<u8>) {
        let start = out.len();
        out.put_u32_le(MAGIC);
        out.put_u32_le(self.flags);
        out.put_u32_le(u32::try_from(self.payload.len()).unwrap_or(u32::MAX));
        out.put_u32_le(self.plain_bytes);
        out.put_u64_le(position);
        out.put_u32_le(self.frames);
        out.put_u32_le(self.crc);
        let crc = crc32fast::hash(out.get(start..).unwrap_or_default());
        out.put_u32_le(crc);
        out.extend_from_slice(&self.payload);
    }
}

/// Returns the batch as it will lie on disk.
///
/// # Errors
///
/// When it is larger than any record may be, or cannot be encrypted.
pub(super) fn encode(
    frames: &[Frame],
    mark: &[u8],
    settings: &SpoolSettings,
) -> Result<Encoded, AppendError> {
    let plain = encode_plain(frames, mark).ok_or(AppendError::TooLarge)?;
    let (plain_bytes, frames) = (u32::try_from(plain.len()), u32::try_from(frames.len()));
    let (Ok(plain_bytes), Ok(frames)) = (plain_bytes, frames) else {
        return Err(AppendError::TooLarge);
    };
    let (mut flags, mut payload) = match settings.compress.then(|| compressed(&plain)).flatten() {
        Some(packed) => (FLAG_ZSTD, packed),
        None => (0, plain),
    };
    if let Some(seal) = &settings.seal {
        flags |= FLAG_SEALED;
        payload = seal
            .seal(payload, &bound(flags, plain_bytes, frames))
            .map_err(|error| AppendError::Failed(Arc::new(io::Error::other(error))))?;
    }
    let crc = crc32fast::hash(&payload);
    Ok(Encoded { flags, plain_bytes, frames, crc, payload })
}

/// Returns what an encrypted payload is bound to: nobody may say something else of it.
fn bound(flags: u32, plain_bytes: u32, frames: u32) -> [u8; 12] {
    let mut bound = [0; 12];
    let mut rest = bound.as_mut_slice();
    rest.put_u32_le(flags);
    rest.put_u32_le(plain_bytes);
    rest.put_u32_le(frames);
    bound
}

/// Returns the payload compressed, if that makes it smaller.
fn compressed(plain: &[u8]) -> Option<Vec<u8>> {
    let packed = zstd::bulk::compress(plain, ZSTD_LEVEL);
    packed.ok().filter(|packed| packed.len() < plain.len())
}

/// Returns the payload; nothing if it is larger than any record may be.
fn encode_plain(frames: &[Frame], mark: &[u8]) -> Option<Vec<u8>> {
    let estimate = frames.iter().map(|frame| frame.bytes.len().saturating_add(72)).sum::<usize>();
    let mut plain = Vec::with_capacity(estimate.saturating_add(mark.len()).saturating_add(8));
    plain.put_u32_le(u32::try_from(mark.len()).ok()?);
    plain.extend_from_slice(mark);
    for frame in frames {
        encode_frame(frame, &mut plain)?;
    }
    (plain.len() <= PAYLOAD_BYTES_MAX).then_some(plain)
}

fn encode_frame(frame: &Frame, out: &mut Vec<u8>) -> Option<()> {
    out.extend_from_slice(frame.id.uuid().as_bytes());
    out.extend_from_slice(frame.source.uuid().as_bytes());
    out.put_i64_le(frame.collected_at.timestamp_micros());
    match frame.peer {
        None => out.put_u8(0),
        Some(IpAddr::V4(address)) => {
            out.put_u8(4);
            out.extend_from_slice(&address.octets());
        }
        Some(IpAddr::V6(address)) => {
            out.put_u8(16);
            out.extend_from_slice(&address.octets());
        }
    }
    match &frame.dead {
        None => out.put_u8(0),
        Some(reason) => {
            out.put_u8(1);
            put_bytes(reason.code.as_bytes(), out)?;
            put_bytes(reason.detail.as_bytes(), out)?;
        }
    }
    put_bytes(&frame.bytes, out)
}

fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) -> Option<()> {
    out.put_u32_le(u32::try_from(bytes.len()).ok()?);
    out.extend_from_slice(bytes);
    Some(())
}

/// Returns what the header at the start of `bytes` says, if it is whole and its checksum holds.
pub(super) fn header(bytes: &[u8]) -> Option<Header> {
    let mut head = bytes.get(..HEADER_BYTES)?;
    let crc = crc32fast::hash(head.get(..HEADER_BYTES - 4)?);
    if head.get_u32_le() != MAGIC {
        return None;
    }
    let flags = head.get_u32_le();
    let stored_bytes = usize::try_from(head.get_u32_le()).ok()?;
    let plain_bytes = usize::try_from(head.get_u32_le()).ok()?;
    let position = head.get_u64_le();
    let frames = head.get_u32_le();
    let payload_crc = head.get_u32_le();
    let sane = stored_bytes <= PAYLOAD_BYTES_MAX && plain_bytes <= PAYLOAD_BYTES_MAX;
    (head.get_u32_le() == crc && sane).then_some(Header {
        flags,
        stored_bytes,
        plain_bytes,
        position,
        frames,
        crc: payload_crc,
    })
}

/// Returns where the next magic stands in `bytes`, not counting its very start.
pub(super) fn next_magic(bytes: &[u8]) -> Option<usize> {
    let rest = bytes.get(1..)?;
    memchr::memmem::find(rest, &MAGIC.to_le_bytes()).map(|at| at.saturating_add(1))
}

impl Header {
    /// Returns whether this is the payload that the header was written for.
    pub(super) fn fits(&self, payload: &[u8]) -> bool {
        payload.len() == self.stored_bytes && crc32fast::hash(payload) == self.crc
    }

    /// Returns the mark and the frames in a payload whose checksum holds; nothing if it is damaged after all.
    ///
    /// # Errors
    ///
    /// When it is encrypted with a key that is not there.
    pub(super) fn decode(
        &self,
        payload: Bytes,
        seal: Option<&dyn Seal>,
    ) -> Result<Option<Decoded>, SealError> {
        let payload = match self.opened(payload, seal) {
            Err(SealError::Damaged) => return Ok(None),
            opened => opened?,
        };
        Ok(self.unpacked(payload).and_then(|plain| self.decode_plain(plain)))
    }

    fn opened(&self, payload: Bytes, seal: Option<&dyn Seal>) -> Result<Bytes, SealError> {
        if self.flags & FLAG_SEALED == 0 {
            return Ok(payload);
        }
        let seal = seal.ok_or(SealError::NoKey)?;
        let plain_bytes = u32::try_from(self.plain_bytes).map_err(|_large| SealError::Damaged)?;
        seal.open(payload, &bound(self.flags, plain_bytes, self.frames))
    }

    fn decode_plain(&self, plain: Bytes) -> Option<Decoded> {
        let mut plain = plain;
        let mark = take_bytes(&mut plain)?;
        let count = usize::try_from(self.frames).ok()?;
        let mut frames = Vec::with_capacity(count.min(self.plain_bytes));
        for _ in 0..count {
            frames.push(decode_frame(&mut plain)?);
        }
        Some(Decoded { mark, frames })
    }

    fn unpacked(&self, payload: Bytes) -> Option<Bytes> {
        if self.flags & FLAG_ZSTD == 0 {
            return Some(payload);
        }
        zstd::bulk::decompress(&payload, self.plain_bytes).ok().map(Bytes::from)
    }
}

fn decode_frame(plain: &mut Bytes) -> Option<Frame> {
    let id = EventId::from_uuid(take_uuid(plain)?);
    let source = SourceId::from_uuid(take_uuid(plain)?);
    let collected_at = DateTime::from_timestamp_micros(plain.try_get_i64_le().ok()?)?;
    let peer = match plain.try_get_u8().ok()? {
        4 => Some(IpAddr::from(<[u8; 4]>::try_from(take(plain, 4)?.as_ref()).ok()?)),
        16 => Some(IpAddr::from(<[u8; 16]>::try_from(take(plain, 16)?.as_ref()).ok()?)),
        _ => None,
    };
    let dead = match plain.try_get_u8().ok()? {
        0 => None,
        _ => Some(DeadReason { code: take_text(plain)?, detail: take_text(plain)? }),
    };
    let bytes = take_bytes(plain)?;
    Some(Frame { id, source, collected_at, peer, bytes, dead })
}

fn take(plain: &mut Bytes, count: usize) -> Option<Bytes> {
    (plain.len() >= count).then(|| plain.split_to(count))
}

fn take_uuid(plain: &mut Bytes) -> Option<Uuid> {
    Uuid::from_slice(&take(plain, 16)?).ok()
}

fn take_bytes(plain: &mut Bytes) -> Option<Bytes> {
    let count = usize::try_from(plain.try_get_u32_le().ok()?).ok()?;
    take(plain, count)
}

fn take_text(plain: &mut Bytes) -> Option<String> {
    take_bytes(plain).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}
