//! A rule's selections as written: fields, modifiers and values, before any of it is carried out.
//! Processing pipelines change drafts; [`finish`](Draft::finish) makes of them what events are held to.

use std::borrow::Cow;

use super::{Context, modifier, placeholder};
use crate::ast::{Condition, Detection, Item, Search, joined};
use crate::error::{Fault, Place};
use crate::yaml::{Key, Node, NodeKind};

/// The selections and the condition of one rule.
#[derive(Debug, Clone)]
pub(crate) struct SearchDraft<'a> {
    pub(crate) selections: Vec<(Cow<'a, str>, Draft<'a>)>,
    pub(crate) condition: Condition,
}

/// One selection.
#[derive(Debug, Clone)]
pub(crate) enum Draft<'a> {
    /// A map: all of them.
    All(Vec<Draft<'a>>),
    /// A list: any of them.
    Any(Vec<Draft<'a>>),
    Item(DraftItem<'a>),
}

/// `field|modifier|…: value(s)`.
#[derive(Debug, Clone)]
pub(crate) struct DraftItem<'a> {
    /// `None`: keywords.
    pub(crate) field: Option<Cow<'a, str>>,
    pub(crate) modifiers: Vec<(&'a str, Place)>,
    pub(crate) values: Cow<'a, [Node]>,
    /// Where the values stand.
    pub(crate) at: Place,
    /// The ids of the pipeline steps that changed it.
    pub(crate) changed_by: Vec<String>,
}

impl<'a> Draft<'a> {
    /// Reads one selection.
    pub(crate) fn read(node: &'a Node) -> Result<Self, Fault> {
        match &node.kind {
            NodeKind::Map(entries) => map(node, entries),
            NodeKind::List(members) => list(node, members),
            NodeKind::Scalar { .. } => Ok(Self::Item(keywords(node))),
        }
    }

    /// Carries out the modifiers.
    pub(crate) fn finish(self, context: Context<'_>) -> Result<Detection, Fault> {
        let finish = |parts: Vec<Self>| {
            parts.into_iter().map(|part| part.finish(context)).collect::<Result<Vec<_>, _>>()
        };
        Ok(match self {
            Self::All(parts) => Detection::All(finish(parts)?),
            Self::Any(parts) => Detection::Any(finish(parts)?),
            Self::Item(item) => Detection::Item(item.finish(context)?),
        })
    }

    /// Returns the items, in the order written.
    pub(crate) fn items(&self) -> Vec<&DraftItem<'a>> {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::items).collect(),
            Self::Item(item) => vec![item],
        }
    }
}

impl SearchDraft<'_> {
    /// Carries out the modifiers of all selections.
    pub(super) fn finish(self, context: Context<'_>) -> Result<Search, Fault> {
        let mut selections = Vec::with_capacity(self.selections.len());
        for (name, draft) in self.selections {
            selections.push((name.into_owned(), draft.finish(context)?));
        }
        Ok(Search { selections, condition: self.condition })
    }
}

impl DraftItem<'_> {
    /// Returns whether its values are names of other fields.
    pub(crate) fn refers(&self) -> bool {
        self.modifiers.iter().any(|(name, _)| *name == "fieldref")
    }

    /// Returns the names of the placeholders in its values.
    pub(crate) fn placeholders(&self) -> Vec<String> {
        if !self.modifiers.iter().any(|(name, _)| *name == "expand") {
            return Vec::new();
        }
        let texts = self.values.iter().filter_map(Node::as_text);
        texts.flat_map(placeholder::names).collect()
    }

    fn finish(self, context: Context<'_>) -> Result<Item, Fault> {
        let modifiers = modifier::read(&self.modifiers)?;
        let keyword = self.field.is_none();
        let values = self.values.iter();
        let values: Result<Vec<_>, Fault> =
            values.map(|value| modifier::value(value, &modifiers, keyword, context)).collect();
        Ok(Item {
            field: self.field.map(Cow::into_owned),
            values: values?,
            all: modifiers.all,
            negated: modifiers.negated,
        })
    }
}

fn map<'a>(node: &Node, entries: &'a [(Key, Node)]) -> Result<Draft<'a>, Fault> {
    let mut all = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        all.push(Draft::Item(item(key, value)?));
    }
    joined(all, Draft::All).ok_or_else(|| Fault::rule(node.at, "an empty selection"))
}

fn list<'a>(node: &'a Node, members: &'a [Node]) -> Result<Draft<'a>, Fault> {
    if members.is_empty() {
        return Err(Fault::rule(node.at, "an empty selection"));
    }
    if members.iter().all(|member| matches!(member.kind, NodeKind::Scalar { .. })) {
        return Ok(Draft::Item(keywords(node)));
    }
    let any: Result<Vec<Draft<'_>>, Fault> = members.iter().map(Draft::read).collect();
    Ok(Draft::Any(any?))
}

fn keywords(node: &Node) -> DraftItem<'_> {
    DraftItem {
        field: None,
        modifiers: Vec::new(),
        values: Cow::Borrowed(node.members()),
        at: node.at,
        changed_by: Vec::new(),
    }
}

fn item<'a>(key: &'a Key, value: &'a Node) -> Result<DraftItem<'a>, Fault> {
    let mut parts = key.name.split('|');
    let field = parts.next().unwrap_or_default();
    let mut column = field.chars().count();
    let mut modifiers: Vec<(&str, Place)> = Vec::new();
    for part in parts {
        column = column.saturating_add(1);
        modifiers.push((part, key.at.right(column)));
        column = column.saturating_add(part.chars().count());
    }
    if let NodeKind::Map(_) = value.kind {
        return Err(Fault::rule(value.at, format!("`{field}` cannot hold a map")));
    }
    let values = value.members();
    if values.is_empty() {
        return Err(Fault::rule(value.at, format!("`{field}` has an empty list of values")));
    }
    Ok(DraftItem {
        field: (!field.is_empty()).then_some(Cow::Borrowed(field)),
        modifiers,
        values: Cow::Borrowed(values),
        at: value.at,
        changed_by: Vec::new(),
    })
}
