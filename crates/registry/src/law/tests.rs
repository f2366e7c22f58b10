//! The law's file is whole, and its criteria give the levels that the decree gives.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::{Facts, Law, propose};

fn day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 22).unwrap()
}

#[test]
fn the_file_is_whole() {
    let law = Law::read(super::BUILTIN).unwrap();
    let mut seen = BTreeSet::new();
    for word in &law.word {
        assert!(seen.insert((word.list.clone(), word.id.clone())), "{} stands twice", word.id);
        assert!(!word.vi.is_empty() && !word.en.is_empty());
    }
    let known = |need: &str| match need.split_once(':') {
        Some(("type", id)) => law.knows("type", id),
        Some(("info", id)) => law.knows("info_class", id),
        Some(("scope", id)) => law.knows("infra_scope", id),
        Some(("works", id)) => law.knows("works_grade", id),
        Some(("harm", id)) => law.knows("harm", id),
        Some(_) => false,
        None => ["admin_procedures", "conditional_business", "serves_security"].contains(&need),
    };
    for criterion in &law.criterion {
        assert!(criterion.needs.iter().all(|need| known(need)), "{}", criterion.id);
    }
    assert_eq!(law.regime_on(day()).unwrap().id, "nd331_2026");
    let before = NaiveDate::from_ymd_opt(2025, 1, 1).unwrap();
    assert_eq!(law.regime_on(before).unwrap().id, "nd85_2016");
    assert!(law.needed(3, day()).any(|kind| kind.id == "pentest_report"));
    assert!(!law.needed(2, day()).any(|kind| kind.id == "pentest_report"));
}

#[test]
fn the_higher_level_wins_and_the_clause_is_quoted() {
    type Case<'a> = (&'a [&'a str], &'a [(&'a str, i64)], Option<u8>);
    let cases: [Case<'_>; 12] = [
        (&["type:noi_bo", "info:cong_cong"], &[], Some(1)),
        (&["type:noi_bo", "info:cong_cong", "info:rieng"], &[], Some(2)),
        (&["type:noi_bo", "info:ca_nhan", "serves_security"], &[], Some(3)),
        (&["type:nguoi_dan_doanh_nghiep"], &[("subjects_basic", 99_999)], Some(2)),
        (&["type:nguoi_dan_doanh_nghiep"], &[("subjects_basic", 100_000)], Some(3)),
        (&["type:nguoi_dan_doanh_nghiep"], &[("subjects_sensitive", 10_000)], Some(3)),
        (&["type:nguoi_dan_doanh_nghiep", "admin_procedures"], &[], Some(3)),
        (&["type:ha_tang", "scope:mot_co_quan"], &[], Some(2)),
        (&["type:ha_tang", "scope:mot_tinh"], &[], Some(3)),
        (&["type:ha_tang", "scope:mot_tinh", "harm:4"], &[], Some(4)),
        (&["type:dieu_khien_cong_nghiep", "works:dac_biet"], &[], Some(5)),
        (&["type:khac"], &[], None),
    ];
    for (words, counts, expected) in cases {
        let mut facts = Facts::default();
        for word in words {
            facts.say(*word);
        }
        for (name, number) in counts {
            facts.count(name, *number);
        }
        let proposal = propose(Law::builtin(), &facts, day());
        assert_eq!(proposal.level.map(event::Level::number), expected, "{words:?} {counts:?}");
        let first = proposal.reasons.first().map(|reason| reason.level);
        assert_eq!(first, proposal.level);
        assert!(proposal.reasons.iter().all(|reason| reason.clause.contains("Điều")));
    }
}
