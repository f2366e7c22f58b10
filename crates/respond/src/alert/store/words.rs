//! Looking for words in alerts: the index of parts of texts finds what reading every row would.

use db::testing::{TestDatabase, databases};
use event::Scope;
use event::fold::fold;
use sea_orm::{ConnectionTrait as _, DbBackend, EntityTrait as _, QueryTrait as _, Statement};
use web::paging::Page;

use super::list::matching;
use super::{AlertFilter, AlertOrder, StateFilter, alert, count_up_to, list};
use crate::testing::{Maker, desk};

const TITLES: &[&str] = &[
    "Phát hiện dò mật khẩu",
    "Wéb \"shell\" 100%",
    "Tải xuống_lạ",
    "ab",
    "\u{1f980}\u{1f980}\u{1f980} ra",
];

async fn raise(test: &TestDatabase, count: u32) {
    let (desk, maker) = (desk(test, Vec::new()), Maker::new());
    let findings = (0..count).map(|n| {
        let mut finding = maker.finding(-i64::from(n % 60));
        finding.title = TITLES[n as usize % TITLES.len()].to_owned();
        finding.title_vi = None;
        finding.entity.value = format!("20.{}.2.{n}", n / 7);
        finding
    });
    let names = desk.directory.as_ref();
    let made = crate::alert::receive(&desk.db, names, &desk.hub, findings.collect(), &[]).await;
    assert_eq!(made.unwrap().fresh.len(), count as usize);
}

/// Compares what the list finds with what a look into every row finds; returns for how many needles
/// there was something.
async fn compare(test: &TestDatabase) -> usize {
    let all = AlertFilter { state: StateFilter::All, ..AlertFilter::default() };
    let rows = alert::Entity::find().all(test.db.conn()).await.unwrap();
    let mut needles: Vec<String> = [
        "0%",
        "_la",
        "\"",
        "\"sh",
        "' OR",
        "20.1.2",
        "mật khẩu",
        "MAT KHAU",
        "a\0b",
        "zzz",
        "\u{1f980}\u{1f980}\u{1f980}",
    ]
    .map(str::to_owned)
    .into();
    for row in rows.iter().step_by(7) {
        let letters: Vec<char> = row.folded.chars().collect();
        needles.extend(letters.windows(6).step_by(5).map(|part| part.iter().collect::<String>()));
    }
    let mut some = 0;
    for needle in needles {
        let sought = fold(needle.trim()).replace('\0', "");
        let want = rows.iter().filter(|row| row.folded.contains(&sought)).count() as u64;
        let filter = AlertFilter { text: needle.clone(), ..all.clone() };
        let got = count_up_to(test.db.conn(), &Scope::platform(), &filter, 1_000).await.unwrap();
        assert_eq!(got, want, "{}: {needle:?}", test.name);
        some += usize::from(want > 0);
    }
    some
}

#[tokio::test]
async fn parts_of_words_are_found_wherever_they_stand() {
    for test in databases().await {
        raise(&test, 60).await;
        assert!(compare(&test).await > 20);
        let books = test.db.begin_bookkeeping().await.unwrap();
        for sql in [
            "UPDATE alert SET folded = 'truoc day la chu khac' WHERE entity_value LIKE '20.1.%'",
            "DELETE FROM alert WHERE entity_value LIKE '20.2.%'",
        ] {
            books.conn().execute_unprepared(sql).await.unwrap();
        }
        books.commit().await.unwrap();
        assert!(compare(&test).await > 20, "the index follows changes");
    }
}

#[tokio::test]
async fn few_rows_are_read_for_a_word_that_few_have() {
    for test in databases().await.into_iter().filter(|test| test.db.backend() == DbBackend::Sqlite)
    {
        raise(&test, 60).await;
        let filter = AlertFilter { text: "20.1.2.9".to_owned(), ..AlertFilter::default() };
        let question = matching(test.db.conn(), &Scope::platform(), &filter).await.unwrap();
        let sql = format!("EXPLAIN QUERY PLAN {}", question.rows.build(DbBackend::Sqlite));
        let rows = test.db.conn().query_all_raw(Statement::from_string(DbBackend::Sqlite, sql));
        let plan: Vec<String> = rows
            .await
            .unwrap()
            .iter()
            .map(|row| row.try_get::<String>("", "detail").unwrap())
            .collect();
        assert!(plan.iter().any(|line| line.contains("(id=?)")), "{plan:?}");
    }
}

#[tokio::test]
async fn of_very_many_alerts_with_the_words_the_newest_are_looked_at_and_it_is_said() {
    let test = db::testing::sqlite().await;
    raise(&test, 10_100).await;
    let found = async |text: &str, state| {
        let filter = AlertFilter { state, text: text.to_owned(), ..AlertFilter::default() };
        let page = Page { page: None, rows: Some(50) };
        let order = AlertOrder::Newest;
        let listed = list(test.db.conn(), &Scope::platform(), &filter, order, page).await.unwrap();
        (listed.alerts.len(), listed.total, listed.newest)
    };
    assert_eq!(found("20.", StateFilter::Open).await, (50, 1_001, Some(5_001)));
    // The filter leaves few: all of them are looked at.
    assert_eq!(found("20.", StateFilter::Is("closed")).await, (0, 0, None));
    assert_eq!(found("20.1442.2.10099", StateFilter::Open).await, (1, 1, None));
    assert_eq!(found("2", StateFilter::Open).await, (50, 1_001, None));
}
