//! What can go wrong with the database, seen from a caller.

use sea_orm::{DbErr, RuntimeErr};
use std::path::PathBuf;

/// Why the database did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The URL names neither SQLite nor PostgreSQL.
    #[error("the database URL must begin with sqlite: or postgres:")]
    UnknownUrl,
    /// The database could not be opened.
    #[error("the database cannot be opened")]
    Open(#[source] DbErr),
    /// A migration failed; the ones before it stand.
    #[error("migration {name} failed")]
    Migration {
        /// The migration's name.
        name: &'static str,
        /// What the database said.
        #[source]
        source: DbErr,
    },
    /// The database was made by a newer version of the platform.
    #[error("the database has migration {name}, which this version does not know")]
    TooNew {
        /// The first migration that is unknown here.
        name: String,
    },
    /// A read or write failed.
    #[error("the database did not answer as it should")]
    Query(#[from] DbErr),
    /// A backup was asked of PostgreSQL, which has its own tools for it.
    #[error("this backup is for SQLite only; use pg_dump for PostgreSQL")]
    BackupNotSupported,
    /// A copy was asked of other kinds of databases.
    #[error("rows are copied from an SQLite into a PostgreSQL only")]
    CopyKinds,
    /// A copy would mix two installations.
    #[error("the database that is to be copied into is in use already: it has an audit log")]
    CopyTarget,
    /// A backup would overwrite a file.
    #[error("the backup file {} is already there", .0.display())]
    BackupExists(PathBuf),
    /// The backup's target cannot be used.
    #[error("the backup path cannot be used")]
    BackupPath(#[source] std::io::Error),
}

impl DbError {
    /// Returns the name of the constraint that refused the write, if that is what happened: see
    /// [`violated_constraint`].
    pub fn constraint(&self) -> Option<String> {
        match self {
            Self::Query(error) => violated_constraint(error),
            _ => None,
        }
    }
}

/// Returns what refused a write: PostgreSQL's constraint name (`agency_code_key`) or, on SQLite, the
/// columns it names (`agency.code`). `store.rs` turns it into a `Conflict`; comparing with
/// `contains("code")` works on both.
pub fn violated_constraint(error: &DbErr) -> Option<String> {
    let (DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error))) =
        error
    else {
        return None;
    };
    let error = error.as_database_error()?;
    if let Some(name) = error.constraint() {
        return Some(name.to_owned());
    }
    let text = error.message();
    text.split_once("UNIQUE constraint failed: ")
        .or_else(|| text.split_once("CHECK constraint failed: "))
        .map(|(_, columns)| columns.to_owned())
        .or_else(|| {
            text.contains("FOREIGN KEY constraint failed").then(|| "foreign key".to_owned())
        })
}
