//! Whole journeys through identity, over both databases, as a browser and a program make them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use chrono::TimeDelta;
use db::testing::TestDatabase;
use event::{AgencyId, IdSource};
use http::{Request, Response, StatusCode};
use tower::ServiceExt as _;

use super::{AgencyTree, Door, Identity, first_run_link, views};
use crate::{Access, Live, NoCounts, Permission, Routes, Settings, Site};

#[derive(Debug)]
struct NoAgencies;

impl AgencyTree for NoAgencies {
    fn subtree(&self, _: AgencyId) -> BTreeSet<AgencyId> {
        BTreeSet::new()
    }

    fn choices(&self) -> Vec<(AgencyId, String)> {
        Vec::new()
    }
}

/// A browser: keeps cookies, reads the protection token off pages.
pub(super) struct Browser {
    site: Router,
    pub(super) cookies: BTreeMap<String, String>,
}

pub(super) fn site(database: &TestDatabase) -> Router {
    site_with(database, Door::default())
}

/// Returns a site whose door asks for more.
pub(super) fn site_with(database: &TestDatabase, door: Door) -> Router {
    let settings = Arc::new(Settings { province: "Tỉnh Mẫu".to_owned(), tls: true });
    let identity = Identity::new(database.db.clone(), Arc::new(NoAgencies), Arc::clone(&settings))
        .with_door(door);
    let site = Site {
        settings,
        clock: database.clock.clone(),
        ids: Arc::new(IdSource::seeded(5)),
        visitors: Arc::new(identity.clone()),
        counts: Arc::new(NoCounts),
        live: Live::default(),
    };
    crate::serve(site, identity.routes())
}

impl Browser {
    pub(super) async fn send(
        &mut self,
        request: http::request::Builder,
        body: String,
    ) -> Response<Body> {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = request
            .header("host", "soc.example")
            .header("sec-fetch-site", "same-origin")
            .header("cookie", cookies.join("; "))
            .body(Body::from(body))
            .unwrap();
        let response = self.site.clone().oneshot(request).await.unwrap();
        for cookie in response.headers().get_all("set-cookie") {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        response
    }

    pub(super) async fn get(&mut self, path: &str) -> (StatusCode, String) {
        let response = self.send(Request::get(path), String::new()).await;
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    /// Sends a form with the token of the page it stands on; returns status, where to, and body.
    pub(super) async fn post(
        &mut self,
        page: &str,
        path: &str,
        form: &str,
    ) -> (StatusCode, String, String) {
        let (_, html) = self.get(page).await;
        let token = between(&html, "name=\"_csrf\" value=\"", "\"");
        let request =
            Request::post(path).header("content-type", "application/x-www-form-urlencoded");
        let response = self.send(request, format!("{form}&_csrf={token}")).await;
        let status = response.status();
        let to = response.headers().get("location").map(|to| to.to_str().unwrap().to_owned());
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, to.unwrap_or_default(), String::from_utf8(body.to_vec()).unwrap())
    }
}

pub(super) fn between(text: &str, before: &str, after: &str) -> String {
    let rest = text.split_once(before).map_or("", |(_, rest)| rest);
    rest.split(after).next().unwrap_or_default().to_owned()
}

pub(super) fn browser(site: &Router) -> Browser {
    Browser { site: site.clone(), cookies: BTreeMap::new() }
}

pub(super) const PASSWORD: &str = "tre xanh ben lang";

/// Makes the first administrator and returns their browser.
pub(super) async fn administrator(database: &TestDatabase, site: &Router) -> Browser {
    let link = first_run_link(&database.db, "").await.unwrap().unwrap();
    let mut browser = browser(site);
    let form = format!("login=hang&name=Hằng&password={PASSWORD}&again={PASSWORD}");
    let (status, to, body) = browser.post(&link, &link, &form).await;
    assert_eq!((status, to.as_str()), (StatusCode::SEE_OTHER, "/account/second-factor"), "{body}");
    browser
}

#[tokio::test]
async fn the_first_link_makes_one_administrator() {
    for database in db::testing::databases().await {
        let site = site(&database);
        let old = first_run_link(&database.db, "").await.unwrap().unwrap();
        let mut stranger = browser(&site);
        let mut hang = administrator(&database, &site).await;
        assert_eq!(hang.get("/account").await.0, StatusCode::OK, "{}", database.name);
        assert!(hang.cookies.contains_key("__Host-session"));
        assert_eq!(stranger.get(&old).await.0, StatusCode::CONFLICT, "the older link is spent");
        assert_eq!(first_run_link(&database.db, "").await.unwrap(), None);
        assert!(db::audit::verify(&database.db).await.unwrap().holds());
    }
}

#[tokio::test]
async fn signing_in_asks_for_the_second_factor_and_out_again() {
    for database in db::testing::databases().await {
        let site = site(&database);
        let mut hang = administrator(&database, &site).await;
        let (_, html) = hang.get("/account/second-factor").await;
        assert!(!html.contains("<svg xmlns"), "no secret before it is asked for");
        let page = "/account/second-factor";
        hang.post(page, "/account/second-factor/begin", "").await;
        let (_, html) = hang.get(page).await;
        let secret = between(&html, "<code>", "</code>");
        let code = super::totp::code_now(&secret, event::Clock::now(database.clock.as_ref()));
        let (status, _, body) =
            hang.post(page, "/account/second-factor/confirm", &format!("code={code}")).await;
        assert_eq!(status, StatusCode::OK);
        let codes = between(&body, "class=\"codes", "</ul>");
        let recovery = between(&codes, "<li>", "</li>");
        hang.post("/account", "/sign-out", "").await;
        assert_eq!(hang.get("/account").await.0, StatusCode::SEE_OTHER);

        let form = format!("login=HANG&password={PASSWORD}&next=/accounts");
        let (_, to, _) = hang.post("/sign-in", "/sign-in", &form).await;
        assert_eq!(to, "/sign-in/code");
        assert_eq!(hang.get("/account").await.0, StatusCode::SEE_OTHER, "not in yet");
        let again = format!("code={code}");
        let (status, _, _) = hang.post("/sign-in/code", "/sign-in/code", &again).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "a code works once");
        let form = format!("code={recovery}");
        let (_, to, _) = hang.post("/sign-in/code", "/sign-in/code", &form).await;
        assert_eq!(to, "/accounts");
        assert_eq!(hang.get("/accounts").await.0, StatusCode::OK);
    }
}

#[tokio::test]
async fn guessing_is_slowed_down_and_says_so() {
    for database in db::testing::databases().await {
        let site = site(&database);
        administrator(&database, &site).await;
        let mut guesser = browser(&site);
        let mut seen = Vec::new();
        for login in ["hang", "nobody"] {
            for _ in 0..7 {
                let form = format!("login={login}&password=wrong");
                seen.push(guesser.post("/sign-in", "/sign-in", &form).await.0.as_u16());
            }
        }
        let expected = [422, 422, 422, 422, 422, 429, 429];
        assert_eq!(seen, [expected, expected].concat(), "known and unknown names look the same");
        database.clock.advance(TimeDelta::minutes(1));
        let form = format!("login=hang&password={PASSWORD}");
        assert_eq!(guesser.post("/sign-in", "/sign-in", &form).await.0, StatusCode::SEE_OTHER);
    }
}

#[tokio::test]
async fn sessions_end_by_themselves() {
    for database in db::testing::databases().await {
        let site = site(&database);
        let mut hang = administrator(&database, &site).await;
        database.clock.advance(super::SESSION_IDLE - TimeDelta::minutes(1));
        assert_eq!(hang.get("/account").await.0, StatusCode::OK);
        database.clock.advance(super::SESSION_IDLE + TimeDelta::minutes(1));
        assert_eq!(hang.get("/account").await.0, StatusCode::SEE_OTHER);
    }
}

#[tokio::test]
async fn a_change_needs_our_own_page() {
    let database = db::testing::sqlite().await;
    let site = site(&database);
    let mut hang = administrator(&database, &site).await;
    let form = || {
        Request::post("/account/sessions/end-others")
            .header("content-type", "application/x-www-form-urlencoded")
    };
    assert_eq!(hang.send(form(), "_csrf=wrong".to_owned()).await.status(), StatusCode::CONFLICT);
    assert_eq!(hang.send(form(), String::new()).await.status(), StatusCode::CONFLICT);
    let (_, html) = hang.get("/account").await;
    let token = between(&html, "name=\"_csrf\" value=\"", "\"");
    let good = hang.send(form(), format!("_csrf={token}")).await;
    assert_eq!(good.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn tokens_open_the_api_and_nothing_else() {
    for database in db::testing::databases().await {
        let site = site(&database);
        let mut hang = administrator(&database, &site).await;
        let (_, _, body) =
            hang.post("/account", "/account/tokens", "name=Báo cáo&scope=all&days=30").await;
        let token = between(&body, "id=\"once\">", "<");
        assert!(token.starts_with("lt_"), "{body}");
        let ask = |path: &str, token: &str| {
            let request = Request::get(path).header("authorization", format!("Bearer {token}"));
            site.clone().oneshot(request.body(Body::empty()).unwrap())
        };
        assert_eq!(ask("/api/v1/accounts", &token).await.unwrap().status(), StatusCode::OK);
        assert_eq!(
            ask("/api/v1/accounts", "lt_no").await.unwrap().status(),
            StatusCode::UNAUTHORIZED
        );
        assert_eq!(ask("/accounts", &token).await.unwrap().status(), StatusCode::SEE_OTHER);
        let by_cookie = hang.send(Request::get("/api/v1/accounts"), String::new()).await;
        assert_eq!(by_cookie.status(), StatusCode::UNAUTHORIZED, "a session does not open the API");
        let make = Request::post("/api/v1/account/tokens")
            .header("authorization", format!("Bearer {token}"))
            .body(Body::from("name=x"));
        let made = site.clone().oneshot(make.unwrap()).await.unwrap();
        assert_eq!(made.status(), StatusCode::FORBIDDEN, "a token makes no tokens");
    }
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let database = db::testing::sqlite().await;
    let site = site(&database);
    let mut hang = administrator(&database, &site).await;
    let (_, html) = hang.get("/accounts").await;
    let id = between(&html, "href=\"/accounts/", "\"").replace("new", "");
    let id = if id.is_empty() {
        between(html.split_once("<tbody>").unwrap().1, "href=\"/accounts/", "\"")
    } else {
        id
    };
    let page = format!("/accounts/{id}");
    let (status, _, _) = hang.post(&page, &format!("{page}/disable"), "").await;
    assert_eq!(status, StatusCode::CONFLICT);
    let (status, _, body) =
        hang.post("/accounts/new", "/accounts", "login=binh&name=Bình&role=administrator").await;
    assert_eq!(status, StatusCode::CREATED, "{body}");
    let link = between(&body, "soc.example", "<");
    let mut binh = browser(&site);
    let form = format!("password={PASSWORD}&again={PASSWORD}");
    assert_eq!(binh.post(&link, &link, &form).await.0, StatusCode::SEE_OTHER);
    let (status, _, _) = binh.post(&page, &format!("{page}/disable"), "").await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert_eq!(hang.get("/account").await.0, StatusCode::SEE_OTHER, "disabled means out");
}

#[tokio::test]
async fn every_guarded_route_is_closed_to_strangers_and_lesser_roles() {
    let database = db::testing::sqlite().await;
    let settings = Arc::new(Settings { province: "Tỉnh Mẫu".to_owned(), tls: false });
    let identity = Identity::new(database.db.clone(), Arc::new(NoAgencies), settings);
    let list: Vec<_> = identity.routes().list().to_vec();
    let site = site(&database);
    let mut closed = 0;
    for route in list.iter().filter(|route| route.access != Access::Public) {
        let path = format!(
            "/api/v1{}",
            ["{id}", "{token}"].iter().fold(route.path.clone(), |path, name| path
                .replace(name, &uuid::Uuid::nil().to_string()))
        );
        let request = Request::builder().method(route.method.word()).uri(path);
        let response = site.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{route:?}");
        closed += 1;
    }
    assert!(closed > 15, "{closed} guarded routes");
    let open: Vec<&str> = list
        .iter()
        .filter(|route| route.access == Access::Public)
        .map(|route| route.path.as_str())
        .collect();
    assert_eq!(
        open,
        [
            "/sign-in",
            "/sign-in",
            "/sign-in/code",
            "/sign-in/code",
            "/invite/{token}",
            "/invite/{token}",
            "/sign-in/passkey/begin",
            "/sign-in/passkey",
            "/sign-in/oidc",
            "/sign-in/oidc/return"
        ]
    );
    assert!(Routes::<()>::new().get("/x", Permission::AuditRead, || async {}).list().len() == 1);
}

#[test]
#[expect(clippy::too_many_lines, reason = "one sample of every page")]
fn the_pages_are_sound() {
    let none = Vec::<String>::new();
    let wrong: BTreeMap<String, String> =
        ["name", "login", "password", "again", "current", "agency"]
            .map(|f| (f.to_owned(), "x".to_owned()))
            .into();
    let choice = || views::Choice { value: "a".into(), label: "<b>".into(), chosen: true };
    let row = |disabled: bool| views::AccountRow {
        id: "1".into(),
        login: "hang".into(),
        name: "Nguyễn Thị <Thanh> Hằng".into(),
        role: "leader".into(),
        role_key: crate::Role::Leader.key(),
        agency: None,
        second_factor: true,
        invited: !disabled,
        disabled,
        last_sign_in_at: None,
    };
    let session = |here: bool| views::SessionRow {
        id: "1".into(),
        here,
        address: "::1".into(),
        browser: "Firefox".into(),
        created_at: chrono::DateTime::UNIX_EPOCH,
        last_seen_at: chrono::DateTime::UNIX_EPOCH,
    };
    let token = || views::TokenRow {
        id: "1".into(),
        name: "x".into(),
        scopes: vec!["read".into()],
        created_at: chrono::DateTime::UNIX_EPOCH,
        expires_at: None,
        last_used_at: None,
    };
    let passkey = views::PasskeyRow {
        id: "1".into(),
        name: "<b>x</b>".into(),
        created_at: chrono::DateTime::UNIX_EPOCH,
        last_used_at: None,
    };
    let account = |account| views::AccountPage {
        account,
        login: "a".into(),
        name: "b".into(),
        roles: vec![choice()],
        agencies: vec![choice()],
        sessions: vec![session(false)],
        tokens: vec![token()],
        scopes: vec![choice()],
        reason: String::new(),
        wrong: wrong.clone(),
    };
    let factor = |on, secret: Option<&str>| views::SecondFactorPage {
        on,
        forced: !on,
        picture: secret.map(|_| "<svg></svg>".to_owned()),
        secret: secret.map(str::to_owned),
        wrong: Some("x".into()),
    };
    let own = views::OwnPage {
        login: "a".into(),
        name: "b".into(),
        role: crate::Role::Analyst.key().into(),
        second_factor: false,
        sessions: vec![session(true), session(false)],
        tokens: vec![token()],
        scopes: vec![choice()],
        passkeys: vec![passkey],
        passkeys_on: true,
        wrong: wrong.clone(),
    };
    let once = views::OncePage {
        title: "identity-link-made",
        advice: "identity-link-advice",
        value: "x".into(),
        back: "/".into(),
    };
    let invite = |first: bool| views::InvitePage {
        first,
        login: "a".into(),
        name: "b".into(),
        wrong: wrong.clone(),
    };
    let pages: Vec<Box<dyn crate::Face>> = vec![
        Box::new(views::SignInPage {
            wrong: Some("x".into()),
            passkeys: true,
            provider: Some("Cổng <b>".into()),
            ..Default::default()
        }),
        Box::new(views::CodePage { wrong: Some("x".into()) }),
        Box::new(invite(true)),
        Box::new(invite(false)),
        Box::new(own),
        Box::new(factor(true, None)),
        Box::new(factor(false, None)),
        Box::new(factor(false, Some("ABC"))),
        Box::new(once),
        Box::new(views::CodesPage { codes: vec!["a-b".into()] }),
        Box::new(views::AccountsPage { accounts: vec![row(true), row(false)] }),
        Box::new(account(None)),
        Box::new(account(Some(row(true)))),
        Box::new(account(Some(row(false)))),
    ];
    for (index, page) in pages.iter().enumerate() {
        assert_eq!(crate::testing::faults(&**page), none, "page {index}");
    }
}

#[tokio::test]
async fn the_whole_page_is_sound_and_errors_have_every_face() {
    let database = db::testing::sqlite().await;
    let site = site(&database);
    let mut hang = administrator(&database, &site).await;
    for path in ["/account", "/accounts", "/help/keys", "/no-such-page"] {
        let (_, html) = hang.get(path).await;
        assert_eq!(crate::testing::html_faults(&html, true), Vec::<String>::new(), "{path}");
    }
    hang.cookies.insert("lang".into(), "en".into());
    assert!(hang.get("/account").await.1.contains("My account"));
    let ask = |header: (&'static str, &'static str)| {
        let request = Request::get("/no-such-page").header(header.0, header.1);
        site.clone().oneshot(request.body(Body::empty()).unwrap())
    };
    let problem = ask(("accept", "application/json")).await.unwrap();
    assert_eq!(problem.status(), StatusCode::NOT_FOUND);
    assert_eq!(problem.headers()["content-type"], "application/problem+json");
    let fragment = ask(("hx-request", "true")).await.unwrap();
    let body = to_bytes(fragment.into_body(), 1 << 20).await.unwrap();
    assert!(!String::from_utf8_lossy(&body).contains("<html"));
    let policy = ask(("accept", "text/html")).await.unwrap();
    let policy = policy.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"));
}
