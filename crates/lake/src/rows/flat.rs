//! Flat JSON lines → columns, without making events of them: for bringing in whole files.
//!
//! A line is one object. A member that is named like a column, an attribute or its OCSF path goes
//! there; every other one is an own field of the event. `raw`, or without it `message`, is the
//! record as it came; without either, the line itself. Numbers and texts become what their column
//! holds, as far as that loses nothing; an object within is kept as its text. Ids are made anew: a line
//! cannot replace an event that is here.
//!
//! Lines are cut into members first ([`FlatReader::cut`]), which tells their times; columns are made of
//! them in the order of time ([`FlatReader::rows`]), a granule at once, so that nothing is sorted or copied
//! that is a column already.

use std::ops::Range;

use ahash::{AHashMap, AHashSet};
use chrono::{DateTime, Utc};
use event::{Attr, EventId, JsonMarks, Origin};

use super::Rows;
use super::encode::{Encoder, pad};
use super::flat_rows::Record;
use super::flat_time::micros;
use super::scan::{Line, Token};
use super::word_places::WordPlaces;
use crate::error::StoreError;
use crate::schema;
use crate::segment::{Tokens, field_start};

/// Where a member goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Slot {
    /// A column that every event has, by its place in [`GIVEN`].
    Given(usize),
    Attr(Attr),
    Own,
}

/// The columns beside the attributes, with the other names that they may have.
pub(super) const GIVEN: [&[&str]; 12] = [
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
pub(super) const OCCURRED_AT: usize = 0;
pub(super) const COLLECTED_AT: usize = 1;
pub(super) const AGENCY: usize = 2;
pub(super) const SYSTEM: usize = 3;
pub(super) const SOURCE: usize = 4;
pub(super) const CLASS: usize = 5;
pub(super) const PRODUCT: usize = 6;
pub(super) const CATEGORY: usize = 7;
pub(super) const SERVICE: usize = 8;
pub(super) const PARSER: usize = 9;
pub(super) const RAW: usize = 10;
pub(super) const MESSAGE: usize = 11;

/// Names that are remembered: names made of values must not fill the memory.
pub(super) const NAMES_MAX: usize = 4096;

impl Name {
    fn new(name: &str) -> Self {
        let quoted = serde_json::to_string(name).unwrap_or_default() + ":";
        Self { quoted, slot: Slot::of(name), next: [START; NEXT_NAMES], line: 0, word: 0 }
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
pub(super) struct Name {
    pub(super) quoted: String,
    pub(super) slot: Slot,
    /// Names that came after it, the last one first: lines of one kind have the same names in the same
    /// order.
    next: [usize; NEXT_NAMES],
    /// The last line that has it.
    line: u64,
    /// The word of a record that its value began with last.
    pub(super) word: usize,
}

/// Names that are tried after a name before it is looked up.
const NEXT_NAMES: usize = 4;

/// No name at all: what stands before the first.
pub(super) const START: usize = 0;

/// A member of a line: the place of its name among the names, and its value.
pub(super) type Member = (u32, Token);

/// Returns the place of a member's name.
pub(super) fn place_of(name: u32) -> usize {
    usize::try_from(name).unwrap_or(usize::MAX)
}

/// A line that was cut into its members.
#[derive(Debug, Clone)]
struct CutLine {
    /// Where it stands in the text.
    text: Range<usize>,
    /// Its members among those of all lines.
    members: Range<usize>,
    time: Time,
    kind: u32,
}

/// When a line's event occurred and was collected, in microseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Time {
    pub(super) occurred_us: i64,
    pub(super) collected_us: i64,
    /// The names of the members that say so.
    pub(super) said_by: [Option<usize>; 2],
}

/// Reads lines into columns.
#[derive(Debug)]
pub(crate) struct FlatReader {
    pub(super) agency: String,
    pub(super) system: Option<String>,
    pub(super) source: String,
    collected_us: i64,
    /// The names that came so far; before them [`START`].
    pub(super) names: Vec<Name>,
    by_name: AHashMap<String, usize>,
    line: u64,
    /// Texts that were found to be UUIDs.
    pub(super) uuids: AHashSet<String>,
    /// The last of them in each column: most lines have the same as the one before.
    pub(super) last_uuids: [String; GIVEN.len()],
    /// Of the line that is being cut.
    marks: JsonMarks,
    lines: Vec<CutLine>,
    members: Vec<Member>,
    pub(super) places: WordPlaces,
    pub(super) extra: String,
    pub(super) fields: String,
    pub(super) exact: serde_json::Map<String, serde_json::Value>,
    /// What the tokens of agency, system and source begin with.
    pub(super) origin_starts: [u64; 3],
}

/// What was cut at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Bytes of the text that it took.
    pub(crate) bytes: usize,
    /// Lines that are no flat object.
    pub(crate) refused: u64,
}

impl FlatReader {
    pub(crate) fn new(defaults: &FlatDefaults) -> Self {
        let origins = [schema::AGENCY_ID, schema::SYSTEM_ID, schema::SOURCE_ID];
        Self {
            agency: defaults.origin.agency.to_string(),
            system: defaults.origin.system.map(|id| id.to_string()),
            source: defaults.origin.source.to_string(),
            collected_us: defaults.collected_at.timestamp_micros(),
            names: Vec::new(),
            by_name: AHashMap::new(),
            line: 0,
            uuids: AHashSet::new(),
            last_uuids: Default::default(),
            marks: JsonMarks::default(),
            lines: Vec::new(),
            members: Vec::new(),
            places: WordPlaces::default(),
            extra: String::new(),
            fields: String::new(),
            exact: serde_json::Map::new(),
            origin_starts: origins.map(field_start),
        }
    }

    /// Cuts lines into their members, and forgets those that it cut before: all lines of the text, or
    /// as many as have not too many names.
    pub(crate) fn cut(&mut self, text: &str) -> Cut {
        self.lines.clear();
        self.members.clear();
        if self.names.is_empty() || self.names.len() > NAMES_MAX {
            self.names.clear();
            self.by_name.clear();
            self.names.push(Name::new(""));
        }
        let mut cut = Cut { bytes: 0, refused: 0 };
        while cut.bytes < text.len() && self.names.len() <= NAMES_MAX {
            let rest = text.get(cut.bytes..).unwrap_or_default();
            let length = memchr::memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len());
            let whole = rest.get(..length).unwrap_or_default();
            let line = whole.trim_ascii();
            let start = cut.bytes + (whole.len() - whole.trim_ascii_start().len());
            cut.bytes = (cut.bytes + length + 1).min(text.len());
            if line.is_empty() {
                continue;
            }
            let first = self.members.len();
            if self.cut_line(line) {
                let members = first..self.members.len();
                let time = self.time(line, &members);
                let text = start..start + line.len();
                let kind = kind_of(self.members.get(members.clone()).unwrap_or_default());
                self.lines.push(CutLine { text, members, time, kind });
            } else {
                self.members.truncate(first);
                cut.refused += 1;
            }
        }
        cut
    }

    /// Returns when the events of the lines that were cut occurred, in microseconds.
    pub(crate) fn times(&self) -> impl Iterator<Item = i64> {
        self.lines.iter().map(|line| line.time.occurred_us)
    }

    /// Returns a line that was cut.
    pub(crate) fn line<'a>(&self, text: &'a str, line: usize) -> &'a str {
        self.lines.get(line).and_then(|line| text.get(line.text.clone())).unwrap_or_default()
    }

    /// Returns how many bytes the text of a line has that was cut.
    pub(crate) fn bytes_of(&self, line: usize) -> usize {
        self.lines.get(line).map_or(0, |line| line.text.len())
    }

    /// Returns a number that lines share which have the same names: mostly those of one source.
    pub(crate) fn kind_of(&self, line: usize) -> u32 {
        self.lines.get(line).map_or(0, |line| line.kind)
    }

    /// Makes columns of lines that were cut, in the order in which they are named; tells the tokens of
    /// their words and values.
    pub(crate) fn rows(
        &mut self,
        text: &str,
        lines: impl ExactSizeIterator<Item = usize> + Clone,
        mut ids: impl Iterator<Item = EventId>,
        tokens: &mut Tokens,
    ) -> Result<Rows, StoreError> {
        let bytes: usize = lines.clone().map(|line| self.bytes_of(line)).sum();
        let mut columns = Encoder::for_rows(lines.len(), bytes / 2);
        let own = (std::mem::take(&mut self.lines), std::mem::take(&mut self.members));
        for cut in lines.filter_map(|line| own.0.get(line)) {
            let (Some(id), Some(line)) = (ids.next(), text.get(cut.text.clone())) else { break };
            let members = own.1.get(cut.members.clone()).unwrap_or_default();
            let record = Record { line, members, time: cut.time, id };
            self.push(record, &mut columns, tokens)?;
        }
        (self.lines, self.members) = own;
        let rows = columns.rows();
        columns.attrs.iter_mut().for_each(|column| column.pad(rows));
        for column in [&mut columns.attrs_exact, &mut columns.notes, &mut columns.extra_text] {
            pad(column, rows);
        }
        Ok(columns.finish()?)
    }

    /// Finds out when a line's event occurred and was collected. The id tells when the event was
    /// collected; nothing is collected later than now.
    fn time(&self, line: &str, members: &Range<usize>) -> Time {
        let members = self.members.get(members.clone()).unwrap_or_default();
        let said = |column| {
            members.iter().find_map(|(name, token)| {
                let place = place_of(*name);
                let is_it = self.names.get(place)?.slot == Slot::Given(column);
                let could = is_it && !matches!(token, Token::Null | Token::Nested(_));
                could.then(|| micros(*token, line)).flatten().map(|us| (us, place))
            })
        };
        let (occurred, collected) = (said(OCCURRED_AT), said(COLLECTED_AT));
        let collected_us = collected.map_or(self.collected_us, |(us, _)| us.min(self.collected_us));
        Time {
            occurred_us: occurred.map_or(collected_us, |(us, _)| us),
            collected_us,
            said_by: [occurred, collected].map(|said| said.map(|(_, place)| place)),
        }
    }

    /// Cuts a line into its members; returns whether it is one object whose names differ.
    fn cut_line(&mut self, line: &str) -> bool {
        let mut marks = std::mem::take(&mut self.marks);
        marks.read(line.as_bytes());
        let is_cut = Line::open(line, &marks).is_some_and(|rest| self.cut_members(rest));
        self.marks = marks;
        is_cut
    }

    fn cut_members(&mut self, mut rest: Line<'_>) -> bool {
        self.line += 1;
        let mut last = START;
        while !rest.is_closed() {
            let Some((after, name)) = self.name(last, rest) else { return false };
            let Some(known) = self.names.get_mut(name) else { return false };
            if known.line == self.line {
                return false;
            }
            known.line = self.line;
            let Some((after, token)) = after.value() else { return false };
            self.members.push((u32::try_from(name).unwrap_or(u32::MAX), token));
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
}

fn kind_of(members: &[Member]) -> u32 {
    const FACTOR: u32 = 0x9e37_79b1;
    members
        .iter()
        .fold(0, |kind: u32, (name, _)| (kind.rotate_left(5) ^ *name).wrapping_mul(FACTOR))
}
