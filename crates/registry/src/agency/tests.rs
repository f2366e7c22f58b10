//! Agencies: kept, found, bound to scopes, shown.

use chrono::TimeDelta;
use event::Scope;
use web::AppError;

use super::actions::{self, Existence};
use super::contact::{self, ContactDraft, ContactState};
use super::history::{self, Merger, Renaming};
use super::model::{Agency, AgencyDraft, AgencyFilter, is_identifier};
use super::store;
use super::tree::{AgencyTreePage, branches};
use super::views::{AgencyForm, AgencyList, AgencyRow};
use crate::testing::{administrator, desks, one_desk};
use crate::vietnam_day;

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
            let asked = (&filter, desk.registry.db.now());
            let found = store::list(desk.registry.db.conn(), scope, asked, (0, 50)).await.unwrap();
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
    let cases: [(&str, AgencyDraft); 8] = [
        ("code", AgencyDraft { code: "sở mới".to_owned(), ..draft() }),
        ("name", AgencyDraft { name: "  ".to_owned(), ..draft() }),
        ("kind", AgencyDraft { kind: "club".to_owned(), ..draft() }),
        ("email", AgencyDraft { email: "nobody".to_owned(), ..draft() }),
        ("phone", AgencyDraft { phone: "gọi sau".to_owned(), ..draft() }),
        ("identifier", AgencyDraft { identifier: "000.A00".to_owned(), ..draft() }),
        ("sector", AgencyDraft { sector: "quân sự".to_owned(), ..draft() }),
        ("unit", AgencyDraft { unit: "99999".to_owned(), ..draft() }),
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
    let now = desk.registry.db.now();
    let row = |agency: &Agency| AgencyRow::new(agency, &snapshot, now);
    let rows: Vec<AgencyRow> = snapshot.tree().iter().map(|agency| row(agency)).collect();
    let list = |rows: Vec<AgencyRow>| AgencyList {
        pager: web::paging::Page::default().pager("/agencies", "", rows.len() as u64),
        rows,
        q: "<b>".to_owned(),
        kinds: Vec::new(),
        states: Vec::new(),
        contacts: Vec::new(),
        query: "q=a".to_owned(),
    };
    let errors = [("name".to_owned(), "sai".to_owned())].into();
    let form = AgencyForm {
        id: None,
        draft: draft(),
        kinds: Vec::new(),
        sectors: Vec::new(),
        parents: Vec::new(),
        errors,
    };
    let tree = AgencyTreePage { branches: branches(&snapshot, &Scope::platform(), now) };
    for faults in [
        web::testing::faults(&tree),
        web::testing::faults(&list(rows)),
        web::testing::faults(&list(Vec::new())),
        web::testing::faults(&form),
    ] {
        assert_eq!(faults, Vec::<String>::new());
    }
}

#[test]
fn identifiers_have_one_of_the_two_forms_of_the_law() {
    for fits in ["A00", "A00.01", "A00.01.B2.C345", "000.00.00.A00", "000.12.03.A63"] {
        assert!(is_identifier(fits), "{fits}");
    }
    let long = format!("A00{}", ".ABCDE".repeat(6));
    for not in
        ["", "a00", "A0", "A00.", "A00..1", "A00.1234567", "00.00.00.A00", "000.00.00", &long]
    {
        assert!(!is_identifier(not), "{not}");
    }
}

#[tokio::test]
async fn what_is_printed_of_a_time_carries_the_name_of_that_time() {
    for desk in desks().await {
        let (registry, who) = (&desk.registry, administrator());
        let id = desk.agency("so-khcn");
        let renaming = |name: &str| Renaming { new_name: name.to_owned(), ..Renaming::default() };
        let first = registry.db.now();
        desk.test.clock.advance(TimeDelta::days(10));
        history::rename(registry, &who, id, renaming("Sở Khoa học và Đổi mới")).await.unwrap();
        assert_eq!(desk.last_action().await, "agency.rename");
        let second = registry.db.now();
        desk.test.clock.advance(TimeDelta::days(10));
        history::rename(registry, &who, id, renaming("Sở Đổi mới")).await.unwrap();
        let snapshot = registry.directory.snapshot();
        let names = [first, second, registry.db.now(), first - TimeDelta::days(3000)]
            .map(|at| snapshot.tree().name_on(id, at).to_owned());
        let old = "Sở Khoa học và Công nghệ";
        assert_eq!(names, [old, "Sở Khoa học và Đổi mới", "Sở Đổi mới", old]);
        let early = Renaming { since: vietnam_day(second).pred_opt(), ..renaming("Sở Sớm") };
        let refused = history::rename(registry, &who, id, early).await;
        assert!(matches!(refused, Err(AppError::Invalid(_))), "{}", desk.test.name);
        // The old name still finds it.
        let filter = AgencyFilter { q: Some("cong nghe".to_owned()), ..AgencyFilter::default() };
        let asked = (&filter, registry.db.now());
        let (found, _) = store::list(registry.db.conn(), &who.scope, asked, (0, 50)).await.unwrap();
        assert!(found.iter().any(|agency| agency.id == id), "{}", desk.test.name);
    }
}

#[tokio::test]
async fn a_merger_carries_everything_and_the_successor_sees_the_past() {
    for desk in desks().await {
        let (registry, who) = (&desk.registry, administrator());
        let (old, heir) = (desk.agency("so-tai-chinh"), desk.agency("so-noi-vu"));
        let count = |id: event::AgencyId| {
            let snapshot = registry.directory.snapshot();
            let systems = snapshot.systems().filter(|system| system.agency == id).count();
            let sources = snapshot.bindings().filter(|binding| binding.origin.agency == id).count();
            (systems, sources)
        };
        let (of_old, of_heir) = (count(old), count(heir));
        assert!(of_old.0 > 0 && of_old.1 > 0);
        let into = |into| Merger { into: Some(into), ..Merger::default() };
        for wrong in [Merger::default(), into(old)] {
            let refused = history::merge(registry, &who, old, wrong).await;
            assert!(matches!(refused, Err(AppError::Invalid(_))));
        }
        let below = desk.agency("tt-cds");
        let circle = history::merge(registry, &who, desk.agency("so-khcn"), into(below)).await;
        assert!(matches!(circle, Err(AppError::Invalid(_))), "merged into what is below it");
        history::merge(registry, &who, old, into(heir)).await.unwrap();
        assert_eq!(desk.last_action().await, "agency.merge");
        assert_eq!(count(old), (0, 0), "{}", desk.test.name);
        assert_eq!(count(heir), (of_old.0 + of_heir.0, of_old.1 + of_heir.1));
        let officer = desk.officer("so-noi-vu");
        assert!(officer.scope.sees(old), "the past of the merged agency is out of sight");
        let again = history::merge(registry, &who, old, into(heir)).await;
        assert!(matches!(again, Err(AppError::Conflict(_))));
        let snapshot = registry.directory.snapshot();
        let branches = branches(&snapshot, &Scope::platform(), registry.db.now());
        assert!(!branches.iter().any(|branch| branch.id == old.to_string()));
    }
}

#[tokio::test]
async fn a_contact_is_confirmed_each_quarter() {
    for desk in desks().await {
        let (registry, id) = (&desk.registry, desk.agency("so-khcn"));
        let state = || {
            let snapshot = registry.directory.snapshot();
            snapshot.tree().get(id).unwrap().contact.state(registry.db.now())
        };
        let due = AgencyFilter { contact: Some("due".to_owned()), ..AgencyFilter::default() };
        assert_eq!(state(), ContactState::Missing);
        let officer = desk.officer("so-khcn");
        let nobody = contact::confirm(registry, &officer, id, ContactDraft::default()).await;
        assert!(matches!(nobody, Err(AppError::Invalid(_))));
        let draft =
            ContactDraft { name: "Lê Văn Trực".to_owned(), phone: "0900 000 1".to_owned() };
        let other = desk.officer("so-y-te");
        let foreign = contact::confirm(registry, &other, id, draft.clone()).await;
        assert!(matches!(foreign, Err(AppError::NotFound)));
        contact::confirm(registry, &officer, id, draft).await.unwrap();
        assert_eq!(state(), ContactState::Confirmed);
        let asked = (&due, registry.db.now());
        let conn = registry.db.conn();
        let (before, _) = store::list(conn, &officer.scope, asked, (0, 50)).await.unwrap();
        desk.test.clock.advance(TimeDelta::days(92));
        assert_eq!(state(), ContactState::Due, "{}", desk.test.name);
        let asked = (&due, registry.db.now());
        let (after, _) = store::list(conn, &officer.scope, asked, (0, 50)).await.unwrap();
        let listed = |rows: &[Agency]| rows.iter().any(|agency| agency.id == id);
        assert!(!listed(&before) && listed(&after), "{}", desk.test.name);
    }
}

#[tokio::test]
async fn the_tree_opens_and_closes_every_branch() {
    let desk = one_desk().await;
    let snapshot = desk.registry.directory.snapshot();
    let found = branches(&snapshot, &Scope::platform(), desk.registry.db.now());
    assert_eq!(found.len(), snapshot.tree().iter().count());
    let opened = found.iter().filter(|branch| branch.below > 0).count();
    assert_eq!(opened, found.iter().map(|branch| branch.ends).sum::<usize>());
    assert_eq!(found[0].systems, snapshot.systems().count());
    let officer = desk.officer("so-khcn");
    let own = branches(&snapshot, &officer.scope, desk.registry.db.now());
    assert!(own.len() > 1 && own[0].depth == 0 && own.len() < found.len());
}
