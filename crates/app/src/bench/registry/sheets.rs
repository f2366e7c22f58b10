//! The spreadsheets of a made-up province, as offices send them: a title, a head, a row for each thing.

use anyhow::{Context as _, Result};
use rust_xlsxwriter::Workbook;

/// How large the province is.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Size {
    pub(in super::super) departments: usize,
    pub(in super::super) communes: usize,
    pub(in super::super) systems: usize,
    pub(in super::super) people: usize,
    pub(in super::super) assets: usize,
}

/// Most rows that one file may have.
pub(super) const ROWS_MAX: usize = 5_000;

const FAMILIES: [&str; 12] =
    ["Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Vũ", "Đặng", "Bùi", "Đỗ", "Hồ", "Ngô", "Dương"];
const MIDDLES: [&str; 8] = ["Văn", "Thị", "Minh", "Quốc", "Thu", "Đức", "Thanh", "Ngọc"];
const GIVEN: [&str; 20] = [
    "An", "Bình", "Cường", "Dũng", "Giang", "Hà", "Hải", "Hằng", "Hiếu", "Hoa", "Hùng", "Khánh",
    "Lan", "Linh", "Long", "Mai", "Nam", "Phương", "Sơn", "Tuấn",
];
const WORKS: [&str; 10] = [
    "Cổng thông tin điện tử",
    "Quản lý văn bản và điều hành",
    "Một cửa điện tử",
    "Cơ sở dữ liệu chuyên ngành",
    "Thư điện tử công vụ",
    "Họp trực tuyến",
    "Quản lý tài sản công",
    "Giám sát camera",
    "Kế toán nội bộ",
    "Bản đồ số",
];
const MACHINES: [&str; 4] = ["Máy chủ", "Thiết bị mạng", "Máy trạm", "Thiết bị an ninh"];

fn of<'a>(words: &[&'a str], n: usize) -> &'a str {
    words.get(n % words.len().max(1)).copied().unwrap_or_default()
}

/// Returns the name of the agency with this number.
fn agency(size: Size, n: usize) -> String {
    if n < size.departments {
        format!("Sở Chuyên ngành {:02}", n + 1)
    } else {
        format!("Xã Đồng Bằng {:03}", n - size.departments + 1)
    }
}

fn agencies(size: Size) -> usize {
    size.departments + size.communes
}

/// Returns the name of the system with this number.
fn system(size: Size, n: usize) -> String {
    format!("{} {:04} của {}", of(&WORKS, n), n + 1, agency(size, n % agencies(size)))
}

/// Returns the file of all agencies.
pub(in super::super) fn agencies_file(size: Size) -> Result<Vec<u8>> {
    let row = |n: usize| {
        let kind =
            if n < size.departments { "Sở, ban, ngành" } else { "Xã, phường, đặc khu" };
        vec![
            agency(size, n),
            kind.to_owned(),
            format!("02033{n:05}"),
            format!("dv{n}@tinh.example"),
        ]
    };
    let head = ["Tên đơn vị", "Loại đơn vị", "Điện thoại", "Email"];
    file("DANH SÁCH ĐƠN VỊ", &head, (0..agencies(size)).map(row))
}

/// Returns the files of all systems.
pub(super) fn system_files(size: Size) -> Result<Vec<Vec<u8>>> {
    let row = |n: usize| {
        vec![
            system(size, n),
            agency(size, n % agencies(size)),
            format!("Cấp {}", n % 4 + 1),
            format!("09{n:08}"),
            "Đang vận hành".to_owned(),
            "2022".to_owned(),
            format!("ht{n}.tinh.example"),
            format!("10.{}.{}.0/28", n / 250 % 250, n % 250),
        ]
    };
    let head = [
        "Tên hệ thống",
        "Đơn vị chủ quản",
        "Cấp độ",
        "Điện thoại trực",
        "Trạng thái",
        "Đưa vào sử dụng từ",
        "Tên miền",
        "Địa chỉ IP",
    ];
    files("DANH SÁCH HỆ THỐNG THÔNG TIN", &head, size.systems, row)
}

/// Returns the files of all people.
pub(super) fn people_files(size: Size) -> Result<Vec<Vec<u8>>> {
    let row = |n: usize| {
        let name = format!("{} {} {}", of(&FAMILIES, n), of(&MIDDLES, n / 12), of(&GIVEN, n / 7));
        vec![
            name,
            agency(size, n % agencies(size)),
            format!("03{n:08}"),
            format!("cb{n}@tinh.example"),
        ]
    };
    files("DANH SÁCH CÁN BỘ", &["Họ và tên", "Đơn vị", "Điện thoại", "Email"], size.people, row)
}

/// Returns the files of all assets.
pub(super) fn asset_files(size: Size) -> Result<Vec<Vec<u8>>> {
    let row = |n: usize| {
        let owner = n % size.systems.max(1);
        vec![
            format!("{} {:05}", of(&MACHINES, n), n + 1),
            of(&MACHINES, n).to_owned(),
            system(size, owner),
            agency(size, owner % agencies(size)),
            format!("10.{}.{}.{}", n / 62_500 % 250, n / 250 % 250, n % 250 + 1),
            "Hãng Mẫu".to_owned(),
            format!("{}/12/20{}", n % 28 + 1, 26 + n % 6),
        ]
    };
    let head =
        ["Tên thiết bị", "Loại", "Hệ thống", "Đơn vị", "Địa chỉ IP", "Hãng", "Ngày hết hỗ trợ"];
    files("DANH MỤC TÀI SẢN", &head, size.assets, row)
}

fn files(
    title: &str,
    head: &[&str],
    count: usize,
    row: impl Fn(usize) -> Vec<String>,
) -> Result<Vec<Vec<u8>>> {
    let begins = (0..count).step_by(ROWS_MAX);
    begins.map(|from| file(title, head, (from..count.min(from + ROWS_MAX)).map(&row))).collect()
}

fn file(title: &str, head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Result<Vec<u8>> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    sheet.write(0, 0, title)?;
    for (column, text) in (0_u16..).zip(head) {
        sheet.write(2, column, *text)?;
    }
    for (line, row) in (3_u32..).zip(rows) {
        for (column, text) in (0_u16..).zip(row) {
            sheet.write(line, column, text)?;
        }
    }
    book.save_to_buffer().context("writing a spreadsheet")
}
