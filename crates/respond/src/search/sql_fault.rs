//! Why a SQL question has no answer, in the reader's language: what is wrong, where, and what to do.

use event::lake::{SqlFault, SqlKind, SqlWrong};
use web::{Lang, Phrase};

/// Returns what is wrong in a SQL question, where, and what may have been meant.
pub(super) fn told(fault: &SqlFault, lang: Lang) -> String {
    let mut why = why(fault, lang).arg("name", fault.name.as_str()).text(lang);
    if !fault.near.is_empty() {
        let near = fault.near.join(", ");
        why = Phrase::key("search-sql-fault-near").arg("why", why).arg("near", near).text(lang);
    }
    placed(&why, fault.at, lang)
}

/// Returns why a SQL question has no answer as the engine says it, in English.
pub(super) fn in_words_of_engine(told: &str, lang: Lang) -> String {
    let place = told.rsplit_once(" at Line: ").and_then(|(why, place)| {
        let (line, column) = place.split_once(", Column: ")?;
        Some((why, (line.parse().ok()?, column.parse().ok()?)))
    });
    let (why, at) = place.map_or((told, None), |(why, at)| (why, Some(at)));
    let why = Phrase::key("search-sql-error-engine").arg("why", why).text(lang);
    placed(&why, at, lang)
}

fn why(fault: &SqlFault, lang: Lang) -> Phrase {
    let at_end = fault.name.is_empty();
    let kind = |kind: &SqlKind| kind_name(*kind).text(lang);
    match &fault.wrong {
        SqlWrong::Column => Phrase::key("search-sql-fault-column"),
        SqlWrong::Quoted => Phrase::key("search-sql-fault-quoted"),
        SqlWrong::Ambiguous => Phrase::key("search-sql-fault-ambiguous"),
        SqlWrong::Table => Phrase::key("search-sql-fault-table"),
        SqlWrong::Function => Phrase::key("search-sql-fault-function"),
        SqlWrong::Type => Phrase::key("search-sql-fault-type"),
        SqlWrong::Ungrouped => Phrase::key("search-sql-fault-ungrouped"),
        SqlWrong::Summed => Phrase::key("search-sql-fault-summed"),
        SqlWrong::NoFrom => Phrase::key("search-sql-fault-no-from"),
        // With what was meant beside it, nothing is to be guessed.
        SqlWrong::Unexpected if !fault.near.is_empty() => Phrase::key("search-sql-fault-similar"),
        SqlWrong::Unexpected => Phrase::key("search-sql-fault-unexpected"),
        SqlWrong::OutOfOrder => Phrase::key("search-sql-fault-order"),
        SqlWrong::Wanted(wanted) => wanted_there(wanted, at_end),
        SqlWrong::NoValue if at_end => Phrase::key("search-sql-fault-no-value-end"),
        SqlWrong::NoValue => Phrase::key("search-sql-fault-no-value"),
        SqlWrong::NoName if at_end => Phrase::key("search-sql-fault-no-name-end"),
        SqlWrong::NoName => Phrase::key("search-sql-fault-no-name"),
        SqlWrong::Unclosed if fault.name == "'" => Phrase::key("search-sql-fault-unclosed-quote"),
        SqlWrong::Unclosed => Phrase::key("search-sql-fault-unclosed"),
        SqlWrong::Unopened => Phrase::key("search-sql-fault-unopened"),
        SqlWrong::NotOneSelect => Phrase::key("search-sql-fault-one-select"),
        SqlWrong::TooLong(bytes) => Phrase::key("search-sql-fault-too-long").arg("bytes", *bytes),
        SqlWrong::TooDeep => Phrase::key("search-sql-fault-too-deep"),
        SqlWrong::Memory => Phrase::key("search-sql-fault-memory"),
        SqlWrong::Kinds(left, right) => {
            kinds([*left, *right]).arg("left", kind(left)).arg("right", kind(right))
        }
        SqlWrong::NoCondition(own) => {
            Phrase::key("search-sql-fault-no-condition").arg("kind", kind(own))
        }
        SqlWrong::Value(own) => no_value(*own, fault.at.is_some()).arg("kind", kind(own)),
        SqlWrong::Choice => Phrase::key("search-sql-fault-choice"),
        SqlWrong::Arguments => Phrase::key("search-sql-fault-arguments"),
        SqlWrong::Argument(wanted, given) => Phrase::key("search-sql-fault-argument")
            .arg("wanted", kind(wanted))
            .arg("given", kind(given)),
        SqlWrong::Limit => Phrase::key("search-sql-fault-limit"),
        SqlWrong::Pattern => Phrase::key("search-sql-fault-pattern"),
        SqlWrong::DivideByZero => Phrase::key("search-sql-fault-zero"),
        SqlWrong::Overflow => Phrase::key("search-sql-fault-overflow"),
        SqlWrong::Era => Phrase::key("search-sql-fault-era"),
    }
}

fn wanted_there(wanted: &str, at_end: bool) -> Phrase {
    let key = if at_end { "search-sql-fault-wanted-end" } else { "search-sql-fault-wanted" };
    Phrase::key(key).arg("wanted", wanted)
}

/// Two kinds that do not go together: how moments are written is what most need to know.
fn kinds(kinds: [SqlKind; 2]) -> Phrase {
    let has_time = kinds.contains(&SqlKind::Time);
    Phrase::key(if has_time { "search-sql-fault-kinds-time" } else { "search-sql-fault-kinds" })
}

/// A value that is none of its kind; one that stands nowhere in the question is an event's.
fn no_value(kind: SqlKind, in_question: bool) -> Phrase {
    Phrase::key(match kind {
        _ if !in_question => "search-sql-fault-value-event",
        SqlKind::Time => "search-sql-fault-value-time",
        SqlKind::Span => "search-sql-fault-value-span",
        _ => "search-sql-fault-value",
    })
}

fn kind_name(kind: SqlKind) -> Phrase {
    Phrase::key(match kind {
        SqlKind::Text => "search-sql-kind-text",
        SqlKind::Number => "search-sql-kind-number",
        SqlKind::Time => "search-sql-kind-time",
        SqlKind::Span => "search-sql-kind-span",
        SqlKind::Truth => "search-sql-kind-truth",
        SqlKind::Other => "search-sql-kind-other",
    })
}

fn placed(why: &str, at: Option<(u64, u64)>, lang: Lang) -> String {
    match at {
        Some((line, column)) => Phrase::key("search-sql-error-at")
            .arg("line", line)
            .arg("column", column)
            .arg("why", why)
            .text(lang),
        None => Phrase::key("search-sql-error").arg("why", why).text(lang),
    }
}
