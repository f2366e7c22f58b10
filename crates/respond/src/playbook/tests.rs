//! Playbooks against both databases: files in and out, runs, questions, what the platform does by itself.

use chrono::TimeDelta;
use db::testing::databases;
use event::IncidentId;
use serde_json::json;
use uuid::Uuid;
use web::approval::Grave as _;
use web::testing::{faults, who};
use web::{AppError, Role};

use super::block::{self, BlockApproved, Pressed};
use super::views::{FlowLine, RunView};
use super::{actions, pages, run, shelf, store};
use crate::alert::receive;
use crate::desk::Desk;
use crate::error::RespondError;
use crate::testing::*;
use crate::{incident, indicator, room};

async fn opened(desk: &Desk) -> IncidentId {
    let finding = Maker::new().finding(0);
    let directory = desk.directory.as_ref();
    let made = receive(&desk.db, directory, &desk.hub, vec![finding], &[]).await.unwrap().fresh;
    incident::open(desk, &analyst(), &made, None).await.unwrap().id
}

/// Returns the shipped playbook of this name.
fn shipped(name: &str) -> Uuid {
    let found = shelf::shipped().iter().find(|held| held.playbook.name.en == name);
    found.unwrap().playbook.id
}

async fn shown(desk: &Desk, id: IncidentId) -> RunView {
    let page = pages::in_room(desk, &who(Role::Analyst), id).await.unwrap();
    assert_eq!(faults(&page), Vec::<String>::new());
    page.runs[0].clone()
}

fn open(run: &RunView) -> Vec<&FlowLine> {
    run.lines.iter().filter(|line| line.state == "open" && line.kind != "parallel").collect()
}

fn line<'a>(run: &'a RunView, name: &str) -> &'a FlowLine {
    run.lines.iter().find(|line| line.name == name).unwrap()
}

/// Ticks a task of the room off, by the beginning of its title.
async fn tick(desk: &Desk, id: IncidentId, begins: &str, done: bool) {
    let reader = who(Role::Analyst);
    let incident = incident::get(desk.db.conn(), &reader.scope, id).await.unwrap();
    let tasks = room::of_incident(desk, &who(Role::Analyst), &incident, &[id]).await.unwrap().tasks;
    let task =
        tasks.iter().find(|task| task.title.starts_with(begins) && task.done_at.is_none() == done);
    let task = task.unwrap_or_else(|| panic!("{begins} in {tasks:?}")).id.parse().unwrap();
    room::set_task(desk, &analyst(), (id, task), done, true).await.unwrap();
}

#[test]
fn every_shipped_playbook_reads_and_its_steps_name_post_law_and_time() {
    assert_eq!(shelf::shipped().len(), 6);
    let duties = crate::obligation::Obligations::read([]).unwrap();
    for held in shelf::shipped() {
        let playbook = &held.playbook;
        let name = &playbook.name.en;
        assert!(playbook.name.vi.is_some() && playbook.description.vi.is_some(), "{name}");
        assert!(!playbook.categories.is_empty());
        assert!(
            playbook.categories.iter().all(|word| super::category::is_category(word)),
            "{name}"
        );
        for step in playbook.steps.values() {
            if !step.kind.answers().is_empty() {
                assert!(step.name.vi.is_some() && step.description.vi.is_some(), "{step:?}");
            }
            if step.kind != cacao::StepKind::Action {
                continue;
            }
            assert!(step.name.vi.is_some() && step.description.vi.is_some(), "{step:?}");
            assert!(step.agent.vi.is_some() && !step.legal_basis.is_empty(), "{step:?}");
            let deadline = step.deadline.as_ref().unwrap();
            if let Some(duty) = &deadline.obligation {
                let known = duties.get(duty).unwrap();
                assert_eq!(
                    i64::try_from(deadline.hours).unwrap().max(1),
                    known.limit.num_hours().max(1)
                );
            }
            if let Some(cacao::Act::Search(line)) = &step.act {
                event::query::parse(line).unwrap();
            }
        }
    }
}

#[tokio::test]
async fn what_comes_in_goes_out_to_the_byte_and_only_a_newer_version_replaces_it() {
    for test in databases().await {
        let desk = desk(&test, Vec::new());
        let original = shelf::shipped()[0].document.clone();
        let text = original.replace("2026-11-27T00:00:00.000Z\"", "2026-11-28T00:00:00.000Z\"");
        // Spaces, an unknown property, key order: all of it is someone's.
        let text = text.replacen('{', "{ \"x_mine\" : [1, 2.5, null],\n", 1);
        let id = actions::bring(&desk, &analyst(), text.as_bytes()).await.unwrap();
        let held = shelf::get(desk.db.conn(), id).await.unwrap();
        assert_eq!(held.document, text, "{}", test.name);
        assert_eq!(held.brought.as_ref().unwrap().0, "Trần Minh");
        assert_eq!(
            shelf::all(desk.db.conn()).await.unwrap().len(),
            6,
            "in the shipped one's place"
        );
        let again = actions::bring(&desk, &analyst(), text.as_bytes()).await;
        assert!(matches!(again, Err(AppError::Invalid(_))), "{again:?}");
        for bad in ["{", "[]", &text.replace("cacao-2.0", "cacao-1.1")] {
            let refused = actions::bring(&desk, &analyst(), bad.as_bytes()).await;
            let Err(AppError::Invalid(errors)) = refused else { panic!("{bad}") };
            assert!(errors.told(web::Lang::Vi).contains_key("file"));
        }
        let list = pages::list(&desk).await.unwrap();
        assert_eq!(faults(&list), Vec::<String>::new());
        assert_eq!(faults(&pages::detail(&desk, id).await.unwrap()), Vec::<String>::new());
        actions::remove(&desk, &analyst(), id).await.unwrap();
        assert_eq!(shelf::get(desk.db.conn(), id).await.unwrap().document, original);
        let shipped = actions::remove(&desk, &analyst(), id).await;
        assert!(matches!(shipped, Err(RespondError::Conflict("playbook-error-shipped"))));
        assert!(db::audit::verify(&desk.db).await.unwrap().holds());
    }
}

#[tokio::test]
async fn steps_become_tasks_with_their_time_and_open_one_after_the_other() {
    for test in databases().await {
        let finding = Maker::new().finding(0);
        let desk = desk(&test, vec![event_of(&finding, "an")]);
        let id = opened(&desk).await;
        let playbook = shipped("Malware on an office PC");
        run::start(&desk, &analyst(), id, playbook).await.unwrap();
        run::follow_up(&desk, &analyst(), id).await;
        let begun = shown(&desk, id).await;
        let names: Vec<&str> = open(&begun).iter().map(|line| line.name.as_str()).collect();
        assert_eq!(names, ["Isolate the PC, leave it as it is"], "{}", test.name);
        let first = line(&begun, names[0]);
        assert_eq!(first.due_at, Some(at(0) + TimeDelta::hours(1)), "from detection");
        tick(&desk, id, "Cách ly máy, giữ nguyên hiện trạng (Cán bộ CNTT", true).await;

        let going = shown(&desk, id).await;
        let told = line(&going, "Tell those responsible");
        assert_eq!((told.state.as_str(), told.done_by.as_str()), ("done", ""), "by itself");
        let search = line(&going, "Search for suspicious command lines");
        assert_eq!((search.state.as_str(), search.count), ("done", Some(0)));
        assert!(search.href.as_ref().unwrap().starts_with("/search?q="));
        let mut names: Vec<&str> = open(&going).iter().map(|line| line.name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            [
                "Collect evidence with the collector",
                "Put the incident's indicators on the list",
                "Write down what the user tells",
            ]
        );
        tick(&desk, id, "Cách ly máy", false).await;
        let back = shown(&desk, id).await;
        assert_eq!(line(&back, "Isolate the PC, leave it as it is").state, "open");
        tick(&desk, id, "Cách ly máy", true).await;
        tick(&desk, id, "Thu thập chứng cứ", true).await;
        tick(&desk, id, "Ghi lời kể", true).await;
        let of: Uuid = back.id.parse().unwrap();
        let block = line(&back, "Put the incident's indicators on the list").id.clone();
        let empty = run::skip(&desk, &analyst(), (id, of), (&block, "")).await;
        assert!(matches!(empty, Err(RespondError::Field { field: "reason", .. })));
        run::skip(&desk, &analyst(), (id, of), (&block, "không có chỉ dấu")).await.unwrap();
        tick(&desk, id, "Phân tích mẫu", true).await;
        let asks = shown(&desk, id).await;
        let question = line(&asks, "Does another PC show the same signs?");
        assert!(question.asks(), "{question:?}");
        let refused = run::answer(&desk, &analyst(), (id, of), (&question.id, "maybe")).await;
        assert!(matches!(refused, Err(RespondError::Conflict(_))));
        run::answer(&desk, &analyst(), (id, of), (&question.id, "no")).await.unwrap();
        let personal = shown(&desk, id).await;
        let personal = line(&personal, "Did personal data leak, or were they lost?").id.clone();
        run::answer(&desk, &analyst(), (id, of), (&personal, "no")).await.unwrap();
        for task in ["Cài lại máy", "Gửi báo cáo nguyên nhân", "Rút kinh nghiệm"] {
            tick(&desk, id, task, true).await;
        }
        let over = shown(&desk, id).await;
        assert_eq!((over.state.as_str(), over.reason), ("done", None));
        let late = run::answer(&desk, &analyst(), (id, of), (&personal, "yes")).await;
        assert!(matches!(late, Err(RespondError::Conflict("playbook-error-over"))));
        assert!(db::audit::verify(&desk.db).await.unwrap().holds());
    }
}

#[tokio::test]
async fn a_duty_that_the_incident_owes_gives_its_own_time() {
    for test in databases().await {
        let desk = desk(&test, Vec::new());
        let id = opened(&desk).await;
        run::start(&desk, &analyst(), id, shipped("Ransomware")).await.unwrap();
        tick(&desk, id, "Cách ly máy", true).await;
        let going = shown(&desk, id).await;
        let owed = crate::obligation::of_incident(desk.db.conn(), id).await.unwrap();
        let initial = owed.iter().find(|one| one.obligation == "initial").unwrap();
        assert_eq!(line(&going, "Send the initial report").due_at, Some(initial.due_at));

        // Detected an hour earlier than was thought: open steps and their tasks follow.
        let hour = TimeDelta::hours(1);
        let tx = desk.db.begin().await.unwrap();
        let mut earlier = incident::get_for_change(&tx, &analyst().scope, id).await.unwrap();
        earlier.detected_at -= hour;
        incident::save_moments(&tx, &earlier).await.unwrap();
        crate::obligation::recompute(&desk, &tx, &earlier).await.unwrap();
        let told = json!({});
        incident::commit(&desk, tx, &analyst(), "incident.move-moment", &earlier, told)
            .await
            .unwrap();
        let moved = shown(&desk, id).await;
        let due = initial.due_at - hour;
        assert_eq!(line(&moved, "Send the initial report").due_at, Some(due), "{}", test.name);
        let tasks =
            room::of_incident(&desk, &who(Role::Analyst), &earlier, &[id]).await.unwrap().tasks;
        let task = tasks.iter().find(|task| task.title.starts_with("Gửi báo cáo ban đầu"));
        assert_eq!(task.unwrap().due_at, Some(due));
        let first = line(&moved, "Isolate the machines being encrypted");
        let before = line(&going, "Isolate the machines being encrypted");
        assert_eq!(first.due_at, before.due_at, "what is done keeps its time");
    }
}

#[tokio::test]
async fn the_block_list_takes_two_people_and_knows_what_is_ours() {
    for test in databases().await {
        let desk = desk(&test, Vec::new());
        let id = opened(&desk).await;
        let of = run::start(&desk, &analyst(), id, shipped("Web defacement")).await.unwrap();
        tick(&desk, id, "Chụp màn hình", true).await;
        tick(&desk, id, "Đưa trang thông báo", true).await;
        let going = shown(&desk, id).await;
        let step = line(&going, "Put the incident's indicators on the list").id.clone();
        for (login, role) in [("an", Role::Analyst), ("hung", Role::DutyOfficer)] {
            let password = "tre xanh ben lang".to_owned();
            web::identity::console::add(&test.db, login, login, role, password).await.unwrap();
        }
        let people = web::identity::people(&test.db).await.unwrap();
        let account = people.iter().find(|one| one.role == Role::Analyst).unwrap().account;
        let presser = web::Who { account, ..who(Role::Analyst) };
        let nothing = block::press(&desk, &presser, (id, of), &step).await;
        assert!(matches!(nothing, Err(AppError::Conflict(_))), "{nothing:?}");
        let stranger = block::press(&desk, &who(Role::Coordinator), (id, of), &step).await;
        assert!(matches!(stranger, Err(AppError::Forbidden)), "{stranger:?}");
        let text = "203.0.113.7 dichvucong.example.gov.vn";
        room::observe(&desk, &analyst(), id, text, "").await.unwrap();
        let pressed = block::press(&desk, &presser, (id, of), &step).await.unwrap();
        assert_eq!(pressed, Pressed::Asked);
        let twice = block::press(&desk, &presser, (id, of), &step).await;
        assert!(matches!(twice, Err(AppError::Conflict(_))));
        assert_eq!(indicator::in_force(&desk.db).await.unwrap(), [], "{}", test.name);
        let waiting = shown(&desk, id).await;
        assert!(line(&waiting, "Put the incident's indicators on the list").asked_at.is_some());
        let payload = json!({
            "incident": id, "run": of, "step": step, "account": account, "name": "Trần Minh",
            "observables": [["ip", "203.0.113.7"], ["domain", "dichvucong.example.gov.vn"]],
        });
        let act = BlockApproved { desk: desk.clone() };
        let tx = desk.db.begin().await.unwrap();
        act.carry_out(&tx, &payload).await.unwrap();
        let subject = db::Subject::all("approval");
        let entry =
            db::AuditEntry::new(db::Actor::CommandLine, "indicator.block", subject, json!({}));
        tx.commit(entry).await.unwrap();
        let listed = indicator::in_force(&desk.db).await.unwrap();
        let values: Vec<&str> = listed.iter().map(|one| one.observable.value.as_str()).collect();
        assert_eq!(values, ["203.0.113.7"], "ours is left out");
        assert_eq!(listed[0].source, "SC-2026-0001");
        let done = shown(&desk, id).await;
        let done = line(&done, "Put the incident's indicators on the list");
        assert_eq!((done.state.as_str(), done.count), ("done", Some(1)));
        let tx = desk.db.begin().await.unwrap();
        assert!(act.carry_out(&tx, &payload).await.is_err(), "it waits no more");
        tx.rollback().await.unwrap();
    }
}

#[tokio::test]
async fn a_run_is_given_up_with_the_reason_and_is_others_business_only_in_their_sight() {
    for test in databases().await {
        let desk = desk(&test, Vec::new());
        let id = opened(&desk).await;
        let playbook = shipped("Denial of service");
        let none = run::start(&desk, &analyst(), id, desk.db.new_uuid()).await;
        assert!(matches!(none, Err(RespondError::Field { field: "playbook", .. })));
        let stranger = officer(agency(2));
        let hidden = run::start(&desk, &stranger, id, playbook).await;
        assert!(matches!(hidden, Err(RespondError::NotFound)));
        let of = run::start(&desk, &analyst(), id, playbook).await.unwrap();
        run::start(&desk, &analyst(), id, playbook).await.unwrap();
        assert_eq!(store::running(desk.db.conn(), &[id]).await.unwrap(), 2, "several run");
        let hidden = run::abandon(&desk, &stranger, (id, of), "không phải việc của tôi").await;
        assert!(matches!(hidden, Err(RespondError::NotFound)));
        let mute = run::abandon(&desk, &analyst(), (id, of), " ").await;
        assert!(matches!(mute, Err(RespondError::Field { field: "reason", .. })));
        run::abandon(&desk, &analyst(), (id, of), "chỉ là quá tải").await.unwrap();
        let twice = run::abandon(&desk, &analyst(), (id, of), "chỉ là quá tải").await;
        assert!(matches!(twice, Err(RespondError::Conflict("playbook-error-over"))));
        tick(&desk, id, "Phân biệt tấn công", true).await;
        let page = pages::in_room(&desk, &who(Role::Analyst), id).await.unwrap();
        let given_up = page.runs.iter().find(|run| run.id == of.to_string()).unwrap();
        assert_eq!(given_up.reason.as_deref(), Some("chỉ là quá tải"));
        assert_eq!(given_up.done, 0, "a task of it changes nothing more: {}", test.name);

        assert_eq!(page.category.as_deref(), Some("intrusion"), "by the alert's technique");
        assert!(!page.is_said && page.proposed.iter().any(|row| row.name == "Web defacement"));
        let wrong = actions::categorise(&desk, &analyst(), id, "x").await;
        assert!(matches!(wrong, Err(RespondError::Field { field: "category", .. })));
        actions::categorise(&desk, &analyst(), id, "dos").await.unwrap();
        let page = pages::in_room(&desk, &who(Role::Analyst), id).await.unwrap();
        assert!(page.is_said);
        let proposed: Vec<&str> = page.proposed.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(proposed, ["Denial of service"]);
    }
}
