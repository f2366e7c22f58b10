//! The tabs above a list.

use serde::Serialize;
use utoipa::ToSchema;
use web::{Permission, Who};

use super::COUNTED_MAX;
use super::model::{Queue, QueueView};
use crate::address::Address;

/// The word in an address that asks for the whole list, where a default view would open.
pub(crate) const WHOLE: &str = "all";

/// Returns the address of a list seen through a view.
pub(super) fn address(view: &QueueView) -> String {
    let and = if view.query.is_empty() { "" } else { "&" };
    format!("{}?{}{and}view={}", view.queue.path(), view.query, view.id)
}

/// One view as a tab.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ViewTab {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The list seen through it.
    pub href: String,
    /// How many rows the reader sees through it, counted to 1,000.
    pub count: u64,
    /// Whether everyone at the centre has it.
    pub shared: bool,
    /// Whether the reader's list opens with it.
    pub is_default: bool,
    /// Whether the reader may change it.
    pub may_change: bool,
    /// Whether the list is seen through it: `no`, `yes`, or `changed` when the filter is no longer the
    /// one that was kept.
    pub here: &'static str,
}

impl ViewTab {
    /// Returns whether the list is seen through it.
    pub(crate) fn is_here(&self) -> bool {
        self.here != "no"
    }

    /// Returns its number as shown: past the limit, that there are more.
    pub(crate) fn shown_count(&self) -> String {
        match self.count {
            count if count > COUNTED_MAX => format!("{COUNTED_MAX}+"),
            count => count.to_string(),
        }
    }

    /// Returns whether the list is seen through it with another filter.
    pub(crate) fn is_changed(&self) -> bool {
        self.here == "changed"
    }
}

/// The tabs above a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ViewTabs {
    /// The list's path.
    pub path: &'static str,
    /// The views.
    pub tabs: Vec<ViewTab>,
    /// Whether the list is seen through none of them.
    pub whole: bool,
    /// The present filter, as the query of the address.
    pub query: String,
    /// The id of the view that the list is seen through; empty for none.
    pub view: String,
    /// Whether the reader may share views.
    pub may_share: bool,
}

impl ViewTabs {
    /// Returns the tabs for these views, each with its count up to [`COUNTED_MAX`] and one more.
    pub(crate) fn of(
        who: &Who,
        queue: Queue,
        counted: Vec<(QueueView, u64)>,
        (query, view): (String, &str),
    ) -> Self {
        let tab = |(one, count): (QueueView, u64)| ViewTab {
            here: match (one.id.to_string() == view, one.query == query) {
                (false, _) => "no",
                (true, true) => "yes",
                (true, false) => "changed",
            },
            href: address(&one),
            count,
            shared: one.shared,
            is_default: one.is_default,
            may_change: one.may_change(who),
            id: one.id.to_string(),
            name: one.name,
        };
        let tabs: Vec<ViewTab> = counted.into_iter().map(tab).collect();
        Self {
            path: queue.path(),
            whole: !tabs.iter().any(ViewTab::is_here),
            view: tabs
                .iter()
                .find(|tab| tab.is_here())
                .map(|tab| tab.id.clone())
                .unwrap_or_default(),
            tabs,
            query,
            may_share: who.may(Permission::ViewShare),
        }
    }

    /// Returns the view that the list is seen through.
    pub(crate) fn current(&self) -> Option<&ViewTab> {
        self.tabs.iter().find(|tab| tab.is_here())
    }

    /// Returns the address of the whole list.
    pub(crate) fn whole_href(&self) -> String {
        Address::of(self.path).with("view", WHOLE).to_string()
    }
}
