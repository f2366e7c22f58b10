//! The counting.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use db::{Db, DbError};
use event::{Scope, SourceId};
use parking_lot::Mutex;

use super::store;
use crate::directory::{Snapshot, SourceBinding};
use crate::limits::SPARK_MINUTES;

/// How a source does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// The time of its newest event, by the source's own word.
    pub last_event_at: Option<DateTime<Utc>>,
    /// When we last received something.
    pub last_collected_at: Option<DateTime<Utc>>,
    /// From where.
    pub last_peer: Option<IpAddr>,
    /// Records received.
    pub received: u64,
    /// Their bytes.
    pub received_bytes: u64,
    /// Records that became events.
    pub decoded: u64,
    /// Events that the decoder had something to say about.
    pub noted: u64,
    /// Events that stand under the time of their collection, since the time that they state could not be read or
    /// believed.
    pub undated: u64,
    /// Records that nothing could read.
    pub dead: u64,
    /// When the last of those came.
    pub last_dead_at: Option<DateTime<Utc>>,
    /// Why it could not be read.
    pub last_dead_code: Option<String>,
    /// Events in each of the last minutes, the oldest first; the last minute is under way.
    pub minutes: VecDeque<u64>,
    /// Dead letters in each of those minutes.
    pub dead_minutes: VecDeque<u64>,
}

/// Events that were decoded together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// How many they are.
    pub events: u64,
    /// How many of them the decoder had something to say about.
    pub noted: u64,
    /// How many of them state a time that could not be read or believed.
    pub undated: u64,
    /// The latest time that they state.
    pub newest: DateTime<Utc>,
}

/// What can be said of a source in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Most of what came within the last hour could not be read.
    Failing,
    /// Nothing came for longer than agreed.
    Silent,
    /// Nothing has come yet since it was connected.
    Waiting,
    /// Records come.
    Live,
    /// Switched off.
    Disabled,
}

impl Status {
    /// All, the worst first.
    pub const ALL: [Self; 5] =
        [Self::Failing, Self::Silent, Self::Waiting, Self::Live, Self::Disabled];

    /// Returns the word used in addresses and the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Failing => "failing",
            Self::Silent => "silent",
            Self::Waiting => "waiting",
            Self::Live => "live",
            Self::Disabled => "disabled",
        }
    }

    /// Returns the language key of its name.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Failing => "registry-source-status-failing",
            Self::Silent => "registry-source-status-silent",
            Self::Waiting => "registry-source-status-waiting",
            Self::Live => "registry-source-status-live",
            Self::Disabled => "registry-source-status-disabled",
        }
    }
}

/// A source that has been silent for longer than agreed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silence {
    /// What is known of the source.
    pub binding: std::sync::Arc<SourceBinding>,
    /// The last sign of life; the moment of connecting if there was none.
    pub since: DateTime<Utc>,
    /// Whether anything ever came.
    pub ever_heard: bool,
}

impl Health {
    /// Returns the status of the source it belongs to.
    pub fn status(&self, binding: &SourceBinding, now: DateTime<Utc>) -> Status {
        if !binding.enabled {
            return Status::Disabled;
        }
        let patience = TimeDelta::seconds(i64::from(binding.silence_after_s));
        match self.last_collected_at {
            None if now - binding.created_at <= patience => Status::Waiting,
            None => Status::Silent,
            Some(last) if now - last > patience => Status::Silent,
            Some(_) => {
                let events: u64 = self.minutes.iter().sum();
                let dead: u64 = self.dead_minutes.iter().sum();
                if dead > events { Status::Failing } else { Status::Live }
            }
        }
    }

    /// Returns the events of the last full minutes, per minute, at most ten of them.
    pub fn per_minute(&self) -> f64 {
        let full: Vec<u64> = self.minutes.iter().rev().skip(1).take(10).copied().collect();
        let count = u32::try_from(full.len()).unwrap_or(1).max(1);
        let sum = u32::try_from(full.iter().sum::<u64>()).unwrap_or(u32::MAX);
        f64::from(sum) / f64::from(count)
    }

    /// Moves the row of minutes on to `minute`; `newest` is the minute it stands at.
    fn turn(&mut self, newest: &mut i64, minute: i64) {
        let steps = usize::try_from(minute.saturating_sub(*newest)).unwrap_or(0);
        for _ in 0..steps.min(SPARK_MINUTES) {
            for row in [&mut self.minutes, &mut self.dead_minutes] {
                row.push_back(0);
                if row.len() > SPARK_MINUTES {
                    row.pop_front();
                }
            }
        }
        *newest = minute.max(*newest);
    }
}

/// Minutes that are read again of other nodes' sources: they write down every few seconds.
const RENEWED_MINUTES: i64 = 3;

/// One source's page in the book.
#[derive(Debug, Default)]
struct Page {
    health: Health,
    newest_minute: i64,
    /// Counts per minute not yet written down: events and dead letters.
    unwritten: BTreeMap<i64, (u64, u64)>,
    dirty: bool,
}

impl Page {
    /// Sets the counts of a minute, as another node wrote them down.
    fn set(&mut self, at: DateTime<Utc>, events: u64, dead: u64) {
        let minute = at.timestamp().div_euclid(60);
        if self.health.minutes.is_empty() {
            self.newest_minute = minute - 1;
        }
        self.health.turn(&mut self.newest_minute, minute);
        let back = usize::try_from(self.newest_minute.saturating_sub(minute)).unwrap_or(usize::MAX);
        let rows = [(&mut self.health.minutes, events), (&mut self.health.dead_minutes, dead)];
        for (row, count) in rows {
            let place = row.len().checked_sub(back.saturating_add(1));
            if let Some(own) = place.and_then(|place| row.get_mut(place)) {
                *own = count;
            }
        }
    }

    fn at(&mut self, now: DateTime<Utc>) -> (&mut Health, &mut (u64, u64)) {
        let minute = now.timestamp().div_euclid(60);
        if self.health.minutes.is_empty() {
            self.newest_minute = minute - 1;
        }
        self.health.turn(&mut self.newest_minute, minute);
        self.dirty = true;
        (&mut self.health, self.unwritten.entry(minute).or_default())
    }
}

/// The health of all sources. The pipeline tells it what passes; pages and the silence watch read it.
#[derive(Debug, Default)]
pub struct HealthBook(Mutex<BTreeMap<SourceId, Page>>);

impl HealthBook {
    /// Opens the book with what was written down before the last stop.
    pub async fn load(db: &Db) -> Result<Self, DbError> {
        let now = db.now();
        let mut pages = BTreeMap::new();
        for (source, mut health) in store::all(db.conn()).await? {
            // The clock was ahead when that was written down.
            health.last_collected_at = health.last_collected_at.map(|last| last.min(now));
            pages.insert(source, Page { health, ..Page::default() });
        }
        let since = now - TimeDelta::minutes(i64::try_from(SPARK_MINUTES).unwrap_or(60));
        for (source, minute, events, dead) in store::minutes(db.conn(), None, since).await? {
            let page = pages.entry(source).or_default();
            let (health, _) = page.at(minute);
            if let Some(last) = health.minutes.back_mut() {
                *last += events;
            }
            if let Some(last) = health.dead_minutes.back_mut() {
                *last += dead;
            }
        }
        for page in pages.values_mut() {
            page.unwritten.clear();
            page.dirty = false;
        }
        Ok(Self(Mutex::new(pages)))
    }

    /// Reads one source's page again, as another node wrote it down, before this one counts on it.
    ///
    /// # Errors
    /// When the database does not answer; the page stays as it was.
    pub async fn take_over(&self, db: &Db, source: SourceId) -> Result<(), DbError> {
        let since = db.now() - TimeDelta::minutes(i64::try_from(SPARK_MINUTES).unwrap_or(60));
        let health = store::of(db.conn(), source).await?.unwrap_or_default();
        let mut page = Page { health, ..Page::default() };
        for (_, minute, events, dead) in store::minutes(db.conn(), Some(source), since).await? {
            page.set(minute, events, dead);
        }
        self.0.lock().insert(source, page);
        Ok(())
    }

    /// Reads what other nodes wrote down of the sources that are not this one's.
    ///
    /// # Errors
    /// When the database does not answer; the book stays as it was.
    pub async fn renew(
        &self,
        db: &Db,
        is_own: impl Fn(SourceId) -> bool + Send,
    ) -> Result<(), DbError> {
        let healths = store::all(db.conn()).await?;
        let since = db.now() - TimeDelta::minutes(RENEWED_MINUTES);
        let minutes = store::minutes(db.conn(), None, since).await?;
        let mut pages = self.0.lock();
        for (source, health) in healths {
            let page = pages.entry(source).or_default();
            if page.dirty || is_own(source) {
                continue;
            }
            let (minutes, dead_minutes) = (
                std::mem::take(&mut page.health.minutes),
                std::mem::take(&mut page.health.dead_minutes),
            );
            page.health = Health { minutes, dead_minutes, ..health };
        }
        for (source, minute, events, dead) in minutes {
            let page = pages.entry(source).or_default();
            if !page.dirty && !is_own(source) {
                page.set(minute, events, dead);
            }
        }
        Ok(())
    }

    /// Follows the platform's clock where it was set: it should have shown `from` and showed `to`. A source was heard
    /// so long ago as before: it is neither silent because of that, nor thought to be heard in times to come.
    pub fn clock_set(&self, from: DateTime<Utc>, to: DateTime<Utc>) {
        for page in self.0.lock().values_mut() {
            page.health.last_collected_at = page.health.last_collected_at.map(|last| {
                // What came since the clock was set is dated by it.
                let is_older = (last - from).abs() < (last - to).abs();
                let moved = last.checked_add_signed(to - from).filter(|_| is_older).unwrap_or(last);
                moved.min(to)
            });
            // The last minutes are those of another time.
            page.health.minutes.clear();
            page.health.dead_minutes.clear();
            page.dirty = true;
        }
    }

    /// Notes records that became durable.
    pub fn received(&self, source: SourceId, records: u64, bytes: u64, from: Sighting) {
        let mut pages = self.0.lock();
        let (health, _) = pages.entry(source).or_default().at(from.at);
        health.received += records;
        health.received_bytes += bytes;
        health.last_collected_at = health.last_collected_at.max(Some(from.at));
        if from.peer.is_some() {
            health.last_peer = from.peer;
        }
    }

    /// Notes events that were decoded.
    pub fn decoded(&self, source: SourceId, tally: Tally, now: DateTime<Utc>) {
        let Tally { events, noted, undated, newest } = tally;
        let mut pages = self.0.lock();
        let (health, minute) = pages.entry(source).or_default().at(now);
        health.decoded += events;
        health.noted += noted;
        health.undated += undated;
        health.last_event_at = health.last_event_at.max(Some(newest));
        minute.0 += events;
        if let Some(last) = health.minutes.back_mut() {
            *last += events;
        }
    }

    /// Notes a record that nothing could read.
    pub fn dead(&self, source: SourceId, code: &str, now: DateTime<Utc>) {
        let mut pages = self.0.lock();
        let (health, minute) = pages.entry(source).or_default().at(now);
        health.dead += 1;
        health.last_dead_at = Some(now);
        health.last_dead_code = Some(code.to_owned());
        minute.1 += 1;
        if let Some(last) = health.dead_minutes.back_mut() {
            *last += 1;
        }
    }

    /// Sets what a source's counts really are, as counted where its records ended.
    pub fn restate(&self, source: SourceId, decoded: u64, dead: u64) {
        let mut pages = self.0.lock();
        let page = pages.entry(source).or_default();
        page.health.received = decoded.saturating_add(dead);
        page.health.decoded = decoded;
        page.health.dead = dead;
        page.dirty = true;
    }

    /// Returns how a source does at this moment.
    pub fn of(&self, source: SourceId, now: DateTime<Utc>) -> Health {
        let pages = self.0.lock();
        let Some(page) = pages.get(&source) else { return Health::default() };
        let mut health = page.health.clone();
        let mut newest = page.newest_minute;
        if !health.minutes.is_empty() {
            health.turn(&mut newest, now.timestamp().div_euclid(60));
        }
        health
    }

    /// Returns the sources in scope that have been silent for longer than agreed, those of the
    /// highest level first, then the longest silence. Systems not in use are left out.
    pub fn silent(&self, snapshot: &Snapshot, scope: &Scope, now: DateTime<Utc>) -> Vec<Silence> {
        let mut silent: Vec<Silence> = snapshot
            .bindings()
            .filter(|binding| binding.in_use && scope.sees(binding.origin.agency))
            .filter_map(|binding| {
                let health = self.of(binding.origin.source, now);
                (health.status(binding, now) == Status::Silent).then(|| Silence {
                    binding: binding.clone(),
                    since: health.last_collected_at.unwrap_or(binding.created_at),
                    ever_heard: health.last_collected_at.is_some(),
                })
            })
            .collect();
        silent.sort_by_key(|silence| {
            (std::cmp::Reverse(silence.binding.level), silence.since, silence.binding.origin.source)
        });
        silent
    }

    /// Writes down what changed since the last time. What fails to be written is tried again with the
    /// next call.
    pub async fn flush(&self, db: &Db, snapshot: &Snapshot) -> Result<(), DbError> {
        let (healths, minutes) = self.unwritten(snapshot);
        if healths.is_empty() && minutes.is_empty() {
            return Ok(());
        }
        let written = store::write(db, &healths, &minutes).await;
        if written.is_err() {
            self.put_back(&healths, &minutes);
        }
        written
    }

    fn unwritten(&self, snapshot: &Snapshot) -> (Vec<(SourceId, Health)>, Vec<store::Minute>) {
        let mut pages = self.0.lock();
        let mut healths = Vec::new();
        let mut minutes = Vec::new();
        for (source, page) in pages.iter_mut().filter(|(_, page)| page.dirty) {
            let Some(binding) = snapshot.binding(*source) else { continue };
            page.dirty = false;
            healths.push((*source, page.health.clone()));
            for (minute, (events, dead)) in std::mem::take(&mut page.unwritten) {
                let agency = binding.origin.agency;
                minutes.push(store::Minute {
                    since_epoch: minute,
                    source: *source,
                    agency,
                    events,
                    dead,
                });
            }
        }
        (healths, minutes)
    }

    fn put_back(&self, healths: &[(SourceId, Health)], minutes: &[store::Minute]) {
        let mut pages = self.0.lock();
        for (source, _) in healths {
            pages.entry(*source).or_default().dirty = true;
        }
        for row in minutes {
            let page = pages.entry(row.source).or_default();
            let counts = page.unwritten.entry(row.since_epoch).or_default();
            counts.0 += row.events;
            counts.1 += row.dead;
        }
    }
}

/// When and from where records came.
#[derive(Debug, Clone, Copy)]
pub struct Sighting {
    /// When we received them.
    pub at: DateTime<Utc>,
    /// The sender's address.
    pub peer: Option<IpAddr>,
}
