//! The files that pages load: embedded, named with their fingerprint, cached for ever, gzipped.

#![expect(clippy::same_name_method, reason = "rust-embed makes a trait and methods of one name")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use sha2::Digest as _;

#[derive(rust_embed::RustEmbed)]
#[folder = "static"]
struct Static;

/// Where the files are served.
pub(crate) const PREFIX: &str = "/static/";

struct Index {
    /// name → fingerprinted name
    urls: BTreeMap<String, String>,
    /// fingerprinted name → name
    names: BTreeMap<String, String>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut index = Index { urls: BTreeMap::new(), names: BTreeMap::new() };
    for name in Static::iter() {
        let Some(file) = Static::get(&name) else { continue };
        let mut mark = String::new();
        for byte in file.metadata.sha256_hash().iter().take(6) {
            if write!(mark, "{byte:02x}").is_err() {
                break;
            }
        }
        // Fonts are named inside stylesheets, which cannot know fingerprints: they keep their names.
        let marked = match name.rsplit_once('.') {
            Some((_, "woff2")) | None => name.to_string(),
            Some((stem, ending)) => format!("{stem}.{mark}.{ending}"),
        };
        index.names.insert(marked.clone(), name.to_string());
        index.urls.insert(name.to_string(), marked);
    }
    index
});

/// Returns the address of a static file; a name that does not exist shows in the address, and a test
/// looks for it.
pub fn url(name: &str) -> String {
    match INDEX.urls.get(name) {
        Some(marked) => format!("{PREFIX}{marked}"),
        None => format!("{PREFIX}missing/{name}"),
    }
}

/// Returns whether the sprite has an icon.
pub(crate) fn has_icon(name: &str) -> bool {
    static SPRITE: LazyLock<String> = LazyLock::new(|| {
        let file = Static::get("vendor/icons.svg");
        file.map(|file| String::from_utf8_lossy(&file.data).into_owned()).unwrap_or_default()
    });
    SPRITE.contains(&format!("id=\"{name}\""))
}

/// Returns the bytes of a file that was built in.
pub(crate) fn bytes(name: &str) -> Option<Vec<u8>> {
    Static::get(name).map(|file| file.data.into_owned())
}

/// Serves a file by its fingerprinted name.
pub(crate) async fn serve(Path(marked): Path<String>) -> Response {
    let file = INDEX.names.get(&marked).and_then(|name| Static::get(name));
    let Some(file) = file else { return StatusCode::NOT_FOUND.into_response() };
    let mut response = file.data.into_owned().into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind(&marked)));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    response
}

/// What the form of the six questions is drawn with: kept by the service worker.
const FORM_FILES: [&str; 8] = [
    "fonts.css",
    "plain.css",
    "mark.svg",
    "report.js",
    "vendor/be-vietnam-pro-latin-400-normal.woff2",
    "vendor/be-vietnam-pro-vietnamese-400-normal.woff2",
    "vendor/be-vietnam-pro-latin-600-normal.woff2",
    "vendor/be-vietnam-pro-vietnamese-600-normal.woff2",
];

/// The service worker, with the addresses of what it keeps: a file that changes makes it another one.
static WORKER: LazyLock<String> = LazyLock::new(|| {
    let code = bytes("sw.js").unwrap_or_default();
    let files: Vec<String> = FORM_FILES.into_iter().map(url).collect();
    let files = serde_json::Value::from(files).to_string();
    let code = String::from_utf8_lossy(&code).replace("__ASSETS__", &files);
    let mark = hex::encode(sha2::Sha256::digest(code.as_bytes()));
    code.replace("__MARK__", mark.get(..12).unwrap_or_default())
});

/// Serves the service worker from the root: it is responsible for what lies beside and below it.
pub(crate) async fn serve_worker() -> Response {
    let headers = [(CONTENT_TYPE, "text/javascript; charset=utf-8"), (CACHE_CONTROL, "no-cache")];
    (headers, WORKER.as_str()).into_response()
}

fn kind(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        Some("png") => "image/png",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worker_keeps_files_that_are_there_and_nothing_else() {
        let line = WORKER.lines().find(|line| line.starts_with("const ASSETS")).unwrap();
        let list = line.trim_start_matches("const ASSETS = ").trim_end_matches(';');
        let files: Vec<String> = serde_json::from_str(list).unwrap();
        assert_eq!(files.len(), FORM_FILES.len());
        for file in files {
            let marked = file.strip_prefix(PREFIX).unwrap();
            assert!(INDEX.names.contains_key(marked), "{file}");
        }
        assert!(!WORKER.contains("__"), "a place is not filled");
    }
}
