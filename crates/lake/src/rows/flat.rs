//! Flat JSON lines → columns, without making events of them: for bringing in whole files.
//!
//! A line is one object. A member that is named like a column, an attribute or its OCSF path goes
//! there; every other one is an own field of the event. `raw`, or without it `message`, is the
//! record as it came; without either, the line itself. Numbers and texts become what their column
//! holds, as far as that loses nothing; an object within is kept as its text. Ids are made anew: a line
//! cannot replace an event that is here.

use std::borrow::Cow;

use ahash::{AHashMap, AHashSet};
use arrow::error::ArrowError;
use chrono::{DateTime, Utc};
use event::{Attr, Class, EventId, Origin, TimeQuality};
use uuid::Uuid;

use super::Rows;
use super::encode::{AttrColumn, Encoder, time_quality_word};
use super::flat_time::micros;
use super::json::first_value;
use super::scan::{Line, Token};
use super::word_places::{WordPlaces, add_extra};
use crate::schema;

/// Where a member goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Slot {
    /// A column that every event has, by its place in [`GIVEN`].
    Given(usize),
    Attr(Attr),
    Own,
}

/// The columns beside the attributes, with the other names that they may have.
const GIVEN: [&[&str]; 12] = [
    &[schema::OCCURRED_AT, "ts", "time", "timestamp", "@timestamp"],
    &[schema::COLLECTED_AT],
    &[schema::AGENCY_ID],
    &[schema::SYSTEM_ID],
    &[schema::SOURCE_ID],
    &[schema::CLASS_UID],
    &[schema::LOG_PRODUCT, "logsource.product"],
    &[schema::LOG_CATEGORY, "logsource.category"],
    &[schema::LOG_SERVICE, "logsource.service"],
    &[schema::PARSER],
    &[schema::RAW],
    &["message"],
];
const OCCURRED_AT: usize = 0;
const COLLECTED_AT: usize = 1;
const AGENCY: usize = 2;
const SYSTEM: usize = 3;
const SOURCE: usize = 4;
const CLASS: usize = 5;
const PRODUCT: usize = 6;
const CATEGORY: usize = 7;
const SERVICE: usize = 8;
const PARSER: usize = 9;
const RAW: usize = 10;
const MESSAGE: usize = 11;

/// What parser a line has that names none.
const PARSER_OF_FLAT: &str = "flat_json";

/// Names that are remembered: names made of values must not fill the memory.
const NAMES_MAX: usize = 4096;

impl Name {
    fn new(name: &str) -> Self {
        let quoted = serde_json::to_string(name).unwrap_or_default() + ":";
        Self { quoted, slot: Slot::of(name), next: [START; NEXT_NAMES], line: 0 }
    }
}

impl Slot {
    fn of(name: &str) -> Self {
        if let Some(place) = GIVEN.iter().position(|names| names.contains(&name)) {
            return Self::Given(place);
        }
        schema::ATTRS_BY_NAME.get(name).map_or(Self::Own, |attr| Self::Attr(*attr))
    }
}

/// What a line does not say of itself.
#[derive(Debug, Clone)]
pub(crate) struct FlatDefaults {
    pub(crate) origin: Origin,
    pub(crate) collected_at: DateTime<Utc>,
}

/// A name as it stands in the lines before its value, and where its values go.
#[derive(Debug)]
struct Name {
    quoted: String,
    slot: Slot,
    /// Names that came after it, the last one first: lines of one kind have the same names in the same
    /// order.
    next: [usize; NEXT_NAMES],
    /// The last line that has it.
    line: u64,
}

/// A line, its record and its row.
#[derive(Clone, Copy)]
struct Record<'a> {
    line: &'a str,
    raw: &'a str,
    row: usize,
}

/// Names that are tried after a name before it is looked up.
const NEXT_NAMES: usize = 4;

/// No name at all: what stands before the first.
const START: usize = 0;

/// Reads lines into columns.
#[derive(Debug)]
pub(crate) struct FlatReader {
    agency: String,
    system: Option<String>,
    source: String,
    collected_us: i64,
    /// The names that came so far; before them [`START`].
    names: Vec<Name>,
    by_name: AHashMap<String, usize>,
    line: u64,
    /// Texts that were found to be UUIDs.
    uuids: AHashSet<String>,
    values: Vec<(usize, Token)>,
    places: WordPlaces,
    extra: String,
    fields: String,
    exact: serde_json::Map<String, serde_json::Value>,
}

impl FlatReader {
    pub(crate) fn new(defaults: &FlatDefaults) -> Self {
        Self {
            agency: defaults.origin.agency.to_string(),
            system: defaults.origin.system.map(|id| id.to_string()),
            source: defaults.origin.source.to_string(),
            collected_us: defaults.collected_at.timestamp_micros(),
            names: Vec::new(),
            by_name: AHashMap::new(),
            line: 0,
            uuids: AHashSet::new(),
            values: Vec::new(),
            places: WordPlaces::default(),
            extra: String::new(),
            fields: String::new(),
            exact: serde_json::Map::new(),
        }
    }

    /// Turns lines into columns; returns them and how many lines are no flat object.
    pub(crate) fn read(
        &mut self,
        text: &str,
        mut ids: impl Iterator<Item = EventId>,
    ) -> Result<(Rows, u64), ArrowError> {
        let rows = memchr::memchr_iter(b'\n', text.as_bytes()).count() + 1;
        let mut columns = Encoder::for_rows(rows, text.len() / 2);
        let mut refused = 0;
        for line in text.split('\n') {
            let line = line.trim_ascii();
            if line.is_empty() {
                continue;
            }
            match ids.next() {
                Some(id) if self.cut(line) => self.push(line, id, &mut columns)?,
                _ => refused += 1,
            }
        }
        let rows = columns.rows();
        columns.attrs.iter_mut().for_each(|column| column.pad(rows));
        Ok((columns.finish()?, refused))
    }

    /// Cuts a line into its members; returns whether it is one object whose names differ.
    fn cut(&mut self, line: &str) -> bool {
        self.values.clear();
        self.line += 1;
        if self.names.is_empty() || self.names.len() > NAMES_MAX {
            self.names.clear();
            self.by_name.clear();
            self.names.push(Name::new(""));
        }
        let Some(mut rest) = Line::open(line) else { return false };
        let mut last = START;
        while !rest.is_closed() {
            let Some((after, name)) = self.name(last, rest) else { return false };
            let Some(known) = self.names.get_mut(name) else { return false };
            if known.line == self.line {
                return false;
            }
            known.line = self.line;
            let Some((after, token)) = after.value() else { return false };
            self.values.push((name, token));
            (rest, last) = (after, name);
        }
        rest.is_ended()
    }

    /// Steps over a name; returns its place among the names.
    fn name<'a>(&mut self, last: usize, rest: Line<'a>) -> Option<(Line<'a>, usize)> {
        let next = self.names.get(last).map_or([START; NEXT_NAMES], |name| name.next);
        for place in next.into_iter().take_while(|place| *place != START) {
            let name = self.names.get(place)?;
            if let Some(after) = rest.past_name(&name.quoted) {
                return Some((after, place));
            }
        }
        let (after, text) = rest.name()?;
        let place = if let Some(place) = self.by_name.get(&text) {
            *place
        } else {
            let place = self.names.len();
            self.names.push(Name::new(&text));
            self.by_name.insert(text, place);
            place
        };
        if let Some(name) = self.names.get_mut(last)
            && !name.next.contains(&place)
        {
            name.next.rotate_right(1);
            if let Some(first) = name.next.first_mut() {
                *first = place;
            }
        }
        Some((after, place))
    }

    fn push(&mut self, line: &str, id: EventId, columns: &mut Encoder) -> Result<(), ArrowError> {
        let row = columns.rows();
        let values = std::mem::take(&mut self.values);
        let mut given: [Option<Token>; GIVEN.len()] = [None; GIVEN.len()];
        let mut given_at = [usize::MAX; GIVEN.len()];
        for (place, token) in &values {
            if let Some(Slot::Given(column)) = self.names.get(*place).map(|name| name.slot)
                && let (Some(slot), Some(at)) = (given.get_mut(column), given_at.get_mut(column))
                && slot.is_none()
                && self.can_be(column, *token, line)
            {
                (*slot, *at) = (Some(*token), *place);
            }
        }
        let raw = match (given[RAW], given[MESSAGE]) {
            (Some(token), _) | (None, Some(token)) => token.text(line),
            (None, None) => Cow::Borrowed(line),
        };
        let record = Record { line, raw: &raw, row };
        self.places.read(&raw);
        self.push_given(line, id, &given, columns)?;
        self.fields.clear();
        self.extra.clear();
        if let (Some(_), Some(message)) = (given[RAW], given[MESSAGE]) {
            self.push_attr(Attr::Message, message, record, columns);
        }
        for (place, token) in &values {
            match self.names.get(*place).map(|name| name.slot) {
                Some(Slot::Attr(attr)) if self.push_attr(attr, *token, record, columns) => {}
                Some(Slot::Given(column)) if given_at.get(column) == Some(place) => {}
                Some(_) => self.push_own(*place, *token, line, &raw),
                None => {}
            }
        }
        self.values = values;
        columns.raw.append_value(&raw);
        columns.notes.append_null();
        self.push_rest(columns)
    }

    /// Returns whether a value says what its column is to hold; if not, it stays an own field.
    fn can_be(&mut self, column: usize, token: Token, line: &str) -> bool {
        match column {
            _ if matches!(token, Token::Null | Token::Nested(_)) => false,
            OCCURRED_AT | COLLECTED_AT => micros(token, line).is_some(),
            AGENCY | SYSTEM | SOURCE => self.uuid(token, line).is_some(),
            CLASS => class_of(token, line).is_some(),
            _ => true,
        }
    }

    /// Appends what every event has.
    fn push_given(
        &mut self,
        line: &str,
        id: EventId,
        given: &[Option<Token>; GIVEN.len()],
        columns: &mut Encoder,
    ) -> Result<(), ArrowError> {
        columns.id.append_value(id.uuid().as_bytes())?;
        // The id tells when the event was collected; nothing is collected later than now.
        let collected_us = given[COLLECTED_AT].and_then(|token| micros(token, line));
        let collected_us = collected_us.map_or(self.collected_us, |us| us.min(self.collected_us));
        let occurred_us = given[OCCURRED_AT].and_then(|token| micros(token, line));
        let quality = match occurred_us {
            Some(_) => TimeQuality::Stated,
            None => TimeQuality::Collected,
        };
        columns.occurred_at.append_value(occurred_us.unwrap_or(collected_us));
        columns.collected_at.append_value(collected_us);
        columns.time_quality.append_value(time_quality_word(quality));
        let mut uuid = |token: Option<Token>| token.and_then(|token| self.uuid(token, line));
        let [agency, system, source] = [given[AGENCY], given[SYSTEM], given[SOURCE]].map(&mut uuid);
        columns.agency_id.append_value(agency.as_deref().unwrap_or(&self.agency));
        columns.system_id.append_option(system.as_deref().or(self.system.as_deref()));
        columns.source_id.append_value(source.as_deref().unwrap_or(&self.source));
        let class = given[CLASS].and_then(|token| class_of(token, line));
        columns.class_uid.append_value(class.unwrap_or(Class::BaseEvent).uid().cast_signed());
        let names = [given[PRODUCT], given[CATEGORY], given[SERVICE]];
        for (column, name) in columns.logsource.iter_mut().zip(names) {
            column.append_option(name.map(|token| token.text(line)));
        }
        let parser = given[PARSER].map(|token| token.text(line));
        columns.parser.append_value(parser.as_deref().unwrap_or(PARSER_OF_FLAT));
        Ok(())
    }

    /// Returns a text that is a UUID in its usual form.
    fn uuid<'a>(&mut self, token: Token, line: &'a str) -> Option<Cow<'a, str>> {
        let text = token.text(line);
        if self.uuids.contains(text.as_ref()) {
            return Some(text);
        }
        let usual = Uuid::parse_str(&text).ok()?.hyphenated().to_string();
        if usual == text && self.uuids.len() < NAMES_MAX {
            self.uuids.insert(usual.clone());
        }
        Some(Cow::Owned(usual))
    }

    /// Appends an attribute's value; returns whether its place was free.
    fn push_attr(
        &mut self,
        attr: Attr,
        token: Token,
        Record { line, raw, row }: Record<'_>,
        columns: &mut Encoder,
    ) -> bool {
        let Some(column) = columns.attrs.get_mut(attr as usize) else { return false };
        if token == Token::Null {
            return true;
        }
        if column.len() > row || self.exact.contains_key(attr.alias()) {
            return false;
        }
        column.pad(row);
        let text = token.text(line);
        match (column, token) {
            (column, Token::Nested(_)) => {
                let kept = list_or_text(&text);
                if let AttrColumn::Text(column) = column {
                    let value = first_value(&kept.to_string());
                    column.append_value(
                        value.map_or(text.clone(), |value| value.text().into_owned().into()),
                    );
                }
                self.exact.insert(attr.alias().to_owned(), kept);
            }
            (AttrColumn::Text(column), _) => column.append_value(&text),
            (AttrColumn::Int(column), _) => match text.parse::<i64>() {
                Ok(number) if is_usual(&text) => column.append_value(number),
                _ => {
                    let value = serde_json::from_str(&token.json(line));
                    self.exact.insert(attr.alias().to_owned(), value.unwrap_or_default());
                }
            },
        }
        self.add_text(token, raw, &text);
        true
    }

    fn push_own(&mut self, place: usize, token: Token, line: &str, raw: &str) {
        let Some(name) = self.names.get(place) else { return };
        self.fields.push(if self.fields.is_empty() { '{' } else { ',' });
        self.fields.push_str(&name.quoted);
        let text = token.text(line);
        match token {
            Token::Nested(_) => self.fields.push_str(&list_or_text(&text).to_string()),
            _ => self.fields.push_str(&token.json(line)),
        }
        self.add_text(token, raw, &text);
    }

    /// Takes down the texts of a value that a search of the record alone would miss.
    fn add_text(&mut self, token: Token, raw: &str, text: &str) {
        let mut add = |text: &str| {
            if !self.places.hold(raw, text) {
                add_extra(&mut self.extra, text);
            }
        };
        match token {
            Token::Null => {}
            Token::Nested(_) => match first_value(text) {
                Ok(value) => value.members().iter().for_each(|member| add(&member.text())),
                Err(_) => add(text),
            },
            _ => add(text),
        }
    }

    /// Appends what the members together make.
    fn push_rest(&mut self, columns: &mut Encoder) -> Result<(), ArrowError> {
        if self.fields.is_empty() {
            columns.fields.append_value("{}");
        } else {
            self.fields.push('}');
            columns.fields.append_value(&self.fields);
        }
        let exact = std::mem::take(&mut self.exact);
        let json = |map| {
            serde_json::to_string(map).map_err(|error| ArrowError::ExternalError(Box::new(error)))
        };
        columns.attrs_exact.append_option(if exact.is_empty() {
            None
        } else {
            Some(json(&exact)?)
        });
        let extra = self.extra.trim_end_matches('\n');
        columns.extra_text.append_option((!extra.is_empty()).then_some(extra));
        Ok(())
    }
}

/// Returns whether a whole number is written as everyone writes it: reading it back gives the same text.
fn is_usual(number: &str) -> bool {
    let digits = number.strip_prefix('-').unwrap_or(number);
    number == "0" || matches!(digits.as_bytes().first(), Some(b'1'..=b'9'))
}

fn class_of(token: Token, line: &str) -> Option<Class> {
    token.text(line).parse().ok().and_then(Class::from_uid)
}

/// Returns a list of plain values as it is; everything else within a value is kept as its text.
fn list_or_text(json: &str) -> serde_json::Value {
    let value = serde_json::from_str::<serde_json::Value>(json).ok();
    let is_list = value.as_ref().and_then(|value| value.as_array()).is_some_and(|members| {
        members.iter().all(|member| !member.is_array() && !member.is_object())
    });
    match value {
        Some(value) if is_list => value,
        _ => json.into(),
    }
}
