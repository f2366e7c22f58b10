//! Changing things: a transaction that commits only together with its audit entry.

use chrono::{DateTime, Utc};
use sea_orm::{
    ConnectionTrait as _, DatabaseTransaction, DbBackend, IsolationLevel, SqliteTransactionMode,
    TransactionOptions, TransactionTrait as _,
};
use uuid::Uuid;

use crate::audit::{self, AuditEntry};
use crate::{Db, DbError};

impl Db {
    /// Opens a transaction for a change that someone (or a rule) decided. On SQLite it waits until it
    /// is the only writer.
    pub async fn begin(&self) -> Result<Tx, DbError> {
        Ok(Tx { inner: begin(self).await?, now: self.now(), db: self.clone() })
    }

    /// Returns a connection that reads everything as of one moment, until it is dropped.
    ///
    /// # Errors
    ///
    /// When the database does not answer.
    pub async fn snapshot(&self) -> Result<DatabaseTransaction, DbError> {
        let isolation =
            (self.backend() == DbBackend::Postgres).then_some(IsolationLevel::RepeatableRead);
        Ok(self.conn().begin_with_config(isolation, None).await?)
    }

    /// Opens a transaction for what the platform notes about itself every few seconds: the lake's
    /// catalogue and position, source counters, dead letters as they arrive, session times, job
    /// progress. Nobody decides these, each is derived from bytes that are kept, and an audit entry
    /// for each would bury the ones that matter. Everything else takes [`Db::begin`].
    pub async fn begin_bookkeeping(&self) -> Result<Bookkeeping, DbError> {
        Ok(Bookkeeping { inner: begin(self).await?, now: self.now() })
    }
}

async fn begin(db: &Db) -> Result<DatabaseTransaction, DbError> {
    let options = TransactionOptions {
        // A deferred SQLite transaction that reads first and then writes may fail with "locked".
        sqlite_transaction_mode: (db.backend() == DbBackend::Sqlite)
            .then_some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    Ok(db.writer().begin_with_options(options).await?)
}

/// A change under way. Dropped without [`Tx::commit`], it never happened.
#[derive(Debug)]
pub struct Tx {
    inner: DatabaseTransaction,
    now: DateTime<Utc>,
    db: Db,
}

impl Tx {
    /// Returns the connection that stores read and write through.
    pub const fn conn(&self) -> &DatabaseTransaction {
        &self.inner
    }

    /// Returns the moment this change counts as made: the same for all its rows.
    pub const fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// Returns a fresh UUIDv7.
    pub fn new_uuid(&self) -> Uuid {
        self.db.new_uuid()
    }

    /// Makes this change the next one of the audit trail: what others committed is seen from here on, and what they
    /// have not, waits until this is over. On SQLite that is so from the beginning.
    ///
    /// # Errors
    ///
    /// When the database does not answer.
    pub async fn lock_trail(&self) -> Result<(), DbError> {
        lock_chain(&self.inner).await
    }

    /// Commits the change together with its audit entry: the only way to commit one.
    pub async fn commit(self, entry: AuditEntry) -> Result<(), DbError> {
        audit::append(&self.inner, self.now, entry).await?;
        Ok(self.inner.commit().await?)
    }

    /// Gives the change up.
    pub async fn rollback(self) -> Result<(), DbError> {
        Ok(self.inner.rollback().await?)
    }
}

/// Bookkeeping under way; see [`Db::begin_bookkeeping`] for what it may hold.
#[derive(Debug)]
pub struct Bookkeeping {
    inner: DatabaseTransaction,
    now: DateTime<Utc>,
}

impl Bookkeeping {
    /// Returns the connection that stores read and write through.
    pub const fn conn(&self) -> &DatabaseTransaction {
        &self.inner
    }

    /// Returns the moment this counts as noted.
    pub const fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// Commits.
    pub async fn commit(self) -> Result<(), DbError> {
        Ok(self.inner.commit().await?)
    }
}

/// Makes commits that extend the chain wait for each other on PostgreSQL. SQLite has one writer.
pub(crate) async fn lock_chain(conn: &DatabaseTransaction) -> Result<(), DbError> {
    if conn.get_database_backend() == DbBackend::Postgres {
        conn.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({AUDIT_CHAIN_LOCK})"))
            .await?;
    }
    Ok(())
}

/// Any number that nothing else in this database locks ("luytre" on a telephone's keys).
const AUDIT_CHAIN_LOCK: i64 = 589_873;
