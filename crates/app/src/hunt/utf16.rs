//! UTF-16 → UTF-8, as a stream: what PowerShell's `>` and many exports of Windows write.

use std::io;

use super::rewritten::Rewrite;

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

/// Takes a text without its mark; half of a pair becomes U+FFFD.
impl Rewrite for ByteOrder {
    fn rewrite(&mut self, open: &mut Vec<u8>, is_over: bool, text: &mut Vec<u8>) -> io::Result<()> {
        let pairs = open.chunks_exact(2);
        let mut units: Vec<u16> =
            pairs.filter_map(|pair| Some(self.unit(pair.try_into().ok()?))).collect();
        let is_half = units.last().is_some_and(|last| (0xd800..0xdc00).contains(last));
        if is_half && !is_over {
            units.pop();
        }
        open.drain(..units.len() * 2);
        let chars = char::decode_utf16(units);
        let chars = chars.map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER));
        text.extend_from_slice(chars.collect::<String>().as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use proptest::prelude::*;

    use super::super::rewritten::Rewritten;
    use super::*;

    fn read(bytes: &[u8], order: ByteOrder) -> String {
        let mut text = String::new();
        Rewritten::new(bytes, order).read_to_string(&mut text).unwrap();
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
