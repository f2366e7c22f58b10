//! What is wrong with a SQL question is told by name, with its place.

use event::Scope;
use event::lake::{LakeError, LakeReader as _, SqlFault, SqlKind, SqlWrong};
use lake::Lake;

use crate::home::{Home, run};
use crate::sql::filled;

/// Returns what is wrong with a question, and in which place of the text its last `here` begins.
async fn fault(lake: &Lake, sql: &str, here: &str) -> (SqlFault, Option<(u64, u64)>) {
    let (before, _) = sql.split_at(sql.rfind(here).unwrap());
    let line = before.lines().count().max(1);
    let column = before.lines().last().unwrap_or_default().chars().count() + 1;
    match lake.sql(&Scope::platform(), sql).await {
        Err(LakeError::Sql(fault)) => (fault, Some((line as u64, column as u64))),
        other => panic!("{sql}: {other:?}"),
    }
}

#[test]
fn a_name_that_is_not_there_is_told_with_its_place_and_what_was_meant() {
    run(async {
        let home = Home::new();
        let lake = filled(&home).await;
        for (sql, wrong, name, near) in [
            ("SELECT no_such_column FROM events", SqlWrong::Column, "no_such_column", ""),
            ("SELECT src_ipp FROM events", SqlWrong::Column, "src_ipp", "src_ip"),
            ("SELECT raw,\n  clientip FROM events", SqlWrong::Column, "clientip", "src_ip"),
            // A word of SQL needs quotes.
            ("SELECT 'ờ', username FROM events", SqlWrong::Column, "username", "\"user\""),
            ("SELECT e.hots FROM events e", SqlWrong::Column, "e.hots", "host"),
            // Not where the name stands first, but where it means nothing.
            ("SELECT raw AS x FROM events WHERE x = 'a'", SqlWrong::Column, "x", ""),
            ("SELECT raw FROM evens", SqlWrong::Table, "evens", "events"),
            ("SELECT * FROM nosuch", SqlWrong::Table, "nosuch", ""),
            ("SELECT has_tokn(raw, 'a') FROM events", SqlWrong::Function, "has_tokn", "has_token"),
            ("SELECT no_such_function(1)", SqlWrong::Function, "no_such_function", ""),
        ] {
            let (fault, at) = fault(&lake, sql, name).await;
            assert_eq!((fault.wrong, fault.name.as_str()), (wrong, name), "{sql}");
            assert_eq!((fault.near.join(" ").as_str(), fault.at), (near, at), "{sql}");
        }
        for (sql, wrong, here) in [
            ("SELECT count(*), host FROM events", SqlWrong::Ungrouped, "host"),
            ("SELECT raw FROM events a JOIN events b ON a.id = b.id", SqlWrong::Ambiguous, "raw"),
        ] {
            let (fault, at) = fault(&lake, sql, here).await;
            assert_eq!((&fault.wrong, fault.at), (&wrong, at), "{sql}: {fault}");
            assert!(fault.name.ends_with(here), "{fault}");
        }
        lake.close().await;
    });
}

/// Asks each question, in which `⟨` stands before what is wrong, and compares what is told.
async fn told(lake: &Lake, asked: &[(&str, SqlWrong, &str, &str)]) {
    let mut others = Vec::new();
    for (marked, wrong, name, near) in asked {
        let sql = marked.replace('⟨', "");
        let at = marked.split_once('⟨').map(|(before, _)| {
            let lines = before.split('\n').count() as u64;
            (lines, before.rsplit('\n').next().unwrap().chars().count() as u64 + 1)
        });
        let expected = (wrong.clone(), (*name).to_owned(), (*near).to_owned(), at);
        match lake.sql(&Scope::platform(), &sql).await {
            Err(LakeError::Sql(fault)) => {
                let told = (fault.wrong, fault.name, fault.near.join(" "), fault.at);
                if told != expected {
                    others.push(format!("{sql}: {told:?} instead of {expected:?}"));
                }
            }
            other => others.push(format!("{sql}: {other:?}")),
        }
    }
    assert!(others.is_empty(), "{others:#?}");
}

#[test]
fn what_is_wrong_in_the_grammar_is_told_with_its_place() {
    let wanted = |what: &str| SqlWrong::Wanted(what.to_owned());
    let asked = [
        ("⟨SELEC 1", SqlWrong::Unexpected, "SELEC", "SELECT"),
        ("⟨", wanted("SELECT"), "", ""),
        ("⟨nonsense", wanted("SELECT"), "nonsense", ""),
        ("SELECT raw ⟨FORM events", SqlWrong::Unexpected, "FORM", "FROM"),
        ("SELECT raw FROM events ⟨WHER host = 'a'", SqlWrong::Unexpected, "WHER", "WHERE"),
        ("SELECT raw events⟨", SqlWrong::NoFrom, "", ""),
        ("SELECT raw WHERE host = 'a'⟨ ", SqlWrong::NoFrom, "", ""),
        ("SELECT raw FROM events\nWHERE⟨", SqlWrong::NoValue, "", ""),
        ("SELECT raw FROM⟨", SqlWrong::NoName, "", ""),
        ("SELECT raw FROM events WHERE host IN (⟨)", SqlWrong::NoValue, ")", ""),
        ("SELECT raw FROM events WHERE host IN ⟨'a'", wanted("("), "'a'", ""),
        ("SELECT raw FROM events WHERE src_port BETWEEN 1⟨", wanted("AND"), "", ""),
        ("SELECT raw FROM events ORDER ⟨raw", wanted("BY"), "raw", ""),
        ("SELECT raw FROM events GROUP⟨", wanted("BY"), "", ""),
        ("SELECT raw host ⟨time FROM events", SqlWrong::Unexpected, "time", ""),
        ("SELECT raw FROM events LIMIT 1 ⟨WHERE host = 'a'", SqlWrong::OutOfOrder, "WHERE", ""),
        // Where it was opened, on whatever line.
        ("SELECT 'ờ',\n count⟨( FROM events", SqlWrong::Unclosed, "(", ""),
        ("SELECT raw FROM events WHERE ⟨(host = 'a'", SqlWrong::Unclosed, "(", ""),
        ("SELECT raw FROM events WHERE host = 'a'⟨)", SqlWrong::Unopened, ")", ""),
        ("SELECT raw FROM events\nWHERE host = ⟨'a", SqlWrong::Unclosed, "'", ""),
        ("SELECT raw FROM events WHERE host = ⟨\"a", SqlWrong::Unclosed, "\"", ""),
        ("SELECT raw\n⟨/* FROM events", SqlWrong::Unclosed, "/*", ""),
        ("SELECT raw FROM events WHERE host = ⟨’a’", SqlWrong::Unexpected, "’", "'"),
        ("SELECT raw FROM events WHERE host ⟨! 'a'", SqlWrong::Unexpected, "!", "<>"),
        ("SELECT raw FROM events WHERE host = ⟨\"web-01\"", SqlWrong::Quoted, "web-01", ""),
    ];
    run(async {
        let home = Home::new();
        let lake = filled(&home).await;
        told(&lake, &asked).await;
        // What is not known by name is told in the engine's words.
        match lake.sql(&Scope::platform(), "SELECT 1, 2 UNION SELECT 3").await {
            Err(LakeError::Question(told)) => {
                assert_eq!(told, "UNION queries have different number of columns");
            }
            other => panic!("{other:?}"),
        }
        lake.close().await;
    });
}

#[test]
fn values_that_do_not_fit_are_told_with_their_kinds() {
    use SqlKind::{Number, Span, Text, Time, Truth};
    let kinds = SqlWrong::Kinds;
    let asked = [
        ("SELECT raw FROM events WHERE occurred_at ⟨> 5", kinds(Time, Number), ">", ""),
        (
            "SELECT raw FROM events WHERE host <> 'a' AND occurred_at ⟨<> true",
            kinds(Time, Truth),
            "!=",
            "",
        ),
        ("SELECT raw FROM events WHERE src_port ⟨LIKE '1%'", kinds(Number, Text), "LIKE", ""),
        ("SELECT raw FROM events WHERE raw ⟨AND host", kinds(Text, Text), "AND", ""),
        ("SELECT src_port + 1, occurred_at ⟨+ 1 FROM events", kinds(Time, Number), "+", ""),
        ("SELECT now() ⟨- 5 FROM events", kinds(Time, Number), "-", ""),
        ("SELECT occurred_at ⟨BETWEEN 1 AND 2 FROM events", kinds(Time, Number), "BETWEEN", ""),
        ("SELECT raw FROM events WHERE ⟨raw", SqlWrong::NoCondition(Text), "raw", ""),
        (
            "SELECT raw FROM events WHERE NOT ⟨src_port",
            SqlWrong::NoCondition(Number),
            "src_port",
            "",
        ),
        ("SELECT raw FROM events WHERE src_port = ⟨'ssh'", SqlWrong::Value(Number), "ssh", ""),
        ("SELECT raw FROM events WHERE src_port IN (1, ⟨'b')", SqlWrong::Value(Number), "b", ""),
        ("SELECT occurred_at > ⟨'hôm qua' FROM events", SqlWrong::Value(Time), "hôm qua", ""),
        ("SELECT now() - INTERVAL ⟨'1 dag'", SqlWrong::Value(Span), "1 dag", ""),
        ("SELECT CAST(raw AS ⟨TXT) FROM events", SqlWrong::Type, "TXT", "TEXT"),
        ("SELECT ⟨lower() FROM events", SqlWrong::Arguments, "lower", ""),
        ("SELECT raw, ⟨lower(raw, raw) FROM events", SqlWrong::Arguments, "lower", ""),
        ("SELECT ⟨date_trunc('hour') FROM events", SqlWrong::Arguments, "date_trunc", ""),
        ("SELECT ⟨lower(src_port) FROM events", SqlWrong::Argument(Text, Number), "lower", ""),
        ("SELECT ⟨sum(raw) FROM events", SqlWrong::Argument(Number, Text), "sum", ""),
        ("SELECT date_trunc(⟨'hours', occurred_at) FROM events", SqlWrong::Choice, "hours", "hour"),
        ("SELECT raw FROM events ⟨WHERE count(*) > 1", SqlWrong::Summed, "WHERE", ""),
        ("SELECT raw FROM events ⟨LIMIT -1", SqlWrong::Limit, "LIMIT", ""),
        ("SELECT raw FROM events WHERE raw ~ ⟨'('", SqlWrong::Pattern, "(", ""),
        ("SELECT 1 / 0", SqlWrong::DivideByZero, "", ""),
        // While conditions are evaluated over files.
        ("SELECT raw FROM events WHERE 1 / (src_port - 1000) = 1", SqlWrong::DivideByZero, "", ""),
        (
            "SELECT raw FROM events WHERE CASE WHEN src_port = 1001 THEN CAST(\"user\" AS BIGINT) END = 1",
            SqlWrong::Value(Number),
            "user1",
            "",
        ),
        // A value of an event, not of the question.
        (
            "SELECT CAST(\"user\" AS BIGINT) FROM events WHERE src_port = 1001",
            SqlWrong::Value(Number),
            "user1",
            "",
        ),
    ];
    run(async {
        let home = Home::new();
        let lake = filled(&home).await;
        told(&lake, &asked).await;
        lake.close().await;
    });
}

#[test]
fn questions_that_are_too_much_are_told_as_such() {
    run(async {
        let home = Home::new();
        let lake = filled(&home).await;
        let deep = format!("SELECT 1{}", " + 1".repeat(500));
        let long = format!("SELECT '{}'", "x".repeat(17_000));
        for (sql, wrong) in [
            (deep, SqlWrong::TooDeep),
            (long, SqlWrong::TooLong(16 * 1024)),
            ("SELECT 1; SELECT 2".to_owned(), SqlWrong::NotOneSelect),
            ("DROP TABLE events".to_owned(), SqlWrong::NotOneSelect),
        ] {
            match lake.sql(&Scope::platform(), &sql).await {
                Err(LakeError::Sql(fault)) => assert_eq!(fault.wrong, wrong),
                other => panic!("{other:?}"),
            }
        }
        lake.close().await;
    });
}
