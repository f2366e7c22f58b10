//! The lake's catalogue in the database: which files are the lake, and up to where the spool is
//! safely in them. Bookkeeping, not decisions: see [`db::Db::begin_bookkeeping`].

mod store;

#[cfg(test)]
mod tests;

use async_trait::async_trait;
use db::{Db, DbError};
use event::SpoolPosition;
use lake::{Catalogue, CatalogueError, Segment, SegmentId};

/// The catalogue over tables `lake_segment` and `lake_position`.
#[derive(Debug)]
pub(crate) struct DbCatalogue {
    db: Db,
}

impl DbCatalogue {
    /// Returns the catalogue that this database holds.
    pub(crate) const fn new(db: Db) -> Self {
        Self { db }
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
}

fn failed(error: DbError) -> CatalogueError {
    CatalogueError(Box::new(error))
}
