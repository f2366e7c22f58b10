//! What open pages are told on all nodes alike: each node passes on what is announced on it, and tells its own pages what
//! others pass on. Words are gathered for a moment, so that a flood of alerts is a few of them. What is missed while the
//! database is away is made good by telling all pages that anything may have changed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use db::{Db, Heard};
use event::AgencyId;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use web::{Announcement, Live, Permission};

/// The channel of PostgreSQL.
const CHANNEL: &str = "luytre_live";

/// How long announcements are gathered: too short to be noticed.
const GATHER: Duration = Duration::from_millis(100);

/// How long after a failure it is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// Words of one message: each has some hundred bytes.
const WORDS_MAX: usize = 50;

/// Words that wait for a database; more than these say that anything may have changed.
const WAITING_MAX: usize = 2_000;

/// Bytes that a place may have.
const PLACE_BYTES_MAX: usize = 64;

/// One process, so that it does not hear itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Process(pub(super) Uuid);

/// What is said on the channel.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Message {
    from: Process,
    /// Whether anything may have changed.
    all: bool,
    words: Vec<Word>,
}

/// One announcement.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Word {
    place: String,
    agency: Option<AgencyId>,
    permission: String,
}

/// What is to be passed on.
#[derive(Debug, Default)]
struct Waiting {
    words: BTreeSet<Word>,
    all: bool,
}

impl Waiting {
    fn add(&mut self, announcement: &Announcement) {
        self.words.insert(Word {
            place: announcement.place.to_string(),
            agency: announcement.agency,
            permission: announcement.permission.word(),
        });
        if self.words.len() > WAITING_MAX {
            self.words.clear();
            self.all = true;
        }
    }

    /// Takes whatever else was announced.
    fn gather(&mut self, own: &mut Receiver<Arc<Announcement>>) {
        loop {
            match own.try_recv() {
                Ok(announcement) => self.add(&announcement),
                Err(TryRecvError::Lagged(_)) => self.all = true,
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }

    /// Returns it as messages.
    fn messages(&self, from: Process) -> Vec<String> {
        if self.all {
            return vec![written(&Message { from, all: true, words: Vec::new() })];
        }
        let words: Vec<Word> = self.words.iter().cloned().collect();
        let message = |part: &[Word]| written(&Message { from, all: false, words: part.to_vec() });
        words.chunks(WORDS_MAX).map(message).collect()
    }
}

fn written(message: &Message) -> String {
    serde_json::to_string(message).unwrap_or_default()
}

/// Passes on what is announced on this node until `stop`.
pub(super) async fn tell(
    db: Db,
    mut own: Receiver<Arc<Announcement>>,
    from: Process,
    stop: CancellationToken,
) {
    let mut waiting = Waiting::default();
    let mut failing = false;
    loop {
        let first = tokio::select! {
            first = own.recv() => first,
            () = stop.cancelled() => return,
        };
        match first {
            Ok(announcement) => waiting.add(&announcement),
            Err(RecvError::Lagged(_)) => waiting.all = true,
            Err(RecvError::Closed) => return,
        }
        let mut pause = GATHER;
        loop {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => return,
            }
            waiting.gather(&mut own);
            match say(&db, &waiting.messages(from)).await {
                Ok(()) => break,
                Err(error) if !failing => {
                    failing = true;
                    tracing::warn!(error = web::chain(&error), "other nodes' pages are not told");
                }
                Err(_) => {}
            }
            pause = AGAIN;
        }
        failing = false;
        waiting = Waiting::default();
    }
}

async fn say(db: &Db, messages: &[String]) -> Result<(), db::DbError> {
    for message in messages {
        db.notify(CHANNEL, message).await?;
    }
    Ok(())
}

/// Tells the pages that are open on this node what others pass on, until `stop`.
pub(super) async fn hear(db: Db, live: Live, own: Process, stop: CancellationToken) {
    let Some(mut listener) = db.listener(CHANNEL) else { return };
    loop {
        tokio::select! {
            heard = listener.next() => match heard {
                Heard::Word(text) => relay(&live, &text, own),
                Heard::Missed => live.missed(),
            },
            () = stop.cancelled() => return,
        }
    }
}

/// Tells the pages that are open here one message. Who can write into the database could write anything: what makes no
/// sense is left out.
fn relay(live: &Live, text: &str, own: Process) {
    let Ok(message) = serde_json::from_str::<Message>(text) else { return };
    if message.from == own {
        return;
    }
    if message.all {
        live.missed();
    }
    for Word { place, agency, permission } in message.words.into_iter().take(WORDS_MAX) {
        let is_place = |c: char| c.is_ascii_alphanumeric() || c == '/' || c == '-';
        let is_sound = place.len() <= PLACE_BYTES_MAX && place.chars().all(is_place);
        if let Some(permission) = Permission::from_word(&permission).filter(|_| is_sound) {
            live.relay(Announcement { place: place.into(), agency, permission });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn announcement(agency: u128) -> Announcement {
        Announcement {
            place: "/alerts".into(),
            agency: Some(AgencyId::from_uuid(Uuid::from_u128(agency))),
            permission: Permission::AlertRead,
        }
    }

    fn process(number: u128) -> Process {
        Process(Uuid::from_u128(number))
    }

    #[test]
    fn a_flood_is_a_few_words_that_fit() {
        let live = Live::default();
        let mut own = live.own();
        let mut waiting = Waiting::default();
        for number in 0..180 {
            live.announce(announcement(number % 60));
            waiting.gather(&mut own);
        }
        assert_eq!((waiting.words.len(), waiting.all), (60, false));
        let messages = waiting.messages(process(1));
        assert_eq!(messages.len(), 2);
        assert!(messages.iter().all(|text| text.len() <= db::WORD_BYTES_MAX), "{messages:?}");
        // More than one can gather: anything may have changed.
        for number in 0..1000 {
            live.announce(announcement(number));
        }
        waiting.gather(&mut own);
        let all = Message { from: process(1), all: true, words: Vec::new() };
        assert_eq!(waiting.messages(process(1)), [written(&all)]);
        let mut many = Waiting::default();
        (0..3000).for_each(|number| many.add(&announcement(number)));
        assert!(many.all && many.words.len() < WAITING_MAX);
    }

    #[tokio::test]
    async fn what_one_node_announces_the_others_pages_hear() {
        for test in db::testing::databases().await {
            let (here, there) = (Live::default(), Live::default());
            let stop = CancellationToken::new();
            let mut waiting = Waiting::default();
            waiting.add(&announcement(7));
            let Some(mut listener) = test.db.listener(CHANNEL) else { continue };
            assert_eq!(listener.next().await, Heard::Missed);
            let telling = tokio::spawn(tell(test.db.clone(), here.own(), process(1), stop.clone()));
            let mut heard = there.heard();
            loop {
                here.announce(announcement(7));
                let Heard::Word(text) = listener.next().await else { panic!("nothing was lost") };
                let message: Message = serde_json::from_str(&text).unwrap();
                // Other tests of this database may speak as well.
                if message.from != process(1) {
                    continue;
                }
                relay(&there, &text, process(1));
                assert!(heard.try_recv().is_err(), "nobody hears himself");
                relay(&there, &text, process(2));
                assert_eq!(*heard.try_recv().unwrap().unwrap(), announcement(7));
                break;
            }
            for nonsense in ["", "{}", "[]", r#"{"from":1}"#] {
                relay(&there, nonsense, process(2));
            }
            let words = [("/alerts\nx", "alert_read"), ("/alerts", "no_such")];
            let words = words.map(|(place, permission)| Word {
                place: place.to_owned(),
                agency: None,
                permission: permission.to_owned(),
            });
            let text = written(&Message { from: process(1), all: false, words: words.into() });
            relay(&there, &text, process(2));
            assert!(heard.try_recv().is_err(), "what makes no sense is left out");
            stop.cancel();
            telling.await.unwrap();
        }
    }
}
