//! YAML text → a tree that remembers where everything stood.
//!
//! We build our own small tree from the parser's events because a rule's author needs the line of a
//! fault, a value must keep the text it was written as, and a hostile file must stay bounded.

use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle};

use crate::error::{Fault, Place};
use crate::limits::{RULE_FILE_BYTES_MAX, YAML_DEPTH_MAX, YAML_NODES_MAX};
use crate::number::Number;

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
        return i64::from_str_radix(hex, 16).map_or_else(|_| long(text), Scalar::Int);
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

/// A hexadecimal number past `i64`.
fn long(text: &str) -> Scalar<'_> {
    let number = Number::read(text).map(Number::nearest);
    number.map_or(Scalar::Text(text), Scalar::Float)
}

/// Reads all documents of a file. An empty document is left out.
pub(crate) fn documents(text: &str) -> Result<Vec<Node>, Fault> {
    let text = checked(text)?;
    let mut builder = Builder::default();
    builder.read(text)?;
    Ok(builder.documents)
}

/// Reads the documents of a file that can be read, and says what is wrong with the others: where one
/// document is broken, each is read by itself.
pub(crate) fn readable_documents(text: &str) -> (Vec<Node>, Vec<Fault>) {
    let fault = match documents(text) {
        Ok(documents) => return (documents, Vec::new()),
        Err(fault) => fault,
    };
    let parts = checked(text).map(parts).unwrap_or_default();
    if parts.len() < 2 {
        return (Vec::new(), vec![fault]);
    }
    let mut builder = Builder::default();
    let mut faults = Vec::new();
    for (lines_before, part) in parts {
        (builder.lines_before, builder.open) = (lines_before, Vec::new());
        let read = builder.documents.len();
        if let Err(fault) = builder.read(part) {
            builder.documents.truncate(read);
            faults.push(fault);
        }
    }
    (builder.documents, faults)
}

/// Returns the text without its byte order mark, if it is not too long.
fn checked(text: &str) -> Result<&str, Fault> {
    if text.len() > RULE_FILE_BYTES_MAX {
        return Err(Fault::yaml(
            Place { line: 1, column: 1 },
            format!("the file is {} bytes long, more than {RULE_FILE_BYTES_MAX}", text.len()),
        ));
    }
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// Cuts a file where its documents begin; each with how many lines stand before it.
fn parts(text: &str) -> Vec<(usize, &str)> {
    let mut parts = Vec::new();
    let (mut start, mut start_line, mut at) = (0_usize, 0_usize, 0_usize);
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let begins = line
            .strip_prefix("---")
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']));
        if begins && at > start {
            parts.extend(text.get(start..at).map(|part| (start_line, part)));
            (start, start_line) = (at, number);
        }
        at = at.saturating_add(line.len());
    }
    parts.extend(text.get(start..).map(|part| (start_line, part)));
    parts
}

#[derive(Default)]
struct Builder {
    documents: Vec<Node>,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    /// Lines of the file before what is read.
    lines_before: usize,
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
    fn read(&mut self, text: &str) -> Result<(), Fault> {
        let mut parser = Parser::new_from_str(text);
        while let Some(next) = parser.next_event() {
            let (event, span) = next.map_err(|error| {
                let at = self.place(*error.marker());
                Fault::yaml(at, format!("not valid YAML: {}", error.info()))
            })?;
            self.take(event, self.place(span.start))?;
        }
        Ok(())
    }

    fn place(&self, marker: Marker) -> Place {
        let line = marker.line().max(1).saturating_add(self.lines_before);
        Place { line, column: marker.col().saturating_add(1) }
    }

    fn take(&mut self, event: Event<'_>, at: Place) -> Result<(), Fault> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_text =
                    tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
                let plain = style == ScalarStyle::Plain && !is_text;
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
    fn a_broken_document_hides_no_other() {
        let text = "a: 1\n--- # first\nb: [1\n---\nc: 1\nc: 2\n---\nd: '--- no border'\n---x: y\n--- \ne: 1\n";
        let (documents, faults) = readable_documents(text);
        let keys: Vec<_> =
            documents.iter().map(|node| node.as_map().unwrap()[0].0.clone()).collect();
        assert_eq!(
            keys,
            [("a", 1), ("d", 8), ("e", 11)]
                .map(|(name, line)| Key { at: Place { line, column: 1 }, name: name.to_owned() })
        );
        let lines: Vec<usize> = faults.iter().map(|fault| fault.at.line).collect();
        assert_eq!(lines, [4, 6], "{faults:?}");
        let (documents, faults) = readable_documents("a: [");
        assert_eq!((documents.len(), faults.len()), (0, 1));
    }

    #[test]
    fn a_tag_says_what_is_text() {
        let documents = documents("a: !!str null\nb: !!str 5\nc: !own 5\n").unwrap();
        let own = |name| documents[0].get(name).unwrap().scalar().unwrap();
        assert_eq!(own("a"), Scalar::Text("null"));
        assert_eq!(own("b"), Scalar::Text("5"));
        assert_eq!(own("c"), Scalar::Int(5));
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
            ("0x10000000000000000", Scalar::Float(18_446_744_073_709_551_616.0)),
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
