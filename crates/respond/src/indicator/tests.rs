//! The list against both databases: one spelling, refusals, expiry, withdrawal, one press in a room.

use chrono::TimeDelta;
use db::testing::databases;
use web::testing::{faults, who};
use web::{AppError, Phrase, Role};

use super::routes::{ListQuery, NewIndicators, form, listed};
use super::{actions, in_force, mark};
use crate::desk::Desk;
use crate::error::RespondError;
use crate::file::Format;
use crate::testing::*;

fn typed(value: &str) -> NewIndicators {
    NewIndicators {
        value: value.to_owned(),
        source: "VNCERT/CC".to_owned(),
        reason: "máy chủ điều khiển mã độc".to_owned(),
        ..NewIndicators::default()
    }
}

async fn add(desk: &Desk, new: &NewIndicators) -> Result<(usize, usize), RespondError> {
    actions::add(desk, &analyst(), &new.typed()).await
}

/// Returns the name of the field that is refused, and the key of why.
fn field(result: Result<(usize, usize), RespondError>) -> String {
    match AppError::from(result.unwrap_err()) {
        AppError::Invalid(errors) => {
            let told = errors.told(web::Lang::En);
            let each: Vec<String> =
                told.iter().map(|(field, why)| format!("{field}: {why}")).collect();
            each.join("\n")
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_value_stands_once_however_it_is_written_until_its_time_is_over() {
    for test in databases().await {
        let desk = desk(&test, Vec::new());
        let before = mark(&desk.db).await.unwrap();
        let text = "203[.]0[.]113[.]7 hxxps://evil[.]example/a";
        assert_eq!(add(&desk, &typed(text)).await.unwrap(), (2, 0), "{}", test.name);
        assert_eq!(add(&desk, &typed("203.0.113.7:443")).await.unwrap(), (0, 1));
        let after = mark(&desk.db).await.unwrap();
        assert_ne!(after, before);
        let listed_now = in_force(&desk.db).await.unwrap();
        let told: Vec<(&str, &str, u8, &str)> = listed_now
            .iter()
            .map(|one| {
                (one.observable.value.as_str(), one.source.as_str(), one.confidence, one.tlp)
            })
            .collect();
        assert!(told.contains(&("203.0.113.7", "VNCERT/CC", 80, "AMBER")), "{told:?}");

        test.clock.advance(TimeDelta::days(actions::DAYS));
        let reader = who(Role::Analyst);
        let page = listed(&desk, &reader, &ListQuery::default()).await.unwrap();
        assert!(page.indicators.is_empty(), "their time is over");
        let expired = ListQuery { state: "expired".to_owned(), ..ListQuery::default() };
        assert_eq!(listed(&desk, &reader, &expired).await.unwrap().indicators.len(), 2);
        assert_eq!(add(&desk, &typed("203.0.113.7")).await.unwrap(), (1, 0), "it makes room");
        let page = listed(&desk, &reader, &ListQuery::default()).await.unwrap();
        assert_eq!(page.indicators.len(), 1);
        let all = ListQuery { state: "all".to_owned(), ..ListQuery::default() };
        assert_eq!(listed(&desk, &reader, &all).await.unwrap().indicators.len(), 3);
        assert!(db::audit::verify(&desk.db).await.unwrap().holds());
    }
}

#[tokio::test]
async fn what_is_ours_or_everyones_is_refused_with_the_reason_and_nothing_is_added() {
    for test in databases().await {
        let desk = desk(&test, Vec::new());
        let ours = add(&desk, &typed("203.0.113.7 https://dichvucong.example.gov.vn/x")).await;
        let told = field(ours);
        assert!(told.starts_with("value: hxxps://dichvucong[.]example[.]gov[.]vn/x"), "{told}");
        assert!(told.contains("registered system"), "{told}");
        let everyones = field(add(&desk, &typed("github.com")).await);
        assert!(everyones.contains("Nền tảng lớn"), "{everyones}");
        let unfit = field(add(&desk, &typed(&"a".repeat(128))).await);
        assert!(unfit.contains("SHA-256"), "{unfit}");
        let word = field(add(&desk, &typed("203.0.113.7 máy")).await);
        assert!(word.contains("“máy” is no address"), "{word}");
        let good = typed("203.0.113.7");
        for (field_name, wrong) in [
            ("value", NewIndicators { value: String::new(), ..good.clone() }),
            ("source", NewIndicators { source: " ".to_owned(), ..good.clone() }),
            ("reason", NewIndicators { reason: "ok".to_owned(), ..good.clone() }),
            (
                "reason",
                NewIndicators {
                    reason: "theo văn bản TUYỆT MẬT".to_owned(), ..good.clone()
                },
            ),
            ("confidence", NewIndicators { confidence: "101".to_owned(), ..good.clone() }),
            ("tlp", NewIndicators { tlp: "PURPLE".to_owned(), ..good.clone() }),
            ("days", NewIndicators { days: "731".to_owned(), ..good.clone() }),
        ] {
            let told = field(add(&desk, &wrong).await);
            assert!(told.starts_with(&format!("{field_name}: ")), "{told}");
        }
        assert_eq!(in_force(&desk.db).await.unwrap(), [], "{}", test.name);
        let errors =
            [("value".to_owned(), Phrase::key("indicator-error-value").text(web::Lang::Vi))];
        let page = form(good, errors.into());
        assert_eq!(faults(&page), Vec::<String>::new());
    }
}

#[tokio::test]
async fn what_is_withdrawn_is_looked_for_no_more_and_says_why() {
    for test in databases().await {
        let desk = desk(&test, Vec::new());
        add(&desk, &typed("evil.example")).await.unwrap();
        let reader = who(Role::Analyst);
        let query = ListQuery { q: "evil[.]ex".to_owned(), ..ListQuery::default() };
        let page = listed(&desk, &reader, &query).await.unwrap();
        assert_eq!(page.indicators[0].shown, "evil[.]example");
        assert_eq!(faults(&page), Vec::<String>::new());
        let id = page.indicators[0].id.parse().unwrap();
        let before = mark(&desk.db).await.unwrap();
        let empty = actions::withdraw(&desk, &analyst(), id, "").await;
        assert!(matches!(empty, Err(RespondError::Field { field: "reason", .. })));
        actions::withdraw(&desk, &analyst(), id, "nhà mạng đã gỡ").await.unwrap();
        assert_ne!(mark(&desk.db).await.unwrap(), before);
        let twice = actions::withdraw(&desk, &analyst(), id, "nhà mạng đã gỡ").await;
        assert!(matches!(twice, Err(RespondError::Conflict(_))));
        let none = actions::withdraw(&desk, &analyst(), desk.db.new_uuid(), "nhà mạng").await;
        assert!(matches!(none, Err(RespondError::NotFound)));
        assert_eq!(in_force(&desk.db).await.unwrap(), [], "{}", test.name);
        assert_eq!(add(&desk, &typed("evil.example")).await.unwrap(), (1, 0), "it may come back");
        let query = ListQuery { state: "withdrawn".to_owned(), ..ListQuery::default() };
        let page = listed(&desk, &reader, &query).await.unwrap();
        assert_eq!(page.indicators[0].withdrawn_reason.as_deref(), Some("nhà mạng đã gỡ"));
        assert_eq!(faults(&page), Vec::<String>::new());
        for format in [Format::Csv, Format::Xlsx] {
            let file = super::export::indicators(&desk, &reader, &query, format).await.unwrap();
            let body = axum::body::to_bytes(file.into_body(), 1 << 20).await.unwrap();
            let text = String::from_utf8_lossy(&body);
            assert!(format == Format::Xlsx || text.contains("evil[.]example"), "{text}");
        }
    }
}
