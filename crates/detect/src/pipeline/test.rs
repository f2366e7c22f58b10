//! A pipeline's YAML → the conditions of its steps.

use super::gate::{FieldTest, ItemTest, Relation, RuleTest, StateTest, ValueTest};
use super::read::{flag, logsource, only, regex, text, texts, wanted};
use crate::ast::Comparison;
use crate::error::{Fault, did_you_mean};
use crate::yaml::Node;

/// Returns the type of a condition and checks its attributes.
fn kind<'n>(node: &'n Node, known: &[(&str, &[&str])]) -> Result<&'n str, Fault> {
    let kind = wanted(node, "type")?;
    let word = kind.as_text().unwrap_or_default();
    let Some((_, own)) = known.iter().find(|(name, _)| *name == word) else {
        return Err(Fault::rule(kind.at, format!("unknown condition `{word}`"))
            .maybe_hint(did_you_mean(word, known.iter().map(|(name, _)| *name))));
    };
    only(node, &[&["type"], *own].concat())?;
    Ok(word)
}

/// Reads a condition on a rule.
pub(super) fn rule(node: &Node) -> Result<RuleTest, Fault> {
    let kind = kind(
        node,
        &[
            ("logsource", &["category", "product", "service"]),
            ("contains_detection_item", &["field", "value"]),
            ("contains_field", &["field"]),
            ("processing_item_applied", &["processing_item_id"]),
            ("processing_state", &["key", "val", "op"]),
            ("is_sigma_rule", &[]),
            ("is_sigma_correlation_rule", &[]),
            ("rule_attribute", &["attribute", "value", "op"]),
            ("tag", &["tag"]),
        ],
    )?;
    Ok(match kind {
        "logsource" => RuleTest::Logsource(logsource(node)?),
        "contains_detection_item" => {
            RuleTest::ContainsItem { field: text(node, "field")?, value: text(node, "value")? }
        }
        "contains_field" => RuleTest::ContainsField(text(node, "field")?),
        "processing_item_applied" => RuleTest::Applied(text(node, "processing_item_id")?),
        "processing_state" => RuleTest::State(state(node)?),
        "is_sigma_rule" => RuleTest::IsRule,
        "is_sigma_correlation_rule" => RuleTest::IsCorrelation,
        "tag" => RuleTest::Tag(text(node, "tag")?),
        _ => RuleTest::Attribute {
            name: text(node, "attribute")?,
            relation: relation(node, true)?,
            value: text(node, "value")?,
        },
    })
}

/// Reads a condition on an item.
pub(super) fn item(node: &Node) -> Result<ItemTest, Fault> {
    let kind = kind(
        node,
        &[
            ("match_string", &["cond", "pattern", "negate"]),
            ("match_value", &["cond", "value"]),
            ("contains_wildcard", &["cond"]),
            ("is_null", &["cond"]),
            ("processing_item_applied", &["processing_item_id"]),
            ("processing_state", &["key", "val", "op"]),
        ],
    )?;
    let test = match kind {
        "processing_item_applied" => {
            return Ok(ItemTest::Applied(text(node, "processing_item_id")?));
        }
        "processing_state" => return Ok(ItemTest::State(state(node)?)),
        "match_string" => ValueTest::Matches {
            regex: regex(wanted(node, "pattern")?, true)?,
            negated: flag(node, "negate")?,
        },
        "match_value" => ValueTest::Is(text(node, "value")?),
        "contains_wildcard" => ValueTest::Wildcard,
        _ => ValueTest::Null,
    };
    let cond = wanted(node, "cond")?;
    match cond.as_text() {
        Some("all") => Ok(ItemTest::Values { all: true, test }),
        Some("any") => Ok(ItemTest::Values { all: false, test }),
        _ => Err(Fault::rule(cond.at, "`cond` is `any` or `all`")),
    }
}

/// Reads a condition on a field name.
pub(super) fn field(node: &Node) -> Result<FieldTest, Fault> {
    let kind = kind(
        node,
        &[
            ("include_fields", &["fields", "mode"]),
            ("exclude_fields", &["fields", "mode"]),
            ("processing_item_applied", &["processing_item_id"]),
            ("processing_state", &["key", "val", "op"]),
        ],
    )?;
    let negated = match kind {
        "processing_item_applied" => {
            return Ok(FieldTest::Applied(text(node, "processing_item_id")?));
        }
        "processing_state" => return Ok(FieldTest::State(state(node)?)),
        other => other == "exclude_fields",
    };
    let fields = wanted(node, "fields")?;
    let (mut names, mut patterns) = (Vec::new(), Vec::new());
    match node.get("mode").and_then(Node::as_text) {
        None | Some("plain") => names = texts(fields)?,
        Some("re") => {
            let compiled = fields.members().iter().map(|node| regex(node, true));
            patterns = compiled.collect::<Result<_, _>>()?;
        }
        Some(_) => {
            let at = wanted(node, "mode")?.at;
            return Err(Fault::rule(at, "`mode` is `plain` or `re`"));
        }
    }
    Ok(FieldTest::Among { names, patterns, negated })
}

fn state(node: &Node) -> Result<StateTest, Fault> {
    let (key, value) = (text(node, "key")?, text(node, "val")?);
    Ok(StateTest { key, relation: relation(node, false)?, value })
}

fn relation(node: &Node, of_lists: bool) -> Result<Relation, Fault> {
    let Some(own) = node.get("op") else { return Ok(Relation::Is(Comparison::Equal)) };
    Ok(match own.as_text().unwrap_or_default() {
        "eq" => Relation::Is(Comparison::Equal),
        "ne" => Relation::Is(Comparison::NotEqual),
        "gte" => Relation::Is(Comparison::GreaterOrEqual),
        "gt" => Relation::Is(Comparison::Greater),
        "lte" => Relation::Is(Comparison::LessOrEqual),
        "lt" => Relation::Is(Comparison::Less),
        "in" if of_lists => Relation::Among,
        "not_in" if of_lists => Relation::NotAmong,
        other => {
            let known = ["eq", "ne", "gte", "gt", "lte", "lt", "in", "not_in"];
            return Err(Fault::rule(own.at, format!("unknown comparison `{other}`"))
                .maybe_hint(did_you_mean(other, known.into_iter())));
        }
    })
}
