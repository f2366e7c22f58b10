//! Indexes of the parts of texts that lists are searched by. The crate asks them by `text_index`.
//!
//! In SQLite an FTS5 table without content, kept by triggers, whose rows are named by a table of keys: the
//! rows of the searched table have no number of their own that a compact copy would keep.

use sea_orm::DbBackend;

use super::{Migration, Step};

pub(super) const MIGRATIONS: &[Migration] = &[Migration { name: "0185_text_index", steps }];

fn steps() -> Vec<Step> {
    vec![
        Step::TextIndex { table: "alert", column: "folded" },
        Step::TextIndex { table: "incident", column: "folded" },
        Step::TextIndex { table: "asset", column: "search" },
    ]
}

/// Returns the SQL that makes the index of a column and fills it from the rows that are there.
pub(super) fn sql(backend: DbBackend, table: &str, column: &str) -> Vec<String> {
    match backend {
        DbBackend::Sqlite => in_sqlite(table, column),
        _ => in_postgres(table, column),
    }
}

fn in_sqlite(table: &str, column: &str) -> Vec<String> {
    let number = |row: &str| format!("(SELECT n FROM {table}_text_key WHERE id = {row}.id)");
    let (old, new) = (number("old"), number("new"));
    vec![
        format!("CREATE TABLE {table}_text_key (n integer PRIMARY KEY, id blob NOT NULL UNIQUE)"),
        format!(
            "CREATE VIRTUAL TABLE {table}_text USING fts5({column}, content='', contentless_delete=1, \
             detail=none, tokenize='trigram')"
        ),
        format!("INSERT INTO {table}_text_key (id) SELECT id FROM {table}"),
        format!(
            "INSERT INTO {table}_text (rowid, {column}) SELECT k.n, t.{column} FROM {table} t \
             JOIN {table}_text_key k ON k.id = t.id"
        ),
        format!(
            "CREATE TRIGGER {table}_text_insert AFTER INSERT ON {table} BEGIN \
             INSERT INTO {table}_text_key (id) VALUES (new.id); \
             INSERT INTO {table}_text (rowid, {column}) VALUES ({new}, new.{column}); END"
        ),
        format!(
            "CREATE TRIGGER {table}_text_update AFTER UPDATE OF {column} ON {table} \
             WHEN old.{column} IS NOT new.{column} BEGIN \
             UPDATE {table}_text SET {column} = new.{column} WHERE rowid = {new}; END"
        ),
        format!(
            "CREATE TRIGGER {table}_text_delete AFTER DELETE ON {table} BEGIN \
             DELETE FROM {table}_text WHERE rowid = {old}; \
             DELETE FROM {table}_text_key WHERE id = old.id; END"
        ),
    ]
}

/// Without the extension (an account that may not make it, a server without it) the same rows are found, only
/// slower: a note in the server's log is all.
fn in_postgres(table: &str, column: &str) -> Vec<String> {
    vec![format!(
        "DO $$ BEGIN \
           BEGIN CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public; \
           EXCEPTION WHEN OTHERS THEN RAISE NOTICE 'pg_trgm: %', SQLERRM; END; \
           BEGIN CREATE INDEX {table}_text ON {table} USING gin ({column} public.gin_trgm_ops); \
           EXCEPTION WHEN undefined_object OR insufficient_privilege OR invalid_schema_name \
             THEN RAISE NOTICE '{table}_text: %', SQLERRM; END; \
         END $$"
    )]
}
