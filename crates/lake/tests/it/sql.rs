//! SQL reads, and reads no more than the scope.

use std::collections::BTreeSet;

use event::lake::{Beside, Cells, LakeError, LakeReader as _, SqlWrong, Table, TableCell};
use event::{AccountId, Scope};
use lake::Lake;
use uuid::Uuid;

use crate::home::{Home, agency, at, events, run};

/// Half in a file, half in memory.
pub(crate) async fn filled(home: &Home) -> std::sync::Arc<Lake> {
    let mut settings = home.settings();
    settings.sql_rows_max = 50;
    let lake = home.open_with(settings).await;
    lake.append(events(0..150), at(1)).await.unwrap();
    lake.flush().await.unwrap();
    lake.append(events(150..300), at(2)).await.unwrap();
    lake
}

async fn ask(lake: &Lake, scope: &Scope, sql: &str) -> Table {
    lake.sql(scope, sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"))
}

fn officer() -> Scope {
    let account = AccountId::from_uuid(Uuid::from_u128(1));
    Scope::agencies(account, BTreeSet::from([agency(1)]))
}

fn cell(table: &Table) -> &str {
    assert_eq!(table.rows.len(), 1);
    table.rows[0][0].text().unwrap_or("NULL")
}

#[test]
fn one_select_is_answered_over_memory_and_files() {
    run(async {
        let home = Home::new();
        let lake = filled(&home).await;
        let all = Scope::platform();
        assert_eq!(cell(&ask(&lake, &all, "SELECT count(*) FROM events").await), "300");
        let table = ask(
            &lake,
            &all,
            "SELECT \"user\", count(*) AS n FROM events WHERE src_port >= 1100 \
             GROUP BY \"user\" ORDER BY n DESC, \"user\" LIMIT 2",
        )
        .await;
        assert_eq!(table.columns, ["user", "n"]);
        assert_eq!(table.rows, [["user2", "29"], ["user3", "29"]]);
        let table = ask(&lake, &all, "SELECT id, raw FROM events ORDER BY occurred_at DESC").await;
        assert!(table.truncated && table.rows.len() == 50);
        let newest = events(150..300).pop().unwrap();
        assert_eq!(table.rows[0], [newest.id.to_string(), newest.raw]);
        let timed = "SELECT count(*) FROM events WHERE occurred_at >= \
                     TIMESTAMP '2026-09-21T13:33:30Z' AND occurred_at < TIMESTAMP '2026-09-21T13:33:35Z'";
        assert_eq!(cell(&ask(&lake, &all, timed).await), "5");
        let joined = "WITH few AS (SELECT * FROM events WHERE src_port < 1003) \
                      SELECT count(*) FROM few a JOIN events b ON a.id = b.id";
        assert_eq!(cell(&ask(&lake, &all, joined).await), "3");
        let none = ask(&lake, &all, "SELECT raw FROM events WHERE false").await;
        assert!(none.rows.is_empty() && none.columns == ["raw"]);
        lake.close().await;
    });
}

#[test]
fn a_missing_value_is_told_from_an_empty_text() {
    run(async {
        let home = Home::new();
        let lake = filled(&home).await;
        let all = Scope::platform();
        let table =
            ask(&lake, &all, "SELECT NULL AS a, '' AS b, 'NULL' AS c, CAST(NULL AS BIGINT) AS d")
                .await;
        let cells: Vec<Option<&str>> = table.rows[0].iter().map(TableCell::text).collect();
        assert_eq!(cells, [None, Some(""), Some("NULL"), None]);
        // In files and in memory, and where a join finds nothing.
        let joined =
            "SELECT a.dns_query, b.raw FROM events a LEFT JOIN events b ON b.id = a.raw LIMIT 50";
        for row in ask(&lake, &all, joined).await.rows {
            assert!(row.iter().all(|cell| cell.text().is_none()), "{row:?}");
        }
        lake.close().await;
    });
}

#[test]
fn another_agency_is_not_there() {
    run(async {
        let home = Home::new();
        let lake = filled(&home).await;
        let scope = officer();
        for (sql, expected) in [
            ("SELECT count(*) FROM events", "100"),
            ("SELECT count(DISTINCT agency_id) FROM events", "1"),
            ("SELECT count(*) FROM events WHERE true OR agency_id <> ''", "100"),
            ("SELECT count(*) FROM (SELECT raw FROM events LIMIT 1000)", "100"),
            ("SELECT count(*) FROM events a, (SELECT id FROM events) b WHERE a.id = b.id", "100"),
            ("SELECT max(src_port) FROM events", "1297"),
        ] {
            assert_eq!(cell(&ask(&lake, &scope, sql).await), expected, "{sql}");
        }
        let nobody = Scope::agencies(AccountId::from_uuid(Uuid::nil()), BTreeSet::new());
        assert_eq!(cell(&ask(&lake, &nobody, "SELECT count(*) FROM events").await), "0");
        lake.close().await;
    });
}

#[test]
fn no_error_tells_of_another_agency() {
    run(async {
        let home = Home::new();
        let lake = filled(&home).await;
        // Numbers divisible by three are the officer's; all others would make this fail.
        let sql = "SELECT count(*) FROM events \
                   WHERE 1 / (CASE WHEN src_port % 3 = 1 THEN 1 ELSE 0 END) = 1";
        assert!(lake.sql(&Scope::platform(), sql).await.is_err());
        assert_eq!(cell(&ask(&lake, &officer(), sql).await), "100");
        lake.close().await;
    });
}

#[test]
fn everything_but_one_select_is_refused() {
    run(async {
        let home = Home::new();
        let lake = filled(&home).await;
        std::fs::write(home.folder.path().join("secret.csv"), "a\n1\n").unwrap();
        let path = home.folder.path().join("secret.csv");
        let out = home.folder.path().join("out.csv");
        let (path, out) = (path.display(), out.display());
        let refused = [
            String::new(),
            ";".to_owned(),
            "nonsense".to_owned(),
            "SELECT 1; SELECT 2".to_owned(),
            "DROP TABLE events".to_owned(),
            "DROP VIEW events".to_owned(),
            "DELETE FROM events".to_owned(),
            "INSERT INTO events VALUES (1)".to_owned(),
            "UPDATE events SET raw = ''".to_owned(),
            "CREATE TABLE t AS SELECT * FROM events".to_owned(),
            "CREATE VIEW v AS SELECT * FROM events".to_owned(),
            format!("CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '{path}'"),
            format!("COPY (SELECT 1) TO '{out}'"),
            format!("COPY events TO '{out}' STORED AS CSV"),
            "SELECT * INTO t FROM events".to_owned(),
            format!("SELECT * FROM '{path}'"),
            format!("SELECT * FROM read_csv('{path}')"),
            format!("SELECT * FROM read_parquet('{path}')"),
            "SELECT * FROM information_schema.tables".to_owned(),
            "SHOW TABLES".to_owned(),
            "SHOW ALL".to_owned(),
            "SET datafusion.execution.batch_size = 1".to_owned(),
            "DESCRIBE events".to_owned(),
            "EXPLAIN SELECT 1".to_owned(),
            "EXPLAIN ANALYZE SELECT 1".to_owned(),
            "PREPARE p AS SELECT 1".to_owned(),
            "EXECUTE p".to_owned(),
            "BEGIN".to_owned(),
            "SELECT extra_text FROM events".to_owned(),
            "SELECT no_such_column FROM events".to_owned(),
            "SELECT no_such_function(1)".to_owned(),
            format!("SELECT '{}'", "x".repeat(17_000)),
        ];
        for sql in refused {
            let answer = lake.sql(&Scope::platform(), &sql).await;
            let is_refused = matches!(answer, Err(LakeError::Question(_) | LakeError::Sql(_)));
            assert!(is_refused, "{sql}: {answer:?}");
        }
        assert!(!home.folder.path().join("out.csv").try_exists().unwrap());
        lake.close().await;
    });
}

#[test]
fn what_the_engine_would_pass_over_is_refused_by_name() {
    run(async {
        let home = Home::new();
        let lake = filled(&home).await;
        let scope = Scope::platform();
        for (sql, words) in [
            ("SELECT count(*) FROM events PARTITION (p0)", "PARTITION (…)"),
            ("SELECT count(*) FROM events WITH (NOLOCK)", "WITH (…)"),
            ("SELECT (SELECT count(*) FROM events e WITH (INDEX(1)))", "WITH (…)"),
            (
                "WITH e AS (SELECT * FROM events PARTITION (a)) SELECT count(*) FROM e",
                "PARTITION (…)",
            ),
            ("SELECT 1 UNION ALL SELECT count(*) FROM events PARTITION (a)", "PARTITION (…)"),
            ("SELECT count(*) FROM events TABLESAMPLE (10 ROWS)", "TABLESAMPLE"),
            ("SELECT count(*) FROM events e tablesample bernoulli (50)", "TABLESAMPLE"),
            ("SELECT count(*) FROM events e SAMPLE (50)", "TABLESAMPLE"),
            ("SELECT count(*) FROM (SELECT * FROM events) e TABLESAMPLE (1)", "TABLESAMPLE"),
            ("SELECT count(*) FROM events PREWHERE raw = 'a'", "PREWHERE"),
            ("SELECT raw FROM events START WITH raw = 'a' CONNECT BY raw = 'b'", "CONNECT BY"),
            (
                "SELECT host, count(*) FROM events GROUP BY host WITH ROLLUP",
                "GROUP BY … WITH ROLLUP",
            ),
            ("SELECT raw FROM events SETTINGS max_rows = 1", "SETTINGS"),
            ("SELECT raw FROM events FORMAT JSON", "FORMAT"),
            ("SELECT * FROM (SELECT raw FROM events FOR UPDATE) e", "FOR UPDATE"),
        ] {
            match lake.sql(&scope, sql).await {
                Err(LakeError::Unsupported(told)) => assert_eq!(told, words, "{sql}"),
                other => panic!("{sql}: {other:?}"),
            }
        }
        // As names and as texts they are what they are.
        for sql in [
            "SELECT 'tablesample'",
            "SELECT 'tablesample' FROM (SELECT 1 AS \"partition\") e WHERE \"partition\" = 1",
            "SELECT max('tablesample') OVER (PARTITION BY 1)",
        ] {
            assert_eq!(cell(&ask(&lake, &scope, sql).await), "tablesample");
        }
        lake.close().await;
    });
}

#[test]
fn a_question_without_end_is_stopped() {
    run(async {
        let home = Home::new();
        let mut settings = home.settings();
        settings.query_timeout = std::time::Duration::from_millis(500);
        settings.sql_memory_bytes = 8 << 20;
        let lake = home.open_with(settings).await;
        lake.append(events(0..300), at(1)).await.unwrap();
        let scope = Scope::platform();
        for sql in [
            "SELECT count(*) FROM events a, events b, events c, events d, events e \
             WHERE a.raw || b.raw || c.raw || d.raw <> e.raw",
            "WITH RECURSIVE n AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n",
        ] {
            let answer = lake.sql(&scope, sql).await;
            let stopped = matches!(answer, Err(LakeError::Timeout { .. } | LakeError::Sql(_)));
            assert!(stopped, "{sql}: {answer:?}");
        }
        // Half a second may be short for a busy machine; what was stopped keeps nobody waiting for ever.
        let mut answer = lake.sql(&scope, "SELECT count(*) FROM events").await;
        for _ in 0..100 {
            if !matches!(answer, Err(LakeError::Timeout { .. })) {
                break;
            }
            answer = lake.sql(&scope, "SELECT count(*) FROM events").await;
        }
        assert_eq!(cell(&answer.unwrap()), "300");
        lake.close().await;
    });
}

#[test]
fn a_deep_question_does_not_break_the_lake() {
    run(async {
        let home = Home::new();
        let lake = filled(&home).await;
        let scope = Scope::platform();
        let long = format!("SELECT 1{}", " + 1".repeat(4000));
        let deep = format!("SELECT {}1{}", "(".repeat(8000), ")".repeat(8000));
        let or =
            format!("SELECT count(*) FROM events WHERE raw = 'a'{}", " OR raw = 'b'".repeat(190));
        for sql in [long, deep, or] {
            let answer = lake.sql(&scope, &sql).await;
            let told = matches!(answer, Ok(_) | Err(LakeError::Sql(_) | LakeError::Timeout { .. }));
            assert!(told, "{answer:?}");
        }
        lake.close().await;
    });
}

#[test]
fn tables_beside_the_events_are_joined() {
    run(async {
        let home = Home::new();
        let lake = filled(&home).await;
        let text = |cells: &[&str]| {
            Cells::Text(cells.iter().map(|cell| Some((*cell).to_owned())).collect())
        };
        let agencies = || Beside {
            name: "agencies",
            columns: vec![
                ("id", text(&[&agency(1).to_string()])),
                ("name", text(&["Sở Khoa học và Công nghệ"])),
                ("level", Cells::Number(vec![Some(3)])),
            ],
        };
        let joined = "SELECT agencies.name, max(level) + 1, count(*) FROM events \
                      JOIN agencies ON agencies.id = events.agency_id GROUP BY agencies.name";
        let own = cell(&ask(&lake, &officer(), "SELECT count(*) FROM events").await).to_owned();
        let table = lake.sql_beside(&Scope::platform(), joined, vec![agencies()]).await.unwrap();
        assert_eq!(table.rows, [["Sở Khoa học và Công nghệ", "4", own.as_str()]]);
        let empty = Beside {
            name: "agencies",
            columns: vec![("id", text(&[])), ("name", text(&[])), ("level", Cells::Number(vec![]))],
        };
        let table = lake.sql_beside(&officer(), joined, vec![empty]).await.unwrap();
        assert!(table.rows.is_empty(), "{table:?}");
        // They are read as the events are: nothing is changed, and without them they are not there.
        let change = "DELETE FROM agencies";
        assert!(lake.sql_beside(&officer(), change, vec![agencies()]).await.is_err());
        assert!(lake.sql(&officer(), joined).await.is_err());
    });
}

#[test]
fn whole_numbers_do_not_run_over() {
    run(async {
        let home = Home::new();
        let lake = filled(&home).await;
        let all = Scope::platform();
        let most = i64::MAX;
        let two = format!("(SELECT {most} AS x, 'a' AS k UNION ALL SELECT {most}, 'b')");
        for sql in [
            format!("SELECT src_port + {most} FROM events"),
            format!("SELECT src_port * {most} FROM events"),
            format!("SELECT -2 - {most} - src_port FROM events"),
            format!("SELECT raw FROM events WHERE src_port + {most} < 0"),
            format!("SELECT sum(x) FROM {two}"),
            format!("SELECT sum(x + 1) FROM {two}"),
            format!("SELECT sum(x) OVER (ORDER BY k) FROM {two}"),
        ] {
            match lake.sql(&all, &sql).await {
                Err(LakeError::Sql(fault)) => assert_eq!(fault.wrong, SqlWrong::Overflow, "{sql}"),
                other => panic!("{sql}: {other:?}"),
            }
        }
        // What fits is as it was: types, names and all.
        let table = ask(
            &lake,
            &all,
            "SELECT src_port % 3, sum(src_port), sum(DISTINCT class_uid), sum(src_port) / 7, \
             sum(src_port) FILTER (WHERE src_port > 1200) AS high, count(*) + 1, \
             sum(sum(src_port)) OVER () FROM events GROUP BY src_port % 3 ORDER BY sum(src_port) DESC",
        )
        .await;
        let figures = |rest: u64| {
            let ports = || (1000..1300_u64).filter(move |port| port % 3 == rest);
            let (sum, all) = (ports().sum::<u64>(), (1000..1300_u64).sum::<u64>());
            let high = ports().filter(|port| *port > 1200).sum::<u64>();
            [rest, sum, 3002, sum / 7, high, 101, all].map(|figure| figure.to_string())
        };
        assert_eq!(table.rows, [figures(0), figures(2), figures(1)]);
        assert_eq!(table.columns[1], "sum(events.src_port)");
        assert_eq!(table.columns[5], "count(*) + Int64(1)");
        let wide = format!("SELECT sum(CAST(x AS DOUBLE)), avg(x) FROM {two}");
        let far = "1.8446744073709552e19";
        assert_eq!(ask(&lake, &all, &wide).await.rows, [[far, "9.223372036854776e18"]]);
        lake.close().await;
    });
}

#[test]
fn least_and_most_are_those_of_all_rows() {
    run(async {
        let home = Home::new();
        let lake = home.open().await;
        // What one figure wants of a file, another does without: hosts stand in rows without a port, the first and
        // the last of them in the files that are read in the middle.
        for (file, host) in ["d", "e", "a", "z", "f", "g"].into_iter().enumerate() {
            let mut rows = events(0..50);
            let ids = event::IdSource::seeded(file as u64);
            for event in &mut rows {
                event.id = ids.event(event.collected_at);
            }
            rows[20].attrs = event::Attrs::default();
            rows[20].attrs.set(event::Attr::Host, host);
            if host == "a" {
                rows[20].raw = "x".to_owned();
            }
            lake.append(rows, at(file as u64 + 1)).await.unwrap();
            lake.flush().await.unwrap();
        }
        let scope = Scope::platform();
        for (sql, expected) in [
            ("SELECT max(src_port), min(host) FROM events", ["1049", "a"]),
            ("SELECT max(src_port), min(length(raw)) FROM events", ["1049", "1"]),
            ("SELECT min(src_port), max(upper(host)) FROM events", ["1000", "Z"]),
            ("SELECT max(\"user\"), max(host) FROM events", ["user6", "z"]),
        ] {
            assert_eq!(ask(&lake, &scope, sql).await.rows, [expected], "{sql}");
        }
        lake.close().await;
    });
}
