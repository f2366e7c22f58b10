//! Events of any year that can be written: devices with a broken clock send them, and so does whoever wants to
//! disturb. None of them may fail a question about the others.

use chrono::{DateTime, TimeDelta, Utc};
use event::lake::{LakeReader as _, Search};
use event::query::{self, Query};
use event::{Event, IdSource, Scope};
use lake::Lake;

use crate::home::{Home, at, event, found_ids, newest_first, run, search};

/// The years of the events, each half a second before its end.
const YEARS: [i32; 7] = [1, 1600, 1677, 1970, 2026, 2262, 9999];

fn moment(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn events() -> Vec<Event> {
    let ids = IdSource::seeded(9);
    let of_year = |(number, year): (usize, &i32)| {
        let mut event = event(&ids, i64::try_from(number).unwrap());
        event.occurred_at = moment(&format!("{year:04}-12-31T23:59:59.500Z"));
        event
    };
    YEARS.iter().enumerate().map(of_year).collect()
}

/// Half in files, half in memory.
async fn filled(home: &Home) -> (std::sync::Arc<Lake>, Vec<Event>) {
    let lake = home.open().await;
    let all = events();
    lake.append(all[..4].to_vec(), at(1)).await.unwrap();
    lake.flush().await.unwrap();
    lake.append(all[4..].to_vec(), at(2)).await.unwrap();
    (lake, all)
}

/// Returns an answer's cells, row by row; one that tells why there is none.
async fn answer(lake: &Lake, sql: &str) -> Vec<Vec<String>> {
    let table = match lake.sql(&Scope::platform(), sql).await {
        Ok(table) => table,
        Err(error) => return vec![vec![format!("{error:?}")]],
    };
    let text = |cell: &event::lake::TableCell| cell.text().unwrap_or("NULL").to_owned();
    table.rows.iter().map(|row| row.iter().map(text).collect()).collect()
}

#[test]
fn moments_are_cut_in_all_years() {
    run(async {
        let home = Home::new();
        let (lake, _) = filled(&home).await;
        let years = |rest: &str| -> Vec<Vec<String>> {
            YEARS.iter().map(|year| vec![format!("{year:04}{rest}")]).collect()
        };
        let mut others = Vec::new();
        for (asked, expected) in [
            ("date_trunc('second', occurred_at)", years("-12-31T23:59:59Z")),
            ("date_trunc('minute', occurred_at)", years("-12-31T23:59:00Z")),
            ("date_trunc('hour', occurred_at)", years("-12-31T23:00:00Z")),
            ("date_trunc('day', occurred_at)", years("-12-31T00:00:00Z")),
            ("date_trunc('month', occurred_at)", years("-12-01T00:00:00Z")),
            ("date_trunc('quarter', occurred_at)", years("-10-01T00:00:00Z")),
            ("date_trunc('year', occurred_at)", years("-01-01T00:00:00Z")),
            ("date_bin(INTERVAL '1 hour', occurred_at)", years("-12-31T23:00:00Z")),
            ("date_bin(INTERVAL '1 month', occurred_at)", years("-12-01T00:00:00Z")),
            ("to_char(occurred_at, '%Y/%m %H:%M')", years("/12 23:59")),
            ("date_format(occurred_at, '%Y')", years("")),
            ("CAST(occurred_at AS TIMESTAMP) AS moment", years("-12-31T23:59:59.500")),
            ("occurred_at::timestamp AS moment", years("-12-31T23:59:59.500")),
            ("occurred_at - INTERVAL '1 day'", years("-12-30T23:59:59.500Z")),
        ] {
            let sql = format!("SELECT {asked} FROM events ORDER BY occurred_at");
            let given = answer(&lake, &sql).await;
            if given != expected {
                others.push(format!("{asked}: {given:?}"));
            }
        }
        assert!(others.is_empty(), "{others:#?}");
        // The engine's own, where it can.
        let local = "SELECT date_trunc('day', occurred_at AT TIME ZONE 'Asia/Ho_Chi_Minh') FROM events \
                     WHERE occurred_at > '2000-01-01' ORDER BY 1";
        let days = ["2027-01-01", "2263-01-01", "+10000-01-01"];
        let days = days.map(|day| vec![format!("{day}T00:00:00+07:00")]);
        assert_eq!(answer(&lake, local).await, days);
        // Weeks begin on Mondays; steps that the calendar does not repeat go on from 1970.
        let weeks = "SELECT date_part('dow', date_trunc('week', occurred_at)), \
                     occurred_at - date_trunc('week', occurred_at) < INTERVAL '7 days', \
                     date_part('epoch', date_bin(INTERVAL '7 minutes', occurred_at)) % 420 = 0 FROM events";
        for row in answer(&lake, weeks).await {
            assert_eq!(row, ["1", "true", "true"]);
        }
        lake.close().await;
    });
}

#[test]
fn moments_are_compared_in_all_years() {
    run(async {
        let home = Home::new();
        let (lake, _) = filled(&home).await;
        let mut others = Vec::new();
        for (condition, count) in [
            ("occurred_at > '2026-01-01T00:00:00Z'", "3"),
            ("occurred_at > TIMESTAMP '2026-01-01T00:00:00Z'", "3"),
            ("TIMESTAMP '2300-01-01' < occurred_at", "1"),
            ("occurred_at > '2300-01-01'", "1"),
            ("occurred_at < '1650-01-01'", "2"),
            ("occurred_at < TIMESTAMP '1650-01-01T00:00:00+07:00'", "2"),
            ("occurred_at BETWEEN '0001-01-01' AND '9999-12-31T23:59:59.5Z'", "7"),
            ("occurred_at NOT BETWEEN '1650-01-01' AND '2300-01-01'", "3"),
            ("occurred_at IN ('1970-12-31T23:59:59.5Z', '9999-12-31T23:59:59.500Z')", "2"),
            ("occurred_at > to_timestamp('2300-01-01')", "1"),
            ("occurred_at > to_timestamp(20000000000)", "1"),
            ("occurred_at > to_timestamp_micros('2300-01-01')", "1"),
            ("occurred_at > now() - INTERVAL '400 years'", "5"),
            ("occurred_at > DATE '2300-01-01'", "1"),
            ("now() - occurred_at > now() - TIMESTAMP '1650-01-01'", "2"),
            ("now() - occurred_at > INTERVAL '2000 years'", "1"),
            (
                "occurred_at - TIMESTAMP '2026-12-30T12:00:00Z' BETWEEN INTERVAL '1 day' AND INTERVAL '2 days'",
                "1",
            ),
            (
                "occurred_at - TIMESTAMP '2026-12-30T12:00:00Z' = INTERVAL '35 hours 59 minutes 59.5 seconds'",
                "1",
            ),
            ("INTERVAL '400 years' < occurred_at - TIMESTAMP '1600-12-31'", "3"),
            ("date_trunc('year', occurred_at) = TIMESTAMP '9999-01-01'", "1"),
            ("date_trunc('year', occurred_at) = '1600-01-01'", "1"),
            ("occurred_at >= TIMESTAMP '2026-12-31T23:59:59.500000000Z'", "3"),
        ] {
            let sql = format!("SELECT count(*) FROM events WHERE {condition}");
            let given = answer(&lake, &sql).await;
            if given != [[count]] {
                others.push(format!("{condition}: {given:?}"));
            }
        }
        assert!(others.is_empty(), "{others:#?}");
        let ends = "SELECT min(occurred_at), max(occurred_at), count(DISTINCT date_trunc('year', occurred_at)), \
                    max(coalesce(occurred_at, now())), max(CASE WHEN true THEN occurred_at ELSE now() END) FROM events";
        let (oldest, newest) = ("0001-12-31T23:59:59.500Z", "9999-12-31T23:59:59.500Z");
        assert_eq!(answer(&lake, ends).await, [[oldest, newest, "7", newest, newest]]);
        let both = "SELECT count(*) FROM (SELECT occurred_at FROM events UNION ALL SELECT now())";
        assert_eq!(answer(&lake, both).await, [["8"]]);
        let joined = "SELECT count(*) FROM events a JOIN events b \
                      ON date_trunc('hour', a.occurred_at) = date_trunc('hour', b.occurred_at)";
        assert_eq!(answer(&lake, joined).await, [["7"]]);
        // Names of columns stay what they were.
        let named =
            "SELECT now() > occurred_at, date_trunc('day', occurred_at) FROM events LIMIT 1";
        let named = lake.sql(&Scope::platform(), named).await.unwrap().columns;
        let day = "date_trunc(Utf8(\"day\"),events.occurred_at)";
        assert_eq!(named, ["now() > events.occurred_at", day]);
        lake.close().await;
    });
}

#[test]
fn searches_and_charts_take_all_years() {
    run(async {
        let home = Home::new();
        let (lake, all) = filled(&home).await;
        let scope = Scope::platform();
        for _ in 0..2 {
            assert_eq!(found_ids(&lake, &scope, search("", 3)).await, newest_first(&all));
            let whole = Search {
                query: Query::All,
                from: moment("0001-01-01T00:00:00Z"),
                to: moment("9999-12-31T23:59:59.500001Z"),
                limit: 10,
                after: None,
            };
            let bars = lake.histogram(&scope, &whole, 100).await.unwrap();
            assert_eq!(bars.len(), 100);
            assert_eq!(bars.iter().map(|bar| bar.count).sum::<u64>(), 7);
            assert_eq!((bars[0].count, bars[99].count), (1, 1));
            let [before, after] = [-1, 1].map(TimeDelta::microseconds);
            for event in &all {
                let own = Search {
                    query: query::parse("sshd").unwrap(),
                    from: event.occurred_at,
                    to: event.occurred_at + after,
                    ..whole.clone()
                };
                let found = lake.search(&scope, &own).await.unwrap().events;
                assert_eq!(found, std::slice::from_ref(event));
                let (from, to) = (event.occurred_at + before, event.occurred_at);
                let none = lake.search(&scope, &Search { from, to, ..own }).await.unwrap();
                assert_eq!(none.events, []);
            }
            // Once more, all of it in files.
            lake.flush().await.unwrap();
        }
        let stats = lake.stats().await.unwrap();
        assert_eq!(stats.oldest, Some(all[0].occurred_at));
        assert_eq!(stats.newest, Some(all[6].occurred_at));
        lake.close().await;
    });
}

#[test]
fn files_of_other_times_are_not_read() {
    run(async {
        let home = Home::new();
        let lake = home.open().await;
        lake.append(events(), at(1)).await.unwrap();
        lake.flush().await.unwrap();
        // What is gone cannot be read: an answer shows that it was not needed.
        let gone: Vec<_> = lake
            .files()
            .iter()
            .filter(|file| file.max_occurred_at < moment("2020-01-01T00:00:00Z"))
            .map(|file| home.folder.path().join(&file.path))
            .collect();
        assert_eq!(gone.len(), 4);
        for path in gone {
            std::fs::remove_file(path).unwrap();
        }
        for condition in [
            "occurred_at >= '2020-01-01'",
            "occurred_at >= TIMESTAMP '2020-01-01T00:00:00+07:00'",
            "TIMESTAMP '2020-01-01' < occurred_at",
            "occurred_at BETWEEN '2020-01-01' AND '9999-12-31T23:59:59.9Z'",
            "occurred_at > to_timestamp('2020-01-01')",
            "occurred_at > DATE '2020-01-01'",
            "occurred_at > now() - INTERVAL '1 month' + INTERVAL '1 day'",
        ] {
            let sql = format!("SELECT count(*) > 0 FROM events WHERE {condition}");
            assert_eq!(answer(&lake, &sql).await, [["true"]], "{condition}");
        }
        lake.close().await;
    });
}
