//! How far a token, a role without its second factor, and a single administrator reach.

use axum::Router;
use axum::body::{Body, to_bytes};
use chrono::TimeDelta;
use http::{Request, StatusCode};
use tower::ServiceExt as _;

use super::tests::{PASSWORD, administrator, between, browser, site, site_with};
use super::{Door, console};
use crate::Role;

async fn ask(site: &Router, path: &str, token: &str) -> (StatusCode, String) {
    let request = Request::get(path).header("authorization", format!("Bearer {token}"));
    let request = request.header("accept", "application/json").body(Body::empty()).unwrap();
    let response = site.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_token_reaches_as_far_as_its_scopes_and_its_time() {
    for database in db::testing::databases().await {
        let site = site(&database);
        let mut hang = administrator(&database, &site).await;
        let (status, ..) = hang.post("/account", "/account/tokens", "name=x").await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "no scope, no token");
        let (status, ..) = hang.post("/account", "/account/tokens", "name=x&scope=no_such").await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        let form = "name=x&scope=audit_read&scope=system_read&days=10";
        let (_, _, body) = hang.post("/account", "/account/tokens", form).await;
        let narrow = between(&body, "id=\"once\">", "<");
        assert_eq!(ask(&site, "/api/v1/accounts", &narrow).await.0, StatusCode::FORBIDDEN);
        assert_eq!(ask(&site, "/api/v1/account", &narrow).await.0, StatusCode::OK);
        let (_, html) = hang.get("/account").await;
        assert!(html.contains("<code>audit_read</code>"));

        let form = "name=y&scope=read&days=10";
        let (_, _, body) = hang.post("/account", "/account/tokens", form).await;
        let reading = between(&body, "id=\"once\">", "<");
        assert_eq!(ask(&site, "/api/v1/accounts", &reading).await.0, StatusCode::OK);
        database.clock.advance(TimeDelta::minutes(1));
        let (_, html) = hang.get("/account").await;
        let id = between(
            html.split_once("<strong>y</strong>").unwrap().1,
            "/account/tokens/",
            "/rotate",
        );
        let rotate = format!("/account/tokens/{id}/rotate");
        let (status, _, body) = hang.post("/account", &rotate, "").await;
        assert_eq!(status, StatusCode::CREATED, "{}: {body}", database.name);
        let fresh = between(&body, "id=\"once\">", "<");
        for token in [&reading, &fresh] {
            assert_eq!(ask(&site, "/api/v1/accounts", token).await.0, StatusCode::OK);
        }
        database.clock.advance(TimeDelta::hours(24));
        assert_eq!(ask(&site, "/api/v1/accounts", &reading).await.0, StatusCode::UNAUTHORIZED);
        assert_eq!(ask(&site, "/api/v1/accounts", &fresh).await.0, StatusCode::OK);
        database.clock.advance(TimeDelta::days(10));
        assert_eq!(ask(&site, "/api/v1/accounts", &fresh).await.0, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn a_program_has_tokens_and_no_pages() {
    let database = db::testing::sqlite().await;
    let site = site(&database);
    let mut hang = administrator(&database, &site).await;
    let form = "login=lgsp&name=Trục LGSP&role=api_client";
    let (status, page, body) = hang.post("/accounts/new", "/accounts", form).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{body}");
    let make = format!("{page}/tokens");
    let (status, _, body) = hang.post(&page, &make, "name=x&scope=system_read").await;
    assert_eq!(status, StatusCode::CREATED, "{body}");
    let token = between(&body, "id=\"once\">", "<");
    assert_eq!(ask(&site, "/api/v1/account", &token).await.0, StatusCode::OK);
    assert_eq!(hang.post(&page, &format!("{page}/link"), "").await.0, StatusCode::CONFLICT);
    console::set_password(&database.db, "lgsp", PASSWORD.to_owned()).await.unwrap();
    let form = format!("login=lgsp&password={PASSWORD}");
    let (status, ..) = browser(&site).post("/sign-in", "/sign-in", &form).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "even with a password");
    let (_, html) = hang.get("/accounts").await;
    let own = between(html.split_once("<tbody>").unwrap().1, "href=\"/accounts/", "\"");
    let own = format!("/accounts/{own}/tokens");
    let (status, ..) = hang.post("/account", &own, "name=x&scope=all").await;
    assert_eq!(status, StatusCode::CONFLICT, "nobody makes a token in a person's name");
}

#[tokio::test]
async fn a_role_of_the_province_waits_for_its_second_factor() {
    for database in db::testing::databases().await {
        let forced = Door::default().forcing(true);
        let site = site_with(&database, forced);
        let mut hang = administrator(&database, &site).await;
        let (status, _) = hang.get("/accounts").await;
        assert_eq!(status, StatusCode::SEE_OTHER);
        let token = hang.post("/account", "/account/tokens", "name=x&scope=all").await;
        assert_eq!(token.1, "/account/second-factor", "the password alone makes no other way in");
        let page = "/account/second-factor";
        assert!(hang.get(page).await.1.contains("class=\"warn\""), "it says why");
        hang.post(page, "/account/second-factor/begin", "").await;
        let secret = between(&hang.get(page).await.1, "<code>", "</code>");
        let code = super::totp::code_now(&secret, database.db.now());
        let confirm = "/account/second-factor/confirm";
        assert_eq!(hang.post(page, confirm, &format!("code={code}")).await.0, StatusCode::OK);
        assert_eq!(hang.get("/accounts").await.0, StatusCode::OK, "this session has shown it");
        database.clock.advance(TimeDelta::seconds(1));
        hang.post("/account", "/sign-out", "").await;
        let form = format!("login=hang&password={PASSWORD}");
        hang.post("/sign-in", "/sign-in", &form).await;
        let again = format!("code={code}");
        let site = site_with(&database, Door::default());
        let mut other = browser(&site);
        other.post("/sign-in", "/sign-in", &form).await;
        let (status, ..) = other.post("/sign-in/code", "/sign-in/code", &again).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "a code works once, also elsewhere");
    }
}

#[tokio::test]
async fn a_second_administrator_takes_two_people() {
    for database in db::testing::databases().await {
        let site = site(&database);
        let mut hang = administrator(&database, &site).await;
        let password = PASSWORD.to_owned();
        console::add(&database.db, "binh", "Bình", Role::Administrator, password).await.unwrap();
        let form = "login=chi&name=Chi&role=administrator";
        let (status, ..) = hang.post("/accounts/new", "/accounts", form).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "a reason is needed");
        let form = format!("{form}&reason=thay người nghỉ hưu");
        let (_, to, _) = hang.post("/accounts/new", "/accounts", &form).await;
        assert_eq!(to, "/approvals");
        assert!(!hang.get("/accounts").await.1.contains("Chi"), "not yet");
        let mut binh = browser(&site);
        let sign_in = format!("login=binh&password={PASSWORD}");
        binh.post("/sign-in", "/sign-in", &sign_in).await;
        let (_, html) = binh.get("/approvals").await;
        let approve = format!("/approvals/{}/approve", between(&html, "/approvals/", "/approve"));
        let (status, ..) = hang.post("/approvals", &approve, "").await;
        assert_eq!(status, StatusCode::CONFLICT, "not by the one who asked");
        let (status, _, body) = binh.post("/approvals", &approve, "note=được").await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{}: {body}", database.name);
        assert!(hang.get("/accounts").await.1.contains("Chi"));
        assert!(db::audit::verify(&database.db).await.unwrap().holds());
    }
}
