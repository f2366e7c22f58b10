//! Events to columns and back, without loss.

mod decode;
mod encode;
mod flat;
mod flat_attr;
mod flat_rows;
mod flat_time;
mod json;
mod scan;
mod word_places;

pub(crate) use decode::{
    Columns, TextColumn, decode, exact_attrs, fields, id_at, moment, text_at, time_keys,
};
pub(crate) use encode::{encode, encode_outlined};
pub(crate) use flat::{FlatDefaults, FlatReader};
pub(crate) use json::first_value;

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::StringArray;
use arrow::datatypes::{DataType, Field, Schema};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use event::Attr;

use crate::schema::RAW;
use crate::segment::Outline;

/// Returns a batch with a column of its records, one a row.
pub(crate) fn with_records(
    batch: &RecordBatch,
    records: &[impl AsRef<str>],
) -> Result<RecordBatch, ArrowError> {
    let mut fields = batch.schema().fields().to_vec();
    fields.push(Arc::new(Field::new(RAW, DataType::Utf8, false)));
    let mut columns = batch.columns().to_vec();
    columns.push(Arc::new(StringArray::from_iter_values(records)));
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}

/// Events as columns, with what a search must know of them.
#[derive(Debug, Clone)]
pub(crate) struct Rows {
    /// The columns of [`crate::schema::SCHEMA`].
    pub(crate) batch: RecordBatch,
    /// Attributes that some event lacks although it has an own field of that name: there, the
    /// column alone does not answer a question about the name.
    pub(crate) loose: BTreeSet<Attr>,
    /// The size of the largest event, roughly, in bytes.
    pub(crate) largest_bytes: usize,
    /// What a search asks first, where many will look through these rows.
    pub(crate) outline: Option<Outline>,
}
