//! What the engine reads in a SQL question and passes over: it would answer something else than was asked.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    GroupByExpr, Query, Select, Statement, TableFactor, Visit as _, Visitor,
};

/// Returns the first words of a question that the engine would pass over, as SQL writes them.
pub(super) fn passed_over(statement: &Statement) -> Option<String> {
    match statement.visit(&mut Looking) {
        ControlFlow::Break(words) => Some(words),
        ControlFlow::Continue(()) => None,
    }
}

struct Looking;

impl Visitor for Looking {
    type Break = String;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<String> {
        let parts = [
            (!query.locks.is_empty(), "FOR UPDATE"),
            (query.for_clause.is_some(), "FOR"),
            (query.settings.is_some(), "SETTINGS"),
            (query.format_clause.is_some(), "FORMAT"),
        ];
        first(&parts)
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<String> {
        let (GroupByExpr::All(modifiers) | GroupByExpr::Expressions(_, modifiers)) =
            &select.group_by;
        if let Some(modifier) = modifiers.first() {
            return ControlFlow::Break(format!("GROUP BY … {modifier}"));
        }
        let parts = [
            (select.prewhere.is_some(), "PREWHERE"),
            (!select.connect_by.is_empty(), "CONNECT BY"),
            (select.exclude.is_some(), "EXCLUDE"),
            (select.value_table_mode.is_some(), "SELECT AS"),
        ];
        first(&parts)
    }

    fn pre_visit_table_factor(&mut self, table: &TableFactor) -> ControlFlow<String> {
        match table {
            TableFactor::Table {
                with_hints,
                version,
                with_ordinality,
                partitions,
                json_path,
                sample,
                index_hints,
                ..
            } => first(&[
                (!partitions.is_empty(), "PARTITION (…)"),
                (!with_hints.is_empty(), "WITH (…)"),
                (*with_ordinality, "WITH ORDINALITY"),
                (version.is_some(), "AS OF"),
                (json_path.is_some(), "[…]"),
                (sample.is_some(), "TABLESAMPLE"),
                (!index_hints.is_empty(), "USE INDEX"),
            ]),
            TableFactor::Function { with_ordinality, .. } => {
                first(&[(*with_ordinality, "WITH ORDINALITY")])
            }
            TableFactor::Derived { sample, .. } => first(&[(sample.is_some(), "TABLESAMPLE")]),
            _ => ControlFlow::Continue(()),
        }
    }
}

fn first(parts: &[(bool, &str)]) -> ControlFlow<String> {
    match parts.iter().find(|(is_there, _)| *is_there) {
        Some((_, words)) => ControlFlow::Break((*words).to_owned()),
        None => ControlFlow::Continue(()),
    }
}
