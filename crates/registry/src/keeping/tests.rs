//! Terms: never below the law, longer by setting; the page and who may change it.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use db::DbError;
use event::{Level, SystemId};
use uuid::Uuid;
use web::AppError;

use super::model::{Plan, SetTerm};
use super::routes::{Asked, gathered};
use super::{Archive, Chain, Hold, Keeping, Longer, Record, actions, plan, store};
use crate::testing::{Desk, administrator, desks, one_desk};

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn noon(text: &str) -> DateTime<Utc> {
    day(text).and_hms_opt(12, 0, 0).unwrap().and_utc()
}

#[test]
fn a_term_is_never_below_the_law_and_longer_where_it_is_set() {
    let system = |number| SystemId::from_uuid(Uuid::from_u128(number));
    let set = |months| SetTerm {
        months,
        reason: "theo hợp đồng".to_owned(),
        set_by: "a".to_owned(),
        set_at: noon("2026-11-27"),
    };
    // (level, what is set, the platform's months) → months
    for (level, own, months, want) in [
        (Some(3), None, 12, 12),
        (Some(3), None, 1, 3),
        (Some(5), Some(3), 1, 12),
        (Some(5), Some(36), 1, 36),
        (Some(4), Some(6), 12, 6),
        (Some(1), Some(0), 0, 1),
        // Not classified yet: as the highest.
        (None, Some(3), 3, 12),
    ] {
        let level = level.and_then(Level::new);
        let own: BTreeMap<_, _> = own.into_iter().map(|own| (system(1), set(own))).collect();
        let systems = [(system(1), level)].into_iter();
        let plan = Plan::new(systems, &own, months, day("2026-11-27"));
        assert_eq!(plan.term(Some(system(1))).months, want, "{level:?} {months}");
        assert_eq!(plan.term(None).months, months.max(12));
        assert_eq!(plan.term(Some(system(9))), plan.term(None));
    }
}

#[test]
fn a_day_is_over_when_its_months_have_passed_since_it_was_collected() {
    let system = SystemId::from_uuid(Uuid::from_u128(1));
    let plan =
        Plan::new([(system, Level::new(3))].into_iter(), &BTreeMap::new(), 3, day("2026-05-31"));
    let over = |of: &str, collected: &str| plan.is_over(Some(system), noon(of), noon(collected));
    // Three months before 31 May is 28 February.
    assert!(over("2026-02-27", "2026-02-27"));
    assert!(!over("2026-02-28", "2026-02-28"));
    assert!(!over("2020-01-01", "2026-05-30"), "an old archive that was read in yesterday");
    // A sender whose clock is decades ahead: from when it was collected.
    assert!(over("2099-01-01", "2026-02-27"));
    assert!(!over("2099-01-01", "2026-02-28"));
    assert!(!over("2026-05-31", "1970-01-01"), "today is no wrong date, whatever our clock showed");
    assert_eq!(plan.newest_over(), day("2026-02-27"));
    assert_eq!(plan.days_max(), 365, "logs of no system are kept twelve months");
    assert!(!plan.is_over(None, noon("2026-02-27"), noon("2026-02-27")));
}

#[test]
fn days_begin_and_end_by_vietnams_clock() {
    let system = SystemId::from_uuid(Uuid::from_u128(1));
    // The last second of 31 August in Vietnam, and the first of 1 September.
    let moment = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    let (last, first) = (moment("2026-08-31T16:59:59Z"), moment("2026-08-31T17:00:00Z"));
    for (now, last_is_over, first_is_over) in [
        // 30 September ends in Vietnam at 17:00 UTC: until then the last second of August is kept a month.
        ("2026-09-30T16:59:59Z", false, false),
        ("2026-09-30T17:00:00Z", true, false),
        // Of what came on 1 September, the month ends with 1 October there.
        ("2026-10-01T16:59:59Z", true, false),
        ("2026-10-01T17:00:00Z", true, true),
    ] {
        let systems = [(system, Level::new(2))].into_iter();
        let today = super::model::legal_day(moment(now));
        let plan = Plan::new(systems, &BTreeMap::new(), 1, today);
        let over = |at: DateTime<Utc>| plan.is_over(Some(system), at, at);
        assert_eq!((over(last), over(first)), (last_is_over, first_is_over), "{now}");
        // The file of that UTC day is looked into.
        let is_looked_into = plan.newest_over() >= day("2026-08-31");
        assert!(is_looked_into || !last_is_over, "{now}");
    }
}

/// An archive with one record of each kind.
#[derive(Debug)]
struct Paper;

#[async_trait]
impl Archive for Paper {
    async fn records(&self, before: Option<i64>, _limit: u64) -> Result<Vec<Record>, DbError> {
        let record = |(seq, kind): (i64, &str)| Record {
            seq,
            at: noon("2026-11-01"),
            kind: kind.to_owned(),
            detail: serde_json::json!({ "file": "day=2025-10-01/a.parquet", "events": 7 }),
            hash: "ab".repeat(32),
        };
        let all = [(9, "deletion"), (5, "quarantine"), (2, "missing")].map(record);
        Ok(all.into_iter().filter(|one| before.is_none_or(|before| one.seq < before)).collect())
    }

    async fn chain(&self) -> Result<Chain, DbError> {
        Ok(Chain { entries: 9, holds: false, head: "cd".repeat(32) })
    }

    async fn holds(&self) -> Result<Vec<Hold>, DbError> {
        Ok(vec![Hold {
            incident: Uuid::nil().to_string(),
            number: "SC-2026-0001".to_owned(),
            systems: vec!["Cổng <dịch vụ> công".to_owned()],
            from: noon("2026-08-01"),
            reason: "cơ quan điều tra yêu cầu".to_owned(),
            set_by: "Trực ban".to_owned(),
            set_at: noon("2026-11-01"),
            until: Some(noon("2026-12-31")),
        }])
    }

    async fn shortened(&self, plan: &Plan) -> Result<BTreeMap<SystemId, Longer>, DbError> {
        let first = plan.months().into_keys().flatten().next();
        let longer = Longer { months: 48, until: noon("2026-12-31") };
        Ok(first.into_iter().map(|id| (id, longer)).collect())
    }

    fn extent(&self) -> (Option<NaiveDate>, u64) {
        (Some(day("2025-11-27")), 123_456_789)
    }
}

fn keeping(desk: &Desk) -> Keeping {
    Keeping { registry: desk.registry.clone(), archive: Arc::new(Paper), months: 12 }
}

#[tokio::test]
async fn a_term_is_set_with_a_reason_within_the_law_and_the_scope() {
    for desk in desks().await {
        let keeping = keeping(&desk);
        let snapshot = desk.registry.directory.snapshot();
        let at_least = |system: &&Arc<crate::system::System>| {
            system.level.map(Level::number).is_some_and(|level| level >= 3)
        };
        let system = snapshot.systems().find(at_least).unwrap();
        let who = administrator();
        for (months, reason) in [(0, "đủ lý do"), (1, "đủ lý do"), (121, "đủ lý do"), (24, "ừ")]
        {
            let refused = actions::set(&keeping, &who, system.id, months, reason).await;
            assert!(matches!(refused, Err(AppError::Invalid(_))), "{months} {refused:?}");
        }
        actions::set(&keeping, &who, system.id, 24, "theo hợp đồng").await.unwrap();
        actions::set(&keeping, &who, system.id, 36, "theo hợp đồng mới").await.unwrap();
        assert_eq!(desk.last_action().await, "system.retention");
        let set = store::all(desk.registry.db.conn()).await.unwrap();
        assert_eq!(set.get(&system.id).map(|term| term.months), Some(36), "{}", desk.test.name);
        let today = desk.registry.db.now();
        let plan = plan(&desk.registry.db, &desk.registry.directory, 12, today).await.unwrap();
        assert_eq!(plan.term(Some(system.id)).months, 36);
        // Another agency's officer does not find it.
        let other = snapshot
            .tree()
            .iter()
            .find(|agency| !desk.officer(&agency.code).scope.sees(system.agency));
        let foreign = desk.officer(&other.unwrap().code);
        let hidden = actions::set(&keeping, &foreign, system.id, 24, "theo hợp đồng").await;
        assert!(matches!(hidden, Err(AppError::NotFound)), "{hidden:?}");
    }
}

#[tokio::test]
async fn the_page_is_sound() {
    let desk = one_desk().await;
    let keeping = keeping(&desk);
    let asked = Asked { before: None, verify: Some("yes".to_owned()) };
    let page = gathered(&keeping, &administrator(), &asked).await.unwrap();
    assert!(!page.terms.is_empty() && page.records.len() == 3 && page.holds.len() == 1);
    let longer: Vec<_> = page.terms.iter().filter(|row| row.longer.is_some()).collect();
    assert_eq!(longer.len(), 1);
    assert!(longer[0].months < 48, "what holds once the grace is over");
    let others = page.terms.iter().filter(|row| row.longer.is_none());
    assert!(others.map(|row| row.kept_from).all(|day| day > longer[0].kept_from));
    assert_eq!(web::testing::faults(&page), Vec::<String>::new());
}
