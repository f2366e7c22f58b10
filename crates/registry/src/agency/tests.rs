//! Agencies: kept, found, bound to scopes, shown.

use event::Scope;
use web::AppError;

use super::actions::{self, Existence};
use super::model::{AgencyDraft, AgencyFilter};
use super::store;
use super::views::{AgencyForm, AgencyList, AgencyRow};
use crate::testing::{administrator, desks, one_desk};

fn draft() -> AgencyDraft {
    AgencyDraft {
        code: "so-moi".to_owned(),
        name: " Sở Đổi mới ".to_owned(),
        kind: "department".to_owned(),
        ..AgencyDraft::default()
    }
}

#[tokio::test]
async fn an_agency_is_added_changed_and_closed_with_a_trace() {
    for desk in desks().await {
        let (registry, who) = (&desk.registry, administrator());
        let id = actions::create(registry, &who, draft()).await.unwrap();
        assert_eq!(desk.last_action().await, "agency.create");
        let kept = store::by_id(registry.db.conn(), &who.scope, id).await.unwrap().unwrap();
        assert_eq!((kept.name.as_str(), kept.version), ("Sở Đổi mới", 1));
        let twice = actions::create(registry, &who, draft()).await;
        assert!(matches!(twice, Err(AppError::Invalid(_))), "{}", desk.test.name);

        let newer = AgencyDraft { phone: "0200 1".to_owned(), ..AgencyDraft::from(&kept) };
        actions::update(registry, &who, id, newer.clone()).await.unwrap();
        let stale = actions::update(registry, &who, id, newer).await;
        assert!(matches!(stale, Err(AppError::Conflict(_))), "{}", desk.test.name);

        actions::set_closed(registry, &who, id, Existence::Closed).await.unwrap();
        assert_eq!(desk.last_action().await, "agency.close");
        let kept = store::by_id(registry.db.conn(), &who.scope, id).await.unwrap().unwrap();
        assert_eq!(
            (kept.phone.as_str(), kept.valid_to.is_some(), kept.version),
            ("0200 1", true, 3)
        );
    }
}

#[tokio::test]
async fn an_agency_cannot_stand_below_itself() {
    let desk = one_desk().await;
    let who = administrator();
    let top = desk.agency("ubnd-tinh");
    let old = store::by_id(desk.registry.db.conn(), &who.scope, top).await.unwrap().unwrap();
    for above in [top, desk.agency("tt-cds")] {
        let draft = AgencyDraft { parent: Some(above), ..AgencyDraft::from(&old) };
        let refused = actions::update(&desk.registry, &who, top, draft).await;
        assert!(matches!(refused, Err(AppError::Invalid(_))));
    }
}

#[tokio::test]
async fn agencies_are_found_without_marks_and_within_the_scope() {
    for desk in desks().await {
        let officer = desk.officer("so-khcn");
        let cases: [(&Scope, &str, usize); 5] = [
            (&Scope::platform(), "khoa hoc va cong nghe", 1),
            (&Scope::platform(), "KHOA HỌC", 1),
            (&Scope::platform(), "100%", 0),
            (&officer.scope, "trung tam", 1),
            (&officer.scope, "sở tài chính", 0),
        ];
        for (scope, typed, expected) in cases {
            let filter = AgencyFilter { q: Some(typed.to_owned()), ..AgencyFilter::default() };
            let found =
                store::list(desk.registry.db.conn(), scope, &filter, (0, 50)).await.unwrap();
            assert_eq!(found.1, expected as u64, "{}: {typed}", desk.test.name);
            assert_eq!(found.0.len(), expected);
        }
        let hidden = desk.agency("so-tai-chinh");
        let conn = desk.registry.db.conn();
        assert_eq!(store::by_id(conn, &officer.scope, hidden).await.unwrap(), None);
        let kept = store::by_id(conn, &Scope::platform(), hidden).await.unwrap().unwrap();
        let change = actions::update(&desk.registry, &officer, hidden, AgencyDraft::from(&kept));
        assert!(matches!(change.await, Err(AppError::NotFound)));
    }
}

#[test]
fn what_does_not_fit_is_named() {
    let cases: [(&str, AgencyDraft); 5] = [
        ("code", AgencyDraft { code: "sở mới".to_owned(), ..draft() }),
        ("name", AgencyDraft { name: "  ".to_owned(), ..draft() }),
        ("kind", AgencyDraft { kind: "club".to_owned(), ..draft() }),
        ("email", AgencyDraft { email: "nobody".to_owned(), ..draft() }),
        ("phone", AgencyDraft { phone: "gọi sau".to_owned(), ..draft() }),
    ];
    for (field, draft) in cases {
        let Err(AppError::Invalid(errors)) = draft.checked() else {
            panic!("{field} was accepted")
        };
        assert_eq!(errors.told(web::Lang::Vi).keys().collect::<Vec<_>>(), [field]);
    }
}

#[tokio::test]
async fn the_pages_are_sound() {
    let desk = one_desk().await;
    let snapshot = desk.registry.directory.snapshot();
    let rows: Vec<AgencyRow> =
        snapshot.tree().iter().map(|agency| AgencyRow::new(agency, &snapshot)).collect();
    let list = |rows: Vec<AgencyRow>| AgencyList {
        pager: web::paging::Page::default().pager("/agencies", "", rows.len() as u64),
        rows,
        q: "<b>".to_owned(),
        kinds: Vec::new(),
        states: Vec::new(),
        query: "q=a".to_owned(),
    };
    let errors = [("name".to_owned(), "sai".to_owned())].into();
    let form =
        AgencyForm { id: None, draft: draft(), kinds: Vec::new(), parents: Vec::new(), errors };
    for faults in [
        web::testing::faults(&list(rows)),
        web::testing::faults(&list(Vec::new())),
        web::testing::faults(&form),
    ] {
        assert_eq!(faults, Vec::<String>::new());
    }
}
