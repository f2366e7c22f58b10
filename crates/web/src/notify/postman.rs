//! The postman: spreads what there is to tell, and carries what is due.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use db::{Db, DbError};
use event::{AccountId, Severity};
use uuid::Uuid;

use super::carrier::{Carrier, CarryError};
use super::letter::Heading;
use super::model::{Channel, LIMIT_OVER, Notice, OnCall, again_wait, message_wait};
use super::plan::plan;
use super::preference::Preference;
use super::push::Push;
use super::rows::delivery;
use super::spread::{People, deliveries};
use super::store;
use crate::identity::{AgencyTree, Person, people, scope_in};

/// Notices spread in one transaction.
const SPREAD_AT_ONCE: u64 = 50;
/// Deliveries of a channel taken in one look.
const DUE_AT_ONCE: u64 = 500;
/// How long a channel belongs to a node without a sign of life: longer than one message may take.
const LEASE: TimeDelta = TimeDelta::seconds(180);
/// How long a message is tried, unless set otherwise.
const GIVE_UP: TimeDelta = TimeDelta::hours(24);

/// Knows who is on call.
#[async_trait]
pub trait Roster: Send + Sync + Debug {
    /// Returns who is on call at a moment; nobody where the roster has a hole.
    ///
    /// # Errors
    /// When the database does not answer.
    async fn on_call(&self, at: DateTime<Utc>) -> Result<OnCall, DbError>;
}

/// The postman. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Postman(Arc<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    db: Db,
    tree: Arc<dyn AgencyTree>,
    roster: Arc<dyn Roster>,
    carriers: BTreeMap<Channel, Arc<dyn Carrier>>,
    push: Option<Arc<Push>>,
    heading: Heading,
    give_up: TimeDelta,
    holder: String,
}

impl Postman {
    /// Returns a postman without ways out: the bell only.
    pub fn new(db: Db, tree: Arc<dyn AgencyTree>, roster: Arc<dyn Roster>) -> Self {
        let holder = db.new_uuid().to_string();
        Self(Arc::new(Inner {
            db,
            tree,
            roster,
            carriers: BTreeMap::new(),
            push: None,
            heading: Heading::default(),
            give_up: GIVE_UP,
            holder,
        }))
    }

    /// Gives the postman its ways out, what stands round each message, and how long one is tried.
    /// `address` is the one by which browsers know the site; empty: no links.
    #[must_use]
    pub fn with_ways(
        self,
        carriers: BTreeMap<Channel, Arc<dyn Carrier>>,
        (address, province): (&str, &str),
        give_up: TimeDelta,
    ) -> Self {
        let heading = Heading {
            address: address.trim_end_matches('/').to_owned(),
            province: province.to_owned(),
        };
        Self(Arc::new(Inner { carriers, heading, give_up, ..self.0.as_ref().clone() }))
    }

    /// Gives the postman the way to browsers.
    #[must_use]
    pub fn with_push(self, push: Push) -> Self {
        let push = Arc::new(push);
        let mut inner = self.0.as_ref().clone();
        inner.carriers.insert(Channel::Push, Arc::clone(&push) as Arc<dyn Carrier>);
        inner.push = Some(push);
        Self(Arc::new(inner))
    }

    /// Returns the way to browsers, if it is set up.
    pub(super) fn push(&self) -> Option<&Push> {
        self.0.push.as_deref()
    }

    pub(super) fn db(&self) -> &Db {
        &self.0.db
    }

    /// Returns how long a message is tried.
    pub(super) fn give_up(&self) -> TimeDelta {
        self.0.give_up
    }

    /// Returns whether a channel leads anywhere here.
    pub(super) fn has(&self, channel: Channel) -> bool {
        channel == Channel::App || self.0.carriers.contains_key(&channel)
    }

    /// Returns who is on call now.
    pub(super) async fn on_call(&self) -> Result<OnCall, DbError> {
        self.0.roster.on_call(self.db().now()).await
    }

    /// Takes the channels over after a start, where no other node shares the database.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn begin(&self) -> Result<(), DbError> {
        if !self.db().is_embedded() {
            return Ok(());
        }
        let books = self.db().begin_bookkeeping().await?;
        store::setup::release_all(books.conn()).await?;
        books.commit().await
    }

    /// Spreads what is new and carries what is due. Returns how many messages left the platform.
    ///
    /// # Errors
    /// When the database does not answer; the next look goes on where this one ended.
    pub async fn look(&self) -> Result<usize, DbError> {
        while self.spread().await? {}
        self.tidy().await?;
        let mut carried = 0;
        for (channel, carrier) in &self.0.carriers {
            carried += self.carry_due(*channel, carrier.as_ref()).await?;
        }
        Ok(carried)
    }

    /// Spreads some notices; returns whether there may be more.
    async fn spread(&self) -> Result<bool, DbError> {
        if !store::has_unspread(self.db().conn()).await? {
            return Ok(false);
        }
        let people = self.people().await?;
        let rules = store::setup::rules(self.db().conn()).await?;
        let books = self.db().begin_bookkeeping().await?;
        let rows = store::unspread(books.conn(), SPREAD_AT_ONCE).await?;
        for row in &rows {
            for mut made in deliveries(&people, &rules, row, (books.now(), self.0.give_up)) {
                made.id = self.db().new_uuid();
                store::delivery::insert(books.conn(), made).await?;
            }
        }
        let more = !rows.is_empty();
        let ids = rows.into_iter().map(|row| row.id).collect();
        store::set_spread(books.conn(), ids, books.now()).await?;
        books.commit().await?;
        Ok(more)
    }

    async fn people(&self) -> Result<People, DbError> {
        let tree = self.0.tree.as_ref();
        let all = people(self.db()).await?.into_iter();
        let all = all.filter(|person| person.active && person.joined && person.role.signs_in());
        let with_scope = |person: Person| {
            let scope = scope_in(tree, person.account, person.role, person.agency);
            (person, scope)
        };
        Ok(People {
            all: all.map(with_scope).collect(),
            wants: store::setup::preferences(self.db().conn()).await?,
            on_call: self.on_call().await?,
            channels: self.0.carriers.keys().copied().collect(),
        })
    }

    /// Rings the bells that are due, takes back what is settled, gives up what was tried long enough.
    async fn tidy(&self) -> Result<(), DbError> {
        let books = self.db().begin_bookkeeping().await?;
        store::delivery::withhold_settled(books.conn()).await?;
        store::delivery::ring(books.conn(), books.now()).await?;
        let given_up = store::delivery::give_up(books.conn(), books.now()).await?;
        books.commit().await?;
        if given_up > 0 {
            tracing::warn!(given_up, "messages were given up; they stand on the page of the queue");
        }
        Ok(())
    }

    /// Keeps a channel for this node; returns whether it has it.
    async fn take(&self, channel: Channel) -> Result<bool, DbError> {
        let books = self.db().begin_bookkeeping().await?;
        let until = (books.now(), LEASE);
        let taken = store::setup::take(books.conn(), channel, &self.0.holder, until).await?;
        books.commit().await?;
        Ok(taken)
    }

    async fn carry_due(&self, channel: Channel, carrier: &dyn Carrier) -> Result<usize, DbError> {
        let now = self.db().now();
        let due = store::delivery::due(self.db().conn(), channel, now, DUE_AT_ONCE).await?;
        if due.is_empty() {
            return Ok(0);
        }
        let everyone = people(self.db()).await?;
        let wants = store::setup::preferences(self.db().conn()).await?;
        let mut by_person: BTreeMap<Uuid, Vec<delivery::Model>> = BTreeMap::new();
        for row in due {
            by_person.entry(row.account_id).or_default().push(row);
        }
        let mut carried = 0;
        for (account, rows) in by_person {
            if !self.take(channel).await? {
                break;
            }
            let account = AccountId::from_uuid(account);
            let active = everyone.iter().any(|one| one.account == account && one.active);
            let wants = wants.get(&account.uuid()).filter(|_| active);
            let Some(wants) = wants.filter(|wants| !wants.address(channel).is_empty()) else {
                self.withhold(&rows).await?;
                continue;
            };
            let Some(count) = self.carry_to(account, (channel, carrier), wants, rows).await? else {
                break;
            };
            carried += count;
        }
        Ok(carried)
    }

    async fn withhold(&self, rows: &[delivery::Model]) -> Result<(), DbError> {
        let books = self.db().begin_bookkeeping().await?;
        let ids = rows.iter().map(|row| row.id).collect();
        store::delivery::withhold(books.conn(), ids, "no address").await?;
        books.commit().await
    }

    /// Carries what is due to one person; nothing when the channel turned out to be down.
    async fn carry_to(
        &self,
        account: AccountId,
        (channel, carrier): (Channel, &dyn Carrier),
        wants: &Preference,
        rows: Vec<delivery::Model>,
    ) -> Result<Option<usize>, DbError> {
        let now = self.db().now();
        let conn = self.db().conn();
        let ids = rows.iter().map(|row| row.notice_id).collect();
        let notices: BTreeMap<Uuid, Notice> = store::notices(conn, ids)
            .await?
            .into_iter()
            .filter_map(|(id, row)| Some((id, row.notice()?)))
            .collect();
        let severities: BTreeMap<Uuid, Severity> =
            notices.iter().map(|(id, notice)| (*id, notice.severity)).collect();
        let since = now - LIMIT_OVER;
        let recent = store::delivery::recent(conn, account.uuid(), channel, since).await?;
        let plan = plan(channel, rows, &severities, &recent, now);
        if let Some((until, rows)) = plan.later {
            let books = self.db().begin_bookkeeping().await?;
            let ids = rows.iter().map(|row| row.id).collect();
            store::delivery::put_off(books.conn(), ids, until).await?;
            books.commit().await?;
        }
        let mut carried = 0;
        for (message, rows) in plan.messages {
            let told: Vec<(Uuid, Notice)> = rows
                .iter()
                .filter_map(|row| Some((row.notice_id, notices.get(&row.notice_id)?.clone())))
                .collect();
            let id = self.begin_message(message, &rows).await?;
            let to = wants.address(channel);
            let Some(letter) = self.0.heading.letter((id, to), &told, wants.lang, now) else {
                self.withhold(&rows).await?;
                continue;
            };
            let outcome = carrier.carry(&letter).await;
            let down = matches!(outcome, Err(CarryError::Down { .. }));
            carried += usize::from(outcome.is_ok());
            let attempts = rows.iter().map(|row| row.attempts).max().unwrap_or_default();
            self.end_message((channel, id), attempts + 1, outcome).await?;
            if down {
                return Ok(None);
            }
        }
        Ok(Some(carried))
    }

    /// Gives a message its id before it is tried, so that after a crash it is tried as the same.
    async fn begin_message(
        &self,
        known: Option<Uuid>,
        rows: &[delivery::Model],
    ) -> Result<Uuid, DbError> {
        if let Some(id) = known {
            return Ok(id);
        }
        let id = self.db().new_uuid();
        let books = self.db().begin_bookkeeping().await?;
        let rows = rows.iter().map(|row| row.id).collect();
        store::delivery::begin(books.conn(), rows, id).await?;
        books.commit().await?;
        Ok(id)
    }

    async fn end_message(
        &self,
        (channel, id): (Channel, Uuid),
        attempts: i32,
        outcome: Result<(), CarryError>,
    ) -> Result<(), DbError> {
        let books = self.db().begin_bookkeeping().await?;
        let (conn, now) = (books.conn(), books.now());
        match outcome {
            Ok(()) => {
                store::delivery::sent(conn, id, now).await?;
                store::setup::works(conn, channel, now).await?;
            }
            Err(CarryError::Again(why)) => {
                let again_at = now + again_wait(attempts);
                store::delivery::again_as_same(conn, id, (again_at, &why)).await?;
            }
            Err(CarryError::Refused(why)) => {
                tracing::warn!(channel = channel.word(), message.id = %id, why, "a message was refused");
                let again_at = now + message_wait(attempts);
                store::delivery::refused(conn, id, (again_at, &why)).await?;
                store::setup::works(conn, channel, now).await?;
            }
            Err(CarryError::Down { why, unsure }) => {
                tracing::warn!(channel = channel.word(), why, "a gateway does not work");
                let dissolved = (!unsure).then_some(id);
                store::delivery::channel_down(conn, channel, (now, &why), dissolved).await?;
                store::setup::failed(conn, channel, (now, &why)).await?;
            }
        }
        books.commit().await
    }
}
