//! Views: whose they are, what they count, which one opens a list.

use std::sync::Arc;

use db::testing::{databases, sqlite};
use event::Finding;
use web::testing::{faults, officer_of, who};
use web::{By, Role, Who};

use super::model::{Draft, Queue};
use super::{actions, default_of, of, store};
use crate::alert::{opened_list, receive};
use crate::error::RespondError;
use crate::testing::*;

fn draft(name: &str, query: &str, shared: bool) -> Draft {
    Draft { name: name.to_owned(), query: query.to_owned(), shared }
}

fn someone(n: u128, role: Role) -> Who {
    let mut one = who(role);
    one.account = account(n);
    one.scope = event::Scope::province(one.account);
    one
}

#[tokio::test]
async fn one_s_own_are_one_s_own_and_shared_ones_are_the_centre_s() {
    for test in databases().await {
        let desk = desk(&test, Vec::new());
        let (minh, lead) = (someone(1, Role::Analyst), someone(2, Role::Coordinator));
        let own = draft("  Của   tôi ", "order=newest&severity=high&page=4&xyz=1", false);
        let own = actions::keep(&desk, &minh, Queue::Alerts, (own, false)).await.unwrap();
        assert_eq!(
            (own.name.as_str(), own.query.as_str()),
            ("Của tôi", "severity=high&order=newest")
        );
        let all = draft("Cấp 4 trở lên", "level=4", true);
        let refused = actions::keep(&desk, &minh, Queue::Alerts, (all.clone(), false)).await;
        assert!(matches!(refused, Err(RespondError::Field { field: "shared", .. })));
        let all = actions::keep(&desk, &lead, Queue::Alerts, (all, true)).await.unwrap();
        let names = |who: Who| {
            let desk = desk.clone();
            async move {
                let views = of(&desk, &who, Queue::Alerts).await.unwrap();
                views.into_iter().map(|one| (one.name, one.is_default)).collect::<Vec<_>>()
            }
        };
        let (mine, shared) = ("Của tôi".to_owned(), "Cấp 4 trở lên".to_owned());
        assert_eq!(names(minh.clone()).await, [(mine, false), (shared.clone(), false)]);
        assert_eq!(names(lead.clone()).await, [(shared, true)]);
        assert_eq!(names(officer_of([agency(1)])).await, []);
        assert!(of(&desk, &minh, Queue::Incidents).await.unwrap().is_empty());

        // Another's own is not found, a shared one is changed by who shares only.
        for id in [own.id, all.id] {
            let officer = officer_of([agency(2)]);
            let gone = actions::delete(&desk, &officer, id).await;
            assert!(matches!(gone, Err(RespondError::NotFound)), "{gone:?}");
        }
        assert!(matches!(actions::delete(&desk, &lead, own.id).await, Err(RespondError::NotFound)));
        let changed = actions::change(&desk, &minh, all.id, draft("Khác", "level=1", true)).await;
        assert!(matches!(changed, Err(RespondError::Forbidden)));
        let second = someone(3, Role::DutyOfficer);
        let taken = actions::change(&desk, &second, all.id, draft("Khác", "level=1", false)).await;
        assert!(matches!(taken, Err(RespondError::Field { field: "shared", .. })));
        let changed = actions::change(&desk, &second, all.id, draft("Khác", "level=1", true)).await;
        assert_eq!(changed.unwrap().query, "level=1");
        actions::delete(&desk, &second, all.id).await.unwrap();
        assert!(default_of(&desk, &lead, Queue::Alerts).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn a_name_stands_once_and_there_are_not_too_many() {
    let test = sqlite().await;
    let desk = desk(&test, Vec::new());
    let minh = someone(1, Role::Analyst);
    let field = |result: Result<_, RespondError>| match result {
        Err(RespondError::Field { key, .. }) => key,
        Err(other) => panic!("{other:?}"),
        Ok(()) => "",
    };
    for (name, query, expected) in [
        ("", "", "queue-view-error-name"),
        (&"x".repeat(41), "", "queue-view-error-name"),
        ("a", "level=many", "queue-view-error-query"),
        ("a", &format!("q={}", "x".repeat(2_001)), "queue-view-error-query"),
        ("a", "q=%E1%BA%A3", ""),
        ("a", "", "queue-view-error-taken"),
    ] {
        let kept = actions::keep(&desk, &minh, Queue::Alerts, (draft(name, query, false), false));
        assert_eq!(field(kept.await.map(drop)), expected, "{name} {query}");
    }
    for n in 1..12 {
        let one = draft(&format!("b{n}"), "", false);
        actions::keep(&desk, &minh, Queue::Alerts, (one, false)).await.unwrap();
    }
    let kept = actions::keep(&desk, &minh, Queue::Alerts, (draft("c", "", false), false)).await;
    assert_eq!(field(kept.map(drop)), "queue-view-error-many");
}

#[tokio::test]
async fn the_default_opens_the_list_for_people_and_counts_what_they_see() {
    let test = sqlite().await;
    let maker = Maker::new();
    let make = |n: i64| Finding {
        entity: event::Entity {
            kind: event::EntityKind::SrcIp,
            value: format!("10.20.{}.{}", n / 250, n % 250),
        },
        ..maker.finding(-n)
    };
    let findings: Vec<Finding> = (0..5).map(make).collect();
    let events = findings.iter().map(|finding| event_of(finding, "an")).collect();
    let desk = desk(&test, events);
    let directory = Arc::clone(&desk.directory);
    receive(&desk.db, directory.as_ref(), &desk.hub, findings, &[]).await.unwrap();
    let minh = someone(1, Role::Analyst);
    let one = draft("Một địa chỉ", "entity=10.20.0.3", false);
    let view = actions::keep(&desk, &minh, Queue::Alerts, (one, true)).await.unwrap();
    let closed = draft("Đã đóng", "state=closed&q=x", false);
    actions::keep(&desk, &minh, Queue::Alerts, (closed, false)).await.unwrap();

    let page = opened_list(&desk, &minh, "").await.unwrap();
    assert_eq!(page.alerts.len(), 1, "the default's filter holds");
    let tabs: Vec<_> =
        page.views.tabs.iter().map(|tab| (tab.name.as_str(), tab.count, tab.here)).collect();
    assert_eq!(tabs, [("Một địa chỉ", 1, "yes"), ("Đã đóng", 0, "no")]);
    assert_eq!(faults(&page), Vec::<String>::new());
    let whole = opened_list(&desk, &minh, "view=all").await.unwrap();
    assert_eq!((whole.alerts.len(), whole.views.whole), (5, true));
    assert_eq!(opened_list(&desk, &minh, "severity=low").await.unwrap().alerts.len(), 0);
    let program = Who { by: By::Token, ..minh.clone() };
    assert_eq!(opened_list(&desk, &program, "").await.unwrap().alerts.len(), 5);
    let changed = format!("entity=10.20.0.4&view={}", view.id);
    let changed = opened_list(&desk, &minh, &changed).await.unwrap();
    assert!(changed.views.tabs[0].is_changed());
    assert_eq!(faults(&changed), Vec::<String>::new());

    actions::choose(&desk, &minh, view.id, false).await.unwrap();
    assert_eq!(opened_list(&desk, &minh, "").await.unwrap().alerts.len(), 5);
    assert!(store::get(desk.db.conn(), &minh, view.id).await.is_ok());
}
