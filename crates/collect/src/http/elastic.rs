//! The part of Elasticsearch that senders ask before and while they deliver: who are you, is your
//! licence active, is there a template. The answers are as plain as senders allow; templates and
//! policies are acknowledged and forgotten, because events need none.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use serde_json::json;

use super::bulk::{self, Item};
use super::reply::Refusal;
use super::{Admitted, Door, body::Received};
use crate::framing::{self, Piece};
use crate::intake::Sender;
use crate::limits::BULK_ITEMS_MAX;
use event::{DeadReason, Frame};

/// The version that we claim: the last whose senders ask for nothing else than what is here.
const VERSION: &str = "8.17.0";

/// Puts the header on every answer without which Elastic's own clients refuse to talk.
pub(super) async fn sign(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let name = HeaderValue::from_static("Elasticsearch");
    response.headers_mut().insert("x-elastic-product", name);
    response
}

/// `GET /`
pub(super) async fn greet(State(door): State<Door>, request: Request) -> Result<Response, Refusal> {
    door.admit(request)?;
    Ok(Json(json!({
        "name": "luytre",
        "cluster_name": "luytre",
        "cluster_uuid": "bHV5dHJlLWNsdXN0ZXItMQ",
        "version": {
            "number": VERSION,
            "build_flavor": "default",
            "build_type": "tar",
            "build_hash": "0000000000000000000000000000000000000000",
            "build_date": "2024-12-11T00:00:00.000000000Z",
            "build_snapshot": false,
            "lucene_version": "9.12.0",
            "minimum_wire_compatibility_version": "7.17.0",
            "minimum_index_compatibility_version": "7.0.0",
        },
        "tagline": "You Know, for Search",
    }))
    .into_response())
}

/// `GET /_cluster/health`
pub(super) async fn health(
    State(door): State<Door>,
    request: Request,
) -> Result<Response, Refusal> {
    door.admit(request)?;
    Ok(Json(json!({
        "cluster_name": "luytre",
        "status": "green",
        "timed_out": false,
        "number_of_nodes": 1,
        "number_of_data_nodes": 1,
    }))
    .into_response())
}

/// `GET /_cat/health`
pub(super) async fn cat_health(
    State(door): State<Door>,
    request: Request,
) -> Result<Response, Refusal> {
    door.admit(request)?;
    Ok("luytre green 1 1\n".into_response())
}

/// `GET /_license`, `GET /_xpack`
pub(super) async fn license(
    State(door): State<Door>,
    request: Request,
) -> Result<Response, Refusal> {
    door.admit(request)?;
    let license = json!({
        "status": "active",
        "uid": "00000000-0000-0000-0000-000000000000",
        "type": "basic",
        "mode": "basic",
    });
    Ok(Json(json!({ "license": license, "features": { "ilm": { "available": true, "enabled": true } } }))
        .into_response())
}

/// `GET /_nodes/…`: no nodes to sniff out.
pub(super) async fn nodes(State(door): State<Door>, request: Request) -> Result<Response, Refusal> {
    door.admit(request)?;
    Ok(Json(json!({ "cluster_name": "luytre", "nodes": {} })).into_response())
}

/// Everything else that a sender sets up before it delivers: asking finds it there, putting is
/// acknowledged.
pub(super) async fn anything(
    State(door): State<Door>,
    request: Request,
) -> Result<Response, Refusal> {
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    door.admit(request)?;
    let name = path.rsplit('/').next().unwrap_or_default();
    let reply = match method {
        Method::HEAD => StatusCode::OK.into_response(),
        Method::GET if path.starts_with("/_data_stream/") => {
            Json(json!({ "data_streams": [{ "name": name }] })).into_response()
        }
        Method::GET if path.starts_with("/_index_template/") => {
            Json(json!({ "index_templates": [{ "name": name }] })).into_response()
        }
        Method::GET if path.starts_with("/_") => Json(json!({ name: {} })).into_response(),
        Method::PUT | Method::POST if path.starts_with("/_") => {
            Json(json!({ "acknowledged": true })).into_response()
        }
        // `PUT /index` makes an index.
        Method::PUT if !path.trim_start_matches('/').contains('/') => {
            Json(json!({ "acknowledged": true, "index": name })).into_response()
        }
        _ => {
            let reason = format!("no such endpoint: {method} {path}");
            let body = json!({ "error": { "type": "not_found", "reason": reason }, "status": 404 });
            (StatusCode::NOT_FOUND, Json(body)).into_response()
        }
    };
    Ok(reply)
}

/// `POST /_bulk`, `POST /{index}/_bulk`
pub(super) async fn bulk(State(door): State<Door>, request: Request) -> Result<Response, Refusal> {
    let admitted = door.admit(request)?;
    let (sender, received) = door.receive(admitted).await?;
    keep_bulk(&door, sender, &received).await
}

/// Keeps a bulk body and answers each of its items.
pub(super) async fn keep_bulk(
    door: &Door,
    sender: Sender,
    received: &Received,
) -> Result<Response, Refusal> {
    let started_at = door.intake.now();
    let Some(items) = bulk::parse(&received.bytes) else {
        let reason = format!("more than {BULK_ITEMS_MAX} items in one request");
        return Err(Refusal::TooLarge(reason));
    };
    let mut frames = Vec::with_capacity(items.len());
    let mut ids = Vec::with_capacity(items.len());
    for item in &items {
        let mut own = door.intake.frames(sender, pieces(item));
        ids.push(own.first().map(|frame| frame.id.to_string()));
        frames.append(&mut own);
    }
    door.keep(sender, &frames).await?;
    let default_index = index_in(&received.path);
    let answers = items.iter().zip(ids).map(|(item, id)| answer(item, id, &default_index));
    let mut reply = BulkReply { took: 0, errors: false, items: answers.collect() };
    reply.errors = items.iter().any(|item| refused(item).is_some());
    reply.took = (door.intake.now() - started_at).num_milliseconds();
    Ok(Json(reply).into_response())
}

/// `POST /{index}/_doc` and its kin: one document.
pub(super) async fn document(
    State(door): State<Door>,
    path: Path<Vec<(String, String)>>,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    let named = |name| path.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone());
    let (index, given_id) = (named("index").unwrap_or_default(), named("id"));
    let admitted: Admitted = door.admit(request)?;
    let (sender, received) = door.receive(admitted).await?;
    if let Err(reason) = crate::parse::json_object(&received.bytes) {
        return Err(Refusal::Unreadable(reason));
    }
    let frames: Vec<Frame> =
        door.intake.frames(sender, framing::whole(crate::parse::trim(&received.bytes)));
    door.keep(sender, &frames).await?;
    let id = given_id.or_else(|| frames.first().map(|frame| frame.id.to_string()));
    let body = json!({ "_index": index, "_id": id, "_version": 1, "result": "created" });
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response())
}

/// Returns the records of an item; what was refused is kept as a dead letter, so that no byte of a
/// sender that never tries again is lost.
fn pieces(item: &Item) -> Vec<Piece> {
    match &item.error {
        None => framing::whole(item.bytes.clone()),
        Some(error) => framing::pieces_of(&item.bytes, |_part| {
            DeadReason::new("bad-json", format!("bulk item refused: {}", error.reason))
        }),
    }
}

#[derive(Debug, Serialize)]
struct BulkReply {
    took: i64,
    errors: bool,
    items: Vec<Answer>,
}

/// One item's answer, under the name of its action.
#[derive(Debug)]
struct Answer {
    action: &'static str,
    result: ItemResult,
}

impl Serialize for Answer {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([(self.action, &self.result)])
    }
}

#[derive(Debug, Serialize)]
struct ItemResult {
    #[serde(rename = "_index")]
    index: String,
    #[serde(rename = "_id")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'static str>,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ItemFault>,
}

#[derive(Debug, Serialize)]
struct ItemFault {
    #[serde(rename = "type")]
    kind: &'static str,
    reason: String,
}

fn answer(item: &Item, id: Option<String>, default_index: &str) -> Answer {
    let index = item.index.clone().unwrap_or_else(|| default_index.to_owned());
    let error = refused(item);
    let (result, status) = if error.is_some() { (None, 400) } else { (Some("created"), 201) };
    let id = item.id.clone().or(id);
    Answer { action: item.action, result: ItemResult { index, id, result, status, error } }
}

/// Returns why an item was not accepted as a record.
fn refused(item: &Item) -> Option<ItemFault> {
    if let Some(error) = &item.error {
        return Some(ItemFault { kind: error.kind, reason: error.reason.clone() });
    }
    let limit = crate::limits::RECORD_BYTES_MAX;
    (item.bytes.len() > limit).then(|| ItemFault {
        kind: "document_parsing_exception",
        reason: format!("the document is longer than {limit} bytes"),
    })
}

/// Returns the index that a path names (`/logs/_bulk`).
fn index_in(path: &str) -> String {
    match path.trim_start_matches('/').split('/').next() {
        Some(first) if !first.starts_with('_') => first.to_owned(),
        _ => String::new(),
    }
}
