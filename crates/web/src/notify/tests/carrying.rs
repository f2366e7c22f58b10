//! How often: gateways that fail, floods, and the end of trying.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use db::testing::databases;
use event::Severity;
use uuid::Uuid;

use super::super::model::State;
use super::super::store::{self, delivery::Again};
use super::super::{CarryError, Channel, Notice};
use super::{Office, alert, down};
use crate::Role;
use crate::paging::Page;

#[tokio::test]
async fn a_gateway_down_for_an_hour_loses_and_doubles_nothing() {
    for test in databases().await {
        let office = Office::open(test, &[("truc", Role::DutyOfficer, None)]).await;
        let mut postman = office.postman();
        office.mail.fail(Some(down()));
        for n in 0..12 {
            office.raise(&[alert(n, Severity::High), alert(n, Severity::High)]).await;
            assert_eq!(postman.look().await.unwrap(), 0);
            office.pass(5);
            if n == 6 {
                // The machine restarts in the middle; another node would have to wait for the lease.
                postman = office.postman();
                postman.begin().await.unwrap();
            }
        }
        let tried = office.mail.tried.lock().len();
        assert!((8..=12).contains(&tried), "{tried} tries in an hour: the waits grow to 5 minutes");
        assert_eq!(office.mail.told(), Vec::new());
        office.mail.fail(None);
        for _ in 0..3 {
            office.pass(5);
            postman.look().await.unwrap();
        }
        let mut told: Vec<String> =
            office.mail.told().into_iter().map(|(_, subject)| subject).collect();
        told.sort();
        let expected: Vec<String> =
            (0..12).map(|n| format!("[Lũy Tre] Cao · Cảnh báo mới CB-2026-{n:05}")).collect();
        assert_eq!(told, expected, "{}", office.test.name);
        let ids: BTreeSet<Uuid> = office.mail.taken.lock().iter().map(|one| one.id).collect();
        assert_eq!(ids.len(), 12);
        assert_eq!(office.unread("truc").await, 12);
    }
}

#[tokio::test]
async fn what_may_have_been_taken_is_tried_again_as_the_same_and_a_refusal_stops_nobody_else() {
    for test in databases().await {
        let all = [("truc", Role::DutyOfficer, None), ("tam", Role::DutyOfficer, None)];
        let office = Office::open(test, &all).await;
        let postman = office.postman();
        let unsure = CarryError::Down { why: "no answer in time".to_owned(), unsure: true };
        office.mail.fail(Some(unsure));
        office.raise(&[alert(1, Severity::High)]).await;
        postman.look().await.unwrap();
        office.raise(&[alert(2, Severity::High)]).await;
        postman.look().await.unwrap();
        let first = office.mail.tried.lock().clone();
        assert_eq!(first.len(), 1, "a channel that failed rests");
        office.mail.fail(None);
        office.pass(1);
        assert_eq!(postman.look().await.unwrap(), 4);
        let taken = office.mail.taken.lock().clone();
        assert!(taken.iter().any(|one| one.id == first[0].id && one.text == first[0].text));
        assert_eq!(taken.len(), 4);

        office.mail.fail(Some(CarryError::Refused("550 no such user".to_owned())));
        office.raise(&[alert(3, Severity::High)]).await;
        postman.look().await.unwrap();
        assert_eq!(office.mail.tried.lock().len(), 1 + 4 + 2, "both were tried");
        office.mail.fail(None);
        assert_eq!(postman.look().await.unwrap(), 0, "each waits a minute");
        office.pass(1);
        assert_eq!(postman.look().await.unwrap(), 2);
    }
}

#[tokio::test]
async fn a_flood_is_gathered_and_nothing_of_it_is_lost() {
    for test in databases().await {
        let office = Office::open(test, &[("truc", Role::DutyOfficer, None)]).await;
        let postman = office.postman();
        let flood: Vec<Notice> = (0..40).map(|n| alert(n, Severity::Critical)).collect();
        office.raise(&flood).await;
        postman.look().await.unwrap();
        let sms = office.sms.taken.lock().clone();
        assert_eq!(sms.len(), 6);
        let last = sms.last().unwrap();
        let expected = "[Lũy Tre] 35 thông báo mới, nặng nhất: Nghiêm trọng \
                        https://soc.tinh.example/notices";
        assert_eq!(last.short, expected);
        office.raise(&[alert(90, Severity::Critical)]).await;
        postman.look().await.unwrap();
        assert_eq!(office.sms.taken.lock().len(), 6, "past the limit one comes each ten minutes");
        office.pass(10);
        postman.look().await.unwrap();
        assert_eq!(office.sms.taken.lock().len(), 7);
        let conn = office.test.db.conn();
        let left = store::delivery::count(conn, Channel::Sms, State::Waiting).await.unwrap();
        let sent = store::delivery::count(conn, Channel::Sms, State::Sent).await.unwrap();
        assert_eq!((left, sent), (0, 41));
        assert_eq!(office.unread("truc").await, 41);
    }
}

#[tokio::test]
async fn it_is_given_up_after_the_stated_time_and_sent_again_when_asked() {
    for test in databases().await {
        let office = Office::open(test, &[("truc", Role::DutyOfficer, None)]).await;
        let postman = office.postman();
        office.mail.fail(Some(down()));
        office.raise(&[alert(1, Severity::High)]).await;
        for _ in 0..49 {
            postman.look().await.unwrap();
            office.pass(30);
        }
        postman.look().await.unwrap();
        office.mail.fail(None);
        office.pass(10);
        assert_eq!(postman.look().await.unwrap(), 0, "it was given up");
        let conn = office.test.db.conn();
        let page = Page::default();
        let (rows, total) = store::delivery::queue(conn, page).await.unwrap();
        assert_eq!((rows[0].state.as_str(), total), ("failed", 1));
        assert_eq!(rows[0].error, "connection refused");
        let tx = office.test.db.begin_bookkeeping().await.unwrap();
        let when = (tx.now(), TimeDelta::hours(24));
        let count = store::delivery::again(tx.conn(), Again::One(rows[0].id), when).await;
        assert_eq!(count.unwrap(), 1);
        tx.commit().await.unwrap();
        assert_eq!(postman.look().await.unwrap(), 1);
        assert_eq!(office.mail.told().len(), 1);

        // A platform that was off for days tries before it gives up.
        office.raise(&[alert(2, Severity::High)]).await;
        office.mail.fail(Some(down()));
        office.pass(1);
        postman.look().await.unwrap();
        let fresh = office.postman();
        office.pass(3 * 24 * 60);
        office.mail.fail(None);
        office.raise(&[alert(3, Severity::High)]).await;
        fresh.begin().await.unwrap();
        fresh.look().await.unwrap();
        let last = office.mail.told().pop().unwrap().1;
        assert!(last.ends_with("CB-2026-00003"), "{last}");
    }
}
