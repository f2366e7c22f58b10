//! Systems: kept, found by level and name, bound to scopes, shown.

use std::collections::BTreeSet;

use event::Scope;
use web::AppError;

use super::model::{SystemDraft, SystemFilter};
use super::views::{SystemList, SystemRow, watch};
use super::{actions, store};
use crate::testing::{Desk, administrator, desks, one_desk};

fn draft(desk: &Desk) -> SystemDraft {
    SystemDraft {
        agency: Some(desk.agency("so-tai-chinh")),
        code: "THU-MOI".to_owned(),
        name: "Hệ thống thử".to_owned(),
        level: Some(3),
        state: "running".to_owned(),
        in_use_since: chrono::NaiveDate::from_ymd_opt(2024, 1, 1),
        domains: "Thu.Example.vn\n".to_owned(),
        ip_ranges: "10.9.8.7/24, 10.1.1.1".to_owned(),
        ..SystemDraft::default()
    }
}

#[tokio::test]
async fn a_system_is_added_and_changed_with_a_trace() {
    for desk in desks().await {
        let (registry, who) = (&desk.registry, administrator());
        let id = actions::create(registry, &who, draft(&desk)).await.unwrap();
        assert_eq!(desk.last_action().await, "system.create");
        let kept = store::by_id(registry.db.conn(), &who.scope, id).await.unwrap().unwrap();
        assert_eq!(kept.domains, ["thu.example.vn"]);
        let typed = SystemDraft::from(&kept);
        assert_eq!(typed.ip_ranges, "10.9.8.0/24\n10.1.1.1", "{}", desk.test.name);
        let unclassified = SystemDraft { level: None, ..typed };
        actions::update(registry, &who, id, unclassified).await.unwrap();
        let kept = store::by_id(registry.db.conn(), &who.scope, id).await.unwrap().unwrap();
        assert_eq!((kept.level, kept.version), (None, 2));
        assert!(registry.directory.snapshot().system(id).is_some());
    }
}

#[tokio::test]
async fn systems_are_filtered_and_hidden_outside_the_scope() {
    for desk in desks().await {
        let conn = desk.registry.db.conn();
        let officer = desk.officer("so-y-te");
        let filter = |q: &str, level: &str, logs: &str| {
            let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            SystemFilter {
                q: given(q),
                level: given(level),
                logs: given(logs),
                ..SystemFilter::default()
            }
        };
        let watched = desk.registry.directory.snapshot().watched();
        let all = Scope::platform();
        let cases = [
            (&all, filter("dat dai", "", ""), 1),
            (&all, filter("", "5", ""), 1),
            (&all, filter("", "none", ""), 1),
            (&all, filter("", "", "missing"), 2),
            (&officer.scope, filter("", "", ""), 5),
            (&officer.scope, filter("đất đai", "", ""), 0),
        ];
        for (scope, filter, expected) in cases {
            let (rows, total) =
                store::list(conn, scope, &filter, &watched, (0, 100)).await.unwrap();
            assert_eq!((rows.len(), total), (expected, expected as u64), "{filter:?}");
        }
        let first = store::list(conn, &all, &SystemFilter::default(), &watched, (0, 1)).await;
        assert_eq!(first.unwrap().0[0].code, "CA-NB", "the highest level comes first");
        let foreign = actions::create(&desk.registry, &officer, draft(&desk)).await;
        assert!(matches!(foreign, Err(AppError::Invalid(_))), "an officer gave a system away");
    }
}

#[tokio::test]
async fn an_unwatched_important_system_is_named() {
    let desk = one_desk().await;
    let snapshot = desk.registry.directory.snapshot();
    let codes: BTreeSet<String> =
        snapshot.unwatched(&Scope::platform()).iter().map(|system| system.code.clone()).collect();
    assert!(codes.contains("TTR-KNTC"), "{codes:?}");
    assert!(!codes.contains("DVC"));
    assert!(snapshot.unwatched(&desk.officer("so-y-te").scope).is_empty());
}

#[tokio::test]
async fn what_does_not_fit_is_named() {
    let desk = one_desk().await;
    let cases = [
        ("agency", SystemDraft { agency: None, ..draft(&desk) }),
        ("level", SystemDraft { level: Some(6), ..draft(&desk) }),
        ("state", SystemDraft { state: "gone".to_owned(), ..draft(&desk) }),
        ("domains", SystemDraft { domains: "nodot".to_owned(), ..draft(&desk) }),
        ("ip_ranges", SystemDraft { ip_ranges: "10.0.0.0/33".to_owned(), ..draft(&desk) }),
    ];
    for (field, draft) in cases {
        let Err(AppError::Invalid(errors)) = draft.checked() else {
            panic!("{field} was accepted")
        };
        assert_eq!(errors.told(web::Lang::Vi).keys().collect::<Vec<_>>(), [field]);
    }
}

#[tokio::test]
async fn the_list_is_sound() {
    let desk = one_desk().await;
    let snapshot = desk.registry.directory.snapshot();
    let watch = watch(&snapshot, &desk.registry.health, desk.test.db.now());
    let systems: Vec<SystemRow> =
        snapshot.systems().map(|system| SystemRow::new(system, &snapshot, &watch)).collect();
    let list = SystemList {
        pager: web::paging::Page::default().pager("/systems", "", systems.len() as u64),
        systems,
        q: String::new(),
        levels: Vec::new(),
        states: Vec::new(),
        agencies: Vec::new(),
        logs: Vec::new(),
        query: String::new(),
    };
    assert_eq!(web::testing::faults(&list), Vec::<String>::new());
}
