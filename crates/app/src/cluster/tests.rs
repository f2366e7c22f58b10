//! Leases, fences and the order of changes, on every database there is.

use chrono::TimeDelta;
use lake::{Catalogue as _, Segment, Where};
use registry::node::{ClusterTeller as _, NodeState};
use uuid::Uuid;

use super::{
    ALIVE_FOR, CENTRE, Card, CentreState, Lease, Node, Told, begin_state, has_mark, load_state,
    marks_of, save_state, source_lease,
};
use crate::catalogue::{self, DbCatalogue};

async fn join(
    test: &db::testing::TestDatabase,
    name: &str,
    address: &str,
) -> Result<Node, db::DbError> {
    let card = Card { name: name.to_owned(), role: "all", address: address.to_owned() };
    Node::join(&test.db, card).await
}

const NEW: Lease = Lease::Own { is_new: true };

#[tokio::test]
async fn a_lease_is_one_nodes_until_its_time_is_up() {
    for test in db::testing::databases().await {
        let one = join(&test, "one", "10.0.0.1").await.unwrap();
        let two = join(&test, "two", "10.0.0.2").await.unwrap();
        assert_eq!(one.lease(CENTRE).await.unwrap(), NEW);
        assert_eq!(one.lease(CENTRE).await.unwrap(), Lease::Own { is_new: false });
        assert_eq!(two.lease(CENTRE).await.unwrap(), Lease::Of("10.0.0.1".to_owned()));
        test.clock.advance(TimeDelta::seconds(9));
        one.say_alive(test.db.now()).await.unwrap();
        test.clock.advance(TimeDelta::seconds(9));
        assert_eq!(two.lease(CENTRE).await.unwrap(), Lease::Of("10.0.0.1".to_owned()));
        test.clock.advance(TimeDelta::seconds(2));
        assert_eq!(two.lease(CENTRE).await.unwrap(), NEW);
        // The one that was silent finds out when it speaks again.
        two.say_alive(test.db.now()).await.unwrap();
        one.say_alive(test.db.now()).await.unwrap();
        assert!(!one.holds(CENTRE) && two.holds(CENTRE));
        assert_eq!(one.lease(CENTRE).await.unwrap(), Lease::Of("10.0.0.2".to_owned()));
        two.release(&[CENTRE.to_owned()]).await.unwrap();
        assert_eq!(one.lease(CENTRE).await.unwrap(), NEW);
        one.leave().await.unwrap();
        assert_eq!(two.lease(CENTRE).await.unwrap(), NEW);
    }
}

#[tokio::test]
async fn a_node_that_starts_again_has_no_rights_from_before() {
    for test in db::testing::databases().await {
        let before = join(&test, "one", "10.0.0.1").await.unwrap();
        assert_eq!(before.lease(CENTRE).await.unwrap(), NEW);
        let after = join(&test, "one", "10.0.0.1").await.unwrap();
        assert_eq!(after.lease(CENTRE).await.unwrap(), NEW);
        let books = test.db.begin_bookkeeping().await.unwrap();
        assert!(!before.fence().hold(books.conn()).await.unwrap());
        assert!(after.fence().hold(books.conn()).await.unwrap());
    }
}

fn segment(number: u128) -> Segment {
    Segment { lies_in: Where::Store, ..catalogue::tests::segment(number) }
}

#[tokio::test]
async fn what_a_fenced_node_commits_is_refused() {
    for test in db::testing::databases().await {
        let one = join(&test, "one", "").await.unwrap();
        let two = join(&test, "two", "").await.unwrap();
        assert_eq!(one.lease("source:x").await.unwrap(), NEW);
        let of_one = DbCatalogue::shared(test.db.clone(), one.fence());
        let of_two = DbCatalogue::shared(test.db.clone(), two.fence());
        let files = [segment(1), segment(2), segment(3)];
        of_one.announce(&files).await.unwrap();
        of_one.commit_fresh(&files[..1], &[]).await.unwrap();
        // The answer was lost: the same again changes nothing.
        of_one.commit_fresh(&files[..1], &[]).await.unwrap();
        test.clock.advance(TimeDelta::seconds(11));
        assert_eq!(two.lease("source:x").await.unwrap(), NEW);
        let refused = of_one.commit_fresh(&files[1..2], &[]).await.unwrap_err();
        assert!(refused.is_final());
        test.clock.advance(TimeDelta::milliseconds(1));
        of_two.commit(&files[2..], &[files[0].id], None).await.unwrap();
        assert_eq!(of_two.segments().await.unwrap(), files[2..]);
        // The changes, in order; what has left since is not told as added.
        assert_eq!(of_two.last_change().await.unwrap(), 3);
        let changes = of_two.changes(0).await.unwrap();
        assert_eq!(changes.iter().map(|change| change.number).collect::<Vec<_>>(), [1, 3]);
        // Files that are gone are not replaced: another did so.
        let twice = of_two.commit(&files[1..2], &[files[0].id], None).await.unwrap_err();
        assert!(!twice.is_final());
        assert_eq!((changes[0].added.len(), changes[0].removed.len()), (0, 0));
        assert_eq!(
            (&changes[1].added[..], &changes[1].removed[..]),
            (&files[2..], &[files[0].id][..])
        );
        assert_eq!(of_two.changes(1).await.unwrap(), changes[1..]);
        assert_eq!(of_two.changes(3).await.unwrap(), []);
    }
}

#[tokio::test]
async fn what_detection_remembers_comes_back() {
    for test in db::testing::databases().await {
        assert_eq!(load_state(test.db.conn(), CENTRE).await.unwrap(), None);
        let begin = CentreState { change: 2, packed: Vec::new() };
        for change in [2, 9] {
            let other = CentreState { change, ..begin.clone() };
            let books = test.db.begin_bookkeeping().await.unwrap();
            begin_state(books.conn(), CENTRE, other, books.now()).await.unwrap();
            books.commit().await.unwrap();
        }
        assert_eq!(load_state(test.db.conn(), CENTRE).await.unwrap(), Some(begin));
        for change in [3, 4] {
            let state = CentreState { change, packed: vec![0, 255, 7] };
            let books = test.db.begin_bookkeeping().await.unwrap();
            save_state(books.conn(), CENTRE, state.clone(), books.now()).await.unwrap();
            books.commit().await.unwrap();
            assert_eq!(load_state(test.db.conn(), CENTRE).await.unwrap(), Some(state));
        }
    }
}

#[tokio::test]
async fn what_is_marked_is_taken_in_once() {
    for test in db::testing::databases().await {
        let one = join(&test, "one", "").await.unwrap();
        let catalogue = DbCatalogue::shared(test.db.clone(), one.fence());
        let files = [segment(1), segment(2), segment(3)];
        catalogue.announce(&files).await.unwrap();
        let key = b"request:abc".to_vec();
        assert!(!has_mark(test.db.conn(), &key).await.unwrap());
        catalogue.commit_fresh(&files[..1], std::slice::from_ref(&key)).await.unwrap();
        assert!(has_mark(test.db.conn(), &key).await.unwrap());
        catalogue.commit_fresh(&files[1..2], std::slice::from_ref(&key)).await.unwrap_err();
        assert_eq!(catalogue.segments().await.unwrap(), files[..1]);
        // A followed file's progress replaces the one before.
        let source = event::SourceId::from_uuid(Uuid::from_u128(7));
        let progress = |offset: u64| {
            let progress = serde_json::json!({ "key": "1:2", "offset": offset });
            serde_json::json!({ "source": source, "progress": progress }).to_string().into_bytes()
        };
        catalogue.commit_fresh(&[], &[progress(5)]).await.unwrap();
        catalogue.commit_fresh(&files[2..], &[progress(9)]).await.unwrap();
        assert_eq!(marks_of(test.db.conn(), source).await.unwrap(), [progress(9)]);
        let other = event::SourceId::from_uuid(Uuid::from_u128(8));
        assert_eq!(marks_of(test.db.conn(), other).await.unwrap(), Vec::<Vec<u8>>::new());
    }
}

#[tokio::test]
async fn everybody_is_told_who_does_what() {
    for test in db::testing::databases().await {
        let told = async || Told::new(test.db.clone(), true).told().await.unwrap();
        let none = told().await;
        assert_eq!((none.nodes.len(), none.judged, none.behind()), (0, None, 0));
        let began = test.db.now();
        let (one, two) =
            (join(&test, "one", "10.0.0.1").await.unwrap(), join(&test, "two", "").await.unwrap());
        let sources: Vec<event::SourceId> =
            [3, 5].map(|number| event::SourceId::from_uuid(Uuid::from_u128(number))).into();
        one.lease(CENTRE).await.unwrap();
        for source in &sources {
            one.lease(&source_lease(*source)).await.unwrap();
        }
        let books = test.db.begin_bookkeeping().await.unwrap();
        let state = CentreState { change: 0, packed: vec![7] };
        begin_state(books.conn(), CENTRE, state, books.now()).await.unwrap();
        books.commit().await.unwrap();
        test.clock.advance(TimeDelta::seconds(4));
        one.say_alive(test.db.now()).await.unwrap();
        let file = [segment(1)];
        let catalogue = DbCatalogue::shared(test.db.clone(), one.fence());
        catalogue.announce(&file).await.unwrap();
        catalogue.commit_fresh(&file, &[]).await.unwrap();
        let stored_at = test.db.now();
        test.clock.advance(TimeDelta::seconds(7));
        two.leave().await.unwrap();
        let now = test.db.now();
        let all = told().await;
        assert_eq!((all.last_change, all.judged, all.judged_at), (1, Some(0), Some(began)));
        assert_eq!((all.behind(), all.behind_since), (1, Some(stored_at)));
        let [first, second] = &all.nodes[..] else { panic!("{all:?}") };
        assert_eq!(
            (first.state, first.state_since, first.seen_at),
            (NodeState::Alive, began, stored_at)
        );
        assert_eq!((first.is_centre, first.sources, &first.leased), (true, 2, &sources));
        assert_eq!(
            (second.state, second.state_since, second.seen_at),
            (NodeState::Ended, now, now)
        );
        // Silent: its leases are its own until another takes one; then none is.
        test.clock.advance(TimeDelta::seconds(4));
        let silent = told().await.nodes.remove(0);
        assert_eq!((silent.state, silent.state_since), (NodeState::Silent, stored_at + ALIVE_FOR));
        assert_eq!((silent.seen_at, silent.sources), (stored_at, 2));
        let three = join(&test, "three", "").await.unwrap();
        assert_eq!(three.lease(&source_lease(sources[0])).await.unwrap(), NEW);
        let after = told().await.nodes;
        let taken: Vec<_> = after.iter().map(|node| (node.name.as_str(), node.sources)).collect();
        assert_eq!(taken, [("one", 0), ("three", 1), ("two", 0)]);
        assert!(after.iter().all(|node| !node.is_centre));
    }
}
