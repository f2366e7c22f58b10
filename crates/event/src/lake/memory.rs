//! The lake's twin in memory: the same answers from a plain list, for tests of the domains.

use std::collections::BTreeMap;
use std::sync::RwLock;

use async_trait::async_trait;
use chrono::TimeDelta;

use super::{
    Beside, Bucket, Cursor, EventFile, FileColumn, Found, LakeError, LakeReader, LakeStats, Search,
    Table, TopValue,
};
use crate::fold::composed;
use crate::query::{matches, resolve};
use crate::{Event, EventId, Scope};

/// A lake that is a list.
#[derive(Debug, Default)]
pub struct MemoryLake {
    events: RwLock<Vec<Event>>,
}

impl MemoryLake {
    /// Returns a lake that holds these events.
    pub fn with(events: Vec<Event>) -> Self {
        Self { events: RwLock::new(events) }
    }

    /// Adds an event.
    pub fn push(&self, event: Event) {
        self.events.write().unwrap_or_else(std::sync::PoisonError::into_inner).push(event);
    }

    /// Returns all matching events, newest first.
    fn matching(&self, scope: &Scope, search: &Search) -> Vec<Event> {
        let events = self.events.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut found: Vec<Event> = events
            .iter()
            .filter(|event| scope.sees_origin(&event.origin))
            .filter(|event| event.occurred_at >= search.from && event.occurred_at < search.to)
            .filter(|event| matches(&search.query, event))
            .cloned()
            .collect();
        found.sort_by_key(|event| std::cmp::Reverse((event.occurred_at, event.id)));
        found
    }
}

#[async_trait]
impl LakeReader for MemoryLake {
    async fn search(&self, scope: &Scope, search: &Search) -> Result<Found, LakeError> {
        let mut events = self.matching(scope, search);
        if let Some(after) = search.after {
            events.retain(|event| (event.occurred_at, event.id) < (after.occurred_at, after.id));
        }
        let limit = usize::try_from(search.limit).unwrap_or(usize::MAX);
        let more = events.len() > limit;
        events.truncate(limit);
        let last = events.last().map(|last| Cursor { occurred_at: last.occurred_at, id: last.id });
        Ok(Found { next: last.filter(|_| more), events, stopped_ms: None, took_ms: 0 })
    }

    async fn histogram(
        &self,
        scope: &Scope,
        search: &Search,
        buckets: u32,
    ) -> Result<Vec<Bucket>, LakeError> {
        let width_ms = (search.to - search.from).num_milliseconds() / i64::from(buckets.max(1));
        let width_ms = width_ms.max(1);
        let mut counts = vec![0_u64; usize::try_from(buckets).unwrap_or(0)];
        for event in self.matching(scope, search) {
            let offset_ms = (event.occurred_at - search.from).num_milliseconds();
            let place = usize::try_from(offset_ms / width_ms).unwrap_or(usize::MAX);
            let last = counts.len().saturating_sub(1);
            if let Some(count) = counts.get_mut(place.min(last)) {
                *count += 1;
            }
        }
        let starts = (0_i64..).map(|n| search.from + TimeDelta::milliseconds(n * width_ms));
        Ok(starts.zip(counts).map(|(from, count)| Bucket { from, count }).collect())
    }

    async fn top(
        &self,
        scope: &Scope,
        search: &Search,
        field: &str,
        limit: u32,
    ) -> Result<Vec<TopValue>, LakeError> {
        let mut counts = BTreeMap::<String, u64>::new();
        for event in self.matching(scope, search) {
            let value = resolve(&event, field);
            for value in value.as_deref().map(crate::Value::members).unwrap_or_default() {
                *counts.entry(composed(&value.text()).into_owned()).or_default() += 1;
            }
        }
        let mut top: Vec<TopValue> =
            counts.into_iter().map(|(value, count)| TopValue { value, count }).collect();
        top.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
        top.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(top)
    }

    async fn events(&self, scope: &Scope, ids: &[EventId]) -> Result<Vec<Event>, LakeError> {
        let events = self.events.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut found: Vec<Event> = events
            .iter()
            .filter(|event| ids.contains(&event.id) && scope.sees_origin(&event.origin))
            .cloned()
            .collect();
        found.sort_by_key(|event| (event.occurred_at, event.id));
        Ok(found)
    }

    async fn sql_beside(
        &self,
        _scope: &Scope,
        _sql: &str,
        _beside: Vec<Beside>,
    ) -> Result<Table, LakeError> {
        Err(LakeError::Question("the in-memory lake has no SQL".to_owned()))
    }

    fn event_file(&self) -> Result<Box<dyn EventFile>, LakeError> {
        Err(LakeError::Unsupported("Parquet".to_owned()))
    }

    fn figure_file(&self, _columns: &[FileColumn]) -> Result<Vec<u8>, LakeError> {
        Err(LakeError::Unsupported("Parquet".to_owned()))
    }

    async fn stats(&self) -> Result<LakeStats, LakeError> {
        let events = self.events.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        Ok(LakeStats {
            events: events.len().try_into().unwrap_or(u64::MAX),
            oldest: events.iter().map(|event| event.occurred_at).min(),
            newest: events.iter().map(|event| event.occurred_at).max(),
            ..LakeStats::default()
        })
    }
}
