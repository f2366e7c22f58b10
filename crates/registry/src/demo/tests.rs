//! The demonstration's province is whole and can be opened twice.

use std::collections::BTreeSet;

use super::{Province, SenderBy, seed};
use crate::testing::desks;

#[tokio::test]
async fn the_province_is_written_once_and_found_again() {
    for desk in desks().await {
        let province = Province::builtin().unwrap();
        assert!(province.agency.len() >= 45 && province.system.len() >= 60);
        assert!(province.source.len() >= 90);
        let levels: BTreeSet<_> =
            province.system.iter().filter_map(|system| system.level).collect();
        assert_eq!(levels.len(), 5);
        let again = seed(&desk.test.db, &province).await.unwrap();
        assert_eq!(again.len(), desk.senders.len());
        desk.registry.directory.reload(&desk.test.db).await.unwrap();
        let snapshot = desk.registry.directory.snapshot();
        for (sender, before) in again.iter().zip(&desk.senders) {
            assert_eq!((sender.id, &sender.code), (before.id, &before.code));
            let known = match (&sender.by, &before.by) {
                (SenderBy::Address(address), _) => snapshot.by_listener("syslog-udp", *address),
                (SenderBy::Token(token), SenderBy::Token(old)) => {
                    assert_eq!(snapshot.by_token(old.reveal()), None, "the old token still works");
                    snapshot.by_token(token.reveal())
                }
                (SenderBy::Token(_), SenderBy::Address(_)) => None,
            };
            assert_eq!(known, Some(sender.id), "{} on {}", sender.code, desk.test.name);
        }
    }
}

#[test]
fn a_province_that_names_nothing_known_is_refused() {
    assert!(Province::read("name = 'x'\nagency = []\nsystem = []\nsource = []").is_ok());
    assert!(Province::read("name = 'x'").is_err());
}
