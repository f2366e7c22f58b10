//! The letters of printed documents: Tinos, drawn with the widths of Times New Roman, with all of
//! Vietnamese, under the SIL Open Font License; built in beside the assets, loaded by no page.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use krilla::Data;
use ttf_parser::Face;

use super::DocumentError;
use crate::assets;

/// How letters look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Style {
    Regular,
    Italic,
    Bold,
    BoldItalic,
}

impl Style {
    const ALL: [Self; 4] = [Self::Regular, Self::Italic, Self::Bold, Self::BoldItalic];

    const fn file(self) -> &'static str {
        match self {
            Self::Regular => "vendor/tinos-regular.ttf",
            Self::Italic => "vendor/tinos-italic.ttf",
            Self::Bold => "vendor/tinos-bold.ttf",
            Self::BoldItalic => "vendor/tinos-bold-italic.ttf",
        }
    }
}

/// What is drawn for a character that the font lacks.
const MISSING: char = '?';

/// One font: its bytes, and of each character its glyph and its width in parts of the size.
pub(super) struct Font {
    pub(super) data: Data,
    glyphs: BTreeMap<char, (u16, f32)>,
}

impl Font {
    fn load(name: &'static str) -> Option<Self> {
        let data = assets::bytes(name)?;
        let mut glyphs = BTreeMap::new();
        let face = Face::parse(&data, 0).ok()?;
        let em = f32::from(face.units_per_em());
        let mut codes: Vec<u32> = Vec::new();
        for subtable in face.tables().cmap?.subtables {
            if subtable.is_unicode() {
                subtable.codepoints(|code| codes.push(code));
            }
        }
        for c in codes.into_iter().filter_map(char::from_u32) {
            let Some(glyph) = face.glyph_index(c) else { continue };
            let advance = face.glyph_hor_advance(glyph)?;
            glyphs.insert(c, (glyph.0, f32::from(advance) / em));
        }
        glyphs.contains_key(&MISSING).then_some(Self { data: data.into(), glyphs })
    }

    /// Returns the glyph of a character and its width in parts of the size.
    pub(super) fn glyph(&self, c: char) -> (u16, f32) {
        let found = self.glyphs.get(&c).or_else(|| self.glyphs.get(&MISSING));
        found.copied().unwrap_or_default()
    }

    /// Returns whether the font can draw a character.
    #[cfg(test)]
    pub(super) fn has(&self, c: char) -> bool {
        self.glyphs.contains_key(&c)
    }
}

/// The four fonts.
pub(super) struct Fonts(BTreeMap<Style, Font>);

static FONTS: LazyLock<Result<Fonts, &'static str>> = LazyLock::new(|| {
    let load = |style: Style| {
        Font::load(style.file()).map(|font| (style, font)).ok_or_else(|| style.file())
    };
    Style::ALL.into_iter().map(load).collect::<Result<_, _>>().map(Fonts)
});

impl Fonts {
    /// Returns the fonts, read at first use.
    pub(super) fn get() -> Result<&'static Self, DocumentError> {
        FONTS.as_ref().map_err(|name| DocumentError::Font(name))
    }

    /// Returns the font of a style.
    pub(super) fn of(&self, style: Style) -> Option<&Font> {
        self.0.get(&style)
    }

    /// Returns how wide a text is, in points.
    pub(super) fn width(&self, text: &str, style: Style, size: f32) -> f32 {
        let Some(font) = self.of(style) else { return 0.0 };
        text.chars().map(|c| font.glyph(c).1).sum::<f32>() * size
    }
}
