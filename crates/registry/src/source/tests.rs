//! Sources: tokens, addresses, scopes, snippets, pages.

use event::Scope;
use web::AppError;

use super::actions::{self, Switch};
use super::connect::snippets;
use super::model::{SourceDraft, SourceFilter, SourceKind};
use super::store;
use super::views::{SourceList, SourceRow, SourceToken};
use super::{Token, digest, same};
use crate::Tally;
use crate::testing::{Desk, administrator, desks, one_desk};

fn http(desk: &Desk) -> SourceDraft {
    SourceDraft {
        agency: Some(desk.agency("so-tai-chinh")),
        name: "Máy chủ web".to_owned(),
        kind: "http".to_owned(),
        parser: "nginx_nginx".to_owned(),
        ..SourceDraft::default()
    }
}

fn syslog(desk: &Desk, name: &str, listener: Option<&str>, peers: &str) -> SourceDraft {
    SourceDraft {
        name: name.to_owned(),
        kind: "syslog".to_owned(),
        listener: listener.map(ToOwned::to_owned),
        peers: peers.to_owned(),
        ..http(desk)
    }
}

#[tokio::test]
async fn a_token_works_until_it_is_replaced_revoked_or_switched_off() {
    for desk in desks().await {
        let (registry, who) = (&desk.registry, administrator());
        let by_token = |token: &Token| registry.directory.snapshot().by_token(token.reveal());
        let (source, first) = actions::create(registry, &who, http(&desk)).await.unwrap();
        let first = first.unwrap();
        assert_eq!(by_token(&first), Some(source.id), "{}", desk.test.name);
        let (_, second) = actions::rotate_token(registry, &who, source.id).await.unwrap();
        assert_eq!((by_token(&first), by_token(&second)), (None, Some(source.id)));
        assert_eq!(desk.last_action().await, "source.rotate-token");
        actions::switch(registry, &who, source.id, Switch::Off).await.unwrap();
        assert_eq!(by_token(&second), None);
        actions::switch(registry, &who, source.id, Switch::On).await.unwrap();
        assert_eq!(by_token(&second), Some(source.id));
        actions::revoke_token(registry, &who, source.id).await.unwrap();
        assert_eq!(by_token(&second), None);
        let stored =
            store::by_id(registry.db.conn(), &who.scope, source.id).await.unwrap().unwrap();
        assert_eq!((stored.token_hash, stored.token_hint), (None, None));
    }
}

#[tokio::test]
async fn a_token_is_never_stored_or_printed() {
    let desk = one_desk().await;
    let (source, token) =
        actions::create(&desk.registry, &administrator(), http(&desk)).await.unwrap();
    let token = token.unwrap();
    assert!(token.reveal().starts_with("luytre_") && token.reveal().len() > 40);
    assert!(!format!("{token:?} {source:?}").contains(token.reveal()));
    let filter = db::audit::AuditFilter::default();
    let rows = db::audit::list(&desk.test.db, &Scope::platform(), &filter, 5).await.unwrap();
    assert!(rows.iter().all(|row| !row.detail.contains(token.reveal())));
    assert!(same(&digest("a"), &digest("a")) && !same(&digest("a"), &digest("b")));
}

#[tokio::test]
async fn the_narrowest_address_wins() {
    let desk = one_desk().await;
    let (registry, who) = (&desk.registry, administrator());
    let mut ids = Vec::new();
    for (name, listener, peers) in [
        ("wide", None, "192.0.2.0/24"),
        ("narrow", None, "192.0.2.7"),
        ("listener", Some("syslog-udp"), ""),
        ("both", Some("syslog-tls"), "192.0.2.0/24"),
    ] {
        let draft = syslog(&desk, name, listener, peers);
        ids.push(actions::create(registry, &who, draft).await.unwrap().0.id);
    }
    let snapshot = registry.directory.snapshot();
    let cases = [
        ("syslog-udp", "192.0.2.7", Some(1)),
        ("syslog-udp", "::ffff:192.0.2.7", Some(1)),
        ("syslog-udp", "192.0.2.8", Some(0)),
        ("syslog-tls", "192.0.2.8", Some(3)),
        ("syslog-udp", "203.0.113.1", Some(2)),
        ("syslog-tcp", "203.0.113.1", None),
    ];
    for (listener, peer, expected) in cases {
        let found = snapshot.by_listener(listener, peer.parse().unwrap());
        assert_eq!(found, expected.map(|index: usize| ids[index]), "{listener} {peer}");
    }
}

#[tokio::test]
async fn what_lies_outside_the_scope_does_not_exist() {
    for desk in desks().await {
        let officer = desk.officer("so-y-te");
        let hidden = desk.sender("DVC-NGINX").id;
        let conn = desk.registry.db.conn();
        assert_eq!(store::by_id(conn, &officer.scope, hidden).await.unwrap(), None);
        let own = store::all(conn, &officer.scope).await.unwrap();
        assert!(!own.is_empty() && own.iter().all(|source| officer.scope.sees(source.agency)));
        let registry = &desk.registry;
        let tries = [
            actions::rotate_token(registry, &officer, hidden).await.map(drop),
            actions::revoke_token(registry, &officer, hidden).await,
            actions::switch(registry, &officer, hidden, Switch::Off).await,
            actions::update(registry, &officer, hidden, http(&desk)).await,
        ];
        assert!(tries.iter().all(|tried| matches!(tried, Err(AppError::NotFound))));
    }
}

#[tokio::test]
async fn what_does_not_fit_is_named() {
    let desk = one_desk().await;
    let cases = [
        ("name", SourceDraft { name: String::new(), ..http(&desk) }),
        ("kind", SourceDraft { kind: "carrier-pigeon".to_owned(), ..http(&desk) }),
        ("parser", SourceDraft { parser: "unknown".to_owned(), ..http(&desk) }),
        ("agency", SourceDraft { agency: None, ..http(&desk) }),
        ("silence_minutes", SourceDraft { silence_minutes: Some(0), ..http(&desk) }),
        ("peers", syslog(&desk, "x", None, "")),
        ("path", SourceDraft { kind: "file".to_owned(), ..http(&desk) }),
    ];
    for (field, draft) in cases {
        let Err(AppError::Invalid(errors)) = draft.checked(&desk.registry.parsers) else {
            panic!("{field} was accepted")
        };
        assert_eq!(errors.told(web::Lang::Vi).keys().collect::<Vec<_>>(), [field]);
    }
    let who = administrator();
    actions::create(&desk.registry, &who, http(&desk)).await.unwrap();
    let twice = actions::create(&desk.registry, &who, http(&desk)).await;
    assert!(matches!(twice, Err(AppError::Invalid(_))), "a form sent twice made two sources");
    let syslog_source = desk.sender("DVC-NGINX").id;
    let no_token = actions::rotate_token(&desk.registry, &who, syslog_source).await;
    assert!(matches!(no_token, Err(AppError::Conflict(_))));
}

#[tokio::test]
async fn the_guides_carry_address_and_token() {
    let desk = one_desk().await;
    let (source, _) = actions::create(&desk.registry, &administrator(), http(&desk)).await.unwrap();
    let made = snippets(&desk.registry.intake, &source, "TOKEN");
    assert_eq!(made.len(), 5);
    for snippet in &made {
        assert!(
            snippet.text.contains("TOKEN") && snippet.text.contains("8514"),
            "{}",
            snippet.title
        );
    }
    let mut listening = source.clone();
    listening.kind = SourceKind::Syslog;
    let made = snippets(&desk.registry.intake, &listening, "TOKEN");
    assert!(
        made.iter().all(|snippet| snippet.text.contains("5514") && !snippet.text.contains("TOKEN"))
    );
    let page = SourceToken {
        id: source.id.to_string(),
        name: source.name.clone(),
        token: "TOKEN".to_owned(),
        snippets: made,
    };
    assert_eq!(web::testing::faults(&page), Vec::<String>::new());
}

#[tokio::test]
async fn the_list_is_sound() {
    let desk = one_desk().await;
    let now = desk.test.db.now();
    let tally = Tally { events: 3, noted: 2, undated: 1, newest: now };
    desk.registry.health.decoded(desk.sender("DVC-NGINX").id, tally, now);
    let filter = SourceFilter::default();
    let rows: Vec<SourceRow> =
        super::rows(&desk.registry, &administrator(), &filter).await.unwrap();
    assert!(rows.len() >= 90);
    let list = SourceList {
        pager: web::paging::Page::default().pager("/sources", "", rows.len() as u64),
        counts: Vec::new(),
        rows,
        unwatched: 2,
        q: String::new(),
        kinds: Vec::new(),
        states: Vec::new(),
        agencies: Vec::new(),
        query: String::new(),
    };
    assert_eq!(web::testing::faults(&list), Vec::<String>::new());
}

#[tokio::test]
async fn the_link_to_the_events_of_a_source_is_a_query() {
    let desk = one_desk().await;
    let id = desk.sender("DVC-NGINX").id;
    for field in ["source_id", "system_id"] {
        let query = format!("{field}:{id}");
        assert!(event::query::parse(&query).is_ok(), "{query}");
        assert_eq!(
            event::query::Builtin::from_name(field).map(event::query::Builtin::name),
            Some(field)
        );
    }
}
