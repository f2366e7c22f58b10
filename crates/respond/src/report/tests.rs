//! Reports against both databases: four eyes, numbers, frozen words, the clock, scope.

use db::testing::databases;
use event::{IncidentId, Scope};
use uuid::Uuid;
use web::document::Document;
use web::testing::{faults, who};
use web::{Role, Who};

use super::actions::{self, About, Sending};
use super::model::{Content, ReportError, ReportKind};
use super::routes::{ListQuery, listed, page, taken};
use super::store;
use crate::actor::Handler;
use crate::alert::receive;
use crate::desk::Desk;
use crate::error::RespondError;
use crate::incident;
use crate::testing::*;

fn chief() -> Handler {
    let account = account(2);
    Handler { account, name: "Phạm Hùng".to_owned(), scope: Scope::province(account) }
}

async fn opened(desk: &Desk) -> IncidentId {
    let findings = vec![Maker::new().finding(-30)];
    let made = receive(&desk.db, desk.directory.as_ref(), &desk.hub, findings, &[]).await.unwrap();
    incident::open(desk, &analyst(), &made.fresh, None).await.unwrap().id
}

async fn drafted(desk: &Desk, on: IncidentId, kind: ReportKind) -> Uuid {
    actions::create(desk, &analyst(), kind, About::Incident(on)).await.unwrap().id
}

async fn content(desk: &Desk, id: Uuid) -> Content {
    store::versions(desk.db.conn(), id).await.unwrap()[0].body.content.clone()
}

async fn approved(desk: &Desk, on: IncidentId, kind: ReportKind) -> Uuid {
    let id = drafted(desk, on, kind).await;
    actions::submit(desk, &analyst(), id).await.unwrap();
    actions::approve(desk, &chief(), id).await.unwrap();
    id
}

fn is_state(result: &Result<(), RespondError>, wanted: ReportError) -> bool {
    matches!(result, Err(RespondError::Report(error)) if *error == wanted)
}

#[tokio::test]
async fn a_second_person_approves_and_the_words_change_no_more() {
    for test in databases().await {
        let desk = desk(&test, Vec::new());
        let on = opened(&desk).await;
        let id = drafted(&desk, on, ReportKind::Initial).await;
        let mut words = content(&desk, id).await;
        assert!(words.timeline.lines().count() >= 3, "{}", words.timeline);
        assert!(words.timeline.contains("Phát hiện: "), "{}", words.timeline);
        assert!(words.affected.contains("Cổng dịch vụ công"), "{}", words.affected);
        words.symbol = "BC-SKHCN".to_owned();
        actions::edit(&desk, &analyst(), id, 1, words.clone()).await.unwrap();
        let stale = actions::edit(&desk, &chief(), id, 1, words.clone()).await;
        assert!(is_state(&stale, ReportError::Stale));
        let stamped = Content { cause: "TUYỆT MẬT".to_owned(), ..words.clone() };
        let refused = actions::edit(&desk, &analyst(), id, 2, stamped).await;
        assert!(matches!(refused, Err(RespondError::Field { field: "cause", .. })));
        let early = actions::approve(&desk, &chief(), id).await.map(drop);
        assert!(is_state(&early, ReportError::State));
        actions::submit(&desk, &analyst(), id).await.unwrap();
        let own = actions::approve(&desk, &analyst(), id).await.map(drop);
        assert!(is_state(&own, ReportError::Own));
        actions::give_back(&desk, &chief(), id, "thiếu số liệu").await.unwrap();
        actions::submit(&desk, &analyst(), id).await.unwrap();
        let report = actions::approve(&desk, &chief(), id).await.unwrap();
        assert_eq!(report.quoted.as_deref(), Some("01/BC-SKHCN"), "{}", test.name);
        let late = actions::edit(&desk, &analyst(), id, 2, words).await;
        assert!(is_state(&late, ReportError::State));
        incident::note(&desk, &analyst(), on, None, "việc xảy ra về sau").await.unwrap();
        let stored = store::get(desk.db.conn(), &chief().scope, id).await.unwrap();
        assert_eq!((&stored.frozen, &stored.sha256), (&report.frozen, &report.sha256));
        let frozen: Document = serde_json::from_str(stored.frozen.as_deref().unwrap()).unwrap();
        assert_eq!(frozen.number, Some(1));
        assert!(frozen.pdf().unwrap().starts_with(b"%PDF"));
        assert!(db::audit::verify(&desk.db).await.unwrap().holds());
    }
}

#[tokio::test]
async fn numbers_have_no_gap_and_no_double_when_many_approve_at_once() {
    for test in databases().await {
        let desk = desk(&test, Vec::new());
        let on = opened(&desk).await;
        let mut waiting = Vec::new();
        for _ in 0..8 {
            let id = drafted(&desk, on, ReportKind::Update).await;
            actions::submit(&desk, &analyst(), id).await.unwrap();
            waiting.push(id);
        }
        // One of them is approved by two people at once, and one by its author, in vain.
        waiting.push(waiting[0]);
        let chief = chief();
        let tries = waiting.iter().map(|id| actions::approve(&desk, &chief, *id));
        let own = actions::approve(&desk, &analyst(), waiting[1]).await;
        assert!(matches!(own, Err(RespondError::Report(ReportError::Own))));
        let done = futures::future::join_all(tries).await;
        let mut numbers: Vec<i64> =
            done.iter().filter_map(|one| one.as_ref().ok()).filter_map(|one| one.number).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=8).collect::<Vec<i64>>(), "{}: {done:?}", test.name);
    }
}

#[tokio::test]
async fn sending_answers_the_obligations_whose_report_it_is() {
    for test in databases().await {
        let folder = tempfile::tempdir().unwrap();
        let desk = Desk { files: crate::Files::plain(folder.path()), ..desk(&test, Vec::new()) };
        let on = opened(&desk).await;
        let id = approved(&desk, on, ReportKind::Full).await;
        let sending = Sending { at: None, reference: String::new(), signed_on: None };
        let answered = actions::send(&desk, &analyst(), id, sending.clone()).await.unwrap();
        assert_eq!(answered, ["full"], "{}", test.name);
        let twice = actions::send(&desk, &analyst(), id, sending).await.map(drop);
        assert!(is_state(&twice, ReportError::State));
        let incident = incident::get(desk.db.conn(), &analyst().scope, on).await.unwrap();
        assert!(incident.reported_at.is_some());
        let not_pdf = actions::file_signed(&desk, &analyst(), id, "a.pdf", b"MZ").await;
        assert!(matches!(not_pdf, Err(RespondError::Field { field: "file", .. })));
        let stamped = "%PDF-1.7 (TUYỆT MẬT)".as_bytes();
        let refused = actions::file_signed(&desk, &analyst(), id, "a.pdf", stamped).await;
        assert!(matches!(refused, Err(RespondError::Field { field: "file", .. })));
        actions::file_signed(&desk, &analyst(), id, "a.pdf", b"%PDF-1.7 x").await.unwrap();
        let again = actions::file_signed(&desk, &analyst(), id, "b.pdf", b"%PDF-1.7 y").await;
        assert!(is_state(&again, ReportError::State));
        let copy = store::signed(desk.db.conn(), id).await.unwrap().unwrap();
        let bytes = crate::custody::read(&desk.files, &copy.sha256).await.unwrap();
        assert_eq!((copy.name.as_str(), bytes.as_slice()), ("a.pdf", b"%PDF-1.7 x".as_slice()));
    }
}

#[tokio::test]
async fn reports_of_others_are_not_found_and_pages_are_sound() {
    for test in databases().await {
        let desk = desk(&test, Vec::new());
        let on = opened(&desk).await;
        let period = About::Period(agency(1), at(-60 * 24 * 30), at(60));
        let counts =
            actions::create(&desk, &analyst(), ReportKind::Periodic, period).await.unwrap();
        let facts = store::versions(desk.db.conn(), counts.id).await.unwrap()[0].body.facts.clone();
        assert_eq!(facts[0].value, "1", "{facts:?}");
        let id = approved(&desk, on, ReportKind::Closing).await;
        let other = officer(agency(2));
        let refused = [
            actions::create(&desk, &other, ReportKind::Initial, About::Incident(on))
                .await
                .map(drop),
            actions::create(&desk, &other, ReportKind::Periodic, period).await.map(drop),
            actions::submit(&desk, &other, id).await,
            actions::approve(&desk, &other, id).await.map(drop),
            actions::withdraw(&desk, &other, id).await,
            actions::file_signed(&desk, &other, id, "a", b"%PDF-").await,
        ];
        for result in refused {
            assert!(matches!(result, Err(RespondError::NotFound)), "{result:?}");
        }
        let reader: Who = who(Role::DutyOfficer);
        for one in [id, counts.id] {
            let shown = page(&desk, &reader, one).await.unwrap();
            assert_eq!(faults(&shown), Vec::<String>::new());
            for format in ["docx", "pdf"] {
                assert!(taken(&desk, &reader, one, format).await.is_ok());
            }
            assert!(matches!(
                taken(&desk, &reader, one, "signed").await,
                Err(RespondError::NotFound)
            ));
        }
        let all = listed(&desk, &reader, ListQuery::default()).await.unwrap();
        assert_eq!((all.reports.len(), faults(&all)), (2, Vec::new()));
        let theirs = web::testing::officer_of([agency(2)]);
        let none = listed(&desk, &theirs, ListQuery::default()).await.unwrap();
        assert_eq!((none.reports.len(), faults(&none)), (0, Vec::new()));
    }
}
