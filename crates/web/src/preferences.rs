//! What a reader chooses for their own browser: language and colours, in cookies, without JavaScript.

use askama::Template;
use axum::extract::State;
use axum::response::IntoResponse as _;
use axum::response::Response;
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use serde::{Deserialize, Serialize};

use crate::routes::Routes;
use crate::{Body, Done, Lang, Permission, Site, Theme, View, Who, done, filters};

/// How long the choice is remembered: browsers keep no cookie longer than 400 days.
const REMEMBERED_DAYS: i64 = 400;

/// Returns the routes of the two toggles.
pub(crate) fn routes(site: &Site) -> Routes {
    Routes::new()
        .public_post("/preferences", choose)
        .doc("Remembers language and colours in this browser")
        .own_get("/", home)
        .doc("Leads to the page one's work begins with")
        .own_get("/help/keys", keys)
        .doc("Lists the keyboard shortcuts")
        .with_state(site.clone())
}

/// The duty page for those on duty, their own work for everyone else.
async fn home(who: Who) -> Done {
    let on_duty = who.role.sees_province() && who.may(Permission::DutyRead);
    done(if on_duty { "/duty" } else { "/my-work" })
}

/// The keyboard shortcuts; the `?` key shows the same page as a fragment.
#[derive(Debug, Template, Serialize)]
#[template(path = "keys.html")]
struct KeysPage {}

async fn keys() -> View<KeysPage> {
    View::new(KeysPage {})
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Choice {
    lang: Option<Lang>,
    theme: Option<String>,
    #[serde(default)]
    back: String,
}

async fn choose(State(site): State<Site>, jar: CookieJar, Body(choice): Body<Choice>) -> Response {
    let mut jar = jar;
    if let Some(lang) = choice.lang {
        jar = jar.add(cookie("lang", lang.code(), site.settings.tls));
    }
    if let Some(theme) = choice.theme {
        jar = jar.add(cookie("theme", Theme::from_word(&theme).word(), site.settings.tls));
    }
    (jar, done(local(&choice.back))).into_response()
}

fn cookie(name: &'static str, value: &'static str, tls: bool) -> Cookie<'static> {
    Cookie::build((name, value))
        .path("/")
        .same_site(SameSite::Lax)
        .secure(tls)
        .max_age(cookie_days(REMEMBERED_DAYS))
        .build()
}

fn cookie_days(days: i64) -> time::Duration {
    time::Duration::days(days)
}

/// Returns the address if it is a path of this site, else the start page: what comes back from a
/// form must not send anyone elsewhere.
pub(crate) fn local(address: &str) -> String {
    let ours = address.starts_with('/')
        && !address.starts_with("//")
        && !address.contains(['\\', '\r', '\n', '\t']);
    if ours { address.to_owned() } else { "/".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere() {
        let cases = [
            ("/alerts?x=1", "/alerts?x=1"),
            ("//evil.example", "/"),
            ("https://evil.example", "/"),
            ("/\\evil.example", "/"),
            ("", "/"),
            ("/a\r\nSet-Cookie: x", "/"),
        ];
        for (given, expected) in cases {
            assert_eq!(local(given), expected);
        }
    }
}
