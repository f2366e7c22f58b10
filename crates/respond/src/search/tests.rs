//! The search over a lake on paper: scope, mistakes, audit.

use db::audit::AuditFilter;
use db::testing::sqlite;
use event::Event;
use event::lake::{SqlFault, SqlKind, SqlWrong, Table, TableCell};
use web::testing::{faults, officer_of, shown, who};
use web::{Lang, Role};

use super::ask::Ask;
use super::{pages, sql_fault};
use crate::error::RespondError;
use crate::file::Format;
use crate::testing::*;

fn events() -> Vec<Event> {
    let maker = Maker::new();
    (0..3).map(|n| event_of(&maker.finding(-5 - n), "an")).collect()
}

fn ask(line: &str) -> Ask {
    Ask { q: Some(line.to_owned()), ..Ask::default() }
}

#[tokio::test]
async fn an_answer_is_a_sound_page_within_scope_and_in_the_audit_log() {
    let test = sqlite().await;
    let desk = desk(&test, events());
    let page = pages::search(&desk, &who(Role::Analyst), &ask("user:an")).await.unwrap();
    let results = page.results.as_ref().unwrap();
    assert_eq!((results.events.len(), results.total), (3, Some(3)));
    assert!(results.fields.iter().any(|field| field.name == "user"));
    assert!(results.export.starts_with("q=user%3Aan&from=2"), "{}", results.export);
    assert_eq!(faults(&page), Vec::<String>::new());

    let outsider = officer_of([agency(2)]);
    let hidden = pages::search(&desk, &outsider, &ask("user:an")).await.unwrap();
    assert!(hidden.results.unwrap().events.is_empty());

    let filter = AuditFilter { action: Some("search.".to_owned()), ..AuditFilter::default() };
    let scope = event::Scope::platform();
    let log = db::audit::list(&desk.db, &scope, &filter, 10).await.unwrap();
    assert_eq!(log.len(), 2);
    assert!(log[0].detail.contains("user:an"));
}

#[tokio::test]
async fn a_mistake_is_shown_at_its_column() {
    let test = sqlite().await;
    let desk = desk(&test, events());
    let page = pages::search(&desk, &who(Role::Analyst), &ask("user:an AND (")).await.unwrap();
    let error = page.error.as_ref().unwrap();
    assert!(error.column > 9, "{error:?}");
    assert_eq!(format!("{}{}", error.before, error.rest), "user:an AND (");
    assert_eq!(faults(&page), Vec::<String>::new());
    let everything = Ask { range: "1h".to_owned(), ..Ask::default() };
    let all = pages::search(&desk, &who(Role::Analyst), &everything).await.unwrap();
    assert_eq!(all.results.unwrap().events.len(), 3, "an empty line asks for everything");
    let empty = pages::search(&desk, &who(Role::Analyst), &Ask::default()).await.unwrap();
    assert!(empty.results.is_none() && empty.error.is_none());
    assert_eq!(faults(&empty), Vec::<String>::new());
}

#[tokio::test]
async fn figures_open_their_events_and_stay_within_scope() {
    let test = sqlite().await;
    let desk = desk(&test, events());
    let line = "cmd.exe | stats count(), distinct(Image) by user";
    let page = pages::search(&desk, &who(Role::Analyst), &ask(line)).await.unwrap();
    assert_eq!(faults(&page), Vec::<String>::new());
    let table = page.results.unwrap().summary.unwrap();
    assert_eq!((table.total, table.events), (1, 3));
    let cells: Vec<&str> = table.rows[0].iter().map(|cell| cell.text.as_str()).collect();
    assert_eq!(cells, ["an", "3", "1"]);
    let href = table.rows[0][1].href.as_deref();
    assert_eq!(href, Some("/search?q=cmd.exe+user%3Aan&range=1h"));

    let chart = ask("| timechart span=1m count() by user");
    let page = pages::search(&desk, &who(Role::Analyst), &chart).await.unwrap();
    assert_eq!(faults(&page), Vec::<String>::new());
    assert!(page.results.unwrap().summary.unwrap().chart.is_some());
    let narrow = Ask { range: "30d".to_owned(), ..ask("| timechart span=1s") };
    let page = pages::search(&desk, &who(Role::Analyst), &narrow).await.unwrap();
    assert_eq!(faults(&page), Vec::<String>::new());
    let error = page.error.unwrap();
    assert_eq!((page.line.as_str(), error.column), ("| timechart span=1s", 1), "the line is kept");

    let hidden = pages::search(&desk, &officer_of([agency(2)]), &ask(line)).await.unwrap();
    assert_eq!(hidden.results.unwrap().summary.unwrap().events, 0);
}

#[tokio::test]
async fn what_may_have_been_meant_is_told() {
    let test = sqlite().await;
    let desk = desk(&test, events());
    let page = pages::search(&desk, &who(Role::Analyst), &ask("usr:an")).await.unwrap();
    assert_eq!(page.hints[0].better, "user");
    assert_eq!(faults(&page), Vec::<String>::new());
    let page = pages::search(&desk, &who(Role::Analyst), &ask("(user:an")).await.unwrap();
    assert_eq!(page.error.as_ref().unwrap().better.as_ref().unwrap().line, "(user:an)");
    assert_eq!(faults(&page), Vec::<String>::new());
}

#[tokio::test]
async fn values_are_offered_as_far_as_their_reader_sees_them() {
    let test = sqlite().await;
    let desk = desk(&test, events());
    let analyst = who(Role::Analyst);
    let offers = super::values::frequent(&desk, &analyst, "user").await.unwrap();
    let told: Vec<(&str, &str)> =
        offers.iter().map(|one| (one.text.as_str(), one.about.as_str())).collect();
    assert_eq!(told, [("an", "3 sự kiện trong một giờ qua")]);
    let outsider = officer_of([agency(2)]);
    assert!(super::values::frequent(&desk, &outsider, "user").await.unwrap().is_empty());
    let filter = AuditFilter { action: Some("search.values".to_owned()), ..AuditFilter::default() };
    let scope = event::Scope::platform();
    let log = db::audit::list(&desk.db, &scope, &filter, 10).await.unwrap();
    assert_eq!(log.len(), 2, "a value read is an event read");

    // Names of the register are no events.
    let systems = super::values::frequent(&desk, &outsider, "system_id").await.unwrap();
    let ids: Vec<&str> = systems.iter().map(|one| one.text.as_str()).collect();
    assert_eq!(ids, [system(2).to_string()]);
    for field in ["event_id", "Image", "nothing"] {
        let none = super::values::frequent(&desk, &analyst, field).await.unwrap();
        assert!(none.is_empty(), "{field}");
    }
    assert_eq!(db::audit::list(&desk.db, &scope, &filter, 10).await.unwrap().len(), 2);
}

#[test]
fn a_missing_value_of_sql_is_shown_as_such() {
    let cells = vec![TableCell::new(None), TableCell::new(Some(String::new()))];
    let table = Table {
        columns: vec!["a".to_owned(), "b".to_owned()],
        rows: vec![cells],
        ..Table::default()
    };
    let page = super::SqlPage { sql: "SELECT 1".to_owned(), error: None, table: Some(table) };
    assert_eq!(faults(&page), Vec::<String>::new());
    let html = shown(&page);
    assert_eq!(html.matches('∅').count(), 1, "{html}");
    assert!(html.contains("NULL: không có giá trị") && html.contains("<td class=\"mono\"></td>"));
}

#[test]
fn a_part_of_sql_that_would_be_passed_over_is_told_in_the_readers_language() {
    let told = |lang| crate::error::unsupported("PARTITION (…)".to_owned()).text(lang);
    assert!(told(Lang::Vi).contains("PARTITION (…) không có tác dụng"));
    assert!(told(Lang::En).contains("PARTITION (…) has no meaning"));
}

#[test]
fn what_the_engine_says_is_told_as_its_words_with_its_place() {
    let told = |detail: &str| sql_fault::in_words_of_engine(detail, Lang::Vi);
    let placed = told("Odd thing at Line: 2, Column: 7");
    assert!(
        placed.contains("dòng 2, cột 7: máy trả lời báo bằng tiếng Anh “Odd thing”."),
        "{placed}"
    );
    assert!(told("UNION differs").contains("bằng tiếng Anh “UNION differs”."));
    assert!(told("a at Line: x, Column: 1").contains("“a at Line: x, Column: 1”"));
}

#[test]
fn what_is_wrong_in_sql_is_told_in_the_reader_s_language() {
    let fault = |wrong, at, near: &[&str]| SqlFault {
        wrong,
        name: "usr".to_owned(),
        at,
        near: near.iter().map(|name| (*name).to_owned()).collect(),
    };
    let told = |fault: &SqlFault, lang| sql_fault::told(fault, lang);
    let column = fault(SqlWrong::Column, Some((2, 7)), &["\"user\"", "url"]);
    let vi = told(&column, Lang::Vi);
    assert!(vi.contains("dòng 2, cột 7: không có cột “usr” (gần giống: \"user\", url)."), "{vi}");
    let en = told(&column, Lang::En);
    assert!(en.contains("line 2, column 7: there is no column “usr” (similar: \"user\", url)."));
    let kinds = fault(SqlWrong::Kinds(SqlKind::Time, SqlKind::Number), None, &[]);
    let vi = told(&kinds, Lang::Vi);
    assert!(vi.contains("“usr” không đi với thời điểm và số; thời điểm viết như"), "{vi}");
    let [here, nowhere] =
        [Some((1, 1)), None].map(|at| fault(SqlWrong::Value(SqlKind::Number), at, &[]));
    assert!(told(&here, Lang::En).contains("“usr” is not a number."));
    assert!(told(&nowhere, Lang::En).contains("of an event is not a number; TRY_CAST"));
    let end = SqlFault { name: String::new(), ..fault(SqlWrong::NoValue, Some((1, 9)), &[]) };
    assert!(told(&end, Lang::Vi).contains("cột 9: câu dừng giữa chừng"));
    let about_names = [
        SqlWrong::Quoted,
        SqlWrong::Ambiguous,
        SqlWrong::Table,
        SqlWrong::Function,
        SqlWrong::Type,
        SqlWrong::Ungrouped,
        SqlWrong::Unexpected,
        SqlWrong::OutOfOrder,
        SqlWrong::Wanted("BY".to_owned()),
        SqlWrong::NoValue,
        SqlWrong::NoName,
        SqlWrong::Unclosed,
        SqlWrong::Unopened,
        SqlWrong::Kinds(SqlKind::Text, SqlKind::Truth),
        SqlWrong::NoCondition(SqlKind::Other),
        SqlWrong::Value(SqlKind::Span),
        SqlWrong::Choice,
        SqlWrong::Arguments,
        SqlWrong::Argument(SqlKind::Text, SqlKind::Span),
        SqlWrong::Pattern,
    ];
    let about_all = [
        SqlWrong::Summed,
        SqlWrong::NoFrom,
        SqlWrong::NotOneSelect,
        SqlWrong::TooLong(9),
        SqlWrong::TooDeep,
        SqlWrong::Memory,
        SqlWrong::DivideByZero,
        SqlWrong::Overflow,
        SqlWrong::Era,
    ];
    let names = about_names.len();
    for (number, wrong) in about_names.into_iter().chain(about_all).enumerate() {
        for lang in [Lang::Vi, Lang::En] {
            let told = told(&fault(wrong.clone(), Some((1, 1)), &[]), lang);
            assert!(!told.contains("search-sql") && !told.contains('⟦'), "{told}");
            assert_eq!(told.contains("usr"), number < names, "{told}");
        }
    }
}

#[tokio::test]
async fn a_file_of_figures_is_whole_or_none() {
    let test = sqlite().await;
    let desk = desk(&test, with_many_users(&events().remove(0)));
    let ask = Ask { range: "24h".to_owned(), ..ask("| stats count() by user") };
    let question = ask.search(test.db.now()).unwrap();
    let file = super::export::events(&desk, &who(Role::Analyst), &ask, question, Format::Csv).await;
    assert!(matches!(file, Err(RespondError::Field { key: "search-error-groups", .. })));
}
