//! One order to many agencies: what each sees and says, what is told when, and what the record counts.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use db::testing::{TestDatabase, databases, sqlite};
use event::{AgencyId, Scope};
use uuid::Uuid;
use web::testing::{faults, officer_of, who};
use web::{Role, Upload};

use super::actions::{self, Draft};
use super::model::{Kind, Order, State, Told};
use super::print::Head;
use super::routes::{ListQuery, Printed, listed, page, printed};
use super::{answer, record, remind, store, story};
use crate::desk::Desk;
use crate::directory::Concerned;
use crate::error::RespondError;
use crate::testing::*;

fn room(test: &TestDatabase) -> (Desk, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (Desk { files: crate::Files::plain(folder.path()), ..desk(test, Vec::new()) }, folder)
}

fn draft(agencies: impl IntoIterator<Item = AgencyId>) -> Draft {
    Draft {
        kind: Kind::Directive,
        title: "Về việc vá lỗ hổng".to_owned(),
        body: "Cập nhật, gửi kết quả.".to_owned(),
        signer: "Giám đốc Công an tỉnh".to_owned(),
        agencies: agencies.into_iter().collect(),
        incident: None,
        acknowledge_by: at(60),
        done_by: at(3 * 24 * 60),
        needs_proof: false,
        head_after_days: 1,
        concerned: Concerned::default(),
    }
}

async fn issued(desk: &Desk, draft: Draft) -> Order {
    actions::issue(desk, &analyst(), draft).await.unwrap()
}

async fn state(desk: &Desk, order: &Order, agency: AgencyId) -> (State, Told) {
    let parts = store::parts(desk.db.conn(), &Scope::platform(), order.id).await.unwrap();
    let part = parts.into_iter().find(|part| part.agency == agency).unwrap();
    (part.state, part.told)
}

fn file(name: &str, text: &'static str) -> Upload {
    Upload { name: name.to_owned(), bytes: text.as_bytes().into() }
}

#[tokio::test]
async fn an_order_goes_from_issue_to_praise_on_both_databases() {
    for test in databases().await {
        let (desk, _folder) = room(&test);
        let (one, two) = (agency(1), agency(2));
        let order = issued(&desk, Draft { needs_proof: true, ..draft([one, two]) }).await;
        let year = desk.db.now().format("%Y").to_string();
        assert_eq!(order.number, format!("CD-{year}-0001"), "{}", test.name);
        let officer = officer(one);
        let part = (order.id, one);
        answer::acknowledge(&desk, &officer, part).await.unwrap();
        let twice = answer::acknowledge(&desk, &officer, part).await;
        assert!(matches!(twice, Err(RespondError::Conflict("order-error-state"))));
        let bare = answer::done(&desk, &officer, part, "Đã vá năm máy").await;
        assert!(matches!(bare, Err(RespondError::Field { field: "file", .. })), "no proof");
        answer::prove(&desk, &officer, part, file("anh.png", "PNG")).await.unwrap();
        answer::done(&desk, &officer, part, "Đã vá năm máy").await.unwrap();
        actions::give_back(&desk, &analyst(), part, "Thiếu hai máy").await.unwrap();
        assert_eq!(state(&desk, &order, one).await.0, State::Acknowledged);
        answer::done(&desk, &officer, part, "Đã vá bảy máy").await.unwrap();
        actions::accept(&desk, &analyst(), part).await.unwrap();
        assert_eq!(state(&desk, &order, one).await.0, State::Accepted);
        assert_eq!(state(&desk, &order, two).await.0, State::Sent);
        test.clock.advance(TimeDelta::days(4));
        actions::close(&desk, &analyst(), order.id, "Một đơn vị không làm").await.unwrap();
        let after = answer::acknowledge(&desk, &analyst(), (order.id, two)).await;
        assert!(matches!(after, Err(RespondError::Conflict("order-error-closed"))));
        let period = (at(-60), desk.db.now() + TimeDelta::days(1));
        let rows = record::tallies(&desk, &Scope::platform(), period).await.unwrap();
        assert_eq!(rows.len(), 2);
        let (bad, good) = (&rows[0], &rows[1]);
        assert_eq!((bad.overdue, bad.acknowledged_late, bad.done_in_time), (1, 1, 0));
        assert_eq!((good.overdue, good.done_in_time, good.returned), (0, 1, 1));
        assert_eq!(good.acknowledged_in_time, 1);
    }
}

#[tokio::test]
async fn an_agency_sees_and_answers_its_own_part_only() {
    let test = sqlite().await;
    let (desk, folder) = room(&test);
    let (one, two) = (agency(1), agency(2));
    let order = issued(&desk, draft([one, two])).await;
    let alone = issued(&desk, draft([two])).await;
    answer::prove(&desk, &officer(two), (order.id, two), file("bí mật.txt", "hai")).await.unwrap();
    answer::done(&desk, &officer(two), (order.id, two), "riêng của hai").await.unwrap();
    let who = officer_of([one]);
    let list = listed(&desk, &who, ListQuery::default()).await.unwrap();
    assert_eq!(list.orders.len(), 1);
    assert_eq!(list.orders[0].board.all, 1, "another's part is counted");
    assert!(faults(&list).is_empty(), "{:?}", faults(&list));
    let shown = page(&desk, &who, order.id, "").await.unwrap();
    assert_eq!(shown.parts.len(), 1);
    let told = serde_json::to_string(&shown).unwrap();
    assert!(!told.contains("riêng của hai") && !told.contains("txt"), "{told}");
    assert!(faults(&shown).is_empty(), "{:?}", faults(&shown));
    let hidden = page(&desk, &who, alone.id, "").await;
    assert!(matches!(hidden, Err(RespondError::NotFound)));
    let me = officer(one);
    for part in [(order.id, two), (alone.id, two), (Uuid::nil(), one)] {
        let refused = answer::acknowledge(&desk, &me, part).await;
        assert!(matches!(refused, Err(RespondError::NotFound)), "{part:?}");
        let refused = answer::done(&desk, &me, part, "không phải của tôi").await;
        assert!(matches!(refused, Err(RespondError::NotFound)), "{part:?}");
        let refused = answer::prove(&desk, &me, part, file("x", "y")).await;
        assert!(matches!(refused, Err(RespondError::NotFound)), "{part:?}");
    }
    let proofs = story::proofs(desk.db.conn(), &Scope::platform(), order.id).await.unwrap();
    let proof = proofs[0].id;
    let refused = answer::take(&desk, &me, (order.id, two), proof).await;
    assert!(matches!(refused, Err(RespondError::NotFound)));
    let (_, bytes) = answer::take(&desk, &officer(two), (order.id, two), proof).await.unwrap();
    assert_eq!(bytes, "hai".as_bytes());
    // A file that was changed on the disk is no proof any more.
    let digest = crate::file::sha256("hai");
    std::fs::write(crate::custody::path(&crate::Files::plain(folder.path()), &digest), "ba")
        .unwrap();
    let changed = answer::take(&desk, &analyst(), (order.id, two), proof).await;
    assert!(matches!(changed, Err(RespondError::File(_))));
}

#[tokio::test]
async fn each_step_is_told_once_and_the_head_after_the_days_of_the_order() {
    for test in databases().await {
        let (desk, _folder) = room(&test);
        let order = issued(&desk, draft([agency(1), agency(2)])).await;
        answer::done(&desk, &officer(agency(2)), (order.id, agency(2)), "xong ngay").await.unwrap();
        assert_eq!(remind(&desk).await.unwrap(), 0, "{}", test.name);
        let steps = [
            (TimeDelta::minutes(61), Told::NotAcknowledged),
            // One day after the time to acknowledge: an agency that is silent is the head's business.
            (TimeDelta::hours(24), Told::Head),
        ];
        for (later, told) in steps {
            test.clock.advance(later);
            assert_eq!(remind(&desk).await.unwrap(), 1, "{told:?}");
            assert_eq!(remind(&desk).await.unwrap(), 0, "{told:?} twice");
            assert_eq!(state(&desk, &order, agency(1)).await.1, told);
        }
        let shown = page(&desk, &who(Role::DutyOfficer), order.id, "late").await.unwrap();
        assert_eq!(shown.parts.len(), 1);
        assert!(shown.parts[0].head_at.is_some());
        actions::close(&desk, &analyst(), order.id, "Kết thúc sớm").await.unwrap();
        test.clock.advance(TimeDelta::days(30));
        assert_eq!(remind(&desk).await.unwrap(), 0, "a closed order speaks");
    }
}

#[test]
fn what_is_told_follows_the_state() {
    let order = Order {
        id: Uuid::nil(),
        number: String::new(),
        kind: Kind::Directive,
        title: String::new(),
        body: String::new(),
        signer: String::new(),
        incident: None,
        issued_by: account(1),
        issuer: String::new(),
        issued_at: at(0),
        acknowledge_by: at(60),
        done_by: at(4 * 24 * 60),
        needs_proof: false,
        head_after_days: 2,
        closed: None,
    };
    let mut part = super::model::Part::new(order.id, agency(1));
    part.state = State::Acknowledged;
    let day = 24 * 60;
    for (minutes, told) in [
        (61, Told::Nothing),
        (3 * day - 1, Told::Nothing),
        (3 * day, Told::DoneSoon),
        (4 * day, Told::NotDone),
        (6 * day - 1, Told::NotDone),
        (6 * day, Told::Head),
    ] {
        assert_eq!(part.due(&order, at(minutes)), told, "{minutes}");
    }
    assert_eq!(part.next_at(&order), Some(at(3 * day)));
    part.told = Told::NotDone;
    assert_eq!(part.next_at(&order), Some(at(6 * day)));
    part.state = State::Done;
    assert_eq!(part.next_at(&order), None);
}

#[tokio::test]
async fn wrong_drafts_are_told_by_their_field_and_change_nothing() {
    let test = sqlite().await;
    let (desk, _folder) = room(&test);
    let good = || draft([agency(1)]);
    let cases: [(&str, Draft); 8] = [
        ("title", Draft { title: "  ".to_owned(), ..good() }),
        ("body", Draft { body: "TUYỆT MẬT: việc".to_owned(), ..good() }),
        ("body", Draft { body: "Cập nhật lên [phiên bản].".to_owned(), ..good() }),
        ("agency", Draft { agencies: BTreeSet::new(), ..good() }),
        ("acknowledge_by", Draft { acknowledge_by: at(-1), ..good() }),
        ("done_by", Draft { done_by: at(59), ..good() }),
        ("done_by", Draft { done_by: at(400 * 24 * 60), ..good() }),
        ("head_after_days", Draft { head_after_days: 31, ..good() }),
    ];
    for (expected, draft) in cases {
        match actions::issue(&desk, &analyst(), draft).await {
            Err(RespondError::Field { field, .. }) => assert_eq!(field, expected),
            other => panic!("{expected}: {other:?}"),
        }
    }
    let foreign = actions::issue(&desk, &officer(agency(2)), good()).await;
    assert!(matches!(foreign, Err(RespondError::Field { field: "agency", .. })));
    let list = listed(&desk, &who(Role::DutyOfficer), ListQuery::default()).await.unwrap();
    assert!(list.orders.is_empty());
}

#[tokio::test]
async fn an_order_to_300_agencies_is_on_the_board_with_one_part_each() {
    for test in databases().await {
        let (desk, _folder) = room(&test);
        let agencies: BTreeSet<AgencyId> = (0..300).map(agency).collect();
        let order = issued(&desk, draft(agencies.clone())).await;
        let shown = page(&desk, &who(Role::Coordinator), order.id, "").await.unwrap();
        assert_eq!((shown.order.board.all, shown.order.board.sent), (300, 300), "{}", test.name);
        let ids: BTreeSet<String> = shown.parts.iter().map(|row| row.agency_id.clone()).collect();
        assert_eq!(ids, agencies.iter().map(ToString::to_string).collect());
        test.clock.advance(TimeDelta::minutes(61));
        assert_eq!(remind(&desk).await.unwrap(), 300);
    }
}

#[tokio::test]
async fn a_warning_finds_its_agencies_and_tells_each_of_its_own_systems() {
    for test in databases().await {
        let (desk, _folder) = room(&test);
        let who = who(Role::DutyOfficer);
        let asked = |product: &str, address: &str| {
            let from = serde_json::json!({ "product": product, "address": address });
            serde_json::from_value::<super::form::From>(from).unwrap()
        };
        let form = super::form::begun(&desk, &who, &asked("Cổng", "")).await.unwrap();
        assert_eq!(faults(&form), Vec::<String>::new());
        assert!(form.is_warning);
        assert_eq!(form.chosen, [agency(1).to_string()]);
        let none = super::form::begun(&desk, &who, &asked("Khác", "")).await.unwrap();
        assert_eq!((none.affected.len(), faults(&none)), (0, Vec::<String>::new()));
        let wrong = super::form::begun(&desk, &who, &asked("", "x")).await;
        assert!(matches!(wrong, Err(RespondError::Field { field: "address", .. })));

        let concerned = Concerned { level: "1".to_owned(), ..Concerned::default() };
        let warning = Draft { kind: Kind::Warning, concerned, ..draft([agency(1), agency(2)]) };
        let order = issued(&desk, warning).await;
        assert!(order.number.starts_with("CBAT-"), "{}", order.number);
        let shown = page(&desk, &who, order.id, "").await.unwrap();
        assert_eq!(faults(&shown), Vec::<String>::new());
        let systems: Vec<usize> = shown.parts.iter().map(|part| part.systems.len()).collect();
        assert_eq!(systems, [1, 1]);
        let own = page(&desk, &officer_of([agency(2)]), order.id, "").await.unwrap();
        let [part] = own.parts.as_slice() else { panic!("{:?}", own.parts) };
        assert_eq!(part.systems[0].id, system(2).to_string());
        let plain = issued(&desk, draft([agency(1)])).await;
        assert!(page(&desk, &who, plain.id, "").await.unwrap().parts[0].systems.is_empty());
    }
}

/// Returns the words of a DOCX, without its tags.
async fn words(desk: &Desk, who: &web::Who, id: Uuid, what: Printed) -> String {
    use std::io::Read as _;
    let head = Head { title: "Giám đốc".to_owned(), ..Head::default() };
    let file = printed(desk, who, id, (&head, what)).await.unwrap();
    let bytes = axum::body::to_bytes(file.into_body(), 4 << 20).await.unwrap();
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes.to_vec())).unwrap();
    let mut text = String::new();
    archive.by_name("word/document.xml").unwrap().read_to_string(&mut text).unwrap();
    let outside = text.split('<').map(|part| part.split_once('>').map_or("", |(_, after)| after));
    outside.collect()
}

#[tokio::test]
async fn an_order_and_what_came_of_it_are_official_papers_within_sight() {
    for test in databases().await {
        let (desk, _folder) = room(&test);
        let (one, two) = (agency(1), agency(2));
        let order = issued(&desk, Draft { needs_proof: true, ..draft([one, two]) }).await;
        let centre = who(Role::DutyOfficer);
        let paper = words(&desk, &centre, order.id, Printed::Order).await;
        let number = format!("Số: {:02}/CĐ", super::print::number(&order).unwrap());
        for part in [
            number.as_str(),
            "CÔNG ĐIỆN",
            "Về việc vá lỗ hổng",
            "Sở Khoa học và Công nghệ 1",
            "Sở Khoa học và Công nghệ 2",
            "Cập nhật, gửi kết quả.",
            "gửi kèm tài liệu chứng minh",
            "GIÁM ĐỐC",
            "Giám đốc Công an tỉnh",
        ] {
            assert!(paper.contains(part), "{part} in {paper} ({})", test.name);
        }
        let theirs = words(&desk, &officer_of([two]), order.id, Printed::Order).await;
        assert!(theirs.contains("Công nghệ 2") && !theirs.contains("Công nghệ 1"), "{theirs}");

        test.clock.advance(TimeDelta::hours(2));
        answer::acknowledge(&desk, &officer(one), (order.id, one)).await.unwrap();
        let proof = file("anh.png", "png");
        answer::prove(&desk, &officer(one), (order.id, one), proof).await.unwrap();
        answer::done(&desk, &officer(one), (order.id, one), "đã vá ba máy chủ").await.unwrap();
        let open = words(&desk, &centre, order.id, Printed::Record).await;
        for part in [
            "Kết quả thực hiện công điện số CD-",
            "Đã xác nhận: 1/2 cơ quan, đơn vị; trong đó xác nhận muộn: 1",
            "Đã hoàn thành: 1/2 cơ quan, đơn vị; trong đó hoàn thành muộn: 0",
            "Có tài liệu chứng minh: 1",
            "đã vá ba máy chủ",
            "anh.png",
            "(Lê An) – muộn",
            "chưa kết thúc",
        ] {
            assert!(open.contains(part), "{part} in {open} ({})", test.name);
        }
        let theirs = words(&desk, &officer_of([two]), order.id, Printed::Record).await;
        assert!(!theirs.contains("đã vá ba máy chủ"), "{theirs}");
        actions::close(&desk, &analyst(), order.id, "một đơn vị chưa làm").await.unwrap();
        let over = words(&desk, &centre, order.id, Printed::Record).await;
        assert!(over.contains("một đơn vị chưa làm") && over.contains("Kết thúc lúc"), "{over}");
        for what in [Printed::Order, Printed::Record] {
            let head = Head { format: "pdf".to_owned(), ..Head::default() };
            let file = printed(&desk, &centre, order.id, (&head, what)).await.unwrap();
            let bytes = axum::body::to_bytes(file.into_body(), 8 << 20).await.unwrap();
            assert!(bytes.starts_with(b"%PDF-"));
            let stranger = officer_of([agency(3)]);
            let hidden = printed(&desk, &stranger, order.id, (&head, what)).await;
            assert!(matches!(hidden, Err(RespondError::NotFound)));
        }
        let shown = page(&desk, &centre, order.id, "").await.unwrap();
        assert_eq!(faults(&shown), Vec::<String>::new());
    }
}

#[tokio::test]
async fn an_order_to_many_agencies_names_them_in_a_list() {
    let test = sqlite().await;
    let (desk, _folder) = room(&test);
    let many = (1..=20).map(agency);
    let order = issued(&desk, Draft { kind: Kind::Coordination, ..draft(many) }).await;
    let paper = words(&desk, &who(Role::DutyOfficer), order.id, Printed::Order).await;
    assert!(paper.contains("theo danh sách dưới đây"), "{paper}");
    assert!(paper.contains("Danh sách cơ quan, đơn vị nhận") && !paper.contains("CÔNG ĐIỆN"));
}
