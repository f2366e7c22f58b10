//! The file of a request: a part of a form from a page, or the body itself from a program.

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, Request};
use http::header::CONTENT_TYPE;

use crate::{AppError, Phrase, limits};

/// A file that was sent, at most [`limits::UPLOAD_BYTES_MAX`] with its form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Its name without folders, at most 100 characters; empty from a program.
    pub name: String,
    /// What it holds; never empty.
    pub bytes: Bytes,
}

impl<S: Send + Sync> FromRequest<S> for Upload {
    type Rejection = AppError;

    async fn from_request(request: Request, _: &S) -> Result<Self, AppError> {
        let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let boundary = kind.and_then(boundary_of).map(ToOwned::to_owned);
        let Ok(bytes) = to_bytes(request.into_body(), limits::UPLOAD_BYTES_MAX).await else {
            return Err(AppError::invalid("file", Phrase::key("web-upload-too-large")));
        };
        let upload = match boundary {
            Some(boundary) => part(&bytes, &boundary),
            None => Some(Self { name: String::new(), bytes }),
        };
        upload
            .filter(|upload| !upload.bytes.is_empty())
            .ok_or_else(|| AppError::invalid("file", Phrase::key("web-upload-no-file")))
    }
}

fn boundary_of(kind: &str) -> Option<&str> {
    let (kind, rest) = kind.split_once(';')?;
    let boundary = rest.split(';').find_map(|part| part.trim().strip_prefix("boundary="))?;
    (kind.trim() == "multipart/form-data").then(|| boundary.trim_matches('"'))
}

/// Returns the first part that is a file (RFC 7578).
fn part(body: &Bytes, boundary: &str) -> Option<Upload> {
    let mark = format!("--{boundary}").into_bytes();
    let mut from = find(body, &mark, 0)? + mark.len();
    loop {
        let head_end = find(body, b"\r\n\r\n", from)?;
        let head = String::from_utf8_lossy(body.get(from..head_end)?).into_owned();
        let begins = head_end + 4;
        let mut closing = b"\r\n".to_vec();
        closing.extend(&mark);
        let ends = find(body, &closing, begins)?;
        if let Some((_, name)) = head.split_once("filename=\"") {
            let name = name.split('"').next().unwrap_or_default();
            let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
            let name = name.chars().take(100).collect();
            return Some(Upload { name, bytes: body.slice(begins..ends) });
        }
        from = ends + closing.len();
    }
}

fn find(body: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    let rest = body.get(from..)?;
    rest.windows(wanted.len()).position(|window| window == wanted).map(|place| place + from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_cut_out_of_the_form_to_the_byte() {
        let body = "--x\r\nContent-Disposition: form-data; name=\"_csrf\"\r\n\r\nabc\r\n--x\r\n\
            Content-Disposition: form-data; name=\"file\"; filename=\"C:\\a\\b.xlsx\"\r\n\
            Content-Type: application/octet-stream\r\n\r\n\0PK\r\n-\r\n--x--\r\n";
        let body = Bytes::from_static(body.as_bytes());
        let found = part(&body, "x").unwrap();
        assert_eq!((found.name.as_str(), found.bytes.as_ref()), ("b.xlsx", &b"\0PK\r\n-"[..]));
        assert_eq!(part(&Bytes::from_static(b"--x\r\nno head"), "x"), None);
        assert_eq!(boundary_of("multipart/form-data; boundary=\"x\""), Some("x"));
        assert_eq!(boundary_of("application/json; boundary=x"), None);
    }
}
