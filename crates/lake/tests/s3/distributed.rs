//! Questions that a scheduler and two executors answer, on loopback: as this node would answer them, whatever
//! happens to them meanwhile.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use event::lake::{LakeError, LakeReader as _, Table, TableCell};
use event::{AccountId, Scope};
use lake::distributed::{
    ClusterSettings, Credentials, ExecutorSettings, QueryExecutor, QueryScheduler,
    SchedulerSettings,
};
use lake::{Lake, LakeSettings};
use uuid::Uuid;

use crate::home::{Home, agency, at, events, run};

/// Rows of a granule: what is read together.
const GRANULE: u64 = 8192;

/// Busy executors say a word every five seconds.
const EXECUTOR_TIMEOUT: Duration = Duration::from_secs(7);

/// However long the machine takes.
const PATIENCE: Duration = Duration::from_mins(2);

fn anywhere() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

fn secret() -> Credentials {
    Credentials::new(b"a secret of the tests")
}

async fn scheduler(listen: SocketAddr) -> QueryScheduler {
    let settings =
        SchedulerSettings { listen, credentials: secret(), executor_timeout: EXECUTOR_TIMEOUT };
    QueryScheduler::start(settings).await.unwrap()
}

struct Worker {
    executor: QueryExecutor,
    _folder: tempfile::TempDir,
}

impl Worker {
    async fn start(home: &Home, scheduler: SocketAddr, credentials: Credentials) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = ExecutorSettings {
            scheduler: scheduler.to_string(),
            listen: anywhere(),
            host: String::new(),
            credentials,
            work_folder: folder.path().to_owned(),
            tasks: 2,
            task_memory_bytes: 256 << 20,
        };
        let executor = QueryExecutor::start(settings, &home.settings()).await.unwrap();
        Self { executor, _folder: folder }
    }

    fn begun(&self) -> u64 {
        self.executor.work_done().begun
    }
}

struct Farm {
    home: Home,
    scheduler: QueryScheduler,
    workers: Vec<Worker>,
    lake: Arc<Lake>,
}

impl Farm {
    /// Starts a lake with ten events, and waits until its questions go to the executors.
    async fn start(change: impl FnOnce(&mut LakeSettings)) -> Self {
        let home = Home::new();
        let scheduler = scheduler(anywhere()).await;
        let address = scheduler.address();
        let mut workers = Vec::new();
        for _ in 0..2 {
            workers.push(Worker::start(&home, address, secret()).await);
        }
        let mut settings = home.settings();
        settings.cluster = Some(ClusterSettings {
            scheduler: address.to_string(),
            credentials: secret(),
            partitions: 4,
            rows_min: 0,
        });
        change(&mut settings);
        let lake = home.open_with(settings).await;
        let farm = Self { home, scheduler, workers, lake };
        farm.fill(0..10, 1).await;
        farm.is_asked(0).await;
        farm
    }

    async fn fill(&self, numbers: std::ops::Range<i64>, position: u64) {
        self.lake.append(events(numbers), at(position)).await.unwrap();
        self.lake.flush().await.unwrap();
    }

    /// Brings in four files of a thousand events.
    async fn fill_more(&self) {
        for part in 1..5_u32 {
            let first = i64::from(part) * 1000;
            self.fill(first..first + 1000, 10 + u64::from(part)).await;
        }
    }

    fn begun(&self) -> u64 {
        self.workers.iter().map(Worker::begun).sum()
    }

    /// Asks until the executors have begun more tasks than before.
    async fn is_asked(&self, before: u64) {
        let asked = async {
            while self.begun() <= before {
                ask(&self.lake, &Scope::platform(), COUNT).await;
            }
        };
        tokio::time::timeout(PATIENCE, asked).await.unwrap();
    }

    /// Asks, and makes sure that it was not this node who answered.
    async fn ask(&self, scope: &Scope, sql: &str) -> Table {
        let before = self.lake.cluster_answers();
        let table = ask(&self.lake, scope, sql).await;
        assert_eq!(self.lake.cluster_answers(), before + 1, "this node answered: {sql}");
        table
    }

    /// Begins a question and waits until executors are at it.
    async fn begin(&self, sql: &'static str, all: bool) -> tokio::task::JoinHandle<Answer> {
        let begun: Vec<u64> = self.workers.iter().map(Worker::begun).collect();
        let lake = Arc::clone(&self.lake);
        let asking = tokio::spawn(async move { lake.sql(&Scope::platform(), sql).await });
        let at_it = async {
            loop {
                let mut busy = self.workers.iter().zip(&begun);
                let is_busy = |(worker, begun): (&Worker, &u64)| worker.begun() > *begun;
                if if all { busy.all(is_busy) } else { busy.any(is_busy) } {
                    break;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, at_it).await.unwrap();
        asking
    }
}

type Answer = Result<Table, LakeError>;

async fn ask(lake: &Lake, scope: &Scope, sql: &str) -> Table {
    let table = lake.sql(scope, sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    Table { took_ms: 0, ..table }
}

fn officer() -> Scope {
    let account = AccountId::from_uuid(Uuid::from_u128(1));
    Scope::agencies(account, BTreeSet::from([agency(1)]))
}

/// How many events there are, counted one by one: else the catalogue knows it.
const COUNT: &str = "SELECT count(*) FROM events WHERE raw <> ''";

const QUESTIONS: [&str; 12] = [
    "SELECT count(*), max(src_port), min(occurred_at) FROM events WHERE raw <> ''",
    "SELECT id, raw FROM events WHERE has_token(raw, '1776') ORDER BY id",
    "SELECT \"user\", count(*) AS n FROM events WHERE src_port >= 1100 GROUP BY \"user\" \
     ORDER BY n DESC, \"user\" LIMIT 3",
    "SELECT date_trunc('minute', occurred_at) AS m, count(*) FROM events \
     WHERE src_ip LIKE '10.0.0.%' GROUP BY m ORDER BY m LIMIT 20",
    "SELECT src_ip, sum(src_port) AS s FROM events GROUP BY src_ip ORDER BY s DESC, src_ip LIMIT 5",
    "SELECT id, src_port FROM events ORDER BY occurred_at DESC LIMIT 7",
    "SELECT count(DISTINCT src_ip) FROM events WHERE raw ILIKE '%password for user3%'",
    "WITH few AS (SELECT * FROM events WHERE src_port < 1005) \
     SELECT count(*) FROM few a JOIN events b ON a.id = b.id",
    "SELECT count(*) FROM events WHERE occurred_at >= TIMESTAMP '2026-09-21T13:53:00Z' \
     AND occurred_at < TIMESTAMP '2026-09-21T13:54:00Z'",
    "SELECT src_port, (SELECT max(src_port) FROM events) AS m FROM events \
     WHERE src_port < 1003 ORDER BY src_port",
    "SELECT src_port FROM events WHERE src_port < 1004 UNION ALL \
     SELECT src_port FROM events WHERE src_port BETWEEN 2500 AND 2504 ORDER BY src_port",
    "SELECT \"user\", src_port, row_number() OVER (PARTITION BY \"user\" ORDER BY src_port) AS n \
     FROM events WHERE src_port < 1010 ORDER BY \"user\", n",
];

#[test]
fn the_cluster_answers_as_this_node_does() {
    run(async {
        let farm = Farm::start(|_| {}).await;
        farm.fill_more().await;
        let folder = tempfile::tempdir().unwrap();
        let alone = LakeSettings { folder: folder.path().to_owned(), ..farm.home.settings() };
        let alone = farm.home.open_with(alone).await;
        // Some are in memory still: they travel along.
        for lake in [&farm.lake, &alone] {
            lake.append(events(6000..6050), at(20)).await.unwrap();
        }
        let account = AccountId::from_uuid(Uuid::nil());
        for scope in [Scope::platform(), officer(), Scope::agencies(account, BTreeSet::new())] {
            let sees = scope.visible().is_none_or(|seen| !seen.is_empty());
            for sql in QUESTIONS {
                let own = ask(&alone, &scope, sql).await;
                assert_eq!(farm.ask(&scope, sql).await, own, "{sql}");
                let mut texts = own.rows.iter().flatten().filter_map(TableCell::text);
                assert_eq!(texts.any(|text| !["", "0"].contains(&text)), sees, "{sql}: {own:?}");
            }
        }
        assert!(farm.workers.iter().all(|worker| worker.begun() > 0), "both executors worked");
    });
}

#[test]
fn what_the_index_left_out_stays_out() {
    run(async {
        let farm = Farm::start(|_| {}).await;
        farm.fill(1000..25_000, 2).await;
        let filtered = || -> u64 {
            farm.workers.iter().map(|worker| worker.executor.work_done().rows_filtered).sum()
        };
        let before = filtered();
        let sql = "SELECT src_port FROM events WHERE has_token(raw, '11777')";
        assert_eq!(farm.ask(&Scope::platform(), sql).await.rows, [["12777"]]);
        // Of two files and four granules, one granule.
        assert_eq!(filtered() - before, GRANULE);
        let before = filtered();
        let sql = "SELECT count(*) FROM events WHERE raw LIKE '%[11777]%'";
        assert_eq!(farm.ask(&Scope::platform(), sql).await.rows, [["1"]]);
        assert_eq!(filtered() - before, 24_010, "without the index every row is looked at");
    });
}

#[test]
fn a_border_holds_on_the_executors_too() {
    run(async {
        let farm = Farm::start(|_| {}).await;
        farm.fill(1000..1300, 2).await;
        // Numbers divisible by three are the officer's; all others would make this fail.
        let sql = "SELECT count(*) FROM events \
                   WHERE 1 / (CASE WHEN src_port % 3 = 1 THEN 1 ELSE 0 END) = 1";
        assert_eq!(farm.ask(&officer(), sql).await.rows, [["104"]]);
        farm.lake.sql(&Scope::platform(), sql).await.unwrap_err();
    });
}

#[test]
fn what_only_this_node_has_is_answered_here() {
    run(async {
        let farm = Farm::start(|_| {}).await;
        let file = farm.lake.files().remove(0);
        assert!(farm.lake.move_file(&file, lake::Where::Folder).await.unwrap());
        let before = farm.begun();
        let counted = ask(&farm.lake, &Scope::platform(), COUNT).await;
        let cells: Vec<_> = counted.rows.iter().flatten().map(TableCell::text).collect();
        assert_eq!((cells, farm.begun()), (vec![Some("10")], before));
    });
}

/// So many comparisons that it takes a while.
const LONG: &str = "SELECT count(*) FROM events a JOIN events b ON a.\"user\" = b.\"user\" \
                    WHERE a.raw || b.raw LIKE '%x%x%x%'";

#[test]
fn a_lost_executor_is_replaced() {
    run(async {
        let patient = |settings: &mut LakeSettings| settings.query_timeout = 3 * PATIENCE;
        let mut farm = Farm::start(patient).await;
        farm.fill_more().await;
        let asking = farm.begin(LONG, true).await;
        // Both are at it: now one of them is gone without a word.
        drop(farm.workers.pop());
        let before = farm.begun();
        assert_eq!(asking.await.unwrap().unwrap().rows, [["0"]]);
        assert!(farm.begun() > before, "the other one did what was left");
        assert_eq!(farm.ask(&Scope::platform(), COUNT).await.rows, [["4010"]]);
    });
}

#[test]
fn without_a_scheduler_this_node_answers_until_it_is_back() {
    run(async {
        let mut farm = Farm::start(|_| {}).await;
        let address = farm.scheduler.address();
        drop(farm.scheduler);
        let ended = async {
            while tokio::net::TcpStream::connect(address).await.is_ok() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, ended).await.unwrap();
        let before: u64 = farm.workers.iter().map(Worker::begun).sum();
        assert_eq!(ask(&farm.lake, &Scope::platform(), COUNT).await.rows, [["10"]]);
        assert_eq!(farm.workers.iter().map(Worker::begun).sum::<u64>(), before);
        farm.scheduler = scheduler(address).await;
        farm.is_asked(before).await;
        assert_eq!(farm.ask(&Scope::platform(), COUNT).await.rows, [["10"]]);
    });
}

#[test]
fn who_does_not_know_the_secret_is_not_heard() {
    run(async {
        let farm = Farm::start(|_| {}).await;
        let address = farm.scheduler.address();
        let strange = Credentials::new(b"another secret");
        let stranger = Worker::start(&farm.home, address, strange.clone()).await;
        let folder = tempfile::tempdir().unwrap();
        let settings = LakeSettings {
            cluster: Some(ClusterSettings {
                scheduler: address.to_string(),
                credentials: strange,
                partitions: 2,
                rows_min: 0,
            }),
            folder: folder.path().to_owned(),
            ..farm.home.settings()
        };
        let other = farm.home.open_with(settings).await;
        let before = farm.begun();
        assert_eq!(ask(&other, &Scope::platform(), COUNT).await.rows, [["10"]]);
        assert_eq!(farm.begun(), before, "its plan was not taken");
        for _ in 0..10 {
            farm.ask(&Scope::platform(), COUNT).await;
        }
        assert_eq!(stranger.begun(), 0);
    });
}

#[test]
fn a_question_that_nobody_waits_for_ends() {
    run(async {
        let short = |settings: &mut LakeSettings| settings.query_timeout = Duration::from_secs(15);
        let farm = Farm::start(short).await;
        farm.fill(1000..2000, 2).await;
        let endless = "SELECT count(*) FROM events a, events b, events c, events d \
                       WHERE a.raw || b.raw || c.raw <> d.raw";
        farm.begin(endless, false).await.abort();
        let ended = async {
            let is_busy = |worker: &Worker| {
                let done = worker.executor.work_done();
                done.ended < done.begun
            };
            while farm.workers.iter().any(is_busy) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, ended).await.unwrap();
        assert_eq!(farm.ask(&Scope::platform(), COUNT).await.rows, [["1010"]]);
    });
}
