//! Limits of the web face, each with its reason.

use std::time::Duration;

/// Largest body of a form or a JSON change: pages send text; files have their own routes and limits.
pub const BODY_BYTES_MAX: usize = 1 << 20;

/// Longest time a request may take: a search may take 30 s, the page round it a little more.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(40);

/// Rows of a list page unless asked otherwise; two screens of dense rows.
pub const ROWS_PER_PAGE: u64 = 50;

/// Most rows that a page can be asked for.
pub const ROWS_PER_PAGE_MAX: u64 = 500;

/// Announcements kept for a slow browser before it is told to look again.
pub const LIVE_QUEUE: usize = 64;
