//! Few words to say what a table looks like, once for both databases.

use sea_orm::DbBackend;
use sea_orm::sea_query::{
    ColumnDef, ForeignKey, ForeignKeyAction, Index, IndexCreateStatement, TableCreateStatement,
};

/// What a column holds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Type {
    /// Text of any length.
    Text,
    /// An id.
    Uuid,
    /// A whole number, 16 bits.
    Small,
    /// A whole number, 32 bits.
    Int,
    /// A whole number, 64 bits.
    Big,
    /// A truth value.
    Bool,
    /// A moment, in UTC, to the microsecond.
    Time,
    /// A JSON value.
    Json,
    /// Bytes.
    Bytes,
}

/// A table to be made.
pub(crate) struct Table {
    name: &'static str,
    create: Box<TableCreateStatement>,
    indexes: Vec<IndexCreateStatement>,
}

impl Table {
    /// Begins a table.
    pub(crate) fn named(name: &'static str) -> Self {
        let mut create = sea_orm::sea_query::Table::create();
        create.table(name);
        Self { name, create: Box::new(create), indexes: Vec::new() }
    }

    /// Adds the column that is the primary key.
    pub(crate) fn key(mut self, name: &'static str, of: Type) -> Self {
        self.create.col(column(name, of).not_null().primary_key());
        self
    }

    /// Makes several columns the primary key together.
    pub(crate) fn keys(mut self, columns: &[&'static str]) -> Self {
        let mut index = Index::create();
        for name in columns {
            index.col(*name);
        }
        self.create.primary_key(&mut index);
        self
    }

    /// Adds a column that is always set.
    pub(crate) fn col(mut self, name: &'static str, of: Type) -> Self {
        self.create.col(column(name, of).not_null());
        self
    }

    /// Adds a column that may be null.
    pub(crate) fn opt(mut self, name: &'static str, of: Type) -> Self {
        self.create.col(column(name, of).null());
        self
    }

    /// Says that a column names a row of another table, which then cannot be removed.
    pub(crate) fn refers(self, column: &'static str, table: &'static str) -> Self {
        self.foreign(column, table, ForeignKeyAction::Restrict)
    }

    /// Says that a column names a row of another table and goes when that row goes.
    pub(crate) fn belongs(self, column: &'static str, table: &'static str) -> Self {
        self.foreign(column, table, ForeignKeyAction::Cascade)
    }

    fn foreign(
        mut self,
        column: &'static str,
        table: &'static str,
        on_delete: ForeignKeyAction,
    ) -> Self {
        let mut key = ForeignKey::create();
        key.name(format!("{}_{column}_fkey", self.name))
            .from(self.name, column)
            .to(table, "id")
            .on_delete(on_delete);
        self.create.foreign_key(&mut key);
        self
    }

    /// Lets no two rows agree in these columns.
    pub(crate) fn unique(self, columns: &[&'static str]) -> Self {
        self.indexed(columns, "key", true)
    }

    /// Makes looking up by these columns quick.
    pub(crate) fn index(self, columns: &[&'static str]) -> Self {
        self.indexed(columns, "idx", false)
    }

    fn indexed(mut self, columns: &[&'static str], ending: &str, unique: bool) -> Self {
        let mut index = Index::create();
        index.name(format!("{}_{}_{ending}", self.name, columns.join("_"))).table(self.name);
        for name in columns {
            index.col(*name);
        }
        if unique {
            index.unique();
        }
        self.indexes.push(index);
        self
    }

    /// Returns the SQL that makes the table and its indexes.
    pub(crate) fn sql(&self, backend: DbBackend) -> Vec<String> {
        std::iter::once(backend.build(self.create.as_ref()))
            .chain(self.indexes.iter().map(|index| backend.build(index)))
            .map(|statement| statement.sql)
            .collect()
    }
}

fn column(name: &'static str, of: Type) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    match of {
        Type::Text => column.text(),
        Type::Uuid => column.uuid(),
        Type::Small => column.small_integer(),
        Type::Int => column.integer(),
        Type::Big => column.big_integer(),
        Type::Bool => column.boolean(),
        Type::Time => column.timestamp_with_time_zone(),
        Type::Json => column.json_binary(),
        Type::Bytes => column.blob(),
    };
    column
}
