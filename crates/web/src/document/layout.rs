//! Where every word of a document stands on paper: lines, columns, pages. Plain data, so that the
//! layout can be measured; [`super::pdf`] draws it.

use super::font::{Fonts, Style};
use super::measure::{
    ABOUT, BODY, CELL_PAD, INDENT, ISSUER, LINE, MARGIN_BOTTOM, MARGIN_LEFT, MARGIN_TOP, MOTTO,
    NUMBER, PAGE_NUMBER, PARAGRAPH_GAP, PLACE, Paper, RECIPIENT, RECIPIENTS, SIGN_ROOM, STATE,
    TITLE,
};
use super::{Block, Document, Kind, Table, vi};

/// Something drawn.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Mark {
    /// Words from this point on their base line.
    Text { x: f32, y: f32, size: f32, style: Style, text: String },
    /// A straight rule.
    Rule { from: (f32, f32), to: (f32, f32) },
}

/// What stands on one page.
pub(super) type Sheet = Vec<Mark>;

/// The base line of a line of text lies so much of its size below its top.
const ASCENT: f32 = 0.95;

/// Where the page's number stands: its base line in the margin above, from the top.
const PAGE_NUMBER_Y: f32 = MARGIN_TOP * 0.7;

/// A rule under a name is so much of the name's length: between a third and a half.
const RULE_PART: f32 = 0.4;

/// Returns the pages of a document.
pub(super) fn sheets(fonts: &Fonts, document: &Document) -> Vec<Sheet> {
    let paper = Paper::of(document.wide);
    let mut pen = Pen { fonts, paper, sheets: vec![Vec::new()], y: MARGIN_TOP };
    pen.head(document);
    pen.title(document);
    for block in document.ended_body() {
        pen.block(&block);
    }
    pen.foot(document);
    pen.sheets
}

/// A line of words, broken to a width.
struct Line {
    words: Vec<String>,
    /// The width of the words with one space between each two.
    width: f32,
}

/// A part of a column: text in the middle, a rule under what was last written, or a gap.
enum Part {
    Text(String, f32, Style),
    Rule(f32),
    Gap(f32),
}

struct Pen<'a> {
    fonts: &'a Fonts,
    paper: Paper,
    sheets: Vec<Sheet>,
    y: f32,
}

impl Pen<'_> {
    /// Where the text ends.
    fn bottom(&self) -> f32 {
        self.paper.height - MARGIN_BOTTOM
    }

    fn draw(&mut self, mark: Mark) {
        if let Some(sheet) = self.sheets.last_mut() {
            sheet.push(mark);
        }
    }

    /// Turns the page; from the second on its number stands in the middle above.
    fn turn(&mut self) {
        self.sheets.push(Vec::new());
        self.y = MARGIN_TOP;
        let text = self.sheets.len().to_string();
        let width = self.fonts.width(&text, Style::Regular, PAGE_NUMBER);
        let x = (self.paper.width - width) / 2.0;
        let (y, size, style) = (PAGE_NUMBER_Y, PAGE_NUMBER, Style::Regular);
        self.draw(Mark::Text { x, y, size, style, text });
    }

    /// Turns the page unless so much room is left.
    fn need(&mut self, height: f32) {
        if self.y + height > self.bottom() && self.y > MARGIN_TOP {
            self.turn();
        }
    }

    /// Returns the words of a text that are no wider than a line; longer ones are cut.
    fn words(&self, text: &str, style: Style, size: f32, width_max: f32) -> Vec<(String, f32)> {
        let mut words = Vec::new();
        for word in text.split_whitespace() {
            let (mut part, mut width) = (String::new(), 0.0);
            for c in word.chars() {
                let own = self.fonts.width(c.encode_utf8(&mut [0; 4]), style, size);
                if width + own > width_max && !part.is_empty() {
                    words.push((std::mem::take(&mut part), width));
                    width = 0.0;
                }
                part.push(c);
                width += own;
            }
            words.push((part, width));
        }
        words
    }

    fn lines(&self, text: &str, style: Style, size: f32, width_max: f32, first: f32) -> Vec<Line> {
        let space = self.fonts.width(" ", style, size);
        let mut lines = vec![Line { words: Vec::new(), width: 0.0 }];
        for (word, width) in self.words(text, style, size, width_max - first) {
            let room = if lines.len() == 1 { width_max - first } else { width_max };
            let Some(line) = lines.last_mut() else { break };
            let gap = if line.words.is_empty() { 0.0 } else { space };
            if line.width + gap + width > room && !line.words.is_empty() {
                lines.push(Line { words: vec![word], width });
            } else {
                line.width += gap + width;
                line.words.push(word);
            }
        }
        lines
    }

    /// Writes a line between two edges, spread so that it ends at the right one.
    fn spread(&mut self, line: &Line, left: f32, right: f32, size: f32, style: Style) {
        let gaps = line.words.len().saturating_sub(1);
        #[expect(clippy::cast_precision_loss, reason = "a line has some twenty words")]
        let more = if gaps == 0 { 0.0 } else { (right - left - line.width) / gaps as f32 };
        let space = self.fonts.width(" ", style, size) + more;
        let (mut x, y) = (left, self.y + size * ASCENT);
        for (place, word) in line.words.iter().enumerate() {
            let width = self.fonts.width(word, style, size);
            // The space is drawn too: whoever copies from the page gets words.
            let text = if place < gaps { format!("{word} ") } else { word.clone() };
            self.draw(Mark::Text { x, y, size, style, text });
            x += width + space;
        }
    }

    fn at(&mut self, x: f32, text: String, size: f32, style: Style) {
        let y = self.y + size * ASCENT;
        self.draw(Mark::Text { x, y, size, style, text });
    }

    /// Writes a paragraph from the left edge to the right, its first line indented.
    fn paragraph(&mut self, text: &str, style: Style, size: f32, first: f32) {
        let lines = self.lines(text, style, size, self.paper.text, first);
        let last = lines.len().saturating_sub(1);
        for (place, line) in lines.iter().enumerate() {
            self.need(size * LINE);
            let left = MARGIN_LEFT + if place == 0 { first } else { 0.0 };
            if place == last {
                self.at(left, line.words.join(" "), size, style);
            } else {
                self.spread(line, left, MARGIN_LEFT + self.paper.text, size, style);
            }
            self.y += size * LINE;
        }
        self.y += PARAGRAPH_GAP;
    }

    /// Writes parts below each other in the middle of a column, from this height; returns where they
    /// end. A column is never broken.
    fn column(&mut self, left: f32, width: f32, from: f32, parts: &[Part]) -> f32 {
        let before = std::mem::replace(&mut self.y, from);
        let mut last = 0.0;
        for part in parts {
            match part {
                Part::Gap(height) => self.y += height,
                Part::Rule(part) => {
                    let (half, y) = (last * part / 2.0, self.y + 2.0);
                    let middle = left + width / 2.0;
                    self.draw(Mark::Rule { from: (middle - half, y), to: (middle + half, y) });
                    self.y += 4.0;
                }
                Part::Text(text, size, style) => {
                    for line in self.lines(text, *style, *size, width, 0.0) {
                        let x = left + (width - line.width) / 2.0;
                        last = line.width;
                        self.at(x, line.words.join(" "), *size, *style);
                        self.y += size * LINE;
                    }
                }
            }
        }
        std::mem::replace(&mut self.y, before)
    }

    fn head(&mut self, document: &Document) {
        let (left, right) = (MARGIN_LEFT, MARGIN_LEFT + self.paper.issuer);
        let rest = self.paper.text - self.paper.issuer;
        let mut parts = Vec::new();
        if let Some(superior) = &document.superior {
            parts.push(Part::Text(superior.to_uppercase(), ISSUER, Style::Regular));
        }
        parts.push(Part::Text(document.issuer.to_uppercase(), ISSUER, Style::Bold));
        parts.push(Part::Rule(RULE_PART));
        let issuer_ends = self.column(left, self.paper.issuer, self.y, &parts);
        let state = [
            Part::Text(vi("document-state"), STATE, Style::Bold),
            Part::Text(vi("document-motto"), MOTTO, Style::Bold),
            Part::Rule(1.0),
        ];
        let state_ends = self.column(right, rest, self.y, &state);
        let below = issuer_ends.max(state_ends) + PARAGRAPH_GAP;
        let mut number = vec![Part::Text(document.number_line(), NUMBER, Style::Regular)];
        if document.kind == Kind::Letter {
            let about = crate::Phrase::key("document-about").arg("summary", &*document.summary);
            number.push(Part::Text(about.text(crate::Lang::Vi), ABOUT, Style::Regular));
        }
        let number_ends = self.column(left, self.paper.issuer, below, &number);
        let place = [Part::Text(document.place_line(), PLACE, Style::Italic)];
        let place_ends = self.column(right, rest, below, &place);
        self.y = number_ends.max(place_ends) + 2.0 * PARAGRAPH_GAP;
    }

    fn title(&mut self, document: &Document) {
        let mut parts = Vec::new();
        if let Kind::Named(name) = &document.kind {
            parts.push(Part::Text(name.to_uppercase(), TITLE, Style::Bold));
            parts.push(Part::Text(document.summary.clone(), TITLE, Style::Bold));
            parts.push(Part::Rule(RULE_PART));
            parts.push(Part::Gap(2.0 * PARAGRAPH_GAP));
        }
        let to = vi("document-to");
        match document.addressees.as_slice() {
            [] => {}
            [one] => parts.push(Part::Text(format!("{to} {one}"), BODY, Style::Regular)),
            all => {
                parts.push(Part::Text(to, BODY, Style::Regular));
                let lines = all.iter().map(|one| format!("- {one};"));
                parts.extend(lines.map(|line| Part::Text(line, BODY, Style::Regular)));
            }
        }
        parts.push(Part::Gap(PARAGRAPH_GAP));
        self.y = self.column(MARGIN_LEFT, self.paper.text, self.y, &parts);
    }

    fn block(&mut self, block: &Block) {
        match block {
            // A heading never ends a page: two lines must follow it.
            Block::Heading(text) => {
                self.need(BODY * LINE * 3.0 + PARAGRAPH_GAP);
                self.paragraph(text, Style::Bold, BODY, INDENT);
            }
            Block::Paragraph(text) => self.paragraph(text, Style::Regular, BODY, INDENT),
            Block::Item(text) => {
                self.paragraph(&format!("- {text}"), Style::Regular, BODY, INDENT);
            }
            Block::Table(table) => self.table(table),
        }
    }

    fn table(&mut self, table: &Table) {
        let whole: f32 = table.widths.iter().map(|width| f32::from(*width)).sum();
        let widths: Vec<f32> = table
            .widths
            .iter()
            .map(|own| self.paper.text * f32::from(*own) / whole.max(1.0))
            .collect();
        if widths.is_empty() {
            return;
        }
        let cells = |pen: &Self, row: &[String], style| -> Vec<Vec<Line>> {
            let filled = row.iter().map(String::as_str).chain(std::iter::repeat(""));
            let pairs = widths.iter().zip(filled);
            pairs
                .map(|(width, text)| {
                    pen.lines(text, style, pen.paper.table, width - 2.0 * CELL_PAD, 0.0)
                })
                .collect()
        };
        let head = cells(self, &table.head, Style::Bold);
        self.need(self.paper.table * LINE * 4.0);
        self.row(&widths, &head, 0, usize::MAX, Style::Bold);
        for row in &table.rows {
            let row = cells(self, row, Style::Regular);
            let height = row.iter().map(Vec::len).max().unwrap_or_default();
            let mut done = 0;
            while done < height {
                let fits = self.fitting();
                let is_whole = height - done <= fits;
                if fits == 0 || (!is_whole && done == 0 && self.y > self.paper.height / 2.0) {
                    self.turn();
                    self.row(&widths, &head, 0, usize::MAX, Style::Bold);
                    continue;
                }
                done += self.row(&widths, &row, done, fits, Style::Regular);
            }
        }
        self.y += PARAGRAPH_GAP;
    }

    /// Returns how many lines of a table the page still takes.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a page has some fifty lines; below zero is none"
    )]
    fn fitting(&self) -> usize {
        ((self.bottom() - self.y - CELL_PAD) / (self.paper.table * LINE)).max(0.0) as usize
    }

    /// Writes lines of a row, with its rules; returns how many.
    fn row(
        &mut self,
        widths: &[f32],
        cells: &[Vec<Line>],
        from: usize,
        most: usize,
        style: Style,
    ) -> usize {
        let height = cells.iter().map(Vec::len).max().unwrap_or_default();
        let count = height.saturating_sub(from).min(most);
        let top = self.y;
        let mut x = MARGIN_LEFT;
        let mut bottom = top + CELL_PAD;
        for (width, lines) in widths.iter().zip(cells) {
            self.y = top + CELL_PAD / 2.0;
            for line in lines.iter().skip(from).take(count) {
                let middle = (width - line.width) / 2.0;
                let inset = if style == Style::Bold { middle } else { CELL_PAD };
                self.at(x + inset, line.words.join(" "), self.paper.table, style);
                self.y += self.paper.table * LINE;
            }
            bottom = bottom.max(self.y + CELL_PAD / 2.0);
            x += width;
        }
        let right = MARGIN_LEFT + widths.iter().sum::<f32>();
        for y in [top, bottom] {
            self.draw(Mark::Rule { from: (MARGIN_LEFT, y), to: (right, y) });
        }
        let mut x = MARGIN_LEFT;
        for width in widths.iter().copied().chain([0.0]) {
            self.draw(Mark::Rule { from: (x, top), to: (x, bottom) });
            x += width;
        }
        self.y = bottom;
        count
    }

    /// Recipients on the left, whoever signs on the right; never on two pages.
    fn foot(&mut self, document: &Document) {
        let recipients = document.recipient_lines();
        let width = self.paper.text / 2.0;
        let mut signer: Vec<Part> = Vec::new();
        for line in document.signer_lines() {
            signer.push(Part::Text(line, BODY, Style::Bold));
        }
        signer.push(Part::Gap(SIGN_ROOM));
        signer.push(Part::Text(document.signature.name.clone(), BODY, Style::Bold));
        let listed: Vec<(f32, Line)> = recipients
            .iter()
            .flat_map(|line| self.lines(line, Style::Regular, RECIPIENT, width - INDENT, 0.0))
            .map(|line| (RECIPIENT * LINE, line))
            .collect();
        let left_height = RECIPIENTS * LINE + listed.iter().map(|(height, _)| height).sum::<f32>();
        let right_height = signer.iter().map(|part| self.height(part, width)).sum::<f32>();
        self.y += PARAGRAPH_GAP;
        self.need(left_height.max(right_height));
        let top = self.y;
        self.at(MARGIN_LEFT, vi("document-recipients"), RECIPIENTS, Style::BoldItalic);
        self.y += RECIPIENTS * LINE;
        for (height, line) in &listed {
            self.at(MARGIN_LEFT, line.words.join(" "), RECIPIENT, Style::Regular);
            self.y += height;
        }
        let left_ends = self.y;
        let right_ends = self.column(MARGIN_LEFT + width, width, top, &signer);
        self.y = left_ends.max(right_ends);
    }

    fn height(&self, part: &Part, width: f32) -> f32 {
        match part {
            Part::Gap(height) => *height,
            Part::Rule(_) => 4.0,
            Part::Text(text, size, style) => {
                self.lines(text, *style, *size, width, 0.0).iter().map(|_| size * LINE).sum()
            }
        }
    }
}
