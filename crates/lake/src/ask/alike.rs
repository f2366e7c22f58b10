//! Spellings in NFC and NFD are one value where SQL counts by value: `GROUP BY`, `DISTINCT` and
//! `count(DISTINCT …)`, as charts and searches count. What a condition compares stays as it is stored,
//! so that the index can leave files out.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{AsArray as _, StringArray};
use arrow::datatypes::DataType;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, exec_err};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{
    ColumnarValue, Distinct, Expr, LogicalPlan, Projection, ScalarUDF, Volatility, create_udf,
};
use event::fold::composed;

use crate::schema::{ATTRS_EXACT, FIELDS, NOTES, RAW};

/// Columns that are shown as they came, to the byte.
const KEPT: [&str; 4] = [RAW, FIELDS, NOTES, ATTRS_EXACT];

/// Returns the function that gives a text in the composed spelling.
pub(crate) fn nfc() -> ScalarUDF {
    create_udf(
        "nfc",
        vec![DataType::Utf8],
        DataType::Utf8,
        Volatility::Immutable,
        Arc::new(|values| {
            let arrays = ColumnarValue::values_to_arrays(values)?;
            let Some(texts) = arrays.first().and_then(|array| array.as_string_opt::<i32>()) else {
                return exec_err!("nfc takes a text");
            };
            let is_composed = |text: &str| matches!(composed(text), Cow::Borrowed(_));
            if texts.is_ascii() || texts.iter().flatten().all(is_composed) {
                return Ok(ColumnarValue::Array(Arc::new(texts.clone())));
            }
            let texts = texts.iter().map(|text| text.map(composed));
            Ok(ColumnarValue::Array(Arc::new(texts.collect::<StringArray>())))
        }),
    )
}

/// Returns a plan that counts what looks the same as the same.
pub(super) fn counted_alike(plan: LogicalPlan) -> Result<LogicalPlan, DataFusionError> {
    let nfc = nfc();
    let changed = plan.transform_up_with_subqueries(|node| {
        let keys = keys(&node);
        if keys.is_empty() {
            return Ok(Transformed::no(node));
        }
        let input = node.inputs().first().map(|input| (*input).clone());
        let Some(input) = input else { return Ok(Transformed::no(node)) };
        let is_key = |column: &Column, kind: &DataType| {
            *kind == DataType::Utf8
                && !KEPT.contains(&column.name.as_str())
                && keys.contains(column)
        };
        let mut changes = false;
        let columns = input.schema().iter().map(|(table, field)| {
            let column = Column::new(table.cloned(), field.name());
            if !is_key(&column, field.data_type()) {
                return Expr::Column(column);
            }
            changes = true;
            nfc.call(vec![Expr::Column(column)]).alias_qualified(table.cloned(), field.name())
        });
        let columns: Vec<Expr> = columns.collect();
        if !changes {
            return Ok(Transformed::no(node));
        }
        let input = Projection::try_new(columns, Arc::new(input))?;
        let node = node.with_new_exprs(node.expressions(), vec![LogicalPlan::Projection(input)])?;
        Ok(Transformed::yes(node))
    });
    Ok(changed?.data)
}

/// Returns the columns by whose values a step counts.
fn keys(node: &LogicalPlan) -> Vec<Column> {
    match node {
        LogicalPlan::Aggregate(step) => {
            let counted = step.aggr_expr.iter().filter(|figure| counts_different(figure));
            let columns = step.group_expr.iter().chain(counted).map(Expr::column_refs);
            columns.flatten().cloned().collect()
        }
        LogicalPlan::Distinct(Distinct::All(input)) => input.schema().columns(),
        _ => Vec::new(),
    }
}

fn counts_different(figure: &Expr) -> bool {
    match figure {
        Expr::Alias(alias) => counts_different(&alias.expr),
        Expr::AggregateFunction(function) => function.params.distinct,
        _ => false,
    }
}
