//! Words between the processes that share a PostgreSQL: `NOTIFY` and `LISTEN`. Who listens hears them at once; nobody
//! keeps them. So a listener is told as well when it may have missed some, and asks again for what it shows.

use std::time::Duration;

use sea_orm::sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sea_orm::sqlx::{self, Executor as _};
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};

use crate::{Db, DbError};

/// Bytes that one word may have: PostgreSQL takes 7,999.
pub const WORD_BYTES_MAX: usize = 7_900;

/// After so long without a word the connection is asked whether it still is one: a network that is cut says nothing.
const QUIET: Duration = Duration::from_secs(10);

/// How long a connection may take to be made, and to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// How long after a lost connection another is tried.
const AGAIN: Duration = Duration::from_secs(1);

/// What a listener hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// What somebody said.
    Word(String),
    /// From now on it listens; what was said before, since the last time it did, it has missed.
    Missed,
}

/// Listens to one channel, over connections of its own.
#[derive(Debug)]
pub struct Listener {
    options: PgConnectOptions,
    channel: String,
    connection: Option<PgListener>,
    is_failing: bool,
}

impl Db {
    /// Says a word of at most [`WORD_BYTES_MAX`] bytes to all that listen to a channel. In a database inside this process
    /// there is nobody else.
    ///
    /// # Errors
    ///
    /// When the database does not take it.
    pub async fn notify(&self, channel: &str, word: &str) -> Result<(), DbError> {
        if self.is_embedded() {
            return Ok(());
        }
        let say = Statement::from_sql_and_values(
            DbBackend::Postgres,
            "SELECT pg_notify($1, $2)",
            [channel.into(), word.into()],
        );
        self.writer().query_one_raw(say).await?;
        Ok(())
    }

    /// Returns a listener to a channel, which connects when it is first asked; nothing where the database is inside this
    /// process.
    pub fn listener(&self, channel: &str) -> Option<Listener> {
        if self.is_embedded() {
            return None;
        }
        let options = self.conn().get_postgres_connection_pool().connect_options();
        Some(Listener {
            options: options.as_ref().clone(),
            channel: channel.to_owned(),
            connection: None,
            is_failing: false,
        })
    }
}

impl Listener {
    /// Waits for what is said next; the first thing heard is [`Heard::Missed`]. A lost connection is made again, as often
    /// as it takes. May be given up while it waits, and asked again.
    pub async fn next(&mut self) -> Heard {
        loop {
            match self.heard().await {
                Ok(Some(heard)) => {
                    self.is_failing = false;
                    return heard;
                }
                Ok(None) => {}
                Err(error) => {
                    self.connection = None;
                    if !std::mem::replace(&mut self.is_failing, true) {
                        tracing::warn!(%error, channel = self.channel, "nothing is heard of other nodes");
                    }
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }

    async fn heard(&mut self) -> Result<Option<Heard>, sqlx::Error> {
        let Some(listener) = &mut self.connection else {
            self.connection = Some(connect(&self.options, &self.channel).await?);
            return Ok(Some(Heard::Missed));
        };
        if let Ok(heard) = tokio::time::timeout(QUIET, listener.try_recv()).await {
            let heard = heard?.map_or(Heard::Missed, |word| Heard::Word(word.payload().to_owned()));
            return Ok(Some(heard));
        }
        within(listener.execute("SELECT 1")).await?;
        Ok(None)
    }
}

async fn connect(options: &PgConnectOptions, channel: &str) -> Result<PgListener, sqlx::Error> {
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .max_lifetime(None)
        .idle_timeout(None)
        .acquire_timeout(ANSWER)
        .connect_lazy_with(options.clone());
    let mut listener = within(PgListener::connect_with(&pool)).await?;
    within(listener.listen(channel)).await?;
    Ok(listener)
}

/// Waits for an answer, no longer than one may take.
async fn within<T>(answer: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    tokio::time::timeout(ANSWER, answer).await.map_err(|_| sqlx::Error::PoolTimedOut)?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn words_are_heard_and_a_lost_connection_is_noticed() {
        for test in testing::databases().await {
            let channel = format!("test_{}", test.db.new_uuid().simple());
            let Some(mut listener) = test.db.listener(&channel) else {
                assert!(test.db.is_embedded());
                test.db.notify(&channel, "nobody hears it").await.unwrap();
                continue;
            };
            assert_eq!(listener.next().await, Heard::Missed);
            let long = "dài ".repeat(WORD_BYTES_MAX / 5);
            for word in ["một", "hai ' \"", &long] {
                test.db.notify(&channel, word).await.unwrap();
                assert_eq!(listener.next().await, Heard::Word(word.to_owned()));
            }
            let end = format!(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                 WHERE query = 'LISTEN \"{channel}\"'"
            );
            test.db.writer().execute_unprepared(&end).await.unwrap();
            assert_eq!(listener.next().await, Heard::Missed);
            test.db.notify(&channel, "ba").await.unwrap();
            assert_eq!(listener.next().await, Heard::Word("ba".to_owned()));
        }
    }
}
