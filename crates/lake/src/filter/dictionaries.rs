//! Tests of fields that the index does not answer, asked of the dictionaries of row groups: a pattern that is open
//! where its words begin, a network of addresses, the product or parser of a record.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use event::query::{Builtin, ValueTest};
use event::{Attr, AttrType};
use parking_lot::Mutex;

use super::{FieldName, Filter, Node, builtin_column};
use crate::catalogue::SegmentId;
use crate::error::StoreError;
use crate::schema::RARELY_REPEATED;
use crate::segment::{Footer, Granule, SegmentFile, any_text, group_of};

/// Row groups that are asked before it is told whether that is worth it.
const TRIED_GROUPS: usize = 4;

/// What the dictionaries told so far.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Whether a row group may hold a row that matches.
    groups: Mutex<BTreeMap<(SegmentId, usize), bool>>,
}

impl Told {
    /// Returns what was told of a row group; `true` where most of the others may hold rows and it is not asked.
    fn of(&self, group: (SegmentId, usize)) -> Option<bool> {
        let groups = self.groups.lock();
        let may_hold = groups.values().take(2 * TRIED_GROUPS).filter(|may| **may).count();
        let asked = groups.len().min(2 * TRIED_GROUPS);
        let is_vain = asked >= TRIED_GROUPS && may_hold * 2 > asked;
        groups.get(&group).copied().or(is_vain.then_some(true))
    }
}

impl Filter {
    /// Returns whether the row group of a granule may hold a row that matches, by the dictionaries of its columns.
    pub(crate) fn may_match_group(
        &self,
        file: &SegmentFile,
        footer: &Footer,
        granule: &Granule,
    ) -> Result<bool, StoreError> {
        let loose = &footer.loose;
        if !self.node.asks_dictionaries(loose) {
            return Ok(true);
        }
        let metadata = footer.parquet(file)?.plain.metadata();
        let Some((group, _)) = group_of(metadata, granule) else { return Ok(true) };
        let key = (file.segment.id, group);
        if let Some(may_match) = self.told.of(key) {
            return Ok(may_match);
        }
        let open = Arc::new(file.open()?);
        let may_match =
            self.node.may_match(loose, &|column: &str, passes: &dyn Fn(&str) -> bool| {
                any_text(&open, metadata, group, column, passes)
            })?;
        self.told.groups.lock().insert(key, may_match);
        Ok(may_match)
    }
}

impl FieldName {
    /// Returns the column of short texts that alone has the field's values, those of a list joined, if a test can be
    /// asked of them.
    fn dictionary_column(&self, test: &ValueTest, loose: &BTreeSet<Attr>) -> Option<&'static str> {
        let column = match self {
            Self::Builtin(Builtin::EventId | Builtin::Class | Builtin::EventNote)
            | Self::Own(_) => return None,
            Self::Builtin(builtin) => builtin_column(*builtin),
            Self::Attr(attr, _) => {
                let is_text = matches!(attr.kind(), AttrType::Text | AttrType::Ip);
                let is_told = is_text && !loose.contains(attr) && test.tells_joined();
                is_told.then_some(attr.alias())?
            }
        };
        (!RARELY_REPEATED.contains(&column)).then_some(column)
    }
}

impl Node {
    /// Returns whether dictionaries may tell that no row matches.
    fn asks_dictionaries(&self, loose: &BTreeSet<Attr>) -> bool {
        match self {
            Self::All | Self::Not(_) | Self::Text(_) | Self::Time { .. } => false,
            Self::And(parts) => parts.iter().any(|part| part.asks_dictionaries(loose)),
            Self::Or(parts) => parts.iter().all(|part| part.asks_dictionaries(loose)),
            Self::Field { field, test } => field.dictionary_column(test, loose).is_some(),
        }
    }

    /// Returns whether a row may match of a row group of which it is asked whether a text of a column passes.
    fn may_match(
        &self,
        loose: &BTreeSet<Attr>,
        any: &impl Fn(&str, &dyn Fn(&str) -> bool) -> Result<bool, StoreError>,
    ) -> Result<bool, StoreError> {
        match self {
            Self::All | Self::Not(_) | Self::Text(_) | Self::Time { .. } => Ok(true),
            Self::And(parts) => {
                for part in parts {
                    if !part.may_match(loose, any)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Self::Or(parts) => {
                for part in parts {
                    if part.may_match(loose, any)? {
                        return Ok(true);
                    }
                }
                Ok(parts.is_empty())
            }
            Self::Field { field, test } => match (field.dictionary_column(test, loose), field) {
                // These are no lists.
                (Some(column), FieldName::Builtin(_)) => {
                    any(column, &|text| test.passes_text(text))
                }
                (Some(column), _) => any(column, &|text| test.may_pass_joined(text)),
                (None, _) => Ok(true),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use event::lake::Search;
    use event::query::parse;
    use event::{Attrs, Event, Fields, Scope, Value};

    use super::*;
    use crate::segment::Footers;
    use crate::testing::{event, run, stored};

    fn named() -> Event {
        let mut attrs = Attrs::default();
        attrs.set(Attr::User, Value::List(vec!["x".into(), "Quản trị viên".into()]));
        attrs.set(Attr::Host, "may-DC01.tinh.vn");
        attrs.set(Attr::SrcIp, "10.20.3.4");
        attrs.set(Attr::SrcPort, 443);
        let fields: Fields = [("process", "named only here"), ("own", "x")].into_iter().collect();
        Event { attrs, fields, ..event(0) }
    }

    async fn check() {
        let (_folder, lake) = stored(vec![named()]).await;
        let view = lake.view();
        let file = view.segments.first().unwrap();
        let footer = Footers::default().of(file).unwrap();
        let granule = footer.granules.first().unwrap();
        for (text, may_match) in [
            ("user:qu?n*vien", true),
            ("user:*VIÊN", true),
            ("user:adm*", false),
            ("host:*dc01*", true),
            ("host:*dc02*", false),
            ("src_ip:10.2*", true),
            ("src_ip:10.3*", false),
            ("src_ip:10.0.0.0/8", true),
            ("src_ip:11.0.0.0/8", false),
            ("parser:linux*", true),
            ("parser:*absent*", false),
            ("logsource.product:w?ndows", false),
            ("logsource.product:LINUX", true),
            ("logsource.product:windows", false),
            ("logsource.product:/^lin/", true),
            ("parser:/absent/", false),
            ("logsource.service:*", false),
            // Nothing tells it: a number, a list of notes, an own field, an attribute that may be one, what is denied.
            ("src_port:9*", true),
            ("event_note:absent*", true),
            ("own:*absent*", true),
            ("process:*absent*", true),
            ("NOT host:*dc02*", true),
            ("host:dc02", true),
            ("host:*dc02* OR own:*absent*", true),
            ("host:*dc02* OR user:adm*", false),
            ("host:*dc01* user:adm*", false),
            ("host:*dc01* OR user:adm*", true),
        ] {
            let (from, to) = (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
            let query = parse(text).unwrap();
            let search = Search { query, from, to, limit: 1, after: None };
            let filter = Filter::new(&Scope::platform(), &search);
            assert_eq!(
                filter.may_match_group(file, &footer, granule).unwrap(),
                may_match,
                "{text}"
            );
        }
        lake.close().await;
    }

    #[test]
    fn a_row_group_is_left_out_by_its_dictionaries() {
        run(check());
    }

    #[test]
    fn dictionaries_are_not_asked_for_ever_in_vain() {
        let told = Told::default();
        let group = |number| (SegmentId::from_uuid(uuid::Uuid::nil()), number);
        for number in 0..TRIED_GROUPS {
            assert_eq!(told.of(group(number)), None);
            told.groups.lock().insert(group(number), true);
        }
        assert_eq!(told.of(group(TRIED_GROUPS)), Some(true));
        let told = Told::default();
        for number in 0..100 {
            told.groups.lock().insert(group(number), number % 2 == 0);
        }
        assert_eq!(told.of(group(100)), None);
        assert_eq!(told.of(group(1)), Some(false));
    }
}
