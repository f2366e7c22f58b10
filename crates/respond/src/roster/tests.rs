//! Who is on call, and the handover: signed by two, kept as it is.

use chrono::{NaiveTime, TimeDelta};
use db::testing::{TestDatabase, databases};
use event::AccountId;
use uuid::Uuid;
use web::identity::{console, people};
use web::notify::Roster as _;
use web::testing::{faults, officer_of, who};
use web::{Role, Who};

use super::actions::{self, Crew, Times};
use super::model::{Order, day_of, moment};
use super::{DutyRoster, card, handover, routes, store};
use crate::actor::Handler;
use crate::alert;
use crate::desk::Desk;
use crate::error::RespondError;
use crate::testing::*;

/// Three who can be on duty, and one who cannot.
async fn crew(test: &TestDatabase) -> Vec<Who> {
    let roles = [
        ("an", Role::DutyOfficer),
        ("binh", Role::Analyst),
        ("chi", Role::DutyOfficer),
        ("dung", Role::Leader),
    ];
    for (name, role) in roles {
        let password = "tre xanh ben lang".to_owned();
        console::add(&test.db, name, name, role, password).await.unwrap();
    }
    let known = people(&test.db).await.unwrap();
    let one = |(name, role): &(&str, Role)| {
        let person = known.iter().find(|person| person.name == *name).unwrap();
        let scope = event::Scope::province(person.account);
        Who { account: person.account, name: person.name.clone(), scope, ..who(*role) }
    };
    roles.iter().map(one).collect()
}

fn of(first: &Who, second: Option<&Who>) -> Crew {
    Crew {
        first: first.account,
        second: second.map(|who| who.account),
        substitute: None,
        phone: "0203 000 113".to_owned(),
        note: String::new(),
    }
}

fn times(desk: &Desk, hours: (u32, u32), days: i64) -> Times {
    let at = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
    Times { day: day_of(desk.db.now()), from: at(hours.0), to: at(hours.1), days }
}

fn field(result: Result<impl std::fmt::Debug, RespondError>) -> &'static str {
    match result {
        Err(RespondError::Field { field, .. }) => field,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_roster_says_who_answers_and_where_nobody_does() {
    for test in databases().await {
        let desk = desk(&test, Vec::new());
        let crew = crew(&test).await;
        let me = Handler::from(&crew[0]);
        let roster = DutyRoster(test.db.clone());
        let empty = card(&desk, &crew[0]).await.unwrap();
        assert!(empty.now.is_none() && empty.gap.is_some(), "an empty roster is a hole");
        assert!(roster.on_call(test.db.now()).await.unwrap().first.is_empty());

        // The clock stands at 14:00 in Vietnam.
        let day = of(&crew[0], Some(&crew[1]));
        let made = actions::add(&desk, &me, day, times(&desk, (7, 19), 3)).await.unwrap();
        assert_eq!(made, 3);
        let night = || of(&crew[2], None);
        actions::add(&desk, &me, night(), times(&desk, (19, 7), 1)).await.unwrap();
        let now = card(&desk, &officer_of([agency(1)])).await.unwrap();
        let shown = now.now.unwrap();
        assert_eq!((shown.answers.as_str(), shown.phone.as_str()), ("an", "0203 000 113"));
        assert_eq!(shown.second.as_deref(), Some("binh"));
        assert_eq!(now.next.unwrap().answers, "chi");
        let gap = now.gap.unwrap();
        assert_eq!((gap.from_at - test.db.now()).num_hours(), 29, "tomorrow's night");

        let overlap = actions::add(&desk, &me, night(), times(&desk, (18, 20), 1)).await;
        assert_eq!(field(overlap), "from");
        let stranger = actions::add(&desk, &me, of(&crew[3], None), times(&desk, (1, 2), 1)).await;
        assert_eq!(field(stranger), "first", "a leader handles no alerts");
        let both = of(&crew[0], Some(&crew[0]));
        assert_eq!(field(actions::add(&desk, &me, both, times(&desk, (1, 2), 1)).await), "second");

        // Someone stands in.
        let shift =
            store::between(test.db.conn(), test.db.now(), test.db.now() + TimeDelta::hours(1))
                .await
                .unwrap()
                .remove(0);
        let stands_in = Crew { substitute: Some(crew[2].account), ..of(&crew[0], Some(&crew[1])) };
        actions::change(&desk, &me, shift.id, stands_in).await.unwrap();
        let on_call = roster.on_call(test.db.now()).await.unwrap();
        assert_eq!(on_call.first, [crew[2].account].into());
        assert_eq!(on_call.second, [crew[1].account].into());
        assert_eq!(field(actions::remove(&desk, &me, shift.id).await), "first", "it has begun");
        let nothing = actions::remove(&desk, &me, Uuid::nil()).await;
        assert!(matches!(nothing, Err(RespondError::NotFound)));

        for reader in [&crew[0], &officer_of([agency(1)])] {
            let page = routes::page(&desk, reader, None).await.unwrap();
            assert_eq!(faults(&page), Vec::<String>::new(), "{}", test.name);
            assert_eq!(page.people.is_empty(), reader.role == Role::AgencyOfficer);
        }
    }
}

#[tokio::test]
async fn a_week_is_repeated_where_there_is_room() {
    for test in databases().await {
        let desk = desk(&test, Vec::new());
        let crew = crew(&test).await;
        let me = Handler::from(&crew[0]);
        let today = day_of(test.db.now());
        actions::add(&desk, &me, of(&crew[0], None), times(&desk, (7, 19), 1)).await.unwrap();
        actions::add(&desk, &me, of(&crew[1], None), times(&desk, (19, 7), 1)).await.unwrap();
        let twice = actions::repeat(&desk, &me, (today, 2), Order::Turning).await.unwrap();
        assert_eq!(twice, (4, 0));
        let more = actions::repeat(&desk, &me, (today, 3), Order::Same).await.unwrap();
        assert_eq!(more, (2, 4), "what stands stays");
        let firsts = async |weeks: i64| -> Vec<AccountId> {
            let from = moment(today, NaiveTime::MIN) + TimeDelta::weeks(weeks);
            let found = store::between(test.db.conn(), from, from + TimeDelta::days(1)).await;
            found.unwrap().iter().map(|shift| shift.first).collect()
        };
        let (a, b) = (crew[0].account, crew[1].account);
        assert_eq!(firsts(0).await, [a, b]);
        assert_eq!(firsts(1).await, [b, a]);
        assert_eq!(firsts(2).await, [a, b]);
        let empty =
            actions::repeat(&desk, &me, (today + TimeDelta::weeks(9), 1), Order::Same).await;
        assert_eq!(field(empty), "week");
    }
}

#[tokio::test]
async fn a_handover_is_signed_by_two_and_never_changes_after() {
    for test in databases().await {
        let desk = desk(&test, Vec::new());
        let crew = crew(&test).await;
        let (leaver, comer) = (Handler::from(&crew[0]), Handler::from(&crew[2]));
        actions::add(&desk, &leaver, of(&crew[0], None), times(&desk, (7, 19), 1)).await.unwrap();
        let maker = Maker::new();
        let findings = vec![maker.finding(-3)];
        alert::receive(&desk.db, desk.directory.as_ref(), &desk.hub, findings, &[]).await.unwrap();
        assert_eq!(field(handover::leave(&desk, &leaver, " ").await), "notes");
        let draft = handover::draft(&desk, &leaver).await.unwrap();
        assert_eq!(faults(&draft), Vec::<String>::new());
        let id = handover::leave(&desk, &leaver, "Theo dõi cổng DVC.").await.unwrap();
        let waits = card(&desk, &crew[2]).await.unwrap().waiting;
        assert_eq!(waits, Some(id.to_string()));
        assert_eq!(card(&desk, &officer_of([agency(1)])).await.unwrap().waiting, None);

        // What comes later is not in it.
        let findings = vec![maker.finding(200)];
        test.clock.advance(TimeDelta::hours(6));
        alert::receive(&desk.db, desk.directory.as_ref(), &desk.hub, findings, &[]).await.unwrap();
        let read = handover::page(&desk, comer.account, id).await.unwrap();
        assert_eq!((read.standing.open_alerts, read.standing.alerts_made), (1, 1));
        assert_eq!((read.from_at.timestamp() - test.db.now().timestamp()) / 3600, -13, "07:00");
        assert!(read.may_take);
        assert_eq!(field(handover::take(&desk, &leaver, id, "").await), "remark", "not one's own");
        handover::take(&desk, &comer, id, "Đã đọc.").await.unwrap();
        assert_eq!(field(handover::take(&desk, &comer, id, "").await), "remark", "once");
        let kept = handover::page(&desk, comer.account, id).await.unwrap();
        assert_eq!((kept.digest.len(), kept.comer.as_deref()), (64, Some("chi")));
        assert_eq!(faults(&kept), Vec::<String>::new());
        assert_eq!(faults(&handover::list(&desk).await.unwrap()), Vec::<String>::new());

        for change in [
            "UPDATE duty_handover SET notes = 'x'",
            "UPDATE duty_handover SET remark = 'x'",
            "DELETE FROM duty_handover",
        ] {
            let tx = test.db.begin_bookkeeping().await.unwrap();
            let refused = sea_orm::ConnectionTrait::execute_unprepared(tx.conn(), change).await;
            assert!(refused.is_err(), "{}: {change}", test.name);
        }
    }
}
