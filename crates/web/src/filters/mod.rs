//! The filters of all templates. A view module says `use web::filters;` and writes `{{ x|at }}`.
//!
//! Language, time and token come from the reader of the page (see [`crate::reader`]), never from the
//! view. Text is escaped by askama; what these filters build as markup escapes its own parts.

#![expect(missing_docs, reason = "askama makes undocumented setters of each filter's arguments")]
#![expect(clippy::inline_always, reason = "askama makes these as well")]

mod given;
mod marks;

use std::borrow::Borrow;

use askama::filters::Safe;
use askama::{Result, Values, filter_fn};
use fluent_bundle::FluentArgs;

pub use given::{Figure, Length, Leveled, Moment, Told, Words};
pub use marks::severity_key;

use crate::reader::{READER, Reader, lang_of};
use crate::{Permission, figures, i18n};

/// `{{ "alert-title"|t }}`: the text of a key.
#[filter_fn]
pub fn t(key: impl AsRef<str>, values: &dyn Values) -> Result<String> {
    Ok(i18n::text(lang_of(values), key.as_ref()))
}

/// `{{ "alert-count"|t1("count", n) }}`: the text of a key with one value.
#[filter_fn]
pub fn t1<A: Told>(
    key: impl AsRef<str>,
    values: &dyn Values,
    name: &str,
    value: A,
) -> Result<String> {
    let mut args = FluentArgs::new();
    args.set(name, value.told());
    Ok(i18n::text_with(lang_of(values), key.as_ref(), &args))
}

/// `{{ "alert-span"|t2("from", a, "to", b) }}`: the text of a key with two values.
#[filter_fn]
pub fn t2<A: Told, B: Told>(
    key: impl AsRef<str>,
    values: &dyn Values,
    name: &str,
    value: A,
    second_name: &str,
    second: B,
) -> Result<String> {
    let mut args = FluentArgs::new();
    args.set(name, value.told());
    args.set(second_name, second.told());
    Ok(i18n::text_with(lang_of(values), key.as_ref(), &args))
}

/// `{{ rule.title|or_vi(rule.title_vi) }}`: the Vietnamese words for a Vietnamese reader if there are
/// any, else the words before the bar.
#[filter_fn]
pub fn or_vi<W: Words>(words: impl AsRef<str>, values: &dyn Values, vi: W) -> Result<String> {
    let english = words.as_ref();
    Ok(match (lang_of(values), vi.words()) {
        (crate::Lang::Vi, Some(vi)) if !vi.is_empty() => vi.to_owned(),
        _ => english.to_owned(),
    })
}

/// `{{ moment|at }}`: `14:05 22/11/2026`, UTC in the tooltip.
#[filter_fn]
pub fn at(moment: impl Moment, values: &dyn Values) -> Result<Safe<String>> {
    Ok(Safe(marks::time(moment.moment(), lang_of(values), marks::Shown::Minutes)))
}

/// `{{ moment|at_s }}`: with seconds, for log lines: `14:05:09 22/11/2026`.
#[filter_fn]
pub fn at_s(moment: impl Moment, values: &dyn Values) -> Result<Safe<String>> {
    Ok(Safe(marks::time(moment.moment(), lang_of(values), marks::Shown::Seconds)))
}

/// `{{ moment|day }}`: `22/11/2026`.
#[filter_fn]
pub fn day(moment: impl Moment, values: &dyn Values) -> Result<Safe<String>> {
    Ok(Safe(marks::time(moment.moment(), lang_of(values), marks::Shown::Day)))
}

/// `{{ moment|ago }}`: `3 phút trước`; the page's script keeps it true.
#[filter_fn]
pub fn ago(moment: impl Moment, values: &dyn Values) -> Result<Safe<String>> {
    let now = askama::get_value::<Reader>(values, READER).ok().map(|reader| reader.now);
    Ok(Safe(marks::ago(moment.moment(), now, lang_of(values))))
}

/// `{{ deadline|clock }}`: time left, turning medium, high and critical as it runs out.
#[filter_fn]
pub fn clock(moment: impl Moment, values: &dyn Values) -> Result<Safe<String>> {
    let now = askama::get_value::<Reader>(values, READER).ok().map(|reader| reader.now);
    Ok(Safe(marks::clock(moment.moment(), now, lang_of(values))))
}

/// `{{ n|num }}`: `1.234,5`.
#[filter_fn]
pub fn num(figure: impl Figure, values: &dyn Values) -> Result<String> {
    Ok(figure.figure(lang_of(values)))
}

/// `{{ size|bytes }}`: `1,5 MB`.
#[filter_fn]
pub fn bytes(size: impl Borrow<u64>, values: &dyn Values) -> Result<String> {
    Ok(figures::bytes(*size.borrow(), lang_of(values)))
}

/// `{{ length|dur }}`: `2 giờ 14 phút`, from a `TimeDelta`, a `std` duration or whole seconds.
#[filter_fn]
pub fn dur(length: impl Length, values: &dyn Values) -> Result<String> {
    Ok(figures::duration(length.length(), lang_of(values)))
}

/// `{{ severity|severity }}`: icon and word in the severity's colour.
#[filter_fn]
pub fn severity(
    severity: impl Borrow<event::Severity>,
    values: &dyn Values,
) -> Result<Safe<String>> {
    Ok(Safe(marks::severity(*severity.borrow(), lang_of(values))))
}

/// `{{ system.level|level }}`: `Cấp 3`; takes a level or an optional one.
#[filter_fn]
pub fn level(level: impl Leveled, values: &dyn Values) -> Result<String> {
    Ok(marks::level(level.level(), lang_of(values)))
}

/// `{{ ""|csrf }}`: the hidden input that every form with `method="post"` carries.
#[filter_fn]
pub fn csrf(_: &str, values: &dyn Values) -> Result<Safe<String>> {
    let token = askama::get_value::<Reader>(values, READER).map_or("", |reader| &reader.csrf);
    Ok(Safe(format!(r#"<input type="hidden" name="_csrf" value="{}">"#, marks::escape(token))))
}

/// `{{ "bell"|icon }}`: an icon of the sprite; always beside words, hidden from screen readers.
#[filter_fn]
pub fn icon(name: &str, _: &dyn Values) -> Result<Safe<String>> {
    Ok(Safe(marks::icon(name)))
}

/// `{% if Permission::AlertHandle|allowed %}`: whether the reader may do this (nothing, if not
/// signed in). Hides buttons; the route's guard is what protects.
#[filter_fn]
pub fn allowed(permission: impl Borrow<Permission>, values: &dyn Values) -> Result<bool> {
    let reader = askama::get_value::<Reader>(values, READER).ok();
    let who = reader.and_then(|reader| reader.who.as_ref());
    Ok(who.is_some_and(|who| who.may(*permission.borrow())))
}

/// `{{ "charts.js"|asset }}`: the address of a static file, with its fingerprint.
#[filter_fn]
pub fn asset(name: &str, _: &dyn Values) -> Result<String> {
    Ok(crate::assets::url(name))
}

/// `{{ chart|json_data }}`: the numbers of a chart for `<script type="application/json">`, with `<`
/// escaped so that no text can end the element.
#[filter_fn]
pub fn json_data(data: impl Borrow<serde_json::Value>, _: &dyn Values) -> Result<Safe<String>> {
    Ok(Safe(data.borrow().to_string().replace('<', "\\u003c").replace('&', "\\u0026")))
}
