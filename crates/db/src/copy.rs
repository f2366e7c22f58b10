//! Bringing an embedded installation over: every row of a SQLite database into an empty PostgreSQL, in one
//! transaction. It knows tables only by what the target says of them.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Alias, Query, SimpleExpr};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement, Value};
use uuid::Uuid;

use crate::{Db, DbError};

/// Rows that are copied by one statement: PostgreSQL takes some ten thousand values.
const ROWS_AT_ONCE: i64 = 500;

/// Tables that are not copied: what was migrated stands in both.
const OWN_TABLES: [&str; 1] = ["schema_migration"];

/// What was copied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Copied {
    /// Tables.
    pub tables: u64,
    /// Rows of all of them.
    pub rows: u64,
}

/// Copies every row of an SQLite database into a PostgreSQL that holds nothing yet but its tables, or nothing at all.
/// Foreign keys are checked at the end, as a whole. The source is only read; nobody may write to it meanwhile.
///
/// # Errors
///
/// When the databases are not of these kinds, the target holds entries of an audit log, or one of both does not
/// answer; the target is as it was then.
pub async fn copy(from: &Db, to: &Db) -> Result<Copied, DbError> {
    if from.backend() != DbBackend::Sqlite || to.backend() != DbBackend::Postgres {
        return Err(DbError::CopyKinds);
    }
    if crate::audit::last_seq(to.conn()).await? > 0 {
        return Err(DbError::CopyTarget);
    }
    let books = to.begin_bookkeeping().await?;
    let conn = books.conn();
    // Checking all foreign keys of a large installation takes longer than a page may.
    conn.execute_unprepared("SET LOCAL statement_timeout = 0").await?;
    let keys = foreign_keys(conn).await?;
    for key in &keys {
        let sql = format!("ALTER TABLE {} DROP CONSTRAINT \"{}\"", key.table, key.name);
        conn.execute_unprepared(&sql).await?;
    }
    let tables = tables(conn).await?;
    let mut copied = Copied::default();
    for table in &tables {
        clear(conn, table).await?;
        let rows = copy_table(from, conn, table).await?;
        copied.rows = copied.rows.saturating_add(rows);
        copied.tables = copied.tables.saturating_add(1);
    }
    for key in &keys {
        let sql =
            format!("ALTER TABLE {} ADD CONSTRAINT \"{}\" {}", key.table, key.name, key.definition);
        conn.execute_unprepared(&sql).await?;
    }
    books.commit().await?;
    Ok(copied)
}

/// Removes what migrations put into a table: the source has it as it is there. Tables that only grow are empty, and
/// refuse even this.
async fn clear(conn: &impl ConnectionTrait, table: &CopiedTable) -> Result<(), DbError> {
    let sql = format!("SELECT 1 AS one FROM \"{}\" LIMIT 1", table.name);
    let first = conn.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
    if first.is_some() {
        conn.execute_unprepared(&format!("TRUNCATE TABLE \"{}\"", table.name)).await?;
    }
    Ok(())
}

struct ForeignKey {
    table: String,
    name: String,
    definition: String,
}

async fn foreign_keys(conn: &impl ConnectionTrait) -> Result<Vec<ForeignKey>, DbError> {
    let sql = "SELECT conrelid::regclass::text AS own_table, conname::text AS own_name, \
               pg_get_constraintdef(oid) AS definition FROM pg_constraint \
               WHERE contype = 'f' AND connamespace = current_schema()::regnamespace";
    let rows = conn.query_all_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
    let key = |row: &QueryResult| {
        Ok(ForeignKey {
            table: row.try_get("", "own_table")?,
            name: row.try_get("", "own_name")?,
            definition: row.try_get("", "definition")?,
        })
    };
    rows.iter().map(key).collect::<Result<_, DbErr>>().map_err(DbError::from)
}

struct CopiedTable {
    name: String,
    columns: Vec<Column>,
}

struct Column {
    name: String,
    kind: String,
}

/// Returns the target's tables with their columns.
async fn tables(conn: &impl ConnectionTrait) -> Result<Vec<CopiedTable>, DbError> {
    let sql = "SELECT c.table_name::text AS own_table, c.column_name::text AS own_name, \
               c.data_type::text AS kind FROM information_schema.columns c \
               JOIN information_schema.tables t USING (table_schema, table_name) \
               WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE' \
               AND c.is_generated = 'NEVER' ORDER BY c.table_name, c.ordinal_position";
    let rows = conn.query_all_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
    let mut tables: Vec<CopiedTable> = Vec::new();
    for row in rows {
        let name: String = row.try_get("", "own_table")?;
        if OWN_TABLES.contains(&name.as_str()) {
            continue;
        }
        let column = Column { name: row.try_get("", "own_name")?, kind: row.try_get("", "kind")? };
        match tables.last_mut().filter(|last| last.name == name) {
            Some(last) => last.columns.push(column),
            None => tables.push(CopiedTable { name, columns: vec![column] }),
        }
    }
    Ok(tables)
}

/// Copies one table; returns how many rows.
async fn copy_table(
    from: &Db,
    to: &impl ConnectionTrait,
    table: &CopiedTable,
) -> Result<u64, DbError> {
    let names: Vec<String> =
        table.columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
    let (mut after, mut count) = (i64::MIN, 0_u64);
    loop {
        let sql = format!(
            "SELECT rowid AS copied_rowid, {} FROM \"{}\" WHERE rowid > ? ORDER BY rowid LIMIT {ROWS_AT_ONCE}",
            names.join(", "),
            table.name
        );
        let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, [after.into()]);
        let rows = from.conn().query_all_raw(statement).await?;
        let Some(last) = rows.last() else { return Ok(count) };
        after = last.try_get("", "copied_rowid")?;
        count = count.saturating_add(rows.len() as u64);
        let mut insert = Query::insert();
        insert.into_table(Alias::new(&table.name));
        insert.columns(table.columns.iter().map(|column| Alias::new(&column.name)));
        for row in &rows {
            let values = table.columns.iter().map(|column| value(row, column));
            let values: Vec<SimpleExpr> =
                values.map(|value| value.map(SimpleExpr::from)).collect::<Result<_, DbErr>>()?;
            insert.values(values).map_err(|error| DbErr::Custom(error.to_string()))?;
        }
        to.execute(&insert).await?;
    }
}

/// Reads a value as the target's column wants it.
fn value(row: &QueryResult, column: &Column) -> Result<Value, DbErr> {
    let name = column.name.as_str();
    Ok(match column.kind.as_str() {
        "uuid" => row.try_get::<Option<Uuid>>("", name)?.into(),
        "timestamp with time zone" => row.try_get::<Option<DateTime<Utc>>>("", name)?.into(),
        "boolean" => row.try_get::<Option<bool>>("", name)?.into(),
        "smallint" => row.try_get::<Option<i16>>("", name)?.into(),
        "integer" => row.try_get::<Option<i32>>("", name)?.into(),
        "bigint" => row.try_get::<Option<i64>>("", name)?.into(),
        "json" | "jsonb" => row.try_get::<Option<serde_json::Value>>("", name)?.into(),
        "bytea" => row.try_get::<Option<Vec<u8>>>("", name)?.into(),
        "text" | "character varying" => row.try_get::<Option<String>>("", name)?.into(),
        other => {
            return Err(DbErr::Custom(format!(
                "column {name} is of a kind that is not copied: {other}"
            )));
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{databases, sqlite};
    use crate::{Actor, AuditEntry, Subject, audit};

    #[tokio::test]
    async fn every_row_comes_over_and_the_chain_holds() {
        let from = sqlite().await;
        for number in 0..1203 {
            let detail =
                json!({ "name": "Sở Tài chính", "n": number, "b": [1.5, null], "a": true });
            let entry =
                AuditEntry::new(Actor::Platform("test"), "a.one", Subject::all("thing"), detail);
            from.db.begin().await.unwrap().commit(entry).await.unwrap();
        }
        let told = audit::verify(&from.db).await.unwrap();
        for test in databases().await.into_iter().skip(1) {
            let copied = copy(&from.db, &test.db).await.unwrap();
            assert!(copied.rows >= 1203 && copied.tables > 50, "{copied:?}");
            assert_eq!(audit::verify(&test.db).await.unwrap(), told);
            // Once only, and only into an empty one.
            assert!(matches!(copy(&from.db, &test.db).await, Err(DbError::CopyTarget)));
        }
        let other = sqlite().await;
        assert!(matches!(copy(&from.db, &other.db).await, Err(DbError::CopyKinds)));
    }
}
