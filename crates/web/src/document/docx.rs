//! A document as DOCX: the same parts in Word's own words, so that a clerk can go on writing.

use std::io::Cursor;

use docx_rs::{
    AlignmentType, Docx, Header, LineSpacing, PageMargin, PageNum, PageOrientationType, Paragraph,
    ParagraphBorder, ParagraphBorderPosition, Run, RunFonts, SpecialIndentType, Table as Grid,
    TableCell, TableLayoutType, TableRow, WidthType,
};

use super::measure::{
    ABOUT, BODY, INDENT, ISSUER, LINE, MARGIN_BOTTOM, MARGIN_LEFT, MARGIN_RIGHT, MARGIN_TOP, MOTTO,
    NUMBER, PAGE_NUMBER, PARAGRAPH_GAP, PLACE, Paper, RECIPIENT, RECIPIENTS, SIGN_ROOM, STATE,
    TITLE, half_points, twips,
};
use super::{Block, Document, DocumentError, Kind, Table, vi};

/// The font that official documents are written in.
const FONT: &str = "Times New Roman";

/// Word counts the height of lines in parts of 240.
#[expect(clippy::cast_possible_truncation, reason = "between 240 and 360")]
const LINE_PARTS: i32 = (LINE * 240.0) as i32;

/// Returns the bytes of the file.
pub(super) fn print(document: &Document) -> Result<Vec<u8>, DocumentError> {
    let number = Paragraph::new()
        .align(AlignmentType::Center)
        .size(half_points(PAGE_NUMBER))
        .add_page_num(PageNum::new());
    let fonts = RunFonts::new().ascii(FONT).hi_ansi(FONT).east_asia(FONT).cs(FONT);
    let paper = Paper::of(document.wide);
    let orient =
        if document.wide { PageOrientationType::Landscape } else { PageOrientationType::Portrait };
    let mut file = Docx::new()
        .page_size(unsigned(paper.width), unsigned(paper.height))
        .page_orient(orient)
        .page_margin(PageMargin {
            top: twips(MARGIN_TOP),
            bottom: twips(MARGIN_BOTTOM),
            left: twips(MARGIN_LEFT),
            right: twips(MARGIN_RIGHT),
            header: twips(MARGIN_TOP / 2.0),
            footer: twips(MARGIN_BOTTOM / 2.0),
            gutter: 0,
        })
        .default_fonts(fonts)
        .default_size(half_points(BODY))
        .first_header(Header::new().add_paragraph(Paragraph::new()))
        .header(Header::new().add_paragraph(number))
        .title_pg()
        .add_table(head(document, paper));
    for paragraph in title(document, paper) {
        file = file.add_paragraph(paragraph);
    }
    for block in document.ended_body() {
        file = match block {
            Block::Heading(text) => {
                file.add_paragraph(body(Run::new().add_text(text).bold()).keep_next(true))
            }
            Block::Paragraph(text) => file.add_paragraph(body(Run::new().add_text(text))),
            Block::Item(text) => file.add_paragraph(body(Run::new().add_text(format!("- {text}")))),
            Block::Table(table) => file
                .add_table(grid(&table, paper))
                .add_paragraph(Paragraph::new().line_spacing(LineSpacing::new().after(0))),
        };
    }
    let mut bytes = Cursor::new(Vec::new());
    file.add_table(foot(document, paper))
        .pack(&mut bytes)
        .map_err(|error| DocumentError::Docx(Box::new(error)))?;
    Ok(bytes.into_inner())
}

fn unsigned(points: f32) -> u32 {
    u32::try_from(twips(points)).unwrap_or_default()
}

fn wide(points: f32) -> usize {
    usize::try_from(twips(points)).unwrap_or_default()
}

fn body(run: Run) -> Paragraph {
    let first = Some(SpecialIndentType::FirstLine(twips(INDENT)));
    let spacing = LineSpacing::new().after(unsigned(PARAGRAPH_GAP)).line(LINE_PARTS);
    Paragraph::new()
        .align(AlignmentType::Both)
        .indent(None, first, None, None)
        .line_spacing(spacing)
        .add_run(run.size(half_points(BODY)))
}

fn middle(run: Run) -> Paragraph {
    Paragraph::new().align(AlignmentType::Center).add_run(run)
}

fn run(text: impl Into<String>, points: f32) -> Run {
    Run::new().add_text(text).size(half_points(points))
}

/// A short rule in the middle: the upper border of a low paragraph between wide indents.
fn rule(column: f32, length: f32) -> Paragraph {
    let side = twips(((column - length) / 2.0).max(0.0));
    let spacing = LineSpacing::new().before(20).after(unsigned(PARAGRAPH_GAP)).line(40);
    let mut paragraph = Paragraph::new()
        .indent(Some(side), None, Some(side), None)
        .line_spacing(spacing)
        .add_run(run("", 2.0));
    let border = ParagraphBorder::new(ParagraphBorderPosition::Top).size(6);
    paragraph.property = paragraph.property.clear_all_borders().set_border(border);
    paragraph
}

/// Two columns without rules.
fn columns(rows: Vec<(TableCell, TableCell)>, left_width: f32, paper: Paper) -> Grid {
    let right_width = paper.text - left_width;
    let cell = |cell: TableCell, width: f32| cell.width(wide(width), WidthType::Dxa);
    let row = |(left, right)| {
        TableRow::new(vec![cell(left, left_width), cell(right, right_width)]).cant_split()
    };
    Grid::without_borders(rows.into_iter().map(row).collect())
        .set_grid(vec![wide(left_width), wide(right_width)])
        .layout(TableLayoutType::Fixed)
        .width(wide(paper.text), WidthType::Dxa)
}

/// The bodies in a first row, number and place level with each other in a second.
fn head(document: &Document, paper: Paper) -> Grid {
    let mut issuer = TableCell::new();
    if let Some(superior) = &document.superior {
        issuer = issuer.add_paragraph(middle(run(superior.to_uppercase(), ISSUER)));
    }
    issuer = issuer
        .add_paragraph(middle(run(document.issuer.to_uppercase(), ISSUER).bold()))
        .add_paragraph(rule(paper.issuer, paper.issuer * 0.35));
    let rest = paper.text - paper.issuer;
    let state = TableCell::new()
        .add_paragraph(middle(run(vi("document-state"), STATE).bold()))
        .add_paragraph(middle(run(vi("document-motto"), MOTTO).bold()))
        .add_paragraph(rule(rest, rest * 0.62));
    let mut number = TableCell::new().add_paragraph(middle(run(document.number_line(), NUMBER)));
    if document.kind == Kind::Letter {
        let about = crate::Phrase::key("document-about").arg("summary", &*document.summary);
        number = number.add_paragraph(middle(run(about.text(crate::Lang::Vi), ABOUT)));
    }
    let place = run(document.place_line(), PLACE).italic();
    let place = TableCell::new().add_paragraph(middle(place));
    columns(vec![(issuer, state), (number, place)], paper.issuer, paper)
}

fn title(document: &Document, paper: Paper) -> Vec<Paragraph> {
    let mut all = vec![Paragraph::new().add_run(run("", ISSUER))];
    if let Kind::Named(name) = &document.kind {
        all.push(middle(run(name.to_uppercase(), TITLE).bold()));
        all.push(middle(run(&document.summary, TITLE).bold()));
        all.push(rule(paper.text, paper.text * 0.25));
    }
    let to = vi("document-to");
    match document.addressees.as_slice() {
        [] => {}
        [one] => all.push(middle(run(format!("{to} {one}"), BODY))),
        more => {
            all.push(middle(run(to, BODY)));
            all.extend(more.iter().map(|one| middle(run(format!("- {one};"), BODY))));
        }
    }
    all.push(Paragraph::new().add_run(run("", PARAGRAPH_GAP)));
    all
}

fn grid(table: &Table, paper: Paper) -> Grid {
    let whole: f32 = table.widths.iter().map(|width| f32::from(*width)).sum();
    let widths: Vec<usize> = table
        .widths
        .iter()
        .map(|own| wide(paper.text * f32::from(*own) / whole.max(1.0)))
        .collect();
    let row = |cells: &[String], is_head: bool| {
        let filled = cells.iter().map(String::as_str).chain(std::iter::repeat(""));
        let cells = widths.iter().zip(filled).map(|(width, text)| {
            let run = run(text, paper.table);
            let paragraph =
                if is_head { middle(run.bold()) } else { Paragraph::new().add_run(run) };
            TableCell::new().width(*width, WidthType::Dxa).add_paragraph(paragraph)
        });
        TableRow::new(cells.collect()).cant_split()
    };
    let rows = std::iter::once(row(&table.head, true))
        .chain(table.rows.iter().map(|cells| row(cells, false)))
        .collect();
    Grid::new(rows)
        .set_grid(widths.clone())
        .layout(TableLayoutType::Fixed)
        .width(wide(paper.text), WidthType::Dxa)
}

fn foot(document: &Document, paper: Paper) -> Grid {
    let heading = run(vi("document-recipients"), RECIPIENTS).bold().italic();
    let mut left = TableCell::new().add_paragraph(Paragraph::new().add_run(heading));
    for line in document.recipient_lines() {
        left = left.add_paragraph(Paragraph::new().add_run(run(line, RECIPIENT)));
    }
    let mut right = TableCell::new();
    for line in document.signer_lines() {
        right = right.add_paragraph(middle(run(line, BODY).bold()));
    }
    let room = LineSpacing::new().before(unsigned(SIGN_ROOM));
    let name = middle(run(&document.signature.name, BODY).bold()).line_spacing(room);
    columns(vec![(left, right.add_paragraph(name))], paper.text / 2.0, paper)
}
