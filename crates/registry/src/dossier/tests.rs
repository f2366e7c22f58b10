//! Dossiers from the first draft to the decision, over both databases: the way, the clocks, who may not
//! take which step, and what nobody else sees.

use chrono::{Days, NaiveDate, TimeDelta};
use event::{AccountId, Level, Scope, SystemId};
use uuid::Uuid;
use web::{AppError, Role, Who};

use super::actions::{self, Writing};
use super::form::Form;
use super::judge::{self, Filing};
use super::model::{Dossier, State};
use super::transition::TransitionFilter;
use super::{files, lists, page, reminder, report, routes, store, todos};
use crate::gate;
use crate::law::{DossierLaw, Workdays};
use crate::profile::{self, Profile, SystemProfile};
use crate::system::{self, SystemDraft};
use crate::testing::{Desk, administrator, desks, one_desk};
use crate::today;

/// Someone of a role, with an account of their own; of an agency if the role is bound to one.
fn someone(desk: &Desk, number: u128, role: Role) -> Who {
    let mut who = web::testing::who(role);
    who.account = AccountId::from_uuid(Uuid::from_u128(number));
    if !role.sees_province() {
        let agency = desk.agency("so-tai-chinh");
        let below = desk.registry.directory.snapshot().tree().subtree(agency);
        who.scope = Scope::agencies(who.account, below);
        who.agency = Some(agency);
    }
    who
}

/// The people of a dossier.
struct People {
    writer: Who,
    head: Who,
    appraiser: Who,
    second: Who,
}

fn people(desk: &Desk) -> People {
    People {
        writer: someone(desk, 11, Role::AgencyOfficer),
        head: someone(desk, 12, Role::AgencyHead),
        appraiser: someone(desk, 13, Role::Appraiser),
        second: someone(desk, 14, Role::Appraiser),
    }
}

async fn made(desk: &Desk, code: &str, facts: Profile) -> SystemId {
    let draft = SystemDraft {
        agency: Some(desk.agency("so-tai-chinh")),
        code: code.to_owned(),
        name: "Cổng dịch vụ tài chính".to_owned(),
        state: "building".to_owned(),
        operator: "Trung tâm Công nghệ".to_owned(),
        domains: "taichinh.example.vn".to_owned(),
        ip_ranges: "10.20.0.0/24".to_owned(),
        ..SystemDraft::default()
    };
    let id = system::create(&desk.registry, &administrator(), draft).await.unwrap();
    let tx = desk.registry.db.begin().await.unwrap();
    let found = system::by_id(tx.conn(), &Scope::platform(), id).await.unwrap().unwrap();
    let kept = profile::of(tx.conn(), &found).await.unwrap();
    let kept = SystemProfile { facts, ..kept };
    assert!(profile::write(tx.conn(), &kept).await.unwrap());
    let actor = crate::actor(&administrator());
    let subject = db::Subject::new("system", id);
    let entry = db::AuditEntry::new(actor, "system.profile", subject, serde_json::json!({}));
    tx.commit(entry).await.unwrap();
    id
}

/// A system that the law gives level 3: it handles administrative procedures.
fn public_service() -> Profile {
    Profile {
        types: vec!["nguoi_dan_doanh_nghiep".to_owned()],
        info_classes: vec!["rieng".to_owned()],
        admin_procedures: true,
        users_external: 120_000,
        zones: "Vùng DMZ: 10.20.0.0/24".to_owned(),
        ..Profile::default()
    }
}

async fn get(desk: &Desk, id: Uuid) -> Dossier {
    let found = store::by_id(desk.registry.db.conn(), &Scope::platform(), id).await.unwrap();
    found.unwrap()
}

/// Writes something into every section that is still empty.
async fn fill(desk: &Desk, who: &Who, id: Uuid) {
    let mut dossier = get(desk, id).await;
    for section in DossierLaw::builtin().sections(dossier.level) {
        let text = dossier.sections.entry(section.id.clone()).or_default();
        if text.is_empty() {
            "Theo thuyết minh.".clone_into(text);
        }
    }
    let writing = Writing {
        version: Some(dossier.version),
        level: Some(dossier.level),
        regime: dossier.regime,
        sections: dossier.sections,
    };
    actions::edit(&desk.registry, who, id, writing).await.unwrap();
}

async fn judge_all(desk: &Desk, who: &Who, id: Uuid, verdict: &str) {
    for part in DossierLaw::builtin().judged() {
        let said = (part.id.as_str(), verdict, "Phù hợp quy định.");
        judge::comment(&desk.registry, who, id, said).await.unwrap();
    }
}

fn filing(day: NaiveDate) -> Filing {
    Filing {
        level_number: "45/QĐ-STC".to_owned(),
        level_on: Some(day),
        plan_number: "46/QĐ-STC".to_owned(),
        plan_on: Some(day),
        issuer: "Sở Tài chính".to_owned(),
    }
}

async fn regulate(desk: &Desk, system: SystemId, day: NaiveDate) {
    let tx = desk.registry.db.begin().await.unwrap();
    let found = system::by_id(tx.conn(), &Scope::platform(), system).await.unwrap().unwrap();
    let draft = gate::PaperDraft {
        kind: "regulation".to_owned(),
        number: "9/QC-STC".to_owned(),
        issuer: "Sở Tài chính".to_owned(),
        issued_on: Some(day),
        ..gate::PaperDraft::default()
    };
    gate::record(&tx, &administrator(), &found, draft).await.unwrap();
    let subject = db::Subject::new("system", system);
    let actor = crate::actor(&administrator());
    tx.commit(db::AuditEntry::new(actor, "system.paper", subject, serde_json::json!({})))
        .await
        .unwrap();
}

fn conflicts(answer: &Result<(), AppError>) -> bool {
    matches!(answer, Err(AppError::Conflict(_)))
}

/// Every page of every state, as everyone who may read it.
async fn pages_are_sound(desk: &Desk, id: Uuid) {
    let dossier = get(desk, id).await;
    let page = page::page(&desk.registry, &administrator(), &dossier).await.unwrap();
    assert_eq!(web::testing::faults(&page), Vec::<String>::new(), "{:?}", dossier.state);
}

#[tokio::test]
async fn a_dossier_goes_its_way_and_gives_the_system_its_level() {
    for desk in desks().await {
        let (registry, name) = (&desk.registry, desk.test.name);
        let People { writer, head, appraiser, .. } = people(&desk);
        let system = made(&desk, "DVTC", public_service()).await;
        let id = actions::create(registry, &writer, system).await.unwrap();
        let drawn = get(&desk, id).await;
        assert_eq!((drawn.level, drawn.state), (3, State::Draft), "{name}");
        assert!(drawn.number.starts_with("HS-2026-"), "{}", drawn.number);
        assert!(drawn.text("level_list").contains("Điều 13"), "{}", drawn.text("level_list"));
        assert!(drawn.text("zones").contains("10.20.0.0/24"));
        assert!(drawn.text("scope").contains("120.000"), "{}", drawn.text("scope"));
        pages_are_sound(&desk, id).await;
        let again = actions::create(registry, &writer, system).await.map(|_| ());
        assert!(conflicts(&again), "{name}: one system, one dossier under way");

        assert!(conflicts(&actions::sign_off(registry, &head, id).await), "sections are missing");
        fill(&desk, &writer, id).await;
        actions::ask_signature(registry, &writer, id).await.unwrap();
        actions::sign_off(registry, &head, id).await.unwrap();
        pages_are_sound(&desk, id).await;
        actions::submit(registry, &writer, id).await.unwrap();
        let day = today(registry);
        assert_eq!(get(&desk, id).await.due_on, Some(Workdays::builtin().after(day, 5)));
        pages_are_sound(&desk, id).await;

        judge::check(registry, &appraiser, id, None).await.unwrap();
        assert_eq!(get(&desk, id).await.due_on, Some(Workdays::builtin().after(day, 15)));
        let early = judge::give_opinion(registry, &appraiser, id, (true, "Đồng ý.")).await;
        assert!(conflicts(&early), "parts are not judged");
        judge_all(&desk, &appraiser, id, "chua").await;
        let unfit = judge::give_opinion(registry, &appraiser, id, (true, "Đồng ý.")).await;
        assert!(conflicts(&unfit), "what does not fit is not favoured");
        judge_all(&desk, &appraiser, id, "dat").await;
        pages_are_sound(&desk, id).await;
        judge::give_opinion(registry, &appraiser, id, (true, "Đồng ý.")).await.unwrap();
        pages_are_sound(&desk, id).await;

        assert!(conflicts(&judge::decide(registry, &head, id, None).await), "no regulation yet");
        let before = day.checked_sub_days(Days::new(3)).unwrap();
        regulate(&desk, system, before).await;
        judge::decide(registry, &head, id, None).await.unwrap();
        pages_are_sound(&desk, id).await;
        let older = before.checked_sub_days(Days::new(1)).unwrap();
        let early = judge::file(registry, &writer, id, filing(older)).await;
        assert!(matches!(early, Err(AppError::Invalid(_))), "decided before the regulation");
        judge::file(registry, &writer, id, filing(day)).await.unwrap();
        assert_eq!(desk.last_action().await, "dossier.file");
        pages_are_sound(&desk, id).await;

        let conn = registry.db.conn();
        let kept = system::by_id(conn, &Scope::platform(), system).await.unwrap().unwrap();
        assert_eq!(kept.level, Level::new(3), "{name}");
        let papers = gate::papers(conn, &kept).await.unwrap();
        let kinds: Vec<&str> = papers.iter().map(|paper| paper.kind.as_str()).collect();
        assert!(kinds.contains(&"level_decision") && kinds.contains(&"plan_decision"), "{kinds:?}");
        let facts = profile::of(conn, &kept).await.unwrap().facts;
        assert_eq!(facts.regime, "nd331_2026");
        assert!(actions::create(registry, &writer, system).await.is_ok(), "determined again");
    }
}

#[tokio::test]
async fn duties_stay_apart_and_who_runs_a_system_does_not_appraise_it() {
    let desk = one_desk().await;
    let registry = &desk.registry;
    let People { writer, head, appraiser, second } = people(&desk);
    let facts = Profile {
        types: vec!["noi_bo".to_owned()],
        info_classes: vec!["rieng".to_owned()],
        ..Profile::default()
    };
    let system = made(&desk, "NOIBO", facts).await;
    let id = actions::create(registry, &writer, system).await.unwrap();
    assert_eq!(get(&desk, id).await.level, 2);
    fill(&desk, &writer, id).await;
    let alone = Who { role: Role::Administrator, ..writer.clone() };
    assert!(conflicts(&actions::sign_off(registry, &alone, id).await), "who wrote does not sign");
    actions::sign_off(registry, &head, id).await.unwrap();
    actions::submit(registry, &writer, id).await.unwrap();
    for bound in [&alone, &Who { role: Role::Administrator, ..head.clone() }] {
        assert!(conflicts(&judge::check(registry, bound, id, None).await));
    }
    let inside = Who { agency: writer.agency, ..appraiser.clone() };
    assert!(conflicts(&judge::check(registry, &inside, id, None).await), "of the owner's agency");
    judge::check(registry, &appraiser, id, None).await.unwrap();
    assert_eq!(get(&desk, id).await.due_on, None, "no limit stands for levels 1 and 2");
    judge_all(&desk, &appraiser, id, "dat").await;
    judge::give_opinion(registry, &appraiser, id, (true, "Đạt.")).await.unwrap();
    regulate(&desk, system, today(registry)).await;
    assert!(conflicts(&judge::decide(registry, &appraiser, id, None).await), "who appraised");
    assert!(conflicts(&judge::decide(registry, &head, id, None).await), "the unit decides level 2");
    judge::decide(registry, &second, id, None).await.unwrap();
    assert_eq!(get(&desk, id).await.outcome.decider, second.name);
}

#[tokio::test]
async fn what_comes_back_is_completed_and_level_four_goes_outside() {
    let desk = one_desk().await;
    let registry = &desk.registry;
    let People { writer, head, appraiser, .. } = people(&desk);
    let facts = Profile { harm: "4".to_owned(), ..public_service() };
    let system = made(&desk, "CAP4", facts).await;
    let id = actions::create(registry, &writer, system).await.unwrap();
    assert!(get(&desk, id).await.outside);
    let low = Writing { level: Some(3), ..Writing::default() };
    actions::edit(registry, &writer, id, low).await.unwrap();
    fill(&desk, &writer, id).await;
    assert!(conflicts(&actions::sign_off(registry, &head, id).await), "below the law's level");
    actions::edit(registry, &writer, id, Writing { level: Some(4), ..Writing::default() })
        .await
        .unwrap();
    fill(&desk, &writer, id).await;
    actions::sign_off(registry, &head, id).await.unwrap();
    actions::submit(registry, &writer, id).await.unwrap();
    let nothing = judge::check(registry, &appraiser, id, Some("  ")).await;
    assert!(matches!(nothing, Err(AppError::Invalid(_))), "what is missing is named");
    judge::check(registry, &appraiser, id, Some("Thiếu sơ đồ mạng.")).await.unwrap();
    pages_are_sound(&desk, id).await;
    assert_eq!(get(&desk, id).await.state, State::Incomplete);
    fill(&desk, &writer, id).await;
    actions::sign_off(registry, &head, id).await.unwrap();
    actions::submit(registry, &writer, id).await.unwrap();
    assert_eq!(get(&desk, id).await.round, 2);
    judge::check(registry, &appraiser, id, None).await.unwrap();
    judge_all(&desk, &appraiser, id, "dat").await;
    judge::give_opinion(registry, &appraiser, id, (true, "Đồng ý.")).await.unwrap();
    let dossier = get(&desk, id).await;
    assert_eq!(dossier.state, State::Outside);
    assert_eq!(dossier.due_on, Some(Workdays::builtin().after(today(registry), 25)));
    pages_are_sound(&desk, id).await;
    let answer = (true, "77/BCA-A05", Some(today(registry)));
    judge::note_outside(registry, &appraiser, id, answer).await.unwrap();
    assert_eq!(get(&desk, id).await.state, State::Appraised);
}

#[tokio::test]
async fn a_stamp_is_refused_and_nobody_elses_dossier_is_found() {
    let desk = one_desk().await;
    let registry = &desk.registry;
    let People { writer, .. } = people(&desk);
    let system = made(&desk, "KIN", public_service()).await;
    let id = actions::create(registry, &writer, system).await.unwrap();
    let sections = [("risks".to_owned(), "Độ mật: TUYỆT MẬT".to_owned())].into();
    let stamped = Writing { sections, ..Writing::default() };
    let refused = actions::edit(registry, &writer, id, stamped).await;
    assert!(matches!(refused, Err(AppError::Invalid(_))));
    let old = Writing { version: Some(0), ..Writing::default() };
    assert!(conflicts(&actions::edit(registry, &writer, id, old).await), "a newer one stands");
    let other = desk.officer("so-y-te");
    let foreign = [
        actions::refill(registry, &other, id).await,
        actions::submit(registry, &other, id).await,
        judge::file(registry, &other, id, filing(today(registry))).await,
        actions::create(registry, &other, system).await.map(|_| ()),
        routes::found(registry, &other, id).await.map(|_| ()),
    ];
    assert!(foreign.iter().all(|answer| matches!(answer, Err(AppError::NotFound))), "{foreign:?}");
    let filter = store::DossierFilter::default();
    let seen = store::list(registry.db.conn(), &other.scope, &filter, (0, 10)).await.unwrap();
    assert_eq!(seen.1, 0);
    actions::withdraw(registry, &writer, id).await.unwrap();
    assert!(conflicts(&actions::refill(registry, &writer, id).await));
}

#[tokio::test]
async fn limits_are_reminded_of_and_work_is_listed_for_whom_it_waits() {
    let desk = one_desk().await;
    let registry = &desk.registry;
    let People { writer, head, appraiser, .. } = people(&desk);
    let system = made(&desk, "HAN", public_service()).await;
    let id = actions::create(registry, &writer, system).await.unwrap();
    fill(&desk, &writer, id).await;
    let links = |todos: Vec<web::todo::Todo>| -> Vec<String> {
        todos.into_iter().map(|todo| todo.link).collect()
    };
    let link = format!("/dossiers/{id}");
    assert_eq!(
        links(todos(registry, &head).await.unwrap()),
        std::slice::from_ref(&link),
        "to sign"
    );
    assert_eq!(links(todos(registry, &appraiser).await.unwrap()), Vec::<String>::new());
    actions::sign_off(registry, &head, id).await.unwrap();
    actions::submit(registry, &writer, id).await.unwrap();
    assert_eq!(links(todos(registry, &appraiser).await.unwrap()), [link], "to look at");
    assert_eq!(reminder::remind(registry).await.unwrap(), 0, "five days are left");
    desk.test.clock.advance(TimeDelta::days(12));
    assert_eq!(reminder::remind(registry).await.unwrap(), 1);
    let late = lists::ListQuery { limit: Some("late".to_owned()), ..Default::default() };
    let part = || web::paging::Page { page: None, rows: None };
    let list = lists::listed(registry, &appraiser, late, part()).await.unwrap();
    assert_eq!(list.rows.len(), 1);
    assert!(list.rows[0].days_left.unwrap() < 0 && list.rows[0].tone() == "bad");
    assert_eq!(web::testing::faults(&list), Vec::<String>::new());
    let of_system = lists::ListQuery { system: Some(system), ..Default::default() };
    let list = lists::listed(registry, &writer, of_system, part()).await.unwrap();
    assert!(list.begin.is_none(), "one is under way");
    let all = TransitionFilter::default();
    let list = lists::asked(registry, &appraiser, &all, part()).await.unwrap();
    assert!(!list.rows.is_empty() && list.cases.len() == 4);
    assert_eq!(web::testing::faults(&list), Vec::<String>::new());
}

/// Returns the words of a Word file.
fn words_of(docx: &[u8]) -> String {
    let read = docx_rs::read_docx(docx).unwrap();
    let json: serde_json::Value = serde_json::from_str(&read.json()).unwrap();
    let mut words = String::new();
    gather(&json, &mut words);
    words
}

fn gather(value: &serde_json::Value, words: &mut String) {
    match value {
        serde_json::Value::Object(map) => {
            if let Some(text) = map.get("text").and_then(serde_json::Value::as_str) {
                words.push_str(text);
                words.push('\n');
            }
            map.values().for_each(|one| gather(one, words));
        }
        serde_json::Value::Array(all) => all.iter().for_each(|one| gather(one, words)),
        _ => {}
    }
}

#[tokio::test]
async fn every_form_carries_what_the_register_and_the_dossier_know() {
    let desk = one_desk().await;
    let registry = &desk.registry;
    let People { writer, head, appraiser, .. } = people(&desk);
    let facts = Profile { harm: "4".to_owned(), ..public_service() };
    let system = made(&desk, "MAU", facts).await;
    let id = actions::create(registry, &writer, system).await.unwrap();
    assert!(files::printed(registry, &writer, id, Form::LevelDecision).await.is_err(), "too early");
    fill(&desk, &writer, id).await;
    actions::sign_off(registry, &head, id).await.unwrap();
    actions::submit(registry, &writer, id).await.unwrap();
    judge::check(registry, &appraiser, id, None).await.unwrap();
    judge_all(&desk, &appraiser, id, "dat").await;
    judge::give_opinion(registry, &appraiser, id, (true, "Nhất trí cấp độ 4.")).await.unwrap();
    let answer = (true, "77/BCA-A05", Some(today(registry)));
    judge::note_outside(registry, &appraiser, id, answer).await.unwrap();
    regulate(&desk, system, today(registry)).await;
    judge::decide(registry, &head, id, None).await.unwrap();
    judge::file(registry, &writer, id, filing(today(registry))).await.unwrap();
    let number = get(&desk, id).await.number;
    let forms = [
        (Form::Dossier, vec!["Vùng DMZ: 10.20.0.0/24", "Điều 13", "IV. THUYẾT MINH"]),
        (Form::Appraise, vec!["Bộ Công an", "Cổng dịch vụ tài chính", number.as_str()]),
        (Form::Expert, vec!["ý kiến chuyên môn", "Trung tâm Công nghệ"]),
        (Form::Opinion, vec!["Nhất trí cấp độ 4.", "Phù hợp quy định.", "Đạt"]),
        (Form::Proposal, vec!["TỜ TRÌNH", "77/BCA-A05", "Sở Tài chính"]),
        (Form::LevelDecision, vec!["Điều 1. Phê duyệt cấp độ 4", "Số: 45/QĐ-STC", "9/QC-STC"]),
        (Form::PlanDecision, vec!["Số: 46/QĐ-STC", "Quản lý rủi ro an ninh mạng"]),
    ];
    for (form, expected) in forms {
        let (name, document) = files::printed(registry, &writer, id, form).await.unwrap();
        assert!(name.ends_with(form.number()), "{name}");
        let words = words_of(&document.docx().unwrap());
        for word in expected {
            assert!(words.contains(word), "form {} lacks {word}: {words}", form.number());
        }
        assert!(document.pdf().unwrap().starts_with(b"%PDF-"));
    }
    let other = files::printed(registry, &writer, id, Form::Request).await;
    assert!(matches!(other, Err(AppError::NotFound)), "form 01 is for levels 1 and 2");
}

#[tokio::test]
async fn form_08_has_the_laws_columns_and_values_in_both_files() {
    use calamine::{Data, Reader as _};
    let desk = one_desk().await;
    let registry = &desk.registry;
    let People { writer, .. } = people(&desk);
    let facts = Profile {
        plan_state: "mot_so_hang_muc".to_owned(),
        approval_due: NaiveDate::from_ymd_opt(2026, 12, 20),
        ..public_service()
    };
    let system = made(&desk, "MAU8", facts).await;
    actions::create(registry, &writer, system).await.unwrap();
    let rows = report::rows(registry, &writer, None).await.unwrap();
    let day = today(registry);
    let bytes = report::spreadsheet(&rows, day).unwrap();
    let mut book: calamine::Xlsx<_> =
        calamine::open_workbook_from_rs(std::io::Cursor::new(bytes)).unwrap();
    let sheet = book.worksheet_range_at(0).unwrap().unwrap();
    let text = |cell: Option<&Data>| cell.map(ToString::to_string).unwrap_or_default();
    let heads: Vec<String> = (0..12).map(|column| text(sheet.get((3, column)))).collect();
    assert_eq!(heads[0], "STT");
    assert_eq!(heads[4..6], ["Cấp độ đề xuất", "Tình trạng phê duyệt"]);
    let own: Vec<String> = sheet
        .rows()
        .find(|row| row[1] == "Cổng dịch vụ tài chính")
        .map(|row| row.iter().map(ToString::to_string).collect())
        .unwrap();
    assert_eq!(own[3..6], ["Trung tâm Công nghệ", "3", "Đang dự thảo"]);
    assert_eq!(own[8..10], ["20/12/2026", "Đã triển khai một số hạng mục"]);
    let document = report::document("Sở Tài chính".to_owned(), rows, day);
    let words = words_of(&document.docx().unwrap());
    assert!(words.contains("Đang dự thảo") && words.contains("BÁO CÁO"), "{words}");
    assert!(document.pdf().unwrap().starts_with(b"%PDF-"));
    let other = report::rows(registry, &desk.officer("so-y-te"), None).await.unwrap();
    assert!(other.iter().all(|row| row[1] != "Cổng dịch vụ tài chính"), "another agency's system");
}
