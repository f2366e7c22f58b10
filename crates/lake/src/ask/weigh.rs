//! How much a search reads, told by the index alone.

use event::Scope;
use event::lake::Search;

use super::Stop;
use crate::error::StoreError;
use crate::filter::Filter;
use crate::rows::Columns;
use crate::segment::Footers;
use crate::store::View;

/// Returns the rows of all granules that may hold matching rows, and of what is still in memory.
pub(crate) fn weigh(
    view: &View,
    footers: &Footers,
    scope: &Scope,
    search: &Search,
    stop: &Stop,
) -> Result<u64, StoreError> {
    let filter = Filter::new(scope, search);
    let is_asked = |time_us| filter.may_match_times(time_us, time_us);
    let tail = view.tail.iter().flat_map(|events| events.iter());
    let in_memory = tail.filter(|event| is_asked(event.occurred_at.timestamp_micros())).count();
    let in_batches: usize = view.batches.iter().map(|rows| Columns::of(&rows.batch).rows()).sum();
    let mut rows = in_memory.saturating_add(in_batches);
    for file in view.segments.iter() {
        stop.check()?;
        let segment = &file.segment;
        let (oldest, newest) = (segment.min_occurred_at, segment.max_occurred_at);
        if filter.may_match_times(oldest.timestamp_micros(), newest.timestamp_micros()) {
            let footer = footers.of(file)?;
            let granules = filter.granules(file, &footer)?;
            rows = granules.iter().map(|own| own.rows.len()).fold(rows, usize::saturating_add);
        }
    }
    Ok(u64::try_from(rows).unwrap_or(u64::MAX))
}
