//! Posts and their holders over both databases.

use chrono::{NaiveDate, TimeDelta};
use web::{AppError, Role, Who};

use super::model::{Appointment, PersonFilter, PostDraft, PostFilter, Vacating};
use super::{actions, store};
use crate::testing::{Desk, administrator, desks};

fn draft(desk: &Desk, agency: &str) -> PostDraft {
    PostDraft {
        agency: Some(desk.agency(agency)),
        title: "Đầu mối an ninh mạng".to_owned(),
        kind: "focal_point".to_owned(),
        duties: String::new(),
    }
}

fn someone(name: &str) -> Appointment {
    Appointment {
        name: name.to_owned(),
        phone: "0912 345 678".to_owned(),
        ..Appointment::default()
    }
}

async fn vacant(desk: &Desk, who: &Who) -> u64 {
    let filter = PostFilter { state: Some("vacant".to_owned()), ..PostFilter::default() };
    let conn = desk.registry.db.conn();
    let asked = (&filter, desk.registry.db.now());
    store::posts(conn, &who.scope, asked, (0, 10)).await.unwrap().1
}

#[tokio::test]
async fn a_post_passes_from_hand_to_hand_and_remembers() {
    for desk in desks().await {
        let who = administrator();
        let id = actions::create(&desk.registry, &who, draft(&desk, "so-y-te")).await.unwrap();
        assert_eq!(vacant(&desk, &who).await, 1, "{}", desk.test.name);
        actions::appoint(&desk.registry, &who, id, someone("Trần Thị Ánh")).await.unwrap();
        assert_eq!(vacant(&desk, &who).await, 0);
        desk.test.clock.advance(TimeDelta::days(100));
        let early = NaiveDate::from_ymd_opt(2026, 11, 1);
        let before = Appointment { from: early, ..someone("Sớm") };
        let refused = actions::appoint(&desk.registry, &who, id, before).await;
        assert!(matches!(refused, Err(AppError::Invalid(_))), "{refused:?}");
        let later = NaiveDate::from_ymd_opt(2030, 1, 1);
        let ahead = Appointment { from: later, ..someone("Sau") };
        assert!(actions::appoint(&desk.registry, &who, id, ahead).await.is_err());
        actions::appoint(&desk.registry, &who, id, someone("Lê Văn Bình")).await.unwrap();
        let conn = desk.registry.db.conn();
        let post = store::post_by_id(conn, &who.scope, id).await.unwrap().unwrap();
        let history = store::history_of_post(conn, &post).await.unwrap();
        assert_eq!(history.len(), 2);
        assert_eq!(history[1].to, Some(history[0].from));
        assert!(history[0].lasts(desk.registry.db.now()));

        let by_holder = PostFilter { q: Some("binh".to_owned()), ..PostFilter::default() };
        let asked = (&by_holder, desk.registry.db.now());
        assert_eq!(store::posts(conn, &who.scope, asked, (0, 10)).await.unwrap().1, 1);
        let gone = PostFilter { q: Some("anh".to_owned()), ..PostFilter::default() };
        let asked = (&gone, desk.registry.db.now());
        assert_eq!(store::posts(conn, &who.scope, asked, (0, 10)).await.unwrap().1, 0);
        actions::vacate(&desk.registry, &who, id, Vacating::default()).await.unwrap();
        assert_eq!(desk.last_action().await, "post.vacate");
        let again = actions::vacate(&desk.registry, &who, id, Vacating::default()).await;
        assert!(matches!(again, Err(AppError::Conflict(_))), "{again:?}");
        actions::close(&desk.registry, &who, id).await.unwrap();
        assert!(actions::appoint(&desk.registry, &who, id, someone("Ai")).await.is_err());
    }
}

#[tokio::test]
async fn another_agency_knows_neither_post_nor_person() {
    for desk in desks().await {
        let who = administrator();
        let id = actions::create(&desk.registry, &who, draft(&desk, "so-y-te")).await.unwrap();
        actions::appoint(&desk.registry, &who, id, someone("Trần Thị Ánh")).await.unwrap();
        let conn = desk.registry.db.conn();
        let (people, _) =
            store::people(conn, &who.scope, &PersonFilter::default(), (0, 10)).await.unwrap();
        let (own, other) = (desk.officer("so-y-te"), desk.officer("so-tai-chinh"));
        assert!(store::post_by_id(conn, &own.scope, id).await.unwrap().is_some());
        assert!(store::post_by_id(conn, &other.scope, id).await.unwrap().is_none());
        assert!(store::person_by_id(conn, &other.scope, people[0].id).await.unwrap().is_none());
        let all = PersonFilter::default();
        assert_eq!(store::people(conn, &other.scope, &all, (0, 10)).await.unwrap().1, 0);
        for result in [
            actions::update(&desk.registry, &other, id, draft(&desk, "so-y-te")).await,
            actions::appoint(&desk.registry, &other, id, someone("Kẻ lạ")).await,
            actions::vacate(&desk.registry, &other, id, Vacating::default()).await,
            actions::close(&desk.registry, &other, id).await,
        ] {
            assert!(matches!(result, Err(AppError::NotFound)), "{result:?}");
        }
        let there = actions::create(&desk.registry, &other, draft(&desk, "so-y-te")).await;
        assert!(matches!(there, Err(AppError::Invalid(_))), "no post in another's agency");
        let mine = actions::create(&desk.registry, &other, draft(&desk, "so-tai-chinh")).await;
        let theirs = Appointment { person: Some(people[0].id), ..Appointment::default() };
        let stolen = actions::appoint(&desk.registry, &other, mine.unwrap(), theirs).await;
        assert!(matches!(stolen, Err(AppError::Invalid(_))), "{stolen:?}");
        assert!(!Role::Partner.may(web::Permission::PostChange));
    }
}
