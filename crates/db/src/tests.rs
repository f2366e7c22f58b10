//! Tests of the connection, the transaction and the audit chain, on every database at hand.

use chrono::TimeDelta;
use event::{AccountId, AgencyId, Scope};
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};
use uuid::Uuid;

use crate::audit::{self, AuditFilter, Verdict};
use crate::testing::{TestDatabase, databases, sqlite};
use crate::{Actor, AuditEntry, Db, DbError, Subject, violated_constraint};

fn agency(number: u128) -> AgencyId {
    AgencyId::from_uuid(Uuid::from_u128(number))
}

async fn note(db: &Db, action: &str, of: AgencyId) {
    let entry = AuditEntry::new(
        Actor::Platform("test"),
        action,
        Subject::new("thing", of),
        serde_json::json!({"name": "Sở Tài chính", "n": 1}),
    );
    db.begin().await.unwrap().commit(entry.of_agency(of)).await.unwrap();
}

async fn change_behind_the_back(test: &TestDatabase, sql: &str) {
    let unlock: &[&str] = match test.db.backend() {
        DbBackend::Sqlite => {
            &["DROP TRIGGER audit_entry_no_update", "DROP TRIGGER audit_entry_no_delete"]
        }
        _ => &["DROP TRIGGER audit_entry_append_only ON audit_entry"],
    };
    for statement in unlock.iter().chain([&sql]) {
        test.db.writer().execute_unprepared(statement).await.unwrap();
    }
}

#[tokio::test]
async fn the_audit_chain_holds_and_gives_a_change_away() {
    let tampering = [
        ("UPDATE audit_entry SET detail = '{}' WHERE seq = 2", 2),
        ("UPDATE audit_entry SET actor_name = 'nobody' WHERE seq = 3", 3),
        ("DELETE FROM audit_entry WHERE seq = 2", 3),
        ("DELETE FROM audit_entry WHERE seq = 1", 2),
    ];
    for (sql, first_bad) in tampering {
        for test in databases().await {
            for action in ["a.one", "a.two", "b.three"] {
                note(&test.db, action, agency(1)).await;
            }
            let good = audit::verify(&test.db).await.unwrap();
            assert_eq!((good.entries, good.first_bad), (3, None), "{}", test.name);
            change_behind_the_back(&test, sql).await;
            let bad = audit::verify(&test.db).await.unwrap();
            assert_eq!(bad.first_bad, Some(first_bad), "{}: {sql}", test.name);
            assert_ne!(bad.head, good.head);
        }
    }
}

#[tokio::test]
async fn the_audit_table_refuses_to_be_changed() {
    for test in databases().await {
        note(&test.db, "a.one", agency(1)).await;
        for sql in ["UPDATE audit_entry SET detail = '{}'", "DELETE FROM audit_entry"] {
            let refused = test.db.writer().execute_unprepared(sql).await.unwrap_err();
            assert!(refused.to_string().contains("append-only"), "{}: {refused}", test.name);
        }
    }
}

#[tokio::test]
async fn a_reader_cannot_write_and_a_dropped_transaction_never_happened() {
    for test in databases().await {
        let write = "INSERT INTO lake_position (id, position, updated_at)
                     VALUES (1, 7, '2026-11-22T07:00:00+00:00')";
        assert!(test.db.conn().execute_unprepared(write).await.is_err(), "{}", test.name);
        let tx = test.db.begin().await.unwrap();
        tx.conn().execute_unprepared(write).await.unwrap();
        drop(tx);
        assert_eq!(count(&test.db, "lake_position").await, 0, "{}", test.name);
        let kept = test.db.begin_bookkeeping().await.unwrap();
        kept.conn().execute_unprepared(write).await.unwrap();
        kept.commit().await.unwrap();
        assert_eq!(count(&test.db, "lake_position").await, 1, "{}", test.name);
        assert_eq!(count(&test.db, "audit_entry").await, 0, "{}", test.name);
    }
}

async fn count(db: &Db, table: &str) -> i64 {
    let sql = format!("SELECT count(*) AS n FROM {table}");
    let row = db.conn().query_one_raw(Statement::from_string(db.backend(), sql)).await.unwrap();
    row.unwrap().try_get("", "n").unwrap()
}

#[tokio::test]
async fn parallel_commits_keep_the_chain_whole() {
    for test in databases().await {
        let commits = (0..20).map(|_| {
            let db = test.db.clone();
            tokio::spawn(async move { note(&db, "a.one", agency(1)).await })
        });
        for commit in commits.collect::<Vec<_>>() {
            commit.await.unwrap();
        }
        let verdict = audit::verify(&test.db).await.unwrap();
        assert_eq!((verdict.entries, verdict.first_bad), (20, None), "{}", test.name);
    }
}

#[tokio::test]
async fn the_list_is_filtered_and_bound_to_what_one_may_see() {
    for test in databases().await {
        for (action, number) in [("a.one", 1), ("a.two", 2), ("b.three", 1)] {
            note(&test.db, action, agency(number)).await;
        }
        let account = AccountId::from_uuid(Uuid::from_u128(9));
        let own = Scope::agencies(account, [agency(1)].into());
        let only_a = AuditFilter { action: Some("a.".to_owned()), ..AuditFilter::default() };
        let later = AuditFilter { before_seq: Some(3), ..AuditFilter::default() };
        let cases = [
            (Scope::platform(), AuditFilter::default(), vec![3, 2, 1]),
            (Scope::province(account), only_a.clone(), vec![2, 1]),
            (Scope::platform(), later, vec![2, 1]),
            (own.clone(), AuditFilter::default(), vec![3, 1]),
            (own, only_a, vec![1]),
        ];
        for (scope, filter, expected) in cases {
            let rows = audit::list(&test.db, &scope, &filter, 10).await.unwrap();
            let found: Vec<i64> = rows.iter().map(|row| row.seq).collect();
            assert_eq!(found, expected, "{}: {filter:?}", test.name);
        }
    }
}

#[tokio::test]
async fn a_broken_constraint_has_a_name() {
    for test in databases().await {
        let insert = "INSERT INTO lake_position (id, position, updated_at)
                      VALUES (1, 7, '2026-11-22T07:00:00+00:00')";
        let tx = test.db.begin().await.unwrap();
        tx.conn().execute_unprepared(insert).await.unwrap();
        let twice = tx.conn().execute_unprepared(insert).await.unwrap_err();
        let name = violated_constraint(&twice).unwrap();
        assert!(name.contains("lake_position"), "{}: {name}", test.name);
    }
}

#[tokio::test]
async fn a_backup_is_a_whole_database() {
    let test = sqlite().await;
    note(&test.db, "a.one", agency(1)).await;
    let copy = test.folder().unwrap().join("copy's.db");
    test.db.backup(&copy).await.unwrap();
    assert!(matches!(test.db.backup(&copy).await, Err(DbError::BackupExists(_))));
    let settings = crate::DbSettings::sqlite(&copy);
    let opened = Db::open(&settings, test.db.clock().clone(), test.db.ids().clone()).await.unwrap();
    let verdict = audit::verify(&opened).await.unwrap();
    assert_eq!(verdict, Verdict { entries: 1, ..audit::verify(&test.db).await.unwrap() });
}

#[tokio::test]
async fn a_database_from_a_newer_version_is_left_alone() {
    let test = sqlite().await;
    let newer = "INSERT INTO schema_migration VALUES ('9999_future', 'x')";
    test.db.writer().execute_unprepared(newer).await.unwrap();
    let settings = crate::DbSettings::sqlite(&test.folder().unwrap().join("luytre.db"));
    let opened = Db::open(&settings, test.db.clock().clone(), test.db.ids().clone()).await;
    assert!(matches!(opened, Err(DbError::TooNew { name }) if name == "9999_future"));
}

#[tokio::test]
async fn a_printed_anchor_is_borne_out_by_the_chain_it_was_taken_of_alone() {
    for test in databases().await {
        note(&test.db, "a.one", agency(1)).await;
        test.clock.advance(TimeDelta::days(10));
        note(&test.db, "a.two", agency(1)).await;
        let period = audit::month("2026-11").unwrap();
        let anchor = audit::anchor(&test.db, period).await.unwrap();
        let mark = anchor.mark.clone().unwrap();
        assert_eq!((anchor.entries, mark.seq), (1, 1), "{}: the second is of December", test.name);
        let holds = audit::verify_against(&test.db, std::slice::from_ref(&mark)).await.unwrap();
        assert!(holds.holds());
        let other = audit::Mark { hash: "0".repeat(64), ..mark.clone() };
        let cut = audit::Mark { seq: 9, ..mark };
        for (mark, seq) in [(other, 1), (cut, 9)] {
            let verdict = audit::verify_against(&test.db, &[mark]).await.unwrap();
            assert_eq!((verdict.first_bad, verdict.first_missed), (None, Some(seq)));
            assert!(!verdict.holds());
        }
        let before = audit::anchor(&test.db, audit::month("2026-01").unwrap()).await.unwrap();
        assert_eq!((before.entries, before.mark), (0, None));
    }
}
