//! What the tests of all slices share: a registry over a throw-away database with the demonstration's
//! province in it.

use std::sync::Arc;

use async_trait::async_trait;
use db::testing::TestDatabase;
use event::{AgencyId, DeadReason, Frame};
use web::{Role, Who};

use crate::demo::{Province, Sender, seed};
use crate::source::{Intake, IntakeListener, ParserInfo};
use crate::{Directory, HealthBook, Registry, Replay, dead_letter::ReplayError};

/// A registry to test with.
pub(crate) struct Desk {
    pub(crate) registry: Registry,
    pub(crate) test: TestDatabase,
    pub(crate) senders: Vec<Sender>,
}

/// Reads every frame whose bytes say `good`.
#[derive(Debug)]
struct ReadsGood;

#[async_trait]
impl Replay for ReadsGood {
    async fn replay(&self, frames: Vec<Frame>) -> Result<Vec<Result<(), DeadReason>>, ReplayError> {
        let read = |frame: &Frame| {
            if frame.bytes.starts_with(b"good") {
                Ok(())
            } else {
                Err(DeadReason::new("bad-json", "column 1: still wrong"))
            }
        };
        Ok(frames.iter().map(read).collect())
    }
}

/// Returns a desk for each database at hand.
pub(crate) async fn desks() -> Vec<Desk> {
    let mut desks = Vec::new();
    for test in db::testing::databases().await {
        desks.push(desk(test).await);
    }
    desks
}

/// Returns a desk on SQLite, for what does not depend on the database.
pub(crate) async fn one_desk() -> Desk {
    desk(db::testing::sqlite().await).await
}

async fn desk(test: TestDatabase) -> Desk {
    let senders = seed(&test.db, &Province::builtin().unwrap()).await.unwrap();
    let directory = Arc::new(Directory::load(&test.db).await.unwrap());
    let health = Arc::new(HealthBook::load(&test.db).await.unwrap());
    let parser = |id: &str| ParserInfo {
        id: id.to_owned(),
        title_vi: format!("Bộ đọc {id}"),
        title_en: format!("Parser {id}"),
        connect_vi: "Bật syslog.".to_owned(),
        connect_en: "Turn syslog on.".to_owned(),
    };
    let listener =
        IntakeListener { name: "syslog-udp".into(), transport: "udp".into(), port: 5514 };
    let registry = Registry {
        db: test.db.clone(),
        directory,
        health,
        replay: Arc::new(ReadsGood),
        quality: Arc::default(),
        parsers: ["nginx_nginx", "linux_sshd"].map(parser).to_vec().into(),
        intake: Arc::new(Intake {
            host: "10.0.0.5".to_owned(),
            http_url: "http://10.0.0.5:8514".to_owned(),
            syslog: vec![listener],
        }),
    };
    Desk { registry, test, senders }
}

impl Desk {
    /// Returns the id of an agency of the province.
    pub(crate) fn agency(&self, code: &str) -> AgencyId {
        let snapshot = self.registry.directory.snapshot();
        snapshot.tree().iter().find(|agency| agency.code == code).unwrap().id
    }

    /// Returns a sender of the province.
    pub(crate) fn sender(&self, code: &str) -> &Sender {
        self.senders.iter().find(|sender| sender.code == code).unwrap()
    }

    /// Returns the officer of an agency and of what is below it.
    pub(crate) fn officer(&self, code: &str) -> Who {
        let below = self.registry.directory.snapshot().tree().subtree(self.agency(code));
        web::testing::officer_of(below)
    }

    /// Returns the last audit entry's action.
    pub(crate) async fn last_action(&self) -> String {
        let scope = event::Scope::platform();
        let filter = db::audit::AuditFilter::default();
        let rows = db::audit::list(&self.test.db, &scope, &filter, 1).await.unwrap();
        rows[0].action.clone()
    }
}

/// Returns an administrator.
pub(crate) fn administrator() -> Who {
    web::testing::who(Role::Administrator)
}
