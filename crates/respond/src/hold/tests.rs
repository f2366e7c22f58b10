//! Holds: set, lifted, with reasons; nothing outside the reader's scope.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use event::{AgencyId, Scope, SystemId};
use uuid::Uuid;
use web::Role;
use web::testing::{officer_of, who};

use super::{LIFT_DELAY, actions, active, effective};
use crate::actor::Handler;
use crate::error::RespondError;
use crate::testing::{Maker, desk};
use crate::{alert, incident};

#[tokio::test]
async fn a_hold_stands_until_it_is_lifted_and_covers_the_incidents_systems() {
    for test in db::testing::databases().await {
        let desk = desk(&test, Vec::new());
        let handler = Handler::from(&who(Role::DutyOfficer));
        let finding = Maker::new().finding(-5);
        let origin = finding.origin;
        let directory = desk.directory.as_ref();
        let made = alert::receive(&desk.db, directory, &desk.hub, vec![finding], &[]).await;
        let made = incident::open(&desk, &handler, &made.unwrap().fresh, None).await.unwrap();
        let short = actions::set(&desk, &handler, made.id, None, "ừ").await;
        assert!(matches!(short, Err(RespondError::Field { field: "reason", .. })));
        let hold = actions::set(&desk, &handler, made.id, None, "cơ quan điều tra yêu cầu").await;
        let hold = hold.unwrap();
        let conn = desk.db.conn();
        assert_eq!(
            active(conn, &Scope::platform()).await.unwrap().as_slice(),
            std::slice::from_ref(&hold)
        );
        let day = hold.from.date_naive();
        assert!(hold.covers(origin.agency, origin.system, day));
        assert!(hold.covers(origin.agency, None, day), "of no system: nobody knows");
        assert!(!hold.covers(origin.agency, origin.system, day - TimeDelta::days(1)));
        let other = SystemId::from_uuid(Uuid::from_u128(99));
        assert_eq!(hold.covers(origin.agency, Some(other), day), origin.system.is_none());
        let elsewhere = AgencyId::from_uuid(Uuid::from_u128(98));
        // A system that another agency took over is held there, but nothing else of that agency.
        assert_eq!(hold.covers(elsewhere, origin.system, day), origin.system.is_some());
        assert!(!hold.covers(elsewhere, Some(other), day));
        assert!(!hold.covers(elsewhere, None, day));
        // That agency was merged into another, and this into a third: what came to it comes there now.
        let third = AgencyId::from_uuid(Uuid::from_u128(97));
        let mut followed = hold.clone();
        let ring = [(origin.agency, elsewhere), (elsewhere, third), (third, elsewhere)];
        followed.follow(&BTreeMap::from(ring));
        assert_eq!(followed.heirs, [elsewhere, third]);
        assert!(followed.covers(elsewhere, None, day) && followed.covers(third, None, day));
        let all_of_it = super::Hold { systems: Vec::new(), ..followed };
        assert!(all_of_it.covers(third, Some(other), day));
        assert!(!super::Hold { heirs: Vec::new(), ..all_of_it }.covers(third, Some(other), day));
        // Someone of another agency sees neither hold nor incident.
        let foreign = officer_of(BTreeSet::from([elsewhere]));
        assert_eq!(active(conn, &foreign.scope).await.unwrap(), []);
        let foreign = Handler::from(&foreign);
        for refused in [
            actions::set(&desk, &foreign, made.id, None, "không được").await.map(drop),
            actions::lift(&desk, &foreign, made.id, "không được").await,
        ] {
            assert!(matches!(refused, Err(RespondError::NotFound)), "{refused:?}");
        }
        actions::lift(&desk, &handler, made.id, "điều tra đã xong").await.unwrap();
        assert_eq!(active(conn, &Scope::platform()).await.unwrap(), []);
        let kept = super::of_incident(conn, &made).await.unwrap();
        assert_eq!(kept.len(), 1, "what was held stays told");
        // Its logs stay a month more.
        let lifted_at = kept[0].lifted.as_ref().unwrap().at;
        for (after, want) in [(TimeDelta::zero(), 1), (LIFT_DELAY - TimeDelta::seconds(1), 1)] {
            let held = effective(conn, &Scope::platform(), lifted_at + after).await.unwrap();
            assert_eq!(held.len(), want, "{after}");
            assert!(held[0].covers(origin.agency, origin.system, day));
        }
        let late = lifted_at + LIFT_DELAY;
        assert_eq!((kept[0].until(), hold.until()), (Some(late), None));
        assert_eq!(effective(conn, &Scope::platform(), late).await.unwrap(), []);
        let again = actions::lift(&desk, &handler, made.id, "một lần nữa").await;
        assert!(matches!(again, Err(RespondError::Field { field: "reason", .. })));
    }
}
