//! The pages of the records and what is looked for in them, without making rows of them: most pages do not
//! have it, and unpacking is then all that they cost.

use std::ops::Range;
use std::sync::Arc;

use memchr::memmem::Finder;
use parquet::basic::Encoding;
use parquet::column::page::{Page, PageReader as _};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::page_index::offset_index::PageLocation;
use parquet::file::serialized_reader::SerializedPageReader;
use regex::bytes::{Regex, RegexBuilder};

use super::{Granule, group_of};
use crate::error::StoreError;
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

    /// Returns whether the text stands in a part of the bytes; `next` is where it stands first from an earlier
    /// part on, and is moved on to this one.
    pub(crate) fn stands_in(
        &self,
        bytes: &[u8],
        part: &Range<usize>,
        next: &mut Option<Range<usize>>,
    ) -> bool {
        while let Some(place) = next {
            if place.start >= part.end {
                return false;
            }
            if place.start >= part.start && place.end <= part.end {
                return true;
            }
            // It stood before this part, or goes on in the next one.
            *next = self.find_from(bytes, part.start.max(place.start + 1));
        }
        false
    }

    /// Returns whether a page of the values beside records may hold it: they are folded, and stand after the levels
    /// of their column.
    pub(super) fn beside(&self, bytes: &[u8]) -> bool {
        self.any_case.is_match(bytes)
    }

    /// Returns whether a folded text holds it.
    pub(super) fn in_text(&self, folded: &str) -> bool {
        self.folded.find(folded.as_bytes()).is_some()
    }

    /// Returns whether a text of another alphabet has it once it is folded: a letter with a mark folds to a plain
    /// one.
    pub(super) fn in_folded(&self, text: &[u8]) -> bool {
        !text.is_ascii() && self.in_text(&event::fold::fold(&String::from_utf8_lossy(text)))
    }
}

/// A page of records, or of the values beside them.
pub(super) struct TextPage<'a> {
    group: &'a RowGroupMetaData,
    column: usize,
    pages: &'a [PageLocation],
    /// Its place among the column's.
    place: usize,
    pub(super) is_raw: bool,
    /// Its first row, counted in the file.
    pub(super) first_row: usize,
}

impl<'a> TextPage<'a> {
    /// Returns those that hold rows of a granule; nothing where the file does not say where its pages are.
    pub(super) fn of(metadata: &'a ParquetMetaData, granule: &Granule) -> Option<Vec<Self>> {
        let (number, first) = group_of(metadata, granule)?;
        let rows = granule.rows.start - first..granule.rows.end - first;
        let group = metadata.row_groups().get(number)?;
        let indexes = metadata.offset_index()?.get(number)?;
        let mut found = Vec::new();
        for (column, (chunk, index)) in group.columns().iter().zip(indexes).enumerate() {
            let name = chunk.column_path().string();
            if name != RAW && name != EXTRA_TEXT {
                continue;
            }
            let pages: &[PageLocation] = index.page_locations();
            for (place, page) in pages.iter().enumerate() {
                let end = pages.get(place + 1).map(|next| next.first_row_index);
                if overlaps(&rows, page.first_row_index, end.unwrap_or(group.num_rows())) {
                    let first_row = first + usize::try_from(page.first_row_index).ok()?;
                    let is_raw = name == RAW;
                    found.push(Self { group, column, pages, place, is_raw, first_row });
                }
            }
        }
        Some(found)
    }

    /// Unpacks it; nothing where its values are codes of a dictionary.
    pub(super) fn read(
        &self,
        open: &Arc<Opened>,
    ) -> Result<Option<(bytes::Bytes, Encoding)>, StoreError> {
        let rows = usize::try_from(self.group.num_rows()).unwrap_or(0);
        let Some(chunk) = self.group.columns().get(self.column) else { return Ok(None) };
        if chunk.dictionary_page_offset().is_some() {
            return Ok(None);
        }
        let pages = Some(self.pages.to_vec());
        let mut reader = SerializedPageReader::new(Arc::clone(open), chunk, rows, pages)?;
        for _ in 0..self.place {
            reader.skip_next_page()?;
        }
        match reader.get_next_page()? {
            Some(Page::DataPage { buf, encoding, .. }) => Ok(Some((buf, encoding))),
            _ => Ok(None),
        }
    }
}

fn overlaps(rows: &Range<usize>, first: i64, end: i64) -> bool {
    let at = |row: i64| usize::try_from(row).unwrap_or(0);
    at(first) < rows.end && rows.start < at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_in_any_case_and_without_marks() {
        let texts = ["Failed password", "Đăng nhập THẤT bại", "tha\u{302}\u{301}t lac"];
        let held = |needle: &str| {
            let needle = Needle::new(needle).unwrap();
            let holds = |text: &&str| {
                let bytes = text.as_bytes();
                let mut next = needle.find_from(bytes, 0);
                needle.stands_in(bytes, &(0..bytes.len()), &mut next) || needle.in_folded(bytes)
            };
            texts.iter().filter(|text| holds(text)).count()
        };
        for (needle, expected) in [
            ("failed pass", 1),
            ("that bai", 1),
            ("that", 2),
            ("dang nhap", 1),
            ("lac", 1),
            ("accepted", 0),
            ("bai lac", 0),
        ] {
            assert_eq!(held(needle), expected, "{needle}");
        }
        assert!(Needle::new("x").is_none());
        assert!(Needle::new("网络").is_none());
    }
}
