//! The most frequent values of a field.

use std::borrow::Cow;
use std::collections::BTreeSet;

use arrow::array::{Array as _, Int32Array, StringArray};
use arrow::record_batch::RecordBatch;
use event::fold::composed;
use event::lake::{Search, TopValue};
use event::query::resolve;
use event::{Attr, Event, Scope, Value};

use super::Stop;
use super::tally::{Tally, count};
use crate::error::StoreError;
use crate::filter::{FieldColumns, FieldName, Filter};
use crate::limits::{TOP_LIMIT_MAX, TOP_VALUES_COUNTED};
use crate::rows::{Columns, TextColumn};
use crate::segment::{Footers, KeptCounts, ValueCounts};
use crate::store::View;

/// A field and how many of its values are asked for.
#[derive(Debug)]
pub(crate) struct TopOf<'a> {
    pub(crate) field: &'a str,
    pub(crate) limit: u32,
}

/// Returns the values that most matching events have, spellings in NFC and NFD as one. Past [`TOP_VALUES_COUNTED`] different values
/// the rarest are forgotten, and counts near the end of the answer may be too low.
pub(crate) fn top(
    view: &View,
    footers: &Footers,
    scope: &Scope,
    search: &Search,
    of: &TopOf<'_>,
    stop: &Stop,
) -> Result<Vec<TopValue>, StoreError> {
    let values = Values {
        name: of.field.to_owned(),
        field: FieldName::new(of.field),
        counts: ValueCounts::new(),
        coded: None,
    };
    let mut values = count(view, footers, &Filter::new(scope, search), values, stop)?;
    values.settle();
    let mut top: Vec<TopValue> =
        values.counts.into_iter().map(|(value, count)| TopValue { value, count }).collect();
    top.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
    top.truncate(usize::try_from(of.limit.min(TOP_LIMIT_MAX)).unwrap_or(0));
    Ok(top)
}

struct Values {
    name: String,
    field: FieldName,
    counts: ValueCounts,
    /// Counts by code, of the dictionary that was met last.
    coded: Option<Coded>,
}

/// A dictionary of a file, and how often each of its values was met.
struct Coded {
    values: StringArray,
    counts: Vec<u64>,
}

impl Coded {
    fn is_of(&self, values: &StringArray) -> bool {
        self.values.len() == values.len()
            && self.values.value_data().as_ptr() == values.value_data().as_ptr()
    }
}

impl Values {
    /// Counts rows of a column of codes: a value's text is looked at once a dictionary.
    fn add_codes(&mut self, codes: &Int32Array, values: &StringArray, rows: &[usize]) {
        if !self.coded.as_ref().is_some_and(|coded| coded.is_of(values)) {
            self.settle();
            self.coded = Some(Coded { values: values.clone(), counts: vec![0; values.len()] });
        }
        let Some(coded) = &mut self.coded else { return };
        let all_set = codes.null_count() == 0;
        for row in rows {
            let code = codes.values().get(*row).and_then(|code| usize::try_from(*code).ok());
            if let Some(count) = code.and_then(|code| coded.counts.get_mut(code))
                && (all_set || codes.is_valid(*row))
            {
                *count += 1;
            }
        }
    }

    /// Counts by value what was counted by code.
    fn settle(&mut self) {
        let Some(Coded { values, counts }) = self.coded.take() else { return };
        for (code, count) in counts.into_iter().enumerate() {
            if count > 0 && code < values.len() {
                self.add(values.value(code), count);
            }
        }
    }

    fn add(&mut self, value: &str, count: u64) {
        if let Some(counted) = self.counts.get_mut(value) {
            *counted += count;
            return;
        }
        // Met for the first time, or spelt otherwise.
        let value = composed(value);
        if let Cow::Owned(value) = &value
            && let Some(counted) = self.counts.get_mut(value)
        {
            *counted += count;
            return;
        }
        if self.counts.len() >= TOP_VALUES_COUNTED {
            let mut counts: Vec<u64> = self.counts.values().copied().collect();
            counts.sort_unstable();
            let middle = counts.get(counts.len() / 2).copied().unwrap_or(0);
            self.counts.retain(|_, count| *count > middle);
        }
        self.counts.insert(value.into_owned(), count);
    }

    fn add_value(&mut self, value: &Value) {
        for member in value.members() {
            self.add(&member.text(), 1);
        }
    }
}

impl Tally for Values {
    fn fresh(&self) -> Self {
        Self {
            name: self.name.clone(),
            field: self.field.clone(),
            counts: ValueCounts::new(),
            coded: None,
        }
    }

    fn columns(&self, loose: &BTreeSet<Attr>, columns: &mut BTreeSet<&'static str>) {
        self.field.columns(loose, columns);
    }

    fn rows(
        &mut self,
        batch: &RecordBatch,
        loose: &BTreeSet<Attr>,
        rows: &[usize],
    ) -> Result<(), StoreError> {
        let field = self.field.clone();
        let columns = Columns::of(batch);
        let values = FieldColumns::of(&field, &columns, loose);
        if let Some(TextColumn::Coded { codes, values }) = values.only_text() {
            self.add_codes(codes, values, rows);
            return Ok(());
        }
        for row in rows {
            match values.plain_text(*row) {
                Some(text) => self.add(text, 1),
                None => {
                    if let Some(value) = values.value(*row)? {
                        self.add_value(&value);
                    }
                }
            }
        }
        Ok(())
    }

    fn event(&mut self, event: &Event) {
        let name = self.name.clone();
        if let Some(value) = resolve(event, &name) {
            self.add_value(&value);
        }
    }

    fn merge(&mut self, mut other: Self) {
        other.settle();
        self.settle();
        let mut counted: Vec<(String, u64)> = other.counts.into_iter().collect();
        counted.sort_unstable();
        for (value, count) in counted {
            self.add(&value, count);
        }
    }

    fn kept_field(&self) -> Option<&str> {
        Some(&self.name)
    }

    fn recall(&mut self, counts: &KeptCounts) {
        for (value, count) in counts.iter() {
            self.add(value, count);
        }
    }

    fn counted(&mut self) -> Option<&ValueCounts> {
        self.settle();
        Some(&self.counts)
    }
}
