//! What stands round every page: top bar, navigation, bottom bar, notices; and the error page.

mod nav;

use askama::Template;
use http::Uri;
use serde::Serialize;

pub(crate) use nav::Entry;

use crate::filters;
use crate::reader::Reader;
use crate::render::Served;
use crate::{AppError, Frame, Lang, NavNumbers, Theme};

/// Where the reader stands.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The path.
    pub(crate) path: String,
    /// Path and query: where the toggles come back to.
    pub(crate) whole: String,
    /// What stands in the search box.
    pub(crate) asked: String,
}

impl Place {
    pub(crate) fn of(uri: &Uri) -> Self {
        let asked = if uri.path() == "/search" {
            form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
                .find_map(|(name, value)| (name == "q").then(|| value.into_owned()))
                .unwrap_or_default()
        } else {
            String::new()
        };
        let whole = uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string);
        Self { path: uri.path().to_owned(), whole, asked }
    }
}

#[derive(Template)]
#[template(path = "layout.html")]
struct Desk<'a> {
    lang: Lang,
    theme: Theme,
    title: &'a str,
    body: &'a str,
    csrf: &'a str,
    province: &'a str,
    place: &'a Place,
    name: &'a str,
    role: &'static str,
    groups: Vec<Vec<Entry>>,
    bottom: Vec<Entry>,
    numbers: &'a NavNumbers,
    notice: Option<&'a str>,
    charts: bool,
    acting: bool,
}

#[derive(Template)]
#[template(path = "plain.html")]
struct Plain<'a> {
    lang: Lang,
    theme: Theme,
    title: &'a str,
    body: &'a str,
    province: &'a str,
    place: &'a Place,
    notice: Option<&'a str>,
}

/// Draws the whole page round a body.
pub(crate) async fn whole(
    served: &Served,
    reader: &Reader,
    place: &Place,
    frame: Frame,
    body: String,
    notice: Option<String>,
) -> Result<String, AppError> {
    let title = heading(&body);
    let province = &served.site.settings.province;
    let notice = notice.as_deref();
    let drawn = if let (Some(who), Frame::Desk) = (&reader.who, frame) {
        let numbers = served.site.counts.numbers(who).await;
        let desk = Desk {
            lang: reader.lang,
            theme: reader.theme,
            title: &title,
            body: &body,
            csrf: &reader.csrf,
            province,
            place,
            name: &who.name,
            role: who.role.key(),
            groups: nav::groups(who, &place.path, &numbers, &served.places),
            bottom: nav::bottom(who, &place.path, &numbers, &served.places),
            numbers: &numbers,
            notice,
            charts: body.contains("data-chart"),
            acting: who.acting_for.is_some(),
        };
        desk.render_with_values(reader)
    } else {
        let (lang, theme) = (reader.lang, reader.theme);
        let plain = Plain { lang, theme, title: &title, body: &body, province, place, notice };
        plain.render_with_values(reader)
    };
    drawn.map_err(AppError::internal)
}

/// Returns the text of the page's one `<h1>`: it is the title of the window as well.
fn heading(body: &str) -> String {
    let inner = body
        .split_once("<h1")
        .and_then(|(_, rest)| rest.split_once('>'))
        .and_then(|(_, rest)| rest.split_once("</h1>"))
        .map_or("", |(inner, _)| inner);
    let mut words = String::new();
    let mut in_tag = false;
    for letter in inner.chars() {
        match letter {
            '<' => in_tag = true,
            '>' => in_tag = false,
            other if !in_tag => words.push(other),
            _ => {}
        }
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The page of an error.
#[derive(Debug, Template, Serialize)]
#[template(path = "error.html")]
pub(crate) struct ErrorBody {
    title: String,
    advice: String,
    fields: Vec<(String, String)>,
    id: Option<String>,
    retry: bool,
}

impl ErrorBody {
    pub(crate) fn of(error: &AppError, lang: Lang, id: &str) -> Self {
        let fields = match error {
            AppError::Invalid(fields) => fields.told(lang).into_iter().collect(),
            _ => Vec::new(),
        };
        let ours = matches!(error, AppError::Internal(_) | AppError::Unavailable(_));
        Self {
            title: error.title().text(lang),
            advice: error.advice().text(lang),
            fields,
            id: ours.then(|| id.to_owned()),
            retry: matches!(error, AppError::Unavailable(_) | AppError::TooMany { .. }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heading_is_the_title() {
        let cases = [
            ("<h1>Cảnh báo</h1>", "Cảnh báo"),
            ("<p>x</p><h1 class=\"a\"> Một <em>hai</em>\n ba</h1>", "Một hai ba"),
            ("<p>no heading</p>", ""),
        ];
        for (body, title) in cases {
            assert_eq!(heading(body), title);
        }
    }
}
