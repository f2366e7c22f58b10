//! What a step does to a rule, its items and field names, or to a correlation.

use std::borrow::Cow;

use event::LogSource;

use super::value::{self, ValueChange};
use super::{RuleDraft, Run, Step};
use crate::ast::{Condition, Correlation, joined};
use crate::error::{Fault, Place};
use crate::parser::draft::{Draft, DraftItem};
use crate::yaml::{Node, NodeKind, Scalar};

/// What a step does.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Fields(FieldChange),
    Drop,
    Values(ValueChange),
    /// Hashes written `MD5=…` become fields of their own.
    Hashes(HashFields),
    /// Placeholders get the values of variables, or stand for anything.
    Placeholders {
        anything: bool,
        names: Chosen,
    },
    FailItem(String),
    AddCondition {
        selection: Node,
        name: String,
        template: bool,
        negated: bool,
    },
    Logsource(LogSource),
    State {
        key: String,
        value: String,
    },
    Attribute {
        name: String,
        value: String,
    },
    Fail(String),
    /// A field that no step has mapped is a fault.
    FailUnmapped,
    Nest(Vec<Step>),
    /// It is about the list of fields to show, which detection does not use.
    None,
}

/// New names for fields.
#[derive(Debug, Clone)]
pub(super) enum FieldChange {
    /// Whole names; no name stands for keywords.
    Names(Vec<(Option<String>, Vec<String>)>),
    /// Beginnings of names.
    Prefixes(Vec<(String, Vec<String>)>),
    AddPrefix(String),
    AddSuffix(String),
}

/// Which placeholders are meant.
#[derive(Debug, Clone)]
pub(super) enum Chosen {
    All,
    Only(Vec<String>),
    AllBut(Vec<String>),
}

/// How hashes become fields.
#[derive(Debug, Clone)]
pub(super) struct HashFields {
    /// `MD5`, `SHA1` …
    pub(super) algorithms: Vec<String>,
    pub(super) prefix: String,
    pub(super) drop_algorithm: bool,
    /// The fields that hold such hashes.
    pub(super) fields: Vec<String>,
}

impl FieldChange {
    /// Returns the new names; `None` if this name stays.
    fn of(&self, field: Option<&str>) -> Option<Vec<String>> {
        match self {
            Self::Names(names) => {
                let mut names = names.iter();
                names.find_map(|(own, new)| (own.as_deref() == field).then(|| new.clone()))
            }
            Self::Prefixes(prefixes) => prefixes.iter().find_map(|(own, new)| {
                let rest = field?.strip_prefix(own.as_str())?;
                Some(new.iter().map(|prefix| format!("{prefix}{rest}")).collect())
            }),
            Self::AddPrefix(prefix) => Some(vec![format!("{prefix}{}", field?)]),
            Self::AddSuffix(suffix) => Some(vec![format!("{}{suffix}", field?)]),
        }
    }
}

impl Chosen {
    fn has(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.iter().any(|own| own == name),
            Self::AllBut(names) => names.iter().all(|own| own != name),
        }
    }
}

/// Changes a rule whose conditions held.
pub(super) fn rule<'a>(
    step: &'a Step,
    draft: &mut RuleDraft<'a>,
    run: &mut Run<'_>,
) -> Result<(), Fault> {
    match &step.change {
        Change::AddCondition { selection, name, template, negated } => {
            let mut added = Draft::read(selection)?;
            if *template {
                fill(&mut added, &draft.logsource);
            }
            note(&mut added, &step.id);
            let own = Condition::Selection(draft.search.selections.len());
            draft.search.selections.push((Cow::Borrowed(name), added));
            let own = if *negated { Condition::Not(Box::new(own)) } else { own };
            let before = std::mem::replace(&mut draft.search.condition, Condition::All(Vec::new()));
            draft.search.condition = Condition::All(vec![own, before]);
            Ok(())
        }
        Change::Logsource(logsource) => {
            draft.logsource = logsource.clone();
            Ok(())
        }
        Change::State { .. } | Change::Attribute { .. } | Change::Fail(_) => {
            common(step, draft.document.at, run)
        }
        Change::FailUnmapped => {
            let fields = draft.search.selections.iter().flat_map(|(_, own)| own.items());
            let mut fields = fields.filter_map(|item| Some((item.field.as_deref()?, item.at)));
            match fields.find(|(field, _)| !run.mapped.contains_key(*field)) {
                Some((field, at)) => {
                    Err(Fault::rule(at, format!("no pipeline maps the field `{field}`")))
                }
                None => Ok(()),
            }
        }
        Change::None | Change::Nest(_) => Ok(()),
        _ => items(step, draft, run),
    }
}

/// What a step does to rules and correlations alike.
fn common(step: &Step, at: Place, run: &mut Run<'_>) -> Result<(), Fault> {
    match &step.change {
        Change::State { key, value } => drop(run.state.insert(key.clone(), value.clone())),
        Change::Attribute { name, value } => {
            run.attributes.insert(name.clone(), value.clone());
        }
        Change::Fail(message) => {
            return Err(Fault::unsupported(at, format!("a pipeline refuses it: {message}")));
        }
        _ => {}
    }
    Ok(())
}

/// Carries a step out on every item that it is for.
fn items<'a>(step: &'a Step, draft: &mut RuleDraft<'a>, run: &mut Run<'_>) -> Result<(), Fault> {
    let RuleDraft { search, placeholders, .. } = draft;
    for (_, selection) in &mut search.selections {
        let before = std::mem::replace(selection, Draft::All(Vec::new()));
        let after = rewrite(before, &mut |item| {
            if !step.is_for(&item, run) {
                return Ok(Some(Draft::Item(item)));
            }
            if let Change::Placeholders { anything, names } = &step.change {
                for name in item.placeholders() {
                    let own = run.vars.get(name.as_str()).map(|values| values.to_vec());
                    let values = if *anything { Some(vec!["*".to_owned()]) } else { own };
                    if let Some(values) = values.filter(|_| names.has(&name)) {
                        placeholders.entry(name).or_insert(values);
                    }
                }
                return Ok(Some(Draft::Item(item)));
            }
            self::item(step, item, run)
        })?;
        if let Some(after) = after {
            *selection = after;
        }
    }
    Ok(())
}

/// Replaces every item by what comes of it, if anything does.
fn rewrite<'a>(
    draft: Draft<'a>,
    each: &mut dyn FnMut(DraftItem<'a>) -> Result<Option<Draft<'a>>, Fault>,
) -> Result<Option<Draft<'a>>, Fault> {
    let mut parts = |parts: Vec<Draft<'a>>| {
        let mut left = Vec::with_capacity(parts.len());
        for part in parts {
            left.extend(rewrite(part, each)?);
        }
        Ok::<_, Fault>(left)
    };
    Ok(match draft {
        Draft::All(all) => joined(parts(all)?, Draft::All),
        Draft::Any(any) => joined(parts(any)?, Draft::Any),
        Draft::Item(item) => each(item)?,
    })
}

impl Step {
    /// Returns whether the item passes the conditions on items and on field names; a field that one of
    /// its values refers to counts as well.
    fn is_for(&self, item: &DraftItem<'_>, run: &Run<'_>) -> bool {
        let field = |field: Option<&str>| self.fields.holds(&|test| test.holds(field, run));
        self.items.holds(&|test| test.holds(item, run))
            && (field(item.field.as_deref())
                || item.refers() && item.values.iter().any(|value| field(value.as_text())))
    }
}

fn item<'a>(
    step: &'a Step,
    mut item: DraftItem<'a>,
    run: &mut Run<'_>,
) -> Result<Option<Draft<'a>>, Fault> {
    match &step.change {
        Change::Drop => Ok(None),
        Change::FailItem(message) => {
            Err(Fault::unsupported(item.at, format!("a pipeline refuses it: {message}")))
        }
        Change::Values(change) => {
            if value::change(&mut item, change)? {
                item.changed_by.push(step.id.clone());
            }
            Ok(Some(Draft::Item(item)))
        }
        Change::Hashes(hashes) => Ok(Some(match hashes.split(&item)? {
            Some(mut split) => {
                note(&mut split, &step.id);
                split
            }
            None => Draft::Item(item),
        })),
        Change::Fields(names) => Ok(renamed(step, names, item, run)),
        _ => Ok(Some(Draft::Item(item))),
    }
}

/// Gives an item its new field names; several names are alternatives.
fn renamed<'a>(
    step: &'a Step,
    names: &FieldChange,
    mut item: DraftItem<'a>,
    run: &mut Run<'_>,
) -> Option<Draft<'a>> {
    if item.refers() {
        let mut values = Vec::with_capacity(item.values.len());
        for node in item.values.iter() {
            let new = node.as_text().and_then(|field| step.new_names(names, Some(field), run));
            let renamed =
                |text: String| Node { at: node.at, kind: NodeKind::Scalar { text, plain: false } };
            match new {
                Some(new) => values.extend(new.into_iter().map(renamed)),
                None => values.push(node.clone()),
            }
        }
        if values != *item.values {
            item.values = Cow::Owned(values);
            item.changed_by.push(step.id.clone());
        }
    }
    let Some(new) = step.new_names(names, item.field.as_deref(), run) else {
        return Some(Draft::Item(item));
    };
    if item.field.is_none() && value_is_text(&item) {
        // Keywords stand anywhere in a value.
        item.modifiers.push(("contains", item.at));
    }
    item.changed_by.push(step.id.clone());
    let named =
        |field: String| Draft::Item(DraftItem { field: Some(Cow::Owned(field)), ..item.clone() });
    joined(new.into_iter().map(named).collect(), Draft::Any)
}

fn value_is_text(item: &DraftItem<'_>) -> bool {
    item.values.iter().any(|node| value::seen(item, node).is_some())
}

fn is_words(item: &DraftItem<'_>) -> bool {
    item.values.iter().all(|node| matches!(node.scalar(), Some(Scalar::Text(_))))
}

impl Step {
    /// Returns the new names of a field, if the step is for it; takes note of them.
    fn new_names(
        &self,
        names: &FieldChange,
        field: Option<&str>,
        run: &mut Run<'_>,
    ) -> Option<Vec<String>> {
        let new = names.of(field)?;
        if !self.fields.holds(&|test| test.holds(field, run)) {
            return None;
        }
        let before = field.and_then(|field| run.mapped.get(field)).cloned().unwrap_or_default();
        for name in &new {
            let steps = run.mapped.entry(name.clone()).or_default();
            steps.extend(before.iter().cloned());
            steps.insert(self.id.clone());
        }
        Some(new)
    }
}

impl HashFields {
    /// Splits an item of hashes into one per algorithm, of which any will do.
    fn split<'a>(&self, item: &DraftItem<'a>) -> Result<Option<Draft<'a>>, Fault> {
        let is_meant = |field: &str| self.fields.iter().any(|own| own == field);
        if !item.field.as_deref().is_some_and(is_meant) || !value_is_text(item) || !is_words(item) {
            return Ok(None);
        }
        let mut by_field: Vec<(String, Vec<Node>)> = Vec::new();
        for node in item.values.iter() {
            let Some((algorithm, hash)) = node.as_text().and_then(|text| self.hash(text)) else {
                continue;
            };
            let shown = if self.drop_algorithm { "" } else { algorithm.as_str() };
            let field = format!("{}{shown}", self.prefix);
            let kind = NodeKind::Scalar { text: hash, plain: false };
            let node = Node { at: node.at, kind };
            match by_field.iter_mut().find(|(own, _)| *own == field) {
                Some((_, nodes)) => nodes.push(node),
                None => by_field.push((field, vec![node])),
            }
        }
        if by_field.is_empty() {
            return Err(Fault::rule(item.at, "no hash of an algorithm that the pipeline knows"));
        }
        let split = by_field.into_iter().map(|(field, nodes)| {
            let modifiers = item.modifiers.iter().filter(|(name, _)| *name == "neq");
            Draft::Item(DraftItem {
                field: Some(Cow::Owned(field)),
                modifiers: modifiers.copied().collect(),
                values: Cow::Owned(nodes),
                ..item.clone()
            })
        });
        Ok(Some(Draft::Any(split.collect())))
    }

    /// Reads `*SHA1=…*` or a bare hash, whose algorithm its length tells.
    fn hash(&self, text: &str) -> Option<(String, String)> {
        let (algorithm, hash) = if let Some((name, hash)) = text.split_once(['=', '|']) {
            (name.trim_start_matches('*').to_uppercase(), hash)
        } else {
            let bare = text.trim_matches(['*', '?']);
            let name = match bare.len() {
                32 => "MD5",
                40 => "SHA1",
                64 => "SHA256",
                128 => "SHA512",
                _ => return None,
            };
            (name.to_owned(), bare)
        };
        let known = self.algorithms.contains(&algorithm);
        known.then(|| (algorithm, hash.trim_matches(['*', '?']).to_owned()))
    }
}

fn note(draft: &mut Draft<'_>, id: &str) {
    match draft {
        Draft::All(parts) | Draft::Any(parts) => {
            for part in parts {
                note(part, id);
            }
        }
        Draft::Item(item) => item.changed_by.push(id.to_owned()),
    }
}

/// Writes the log source into `$category`, `$product` and `$service`.
fn fill(draft: &mut Draft<'_>, logsource: &LogSource) {
    match draft {
        Draft::All(parts) | Draft::Any(parts) => {
            for part in parts {
                fill(part, logsource);
            }
        }
        Draft::Item(item) => {
            let LogSource { product, category, service } = logsource;
            for node in item.values.to_mut() {
                let NodeKind::Scalar { text, .. } = &mut node.kind else { continue };
                for (name, value) in
                    [("category", category), ("product", product), ("service", service)]
                {
                    // What a rule does not state, the reference converter writes so.
                    let value = value.as_deref().unwrap_or("None");
                    *text = text.replace(&format!("${{{name}}}"), value);
                    *text = text.replace(&format!("${name}"), value);
                }
            }
        }
    }
}

/// Changes a correlation whose conditions held.
pub(super) fn correlation(
    step: &Step,
    correlation: &mut Correlation,
    run: &mut Run<'_>,
) -> Result<(), Fault> {
    let at = correlation.at;
    let Change::Fields(names) = &step.change else {
        return common(step, at, run);
    };
    let one = |field: &mut String, run: &mut Run<'_>| {
        let Some(mut new) = step.new_names(names, Some(field), run) else { return Ok(()) };
        let (Some(only), true) = (new.pop(), new.is_empty()) else {
            let message = format!("a pipeline maps `{field}` to several fields or none");
            return Err(Fault::rule(at, message)
                .hint("an alias or a counted field can only become one field"));
        };
        *field = only;
        Ok(())
    };
    for field in correlation.aliases.values_mut().flat_map(|by_rule| by_rule.values_mut()) {
        one(field, run)?;
    }
    for field in &mut correlation.threshold.fields {
        if !correlation.aliases.contains_key(field) {
            one(field, run)?;
        }
    }
    let mut group_by = Vec::with_capacity(correlation.group_by.len());
    for field in std::mem::take(&mut correlation.group_by) {
        let is_alias = correlation.aliases.contains_key(&field);
        let new = if is_alias { None } else { step.new_names(names, Some(&field), run) };
        group_by.extend(new.unwrap_or_else(|| vec![field]));
    }
    correlation.group_by = group_by;
    Ok(())
}
