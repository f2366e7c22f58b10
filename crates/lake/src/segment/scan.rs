//! Looks through the pages of the records for a text without making rows of them: most pages do not
//! have it, and unpacking is then all that they cost.

use std::ops::Range;
use std::sync::Arc;

use memchr::memmem::Finder;
use parquet::basic::Encoding;
use parquet::column::page::{Page, PageReader as _};
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::page_index::offset_index::PageLocation;
use parquet::file::serialized_reader::SerializedPageReader;
use regex::bytes::{Regex, RegexBuilder};

use super::{Footer, Granule, SegmentFile};
use crate::error::StoreError;
use crate::limits::ROW_GROUP_ROWS;
use crate::place::Opened;
use crate::schema::{EXTRA_TEXT, RAW};

/// A folded text in plain ASCII that rows must hold.
#[derive(Debug, Clone)]
pub(crate) struct Needle {
    any_case: Regex,
    folded: Finder<'static>,
}

impl Needle {
    /// Returns the needle of a folded text; `None` where pages cannot be asked for it.
    pub(crate) fn new(folded: &str) -> Option<Self> {
        if folded.len() < 2 || !folded.is_ascii() {
            return None;
        }
        let any_case = RegexBuilder::new(&regex::escape(folded))
            .unicode(false)
            .case_insensitive(true)
            .build()
            .ok()?;
        Some(Self { any_case, folded: Finder::new(folded).into_owned() })
    }

    /// Returns how many bytes the text has.
    pub(crate) fn bytes(&self) -> usize {
        self.folded.needle().len()
    }

    /// Returns where the text stands first from a byte on, in any case of its letters.
    pub(crate) fn find_from(&self, bytes: &[u8], from: usize) -> Option<Range<usize>> {
        (from <= bytes.len())
            .then(|| self.any_case.find_at(bytes, from))?
            .map(|place| place.range())
    }

    /// Returns whether the text may stand in another once that is folded: a letter with a mark folds to a plain one.
    pub(crate) fn may_be_in(&self, text: &str) -> bool {
        !text.is_ascii() || (text.len() >= self.bytes() && self.any_case.is_match(text.as_bytes()))
    }

    /// Returns whether a page of plain texts, each after its length in four bytes, may hold it.
    fn in_page(&self, bytes: &[u8]) -> bool {
        if self.any_case.is_match(bytes) {
            return true;
        }
        if bytes.is_ascii() {
            return false;
        }
        // A letter with a mark folds to a plain one: such records are looked at one by one.
        let mut rest = bytes;
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
            let Some((text, next)) = after.split_at_checked(length) else { return true };
            if !text.is_ascii() {
                let folded = event::fold::fold(&String::from_utf8_lossy(text));
                if self.folded.find(folded.as_bytes()).is_some() {
                    return true;
                }
            }
            rest = next;
        }
        false
    }
}

/// Returns whether a granule's records, or the values beside them, may hold the text.
pub(crate) fn granule_may_have(
    file: &SegmentFile,
    footer: &Footer,
    open: &Arc<Opened>,
    granule: &Granule,
    needle: &Needle,
) -> Result<bool, StoreError> {
    let parquet = footer.parquet(file)?;
    let metadata = parquet.plain.metadata();
    let number = granule.rows.start / ROW_GROUP_ROWS;
    let first = number * ROW_GROUP_ROWS;
    let rows = granule.rows.start - first..granule.rows.end - first;
    let (Some(group), Some(pages)) = (
        metadata.row_groups().get(number),
        metadata.offset_index().and_then(|index| index.get(number)),
    ) else {
        return Ok(true);
    };
    for (column, name) in group.columns().iter().enumerate() {
        let name = (name.column_path().string(), pages.get(column));
        let (true, Some(index)) = (name.0 == RAW || name.0 == EXTRA_TEXT, name.1) else { continue };
        let is_plain = name.0 == RAW;
        for (place, page) in index.page_locations().iter().enumerate() {
            let end = index.page_locations().get(place + 1).map(|next| next.first_row_index);
            if !overlaps(&rows, page.first_row_index, end.unwrap_or(group.num_rows())) {
                continue;
            }
            let read = read_page(open, group, column, (index.page_locations(), place))?;
            let Some((bytes, encoding)) = read else { return Ok(true) };
            let found = match (is_plain, encoding) {
                (true, Encoding::PLAIN) => needle.in_page(&bytes),
                // Beside the records stand folded values, after the levels of their column.
                (false, Encoding::PLAIN) => needle.any_case.is_match(&bytes),
                _ => true,
            };
            if found {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn overlaps(rows: &Range<usize>, first: i64, end: i64) -> bool {
    let at = |row: i64| usize::try_from(row).unwrap_or(0);
    at(first) < rows.end && rows.start < at(end)
}

/// Unpacks one page of values, by its place among the column's; `None` where they are codes of a
/// dictionary.
fn read_page(
    open: &Arc<Opened>,
    group: &RowGroupMetaData,
    column: usize,
    (pages, place): (&[PageLocation], usize),
) -> Result<Option<(bytes::Bytes, Encoding)>, StoreError> {
    let rows = usize::try_from(group.num_rows()).unwrap_or(0);
    let Some(chunk) = group.columns().get(column) else { return Ok(None) };
    if chunk.dictionary_page_offset().is_some() {
        return Ok(None);
    }
    let mut reader =
        SerializedPageReader::new(Arc::clone(open), chunk, rows, Some(pages.to_vec()))?;
    for _ in 0..place {
        reader.skip_next_page()?;
    }
    match reader.get_next_page()? {
        Some(Page::DataPage { buf, encoding, .. }) => Ok(Some((buf, encoding))),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(texts: &[&str]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for text in texts {
            bytes.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
            bytes.extend(text.as_bytes());
        }
        bytes
    }

    #[test]
    fn a_page_has_what_one_of_its_texts_has_when_folded() {
        let bytes = page(&["Failed password", "Đăng nhập THẤT bại", "tha\u{302}\u{301}t lac"]);
        for found in ["failed pass", "that bai", "dang nhap", "lac", "that lac"] {
            assert!(Needle::new(found).unwrap().in_page(&bytes), "{found}");
        }
        for missing in ["accepted", "bai lac", "nhap bai"] {
            assert!(!Needle::new(missing).unwrap().in_page(&bytes), "{missing}");
        }
        assert!(Needle::new("x").is_none());
        assert!(Needle::new("网络").is_none());
    }
}
