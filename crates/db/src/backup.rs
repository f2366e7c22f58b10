//! A consistent copy of an SQLite database while it is in use.

use std::path::Path;

use sea_orm::{ConnectionTrait as _, DbBackend, Statement};

use crate::{Db, DbError};

impl Db {
    /// Writes a compact, consistent copy of the SQLite database to a new file (`VACUUM INTO`).
    /// Readers and the writer go on meanwhile.
    ///
    /// # Errors
    /// On PostgreSQL (use `pg_dump`), and when the file is already there.
    pub async fn backup(&self, to: &Path) -> Result<(), DbError> {
        if self.backend() != DbBackend::Sqlite {
            return Err(DbError::BackupNotSupported);
        }
        if to.try_exists().map_err(DbError::BackupPath)? {
            return Err(DbError::BackupExists(to.to_owned()));
        }
        let target = to.display().to_string();
        let statement =
            Statement::from_sql_and_values(DbBackend::Sqlite, "VACUUM INTO ?", [target.into()]);
        self.writer().execute_raw(statement).await?;
        Ok(())
    }
}
