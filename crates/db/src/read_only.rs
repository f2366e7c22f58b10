//! Connections that SQLite opened for reading only, because the file system refused more at that moment.
//!
//! SQLite does not tell: such a connection opens, reads, and answers every write with "attempt to write a readonly
//! database", for as long as it lives, also when the disk is long well again. A connection for writing is therefore
//! asked once, when it opens; one that cannot write serves whoever only reads (a check beside a read-only disk),
//! and is opened anew before it is used again.
//!
//! Nor does it open a database at all whose log it had to begin for that, on a disk that refuses it: what an orderly
//! end leaves. There it is told that the file does not change ([`is_still`]).

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use sea_orm::sqlx::sqlite::SqliteConnection;
use sea_orm::sqlx::{self, Executor as _};

/// Stands in a connection that cannot write: a table of its own, which no file holds.
const MARK: &str = "CREATE TEMP TABLE read_only_connection (marked INTEGER)";

/// SQLite's result code for a write to what is open for reading only; extended codes have it in their last byte.
const SQLITE_READONLY: i32 = 8;

/// Marks a fresh connection that cannot write.
pub(crate) async fn mark(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    // A write that changes nothing. It does not wait: whoever is refused for the lock's sake can write.
    connection.execute("PRAGMA busy_timeout = 0").await?;
    let refused = match connection.execute("PRAGMA incremental_vacuum(1)").await {
        Err(sqlx::Error::Database(error)) => is_read_only(error.code().as_deref()),
        _ => false,
    };
    connection.execute(crate::connect::BUSY_TIMEOUT_PRAGMA).await?;
    if refused {
        tracing::warn!("the database can only be read at this moment");
        connection.execute(MARK).await?;
    }
    Ok(())
}

/// Returns whether a connection was marked.
pub(crate) async fn is_marked(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    let mark = "SELECT 1 FROM temp.sqlite_schema WHERE name = 'read_only_connection'";
    Ok(connection.fetch_optional(mark).await?.is_some())
}

/// Returns whether a database's file system takes no writes and its log holds nothing: then everything stands in the
/// file, and stays as it is. A platform that runs has a log.
pub(crate) fn is_still(file: &Path) -> bool {
    let is_refused = OpenOptions::new()
        .write(true)
        .open(file)
        .is_err_and(|error| error.kind() == ErrorKind::ReadOnlyFilesystem);
    is_refused && is_log_empty(file)
}

/// Returns whether nothing stands in the write-ahead log beside a database; what cannot be told is taken for a log.
fn is_log_empty(file: &Path) -> bool {
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    match PathBuf::from(log).metadata() {
        Ok(log) => log.len() == 0,
        Err(error) => error.kind() == ErrorKind::NotFound,
    }
}

fn is_read_only(code: Option<&str>) -> bool {
    code.and_then(|code| code.parse::<i32>().ok())
        .is_some_and(|code| code & 0xff == SQLITE_READONLY)
}

#[cfg(test)]
mod tests {
    use sea_orm::ConnectionTrait as _;
    use sea_orm::sqlx::sqlite::SqliteConnectOptions;
    use sea_orm::sqlx::{ConnectOptions as _, Connection as _};

    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn a_connection_that_cannot_write_is_marked_and_reads() {
        let test = testing::sqlite().await;
        let file = test.folder().unwrap().join("luytre.db");
        let options = SqliteConnectOptions::new().filename(&file);
        for (read_only, marked) in [(false, false), (true, true)] {
            let mut connection = options.clone().read_only(read_only).connect().await.unwrap();
            mark(&mut connection).await.unwrap();
            assert_eq!(is_marked(&mut connection).await.unwrap(), marked);
            let read = connection.fetch_all("SELECT name FROM schema_migration").await;
            assert!(!read.unwrap().is_empty());
            connection.close().await.unwrap();
        }
        // Who holds the lock does not make others read-only.
        let mut writer = options.clone().connect().await.unwrap();
        writer.execute("BEGIN IMMEDIATE").await.unwrap();
        let mut other = options.connect().await.unwrap();
        mark(&mut other).await.unwrap();
        assert!(!is_marked(&mut other).await.unwrap());
    }

    #[tokio::test]
    async fn only_a_database_without_a_log_on_a_disk_that_refuses_writes_is_still() {
        let test = testing::sqlite().await;
        let file = test.folder().unwrap().join("luytre.db");
        assert!(!is_log_empty(&file), "a platform that runs has a log");
        test.db.close().await.unwrap();
        assert!(is_log_empty(&file));
        assert!(!is_still(&file), "its disk takes writes");
        // So SQLite reads what it is told does not change, although its header promises a log.
        let options = SqliteConnectOptions::new().filename(&file).immutable(true);
        let mut connection = options.connect().await.unwrap();
        mark(&mut connection).await.unwrap();
        assert!(is_marked(&mut connection).await.unwrap());
        let read = connection.fetch_all("SELECT name FROM schema_migration").await;
        assert!(!read.unwrap().is_empty());
        assert!(is_log_empty(&file), "nothing was made beside it");
    }

    #[tokio::test]
    async fn a_marked_connection_is_opened_anew_before_it_is_used_again() {
        let test = testing::sqlite().await;
        let count = "SELECT 1 FROM temp.sqlite_schema WHERE name = 'read_only_connection'";
        let writer = test.db.writer();
        writer.execute_unprepared(MARK).await.unwrap();
        let statement = sea_orm::Statement::from_string(sea_orm::DbBackend::Sqlite, count);
        assert!(writer.query_one_raw(statement).await.unwrap().is_none());
    }
}
