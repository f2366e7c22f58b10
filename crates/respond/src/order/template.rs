//! Texts that orders begin from, shipped as data (`content/orders.toml`); an earlier order can be begun
//! from as well.

use std::sync::LazyLock;

use serde::Deserialize;
use web::Lang;

/// What the platform ships.
const BUILTIN: &str = include_str!("../../../../content/orders.toml");

/// A text to begin from.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Template {
    /// Its id.
    pub(super) id: String,
    /// `directive` or `coordination`.
    pub(super) kind: String,
    name_vi: String,
    name_en: String,
    /// What is asked for, in one line; orders are official papers, so in Vietnamese only.
    pub(super) title: String,
    /// What must be done.
    pub(super) body: String,
    /// Hours until it must be acknowledged.
    pub(super) acknowledge_hours: i64,
    /// Hours until it must be done.
    pub(super) done_hours: i64,
    /// Whether words alone are not enough.
    pub(super) needs_proof: bool,
    /// Days of delay after which the head is told.
    pub(super) head_after_days: i32,
}

impl Template {
    /// Returns what it is called.
    pub(super) fn name(&self, lang: Lang) -> &str {
        if lang == Lang::Vi { &self.name_vi } else { &self.name_en }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    template: Vec<Template>,
}

fn read(text: &str) -> Result<Vec<Template>, toml::de::Error> {
    toml::from_str::<File>(text).map(|file| file.template)
}

/// Returns the templates, in the order of their file.
pub(super) fn all() -> &'static [Template] {
    static ALL: LazyLock<Vec<Template>> = LazyLock::new(|| {
        // A test reads the same text; a fault cannot ship.
        read(BUILTIN).unwrap_or_default()
    });
    &ALL
}

/// Returns whether a text still has a blank of a template: words in square brackets, to be replaced.
pub(super) fn has_blank(text: &str) -> bool {
    blanks().iter().any(|blank| text.contains(blank))
}

/// Returns the blanks of all templates, with their brackets.
fn blanks() -> &'static [String] {
    static BLANKS: LazyLock<Vec<String>> = LazyLock::new(|| {
        let texts = all().iter().flat_map(|one| [one.title.as_str(), one.body.as_str()]);
        let opened = texts.flat_map(|text| text.split('[').skip(1));
        let words = opened.filter_map(|rest| rest.split_once(']'));
        words.map(|(words, _)| format!("[{words}]")).collect()
    });
    &BLANKS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::model::Kind;

    #[test]
    fn each_template_is_an_order_that_could_be_issued() {
        let all = read(BUILTIN).unwrap();
        assert!(all.len() >= 5);
        for one in &all {
            assert!(Kind::from_word(&one.kind).is_some(), "{}", one.id);
            assert!(0 < one.acknowledge_hours && one.acknowledge_hours <= one.done_hours);
            assert!(one.title.chars().count() <= crate::limits::TITLE_CHARS_MAX);
            assert!(one.body.chars().count() <= crate::limits::TEXT_CHARS_MAX);
        }
        let ids: std::collections::BTreeSet<&str> = all.iter().map(|one| one.id.as_str()).collect();
        assert_eq!(ids.len(), all.len());
        assert!(has_blank("vá [tên sản phẩm, phiên bản] ngay"));
        assert!(!has_blank("chặn hxxp://a[.]example và [2001:db8::1], xem [phụ lục]"));
    }
}
