//! One's own notices: the bell's page, how one wants to be told, a message to try it.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use chrono::NaiveTime;
use chrono::Timelike as _;
use db::{AuditEntry, Subject};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::{Channel, Kind, Notice};
use super::postman::Postman;
use super::preference::{Preference, pair};
use super::views::{ChannelHead, DeviceRow, KindRow, NoticeList, NoticeRow, PreferencePage};
use super::{devices, letter, queue, rules, store};
use crate::error::FieldErrors;
use crate::paging::Page;
use crate::{AppError, Body, By, Done, Lang, Path, Phrase, Query, Routes, View, Who, done};

/// Longest address kept.
const ADDRESS_CHARS_MAX: usize = 200;
/// Digits of a telephone number (ITU-T E.164: at most 15).
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 8..=15;

impl Postman {
    /// Returns the pages of notifications.
    pub fn routes(&self) -> Routes {
        Routes::new()
            .own_get("/notices", list)
            .doc("Lists what the reader was told, the newest first")
            .gives::<NoticeList>()
            .own_get("/notices/{id}", open)
            .doc("Marks a notice as read and leads to what it tells of")
            .own_post("/notices/read-all", read_all)
            .doc("Marks all notices of the reader as read")
            .own_get("/notices/preferences", preferences)
            .doc("Shows by which channels the reader wants to be told of what")
            .gives::<PreferencePage>()
            .own_post("/notices/preferences", keep)
            .doc("Keeps by which channels the reader wants to be told of what")
            .takes::<Wanted>()
            .own_post("/notices/test", test)
            .doc("Sends the reader a message by every channel, to try them")
            .merge(devices::routes(Routes::new()))
            .merge(queue::routes(Routes::new()))
            .merge(rules::routes(Routes::new()))
            .with_state(self.clone())
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Asked {
    /// `unread` shows only those.
    show: String,
    page: Option<u64>,
    rows: Option<u64>,
}

async fn list(
    State(postman): State<Postman>,
    who: Who,
    Query(asked): Query<Asked>,
) -> Result<View<NoticeList>, AppError> {
    Ok(View::new(list_page(&postman, &who, &asked).await?))
}

async fn list_page(postman: &Postman, who: &Who, asked: &Asked) -> Result<NoticeList, AppError> {
    let page = Page { page: asked.page, rows: asked.rows };
    let only_unread = asked.show == "unread";
    let conn = postman.db().conn();
    let (rung, total) = store::delivery::rung(conn, who.account, only_unread, page).await?;
    let ids = rung.iter().map(|row| row.notice_id).collect();
    let notices = store::notices(conn, ids).await?;
    let rows = rung.iter().filter_map(|row| {
        let told = notices.get(&row.notice_id)?;
        let notice = told.notice()?;
        Some(NoticeRow {
            id: told.id.to_string(),
            kind: notice.kind.word(),
            title: letter::title(&notice, who.lang),
            severity: notice.severity,
            level: notice.level,
            at: told.raised_at,
            is_read: row.read_at.is_some(),
        })
    });
    let query = if only_unread { "show=unread" } else { "" };
    Ok(NoticeList {
        rows: rows.collect(),
        unread: store::delivery::unread(conn, who.account).await?,
        only_unread,
        pager: page.pager("/notices", query, total),
    })
}

pub(super) async fn open(
    State(postman): State<Postman>,
    who: Who,
    Path(id): Path<Uuid>,
) -> Result<Done, AppError> {
    let conn = postman.db().conn();
    if !store::delivery::is_for(conn, who.account, id).await? {
        return Err(AppError::NotFound);
    }
    let found = store::notices(conn, vec![id]).await?.remove(&id).ok_or(AppError::NotFound)?;
    let books = postman.db().begin_bookkeeping().await?;
    store::delivery::read(books.conn(), who.account, Some(id), books.now()).await?;
    books.commit().await?;
    Ok(done(crate::preferences::local(&found.link)))
}

async fn read_all(State(postman): State<Postman>, who: Who) -> Result<Done, AppError> {
    let books = postman.db().begin_bookkeeping().await?;
    store::delivery::read(books.conn(), who.account, None, books.now()).await?;
    books.commit().await?;
    Ok(done("/notices").notice(Phrase::key("notify-done-read")))
}

/// How someone wants to be told.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Wanted {
    /// The language of messages: `vi` or `en`.
    lang: String,
    /// Mail address; empty: no mail.
    email: String,
    /// Telephone for short messages; empty: none.
    phone: String,
    /// Zalo id or telephone; empty: none.
    zalo: String,
    /// Begin of the quiet hours (`22:00`); empty: none.
    quiet_from: String,
    /// Their end.
    quiet_to: String,
    /// What is wanted, as `kind/channel`.
    want: Vec<String>,
}

/// Returns the kinds that someone may be told of.
fn kinds(who: &Who) -> impl Iterator<Item = Kind> {
    let role = who.role;
    Kind::ALL
        .into_iter()
        .filter(|kind| *kind != Kind::Test)
        .filter(move |kind| kind.needs().is_none_or(|needs| role.may(needs)))
}

fn minutes(text: &str) -> Option<u16> {
    let time = NaiveTime::parse_from_str(text, "%H:%M").ok()?;
    u16::try_from(time.hour() * 60 + time.minute()).ok()
}

fn clock(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

fn is_phone(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    PHONE_DIGITS.contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

impl Wanted {
    fn checked(&self, who: &Who, errors: &mut FieldErrors) -> Preference {
        let clean =
            |text: &str| -> String { text.trim().chars().take(ADDRESS_CHARS_MAX).collect() };
        let spaceless = |text: &str| -> String {
            text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '.' | '-')).collect()
        };
        let email = clean(&self.email);
        if !email.is_empty() && email.parse::<lettre::Address>().is_err() {
            errors.add("email", Phrase::key("notify-error-email"));
        }
        let phone = spaceless(&clean(&self.phone));
        if !phone.is_empty() && !is_phone(&phone) {
            errors.add("phone", Phrase::key("notify-error-phone"));
        }
        let zalo = spaceless(&clean(&self.zalo));
        let quiet = match (self.quiet_from.trim(), self.quiet_to.trim()) {
            ("", "") => Some((0, 0)),
            (from, to) => minutes(from).zip(minutes(to)),
        };
        if quiet.is_none() {
            errors.add("quiet_from", Phrase::key("notify-error-quiet"));
        }
        let muted: BTreeSet<String> = kinds(who)
            .flat_map(|kind| Channel::OUT.map(|channel| pair(kind, channel)))
            .filter(|pair| !self.want.contains(pair))
            .collect();
        let lang = Lang::from_code(&self.lang).unwrap_or(who.lang);
        let push = String::new();
        Preference { lang, email, phone, zalo, push, muted, quiet: quiet.unwrap_or_default() }
    }
}

async fn page(
    postman: &Postman,
    who: &Who,
    wants: &Preference,
    errors: FieldErrors,
) -> Result<PreferencePage, AppError> {
    let heads = Channel::OUT.into_iter().map(|channel| ChannelHead {
        word: channel.word(),
        key: channel.key(),
        works: postman.has(channel),
    });
    let rows = kinds(who).map(|kind| KindRow {
        kind: kind.word(),
        key: kind.key(),
        wanted: Channel::OUT
            .map(|channel| (pair(kind, channel), channel.key(), wants.wants(kind, channel)))
            .into(),
    });
    let devices = store::device::of(postman.db().conn(), who.account.uuid()).await?;
    let on_call = postman.on_call().await?;
    let has_quiet = wants.quiet.0 != wants.quiet.1;
    let quiet = |minutes| if has_quiet { clock(minutes) } else { String::new() };
    Ok(PreferencePage {
        lang: wants.lang.code(),
        email: wants.email.clone(),
        phone: wants.phone.clone(),
        zalo: wants.zalo.clone(),
        quiet_from: quiet(wants.quiet.0),
        quiet_to: quiet(wants.quiet.1),
        on_duty: on_call.first.contains(&who.account) || on_call.second.contains(&who.account),
        channels: heads.collect(),
        kinds: rows.collect(),
        push_key: postman.push().map(|push| push.public_key().to_owned()),
        devices: devices.into_iter().map(DeviceRow::from).collect(),
        wrong: errors.told(who.lang).into_iter().collect(),
    })
}

async fn preferences(
    State(postman): State<Postman>,
    who: Who,
) -> Result<View<PreferencePage>, AppError> {
    let known = store::setup::preference(postman.db().conn(), who.account.uuid()).await?;
    let wants = known.unwrap_or_else(|| Preference { lang: who.lang, ..Preference::default() });
    Ok(View::new(page(&postman, &who, &wants, FieldErrors::default()).await?))
}

async fn keep(
    State(postman): State<Postman>,
    who: Who,
    Body(wanted): Body<Wanted>,
) -> Result<Response, AppError> {
    let mut errors = FieldErrors::default();
    let wants = wanted.checked(&who, &mut errors);
    if !errors.is_empty() {
        if who.by == By::Token {
            return Err(AppError::Invalid(errors));
        }
        let page = page(&postman, &who, &wants, errors).await?;
        return Ok(View::new(page).status(StatusCode::UNPROCESSABLE_ENTITY).into_response());
    }
    let tx = postman.db().begin().await?;
    store::setup::keep_preference(tx.conn(), who.account.uuid(), &wants).await?;
    // Where someone is reached is theirs: the log says that it changed, not to what.
    let detail = json!({
        "email": !wants.email.is_empty(),
        "phone": !wants.phone.is_empty(),
        "zalo": !wants.zalo.is_empty(),
        "muted": wants.muted.len(),
    });
    let subject = Subject::new("account", who.account);
    let actor = who.actor(crate::Address(who.address));
    tx.commit(AuditEntry::new(actor, "notify.prefer", subject, detail)).await?;
    Ok(done("/notices/preferences").notice(Phrase::key("notify-done-kept")).into_response())
}

async fn test(State(postman): State<Postman>, who: Who) -> Result<Done, AppError> {
    let books = postman.db().begin_bookkeeping().await?;
    // Once a minute: pressing faster tells no more.
    let about = format!("{}/{}", who.account, books.now().format("%Y%m%d%H%M"));
    let notice = Notice::new(Kind::Test, &about, "/notices/preferences").to(Some(who.account));
    super::raise(books.conn(), postman.db(), &[notice]).await?;
    books.commit().await?;
    Ok(done("/notices/preferences").notice(Phrase::key("notify-done-test")))
}

/// Returns what is wrong with one's own pages.
#[cfg(test)]
pub(super) async fn faults_of(postman: &Postman, who: &Who) -> Vec<String> {
    let asked = Asked::default();
    let list = list_page(postman, who, &asked).await.unwrap();
    let mut faults = crate::testing::faults(&list);
    let wrong = FieldErrors::default().with("email", Phrase::key("notify-error-email"));
    for errors in [FieldErrors::default(), wrong] {
        let page = page(postman, who, &Preference::default(), errors).await.unwrap();
        faults.extend(crate::testing::faults(&page));
    }
    faults
}
