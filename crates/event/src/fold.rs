//! Folding text so that people find what they mean: case, Vietnamese diacritics, NFC and NFD.
//!
//! `Sở Tài chính`, `so tai chinh` and its decomposed form fold to the same key. Folding is for
//! looking up only: stored evidence is never changed.

use std::borrow::Cow;

use unicode_normalization::char::{decompose_canonical, is_combining_mark};
use unicode_normalization::{UnicodeNormalization as _, is_nfc};

/// Returns the search key of a text: lower case, no combining marks, `đ` as `d`, `ſ` as `s`.
///
/// `đ` has no Unicode decomposition, hence the extra step; `ſ` is the one letter beside `s` that folds to
/// a letter of ASCII and is no capital: rules take the two for the same, so must who looks for a rule's words.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    fold_onto(text, &mut folded);
    folded
}

/// Adds a text, [folded](fold), to another.
pub fn fold_onto(text: &str, folded: &mut String) {
    if text.is_ascii() {
        let start = folded.len();
        folded.push_str(text);
        if let Some(added) = folded.get_mut(start..) {
            added.make_ascii_lowercase();
        }
        return;
    }
    let kept = text.nfd().filter(|c| !is_combining_mark(*c)).map(|c| match c {
        'đ' | 'Đ' => 'd',
        'ſ' => 's',
        other => other,
    });
    folded.extend(kept.flat_map(char::to_lowercase));
}

/// A folded text that knows where each part of it comes from.
#[derive(Debug, Clone)]
pub struct Traced {
    folded: String,
    /// For each byte the character of the text that it comes from; the same number in a text of ASCII.
    sources: Option<Vec<usize>>,
    chars: usize,
}

impl Traced {
    /// Folds a text.
    pub fn new(text: &str) -> Self {
        if text.is_ascii() {
            return Self { folded: fold(text), sources: None, chars: text.len() };
        }
        let mut folded = String::with_capacity(text.len());
        let mut sources = Vec::with_capacity(text.len());
        let mut chars = 0;
        for c in text.chars() {
            // What folding leaves of a character does not depend on its neighbours: a normal form moves
            // only marks, and those are left out.
            fold_char(c, |kept| {
                folded.push(kept);
                sources.resize(folded.len(), chars);
            });
            chars += 1;
        }
        Self { folded, sources: Some(sources), chars }
    }

    /// Returns the folded text, as [`fold`] does.
    pub fn folded(&self) -> &str {
        &self.folded
    }

    /// Returns the characters of the text, first and one past the last, from which these bytes of the
    /// folded one come; marks that belong to the last are among them.
    pub fn source(&self, (start, end): (usize, usize)) -> (usize, usize) {
        let at = |byte: usize| match &self.sources {
            Some(sources) => sources.get(byte).copied(),
            None => Some(byte),
        };
        let first = at(start).unwrap_or(self.chars);
        let last = end.checked_sub(1).and_then(at).unwrap_or(first);
        let next = at(end).unwrap_or(self.chars);
        (first, next.max(last + 1).min(self.chars))
    }
}

/// Hands over what folding leaves of a character.
fn fold_char(c: char, mut keep: impl FnMut(char)) {
    decompose_canonical(c, |part| {
        if is_combining_mark(part) {
            return;
        }
        let part = match part {
            'đ' | 'Đ' => 'd',
            'ſ' => 's',
            other => other,
        };
        for low in part.to_lowercase() {
            keep(low);
        }
    });
}

/// Returns a text in the composed spelling (NFC): what looks the same counts as the same.
pub fn composed(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc(text) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.nfc().collect())
}

/// Returns whether `needle` (already folded) occurs in `text` once folded.
pub fn contains_folded(text: &str, folded_needle: &str) -> bool {
    fold(text).contains(folded_needle)
}

/// Splits a text into the words that the lake indexes and a search finds: folded runs of letters,
/// digits and `_`, two characters or longer.
pub fn words(text: &str) -> Vec<String> {
    fold(text)
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| word.len() >= 2)
        .map(ToOwned::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_spelt_otherwise_is_made_anew() {
        let nfd: String = "Lê Thị Hồng".nfd().collect();
        assert_eq!(composed(&nfd), "Lê Thị Hồng");
        for text in ["", "an", "Lê Thị Hồng", "日本"] {
            assert!(matches!(composed(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn vietnamese_is_found_without_marks_in_nfc_and_nfd() {
        let nfc = "Đăng nhập thất bại";
        let nfd: String = nfc.nfd().collect();
        assert_ne!(nfc, nfd);
        assert_eq!(fold(nfc), "dang nhap that bai");
        assert_eq!(fold(&nfd), fold(nfc));
        assert!(contains_folded(nfc, "that bai"));
    }

    #[test]
    fn texts_fold_one_behind_the_other() {
        let mut folded = "ĐÃ".to_owned();
        for text in ["GET /A", "", "Thất Bại", "e\u{301}X"] {
            fold_onto(text, &mut folded);
        }
        assert_eq!(folded, "ĐÃget /athat baiex");
    }

    #[test]
    fn a_traced_text_folds_alike_and_knows_its_characters() {
        for c in (char::MIN..=char::MAX).filter(|c| !c.is_ascii()) {
            let text = c.to_string();
            assert_eq!(Traced::new(&text).folded(), fold(&text), "{:x}", u32::from(c));
        }
        let check = |text: &str, needle: &str, expected: &str| {
            let traced = Traced::new(text);
            assert_eq!(traced.folded(), fold(text));
            let start = traced.folded().find(needle).unwrap();
            let (first, next) = traced.source((start, start + needle.len()));
            let found: String = text.chars().skip(first).take(next - first).collect();
            assert_eq!(found, expected, "{text}");
        };
        let nfd = |text: &str| -> String { text.nfd().collect() };
        check("GET /Upload", "upload", "Upload");
        check("Đăng nhập thất bại!", "that bai", "thất bại");
        check(&nfd("Đăng nhập thất bại!"), "that bai", &nfd("thất bại"));
        check(&nfd("bị từ chối"), "choi", &nfd("chối"));
        check(&nfd("bá"), "ba", &nfd("bá"));
        // Marks out of their order, and a letter that folds to three.
        check("a\u{301}\u{323}b", "a", "a\u{301}\u{323}");
        check("x각y", fold("각").as_str(), "각");
    }

    #[test]
    fn words_are_what_a_search_finds() {
        assert_eq!(
            words("GET /upload/a.aspx?x=1 từ 10.20.0.7"),
            ["get", "upload", "aspx", "tu", "10", "20"]
        );
    }
}
