//! The part of a filter that reads short columns only: asked first, it mostly leaves few rows for the part that reads
//! records or the source's own fields.

use std::collections::BTreeSet;

use arrow::record_batch::RecordBatch;
use event::Attr;

use super::columns::matching;
use super::{Filter, Node};
use crate::error::StoreError;
use crate::rows::Columns;
use crate::schema::{self, RARELY_REPEATED};

impl Filter {
    /// Returns the columns that the part reads; nothing where there is none, or none beside it.
    pub(crate) fn first_columns(&self, loose: &BTreeSet<Attr>) -> Option<BTreeSet<&'static str>> {
        let Node::And(parts) = &self.node else { return None };
        let (first, rest): (Vec<&Node>, Vec<&Node>) =
            parts.iter().partition(|part| part.is_short(loose));
        let tells = first.iter().any(|part| !matches!(part, Node::All | Node::Time { .. }));
        if !tells || rest.is_empty() {
            return None;
        }
        let mut columns = self.reach_columns();
        for part in first {
            part.columns(loose, &mut columns);
        }
        Some(columns)
    }

    /// Returns the rows (ascending) that the part takes.
    pub(crate) fn rows_by_first(
        &self,
        batch: &RecordBatch,
        loose: &BTreeSet<Attr>,
    ) -> Result<Vec<usize>, StoreError> {
        let columns = Columns::of(batch);
        let mut rows = self.rows_in_reach(&columns)?;
        if let Node::And(parts) = &self.node {
            for part in parts.iter().filter(|part| part.is_short(loose)) {
                rows = matching(part, &columns, loose, rows)?;
            }
        }
        Ok(rows)
    }
}

impl Node {
    /// Returns whether it reads short columns only. Values that their own column does not give back are rare.
    fn is_short(&self, loose: &BTreeSet<Attr>) -> bool {
        let mut columns = BTreeSet::new();
        self.columns(loose, &mut columns);
        let is_short =
            |name: &&str| *name == schema::ATTRS_EXACT || !RARELY_REPEATED.contains(name);
        columns.iter().all(is_short)
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use event::lake::Search;
    use event::query::parse;
    use event::{Attrs, Event, Scope};

    use super::*;
    use crate::rows::encode;
    use crate::testing::event;

    fn filter(text: &str) -> Filter {
        let query = parse(text).unwrap();
        let (from, to) = (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
        Filter::new(&Scope::platform(), &Search { query, from, to, limit: 1, after: None })
    }

    #[test]
    fn short_columns_are_asked_where_long_ones_are_as_well() {
        let columns = |text: &str, loose: &BTreeSet<Attr>| {
            let columns = filter(text).first_columns(loose)?;
            Some(columns.into_iter().collect::<Vec<_>>())
        };
        let none = BTreeSet::new();
        let user = Some(vec![schema::ATTRS_EXACT, schema::OCCURRED_AT, "user"]);
        assert_eq!(columns("failed user:root", &none), user);
        assert_eq!(columns("own.name:x user:root", &none), user);
        assert_eq!(columns("url:*x* (user:root OR NOT user:an)", &none), user);
        assert_eq!(columns("failed parser:x", &none), Some(vec![schema::OCCURRED_AT, "parser"]));
        for text in ["failed", "user:root", "user:root src_ip:10.0.0.1", "failed OR user:root"] {
            assert_eq!(columns(text, &none), None, "{text}");
        }
        assert_eq!(columns("failed own.name:x", &none), None);
        assert_eq!(columns("failed occurred_at:>=2026-01-01", &none), None);
        // An own field may be meant by the name: those are long.
        assert_eq!(columns("failed user:root", &BTreeSet::from([Attr::User])), None);
    }

    #[test]
    fn the_part_takes_every_row_that_the_filter_takes() {
        let made = ["root", "an", "root", "binh"].into_iter().zip(0..).map(|(user, number)| {
            let mut attrs = Attrs::default();
            attrs.set(Attr::User, user);
            let raw = if number < 2 { "failed" } else { "accepted" };
            Event { attrs, raw: raw.to_owned(), ..event(number) }
        });
        let events: Vec<Event> = made.collect();
        let rows = encode(events.iter()).unwrap();
        let asked = filter("failed user:root");
        assert_eq!(asked.rows_by_first(&rows.batch, &rows.loose).unwrap(), [0, 2]);
        assert_eq!(asked.rows(&rows.batch, &rows.loose).unwrap(), [0]);
    }
}
