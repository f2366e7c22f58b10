//! The units are whole, and found as people type them.

use std::collections::BTreeSet;

use web::AppError;

use super::actions::{self, Adoption};
use super::{UnitKind, Units};
use crate::testing::{administrator, desks};

#[test]
fn the_country_is_whole() {
    let units = Units::builtin();
    assert_eq!(units.provinces().count(), 34);
    assert_eq!(units.all.len(), 34 + 3321);
    let count = |kind| units.all.iter().filter(|unit| unit.kind == kind).count();
    let below = [UnitKind::Commune, UnitKind::Ward, UnitKind::SpecialZone].map(count);
    assert_eq!(below, [2611, 697, 13]);
    let codes: BTreeSet<&str> = units.all.iter().map(|unit| unit.code.as_str()).collect();
    assert_eq!(codes.len(), units.all.len(), "a code stands twice");
    assert!(units.all.iter().all(|unit| {
        unit.province.as_deref().is_none_or(|code| units.get(code).is_some())
            && unit.code.len() == if unit.province.is_some() { 5 } else { 2 }
    }));
    assert_eq!([units.of("42").count(), units.of("24").count()], [69, 99]);
}

#[test]
fn units_are_found_without_marks_and_the_marked_come_first() {
    let units = Units::builtin();
    let names = |typed: &str, province: Option<&str>| -> Vec<String> {
        units.find(typed, province).iter().map(|unit| unit.full_name()).collect()
    };
    assert_eq!(names("thanh sen", Some("42")), ["Phường Thành Sen"]);
    assert_eq!(names("PHƯỜNG THÀNH SEN", Some("42")), ["Phường Thành Sen"]);
    assert_eq!(names("18073", None), ["Phường Thành Sen"]);
    assert!(
        names("hoa binh", None)
            .iter()
            .any(|name| name.ends_with("Hòa Bình") || name.ends_with("Hoà Bình"))
    );
    let marked = units.find("Đông", None);
    assert!(marked[0].name.contains("Đông"), "{}", marked[0].name);
    assert!(names("không có đâu", None).is_empty());
    let unit = units.get("18073").unwrap();
    assert_eq!(unit.agency_code(), "phuong-thanh-sen");
}

#[tokio::test]
async fn a_province_takes_in_its_communes_once() {
    for desk in desks().await {
        let who = administrator();
        let parent = Some(desk.agency("ubnd-tinh"));
        let none = actions::adopt(&desk.registry, &who, "42", Adoption::default()).await;
        assert!(matches!(none, Err(AppError::Invalid(_))));
        let commune = actions::adopt(&desk.registry, &who, "18073", Adoption { parent }).await;
        assert!(matches!(commune, Err(AppError::NotFound)));
        let added = actions::adopt(&desk.registry, &who, "42", Adoption { parent }).await.unwrap();
        assert_eq!(added, 69, "{}", desk.test.name);
        assert_eq!(desk.last_action().await, "agency.adopt");
        let again = actions::adopt(&desk.registry, &who, "42", Adoption { parent }).await.unwrap();
        assert_eq!(again, 0, "{}", desk.test.name);
        let snapshot = desk.registry.directory.snapshot();
        let unit = snapshot.tree().iter().find(|agency| agency.unit == "18073").unwrap();
        assert_eq!((unit.name.as_str(), unit.parent), ("Phường Thành Sen", parent));
    }
}
