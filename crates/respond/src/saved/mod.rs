//! Saved searches: named questions that people keep, share and let run by themselves.
//!
//! A scheduled search asks about what the platform *received* in a window, not about what happened in
//! it: a record that comes a week late is in the window in which it came, so every record is in
//! exactly one window. Windows come from [`db::job`], one job each, none skipped, none twice. What could
//! be read only later, a dead letter, has its window asked about again ([`ask_again`]).

mod actions;
mod again;
mod model;
mod raise;
mod routes;
mod run;
mod store;
#[cfg(test)]
mod tests;
mod views;

pub use again::ask_again;
pub use model::{DraftError, Plan, Share};
pub(crate) use routes::routes;
pub(crate) use run::past_is_whole;
pub use run::{Arrivals, Owners, ScheduledSearch};
pub use views::{RunRow, SavedForm, SavedList, SavedPage, SavedRow};

/// The rule ids of alerts that a scheduled search raises begin so; its id follows.
pub(crate) const RULE_PREFIX: &str = "luytre-search-";

/// The rule ids of alerts about a scheduled search that cannot keep its promise begin so.
pub(crate) const TROUBLE_PREFIX: &str = "luytre-search-trouble-";

/// Returns the page of the saved search that raised an alert of this rule.
pub(crate) fn page_of_rule(rule: &str) -> Option<String> {
    let id = rule.strip_prefix(TROUBLE_PREFIX).or_else(|| rule.strip_prefix(RULE_PREFIX))?;
    let id: uuid::Uuid = id.parse().ok()?;
    Some(format!("/searches/{id}"))
}
