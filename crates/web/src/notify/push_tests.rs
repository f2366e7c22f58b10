//! Web push against a push service on this machine: who is told once, who is gone, what is tried again.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::routing::any;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use db::testing::databases;
use event::Severity;
use parking_lot::Mutex;
use tokio::net::TcpListener;
use uuid::Uuid;

use super::store::device::{self, Device};
use super::tests::{Office, alert};
use super::*;
use crate::Role;
use crate::outbound::{AllowList, Outbound, OutboundSettings};

/// What came to which address, and the answers by address: 201 unless said otherwise.
#[derive(Debug, Clone, Default)]
struct Service {
    heard: Arc<Mutex<Vec<(String, HeaderMap, usize)>>>,
    answers: Arc<Mutex<std::collections::BTreeMap<String, u16>>>,
}

impl Service {
    async fn open(&self) -> SocketAddr {
        let answer = async |State(service): State<Self>,
                            uri: Uri,
                            headers: HeaderMap,
                            body: axum::body::Bytes| {
            let path = uri.path().to_owned();
            let status = service.answers.lock().get(&path).copied().unwrap_or(201);
            service.heard.lock().push((path, headers, body.len()));
            StatusCode::from_u16(status).unwrap()
        };
        let router = Router::new().route("/{*rest}", any(answer)).with_state(self.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }

    fn answer(&self, path: &str, status: u16) {
        self.answers.lock().insert(path.to_owned(), status);
    }

    fn paths(&self) -> Vec<String> {
        let mut paths: Vec<String> = self.heard.lock().drain(..).map(|(path, ..)| path).collect();
        paths.sort();
        paths
    }
}

async fn subscribe(office: &Office, name: &str, n: u128, base: &str, path: &str) {
    let books = office.test.db.begin_bookkeeping().await.unwrap();
    let device = Device {
        id: Uuid::from_u128(n),
        account_id: office.people[name].uuid(),
        name: path.to_owned(),
        endpoint: format!("{base}{path}"),
        // RFC 8291 §5.
        p256dh: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
            .to_owned(),
        auth: "BTBZMqHH6r4Tts7J_aSIgg".to_owned(),
        made_at: books.now(),
        last_at: None,
        last_message: None,
    };
    device::put(books.conn(), device).await.unwrap();
    books.commit().await.unwrap();
}

#[tokio::test]
async fn each_browser_is_told_once_and_one_that_is_gone_is_forgotten() {
    for test in databases().await {
        let office = Office::open(test, &[("truc", Role::DutyOfficer, None)]).await;
        let service = Service::default();
        let base = format!("http://{}", service.open().await);
        let allow = AllowList::read(std::slice::from_ref(&base)).unwrap();
        let private = vec!["127.0.0.0/8".parse().unwrap()];
        let settings = OutboundSettings { allow, private, ..OutboundSettings::default() };
        let outbound = Outbound::new(settings).unwrap();
        let db = office.test.db.clone();
        let push = || Push::open(db.clone(), outbound.clone(), "mailto:soc@tinh.example");
        let key = push().await.unwrap().public_key().to_owned();
        assert_eq!(push().await.unwrap().public_key(), key, "the key stays");
        assert_eq!(URL_SAFE_NO_PAD.decode(&key).unwrap().len(), 65);
        assert!(Push::open(db.clone(), outbound.clone(), "soc").await.is_err());
        let postman = office.postman().with_push(push().await.unwrap());

        office.raise(&[alert(1, Severity::Critical)]).await;
        postman.look().await.unwrap();
        assert_eq!(service.paths(), Vec::<String>::new(), "nobody subscribed");

        subscribe(&office, "truc", 1, &base, "/a").await;
        subscribe(&office, "truc", 2, &base, "/b").await;
        office.raise(&[alert(2, Severity::Critical)]).await;
        postman.look().await.unwrap();
        {
            let heard = service.heard.lock();
            let (_, headers, size) = heard.first().unwrap();
            assert_eq!(headers["content-encoding"], "aes128gcm");
            assert_eq!((headers["ttl"].to_str().unwrap(), headers["topic"].len()), ("86400", 32));
            let word = headers["authorization"].to_str().unwrap();
            assert!(word.starts_with("vapid t=ey") && word.ends_with(&key), "{word}");
            assert!((200..4096).contains(size), "{size}");
        }
        assert_eq!(service.paths(), ["/a", "/b"]);

        // One of two services is down: the other is told once, and the first within five minutes.
        service.answer("/a", 503);
        office.raise(&[alert(3, Severity::Critical)]).await;
        postman.look().await.unwrap();
        assert_eq!(service.paths(), ["/a", "/b"]);
        office.test.clock.advance(TimeDelta::minutes(5));
        postman.look().await.unwrap();
        assert_eq!(service.paths(), ["/a"]);
        service.answer("/a", 201);
        office.test.clock.advance(TimeDelta::minutes(5));
        postman.look().await.unwrap();
        postman.look().await.unwrap();
        assert_eq!(service.paths(), ["/a"]);

        // One is gone: it is forgotten, the other goes on.
        service.answer("/b", 410);
        office.raise(&[alert(4, Severity::Critical)]).await;
        postman.look().await.unwrap();
        assert_eq!(service.paths(), ["/a", "/b"]);
        let left = device::of(db.conn(), office.people["truc"].uuid()).await.unwrap();
        assert_eq!(left.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["/a"]);
        assert!(left[0].last_at.is_some());
        service.answer("/a", 404);
        office.raise(&[alert(5, Severity::Critical)]).await;
        for _ in 0..3 {
            postman.look().await.unwrap();
            office.test.clock.advance(TimeDelta::minutes(5));
        }
        assert_eq!(service.paths(), ["/a"], "nobody is left, and nothing is tried again");
    }
}
