//! Files over a lake on paper: whole, only for whoever asked, and gone after a week.

use std::sync::Arc;

use axum::body::to_bytes;
use chrono::TimeDelta;
use db::audit;
use db::job::{self, Handlers, Job, JobId, JobState, Worker};
use db::testing::{TestDatabase, sqlite};
use event::lake::MemoryLake;
use event::{AccountId, Event, Scope};
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;
use vault::Vault;
use vault::testing::paper;
use web::testing::{faults, officer_of, who};
use web::{Role, Who};

use super::routes::{NewExport, ordered, shown, taken};
use super::run::{MakeExport, SweepExports, sweeping};
use crate::desk::Desk;
use crate::testing::*;

struct Room {
    desk: Desk,
    worker: Worker,
    folder: tempfile::TempDir,
}

fn room(test: &TestDatabase, count: u64) -> Room {
    room_with(test, count, Vault::default())
}

fn room_with(test: &TestDatabase, count: u64, vault: Vault) -> Room {
    let folder = tempfile::tempdir().unwrap();
    let maker = Maker::new();
    let event = |_| -> Event { event_of(&maker.finding(-5), "=an") };
    let lake = Arc::new(MemoryLake::with((0..count).map(event).collect()));
    let desk = Desk {
        lake,
        files: crate::Files::new(folder.path().join("files"), vault),
        ..desk(test, Vec::new())
    };
    let export = MakeExport {
        desk: desk.clone(),
        owners: Arc::new(Everyone),
        arrivals: Arc::new(Recovering::default()),
    };
    let handlers = Handlers::default()
        .with(Arc::new(export))
        .with(Arc::new(SweepExports { desk: desk.clone() }));
    Room { worker: Worker::new(test.db.clone(), handlers, "a"), desk, folder }
}

impl Room {
    async fn make(&self, who: &Who, line: &str, format: &str) -> Job {
        let new =
            NewExport { q: line.to_owned(), format: format.to_owned(), ..NewExport::default() };
        let id = ordered(&self.desk, who, &new).await.unwrap();
        self.work().await;
        self.job(id).await
    }

    async fn work(&self) {
        while self.worker.run_next(&CancellationToken::new()).await.unwrap() {}
    }

    async fn job(&self, id: JobId) -> Job {
        job::get(self.desk.db.conn(), &Scope::platform(), id).await.unwrap().unwrap()
    }

    async fn text(&self, who: &Who, id: JobId) -> String {
        let answer = taken(&self.desk, who, id.uuid()).await.unwrap();
        String::from_utf8(to_bytes(answer.into_body(), 64 << 20).await.unwrap().to_vec()).unwrap()
    }

    fn files(&self) -> usize {
        std::fs::read_dir(self.folder.path().join("files")).unwrap().count()
    }
}

#[tokio::test]
async fn a_file_holds_every_event_and_is_told_with_its_digest() {
    let test = sqlite().await;
    let room = room(&test, 2_500);
    let who = who(Role::Analyst);
    let made = room.make(&who, "cmd.exe", "csv").await;
    assert_eq!(made.state, JobState::Done);
    assert_eq!(made.link, format!("/exports/{}", made.id));
    let text = room.text(&who, made.id).await;
    assert_eq!(text.lines().count(), 2_501);
    assert!(text.starts_with('\u{feff}'));
    let page = shown(&room.desk, &who, made.id.uuid()).await.unwrap();
    assert_eq!(faults(&page), Vec::<String>::new());
    assert_eq!((page.rows, page.size_bytes), (2_500, text.len() as u64));
    assert_eq!(page.sha256, format!("{:x}", Sha256::digest(text.as_bytes())));

    let lines = room.make(&who, "cmd.exe", "ndjson").await;
    let text = room.text(&who, lines.id).await;
    let read = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    assert_eq!(read.filter(|event| event["raw"].is_string()).count(), 2_500);
    let figures = room.make(&who, "| stats count() by user", "csv").await;
    assert_eq!(room.text(&who, figures.id).await, "\u{feff}user,count\n'=an,2500\n");

    let filter = audit::AuditFilter { action: Some("export.".to_owned()), ..Default::default() };
    let log = audit::list(&test.db, &Scope::platform(), &filter, 20).await.unwrap();
    assert_eq!(log.len(), 9, "asked, made and taken three times");
}

#[tokio::test]
async fn a_file_is_there_for_whoever_asked_only() {
    let test = sqlite().await;
    let room = room(&test, 3);
    let who = who(Role::Analyst);
    let made = room.make(&who, "*", "csv").await;
    let other = AccountId::from_uuid(uuid::Uuid::from_u128(7));
    let other = Who { account: other, scope: Scope::province(other), ..who.clone() };
    let admin = Who { role: Role::Administrator, ..other.clone() };
    for stranger in [&other, &admin, &officer_of([agency(1)])] {
        let stranger = if stranger.account == who.account {
            Who { account: AccountId::from_uuid(uuid::Uuid::from_u128(8)), ..stranger.clone() }
        } else {
            stranger.clone()
        };
        assert!(shown(&room.desk, &stranger, made.id.uuid()).await.is_err());
        assert!(taken(&room.desk, &stranger, made.id.uuid()).await.is_err());
    }
    // What someone may not see is not in their file.
    let outsider = officer_of([agency(2)]);
    let empty = room.make(&outsider, "*", "csv").await;
    assert_eq!(room.text(&outsider, empty.id).await.lines().count(), 1);
    let left = AccountId::from_uuid(uuid::Uuid::from_u128(99));
    let left = Who { account: left, scope: Scope::province(left), ..who };
    let refused = room.make(&left, "*", "csv").await;
    assert_eq!(
        (refused.state, refused.error_key.as_str()),
        (JobState::Failed, "export-error-right")
    );
}

#[tokio::test]
async fn a_file_is_gone_after_a_week() {
    let test = sqlite().await;
    let room = room(&test, 3);
    let who = who(Role::Analyst);
    let made = room.make(&who, "*", "csv").await;
    std::fs::write(room.desk.files.join("not ours.txt"), "x").unwrap();
    job::ensure_schedule(&test.db, &sweeping(test.db.now())).await.unwrap();
    test.clock.advance(TimeDelta::days(7) - TimeDelta::seconds(1));
    job::tick(&test.db).await.unwrap();
    room.work().await;
    assert!(shown(&room.desk, &who, made.id.uuid()).await.unwrap().ready);
    test.clock.advance(TimeDelta::hours(2));
    assert!(taken(&room.desk, &who, made.id.uuid()).await.is_err(), "before it is swept, too");
    assert_eq!(room.files(), 2);
    job::tick(&test.db).await.unwrap();
    room.work().await;
    assert_eq!(room.files(), 1, "what is not ours stays");
    let page = shown(&room.desk, &who, made.id.uuid()).await.unwrap();
    assert!(!page.ready);
    assert_eq!(faults(&page), Vec::<String>::new());
}

#[tokio::test]
async fn a_sealed_file_is_taken_as_it_was_made_and_lies_nowhere_as_it_is() {
    let test = sqlite().await;
    let room = room_with(&test, 2_500, paper());
    let who = who(Role::Analyst);
    let made = room.make(&who, "cmd.exe", "csv").await;
    assert_eq!(made.state, JobState::Done);
    let text = room.text(&who, made.id).await;
    assert_eq!(text.lines().count(), 2_501);
    let page = shown(&room.desk, &who, made.id.uuid()).await.unwrap();
    assert_eq!(page.size_bytes, text.len() as u64);
    assert_eq!(page.sha256, format!("{:x}", Sha256::digest(text.as_bytes())));
    let path = room.desk.files.join(format!("{}.sealed", made.id));
    let bytes = std::fs::read(&path).unwrap();
    assert!(!bytes.windows(7).any(|words| words == b"cmd.exe"));
    assert_eq!(room.files(), 1, "it is the only one");

    // What is cut off is not handed out as if it were whole.
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let answer = taken(&room.desk, &who, made.id.uuid()).await.unwrap();
    let cut = to_bytes(answer.into_body(), 64 << 20).await.unwrap();
    assert_ne!(cut.len() as u64, page.size_bytes);
    // Under another's id it does not open.
    std::fs::write(&path, [&[0xff_u8][..], &bytes[1..]].concat()).unwrap();
    assert!(taken(&room.desk, &who, made.id.uuid()).await.is_err());

    job::ensure_schedule(&test.db, &sweeping(test.db.now())).await.unwrap();
    job::tick(&test.db).await.unwrap();
    room.work().await;
    assert_eq!(room.files(), 1, "its week is not over");
    test.clock.advance(TimeDelta::days(8));
    job::tick(&test.db).await.unwrap();
    room.work().await;
    assert_eq!(room.files(), 0);
}
