//! What a file's own metadata say, read without the rest of its footer: that is large, and a search that
//! finds nothing in a file needs none of it.

use memchr::memmem;
use parquet::file::metadata::ParquetMetaDataReader;
use parquet::file::reader::ChunkReader;

use super::file::{KEY_ATTRS, KEY_INDEX, KEY_LOOSE, KEY_VERSION, key};
use crate::error::StoreError;
use crate::schema::SCHEMA_VERSION;

/// What is told of the index.
pub(super) struct Keys {
    version: Option<String>,
    pub(super) index: Option<String>,
    pub(super) loose: Option<String>,
    pub(super) attrs: Option<String>,
}

/// Bytes from the end of a file in which they are looked for, before all of the footer is read.
const TAIL_BYTES: u64 = 16 << 10;

impl Keys {
    /// Reads them.
    ///
    /// # Errors
    ///
    /// When the file is none of the lake's, or of a newer version of it.
    pub(super) fn of<R: ChunkReader>(file: &R) -> Result<Self, StoreError> {
        let keys = Self::read(file)?;
        match keys.version_number() {
            Some(1..=SCHEMA_VERSION) => Ok(keys),
            Some(found) => Err(StoreError::Version { found, known: SCHEMA_VERSION }),
            None => Err(StoreError::Index),
        }
    }

    /// Returns the version of the file's layout.
    pub(super) fn version_number(&self) -> Option<u32> {
        self.version.as_deref().and_then(|version| version.parse().ok())
    }

    fn read<R: ChunkReader>(file: &R) -> Result<Self, StoreError> {
        let size = file.len();
        let start = size.saturating_sub(TAIL_BYTES);
        let tail = file.get_bytes(start, usize::try_from(size - start).unwrap_or(0))?;
        let in_tail = |name: &str| value_in_footer(&tail, name);
        let found = Self {
            version: in_tail(KEY_VERSION),
            index: in_tail(KEY_INDEX),
            loose: in_tail(KEY_LOOSE),
            attrs: in_tail(KEY_ATTRS),
        };
        if found.version.is_some() && found.index.is_some() && found.attrs.is_some() {
            return Ok(found);
        }
        let metadata = ParquetMetaDataReader::new().parse_and_finish(file)?;
        let whole = |name: &str| key(&metadata, name).map(ToOwned::to_owned);
        Ok(Self {
            version: whole(KEY_VERSION),
            index: whole(KEY_INDEX),
            loose: whole(KEY_LOOSE),
            attrs: whole(KEY_ATTRS),
        })
    }
}

/// Finds a key in the bytes of a footer, and its value behind it: Thrift's compact protocol writes
/// each as a field's byte, the length and the text. Our keys stand behind everything that comes from
/// events (statistics), so the last place is the right one.
fn value_in_footer(bytes: &[u8], name: &str) -> Option<String> {
    const NEXT_FIELD_BINARY: u8 = 0x18;
    let at = memmem::rfind(bytes, name.as_bytes())?;
    let (field, mut rest) = bytes.get(at + name.len()..)?.split_first()?;
    if *field != NEXT_FIELD_BINARY {
        return None;
    }
    let (mut length, mut shift) = (0_usize, 0);
    loop {
        let (byte, after) = rest.split_first()?;
        rest = after;
        length |= usize::from(byte & 0x7f).checked_shl(shift)?;
        shift += 7;
        if byte & 0x80 == 0 {
            break;
        }
    }
    std::str::from_utf8(rest.get(..length)?).ok().map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_of_a_key_is_read_and_nothing_else_taken_for_it() {
        let pair = |name: &str, value: &str| {
            let mut bytes = name.as_bytes().to_vec();
            bytes.push(0x18);
            let length = value.len();
            if length < 128 {
                bytes.push(u8::try_from(length).unwrap());
            } else {
                bytes.extend([
                    u8::try_from(length & 0x7f).unwrap() | 0x80,
                    u8::try_from(length >> 7).unwrap(),
                ]);
            }
            bytes.extend(value.as_bytes());
            bytes
        };
        let long = "x".repeat(300);
        let bytes = [pair("a.b", "from an event"), pair("a.b", &long), b"end".to_vec()].concat();
        assert_eq!(value_in_footer(&bytes, "a.b"), Some(long));
        assert_eq!(value_in_footer(b"a.b\x18\x05abc", "a.b"), None);
        assert_eq!(
            value_in_footer(b"a.b\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "a.b"),
            None
        );
        assert_eq!(value_in_footer(b"a.b=5", "a.b"), None);
        assert_eq!(value_in_footer(b"", "a.b"), None);
    }
}
