//! YAML text → a tree that remembers where everything stood.
//!
//! We build our own small tree from the parser's events because a rule's author needs the line of a
//! fault, a value must keep the text it was written as, and a hostile file must stay bounded.

use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle};

use crate::error::{Fault, Place};
use crate::limits::{RULE_FILE_BYTES_MAX, YAML_DEPTH_MAX, YAML_NODES_MAX};

/// A piece of YAML and where it starts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) at: Place,
    pub(crate) kind: NodeKind,
}

/// What a piece of YAML is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum NodeKind {
    /// Text, with whether it stood without quotes (only then it may mean a number, a truth or null).
    Scalar { text: String, plain: bool },
    /// A list.
    List(Vec<Node>),
    /// A map, in the order written; every key is different.
    Map(Vec<(Key, Node)>),
}

/// A key of a map and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Key {
    pub(crate) at: Place,
    pub(crate) name: String,
}

/// What a plain scalar means (YAML 1.2 core schema).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Scalar<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(&'a str),
}

impl Node {
    /// Returns the value under a key of a map.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        self.entry(name).map(|(_, node)| node)
    }

    /// Returns a key of a map with its value.
    pub(crate) fn entry(&self, name: &str) -> Option<(&Key, &Self)> {
        let entries = self.as_map()?;
        entries.iter().find_map(|(key, node)| (key.name == name).then_some((key, node)))
    }

    /// Returns the entries, if this is a map.
    pub(crate) fn as_map(&self) -> Option<&[(Key, Self)]> {
        match &self.kind {
            NodeKind::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// Returns the text of a scalar as it was written, `None` for null, lists and maps.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match (&self.kind, self.scalar()?) {
            (_, Scalar::Null) => None,
            (NodeKind::Scalar { text, .. }, _) => Some(text),
            _ => None,
        }
    }

    /// Returns the members of a list, or the node itself as the only one.
    pub(crate) fn members(&self) -> &[Self] {
        match &self.kind {
            NodeKind::List(members) => members,
            _ => std::slice::from_ref(self),
        }
    }

    /// Returns what a scalar means; `None` for lists and maps.
    pub(crate) fn scalar(&self) -> Option<Scalar<'_>> {
        match &self.kind {
            NodeKind::Scalar { text, plain: false } => Some(Scalar::Text(text)),
            NodeKind::Scalar { text, plain: true } => Some(plain_scalar(text)),
            _ => None,
        }
    }

    /// Returns what the node is, for messages.
    pub(crate) const fn describe(&self) -> &'static str {
        match self.kind {
            NodeKind::Scalar { .. } => "a single value",
            NodeKind::List(_) => "a list",
            NodeKind::Map(_) => "a map",
        }
    }
}

fn plain_scalar(text: &str) -> Scalar<'_> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Scalar::Null,
        "true" | "True" | "TRUE" => return Scalar::Bool(true),
        "false" | "False" | "FALSE" => return Scalar::Bool(false),
        _ => {}
    }
    if let Some(hex) = text.strip_prefix("0x") {
        return i64::from_str_radix(hex, 16).map_or(Scalar::Text(text), Scalar::Int);
    }
    if let Some(octal) = text.strip_prefix("0o") {
        return i64::from_str_radix(octal, 8).map_or(Scalar::Text(text), Scalar::Int);
    }
    if let Ok(number) = text.parse::<i64>() {
        return Scalar::Int(number);
    }
    let numeric = text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b))
        && text.bytes().any(|b| b.is_ascii_digit());
    match text.parse::<f64>() {
        Ok(number) if numeric => Scalar::Float(number),
        _ => Scalar::Text(text),
    }
}

/// Reads all documents of a file. An empty document is left out.
pub(crate) fn documents(text: &str) -> Result<Vec<Node>, Fault> {
    let start = Place { line: 1, column: 1 };
    if text.len() > RULE_FILE_BYTES_MAX {
        return Err(Fault::yaml(
            start,
            format!("the file is {} bytes long, more than {RULE_FILE_BYTES_MAX}", text.len()),
        ));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut builder = Builder::default();
    let mut parser = Parser::new_from_str(text);
    while let Some(next) = parser.next_event() {
        let (event, span) = next.map_err(|error| {
            Fault::yaml(place(*error.marker()), format!("not valid YAML: {}", error.info()))
        })?;
        builder.take(event, place(span.start))?;
    }
    Ok(builder.documents)
}

fn place(marker: Marker) -> Place {
    Place { line: marker.line().max(1), column: marker.col().saturating_add(1) }
}

#[derive(Default)]
struct Builder {
    documents: Vec<Node>,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

struct Open {
    at: Place,
    anchor: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map { entries: Vec<(Key, Node)>, key: Option<Key> },
}

impl Builder {
    fn take(&mut self, event: Event<'_>, at: Place) -> Result<(), Fault> {
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let plain = style == ScalarStyle::Plain;
                let kind = NodeKind::Scalar { text: text.into_owned(), plain };
                self.add(Node { at, kind }, anchor, 1)
            }
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned();
                let node = node.ok_or_else(|| Fault::yaml(at, "the alias refers to nothing"))?;
                let size = size(&node);
                self.add(node, 0, size)
            }
            Event::SequenceStart(anchor, _) => self.open(at, anchor, Content::List(Vec::new())),
            Event::MappingStart(anchor, _) => {
                self.open(at, anchor, Content::Map { entries: Vec::new(), key: None })
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(at),
            _ => Ok(()),
        }
    }

    fn open(&mut self, at: Place, anchor: usize, content: Content) -> Result<(), Fault> {
        if self.open.len() >= YAML_DEPTH_MAX {
            return Err(Fault::yaml(at, format!("nested more than {YAML_DEPTH_MAX} deep")));
        }
        self.open.push(Open { at, anchor, content });
        Ok(())
    }

    fn close(&mut self, at: Place) -> Result<(), Fault> {
        let Some(open) = self.open.pop() else {
            return Err(Fault::yaml(at, "an end without a beginning"));
        };
        let kind = match open.content {
            Content::List(members) => NodeKind::List(members),
            Content::Map { entries, .. } => NodeKind::Map(merged(entries)),
        };
        self.add(Node { at: open.at, kind }, open.anchor, 1)
    }

    fn add(&mut self, node: Node, anchor: usize, size: usize) -> Result<(), Fault> {
        self.nodes = self.nodes.saturating_add(size);
        if self.nodes > YAML_NODES_MAX {
            return Err(Fault::yaml(node.at, format!("more than {YAML_NODES_MAX} values")));
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            let empty = matches!(node.scalar(), Some(Scalar::Null));
            if !empty {
                self.documents.push(node);
            }
            return Ok(());
        };
        match &mut open.content {
            Content::List(members) => members.push(node),
            Content::Map { entries, key } => match key.take() {
                Some(key) => entries.push((key, node)),
                None => *key = Some(new_key(entries, node)?),
            },
        }
        Ok(())
    }
}

/// Carries out merge keys: the entries of the maps under `<<` stand beside the map's own, which win.
fn merged(mut entries: Vec<(Key, Node)>) -> Vec<(Key, Node)> {
    let is_merge = |(key, node): &(Key, Node)| {
        key.name == "<<" && node.members().iter().all(|member| member.as_map().is_some())
    };
    let Some(place) = entries.iter().position(is_merge) else { return entries };
    let (_, merge) = entries.remove(place);
    for (key, node) in merge.members().iter().filter_map(Node::as_map).flatten() {
        if !entries.iter().any(|(own, _)| own.name == key.name) {
            entries.push((key.clone(), node.clone()));
        }
    }
    entries
}

fn new_key(entries: &[(Key, Node)], node: Node) -> Result<Key, Fault> {
    let NodeKind::Scalar { text, .. } = node.kind else {
        return Err(Fault::yaml(node.at, "a key must be plain text"));
    };
    if let Some((first, _)) = entries.iter().find(|(key, _)| key.name == text) {
        return Err(Fault::yaml(
            node.at,
            format!("`{text}` stands twice; the first is on line {}", first.at.line),
        )
        .hint("only one of the two would count: join their values in a list"));
    }
    Ok(Key { at: node.at, name: text })
}

fn size(node: &Node) -> usize {
    let inside: usize = match &node.kind {
        NodeKind::Scalar { .. } => 0,
        NodeKind::List(members) => members.iter().map(size).sum(),
        NodeKind::Map(entries) => entries.iter().map(|(_, node)| size(node)).sum(),
    };
    inside.saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_knows_its_place() {
        let documents = documents("a: 1\nb:\n  - x\n  - 'y'\n---\nc: ~\n").unwrap();
        assert_eq!(documents.len(), 2);
        let list = documents[0].get("b").unwrap();
        assert_eq!(list.members()[1].at, Place { line: 4, column: 5 });
        assert_eq!(documents[0].get("a").unwrap().scalar(), Some(Scalar::Int(1)));
        assert_eq!(documents[1].get("c").unwrap().scalar(), Some(Scalar::Null));
    }

    #[test]
    fn what_cannot_be_read_is_named_with_its_line() {
        for (text, line, words) in [
            ("a: 1\na: 2\n", 2, "stands twice"),
            ("a: 1\nb: [1, 2\n", 3, "not valid YAML"),
            ("? [a]\n: 1\n", 1, "plain text"),
            ("a:\n\t- b\n", 2, "not valid YAML"),
        ] {
            let fault = documents(text).unwrap_err();
            assert!(fault.message.contains(words), "{text}: {fault:?}");
            assert_eq!(fault.at.line, line, "{text}: {fault:?}");
        }
    }

    #[test]
    fn a_merge_key_brings_entries_in() {
        let text = "a: &a { x: 1, y: 1 }\nb: &b { z: 2 }\nc: { <<: [*a, *b], y: 3 }\n";
        let documents = documents(text).unwrap();
        let entries = documents[0].get("c").unwrap().as_map().unwrap().iter();
        let own: Vec<_> =
            entries.map(|(key, node)| (key.name.as_str(), node.as_text().unwrap())).collect();
        assert_eq!(own, [("y", "3"), ("x", "1"), ("z", "2")]);
    }

    #[test]
    fn a_hostile_file_stays_bounded() {
        let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
        assert!(documents(&deep).unwrap_err().message.contains("deep"));
        let mut laughs = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
        for i in 1..9 {
            let before = format!("*a{}", i - 1);
            let line = format!("a{i}: &a{i} [{}]\n", [before.as_str(); 10].join(","));
            laughs.push_str(&line);
        }
        assert!(documents(&laughs).unwrap_err().message.contains("more than"));
    }

    #[test]
    fn scalars_mean_what_yaml_says() {
        for (text, want) in [
            ("4688", Scalar::Int(4688)),
            ("0x10", Scalar::Int(16)),
            ("1.5", Scalar::Float(1.5)),
            ("1.2.3.4", Scalar::Text("1.2.3.4")),
            ("inf", Scalar::Text("inf")),
            ("True", Scalar::Bool(true)),
            ("yes", Scalar::Text("yes")),
        ] {
            assert_eq!(plain_scalar(text), want, "{text}");
        }
    }
}
