//! What a SQL question's filters leave out of the files: by time, by words, by values.

use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use event::Attr;
use event::query::TextPattern;

use super::has_token::HAS_TOKEN;
use crate::error::StoreError;
use crate::schema::{AGENCY_ID, INDEXED, OCCURRED_AT, RAW, SOURCE_ID, SYSTEM_ID};
use crate::segment::{Footer, Granule, SegmentFile, Token, may_hold};

/// What rows must have to be in the answer.
#[derive(Debug, Clone)]
pub(super) struct Pruning {
    span: TimeSpan,
    /// Tokens that the index of their granule holds.
    tokens: Vec<Token>,
}

impl Pruning {
    /// Reads what is joined by AND; everything else is left to the rows.
    pub(super) fn of(filters: &[Expr]) -> Self {
        let span = TimeSpan { from_us: i64::MIN, to_us: i64::MAX };
        let mut pruning = Self { span, tokens: Vec::new() };
        for filter in filters {
            let walked = filter.apply(|expr| match expr {
                Expr::BinaryExpr(binary) if binary.op == Operator::And => {
                    Ok(TreeNodeRecursion::Continue)
                }
                Expr::BinaryExpr(binary) => {
                    pruning.span.narrow(binary);
                    pruning.tokens.extend(value_of(binary));
                    Ok(TreeNodeRecursion::Jump)
                }
                Expr::ScalarFunction(function) => {
                    pruning.tokens.extend(words_of(function));
                    Ok(TreeNodeRecursion::Jump)
                }
                _ => Ok(TreeNodeRecursion::Jump),
            });
            debug_assert!(walked.is_ok(), "the walk above returns no error");
        }
        pruning
    }

    /// Returns whether a file may have rows of the answer.
    pub(super) fn may_hold(&self, file: &SegmentFile) -> bool {
        self.span.may_hold(
            file.segment.min_occurred_at.timestamp_micros(),
            file.segment.max_occurred_at.timestamp_micros(),
        )
    }

    /// Returns the granules of a file that may have rows of the answer.
    pub(super) fn granules<'a>(
        &self,
        file: &SegmentFile,
        footer: &'a Footer,
    ) -> Result<Vec<&'a Granule>, StoreError> {
        let held = match self.tokens.as_slice() {
            [] => vec![true; footer.granules.len()],
            tokens => may_hold(&file.open()?, footer, tokens)?,
        };
        let wanted =
            footer.granules.iter().zip(held).filter(|(granule, held)| {
                *held && self.span.may_hold(granule.min_us, granule.max_us)
            });
        Ok(wanted.map(|(granule, _)| granule).collect())
    }
}

/// Returns the token of a value that an indexed column must equal.
fn value_of(binary: &BinaryExpr) -> Option<Token> {
    let (Expr::Column(column), Expr::Literal(literal, _), Operator::Eq) =
        (&*binary.left, &*binary.right, binary.op)
    else {
        return None;
    };
    let value = literal.try_as_str().flatten()?;
    let name = column.name.as_str();
    let is_indexed = [AGENCY_ID, SYSTEM_ID, SOURCE_ID].contains(&name)
        || Attr::from_name(name)
            .is_some_and(|attr| INDEXED.contains(&attr) && attr.alias() == name);
    is_indexed.then(|| Token::value(name, &event::fold::fold(value)))
}

/// Returns the tokens of the words that a record must have.
fn words_of(function: &ScalarFunction) -> Vec<Token> {
    let [Expr::Column(column), Expr::Literal(word, _)] = function.args.as_slice() else {
        return Vec::new();
    };
    let (true, Some(word)) =
        (function.name() == HAS_TOKEN && column.name == RAW, word.try_as_str().flatten())
    else {
        return Vec::new();
    };
    let pattern = TextPattern::new(&event::query::escape(word));
    pattern.whole_words().iter().map(|word| Token::word(word)).collect()
}

/// The span of time that a question's filters leave, in microseconds, both ends inclusive.
#[derive(Debug, Clone)]
struct TimeSpan {
    from_us: i64,
    to_us: i64,
}

impl TimeSpan {
    fn narrow(&mut self, binary: &BinaryExpr) {
        let (operator, literal) = match (&*binary.left, &*binary.right) {
            (Expr::Column(column), Expr::Literal(literal, _)) if column.name == OCCURRED_AT => {
                (binary.op, literal)
            }
            (Expr::Literal(literal, _), Expr::Column(column)) if column.name == OCCURRED_AT => {
                match binary.op.swap() {
                    Some(operator) => (operator, literal),
                    None => return,
                }
            }
            _ => return,
        };
        // Nanoseconds round down: a bound that lies between may let one file too many in.
        let time_us = match literal {
            ScalarValue::TimestampMicrosecond(Some(time), _) => *time,
            ScalarValue::TimestampNanosecond(Some(time), _) => time.div_euclid(1000),
            ScalarValue::TimestampMillisecond(Some(time), _) => time.saturating_mul(1000),
            ScalarValue::TimestampSecond(Some(time), _) => time.saturating_mul(1_000_000),
            _ => return,
        };
        match operator {
            Operator::Gt | Operator::GtEq => self.from_us = self.from_us.max(time_us),
            Operator::Lt | Operator::LtEq => self.to_us = self.to_us.min(time_us),
            Operator::Eq => {
                self.from_us = self.from_us.max(time_us);
                self.to_us = self.to_us.min(time_us);
            }
            _ => {}
        }
    }

    fn may_hold(&self, oldest_us: i64, newest_us: i64) -> bool {
        newest_us >= self.from_us && oldest_us <= self.to_us
    }
}
