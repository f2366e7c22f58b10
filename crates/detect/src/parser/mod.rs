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
pub(crate) use parallel::read_all;

use crate::ast::{Document, Filter, FilterSearch, Placeholders, Rule, Search};
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
    let (nodes, faults) = yaml::readable_documents(file.text);
    let mut documents = Vec::new();
    let mut errors: Vec<RuleError> =
        faults.into_iter().map(|fault| fault.in_file(file.path, None)).collect();
    if nodes.is_empty() && errors.is_empty() {
        let at = Place { line: 1, column: 1 };
        errors.push(Fault::yaml(at, "the file holds no document").in_file(file.path, None));
    }
    let mut actions = Actions::default();
    for (number, node) in nodes.iter().enumerate() {
        match actions.check(node).and_then(|()| document(node, number, context)) {
            Ok(document) => documents.push(document),
            Err(fault) => {
                let title = node.get("title").and_then(Node::as_text);
                errors.push(fault.in_file(file.path, title));
            }
        }
    }
    (documents, errors)
}

/// Sigma 1 let a document say what all after it have in common, or that it repeats the one before. Without
/// that they would mean something else, so they are refused as well.
#[derive(Default)]
struct Actions {
    /// What `action: global` wrote stands for all that follows.
    is_global: bool,
}

impl Actions {
    fn check(&mut self, node: &Node) -> Result<(), Fault> {
        const HINT: &str = "write each rule whole: Sigma 2 has no `action`";
        match node.get("action").and_then(Node::as_text) {
            Some("global") => self.is_global = true,
            Some("reset") => self.is_global = false,
            Some("repeat") => {}
            _ if self.is_global && node.get("detection").is_some() => {
                let message = "`action: global` above says more of this rule, and is not read";
                return Err(Fault::unsupported(node.at, message).hint(HINT));
            }
            _ => return Ok(()),
        }
        Err(Fault::unsupported(node.at, "`action` is not part of Sigma 2").hint(HINT))
    }
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
    let stated = logsource(node)?;
    let (logsource, search) =
        searched(node, stated.clone(), search(detection_node, &[])?, context)?;
    info.logsource = logsource;
    let (filters, filter_titles) = (Vec::new(), Vec::new());
    let mut rule = Rule { info, stated, search, filters, filter_titles };
    let Some(own) = node.get("baseline") else { return Ok(Document::Rule(rule)) };
    rule.info.is_baseline = true;
    Ok(Document::Baseline(rule, baseline::read(node, own)?))
}

/// Runs a draft through the pipelines and carries out its modifiers. Returns it with its log source.
fn searched<'a>(
    document: &'a Node,
    logsource: LogSource,
    search: SearchDraft<'a>,
    context: Context<'a>,
) -> Result<(LogSource, Search), Fault> {
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
        *slot = match value.as_text() {
            Some(text) if !text.trim().is_empty() => Some(text.to_ascii_lowercase().into()),
            None if value.scalar().is_some() => None,
            _ => {
                let message = format!("`{}` takes one name, found {}", key.name, value.describe());
                return Err(Fault::rule(value.at, message)
                    .hint("leave it out if it does not matter; write a rule for each of several"));
            }
        };
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
    let logsource = logsource(node)?;
    let search = if context.pipelines.is_empty() {
        FilterSearch::Same(filter_search(node, &logsource, context)?)
    } else {
        search(own, FILTER_KEYS)?;
        FilterSearch::Mapped(node.clone())
    };
    Ok(Filter {
        at: node.at,
        title: meta::title(node)?,
        logsource,
        rules: (!rules.iter().any(|(name, _)| name.eq_ignore_ascii_case("any"))).then_some(rules),
        search,
    })
}

/// What is no selection in a filter.
const FILTER_KEYS: &[&str] = &["rules"];

/// Returns what a filter asks for of a rule for this log source: it is part of the rule, so pipelines see
/// the rule's log source.
pub(crate) fn filter_search(
    document: &Node,
    logsource: &LogSource,
    context: Context<'_>,
) -> Result<Search, Fault> {
    let Some(own) = document.get("filter") else {
        return Err(Fault::rule(document.at, "no `filter`"));
    };
    let draft = search(own, FILTER_KEYS)?;
    Ok(searched(document, logsource.clone(), draft, context)?.1)
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
