//! What a SQL question names that is not there, with its place: for whoever asked, in their language.

use std::fmt::{self, Display, Formatter};

/// Why a SQL question cannot be planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlFault {
    /// What is wrong.
    pub wrong: SqlWrong,
    /// The name that it is about, as the question has it.
    pub name: String,
    /// Line and column of the question, both from 1.
    pub at: Option<(u64, u64)>,
    /// What may have been meant, the likeliest first.
    pub near: Vec<String>,
}

/// What can be wrong with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SqlWrong {
    /// There is no such column.
    Column,
    /// More than one table has the column.
    Ambiguous,
    /// There is no such table.
    Table,
    /// There is no such function.
    Function,
    /// The column is neither grouped by nor summed up.
    Ungrouped,
}

impl Display for SqlFault {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match self.wrong {
            SqlWrong::Column => write!(f, "there is no column `{name}`"),
            SqlWrong::Ambiguous => write!(f, "more than one table has a column `{name}`"),
            SqlWrong::Table => write!(f, "there is no table `{name}`"),
            SqlWrong::Function => write!(f, "there is no function `{name}`"),
            SqlWrong::Ungrouped => write!(f, "column `{name}` is neither grouped by nor summed up"),
        }?;
        if let Some((line, column)) = self.at {
            write!(f, " at line {line}, column {column}")?;
        }
        if !self.near.is_empty() {
            write!(f, "; similar: {}", self.near.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_tells_place_and_names() {
        let fault = |at, near: &[&str]| SqlFault {
            wrong: SqlWrong::Column,
            name: "usr".to_owned(),
            at,
            near: near.iter().map(|name| (*name).to_owned()).collect(),
        };
        let told = fault(Some((2, 8)), &["user", "url"]).to_string();
        assert_eq!(told, "there is no column `usr` at line 2, column 8; similar: user, url");
        assert_eq!(fault(None, &[]).to_string(), "there is no column `usr`");
    }
}
