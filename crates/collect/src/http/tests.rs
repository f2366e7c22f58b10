//! The HTTP intake: through its router for what is answered, over a socket for what arrives slowly.

use std::io::Write as _;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::http::{StatusCode, header};
use axum::response::Response;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::*;
use crate::testing::{Bench, SOURCE};
use crate::{SpoolSettings, limits};

async fn send(bench: &Bench, request: Request<Body>) -> Response {
    router(Arc::clone(&bench.intake), 1024 * 1024).oneshot(request).await.unwrap()
}

fn post(path: &str) -> http::request::Builder {
    Request::post(path).header(header::AUTHORIZATION, "Bearer secret")
}

async fn json_of(response: Response) -> Value {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice(&bytes).unwrap()
}

async fn posted(bench: &Bench, path: &str, media: &str, body: &'static str) -> (StatusCode, Value) {
    let request = post(path).header(header::CONTENT_TYPE, media).body(body.into()).unwrap();
    let response = send(bench, request).await;
    (response.status(), json_of(response).await)
}

#[tokio::test]
async fn without_a_token_nothing_is_taken() {
    let bench = Bench::new(SpoolSettings::default());
    for (method, path) in
        [("POST", "/_bulk"), ("POST", "/ingest"), ("GET", "/"), ("PUT", "/_index_template/x")]
    {
        for token in [None, Some("Bearer wrong"), Some("Basic !!!")] {
            let mut request = Request::builder().method(method).uri(path);
            if let Some(token) = token {
                request = request.header(header::AUTHORIZATION, token);
            }
            let response = send(&bench, request.body("{\"a\":1}".into()).unwrap()).await;
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{method} {path} {token:?}");
            assert!(response.headers().contains_key(header::WWW_AUTHENTICATE));
            let body = json_of(response).await;
            assert_eq!(body["error"]["type"], "security_exception");
        }
    }
    assert_eq!(bench.intake.counters.gate.unknown_token.load(Ordering::Relaxed), 12);
    assert_eq!(bench.spool.committed().0, 0);
}

#[tokio::test]
async fn bulk_answers_every_item_and_keeps_the_refused_as_dead_letters() {
    let mut bench = Bench::new(SpoolSettings::default());
    let body = "{\"create\":{\"_index\":\"logs\"}}\n{\"n\":1}\n{\"index\":{\"_id\":\"7\"}}\n{\"n\":\n\
                {\"create\":{}}\n{\"n\":3}\n";
    for path in ["/_bulk", "/web/_bulk", "/"] {
        let (status, answer) = posted(&bench, path, "application/x-ndjson", body).await;
        assert_eq!((status, &answer["errors"]), (StatusCode::OK, &json!(true)));
        let items = answer["items"].as_array().unwrap();
        assert_eq!(items.len(), 3);
        assert_eq!(
            (&items[0]["create"]["status"], &items[0]["create"]["_index"]),
            (&json!(201), &json!("logs"))
        );
        assert_eq!(
            (&items[1]["index"]["status"], &items[1]["index"]["_id"]),
            (&json!(400), &json!("7"))
        );
        assert_eq!(items[1]["index"]["error"]["type"], "document_parsing_exception");
        let frames = bench.frames(3).await;
        let texts: Vec<String> = frames.iter().map(crate::testing::text).collect();
        assert_eq!(texts, ["{\"n\":1}", "!bad-json {\"n\":", "{\"n\":3}"]);
        assert!(frames.iter().all(|frame| frame.source == SOURCE));
        assert_eq!(items[0]["create"]["_id"], frames[0].id.to_string());
    }
}

#[tokio::test]
async fn plain_records_in_every_shape() {
    let mut bench = Bench::new(SpoolSettings::default());
    let cases: &[(&str, &'static str, u16, &[&str])] = &[
        ("application/x-ndjson", "{\"a\":1}\n{\"b\":2}\n", 200, &["{\"a\":1}", "{\"b\":2}"]),
        ("application/json", "[{\"a\":1},\n {\"b\":2}]", 200, &["{\"a\":1}", "{\"b\":2}"]),
        ("application/json", "{\"a\":\n1}", 200, &["{\"a\":\n1}"]),
        (
            "application/json",
            "{\"a\":1}\nnonsense\n[2]\n",
            200,
            &["{\"a\":1}", "!bad-json nonsense", "!bad-json [2]"],
        ),
        ("application/json", "nonsense", 400, &["!bad-json nonsense"]),
        (
            "application/x-ndjson",
            "{\"a\":1}{\"b\":2}\n{\"c\":3}{\"d\":\n",
            200,
            &["{\"a\":1}", "{\"b\":2}", "!bad-json {\"c\":3}{\"d\":"],
        ),
        (
            "application/json",
            "{\n\"Records\": [{\"a\":1},\n{\"b\":2}]\n}",
            200,
            &["{\"a\":1}", "{\"b\":2}"],
        ),
        (
            "application/json",
            "[{\"value\":[{\"a\":1}]},{\"value\":3}]",
            200,
            &["{\"a\":1}", "{\"value\":3}"],
        ),
        ("text/plain", "{\"a\":1}{\"b\":2}\r\n", 200, &["{\"a\":1}", "{\"b\":2}"]),
        ("text/plain", "<13>one\r\n\n<13>two", 200, &["<13>one", "<13>two"]),
        ("application/x-www-form-urlencoded", "{\"a\":1}\n", 200, &["{\"a\":1}"]),
        (
            "application/x-www-form-urlencoded",
            "name=root&msg=hi+there",
            200,
            &["{\"name\":\"root\",\"msg\":\"hi there\"}"],
        ),
        (
            "application/x-www-form-urlencoded",
            "a=1 line\nb=2 line\n",
            200,
            &["a=1 line", "b=2 line"],
        ),
    ];
    for (media, body, status, expected) in cases {
        let (answered, answer) = posted(&bench, "/ingest", media, body).await;
        assert_eq!(answered.as_u16(), *status, "{media} {body} {answer}");
        assert_eq!(&bench.texts(expected.len()).await, expected, "{media} {body}");
        let dead = expected.iter().filter(|text| text.starts_with('!')).count();
        assert_eq!(
            (&answer["accepted"], &answer["rejected"]),
            (&json!(expected.len() - dead), &json!(dead))
        );
    }
    let (status, _) = posted(&bench, "/ingest", "application/msgpack", "x").await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let (status, answer) = posted(&bench, "/ingest", "application/json", "").await;
    assert_eq!((status, &answer["accepted"]), (StatusCode::OK, &json!(0)));
}

#[tokio::test]
async fn a_flood_of_tiny_records_is_refused_whole() {
    let bench = Bench::new(SpoolSettings::default());
    let flood = "{}\n".repeat(limits::RECORDS_PER_REQUEST_MAX + 1);
    let request = post("/ingest").header(header::CONTENT_TYPE, "application/x-ndjson");
    let app = router(Arc::clone(&bench.intake), 8 * 1024 * 1024);
    let response = app.oneshot(request.body(Body::from(flood)).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(bench.spool.committed().0, 0);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn packed_bodies_are_unpacked_and_bombs_are_not() {
    let mut bench = Bench::new(SpoolSettings::default());
    let good = b"{\"a\":1}\n";
    let mut two_members = gzip(good);
    two_members.extend(gzip(good));
    let mut torn = gzip(good);
    torn.truncate(torn.len() - 6);
    let cases = [
        ("gzip", gzip(good), 200, 1),
        ("gzip", two_members, 200, 2),
        ("zstd", zstd::bulk::compress(good, 1).unwrap(), 200, 1),
        ("identity", good.to_vec(), 200, 1),
        ("gzip", torn, 400, 0),
        ("gzip", b"not gzip at all".to_vec(), 400, 0),
        ("br", good.to_vec(), 415, 0),
        ("gzip", gzip(&vec![b'a'; 8 * 1024 * 1024]), 413, 0),
        ("zstd", zstd::bulk::compress(&vec![b'a'; 8 * 1024 * 1024], 1).unwrap(), 413, 0),
    ];
    for (encoding, body, status, records) in cases {
        let request = post("/ingest")
            .header(header::CONTENT_ENCODING, encoding)
            .header(header::CONTENT_TYPE, "application/x-ndjson")
            .body(body.into())
            .unwrap();
        let response = send(&bench, request).await;
        assert_eq!(response.status().as_u16(), status, "{encoding}");
        assert_eq!(bench.texts(records).await.len(), records);
    }
}

#[tokio::test]
async fn a_full_spool_is_told_with_a_time_to_come_again() {
    let limits = SpoolSettings {
        segment_bytes: 1000,
        disk_bytes_max: 2_000_000,
        ..SpoolSettings::default()
    };
    let mut bench = Bench::new(limits);
    let body = format!("{{\"a\":\"{}\"}}", "x".repeat(400_000));
    let mut accepted = 0;
    let refused = loop {
        let response = send(&bench, post("/ingest").body(body.clone().into()).unwrap()).await;
        if response.status() != StatusCode::OK {
            break response;
        }
        accepted += 1;
    };
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()[header::RETRY_AFTER], "2");
    let frames = bench.frames(accepted).await;
    assert_eq!(frames.len(), accepted, "all that was answered with success is there");
    bench.spool.forget(bench.spool.committed()).await;
    let response = send(&bench, post("/ingest").body(body.into()).unwrap()).await;
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn senders_find_the_server_they_expect() {
    let bench = Bench::new(SpoolSettings::default());
    let cases = [
        ("GET", "/", "/version/number", json!("8.17.0")),
        ("GET", "/_license", "/license/status", json!("active")),
        ("GET", "/_xpack", "/license/type", json!("basic")),
        ("GET", "/_cluster/health", "/status", json!("green")),
        ("GET", "/_ilm/policy/filebeat", "/filebeat", json!({})),
        ("PUT", "/_index_template/filebeat-8.17.0", "/acknowledged", json!(true)),
        ("PUT", "/_ilm/policy/filebeat", "/acknowledged", json!(true)),
        ("GET", "/_data_stream/filebeat-8.17.0", "/data_streams/0/name", json!("filebeat-8.17.0")),
        ("GET", "/nothing/here", "/status", json!(404)),
    ];
    for (method, path, pointer, expected) in cases {
        let request = Request::builder()
            .method(method)
            .uri(path)
            // `elastic:secret`
            .header(header::AUTHORIZATION, "Basic ZWxhc3RpYzpzZWNyZXQ=")
            .body(Body::empty())
            .unwrap();
        let response = send(&bench, request).await;
        assert_eq!(response.headers()["x-elastic-product"], "Elasticsearch");
        assert_eq!(json_of(response).await.pointer(pointer), Some(&expected), "{path}");
    }
}

#[tokio::test]
async fn over_a_socket_a_slow_head_is_cut_and_a_keep_alive_works() {
    let mut bench = Bench::new(SpoolSettings::default());
    let address = "127.0.0.1:0".parse().unwrap();
    let stop = CancellationToken::new();
    let impatient =
        HttpSettings { head_timeout: Duration::from_millis(200), ..HttpSettings::default() };
    let intake = Arc::clone(&bench.intake);
    let listener = HttpListener::bind(address, None, impatient, intake).await.unwrap();
    let mut slow = TcpStream::connect(listener.address()).await.unwrap();
    let cutting = tokio::spawn(listener.run(stop.clone()));
    slow.write_all(b"POST /ingest HTTP/1.1\r\nHost: x\r\n").await.unwrap();
    let mut answer = Vec::new();
    slow.read_to_end(&mut answer).await.unwrap();

    let intake = Arc::clone(&bench.intake);
    let listener =
        HttpListener::bind(address, None, HttpSettings::default(), intake).await.unwrap();
    let address = listener.address();
    let task = tokio::spawn(listener.run(stop.clone()));
    let mut stream = TcpStream::connect(address).await.unwrap();
    for _ in 0..2 {
        let request = "POST /ingest HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer secret\r\n\
                       Content-Length: 7\r\n\r\n{\"a\":1}";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = [0; 15];
        stream.read_exact(&mut head).await.unwrap();
        assert_eq!(&head, b"HTTP/1.1 200 OK");
        let frame = bench.frames(1).await.remove(0);
        assert!(frame.peer.unwrap().is_loopback());
        let mut rest = [0; 1024];
        assert!(stream.read(&mut rest).await.unwrap() > 0);
    }
    stop.cancel();
    cutting.await.unwrap();
    task.await.unwrap();
}

/// Stands for a node whose source another one takes.
#[derive(Debug)]
struct ElsewhereOnly;

#[async_trait::async_trait]
impl crate::Durable for ElsewhereOnly {
    async fn keep(
        &self,
        _frames: &[event::Frame],
        mark: &[u8],
    ) -> Result<event::SpoolPosition, crate::AppendError> {
        let mark = String::from_utf8_lossy(mark);
        assert!(mark.is_empty() || mark.starts_with(REQUEST_MARK), "{mark}");
        if mark.is_empty() {
            return Err(crate::AppendError::Elsewhere("10.0.0.7:8514".to_owned()));
        }
        Ok(event::SpoolPosition(1))
    }

    fn takes_more(&self) -> bool {
        true
    }
}

#[tokio::test]
async fn a_sender_is_told_which_node_takes_its_records() {
    let bench = Bench::new(SpoolSettings::default());
    let own = Intake {
        durable: Arc::new(ElsewhereOnly),
        directory: Arc::clone(&bench.intake.directory),
        counters: Arc::clone(&bench.intake.counters),
        clock: Arc::clone(&bench.intake.clock),
        ids: Arc::clone(&bench.intake.ids),
    };
    let bench = Bench { intake: Arc::new(own), ..bench };
    let refused = send(&bench, post("/ingest").body("one\n".into()).unwrap()).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()["luytre-node"], "10.0.0.7:8514");
    assert!(refused.headers().contains_key(header::RETRY_AFTER));
    let failed = bench.intake.counters.gate.failed.load(Ordering::Relaxed);
    assert_eq!(failed, 0, "nothing failed");
    let named = post("/ingest").header("idempotency-key", "a").body("one\n".into()).unwrap();
    assert_eq!(send(&bench, named).await.status(), StatusCode::OK);
    let long = post("/ingest").header("idempotency-key", "a".repeat(256));
    let refused = send(&bench, long.body("one\n".into()).unwrap()).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn behind_a_balancer_a_request_comes_from_whom_its_header_names() {
    let mut bench = Bench::new(SpoolSettings::default());
    let stop = CancellationToken::new();
    let balancers = crate::Balancers::new(vec!["127.0.0.1/32".parse().unwrap()]);
    let settings = HttpSettings { balancers, ..HttpSettings::default() };
    let address = "127.0.0.1:0".parse().unwrap();
    let intake = Arc::clone(&bench.intake);
    let listener = HttpListener::bind(address, None, settings, intake).await.unwrap();
    let address = listener.address();
    let task = tokio::spawn(listener.run(stop.clone()));
    let request = "POST /ingest HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer secret\r\n\
                   Connection: close\r\nContent-Length: 7\r\n\r\n{\"a\":1}";
    let mut stream = TcpStream::connect(address).await.unwrap();
    let header = "PROXY TCP6 2001:db8::7 ::1 4711 8514\r\n";
    stream.write_all(format!("{header}{request}").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    let frame = bench.frames(1).await.remove(0);
    assert_eq!(frame.peer.unwrap().to_string(), "2001:db8::7");

    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let closed = stream.read_to_end(&mut answer).await;
    assert!(closed.is_err() || answer.is_empty(), "without a header nothing is answered");
    stop.cancel();
    task.await.unwrap();
}
