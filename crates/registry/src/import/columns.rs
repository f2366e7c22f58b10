//! Which column is what: offices name them in their own ways, put a title above and numbers below.

use std::collections::BTreeMap;

use event::fold::fold;

use super::model::Kind;
use super::sheet::{Cell, Sheet};

/// Rows among which the head is looked for: a title, a unit, a date and blank lines stand above it.
const HEAD_ROWS_MAX: usize = 15;

/// A field, its own name for people, and what offices call it (folded).
type Column = (&'static str, &'static str, &'static [&'static str]);

const AGENCY: &[Column] = &[
    (
        "name",
        "registry-name",
        &["ten don vi", "ten co quan", "don vi", "co quan", "name", "agency"],
    ),
    ("code", "registry-code", &["ma don vi", "ma", "code"]),
    (
        "kind",
        "registry-agency-kind",
        &["loai don vi", "loai", "loai hinh", "kind", "kind of agency"],
    ),
    (
        "parent",
        "registry-agency-parent",
        &[
            "don vi cap tren",
            "cap tren",
            "truc thuoc",
            "co quan chu quan",
            "parent",
            "agency above",
        ],
    ),
    (
        "phone",
        "registry-phone",
        &["dien thoai", "so dien thoai", "dt", "sdt", "phone", "telephone"],
    ),
    ("email", "registry-email", &["thu dien tu", "email", "e-mail", "hop thu"]),
    ("address", "registry-address", &["dia chi", "address"]),
    ("identifier", "agency-identifier", &["ma dinh danh", "ma dinh danh dien tu", "identifier"]),
    (
        "unit",
        "agency-unit",
        &["ma don vi hanh chinh", "don vi hanh chinh", "ma xa", "administrative unit"],
    ),
];

const SYSTEM: &[Column] = &[
    (
        "name",
        "registry-name",
        &[
            "ten he thong",
            "ten he thong thong tin",
            "ten httt",
            "he thong",
            "he thong thong tin",
            "name",
            "system",
        ],
    ),
    ("code", "registry-code", &["ma he thong", "ma", "ky hieu", "code"]),
    (
        "agency",
        "registry-agency",
        &[
            "don vi",
            "chu quan",
            "don vi chu quan",
            "chu quan he thong thong tin",
            "co quan chu quan",
            "agency",
            "owner",
        ],
    ),
    ("level", "registry-level", &["cap do", "cap do an toan", "cap do de xuat", "level"]),
    ("state", "registry-system-state", &["trang thai", "tinh trang", "state"]),
    ("operator", "registry-operator", &["don vi van hanh", "van hanh", "operator"]),
    (
        "owner_contact",
        "registry-owner-contact",
        &["dau moi", "dau moi chu quan", "can bo phu trach", "owner's contact", "contact"],
    ),
    (
        "duty_phone",
        "registry-duty-phone",
        &["dien thoai truc", "dien thoai", "so dien thoai", "sdt", "duty telephone", "phone"],
    ),
    ("description", "registry-description", &["mo ta", "muc dich", "chuc nang", "description"]),
    ("domains", "registry-domains", &["ten mien", "dia chi truy cap", "domain", "domains"]),
    ("ip_ranges", "registry-ip-ranges", &["dia chi ip", "ip", "dai dia chi", "addresses"]),
    (
        "in_use_since",
        "profile-in-use-since",
        &["dua vao su dung tu", "ngay dua vao su dung", "nam dua vao su dung", "in use since"],
    ),
];

const PERSON: &[Column] = &[
    ("name", "registry-name", &["ho va ten", "ho ten", "ten", "name", "full name"]),
    ("agency", "registry-agency", &["don vi", "co quan", "don vi cong tac", "agency"]),
    ("phone", "registry-phone", &["dien thoai", "so dien thoai", "di dong", "sdt", "phone"]),
    ("email", "registry-email", &["thu dien tu", "email", "e-mail", "hop thu cong vu"]),
];

const ASSET: &[Column] = &[
    (
        "name",
        "registry-name",
        &[
            "ten tai san",
            "ten thiet bi",
            "ten may chu",
            "ten phan mem",
            "ten",
            "tai san",
            "name",
            "asset",
        ],
    ),
    (
        "kind",
        "asset-kind",
        &["loai", "loai tai san", "loai thiet bi", "chung loai", "kind", "kind of asset"],
    ),
    (
        "system",
        "registry-system",
        &["he thong", "ten he thong", "thuoc he thong", "httt", "system"],
    ),
    (
        "agency",
        "registry-agency",
        &["don vi", "don vi quan ly", "don vi su dung", "co quan", "agency", "owner"],
    ),
    (
        "product",
        "asset-product",
        &["hang, san pham", "hang san xuat", "san pham", "hang", "product"],
    ),
    ("release", "asset-release", &["phien ban", "phien ban, model", "model", "doi may", "release"]),
    (
        "address",
        "asset-address",
        &["dia chi ip", "ip", "dia chi, ten mien", "ten mien", "address", "address or domain"],
    ),
    ("place", "asset-place", &["vi tri", "noi dat", "vi tri lap dat", "place"]),
    ("purpose", "asset-purpose", &["muc dich", "muc dich su dung", "chuc nang", "purpose"]),
    (
        "support_ends",
        "asset-support-ends",
        &["het ho tro", "ngay het ho tro", "han ho tro", "het han bao hanh", "end of support"],
    ),
    ("note", "asset-note", &["ghi chu", "note"]),
];

/// Returns the columns of a kind: field, language key of its name, what offices call it.
pub(super) const fn columns(kind: Kind) -> &'static [Column] {
    match kind {
        Kind::Agencies => AGENCY,
        Kind::Systems => SYSTEM,
        Kind::People => PERSON,
        Kind::Assets => ASSET,
    }
}

/// A row of the file by field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// Its line.
    pub(super) line: u32,
    /// Its cells that hold something.
    pub(super) cells: BTreeMap<&'static str, Cell>,
}

impl Row {
    /// Returns what stands in a field; empty when nothing does.
    pub(super) fn text(&self, field: &str) -> &str {
        self.cells.get(field).map_or("", |cell| cell.text.as_str())
    }

    /// Returns where a field stands, or the row's number.
    pub(super) fn at(&self, field: &str) -> String {
        self.cells.get(field).map_or_else(|| self.line.to_string(), |cell| cell.at.clone())
    }
}

/// The rows below the head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) rows: Vec<Row>,
    /// Names of columns that nothing is known of.
    pub(super) ignored: Vec<String>,
}

/// Finds the head and returns the rows below it; `None` when no row names the thing.
pub(super) fn table(kind: Kind, sheet: &Sheet) -> Option<Table> {
    let heads = sheet.rows.iter().take(HEAD_ROWS_MAX).enumerate();
    let known =
        |row: &Vec<Cell>| row.iter().filter(|cell| field_of(kind, &cell.text).is_some()).count();
    let (place, head) = heads.max_by_key(|(place, row)| (known(row), usize::MAX - place))?;
    let fields: Vec<Option<&'static str>> =
        head.iter().map(|cell| field_of(kind, &cell.text)).collect();
    if !fields.contains(&Some("name")) {
        return None;
    }
    let unknown = head.iter().zip(&fields).filter(|(cell, field)| {
        field.is_none() && !cell.text.is_empty() && !is_number_column(&cell.text)
    });
    let ignored = unknown.map(|(cell, _)| cell.text.clone()).collect();
    let below = sheet.rows.iter().skip(place + 1);
    let rows = below.filter_map(|cells| row(&fields, cells)).collect();
    Some(Table { rows, ignored })
}

fn row(fields: &[Option<&'static str>], cells: &[Cell]) -> Option<Row> {
    let mut found: BTreeMap<&'static str, Cell> = BTreeMap::new();
    for (field, cell) in fields.iter().zip(cells) {
        // Of two columns with one meaning the first counts.
        if let Some(field) = field
            && !cell.text.is_empty()
        {
            found.entry(field).or_insert_with(|| cell.clone());
        }
    }
    let line = cells.first()?.line;
    let counts_columns = found.values().all(|cell| {
        let inner = cell.text.trim_matches(['(', ')', '[', ']']);
        inner.len() <= 2 && inner.chars().all(|c| c.is_ascii_digit())
    });
    (!found.is_empty() && !counts_columns).then_some(Row { line, cells: found })
}

fn is_number_column(head: &str) -> bool {
    matches!(fold(head).trim_matches('.'), "stt" | "tt" | "no" | "#")
}

fn field_of(kind: Kind, head: &str) -> Option<&'static str> {
    // "Tên đơn vị (*)", "Cấp độ:" and "Điện thoại\n(trực)" name what they name.
    let head = fold(head).replace(['*', ':'], " ");
    let head = head.split(['(', '\n', '[']).next().unwrap_or_default();
    let head = head.split_whitespace().collect::<Vec<_>>().join(" ");
    columns(kind)
        .iter()
        .find(|(_, _, names)| names.contains(&head.as_str()))
        .map(|(field, _, _)| *field)
}
