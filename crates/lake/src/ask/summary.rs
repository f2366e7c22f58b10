//! Figures by fields and by time, added up from columns.

use std::collections::BTreeSet;

use ahash::AHashMap;
use arrow::array::{Array as _, Int32Array, StringArray};
use arrow::record_batch::RecordBatch;
use event::lake::{LakeError, Search};
use event::query::summary::{Summarised, Summary};
use event::query::{Given, Tally as Sum};
use event::{Attr, Event, Scope};

use super::Stop;
use super::tally::{Tally, count_until};
use crate::error::{BadRows, StoreError};
use crate::filter::{FieldColumns, FieldName, Filter};
use crate::rows::{Columns, TextColumn};
use crate::schema;
use crate::segment::Footers;
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
        if let Some(codes) = Codes::of(&fields) {
            codes.add(sum, times.values(), rows);
            return Ok(());
        }
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

/// Fields that all come as codes of dictionaries: rows with the same codes are alike, and their texts are
/// looked at once.
struct Codes<'a> {
    columns: Vec<(&'a Int32Array, &'a StringArray)>,
}

/// Counts by code are kept in a list up to this many codes, past it in a map.
const LISTED_CODES_MAX: usize = 4096;

impl<'a> Codes<'a> {
    /// Returns the fields' columns; `None` where one gives other than codes, or their codes together are
    /// too many for a number.
    fn of(fields: &[FieldColumns<'a>]) -> Option<Self> {
        let mut columns = Vec::with_capacity(fields.len());
        for field in fields {
            let Some(TextColumn::Coded { codes, values }) = field.only_text() else { return None };
            columns.push((codes, values));
        }
        let own = Self { columns };
        own.count().map(|_| own)
    }

    /// Returns how many combinations of codes there may be; a missing value is one more code.
    fn count(&self) -> Option<usize> {
        self.columns.iter().try_fold(1_usize, |all, (_, values)| all.checked_mul(values.len() + 1))
    }

    /// Returns the combination that a row has.
    fn of_row(&self, row: usize) -> usize {
        self.columns.iter().fold(0, |all, (codes, values)| {
            let code = if row < codes.len() && codes.is_valid(row) {
                usize::try_from(codes.value(row)).unwrap_or(values.len())
            } else {
                values.len()
            };
            all * (values.len() + 1) + code.min(values.len())
        })
    }

    /// Adds rows.
    fn add(&self, sum: &mut Sum, times: &[i64], rows: &[usize]) {
        let bar_of = |sum: &Sum, row: &usize| times.get(*row).map(|at| sum.bar_of(*at));
        // Those of a file are; those in memory stand as they came.
        let in_order = times.is_sorted();
        let mut rest = rows;
        let mut counted = Counted::new(self.count().unwrap_or(usize::MAX));
        while let Some((first, _)) = rest.split_first() {
            let bar = bar_of(sum, first);
            let length = if in_order {
                rest.partition_point(|row| bar_of(sum, row) <= bar)
            } else {
                rest.iter().take_while(|row| bar_of(sum, row) == bar).count()
            };
            let (same_bar, after) = rest.split_at(length.max(1));
            rest = after;
            for row in same_bar {
                counted.add(self.of_row(*row), *row);
            }
            counted.drain(|row, times_met| {
                let given: Vec<Given<'_>> = self
                    .columns
                    .iter()
                    .map(|(codes, values)| given_at(codes, values, row))
                    .collect();
                sum.add_alike(times.get(row).copied().unwrap_or(0), &given, times_met);
            });
        }
    }
}

fn given_at<'a>(codes: &Int32Array, values: &'a StringArray, row: usize) -> Given<'a> {
    let code = if row < codes.len() && codes.is_valid(row) {
        usize::try_from(codes.value(row)).ok()
    } else {
        None
    };
    match code.filter(|code| *code < values.len()) {
        Some(code) => Given::Text(values.value(code)),
        None => Given::Nothing,
    }
}

/// How often each combination was met, with a row that has it.
enum Counted {
    Listed { counts: Vec<u64>, met: Vec<(usize, usize)> },
    Mapped(AHashMap<usize, (usize, u64)>),
}

impl Counted {
    fn new(combinations: usize) -> Self {
        if combinations <= LISTED_CODES_MAX {
            Self::Listed { counts: vec![0; combinations], met: Vec::new() }
        } else {
            Self::Mapped(AHashMap::new())
        }
    }

    fn add(&mut self, combination: usize, row: usize) {
        match self {
            Self::Listed { counts, met } => {
                if let Some(count) = counts.get_mut(combination) {
                    if *count == 0 {
                        met.push((combination, row));
                    }
                    *count += 1;
                }
            }
            Self::Mapped(counts) => counts.entry(combination).or_insert((row, 0)).1 += 1,
        }
    }

    /// Hands on what was counted, in the order in which it was met, and begins anew.
    fn drain(&mut self, mut take: impl FnMut(usize, u64)) {
        match self {
            Self::Listed { counts, met } => {
                for (combination, row) in met.drain(..) {
                    if let Some(count) = counts.get_mut(combination) {
                        take(row, std::mem::take(count));
                    }
                }
            }
            Self::Mapped(counts) => {
                let mut counted: Vec<(usize, u64)> = counts.drain().map(|(_, own)| own).collect();
                counted.sort_unstable();
                for (row, count) in counted {
                    take(row, count);
                }
            }
        }
    }
}
