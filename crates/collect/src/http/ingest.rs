//! Plain records over HTTP: newline-delimited JSON, a JSON array, lines of text, or one HTML form
//! (what Python's `HTTPHandler` posts).

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use event::{DeadReason, Fields};
use serde::Serialize;

use super::body::Received;
use super::reply::Refusal;
use super::{Door, bulk, elastic};
use crate::framing::{self, Piece};
use crate::intake::Sender;
use crate::limits::{RECORD_BYTES_MAX, RECORDS_PER_REQUEST_MAX};
use crate::{parse, several};

/// What a sender of plain records is told.
#[derive(Debug, Default, Serialize)]
struct IngestReply {
    /// Records now durable.
    accepted: usize,
    /// Records that are no records; their bytes are kept as dead letters.
    rejected: usize,
    /// The first of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<RecordError>,
}

#[derive(Debug, Serialize)]
struct RecordError {
    /// Which record of the body, counted from 1.
    record: usize,
    reason: String,
}

/// How many errors are spelled out.
const ERRORS_SHOWN: usize = 100;

/// `POST /`: a bulk request or plain records, whichever it looks like.
pub(super) async fn either(
    State(door): State<Door>,
    request: Request,
) -> Result<Response, Refusal> {
    let admitted = door.admit(request)?;
    let (sender, received) = door.receive(admitted).await?;
    if bulk::looks_like(&received.bytes) {
        return elastic::keep_bulk(&door, sender, &received).await;
    }
    keep_records(&door, sender, &received).await
}

/// `POST /ingest`
pub(super) async fn records(
    State(door): State<Door>,
    request: Request,
) -> Result<Response, Refusal> {
    let admitted = door.admit(request)?;
    let (sender, received) = door.receive(admitted).await?;
    keep_records(&door, sender, &received).await
}

async fn keep_records(
    door: &Door,
    sender: Sender,
    received: &Received,
) -> Result<Response, Refusal> {
    let shape = shape(&received.headers, &received.bytes)?;
    let records = match shape {
        Shape::Json => json_records(&received.bytes),
        Shape::Lines => bounded(lines(&received.bytes).flat_map(apart).map(Ok)),
        Shape::Form => vec![Ok(form_record(&received.bytes))],
    };
    if records.len() > RECORDS_PER_REQUEST_MAX {
        let reason = format!("more than {RECORDS_PER_REQUEST_MAX} records in one request");
        return Err(Refusal::TooLarge(reason));
    }
    let mut reply = IngestReply::default();
    let mut pieces = Vec::with_capacity(records.len());
    for (index, record) in records.into_iter().enumerate() {
        let (own, fault) = piece(record);
        pieces.extend(own);
        match fault {
            None => reply.accepted = reply.accepted.saturating_add(1),
            Some(reason) => {
                reply.rejected = reply.rejected.saturating_add(1);
                if reply.errors.len() < ERRORS_SHOWN {
                    reply.errors.push(RecordError { record: index.saturating_add(1), reason });
                }
            }
        }
    }
    let frames = door.intake.frames(sender, pieces);
    door.keep(sender, &frames).await?;
    let status = if reply.accepted == 0 && reply.rejected > 0 {
        StatusCode::BAD_REQUEST
    } else {
        StatusCode::OK
    };
    Ok((status, Json(reply)).into_response())
}

/// A record, or bytes that are none with the reason.
type Record = Result<Bytes, (Bytes, String)>;

fn piece(record: Record) -> (Vec<Piece>, Option<String>) {
    match record {
        Ok(bytes) => {
            let fault = (bytes.len() > RECORD_BYTES_MAX)
                .then(|| format!("the record is longer than {RECORD_BYTES_MAX} bytes"));
            (framing::whole(bytes), fault)
        }
        Err((bytes, reason)) => {
            let dead = |_part| DeadReason::new("bad-json", reason.clone());
            (framing::pieces_of(&bytes, dead), Some(reason))
        }
    }
}

enum Shape {
    Json,
    Lines,
    Form,
}

/// Decides what a body is: by its media type, and by its first byte where senders are known to leave
/// the type at a default (`curl --data-binary` says it posts a form).
fn shape(headers: &HeaderMap, body: &Bytes) -> Result<Shape, Refusal> {
    let media = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    let looks_json = matches!(first, Some(b'{' | b'['));
    match media.as_str() {
        "text/plain" | "text/xml" | "application/xml" | "application/octet-stream" => {
            Ok(Shape::Lines)
        }
        "application/x-www-form-urlencoded" if !looks_json => {
            let one_line = !body.trim_ascii().contains(&b'\n');
            let form = one_line && body.contains(&b'=') && first != Some(&b'<');
            Ok(if form { Shape::Form } else { Shape::Lines })
        }
        "" if !looks_json => Ok(Shape::Lines),
        "" | "application/x-www-form-urlencoded" => Ok(Shape::Json),
        other if other.ends_with("json") || other.contains("ndjson") => Ok(Shape::Json),
        other => Err(Refusal::Unsupported(format!(
            "media type `{other}` is not taken; send application/x-ndjson, application/json or \
             text/plain"
        ))),
    }
}

fn lines(body: &Bytes) -> impl Iterator<Item = Bytes> {
    body.split(|byte| *byte == b'\n')
        .map(|line| body.slice_ref(line.strip_suffix(b"\r").unwrap_or(line)))
        .filter(|line| !line.trim_ascii().is_empty())
}

/// Returns the records of a JSON array, of newline-delimited JSON, or of one JSON object that was
/// written over several lines; in each of these, also those of a cloud's list.
fn json_records(body: &Bytes) -> Vec<Record> {
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    if first == Some(&b'[')
        && let Some(elements) = parse::array_elements(body, RECORDS_PER_REQUEST_MAX)
    {
        return bounded(elements.into_iter().flat_map(apart).map(json_record));
    }
    let whole = parse::trim(body);
    if !whole.is_empty() && parse::json_object(&whole).is_ok() {
        return bounded(apart(whole).into_iter().map(json_record));
    }
    bounded(lines(body).flat_map(|line| apart(parse::trim(&line))).map(json_record))
}

/// Returns the records, of too many only one more than are taken.
fn bounded(records: impl Iterator<Item = Record>) -> Vec<Record> {
    records.take(RECORDS_PER_REQUEST_MAX.saturating_add(1)).collect()
}

/// Returns the records that came as this one.
fn apart(record: Bytes) -> Vec<Bytes> {
    several::records(&record).unwrap_or_else(|| vec![record])
}

fn json_record(bytes: Bytes) -> Record {
    match parse::json_object(&bytes) {
        Ok(()) => Ok(bytes),
        Err(reason) => Err((bytes, reason)),
    }
}

/// Returns an HTML form as a JSON object, its fields in the form's order.
fn form_record(body: &Bytes) -> Bytes {
    let text = String::from_utf8_lossy(body);
    let mut object = Fields::new();
    for pair in text.trim().split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        object.push(unescape(name), unescape(value));
    }
    // Fields of text always serialise.
    Bytes::from(serde_json::to_vec(&object).unwrap_or_default())
}

/// Returns form-encoded text as it was meant; a `%` that begins no escape stays.
fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits = tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
                match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
                    Some(byte) => {
                        bytes.push(byte);
                        rest = tail.get(2..).unwrap_or_default();
                    }
                    None => bytes.push(b'%'),
                }
            }
            other => bytes.push(*other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_python_form_becomes_an_object() {
        let form = Bytes::from_static(b"name=root&msg=h%C3%B4m+nay+100%25&pct=5%&empty=");
        let object: serde_json::Value = serde_json::from_slice(&form_record(&form)).unwrap();
        let expected =
            serde_json::json!({"name": "root", "msg": "hôm nay 100%", "pct": "5%", "empty": ""});
        assert_eq!(object, expected);
    }
}
