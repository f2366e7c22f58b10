//! Incidents against both databases: one press, the timeline, closing, scope.

use db::testing::databases;
use event::{AlertId, Severity};

use super::model::{EntryKind, Findings, IncidentStatus, IncidentStep};
use super::store;
use super::{actions, list};
use crate::alert::{Reason, receive};
use crate::desk::Desk;
use crate::error::RespondError;
use crate::testing::*;

async fn two_alerts(desk: &Desk) -> Vec<AlertId> {
    let maker = Maker::new();
    let mut other = maker.finding(5);
    other.entity.value = "10.20.0.8".to_owned();
    let findings = vec![maker.finding(-30), other];
    receive(&desk.db, desk.directory.as_ref(), &desk.hub, findings, &[]).await.unwrap().fresh
}

pub(crate) fn findings() -> Findings {
    let reason = |text: &str| Reason::new(text).unwrap();
    Findings {
        cause: reason("trang tải tệp không kiểm tra đuôi"),
        impact: reason("một máy chủ, không lộ dữ liệu"),
        lessons: reason("kiểm tra tệp tải lên, thêm luật"),
        cost: Some(reason("hai ngày công")),
        follow_up: Some(reason("rà soát các trang khác")),
    }
}

#[tokio::test]
async fn one_press_makes_an_incident_that_tells_its_story() {
    for test in databases().await {
        let desk = desk(&test, Vec::new());
        let alerts = two_alerts(&desk).await;
        let who = analyst();
        let incident = actions::open(&desk, &who, &alerts, None).await.unwrap();
        assert_eq!(incident.number, "SC-2026-0001", "{}", test.name);
        assert_eq!(incident.title, "Máy chủ web bị cài mã điều khiển từ xa");
        assert_eq!(incident.severity, Severity::Critical);
        assert_eq!(
            (incident.agency, incident.systems.as_slice()),
            (agency(1), [system(1)].as_slice())
        );
        assert_eq!((incident.occurred_at, incident.detected_at), (Some(at(-30)), at(0)));

        let again = actions::open(&desk, &who, &alerts, None).await;
        assert!(matches!(again, Err(RespondError::Field { .. })), "an alert is in one incident");

        actions::note(&desk, &who, incident.id, Some(at(-10)), "gọi đơn vị vận hành")
            .await
            .unwrap();
        actions::step(&desk, &who, incident.id, IncidentStep::Contain).await.unwrap();
        let close = IncidentStep::Close(findings());
        actions::step(&desk, &who, incident.id, close.clone()).await.unwrap();
        let twice = actions::step(&desk, &who, incident.id, close).await;
        assert!(matches!(twice, Err(RespondError::IncidentState(_))));

        let stored = store::get(desk.db.conn(), &who.scope, incident.id).await.unwrap();
        assert_eq!(stored.status, IncidentStatus::Closed(findings()));
        assert!(stored.reported_at.is_none() && stored.contained_at.is_some());
        let timeline = store::timeline(desk.db.conn(), &stored).await.unwrap();
        assert!(timeline.is_sorted_by_key(|line| line.at));
        let kinds = |kind: EntryKind| timeline.iter().filter(|line| line.kind == kind).count();
        assert_eq!(kinds(EntryKind::Occurred), 2);
        assert_eq!(kinds(EntryKind::Detected), 2);
        assert_eq!(kinds(EntryKind::Note), 1);
        assert_eq!(kinds(EntryKind::Step), 3);
        assert!(db::audit::verify(&desk.db).await.unwrap().holds());
    }
}

#[tokio::test]
async fn incidents_of_others_are_not_found() {
    for test in databases().await {
        let desk = desk(&test, Vec::new());
        let alerts = two_alerts(&desk).await;
        let other = officer(agency(2));
        let stolen = actions::open(&desk, &other, &alerts, None).await;
        assert!(matches!(stolen, Err(RespondError::NotFound)));
        let incident = actions::open(&desk, &analyst(), &alerts, None).await.unwrap();
        let id = incident.id;
        let refused = [
            store::get(desk.db.conn(), &other.scope, id).await.map(drop),
            actions::note(&desk, &other, id, None, "xin chào").await.map(drop),
            actions::step(&desk, &other, id, IncidentStep::Contain).await.map(drop),
            actions::assign(&desk, &other, id, None).await.map(drop),
        ];
        for result in refused {
            assert!(matches!(result, Err(RespondError::NotFound)), "{result:?}");
        }
        let filter = super::IncidentFilter::default();
        let page = web::paging::Page::default();
        let (seen, total) = list(desk.db.conn(), &other.scope, &filter, page).await.unwrap();
        assert_eq!((seen.len(), total), (0, 0));
        assert!(store::get(desk.db.conn(), &officer(agency(1)).scope, id).await.is_ok());
    }
}
