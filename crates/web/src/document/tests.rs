//! Printed documents, measured against the decree.

use super::font::{Fonts, Style};
use super::layout::{self, Mark};
use super::measure::{BODY, MM};
use super::*;

fn report(paragraphs: usize) -> Document {
    let text = "Vào hồi 14 giờ 05 phút, hệ thống giám sát ghi nhận máy chủ cổng dịch vụ công gọi trình \
                thông dịch lệnh; đơn vị vận hành đã cách ly máy chủ, giữ nguyên nhật ký và báo Công an tỉnh.";
    let mut body = vec![Block::Heading("1. Diễn biến".to_owned())];
    body.extend((0..paragraphs).map(|_| Block::Paragraph(text.to_owned())));
    body.push(Block::Item("Cách ly máy chủ khỏi mạng".to_owned()));
    body.push(Block::Table(Table {
        head: vec!["STT".to_owned(), "Hệ thống".to_owned(), "Cấp độ".to_owned()],
        widths: vec![1, 6, 2],
        rows: vec![vec!["1".to_owned(), "Cổng dịch vụ công".to_owned(), "3".to_owned()]],
    }));
    Document {
        superior: Some("Ủy ban nhân dân tỉnh Hà Tĩnh".to_owned()),
        issuer: "Sở Khoa học và Công nghệ".to_owned(),
        number: Some(7),
        symbol: "BC-SKHCN".to_owned(),
        place: "Hà Tĩnh".to_owned(),
        date: NaiveDate::from_ymd_opt(2026, 2, 5),
        year: 2026,
        kind: Kind::Named("Báo cáo".to_owned()),
        summary: "Ban đầu về sự cố an ninh mạng SC-2026-0042".to_owned(),
        addressees: vec!["Công an tỉnh Hà Tĩnh".to_owned()],
        body,
        signature: Signature {
            authority: Some((Authority::Deputy, "Giám đốc".to_owned())),
            title: "Phó Giám đốc".to_owned(),
            name: "Nguyễn Thị Thanh Hằng".to_owned(),
        },
        recipients: vec!["Lãnh đạo Sở".to_owned()],
        filed: "VT, CNTT".to_owned(),
        wide: false,
    }
}

fn texts(sheet: &layout::Sheet) -> Vec<(f32, f32, f32, Style, &str)> {
    let text = |mark: &'_ Mark| match mark {
        Mark::Text { x, y, size, style, .. } => Some((*x, *y, *size, *style)),
        Mark::Rule { .. } => None,
    };
    let words = sheet.iter().filter_map(|mark| match mark {
        Mark::Text { text, .. } => Some(text.as_str()),
        Mark::Rule { .. } => None,
    });
    let places = sheet.iter().filter_map(text);
    places.zip(words).map(|((x, y, size, style), text)| (x, y, size, style, text)).collect()
}

#[test]
fn the_parts_stand_where_the_decree_wants_them_in_its_sizes() {
    let fonts = Fonts::get().unwrap();
    let document = report(2).clean();
    let sheets = layout::sheets(fonts, &document);
    assert_eq!(sheets.len(), 1);
    let all = texts(&sheets[0]);
    let find = |words: &str| {
        *all.iter().find(|text| text.4 == words).unwrap_or_else(|| panic!("{words}: {all:?}"))
    };
    let middle = 105.0 * MM;
    let state = find("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM");
    let motto = find("Độc lập - Tự do - Hạnh phúc");
    assert!((12.0..=13.0).contains(&state.2) && state.3 == Style::Bold && state.0 > 90.0 * MM);
    assert!((13.0..=14.0).contains(&motto.2) && motto.3 == Style::Bold && motto.1 > state.1);
    let parent = find("ỦY BAN NHÂN DÂN TỈNH HÀ TĨNH");
    let issuer = find("SỞ KHOA HỌC VÀ CÔNG NGHỆ");
    assert!((parent.3, issuer.3) == (Style::Regular, Style::Bold) && issuer.0 < middle);
    assert!((12.0..=13.0).contains(&parent.2) && (12.0..=13.0).contains(&issuer.2));
    let number = find("Số: 07/BC-SKHCN");
    let place = find("Hà Tĩnh, ngày 05 tháng 02 năm 2026");
    assert!((number.1 - place.1).abs() < 0.1, "number and place are level");
    assert_eq!((number.2, number.3, place.3), (13.0, Style::Regular, Style::Italic));
    let kind = find("BÁO CÁO");
    assert!((13.0..=14.0).contains(&kind.2) && kind.3 == Style::Bold && kind.1 > place.1);
    let centre = kind.0 + fonts.width("BÁO CÁO", Style::Bold, kind.2) / 2.0;
    assert!((centre - (30.0 + 82.5) * MM).abs() < 0.5, "in the middle of the text");
    for line in ["KT. GIÁM ĐỐC", "PHÓ GIÁM ĐỐC", "Nguyễn Thị Thanh Hằng"] {
        let found = find(line);
        assert!(found.0 > middle && found.3 == Style::Bold, "{line}");
    }
    let (word, first) = (find("Nơi nhận:"), find("- Như trên;"));
    assert_eq!((word.2, word.3, first.2, first.3), (12.0, Style::BoldItalic, 11.0, Style::Regular));
    find("- Lưu: VT, CNTT.");
}

#[test]
fn nothing_leaves_the_margins_and_pages_are_numbered_from_the_second() {
    let fonts = Fonts::get().unwrap();
    let mut document = report(40);
    let rows = (0..90).map(|n| vec![n.to_string(), "hệ thống ".repeat(n % 30), "3".to_owned()]);
    document.body.push(Block::Table(Table {
        head: vec!["STT".to_owned(), "Tên".to_owned(), "Cấp".to_owned()],
        widths: vec![1, 6, 2],
        rows: rows.collect(),
    }));
    document.body.push(Block::Paragraph("x".repeat(900)));
    let sheets = layout::sheets(fonts, &document.clean());
    assert!(sheets.len() > 4, "{}", sheets.len());
    for (place, sheet) in sheets.iter().enumerate() {
        let all = texts(sheet);
        let numbers: Vec<_> = all.iter().filter(|text| text.1 < 20.0 * MM).collect();
        if place == 0 {
            assert!(numbers.is_empty(), "no number on the first page");
        } else {
            let words: Vec<&str> = numbers.iter().map(|text| text.4).collect();
            assert_eq!(words, [(place + 1).to_string()]);
        }
        for (x, y, size, style, text) in &all {
            let right = x + fonts.width(text.trim_end(), *style, *size);
            assert!(*x >= 30.0 * MM - 0.1 || *y < 20.0 * MM, "{text} begins at {x}");
            assert!(right <= 195.0 * MM + 0.1, "{text} ends at {right}");
            assert!(*y <= 277.0 * MM + 0.1, "{text} stands at {y}");
        }
    }
    let ends: Vec<f32> = texts(&sheets[0])
        .iter()
        .filter(|text| (text.2 - BODY).abs() < 0.1 && text.3 == Style::Regular)
        .map(|text| text.0 + fonts.width(text.4.trim_end(), text.3, text.2))
        .filter(|end| *end > 194.0 * MM)
        .collect();
    assert!(ends.len() > 10, "lines reach the right margin");
    assert!(ends.iter().all(|end| (end - 195.0 * MM).abs() < 0.5), "{ends:?}");
}

#[test]
fn the_fonts_draw_all_of_vietnamese() {
    let letters =
        "aăâbcdđeêghiklmnoôơpqrstuưvxyàảãáạằẳẵắặầẩẫấậèẻẽéẹềểễếệìỉĩíịòỏõóọồổỗốộờởỡớợùủũúụừửữứựỳỷỹýỵ";
    let fonts = Fonts::get().unwrap();
    for style in [Style::Regular, Style::Italic, Style::Bold, Style::BoldItalic] {
        let font = fonts.of(style).unwrap();
        for c in letters.chars().chain(letters.to_uppercase().chars()).chain("“”–—…/.;₫".chars())
        {
            assert!(font.has(c), "{style:?} lacks {c}");
        }
    }
}

#[test]
fn both_files_are_whole_and_print_the_same_twice() {
    let mut document = report(3);
    document.summary = "Lần 2 \u{0}\u{1b} về sự cố 😀 <b>&".to_owned();
    let pdf = document.pdf().unwrap();
    assert!(pdf.starts_with(b"%PDF-1.7") && pdf == document.pdf().unwrap());
    let docx = document.docx().unwrap();
    assert!(docx.starts_with(b"PK"));
    let mut letter = report(2);
    letter.kind = Kind::Letter;
    letter.number = None;
    letter.date = None;
    assert!(letter.pdf().unwrap().starts_with(b"%PDF-1.7"));
    assert!(letter.docx().unwrap().starts_with(b"PK"));
}

#[test]
fn open_parts_stay_open_and_the_end_is_marked_once() {
    let mut document = report(0);
    document.number = None;
    document.date = None;
    assert_eq!(document.number_line(), "Số: ……/BC-SKHCN");
    assert_eq!(document.place_line(), "Hà Tĩnh, ngày …… tháng …… năm 2026");
    assert_eq!(document.quoted(), None);
    document.body = vec![Block::Paragraph("Sở báo cáo để Công an tỉnh biết. ./.".to_owned())];
    let ended = document.ended_body();
    assert_eq!(ended, [Block::Paragraph("Sở báo cáo để Công an tỉnh biết./.".to_owned())]);
    let json = serde_json::to_string(&document).unwrap();
    assert_eq!(serde_json::from_str::<Document>(&json).unwrap(), document);
}

#[test]
fn a_wide_document_lies_on_its_side_and_keeps_its_table_on_the_paper() {
    let fonts = Fonts::get().unwrap();
    let mut document = report(1);
    document.wide = true;
    document.body.push(Block::Table(Table {
        head: (1..=12).map(|column| format!("Cột {column}")).collect(),
        widths: vec![1; 12],
        rows: vec![vec!["Hệ thống thông tin của đơn vị".to_owned(); 12]; 60],
    }));
    let document = document.clean();
    let sheets = layout::sheets(fonts, &document);
    assert!(sheets.len() > 1);
    let mut furthest: f32 = 0.0;
    for (x, y, ..) in sheets.iter().flat_map(|sheet| texts(sheet)) {
        assert!(y < 210.0 * MM && x < 297.0 * MM, "{x} {y}");
        furthest = furthest.max(x);
    }
    assert!(furthest > 210.0 * MM, "the table uses the width: {furthest}");
    assert!(document.pdf().unwrap().starts_with(b"%PDF-"));
    assert!(document.docx().unwrap().starts_with(b"PK"));
}
