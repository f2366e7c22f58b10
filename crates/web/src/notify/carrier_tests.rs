//! The ways out against servers on this machine: one that speaks SMTP, one that speaks HTTP.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::routing::any;
use chrono::DateTime;
use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

use super::*;
use crate::outbound::{AllowList, Outbound, OutboundSettings};

fn letter(to: &str) -> Letter {
    Letter {
        id: Uuid::from_u128(7),
        to: to.to_owned(),
        subject: "[Lũy Tre] Cao · Cảnh báo mới CB-2026-00001".to_owned(),
        text: "Dòng một\n.Dòng hai\n".to_owned(),
        brief: "Hệ thống cấp độ 3".to_owned(),
        path: "/notices/1".to_owned(),
        short: "Lũy Tre: \"Đường dẫn\" & <b>\nhttps://soc.tinh.example/notices/1".to_owned(),
        written_at: DateTime::from_timestamp(1_795_330_800, 0).unwrap(),
    }
}

/// A mail server: answers `rcpt` to each recipient, and keeps what it took, with what was said to it.
async fn mail_server(rcpt: &'static str) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let keep = Arc::clone(&heard);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let said = converse(stream, rcpt).await;
            keep.lock().push(said);
        }
    });
    (address, heard)
}

async fn converse(stream: TcpStream, rcpt: &str) -> String {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let mut said = String::new();
    let mut in_data = false;
    write.write_all(b"220 mail.tinh.example\r\n").await.unwrap();
    while let Ok(Some(line)) = lines.next_line().await {
        said.push_str(&line);
        said.push('\n');
        let word = line.split([' ', ':']).next().unwrap_or_default().to_uppercase();
        let answer = match word.as_str() {
            _ if in_data && line == "." => {
                in_data = false;
                "250 taken"
            }
            _ if in_data => continue,
            "EHLO" => "250-mail.tinh.example\r\n250-8BITMIME\r\n250 AUTH PLAIN",
            "AUTH" => "235 welcome",
            "MAIL" => "250 go on",
            "RCPT" => rcpt,
            "DATA" => {
                in_data = true;
                "354 go on"
            }
            "QUIT" => "221 farewell",
            _ => "500 what",
        };
        write.write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
    }
    said
}

fn mail(address: SocketAddr) -> Mail {
    Mail::new(&MailSettings {
        host: address.ip().to_string(),
        port: address.port(),
        tls: MailTls::None,
        user: "soc".to_owned(),
        password: "mat-khau-smtp".to_owned(),
        from: "Lũy Tre <soc@tinh.example>".to_owned(),
        authorities: Vec::new(),
    })
    .unwrap()
}

#[tokio::test]
async fn mail_is_handed_over_whole() {
    let (address, heard) = mail_server("250 fine").await;
    mail(address).carry(&letter("hang@tinh.example")).await.unwrap();
    // The server notes a conversation when it has ended.
    while heard.lock().is_empty() {
        tokio::task::yield_now().await;
    }
    let said = heard.lock().pop().unwrap();
    let has = |part: &str| assert!(said.contains(part), "{part}: {said}");
    has("MAIL FROM:<soc@tinh.example>");
    has("RCPT TO:<hang@tinh.example>");
    has("Message-ID: <00000000-0000-0000-0000-000000000007@tinh.example>");
    has("Date: Sun, 22 Nov 2026 07:00:00 +0000");
    has("AUTH PLAIN");
}

#[tokio::test]
async fn what_a_mail_server_answers_is_told_apart() {
    let cases = [
        ("550 no such user", false),
        ("451 try later", false),
        ("421 closing", true),
        ("530 sign in first", true),
    ];
    for (answer, is_down) in cases {
        let (address, _) = mail_server(answer).await;
        let error = mail(address).carry(&letter("hang@tinh.example")).await.unwrap_err();
        assert_eq!(matches!(error, CarryError::Down { .. }), is_down, "{answer}: {error}");
        assert!(!error.to_string().contains("mat-khau-smtp"), "{error}");
    }
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = mail(nobody).carry(&letter("hang@tinh.example")).await.unwrap_err();
    assert!(matches!(error, CarryError::Down { unsure: false, .. }), "{error:?}");
    let error = mail(nobody).carry(&letter("no address")).await.unwrap_err();
    assert!(matches!(error, CarryError::Refused(_)), "{error:?}");
}

/// What a gateway was asked.
#[derive(Debug, Clone)]
struct Asked {
    uri: String,
    headers: HeaderMap,
    body: String,
}

#[derive(Debug, Clone)]
struct Answers {
    with: Arc<Mutex<(u16, String)>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

async fn gateway_server() -> (SocketAddr, Answers) {
    let with = Arc::new(Mutex::new((200, String::new())));
    let answers = Answers { with, asked: Arc::default() };
    let answer =
        async |State(answers): State<Answers>, uri: Uri, headers: HeaderMap, body: String| {
            answers.asked.lock().push(Asked { uri: uri.to_string(), headers, body });
            let (status, said) = answers.with.lock().clone();
            (StatusCode::from_u16(status).unwrap(), said)
        };
    let router = Router::new().route("/{*rest}", any(answer)).with_state(answers.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, answers)
}

fn outbound(allow: &[String]) -> Outbound {
    Outbound::new(OutboundSettings {
        allow: AllowList::read(allow).unwrap(),
        private: vec!["127.0.0.0/8".parse().unwrap()],
        ..OutboundSettings::default()
    })
    .unwrap()
}

fn settings(base: &str) -> GatewaySettings {
    GatewaySettings {
        method: "post".to_owned(),
        url: format!("{base}/send?to={{to}}"),
        headers: BTreeMap::from([("authorization".to_owned(), "Bearer {secret}".to_owned())]),
        content_type: "application/json".to_owned(),
        body: r#"{"phone":"{to}","content":"{text}","plain":"{text_ascii}","id":"{id}"}"#
            .to_owned(),
        secret: "khoa-bi-mat".to_owned(),
    }
}

#[tokio::test]
async fn a_gateway_is_asked_as_its_operator_wrote() {
    let (address, answers) = gateway_server().await;
    let base = format!("http://{address}");
    let out = outbound(std::slice::from_ref(&base));
    let gateway = Gateway::new(out.clone(), settings(&base)).unwrap();
    gateway.carry(&letter("+84 901")).await.unwrap();
    let asked = answers.asked.lock().pop().unwrap();
    assert_eq!(asked.uri, "/send?to=%2B84+901");
    assert_eq!(asked.headers["authorization"], "Bearer khoa-bi-mat");
    assert_eq!(asked.headers["idempotency-key"], Uuid::from_u128(7).to_string());
    let body: serde_json::Value = serde_json::from_str(&asked.body).unwrap();
    assert_eq!(body["content"], letter("").short);
    let plain = "Luy Tre: \"Duong dan\" & <b>\nhttps://soc.tinh.example/notices/1";
    assert_eq!(body["plain"], plain);
    let form = GatewaySettings {
        content_type: "application/x-www-form-urlencoded".to_owned(),
        body: "to={to}&text={text_ascii}".to_owned(),
        ..settings(&base)
    };
    Gateway::new(out, form).unwrap().carry(&letter("84901")).await.unwrap();
    let body = answers.asked.lock().pop().unwrap().body;
    let fields: BTreeMap<_, _> = form_urlencoded::parse(body.as_bytes()).collect();
    assert_eq!(fields["text"], plain);
}

#[tokio::test]
async fn what_a_gateway_answers_is_told_apart_and_its_secret_kept() {
    let (address, answers) = gateway_server().await;
    let base = format!("http://{address}");
    let gateway = Gateway::new(outbound(std::slice::from_ref(&base)), settings(&base)).unwrap();
    for (status, is_down) in [(500, true), (503, true), (429, true), (401, true), (400, false)] {
        *answers.with.lock() = (status, "key khoa-bi-mat is unknown".to_owned());
        let error = gateway.carry(&letter("84901")).await.unwrap_err();
        assert_eq!(matches!(error, CarryError::Down { .. }), is_down, "{status}: {error}");
        assert!(!error.to_string().contains("khoa-bi-mat"), "{error}");
    }
    assert!(!format!("{gateway:?} {:?}", settings(&base)).contains("khoa-bi-mat"));
    let elsewhere = Gateway::new(outbound(&[]), settings(&base));
    assert!(matches!(elsewhere, Err(GatewayError::Outbound(_))), "{elsewhere:?}");
}
