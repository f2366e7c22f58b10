//! The lake's catalogue in the database: which files are the lake, up to where the spool is safely in
//! them, and, where they lie in a store, which objects are to be removed from it. Bookkeeping, not decisions: see [`db::Db::begin_bookkeeping`].

mod store;

#[cfg(test)]
mod tests;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use db::{Db, DbError};
use event::SpoolPosition;
use lake::{Catalogue, CatalogueError, Leftover, Segment, SegmentId};

/// The catalogue over tables `lake_segment`, `lake_position` and `lake_object`.
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
            if self.has_store {
                store::take_announced(books.conn(), add).await?;
                store::note_removed(books.conn(), remove, books.now()).await?;
            }
            store::remove(books.conn(), remove).await?;
            store::add(books.conn(), add, books.now()).await?;
            if let Some(position) = position {
                store::advance(books.conn(), position, books.now()).await?;
            }
            books.commit().await
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
