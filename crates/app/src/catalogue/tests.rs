//! The catalogue, on every database there is.

use chrono::{DateTime, Utc};
use db::{Actor, AuditEntry, Subject};
use event::{EventId, SpoolPosition};
use lake::{Catalogue as _, Leftover, Note, Segment, SegmentId, Where};
use sea_orm::ConnectionTrait as _;
use sea_orm::sea_query::{Query, SimpleExpr, Value};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{DbCatalogue, chain, held, store, witness};

/// Returns what the catalogue knows of a file that nobody wrote.
pub(crate) fn segment(number: u128) -> Segment {
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
        key: None,
        lies_in: Where::Folder,
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
async fn the_chain_tells_what_came_and_went_and_who_meddled() {
    for test in db::testing::databases().await {
        let catalogue = DbCatalogue::new(test.db.clone(), false);
        let verify = async || chain::verify(&test.db).await.unwrap();
        assert_eq!((verify().await.entries, verify().await.holds()), (0, true));
        let (one, two, three) = (segment(1), segment(2), segment(3));
        catalogue.commit(&[one.clone(), two.clone()], &[], Some(SpoolPosition(5))).await.unwrap();
        // The answer was lost: the same again is no second entry.
        catalogue.commit(&[one.clone(), two.clone()], &[], Some(SpoolPosition(5))).await.unwrap();
        let before = verify().await;
        assert_eq!((before.entries, before.holds()), (2, true), "{}", test.name);
        let detail = serde_json::json!({ "file": one.path, "events": 7 });
        let note = Note { kind: "deletion", detail: detail.clone() };
        let add = std::slice::from_ref(&three);
        catalogue.commit_noted(add, &[one.id, two.id], &note).await.unwrap();
        catalogue.commit_noted(add, &[one.id, two.id], &note).await.unwrap();
        let after = verify().await;
        assert_eq!((after.entries, after.holds()), (6, true), "note, add, two removals");
        assert_ne!(after.head, before.head);
        let kept = chain::notes(&test.db, None, 10).await.unwrap();
        assert_eq!(kept.len(), 1);
        assert_eq!((kept[0].seq, &kept[0].detail), (3, &detail));
        assert_eq!(chain::notes(&test.db, Some(3), 10).await.unwrap(), []);
        let scope = event::Scope::platform();
        let audit = db::audit::list(&test.db, &scope, &db::audit::AuditFilter::default(), 5).await;
        let audit: Vec<String> = audit.unwrap().into_iter().map(|row| row.action).collect();
        assert_eq!(audit, ["lake.deletion"], "in the audit trail as well, once");
        // A file that is not in the lake any more: nothing is deleted, and nobody says so.
        catalogue.commit_noted(&[], &[one.id], &note).await.unwrap();
        let audit = db::audit::list(&test.db, &scope, &db::audit::AuditFilter::default(), 5).await;
        assert_eq!((audit.unwrap().len(), verify().await.entries), (1, 6));
        // A file that the catalogue has and the chain does not: someone wrote it there.
        let books = test.db.begin_bookkeeping().await.unwrap();
        store::add(books.conn(), &[segment(9)], books.now()).await.unwrap();
        books.commit().await.unwrap();
        assert_eq!(verify().await.strangers, [segment(9).id.to_string()]);
    }
}

async fn insert(db: &db::Db, table: &'static str, row: Vec<(&'static str, Value)>) {
    let (columns, values): (Vec<_>, Vec<SimpleExpr>) =
        row.into_iter().map(|(name, value)| (name, SimpleExpr::from(value))).unzip();
    let query = Query::insert().into_table(table).columns(columns).values_panic(values).to_owned();
    let books = db.begin_bookkeeping().await.unwrap();
    books.conn().execute(&query).await.unwrap();
    books.commit().await.unwrap();
}

/// Holds all logs of an agency for an incident.
async fn hold(db: &db::Db, agency: Uuid, from: DateTime<Utc>, set_at: DateTime<Utc>) {
    let incident = Uuid::from_u128(70);
    let mut row: Vec<(&str, Value)> = vec![
        ("id", incident.into()),
        ("agency_id", agency.into()),
        ("severity", 3_i16.into()),
        ("is_open", true.into()),
    ];
    row.extend(["number", "title", "folded"].map(|name| (name, "SC-2026-0001".into())));
    row.push(("state", "open".into()));
    row.extend(["detected_at", "opened_at", "changed_at"].map(|name| (name, db.now().into())));
    insert(db, "incident", row).await;
    let row: Vec<(&str, Value)> = vec![
        ("id", Uuid::from_u128(71).into()),
        ("incident_id", incident.into()),
        ("agency_id", agency.into()),
        ("systems", serde_json::json!([]).into()),
        ("from_at", from.into()),
        ("reason", "cơ quan điều tra yêu cầu".into()),
        ("set_by", "a".into()),
        ("set_at", set_at.into()),
    ];
    insert(db, "legal_hold", row).await;
}

#[tokio::test]
async fn what_is_held_when_its_deletion_commits_stays() {
    for test in db::testing::databases().await {
        let catalogue = DbCatalogue::new(test.db.clone(), false);
        let (one, two) = (segment(1), segment(2));
        catalogue.commit(&[one.clone(), two.clone()], &[], None).await.unwrap();
        let deletion = |number: u128| {
            let (agency, at) = (Uuid::from_u128(number), one.max_occurred_at);
            let rows = serde_json::json!({ "agency": agency, "system": null, "to": at });
            Note { kind: "deletion", detail: serde_json::json!({ "deleted": [rows] }) }
        };
        // Whoever decided to delete looked at the holds before this one was set.
        hold(&test.db, Uuid::from_u128(7), one.max_occurred_at, test.db.now()).await;
        let refused = catalogue.commit_noted(&[], &[one.id], &deletion(7)).await.unwrap_err();
        assert!(refused.is_held(), "{}: {refused:?}", test.name);
        assert_eq!(catalogue.segments().await.unwrap(), [one.clone(), two.clone()]);
        assert_eq!(chain::notes(&test.db, None, 10).await.unwrap(), []);
        // Another agency's logs are not held.
        catalogue.commit_noted(&[], &[two.id], &deletion(8)).await.unwrap();
        assert_eq!(catalogue.segments().await.unwrap(), [one]);
        assert!(chain::verify(&test.db).await.unwrap().holds());
    }
}

#[tokio::test]
async fn a_hold_that_is_not_what_the_trail_tells_is_found() {
    for test in db::testing::databases().await {
        let (agency, from) = (Uuid::from_u128(7), segment(1).max_occurred_at);
        let tell = async |action: &str| {
            let detail =
                serde_json::json!({ "number": "SC-2026-0001", "systems": [], "from": from });
            let subject = Subject::new("incident", Uuid::from_u128(70));
            let tx = test.db.begin().await.unwrap();
            let at = tx.now();
            tx.commit(AuditEntry::new(Actor::CommandLine, action, subject, detail)).await.unwrap();
            at
        };
        let change = async |to: SimpleExpr, column: &'static str| {
            let query = Query::update().table("legal_hold").value(column, to).to_owned();
            let books = test.db.begin_bookkeeping().await.unwrap();
            books.conn().execute(&query).await.unwrap();
            books.commit().await.unwrap();
        };
        let meddled =
            async || held::meddled(&test.db).await.unwrap().into_iter().collect::<Vec<_>>();
        let set_at = tell("incident.hold").await;
        assert_eq!(meddled().await, ["SC-2026-0001"], "{}: there is none", test.name);
        assert!(!chain::verify(&test.db).await.unwrap().holds());
        hold(&test.db, agency, from, set_at).await;
        assert_eq!(meddled().await, Vec::<String>::new(), "{}", test.name);
        // Someone lets it begin later, or lifts it, without a word in the trail.
        let later = from + chrono::TimeDelta::days(1);
        change(Value::from(later).into(), "from_at").await;
        assert_eq!(meddled().await, ["SC-2026-0001"], "{}", test.name);
        change(Value::from(from).into(), "from_at").await;
        change(Value::from(test.db.now()).into(), "lifted_at").await;
        assert_eq!(meddled().await, ["SC-2026-0001"], "{}", test.name);
        // Lifted as it should be.
        let lifted_at = tell("incident.hold-lifted").await;
        change(Value::from(lifted_at).into(), "lifted_at").await;
        assert_eq!(meddled().await, Vec::<String>::new(), "{}", test.name);
        assert!(chain::verify(&test.db).await.unwrap().holds());
    }
}

#[tokio::test]
async fn the_chain_is_followed_from_outside_as_the_docs_tell() {
    for test in db::testing::databases().await {
        let catalogue = DbCatalogue::new(test.db.clone(), false);
        catalogue.commit(&[segment(1), segment(2)], &[], None).await.unwrap();
        let detail = serde_json::json!({ "file": segment(1).path, "basis": "lưu 12 tháng" });
        let note = Note { kind: "deletion", detail };
        catalogue.commit_noted(&[], &[segment(1).id], &note).await.unwrap();
        let entries = chain::entries(&test.db, 0).await.unwrap();
        assert_eq!(entries.len(), 4);
        assert_eq!(chain::entries(&test.db, 4).await.unwrap(), []);
        // By docs/proof.md, from what is printed.
        let mut before = String::new();
        for entry in &entries {
            let printed = serde_json::to_value(entry).unwrap();
            let text = |name: &str| match &printed[name] {
                serde_json::Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let mut hash = Sha256::new();
            let names = ["seq", "at_us", "kind", "file", "detail"];
            for part in std::iter::once(before).chain(names.map(text)) {
                hash.update((part.len() as u64).to_be_bytes());
                hash.update(part.as_bytes());
            }
            before = format!("{:x}", hash.finalize());
            assert_eq!(before, text("hash"), "{}", test.name);
        }
        assert_eq!(chain::verify(&test.db).await.unwrap().head, before);
    }
}

#[tokio::test]
async fn who_cuts_the_end_off_is_found_by_what_the_audit_trail_saw() {
    for test in db::testing::databases().await {
        let catalogue = DbCatalogue::new(test.db.clone(), false);
        let verify = async || chain::verify(&test.db).await.unwrap();
        let told = async || {
            let filter = db::audit::AuditFilter::default();
            let rows = db::audit::list(&test.db, &event::Scope::platform(), &filter, 100).await;
            rows.unwrap().iter().filter(|row| row.action == "lake.chain").count()
        };
        witness::write(&test.db).await.unwrap();
        assert_eq!(told().await, 0, "there is no chain yet");
        catalogue.commit(&[segment(1), segment(2)], &[], None).await.unwrap();
        for _ in 0..2 {
            witness::write(&test.db).await.unwrap();
            assert_eq!((told().await, verify().await.holds()), (1, true), "once for one end");
        }
        let end = verify().await.head;
        catalogue.commit(&[segment(3)], &[], None).await.unwrap();
        assert!(verify().await.holds(), "the chain has grown since");
        // The newest entries, their row and their file go: what is left is whole in itself.
        let books = test.db.begin_bookkeeping().await.unwrap();
        let unlock = match test.db.backend() {
            sea_orm::DbBackend::Sqlite => "DROP TRIGGER lake_chain_no_delete",
            _ => "DROP TRIGGER lake_chain_append_only ON lake_chain",
        };
        for sql in [unlock, "DELETE FROM lake_chain WHERE seq > 1"] {
            books.conn().execute_unprepared(sql).await.unwrap();
        }
        store::remove(books.conn(), &[segment(2).id, segment(3).id]).await.unwrap();
        books.commit().await.unwrap();
        let seen = witness::Witness { audit_entry: 1, entries: 2, head: end };
        let cut = verify().await;
        assert_eq!((cut.entries, cut.first_bad, cut.strangers.len()), (1, None, 0));
        assert_eq!((cut.holds(), cut.cut), (false, Some(seen.clone())));
        // Nor does it help to let it grow again.
        catalogue.commit(&[segment(4), segment(5)], &[], None).await.unwrap();
        witness::write(&test.db).await.unwrap();
        assert_eq!((told().await, verify().await.cut), (1, Some(seen)));
    }
}

#[tokio::test]
async fn an_installation_older_than_the_chain_adopts_its_files_once() {
    for test in db::testing::databases().await {
        let books = test.db.begin_bookkeeping().await.unwrap();
        store::add(books.conn(), &[segment(1), segment(2)], books.now()).await.unwrap();
        books.commit().await.unwrap();
        let catalogue = DbCatalogue::new(test.db.clone(), false);
        for _ in 0..2 {
            catalogue.begin_chain().await.unwrap();
            let verdict = chain::verify(&test.db).await.unwrap();
            assert_eq!((verdict.entries, verdict.holds()), (2, true));
        }
    }
}

#[tokio::test]
async fn what_lies_in_the_store_is_known_by_name() {
    for test in db::testing::databases().await {
        let catalogue = DbCatalogue::new(test.db.clone(), true);
        let stored = |number| Segment { lies_in: Where::Store, ..segment(number) };
        let (one, two) = (stored(1), stored(2));
        let (now, later) = (test.db.now(), test.db.now() + chrono::TimeDelta::hours(1));
        let leftover = |of: &Segment| Leftover { id: of.id, path: of.path.clone() };
        // Nothing comes in that was not announced.
        let add = std::slice::from_ref(&one);
        catalogue.commit(add, &[], None).await.unwrap_err();
        catalogue.announce(add).await.unwrap();
        assert_eq!(catalogue.leftovers(now).await.unwrap(), [], "too young");
        catalogue.commit(add, &[], None).await.unwrap();
        // The answer was lost: the same again, from the announcement on.
        catalogue.announce(add).await.unwrap();
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

#[tokio::test]
async fn a_file_moves_to_the_store_and_back() {
    for test in db::testing::databases().await {
        let catalogue = DbCatalogue::new(test.db.clone(), true);
        let later = test.db.now() + chrono::TimeDelta::hours(1);
        let (here, there) = (segment(1), Segment { lies_in: Where::Store, ..segment(1) });
        catalogue.commit(std::slice::from_ref(&here), &[], None).await.unwrap();
        // Nothing is there that was not announced.
        catalogue.moved(here.id, Where::Store).await.unwrap_err();
        for _ in 0..2 {
            // The second time the answer to the first was lost.
            catalogue.announce(std::slice::from_ref(&there)).await.unwrap();
            catalogue.moved(here.id, Where::Store).await.unwrap();
            assert_eq!(catalogue.segments().await.unwrap(), std::slice::from_ref(&there));
            assert_eq!(catalogue.leftovers(later).await.unwrap(), [], "it is in the lake");
        }
        let leftover = Leftover { id: here.id, path: here.path.clone() };
        for _ in 0..2 {
            catalogue.moved(here.id, Where::Folder).await.unwrap();
            assert_eq!(catalogue.segments().await.unwrap(), std::slice::from_ref(&here));
            assert_eq!(catalogue.leftovers(later).await.unwrap(), std::slice::from_ref(&leftover));
        }
        // Announced anew, the object is no leftover until the announcement is taken back.
        catalogue.announce(std::slice::from_ref(&there)).await.unwrap();
        let now = test.db.now() - chrono::TimeDelta::minutes(1);
        assert_eq!(catalogue.leftovers(now).await.unwrap(), []);
        catalogue.moved(here.id, Where::Store).await.unwrap();
        assert_eq!(catalogue.leftovers(later).await.unwrap(), []);
        // One that left the lake stays away, and its object goes.
        catalogue.commit(&[], &[here.id], None).await.unwrap();
        catalogue.moved(here.id, Where::Folder).await.unwrap();
        assert_eq!(catalogue.segments().await.unwrap(), []);
        assert_eq!(catalogue.leftovers(later).await.unwrap(), [leftover]);
        assert!(chain::verify(&test.db).await.unwrap().holds(), "a move changes no content");
    }
}

#[tokio::test]
async fn files_of_an_older_version_lie_where_they_are_found() {
    for test in db::testing::databases().await {
        let folder = tempfile::tempdir().unwrap();
        let catalogue = DbCatalogue::new(test.db.clone(), true);
        let (here, there) = (segment(1), segment(2));
        let path = folder.path().join(&here.path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "a file").unwrap();
        let books = test.db.begin_bookkeeping().await.unwrap();
        store::add(books.conn(), &[here.clone(), there.clone()], books.now()).await.unwrap();
        let forgotten = "UPDATE lake_segment SET lies_in = NULL";
        sea_orm::ConnectionTrait::execute_unprepared(books.conn(), forgotten).await.unwrap();
        books.commit().await.unwrap();
        let places = async || -> Vec<Where> {
            catalogue.segments().await.unwrap().iter().map(|file| file.lies_in).collect()
        };
        assert_eq!(places().await, [Where::Store; 2], "all in one place, as the older version did");
        catalogue.begin_places(folder.path()).await.unwrap();
        assert_eq!(places().await, [Where::Folder, Where::Store]);
        // Once said, it is not asked again.
        std::fs::remove_file(&path).unwrap();
        catalogue.begin_places(folder.path()).await.unwrap();
        assert_eq!(places().await, [Where::Folder, Where::Store]);
    }
}
