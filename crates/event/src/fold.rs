//! Folding text so that people find what they mean: case, Vietnamese diacritics, NFC and NFD.
//!
//! `Sở Tài chính`, `so tai chinh` and its decomposed form fold to the same key. Folding is for
//! looking up only: stored evidence is never changed.

use std::borrow::Cow;

use unicode_normalization::char::is_combining_mark;
use unicode_normalization::{UnicodeNormalization as _, is_nfc};

/// Returns the search key of a text: lower case, no combining marks, `đ` as `d`, `ſ` as `s`.
///
/// `đ` has no Unicode decomposition, hence the extra step; `ſ` is the one letter beside `s` that folds to
/// a letter of ASCII and is no capital: rules take the two for the same, so must who looks for a rule's words.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.nfd()
        .filter(|c| !is_combining_mark(*c))
        .map(|c| match c {
            'đ' | 'Đ' => 'd',
            'ſ' => 's',
            other => other,
        })
        .flat_map(char::to_lowercase)
        .collect()
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
    fn words_are_what_a_search_finds() {
        assert_eq!(
            words("GET /upload/a.aspx?x=1 từ 10.20.0.7"),
            ["get", "upload", "aspx", "tu", "10", "20"]
        );
    }
}
