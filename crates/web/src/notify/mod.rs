//! Telling people what happened: by the bell of the platform, by mail, by short message, by Zalo, by web
//! push.
//!
//! A slice [`raise`]s a [`Notice`] in the transaction of what it tells of (the outbox). The [`Postman`]
//! spreads notices to people by rules that are data, one delivery for each person and channel under a
//! unique key, and carries what is due. A gateway that is down is tried again with growing waits, also over
//! a restart; nothing is given up before a stated time, and what is given up stands on a page.
//!
//! What leaves the platform is neutral: kind, number, severity, level, a link. Never above TLP:GREEN,
//! nothing of who was harmed; the page behind the link asks who reads.

mod carrier;
#[cfg(test)]
mod carrier_tests;
mod devices;
mod gateway;
mod letter;
mod mail;
mod model;
mod plan;
mod postman;
mod preference;
mod push;
#[cfg(test)]
mod push_tests;
mod queue;
mod routes;
mod rows;
mod rules;
mod spread;
mod state;
mod store;
#[cfg(test)]
mod tests;
mod views;

use chrono::{DateTime, TimeDelta, Utc};
use db::{Db, DbError};
use sea_orm::ConnectionTrait;

pub use carrier::{Carrier, CarryError, Letter};
pub use gateway::{Gateway, GatewayError, GatewaySettings};
pub use mail::{Mail, MailError, MailSettings, MailTls};
pub use model::{Audience, Channel, Kind, Notice, OnCall};
pub use postman::{Postman, Roster};
pub use push::{Push, PushError};

use crate::Who;

/// How long what was told is kept.
const KEPT: TimeDelta = TimeDelta::days(90);

/// Writes what there is to tell, as part of the change that makes it so. What no rule would tell anyone is
/// not kept; what was told under the same key is not told again.
///
/// # Errors
/// When the database does not answer.
pub async fn raise(
    conn: &impl ConnectionTrait,
    db: &Db,
    notices: &[Notice],
) -> Result<(), DbError> {
    if notices.is_empty() {
        return Ok(());
    }
    let rules = store::setup::rules(conn).await?;
    for notice in notices.iter().filter(|notice| rules.iter().any(|rule| rule.fits(notice))) {
        store::insert(conn, db.new_uuid(), db.now(), notice).await?;
    }
    Ok(())
}

/// Notes that someone has taken up what a notice of this kind told about these things: who would be told
/// only if nobody did is left in peace.
///
/// # Errors
/// When the database does not answer.
pub async fn settle(
    conn: &impl ConnectionTrait,
    kind: Kind,
    about: &[String],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let keys: Vec<String> = about.iter().map(|about| format!("{}:{about}", kind.word())).collect();
    store::settle(conn, &keys, now).await
}

/// Returns how many notices a reader has not read: the number at the bell.
///
/// # Errors
/// When the database does not answer.
pub async fn unread(db: &Db, who: &Who) -> Result<u64, DbError> {
    store::delivery::unread(db.conn(), who.account).await
}

/// Forgets what was told long ago; call it once a day. Returns how many notices.
///
/// # Errors
/// When the database does not answer.
pub async fn forget_old(db: &Db) -> Result<u64, DbError> {
    let books = db.begin_bookkeeping().await?;
    let gone = store::forget(books.conn(), books.now() - KEPT).await?;
    books.commit().await?;
    Ok(gone)
}
