//! Does one event answer a query?

use super::Query;
use crate::Event;

/// Returns whether the event matches.
pub fn matches(_query: &Query, _event: &Event) -> bool {
    true
}
