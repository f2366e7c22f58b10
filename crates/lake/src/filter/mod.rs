//! A query, a span of time and a scope, made ready to ask columns, and to skip what cannot answer.

mod columns;
mod dictionaries;
mod fields;
mod first;
mod need;
mod texts;

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use event::lake::Search;
use event::query::{Builtin, Matcher, Moment, Period, Query, Target, TextPattern, ValueTest};
use event::{Attr, Event, EventId, Scope};

pub(crate) use columns::FieldColumns;
use dictionaries::Told;
use fields::OwnField;
use need::Need;
use texts::Text;

use crate::error::StoreError;
use crate::rows::{Columns, Rows};
use crate::schema::{self, INDEXED};
use crate::segment::{Condition, Footer, Granule, Needle, Outline, SegmentFile, Token};

/// What a search asks of every row.
#[derive(Debug)]
pub(crate) struct Filter {
    node: Node,
    matcher: Matcher,
    /// The earliest time, inclusive, in microseconds.
    from_us: i64,
    /// The latest, exclusive.
    to_us: i64,
    /// Only rows that sort before this one.
    before: Option<(i64, EventId)>,
    scope: Scope,
    agencies: Option<BTreeSet<String>>,
    /// What is asked of rows but for their time; nothing where rows past a place are asked for.
    condition: Option<Arc<Condition>>,
    told: Told,
}

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a query has some dozens of nodes")]
enum Node {
    All,
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    Text(Box<Text>),
    Field { field: FieldName, test: ValueTest },
    Time { column: &'static str, from_us: i64, to_us: i64 },
}

/// A field as the columns know it.
#[derive(Debug, Clone)]
pub(crate) enum FieldName {
    Builtin(Builtin),
    Attr(Attr, OwnField),
    Own(OwnField),
}

impl FieldName {
    pub(crate) fn new(name: &str) -> Self {
        match Target::of(name) {
            Target::Builtin(builtin) => Self::Builtin(builtin),
            Target::Attr(attr, name) => Self::Attr(attr, OwnField::new(name)),
            Target::Own(name) => Self::Own(OwnField::new(name)),
        }
    }

    /// Adds the columns that hold the field.
    pub(crate) fn columns(&self, loose: &BTreeSet<Attr>, columns: &mut BTreeSet<&'static str>) {
        match self {
            Self::Builtin(builtin) => {
                columns.insert(builtin_column(*builtin));
            }
            Self::Attr(attr, _) => {
                columns.extend([attr.alias(), schema::ATTRS_EXACT]);
                if loose.contains(attr) {
                    columns.insert(schema::FIELDS);
                }
            }
            Self::Own(_) => {
                columns.insert(schema::FIELDS);
            }
        }
    }
}

pub(crate) const fn builtin_column(builtin: Builtin) -> &'static str {
    match builtin {
        Builtin::EventId => schema::ID,
        Builtin::AgencyId => schema::AGENCY_ID,
        Builtin::SystemId => schema::SYSTEM_ID,
        Builtin::SourceId => schema::SOURCE_ID,
        Builtin::Class => schema::CLASS_UID,
        Builtin::Parser => schema::PARSER,
        Builtin::LogProduct => schema::LOG_PRODUCT,
        Builtin::LogCategory => schema::LOG_CATEGORY,
        Builtin::LogService => schema::LOG_SERVICE,
        Builtin::TimeQuality => schema::TIME_QUALITY,
        Builtin::EventNote => schema::NOTES,
    }
}

impl Node {
    fn new(query: &Query) -> Self {
        match query {
            Query::All => Self::All,
            Query::And(parts) => {
                let mut nodes: Vec<Self> = parts.iter().map(Self::new).collect();
                // What costs least goes first: the others then see fewer rows.
                nodes.sort_by_key(Self::cost);
                Self::And(nodes)
            }
            Query::Or(parts) => Self::Or(parts.iter().map(Self::new).collect()),
            Query::Not(inner) => Self::Not(Box::new(Self::new(inner))),
            Query::Text(pattern) => Self::Text(Box::new(Text::new(pattern))),
            Query::Field { name, test } => {
                Self::Field { field: FieldName::new(name), test: ValueTest::new(name, test) }
            }
            Query::Time { moment, period } => Self::time(*moment, period),
        }
    }

    fn time(moment: Moment, period: &Period) -> Self {
        let column = match moment {
            Moment::Occurred => schema::OCCURRED_AT,
            Moment::Collected => schema::COLLECTED_AT,
        };
        let from_us = period.from.map_or(i64::MIN, micros_up);
        Self::Time { column, from_us, to_us: period.to.map_or(i64::MAX, micros_up) }
    }

    /// Returns the earliest collection that a matching row can have, in microseconds.
    fn collected_from_us(&self) -> i64 {
        match self {
            Self::Time { column, from_us, .. } if *column == schema::COLLECTED_AT => *from_us,
            Self::And(parts) => parts.iter().map(Self::collected_from_us).max().unwrap_or(i64::MIN),
            _ => i64::MIN,
        }
    }

    fn cost(&self) -> u32 {
        match self {
            Self::All | Self::Time { .. } => 0,
            Self::Field { field: FieldName::Builtin(Builtin::EventNote), .. } => 3,
            Self::Field { field: FieldName::Builtin(_), .. } => 1,
            Self::Field { field: FieldName::Attr(..), .. } => 2,
            Self::Field { field: FieldName::Own(_), .. } => 20,
            Self::Text(_) => 30,
            Self::Not(inner) => inner.cost(),
            Self::And(parts) | Self::Or(parts) => parts.iter().map(Self::cost).sum(),
        }
    }

    fn columns(&self, loose: &BTreeSet<Attr>, columns: &mut BTreeSet<&'static str>) {
        match self {
            Self::All => {}
            Self::And(parts) | Self::Or(parts) => {
                for part in parts {
                    part.columns(loose, columns);
                }
            }
            Self::Not(inner) => inner.columns(loose, columns),
            Self::Text(_) => columns.extend([schema::RAW, schema::EXTRA_TEXT]),
            Self::Field { field, .. } => field.columns(loose, columns),
            Self::Time { column, .. } => {
                columns.insert(column);
            }
        }
    }

    /// Returns how many texts are looked for in records.
    fn texts(&self) -> usize {
        match self {
            Self::All | Self::Field { .. } | Self::Time { .. } => 0,
            Self::Text(_) => 1,
            Self::Not(inner) => inner.texts(),
            Self::And(parts) | Self::Or(parts) => parts.iter().map(Self::texts).sum(),
        }
    }

    /// Returns the longest text that every matching row has, of those that bytes can be asked for.
    fn needle(&self) -> Option<&Needle> {
        match self {
            Self::Text(text) => text.needle.as_ref(),
            Self::And(parts) => {
                parts.iter().filter_map(Self::needle).max_by_key(|needle| needle.bytes())
            }
            _ => None,
        }
    }

    /// Returns what the index must hold for a row to match.
    fn need(&self, loose: &BTreeSet<Attr>) -> Need {
        match self {
            Self::All | Self::Not(_) | Self::Time { .. } => Need::Nothing,
            Self::And(parts) => Need::all(parts.iter().map(|part| part.need(loose))),
            Self::Or(parts) => Need::any(parts.iter().map(|part| part.need(loose))),
            Self::Text(text) => {
                let pattern = &text.pattern;
                Need::words(&pattern.whole_words(), &pattern.word_starts())
            }
            Self::Field { field, test } => match (test.equal_to(), test.pattern(), field) {
                (Some(values), _, _) => {
                    Need::any(values.iter().map(|value| Self::value_need(field, value, loose)))
                }
                // Every value but a builtin's stands in the text, whole and between word borders.
                (None, Some(pattern), FieldName::Attr(..) | FieldName::Own(_)) => {
                    Need::words(&pattern.whole_words(), &pattern.word_starts())
                }
                (None, _, _) => Need::Nothing,
            },
        }
    }

    /// Returns what the index must hold for a row to have this value.
    fn value_need(field: &FieldName, value: &str, loose: &BTreeSet<Attr>) -> Need {
        match field {
            FieldName::Attr(attr, _) if INDEXED.contains(attr) && !loose.contains(attr) => {
                Need::tokens(vec![Token::value(attr.alias(), value)])
            }
            FieldName::Builtin(
                builtin @ (Builtin::AgencyId | Builtin::SystemId | Builtin::SourceId),
            ) => Need::tokens(vec![Token::value(builtin_column(*builtin), value)]),
            // The own field's value stands in the text, so its words are in the index.
            FieldName::Own(_) | FieldName::Attr(..) => {
                let pattern = TextPattern::new(&event::query::escape(value));
                Need::words(&pattern.whole_words(), &[])
            }
            FieldName::Builtin(_) => Need::Nothing,
        }
    }
}

impl Filter {
    pub(crate) fn new(scope: &Scope, search: &Search) -> Self {
        let agencies: Option<BTreeSet<String>> =
            scope.visible().map(|agencies| agencies.iter().map(ToString::to_string).collect());
        let node = Node::new(&search.query);
        let condition = search.after.is_none().then(|| {
            Arc::new(Condition { query: search.query.clone(), agencies: agencies.clone() })
        });
        Self {
            node,
            matcher: Matcher::new(&search.query),
            // A bound between two microseconds: the next one is the first inside.
            from_us: micros_up(search.from),
            to_us: micros_up(search.to),
            before: search.after.map(|after| (after.occurred_at.timestamp_micros(), after.id)),
            scope: scope.clone(),
            agencies,
            condition,
            told: Told::default(),
        }
    }

    /// Returns whether every row in the span of time matches.
    pub(crate) fn takes_all(&self) -> bool {
        matches!(self.node, Node::All) && self.agencies.is_none() && self.before.is_none()
    }

    /// Returns what rows in the span of time must be like, by which counts of them are kept; nothing where
    /// that is not all that is asked of them.
    pub(crate) fn condition(&self) -> Option<&Arc<Condition>> {
        self.condition.as_ref()
    }

    /// Returns whether times between these two, both inclusive, may match.
    pub(crate) fn may_match_times(&self, min_us: i64, max_us: i64) -> bool {
        let before = self.before.is_none_or(|(time_us, _)| min_us <= time_us);
        max_us >= self.from_us && min_us < self.to_us && before
    }

    /// Returns whether all times between these two, both inclusive, are in the span.
    pub(crate) fn spans(&self, min_us: i64, max_us: i64) -> bool {
        min_us >= self.from_us && max_us < self.to_us
    }

    /// Returns whether all times of a file are in the span.
    pub(crate) fn spans_file(&self, file: &SegmentFile) -> bool {
        let times = [file.segment.min_occurred_at, file.segment.max_occurred_at];
        let [min_us, max_us] = times.map(|time| time.timestamp_micros());
        self.spans(min_us, max_us)
    }

    /// Returns the granules of a file that may hold matching rows, in the file's order.
    pub(crate) fn granules<'a>(
        &self,
        file: &SegmentFile,
        footer: &'a Footer,
    ) -> Result<Vec<&'a Granule>, StoreError> {
        if !self.may_hold_collected(file.segment.max_id) {
            return Ok(Vec::new());
        }
        let need = Need::all([self.node.need(&footer.loose), self.scope_need()].into_iter());
        let met = match need {
            Need::Nothing => None,
            need => need.met_by(&file.open()?, footer)?,
        };
        let is_met = |granule: &&Granule| {
            self.may_match_times(granule.min_us, granule.max_us)
                && self.may_hold_collected(granule.max_id)
                && met.as_ref().is_none_or(|met| met.get(granule.number).is_none_or(|met| *met))
        };
        Ok(footer.granules.iter().filter(is_met).collect())
    }

    /// Returns the text that every matching row has in its record or values, where pages can be
    /// looked through for it before rows are made of them.
    pub(crate) fn needle(&self) -> Option<&Needle> {
        self.node.needle()
    }

    /// Returns whether no more than one text is looked for in records.
    pub(crate) fn asks_one_text(&self) -> bool {
        self.node.texts() <= 1
    }

    /// Returns whether rows up to this id may have been collected late enough: an id is made when its
    /// event is collected, or counts on from an earlier one, so it never tells a time before that.
    fn may_hold_collected(&self, max_id: EventId) -> bool {
        let from_us = self.node.collected_from_us();
        let newest_us = i64::try_from(max_id.collected_at_ms()).unwrap_or(i64::MAX);
        newest_us.saturating_add(1).saturating_mul(1000) > from_us
    }

    fn scope_need(&self) -> Need {
        match &self.agencies {
            // Past this many the index is asked more than it saves.
            Some(agencies) if agencies.len() <= 32 => Need::any(
                agencies.iter().map(|id| Need::tokens(vec![Token::value(schema::AGENCY_ID, id)])),
            ),
            _ => Need::Nothing,
        }
    }

    /// Returns the columns that the filter reads of rows whose times are all in the span.
    pub(crate) fn columns_in_span(&self, loose: &BTreeSet<Attr>) -> BTreeSet<&'static str> {
        let mut columns = BTreeSet::new();
        self.node.columns(loose, &mut columns);
        if self.agencies.is_some() {
            columns.insert(schema::AGENCY_ID);
        }
        columns
    }

    /// Returns the columns that the filter reads.
    pub(crate) fn columns(&self, loose: &BTreeSet<Attr>) -> BTreeSet<&'static str> {
        let mut columns = self.reach_columns();
        self.node.columns(loose, &mut columns);
        columns
    }

    /// Returns the columns that tell whether rows are within the span of time, the scope and the page.
    fn reach_columns(&self) -> BTreeSet<&'static str> {
        let mut columns = BTreeSet::from([schema::OCCURRED_AT]);
        if self.agencies.is_some() {
            columns.insert(schema::AGENCY_ID);
        }
        if self.before.is_some() {
            columns.insert(schema::ID);
        }
        columns
    }

    /// Returns whether an event that is no column yet matches.
    pub(crate) fn takes(&self, event: &Event) -> bool {
        let time_us = event.occurred_at.timestamp_micros();
        (self.from_us..self.to_us).contains(&time_us)
            && self.before.is_none_or(|before| (time_us, event.id) < before)
            && self.scope.sees_origin(&event.origin)
            && self.matcher.matches(event)
    }

    /// Returns the rows in memory that match, ascending.
    pub(crate) fn rows_in_memory(&self, rows: &Rows) -> Result<Vec<usize>, StoreError> {
        if rows.outline.as_ref().is_some_and(|outline| !self.may_match(outline, &rows.loose)) {
            return Ok(Vec::new());
        }
        self.rows(&rows.batch, &rows.loose)
    }

    fn may_match(&self, outline: &Outline, loose: &BTreeSet<Attr>) -> bool {
        self.may_match_times(outline.min_us, outline.max_us)
            && self.node.need(loose).may_be_met_in(outline)
            && self.scope_need().may_be_met_in(outline)
    }

    /// Returns the rows that match, ascending.
    pub(crate) fn rows(
        &self,
        batch: &RecordBatch,
        loose: &BTreeSet<Attr>,
    ) -> Result<Vec<usize>, StoreError> {
        let columns = Columns::of(batch);
        let rows = self.rows_in_reach(&columns)?;
        columns::matching(&self.node, &columns, loose, rows)
    }

    /// Returns the rows that match of those whose times are all in the span, ascending.
    pub(crate) fn rows_in_span(
        &self,
        batch: &RecordBatch,
        loose: &BTreeSet<Attr>,
    ) -> Result<Vec<usize>, StoreError> {
        let columns = Columns::of(batch);
        let rows = self.rows_in_scope(&columns, (0..batch.num_rows()).collect())?;
        columns::matching(&self.node, &columns, loose, rows)
    }
}

/// Returns a moment in microseconds, rounded up.
fn micros_up(moment: chrono::DateTime<chrono::Utc>) -> i64 {
    let whole = moment.timestamp_micros();
    if moment.timestamp_subsec_nanos().is_multiple_of(1000) {
        whole
    } else {
        whole.saturating_add(1)
    }
}
