//! The way out, against a server on this machine.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;

use super::{AllowList, Outbound, OutboundError, OutboundSettings};

async fn server() -> SocketAddr {
    let router = Router::new()
        .route("/", get(|| async { "đây" }))
        .route("/large", get(|| async { "x".repeat(5_000) }))
        .route("/away", get(|| async { Redirect::temporary("/") }))
        .route("/slow", get(std::future::pending::<()>));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

fn way(allow: &[String], private: &[&str]) -> Outbound {
    way_within(allow, private, super::TIMEOUT)
}

fn way_within(allow: &[String], private: &[&str], timeout: Duration) -> Outbound {
    let settings = OutboundSettings {
        allow: AllowList::read(allow).unwrap(),
        private: private.iter().map(|network| network.parse().unwrap()).collect(),
        timeout,
        answer_bytes_max: 1_000,
        ..OutboundSettings::default()
    };
    Outbound::new(settings).unwrap()
}

async fn get_from(way: &Outbound, address: &str) -> Result<(u16, usize), OutboundError> {
    let request = http::Request::get(address).body(Vec::new()).unwrap();
    let answer = way.send(request).await?;
    Ok((answer.status().as_u16(), answer.body().len()))
}

#[tokio::test]
async fn what_is_named_is_reached_within_limits_and_nothing_else() {
    let server = server().await;
    let base = format!("http://{server}");
    let open = way(std::slice::from_ref(&base), &["127.0.0.0/8"]);
    assert_eq!(get_from(&open, &format!("{base}/")).await.unwrap(), (200, "đây".len()));
    let away = get_from(&open, &format!("{base}/away")).await.unwrap();
    assert_eq!(away.0, 307, "a redirect is an answer, not a way on");
    let large = get_from(&open, &format!("{base}/large")).await;
    assert!(matches!(large, Err(OutboundError::TooLarge(1_000))), "{large:?}");
    let short = Duration::from_millis(300);
    let impatient = way_within(std::slice::from_ref(&base), &["127.0.0.0/8"], short);
    let slow = get_from(&impatient, &format!("{base}/slow")).await;
    assert!(matches!(slow, Err(OutboundError::Timeout)), "{slow:?}");

    let named_only = way(std::slice::from_ref(&base), &[]);
    let private = get_from(&named_only, &format!("{base}/")).await;
    assert!(matches!(private, Err(OutboundError::Private(_))), "{private:?}");
    let by_name = way(&["http://localhost".to_owned()], &[]);
    let private = get_from(&by_name, &format!("http://localhost:{}/", server.port())).await;
    assert!(matches!(private, Err(OutboundError::Private(_))), "{private:?}");
    let closed = way(&[], &["127.0.0.0/8"]);
    let unnamed = get_from(&closed, &format!("{base}/")).await;
    assert!(matches!(unnamed, Err(OutboundError::NotAllowed(_))), "{unnamed:?}");
    let with_password = open.check(&format!("http://a:b@{server}/"));
    assert!(matches!(with_password, Err(OutboundError::Address(_))), "{with_password:?}");
}
