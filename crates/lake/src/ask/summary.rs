//! Figures by fields and by time, added up from columns.

use std::collections::BTreeSet;

use arrow::record_batch::RecordBatch;
use event::lake::{LakeError, Search};
use event::query::summary::{Summarised, Summary};
use event::query::{Given, Tally as Sum};
use event::{Attr, Event, Scope};

use super::Stop;
use super::tally::{Tally, count_until};
use crate::error::{BadRows, StoreError};
use crate::filter::{FieldColumns, FieldName, Filter};
use crate::rows::Columns;
use crate::schema;
use crate::segment::{Footers, Granule};
use crate::store::View;

/// Begins a summary.
///
/// # Errors
/// When its bars would be too many.
pub(crate) fn begin(search: &Search, summary: &Summary) -> Result<Figures, LakeError> {
    let fields = summary.fields().into_iter().map(FieldName::new).collect();
    Ok(Figures { fields, sum: event::lake::begin(search, summary)? })
}

/// Returns the rows of a summary; when the time is up, of what was read so far.
pub(crate) fn summarise(
    view: &View,
    footers: &Footers,
    scope: &Scope,
    search: &Search,
    figures: Figures,
    stop: &Stop,
) -> Result<Summarised, StoreError> {
    let filter = Filter::new(scope, search);
    let (figures, stopped) = count_until(view, footers, &filter, figures, stop)?;
    Ok(Summarised {
        stopped_ms: stopped.then(|| stop.took_ms()),
        took_ms: stop.took_ms(),
        ..figures.sum.finish()
    })
}

/// A summary being added up, with its fields as the columns know them.
#[derive(Debug)]
pub(crate) struct Figures {
    fields: Vec<FieldName>,
    sum: Sum,
}

impl Tally for Figures {
    fn fresh(&self) -> Self {
        Self { fields: self.fields.clone(), sum: self.sum.fresh() }
    }

    fn columns(&self, loose: &BTreeSet<Attr>, columns: &mut BTreeSet<&'static str>) {
        for field in &self.fields {
            field.columns(loose, columns);
        }
    }

    fn granule(&mut self, _granule: &Granule) -> bool {
        false
    }

    fn rows(
        &mut self,
        batch: &RecordBatch,
        loose: &BTreeSet<Attr>,
        rows: &[usize],
    ) -> Result<(), StoreError> {
        let Self { fields, sum } = self;
        let columns = Columns::of(batch);
        let times = columns.times(schema::OCCURRED_AT);
        let times = times.ok_or(BadRows::Missing(schema::OCCURRED_AT))?;
        let fields: Vec<FieldColumns<'_>> =
            fields.iter().map(|field| FieldColumns::of(field, &columns, loose)).collect();
        let mut given: Vec<Given<'_>> = Vec::with_capacity(fields.len());
        for row in rows {
            given.clear();
            for field in &fields {
                given.push(match field.plain_text(*row) {
                    Some(text) => Given::Text(text),
                    None => match field.value(*row)? {
                        Some(value) => Given::Own(value.into_owned()),
                        None => Given::Nothing,
                    },
                });
            }
            sum.add(times.value(*row), &given);
        }
        Ok(())
    }

    fn event(&mut self, event: &Event) {
        self.sum.event(event);
    }

    fn merge(&mut self, other: Self) {
        self.sum.merge(other.sum);
    }
}
