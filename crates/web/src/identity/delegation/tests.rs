//! Standing in, as two browsers see it.

use chrono::TimeDelta;
use http::StatusCode;

use super::super::tests::{Browser, PASSWORD, between, browser, site};
use super::views::{DelegationRow, DelegationsPage};
use crate::Role;
use crate::identity::console;

async fn signed_in(site: &axum::Router, login: &str) -> Browser {
    let mut browser = browser(site);
    let form = format!("login={login}&password={PASSWORD}");
    let (status, ..) = browser.post("/sign-in", "/sign-in", &form).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{login}");
    browser
}

#[tokio::test]
async fn someone_stands_in_under_both_names_until_it_ends() {
    for database in db::testing::databases().await {
        let site = site(&database);
        for (login, role) in
            [("hang", Role::Administrator), ("duy", Role::Auditor), ("lan", Role::Leader)]
        {
            let password = PASSWORD.to_owned();
            console::add(&database.db, login, login, role, password).await.unwrap();
        }
        let (mut duy, mut lan) = (signed_in(&site, "duy").await, signed_in(&site, "lan").await);
        assert_eq!(lan.get("/accounts").await.0, StatusCode::FORBIDDEN);
        let (_, html) = duy.get("/delegations").await;
        let option = html.split("<option value=\"").find(|part| part.contains(">lan ")).unwrap();
        let id = option.split('"').next().unwrap();
        let form = |until: &str| format!("to={id}&reason=đi công tác&until={until}");
        for wrong in ["2026-11-01", "2027-06-01", ""] {
            let (status, ..) = duy.post("/delegations", "/delegations", &form(wrong)).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
        }
        let (status, _, body) = duy.post("/delegations", "/delegations", &form("2026-11-25")).await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{body}");

        let (_, html) = lan.get("/delegations").await;
        let begin = format!("/delegations/{}/begin", between(&html, "/delegations/", "/begin"));
        assert_eq!(duy.post("/delegations", &begin, "").await.0, StatusCode::NOT_FOUND);
        assert_eq!(lan.post("/delegations", &begin, "").await.0, StatusCode::SEE_OTHER);
        let (status, html) = lan.get("/accounts").await;
        assert_eq!(status, StatusCode::OK, "{}: an auditor's page", database.name);
        assert!(html.contains("lan (thay duy)") && html.contains("/delegations/end"));
        let (status, ..) = lan.post("/delegations", "/delegations", &form("2026-11-25")).await;
        assert_eq!(status, StatusCode::CONFLICT, "what is lent is not lent on");
        assert_eq!(lan.post("/account", "/delegations/end", "").await.0, StatusCode::SEE_OTHER);
        assert_eq!(lan.get("/accounts").await.0, StatusCode::FORBIDDEN);

        lan.post("/delegations", &begin, "").await;
        assert_eq!(lan.get("/accounts").await.0, StatusCode::OK);
        let revoke = begin.replace("/begin", "/revoke");
        assert_eq!(lan.post("/delegations", &revoke, "").await.0, StatusCode::NOT_FOUND);
        assert_eq!(duy.post("/delegations", &revoke, "").await.0, StatusCode::SEE_OTHER);
        assert_eq!(lan.get("/accounts").await.0, StatusCode::FORBIDDEN, "at once");

        duy.post("/delegations", "/delegations", &form("2026-11-22")).await;
        let (_, html) = lan.get("/delegations").await;
        let begin = format!("/delegations/{}/begin", between(&html, "/delegations/", "/begin"));
        lan.post("/delegations", &begin, "").await;
        assert_eq!(lan.get("/accounts").await.0, StatusCode::OK);
        // 14:00 in Vietnam when the test begins: the day ends in ten hours.
        for _ in 0..2 {
            database.clock.advance(TimeDelta::hours(5));
            lan.get("/account").await;
        }
        assert_eq!(lan.get("/accounts").await.0, StatusCode::FORBIDDEN, "the day is over");
        assert!(db::audit::verify(&database.db).await.unwrap().holds());
    }
}

#[tokio::test]
async fn an_administrator_lends_nothing() {
    let database = db::testing::sqlite().await;
    let site = site(&database);
    for login in ["hang", "duy"] {
        let password = PASSWORD.to_owned();
        console::add(&database.db, login, login, Role::Administrator, password).await.unwrap();
    }
    let mut hang = signed_in(&site, "hang").await;
    let (_, html) = hang.get("/delegations").await;
    assert!(!html.contains("name=\"until\""), "no form");
    let form = "reason=x&until=2026-11-25";
    assert_eq!(hang.post("/account", "/delegations", form).await.0, StatusCode::CONFLICT);
}

#[test]
fn the_page_is_sound() {
    let row = |in_force: bool| DelegationRow {
        id: "1".to_owned(),
        name: "<b>Hằng</b>".to_owned(),
        role: "Lãnh đạo".to_owned(),
        reason: "x".to_owned(),
        starts_at: chrono::DateTime::UNIX_EPOCH,
        ends_at: chrono::DateTime::UNIX_EPOCH,
        in_force,
        revoked_at: (!in_force).then_some(chrono::DateTime::UNIX_EPOCH),
    };
    for acting in [true, false] {
        let page = DelegationsPage {
            acting,
            may_give: !acting,
            given: vec![row(true), row(false)],
            got: vec![row(true), row(false)],
            people: Vec::new(),
            reason: String::new(),
            until: String::new(),
            wrong: ["to", "reason", "until"].map(|f| (f.to_owned(), "x".to_owned())).into(),
        };
        assert_eq!(crate::testing::faults(&page), Vec::<String>::new());
    }
}
