//! How many events match in each part of a span of time.

use std::collections::BTreeSet;

use arrow::record_batch::RecordBatch;
use chrono::TimeDelta;
use event::lake::{Bucket, Search};
use event::{Attr, Event, Scope};

use super::Stop;
use super::tally::{Tally, count};
use crate::error::{BadRows, StoreError};
use crate::filter::Filter;
use crate::limits::BUCKETS_MAX;
use crate::rows::Columns;
use crate::schema;
use crate::segment::{Footers, Granule};
use crate::store::View;

/// Returns the bars of a histogram.
pub(crate) fn histogram(
    view: &View,
    footers: &Footers,
    scope: &Scope,
    search: &Search,
    buckets: u32,
    stop: &Stop,
) -> Result<Vec<Bucket>, StoreError> {
    let buckets = buckets.min(BUCKETS_MAX);
    let width_ms = (search.to - search.from).num_milliseconds() / i64::from(buckets.max(1));
    let width_ms = width_ms.max(1);
    let bars = Bars {
        from_us: search.from.timestamp_micros(),
        width_us: width_ms.saturating_mul(1000),
        counts: vec![0; usize::try_from(buckets).unwrap_or(0)],
    };
    let filter = Filter::new(scope, search);
    let bars = count(view, footers, &filter, bars, stop)?;
    let starts = (0_i64..).map(|n| search.from + TimeDelta::milliseconds(n * width_ms));
    Ok(starts.zip(bars.counts).map(|(from, count)| Bucket { from, count }).collect())
}

struct Bars {
    from_us: i64,
    width_us: i64,
    counts: Vec<u64>,
}

impl Bars {
    fn bar_of(&self, time_us: i64) -> usize {
        let bar = time_us.saturating_sub(self.from_us) / self.width_us;
        usize::try_from(bar).unwrap_or(0).min(self.counts.len().saturating_sub(1))
    }

    fn add(&mut self, time_us: i64, count: u64) {
        let bar = self.bar_of(time_us);
        if let Some(bar) = self.counts.get_mut(bar) {
            *bar += count;
        }
    }
}

impl Tally for Bars {
    fn fresh(&self) -> Self {
        Self { counts: vec![0; self.counts.len()], ..*self }
    }

    fn columns(&self, _loose: &BTreeSet<Attr>, _columns: &mut BTreeSet<&'static str>) {}

    fn is_alike(&self, granule: &Granule) -> bool {
        self.bar_of(granule.min_us) == self.bar_of(granule.max_us)
    }

    fn alike(&mut self, granule: &Granule, rows: u64) {
        self.add(granule.min_us, rows);
    }

    fn rows(
        &mut self,
        batch: &RecordBatch,
        _loose: &BTreeSet<Attr>,
        rows: &[usize],
    ) -> Result<(), StoreError> {
        let columns = Columns::of(batch);
        let times = columns.times(schema::OCCURRED_AT);
        let times = times.ok_or(BadRows::Missing(schema::OCCURRED_AT))?;
        // Rows stand in the order of time: most are in the bar of the row before.
        let (mut start_us, mut end_us, mut run) = (i64::MAX, i64::MAX, 0);
        for row in rows {
            let time_us = times.value(*row);
            if !(start_us..end_us).contains(&time_us) {
                self.add(start_us, run);
                run = 0;
                let past_us = time_us.saturating_sub(self.from_us).rem_euclid(self.width_us);
                start_us = time_us.saturating_sub(past_us);
                end_us = start_us.saturating_add(self.width_us);
            }
            run += 1;
        }
        self.add(start_us, run);
        Ok(())
    }

    fn event(&mut self, event: &Event) {
        self.add(event.occurred_at.timestamp_micros(), 1);
    }

    fn merge(&mut self, other: Self) {
        for (bar, more) in self.counts.iter_mut().zip(other.counts) {
            *bar += more;
        }
    }
}
