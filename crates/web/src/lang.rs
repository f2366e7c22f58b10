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

    /// Returns what the reader chose (cookie), else Vietnamese. What the browser asks for does not
    /// count: half the offices of a province run Windows in English, and their officers do not.
    pub fn choose(cookie: Option<&str>) -> Self {
        cookie.and_then(Self::from_code).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vietnamese_unless_the_reader_says_otherwise() {
        for (cookie, expected) in [
            (None, Lang::Vi),
            (Some("en"), Lang::En),
            (Some("vi"), Lang::Vi),
            (Some("xx"), Lang::Vi),
        ] {
            assert_eq!(Lang::choose(cookie), expected, "{cookie:?}");
        }
    }
}
