//! Rule files → [`Document`]s. One bad document never hides the others of its file.

pub(crate) mod condition;
mod correlation;
mod dialect;
pub(crate) mod draft;
mod meta;
mod modifier;
mod parallel;
mod placeholder;
mod text;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use event::LogSource;

pub(crate) use correlation::read_duration;
pub(crate) use modifier::number;
pub(crate) use parallel::read_all;

use crate::ast::{Document, Filter, Placeholders, Rule, Search};
use crate::baseline;
use crate::error::{Fault, Place, RuleError, did_you_mean};
use crate::pipeline::{Pipelines, RuleDraft};
use crate::yaml::{self, Key, Node};

use draft::{Draft, SearchDraft};

/// A rule file: the caller read it, this crate does no IO.
#[derive(Debug, Clone, Copy)]
pub struct RuleFile<'a> {
    /// Its name in messages.
    pub path: &'a str,
    /// Its text.
    pub text: &'a str,
}

/// What a reader of documents needs to know about where they come from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) path: &'a str,
    pub(crate) placeholders: &'a Placeholders,
    pub(crate) pipelines: &'a Pipelines<'a>,
}

/// Reads all documents of a file.
fn read(
    file: RuleFile<'_>,
    placeholders: &Placeholders,
    pipelines: &Pipelines<'_>,
) -> (Vec<Document>, Vec<RuleError>) {
    let context = Context { path: file.path, placeholders, pipelines };
    let nodes = match yaml::documents(file.text) {
        Ok(nodes) => nodes,
        Err(fault) => return (Vec::new(), vec![fault.in_file(file.path, None)]),
    };
    let mut documents = Vec::new();
    let mut errors = Vec::new();
    if nodes.is_empty() {
        let at = Place { line: 1, column: 1 };
        errors.push(Fault::yaml(at, "the file holds no document").in_file(file.path, None));
    }
    for (number, node) in nodes.iter().enumerate() {
        match document(node, number, context) {
            Ok(document) => documents.push(document),
            Err(fault) => {
                let title = node.get("title").and_then(Node::as_text);
                errors.push(fault.in_file(file.path, title));
            }
        }
    }
    (documents, errors)
}

/// The attributes that make a document a rule, a correlation or a filter.
const KINDS: [&str; 3] = ["detection", "correlation", "filter"];

fn document(node: &Node, number: usize, context: Context<'_>) -> Result<Document, Fault> {
    let Some(entries) = node.as_map() else {
        return Err(Fault::rule(node.at, format!("expected a rule, found {}", node.describe())));
    };
    if node.get("correlation").is_some() {
        return correlation::read(node, number, context).map(Document::Correlation);
    }
    if let Some(filter_node) = node.get("filter") {
        return filter(node, filter_node, context).map(Document::Filter);
    }
    let Some(detection_node) = node.get("detection") else {
        let hint = entries.iter().find_map(|(key, _)| did_you_mean(&key.name, KINDS.into_iter()));
        return Err(
            Fault::rule(node.at, "no `detection`, `correlation` or `filter`").maybe_hint(hint)
        );
    };
    let mut info = meta::read(node, number, context)?;
    let (logsource, search) = searched(node, search(detection_node, &[])?, context)?;
    info.logsource = logsource;
    let name = node.get("name").and_then(Node::as_text).map(ToOwned::to_owned);
    let (filters, filter_titles) = (Vec::new(), Vec::new());
    let mut rule = Rule { info, name, search, filters, filter_titles };
    let Some(own) = node.get("baseline") else { return Ok(Document::Rule(rule)) };
    rule.info.is_baseline = true;
    Ok(Document::Baseline(rule, baseline::read(node, own)?))
}

/// Runs a draft through the pipelines and carries out its modifiers. Returns it with its log source.
fn searched<'a>(
    document: &'a Node,
    search: SearchDraft<'a>,
    context: Context<'a>,
) -> Result<(LogSource, Search), Fault> {
    let logsource = logsource(document)?;
    let draft = RuleDraft { document, logsource, search, placeholders: Placeholders::new() };
    let RuleDraft { logsource, search, mut placeholders, .. } = context.pipelines.rule(draft)?;
    if placeholders.is_empty() {
        return Ok((logsource, search.finish(context)?));
    }
    for (name, values) in context.placeholders {
        placeholders.entry(name.clone()).or_insert_with(|| values.clone());
    }
    let search = search.finish(Context { placeholders: &placeholders, ..context })?;
    Ok((logsource, search))
}

/// Reads the selections and the condition of a `detection` or `filter` map.
fn search<'a>(node: &'a Node, besides: &[&str]) -> Result<SearchDraft<'a>, Fault> {
    let Some(entries) = node.as_map() else {
        let found = node.describe();
        return Err(Fault::rule(node.at, format!("expected a map of selections, found {found}")));
    };
    let own = |key: &Key| {
        let name = key.name.as_str();
        name != "condition" && name != "timeframe" && !besides.contains(&name)
    };
    let mut selections = Vec::new();
    for (key, node) in entries.iter().filter(|(key, _)| own(key)) {
        selections.push((Cow::Borrowed(key.name.as_str()), Draft::read(node)?));
    }
    if let Some((key, _)) = node.entry("timeframe") {
        return Err(Fault::unsupported(key.at, "`timeframe` belongs to the old aggregations")
            .hint("write a correlation rule instead"));
    }
    let Some(condition_node) = node.get("condition") else {
        let hint =
            entries.iter().find_map(|(key, _)| did_you_mean(&key.name, ["condition"].into_iter()));
        return Err(Fault::rule(node.at, "no `condition`").maybe_hint(hint));
    };
    let names: Vec<&str> = selections.iter().map(|(name, _)| name.as_ref()).collect();
    let condition = condition::read(condition_node, &names)?;
    Ok(SearchDraft { selections, condition })
}

fn logsource(node: &Node) -> Result<LogSource, Fault> {
    let Some(own) = node.get("logsource") else {
        return Err(Fault::rule(node.at, "no `logsource`"));
    };
    read_logsource(own)
}

/// Reads a log source: a map with product, category, service.
pub(crate) fn read_logsource(own: &Node) -> Result<LogSource, Fault> {
    let Some(entries) = own.as_map() else {
        return Err(Fault::rule(own.at, "`logsource` must be a map"));
    };
    let mut logsource = LogSource::default();
    for (key, value) in entries {
        let slot = match key.name.as_str() {
            "product" => &mut logsource.product,
            "category" => &mut logsource.category,
            "service" => &mut logsource.service,
            "definition" => continue,
            other => {
                // The specification allows own attributes; a slip of the pen would widen the rule.
                let known = ["product", "category", "service", "definition"];
                match did_you_mean(other, known.into_iter()) {
                    None => continue,
                    hint => {
                        return Err(Fault::rule(key.at, format!("unknown log source `{other}`"))
                            .maybe_hint(hint));
                    }
                }
            }
        };
        *slot = value.as_text().map(|text| text.to_ascii_lowercase().into());
    }
    if logsource == LogSource::default() {
        return Err(Fault::rule(own.at, "`logsource` names no product, category or service"));
    }
    Ok(logsource)
}

fn filter(node: &Node, own: &Node, context: Context<'_>) -> Result<Filter, Fault> {
    let rules = match own.get("rules") {
        None => return Err(Fault::rule(own.at, "no `rules` that the filter is for")),
        Some(list) => rule_names(list)?,
    };
    let (logsource, search) = searched(node, search(own, &["rules"])?, context)?;
    Ok(Filter {
        at: node.at,
        title: meta::title(node)?,
        logsource,
        rules: (!rules.iter().any(|(name, _)| name == "any")).then_some(rules),
        search,
    })
}

/// Reads a list of rule ids or names, or one of them.
fn rule_names(list: &Node) -> Result<Vec<(String, Place)>, Fault> {
    let name = |node: &Node| match node.as_text() {
        Some(text) => Ok((text.to_owned(), node.at)),
        None => Err(Fault::rule(node.at, "expected a rule's id or name")),
    };
    let names: Vec<_> = list.members().iter().map(name).collect::<Result<_, _>>()?;
    if names.is_empty() {
        return Err(Fault::rule(list.at, "an empty list of rules"));
    }
    Ok(names)
}
