//! The database's own word on how it answers the questions that every page asks: by index, never by
//! reading the whole table.

use db::testing::sqlite;
use event::Scope;
use sea_orm::{
    ConnectionTrait as _, DbBackend, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QueryTrait as _, Statement,
};

use super::list::condition;
use event::Severity;

use super::{AlertFilter, StateFilter, alert};
use crate::testing::{agency, officer};

#[tokio::test]
async fn lists_are_answered_by_index() {
    use alert::Column;
    let test = sqlite().await;
    let province = Scope::platform();
    let own = officer(agency(1)).scope;
    let all = AlertFilter { state: StateFilter::All, ..AlertFilter::default() };
    let high = AlertFilter { severity: Some(Severity::High), ..AlertFilter::default() };
    let rule = AlertFilter { rule: Some("r".to_owned()), ..all.clone() };
    let entity = AlertFilter { entity: Some("10.0.0.1".to_owned()), ..all.clone() };
    let open = AlertFilter::default();
    let matching = |scope: &Scope, filter: &AlertFilter| {
        alert::Entity::find().filter(condition(scope, filter))
    };
    let worst = |scope: &Scope, filter: &AlertFilter| {
        matching(scope, filter).order_by_desc(Column::Priority).order_by_desc(Column::LastAt)
    };
    let newest =
        |scope: &Scope, filter: &AlertFilter| matching(scope, filter).order_by_desc(Column::LastAt);
    let questions = [
        ("open, worst first", worst(&province, &open)),
        ("open of an agency, worst first", worst(&own, &open)),
        ("open and high", worst(&province, &high)),
        ("all, newest first", newest(&province, &all)),
        ("of a rule", newest(&province, &rule)),
        ("about an entity", newest(&province, &entity)),
    ];
    for (name, question) in questions {
        let sql = format!("EXPLAIN QUERY PLAN {} LIMIT 50", question.build(DbBackend::Sqlite));
        let rows = test
            .db
            .conn()
            .query_all_raw(Statement::from_string(DbBackend::Sqlite, sql))
            .await
            .unwrap();
        let plan: Vec<String> =
            rows.iter().map(|row| row.try_get::<String>("", "detail").unwrap()).collect();
        let by_index = plan.iter().any(|line| line.contains("USING INDEX"));
        assert!(by_index, "{name}: {plan:?}");
    }
}
