//! Every page of the registry through the whole site: sound for an administrator, hidden or refused
//! for whoever may not see it, JSON for programs, files for offices.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use bytes::Bytes;
use event::{DeadLetter, DeadReason, EventId, Frame};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;
use web::{
    AppError, By, Lang, Live, NoCounts, Permission, Role, Settings, Site, Visitor, Visitors, Who,
};

use crate::testing::{Desk, administrator, one_desk};
use crate::{dead_letter, routes};

/// Everyone who comes is this one.
#[derive(Debug)]
struct Always(Who);

#[async_trait]
impl Visitors for Always {
    async fn by_session(&self, _: &HeaderMap, lang: Lang) -> Result<Visitor, AppError> {
        let who = Who { lang, ..self.0.clone() };
        Ok(Visitor { who: Some(Arc::new(who)), csrf: "token".to_owned() })
    }

    async fn by_token(&self, _: &HeaderMap, lang: Lang) -> Result<Visitor, AppError> {
        let who = Who { lang, by: By::Token, ..self.0.clone() };
        Ok(Visitor { who: Some(Arc::new(who)), csrf: String::new() })
    }
}

fn site(desk: &Desk, who: Who) -> Router {
    let site = Site {
        settings: Arc::new(Settings { province: "Tỉnh Mẫu".to_owned(), tls: false }),
        clock: desk.test.db.clock().clone(),
        ids: desk.test.db.ids().clone(),
        visitors: Arc::new(Always(who)),
        counts: Arc::new(NoCounts),
        live: Live::default(),
    };
    web::serve(site, routes(desk.registry.clone()))
}

async fn ask(router: &Router, request: Request<Body>) -> (StatusCode, HeaderMap, Bytes) {
    let answer = router.clone().oneshot(request).await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    (status, headers, answer.into_body().collect().await.unwrap().to_bytes())
}

async fn get(router: &Router, path: &str) -> (StatusCode, HeaderMap, Bytes) {
    let request = Request::get(path).header(header::ACCEPT, "text/html").body(Body::empty());
    ask(router, request.unwrap()).await
}

async fn post(router: &Router, path: &str, form: &str) -> (StatusCode, HeaderMap, Bytes) {
    let request = Request::post(path)
        .header(header::ACCEPT, "text/html")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(format!("{form}&_csrf=token")));
    ask(router, request.unwrap()).await
}

/// Returns the addresses of one thing of each kind: the ids are those of the portal.
async fn addresses(desk: &Desk) -> Vec<String> {
    let source = desk.sender("DVC-NGINX").id;
    let snapshot = desk.registry.directory.snapshot();
    let origin = snapshot.binding(source).unwrap().origin;
    let letter = EventId::from_uuid(uuid::Uuid::from_u128(7));
    let frame = Frame {
        id: letter,
        source,
        collected_at: desk.test.db.now(),
        peer: None,
        bytes: Bytes::from_static(b"<script>alert(1)</script>\x00"),
        dead: None,
    };
    let dead = DeadLetter { frame, reason: DeadReason::new("bad-json", "column 1") };
    dead_letter::file(&desk.test.db, &desk.registry.directory, vec![dead]).await.unwrap();
    let (agency, system) = (origin.agency, origin.system.unwrap());
    vec![
        format!("/agencies/{agency}"),
        format!("/agencies/{agency}/edit"),
        format!("/systems/{system}"),
        format!("/systems/{system}/edit"),
        format!("/systems/{system}/profile"),
        format!("/systems/{system}/papers"),
        format!("/sources/{source}"),
        format!("/sources/{source}/edit"),
        format!("/dead-letters/{letter}"),
    ]
}

const LISTS: [&str; 19] = [
    "/systems/running-without",
    "/agencies?q=so&kind=department",
    "/agencies/new",
    "/systems?level=3%2B&logs=missing",
    "/systems/new",
    "/sources?state=waiting&rows=10",
    "/sources?state=silent",
    "/sources/new?kind=http",
    "/dead-letters",
    "/dead-letters?state=all&code=none",
    "/audit",
    "/audit?verify=yes&action=demo.",
    "/audit?from=2026-11-01&to=2026-11-30",
    "/audit/anchor",
    "/audit/anchor?month=2026-11",
    "/posts",
    "/posts?state=vacant&kind=head&q=x",
    "/posts/new",
    "/people",
];

#[tokio::test]
async fn every_page_is_sound_in_both_languages() {
    let desk = one_desk().await;
    let router = site(&desk, administrator());
    let things = addresses(&desk).await;
    for path in LISTS.iter().map(ToString::to_string).chain(things) {
        for lang in ["vi", "en"] {
            let request = Request::get(&path)
                .header(header::ACCEPT, "text/html")
                .header(header::COOKIE, format!("lang={lang}"))
                .body(Body::empty());
            let (status, _, body) = ask(&router, request.unwrap()).await;
            assert_eq!(status, StatusCode::OK, "{path}");
            let html = String::from_utf8(body.to_vec()).unwrap();
            let faults: Vec<String> = web::testing::html_faults(&html, true)
                .into_iter()
                .filter(|fault| !fault.starts_with("asset is missing"))
                .collect();
            assert_eq!(faults, Vec::<String>::new(), "{path} in {lang}");
            assert!(!html.contains("<script>alert"), "{path} runs what a sender wrote");
        }
    }
}

#[tokio::test]
async fn another_agency_finds_nothing_here() {
    let desk = one_desk().await;
    let things = addresses(&desk).await;
    let router = site(&desk, desk.officer("so-y-te"));
    for path in things {
        let expected = match path.as_str() {
            path if path.starts_with("/dead-letters") => StatusCode::FORBIDDEN,
            path if path.ends_with("/edit") && !path.starts_with("/systems") => {
                StatusCode::FORBIDDEN
            }
            _ => StatusCode::NOT_FOUND,
        };
        assert_eq!(get(&router, &path).await.0, expected, "{path}");
    }
    let (_, _, body) = get(&router, "/sources").await;
    let html = String::from_utf8(body.to_vec()).unwrap();
    assert!(html.contains("Hồ sơ sức khỏe") && !html.contains("Cổng dịch vụ công"));
}

#[tokio::test]
async fn each_route_is_refused_to_whoever_lacks_its_permission() {
    let desk = one_desk().await;
    let list = routes(desk.registry.clone());
    for role in Role::ALL {
        let router = site(&desk, web::testing::who(role));
        for route in list.list() {
            let web::Access::Needs(permission) = route.access else {
                panic!("{route:?} is open to anyone");
            };
            if role.may(permission) {
                continue;
            }
            let one = "00000000-0000-7000-8000-000000000001";
            let path = ["{id}", "{paper}", "{pass}"]
                .iter()
                .fold(route.path.clone(), |path, name| path.replace(name, one));
            let (status, _, _) = match route.method {
                web::Method::Get => get(&router, &path).await,
                _ => post(&router, &path, "").await,
            };
            assert_eq!(status, StatusCode::FORBIDDEN, "{role} {route:?}");
        }
    }
    assert!(list.list().iter().all(|route| !route.summary.is_empty()));
    assert!(Role::Auditor.may(Permission::AuditRead));
}

#[tokio::test]
async fn a_form_makes_a_source_shows_its_token_and_comes_back_when_it_is_wrong() {
    let desk = one_desk().await;
    let router = site(&desk, administrator());
    let agency = desk.agency("so-tai-chinh");
    let form =
        format!("name=M%C3%A1y&kind=http&parser=&system=&agency={agency}&silence_minutes=15");
    let (status, _, body) = post(&router, "/sources", &form).await;
    let html = String::from_utf8(body.to_vec()).unwrap();
    assert_eq!(status, StatusCode::OK, "{html}");
    assert!(html.contains("luytre_"), "no token on the page");
    let (status, _, body) = post(&router, "/sources", &form).await;
    let html = String::from_utf8(body.to_vec()).unwrap();
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(html.contains("field-error") && html.contains("value=\"Máy\""), "input was lost");
    let (status, headers, _) =
        post(&router, "/agencies", "name=X%C3%A3+M%E1%BB%9Bi&code=xa-moi&kind=commune").await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let to = headers.get(header::LOCATION).unwrap().to_str().unwrap();
    assert_eq!(get(&router, to).await.0, StatusCode::OK);
}

#[tokio::test]
async fn programs_get_json_and_offices_get_files() {
    let desk = one_desk().await;
    let router = site(&desk, administrator());
    let things = addresses(&desk).await;
    for path in things.iter().filter(|path| !path.ends_with("/edit")) {
        let path = format!("/api/v1{path}");
        let (status, _, body) = get(&router, &path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert!(json.is_object(), "{path}");
        assert!(!json.to_string().contains("token_hash"));
    }
    for place in [
        "/agencies",
        "/systems",
        "/systems/running-without",
        "/sources",
        "/dead-letters",
        "/posts",
        "/audit",
    ] {
        for (format, start) in [("csv", "\u{feff}".as_bytes()), ("xlsx", b"PK".as_slice())] {
            let (status, headers, body) =
                get(&router, &format!("{place}/export?format={format}")).await;
            assert_eq!(status, StatusCode::OK, "{place} {format}");
            assert!(body.starts_with(start), "{place} {format}");
            assert!(headers.contains_key(header::CONTENT_DISPOSITION));
        }
    }
}
