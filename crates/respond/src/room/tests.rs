//! The room against both databases: tasks, observables, comments, merge, split, scope.

use chrono::{DateTime, Utc};
use db::testing::databases;
use event::{AlertId, IncidentId, Severity};
use uuid::Uuid;
use web::testing::faults;
use web::todo::{TodoSource as _, Urgency};
use web::{Role, Who};

use super::model::{NewTask, task_lines};
use super::{RoomWork, actions, kin, pages, routes, store, watch};
use crate::alert::{self, receive};
use crate::desk::Desk;
use crate::error::RespondError;
use crate::hold;
use crate::incident::{self, Incident};
use crate::obligation;
use crate::testing::*;

/// Makes an alert from this address and an incident of it.
async fn opened(desk: &Desk, minutes: i64, address: &str) -> Incident {
    let alerts = alerts(desk, &[(minutes, address)]).await;
    incident::open(desk, &analyst(), &alerts, None).await.unwrap()
}

async fn alerts(desk: &Desk, of: &[(i64, &str)]) -> Vec<AlertId> {
    let findings = of.iter().map(|(minutes, address)| {
        let mut finding = Maker::new().finding(*minutes);
        finding.entity.value = (*address).to_owned();
        finding.event = event::EventId::from_uuid(follows(address));
        finding.events = vec![finding.event];
        finding
    });
    let findings = findings.collect();
    receive(&desk.db, desk.directory.as_ref(), &desk.hub, findings, &[]).await.unwrap().fresh
}

/// Returns an id that follows from a text.
fn follows(text: &str) -> Uuid {
    let sum = |sum: u128, byte: u8| sum.wrapping_mul(31).wrapping_add(u128::from(byte));
    Uuid::from_u128(text.bytes().fold(7, sum))
}

fn task(title: &str, assignee: Option<event::AccountId>, due_at: Option<DateTime<Utc>>) -> NewTask {
    NewTask { title: title.to_owned(), assignee, due_at }
}

fn reader(role: Role) -> Who {
    let mut who = web::testing::who(role);
    who.account = account(1);
    who.scope = event::Scope::province(account(1));
    who
}

async fn get(desk: &Desk, id: IncidentId) -> Incident {
    incident::get(desk.db.conn(), &analyst().scope, id).await.unwrap()
}

async fn owed(desk: &Desk, id: IncidentId) -> Vec<(String, DateTime<Utc>, bool)> {
    let all = obligation::of_incidents(desk.db.conn(), &[id]).await.unwrap();
    let mut all: Vec<_> =
        all.into_iter().map(|one| (one.obligation, one.due_at, one.fulfilled.is_some())).collect();
    all.sort();
    all
}

async fn is_on_the_list(desk: &Desk, id: IncidentId) -> bool {
    let page = web::paging::Page::default();
    let (open, _) = obligation::open(desk.db.conn(), &analyst().scope, page).await.unwrap();
    open.iter().any(|one| one.incident == id)
}

#[tokio::test]
async fn a_task_stands_on_the_list_of_whoever_has_it_until_it_is_done() {
    for test in databases().await {
        let desk = desk(&test, Vec::new());
        let id = opened(&desk, 0, "10.20.0.7").await.id;
        let (handler, helper) = (analyst(), officer(agency(1)));
        let soon = Some(at(60));
        actions::add_task(&desk, &handler, id, &task("Cô lập máy", Some(account(9)), soon))
            .await
            .unwrap();
        actions::add_task(&desk, &handler, id, &task("Gọi VNPT", None, None)).await.unwrap();
        let stranger = task("X", Some(account(77)), None);
        let refused = actions::add_task(&desk, &handler, id, &stranger).await;
        assert!(matches!(refused, Err(RespondError::Field { field: "assignee", .. })));
        let stamped = task("Văn bản TUYỆT MẬT", None, None);
        let refused = actions::add_task(&desk, &handler, id, &stamped).await;
        assert!(matches!(refused, Err(RespondError::Field { field: "title", .. })));

        let mut who = web::testing::officer_of([agency(1)]);
        who.account = helper.account;
        let work = RoomWork(desk.clone());
        let todos = work.todos(&who).await.unwrap();
        assert_eq!(todos.len(), 1, "{}", test.name);
        assert_eq!((todos[0].urgency, todos[0].due), (Urgency::Today, soon));
        test.clock.advance(chrono::TimeDelta::minutes(61));
        assert_eq!(work.todos(&who).await.unwrap()[0].urgency, Urgency::Now);

        let all = store::tasks(desk.db.conn(), &[id]).await.unwrap();
        let (own, anyones) = (all[0].id, all[1].id);
        let shown = incident::page(&desk, &who, id).await.unwrap().tasks;
        let may: Vec<bool> = shown.iter().map(|task| task.may_set).collect();
        assert_eq!(may, [true, false], "a button for one's own only");
        let other = actions::set_task(&desk, &helper, (id, anyones), true, false).await;
        assert!(matches!(other, Err(RespondError::Forbidden)), "not theirs to tick off");
        actions::set_task(&desk, &helper, (id, own), true, false).await.unwrap();
        let twice = actions::set_task(&desk, &helper, (id, own), true, false).await;
        assert!(matches!(twice, Err(RespondError::Conflict(_))));
        assert!(work.todos(&who).await.unwrap().is_empty());
        actions::set_task(&desk, &handler, (id, own), false, true).await.unwrap();
        assert_eq!(work.todos(&who).await.unwrap().len(), 1);
        let outside = officer(agency(2));
        let hidden = actions::set_task(&desk, &outside, (id, own), true, false).await;
        assert!(matches!(hidden, Err(RespondError::NotFound)));
    }
}

#[tokio::test]
async fn an_observable_stands_once_however_it_is_written_and_is_shown_dead() {
    for test in databases().await {
        let desk = desk(&test, Vec::new());
        let (one, other) =
            (opened(&desk, 0, "10.20.0.7").await.id, opened(&desk, 5, "10.20.0.8").await.id);
        let who = analyst();
        let text = "203[.]0[.]113[.]7, hxxps://evil[.]example/a\nkhông 203.0.113.7";
        let taken = actions::observe(&desk, &who, one, text, "máy chủ điều khiển").await.unwrap();
        assert_eq!((taken.new, taken.standing, taken.other.len()), (2, 0, 1), "{}", test.name);
        let again = actions::observe(&desk, &who, one, "203.0.113.7", "").await.unwrap();
        assert_eq!((again.new, again.standing), (0, 1));
        let none = actions::observe(&desk, &who, one, "không có gì", "").await;
        assert!(matches!(none, Err(RespondError::Field { field: "text", .. })));
        actions::observe(&desk, &who, other, "203.0.113.7", "").await.unwrap();

        let reader = reader(Role::DutyOfficer);
        let page = pages::observables(&desk, &reader, one).await.unwrap();
        let shown: Vec<(&str, usize)> =
            page.observables.iter().map(|row| (row.shown.as_str(), row.elsewhere.len())).collect();
        assert_eq!(shown, [("203[.]0[.]113[.]7", 1), ("hxxps://evil[.]example/a", 0)]);
        assert_eq!(faults(&page), Vec::<String>::new());
        let list = routes::listed(&desk, &reader, one).await.unwrap();
        let body = axum::body::to_bytes(list.into_body(), 4096).await.unwrap();
        assert_eq!(&body[..], b"# SC-2026-0001\n203.0.113.7\nhttps://evil.example/a\n");
        let gone = page.observables[0].id.parse().unwrap();
        let foreign = actions::remove_observable(&desk, &who, (other, gone)).await;
        assert!(matches!(foreign, Err(RespondError::NotFound)), "it hangs on another incident");
        actions::remove_observable(&desk, &who, (one, gone)).await.unwrap();
        assert_eq!(store::observable_count(desk.db.conn(), &[one]).await.unwrap(), 1);
    }
}

#[tokio::test]
async fn one_press_puts_an_observable_on_the_list_and_shows_that_it_is_there() {
    for test in databases().await {
        let desk = desk(&test, Vec::new());
        let id = opened(&desk, 0, "10.20.0.7").await.id;
        let who = analyst();
        let none = watch::all(&desk, &who, id).await;
        assert!(matches!(none, Err(RespondError::Conflict("room-error-watch-none"))));
        let text = "203.0.113.7 evil.example github.com dichvucong.example.gov.vn";
        actions::observe(&desk, &who, id, text, "máy chủ điều khiển").await.unwrap();
        let reader = reader(Role::Analyst);
        let page = pages::observables(&desk, &reader, id).await.unwrap();
        assert!(page.observables.iter().all(|row| !row.is_watched), "{}", test.name);
        let of = |shown: &str| {
            let row = page.observables.iter().find(|row| row.shown == shown).unwrap();
            row.id.parse::<Uuid>().unwrap()
        };
        let (address, ours) = (of("203[.]0[.]113[.]7"), of("dichvucong[.]example[.]gov[.]vn"));
        let refused = watch::one(&desk, &who, (id, ours)).await;
        assert!(matches!(refused, Err(RespondError::Told { field: "observable", .. })));
        assert_eq!(watch::one(&desk, &who, (id, address)).await.unwrap().new, 1);
        assert_eq!(watch::one(&desk, &who, (id, address)).await.unwrap().standing, 1);
        let rest = watch::all(&desk, &who, id).await.unwrap();
        assert_eq!((rest.new, rest.standing, rest.refused.len()), (1, 1, 2));
        let listed = crate::indicator::in_force(&desk.db).await.unwrap();
        assert_eq!(listed.len(), 2);
        assert!(listed.iter().all(|one| one.source == "SC-2026-0001"), "{listed:?}");
        assert!(listed.iter().all(|one| one.reason == "máy chủ điều khiển"));
        let page = pages::observables(&desk, &reader, id).await.unwrap();
        assert_eq!(page.observables.iter().filter(|row| row.is_watched).count(), 2);
        assert_eq!(faults(&page), Vec::<String>::new());
        let stranger = officer(agency(2));
        let hidden = [
            watch::one(&desk, &stranger, (id, address)).await,
            watch::all(&desk, &stranger, id).await,
            watch::one(&desk, &who, (id, desk.db.new_uuid())).await,
        ];
        for result in hidden {
            assert!(matches!(result, Err(RespondError::NotFound)), "{result:?}");
        }
    }
}

#[tokio::test]
async fn a_comment_tells_whom_it_names() {
    for test in databases().await {
        let desk = desk(&test, Vec::new());
        let id = opened(&desk, 0, "10.20.0.7").await.id;
        actions::comment(&desk, &analyst(), id, "@le an: xem giúp máy chủ", &[]).await.unwrap();
        actions::comment(&desk, &analyst(), id, "ok", &[]).await.unwrap();
        let said = store::comments(desk.db.conn(), &[id]).await.unwrap();
        let words: Vec<&str> = said.iter().map(|one| one.text.as_str()).collect();
        assert_eq!(words, ["@le an: xem giúp máy chủ", "ok"], "{}", test.name);
        let told = notices(&desk, "incident.mention").await;
        assert_eq!(told, [format!("[\"{}\"]", account(9))]);
        let silent = actions::comment(&desk, &officer(agency(2)), id, "xin chào", &[]).await;
        assert!(matches!(silent, Err(RespondError::NotFound)));
    }
}

/// Returns whom notices of a kind name.
async fn notices(desk: &Desk, kind: &str) -> Vec<String> {
    use sea_orm::ConnectionTrait as _;
    use sea_orm::sea_query::{Expr, ExprTrait as _, Query};
    let query = Query::select()
        .column("named")
        .from("notice")
        .and_where(Expr::col("kind").eq(kind))
        .to_owned();
    let rows = desk.db.conn().query_all(&query).await.unwrap();
    let named = |row: &sea_orm::QueryResult| {
        row.try_get::<serde_json::Value>("", "named").unwrap().to_string()
    };
    rows.iter().map(named).collect()
}

#[tokio::test]
async fn a_merge_joins_clocks_and_undone_leaves_both_as_they_were() {
    for test in databases().await {
        let desk = desk(&test, Vec::new());
        let who = analyst();
        let early = opened(&desk, -300, "10.20.0.8").await;
        test.clock.advance(chrono::TimeDelta::minutes(30));
        let late = opened(&desk, -30, "10.20.0.7").await;
        let (before_early, before_late) = (owed(&desk, early.id).await, owed(&desk, late.id).await);
        assert!(!before_late.is_empty());
        actions::comment(&desk, &who, early.id, "đã gọi", &[]).await.unwrap();
        actions::observe(&desk, &who, early.id, "203.0.113.9", "").await.unwrap();

        kin::merge(&desk, &who, early.id, "sc-2026-0002 ", "cùng một kẻ tấn công").await.unwrap();
        let survivor = get(&desk, late.id).await;
        assert_eq!(survivor.occurred_at, Some(at(-300)), "{}", test.name);
        assert_eq!(get(&desk, early.id).await.merged_into, Some(late.id));
        let joined = owed(&desk, late.id).await;
        assert_eq!(joined, before_early, "the clocks of the earlier one run");
        assert!(!is_on_the_list(&desk, early.id).await, "its clocks rest");
        assert!(is_on_the_list(&desk, late.id).await);
        let family = incident::family(desk.db.conn(), late.id).await.unwrap();
        assert_eq!(family, [late.id, early.id]);
        let conn = desk.db.conn();
        let count = alert::count_of_incidents(conn, &who.scope, &family).await.unwrap();
        assert_eq!(count, 2, "both alerts are seen at the survivor");
        assert_eq!(store::comments(conn, &family).await.unwrap().len(), 1);
        let changed = incident::note(&desk, &who, early.id, None, "ghi thêm").await;
        assert!(matches!(changed, Err(RespondError::Conflict("room-error-merged"))));
        assert_eq!(incident::open_count(conn, &who.scope).await.unwrap(), 1);
        for tab in [early.id, late.id] {
            let reader = reader(Role::DutyOfficer);
            let page = pages::alerts(&desk, &reader, tab).await.unwrap();
            assert_eq!(faults(&page), Vec::<String>::new());
            assert_eq!(faults(&pages::closing(&desk, &reader, tab).await.unwrap()), [""; 0]);
        }

        kin::undo_merge(&desk, &who, early.id, "hai kẻ khác nhau").await.unwrap();
        assert_eq!(owed(&desk, early.id).await, before_early);
        assert_eq!(owed(&desk, late.id).await, before_late);
        let restored = get(&desk, late.id).await;
        assert_eq!((restored.occurred_at, restored.severity), (late.occurred_at, late.severity));
        assert_eq!(restored.systems, late.systems);
        assert!(is_on_the_list(&desk, early.id).await);
        let twice = kin::undo_merge(&desk, &who, early.id, "hai kẻ khác nhau").await;
        assert!(matches!(twice, Err(RespondError::Conflict("room-error-not-merged"))));
        assert!(db::audit::verify(&desk.db).await.unwrap().holds());
    }
}

#[tokio::test]
async fn a_hold_of_a_merged_incident_is_seen_and_lifted_at_the_survivor() {
    for test in databases().await {
        let desk = desk(&test, Vec::new());
        let (who, conn) = (analyst(), desk.db.conn());
        let early = opened(&desk, -300, "10.20.0.8").await;
        let late = opened(&desk, -30, "10.20.0.7").await;
        hold::set(&desk, &who, early.id, None, "cơ quan điều tra yêu cầu").await.unwrap();
        kin::merge(&desk, &who, early.id, &late.number, "cùng một kẻ tấn công").await.unwrap();
        let seen = hold::of_incident(conn, &get(&desk, late.id).await).await.unwrap();
        assert_eq!(seen.len(), 1, "{}", test.name);
        assert_eq!(hold::active(conn, &who.scope).await.unwrap().len(), 1);
        hold::lift(&desk, &who, late.id, "điều tra đã xong").await.unwrap();
        assert_eq!(hold::active(conn, &who.scope).await.unwrap(), []);
    }
}

#[tokio::test]
async fn what_one_has_told_counts_for_both_and_goes_with_the_undo() {
    for test in databases().await {
        let desk = desk(&test, Vec::new());
        let who = analyst();
        let told = opened(&desk, -60, "10.20.0.8").await.id;
        let open = opened(&desk, -30, "10.20.0.7").await.id;
        let first = owed(&desk, told).await[0].0.clone();
        obligation::fulfil(&desk, &who, told, &first, None, "01/BC").await.unwrap();
        kin::merge(&desk, &who, told, "SC-2026-0002", "trùng nhau").await.unwrap();
        let done = |all: &[(String, DateTime<Utc>, bool)]| {
            all.iter().filter(|one| one.2).map(|one| one.0.clone()).collect::<Vec<_>>()
        };
        assert_eq!(done(&owed(&desk, open).await), std::slice::from_ref(&first), "{}", test.name);
        kin::undo_merge(&desk, &who, told, "không trùng").await.unwrap();
        assert_eq!(done(&owed(&desk, open).await), [""; 0]);
        assert_eq!(done(&owed(&desk, told).await), [first]);
    }
}

#[tokio::test]
async fn a_split_has_its_own_clocks_and_is_put_back_by_a_merge() {
    for test in databases().await {
        let desk = desk(&test, Vec::new());
        let who = analyst();
        let ids = alerts(&desk, &[(-120, "10.20.0.7"), (-30, "10.20.0.8")]).await;
        let whole = incident::open(&desk, &who, &ids, None).await.unwrap();
        let before = owed(&desk, whole.id).await;
        let all = kin::split(&desk, &who, whole.id, &ids, ("", "hai việc")).await;
        assert!(matches!(all, Err(RespondError::Field { key: "room-error-all", .. })));
        let later =
            alert::of_incident(desk.db.conn(), &who.scope, &[whole.id]).await.unwrap()[1].id;
        let part = kin::split(&desk, &who, whole.id, &[later], ("Việc khác", "hai việc khác nhau"))
            .await
            .unwrap();
        assert_eq!((part.title.as_str(), part.severity), ("Việc khác", Severity::Critical));
        assert_eq!(part.occurred_at, Some(at(-30)), "{}", test.name);
        assert_eq!(owed(&desk, whole.id).await, before, "a legal deadline never gets later");
        let conn = desk.db.conn();
        assert_eq!(alert::count_of_incidents(conn, &who.scope, &[whole.id]).await.unwrap(), 1);
        let foreign = kin::split(&desk, &who, whole.id, &[later], ("", "không thuộc")).await;
        assert!(matches!(foreign, Err(RespondError::Field { key: "room-error-alert", .. })));
        let page = pages::alerts(&desk, &reader(Role::Analyst), part.id).await.unwrap();
        let from = page.head.split_from.clone().map(|kin| kin.number);
        assert_eq!(from.as_deref(), Some(whole.number.as_str()));
        kin::merge(&desk, &who, part.id, &whole.number, "trả lại").await.unwrap();
        let family = incident::family(conn, whole.id).await.unwrap();
        assert_eq!(alert::count_of_incidents(conn, &who.scope, &family).await.unwrap(), 2);
    }
}

#[tokio::test]
async fn incidents_of_others_are_neither_merged_nor_split() {
    for test in databases().await {
        let desk = desk(&test, Vec::new());
        let mine = opened(&desk, 0, "10.20.0.7").await;
        let mut foreign = Maker::new().finding(1);
        foreign.origin.agency = agency(2);
        foreign.origin.system = Some(system(2));
        foreign.event = event::EventId::from_uuid(Uuid::from_u128(99));
        foreign.events = vec![foreign.event];
        let directory = desk.directory.as_ref();
        let made = receive(&desk.db, directory, &desk.hub, vec![foreign], &[]).await.unwrap().fresh;
        let theirs = incident::open(&desk, &analyst(), &made, None).await.unwrap();
        let across = kin::merge(&desk, &analyst(), mine.id, &theirs.number, "cùng kẻ xấu").await;
        assert!(matches!(across, Err(RespondError::Field { key: "room-error-agency", .. })));
        let own = officer(agency(1));
        let unseen = kin::merge(&desk, &own, mine.id, &theirs.number, "cùng kẻ xấu").await;
        assert!(matches!(unseen, Err(RespondError::Field { key: "room-error-number", .. })));
        let refused = [
            kin::merge(&desk, &own, theirs.id, &mine.number, "cùng kẻ xấu").await.map(drop),
            kin::split(&desk, &own, theirs.id, &made, ("", "tách ra")).await.map(drop),
            actions::observe(&desk, &own, theirs.id, "1.2.3.4", "").await.map(drop),
            kin::undo_merge(&desk, &own, theirs.id, "trả lại").await,
        ];
        for result in refused {
            assert!(matches!(result, Err(RespondError::NotFound)), "{result:?}");
        }
        let selfish = kin::merge(&desk, &analyst(), mine.id, &mine.number, "chính nó").await;
        assert!(matches!(selfish, Err(RespondError::Field { key: "room-error-same", .. })));
    }
}

#[tokio::test]
async fn closing_opens_tasks_and_searches_are_kept_with_their_time() {
    for test in databases().await {
        let desk = desk(&test, Vec::new());
        let who = analyst();
        let id = opened(&desk, 0, "10.20.0.7").await.id;
        let span = (at(-60), at(0));
        let search =
            actions::NewSearch { name: String::new(), line: "src_ip:10.20.0.7".to_owned(), span };
        actions::link_search(&desk, &who, id, search.clone()).await.unwrap();
        let bad = actions::NewSearch { line: "src_ip:(1".to_owned(), ..search };
        let refused = actions::link_search(&desk, &who, id, bad).await;
        assert!(matches!(refused, Err(RespondError::Field { field: "line", .. })));
        incident::close_with(&desk, &who, id, &task_lines("vá máy\nđổi mật khẩu", None, None))
            .await;
        let tasks = store::tasks(desk.db.conn(), &[id]).await.unwrap();
        assert_eq!(tasks.len(), 2, "{}", test.name);
        let reader = reader(Role::DutyOfficer);
        let page = pages::observables(&desk, &reader, id).await.unwrap();
        assert!(page.searches[0].href.contains("src_ip%3A10.20.0.7"), "{:?}", page.searches);
        let closing = pages::closing(&desk, &reader, id).await.unwrap();
        assert_eq!(closing.findings.as_ref().unwrap().cost.as_deref(), Some("hai ngày công"));
        assert_eq!(faults(&closing), Vec::<String>::new());
    }
}
