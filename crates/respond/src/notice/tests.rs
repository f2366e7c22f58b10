//! The six questions against both databases: once, of one's own agency, and the formal report filled.

use db::testing::databases;
use web::testing::{faults, officer_of, who};
use web::todo::{TodoSource as _, Urgency};
use web::{Lang, Role};

use super::actions::{self, Incoming};
use super::routes::{asked, received};
use super::{Notice, store};
use crate::actor::Handler;
use crate::error::RespondError;
use crate::incident::{self, IncidentWork};
use crate::obligation::{self, Circumstance};
use crate::testing::*;

fn incoming(key: &str) -> Incoming {
    Incoming {
        key: key.to_owned(),
        agency: agency(1),
        system: Some(system(1)),
        occurred: Some(at(-90)),
        detected: Some(at(-5)),
        circumstances: vec![Circumstance::Disruption],
        notice: Notice {
            what: "Cổng bị thay trang chủ\nkhông vào được trang quản trị".to_owned(),
            place: "máy chủ ở phòng một cửa".to_owned(),
            affected: "người dân không nộp được hồ sơ".to_owned(),
            done: "đã rút dây mạng".to_owned(),
            contact: "chị Hoa 0912 000 111".to_owned(),
        },
    }
}

#[tokio::test]
async fn a_report_by_phone_opens_one_incident_however_often_it_is_sent() {
    for test in databases().await {
        let desk = desk(&test, Vec::new());
        let officer = officer(agency(1));
        let tries = (0..4).map(|_| actions::take(&desk, &officer, incoming("khoa-0001")));
        let ids: Vec<_> = futures::future::join_all(tries).await;
        let first = *ids[0].as_ref().unwrap();
        assert!(ids.iter().all(|id| id.as_ref().is_ok_and(|id| *id == first)), "{ids:?}");
        let other = actions::take(&desk, &officer, incoming("khoa-0002")).await.unwrap();
        assert_ne!(other, first);
        let conn = desk.db.conn();
        assert_eq!(incident::open_count(conn, &officer.scope).await.unwrap(), 2, "{}", test.name);
        let opened = incident::get(conn, &officer.scope, first).await.unwrap();
        assert_eq!(opened.title, "Cổng bị thay trang chủ");
        assert_eq!((opened.occurred_at, opened.detected_at), (Some(at(-90)), at(-5)));
        let owed = obligation::open_reports(&desk, first).await.unwrap();
        assert!(owed.contains(&"initial".to_owned()) && owed.contains(&"full".to_owned()));
        assert!(store::of_incident(conn, first).await.unwrap().is_some());
        let who = officer_of([agency(1)]);
        let receipt = received(&desk, &who, first).await.unwrap();
        assert_eq!(receipt.number, opened.number);
        assert_eq!((faults(&receipt), faults(&asked(&desk, &who))), (Vec::new(), Vec::new()));
        assert!(db::audit::verify(&desk.db).await.unwrap().holds());
    }
}

#[tokio::test]
async fn nobody_reports_for_others_or_in_the_future_or_with_secrets() {
    for test in databases().await {
        let desk = desk(&test, Vec::new());
        let officer = officer(agency(2));
        let own = || Incoming { agency: agency(2), system: None, ..incoming("khoa-0003") };
        let stamped =
            Notice { what: "văn bản TỐI MẬT bị lộ".to_owned(), ..incoming("x").notice };
        let wrong = [
            ("agency", incoming("khoa-0003")),
            ("system", Incoming { system: Some(system(1)), ..own() }),
            ("detected", Incoming { detected: Some(at(600)), ..own() }),
            ("occurred", Incoming { occurred: Some(at(-1)), ..own() }),
            ("key", Incoming { key: "ngan".to_owned(), ..own() }),
            ("what", Incoming { notice: stamped, ..own() }),
        ];
        for (name, incoming) in wrong {
            let refused = actions::take(&desk, &officer, incoming).await;
            let Err(RespondError::Field { field, .. }) = refused else { panic!("{name} taken") };
            assert_eq!(field, name);
        }
        let conn = desk.db.conn();
        assert_eq!(incident::open_count(conn, &officer.scope).await.unwrap(), 0);
        let theirs = crate::testing::officer(agency(1));
        let theirs = actions::take(&desk, &theirs, incoming("khoa-0004")).await.unwrap();
        let reader = officer_of([agency(2)]);
        assert!(matches!(received(&desk, &reader, theirs).await, Err(RespondError::NotFound)));
    }
}

#[tokio::test]
async fn the_centre_reads_the_answers_in_the_room_and_has_it_on_its_list_of_work() {
    for test in databases().await {
        let desk = desk(&test, Vec::new());
        let id = actions::take(&desk, &officer(agency(1)), incoming("khoa-0005")).await.unwrap();
        let duty = who(Role::DutyOfficer);
        let room = incident::page(&desk, &duty, id).await.unwrap();
        let card = room.notice.clone().unwrap();
        assert_eq!((card.author.as_str(), card.phone.as_deref()), ("Lê An", Some("0912000111")));
        assert_eq!(faults(&room), Vec::<String>::new());

        let work = IncidentWork(desk.clone());
        let todos = work.todos(&duty).await.unwrap();
        let [todo] = todos.as_slice() else { panic!("{todos:?}") };
        assert!(todo.what.text(Lang::Vi).starts_with("Nhận xử lý sự cố SC-"));
        assert_eq!(todo.helper.as_deref(), Some("chị Hoa 0912 000 111"));
        assert_eq!((todo.urgency, todo.due.is_some()), (Urgency::Now, true));
        for other in [officer_of([agency(1)]), who(Role::Leader)] {
            assert!(work.todos(&other).await.unwrap().is_empty());
        }
        incident::assign(&desk, &Handler::from(&duty), id, Some(duty.account)).await.unwrap();
        let todos = work.todos(&duty).await.unwrap();
        assert!(todos[0].what.text(Lang::Vi).starts_with("Báo cáo đúng hạn: "), "{todos:?}");
        assert_eq!(todos[0].urgency, Urgency::Now, "to be told at once");
        let mut another = who(Role::Analyst);
        another.account = account(77);
        assert!(work.todos(&another).await.unwrap().is_empty(), "led by someone else");
    }
}
