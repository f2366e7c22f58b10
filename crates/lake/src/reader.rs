//! How the domains ask: [`LakeReader`] for the lake.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use event::lake::{
    Beside, Bucket, EventFile, FileColumn, Found, IDS_MAX, LakeError, LakeReader, LakeStats,
    Search, Table, TopValue,
};
use event::query::summary::{Summarised, Summary};
use event::{Event, EventId, Scope};

use crate::ask::{self, SqlLimits, Stop, TopOf};
use crate::error::StoreError;
use crate::keep::{HandedOut, figures};
use crate::lake::Lake;
use crate::segment::Footers;
use crate::store::View;

impl Lake {
    /// Runs a question on a thread where it may block, when its turn comes; it ends when its time
    /// is up or nobody waits for it any more.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&View, &Footers, &Stop) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, LakeError> {
        let stop = Stop::after(self.settings.query_timeout);
        let _guard = stop.on_drop();
        let turn = self.turn(&stop).await?;
        let (view, footers) = (self.view(), Arc::clone(&self.footers));
        let handle = self.threads.handle().ok_or(StoreError::Closed)?;
        let own = stop.clone();
        let work = handle.spawn_blocking(move || {
            // The turn goes with the work: a question that nobody waits for still takes a core.
            let _turn = turn;
            question(&view, &footers, &own)
        });
        Ok(work.await.map_err(StoreError::from)??)
    }

    async fn turn(&self, stop: &Stop) -> Result<tokio::sync::OwnedSemaphorePermit, StoreError> {
        let turn = Arc::clone(&self.questions).acquire_owned();
        match tokio::time::timeout(stop.left(), turn).await {
            Ok(turn) => turn.map_err(|_| StoreError::Closed),
            Err(_) => Err(stop.timeout()),
        }
    }
}

#[async_trait]
impl LakeReader for Lake {
    async fn search(&self, scope: &Scope, search: &Search) -> Result<Found, LakeError> {
        let (scope, search) = (scope.clone(), search.clone());
        self.ask(move |view, footers, stop| ask::page(view, footers, &scope, &search, stop)).await
    }

    async fn histogram(
        &self,
        scope: &Scope,
        search: &Search,
        buckets: u32,
    ) -> Result<Vec<Bucket>, LakeError> {
        let (scope, search) = (scope.clone(), search.clone());
        self.ask(move |view, footers, stop| {
            ask::histogram(view, footers, &scope, &search, buckets, stop)
        })
        .await
    }

    async fn weigh(&self, scope: &Scope, search: &Search) -> Result<u64, LakeError> {
        let (scope, search) = (scope.clone(), search.clone());
        self.ask(move |view, footers, stop| ask::weigh(view, footers, &scope, &search, stop)).await
    }

    async fn top(
        &self,
        scope: &Scope,
        search: &Search,
        field: &str,
        limit: u32,
    ) -> Result<Vec<TopValue>, LakeError> {
        let (scope, search, field) = (scope.clone(), search.clone(), field.to_owned());
        self.ask(move |view, footers, stop| {
            ask::top(view, footers, &scope, &search, &TopOf { field: &field, limit }, stop)
        })
        .await
    }

    async fn summarise(
        &self,
        scope: &Scope,
        search: &Search,
        summary: &Summary,
    ) -> Result<Summarised, LakeError> {
        let figures = ask::begin(search, summary)?;
        let (scope, search) = (scope.clone(), Search { after: None, ..search.clone() });
        self.ask(move |view, footers, stop| {
            ask::summarise(view, footers, &scope, &search, figures, stop)
        })
        .await
    }

    async fn events(&self, scope: &Scope, ids: &[EventId]) -> Result<Vec<Event>, LakeError> {
        let scope = scope.clone();
        let ids: BTreeSet<EventId> = ids.iter().take(IDS_MAX).copied().collect();
        self.ask(move |view, footers, stop| ask::events_by_id(view, footers, &scope, &ids, stop))
            .await
    }

    async fn sql_beside(
        &self,
        scope: &Scope,
        sql: &str,
        beside: Vec<Beside>,
    ) -> Result<Table, LakeError> {
        let stop = Stop::after(self.settings.query_timeout);
        let turn = self.turn(&stop).await?;
        let limits = SqlLimits {
            memory_bytes: self.settings.sql_memory_bytes,
            rows_max: self.settings.sql_rows_max,
        };
        let view = self.view();
        let place = ask::SqlPlace {
            place: Arc::clone(&self.place),
            footers: Arc::clone(&self.footers),
            #[cfg(feature = "distributed")]
            cluster: self.cluster.clone(),
        };
        let (scope, sql) = (scope.clone(), sql.to_owned());
        let handle = self.threads.handle().ok_or(StoreError::Closed)?;
        let files = Arc::clone(&view.segments);
        let mut work = tokio::task::JoinSet::new();
        work.spawn_on(
            async move {
                // The files stay as long as the plan may read them.
                let (_turn, _files) = (turn, files);
                ask::sql(view, &place, (&scope, &beside), &sql, limits, &stop).await
            },
            handle,
        );
        // Dropping the set, when nobody waits any more, stops the question.
        match work.join_next().await {
            Some(answer) => answer.map_err(StoreError::from)?,
            None => Err(StoreError::Closed.into()),
        }
    }

    fn event_file(&self) -> Result<Box<dyn EventFile>, LakeError> {
        Ok(Box::new(HandedOut::begin()?))
    }

    fn figure_file(&self, columns: &[FileColumn]) -> Result<Vec<u8>, LakeError> {
        Ok(figures(columns)?)
    }

    async fn stats(&self) -> Result<LakeStats, LakeError> {
        let view = self.view();
        let segments = || view.segments.iter().map(|file| &file.segment);
        let tail_times = view.tail.iter().flat_map(|events| events.iter());
        let mut stats = LakeStats {
            events: segments().map(|segment| segment.rows).sum(),
            files: segments().map(|_| 1).sum(),
            size_bytes: segments().map(|segment| segment.size_bytes).sum(),
            oldest: segments().map(|segment| segment.min_occurred_at).min(),
            newest: segments().map(|segment| segment.max_occurred_at).max(),
        };
        let mut add = |time, count| {
            stats.events += count;
            stats.oldest = Some(stats.oldest.map_or(time, |oldest| oldest.min(time)));
            stats.newest = Some(stats.newest.map_or(time, |newest| newest.max(time)));
        };
        for event in tail_times {
            add(event.occurred_at, 1);
        }
        for rows in &view.batches {
            let columns = crate::rows::Columns::of(&rows.batch);
            for time_us in columns.times(crate::schema::OCCURRED_AT).into_iter().flatten().flatten()
            {
                add(crate::rows::moment(time_us), 1);
            }
        }
        Ok(stats)
    }
}
