//! Lists in pages: which rows are asked for, and the links to the pages before and after.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::limits;

/// Which page of a list is asked for; put it into a query struct with `#[serde(flatten)]`, or take it
/// as a second `Query`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct Page {
    /// The page, from 1.
    pub page: Option<u64>,
    /// Rows per page.
    pub rows: Option<u64>,
}

impl Page {
    /// Returns how many rows to read.
    pub fn limit(self) -> u64 {
        self.rows.unwrap_or(limits::ROWS_PER_PAGE).clamp(1, limits::ROWS_PER_PAGE_MAX)
    }

    /// Returns how many rows to skip.
    pub fn offset(self) -> u64 {
        (self.page.unwrap_or(1).max(1) - 1).saturating_mul(self.limit())
    }

    /// Returns the pager of a list of `total` rows; `query` is the rest of the address's query
    /// without `page` (`"severity=high&q=web"`).
    pub fn pager(self, path: &str, query: &str, total: u64) -> Pager {
        let limit = self.limit();
        let page = self.page.unwrap_or(1).max(1);
        let pages = total.div_ceil(limit).max(1);
        let link = |page: u64| {
            let joint = if query.is_empty() { "" } else { "&" };
            format!("{path}?{query}{joint}page={page}")
        };
        let first_row = if total == 0 { 0 } else { self.offset().saturating_add(1).min(total) };
        Pager {
            first_row,
            last_row: self.offset().saturating_add(limit).min(total),
            total,
            more: false,
            previous: (page > 1).then(|| link(page - 1)),
            next: (page < pages).then(|| link(page + 1)),
        }
    }
}

impl Pager {
    /// Says that the list has more rows than were counted.
    #[must_use]
    pub const fn and_more(mut self, more: bool) -> Self {
        self.more = more;
        self
    }
}

/// Where a list stands: drawn by `parts/pager.html`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Pager {
    /// Number of the first row shown, from 1; 0 in an empty list.
    pub first_row: u64,
    /// Number of the last row shown.
    pub last_row: u64,
    /// How many rows the list has, or how many were counted.
    pub total: u64,
    /// Whether there are more than were counted.
    pub more: bool,
    /// Address of the page before.
    pub previous: Option<String>,
    /// Address of the page after.
    pub next: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pager_knows_its_rows_and_neighbours() {
        let pager = Page { page: Some(2), rows: None }.pager("/alerts", "q=a", 120);
        assert_eq!((pager.first_row, pager.last_row, pager.total), (51, 100, 120));
        assert_eq!(pager.previous.as_deref(), Some("/alerts?q=a&page=1"));
        assert_eq!(pager.next.as_deref(), Some("/alerts?q=a&page=3"));
        let empty = Page::default().pager("/alerts", "", 0);
        assert_eq!((empty.first_row, empty.last_row, empty.next), (0, 0, None));
        let absurd = Page { page: Some(u64::MAX), rows: Some(u64::MAX) };
        assert_eq!(absurd.limit(), limits::ROWS_PER_PAGE_MAX);
        assert_eq!(absurd.pager("/", "", 3).next, None);
    }
}
