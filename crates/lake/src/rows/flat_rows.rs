//! Rows of columns from the members of flat JSON lines.

use std::borrow::Cow;
use std::net::IpAddr;

use event::{Attr, AttrType, Class, EventId, TimeQuality};
use uuid::Uuid;

use super::encode::{Encoder, pad};
use super::flat::{
    AGENCY, CATEGORY, CLASS, COLLECTED_AT, FlatReader, GIVEN, MESSAGE, Member, NAMES_MAX,
    OCCURRED_AT, PARSER, PRODUCT, RAW, SERVICE, SOURCE, START, SYSTEM, Slot, Time, place_of,
};
use super::flat_attr::{list_or_text, push_attr};
use super::json::first_value;
use super::scan::Token;
use super::word_places::add_extra;
use crate::error::StoreError;
use crate::segment::{ATTR_STARTS, Tokens, add_exact};

/// What parser a line has that names none.
const PARSER_OF_FLAT: &str = "flat_json";

/// A line that becomes a row.
#[derive(Clone, Copy)]
pub(super) struct Record<'a> {
    pub(super) line: &'a str,
    pub(super) members: &'a [Member],
    pub(super) time: Time,
    pub(super) id: EventId,
}

impl FlatReader {
    /// Appends a line's row.
    pub(super) fn push(
        &mut self,
        record: Record<'_>,
        columns: &mut Encoder,
        tokens: &mut Tokens,
    ) -> Result<(), StoreError> {
        let Record { line, members, time, .. } = record;
        let mut given: [Option<Token>; GIVEN.len()] = [None; GIVEN.len()];
        let mut given_at = [usize::MAX; GIVEN.len()];
        for (column, said_by) in [OCCURRED_AT, COLLECTED_AT].into_iter().zip(time.said_by) {
            if let (Some(at), Some(place)) = (given_at.get_mut(column), said_by) {
                *at = place;
            }
        }
        for (name, token) in members {
            let place = &place_of(*name);
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
        self.places.read(&raw, |token, word| tokens.add_word(token, word));
        self.push_given(record, &given, columns, tokens)?;
        self.fields.clear();
        self.extra.clear();
        if let (Some(_), Some(message)) = (given[RAW], given[MESSAGE]) {
            self.push_attr((START, Attr::Message), message, (line, &raw), columns, tokens);
        }
        for (name, token) in members {
            let place = &place_of(*name);
            match self.names.get(*place).map(|name| name.slot) {
                Some(Slot::Attr(attr))
                    if self.push_attr((*place, attr), *token, (line, &raw), columns, tokens) => {}
                Some(Slot::Given(column)) if given_at.get(column) == Some(place) => {}
                Some(_) => self.push_own(*place, *token, line, &raw),
                None => {}
            }
        }
        let row = columns.rows();
        columns.raw.append_value(&raw);
        self.push_rest(row, columns, tokens)
    }

    /// Returns whether a value says what its column is to hold; if not, it stays an own field.
    fn can_be(&mut self, column: usize, token: Token, line: &str) -> bool {
        match column {
            _ if matches!(token, Token::Null | Token::Nested(_)) => false,
            // Its time says by which member.
            OCCURRED_AT | COLLECTED_AT => false,
            AGENCY | SYSTEM | SOURCE => self.uuid(column, token, line).is_some(),
            CLASS => class_of(token, line).is_some(),
            _ => true,
        }
    }

    /// Appends what every event has.
    fn push_given(
        &mut self,
        Record { line, time, id, .. }: Record<'_>,
        given: &[Option<Token>; GIVEN.len()],
        columns: &mut Encoder,
        tokens: &mut Tokens,
    ) -> Result<(), StoreError> {
        columns.id.append_value(id.uuid().as_bytes())?;
        let quality = match time.said_by {
            [Some(_), _] => TimeQuality::Stated,
            [None, _] => TimeQuality::Collected,
        };
        columns.occurred_at.append_value(time.occurred_us);
        columns.collected_at.append_value(time.collected_us);
        columns.time_quality.append_value(quality.word());
        let [agency, system, source] = [AGENCY, SYSTEM, SOURCE].map(|column| {
            let token = given.get(column).copied().flatten();
            token.and_then(|token| self.uuid(column, token, line))
        });
        let agency = agency.as_deref().unwrap_or(&self.agency);
        let system = system.as_deref().or(self.system.as_deref());
        let source = source.as_deref().unwrap_or(&self.source);
        columns.agency_id.append_value(agency);
        columns.system_id.append_option(system);
        columns.source_id.append_value(source);
        for (start, value) in self.origin_starts.iter().zip([Some(agency), system, Some(source)]) {
            if let Some(value) = value {
                tokens.add_value(*start, value);
            }
        }
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

    /// Returns a column's text that is a UUID in its usual form.
    fn uuid<'a>(&mut self, column: usize, token: Token, line: &'a str) -> Option<Cow<'a, str>> {
        let text = token.text(line);
        let last = self.last_uuids.get_mut(column)?;
        if !text.is_empty() && *last == text {
            return Some(text);
        }
        if self.uuids.contains(text.as_ref()) {
            last.replace_range(.., &text);
            return Some(text);
        }
        let usual = Uuid::parse_str(&text).ok()?.hyphenated().to_string();
        if usual == text && self.uuids.len() < NAMES_MAX {
            self.uuids.insert(usual.clone());
        }
        Some(Cow::Owned(usual))
    }

    /// Appends an attribute's value, if its place is free; returns whether nothing of it is left out then.
    fn push_attr(
        &mut self,
        (place, attr): (usize, Attr),
        token: Token,
        (line, raw): (&str, &str),
        columns: &mut Encoder,
        tokens: &mut Tokens,
    ) -> bool {
        let row = columns.rows();
        let Some(column) = columns.attrs.get_mut(attr as usize) else { return false };
        if token == Token::Null {
            return true;
        }
        if column.len() > row || (!self.exact.is_empty() && self.exact.contains_key(attr.alias())) {
            return false;
        }
        column.pad(row);
        let written = token.text(line);
        let shortest = if attr.kind() == AttrType::Ip { shortest(&written) } else { None };
        let text = shortest.as_deref().unwrap_or(&written);
        let (stored, exact) = push_attr(column, token, text, line);
        if let (Some(Some(start)), Some(stored)) = (ATTR_STARTS.get(attr as usize), stored) {
            tokens.add_value(*start, &stored);
        }
        if let Some(exact) = exact {
            self.exact.insert(attr.alias().to_owned(), exact);
        }
        self.add_text(place, token, raw, text);
        // As it was written it stays an own field.
        shortest.is_none()
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
        self.add_text(place, token, raw, &text);
    }

    /// Takes down the texts of a value that a search of the record alone would miss.
    fn add_text(&mut self, place: usize, token: Token, raw: &str, text: &str) {
        let Some(name) = self.names.get_mut(place) else { return };
        let mut add = |text: &str| {
            if !self.places.hold(raw, text, &mut name.word) {
                add_extra(&mut self.extra, text);
            }
        };
        match token {
            Token::Null => {}
            Token::Nested(_) => match first_value(text) {
                Ok(value) => value.members().iter().for_each(|member| add(&member.text())),
                Err(_) => add(text),
            },
            Token::Number(_) => {
                add(text);
                // A search for the value asks for the number as it reads.
                if let Some(usual) = usual_number(text) {
                    add(&usual);
                }
            }
            _ => add(text),
        }
    }

    /// Appends what the members of a row together make.
    fn push_rest(
        &mut self,
        row: usize,
        columns: &mut Encoder,
        tokens: &mut Tokens,
    ) -> Result<(), StoreError> {
        if self.fields.is_empty() {
            columns.fields.append_value("{}");
        } else {
            self.fields.push('}');
            columns.fields.append_value(&self.fields);
        }
        if !self.exact.is_empty() {
            let exact = serde_json::Value::Object(std::mem::take(&mut self.exact)).to_string();
            add_exact(&exact, tokens)?;
            pad(&mut columns.attrs_exact, row);
            columns.attrs_exact.append_value(&exact);
        }
        let extra = self.extra.trim_end_matches('\n');
        if !extra.is_empty() {
            tokens.add_words(extra);
            pad(&mut columns.extra_text, row);
            columns.extra_text.append_value(extra);
        }
        Ok(())
    }
}

/// Returns an address in its shortest form, if that is another than the one it has: only IPv6 has several.
fn shortest(text: &str) -> Option<String> {
    memchr::memchr(b':', text.as_bytes())?;
    let shortest = text.parse::<IpAddr>().ok()?.to_string();
    (shortest != text).then_some(shortest)
}

/// Returns a number as it reads, if it is written in another way.
fn usual_number(text: &str) -> Option<String> {
    if text.len() < 19 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let usual = first_value(text).ok()?.text().into_owned();
    (usual != text).then_some(usual)
}

fn class_of(token: Token, line: &str) -> Option<Class> {
    token.text(line).parse().ok().and_then(Class::from_uid)
}
