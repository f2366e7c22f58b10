//! A document as PDF/A-2b: what [`super::layout`] has placed, drawn.

use chrono::Datelike as _;
use krilla::SerializeSettings;
use krilla::configure::{Archival, ConfigurationBuilder};
use krilla::geom::{PathBuilder, Point, Size};
use krilla::metadata::{DateTime, Metadata};
use krilla::num::NormalizedF32;
use krilla::page::PageSettings;
use krilla::paint::{Fill, Stroke};
use krilla::surface::Surface;
use krilla::text::{Font, GlyphId, KrillaGlyph};

use super::font::{Fonts, Style};
use super::layout::{self, Mark};
use super::measure::{Paper, RULE};
use super::{Document, DocumentError, Kind};

/// Returns the bytes of the file.
pub(super) fn print(document: &Document) -> Result<Vec<u8>, DocumentError> {
    let fonts = Fonts::get()?;
    let failed = |what: &str| DocumentError::Pdf(what.to_owned());
    let pen = Pen::new(fonts)?;
    let configuration = ConfigurationBuilder::new().with_archival_validator(Archival::A2_B);
    let settings = SerializeSettings {
        configuration: configuration.finish().map_err(|error| failed(&format!("{error:?}")))?,
        ..SerializeSettings::default()
    };
    let mut file = krilla::Document::new_with(settings);
    file.set_metadata(metadata(document));
    let paper = Paper::of(document.wide);
    let size = Size::from_wh(paper.width, paper.height).ok_or_else(|| failed("size"))?;
    for sheet in layout::sheets(fonts, document) {
        let mut page = file.start_page_with(PageSettings::new(size));
        let mut surface = page.surface();
        for mark in &sheet {
            pen.draw(&mut surface, mark);
        }
        surface.finish();
        page.finish();
    }
    file.finish().map_err(|error| failed(&format!("{error:?}")))
}

fn metadata(document: &Document) -> Metadata {
    let title = match &document.kind {
        Kind::Named(name) => format!("{name}: {}", document.summary),
        Kind::Letter => document.summary.clone(),
    };
    Metadata::new()
        .title(title)
        .authors(vec![document.issuer.clone()])
        .language("vi".to_owned())
        .creator("luytre".to_owned())
        .creation_date(day(document))
}

/// The file bears the document's day, not that of its printing: the same document, the same bytes.
fn day(document: &Document) -> DateTime {
    let small = |number: u32| u8::try_from(number).unwrap_or(1);
    let year = u16::try_from(document.date.map_or(document.year, |date| date.year()));
    let (month, day) = document.date.map_or((1, 1), |date| (date.month(), date.day()));
    DateTime::new(year.unwrap_or_default()).month(small(month)).day(small(day))
}

struct Pen {
    fonts: &'static Fonts,
    loaded: Vec<(Style, Font)>,
}

impl Pen {
    fn new(fonts: &'static Fonts) -> Result<Self, DocumentError> {
        let mut loaded = Vec::new();
        for style in [Style::Regular, Style::Italic, Style::Bold, Style::BoldItalic] {
            let font = fonts.of(style).and_then(|font| Font::new(font.data.clone(), 0));
            loaded.push((style, font.ok_or(DocumentError::Font("tinos"))?));
        }
        Ok(Self { fonts, loaded })
    }

    fn draw(&self, surface: &mut Surface<'_>, mark: &Mark) {
        match mark {
            Mark::Text { x, y, size, style, text } => {
                surface.set_stroke(None);
                surface.set_fill(Some(Fill::default()));
                let Some(font) = self.fonts.of(*style) else { return };
                let Some((_, loaded)) = self.loaded.iter().find(|(own, _)| own == style) else {
                    return;
                };
                let glyph = |(at, c): (usize, char)| {
                    let (glyph, advance) = font.glyph(c);
                    KrillaGlyph {
                        glyph_id: GlyphId::new(u32::from(glyph)),
                        text_range: at..at + c.len_utf8(),
                        x_advance: advance,
                        x_offset: 0.0,
                        y_offset: 0.0,
                        y_advance: 0.0,
                        location: None,
                    }
                };
                let glyphs: Vec<KrillaGlyph> = text.char_indices().map(glyph).collect();
                let start = Point::from_xy(*x, *y);
                surface.draw_glyphs(start, &glyphs, loaded.clone(), text, *size, false);
            }
            Mark::Rule { from, to } => {
                let mut path = PathBuilder::new();
                path.move_to(from.0, from.1);
                path.line_to(to.0, to.1);
                let Some(path) = path.finish() else { return };
                surface.set_fill(None);
                let opacity = NormalizedF32::ONE;
                surface.set_stroke(Some(Stroke { width: RULE, opacity, ..Stroke::default() }));
                surface.draw_path(&path);
            }
        }
    }
}
