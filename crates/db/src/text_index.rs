//! Finding the rows whose text holds what was typed, wherever in it, without reading every row: by trigrams,
//! FTS5 in SQLite and `pg_trgm` in PostgreSQL. The migrations make the indexes; the stores ask here.

use event::fold::fold;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{ExprTrait, LikeExpr, Query, SelectStatement};
use sea_orm::{Condition, DbBackend, Order, QueryOrder as _, QuerySelect as _, QueryTrait as _};

/// Rows that may hold a text and are named one by one.
const HOLDERS_MAX: u64 = 5_000;

/// Letters that an entry of the index has: a shorter text cannot be asked for.
const TRIGRAM: usize = 3;

/// Entries of the index that one question names: they leave few enough rows, and the rows are compared anyway.
const ASKED_MAX: usize = 16;

/// A column of folded text that has an index of its parts, made by a migration.
#[derive(Debug, Clone, Copy)]
pub struct TextIndex<C> {
    /// The column of the text, folded by [`event::fold`].
    pub text: C,
    /// The column of the row's id.
    pub id: C,
}

/// Returns what was typed as the column has it. PostgreSQL keeps no text with a NUL in it and refuses to be asked
/// for one.
fn sought(typed: &str) -> String {
    fold(typed.trim()).replace('\0', "")
}

/// Returns the `LIKE` pattern that finds folded text holding what was typed; wildcards in it are disarmed.
pub fn holding(typed: &str) -> LikeExpr {
    let mut pattern = String::from("%");
    for c in sought(typed).chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    LikeExpr::new(pattern).escape('\\')
}

/// The rows that may hold a text.
#[derive(Debug)]
pub enum Holders {
    /// The index cannot be asked: nothing was typed, or less than an entry of it.
    Unknown,
    /// All of them.
    All(Vec<Uuid>),
    /// The newest of very many.
    Newest(Vec<Uuid>),
}

impl<C: ColumnTrait> TextIndex<C> {
    /// Returns the question for the rows that meet a condition and hold what was typed; nothing typed is held by
    /// all.
    ///
    /// # Errors
    ///
    /// When the index cannot be read.
    pub async fn select<E: EntityTrait<Column = C>>(
        self,
        conn: &impl ConnectionTrait,
        typed: &str,
        condition: Condition,
    ) -> Result<Select<E>, DbErr> {
        Ok(match self.holders::<E>(conn, typed).await? {
            Holders::All(ids) => self.among(ids, typed, condition),
            Holders::Unknown | Holders::Newest(_) => self.among_all(typed, condition),
        })
    }

    /// Returns the question for those of these rows that meet a condition and do hold what was typed.
    pub fn among<E: EntityTrait<Column = C>>(
        self,
        ids: Vec<Uuid>,
        typed: &str,
        condition: Condition,
    ) -> Select<E> {
        let condition = condition.add(self.text.like(holding(typed)));
        // Compared with a value, no other index can be chosen for it: the ids lead.
        let rest = ExprTrait::eq(Expr::from(condition), true);
        E::find().filter(self.id.is_in(ids)).filter(rest)
    }

    /// Returns the question for the rows that meet a condition and hold what was typed, each of which is looked at.
    pub fn among_all<E: EntityTrait<Column = C>>(
        self,
        typed: &str,
        condition: Condition,
    ) -> Select<E> {
        if typed.trim().is_empty() {
            return E::find().filter(condition);
        }
        E::find().filter(condition.add(self.text.like(holding(typed))))
    }

    /// Returns the ids of the rows that may hold what was typed.
    ///
    /// # Errors
    ///
    /// When the index cannot be read.
    pub async fn holders<E: EntityTrait<Column = C>>(
        self,
        conn: &impl ConnectionTrait,
        typed: &str,
    ) -> Result<Holders, DbErr> {
        let Some(wanted) = trigrams(&sought(typed)) else { return Ok(Holders::Unknown) };
        let question = match conn.get_database_backend() {
            DbBackend::Sqlite => in_sqlite(E::default().table_name(), &wanted),
            // Ids are made in the order of time.
            _ => E::find()
                .select_only()
                .column(self.id)
                .filter(self.text.like(holding(typed)))
                .order_by_desc(self.id)
                .limit(HOLDERS_MAX + 1)
                .into_query(),
        };
        let rows = conn.query_all(&question).await?;
        let ids = rows.iter().map(|row| row.try_get_by_index(0));
        let ids: Vec<Uuid> = ids.collect::<Result<_, _>>()?;
        Ok(if ids.len() as u64 > HOLDERS_MAX { Holders::Newest(ids) } else { Holders::All(ids) })
    }
}

/// Returns the question that asks the index of a table in SQLite.
fn in_sqlite(table: &str, wanted: &str) -> SelectStatement {
    let (index, keys) = (format!("{table}_text"), format!("{table}_text_key"));
    let of = |table: &str, column: &'static str| Expr::col((table.to_owned(), column));
    Query::select()
        .expr(of(&keys, "id"))
        .from(index.clone())
        .inner_join(keys.clone(), ExprTrait::eq(of(&keys, "n"), of(&index, "rowid")))
        .and_where(Expr::cust_with_values(format!("{index} MATCH ?"), [wanted]))
        .order_by((index, "rowid"), Order::Desc)
        .limit(HOLDERS_MAX + 1)
        .to_owned()
}

/// Returns what FTS5 is asked: every run of three letters of the text, as many as are worth it.
fn trigrams(folded: &str) -> Option<String> {
    let letters: Vec<char> = folded.chars().collect();
    let quoted = |run: &[char]| {
        let run: String = run.iter().collect();
        format!("\"{}\"", run.replace('"', "\"\""))
    };
    let asked: Vec<String> = letters.windows(TRIGRAM).take(ASKED_MAX).map(quoted).collect();
    (!asked.is_empty()).then(|| asked.join(" AND "))
}

#[cfg(test)]
mod tests {
    use super::trigrams;

    #[test]
    fn a_text_is_asked_for_by_its_runs_of_three() {
        assert_eq!(trigrams("a\"bc").unwrap(), "\"a\"\"b\" AND \"\"\"bc\"");
        assert_eq!(trigrams("ab"), None);
        assert_eq!(trigrams(&"x".repeat(99)).unwrap().matches("AND").count(), 15);
    }
}
