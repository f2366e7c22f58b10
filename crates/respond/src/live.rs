//! What open pages hear while they look: announcements go through the site's one stream, events go
//! to live tails, and the rate of events stands here for the duty page.
//!
//! Writers never wait: a slow reader skips.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use event::{AgencyId, Event};
use parking_lot::RwLock;
use tokio::sync::broadcast;
use web::{Announcement, Permission};

use crate::limits::{LIVE_BACKLOG, LIVE_READERS_MAX};
use crate::storage::Storage;
use crate::udp::UdpListener;

/// Where messages to open pages start. Cloning gives another handle to the same hub.
#[derive(Debug, Clone)]
pub struct Hub {
    pages: web::Live,
    events: broadcast::Sender<Arc<[Event]>>,
    tails: Arc<AtomicUsize>,
    /// Events per second, in thousandths.
    rate_milli: Arc<AtomicU64>,
    storage: Arc<RwLock<Option<Storage>>>,
    udp: Arc<RwLock<Vec<UdpListener>>>,
}

impl Hub {
    /// Returns a hub that announces over the site's stream.
    pub fn new(pages: web::Live) -> Self {
        let (events, _) = broadcast::channel(LIVE_BACKLOG);
        Self {
            pages,
            events,
            tails: Arc::default(),
            rate_milli: Arc::default(),
            storage: Arc::default(),
            udp: Arc::default(),
        }
    }

    /// Tells open pages that alerts of this agency are new or have changed.
    pub fn alerts_changed(&self, agency: AgencyId) {
        self.announce("/alerts", agency, Permission::AlertRead);
    }

    /// Tells open pages that incidents of this agency are new or have changed.
    pub fn incidents_changed(&self, agency: AgencyId) {
        self.announce("/incidents", agency, Permission::IncidentRead);
    }

    /// Tells open pages that an order to this agency is new or has changed; to all agencies without one.
    pub fn orders_changed(&self, agency: Option<AgencyId>) {
        let permission = Permission::OrderRead;
        self.pages.announce(Announcement { place: "/orders".into(), agency, permission });
    }

    /// Tells open pages that a log source of this agency fell silent or speaks again.
    pub fn sources_changed(&self, agency: AgencyId) {
        self.announce("/sources", agency, Permission::SourceRead);
    }

    fn announce(&self, place: &'static str, agency: AgencyId, permission: Permission) {
        let place = place.into();
        self.pages.announce(Announcement { place, agency: Some(agency), permission });
    }

    /// Returns whether a live tail is open here.
    pub fn has_tails(&self) -> bool {
        self.tails.load(Ordering::Relaxed) > 0
    }

    /// Gives events that have just been stored to the open live tails; costs nothing without one.
    pub fn publish_events(&self, events: &[Event]) {
        if self.has_tails() && !events.is_empty() {
            // An error only says that the last tail has just closed.
            drop(self.events.send(events.into()));
        }
    }

    /// Notes how many events come in per second.
    pub fn set_rate(&self, events_per_s: f64) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to what fits, and a thousandth is more than anyone reads"
        )]
        let milli = (events_per_s.clamp(0.0, 1e12) * 1000.0) as u64;
        self.rate_milli.store(milli, Ordering::Relaxed);
    }

    /// Returns how many events come in per second.
    #[expect(clippy::cast_precision_loss, reason = "one digit after the mark is shown")]
    pub fn rate(&self) -> f64 {
        self.rate_milli.load(Ordering::Relaxed) as f64 / 1000.0
    }

    /// Notes how the platform's disk does.
    pub fn set_storage(&self, storage: Storage) {
        *self.storage.write() = Some(storage);
    }

    /// Returns how the platform's disk does; nothing before it was first looked at.
    pub fn storage(&self) -> Option<Storage> {
        self.storage.read().clone()
    }

    /// Notes how the UDP listeners of this machine do.
    pub fn set_udp(&self, listeners: Vec<UdpListener>) {
        *self.udp.write() = listeners;
    }

    /// Returns how the UDP listeners of this machine do.
    pub fn udp(&self) -> Vec<UdpListener> {
        self.udp.read().clone()
    }

    /// Returns a live tail, unless too many are open.
    pub(crate) fn tail(&self) -> Option<Tail> {
        let before = self.tails.fetch_add(1, Ordering::Relaxed);
        // Dropping the tail takes it off the count again.
        let tail = Tail { events: self.events.subscribe(), open: Arc::clone(&self.tails) };
        (before < LIVE_READERS_MAX).then_some(tail)
    }
}

/// One open live tail.
#[derive(Debug)]
pub(crate) struct Tail {
    events: broadcast::Receiver<Arc<[Event]>>,
    open: Arc<AtomicUsize>,
}

impl Tail {
    /// Returns the next batch; `None` when the platform shuts down. What was missed is skipped.
    pub(crate) async fn next(&mut self) -> Option<Arc<[Event]>> {
        loop {
            match self.events.recv().await {
                Ok(events) => return Some(events),
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}
