//! Receipts against both databases: who signs what, once, and what no longer changes.

use axum::body::to_bytes;
use db::testing::databases;
use sea_orm::ConnectionTrait as _;
use sea_orm::sea_query::{Expr, ExprTrait as _, Query};
use web::Role;
use web::paging::Page;
use web::testing::faults;

use super::super::pages;
use super::super::tests::{reader, room};
use super::routes::{Form, printed};
use super::{ReceiptRow, hand_over, take};
use crate::actor::Handler;
use crate::error::RespondError;
use crate::testing::*;

fn key<T: std::fmt::Debug>(result: Result<T, RespondError>) -> &'static str {
    match result {
        Err(RespondError::Field { key, .. } | RespondError::Conflict(key)) => key,
        Err(RespondError::NotFound) => "not found",
        Err(RespondError::Forbidden) => "forbidden",
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn both_sides_sign_by_their_account_once_and_nothing_changes_after() {
    for test in databases().await {
        let room = room(&test).await;
        let desk = &room.desk;
        let item = room.sealed("log", "a.log").await;
        let (giver, taker) = (analyst(), Handler { scope: analyst().scope, ..officer(agency(1)) });
        let mut who = reader(Role::DutyOfficer);
        who.account = taker.account;
        let page = async |who: &web::Who| {
            let page = pages::detail(desk, who, item.id, Page::default()).await.unwrap();
            assert_eq!(faults(&page), Vec::<String>::new());
            page.receipts
        };
        let first: Vec<ReceiptRow> = page(&who).await;
        assert_eq!((first.len(), first[0].occasion, first[0].may_take), (1, "receipt", true));
        assert_eq!((first[0].giver.as_str(), first[0].taker.as_deref()), ("Trần Minh", None));
        assert!(first[0].number.starts_with("BBGN-2026-"), "{}", first[0].number);
        let id = first[0].id.parse().unwrap();
        assert_eq!(key(take(desk, &giver, (item.id, id), "").await), "receipt-error-own");
        let stranger = officer(agency(2));
        assert_eq!(key(take(desk, &stranger, (item.id, id), "").await), "not found");
        take(desk, &taker, (item.id, id), "Đủ").await.unwrap();
        assert_eq!(key(take(desk, &taker, (item.id, id), "").await), "receipt-error-taken");
        let taken = page(&who).await;
        assert_eq!((taken[0].taker.as_deref(), taken[0].remark.as_str()), (Some("Lê An"), "Đủ"));

        // A hand-over names who takes; nobody else may.
        let refused = hand_over(desk, &giver, item.id, (account(77), "giám định")).await;
        assert_eq!(key(refused), "receipt-error-to");
        let refused = hand_over(desk, &giver, item.id, (giver.account, "giám định")).await;
        assert_eq!(key(refused), "receipt-error-own");
        let given = hand_over(desk, &giver, item.id, (taker.account, "giám định")).await.unwrap();
        let other = Handler { account: account(5), ..giver.clone() };
        assert_eq!(key(take(desk, &other, (item.id, given.id), "").await), "forbidden");
        let nil = uuid::Uuid::nil();
        assert_eq!(key(take(desk, &taker, (item.id, nil), "").await), "not found");
        take(desk, &taker, (item.id, given.id), "").await.unwrap();
        let acts = room.acts(&item).await;
        let signed: Vec<&str> =
            acts.iter().map(String::as_str).filter(|act| *act != "seen").collect();
        assert_eq!(signed, ["uploaded", "given", "taken-over", "given", "taken-over"]);

        for form in [Form::Docx, Form::Pdf] {
            let answer = printed(desk, &who, (item.id, given.id), form).await.unwrap();
            let bytes = to_bytes(answer.into_body(), 1 << 22).await.unwrap();
            assert!(bytes.len() > 1000, "{form:?}");
        }
        for column in ["remark", "content", "giver_name"] {
            let books = desk.db.begin_bookkeeping().await.unwrap();
            let change = Query::update()
                .table("evidence_receipt")
                .value(column, "khác")
                .and_where(Expr::col("id").eq(given.id))
                .to_owned();
            let changed = books.conn().execute(&change).await;
            assert!(changed.is_err(), "{}: {column} of a signed receipt", test.name);
        }
        assert!(db::audit::verify(&desk.db).await.unwrap().holds());
    }
}
