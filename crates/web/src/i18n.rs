//! Text in the reader's language: the Fluent files of `i18n/{vi,en}`, embedded and parsed once.
//!
//! Keys carry their slice's name (`alert-title` is in `alert.ftl`). A key that is missing shows as
//! `⟦key⟧`: every page test fails on that mark.

#![expect(clippy::same_name_method, reason = "rust-embed makes a trait and methods of one name")]

use std::borrow::Cow;
use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use serde::{Deserialize, Serialize};
use unic_langid::langid;

use crate::Lang;
use crate::figures;

#[derive(rust_embed::RustEmbed)]
#[folder = "../../i18n"]
struct Files;

type Bundle = FluentBundle<FluentResource>;

static VI: LazyLock<Bundle> = LazyLock::new(|| bundle(Lang::Vi));
static EN: LazyLock<Bundle> = LazyLock::new(|| bundle(Lang::En));

fn bundle(lang: Lang) -> Bundle {
    let id = match lang {
        Lang::Vi => langid!("vi"),
        Lang::En => langid!("en"),
    };
    let mut bundle = FluentBundle::new_concurrent(vec![id]);
    bundle.set_use_isolating(false);
    bundle.set_formatter(Some(match lang {
        Lang::Vi => format_vi,
        Lang::En => format_en,
    }));
    for (name, text) in files(lang) {
        let resource = match FluentResource::try_new(text) {
            Ok(resource) => resource,
            Err((resource, errors)) => {
                tracing::error!(file.name = %name, ?errors, "language file has unreadable entries");
                resource
            }
        };
        if let Err(errors) = bundle.add_resource(resource) {
            tracing::error!(file.name = %name, ?errors, "language file repeats keys of another");
        }
    }
    bundle
}

/// Returns the name and text of each file of a language.
pub(crate) fn files(lang: Lang) -> Vec<(String, String)> {
    let folder = format!("{}/", lang.code());
    Files::iter()
        .filter(|name| name.starts_with(&folder) && name.ends_with(".ftl"))
        .filter_map(|name| {
            let file = Files::get(&name)?;
            Some((name.into_owned(), String::from_utf8_lossy(&file.data).into_owned()))
        })
        .collect()
}

fn format_vi<M>(value: &FluentValue<'_>, _: &M) -> Option<String> {
    format_number(value, Lang::Vi)
}

fn format_en<M>(value: &FluentValue<'_>, _: &M) -> Option<String> {
    format_number(value, Lang::En)
}

fn format_number(value: &FluentValue<'_>, lang: Lang) -> Option<String> {
    match value {
        FluentValue::Number(number) => Some(figures::decimal(number.value, lang)),
        _ => None,
    }
}

/// Returns the text of a key, with its named values put in.
pub fn text_with(lang: Lang, key: &str, args: &FluentArgs<'_>) -> String {
    let bundle: &Bundle = match lang {
        Lang::Vi => &VI,
        Lang::En => &EN,
    };
    let (id, attribute) = match key.split_once('.') {
        Some((id, attribute)) => (id, Some(attribute)),
        None => (key, None),
    };
    let pattern = bundle.get_message(id).and_then(|message| match attribute {
        Some(name) => message.get_attribute(name).map(|attribute| attribute.value()),
        None => message.value(),
    });
    let Some(pattern) = pattern else {
        tracing::warn!(i18n.key = %key, i18n.lang = lang.code(), "text is missing");
        return format!("⟦{key}⟧");
    };
    let mut errors = Vec::new();
    let text = bundle.format_pattern(pattern, Some(args), &mut errors);
    if !errors.is_empty() {
        tracing::warn!(i18n.key = %key, ?errors, "text lacks a value");
        return format!("⟦{key}⟧");
    }
    text.into_owned()
}

/// Returns the text of a key that takes no values.
pub fn text(lang: Lang, key: &str) -> String {
    text_with(lang, key, &FluentArgs::new())
}

/// Returns whether a key exists in a language.
pub fn has(lang: Lang, key: &str) -> bool {
    match lang {
        Lang::Vi => VI.has_message(key),
        Lang::En => EN.has_message(key),
    }
}

/// A sentence not yet in any language: a key and its values. What errors, notices and field messages
/// are made of, so that the reader's language is chosen when it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phrase {
    key: Cow<'static, str>,
    args: Vec<(Cow<'static, str>, Arg)>,
}

/// A value in a [`Phrase`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Arg {
    /// A whole number: takes part in plural choices.
    Number(i64),
    /// Text.
    Text(String),
}

impl From<i64> for Arg {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<u64> for Arg {
    fn from(number: u64) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<usize> for Arg {
    fn from(number: usize) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<&str> for Arg {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Arg {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl Phrase {
    /// Returns the phrase of this key.
    pub const fn key(key: &'static str) -> Self {
        Self { key: Cow::Borrowed(key), args: Vec::new() }
    }

    /// Adds a named value.
    #[must_use]
    pub fn arg(mut self, name: &'static str, value: impl Into<Arg>) -> Self {
        self.args.push((Cow::Borrowed(name), value.into()));
        self
    }

    /// Returns whether the key is a known one: what comes back in a cookie may be anything.
    pub(crate) fn exists(&self) -> bool {
        has(Lang::Vi, &self.key)
    }

    /// Returns the sentence in a language.
    pub fn text(&self, lang: Lang) -> String {
        let mut args = FluentArgs::new();
        for (name, value) in &self.args {
            match value {
                Arg::Number(number) => args.set(name.as_ref(), *number),
                Arg::Text(text) => args.set(name.as_ref(), text.as_str()),
            }
        }
        text_with(lang, &self.key, &args)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;

    use super::*;

    /// Returns each key of a language with the names of the values it takes.
    fn keys(lang: Lang) -> BTreeMap<String, BTreeSet<String>> {
        let name = regex::Regex::new(r"\{ ?\$([a-z_]+)").unwrap();
        let mut found = BTreeMap::new();
        for (file, text) in files(lang) {
            let resource = FluentResource::try_new(text.clone());
            assert!(resource.is_ok(), "{file} does not parse: {:?}", resource.err().map(|e| e.1));
            let slice = file.rsplit_once('/').unwrap().1.strip_suffix(".ftl").unwrap().to_owned();
            let mut last: Option<String> = None;
            for line in text.lines() {
                let starts = line.starts_with(|letter: char| letter.is_ascii_lowercase());
                if let Some((key, _)) = line.split_once(" =").filter(|_| starts) {
                    assert!(key.starts_with(&format!("{slice}-")), "{file}: {key} lacks its slice");
                    let twice = found.insert(key.to_owned(), BTreeSet::new());
                    assert!(twice.is_none(), "{file}: {key} stands twice");
                    last = Some(key.to_owned());
                }
                let values = name.captures_iter(line).map(|found| found[1].to_owned());
                if let Some(key) = &last {
                    found.get_mut(key).unwrap().extend(values);
                }
            }
        }
        found
    }

    #[test]
    fn both_languages_say_the_same_things() {
        let (vi, en) = (keys(Lang::Vi), keys(Lang::En));
        let differ = |a: &BTreeMap<String, BTreeSet<String>>,
                      b: &BTreeMap<String, BTreeSet<String>>| {
            a.iter()
                .filter(|(key, values)| b.get(*key) != Some(values))
                .map(|(key, _)| key.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!((differ(&vi, &en), differ(&en, &vi)), (Vec::new(), Vec::new()));
        assert!(vi.len() > 150, "{} keys", vi.len());
    }

    #[test]
    fn every_key_used_exists() {
        let in_page = regex::Regex::new(r#""([a-z0-9-]+)"\s*\|\s*t[12]?\b"#).unwrap();
        let in_code =
            regex::Regex::new(r#"(?:Phrase::key\(|text\([a-z_.]*lang,\s*)\s*"([a-z0-9.-]+)""#)
                .unwrap();
        let known = keys(Lang::Vi);
        let mut missing = BTreeSet::new();
        let mut used = 0;
        for file in below(Path::new("../../crates")) {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            let pattern = match file.extension().and_then(|ending| ending.to_str()) {
                Some("html") => &in_page,
                Some("rs") => &in_code,
                _ => continue,
            };
            for found in pattern.captures_iter(&text) {
                used += 1;
                if !known.contains_key(&found[1]) {
                    missing.insert(format!("{}: {}", file.display(), &found[1]));
                }
            }
        }
        assert!(used > 150, "{used} uses: the pattern finds nothing");
        assert!(missing.is_empty(), "{missing:#?}");
    }

    fn below(folder: &Path) -> Vec<std::path::PathBuf> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files.extend(below(&path));
            } else {
                files.push(path);
            }
        }
        files
    }

    #[test]
    fn a_missing_key_shows() {
        assert_eq!(text(Lang::Vi, "web-brand"), "Lũy Tre");
        assert_eq!(text(Lang::Vi, "web-no-such"), "⟦web-no-such⟧");
        assert_eq!(Phrase::key("web-ago").text(Lang::Vi), "⟦web-ago⟧", "a value is missing");
    }
}
