//! Text in the reader's language: the Fluent files of `i18n/{vi,en}`, embedded and parsed once.
//!
//! Keys carry their slice's name (`alert-title` is in `alert.ftl`). A key that is missing shows as
//! `⟦key⟧`: every page test fails on that mark.

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
