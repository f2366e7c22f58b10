//! The rows of a granule that may hold a text: where few do, the other columns are read of these alone.

use std::iter::Peekable;
use std::sync::Arc;

use arrow::array::AsArray as _;
use parquet::basic::Encoding;

use super::read::{batch_rows, read_rows};
use super::scan::TextPage;
use super::{Footer, Granule, Needle, SegmentFile};
use crate::error::StoreError;
use crate::place::Opened;
use crate::schema::EXTRA_TEXT;

/// Returns how many of some rows are few: where more are wanted, all are better read one after the other.
pub(crate) fn few_of(rows: usize) -> usize {
    (rows / 8).max(8)
}

/// Bytes that their records may have together.
const RECORD_BYTES_MAX: usize = 4 << 20;

/// Rows of a granule that may hold a text.
#[derive(Debug, Default)]
pub(crate) struct TextRows {
    /// Ascending, counted in the file.
    pub(crate) rows: Vec<usize>,
    /// The record of each.
    pub(crate) records: Vec<String>,
    /// Whether any may hold it beside its record.
    pub(crate) beside: bool,
    record_bytes: usize,
}

/// Returns the rows of a granule whose record, or the values beside it, may hold the text; nothing where they are
/// so many, or their pages such, that all rows are better read.
pub(crate) fn rows_that_may_have(
    file: &SegmentFile,
    footer: &Footer,
    open: &Arc<Opened>,
    granule: &Granule,
    needle: &Needle,
) -> Result<Option<TextRows>, StoreError> {
    let parquet = footer.parquet(file)?;
    let Some(pages) = TextPage::of(parquet.plain.metadata(), granule) else { return Ok(None) };
    let (records, values): (Vec<_>, Vec<_>) = pages.into_iter().partition(|page| page.is_raw);
    let mut found = TextRows::default();
    for page in values {
        found.beside |= match page.read(open)? {
            Some((bytes, Encoding::PLAIN)) => needle.beside(&bytes),
            _ => true,
        };
    }
    let beside = if found.beside { beside(file, footer, granule, needle)? } else { Vec::new() };
    let mut beside = beside.into_iter().peekable();
    for page in records {
        let Some((bytes, Encoding::PLAIN)) = page.read(open)? else { return Ok(None) };
        if found.add((bytes.as_ref(), page.first_row), granule, needle, &mut beside).is_none() {
            return Ok(None);
        }
    }
    Ok(Some(found))
}

/// Returns the rows of a granule that hold the text beside their record.
fn beside(
    file: &SegmentFile,
    footer: &Footer,
    granule: &Granule,
    needle: &Needle,
) -> Result<Vec<usize>, StoreError> {
    let columns = [EXTRA_TEXT];
    let rows = std::slice::from_ref(&granule.rows);
    let mut found = Vec::new();
    let mut first_row = granule.rows.start;
    for batch in read_rows(file, footer, Some(&columns), rows, batch_rows(&columns))? {
        let batch = batch?;
        let texts =
            batch.column_by_name(EXTRA_TEXT).and_then(|column| column.as_string_opt::<i32>());
        let texts = (first_row..).zip(texts.into_iter().flatten());
        let holds = texts.filter(|(_, text)| text.is_some_and(|text| needle.in_text(text)));
        found.extend(holds.map(|(row, _)| row));
        first_row += batch.num_rows();
    }
    Ok(found)
}

impl TextRows {
    /// Adds the granule's rows among those of a page of records, each after its length in four bytes; `beside` are
    /// rows that may hold the text anyway. Returns nothing where there are too many, or the page is another.
    fn add(
        &mut self,
        (page, first_row): (&[u8], usize),
        granule: &Granule,
        needle: &Needle,
        beside: &mut Peekable<std::vec::IntoIter<usize>>,
    ) -> Option<()> {
        let most = few_of(granule.rows.len());
        let mut next = needle.find_from(page, 0);
        let mut at = 0;
        for row in first_row..granule.rows.end {
            let rest = page.get(at..)?;
            if rest.is_empty() {
                break;
            }
            let length = rest.first_chunk::<4>()?;
            let start = at + length.len();
            let end = start.checked_add(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
            let record = page.get(start..end)?;
            at = end;
            if row < granule.rows.start {
                continue;
            }
            let holds = needle.stands_in(page, &(start..end), &mut next);
            if beside.next_if_eq(&row).is_some() || holds || needle.in_folded(record) {
                self.record_bytes += record.len();
                if self.rows.len() >= most || self.record_bytes > RECORD_BYTES_MAX {
                    return None;
                }
                self.rows.push(row);
                self.records.push(std::str::from_utf8(record).ok()?.to_owned());
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use event::EventId;
    use uuid::Uuid;

    use super::*;

    fn page(texts: &[&str]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for text in texts {
            bytes.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
            bytes.extend(text.as_bytes());
        }
        bytes
    }

    fn granule(rows: std::ops::Range<usize>) -> Granule {
        let id = EventId::from_uuid(Uuid::nil());
        Granule { number: 0, rows, min_us: 0, max_us: 0, min_id: id, max_id: id }
    }

    #[test]
    fn rows_are_found_in_pages_that_begin_and_end_elsewhere() {
        let needle = Needle::new("needle").unwrap();
        let long = "x".repeat(300) + "NEEDLE";
        let first = page(&["needle", "a needle", "nee", "dle", "Nêédlế"]);
        let second = page(&["", "beside", &long, "needle", "needle"]);
        let granule = granule(11..19);
        let mut beside = vec![16].into_iter().peekable();
        let mut found = TextRows::default();
        found.add((first.as_slice(), 10), &granule, &needle, &mut beside).unwrap();
        found.add((second.as_slice(), 15), &granule, &needle, &mut beside).unwrap();
        assert_eq!(found.rows, [11, 14, 16, 17, 18]);
        assert_eq!(found.records, ["a needle", "Nêédlế", "beside", long.as_str(), "needle"]);
    }

    #[test]
    fn many_rows_and_other_pages_are_left_to_be_read_whole() {
        let needle = Needle::new("needle").unwrap();
        let read = |texts: &[&str]| {
            let mut found = TextRows::default();
            let mut none = Vec::new().into_iter().peekable();
            found
                .add((&page(texts), 0), &granule(0..64), &needle, &mut none)
                .map(|()| found.rows.len())
        };
        assert_eq!(read(&["needle"; 8]), Some(8));
        assert_eq!(read(&["needle"; 9]), None);
        assert_eq!(read(&[]), Some(0));
        let long = "needle".repeat(RECORD_BYTES_MAX / 12);
        assert_eq!(read(&[&long, &long]), Some(2));
        assert_eq!(read(&[&long, &long, "needle"]), None);
        let needle_page = page(&["needle"]);
        let mut none = Vec::new().into_iter().peekable();
        let cut = &needle_page[..7];
        let mut found = TextRows::default();
        assert_eq!(found.add((cut, 0), &granule(0..64), &needle, &mut none), None);
    }
}
