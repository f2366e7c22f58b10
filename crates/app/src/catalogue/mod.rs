//! The lake's catalogue in the database: which files are the lake, up to where the spool is safely in
//! them, and, where they lie in a store, which objects are to be removed from it. Bookkeeping, not
//! decisions: see [`db::Db::begin_bookkeeping`].

pub(crate) mod chain;
pub(crate) mod held;
pub(crate) mod keyring;
mod store;
pub(crate) mod witness;

#[cfg(test)]
pub(crate) mod tests;

use std::path::Path;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use db::{Actor, AuditEntry, Db, DbError, Subject};
use event::SpoolPosition;
use lake::{Catalogue, CatalogueError, Fenced, Held, Leftover, Note, Segment, SegmentId, Where};
use sea_orm::{ConnectionTrait, DbErr};

use crate::cluster::{self, Fence};
use chain::Change;

/// The kind of a note on logs whose time is over.
const DELETION: &str = "deletion";

/// The catalogue over tables `lake_segment`, `lake_position`, `lake_chain` and `lake_object`.
#[derive(Debug)]
pub(crate) struct DbCatalogue {
    db: Db,
    /// Where files lie that do not say so: an older version kept all of them in one place.
    else_in: Where,
    /// Where several machines share the lake: what ties this one's commits to its right to make them.
    fence: Option<Fence>,
}

impl DbCatalogue {
    /// Returns the catalogue that this database holds.
    pub(crate) const fn new(db: Db, has_store: bool) -> Self {
        Self { db, else_in: if has_store { Where::Store } else { Where::Folder }, fence: None }
    }

    /// Returns the catalogue of a lake that several machines share.
    pub(crate) const fn shared(db: Db, fence: Fence) -> Self {
        Self { db, else_in: Where::Store, fence: Some(fence) }
    }

    /// Writes down where the files of an older version lie: in the folder, if they are there.
    ///
    /// # Errors
    ///
    /// When the database does not answer.
    pub(crate) async fn begin_places(&self, folder: &Path) -> Result<(), DbError> {
        let unplaced = store::unplaced(self.db.conn()).await?;
        if unplaced.is_empty() {
            return Ok(());
        }
        let is_here = |path: &str| folder.join(path).try_exists().unwrap_or(false);
        let (here, there): (Vec<_>, Vec<_>) =
            unplaced.into_iter().partition(|(_, path)| is_here(path));
        let ids = |files: Vec<(SegmentId, String)>| -> Vec<SegmentId> {
            files.into_iter().map(|(id, _)| id).collect()
        };
        let books = self.db.begin_bookkeeping().await?;
        store::place(books.conn(), &ids(here), Where::Folder).await?;
        store::place(books.conn(), &ids(there), self.else_in).await?;
        books.commit().await
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
        let segments = store::segments(self.db.conn(), self.else_in).await?;
        if segments.is_empty() {
            return Ok(());
        }
        let books = self.db.begin_bookkeeping().await?;
        chain::note(books.conn(), books.now(), Change::adopted(&segments)).await?;
        books.commit().await
    }

    /// Makes sure that nobody took this machine's place, until the transaction ends.
    async fn hold(&self, conn: &impl ConnectionTrait) -> Result<(), CatalogueError> {
        let Some(fence) = &self.fence else { return Ok(()) };
        match fence.hold(conn).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(CatalogueError(Box::new(Fenced))),
            Err(error) => Err(failed(error)),
        }
    }

    /// Changes the files and extends the chain over them; returns whether there was anything to change. What is
    /// there already is not added again, and what is gone is not removed again: the answer to the first try may
    /// have been lost.
    async fn change(
        &self,
        conn: &impl ConnectionTrait,
        now: DateTime<Utc>,
        (add, remove): (&[Segment], &[SegmentId]),
        told: Change<'_>,
    ) -> Result<bool, DbError> {
        let removed = store::of_ids(conn, remove, self.else_in).await?;
        let ids: Vec<SegmentId> = add.iter().map(|segment| segment.id).collect();
        let known = store::of_ids(conn, &ids, self.else_in).await?;
        let known: Vec<SegmentId> = known.iter().map(|segment| segment.id).collect();
        let added: Vec<Segment> =
            add.iter().filter(|segment| !known.contains(&segment.id)).cloned().collect();
        if added.is_empty() && removed.is_empty() {
            return Ok(false);
        }
        if self.fence.is_some() && !added.is_empty() && removed.len() < remove.len() {
            // Another machine replaced them: their events would be there twice.
            return Err(DbErr::Custom("files that are to be replaced are gone".to_owned()).into());
        }
        store::take_announced(conn, in_store(&added)).await?;
        store::note_removed(conn, in_store(&removed), now).await?;
        store::remove(conn, remove).await?;
        store::add(conn, &added, now).await?;
        chain::note(conn, now, Change { add: &added, remove: &removed, ..told }).await?;
        Ok(true)
    }
}

#[async_trait]
impl Catalogue for DbCatalogue {
    async fn segments(&self) -> Result<Vec<Segment>, CatalogueError> {
        store::segments(self.db.conn(), self.else_in).await.map_err(failed)
    }

    async fn commit(
        &self,
        add: &[Segment],
        remove: &[SegmentId],
        position: Option<SpoolPosition>,
    ) -> Result<(), CatalogueError> {
        let books = self.db.begin_bookkeeping().await.map_err(failed)?;
        self.hold(books.conn()).await?;
        let commit = async {
            self.change(books.conn(), books.now(), (add, remove), Change::of(&[], &[])).await?;
            if let Some(position) = position {
                store::advance(books.conn(), position, books.now()).await?;
            }
            books.commit().await
        };
        commit.await.map_err(failed)
    }

    async fn commit_fresh(&self, add: &[Segment], marks: &[Vec<u8>]) -> Result<(), CatalogueError> {
        let books = self.db.begin_bookkeeping().await.map_err(failed)?;
        self.hold(books.conn()).await?;
        let commit = async {
            let ids: Vec<SegmentId> = add.iter().map(|file| file.id).collect();
            let known = store::of_ids(books.conn(), &ids, self.else_in).await?;
            if !add.is_empty() && known.len() == add.len() {
                // The answer to the first try was lost; its marks stand beside it.
                return Ok(());
            }
            for mark in marks {
                cluster::keep_mark(books.conn(), mark, books.now()).await?;
            }
            let fresh = Change { is_fresh: true, ..Change::of(&[], &[]) };
            self.change(books.conn(), books.now(), (add, &[]), fresh).await?;
            books.commit().await
        };
        commit.await.map_err(failed)
    }

    async fn last_change(&self) -> Result<u64, CatalogueError> {
        chain::last(self.db.conn()).await.map_err(failed)
    }

    async fn changes(&self, after: u64) -> Result<Vec<lake::Change>, CatalogueError> {
        let changes = async {
            // Entries and files as of one moment: a file that was replaced in between would be in neither.
            let snapshot = self.db.snapshot().await?;
            chain::changes(&snapshot, after, self.else_in).await
        };
        changes.await.map_err(failed)
    }

    async fn commit_noted(
        &self,
        add: &[Segment],
        remove: &[SegmentId],
        note: &Note,
    ) -> Result<(), CatalogueError> {
        let tx = self.db.begin().await.map_err(failed)?;
        // Before the chain over the files is locked, always in this order.
        tx.lock_trail().await.map_err(failed)?;
        self.hold(tx.conn()).await?;
        if note.kind == DELETION && held::is_held(&tx, &note.detail).await.map_err(failed)? {
            return Err(CatalogueError(Box::new(Held)));
        }
        let commit = async {
            let told = Change { note: Some(note), ..Change::of(&[], &[]) };
            if !self.change(tx.conn(), tx.now(), (add, remove), told).await? {
                // Noted already, or there is nothing of it any more: the trail tells of no second deletion.
                return tx.rollback().await;
            }
            let actor = match note.kind {
                DELETION => Actor::Platform("retention"),
                _ => Actor::CommandLine,
            };
            let action = format!("lake.{}", note.kind);
            let subject = Subject::all("lake_file");
            tx.commit(AuditEntry::new(actor, &action, subject, note.detail.clone())).await
        };
        commit.await.map_err(failed)
    }

    async fn moved(&self, id: SegmentId, to: Where) -> Result<(), CatalogueError> {
        let moved = async {
            let books = self.db.begin_bookkeeping().await?;
            let before = store::of_ids(books.conn(), &[id], self.else_in).await?;
            let before: Vec<Segment> =
                before.into_iter().filter(|segment| segment.lies_in != to).collect();
            match to {
                Where::Store => store::take_announced(books.conn(), before.iter()).await?,
                Where::Folder => {
                    store::note_removed(books.conn(), before.iter(), books.now()).await?;
                }
            }
            store::place(books.conn(), &[id], to).await?;
            books.commit().await
        };
        moved.await.map_err(failed)
    }

    async fn position(&self) -> Result<Option<SpoolPosition>, CatalogueError> {
        store::position(self.db.conn()).await.map_err(failed)
    }

    async fn announce(&self, files: &[Segment]) -> Result<(), CatalogueError> {
        let announce = async {
            let books = self.db.begin_bookkeeping().await?;
            let ids: Vec<SegmentId> = files.iter().map(|file| file.id).collect();
            let known = store::of_ids(books.conn(), &ids, self.else_in).await?;
            let is_there = |file: &&Segment| in_store(&known).any(|known| known.id == file.id);
            let new: Vec<Segment> = files.iter().filter(|file| !is_there(file)).cloned().collect();
            store::announce(books.conn(), &new, books.now()).await?;
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

/// Returns the number of the last change of the lake's files.
///
/// # Errors
///
/// When the database does not answer.
pub(crate) async fn last_change(db: &Db) -> Result<u64, DbError> {
    chain::last(db.conn()).await
}

/// Returns when the first change of the files after one was made; nothing if there is none.
///
/// # Errors
///
/// When the database does not answer.
pub(crate) async fn changed_after(db: &Db, change: u64) -> Result<Option<DateTime<Utc>>, DbError> {
    chain::first_after(db.conn(), change).await
}

fn in_store(files: &[Segment]) -> impl Iterator<Item = &Segment> {
    files.iter().filter(|file| file.lies_in == Where::Store)
}

fn failed(error: DbError) -> CatalogueError {
    CatalogueError(Box::new(error))
}
