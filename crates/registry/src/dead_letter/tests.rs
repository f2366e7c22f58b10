//! Dead letters: filed once, read again, hidden outside the scope, shown without harm.

use bytes::Bytes;
use event::{DeadLetter, DeadReason, EventId, Frame, Scope};
use uuid::Uuid;
use web::AppError;

use super::model::{DeadLetterFilter, DeadLetterState};
use super::views::{LetterDetail, LetterList, LetterRow, hex_lines, readable};
use super::{actions, store};
use crate::testing::{Desk, administrator, desks, one_desk};

fn letter(desk: &Desk, number: u128, source: &str, bytes: &'static [u8]) -> DeadLetter {
    DeadLetter {
        frame: Frame {
            id: EventId::from_uuid(Uuid::from_u128(number)),
            source: desk.sender(source).id,
            collected_at: desk.test.db.now(),
            peer: Some("192.0.2.1".parse().unwrap()),
            bytes: Bytes::from_static(bytes),
            dead: None,
        },
        reason: DeadReason::new("bad-json", "column 1: expected '{'"),
    }
}

async fn filed(desk: &Desk) -> Vec<EventId> {
    let letters = vec![
        letter(desk, 1, "DVC-NGINX", b"good after all"),
        letter(desk, 2, "DVC-NGINX", b"\x00\xff still bad"),
        letter(desk, 3, "SYT-HSSK-WEB", b"good"),
    ];
    let ids = letters.iter().map(|letter| letter.frame.id).collect();
    let (db, directory) = (&desk.test.db, &desk.registry.directory);
    actions::file(db, directory, letters.clone()).await.unwrap();
    actions::file(db, directory, letters).await.unwrap();
    ids
}

#[tokio::test]
async fn a_letter_filed_twice_is_one_and_keeps_its_bytes() {
    for desk in desks().await {
        let ids = filed(&desk).await;
        let conn = desk.registry.db.conn();
        let filter = DeadLetterFilter::default();
        let (letters, total) =
            store::list(conn, &Scope::platform(), &filter, (0, 10)).await.unwrap();
        assert_eq!((letters.len(), total), (3, 3), "{}", desk.test.name);
        let kept = store::by_id(conn, &Scope::platform(), ids[1]).await.unwrap().unwrap();
        assert_eq!(&kept.bytes[..], b"\x00\xff still bad");
        assert_eq!(kept.agency, Some(desk.agency("tt-hcc")));
        assert_eq!(
            store::reasons(conn, &Scope::platform()).await.unwrap(),
            [("bad-json".to_owned(), 3)]
        );
        let own = desk.officer("so-y-te");
        let (seen, _) = store::list(conn, &own.scope, &filter, (0, 10)).await.unwrap();
        assert_eq!(seen.iter().map(|letter| letter.id).collect::<Vec<_>>(), [ids[2]]);
        let foreign = actions::discard(&desk.registry, &own, ids[0]).await;
        assert!(matches!(foreign, Err(AppError::NotFound)));
    }
}

#[tokio::test]
async fn a_mended_parser_reads_letters_again() {
    for desk in desks().await {
        let ids = filed(&desk).await;
        let (registry, who) = (&desk.registry, administrator());
        let of_source = DeadLetterFilter {
            source: Some(desk.sender("DVC-NGINX").id),
            ..DeadLetterFilter::default()
        };
        let replayed = actions::replay(registry, &who, &of_source).await.unwrap();
        assert_eq!((replayed.read, replayed.dead), (1, 1), "{}", desk.test.name);
        assert_eq!(desk.last_action().await, "dead-letter.replay");
        let conn = registry.db.conn();
        let state = async |id| {
            let letter = store::by_id(conn, &who.scope, id).await.unwrap().unwrap();
            (letter.state, letter.reason.detail)
        };
        assert_eq!(state(ids[0]).await.0, DeadLetterState::Replayed);
        assert_eq!(state(ids[1]).await, (DeadLetterState::New, "column 1: still wrong".to_owned()));
        assert_eq!(state(ids[2]).await.0, DeadLetterState::New);
        let twice = actions::replay_one(registry, &who, ids[0]).await;
        assert!(matches!(twice, Err(AppError::Conflict(_))));
        actions::discard(registry, &who, ids[1]).await.unwrap();
        assert_eq!(state(ids[1]).await.0, DeadLetterState::Discarded);
        actions::replay_one(registry, &who, ids[2]).await.unwrap();
        let left =
            store::list(conn, &who.scope, &DeadLetterFilter::default(), (0, 9)).await.unwrap();
        assert_eq!(left.1, 0);
    }
}

#[test]
fn hostile_bytes_are_shown_without_harm() {
    let cases: [(&[u8], &str); 4] = [
        (b"plain\n", "plain\n"),
        (b"\x1b[31mred\x00", "␛[31mred␀"),
        (b"\xff\xfe", "\u{fffd}\u{fffd}"),
        ("a\u{202e}b".as_bytes(), "a\u{fffd}b"),
    ];
    for (bytes, expected) in cases {
        assert_eq!(readable(bytes), expected);
    }
    let lines = hex_lines(b"0123456789abcdef<\x00");
    assert_eq!(lines.lines().count(), 2);
    assert!(lines.starts_with("00000000  30 31 32") && lines.ends_with("<.\n"), "{lines}");
}

#[tokio::test]
async fn the_pages_are_sound() {
    let desk = one_desk().await;
    let ids = filed(&desk).await;
    let snapshot = desk.registry.directory.snapshot();
    let letter =
        store::by_id(desk.registry.db.conn(), &Scope::platform(), ids[1]).await.unwrap().unwrap();
    let list = LetterList {
        rows: vec![LetterRow::new(&letter, &snapshot)],
        reasons: Vec::new(),
        pager: web::paging::Page::default().pager("/dead-letters", "", 1),
        states: Vec::new(),
        codes: Vec::new(),
        source: None,
        code: Some("bad-json".to_owned()),
        query: String::new(),
    };
    for faults in
        [web::testing::faults(&list), web::testing::faults(&LetterDetail::new(&letter, &snapshot))]
    {
        assert_eq!(faults, Vec::<String>::new());
    }
}
