//! Asks columns what the matcher asks an event.

use std::borrow::Cow;
use std::collections::BTreeSet;

use arrow::array::{Array as _, Int64Array};
use event::query::{Builtin, ValueTest, codes_of};
use event::{Attr, AttrType, Class, Note, Value};

use super::{FieldName, Filter, Node, builtin_column};
use crate::error::{BadRows, StoreError};
use crate::rows::{Columns, TextColumn, exact_attrs, id_at, text_at};
use crate::schema;

impl Filter {
    /// Returns the rows within the span of time, the scope and the page.
    pub(super) fn rows_in_reach(&self, columns: &Columns<'_>) -> Result<Vec<usize>, StoreError> {
        let times = columns.times(schema::OCCURRED_AT);
        let times = times.ok_or(BadRows::Missing(schema::OCCURRED_AT))?;
        let times = times.values();
        let span = self.from_us..self.to_us;
        let mut rows: Vec<usize> = times
            .iter()
            .enumerate()
            .filter_map(|(row, time_us)| span.contains(time_us).then_some(row))
            .collect();
        rows = self.rows_in_scope(columns, rows)?;
        if let Some(before) = self.before {
            let ids = columns.ids().ok_or(BadRows::Missing(schema::ID))?;
            rows.retain(|row| match (times.get(*row), id_at(ids, *row)) {
                (Some(time_us), Some(id)) => (*time_us, id) < before,
                _ => false,
            });
        }
        Ok(rows)
    }

    /// Returns those of the rows that the reader may see.
    pub(super) fn rows_in_scope(
        &self,
        columns: &Columns<'_>,
        rows: Vec<usize>,
    ) -> Result<Vec<usize>, StoreError> {
        let Some(agencies) = &self.agencies else { return Ok(rows) };
        let column = columns.text(schema::AGENCY_ID);
        let column = column.ok_or(BadRows::Missing(schema::AGENCY_ID))?;
        Ok(known_texts(column, rows, |id| agencies.contains(id)))
    }
}

/// Returns those of the rows (ascending) that match.
pub(super) fn matching(
    node: &Node,
    columns: &Columns<'_>,
    loose: &BTreeSet<Attr>,
    rows: Vec<usize>,
) -> Result<Vec<usize>, StoreError> {
    if rows.is_empty() {
        return Ok(rows);
    }
    match node {
        Node::All => Ok(rows),
        Node::And(parts) => {
            let mut left = rows;
            for part in parts {
                left = matching(part, columns, loose, left)?;
            }
            Ok(left)
        }
        Node::Or(parts) => {
            let mut found = Vec::new();
            let mut left = rows;
            for part in parts {
                let more = matching(part, columns, loose, left.clone())?;
                left = without(&left, &more);
                found.extend(more);
            }
            found.sort_unstable();
            Ok(found)
        }
        Node::Not(inner) => {
            let denied = matching(inner, columns, loose, rows.clone())?;
            Ok(without(&rows, &denied))
        }
        Node::Time { column, from_us, to_us } => {
            let times = columns.times(column).ok_or(BadRows::Missing(column))?;
            let span = *from_us..*to_us;
            let mut found = rows;
            found.retain(|row| times.values().get(*row).is_some_and(|at| span.contains(at)));
            Ok(found)
        }
        Node::Text(text) => Ok(text.rows(columns, rows)),
        Node::Field { field, test } => FieldColumns::of(field, columns, loose).passing(rows, test),
    }
}

/// Returns the rows that are not in `others`; both ascend.
fn without(rows: &[usize], others: &[usize]) -> Vec<usize> {
    let mut others = others.iter().peekable();
    rows.iter()
        .copied()
        .filter(|row| {
            while others.next_if(|other| **other < *row).is_some() {}
            others.peek() != Some(&row)
        })
        .collect()
}

/// Returns the rows whose text passes; a text that many rows share is asked once.
fn known_texts(
    column: TextColumn<'_>,
    rows: Vec<usize>,
    mut passes: impl FnMut(&str) -> bool,
) -> Vec<usize> {
    let mut rows = rows;
    let TextColumn::Coded { codes, values } = column else {
        rows.retain(|row| column.at(*row).is_some_and(&mut passes));
        return rows;
    };
    let mut verdicts: Vec<Option<bool>> = vec![None; values.len()];
    let keys = codes.values();
    let all_set = codes.null_count() == 0;
    rows.retain(|row| {
        if !all_set && codes.is_null(*row) {
            return false;
        }
        let code = keys.get(*row).and_then(|code| usize::try_from(*code).ok());
        let Some(code) = code else { return false };
        let Some(verdict) = verdicts.get_mut(code) else { return false };
        *verdict.get_or_insert_with(|| passes(values.value(code)))
    });
    rows
}

/// A field's columns in one batch.
#[derive(Debug)]
pub(crate) struct FieldColumns<'a> {
    field: &'a FieldName,
    columns: &'a Columns<'a>,
    text: Option<TextColumn<'a>>,
    int: Option<&'a Int64Array>,
    exact: Option<TextColumn<'a>>,
    /// The source's own fields, where the column alone does not answer; the notes, where they are asked.
    own: Option<TextColumn<'a>>,
}

impl<'a> FieldColumns<'a> {
    pub(crate) fn of(
        field: &'a FieldName,
        columns: &'a Columns<'a>,
        loose: &BTreeSet<Attr>,
    ) -> Self {
        let mut found = Self { field, columns, text: None, int: None, exact: None, own: None };
        match field {
            FieldName::Builtin(Builtin::EventId | Builtin::Class) => {}
            FieldName::Builtin(Builtin::EventNote) => found.own = columns.text(schema::NOTES),
            FieldName::Builtin(builtin) => found.text = columns.text(builtin_column(*builtin)),
            FieldName::Attr(attr, _) => {
                match attr.kind() {
                    AttrType::Int => found.int = columns.int(attr.alias()),
                    AttrType::Text | AttrType::Ip => found.text = columns.text(attr.alias()),
                }
                let exact = columns.text(schema::ATTRS_EXACT);
                found.exact = exact.filter(|column| !column.is_empty());
                if loose.contains(attr) {
                    found.own = columns.text(schema::FIELDS);
                }
            }
            FieldName::Own(_) => found.own = columns.text(schema::FIELDS),
        }
        found
    }

    /// Returns the rows whose value is there and passes.
    fn passing(&self, rows: Vec<usize>, test: &ValueTest) -> Result<Vec<usize>, StoreError> {
        if let (Some(text), None, None) = (self.text, self.exact, self.own) {
            return Ok(known_texts(text, rows, |text| test.passes_text(text)));
        }
        let mut found = Vec::new();
        for row in rows {
            if self.passes(row, test)? {
                found.push(row);
            }
        }
        Ok(found)
    }

    /// Returns whether a row's value is there and passes.
    fn passes(&self, row: usize, test: &ValueTest) -> Result<bool, StoreError> {
        if self.exact.is_none() {
            // The usual case, without a copy of the value.
            if let Some(text) = text_at(self.text, row) {
                return Ok(test.passes_text(text));
            }
            if let Some(column) = self.int.filter(|column| column.is_valid(row)) {
                return Ok(test.passes_int(column.value(row)));
            }
        }
        Ok(self.value(row)?.is_some_and(|value| test.passes(&value)))
    }

    /// Returns the column that alone gives every value, if there is one.
    pub(crate) fn only_text(&self) -> Option<TextColumn<'a>> {
        if self.exact.is_none() && self.own.is_none() { self.text } else { None }
    }

    /// Returns a row's value without a copy, where it is a plain text of its column.
    pub(crate) fn plain_text(&self, row: usize) -> Option<&'a str> {
        if text_at(self.exact, row).is_some() { None } else { text_at(self.text, row) }
    }

    /// Returns a row's value, as [`event::query::resolve`] would.
    pub(crate) fn value(&self, row: usize) -> Result<Option<Cow<'a, Value>>, StoreError> {
        if let (FieldName::Attr(attr, _), Some(exact)) = (self.field, text_at(self.exact, row))
            && let Some(value) = exact_attrs(exact)?.remove(attr.alias())
        {
            return Ok(Some(Cow::Owned(value)));
        }
        if let Some(text) = text_at(self.text, row) {
            return Ok(Some(Cow::Owned(Value::from(text))));
        }
        if let Some(column) = self.int.filter(|column| column.is_valid(row)) {
            return Ok(Some(Cow::Owned(Value::Int(column.value(row)))));
        }
        let value = match (self.field, text_at(self.own, row)) {
            (FieldName::Attr(_, own) | FieldName::Own(own), Some(json)) => own.value(json)?,
            (FieldName::Builtin(Builtin::EventNote), Some(json)) => {
                let notes: Vec<Note> =
                    serde_json::from_str(json).map_err(|_| BadRows::Invalid(schema::NOTES))?;
                codes_of(&notes)
            }
            (FieldName::Builtin(Builtin::EventId), _) => {
                let id = self.columns.ids().and_then(|ids| id_at(ids, row));
                id.map(|id| Value::Text(id.to_string()))
            }
            (FieldName::Builtin(Builtin::Class), _) => {
                let uid = self.columns.classes().map(|column| column.value(row));
                let class = uid.and_then(|uid| u32::try_from(uid).ok()).and_then(Class::from_uid);
                class.map(|class| Value::from(class.word()))
            }
            _ => None,
        };
        Ok(value.map(Cow::Owned))
    }
}
