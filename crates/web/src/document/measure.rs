//! Every length and size of a printed document, each with its source.
//!
//! Source, unless said otherwise: Nghị định 30/2020/NĐ-CP, Phụ lục I, mục I.I (paper, margins) and mục
//! IV (font, sizes). Lengths are in points (1/72 inch) for the PDF and twips (1/20 point) for Word.

/// Points of a millimetre.
pub(super) const MM: f32 = 72.0 / 25.4;

/// Width of A4: 210 mm.
pub(super) const PAGE_WIDTH: f32 = 210.0 * MM;

/// Height of A4: 297 mm.
pub(super) const PAGE_HEIGHT: f32 = 297.0 * MM;

/// Margins above and below: 20 to 25 mm.
pub(super) const MARGIN_TOP: f32 = 20.0 * MM;

/// See [`MARGIN_TOP`].
pub(super) const MARGIN_BOTTOM: f32 = 20.0 * MM;

/// Margin on the left, where it is bound: 30 to 35 mm.
pub(super) const MARGIN_LEFT: f32 = 30.0 * MM;

/// Margin on the right: 15 to 20 mm.
pub(super) const MARGIN_RIGHT: f32 = 15.0 * MM;

/// How a document's paper lies, and what follows from it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Paper {
    /// Width of the page.
    pub(super) width: f32,
    /// Height of the page.
    pub(super) height: f32,
    /// Width of the text.
    pub(super) text: f32,
    /// The left of the two columns at the head: the issuing body. The name of the State on the right
    /// needs more room than the decree's half: its 12 points bold must stay on one line.
    pub(super) issuer: f32,
    /// Size of what stands in tables.
    pub(super) table: f32,
}

impl Paper {
    /// Returns the paper of a document that stands upright, or lies on its side.
    pub(super) fn of(wide: bool) -> Self {
        let (width, height) =
            if wide { (PAGE_HEIGHT, PAGE_WIDTH) } else { (PAGE_WIDTH, PAGE_HEIGHT) };
        let text = width - MARGIN_LEFT - MARGIN_RIGHT;
        let table = if wide { WIDE_TABLE } else { TABLE };
        Self { width, height, text, issuer: text * 0.43, table }
    }
}

/// Size of the body: 13 to 14.
pub(super) const BODY: f32 = 14.0;

/// Size of the name of the State: 12 to 13, bold.
pub(super) const STATE: f32 = 12.0;

/// Size of the motto: 13 to 14, bold.
pub(super) const MOTTO: f32 = 13.0;

/// Size of the issuing body and the one above it: 12 to 13.
pub(super) const ISSUER: f32 = 12.0;

/// Size of number and symbol: 13.
pub(super) const NUMBER: f32 = 13.0;

/// Size of place and date: 13 to 14, italic.
pub(super) const PLACE: f32 = 13.0;

/// Size of kind and summary: 13 to 14, bold.
pub(super) const TITLE: f32 = 14.0;

/// Size of the summary of a letter: 12 to 13.
pub(super) const ABOUT: f32 = 12.0;

/// Size of the word over the recipients: 12, bold italic.
pub(super) const RECIPIENTS: f32 = 12.0;

/// Size of the recipients: 11.
pub(super) const RECIPIENT: f32 = 11.0;

/// Size of the page's number: 13 to 14.
pub(super) const PAGE_NUMBER: f32 = 13.0;

/// Size of what stands in tables: the smallest size of the body.
pub(super) const TABLE: f32 = 13.0;

/// Size of what stands in tables of many columns, on paper that lies on its side: annexes have no size of
/// their own in the decree, the smallest that it names for anything is 11, and twelve columns need less.
pub(super) const WIDE_TABLE: f32 = 10.0;

/// First line of a paragraph: 1 or 1.27 cm.
pub(super) const INDENT: f32 = 12.7 * MM;

/// Space between paragraphs: at least 6 points.
pub(super) const PARAGRAPH_GAP: f32 = 6.0;

/// Height of a line as a multiple of its size: between single and one and a half.
pub(super) const LINE: f32 = 1.2;

/// Room for a signature and a seal of 36 mm in diameter.
///
/// Source of the seal: Thông tư 22/2024/TT-BCA (own knowledge); the room is our choice.
pub(super) const SIGN_ROOM: f32 = 26.0 * MM;

/// Space inside a cell of a table, left and right.
pub(super) const CELL_PAD: f32 = 4.0;

/// Width of rules.
pub(super) const RULE: f32 = 0.6;

/// Returns points as Word's twips.
#[expect(clippy::cast_possible_truncation, reason = "a page has some 17,000 twips")]
pub(super) fn twips(points: f32) -> i32 {
    (points * 20.0).round() as i32
}

/// Returns a size as Word's half points.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sizes are between 10 and 14 points"
)]
pub(super) fn half_points(points: f32) -> usize {
    (points * 2.0).round() as usize
}
