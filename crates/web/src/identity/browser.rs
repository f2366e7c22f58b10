//! Which browser on which system a session runs in: two product names instead of the whole header.

/// Browsers by the mark in their header; the first that fits counts, as later ones imitate.
const BROWSERS: &[(&str, &str)] = &[
    ("coc_coc", "Cốc Cốc"),
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
];

/// Systems by the mark in the header.
const SYSTEMS: &[(&str, &str)] = &[
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

/// Returns a session's browser and system as people call them (`Chrome · Windows`); the header as it
/// is when neither is known.
pub(super) fn name(header: &str) -> String {
    let known = |names: &[(&str, &'static str)]| {
        names.iter().find(|(mark, _)| header.contains(mark)).map(|(_, name)| *name)
    };
    let parts: Vec<&str> = [known(BROWSERS), known(SYSTEMS)].into_iter().flatten().collect();
    if parts.is_empty() { header.to_owned() } else { parts.join(" · ") }
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn a_header_becomes_two_names() {
        let cases = [
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
                "Chrome · Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36 Edg/130.0.0.0",
                "Edge · Windows",
            ),
            (
                "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36",
                "Chrome · Android",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile Safari/604.1",
                "Safari · iPhone",
            ),
            ("kiem-tra 1.0", "kiem-tra 1.0"),
            ("", ""),
        ];
        for (header, words) in cases {
            assert_eq!(name(header), words);
        }
    }
}
