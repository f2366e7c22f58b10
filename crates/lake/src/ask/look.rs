//! The newest hits of one granule: where short columns leave few of its rows, or few may have the text that is asked
//! for, nothing else is read of the others.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::Schema;
use arrow::record_batch::RecordBatch;

use super::Stop;
use super::events::runs;
use super::page::{Hit, Hits, Place};
use crate::error::StoreError;
use crate::filter::Filter;
use crate::rows::{Columns, with_records};
use crate::schema;
use crate::segment::{
    Footer, Granule, SegmentFile, TextRows, batch_rows, few_of, granule_rows, read_rows,
    rows_that_may_have,
};

/// A granule that may hold hits.
pub(super) struct Candidate {
    /// The file's place in the view.
    pub(super) number: usize,
    pub(super) file: Arc<SegmentFile>,
    pub(super) footer: Arc<Footer>,
    pub(super) granule: Granule,
}

/// What was found in a granule.
pub(super) struct Looked {
    pub(super) hits: Vec<Hit>,
    /// Whether all rows had to be read, though a text was looked for that few might have had.
    pub(super) is_dense: bool,
}

/// Finds the newest hits of one granule.
pub(super) fn look_into(
    candidate: &Candidate,
    filter: &Filter,
    use_needle: bool,
    wanted: usize,
    stop: &Stop,
) -> Result<Looked, StoreError> {
    stop.check()?;
    let Candidate { file, footer, granule, .. } = candidate;
    if !filter.may_match_group(file, footer, granule)? {
        return Ok(Looked { hits: Vec::new(), is_dense: false });
    }
    if let Some(rows) = rows_by_first((file, footer), granule, filter, stop)? {
        let hits = candidate.at(&runs(&rows), filter, wanted, stop)?;
        return Ok(Looked { hits, is_dense: false });
    }
    let all = granule_rows([granule]);
    let Some(needle) = filter.needle().filter(|_| use_needle) else {
        return Ok(Looked { hits: candidate.at(&all, filter, wanted, stop)?, is_dense: false });
    };
    let open = Arc::new(file.open()?);
    let found = rows_that_may_have(file, footer, &open, granule, needle)?;
    let is_dense = found.is_none();
    let hits = match found {
        Some(found) if found.rows.is_empty() => Vec::new(),
        Some(found) => candidate.among(&found, filter, wanted, stop)?,
        None => candidate.at(&all, filter, wanted, stop)?,
    };
    Ok(Looked { hits, is_dense })
}

impl Candidate {
    /// Returns the columns that tell whether a row is a hit, and which.
    fn columns(&self, filter: &Filter) -> BTreeSet<&'static str> {
        let mut columns = filter.columns(&self.footer.loose);
        columns.insert(schema::ID);
        columns
    }

    /// Finds hits among these rows.
    fn at(
        &self,
        rows: &[Range<usize>],
        filter: &Filter,
        wanted: usize,
        stop: &Stop,
    ) -> Result<Vec<Hit>, StoreError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let mut hits = Hits::new(wanted);
        let columns: Vec<&str> = self.columns(filter).into_iter().collect();
        let mut places = rows.iter().cloned().flatten();
        for batch in
            read_rows(&self.file, &self.footer, Some(&columns), rows, batch_rows(&columns))?
        {
            stop.check()?;
            let batch = batch?;
            let own: Vec<usize> = places.by_ref().take(batch.num_rows()).collect();
            let found = filter.rows(&batch, &self.footer.loose)?;
            hits.keep(&Columns::of(&batch), &found, |row| self.place(&own, row))?;
        }
        Ok(hits.newest_first())
    }

    /// Returns the place of a row that is one of these of the file.
    fn place(&self, rows: &[usize], row: usize) -> Place {
        Place::File(self.number, rows.get(row).copied().unwrap_or_default())
    }

    /// Finds hits among rows whose records are known.
    fn among(
        &self,
        known: &TextRows,
        filter: &Filter,
        wanted: usize,
        stop: &Stop,
    ) -> Result<Vec<Hit>, StoreError> {
        let mut hits = Hits::new(wanted);
        let file = (&*self.file, &*self.footer);
        for (batch, rows) in read_known(file, self.columns(filter), known, filter, stop)? {
            let found = filter.rows(&batch, &self.footer.loose)?;
            hits.keep(&Columns::of(&batch), &found, |row| self.place(&rows, row))?;
        }
        Ok(hits.newest_first())
    }
}

/// Returns the rows of a granule that short columns leave, where records are asked for as well; nothing where they are
/// many.
pub(super) fn rows_by_first(
    (file, footer): (&SegmentFile, &Footer),
    granule: &Granule,
    filter: &Filter,
    stop: &Stop,
) -> Result<Option<Vec<usize>>, StoreError> {
    let Some(columns) = filter.first_columns(&footer.loose) else { return Ok(None) };
    let columns: Vec<&str> = columns.into_iter().collect();
    let all = std::slice::from_ref(&granule.rows);
    let mut found = Vec::new();
    let mut first_row = granule.rows.start;
    for batch in read_rows(file, footer, Some(&columns), all, batch_rows(&columns))? {
        stop.check()?;
        let batch = batch?;
        let rows = filter.rows_by_first(&batch, &footer.loose)?;
        found.extend(rows.into_iter().map(|row| first_row + row));
        first_row += batch.num_rows();
    }
    Ok((found.len() <= few_of(granule.rows.len())).then_some(found))
}

/// Reads columns of rows that may hold the filter's text, whose records are known, with those; each batch with the
/// places of its rows in the file.
pub(super) fn read_known(
    (file, footer): (&SegmentFile, &Footer),
    columns: BTreeSet<&'static str>,
    known: &TextRows,
    filter: &Filter,
    stop: &Stop,
) -> Result<Vec<(RecordBatch, Vec<usize>)>, StoreError> {
    let mut columns = columns;
    columns.remove(schema::RAW);
    if !known.beside && filter.asks_one_text() {
        columns.remove(schema::EXTRA_TEXT);
    }
    if columns.is_empty() {
        let nothing = RecordBatch::new_empty(Arc::new(Schema::empty()));
        return Ok(vec![(with_records(&nothing, &known.records)?, known.rows.clone())]);
    }
    let columns: Vec<&str> = columns.into_iter().collect();
    let (mut rows, mut records) = (known.rows.as_slice(), known.records.as_slice());
    let mut read = Vec::new();
    for batch in read_rows(file, footer, Some(&columns), &runs(rows), batch_rows(&columns))? {
        stop.check()?;
        let batch = batch?;
        let count = batch.num_rows();
        let split = rows.split_at_checked(count).zip(records.split_at_checked(count));
        let ((own_rows, later_rows), (own_records, later_records)) =
            split.ok_or(StoreError::Index)?;
        read.push((with_records(&batch, own_records)?, own_rows.to_vec()));
        (rows, records) = (later_rows, later_records);
    }
    Ok(read)
}
