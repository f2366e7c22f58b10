//! Parquet that is handed out: events with the columns of the lake's own files, and figures.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use event::Event;
use event::lake::{EventFile, FileCells, FileColumn, LakeError};
use parquet::arrow::ArrowWriter;

use crate::error::StoreError;
use crate::rows::encode;
use crate::schema::SCHEMA;
use crate::segment::properties;

/// Bytes of rows that wait in memory until they are written as a group.
const GROUP_BYTES: usize = 16 << 20;

/// A file of events under way, without our index: rows stand in the order they come.
#[derive(Debug)]
pub(crate) struct HandedOut {
    writer: ArrowWriter<Vec<u8>>,
}

impl HandedOut {
    /// Begins a file.
    pub(crate) fn begin() -> Result<Self, StoreError> {
        let writer = ArrowWriter::try_new(Vec::new(), SCHEMA.clone(), Some(properties()?))?;
        Ok(Self { writer })
    }

    fn take_in(&mut self, events: &[Event]) -> Result<Vec<u8>, StoreError> {
        let rows = encode(events.iter())?;
        self.writer.write(&rows.batch)?;
        if self.writer.in_progress_size() >= GROUP_BYTES {
            self.writer.flush()?;
        }
        self.writer.sync()?;
        // Only taken from: what is written was counted before it came here.
        Ok(std::mem::take(self.writer.inner_mut()))
    }
}

impl EventFile for HandedOut {
    fn add(&mut self, events: &[Event]) -> Result<Vec<u8>, LakeError> {
        Ok(self.take_in(events)?)
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>, LakeError> {
        let Self { writer } = *self;
        Ok(writer.into_inner().map_err(StoreError::from)?)
    }
}

/// Returns a file of figures.
pub(crate) fn figures(columns: &[FileColumn]) -> Result<Vec<u8>, StoreError> {
    let field = |column: &FileColumn| {
        let kind = match &column.cells {
            FileCells::Text(_) => DataType::Utf8,
            FileCells::Whole(_) => DataType::Int64,
            FileCells::Number(_) => DataType::Float64,
        };
        Field::new(column.name.clone(), kind, true)
    };
    let array = |column: &FileColumn| -> ArrayRef {
        match &column.cells {
            FileCells::Text(cells) => Arc::new(StringArray::from_iter_values(cells)),
            FileCells::Whole(cells) => Arc::new(cells.iter().copied().collect::<Int64Array>()),
            FileCells::Number(cells) => Arc::new(cells.iter().copied().collect::<Float64Array>()),
        }
    };
    let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns.iter().map(array).collect())?;
    let mut writer = ArrowWriter::try_new(Vec::new(), schema, None)?;
    writer.write(&batch)?;
    Ok(writer.into_inner()?)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    use super::*;

    #[test]
    fn figures_are_read_as_what_they_are() {
        let column = |name: &str, cells| FileColumn { name: name.to_owned(), cells };
        let columns = [
            column("đơn vị", FileCells::Text(vec!["Sở Y tế".to_owned(), String::new()])),
            column("count", FileCells::Whole(vec![Some(i64::MAX), None])),
            column("avg", FileCells::Number(vec![Some(0.5), None])),
        ];
        let file = Bytes::from(figures(&columns).unwrap());
        let mut read = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
        let batch = read.next().unwrap().unwrap();
        let kinds: Vec<DataType> =
            batch.schema().fields().iter().map(|field| field.data_type().clone()).collect();
        assert_eq!(kinds, [DataType::Utf8, DataType::Int64, DataType::Float64]);
        assert_eq!(batch.column(1).null_count(), 1);
        let text = arrow::util::display::array_value_to_string(batch.column(0), 0).unwrap();
        assert_eq!(text, "Sở Y tế");
    }
}
