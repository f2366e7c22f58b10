//! Bringing the tables up to date: forward only, one file per slice, the same on both databases.
//!
//! Rules: a migration that has been in a release is never edited, a new one is added to the end of
//! [`all`]; a column that a running older version reads is not removed in the same release that stops
//! using it. Before the first release the files may still be edited in place.

mod access;
mod agency;
mod asset;
mod audit;
mod baseline;
mod cluster;
mod dossier;
mod evidence;
mod evidence_more;
mod identity;
mod indicator;
mod job;
mod keeping;
mod lake;
mod look_back;
mod notify;
mod order;
mod playbook;
mod post;
mod push;
mod queue_view;
mod registry;
mod report;
mod respond;
mod room;
mod roster;
mod system;
mod table;
mod text_index;
mod webhook;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::Query;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, TransactionTrait as _};

use crate::DbError;
use table::Table;

/// One step forward.
pub(crate) struct Migration {
    /// Its name, for ever: `NNNN_slice_what`.
    pub(crate) name: &'static str,
    /// What it does.
    pub(crate) steps: fn() -> Vec<Step>,
}

/// A part of a migration.
pub(crate) enum Step {
    /// Makes a table with its indexes.
    Table(Table),
    /// Indexes the parts of a column's text; the table has a key `id`.
    TextIndex {
        /// The table.
        table: &'static str,
        /// The column, of folded text.
        column: &'static str,
    },
    /// Runs SQL that the schema builder has no words for.
    Sql {
        /// For SQLite.
        sqlite: &'static str,
        /// For PostgreSQL.
        postgres: &'static str,
    },
}

/// All migrations, in order. Append only.
fn all() -> Vec<Migration> {
    [
        audit::MIGRATIONS,
        identity::MIGRATIONS,
        registry::MIGRATIONS,
        respond::MIGRATIONS,
        lake::MIGRATIONS,
        respond::OBLIGATIONS,
        access::MIGRATIONS,
        post::MIGRATIONS,
        job::MIGRATIONS,
        keeping::MIGRATIONS,
        system::MIGRATIONS,
        respond::SAVED,
        agency::MIGRATIONS,
        notify::MIGRATIONS,
        order::MIGRATIONS,
        roster::MIGRATIONS,
        report::MIGRATIONS,
        room::MIGRATIONS,
        look_back::MIGRATIONS,
        respond::SNOOZE,
        dossier::MIGRATIONS,
        asset::MIGRATIONS,
        evidence::MIGRATIONS,
        webhook::MIGRATIONS,
        agency::IMPORT_JOB,
        indicator::MIGRATIONS,
        playbook::MIGRATIONS,
        queue_view::MIGRATIONS,
        push::MIGRATIONS,
        evidence_more::MIGRATIONS,
        text_index::MIGRATIONS,
        respond::INCIDENT_ORDER,
        notify::UNREAD,
        lake::KEEPING,
        baseline::MIGRATIONS,
        cluster::MIGRATIONS,
        registry::UNDATED,
    ]
    .into_iter()
    .flat_map(|slice| slice.iter())
    .map(|migration| Migration { name: migration.name, steps: migration.steps })
    .collect()
}

/// Runs every migration that this database has not seen.
pub(crate) async fn run(conn: &DatabaseConnection, now: DateTime<Utc>) -> Result<(), DbError> {
    conn.execute_unprepared(
        "CREATE TABLE IF NOT EXISTS schema_migration (name text PRIMARY KEY, applied_at text NOT NULL)",
    )
    .await?;
    let migrations = all();
    let mut seen = applied(conn).await?;
    for migration in &migrations {
        if seen.remove(migration.name) {
            continue;
        }
        apply(conn, migration, now)
            .await
            .map_err(|source| DbError::Migration { name: migration.name, source })?;
        tracing::info!(migration.name, "database migrated");
    }
    match seen.pop_first() {
        Some(name) => Err(DbError::TooNew { name }),
        None => Ok(()),
    }
}

async fn applied(conn: &impl ConnectionTrait) -> Result<BTreeSet<String>, DbErr> {
    let query = Query::select().column("name").from("schema_migration").to_owned();
    conn.query_all(&query).await?.iter().map(|row| row.try_get("", "name")).collect()
}

async fn apply(
    conn: &DatabaseConnection,
    migration: &Migration,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let tx = conn.begin().await?;
    for step in (migration.steps)() {
        for sql in step.sql(conn.get_database_backend()) {
            tx.execute_unprepared(&sql).await?;
        }
    }
    let note = Query::insert()
        .into_table("schema_migration")
        .columns(["name", "applied_at"])
        .values_panic([migration.name.into(), now.to_rfc3339().into()])
        .to_owned();
    tx.execute(&note).await?;
    tx.commit().await
}

/// The same statement for both databases.
const fn both(sql: &'static str) -> Step {
    Step::Sql { sqlite: sql, postgres: sql }
}

impl Step {
    fn sql(&self, backend: DbBackend) -> Vec<String> {
        match (self, backend) {
            (Self::Table(table), _) => table.sql(backend),
            (Self::TextIndex { table, column }, _) => text_index::sql(backend, table, column),
            (Self::Sql { sqlite, .. }, DbBackend::Sqlite) => vec![(*sqlite).to_owned()],
            (Self::Sql { postgres, .. }, _) => vec![(*postgres).to_owned()],
        }
    }
}
