//! Limits of the web face, each with its reason.

use std::time::Duration;

/// Largest body of a form or a JSON change: pages send text; files have their own routes and limits.
pub const BODY_BYTES_MAX: usize = 1 << 20;

/// Largest form with a file in it: a photograph from a telephone, a scanned document, a long list.
pub const UPLOAD_BYTES_MAX: usize = 16 << 20;

/// The token of a form with a file stands before the file, within so many bytes.
pub(crate) const TOKEN_WITHIN_BYTES: usize = 4 << 10;

/// Longest time a request may take: a search may take 30 s, the page round it a little more.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(40);

/// Rows of a list page unless asked otherwise; two screens of dense rows.
pub const ROWS_PER_PAGE: u64 = 50;

/// Most rows that a page can be asked for.
pub const ROWS_PER_PAGE_MAX: u64 = 500;

/// Announcements kept for a slow browser before it is told to look again.
pub const LIVE_QUEUE: usize = 64;
