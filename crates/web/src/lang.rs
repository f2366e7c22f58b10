//! The two languages of the platform: Vietnamese first, English complete.

use serde::{Deserialize, Serialize};

/// A language the reader may choose.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    /// Vietnamese, the language of the platform.
    #[default]
    Vi,
    /// English.
    En,
}

impl Lang {
    /// Both languages, the first one first.
    pub const ALL: [Self; 2] = [Self::Vi, Self::En];

    /// Returns the code used in the `lang` attribute, the cookie and the folder name.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Vi => "vi",
            Self::En => "en",
        }
    }

    /// Returns the language with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lang| lang.code() == code)
    }

    /// Returns the other language: what the toggle in the top bar offers.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Vi => Self::En,
            Self::En => Self::Vi,
        }
    }

    /// Returns what the reader chose (cookie), else Vietnamese; a browser that asks for English and
    /// names no Vietnamese at all gets English.
    pub fn choose(cookie: Option<&str>, accept_language: Option<&str>) -> Self {
        if let Some(chosen) = cookie.and_then(Self::from_code) {
            return chosen;
        }
        let Some(accepted) = accept_language else { return Self::Vi };
        let asks_for = |code: &str| {
            accepted.split(',').any(|part| part.trim().to_ascii_lowercase().starts_with(code))
        };
        if asks_for("en") && !asks_for("vi") && !asks_for("*") { Self::En } else { Self::Vi }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vietnamese_unless_the_reader_says_otherwise() {
        let cases = [
            (None, None, Lang::Vi),
            (None, Some("vi-VN,vi;q=0.9,en;q=0.8"), Lang::Vi),
            (None, Some("en-US,en;q=0.9"), Lang::En),
            (None, Some("fr-FR"), Lang::Vi),
            (Some("en"), Some("vi"), Lang::En),
            (Some("vi"), Some("en"), Lang::Vi),
            (Some("xx"), None, Lang::Vi),
        ];
        for (cookie, header, expected) in cases {
            assert_eq!(Lang::choose(cookie, header), expected, "{cookie:?} {header:?}");
        }
    }
}
