//! Evidence against both databases: parts, the digest, custody, holds, disposal, the sealed export, scope.

use std::io::Read as _;
use std::process::Command;
use std::sync::Arc;

use axum::body::to_bytes;
use chrono::TimeDelta;
use db::job::{Handlers, Worker};
use db::testing::{TestDatabase, databases, sqlite};
use event::{IncidentId, Scope, Severity};
use tokio_util::sync::CancellationToken;
use vault::Vault;
use web::paging::Page;
use web::testing::faults;
use web::{Role, Who};

use super::examine::{Examine, Examined, Examiner, Found};
use super::export::ExportEvidence;
use super::model::{Item, State};
use super::receive::{self, Incoming};
use super::scan::{BadYara, Scan, ScanEvidence, Scanner};
use super::scan_tests::Finder;
use super::{actions, pages, routes, store};
use crate::actor::Handler;
use crate::alert;
use crate::custody::{self, Kind};
use crate::desk::Desk;
use crate::error::RespondError;
use crate::files::{Files, KeptFile};
use crate::incident;
use crate::testing::*;

/// Finds one thing in whatever it is given, at the moment that the desk's clock began.
#[derive(Debug)]
struct Paper;

impl Examiner for Paper {
    fn examine(
        &self,
        file: &KeptFile,
        name: &str,
        most: usize,
        _: &CancellationToken,
    ) -> Result<Examined, Box<dyn std::error::Error + Send + Sync>> {
        let size = file.open()?.size_bytes();
        let found = Found {
            at: at(-10),
            severity: Severity::High,
            rule: WEB_SHELL.to_owned(),
            title: "Web shell <script>".to_owned(),
            title_vi: None,
            host: "MAY1".to_owned(),
            entity: "10.20.0.7".to_owned(),
            spot: format!("{name}#7"),
        };
        assert!(most > 1);
        let (found, refused) = (vec![found], vec!["a.bin: no log".to_owned()]);
        Ok(Examined { found, findings: 1, files: 1, events: size, unreadable: 0, refused })
    }
}

/// Has one rule, which finds the word EVIL, and one that cannot be read.
#[derive(Debug)]
struct Words;

impl Scanner for Words {
    fn with_rules(
        &self,
        work: &mut dyn FnMut(&mut dyn Scan),
    ) -> Result<(u64, Vec<BadYara>), Box<dyn std::error::Error + Send + Sync>> {
        work(&mut Finder::default());
        let message = "unknown identifier <b>".to_owned();
        Ok((1, vec![BadYara { path: "/etc/rules/x.yar".to_owned(), line: 7, message }]))
    }
}

pub(super) struct Room {
    pub(super) desk: Desk,
    worker: Worker,
    pub(super) incident: IncidentId,
    _folder: tempfile::TempDir,
}

pub(super) async fn room(test: &TestDatabase) -> Room {
    room_with(test, Vault::default()).await
}

pub(super) async fn room_with(test: &TestDatabase, vault: Vault) -> Room {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::new(folder.path().join("files"), vault);
    let desk = Desk { files, ..desk(test, Vec::new()) };
    let finding = Maker::new().finding(-5);
    let directory = desk.directory.as_ref();
    let made = alert::receive(&desk.db, directory, &desk.hub, vec![finding], &[]).await.unwrap();
    let opened = incident::open(&desk, &analyst(), &made.fresh, None).await.unwrap();
    let handlers = Handlers::default()
        .with(Arc::new(Examine { desk: desk.clone(), examiner: Arc::new(Paper) }))
        .with(Arc::new(ScanEvidence { desk: desk.clone(), scanner: Arc::new(Words) }))
        .with(Arc::new(ExportEvidence { desk: desk.clone() }));
    let worker = Worker::new(test.db.clone(), handlers, "a");
    Room { desk, worker, incident: opened.id, _folder: folder }
}

impl Room {
    pub(super) async fn work(&self) {
        while self.worker.run_next(&CancellationToken::new()).await.unwrap() {}
    }

    pub(super) async fn sealed(&self, name: &str, bytes: &'static str) -> Item {
        let new = named(name, bytes.len());
        receive::take_whole(&self.desk, &analyst(), self.incident, new, bytes.into()).await.unwrap()
    }

    pub(super) async fn acts(&self, item: &Item) -> Vec<String> {
        let lines = custody::chain(self.desk.db.conn(), Kind::Evidence, item.id).await.unwrap();
        lines.into_iter().map(|line| line.act).collect()
    }
}

pub(super) fn named(name: &str, size: usize) -> Incoming {
    Incoming { name: name.to_owned(), size_bytes: size as u64, ..Incoming::default() }
}

pub(super) fn reader(role: Role) -> Who {
    let mut who = web::testing::who(role);
    who.account = account(1);
    who.scope = Scope::province(account(1));
    who
}

#[tokio::test]
async fn a_piece_comes_in_parts_and_is_sealed_by_its_digest() {
    for test in databases().await {
        let room = room(&test).await;
        let (desk, who) = (&room.desk, analyst());
        let new = named("C:\\evidence\\Security.evtx", 10);
        let item = receive::begin(desk, &who, room.incident, new).await.unwrap();
        assert_eq!((item.number.as_str(), item.name.as_str()), ("CC-2026-0001", "Security.evtx"));
        let id = item.id;
        assert_eq!(receive::add_part(desk, &who, id, (0, "012345".into())).await.unwrap(), 6);
        let short = receive::seal(desk, &who, id, "").await;
        assert!(matches!(short, Err(RespondError::Conflict("evidence-error-short"))));
        for offset in [0, 5, 7] {
            let torn = receive::add_part(desk, &who, id, (offset, "ab".into())).await;
            assert!(matches!(torn, Err(RespondError::Conflict("evidence-error-offset"))));
        }
        let more = receive::add_part(desk, &who, id, (6, "67890".into())).await;
        assert!(matches!(more, Err(RespondError::Field { field: "offset", .. })));
        let other = receive::add_part(desk, &officer(agency(1)), id, (6, "6789".into())).await;
        assert!(matches!(other, Err(RespondError::Forbidden)), "only who began it goes on");
        assert_eq!(receive::add_part(desk, &who, id, (6, "6789".into())).await.unwrap(), 10);
        let wrong = receive::seal(desk, &who, id, &"0".repeat(64)).await;
        assert!(matches!(wrong, Err(RespondError::Field { field: "sha256", .. })));
        receive::add_part(desk, &who, id, (0, "0123456789".into())).await.unwrap();
        let digest = crate::file::sha256(b"0123456789");
        let sealed = receive::seal(desk, &who, id, &digest.to_uppercase()).await.unwrap();
        assert_eq!(sealed.sha256.as_deref(), Some(digest.as_str()), "{}", test.name);
        let late = receive::add_part(desk, &who, id, (10, "x".into())).await;
        assert!(matches!(late, Err(RespondError::Conflict("evidence-error-sealed"))));

        room.work().await;
        let reader = reader(Role::DutyOfficer);
        for _ in 0..2 {
            let page = pages::detail(desk, &reader, id, Page::default()).await.unwrap();
            assert_eq!(faults(&page), Vec::<String>::new());
            assert_eq!(page.found[0].spot, "Security.evtx#7");
            assert_eq!(page.examined.as_ref().unwrap().events, 10);
        }
        assert_eq!(room.acts(&sealed).await, ["uploaded", "given", "examined", "seen"]);
        test.clock.advance(TimeDelta::minutes(16));
        let taken = routes::taken(desk, &reader, id).await.unwrap();
        assert_eq!(&to_bytes(taken.into_body(), 99).await.unwrap()[..], b"0123456789");
        pages::detail(desk, &reader, id, Page::default()).await.unwrap();
        assert_eq!(
            room.acts(&sealed).await,
            ["uploaded", "given", "examined", "seen", "downloaded", "seen"]
        );
        assert!(db::audit::verify(&desk.db).await.unwrap().holds());
    }
}

#[tokio::test]
async fn a_seal_that_was_not_written_down_is_tried_again() {
    for test in databases().await {
        let room = room(&test).await;
        let (desk, who) = (&room.desk, analyst());
        let new = named("mem.raw", 3);
        let id = receive::begin(desk, &who, room.incident, new).await.unwrap().id;
        receive::add_part(desk, &who, id, (0, "RAM".into())).await.unwrap();
        // The bytes are in the store; then the database refuses, or the platform is killed.
        let gathered = custody::Gathered::of(&desk.files, id).plain();
        let stored =
            custody::keep_file(&desk.files, desk.db.new_uuid(), gathered.clone()).await.unwrap();
        assert!(gathered.try_exists().unwrap());
        let sealed = receive::seal(desk, &who, id, "").await.unwrap();
        assert_eq!(sealed.sha256.as_ref(), Some(&stored.sha256), "{}", test.name);
        assert!(!gathered.try_exists().unwrap());
        assert_eq!(custody::read(&desk.files, &stored.sha256).await.unwrap(), b"RAM");
        // Digests that differ begin anew, in another file than the one that is sealed.
        let new = named("mem.raw", 3);
        let id = receive::begin(desk, &who, room.incident, new).await.unwrap().id;
        for bytes in ["RAM", "ROM"] {
            receive::add_part(desk, &who, id, (0, bytes.into())).await.unwrap();
            receive::seal(desk, &who, id, &"0".repeat(64)).await.unwrap_err();
        }
        assert_eq!(custody::read(&desk.files, &stored.sha256).await.unwrap(), b"RAM");
    }
}

#[tokio::test]
async fn held_or_young_evidence_stays_and_shared_bytes_outlive_one_piece() {
    for test in databases().await {
        let room = room(&test).await;
        let (desk, who) = (&room.desk, analyst());
        let (one, two) = (room.sealed("a.log", "log").await, room.sealed("b.log", "log").await);
        let path = custody::path(&desk.files, one.sha256.as_deref().unwrap());
        let kept = |result| matches!(result, Err(RespondError::Conflict("evidence-error-kept")));
        assert!(
            kept(actions::dispose(desk, &who, one.id, "hết hạn").await),
            "its time is not over"
        );
        test.clock.advance(TimeDelta::days(6 * 365));
        actions::hold(desk, &who, one.id, "điều tra").await.unwrap();
        assert!(kept(actions::dispose(desk, &who, one.id, "hết hạn").await), "it is held");
        actions::release(desk, &who, one.id, "điều tra xong").await.unwrap();
        actions::dispose(desk, &who, one.id, "hết hạn lưu").await.unwrap();
        assert!(path.try_exists().unwrap(), "{}: another piece has these bytes", test.name);
        let page = pages::detail(desk, &reader(Role::Auditor), one.id, Page::default()).await;
        assert_eq!(faults(&page.unwrap()), Vec::<String>::new());
        let longer = (desk.db.now() + TimeDelta::days(9), "chờ tòa");
        actions::keep_until(desk, &who, two.id, longer).await.unwrap();
        assert!(kept(actions::dispose(desk, &who, two.id, "hết hạn").await));
        test.clock.advance(TimeDelta::days(10));
        actions::dispose(desk, &who, two.id, "hết hạn lưu").await.unwrap();
        assert!(!path.try_exists().unwrap());
        let stored = store::get(desk.db.conn(), &who.scope, two.id).await.unwrap();
        assert_eq!((stored.state, stored.sha256), (State::Disposed, two.sha256.clone()));
        assert_eq!(room.acts(&one).await, ["uploaded", "given", "held", "released", "disposed"]);
    }
}

#[tokio::test]
async fn a_sealed_export_is_verified_by_another_tool() {
    for test in databases().await {
        let room = room(&test).await;
        let (desk, reader) = (&room.desk, reader(Role::DutyOfficer));
        let item = room.sealed("nhật ký máy 1.log", "Nov 22 14:05:09 web1 sshd: x\n").await;
        room.sealed("b.log", "=cmd|' /c calc'!A1\n").await;
        actions::remark(desk, &analyst(), item.id, "lấy từ máy chủ web").await.unwrap();
        let job = routes::asked(desk, &reader, room.incident).await.unwrap();
        room.work().await;
        let list = pages::list(desk, &reader, room.incident).await.unwrap();
        assert_eq!(faults(&list), Vec::<String>::new());
        assert!(list.exports[0].ready);
        let answer = routes::export_taken(desk, &reader, room.incident, job.uuid()).await.unwrap();
        let bytes = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        assert_eq!(crate::file::sha256(&bytes), list.exports[0].sha256);
        let folder = tempfile::tempdir().unwrap();
        let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes.to_vec())).unwrap();
        archive.extract(folder.path()).unwrap();
        let verified = Command::new("sha256sum")
            .args(["--check", "--strict", "MANIFEST.sha256"])
            .current_dir(folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&verified.stdout).into_owned();
        assert!(verified.status.success(), "{}: {said}", test.name);
        assert_eq!(said.lines().count(), 4, "{said}");
        let mut custody = String::new();
        archive.by_name("custody.csv").unwrap().read_to_string(&mut custody).unwrap();
        assert!(custody.contains("CC-2026-0001") && custody.contains("uploaded"), "{custody}");
        assert_eq!(room.acts(&item).await.last().map(String::as_str), Some("exported"));
        let mut other = reader.clone();
        other.account = account(2);
        let foreign = routes::export_taken(desk, &other, room.incident, job.uuid()).await;
        assert!(matches!(foreign, Err(RespondError::NotFound)), "it is of whoever asked for it");
    }
}

#[tokio::test]
async fn a_scan_names_the_rules_that_fit_and_those_that_cannot_be_read() {
    for test in databases().await {
        let room = room(&test).await;
        let (desk, reader) = (&room.desk, reader(Role::DutyOfficer));
        let (evil, good) =
            (room.sealed("a.php", "<?php EVIL").await, room.sealed("b.log", "good").await);
        for item in [&evil, &good] {
            routes::scan_asked(desk, &reader, item.id).await.unwrap();
        }
        room.work().await;
        let page = pages::detail(desk, &reader, evil.id, Page::default()).await.unwrap();
        assert_eq!(faults(&page), Vec::<String>::new());
        assert_eq!(page.sha1, "da0467d825d58d23f4bfc29e5f684225d537817b", "SHA-1 of the file");
        let scanned = &page.scan.as_ref().unwrap().scanned;
        assert_eq!((scanned.rules, scanned.files, scanned.hit_count), (1, 1, 1));
        assert_eq!((scanned.hits[0].file.as_str(), scanned.bad[0].line), ("a.php", 7));
        let last = custody::chain(desk.db.conn(), Kind::Evidence, evil.id).await.unwrap();
        let line = last.iter().find(|line| line.act == "scanned").unwrap();
        assert!(line.detail.contains("evil") && line.detail.contains(&reader.name), "{line:?}");
        let page = pages::detail(desk, &reader, good.id, Page::default()).await.unwrap();
        assert_eq!(page.scan.as_ref().unwrap().scanned.hits, []);
        assert_eq!(page.md5, "755f85c2723bb39381c7379a604160d8", "md5 of `good`");
        assert!(db::audit::verify(&desk.db).await.unwrap().holds());
    }
}

#[tokio::test]
async fn evidence_of_others_is_not_found() {
    for test in databases().await {
        let room = room(&test).await;
        let desk = &room.desk;
        let item = room.sealed("a.log", "log").await;
        let other: Handler = officer(agency(2));
        let mut who = web::testing::officer_of([agency(2)]);
        who.account = other.account;
        let new = named("b.log", 3);
        let refused = [
            receive::begin(desk, &other, room.incident, new).await.map(drop),
            receive::add_part(desk, &other, item.id, (0, "x".into())).await.map(drop),
            receive::seal(desk, &other, item.id, "").await.map(drop),
            actions::remark(desk, &other, item.id, "xin chào").await,
            actions::hold(desk, &other, item.id, "điều tra").await,
            actions::dispose(desk, &other, item.id, "hết hạn").await,
            routes::taken(desk, &who, item.id).await.map(drop),
            routes::scan_asked(desk, &who, item.id).await.map(drop),
            routes::asked(desk, &who, room.incident).await.map(drop),
            pages::list(desk, &who, room.incident).await.map(drop),
            pages::detail(desk, &who, item.id, Page::default()).await.map(drop),
        ];
        for result in refused {
            assert!(matches!(result, Err(RespondError::NotFound)), "{}: {result:?}", test.name);
        }
        assert_eq!(room.acts(&item).await, ["uploaded", "given"]);
    }
}

#[tokio::test]
async fn what_cannot_be_evidence_is_refused_at_the_door() {
    let test = sqlite().await;
    let room = room(&test).await;
    let cases = [
        (named("a.log", 0), "size_bytes"),
        (named("a.log", 99 << 30), "size_bytes"),
        (named("Kế hoạch TUYỆT MẬT.docx", 3), "name"),
        (Incoming { collected_at: Some(at(60)), ..named("a.log", 3) }, "collected"),
    ];
    for (new, wanted) in cases {
        let refused = receive::begin(&room.desk, &analyst(), room.incident, new).await;
        let Err(RespondError::Field { field, .. }) = refused else { panic!("{wanted}") };
        assert_eq!(field, wanted);
    }
}
