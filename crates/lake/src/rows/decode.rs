//! Columns → events.

use std::collections::BTreeMap;

use arrow::array::{
    Array as _, ArrayRef, AsArray as _, FixedSizeBinaryArray, Int32Array, Int64Array, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{Int32Type, Int64Type, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, Utc};
use event::{
    AgencyId, Attr, AttrType, Attrs, Class, Event, EventId, Fields, LogSource, Name, Note, Origin,
    SourceId, SystemId, TimeQuality, Value,
};
use uuid::Uuid;

use super::json;
use crate::error::BadRows;
use crate::schema;

/// The columns of a batch, found by name. A column that the file lacks reads as null.
#[derive(Debug)]
pub(crate) struct Columns<'a> {
    batch: &'a RecordBatch,
}

impl<'a> Columns<'a> {
    pub(crate) fn of(batch: &'a RecordBatch) -> Self {
        Self { batch }
    }

    /// Returns how many rows there are.
    pub(crate) fn rows(&self) -> usize {
        self.batch.num_rows()
    }

    /// Returns a text column.
    pub(crate) fn text(&self, name: &str) -> Option<TextColumn<'a>> {
        TextColumn::of(self.batch.column_by_name(name)?)
    }

    /// Returns an attribute's column of whole numbers.
    pub(crate) fn int(&self, name: &str) -> Option<&'a Int64Array> {
        self.batch.column_by_name(name).and_then(|column| column.as_primitive_opt::<Int64Type>())
    }

    /// Returns the class numbers.
    pub(crate) fn classes(&self) -> Option<&'a Int32Array> {
        let column = self.batch.column_by_name(schema::CLASS_UID)?;
        column.as_primitive_opt::<Int32Type>()
    }

    /// Returns a column of times, in microseconds.
    pub(crate) fn times(&self, name: &str) -> Option<&'a TimestampMicrosecondArray> {
        let column = self.batch.column_by_name(name)?;
        column.as_primitive_opt::<TimestampMicrosecondType>()
    }

    /// Returns the event ids.
    pub(crate) fn ids(&self) -> Option<&'a FixedSizeBinaryArray> {
        self.batch.column_by_name(schema::ID).and_then(|column| column.as_fixed_size_binary_opt())
    }
}

/// A column of texts, as they are or as codes of a dictionary.
#[derive(Debug, Clone, Copy)]
pub(crate) enum TextColumn<'a> {
    Plain(&'a StringArray),
    Coded { codes: &'a Int32Array, values: &'a StringArray },
}

impl<'a> TextColumn<'a> {
    fn of(column: &'a ArrayRef) -> Option<Self> {
        if let Some(plain) = column.as_string_opt::<i32>() {
            return Some(Self::Plain(plain));
        }
        let coded = column.as_dictionary_opt::<Int32Type>()?;
        let values = coded.values().as_string_opt::<i32>()?;
        Some(Self::Coded { codes: coded.keys(), values })
    }

    /// Returns a row's text; `None` where it is null.
    pub(crate) fn at(self, row: usize) -> Option<&'a str> {
        match self {
            Self::Plain(texts) => {
                (row < texts.len() && texts.is_valid(row)).then(|| texts.value(row))
            }
            Self::Coded { codes, values } => {
                if row >= codes.len() || codes.is_null(row) {
                    return None;
                }
                let code = usize::try_from(codes.value(row)).ok()?;
                (code < values.len()).then(|| values.value(code))
            }
        }
    }

    /// Returns whether no row has a text.
    pub(crate) fn is_empty(self) -> bool {
        match self {
            Self::Plain(texts) => texts.null_count() == texts.len(),
            Self::Coded { codes, .. } => codes.null_count() == codes.len(),
        }
    }
}

/// Returns a row's text; `None` where it is null or the column is not there.
pub(crate) fn text_at(column: Option<TextColumn<'_>>, row: usize) -> Option<&str> {
    column?.at(row)
}

/// Returns what orders the rows in time: for each, when it occurred in microseconds, and its id.
pub(crate) fn time_keys(batch: &RecordBatch) -> Result<Vec<(i64, EventId)>, BadRows> {
    let columns = Columns::of(batch);
    let times = columns.times(schema::OCCURRED_AT).ok_or(BadRows::Missing(schema::OCCURRED_AT))?;
    let ids = columns.ids().ok_or(BadRows::Missing(schema::ID))?;
    let key = |row| {
        let id = id_at(ids, row).ok_or(BadRows::Invalid(schema::ID))?;
        Ok((times.value(row), id))
    };
    (0..columns.rows()).map(key).collect()
}

/// Returns a row's event id.
pub(crate) fn id_at(column: &FixedSizeBinaryArray, row: usize) -> Option<EventId> {
    if row >= column.len() {
        return None;
    }
    Uuid::from_slice(column.value(row)).ok().map(EventId::from_uuid)
}

/// Returns a moment from its microseconds.
pub(crate) fn moment(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or_default()
}

/// Turns all rows of a batch back into events.
pub(crate) fn decode(batch: &RecordBatch) -> Result<Vec<Event>, BadRows> {
    let columns = Columns::of(batch);
    let attrs: Vec<AttrColumn<'_>> =
        Attr::ALL.iter().filter_map(|attr| AttrColumn::of(&columns, *attr)).collect();
    (0..batch.num_rows()).map(|row| event_at(&columns, &attrs, row)).collect()
}

struct AttrColumn<'a> {
    attr: Attr,
    values: AttrValues<'a>,
}

enum AttrValues<'a> {
    Int(&'a Int64Array),
    Text(TextColumn<'a>),
}

impl<'a> AttrColumn<'a> {
    fn of(columns: &Columns<'a>, attr: Attr) -> Option<Self> {
        let values = match attr.kind() {
            AttrType::Int => AttrValues::Int(columns.int(attr.alias())?),
            AttrType::Text | AttrType::Ip => AttrValues::Text(columns.text(attr.alias())?),
        };
        Some(Self { attr, values })
    }

    fn value_at(&self, row: usize) -> Option<Value> {
        match self.values {
            AttrValues::Int(column) => column.is_valid(row).then(|| column.value(row).into()),
            AttrValues::Text(column) => column.at(row).map(Value::from),
        }
    }
}

fn event_at(
    columns: &Columns<'_>,
    attr_columns: &[AttrColumn<'_>],
    row: usize,
) -> Result<Event, BadRows> {
    let text = |name: &'static str| text_at(columns.text(name), row);
    let required = |name: &'static str| text(name).ok_or(BadRows::Missing(name));
    let name = |column: &'static str| text(column).map(|text| Name::Owned(text.to_owned()));
    let time = |name: &'static str| {
        let column = columns.times(name).ok_or(BadRows::Missing(name))?;
        DateTime::from_timestamp_micros(column.value(row)).ok_or(BadRows::Invalid(name))
    };
    let ids = columns.ids().ok_or(BadRows::Missing(schema::ID))?;
    let class_uids = columns.classes().ok_or(BadRows::Missing(schema::CLASS_UID))?;
    let uuid = |column: &'static str, text: &str| {
        Uuid::parse_str(text).map_err(|_| BadRows::Invalid(column))
    };
    let system = match text(schema::SYSTEM_ID) {
        Some(text) => Some(SystemId::from_uuid(uuid(schema::SYSTEM_ID, text)?)),
        None => None,
    };
    let origin = Origin {
        agency: AgencyId::from_uuid(uuid(schema::AGENCY_ID, required(schema::AGENCY_ID)?)?),
        system,
        source: SourceId::from_uuid(uuid(schema::SOURCE_ID, required(schema::SOURCE_ID)?)?),
    };
    let notes: Vec<Note> = match text(schema::NOTES) {
        Some(text) => serde_json::from_str(text).map_err(|_| BadRows::Invalid(schema::NOTES))?,
        None => Vec::new(),
    };
    Ok(Event {
        id: id_at(ids, row).ok_or(BadRows::Invalid(schema::ID))?,
        origin,
        occurred_at: time(schema::OCCURRED_AT)?,
        time_quality: time_quality(required(schema::TIME_QUALITY)?)?,
        collected_at: time(schema::COLLECTED_AT)?,
        class: u32::try_from(class_uids.value(row))
            .ok()
            .and_then(Class::from_uid)
            .ok_or(BadRows::Invalid(schema::CLASS_UID))?,
        logsource: LogSource {
            product: name(schema::LOG_PRODUCT),
            category: name(schema::LOG_CATEGORY),
            service: name(schema::LOG_SERVICE),
        },
        parser: Name::Owned(required(schema::PARSER)?.to_owned()),
        attrs: attrs_at(attr_columns, text(schema::ATTRS_EXACT), row)?,
        fields: fields(required(schema::FIELDS)?)?,
        notes,
        raw: required(schema::RAW)?.to_owned(),
    })
}

fn attrs_at(columns: &[AttrColumn<'_>], exact: Option<&str>, row: usize) -> Result<Attrs, BadRows> {
    let exact = exact.map_or(Ok(BTreeMap::new()), exact_attrs)?;
    let mut attrs = Attrs::default();
    for column in columns {
        let value = match exact.get(column.attr.alias()) {
            Some(value) => Some(value.clone()),
            None => column.value_at(row),
        };
        if let Some(value) = value {
            attrs.set(column.attr, value);
        }
    }
    Ok(attrs)
}

/// Reads the attributes that their columns alone would not give back, by alias.
pub(crate) fn exact_attrs(text: &str) -> Result<BTreeMap<String, Value>, BadRows> {
    json::values(text).map_err(|_| BadRows::Invalid(schema::ATTRS_EXACT))
}

/// Reads the source's own fields.
pub(crate) fn fields(text: &str) -> Result<Fields, BadRows> {
    json::fields(text).map_err(|_| BadRows::Invalid(schema::FIELDS))
}

fn time_quality(word: &str) -> Result<TimeQuality, BadRows> {
    let mut all = TimeQuality::ALL.into_iter();
    all.find(|quality| quality.word() == word).ok_or(BadRows::Invalid(schema::TIME_QUALITY))
}
