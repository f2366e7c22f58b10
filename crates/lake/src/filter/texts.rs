//! Words in a batch's records: the bytes of many records are walked at once, and few are left to be read one by one.

use std::ops::Range;

use arrow::array::StringArray;
use event::fold::fold_onto;
use event::query::TextPattern;

use crate::rows::{Columns, TextColumn, text_at};
use crate::schema;
use crate::segment::Needle;

/// A pattern that stands in a record or in the values beside it.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) pattern: TextPattern,
    /// What each record with the pattern holds.
    pub(super) needle: Option<Needle>,
}

impl Text {
    pub(super) fn new(pattern: &str) -> Self {
        let pattern = TextPattern::new(pattern);
        let needle = pattern.longest_literal().and_then(Needle::new);
        Self { pattern, needle }
    }

    /// Returns those of the rows (ascending) that have the text.
    pub(super) fn rows(&self, columns: &Columns<'_>, rows: Vec<usize>) -> Vec<usize> {
        let raw = columns.text(schema::RAW);
        let extra = columns.text(schema::EXTRA_TEXT);
        let candidates = [raw, extra].map(|column| self.candidates(column, &rows));
        let mut found = match candidates {
            [Some(mut in_raw), Some(in_extra)] => {
                in_raw.extend(in_extra);
                in_raw.sort_unstable();
                in_raw.dedup();
                in_raw
            }
            _ => rows,
        };
        let mut folded = String::new();
        found.retain(|row| {
            let in_raw = text_at(raw, *row).is_some_and(|text| {
                folded.clear();
                fold_onto(text, &mut folded);
                self.pattern.found_in_folded(&folded)
            });
            in_raw || text_at(extra, *row).is_some_and(|text| self.pattern.found_in_folded(text))
        });
        found
    }

    /// Returns those of the rows (ascending) whose text in a column may have the pattern; nothing where that
    /// cannot be told without reading each.
    fn candidates(&self, column: Option<TextColumn<'_>>, rows: &[usize]) -> Option<Vec<usize>> {
        let Some(column) = column else { return Some(Vec::new()) };
        let (TextColumn::Plain(texts), Some(needle)) = (column, &self.needle) else { return None };
        Some(may_hold(needle, texts, rows))
    }
}

/// Returns those of the rows whose text may hold the needle once it is folded; all of them ascend.
fn may_hold(needle: &Needle, texts: &StringArray, rows: &[usize]) -> Vec<usize> {
    let mut found = Vec::new();
    for run in rows.chunk_by(|row, next| row + 1 == *next) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
        let run = Run::new(texts, *first..*last + 1);
        run.add_rows_with(needle, &mut found);
    }
    found
}

/// Texts that stand one behind the other.
struct Run<'a> {
    first_row: usize,
    bytes: &'a [u8],
    /// Where each text begins in the bytes, and where the last ends.
    offsets: &'a [i32],
    is_ascii: bool,
}

impl<'a> Run<'a> {
    fn new(texts: &'a StringArray, rows: Range<usize>) -> Self {
        let offsets = texts.value_offsets().get(rows.start..=rows.end).unwrap_or_default();
        let span = offsets.first().zip(offsets.last()).map(|(first, last)| at(*first)..at(*last));
        let bytes = span.and_then(|span| texts.value_data().get(span)).unwrap_or_default();
        Self { first_row: rows.start, bytes, offsets, is_ascii: bytes.is_ascii() }
    }

    fn add_rows_with(&self, needle: &Needle, found: &mut Vec<usize>) {
        let begin = self.offsets.first().copied().map_or(0, at);
        // Where the needle stands first, from the text on that is looked at.
        let mut next = needle.find_from(self.bytes, 0);
        if self.is_ascii && next.is_none() {
            return;
        }
        for (row, ends) in (self.first_row..).zip(self.offsets.windows(2)) {
            let [start, end] = ends else { continue };
            let text = at(*start) - begin..at(*end) - begin;
            // A letter with a mark folds to a plain one: such a text is read.
            let is_ascii =
                self.is_ascii || self.bytes.get(text.clone()).is_some_and(<[u8]>::is_ascii);
            if !is_ascii || needle.stands_in(self.bytes, &text, &mut next) {
                found.push(row);
            }
        }
    }
}

fn at(offset: i32) -> usize {
    usize::try_from(offset).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_begins_in_one_text_and_ends_in_the_next_stands_in_neither() {
        let texts = StringArray::from(vec!["xa", "abab", "ba", "ab", "", "AB"]);
        let needle = Needle::new("ab").unwrap();
        assert_eq!(may_hold(&needle, &texts, &[0, 1, 2, 3, 4, 5]), [1, 3, 5]);
        assert_eq!(may_hold(&needle, &texts, &[0, 3, 5]), [3, 5]);
    }

    #[test]
    fn a_word_is_found_in_records_and_beside_them() {
        use std::sync::Arc;

        use arrow::array::ArrayRef;
        use arrow::record_batch::RecordBatch;

        let raw = StringArray::from(vec!["a Needle", "x", "needles", "", "đ needle", "x"]);
        let extra = [None, Some("needle"), Some("b\nneedle"), None, None, Some("网\nneed")];
        let batch = RecordBatch::try_from_iter_with_nullable([
            (schema::RAW, Arc::new(raw) as ArrayRef, false),
            (schema::EXTRA_TEXT, Arc::new(StringArray::from(extra.to_vec())) as ArrayRef, true),
        ]);
        let batch = batch.unwrap();
        let columns = Columns::of(&batch);
        let rows = |pattern: &str, rows: &[usize]| Text::new(pattern).rows(&columns, rows.to_vec());
        assert_eq!(rows("needle", &[0, 1, 2, 3, 4, 5]), [0, 1, 2, 4]);
        assert_eq!(rows("needle", &[1, 3, 4]), [1, 4]);
        assert_eq!(rows("needle*s", &[0, 1, 2]), [2]);
        assert_eq!(rows("need", &[0, 1, 4, 5]), [5]);
        assert_eq!(rows("đ", &[0, 4, 5]), [4]);
    }

    proptest! {
        #[test]
        fn a_walk_finds_what_reading_each_text_finds(
            texts in proptest::collection::vec("[abAB đá]{0,6}", 0..12),
            chosen in proptest::collection::vec(any::<bool>(), 12),
            word in "[ab]{2,3}",
        ) {
            let needle = Needle::new(&word).unwrap();
            let rows: Vec<usize> = (0..texts.len()).filter(|row| chosen[*row]).collect();
            let found = may_hold(&needle, &StringArray::from(texts.clone()), &rows);
            for row in rows {
                let held = event::fold::fold(&texts[row]).contains(&word);
                prop_assert!(!held || found.contains(&row), "{word} in {:?}", texts[row]);
                // Nothing that is plain is read in vain.
                let plain = texts[row].is_ascii();
                prop_assert!(held || !plain || !found.contains(&row), "{word} in {:?}", texts[row]);
            }
        }
    }
}
