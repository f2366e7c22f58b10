//! Assets over both databases: kept, found, watched, adopted, and nobody else's.

use std::collections::BTreeSet;

use chrono::Days;
use uuid::Uuid;
use web::paging::Page;
use web::{AppError, Who};

use super::model::{AssetDraft, AssetFilter};
use super::{actions, routes, seen};
use crate::forms::Errors;
use crate::testing::{Desk, administrator, desks, one_desk};
use crate::today;

fn server(desk: &Desk, name: &str) -> AssetDraft {
    AssetDraft {
        agency: Some(desk.agency("so-tai-chinh")),
        kind: "server".to_owned(),
        name: name.to_owned(),
        product: "Máy chủ Đông Á".to_owned(),
        release: "R-640".to_owned(),
        address: "10.20.0.7".to_owned(),
        ..AssetDraft::default()
    }
}

async fn found(desk: &Desk, who: &Who, filter: AssetFilter) -> Vec<String> {
    let page = Page { page: None, rows: None };
    let list = routes::listed(&desk.registry, who, filter, page).await.unwrap();
    list.rows.into_iter().map(|row| row.name).collect()
}

#[tokio::test]
async fn assets_are_kept_found_without_marks_and_watched_for_their_support() {
    for desk in desks().await {
        let (registry, who) = (&desk.registry, administrator());
        let day = today(registry);
        let old = AssetDraft {
            support_ends: day.checked_sub_days(Days::new(1)),
            ..server(&desk, "Máy chủ cũ")
        };
        let soon = AssetDraft {
            support_ends: day.checked_add_days(Days::new(30)),
            address: String::new(),
            product: "Windows Server".to_owned(),
            ..server(&desk, "Máy chủ ứng dụng")
        };
        let id = actions::create(registry, &who, old.clone()).await.unwrap();
        actions::create(registry, &who, soon).await.unwrap();
        let by = |support: &str| AssetFilter {
            support: Some(support.to_owned()),
            ..AssetFilter::default()
        };
        assert_eq!(found(&desk, &who, by("ended")).await, ["Máy chủ cũ"], "{}", desk.test.name);
        assert_eq!(found(&desk, &who, by("soon")).await, ["Máy chủ ứng dụng"]);
        let typed = |q: &str| AssetFilter { q: Some(q.to_owned()), ..AssetFilter::default() };
        assert_eq!(found(&desk, &who, typed("may chu dong a")).await, ["Máy chủ cũ"]);
        assert_eq!(found(&desk, &who, typed("10.20.0.7")).await, ["Máy chủ cũ"]);
        assert_eq!(found(&desk, &who, typed("100%")).await, Vec::<String>::new());
        let renamed = AssetDraft { name: "Máy chủ mới".to_owned(), version: Some(1), ..old };
        actions::change(registry, &who, id, renamed.clone()).await.unwrap();
        let stale = actions::change(registry, &who, id, renamed).await;
        assert!(matches!(stale, Err(AppError::Conflict(_))), "{}", desk.test.name);
        actions::remove(registry, &who, id).await.unwrap();
        assert_eq!(desk.last_action().await, "asset.remove");
        assert_eq!(found(&desk, &who, by("ended")).await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn what_systems_name_is_offered_once_and_becomes_assets() {
    let desk = one_desk().await;
    let (registry, who) = (&desk.registry, administrator());
    let offers = seen::offers(registry, &who).await.unwrap();
    let domain = offers.iter().find(|offer| offer.address.contains('.')).unwrap().clone();
    let picked: BTreeSet<String> = [domain.key.clone(), "nothing|x".to_owned()].into();
    assert_eq!(actions::adopt(registry, &who, &picked).await.unwrap(), 1);
    let after = seen::offers(registry, &who).await.unwrap();
    assert_eq!(after.len(), offers.len() - 1, "what was adopted is not offered again");
    let again = actions::adopt(registry, &who, &picked).await;
    assert!(matches!(again, Err(AppError::Conflict(_))));
    let theirs = if domain.agency == desk.agency("so-y-te") { "so-tai-chinh" } else { "so-y-te" };
    let other = desk.officer(theirs);
    let foreign = seen::offers(registry, &other).await.unwrap();
    assert!(foreign.iter().all(|offer| other.scope.sees(offer.agency)));
    let of_others: BTreeSet<String> = offers
        .iter()
        .filter(|offer| !other.scope.sees(offer.agency))
        .map(|offer| offer.key.clone())
        .collect();
    assert!(actions::adopt(registry, &other, &of_others).await.is_err(), "another agency's");
}

#[tokio::test]
async fn nobody_elses_asset_is_found_and_pages_are_sound() {
    let desk = one_desk().await;
    let (registry, who) = (&desk.registry, administrator());
    let id = actions::create(registry, &who, server(&desk, "Máy chủ <b>")).await.unwrap();
    let other = desk.officer("so-y-te");
    let foreign = actions::change(registry, &other, id, server(&desk, "X")).await;
    assert!(matches!(foreign, Err(AppError::NotFound)));
    assert!(matches!(actions::remove(registry, &other, id).await, Err(AppError::NotFound)));
    assert_eq!(found(&desk, &other, AssetFilter::default()).await, Vec::<String>::new());
    let into = actions::create(registry, &other, server(&desk, "Của người khác")).await;
    assert!(matches!(into, Err(AppError::Invalid(_))), "into another's agency");
    let stamped = AssetDraft { note: "TỐI MẬT".to_owned(), ..server(&desk, "X") };
    assert!(matches!(actions::create(registry, &who, stamped).await, Err(AppError::Invalid(_))));
    let none = Vec::<String>::new();
    let page = || Page { page: None, rows: None };
    let list = routes::listed(registry, &who, AssetFilter::default(), page()).await.unwrap();
    assert_eq!(web::testing::faults(&list), none);
    assert_eq!(web::testing::faults(&routes::page_of(registry, &who, id).await.unwrap()), none);
    let form = routes::form(registry, &who, Some(id), server(&desk, "X"), Errors::default());
    assert_eq!(web::testing::faults(&form), none);
    let seen = routes::offered(registry, &who, page()).await.unwrap();
    assert_eq!(web::testing::faults(&seen), none);
    assert!(routes::page_of(registry, &who, Uuid::nil()).await.is_err());
}
