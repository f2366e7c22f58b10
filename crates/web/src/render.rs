//! The one middleware that turns what handlers return into what readers get: it finds out who asks
//! and in which language, lets the handler run, and draws page, fragment or JSON.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, LOCATION, RETRY_AFTER, VARY};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::json;

use crate::layout::{self, ErrorBody, Place};
use crate::reader::{Reader, Theme};
use crate::security::{self, RequestId};
use crate::view::{Done, Unrendered};
use crate::{Address, AppError, Face, Frame, Lang, Phrase, Site, error};

/// Under which programs ask.
pub(crate) const API: &str = "/api/v1";

/// The cookie that carries a notice to the next page.
const NOTICE_COOKIE: &str = "notice";
/// Longest notice cookie read: ours are far shorter.
const NOTICE_BYTES_MAX: usize = 1024;

/// The site and what it serves.
#[derive(Debug, Clone)]
pub(crate) struct Served {
    pub(crate) site: Site,
    /// Paths of pages: the navigation leads to no other.
    pub(crate) places: Arc<BTreeSet<String>>,
}

/// How the answer is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    Page,
    Fragment,
    Json,
}

impl Wanted {
    /// Reads it from the path and the headers.
    pub(crate) fn by(path: &str, headers: &HeaderMap) -> Self {
        let has = |name: &str| headers.get(name).is_some_and(|value| value == "true");
        let accepts_json = headers
            .get(ACCEPT)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.trim().starts_with("application/json"));
        if is_api(path) || accepts_json {
            Self::Json
        } else if has("hx-request") && !has("hx-boosted") && !has("hx-history-restore-request") {
            Self::Fragment
        } else {
            Self::Page
        }
    }
}

/// Returns whether a path is one of the API's.
pub(crate) fn is_api(path: &str) -> bool {
    path.strip_prefix(API).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Everything about a request that drawing its answer needs.
struct Asked {
    wanted: Wanted,
    reader: Reader,
    place: Place,
    id: String,
    jar: CookieJar,
    tls: bool,
}

/// The middleware.
pub(crate) async fn render(
    State(served): State<Served>,
    mut request: Request,
    next: Next,
) -> Response {
    let site = &served.site;
    let (mut asked, api) = ask(site, &request);
    let headers = request.headers().clone();
    let lang = asked.reader.lang;
    let known = if api {
        site.visitors.by_token(&headers, lang).await
    } else {
        site.visitors.by_session(&headers, lang).await
    };
    let response = match known {
        Ok(mut visitor) => {
            if let Some(who) = &mut visitor.who {
                Arc::make_mut(who).address = Address::of(request.extensions()).0;
                request.extensions_mut().insert(Arc::clone(who));
            }
            asked.reader.who.clone_from(&visitor.who);
            asked.reader.csrf.clone_from(&visitor.csrf);
            request.extensions_mut().insert(visitor);
            request.extensions_mut().insert(asked.reader.clone());
            next.run(request).await
        }
        Err(error) => error.into_response(),
    };
    draw(&served, &asked, response).await
}

/// Returns what the request says about itself, and whether it is one to the API.
fn ask(site: &Site, request: &Request) -> (Asked, bool) {
    let headers = request.headers();
    let path = request.uri().path();
    let jar = CookieJar::from_headers(headers);
    let lang = Lang::choose(jar.get("lang").map(Cookie::value));
    let theme = jar.get("theme").map(|cookie| Theme::from_word(cookie.value())).unwrap_or_default();
    let asked = Asked {
        wanted: Wanted::by(path, headers),
        reader: Reader { lang, theme, csrf: String::new(), now: site.clock.now(), who: None },
        place: Place::of(request.uri()),
        id: request.extensions().get::<RequestId>().map_or_else(String::new, |id| id.0.clone()),
        jar,
        tls: site.settings.tls,
    };
    (asked, is_api(path))
}

async fn draw(served: &Served, asked: &Asked, mut response: Response) -> Response {
    let Some(unrendered) = response.extensions_mut().remove::<Unrendered>() else {
        return response;
    };
    let drawn = match unrendered {
        Unrendered::Page { face, frame } => {
            let status = response.status();
            page(served, asked, &*face, frame).await.map(|drawn| with_status(drawn, status))
        }
        Unrendered::Done(done) => finish(asked, &done),
        Unrendered::Error(error) => Ok(failure(served, asked, &error).await),
    };
    let mut answer = match drawn {
        Ok(answer) => answer,
        Err(error) => failure(served, asked, &error).await,
    };
    // What the handler set itself (a cookie, a download name) stays; ours fills the rest.
    for (name, value) in response.headers() {
        if name != http::header::CONTENT_LENGTH && name != CONTENT_TYPE {
            answer.headers_mut().append(name.clone(), value.clone());
        }
    }
    let headers = answer.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("Accept, Cookie, HX-Request"));
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    answer
}

fn with_status(mut response: Response, status: StatusCode) -> Response {
    *response.status_mut() = status;
    response
}

async fn page(
    served: &Served,
    asked: &Asked,
    face: &dyn Face,
    frame: Frame,
) -> Result<Response, AppError> {
    if asked.wanted == Wanted::Json {
        return json_body(face);
    }
    let body = face.html(&asked.reader).map_err(AppError::internal)?;
    if asked.wanted == Wanted::Fragment {
        return Ok(html(body));
    }
    let notice = notice_of(&asked.jar).map(|notice| notice.text(asked.reader.lang));
    let shown = notice.is_some();
    let whole = layout::whole(served, &asked.reader, &asked.place, frame, body, notice).await?;
    let mut response = html(whole);
    if shown {
        forget_notice(&mut response, asked.tls);
    }
    Ok(response)
}

fn html(body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

fn json_body(face: &dyn Face) -> Result<Response, AppError> {
    let body = face.json().map_err(AppError::internal)?;
    Ok(typed(body, "application/json"))
}

fn typed(body: Vec<u8>, kind: &'static str) -> Response {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// Answers after a change.
fn finish(asked: &Asked, done: &Done) -> Result<Response, AppError> {
    let status = if done.made { StatusCode::CREATED } else { StatusCode::OK };
    match (asked.wanted, &done.face) {
        (Wanted::Json, Some(face)) => Ok(with_status(json_body(&**face)?, status)),
        (Wanted::Json, None) => {
            let body = json!({ "location": done.to }).to_string().into_bytes();
            Ok(with_status(typed(body, "application/json"), status))
        }
        (Wanted::Fragment, Some(face)) => {
            Ok(html(face.html(&asked.reader).map_err(AppError::internal)?))
        }
        (Wanted::Fragment, None) => {
            let mut response = StatusCode::OK.into_response();
            set(&mut response, HeaderName::from_static("hx-redirect"), &done.to)?;
            remember_notice(&mut response, done, asked.tls);
            Ok(response)
        }
        (Wanted::Page, _) => {
            let mut response = StatusCode::SEE_OTHER.into_response();
            set(&mut response, LOCATION, &done.to)?;
            remember_notice(&mut response, done, asked.tls);
            Ok(response)
        }
    }
}

fn set(response: &mut Response, name: HeaderName, value: &str) -> Result<(), AppError> {
    let value = HeaderValue::from_str(value).map_err(AppError::internal)?;
    response.headers_mut().insert(name, value);
    Ok(())
}

fn remember_notice(response: &mut Response, done: &Done, tls: bool) {
    let Some(notice) = &done.notice else { return };
    let Ok(words) = serde_json::to_vec(notice) else { return };
    let cookie = Cookie::build((NOTICE_COOKIE, hex::encode(words)))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(tls);
    append_cookie(response, &cookie.build());
}

fn forget_notice(response: &mut Response, tls: bool) {
    let mut cookie = Cookie::build((NOTICE_COOKIE, ""))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(tls)
        .build();
    cookie.make_removal();
    append_cookie(response, &cookie);
}

fn append_cookie(response: &mut Response, cookie: &Cookie<'_>) {
    if let Ok(value) = HeaderValue::from_str(&cookie.to_string()) {
        response.headers_mut().append(http::header::SET_COOKIE, value);
    }
}

fn notice_of(jar: &CookieJar) -> Option<Phrase> {
    let raw = jar.get(NOTICE_COOKIE)?.value();
    if raw.len() > NOTICE_BYTES_MAX {
        return None;
    }
    let phrase: Phrase = serde_json::from_slice(&hex::decode(raw).ok()?).ok()?;
    phrase.exists().then_some(phrase)
}

/// Draws an error in the wanted face and logs the ones that are ours.
async fn failure(served: &Served, asked: &Asked, error: &AppError) -> Response {
    if matches!(error, AppError::Internal(_) | AppError::Unavailable(_)) {
        tracing::error!(error.id = %asked.id, error = %error::chain(error), path = %security::logged_path(&asked.place.path), "request failed");
    }
    let lang = asked.reader.lang;
    let status = error.status();
    let mut response = match asked.wanted {
        Wanted::Json => {
            let mut problem = json!({
                "type": format!("urn:luytre:error:{}", error.word()),
                "title": error.title().text(lang),
                "status": status.as_u16(),
                "detail": error.advice().text(lang),
                "instance": asked.id,
            });
            if let (AppError::Invalid(fields), Some(problem)) = (error, problem.as_object_mut()) {
                let told = fields.told(lang);
                let errors: Vec<_> = told
                    .iter()
                    .map(|(field, why)| json!({ "pointer": pointer(field), "detail": why }))
                    .collect();
                problem.insert("errors".to_owned(), json!(errors));
                problem.insert("fields".to_owned(), json!(told));
            }
            typed(problem.to_string().into_bytes(), "application/problem+json")
        }
        _ if matches!(error, AppError::NotSignedIn) => return to_sign_in(asked),
        Wanted::Page if matches!(error, AppError::SecondFactorNeeded) => {
            return to(asked, "/account/second-factor");
        }
        wanted => error_html(served, asked, error, wanted).await,
    };
    *response.status_mut() = status;
    if let AppError::TooMany { retry_after_s } = error {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(*retry_after_s));
    }
    response
}

/// Returns the JSON pointer (RFC 6901, as a URI fragment) of a field; the whole body for the form's own.
fn pointer(field: &str) -> String {
    if field.is_empty() {
        "#".to_owned()
    } else {
        format!("#/{}", field.replace('~', "~0").replace('/', "~1"))
    }
}

async fn error_html(served: &Served, asked: &Asked, error: &AppError, wanted: Wanted) -> Response {
    let body = ErrorBody::of(error, asked.reader.lang, &asked.id);
    let drawn = match (askama::Template::render_with_values(&body, &asked.reader), wanted) {
        (Ok(body), Wanted::Fragment) => Ok(body),
        (Ok(body), _) => {
            let frame = if asked.reader.who.is_some() { Frame::Desk } else { Frame::Plain };
            layout::whole(served, &asked.reader, &asked.place, frame, body, None).await
        }
        (Err(error), _) => Err(AppError::internal(error)),
    };
    match drawn {
        Ok(drawn) => html(drawn),
        Err(error) => {
            tracing::error!(error.id = %asked.id, error = %error::chain(&error), "the error page itself failed");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn to_sign_in(asked: &Asked) -> Response {
    let to_address = if asked.place.whole == "/" {
        "/sign-in".to_owned()
    } else {
        let next: String = form_urlencoded::byte_serialize(asked.place.whole.as_bytes()).collect();
        format!("/sign-in?next={next}")
    };
    to(asked, &to_address)
}

/// Sends a reader elsewhere.
fn to(asked: &Asked, place: &str) -> Response {
    let (status, name) = match asked.wanted {
        Wanted::Fragment => (StatusCode::OK, HeaderName::from_static("hx-redirect")),
        _ => (StatusCode::SEE_OTHER, LOCATION),
    };
    let mut response = status.into_response();
    if let Ok(value) = HeaderValue::from_str(place) {
        response.headers_mut().insert(name, value);
    }
    response
}
