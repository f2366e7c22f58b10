//! When a question stops: nobody waits any more, or its time is up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::error::StoreError;

/// How long it may take to read the events of a page that was found in time.
const HANDING_OVER: Duration = Duration::from_secs(5);

/// Asked between two pieces of work.
#[derive(Debug, Clone)]
pub(crate) struct Stop {
    cancelled: Arc<AtomicBool>,
    started: Instant,
    limit: Duration,
}

impl Stop {
    pub(crate) fn after(limit: Duration) -> Self {
        Self { cancelled: Arc::default(), started: Instant::now(), limit }
    }

    /// Returns an error once the question should stop.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(StoreError::Cancelled);
        }
        if self.started.elapsed() >= self.limit {
            return Err(self.timeout());
        }
        Ok(())
    }

    /// Returns whether the time is up.
    pub(crate) fn is_up(&self) -> bool {
        self.started.elapsed() >= self.limit
    }

    /// Returns a stop for handing over what was found when the time was up.
    pub(crate) fn grace(&self) -> Self {
        let cancelled = Arc::clone(&self.cancelled);
        Self { cancelled, started: Instant::now(), limit: HANDING_OVER }
    }

    /// Returns the time that is left.
    pub(crate) fn left(&self) -> Duration {
        self.limit.saturating_sub(self.started.elapsed())
    }

    /// Returns the error for a question that took too long.
    pub(crate) fn timeout(&self) -> StoreError {
        StoreError::Timeout { limit_ms: u64::try_from(self.limit.as_millis()).unwrap_or(u64::MAX) }
    }

    /// Returns how long the question has taken, in milliseconds.
    pub(crate) fn took_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Returns a guard that stops the question when it is dropped.
    pub(crate) fn on_drop(&self) -> CancelOnDrop {
        CancelOnDrop(Arc::clone(&self.cancelled))
    }
}

/// Stops a question when whoever asked is gone.
#[derive(Debug)]
pub(crate) struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
