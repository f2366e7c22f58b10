//! A file from a real office with all the usual faults; taken in, and undone as one.

use std::sync::Arc;

use bytes::Bytes;
use db::job::{Handlers, Worker};
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use web::{AppError, Upload, Who};

use super::actions;
use super::model::{Batch, BatchState, Deed, Kind, Turn};
use super::store;
use super::work::Importer;
use crate::system::{self, SystemDraft};
use crate::testing::{Desk, administrator, desks, one_desk};

fn file(rows: &[&[&str]]) -> Upload {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (line, row) in (0_u32..).zip(rows) {
        for (column, text) in (0_u16..).zip(*row) {
            if !text.is_empty() {
                sheet.write(line, column, *text).unwrap();
            }
        }
    }
    upload(book)
}

fn upload(mut book: Workbook) -> Upload {
    let bytes = Bytes::from(book.save_to_buffer().unwrap());
    Upload { name: "danh-sach.xlsx".to_owned(), bytes }
}

async fn looked(desk: &Desk, who: &Who, kind: Kind, upload: Upload) -> Batch {
    let id = actions::check(&desk.registry, who, kind, upload).await.unwrap();
    kept(desk, who, id).await
}

async fn kept(desk: &Desk, who: &Who, id: Uuid) -> Batch {
    store::by_id(desk.registry.db.conn(), who.account, id).await.unwrap().unwrap()
}

/// Asks for a turn and lets the queue do it; returns what was said against it.
async fn turned(desk: &Desk, who: &Who, id: Uuid, turn: Turn) -> Result<String, AppError> {
    actions::ask(&desk.registry, who, id, turn).await?;
    let importer =
        Importer { db: desk.registry.db.clone(), directory: desk.registry.directory.clone() };
    let handlers = Handlers::default().with(Arc::new(importer));
    let worker = Worker::new(desk.registry.db.clone(), handlers, "test");
    assert!(worker.run_next(&CancellationToken::new()).await.unwrap(), "nothing waits");
    Ok(kept(desk, who, id).await.trouble)
}

async fn apply(desk: &Desk, who: &Who, id: Uuid) {
    assert_eq!(turned(desk, who, id, Turn::Apply).await.unwrap(), "");
}

async fn undo(desk: &Desk, who: &Who, id: Uuid) {
    assert_eq!(turned(desk, who, id, Turn::Undo).await.unwrap(), "");
}

fn deeds(batch: &Batch) -> Vec<Deed> {
    batch.rows.iter().map(|row| row.deed).collect()
}

fn wrong_cells(batch: &Batch) -> Vec<&str> {
    batch.rows.iter().flat_map(|row| &row.faults).map(|fault| fault.cell.as_str()).collect()
}

/// A title, a blank line, a head with stars, a line of column numbers; then the rows.
const SYSTEMS: &[&[&str]] = &[
    &["DANH SÁCH HỆ THỐNG THÔNG TIN"],
    &[],
    &[
        "STT",
        "Tên hệ thống (*)",
        "Đơn vị chủ quản",
        "Cấp độ:",
        "Điện thoại\n(trực)",
        "Trạng thái",
        "Đưa vào sử dụng từ",
        "Ghi chú",
    ],
    &["(1)", "(2)", "(3)", "(4)", "(5)", "(6)", "(7)", "(8)"],
    &[
        "1",
        "Trang  thông tin\u{a0}điện tử",
        "SỞ Y TẾ",
        "Cấp III",
        "912345678",
        "Đang vận hành",
        "2019",
        "x",
    ],
    &["2", "Hệ thống không rõ chủ", "Sở Không Có", "3", "", "", "", ""],
    &["3", "Hệ thống cấp lạ", "so-y-te", "7", "gọi sau", "", "", ""],
    &["4", "Hệ thống vừa chạy", "so-y-te", "2", "", "đang vận hành", "", ""],
    &[],
    &["5", "trang thông tin điện tử", "Sở Y tế", "3", "", "", "", ""],
];

#[tokio::test]
async fn every_fault_is_told_by_its_cell_and_the_good_rows_come_in() {
    for desk in desks().await {
        let who = administrator();
        let batch = looked(&desk, &who, Kind::Systems, file(SYSTEMS)).await;
        assert_eq!(batch.ignored, ["Ghi chú"], "{}", desk.test.name);
        let expected = [Deed::Add, Deed::Refuse, Deed::Refuse, Deed::Refuse, Deed::Refuse];
        assert_eq!(deeds(&batch), expected, "{:?}", batch.rows);
        assert_eq!(wrong_cells(&batch), ["C6", "D7", "E7", "8", "B10"]);
        assert!(batch.rows[4].faults[0].why.contains('5'), "{:?}", batch.rows[4].faults);
        let before = desk.registry.directory.snapshot().systems().count();
        apply(&desk, &who, batch.id).await;
        assert_eq!(desk.last_action().await, "import.apply");
        let snapshot = desk.registry.directory.snapshot();
        assert_eq!(snapshot.systems().count(), before + 1);
        let new = snapshot.systems().find(|one| one.id.uuid() == batch.rows[0].id).unwrap();
        assert_eq!(new.name, "Trang thông tin điện tử");
        assert_eq!((new.duty_phone.as_str(), new.level.unwrap().number()), ("0912345678", 3));
        assert_eq!(new.agency, desk.agency("so-y-te"));
        let twice = actions::ask(&desk.registry, &who, batch.id, Turn::Apply).await;
        assert!(matches!(twice, Err(AppError::Conflict(_))), "{}", desk.test.name);
        // The same file again finds what it brought.
        let again = looked(&desk, &who, Kind::Systems, file(SYSTEMS)).await;
        assert_eq!(again.rows[0].deed, Deed::Keep, "{:?}", again.rows[0]);
        undo(&desk, &who, batch.id).await;
        assert_eq!(desk.last_action().await, "import.undo");
        assert_eq!(desk.registry.directory.snapshot().systems().count(), before);
        assert_eq!(kept(&desk, &who, batch.id).await.state, BatchState::Undone);
    }
}

#[tokio::test]
async fn known_records_are_matched_changed_and_put_back_unless_someone_built_on_them() {
    for desk in desks().await {
        let who = administrator();
        let known = {
            let snapshot = desk.registry.directory.snapshot();
            snapshot.systems().next().unwrap().as_ref().clone()
        };
        let rows: &[&[&str]] =
            &[&["Mã", "Tên hệ thống", "Đầu mối"], &[&known.code, &known.name, "Bà Đầu Mối Mới"]];
        let batch = looked(&desk, &who, Kind::Systems, file(rows)).await;
        assert_eq!(deeds(&batch), [Deed::Change], "{:?}", batch.rows);
        assert_eq!(batch.rows[0].changed.len(), 1, "an empty cell took something away");
        apply(&desk, &who, batch.id).await;
        let now = |desk: &Desk| {
            desk.registry.directory.snapshot().system(known.id).unwrap().as_ref().clone()
        };
        assert_eq!(now(&desk).owner_contact, "Bà Đầu Mối Mới");
        assert_eq!(now(&desk).duty_phone, known.duty_phone);
        undo(&desk, &who, batch.id).await;
        assert_eq!(now(&desk).owner_contact, known.owner_contact);
        let batch = looked(&desk, &who, Kind::Systems, file(rows)).await;
        apply(&desk, &who, batch.id).await;
        let draft =
            SystemDraft { operator: "Người sau".to_owned(), ..SystemDraft::from(&now(&desk)) };
        system::change(&desk.registry, &who, known.id, draft).await.unwrap();
        let refused = turned(&desk, &who, batch.id, Turn::Undo).await.unwrap();
        assert!(refused.contains('2'), "the line is named: {refused} {}", desk.test.name);
        assert_eq!(now(&desk).operator, "Người sau", "another's change was lost");
        assert_eq!(kept(&desk, &who, batch.id).await.state, BatchState::Applied);
    }
}

#[tokio::test]
async fn agencies_may_stand_below_each_other_in_one_file_and_go_in_one() {
    for desk in desks().await {
        let who = administrator();
        let rows: &[&[&str]] = &[
            &["Tên đơn vị", "Loại đơn vị", "Đơn vị cấp trên", "Mã định danh"],
            &["Trung tâm Thử nghiệm", "Đơn vị sự nghiệp", "Sở Y tế", "a00.77"],
            &["Phòng Thử nghiệm Một", "", "Trung tâm Thử nghiệm", ""],
            &["Sở Y tế", "Loại lạ", "", ""],
        ];
        let batch = looked(&desk, &who, Kind::Agencies, file(rows)).await;
        assert_eq!(deeds(&batch), [Deed::Add, Deed::Add, Deed::Refuse], "{:?}", batch.rows);
        assert_eq!(wrong_cells(&batch), ["B4"]);
        let before = desk.registry.directory.snapshot().tree().iter().count();
        apply(&desk, &who, batch.id).await;
        let officer = desk.officer("so-y-te");
        let below = batch.rows[1].id;
        let sees = officer.scope.sees(event::AgencyId::from_uuid(below));
        assert!(sees, "{}", desk.test.name);
        undo(&desk, &who, batch.id).await;
        assert_eq!(desk.registry.directory.snapshot().tree().iter().count(), before);
    }
}

#[tokio::test]
async fn people_are_told_apart_and_another_agency_is_unknown() {
    for desk in desks().await {
        let officer = desk.officer("so-y-te");
        let rows: &[&[&str]] = &[
            &["Họ và tên", "Đơn vị", "SĐT", "Email"],
            &["Nguyễn Văn An", "Sở Y tế", "0900000001", "an1@x.example.vn"],
            &["Nguyễn Văn An", "Sở Y tế", "0900000002", "an2@x.example.vn"],
            &["Trần Thị Ngoài", "Sở Tài chính", "", ""],
        ];
        let looked = looked(&desk, &officer, Kind::People, file(rows)).await;
        assert_eq!(deeds(&looked), [Deed::Add, Deed::Add, Deed::Refuse], "{:?}", looked.rows);
        assert_eq!(wrong_cells(&looked), ["B4"]);
        apply(&desk, &officer, looked.id).await;
        let mut other = administrator();
        other.account = event::AccountId::from_uuid(Uuid::from_u128(2));
        let seen = actions::own(&desk.registry, &other, looked.id).await;
        assert!(matches!(seen, Err(AppError::NotFound)), "another's file is seen");
        undo(&desk, &officer, looked.id).await;
    }
}

#[tokio::test]
async fn dates_and_what_is_no_list_are_known() {
    let desk = one_desk().await;
    let who = administrator();
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (column, head) in
        (0_u16..).zip(["Tên hệ thống", "Chủ quản", "Tình trạng", "Đưa vào sử dụng từ"])
    {
        sheet.write(0, column, head).unwrap();
    }
    sheet.write(1, 0, "Hệ thống có ngày").unwrap();
    sheet.write(1, 1, "Sở Y tế").unwrap();
    sheet.write(1, 2, "Đang vận hành").unwrap();
    let day = ExcelDateTime::from_ymd(2020, 5, 17).unwrap();
    sheet.write_with_format(1, 3, &day, &Format::new().set_num_format("dd/mm/yyyy")).unwrap();
    let batch = looked(&desk, &who, Kind::Systems, upload(book)).await;
    assert_eq!(deeds(&batch), [Deed::Add], "{:?}", batch.rows);
    for (wrong, upload) in [
        ("no head", file(&[&["một", "hai"], &["ba", "bốn"]])),
        ("nothing below", file(&[&["Tên hệ thống", "Cấp độ"]])),
        ("no sheet", Upload { name: String::new(), bytes: Bytes::from_static(b"PK\x03\x04") }),
    ] {
        let refused = actions::check(&desk.registry, &who, Kind::Systems, upload).await;
        assert!(matches!(refused, Err(AppError::Invalid(_))), "{wrong}");
    }
}

#[test]
fn levels_and_days_are_read_as_offices_write_them() {
    use super::plan::{day_of, level_of};
    for (text, level) in
        [("3", Some(3)), ("Cấp độ 4", Some(4)), ("Cấp II", Some(2)), ("mười", None)]
    {
        assert_eq!(level_of(text), level, "{text}");
    }
    let day = |text: &str| day_of(text).map(|day| day.to_string());
    for text in ["05/01/2024", "5-1-2024", "2024-01-05"] {
        assert_eq!(day(text).as_deref(), Some("2024-01-05"), "{text}");
    }
    assert_eq!(day("2024").as_deref(), Some("2024-01-01"));
    assert_eq!(day("13/2024"), None);
    assert_eq!(day("sắp tới"), None);
}

const ASSETS: &[&[&str]] = &[
    &["DANH MỤC TÀI SẢN"],
    &["STT", "Tên thiết bị", "Loại", "Đơn vị", "Địa chỉ IP", "Phiên bản", "Ngày hết hỗ trợ"],
    &["1", "Máy chủ web", "Máy chủ", "Sở Y tế", "10.9.0.1", "R-640", "31/12/2026"],
    &["2", "Tường lửa", "Thiết bị lạ", "Sở Y tế", "10.9.0.2", "", ""],
    &["3", "Máy chủ web", "Máy chủ", "Sở Không Có", "", "", "hôm nào"],
];

#[tokio::test]
async fn assets_come_in_are_known_again_by_their_address_and_go_as_one() {
    for desk in desks().await {
        let who = administrator();
        let batch = looked(&desk, &who, Kind::Assets, file(ASSETS)).await;
        assert_eq!(deeds(&batch), [Deed::Add, Deed::Refuse, Deed::Refuse], "{:?}", batch.rows);
        assert_eq!(wrong_cells(&batch), ["C4", "D5", "G5"], "{}", desk.test.name);
        apply(&desk, &who, batch.id).await;
        let known = crate::asset::all(desk.registry.db.conn(), &who.scope).await.unwrap();
        assert_eq!(known.len(), 1);
        assert_eq!(known[0].support_ends, chrono::NaiveDate::from_ymd_opt(2026, 12, 31));
        let renamed: &[&[&str]] =
            &[ASSETS[1], &["1", "Máy chủ cổng", "Máy chủ", "Sở Y tế", "10.9.0.1", "", ""]];
        let again = looked(&desk, &who, Kind::Assets, file(renamed)).await;
        assert_eq!(deeds(&again), [Deed::Change], "known by its address");
        undo(&desk, &who, batch.id).await;
        let known = crate::asset::all(desk.registry.db.conn(), &who.scope).await.unwrap();
        assert!(known.is_empty(), "{}", desk.test.name);
    }
}
