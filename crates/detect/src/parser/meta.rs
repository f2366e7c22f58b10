//! What a rule says about itself: title, level, tags and our own attributes.

use event::{LogSource, Severity};

use super::Context;
use crate::error::{Fault, did_you_mean};
use crate::info::{FirstStep, RuleInfo};
use crate::yaml::Node;

/// Reads everything but the log source.
pub(super) fn read(node: &Node, number: usize, context: Context<'_>) -> Result<RuleInfo, Fault> {
    let text = |name: &str| node.get(name).and_then(Node::as_text).map(ToOwned::to_owned);
    let id = text("id")
        .or_else(|| text("name"))
        .unwrap_or_else(|| format!("{}#{}", context.path, number.saturating_add(1)));
    Ok(RuleInfo {
        id,
        name: text("name"),
        title: title(node)?,
        title_vi: text("title_vi"),
        description: text("description"),
        description_vi: text("description_vi"),
        level: level(node)?,
        status: text("status"),
        tags: texts(node, "tags"),
        author: text("author"),
        references: texts(node, "references"),
        falsepositives: texts(node, "falsepositives"),
        first_steps: first_steps(node)?,
        logsource: LogSource::default(),
        path: context.path.to_owned(),
        line: node.at.line,
        is_correlation: false,
        is_baseline: false,
        is_audible: true,
    })
}

/// Reads the title.
pub(super) fn title(node: &Node) -> Result<String, Fault> {
    match node.get("title").and_then(Node::as_text) {
        Some(text) if !text.trim().is_empty() => Ok(text.to_owned()),
        _ => Err(Fault::rule(node.at, "no `title`")),
    }
}

fn level(node: &Node) -> Result<Severity, Fault> {
    let Some(own) = node.get("level") else { return Ok(Severity::Medium) };
    let word = own.as_text().unwrap_or_default();
    Severity::from_word(&word.to_ascii_lowercase()).ok_or_else(|| {
        let words = Severity::WORST_FIRST.into_iter().map(Severity::word);
        Fault::rule(own.at, format!("unknown level `{word}`"))
            .hint("one of informational, low, medium, high, critical")
            .maybe_hint(did_you_mean(word, words))
    })
}

fn texts(node: &Node, name: &str) -> Vec<String> {
    let members = node.get(name).map(Node::members).unwrap_or_default();
    members.iter().filter_map(Node::as_text).map(ToOwned::to_owned).collect()
}

fn first_steps(node: &Node) -> Result<Vec<FirstStep>, Fault> {
    let Some(list) = node.get("first_steps") else { return Ok(Vec::new()) };
    let step = |step: &Node| {
        let text = |name: &str| step.get(name).and_then(Node::as_text).map(ToOwned::to_owned);
        match (text("vi"), text("en")) {
            (Some(vi), Some(en)) => Ok(FirstStep { vi, en }),
            _ => Err(Fault::rule(step.at, "a first step needs `vi` and `en`")),
        }
    };
    list.members().iter().map(step).collect()
}
