//! What is wrong with a SQL question, with its place: for whoever asked, in their language.

use std::fmt::{self, Display, Formatter};

/// Why a SQL question has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlFault {
    /// What is wrong.
    pub wrong: SqlWrong,
    /// The part of the question that it is about, as the question has it; empty is its end, or the whole of it.
    pub name: String,
    /// Line and column of the question, both from 1.
    pub at: Option<(u64, u64)>,
    /// What may have been meant, the likeliest first.
    pub near: Vec<String>,
}

/// What can be wrong with a SQL question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SqlWrong {
    /// There is no such column.
    Column,
    /// There is no such column, and its name is in double quotes, as values are written elsewhere.
    Quoted,
    /// More than one table has the column.
    Ambiguous,
    /// There is no such table.
    Table,
    /// There is no such function.
    Function,
    /// There is no such type of values.
    Type,
    /// The column is neither grouped by nor summed up.
    Ungrouped,
    /// A function that sums up rows stands where single rows are chosen.
    Summed,
    /// Nothing says where the columns come from.
    NoFrom,
    /// The word or sign does not fit where it stands.
    Unexpected,
    /// It begins a part of the question that stands elsewhere, or twice.
    OutOfOrder,
    /// These words or signs must stand in its place.
    Wanted(String),
    /// A column, a value or a function is missing before it.
    NoValue,
    /// A name is missing before it.
    NoName,
    /// The quote, bracket or comment that begins there has no end.
    Unclosed,
    /// The bracket that ends there has no beginning.
    Unopened,
    /// It is something else than one `SELECT`.
    NotOneSelect,
    /// It is longer than this many bytes.
    TooLong(u64),
    /// It has too many operators, or nests too deep.
    TooDeep,
    /// It takes more memory than one question may.
    Memory,
    /// The operator does not take values of these kinds together.
    Kinds(SqlKind, SqlKind),
    /// What rows are chosen by is of this kind, not true or false.
    NoCondition(SqlKind),
    /// The value is none of this kind.
    Value(SqlKind),
    /// The value is none of those that can be named there.
    Choice,
    /// The function takes another number of arguments.
    Arguments,
    /// The function takes an argument of the first kind, not of the second.
    Argument(SqlKind, SqlKind),
    /// How many rows are wanted is no whole number from 0.
    Limit,
    /// The regular expression cannot be read.
    Pattern,
    /// A number is divided by zero.
    DivideByZero,
    /// A number is larger than can be counted with.
    Overflow,
    /// A moment is outside the years that the function can count with.
    Era,
}

/// A kind of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SqlKind {
    /// Text.
    Text,
    /// Numbers of any size.
    Number,
    /// Moments and days.
    Time,
    /// Lengths of time.
    Span,
    /// True or false.
    Truth,
    /// Lists, bytes and the like.
    Other,
}

impl Display for SqlKind {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Number => "a number",
            Self::Time => "a moment",
            Self::Span => "a length of time",
            Self::Truth => "true or false",
            Self::Other => "something else",
        })
    }
}

impl Display for SqlFault {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match &self.wrong {
            SqlWrong::Column | SqlWrong::Quoted => write!(f, "there is no column `{name}`"),
            SqlWrong::Ambiguous => write!(f, "more than one table has a column `{name}`"),
            SqlWrong::Table => write!(f, "there is no table `{name}`"),
            SqlWrong::Function => write!(f, "there is no function `{name}`"),
            SqlWrong::Type => write!(f, "there is no type `{name}`"),
            SqlWrong::Ungrouped => write!(f, "column `{name}` is neither grouped by nor summed up"),
            SqlWrong::Summed => write!(f, "WHERE chooses rows before they are summed up"),
            SqlWrong::NoFrom => write!(f, "FROM is missing"),
            SqlWrong::Unexpected => write!(f, "`{name}` does not fit"),
            SqlWrong::OutOfOrder => write!(f, "`{name}` stands elsewhere in a question"),
            SqlWrong::Wanted(wanted) => write!(f, "{wanted} must stand before `{name}`"),
            SqlWrong::NoValue => write!(f, "a value is missing before `{name}`"),
            SqlWrong::NoName => write!(f, "a name is missing before `{name}`"),
            SqlWrong::Unclosed => write!(f, "`{name}` is not closed"),
            SqlWrong::Unopened => write!(f, "`{name}` closes nothing"),
            SqlWrong::NotOneSelect => write!(f, "only one SELECT statement is allowed"),
            SqlWrong::TooLong(bytes) => write!(f, "it is longer than {bytes} bytes"),
            SqlWrong::TooDeep => write!(f, "it nests too deep"),
            SqlWrong::Memory => write!(f, "it takes more memory than one question may"),
            SqlWrong::Kinds(left, right) => {
                write!(f, "`{name}` does not take {left} and {right} together")
            }
            SqlWrong::NoCondition(kind) => write!(f, "`{name}` is {kind}, no condition"),
            SqlWrong::Value(kind) => write!(f, "`{name}` is not {kind}"),
            SqlWrong::Choice => write!(f, "`{name}` cannot be chosen"),
            SqlWrong::Arguments => write!(f, "`{name}` takes another number of arguments"),
            SqlWrong::Argument(wanted, given) => write!(f, "`{name}` takes {wanted}, not {given}"),
            SqlWrong::Limit => write!(f, "LIMIT and OFFSET take a whole number from 0"),
            SqlWrong::Pattern => write!(f, "`{name}` is no regular expression"),
            SqlWrong::DivideByZero => write!(f, "a number is divided by zero"),
            SqlWrong::Overflow => write!(f, "a number is too large"),
            SqlWrong::Era => write!(f, "a moment is too far away"),
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
