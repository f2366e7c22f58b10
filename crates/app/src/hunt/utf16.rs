//! UTF-16 → UTF-8, as a stream: what PowerShell's `>` and many exports of Windows write.

use std::io::{self, Read};

/// How the two bytes of a unit stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    /// Returns the order that the mark at the beginning of a text tells of.
    pub(crate) const fn told_by(head: &[u8]) -> Option<Self> {
        match head {
            [0xff, 0xfe, ..] => Some(Self::Little),
            [0xfe, 0xff, ..] => Some(Self::Big),
            _ => None,
        }
    }

    const fn unit(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        }
    }
}

/// Reads a UTF-16 text without its mark; half of a pair becomes U+FFFD.
#[derive(Debug)]
pub(crate) struct Utf16Reader<R> {
    inner: R,
    order: ByteOrder,
    /// What is not used up: an odd byte, the first half of a pair.
    open: Vec<u8>,
    /// What is read and not yet handed on, from this place.
    text: Vec<u8>,
    handed: usize,
    is_over: bool,
}

/// How much is read at a time.
const BLOCK_BYTES: u64 = 32 * 1024;

impl<R: Read> Utf16Reader<R> {
    /// Returns a reader of what follows the mark.
    pub(crate) const fn new(inner: R, order: ByteOrder) -> Self {
        Self { inner, order, open: Vec::new(), text: Vec::new(), handed: 0, is_over: false }
    }

    fn fill(&mut self) -> io::Result<()> {
        let before = self.open.len();
        Read::take(&mut self.inner, BLOCK_BYTES).read_to_end(&mut self.open)?;
        self.is_over = self.open.len() == before;
        let pairs = self.open.chunks_exact(2);
        let mut units: Vec<u16> =
            pairs.filter_map(|pair| Some(self.order.unit(pair.try_into().ok()?))).collect();
        let is_half = units.last().is_some_and(|last| (0xd800..0xdc00).contains(last));
        if is_half && !self.is_over {
            units.pop();
        }
        let used = units.len() * 2;
        let text: String = char::decode_utf16(units)
            .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect();
        self.open.drain(..used);
        self.text = text.into_bytes();
        self.handed = 0;
        Ok(())
    }
}

impl<R: Read> Read for Utf16Reader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.handed == self.text.len() && !self.is_over {
            self.fill()?;
        }
        let mut rest = self.text.get(self.handed..).unwrap_or_default();
        let count = rest.read(buffer)?;
        self.handed += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8], order: ByteOrder) -> String {
        let mut text = String::new();
        Utf16Reader::new(bytes, order).read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn marks_tell_the_order_and_broken_halves_are_no_end() {
        assert_eq!(ByteOrder::told_by(b"\xff\xfea\0"), Some(ByteOrder::Little));
        assert_eq!(ByteOrder::told_by(b"\xfe\xff\0a"), Some(ByteOrder::Big));
        assert_eq!(ByteOrder::told_by(b"{}"), None);
        assert_eq!(read(b"a\0\x00\xd8b\0", ByteOrder::Little), "a\u{fffd}b");
        assert_eq!(read(b"\0a\0", ByteOrder::Big), "a");
    }

    proptest! {
        #[test]
        fn every_text_comes_through(text in any::<String>(), times in 1_usize..4_000) {
            let text = text.repeat(times.min(200_000 / text.len().max(1)));
            for order in [ByteOrder::Little, ByteOrder::Big] {
                let bytes: Vec<u8> = text
                    .encode_utf16()
                    .flat_map(|unit| match order {
                        ByteOrder::Little => unit.to_le_bytes(),
                        ByteOrder::Big => unit.to_be_bytes(),
                    })
                    .collect();
                prop_assert_eq!(read(&bytes, order), text.as_str());
            }
        }
    }
}
