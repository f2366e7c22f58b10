//! Every route × every role × whose data it is: nobody gets a row of another agency, and what they may not
//! see answers exactly as what does not exist.
//!
//! The routes come from the router itself. A new one under a place that is not in [`THINGS`], or a change
//! that needs a body that is not in [`BODIES`], fails here until it has its case.

use std::collections::{BTreeMap, BTreeSet};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use event::Scope;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use web::identity::console;
use web::{Access, Method, Reach, Role, RouteInfo};

use super::*;
use crate::bench::config_in;
use crate::bench::load::HttpClient;

/// Beginnings of routes with an id, and whether an agency's data hangs on what it names.
const THINGS: &[(&str, bool)] = &[
    ("/systems/{id}", true),
    ("/sources/{id}", true),
    ("/alerts/{id}", true),
    ("/incidents/{id}", true),
    ("/evidence/{id}", true),
    ("/orders/{id}", true),
    ("/reports/{id}", true),
    ("/report/{id}", true),
    ("/dossiers/{id}", true),
    ("/assets/{id}", true),
    ("/posts/{id}", true),
    ("/people/{id}", true),
    ("/agencies/{id}", true),
    ("/searches/{id}", true),
    // Of the province, or one's own; whoever may use them sees the province.
    ("/dead-letters/{id}", false),
    ("/keeping/systems/{id}", false),
    ("/exceptions/{id}", false),
    ("/indicators/{id}", false),
    ("/playbooks/{id}", false),
    ("/look-backs/{id}", false),
    ("/rules/{id}", false),
    ("/accounts/{id}", false),
    ("/account/", false),
    ("/approvals/{id}", false),
    ("/delegations/{id}", false),
    ("/invite/{token}", false),
    // One's own only: `web::notify` tries others.
    ("/notices/{id}", false),
    ("/notices/devices/{id}", false),
    // One's own, and what the centre shares: `respond::queue_view` tries both.
    ("/views/{id}", false),
    // Of the province: whoever may use them sees it.
    ("/notify/", false),
    ("/webhooks/{id}", false),
    ("/duty/", false),
    // One's own, and those about agencies one sees: `web::jobs` tries both.
    ("/jobs/{id}", false),
    // One's own files: `registry::import` tries that another's is not found.
    ("/import/agencies/{id}", false),
    ("/import/systems/{id}", false),
    ("/import/people/{id}", false),
    ("/import/assets/{id}", false),
    // The country's units are everyone's; what is made of them is the administrator's.
    ("/admin-units/{code}", false),
    // One's own only: `respond::export` tries others.
    ("/exports/{id}", false),
];

/// What a change must say to reach the thing it is about: a wrong body is refused before anything is
/// looked up, and would hide a hole.
const BODIES: &[(&str, &str)] = &[
    ("/systems/{id}", r#"{"name":"X","code":"x-moi","agency":"{mine}","state":"running"}"#),
    ("/assets/{id}", r#"{"name":"X","kind":"server","agency":"{mine}"}"#),
    ("/systems/{id}/papers", r#"{"kind":"regulation","number":"1/QĐ","issued_on":"2026-01-05"}"#),
    ("/systems/{id}/level-review", r#"{"reason":"X"}"#),
    ("/agencies/{id}", r#"{"name":"X","code":"x-moi","kind":"department"}"#),
    ("/agencies/{id}/contact", r#"{"name":"X","phone":"0900 000 000"}"#),
    ("/posts/{id}", r#"{"title":"X","kind":"head"}"#),
    ("/posts/{id}/appoint", r#"{"name":"X"}"#),
    ("/posts/{id}/vacate", "{}"),
    ("/people/{id}", r#"{"name":"X"}"#),
    ("/keeping/systems/{id}", r#"{"months":24,"reason":"theo hop dong"}"#),
    ("/incidents/{id}/hold", r#"{"reason":"dieu tra"}"#),
    ("/incidents/{id}/hold/lift", r#"{"reason":"da xong"}"#),
    ("/incidents/{id}/evidence/begin", r#"{"name":"X","size_bytes":1}"#),
    ("/evidence/{id}/notes", r#"{"text":"X"}"#),
    ("/evidence/{id}/receipts", r#"{"to":"{nil}","reason":"giam dinh"}"#),
    ("/evidence/{id}/hold", r#"{"reason":"dieu tra"}"#),
    ("/evidence/{id}/release", r#"{"reason":"da xong"}"#),
    ("/evidence/{id}/dispose", r#"{"reason":"het han"}"#),
    ("/evidence/{id}/keep", r#"{"until":"2030-01-01","reason":"theo vu an"}"#),
    ("/incidents/{id}/observables", r#"{"text":"203.0.113.7"}"#),
    ("/incidents/{id}/tasks", r#"{"title":"X"}"#),
    ("/incidents/{id}/comments", r#"{"text":"X"}"#),
    ("/incidents/{id}/merge", r#"{"into":"SC-2026-0001","reason":"trung nhau"}"#),
    ("/incidents/{id}/merge/undo", r#"{"reason":"khong trung"}"#),
    ("/incidents/{id}/split", r#"{"alert":["{nil}"],"reason":"hai viec"}"#),
    (
        "/incidents/{id}/close",
        r#"{"cause":"mot hai ba","impact":"mot hai ba","lessons":"mot hai ba","cost":"mot hai ba","follow_up":"mot hai ba"}"#,
    ),
    ("/orders/{id}/close", r#"{"summary":"da xong"}"#),
    ("/orders/{id}/parts/{agency}/done", r#"{"result":"da xong"}"#),
    ("/orders/{id}/parts/{agency}/return", r#"{"reason":"con thieu"}"#),
    ("/searches/{id}", r#"{"name":"X","line":"*"}"#),
    ("/reports/{id}/content", r#"{"version":1}"#),
    ("/reports/{id}/return", r#"{"reason":"thieu so lieu"}"#),
];

struct Answer {
    status: StatusCode,
    body: String,
}

async fn ask(site: &Router, method: Method, path: &str, token: &str, body: &str) -> Answer {
    let request = Request::builder()
        .method(method.word())
        .uri(format!("/api/v1{path}"))
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(Body::from(body.to_owned()))
        .unwrap();
    let response = site.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let streams = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.to_str().unwrap_or_default().starts_with("text/event-stream"));
    if streams {
        return Answer { status, body: String::new() };
    }
    let body = to_bytes(response.into_body(), 8 << 20).await.unwrap();
    Answer { status, body: String::from_utf8_lossy(&body).into_owned() }
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// Returns what an asker learns: the request's own number is no news.
    fn told(&self) -> (StatusCode, Value) {
        let mut json = self.json();
        if let Some(fields) = json.as_object_mut() {
            fields.remove("instance");
        }
        (self.status, json)
    }
}

/// Two agencies with a thing of each kind, and an account of each role in the first.
struct Province {
    site: Router,
    tokens: BTreeMap<&'static str, String>,
    none: String,
    mine: BTreeMap<&'static str, String>,
    theirs: BTreeMap<&'static str, String>,
    /// Words that stand in the other agency's rows only.
    secrets: Vec<String>,
}

async fn made(site: &Router, token: &str, path: &str, body: Value) -> String {
    let answer = ask(site, Method::Post, path, token, &body.to_string()).await;
    assert!(answer.status.is_success(), "{path}: {} {}", answer.status, answer.body);
    let json = answer.json();
    let location = json["location"].as_str().unwrap_or_default();
    location.rsplit('/').next().unwrap_or_default().to_owned()
}

/// Furnishes an agency with one of everything; returns the ids by the beginnings of their routes.
async fn furnish(platform: &Platform, admin: &str, word: &str) -> BTreeMap<&'static str, String> {
    let site = &platform.site;
    let agency = json!({ "name": format!("Sở {word}"), "code": word, "kind": "department" });
    let agency = made(site, admin, "/agencies", agency).await;
    let system = json!({
        "name": format!("Hệ thống {word}"), "code": format!("ht-{word}"), "agency": agency,
        "state": "running", "level": 3, "in_use_since": "2020-01-01",
    });
    let system = made(site, admin, "/systems", system).await;
    let source = json!({
        "name": format!("Nguồn {word}"), "kind": "http", "agency": agency, "system": system,
        "parser": "auto",
    });
    let answer = ask(site, Method::Post, "/sources", admin, &source.to_string()).await;
    assert!(answer.status.is_success(), "{}", answer.body);
    let sender = answer.json()["token"].as_str().unwrap().to_owned();
    let sources = format!("/sources?agency={agency}");
    let source = first(site, admin, &sources, "/rows/0/id").await;
    let asset = json!({ "system": system, "kind": "server", "name": format!("Máy chủ {word}") });
    let asset = made(site, admin, "/assets", asset).await;
    let dossier = made(site, admin, "/dossiers", json!({ "system": system })).await;
    let post = json!({ "title": format!("Đầu mối {word}"), "kind": "head", "agency": agency });
    let post = made(site, admin, "/posts", post).await;
    let appoint = format!("/posts/{post}/appoint");
    made(site, admin, &appoint, json!({ "name": format!("Người {word}") })).await;
    let person = first(site, admin, &format!("/people?agency={agency}"), "/rows/0/id").await;
    send(platform, &sender, word).await;
    let alerts = format!("/alerts?system={system}");
    let alert = first(site, admin, &alerts, "/alerts/0/id").await;
    let incident = json!({ "alert": [alert], "title": format!("Sự cố {word}") });
    let incident = made(site, admin, "/incidents", incident).await;
    let evidence = json!({ "log": format!("{word} 203.0.113.66") });
    let evidence = made(site, admin, &format!("/incidents/{incident}/evidence"), evidence).await;
    let day = platform.db.now() + chrono::TimeDelta::days(1);
    let order = json!({
        "kind": "directive", "title": format!("Công điện {word}"), "body": "Làm.",
        "agency": [agency], "acknowledge_by": day, "done_by": day,
    });
    let order = made(site, admin, "/orders", order).await;
    let report = json!({ "kind": "initial", "incident": incident });
    let report = made(site, admin, "/reports", report).await;
    let notice = json!({ "key": format!("khoa-{word}"), "agency": agency, "what": format!("Mất mạng {word}") });
    let notice = made(site, admin, "/report", notice).await;
    let search = json!({
        "name": format!("Câu tìm {word}"), "line": word, "share": "agency", "agency": agency,
    });
    let search = made(site, admin, "/searches", search).await;
    BTreeMap::from([
        ("/searches/{id}", search),
        ("/systems/{id}", system),
        ("/sources/{id}", source),
        ("/alerts/{id}", alert),
        ("/incidents/{id}", incident),
        ("/evidence/{id}", evidence),
        ("/orders/{id}", order),
        ("/reports/{id}", report),
        ("/report/{id}", notice),
        ("/dossiers/{id}", dossier),
        ("/assets/{id}", asset),
        ("/posts/{id}", post),
        ("/people/{id}", person),
        ("/agencies/{id}", agency),
    ])
}

/// Sends the line of a web shell.
async fn send(platform: &Platform, token: &str, word: &str) {
    let port = platform.intake.http_url.rsplit(':').next().unwrap().parse().unwrap();
    let line = format!(
        "203.0.113.66 - - [{}] \"GET /{word}.php?cmd=whoami HTTP/1.1\" 200 31 \"-\" \"-\"\n",
        platform.db.now().format("%d/%b/%Y:%H:%M:%S +0000")
    );
    let token = token.to_owned();
    tokio::task::spawn_blocking(move || {
        let mut client =
            HttpClient::connect(SocketAddr::from(([127, 0, 0, 1], port)), &token).unwrap();
        let posted = client.post("/ingest", "text/plain", line.as_bytes());
        assert_eq!(posted.unwrap(), 200);
    })
    .await
    .unwrap();
}

/// Returns what stands at a place of a list, as soon as it does.
async fn first(site: &Router, admin: &str, list: &str, place: &str) -> String {
    for _ in 0..3_000 {
        let answer = ask(site, Method::Get, list, admin, "").await.json();
        if let Some(id) = answer.pointer(place).and_then(Value::as_str) {
            return id.to_owned();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("nothing came to {list}")
}

async fn province(platform: &Platform) -> Province {
    let site = platform.site.clone();
    let db = &platform.db;
    let all = ["all".to_owned()];
    let password = "tre xanh ben lang".to_owned();
    console::add(db, "quan-tri", "Quản Trị", Role::Administrator, password).await.unwrap();
    let admin = console::token(db, "quan-tri", "test", (&all, 1)).await.unwrap();
    let mine = furnish(platform, &admin, "motmot").await;
    let theirs = furnish(platform, &admin, "haihai").await;
    let mut tokens = BTreeMap::from([("administrator", admin.clone())]);
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Administrator) {
        let agency = (role.reach() != Reach::Province).then(|| mine["/agencies/{id}"].clone());
        let account =
            json!({ "login": role.word(), "name": role.word(), "role": role, "agency": agency });
        let answer = ask(&site, Method::Post, "/accounts", &admin, &account.to_string()).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        let token = console::token(db, role.word(), "test", (&all, 1)).await.unwrap();
        tokens.insert(role.word(), token);
    }
    let scope = ["platform_change".to_owned()];
    let none = console::token(db, "quan-tri", "bare", (&scope, 1)).await.unwrap();
    let mut secrets: Vec<String> = theirs.values().cloned().collect();
    secrets.push("haihai".to_owned());
    Province { site, tokens, none, mine, theirs, secrets }
}

/// Returns the beginning in [`THINGS`] that a route hangs on.
fn place(route: &RouteInfo) -> Option<&'static str> {
    let found = THINGS.iter().find(|(place, _)| route.path.starts_with(place));
    assert!(found.is_some(), "{route:?} has no case in THINGS");
    found.filter(|(_, of_agency)| *of_agency).map(|(place, _)| *place)
}

fn filled(path: &str, id: &str) -> String {
    let nil = uuid::Uuid::from_u128(1).to_string();
    let mut parts: Vec<String> = Vec::new();
    for part in path.split('/') {
        let first = !parts.iter().any(|part| part == id);
        parts.push(match part {
            part if !part.starts_with('{') => part.to_owned(),
            _ if first => id.to_owned(),
            _ => nil.clone(),
        });
    }
    parts.join("/")
}

fn body_of(province: &Province, route: &RouteInfo) -> String {
    let found = BODIES.iter().find(|(path, _)| *path == route.path);
    let body = found.map_or("{}", |(_, body)| *body);
    let body = body.replace("{nil}", &uuid::Uuid::from_u128(1).to_string());
    body.replace("{mine}", &province.mine["/agencies/{id}"])
}

/// Tries one route as one role; returns what is wrong.
async fn wrong(province: &Province, route: &RouteInfo, role: Role) -> Vec<String> {
    let mut faults = Vec::new();
    let may = match route.access {
        Access::Public => return faults,
        Access::SignedIn => true,
        Access::Needs(permission) => role.may(permission),
    };
    let token = &province.tokens[role.word()];
    let has_id = route.path.contains('{');
    let nobody = uuid::Uuid::from_u128(2).to_string();
    let body = body_of(province, route);
    let site = &province.site;
    if !may {
        let ids = has_id.then(|| place(route)).flatten().map(|place| &province.mine[place]);
        let path = filled(&route.path, ids.unwrap_or(&nobody));
        let answer = ask(site, route.method, &path, token, &body).await;
        if answer.status != StatusCode::FORBIDDEN {
            faults.push(format!("{role} {route:?} without the right: {}", answer.status));
        }
        return faults;
    }
    if !has_id {
        // What a change without an id does is its slice's test; what a list shows is ours.
        if route.method == Method::Get && role.reach() != Reach::Province {
            let answer = ask(site, route.method, &route.path, token, "").await;
            for secret in province.secrets.iter().filter(|secret| answer.body.contains(*secret)) {
                faults.push(format!("{role} {route:?} tells {secret}"));
            }
        }
        return faults;
    }
    let Some(place) = place(route) else { return faults };
    if role.reach() == Reach::Province {
        return faults;
    }
    let theirs = filled(&route.path, &province.theirs[place]);
    let theirs = ask(site, route.method, &theirs, token, &body).await;
    let nothing = ask(site, route.method, &filled(&route.path, &nobody), token, &body).await;
    if theirs.status != StatusCode::NOT_FOUND {
        faults.push(format!("{role} {route:?}: {} {}", theirs.status, theirs.body));
    }
    if theirs.told() != nothing.told() {
        faults.push(format!("{role} {route:?}: differs from what does not exist"));
    }
    // What hangs deeper than one id is its slice's own to try.
    if route.method == Method::Get && route.path.matches('{').count() == 1 {
        let path = filled(&route.path, &province.mine[place]);
        let status = ask(site, route.method, &path, token, "").await.status;
        if status != StatusCode::OK {
            faults.push(format!("{role} {route:?}: {status} for what is their own"));
        }
    }
    faults
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_route_tells_anyone_of_another_agency() {
    for test in db::testing::urls().await {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config_in(folder.path());
        config.database.url.clone_from(&test);
        let platform = Platform::start(config).await.unwrap();
        let province = province(&platform).await;
        let before = changes(&platform, &province).await;
        description_is_whole(&platform).await;
        register_is_joined(&platform, &province).await;
        let mut faults = Vec::new();
        for route in &platform.routes {
            for (token, expected) in
                [("lt_nobody", StatusCode::UNAUTHORIZED), (&province.none, StatusCode::FORBIDDEN)]
            {
                let path = filled(&route.path, &uuid::Uuid::from_u128(3).to_string());
                let guarded = match route.access {
                    Access::Public | Access::Needs(web::Permission::PlatformChange) => continue,
                    Access::SignedIn if expected == StatusCode::FORBIDDEN => continue,
                    _ => ask(&province.site, route.method, &path, token, "{}").await.status,
                };
                if guarded != expected {
                    faults.push(format!("{route:?} with {token}: {guarded}"));
                }
            }
            for role in Role::ALL {
                faults.extend(wrong(&province, route, role).await);
            }
        }
        assert_eq!(faults, Vec::<String>::new());
        assert_eq!(changes(&platform, &province).await, before, "something of theirs was changed");
        assert!(platform.routes.len() > 100, "{} routes", platform.routes.len());
        let used: BTreeSet<&str> = platform
            .routes
            .iter()
            .filter(|route| route.path.contains('{'))
            .filter_map(place)
            .collect();
        assert_eq!(used.len(), province.theirs.len(), "a case without a route");
        platform.stop().await;
    }
}

/// SQL joins the register to the events, and of the register gives a scope no row of another agency.
async fn register_is_joined(platform: &Platform, province: &Province) {
    let sql = "SELECT a.code, s.name, count(*) FROM events e JOIN systems s ON s.id = e.system_id \
               JOIN agencies a ON a.id = s.agency_id JOIN sources o ON o.id = e.source_id \
               GROUP BY a.code, s.name ORDER BY a.code";
    let sql = sql.replace(' ', "+").replace('=', "%3D");
    let token = &province.tokens["administrator"];
    let path = format!("/search/sql?sql={sql}");
    let answer = ask(&province.site, Method::Get, &path, token, "").await.json();
    let rows = json!([["haihai", "Hệ thống haihai", "1"], ["motmot", "Hệ thống motmot", "1"]]);
    assert_eq!(answer["table"]["rows"], rows, "{answer}");
    let mine = province.mine["/agencies/{id}"].parse().unwrap();
    let account = event::AccountId::from_uuid(uuid::Uuid::from_u128(9));
    let scope = Scope::agencies(account, BTreeSet::from([mine]));
    let tables = register_tables::tables(&platform.registry.snapshot(), &scope);
    let told = format!("{tables:?}");
    assert!(told.contains("Hệ thống motmot") && told.contains("Nguồn motmot"), "{told}");
    for secret in &province.secrets {
        assert!(!told.contains(secret), "{secret}: {told}");
    }
}

/// The API's description lists every route once, and names no type that it does not hold.
async fn description_is_whole(platform: &Platform) {
    let request = Request::get("/api/v1/openapi.json").body(Body::empty()).unwrap();
    let response = platform.site.clone().oneshot(request).await.unwrap();
    let body = to_bytes(response.into_body(), 8 << 20).await.unwrap();
    let document: Value = serde_json::from_slice(&body).unwrap();
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer} is named and not there");
    }
    let mut ids = BTreeSet::new();
    for operation in document["paths"].as_object().unwrap().values() {
        for operation in operation.as_object().unwrap().values() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{id} stands twice");
            assert!(!operation["summary"].as_str().unwrap().is_empty(), "{id} says nothing");
        }
    }
    assert!(ids.len() >= platform.routes.len());
}

/// Returns what the audit log says people did to the other agency; what the platform does by itself
/// meanwhile is no answer to a route.
async fn changes(platform: &Platform, province: &Province) -> Vec<String> {
    let agency = province.theirs["/agencies/{id}"].parse().unwrap();
    let filter = db::audit::AuditFilter { agency: Some(agency), ..Default::default() };
    let rows = db::audit::list(&platform.db, &Scope::platform(), &filter, 1000).await.unwrap();
    let by_people = rows.into_iter().filter(|row| row.actor_kind != "platform");
    by_people.map(|row| format!("{} by {}", row.action, row.actor_name)).collect()
}
