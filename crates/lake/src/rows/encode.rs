//! Events → columns.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{
    ArrayBuilder as _, ArrayRef, FixedSizeBinaryBuilder, Int32Builder, Int64Builder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use event::{Attr, AttrType, Event, Origin, Value};

use super::Rows;
use super::word_places::{WordPlaces, add_extra};
use crate::schema::{self, ATTRS_BY_NAME, SCHEMA};
use crate::segment::{ATTR_STARTS, Outline, Tokens, field_start};

/// Turns events into columns.
#[expect(single_use_lifetimes, reason = "an anonymous lifetime cannot stand there yet")]
pub(crate) fn encode<'a>(
    events: impl Iterator<Item = &'a Event> + Clone,
) -> Result<Rows, ArrowError> {
    let mut encoder = Encoder::of(events.clone());
    for event in events {
        encoder.push(event)?;
    }
    encoder.finish()
}

/// Turns events into columns with their outline: their words are looked for once for both.
#[expect(single_use_lifetimes, reason = "an anonymous lifetime cannot stand there yet")]
pub(crate) fn encode_outlined<'a>(
    events: impl Iterator<Item = &'a Event> + Clone,
) -> Result<Rows, ArrowError> {
    let mut encoder = Encoder::of(events.clone());
    encoder.tokens = Some(Tokens::default());
    for event in events.clone() {
        encoder.push(event)?;
    }
    let tokens = encoder.tokens.take().unwrap_or_default();
    let times = events.map(|event| event.occurred_at.timestamp_micros());
    Ok(Rows { outline: Some(Outline::new(times, tokens)), ..encoder.finish()? })
}

pub(super) enum AttrColumn {
    Int(Int64Builder),
    Text(StringBuilder),
}

/// Bytes of an id as text.
const UUID_BYTES: usize = 36;

/// An event's attributes, each at its place.
type Slots<'a> = [Option<&'a Value>; Attr::ALL.len()];

/// Builds the columns of [`crate::schema::SCHEMA`].
pub(super) struct Encoder {
    pub(super) id: FixedSizeBinaryBuilder,
    pub(super) occurred_at: TimestampMicrosecondBuilder,
    pub(super) collected_at: TimestampMicrosecondBuilder,
    pub(super) time_quality: StringBuilder,
    pub(super) agency_id: StringBuilder,
    pub(super) system_id: StringBuilder,
    pub(super) source_id: StringBuilder,
    pub(super) class_uid: Int32Builder,
    pub(super) logsource: [StringBuilder; 3],
    pub(super) parser: StringBuilder,
    pub(super) attrs: Vec<AttrColumn>,
    pub(super) attrs_exact: StringBuilder,
    pub(super) fields: StringBuilder,
    pub(super) notes: StringBuilder,
    pub(super) raw: StringBuilder,
    pub(super) extra_text: StringBuilder,
    pub(super) loose: BTreeSet<Attr>,
    pub(super) largest_bytes: usize,
    pub(super) texts: Texts,
    /// What an outline wants to know.
    tokens: Option<Tokens>,
    origin: Option<OriginTexts>,
}

/// The origin of the last event, spelt out: the next one mostly has the same.
struct OriginTexts {
    origin: Origin,
    agency: String,
    system: Option<String>,
    source: String,
}

impl OriginTexts {
    /// Returns each id with its column's name.
    fn values(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let system = self.system.as_deref().map(|id| (schema::SYSTEM_ID, id));
        let others =
            [(schema::AGENCY_ID, self.agency.as_str()), (schema::SOURCE_ID, self.source.as_str())];
        others.into_iter().chain(system)
    }
}

impl AttrColumn {
    /// Returns how many rows it has.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Int(column) => column.len(),
            Self::Text(column) => column.len(),
        }
    }

    /// Fills it with nulls up to a row.
    pub(super) fn pad(&mut self, rows: usize) {
        match self {
            Self::Int(column) => {
                let missing = rows.saturating_sub(column.len());
                if missing > 0 {
                    column.append_nulls(missing);
                }
            }
            Self::Text(column) => pad(column, rows),
        }
    }
}

/// Fills a column of texts with nulls up to a row.
pub(super) fn pad(column: &mut StringBuilder, rows: usize) {
    let missing = rows.saturating_sub(column.len());
    if missing > 0 {
        column.append_nulls(missing);
    }
}

impl Encoder {
    /// Returns how many rows were begun.
    pub(super) fn rows(&self) -> usize {
        self.raw.len()
    }

    /// Returns an encoder whose columns have room for these events.
    #[expect(single_use_lifetimes, reason = "an anonymous lifetime cannot stand there yet")]
    fn of<'a>(events: impl Iterator<Item = &'a Event>) -> Self {
        let (mut rows, mut raw_bytes) = (0, 0);
        let mut attr_bytes = [0; Attr::ALL.len()];
        for event in events {
            rows += 1;
            raw_bytes += event.raw.len();
            for (attr, value) in event.attrs.iter() {
                if let (Value::Text(text), Some(bytes)) = (value, attr_bytes.get_mut(attr as usize))
                {
                    *bytes += text.len();
                }
            }
        }
        Self::with_capacity(rows, raw_bytes, &attr_bytes)
    }

    pub(super) fn for_rows(rows: usize, raw_bytes: usize) -> Self {
        Self::with_capacity(rows, raw_bytes, &[0; Attr::ALL.len()])
    }

    fn with_capacity(rows: usize, raw_bytes: usize, attr_bytes: &[usize; Attr::ALL.len()]) -> Self {
        let text = |bytes| StringBuilder::with_capacity(rows, bytes);
        let (short, id) = (|| text(rows * 16), || text(rows * UUID_BYTES));
        let time = || TimestampMicrosecondBuilder::with_capacity(rows).with_timezone("UTC");
        let column = |(attr, bytes): (&Attr, &usize)| match attr.kind() {
            AttrType::Int => AttrColumn::Int(Int64Builder::with_capacity(rows)),
            AttrType::Text | AttrType::Ip => AttrColumn::Text(text(*bytes)),
        };
        Self {
            id: FixedSizeBinaryBuilder::with_capacity(rows, 16),
            occurred_at: time(),
            collected_at: time(),
            time_quality: short(),
            agency_id: id(),
            system_id: id(),
            source_id: id(),
            class_uid: Int32Builder::with_capacity(rows),
            logsource: [short(), short(), short()],
            parser: short(),
            attrs: Attr::ALL.iter().zip(attr_bytes).map(column).collect(),
            attrs_exact: StringBuilder::new(),
            fields: text(raw_bytes),
            notes: StringBuilder::new(),
            raw: text(raw_bytes),
            extra_text: short(),
            loose: BTreeSet::new(),
            largest_bytes: 0,
            texts: Texts::default(),
            tokens: None,
            origin: None,
        }
    }

    fn push(&mut self, event: &Event) -> Result<(), ArrowError> {
        self.id.append_value(event.id.uuid().as_bytes())?;
        self.occurred_at.append_value(event.occurred_at.timestamp_micros());
        self.collected_at.append_value(event.collected_at.timestamp_micros());
        self.time_quality.append_value(event.time_quality.word());
        self.push_origin(event.origin);
        self.class_uid.append_value(event.class.uid().cast_signed());
        let names = [&event.logsource.product, &event.logsource.category, &event.logsource.service];
        for (column, name) in self.logsource.iter_mut().zip(names) {
            column.append_option(name.as_deref());
        }
        self.parser.append_value(&event.parser);
        let attrs = self.push_attrs(event)?;
        let fields = json(&event.fields)?;
        let notes = if event.notes.is_empty() { None } else { Some(json(&event.notes)?) };
        self.raw.append_value(&event.raw);
        self.extra_text.append_option(self.texts.extra(event, &attrs, self.tokens.as_mut()));
        let bytes = event.raw.len() + fields.len() + notes.as_ref().map_or(0, String::len);
        self.largest_bytes = self.largest_bytes.max(bytes);
        self.fields.append_value(fields);
        self.notes.append_option(notes);
        Ok(())
    }

    fn push_origin(&mut self, origin: Origin) {
        if self.origin.as_ref().is_none_or(|own| own.origin != origin) {
            let own = OriginTexts {
                origin,
                agency: origin.agency.to_string(),
                system: origin.system.map(|id| id.to_string()),
                source: origin.source.to_string(),
            };
            if let Some(tokens) = &mut self.tokens {
                own.values().for_each(|(name, id)| tokens.add_value(field_start(name), id));
            }
            self.origin = Some(own);
        }
        if let Some(own) = &self.origin {
            self.agency_id.append_value(&own.agency);
            self.system_id.append_option(own.system.as_deref());
            self.source_id.append_value(&own.source);
        }
    }

    fn push_attrs<'a>(&mut self, event: &'a Event) -> Result<Slots<'a>, ArrowError> {
        let mut slots: Slots<'a> = [None; Attr::ALL.len()];
        let mut exact = serde_json::Map::new();
        for (attr, value) in event.attrs.iter() {
            if let Some(slot) = slots.get_mut(attr as usize) {
                *slot = Some(value);
            }
            let fits = match attr.kind() {
                AttrType::Int => matches!(value, Value::Int(_)),
                AttrType::Text | AttrType::Ip => matches!(value, Value::Text(_)),
            };
            if !fits {
                exact.insert(attr.alias().to_owned(), to_json(value)?);
                if let Some(tokens) = &mut self.tokens {
                    tokens.add_members(field_start(attr.alias()), value);
                }
            }
        }
        for ((column, slot), start) in self.attrs.iter_mut().zip(slots).zip(ATTR_STARTS.iter()) {
            match column {
                AttrColumn::Int(column) => column.append_option(slot.and_then(Value::int)),
                AttrColumn::Text(column) => {
                    let text = slot.map(Value::text);
                    if let (Some(tokens), Some(start), Some(text)) =
                        (&mut self.tokens, start, &text)
                    {
                        tokens.add_value(*start, text);
                    }
                    column.append_option(text);
                }
            }
        }
        self.attrs_exact.append_option(if exact.is_empty() { None } else { Some(json(&exact)?) });
        for (name, _) in event.fields.iter() {
            if let Some(attr) = ATTRS_BY_NAME.get(name)
                && slots.get(*attr as usize).is_some_and(Option::is_none)
            {
                self.loose.insert(*attr);
            }
        }
        Ok(slots)
    }

    pub(super) fn finish(mut self) -> Result<Rows, ArrowError> {
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(self.id.finish()),
            Arc::new(self.occurred_at.finish()),
            Arc::new(self.collected_at.finish()),
            Arc::new(self.time_quality.finish()),
            Arc::new(self.agency_id.finish()),
            Arc::new(self.system_id.finish()),
            Arc::new(self.source_id.finish()),
            Arc::new(self.class_uid.finish()),
        ];
        columns.extend(self.logsource.iter_mut().map(|column| Arc::new(column.finish()) as _));
        columns.push(Arc::new(self.parser.finish()));
        columns.extend(self.attrs.iter_mut().map(|column| match column {
            AttrColumn::Int(column) => Arc::new(column.finish()) as ArrayRef,
            AttrColumn::Text(column) => Arc::new(column.finish()) as ArrayRef,
        }));
        for mut column in [self.attrs_exact, self.fields, self.notes, self.raw, self.extra_text] {
            columns.push(Arc::new(column.finish()));
        }
        let batch = RecordBatch::try_new(SCHEMA.clone(), columns)?;
        let (loose, largest_bytes) = (self.loose, self.largest_bytes);
        Ok(Rows { batch, loose, largest_bytes, outline: None })
    }
}

/// Finds the values that a search of `raw` alone would miss.
#[derive(Default)]
pub(super) struct Texts {
    places: WordPlaces,
    extra: String,
}

impl Texts {
    /// Returns the folded values that do not stand in the folded raw record between word borders,
    /// one a line; `None` if there is none. Whatever pattern is found in a value that does stand
    /// there is found in `raw` as well, because its borders are borders there. Attributes come in the order
    /// of their columns, so that an event that is read back has the same text.
    ///
    /// `tokens` takes in the words of both.
    fn extra(
        &mut self,
        event: &Event,
        attrs: &Slots<'_>,
        mut tokens: Option<&mut Tokens>,
    ) -> Option<&str> {
        match &mut tokens {
            Some(tokens) => {
                self.places.read(&event.raw, |token, word| tokens.add_word(token, word));
            }
            None => self.places.read(&event.raw, |_token, _word| {}),
        }
        self.extra.clear();
        let attrs = attrs.iter().flatten().copied();
        let values = attrs.chain(event.fields.iter().map(|(_, value)| value));
        for member in values.flat_map(Value::members) {
            let text = member.text();
            if !self.places.hold(&event.raw, &text, &mut 0) {
                add_extra(&mut self.extra, &text);
            }
        }
        let extra = self.extra.trim_end_matches('\n');
        if let Some(tokens) = tokens {
            tokens.add_words(extra);
        }
        (!extra.is_empty()).then_some(extra)
    }
}

fn json(value: &impl serde::Serialize) -> Result<String, ArrowError> {
    serde_json::to_string(value).map_err(|error| ArrowError::ExternalError(Box::new(error)))
}

fn to_json(value: &Value) -> Result<serde_json::Value, ArrowError> {
    serde_json::to_value(value).map_err(|error| ArrowError::ExternalError(Box::new(error)))
}

#[cfg(test)]
mod tests {
    use event::{Attrs, Fields};

    use super::super::{Columns, decode};
    use super::*;

    #[test]
    fn an_event_that_is_read_back_has_the_same_columns() {
        let mut attrs = Attrs::default();
        // Against the order of the columns, and none of it in the record.
        attrs.set(Attr::Message, "Một dòng\nhai dòng");
        attrs.set(Attr::Host, "máy chủ");
        attrs.set(Attr::SrcIp, "10.0.0.1");
        let mut fields = Fields::default();
        fields.push("Message", "Một dòng\nhai dòng");
        let event = Event { attrs, fields, raw: "r".into(), ..crate::testing::event(0) };
        let rows = encode(std::iter::once(&event)).unwrap();
        let read = decode(&rows.batch).unwrap();
        assert_eq!(encode(read.iter()).unwrap().batch, rows.batch);
        let columns = Columns::of(&rows.batch);
        let extra = columns.text(schema::EXTRA_TEXT).and_then(|texts| texts.at(0));
        assert_eq!(extra, Some("10.0.0.1\nmay chu\nmot dong\nhai dong"));
    }
}
