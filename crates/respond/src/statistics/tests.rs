//! What is counted, and for whom.

use chrono::TimeDelta;
use db::testing::databases;
use event::Severity;
use web::Role;
use web::testing::{faults, officer_of, who};

use super::measure::{By, Clocks, Course, Group, measured};
use super::routes::{Asked, gathered};
use crate::alert::receive;
use crate::incident;
use crate::testing::*;

fn course(n: u128, detect: i64, contain: Option<i64>) -> Course {
    Course {
        agency: agency(n),
        severity: if n == 1 { Severity::High } else { Severity::Low },
        occurred_at: Some(at(0)),
        detected_at: at(detect),
        opened_at: at(detect + 5),
        contained_at: contain.map(at),
        closed_at: None,
        clocks: Clocks { met: 1, missed: 0, running: 2 },
    }
}

#[test]
fn medians_and_ninths_are_of_what_was_measured() {
    let courses: Vec<Course> =
        (1..=10).map(|n| course(1, n * 10, (n <= 4).then_some(n * 10 + n))).collect();
    let all = measured(&courses, By::Severity);
    assert_eq!(all.len(), 2);
    let (group, figures) = all[1];
    assert_eq!(group, Group::All);
    let detect = figures.detect.unwrap();
    assert_eq!((detect.median, detect.p90), (TimeDelta::minutes(50), TimeDelta::minutes(90)));
    let contain = figures.contain.unwrap();
    assert_eq!((contain.median, contain.p90), (TimeDelta::minutes(2), TimeDelta::minutes(4)));
    assert_eq!((contain.count, figures.recover), (4, None));
    assert_eq!((figures.incidents, figures.open), (10, 10));
    assert_eq!(figures.clocks, Clocks { met: 10, missed: 0, running: 20 });
    // Seen before it happened, by some clock: no time, not a negative one.
    let odd = [Course { detected_at: at(-3), ..course(1, 1, None) }];
    assert_eq!(measured(&odd, By::Month)[0].1.detect.unwrap().median, TimeDelta::zero());
}

#[test]
fn groups_part_by_agency_and_the_worst_severity_comes_first() {
    let courses = [course(2, 1, None), course(1, 1, None), course(2, 2, None)];
    let count = |by| -> Vec<u64> {
        measured(&courses, by).into_iter().map(|(_, figures)| figures.incidents).collect()
    };
    assert_eq!(count(By::Severity), [1, 2, 3]);
    assert_eq!(count(By::Agency), [1, 2, 3]);
    assert_eq!(count(By::Month), [3, 3]);
}

#[test]
fn a_clock_is_met_missed_or_running() {
    let mut clocks = Clocks::default();
    clocks.add(at(60), Some(at(59)), at(100));
    clocks.add(at(60), Some(at(61)), at(100));
    clocks.add(at(60), None, at(100));
    clocks.add(at(160), None, at(100));
    assert_eq!(clocks, Clocks { met: 1, missed: 2, running: 1 });
}

#[tokio::test]
async fn an_agency_counts_its_own_incidents_on_both_databases() {
    for test in databases().await {
        let desk = desk(&test, Vec::new());
        let maker = Maker::new();
        let finding = vec![maker.finding(-30)];
        let made = receive(&desk.db, desk.directory.as_ref(), &desk.hub, finding, &[]).await;
        incident::open(&desk, &analyst(), &made.unwrap().fresh, None).await.unwrap();
        let province = who(Role::Analyst);
        let page = gathered(&desk, &province, &Asked::default()).await.unwrap();
        assert_eq!((page.all.incidents, page.rows.len()), (1, 1), "{}", test.name);
        assert_eq!(page.all.met + page.all.missed, 0);
        assert!(page.all.running > 0, "a serious incident has clocks");
        assert!(faults(&page).is_empty(), "{:?}", faults(&page));
        let own = gathered(&desk, &officer_of([agency(1)]), &Asked::default()).await.unwrap();
        assert_eq!(own.all.incidents, 1);
        let other = gathered(&desk, &officer_of([agency(2)]), &Asked::default()).await.unwrap();
        assert_eq!((other.all.incidents, other.rows.len()), (0, 0));
    }
}
