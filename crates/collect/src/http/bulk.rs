//! Elasticsearch's bulk format: an action line, then a document line, again and again.
//!
//! Pure. A malformed item costs itself: it is answered with its own error, and reading finds its
//! feet again at the next line that is an action.

use std::ops::Range;

use bytes::Bytes;
use serde::Deserialize;

use crate::limits::BULK_ITEMS_MAX;
use crate::parse;

/// One item of a bulk request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    /// `index`, `create`, `update` or `delete`: what its answer is filed under.
    pub(crate) action: &'static str,
    /// The index named by the item, if any.
    pub(crate) index: Option<String>,
    /// The document's id, if the sender gave one.
    pub(crate) id: Option<String>,
    /// The document, or the bytes of what could not be one.
    pub(crate) bytes: Bytes,
    /// Why it is refused.
    pub(crate) error: Option<ItemError>,
}

/// Why an item is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ItemError {
    /// Elasticsearch's word for it.
    pub(crate) kind: &'static str,
    /// What is wrong.
    pub(crate) reason: String,
}

#[derive(Debug, Default, Deserialize)]
struct Meta {
    #[serde(rename = "_index")]
    index: Option<String>,
    #[serde(rename = "_id")]
    id: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    Index(Meta),
    Create(Meta),
    Update(Meta),
    Delete(Meta),
}

/// Returns the items of a bulk body; `None` if there are more than [`BULK_ITEMS_MAX`].
pub(crate) fn parse(body: &Bytes) -> Option<Vec<Item>> {
    let mut items = Vec::new();
    let mut lines = lines(body).peekable();
    while let Some(range) = lines.next() {
        let line = body.slice(range.clone());
        if items.len() >= BULK_ITEMS_MAX {
            return None;
        }
        let action = match action(&line) {
            Ok(action) => action,
            Err(reason) => {
                // Its document cannot be told from another broken action: all that is no action
                // belongs to it.
                let mut end = range.end;
                while let Some(next) = lines.next_if(|next| !is_action(body, next)) {
                    end = next.end;
                }
                let bytes = body.slice(range.start..end);
                items.push(broken(bytes, "illegal_argument_exception", reason));
                continue;
            }
        };
        let (name, meta) = match action {
            Action::Index(meta) => ("index", meta),
            Action::Create(meta) => ("create", meta),
            Action::Update(meta) => ("update", meta),
            Action::Delete(meta) => {
                items.push(unsupported("delete", meta, line));
                continue;
            }
        };
        let Some(document) = lines.next().map(|range| body.slice(range)) else {
            let reason = "no document follows the action".to_owned();
            items.push(Item { action: name, ..broken(line, "illegal_argument_exception", reason) });
            break;
        };
        if name == "update" {
            items.push(unsupported(name, meta, document));
            continue;
        }
        let error = parse::json_object(&document)
            .err()
            .map(|reason| ItemError { kind: "document_parsing_exception", reason });
        items.push(Item { action: name, index: meta.index, id: meta.id, bytes: document, error });
    }
    Some(items)
}

/// Returns whether the body begins like a bulk request.
pub(super) fn looks_like(body: &Bytes) -> bool {
    lines(body).next().is_some_and(|line| is_action(body, &line))
}

fn is_action(body: &Bytes, line: &Range<usize>) -> bool {
    body.get(line.clone()).is_some_and(|line| action(line).is_ok())
}

fn action(line: &[u8]) -> Result<Action, String> {
    serde_json::from_slice(line).map_err(|error| format!("malformed action line: {error}"))
}

/// Returns where the lines lie that are not blank, without the white space round them.
fn lines(body: &Bytes) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0_usize;
    body.split(|byte| *byte == b'\n').filter_map(move |line| {
        let from = start.saturating_add(line.len() - line.trim_ascii_start().len());
        start = start.saturating_add(line.len()).saturating_add(1);
        let text = line.trim_ascii();
        (!text.is_empty()).then(|| from..from.saturating_add(text.len()))
    })
}

fn broken(bytes: Bytes, kind: &'static str, reason: String) -> Item {
    let error = Some(ItemError { kind, reason });
    Item { action: "index", index: None, id: None, bytes, error }
}

fn unsupported(action: &'static str, meta: Meta, bytes: Bytes) -> Item {
    let reason = format!("`{action}` is not taken: events are only ever added");
    let error = Some(ItemError { kind: "action_request_validation_exception", reason });
    Item { action, index: meta.index, id: meta.id, bytes, error }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(body: &'static str) -> Vec<String> {
        parse(&Bytes::from_static(body.as_bytes()))
            .unwrap()
            .iter()
            .map(|item| {
                let verdict = item.error.as_ref().map_or("ok", |error| error.kind);
                format!("{} {verdict} {}", item.action, String::from_utf8_lossy(&item.bytes))
            })
            .collect()
    }

    #[test]
    fn items_are_read_one_by_one() {
        let cases: &[(&str, &[&str])] = &[
            ("", &[]),
            ("\n\n", &[]),
            (
                "{\"create\":{}}\n{\"a\":1}\n{\"index\":{\"_index\":\"x\",\"_id\":\"7\"}}\r\n{\"b\":2}\r\n",
                &["create ok {\"a\":1}", "index ok {\"b\":2}"],
            ),
            ("{\"create\":{}}\n{\"a\":1}", &["create ok {\"a\":1}"]),
            (
                "{\"create\":{}}\n{\"a\":\n{\"create\":{}}\n[1]\n{\"create\":{}}\n{}\n",
                &[
                    "create document_parsing_exception {\"a\":",
                    "create document_parsing_exception [1]",
                    "create ok {}",
                ],
            ),
            (
                "nonsense\n{\"a\":1}\n{\"create\":{}}\n{\"b\":2}\n",
                &["index illegal_argument_exception nonsense\n{\"a\":1}", "create ok {\"b\":2}"],
            ),
            (
                "{\"delete\":{\"_id\":\"1\"}}\n{\"update\":{\"_id\":\"1\"}}\n{\"doc\":{}}\n",
                &[
                    "delete action_request_validation_exception {\"delete\":{\"_id\":\"1\"}}",
                    "update action_request_validation_exception {\"doc\":{}}",
                ],
            ),
            ("{\"create\":{}}\n", &["create illegal_argument_exception {\"create\":{}}"]),
        ];
        for (body, expected) in cases {
            assert_eq!(&show(body), expected, "{body}");
        }
    }
}
