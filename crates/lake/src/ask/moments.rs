//! Moments in SQL are counted in microseconds, as the files hold them: in nanoseconds, which the engine takes for
//! all that a question writes, time begins in 1677 and ends in 2262, and one event outside of that would fail it.

use arrow::datatypes::{DataType, IntervalMonthDayNanoType, TimeUnit};
use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::expr::{Between, Cast, InList, ScalarFunction};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    BinaryExpr, Expr, ExprSchemable as _, LogicalPlan, Operator, TryCast, lit,
};

/// Returns a plan whose moments are microseconds wherever that loses nothing.
pub(super) fn in_micros(plan: LogicalPlan) -> Result<LogicalPlan, DataFusionError> {
    let changed = plan.transform_up_with_subqueries(|node| {
        let schema = merge_schema(&node.inputs());
        let names = NamePreserver::new(&node);
        let node = node.map_expressions(|expr| {
            let name = names.save(&expr);
            let changed = expr.transform_up(|expr| Ok(counted(expr, &schema)))?;
            Ok(changed.update_data(|expr| name.restore(expr)))
        })?;
        node.map_data(LogicalPlan::recompute_schema)
    });
    Ok(changed?.data)
}

/// Returns an expression with the moments in it as microseconds; those below are so already.
fn counted(expr: Expr, schema: &DFSchema) -> Transformed<Expr> {
    match expr {
        Expr::Cast(cast) => match zone_of_cast(&cast.expr, cast.field.data_type(), schema) {
            Some(zone) => Transformed::yes(Expr::Cast(Cast::new(cast.expr, micros(zone)))),
            None => Transformed::no(Expr::Cast(cast)),
        },
        Expr::TryCast(cast) => match zone_of_cast(&cast.expr, cast.field.data_type(), schema) {
            Some(zone) => Transformed::yes(Expr::TryCast(TryCast::new(cast.expr, micros(zone)))),
            None => Transformed::no(Expr::TryCast(cast)),
        },
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if compares(op) => {
            let (of_left, of_right) = (Measure::of(&left, schema), Measure::of(&right, schema));
            let left = beside(*left, of_right.as_ref(), schema);
            let right = beside(*right, of_left.as_ref(), schema);
            let changed = left.transformed || right.transformed;
            let both = BinaryExpr::new(Box::new(left.data), op, Box::new(right.data));
            Transformed::new_transformed(Expr::BinaryExpr(both), changed)
        }
        Expr::Between(Between { expr, negated, low, high }) => {
            let measure = Measure::of(&expr, schema);
            let low = beside(*low, measure.as_ref(), schema);
            let high = beside(*high, measure.as_ref(), schema);
            let changed = low.transformed || high.transformed;
            let between = Between::new(expr, negated, Box::new(low.data), Box::new(high.data));
            Transformed::new_transformed(Expr::Between(between), changed)
        }
        Expr::InList(InList { expr, list, negated }) => {
            let measure = Measure::of(&expr, schema);
            let list = list.into_iter().map(|one| beside(one, measure.as_ref(), schema));
            let (list, changed): (Vec<Expr>, Vec<bool>) =
                list.map(|one| (one.data, one.transformed)).unzip();
            let list = Expr::InList(InList::new(expr, list, negated));
            Transformed::new_transformed(list, changed.contains(&true))
        }
        Expr::ScalarFunction(function) => read(function, schema),
        other => Transformed::no(other),
    }
}

const fn compares(operator: Operator) -> bool {
    matches!(
        operator,
        Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq
            | Operator::IsDistinctFrom
            | Operator::IsNotDistinctFrom
    )
}

/// A zone as types of moments have it.
type Zone = Option<std::sync::Arc<str>>;

const fn micros(zone: Zone) -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, zone)
}

/// What values are compared as.
enum Measure {
    /// Moments in microseconds, of a zone.
    Moment(Zone),
    /// Lengths of time.
    Length,
}

impl Measure {
    fn of(expr: &Expr, schema: &DFSchema) -> Option<Self> {
        match expr.get_type(schema) {
            Ok(DataType::Timestamp(TimeUnit::Microsecond, zone)) => Some(Self::Moment(zone)),
            Ok(DataType::Duration(_)) => Some(Self::Length),
            _ => None,
        }
    }
}

/// Returns the zone of a moment in nanoseconds that is made of something which has no more than microseconds.
fn zone_of_cast(from: &Expr, to: &DataType, schema: &DFSchema) -> Option<Zone> {
    let DataType::Timestamp(TimeUnit::Nanosecond, zone) = to else { return None };
    can_be_micros(from, schema).then(|| zone.clone())
}

/// Returns whether a moment made of this has no more than microseconds.
fn can_be_micros(from: &Expr, schema: &DFSchema) -> bool {
    match from.get_type(schema) {
        Ok(DataType::Timestamp(unit, _)) => unit != TimeUnit::Nanosecond,
        // What stands behind microseconds in a text is passed over, as the engine does.
        Ok(
            DataType::Date32
            | DataType::Date64
            | DataType::Utf8
            | DataType::Utf8View
            | DataType::LargeUtf8,
        ) => true,
        _ => false,
    }
}

/// Returns what is compared with a moment or a length of time as one of the same measure.
fn beside(expr: Expr, measure: Option<&Measure>, schema: &DFSchema) -> Transformed<Expr> {
    match measure {
        Some(Measure::Moment(zone)) => {
            let is_moment = matches!(expr.get_type(schema), Ok(DataType::Timestamp(..)));
            if is_moment || !can_be_micros(&expr, schema) {
                return Transformed::no(expr);
            }
            let moment = Cast::new(Box::new(expr), micros(zone.clone()));
            Transformed::yes(Expr::Cast(moment))
        }
        Some(Measure::Length) => match length(&expr) {
            Some(length) => Transformed::yes(lit(ScalarValue::DurationMicrosecond(Some(length)))),
            None => Transformed::no(expr),
        },
        None => Transformed::no(expr),
    }
}

/// Returns the microseconds of an interval that a question writes. The engine would compare its months, days and
/// hours one after the other, and find 30 hours less than a day. A month is 30 days, as in PostgreSQL.
fn length(expr: &Expr) -> Option<i64> {
    let Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(interval)), _) = expr else {
        return None;
    };
    let (months, days, nanos) = IntervalMonthDayNanoType::to_parts(*interval);
    let days = i64::from(months) * 30 + i64::from(days);
    days.checked_mul(86_400_000_000)?.checked_add(nanos / 1000)
}

/// Returns what reads a moment, or the present one, in microseconds.
fn read(function: ScalarFunction, schema: &DFSchema) -> Transformed<Expr> {
    let kept = |function| Transformed::no(Expr::ScalarFunction(function));
    if function.name() == "now" {
        let now = Expr::ScalarFunction(function);
        let Ok(DataType::Timestamp(_, zone)) = now.get_type(schema) else {
            return Transformed::no(now);
        };
        return Transformed::yes(Expr::Cast(Cast::new(Box::new(now), micros(zone))));
    }
    let unit = match function.name() {
        "to_timestamp" | "to_timestamp_micros" => TimeUnit::Microsecond,
        "to_timestamp_millis" => TimeUnit::Millisecond,
        "to_timestamp_seconds" => TimeUnit::Second,
        _ => return kept(function),
    };
    let [from] = function.args.as_slice() else { return kept(function) };
    let Ok(DataType::Timestamp(_, zone)) = Expr::ScalarFunction(function.clone()).get_type(schema)
    else {
        return kept(function);
    };
    let from_type = from.get_type(schema).unwrap_or(DataType::Null);
    let made = if from_type.is_integer() && function.name() == "to_timestamp" {
        // Whole numbers are seconds.
        let number = Expr::Cast(Cast::new(Box::new(from.clone()), DataType::Int64));
        let seconds = DataType::Timestamp(TimeUnit::Second, zone.clone());
        Expr::Cast(Cast::new(Box::new(number), seconds))
    } else if can_be_micros(from, schema) {
        from.clone()
    } else {
        return kept(function);
    };
    Transformed::yes(Expr::Cast(Cast::new(Box::new(made), DataType::Timestamp(unit, zone))))
}
