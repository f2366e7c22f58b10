//! The stamps of state secrets (Law on the Protection of State Secrets): what carries one does not belong
//! into this platform, so forms and uploads refuse it.

/// Returns whether a text carries the stamp of a state secret: `TUYỆT MẬT`, `TỐI MẬT`, or `MẬT`
/// standing alone. "Bảo mật" and "mật khẩu" are everyday words and no stamps.
pub fn carries_secret_mark(text: &str) -> bool {
    use unicode_normalization::UnicodeNormalization as _;
    let text: String = text.nfc().collect();
    let words: Vec<&str> =
        text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let lower: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
    let pair = lower.windows(2).zip(words.windows(2)).any(|(lower, shown)| match (lower, shown) {
        ([first, second], [_, stamp]) => {
            second == "mật"
                && (matches!(first.as_str(), "tuyệt" | "tối") || first == "độ" && *stamp != "mật")
        }
        _ => false,
    });
    let alone =
        text.split(['\n', '(', ')', '[', ']', ':', ';', '|', '/']).any(|part| part.trim() == "MẬT");
    let plain = ["TUYET MAT", "TOI MAT"].iter().any(|stamp| text.contains(stamp));
    pair || alone || plain
}

#[cfg(test)]
mod tests {
    use super::carries_secret_mark;

    #[test]
    fn stamps_are_known_and_everyday_words_are_not() {
        for stamped in ["TUYỆT MẬT", "Độ mật: Tối mật", "(MẬT)", "MẬT\nKế hoạch", "văn bản TOI MAT"]
        {
            assert!(carries_secret_mark(stamped), "{stamped}");
        }
        let nfd: String = unicode_normalization::UnicodeNormalization::nfd("TỐI MẬT").collect();
        assert!(carries_secret_mark(&nfd));
        for everyday in
            ["Bảo mật thông tin", "mật khẩu", "bí mật nhà nước", "HỆ THỐNG BẢO MẬT", "tôi mất máy"]
        {
            assert!(!carries_secret_mark(everyday), "{everyday}");
        }
    }
}
