//! Opening the database: who may read, who may write, and how safe a commit is.
//!
//! Readers and the writer are separate pools, and the database itself refuses a write on a reader:
//! the only way to change anything is a [`Tx`](crate::Tx) (or [`Bookkeeping`](crate::Bookkeeping)).

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SubsecRound as _, Utc};
use event::{Clock, IdSource};
use sea_orm::sqlx::Connection as _;
use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{ConnectOptions, Database, DatabaseConnection, DbBackend};
use uuid::Uuid;

use crate::{DbError, migrations, read_only};

/// How long a statement may wait for SQLite's write lock: another process (a backup, the command
/// line) may hold it for a moment.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Sets [`BUSY_TIMEOUT`] on a connection that is open, in milliseconds.
pub(crate) const BUSY_TIMEOUT_PRAGMA: &str = "PRAGMA busy_timeout = 10000";

/// How long a request waits for a free connection before it is told to come back.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(15);

/// How long PostgreSQL may work on one statement; pages are slow long before that.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(30);

/// Parallel writers on PostgreSQL. SQLite always has one.
const POSTGRES_WRITERS: u32 = 8;

/// Parallel readers, unless set.
const READERS: u32 = 8;

/// What a commit survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// A power cut. SQLite runs with `synchronous = FULL`: in WAL mode `NORMAL` may lose the last
    /// commits, and the lake's catalogue, the audit chain and a dead letter must never be lost once
    /// the sender was told "kept".
    #[default]
    PowerLoss,
    /// Nothing: for tests only, three times as fast.
    Nothing,
}

/// Where the database is and how it is opened.
#[derive(Clone)]
pub struct DbSettings {
    url: String,
    readers: u32,
    durability: Durability,
    schema: Option<String>,
    may_be_still: bool,
}

/// The URL may hold a password: it is never printed.
impl fmt::Debug for DbSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DbSettings")
            .field("readers", &self.readers)
            .field("durability", &self.durability)
            .finish_non_exhaustive()
    }
}

impl DbSettings {
    /// Returns settings for an SQLite file, made when it is not there.
    pub fn sqlite(file: &Path) -> Self {
        Self::from_url(&format!("sqlite://{}?mode=rwc", file.display()))
    }

    /// Returns settings for a URL: `sqlite:///var/lib/luytre/luytre.db?mode=rwc` or
    /// `postgres://user:password@host/database`.
    pub fn from_url(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            readers: READERS,
            durability: Durability::PowerLoss,
            schema: None,
            may_be_still: false,
        }
    }

    /// Sets how many connections read in parallel.
    #[must_use]
    pub const fn readers(mut self, readers: u32) -> Self {
        self.readers = readers;
        self
    }

    /// Sets what a commit survives.
    #[must_use]
    pub const fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Sets the PostgreSQL schema that all tables stand in (default `public`).
    #[must_use]
    pub fn schema(mut self, schema: &str) -> Self {
        self.schema = Some(schema.to_owned());
        self
    }

    /// Opens an SQLite database as it lies there where its disk takes no writes and nobody has it open: SQLite could
    /// not make the files beside it that it wants even for reading. For commands that look at it and end; what
    /// lives on would not see the disk being well again.
    #[must_use]
    pub const fn may_be_still(mut self) -> Self {
        self.may_be_still = true;
        self
    }

    fn backend(&self) -> Result<DbBackend, DbError> {
        if self.url.starts_with("sqlite:") {
            Ok(DbBackend::Sqlite)
        } else if self.url.starts_with("postgres:") || self.url.starts_with("postgresql:") {
            Ok(DbBackend::Postgres)
        } else {
            Err(DbError::UnknownUrl)
        }
    }

    fn options(&self, connections: u32, access: Access) -> ConnectOptions {
        let synchronous = match self.durability {
            Durability::PowerLoss => SqliteSynchronous::Full,
            Durability::Nothing => SqliteSynchronous::Off,
        };
        let may_be_still = self.may_be_still;
        let mut options = ConnectOptions::new(&self.url);
        options
            .max_connections(connections)
            .min_connections(1)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .sqlx_logging(false)
            .set_application_name("luytre")
            .map_sqlx_sqlite_opts(move |sqlite| {
                let sqlite = sqlite
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(synchronous)
                    .foreign_keys(true)
                    .busy_timeout(BUSY_TIMEOUT);
                let is_still = may_be_still && read_only::is_still(sqlite.get_filename());
                let sqlite = sqlite.immutable(is_still);
                match access {
                    Access::Write => sqlite,
                    Access::Read => sqlite.pragma("query_only", "ON"),
                }
            })
            // A full disk may leave a transaction open that its owner has given up: what is committed
            // inside it would be seen by nobody, and gone with the process. Such a connection is
            // closed, which undoes it, and a new one is opened.
            .map_sqlx_sqlite_pool_opts(move |pool| match access {
                Access::Read => pool.before_acquire(|connection, _| {
                    Box::pin(async move { Ok(!connection.is_in_transaction()) })
                }),
                Access::Write => pool
                    .after_connect(|connection, _| Box::pin(read_only::mark(connection)))
                    .before_acquire(|connection, _| {
                        Box::pin(async move {
                            Ok(!connection.is_in_transaction()
                                && !read_only::is_marked(connection).await?)
                        })
                    }),
            })
            .map_sqlx_postgres_opts(move |postgres| match access {
                Access::Write => postgres,
                Access::Read => postgres.options([("default_transaction_read_only", "on")]),
            });
        if !self.url.starts_with("sqlite:") {
            options.statement_timeout(STATEMENT_TIMEOUT);
        }
        if let Some(schema) = &self.schema {
            options.set_schema_search_path(schema);
        }
        options
    }
}

#[derive(Debug, Clone, Copy)]
enum Access {
    Read,
    Write,
}

/// The open database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Db(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    reader: DatabaseConnection,
    writer: DatabaseConnection,
    clock: Arc<dyn Clock>,
    ids: Arc<IdSource>,
}

impl Db {
    /// Opens the database and brings its tables up to date.
    ///
    /// # Errors
    /// When it cannot be reached, when a migration fails, or when a newer version made it.
    pub async fn open(
        settings: &DbSettings,
        clock: Arc<dyn Clock>,
        ids: Arc<IdSource>,
    ) -> Result<Self, DbError> {
        let writers = match settings.backend()? {
            DbBackend::Sqlite => 1,
            _ => POSTGRES_WRITERS,
        };
        let connect = |options| async { Database::connect(options).await.map_err(DbError::Open) };
        let writer = connect(settings.options(writers, Access::Write)).await?;
        migrations::run(&writer, clock.now()).await?;
        let reader = connect(settings.options(settings.readers, Access::Read)).await?;
        Ok(Self(Arc::new(Inner { reader, writer, clock, ids })))
    }

    /// Returns the connection for reading. A write through it is refused by the database.
    pub fn conn(&self) -> &DatabaseConnection {
        &self.0.reader
    }

    pub(crate) fn writer(&self) -> &DatabaseConnection {
        &self.0.writer
    }

    /// Returns which database this is.
    pub fn backend(&self) -> DbBackend {
        self.0.writer.get_database_backend()
    }

    /// Returns whether the database is inside this process, so that no other node shares it.
    pub fn is_embedded(&self) -> bool {
        self.backend() == DbBackend::Sqlite
    }

    /// Returns the present moment, cut to the microseconds that both databases keep.
    pub fn now(&self) -> DateTime<Utc> {
        self.0.clock.now().trunc_subsecs(6)
    }

    /// Returns a fresh UUIDv7, to be wrapped in the id type of its table.
    pub fn new_uuid(&self) -> Uuid {
        self.0.ids.uuid(self.now())
    }

    /// Returns the generator of ids and secrets.
    pub fn ids(&self) -> &Arc<IdSource> {
        &self.0.ids
    }

    /// Returns the clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    /// Answers whether the database can be read now: for the health page.
    pub async fn ping(&self) -> Result<(), DbError> {
        Ok(self.0.reader.ping().await?)
    }

    /// Closes all connections; on SQLite the write-ahead log goes into the file.
    pub async fn close(&self) -> Result<(), DbError> {
        self.0.reader.close_by_ref().await?;
        Ok(self.0.writer.close_by_ref().await?)
    }
}
