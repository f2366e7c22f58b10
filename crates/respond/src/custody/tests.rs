//! The chain of custody against both databases: nobody changes it, and files of older versions come in.

use db::testing::databases;
use sea_orm::ConnectionTrait as _;
use sea_orm::sea_query::{Query, SimpleExpr, Value};
use uuid::Uuid;

use super::{Act, Kind, Subject, adopt_old, chain, keep_bytes, path, read, receive, store};
use crate::desk::Desk;
use crate::files::Files;
use crate::testing::*;

fn subject(sha256: &str) -> Subject<'_> {
    Subject { kind: Kind::Evidence, id: Uuid::from_u128(5), agency: agency(1), sha256 }
}

#[tokio::test]
async fn neither_database_lets_a_line_of_custody_be_changed() {
    for test in databases().await {
        let folder = tempfile::tempdir().unwrap();
        let desk = Desk { files: Files::plain(folder.path()), ..desk(&test, Vec::new()) };
        let stored = keep_bytes(&desk.files, Uuid::from_u128(1), "log".into()).await.unwrap();
        let tx = desk.db.begin().await.unwrap();
        let one = subject(&stored.sha256);
        receive(&tx, &analyst(), one, (&stored, "máy chủ web")).await.unwrap();
        let about = db::Subject::new("evidence", one.id);
        let entry =
            db::AuditEntry::new(analyst().actor(), "evidence.seal", about, serde_json::json!({}));
        tx.commit(entry).await.unwrap();
        for sql in ["UPDATE custody_entry SET actor = 'kẻ khác'", "DELETE FROM custody_entry"] {
            let books = desk.db.begin_bookkeeping().await.unwrap();
            let refused = books.conn().execute_unprepared(sql).await;
            assert!(refused.unwrap_err().to_string().contains("append-only"), "{}", test.name);
        }
        let lines = chain(desk.db.conn(), Kind::Evidence, one.id).await.unwrap();
        assert_eq!(lines.len(), 1);
        assert_eq!((lines[0].act.as_str(), lines[0].actor.as_str()), ("uploaded", "Trần Minh"));
        let other = Uuid::from_u128(6);
        assert!(store::is_needed(desk.db.conn(), &stored.sha256, other).await.unwrap());
        assert!(!store::is_needed(desk.db.conn(), &stored.sha256, one.id).await.unwrap());
    }
}

#[tokio::test]
async fn a_changed_file_is_not_handed_out_and_the_same_bytes_lie_once() {
    let folder = tempfile::tempdir().unwrap();
    let files = &Files::plain(folder.path());
    let one = keep_bytes(files, Uuid::from_u128(1), "log".into()).await.unwrap();
    let two = keep_bytes(files, Uuid::from_u128(2), "log".into()).await.unwrap();
    assert_eq!(one, two);
    assert_eq!(read(files, &one.sha256).await.unwrap(), b"log");
    std::fs::write(path(files, &one.sha256), "lag").unwrap();
    assert!(read(files, &one.sha256).await.is_err());
    // Handed in once more, it is whole again.
    assert_eq!(keep_bytes(files, Uuid::from_u128(3), "log".into()).await.unwrap(), one);
    assert_eq!(read(files, &one.sha256).await.unwrap(), b"log");
    assert_eq!(std::fs::read_dir(files.join("incoming")).unwrap().count(), 0);
}

async fn insert(desk: &Desk, table: &'static str, row: Vec<(&'static str, Value)>) {
    let (columns, values): (Vec<_>, Vec<SimpleExpr>) =
        row.into_iter().map(|(name, value)| (name, SimpleExpr::from(value))).unzip();
    let query = Query::insert().into_table(table).columns(columns).values_panic(values).to_owned();
    let books = desk.db.begin_bookkeeping().await.unwrap();
    books.conn().execute(&query).await.unwrap();
    books.commit().await.unwrap();
}

fn text(text: &str) -> Value {
    Value::from(text)
}

/// Leaves a proof of an order as older versions did: its bytes in a folder of their own.
async fn old_proof(desk: &Desk, proof: Uuid, bytes: &str) {
    let (order, now) = (Uuid::from_u128(11), desk.db.now());
    let row = vec![
        ("id", order.into()),
        ("number", text("CD-1")),
        ("kind", text("directive")),
        ("title", text("x")),
        ("body", text("x")),
        ("signer", text("x")),
        ("issued_by", account(1).uuid().into()),
        ("issuer", text("x")),
        ("issued_at", now.into()),
        ("acknowledge_by", now.into()),
        ("done_by", now.into()),
        ("needs_proof", true.into()),
        ("head_after_days", 1.into()),
        ("is_open", true.into()),
    ];
    insert(desk, "orders", row).await;
    let row = vec![
        ("id", proof.into()),
        ("order_id", order.into()),
        ("agency_id", agency(1).uuid().into()),
        ("name", text("a.txt")),
        ("size_bytes", 5_i64.into()),
        ("sha256", text(&crate::file::sha256(bytes))),
        ("added_by", text("Lê An")),
        ("added_at", now.into()),
    ];
    insert(desk, "order_proof", row).await;
    let folder = desk.files.join("orders");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(proof.to_string()), bytes).unwrap();
}

/// Leaves a signed report as older versions did: its bytes in the database.
async fn old_report(desk: &Desk, report: Uuid, bytes: &[u8]) {
    let now = desk.db.now();
    let row = vec![
        ("id", report.into()),
        ("kind", text("initial")),
        ("state", text("approved")),
        ("agency_id", agency(1).uuid().into()),
        ("summary", text("x")),
        ("version", 1.into()),
        ("made_by", account(1).uuid().into()),
        ("author", text("x")),
        ("made_at", now.into()),
        ("changed_at", now.into()),
    ];
    insert(desk, "report", row).await;
    let row = vec![
        ("report_id", report.into()),
        ("name", text("a.pdf")),
        ("sha256", text(&crate::file::sha256(bytes))),
        ("bytes", bytes.to_vec().into()),
        ("author", text("Trần Minh")),
        ("made_at", now.into()),
    ];
    insert(desk, "report_signed", row).await;
}

#[tokio::test]
async fn files_of_older_versions_come_into_the_store_once() {
    for test in databases().await {
        let folder = tempfile::tempdir().unwrap();
        let desk = Desk { files: Files::plain(folder.path()), ..desk(&test, Vec::new()) };
        let (proof, report) = (Uuid::from_u128(12), Uuid::from_u128(13));
        let pdf = b"%PDF-1.7 x";
        old_proof(&desk, proof, "proof").await;
        old_report(&desk, report, pdf).await;
        assert_eq!(adopt_old(&desk).await.unwrap(), 2, "{}", test.name);
        assert_eq!(adopt_old(&desk).await.unwrap(), 0, "once is enough");
        let kept = read(&desk.files, &crate::file::sha256("proof")).await.unwrap();
        assert_eq!(kept, b"proof");
        assert_eq!(read(&desk.files, &crate::file::sha256(pdf)).await.unwrap(), pdf);
        let lines = chain(desk.db.conn(), Kind::OrderProof, proof).await.unwrap();
        assert_eq!((lines[0].actor.as_str(), lines[0].at), ("Lê An", desk.db.now()));
        let lines = chain(desk.db.conn(), Kind::ReportSigned, report).await.unwrap();
        assert_eq!((lines.len(), lines[0].act.as_str()), (1, Act::Uploaded.word()));
        assert!(crate::report::next_in_rows(desk.db.conn()).await.unwrap().is_none());
    }
}
