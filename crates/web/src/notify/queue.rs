//! The operators' page: how the channels do, what waits, what was given up; send again.

use std::collections::BTreeMap;

use axum::extract::State;
use db::{AuditEntry, Subject};
use event::AccountId;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::letter;
use super::model::{Channel, State as Delivered};
use super::postman::Postman;
use super::rows::delivery;
use super::store;
use super::store::delivery::Again;
use super::views::{ChannelRow, QueuePage, QueueRow};
use crate::identity::people;
use crate::paging::Page;
use crate::{AppError, Done, Path, Permission, Phrase, Query, Routes, View, Who, done};

pub(super) fn routes(routes: Routes<Postman>) -> Routes<Postman> {
    routes
        .get("/notify", Permission::PlatformRead, show)
        .doc("Shows how the ways to people do, and what waits for them")
        .gives::<QueuePage>()
        .post("/notify/deliveries/{id}/again", Permission::PlatformChange, again)
        .doc("Sends a message that was given up again")
        .post("/notify/channels/{name}/again", Permission::PlatformChange, channel_again)
        .doc("Tries a channel now, and sends all again that was given up on it")
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Asked {
    page: Option<u64>,
    rows: Option<u64>,
}

async fn show(
    State(postman): State<Postman>,
    who: Who,
    Query(asked): Query<Asked>,
) -> Result<View<QueuePage>, AppError> {
    Ok(View::new(page(&postman, &who, &asked).await?))
}

async fn page(postman: &Postman, who: &Who, asked: &Asked) -> Result<QueuePage, AppError> {
    let page = Page { page: asked.page, rows: asked.rows };
    let conn = postman.db().conn();
    let known = store::setup::channels(conn).await?;
    let mut channels = Vec::new();
    for channel in Channel::OUT {
        let row = known.get(channel.word());
        channels.push(ChannelRow {
            name: channel.word(),
            key: channel.key(),
            works: postman.has(channel),
            failing_since: row.and_then(|row| row.failing_since),
            next_at: row.and_then(|row| row.next_at),
            last_ok_at: row.and_then(|row| row.last_ok_at),
            last_error: row.map(|row| row.last_error.clone()).unwrap_or_default(),
            waiting: store::delivery::count(conn, channel, Delivered::Waiting).await?,
            failed: store::delivery::count(conn, channel, Delivered::Failed).await?,
        });
    }
    let (rows, total) = store::delivery::queue(conn, page).await?;
    let rows = queued(postman, who, rows).await?;
    let give_up_h = postman.give_up().num_hours();
    let pager = page.pager("/notify", "", total);
    Ok(QueuePage { channels, rows, give_up_h, pager })
}

async fn queued(
    postman: &Postman,
    who: &Who,
    rows: Vec<delivery::Model>,
) -> Result<Vec<QueueRow>, AppError> {
    let everyone = people(postman.db()).await?;
    let names: BTreeMap<AccountId, String> =
        everyone.into_iter().map(|person| (person.account, person.name)).collect();
    let ids = rows.iter().map(|row| row.notice_id).collect();
    let notices = store::notices(postman.db().conn(), ids).await?;
    let row = |row: delivery::Model| {
        let notice = notices.get(&row.notice_id).and_then(super::rows::notice::Model::notice);
        QueueRow {
            id: row.id.to_string(),
            to: names.get(&AccountId::from_uuid(row.account_id)).cloned().unwrap_or_default(),
            channel_key: Channel::from_word(&row.channel)
                .map_or("notify-channel-app", Channel::key),
            title: notice.map(|notice| letter::title(&notice, who.lang)).unwrap_or_default(),
            is_failed: row.state == Delivered::Failed.word(),
            state_key: Delivered::key(&row.state),
            state: row.state,
            attempts: row.attempts,
            made_at: row.made_at,
            due_at: row.due_at,
            give_up_at: row.give_up_at,
            error: row.error,
        }
    };
    Ok(rows.into_iter().map(row).collect())
}

async fn again(
    State(postman): State<Postman>,
    who: Who,
    Path(id): Path<Uuid>,
) -> Result<Done, AppError> {
    if !store::delivery::exists(postman.db().conn(), id).await? {
        return Err(AppError::NotFound);
    }
    send_again(&postman, &who, Again::One(id)).await
}

async fn channel_again(
    State(postman): State<Postman>,
    who: Who,
    Path(name): Path<String>,
) -> Result<Done, AppError> {
    let channel = Channel::from_word(&name).filter(|channel| Channel::OUT.contains(channel));
    send_again(&postman, &who, Again::Channel(channel.ok_or(AppError::NotFound)?)).await
}

async fn send_again(postman: &Postman, who: &Who, which: Again) -> Result<Done, AppError> {
    let tx = postman.db().begin().await?;
    let when = (tx.now(), postman.give_up());
    let count = store::delivery::again(tx.conn(), which, when).await?;
    let subject = match which {
        Again::One(id) => Subject::new("notice-delivery", id),
        Again::Channel(channel) => {
            store::setup::wake(tx.conn(), channel).await?;
            Subject::new("notify-channel", channel.word())
        }
    };
    let actor = who.actor(crate::Address(who.address));
    tx.commit(AuditEntry::new(actor, "notify.again", subject, json!({ "count": count }))).await?;
    Ok(done("/notify").notice(Phrase::key("notify-done-again").arg("count", count)))
}

/// Returns what is wrong with the page.
#[cfg(test)]
pub(super) async fn faults_of(postman: &Postman, who: &Who) -> Vec<String> {
    let page = page(postman, who, &Asked::default()).await.unwrap();
    assert!(!page.rows.is_empty() && page.channels.iter().any(|one| one.failing_since.is_some()));
    crate::testing::faults(&page)
}
