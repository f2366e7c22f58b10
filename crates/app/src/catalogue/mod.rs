//! The lake's catalogue in the database: which files are the lake, up to where the spool is safely in
//! them, and, where they lie in a store, which objects are to be removed from it. Bookkeeping, not
//! decisions: see [`db::Db::begin_bookkeeping`].

pub(crate) mod chain;
mod store;

#[cfg(test)]
mod tests;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use db::{Actor, AuditEntry, Db, DbError, Subject};
use event::SpoolPosition;
use lake::{Catalogue, CatalogueError, Leftover, Note, Segment, SegmentId};
use sea_orm::ConnectionTrait;

use chain::Change;

/// The catalogue over tables `lake_segment`, `lake_position`, `lake_chain` and `lake_object`.
#[derive(Debug)]
pub(crate) struct DbCatalogue {
    db: Db,
    /// Whether files lie in a store: each must have been announced, and is removed later.
    has_store: bool,
}

impl DbCatalogue {
    /// Returns the catalogue that this database holds.
    pub(crate) const fn new(db: Db, has_store: bool) -> Self {
        Self { db, has_store }
    }

    /// Begins the chain over the files of an installation that is older than the chain.
    ///
    /// # Errors
    ///
    /// When the database does not answer.
    pub(crate) async fn begin_chain(&self) -> Result<(), DbError> {
        if chain::has_begun(self.db.conn()).await? {
            return Ok(());
        }
        let segments = store::segments(self.db.conn()).await?;
        if segments.is_empty() {
            return Ok(());
        }
        let books = self.db.begin_bookkeeping().await?;
        chain::note(books.conn(), books.now(), Change::adopted(&segments)).await?;
        books.commit().await
    }

    /// Changes the files and extends the chain over them. What is there already is not added again, and
    /// what is gone is not removed again: the answer to the first try may have been lost.
    async fn change(
        &self,
        conn: &impl ConnectionTrait,
        now: DateTime<Utc>,
        add: &[Segment],
        remove: &[SegmentId],
        note: Option<&Note>,
    ) -> Result<(), DbError> {
        let removed = store::of_ids(conn, remove).await?;
        let ids: Vec<SegmentId> = add.iter().map(|segment| segment.id).collect();
        let known: Vec<SegmentId> =
            store::of_ids(conn, &ids).await?.iter().map(|segment| segment.id).collect();
        let added: Vec<Segment> =
            add.iter().filter(|segment| !known.contains(&segment.id)).cloned().collect();
        if added.is_empty() && removed.is_empty() {
            return Ok(());
        }
        if self.has_store {
            store::take_announced(conn, &added).await?;
            store::note_removed(conn, remove, now).await?;
        }
        store::remove(conn, remove).await?;
        store::add(conn, &added, now).await?;
        chain::note(conn, now, Change { note, ..Change::of(&added, &removed) }).await
    }
}

#[async_trait]
impl Catalogue for DbCatalogue {
    async fn segments(&self) -> Result<Vec<Segment>, CatalogueError> {
        store::segments(self.db.conn()).await.map_err(failed)
    }

    async fn commit(
        &self,
        add: &[Segment],
        remove: &[SegmentId],
        position: Option<SpoolPosition>,
    ) -> Result<(), CatalogueError> {
        let commit = async {
            let books = self.db.begin_bookkeeping().await?;
            self.change(books.conn(), books.now(), add, remove, None).await?;
            if let Some(position) = position {
                store::advance(books.conn(), position, books.now()).await?;
            }
            books.commit().await
        };
        commit.await.map_err(failed)
    }

    async fn commit_noted(
        &self,
        add: &[Segment],
        remove: &[SegmentId],
        note: &Note,
    ) -> Result<(), CatalogueError> {
        let commit = async {
            let tx = self.db.begin().await?;
            self.change(tx.conn(), tx.now(), add, remove, Some(note)).await?;
            let actor = match note.kind {
                "deletion" => Actor::Platform("retention"),
                _ => Actor::CommandLine,
            };
            let action = format!("lake.{}", note.kind);
            let subject = Subject::all("lake_file");
            tx.commit(AuditEntry::new(actor, &action, subject, note.detail.clone())).await
        };
        commit.await.map_err(failed)
    }

    async fn position(&self) -> Result<Option<SpoolPosition>, CatalogueError> {
        store::position(self.db.conn()).await.map_err(failed)
    }

    async fn announce(&self, files: &[Segment]) -> Result<(), CatalogueError> {
        let announce = async {
            let books = self.db.begin_bookkeeping().await?;
            store::announce(books.conn(), files, books.now()).await?;
            books.commit().await
        };
        announce.await.map_err(failed)
    }

    async fn leftovers(&self, before: DateTime<Utc>) -> Result<Vec<Leftover>, CatalogueError> {
        let take_back = async {
            let books = self.db.begin_bookkeeping().await?;
            let leftovers = store::leftovers(books.conn(), before).await?;
            books.commit().await?;
            Ok(leftovers)
        };
        take_back.await.map_err(failed)
    }

    async fn forget(&self, ids: &[SegmentId]) -> Result<(), CatalogueError> {
        let forget = async {
            let books = self.db.begin_bookkeeping().await?;
            store::forget(books.conn(), ids).await?;
            books.commit().await
        };
        forget.await.map_err(failed)
    }
}

fn failed(error: DbError) -> CatalogueError {
    CatalogueError(Box::new(error))
}
