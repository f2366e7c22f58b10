//! Who is told, by what, when, in which words.

use axum::extract::State as Held;
use db::testing::databases;
use event::{Level, Severity};
use uuid::Uuid;

use super::super::model::Rule;
use super::super::preference::Preference;
use super::super::{Audience, Channel, Kind, Letter, Notice};
use super::super::{queue, raise, routes, rules, settle, store};
use super::{Office, agency, alert, down};
use crate::paging::Page;
use crate::{AppError, Path, Role};

#[tokio::test]
async fn quiet_hours_hold_for_sleepers_not_for_the_shift_nor_for_what_burns() {
    for test in databases().await {
        let all = [("truc", Role::DutyOfficer, None), ("ngu", Role::AgencyOfficer, Some(2))];
        let mut office = Office::open(test, &all).await;
        office.on_call.first = [office.people["truc"]].into();
        let night = (22 * 60, 6 * 60 + 30);
        for name in ["truc", "ngu"] {
            let email = format!("{name}@tinh.example");
            let wants = Preference { email, quiet: night, ..Preference::default() };
            office.wants(name, &wants).await;
        }
        let postman = office.postman();
        // 23:00 in Vietnam.
        office.pass(9 * 60);
        let incident = Notice::new(Kind::IncidentOpened, "1", "/incidents/1")
            .number("SC-2026-0001")
            .weighed(Severity::High, None)
            .of_agency(agency(2));
        let over = Notice::new(Kind::AlertOpened, "2", "/alerts/2")
            .number("CB-2026-00002")
            .weighed(Severity::Critical, Level::new(4))
            .of_agency(agency(2));
        office.raise(&[incident, over]).await;
        postman.look().await.unwrap();
        let to = |name: &str| {
            let address = format!("{name}@tinh.example");
            office.mail.told().iter().filter(|(to, _)| *to == address).count()
        };
        assert_eq!((to("truc"), to("ngu")), (2, 1), "what burns wakes, the rest waits");
        assert_eq!(office.unread("ngu").await, 2, "the bell makes no noise");
        office.pass(7 * 60 + 29);
        postman.look().await.unwrap();
        assert_eq!(to("ngu"), 1);
        office.pass(1);
        postman.look().await.unwrap();
        assert_eq!((to("truc"), to("ngu")), (2, 2));
    }
}

#[tokio::test]
async fn nobody_is_told_of_what_they_may_not_see_and_the_chain_climbs() {
    for test in databases().await {
        let all = [
            ("truc", Role::DutyOfficer, None),
            ("hai", Role::AgencyHead, Some(2)),
            ("mot", Role::AgencyHead, Some(1)),
            ("ba", Role::AgencyHead, Some(3)),
            ("lanh-dao", Role::Leader, None),
            ("doi-tac", Role::Partner, Some(2)),
        ];
        let office = Office::open(test, &all).await;
        let postman = office.postman();
        let told = async |kind: Kind| {
            let notice = Notice::new(kind, "1", "/incidents/1")
                .number("SC-2026-0001")
                .weighed(Severity::Medium, None)
                .of_agency(agency(2));
            office.raise(&[notice]).await;
            postman.look().await.unwrap();
            let taken = std::mem::take(&mut *office.mail.taken.lock());
            let name = |one: &Letter| one.to.split('@').next().unwrap().to_owned();
            let mut names: Vec<String> = taken.iter().map(name).collect();
            names.sort();
            names.join(" ")
        };
        assert_eq!(told(Kind::DeadlineNear).await, "truc");
        assert_eq!(told(Kind::DeadlineClose).await, "hai truc");
        assert_eq!(told(Kind::DeadlineOver).await, "hai lanh-dao mot truc");
        assert_eq!(told(Kind::DeadlineOver).await, "", "the same is told once");
        assert_eq!(office.unread("ba").await + office.unread("doi-tac").await, 0);
    }
}

#[tokio::test]
async fn the_second_on_call_is_woken_only_when_nobody_took_it_up() {
    for test in databases().await {
        let all = [("truc", Role::DutyOfficer, None), ("nhi", Role::DutyOfficer, None)];
        let mut office = Office::open(test, &all).await;
        office.on_call.first = [office.people["truc"]].into();
        office.on_call.second = [office.people["nhi"]].into();
        let postman = office.postman();
        office.raise(&[alert(1, Severity::Critical), alert(2, Severity::Critical)]).await;
        postman.look().await.unwrap();
        assert_eq!((office.unread("truc").await, office.unread("nhi").await), (2, 0));
        let books = office.test.db.begin_bookkeeping().await.unwrap();
        let one = ["1".to_owned()];
        settle(books.conn(), Kind::AlertOpened, &one, books.now()).await.unwrap();
        books.commit().await.unwrap();
        office.pass(14);
        postman.look().await.unwrap();
        assert_eq!(office.unread("nhi").await, 0);
        office.pass(1);
        postman.look().await.unwrap();
        assert_eq!(office.unread("nhi").await, 1);
        let second = office.sms.told();
        let numbers: Vec<&str> = second
            .iter()
            .filter(|(to, _)| to.ends_with("nhi"))
            .map(|(_, subject)| subject.rsplit(' ').next().unwrap())
            .collect();
        assert_eq!(numbers, ["CB-2026-00002"]);
    }
}

#[tokio::test]
async fn what_is_rolled_back_was_never_told_and_what_no_rule_names_is_not_kept() {
    for test in databases().await {
        let office = Office::open(test, &[("truc", Role::DutyOfficer, None)]).await;
        let tx = office.test.db.begin().await.unwrap();
        raise(tx.conn(), &office.test.db, &[alert(1, Severity::High)]).await.unwrap();
        tx.rollback().await.unwrap();
        office.raise(&[alert(2, Severity::Low)]).await;
        assert!(!store::has_unspread(office.test.db.conn()).await.unwrap());
        office.postman().look().await.unwrap();
        assert_eq!(office.unread("truc").await, 0);
    }
}

#[tokio::test]
async fn what_leaves_is_neutral_and_in_the_readers_language() {
    let office =
        Office::open(db::testing::sqlite().await, &[("truc", Role::DutyOfficer, None)]).await;
    let wants = Preference {
        email: "truc@tinh.example".to_owned(),
        lang: crate::Lang::En,
        ..Preference::default()
    };
    office.wants("truc", &wants).await;
    let postman = office.postman();
    office.raise(&[alert(7, Severity::Critical)]).await;
    postman.look().await.unwrap();
    let letter = office.mail.taken.lock().pop().unwrap();
    assert_eq!(letter.subject, "[Lũy Tre] Critical · New alert CB-2026-00007");
    let lines: Vec<&str> = letter.text.lines().collect();
    assert_eq!(lines[..2], ["Critical · New alert CB-2026-00007", "System of level 3"]);
    assert!(lines[4].starts_with("https://soc.tinh.example/notices/"), "{}", letter.text);
    assert!(letter.text.contains("TLP:GREEN"));
}

#[tokio::test]
async fn a_muted_channel_is_silent_and_a_bell_is_not() {
    let office =
        Office::open(db::testing::sqlite().await, &[("truc", Role::DutyOfficer, None)]).await;
    let muted = ["alert.opened/email".to_owned(), "alert.opened/app".to_owned()];
    let email = "truc@tinh.example".to_owned();
    let wants = Preference { email, muted: muted.into(), ..Preference::default() };
    office.wants("truc", &wants).await;
    office.raise(&[alert(1, Severity::Critical)]).await;
    assert_eq!(office.postman().look().await.unwrap(), 0);
    assert_eq!(office.unread("truc").await, 1);
}

#[tokio::test]
async fn a_notice_opens_for_those_it_was_for_only() {
    let all = [("truc", Role::DutyOfficer, None), ("khach", Role::Leader, None)];
    let office = Office::open(db::testing::sqlite().await, &all).await;
    let postman = office.postman();
    office.raise(&[alert(1, Severity::High)]).await;
    postman.look().await.unwrap();
    let db = &office.test.db;
    let rung = store::delivery::rung(db.conn(), office.people["truc"], true, Page::default());
    let id = rung.await.unwrap().0[0].notice_id;
    let open = async |name: &str, id: Uuid| {
        routes::open(Held(postman.clone()), office.who(name), Path(id)).await
    };
    assert!(matches!(open("khach", id).await, Err(AppError::NotFound)));
    assert!(matches!(open("truc", Uuid::nil()).await, Err(AppError::NotFound)));
    assert_eq!(office.unread("truc").await, 1);
    open("truc", id).await.unwrap();
    assert_eq!(office.unread("truc").await, 0);
}

#[tokio::test]
async fn rules_are_data() {
    for test in databases().await {
        let office = Office::open(test, &[("kiem-toan", Role::Auditor, None)]).await;
        let books = office.test.db.begin_bookkeeping().await.unwrap();
        let shipped = store::setup::rules(books.conn()).await.unwrap();
        assert_eq!(shipped.len(), 51, "a shipped rule cannot be read");
        let rule = Rule {
            id: "mine".to_owned(),
            kind: Kind::AlertOpened,
            severity_min: Severity::Low,
            level_min: 3,
            audience: Audience::Role(Role::Auditor),
            chain: true,
            channels: [Channel::App].into(),
            after_min: 0,
            is_on: true,
        };
        store::setup::put_rule(books.conn(), &rule).await.unwrap();
        store::setup::put_rule(books.conn(), &rule).await.unwrap();
        books.commit().await.unwrap();
        let small = alert(2, Severity::Low).weighed(Severity::Low, Level::new(2));
        office.raise(&[alert(1, Severity::Low), small]).await;
        office.postman().look().await.unwrap();
        assert_eq!(office.unread("kiem-toan").await, 1);
        let books = office.test.db.begin_bookkeeping().await.unwrap();
        assert!(store::setup::drop_rule(books.conn(), "mine").await.unwrap());
        assert!(!store::setup::drop_rule(books.conn(), "mine").await.unwrap());
        books.commit().await.unwrap();
    }
}

#[tokio::test]
async fn the_pages_are_sound() {
    let office =
        Office::open(db::testing::sqlite().await, &[("truc", Role::DutyOfficer, None)]).await;
    let postman = office.postman();
    let none = |page: Vec<String>| assert_eq!(page, Vec::<String>::new());
    none(routes::faults_of(&postman, &office.who("truc")).await);
    office.mail.fail(Some(down()));
    office.raise(&[alert(1, Severity::Critical)]).await;
    postman.look().await.unwrap();
    none(routes::faults_of(&postman, &office.who("truc")).await);
    none(queue::faults_of(&postman, &office.who("truc")).await);
    none(rules::faults_of(&postman).await);
}
