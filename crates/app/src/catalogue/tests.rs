//! The catalogue, on every database there is.

use chrono::{DateTime, Utc};
use event::{EventId, SpoolPosition};
use lake::{Catalogue as _, Leftover, Segment, SegmentId};
use uuid::Uuid;

use super::DbCatalogue;

fn segment(number: u128) -> Segment {
    let at: DateTime<Utc> = DateTime::from_timestamp_micros(1_790_000_000_123_456).unwrap();
    let id = SegmentId::from_uuid(Uuid::from_u128(number));
    let event = EventId::from_uuid(Uuid::from_u128(number));
    Segment {
        id,
        path: format!("day=2026-09-21/{id}.parquet"),
        day: at.date_naive(),
        rows: 7,
        size_bytes: 1000,
        min_occurred_at: at,
        max_occurred_at: at,
        min_collected_at: at,
        max_collected_at: at,
        min_id: event,
        max_id: event,
        sha256: "00".repeat(32),
        schema_version: lake::SCHEMA_VERSION,
    }
}

#[tokio::test]
async fn segments_and_position_move_together() {
    for test in db::testing::databases().await {
        let catalogue = DbCatalogue::new(test.db.clone(), false);
        assert_eq!(catalogue.position().await.unwrap(), None);
        let (one, two, three) = (segment(1), segment(2), segment(3));
        let add = [one.clone(), two.clone()];
        catalogue.commit(&add, &[], Some(SpoolPosition(5))).await.unwrap();
        // The answer was lost: the same again.
        catalogue.commit(&add, &[], Some(SpoolPosition(5))).await.unwrap();
        assert_eq!(catalogue.segments().await.unwrap(), add);
        let gone = [one.id, two.id, segment(9).id];
        catalogue.commit(std::slice::from_ref(&three), &gone, None).await.unwrap();
        assert_eq!(catalogue.segments().await.unwrap(), [three]);
        catalogue.commit(&[], &[], Some(SpoolPosition(3))).await.unwrap();
        assert_eq!(catalogue.position().await.unwrap(), Some(SpoolPosition(5)), "never back");
    }
}

#[tokio::test]
async fn what_lies_in_the_store_is_known_by_name() {
    for test in db::testing::databases().await {
        let catalogue = DbCatalogue::new(test.db.clone(), true);
        let (one, two) = (segment(1), segment(2));
        let (now, later) = (test.db.now(), test.db.now() + chrono::TimeDelta::hours(1));
        let leftover = |of: &Segment| Leftover { id: of.id, path: of.path.clone() };
        // Nothing comes in that was not announced.
        let add = std::slice::from_ref(&one);
        catalogue.commit(add, &[], None).await.unwrap_err();
        catalogue.announce(add).await.unwrap();
        assert_eq!(catalogue.leftovers(now).await.unwrap(), [], "too young");
        catalogue.commit(add, &[], None).await.unwrap();
        // The answer was lost: the same again.
        catalogue.commit(add, &[], None).await.unwrap();
        assert_eq!(catalogue.leftovers(later).await.unwrap(), [], "it is in the lake");
        // Announced, and never committed: whoever comes too late is refused.
        let add = std::slice::from_ref(&two);
        catalogue.announce(add).await.unwrap();
        assert_eq!(catalogue.leftovers(later).await.unwrap(), [leftover(&two)]);
        catalogue.commit(add, &[], None).await.unwrap_err();
        catalogue.forget(&[two.id]).await.unwrap();
        // What leaves the lake is left over.
        catalogue.commit(&[], &[one.id], None).await.unwrap();
        assert_eq!(catalogue.leftovers(later).await.unwrap(), [leftover(&one)]);
        catalogue.forget(&[one.id]).await.unwrap();
        assert_eq!(catalogue.leftovers(later).await.unwrap(), []);
    }
}
