//! Selections: maps of fields, lists of maps, keywords.

use super::Context;
use super::modifier;
use crate::ast::{Detection, Item};
use crate::error::{Fault, Place};
use crate::yaml::{Key, Node, NodeKind};

/// Reads one selection.
pub(super) fn read(node: &Node, context: Context<'_>) -> Result<Detection, Fault> {
    match &node.kind {
        NodeKind::Map(entries) => map(node, entries, context),
        NodeKind::List(members) => list(node, members, context),
        NodeKind::Scalar { .. } => keywords(node, context),
    }
}

fn map(node: &Node, entries: &[(Key, Node)], context: Context<'_>) -> Result<Detection, Fault> {
    let mut all = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        all.push(Detection::Item(item(key, value, context)?));
    }
    match (all.pop(), all.is_empty()) {
        (None, _) => Err(Fault::rule(node.at, "an empty selection")),
        (Some(only), true) => Ok(only),
        (Some(last), false) => {
            all.push(last);
            Ok(Detection::All(all))
        }
    }
}

fn list(node: &Node, members: &[Node], context: Context<'_>) -> Result<Detection, Fault> {
    if members.is_empty() {
        return Err(Fault::rule(node.at, "an empty selection"));
    }
    let scalar = |node: &&Node| matches!(node.kind, NodeKind::Scalar { .. });
    if members.iter().all(|member| scalar(&member)) {
        return keywords(node, context);
    }
    let any: Result<Vec<Detection>, Fault> =
        members.iter().map(|member| read(member, context)).collect();
    Ok(Detection::Any(any?))
}

fn keywords(node: &Node, context: Context<'_>) -> Result<Detection, Fault> {
    item(&Key { at: node.at, name: String::new() }, node, context).map(Detection::Item)
}

/// Reads `field|modifier|…: value(s)`.
fn item(key: &Key, value: &Node, context: Context<'_>) -> Result<Item, Fault> {
    let mut parts = key.name.split('|');
    let field = parts.next().unwrap_or_default();
    let mut column = field.chars().count();
    let mut named: Vec<(&str, Place)> = Vec::new();
    for part in parts {
        column = column.saturating_add(1);
        named.push((part, key.at.right(column)));
        column = column.saturating_add(part.chars().count());
    }
    let modifiers = modifier::read(&named)?;
    if let NodeKind::Map(_) = value.kind {
        return Err(Fault::rule(value.at, format!("`{field}` cannot hold a map")));
    }
    let members = value.members();
    if members.is_empty() {
        return Err(Fault::rule(value.at, format!("`{field}` has an empty list of values")));
    }
    let keyword = field.is_empty();
    let values: Result<Vec<_>, Fault> = members
        .iter()
        .map(|member| modifier::value(member, &modifiers, keyword, context))
        .collect();
    Ok(Item {
        field: (!keyword).then(|| field.to_owned()),
        values: values?,
        all: modifiers.all,
        negated: modifiers.negated,
    })
}
