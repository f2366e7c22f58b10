//! Throw-away databases for tests: SQLite always, PostgreSQL when one is named.
//!
//! `for test in db::testing::databases().await { … test.db … }` runs a test on both. Set
//! `LUYTRE_TEST_POSTGRES=postgres://user@host/database` to include PostgreSQL; each test gets a
//! schema of its own there.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use event::{Clock, IdSource, TestClock};
use sea_orm::{ConnectionTrait as _, Database};
use tempfile::TempDir;

use crate::{Db, DbSettings, Durability};

/// When every test begins: 22/11/2026 07:00 UTC (14:00 in Vietnam).
pub const START_UNIX_S: i64 = 1_795_330_800;

/// An empty, migrated database with a clock that is turned by hand.
#[derive(Debug)]
pub struct TestDatabase {
    /// The database.
    pub db: Db,
    /// Its clock, standing at [`START_UNIX_S`].
    pub clock: Arc<TestClock>,
    /// `sqlite` or `postgres`, for messages.
    pub name: &'static str,
    folder: Option<TempDir>,
}

impl TestDatabase {
    /// Returns the folder that the SQLite file lies in; a test may put files beside it.
    pub fn folder(&self) -> Option<&std::path::Path> {
        self.folder.as_ref().map(TempDir::path)
    }
}

/// Returns a fresh database of each kind that can be reached, and prints which were left out.
///
/// # Panics
/// When a database that was asked for cannot be made: a test must not pass by not running.
pub async fn databases() -> Vec<TestDatabase> {
    let mut all = vec![sqlite().await];
    match postgres_url() {
        Some(url) => all.push(postgres(&url).await),
        None => say("skipped PostgreSQL: LUYTRE_TEST_POSTGRES is not set"),
    }
    all
}

/// Returns how a configuration names a fresh database of each kind that can be reached: empty for SQLite,
/// the address of a database of its own for PostgreSQL.
///
/// # Panics
/// When one that was asked for cannot be made.
pub async fn urls() -> Vec<String> {
    let mut all = vec![String::new()];
    match postgres_url() {
        Some(url) => {
            let name = format!("test_{}", IdSource::from_os().uuid(start()).simple());
            let admin = must(Database::connect(&url).await);
            must(admin.execute_unprepared(&format!("CREATE DATABASE {name}")).await);
            must(admin.close().await);
            let (server, _) = must(url.rsplit_once('/').ok_or("no database in the address"));
            all.push(format!("{server}/{name}"));
        }
        None => say("skipped PostgreSQL: LUYTRE_TEST_POSTGRES is not set"),
    }
    all
}

/// Returns a fresh SQLite database: for tests that do not depend on the kind.
///
/// # Panics
/// When it cannot be made.
pub async fn sqlite() -> TestDatabase {
    let folder = must(TempDir::new());
    let settings = DbSettings::sqlite(&folder.path().join("luytre.db"));
    open(settings, "sqlite", Some(folder)).await
}

async fn postgres(url: &str) -> TestDatabase {
    let schema = format!("test_{}", IdSource::from_os().uuid(start()).simple());
    let admin = must(Database::connect(url).await);
    must(admin.execute_unprepared(&format!("CREATE SCHEMA {schema}")).await);
    must(admin.close().await);
    open(DbSettings::from_url(url).schema(&schema), "postgres", None).await
}

async fn open(settings: DbSettings, name: &'static str, folder: Option<TempDir>) -> TestDatabase {
    let settings = settings.readers(2).durability(Durability::Nothing);
    let clock = Arc::new(TestClock::at(start()));
    let ids = Arc::new(IdSource::seeded(7));
    let shared: Arc<dyn Clock> = clock.clone();
    let db = must(Db::open(&settings, shared, ids).await);
    TestDatabase { db, clock, name, folder }
}

fn start() -> DateTime<Utc> {
    must(DateTime::from_timestamp(START_UNIX_S, 0).ok_or("no such time"))
}

#[expect(clippy::disallowed_methods, reason = "only a developer's shell names the test server")]
fn postgres_url() -> Option<String> {
    std::env::var("LUYTRE_TEST_POSTGRES").ok()
}

#[expect(clippy::print_stderr, reason = "a skipped test must say so")]
fn say(text: &str) {
    eprintln!("{text}");
}

#[expect(clippy::panic, reason = "a test database that cannot be made is a failed test")]
fn must<T, E: std::fmt::Debug>(result: Result<T, E>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("no test database: {error:?}"),
    }
}
