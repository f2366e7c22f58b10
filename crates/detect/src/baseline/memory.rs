//! All that one baseline remembers: how far each source is learned, and the books by system.

use std::collections::BTreeMap;

use event::SourceId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::book::{Book, Limit, Record};
use super::habit::Habit;
use super::learning::Progress;
use super::rhythm::Rhythm;
use super::spec::Kind;
use super::volume::{Hours, Live};
use crate::limits::BASELINE_BYTES_MAX;

/// All that one baseline remembers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Memory {
    pub(super) sources: BTreeMap<SourceId, Progress>,
    pub(super) books: Books,
}

/// The books, each kind with its records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Books {
    Habits(Shelf<Habit>),
    Hours(Shelf<Hours>, BTreeMap<Uuid, Live>),
    Rhythms(Shelf<Rhythm>),
}

/// Books by system (or source).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Shelf<R> {
    books: BTreeMap<Uuid, Book<R>>,
    #[serde(skip)]
    bytes: usize,
}

impl Memory {
    /// Returns an empty memory for a kind of baseline.
    pub(super) fn new(kind: &Kind) -> Self {
        let books = match kind {
            Kind::FirstSeen | Kind::RareValue { .. } => Books::Habits(Shelf::default()),
            Kind::Volume { .. } => Books::Hours(Shelf::default(), BTreeMap::new()),
            Kind::Beacon { .. } => Books::Rhythms(Shelf::default()),
        };
        Self { sources: BTreeMap::new(), books }
    }

    /// Counts what is not stored.
    pub(super) fn recount(&mut self) {
        match &mut self.books {
            Books::Habits(shelf) => shelf.recount(),
            Books::Hours(shelf, _) => shelf.recount(),
            Books::Rhythms(shelf) => shelf.recount(),
        }
    }

    /// Returns what it takes in memory, about.
    #[cfg(test)]
    pub(super) const fn bytes(&self) -> usize {
        match &self.books {
            Books::Habits(shelf) => shelf.bytes,
            Books::Hours(shelf, _) => shelf.bytes,
            Books::Rhythms(shelf) => shelf.bytes,
        }
    }
}

impl<R> Default for Shelf<R> {
    fn default() -> Self {
        Self { books: BTreeMap::new(), bytes: 0 }
    }
}

impl<R: Record> Shelf<R> {
    /// Lets one book change, then sees to it that all stay within bounds. Returns what the change
    /// returned, and the limit that it met or that the bounds made.
    pub(super) fn with<T>(
        &mut self,
        scope: Uuid,
        forget_s: i64,
        change: impl FnOnce(&mut Book<R>) -> (T, Option<Limit>),
    ) -> (T, Option<Limit>) {
        let book = self.books.entry(scope).or_default();
        let before = book.bytes();
        let (changed, limit) = change(book);
        book.sweep(forget_s);
        self.bytes = self.bytes.saturating_add(book.bytes()).saturating_sub(before);
        if self.bytes <= BASELINE_BYTES_MAX {
            return (changed, limit);
        }
        if let Some(largest) = self.books.values_mut().max_by_key(|book| book.bytes()) {
            largest.evict();
        }
        self.bytes = self.books.values().map(Book::bytes).sum();
        (changed, limit.or(Some(Limit::Memory)))
    }

    /// Returns whether a limit has to be reported now.
    pub(super) fn reports(&mut self, scope: Uuid, limit: Limit, at_s: i64) -> bool {
        self.books.get_mut(&scope).is_some_and(|book| book.reports(limit, at_s))
    }

    fn recount(&mut self) {
        self.books.values_mut().for_each(Book::recount);
        self.bytes = self.books.values().map(Book::bytes).sum();
    }
}
