//! Adding up page by page: what a reader of events does that has no quicker way, and the twin's way.

use super::{LakeError, LakeReader, Search};
use crate::Scope;
use crate::query::Tally;
use crate::query::summary::{Summarised, Summary};

/// Events asked for at a time.
const PAGE: u32 = 1_000;

/// Returns the rows of a summary over all matching events.
pub(super) async fn summarised(
    lake: &(impl LakeReader + ?Sized),
    scope: &Scope,
    search: &Search,
    summary: &Summary,
) -> Result<Summarised, LakeError> {
    let mut tally = begin(search, summary)?;
    let mut after = search.after;
    loop {
        let page = Search { limit: PAGE, after, ..search.clone() };
        let found = lake.search(scope, &page).await?;
        found.events.iter().for_each(|event| tally.event(event));
        after = found.next;
        if after.is_none() || found.stopped_ms.is_some() {
            return Ok(Summarised { stopped_ms: found.stopped_ms, ..tally.finish() });
        }
    }
}

/// Begins to add up, unless the bars of its chart would be too many.
///
/// # Errors
/// [`LakeError::TooManyBars`].
pub fn begin(search: &Search, summary: &Summary) -> Result<Tally, LakeError> {
    Tally::new(summary, search.from, search.to).ok_or(LakeError::TooManyBars)
}
