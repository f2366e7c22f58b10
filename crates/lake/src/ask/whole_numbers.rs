//! Whole numbers in SQL are counted exactly or not at all: the engine runs over the largest one into the smallest,
//! and a sum of bytes would come out negative without a word.

use std::sync::Arc;

use arrow::compute::kernels::numeric::{add, mul, sub};
use arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::common::{Column, DFSchema, exec_err};
use datafusion::error::Result;
use datafusion::logical_expr::expr::Cast;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::type_coercion::binary::BinaryTypeCoercer;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, ExprSchemable as _, LogicalPlan, Operator, Projection,
    ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, WindowFunctionDefinition,
};
use datafusion::physical_expr_common::datum::apply;

/// Holds each whole number of 64 bits, and the sum of as many as there can be.
const WIDE: DataType = DataType::Decimal128(20, 0);

/// Returns the functions that stand for `+`, `-` and `*`.
pub(super) fn whole_numbers() -> [ScalarUDF; 3] {
    [
        ("exact_add", Operator::Plus),
        ("exact_subtract", Operator::Minus),
        ("exact_multiply", Operator::Multiply),
    ]
    .map(|(name, operator)| {
        let signature = Signature::any(2, Volatility::Immutable);
        ScalarUDF::from(Exact { name, operator, signature })
    })
}

/// Returns a plan that fails where whole numbers become too large.
pub(super) fn exact(plan: LogicalPlan) -> Result<LogicalPlan> {
    let functions = whole_numbers();
    let changed = plan.transform_up_with_subqueries(|node| {
        let schema = merge_schema(&node.inputs());
        let names = NamePreserver::new(&node);
        let sums = matches!(node, LogicalPlan::Aggregate(_) | LogicalPlan::Window(_));
        let before = Arc::clone(node.schema());
        let node = node.map_expressions(|expr| {
            let name = names.save(&expr);
            let changed = expr.transform_up(|expr| match expr {
                Expr::BinaryExpr(counting) => counted(counting, &schema, &functions),
                expr if sums => Ok(summed(expr, &schema)),
                expr => Ok(Transformed::no(expr)),
            })?;
            Ok(changed.update_data(|expr| name.restore(expr)))
        })?;
        let node = node.map_data(LogicalPlan::recompute_schema)?;
        if !sums || !node.transformed {
            return Ok(node);
        }
        node.map_data(|node| narrowed(node, &before))
    });
    Ok(changed?.data)
}

/// Returns `+`, `-` or `*` as the function that fails where its result is too large.
fn counted(
    counting: BinaryExpr,
    schema: &DFSchema,
    functions: &[ScalarUDF; 3],
) -> Result<Transformed<Expr>> {
    let [plus, minus, times] = functions;
    let function = match counting.op {
        Operator::Plus => plus,
        Operator::Minus => minus,
        Operator::Multiply => times,
        _ => return Ok(Transformed::no(Expr::BinaryExpr(counting))),
    };
    let kinds = (counting.left.get_type(schema), counting.right.get_type(schema));
    let (Ok(left), Ok(right)) = kinds else {
        return Ok(Transformed::no(Expr::BinaryExpr(counting)));
    };
    if !left.is_integer() || !right.is_integer() {
        return Ok(Transformed::no(Expr::BinaryExpr(counting)));
    }
    let kind = BinaryTypeCoercer::new(&left, &counting.op, &right).get_result_type()?;
    if !kind.is_integer() {
        return Ok(Transformed::no(Expr::BinaryExpr(counting)));
    }
    let args = [*counting.left, *counting.right].map(|side| side.cast_to(&kind, schema));
    let args = args.into_iter().collect::<Result<Vec<Expr>>>()?;
    Ok(Transformed::yes(function.call(args)))
}

/// Returns a sum of whole numbers as one of wider ones.
fn summed(expr: Expr, schema: &DFSchema) -> Transformed<Expr> {
    let widened = |args: Vec<Expr>| -> Transformed<Vec<Expr>> {
        let is_whole = |arg: &Expr| arg.get_type(schema).is_ok_and(|kind| kind.is_integer());
        if !args.iter().all(is_whole) {
            return Transformed::no(args);
        }
        let wide = |arg| Expr::Cast(Cast::new(Box::new(arg), WIDE));
        Transformed::yes(args.into_iter().map(wide).collect())
    };
    match expr {
        Expr::AggregateFunction(mut sum) if sum.func.name() == "sum" => {
            let args = widened(sum.params.args);
            sum.params.args = args.data;
            Transformed::new_transformed(Expr::AggregateFunction(sum), args.transformed)
        }
        Expr::WindowFunction(mut sum) if matches!(&sum.fun, WindowFunctionDefinition::AggregateUDF(own) if own.name() == "sum") =>
        {
            let args = widened(sum.params.args);
            sum.params.args = args.data;
            Transformed::new_transformed(Expr::WindowFunction(sum), args.transformed)
        }
        other => Transformed::no(other),
    }
}

/// Returns a step with its sums as narrow as they were, where they fit.
fn narrowed(node: LogicalPlan, before: &DFSchema) -> Result<LogicalPlan> {
    let kinds = before.fields().iter().map(|field| field.data_type());
    let mut differs = false;
    let columns = node.schema().iter().zip(kinds).map(|((table, field), kind)| {
        let column = Expr::Column(Column::new(table.cloned(), field.name()));
        if field.data_type() == kind {
            return column;
        }
        differs = true;
        let narrow = Expr::Cast(Cast::new(Box::new(column), kind.clone()));
        narrow.alias_qualified(table.cloned(), field.name())
    });
    let columns: Vec<Expr> = columns.collect();
    if !differs {
        return Ok(node);
    }
    Ok(LogicalPlan::Projection(Projection::try_new(columns, Arc::new(node))?))
}

/// `+`, `-` or `*` of two whole numbers of one type.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Exact {
    name: &'static str,
    operator: Operator,
    signature: Signature,
}

impl ScalarUDFImpl for Exact {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, kinds: &[DataType]) -> Result<DataType> {
        match kinds {
            [left, right] if left == right && left.is_integer() => Ok(left.clone()),
            _ => exec_err!("{} takes two whole numbers of one type", self.name),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [left, right] = args.args.as_slice() else {
            return exec_err!("{} takes two whole numbers of one type", self.name);
        };
        match self.operator {
            Operator::Minus => apply(left, right, sub),
            Operator::Multiply => apply(left, right, mul),
            _ => apply(left, right, add),
        }
    }
}
