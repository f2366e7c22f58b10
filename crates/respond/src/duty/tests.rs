//! The duty page and the pages it leads to, over tables only: sound in both languages, within scope.

use db::testing::databases;
use web::testing::{faults, officer_of, who};
use web::{Role, Who};

use super::pages;
use crate::UdpListener;
use crate::alert;
use crate::testing::*;

#[tokio::test]
async fn the_duty_page_is_sound_and_counts_only_what_the_reader_may_see() {
    for test in databases().await {
        let desk = desk(&test, Vec::new());
        let empty = pages::duty(&desk, &who(Role::DutyOfficer)).await.unwrap();
        assert_eq!(faults(&empty), Vec::<String>::new(), "{}", test.name);
        let maker = Maker::new();
        let findings = vec![maker.finding(-3)];
        alert::receive(&desk.db, desk.directory.as_ref(), &desk.hub, findings, &[]).await.unwrap();
        let open = async |who: &Who| {
            let page = pages::duty(&desk, who).await.unwrap();
            assert_eq!(faults(&page), Vec::<String>::new());
            (page.open, page.alerts.len(), page.sources.points.len(), page.events.marks.len())
        };
        assert_eq!(open(&who(Role::DutyOfficer)).await, (1, 1, 1, 1));
        assert_eq!(open(&officer_of([agency(1)])).await, (1, 1, 1, 1));
        assert_eq!(open(&officer_of([agency(2)])).await, (0, 0, 0, 0));
    }
}

#[tokio::test]
async fn datagrams_that_were_lost_are_on_the_page_for_those_who_may_know() {
    for test in databases().await {
        let desk = desk(&test, Vec::new());
        let listener = |dropped| UdpListener {
            name: "udp".to_owned(),
            address: "0.0.0.0:5514".to_owned(),
            received: 12_345,
            dropped,
            last_dropped_at: dropped.map(|_| at(-1)),
            is_losing: dropped.is_some(),
            buffer_bytes: 212_992,
        };
        for dropped in [Some(678), None] {
            desk.hub.set_udp(vec![listener(dropped)]);
            let page = pages::duty(&desk, &who(Role::DutyOfficer)).await.unwrap();
            assert_eq!(page.udp, [listener(dropped)]);
            assert_eq!(faults(&page), Vec::<String>::new(), "{}", test.name);
        }
        let page = pages::duty(&desk, &officer_of([agency(1)])).await.unwrap();
        assert_eq!(page.udp, [], "an agency's officer does not see the platform");
    }
}
