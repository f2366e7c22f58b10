//! `has_token(raw, 'word')`: what a word search means, in SQL.

use std::sync::Arc;

use arrow::array::{AsArray as _, BooleanArray};
use arrow::datatypes::DataType;
use datafusion::common::{ScalarValue, exec_err};
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};
use event::query::{TextPattern, escape};

/// The function's name.
pub(super) const HAS_TOKEN: &str = "has_token";

/// Returns the function: whether a text has a word or phrase between word borders, whatever its
/// case and marks. Over `raw` the index leaves out most of the files.
pub(crate) fn has_token() -> ScalarUDF {
    create_udf(
        HAS_TOKEN,
        vec![DataType::Utf8, DataType::Utf8],
        DataType::Boolean,
        Volatility::Immutable,
        Arc::new(|values| {
            let [texts, ColumnarValue::Scalar(ScalarValue::Utf8(word))] = values else {
                return exec_err!("has_token takes a text and one word");
            };
            let Some(word) = word else {
                return Ok(ColumnarValue::Scalar(ScalarValue::Boolean(None)));
            };
            let pattern = TextPattern::new(&escape(word));
            let texts = texts.to_array(1)?;
            let Some(texts) = texts.as_string_opt::<i32>() else {
                return exec_err!("has_token looks into text");
            };
            let found = texts
                .iter()
                .map(|text| text.map(|text| pattern.found_in_folded(&event::fold::fold(text))));
            Ok(ColumnarValue::Array(Arc::new(found.collect::<BooleanArray>())))
        }),
    )
}
