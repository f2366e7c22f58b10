//! Indicators: addresses, networks, domains, URLs, hashes and mail addresses that others have seen
//! used by attackers, looked for in every event.
//!
//! The way of an indicator: a file → `read` (lists, CSV, STIX, MISP) → `value` (one spelling for all)
//! → `warning` (is it a name that must never be alerted on?) → `table` (compact, immutable). The way of
//! an event: `observe` (what in it can be an indicator) → `table` → one finding per kind (`rule`).
//!
//! * Looked at are the attributes that hold addresses, host names, URLs, hashes and mail addresses
//!   (`observe` has the list), and text in which people and programs write them: command lines,
//!   registry data, PowerShell scripts, and the message of a log that is not from Windows (whose
//!   messages repeat the fields). In text, bare IPv4 addresses, host names, URLs and mail addresses
//!   are found; hashes and IPv6 addresses are not.
//! * The machine's own address and name (`host_ip`, `host`) are not looked up: they are on every event.
//! * A domain matches itself and every name below it. A URL matches itself, with any query if it has
//!   none of its own, under `http` as under `https`; one that ends in `/` matches all below it.
//! * An indicator past its `valid_until` *at the time of the event* does not match. It does match
//!   events from before it was known: that is what looking back is for.
//! * One event makes at most one finding per kind, with a reason for each indicator that was met, so
//!   that `(rule, event)` stays the identity of a finding.
//! * What stands on a warning list never matches: whole indicators are set aside when they are
//!   loaded, and counted; of one that is wider (a network, a domain above a listed name) the listed
//!   part is left out when it is met.

mod host;
mod kind;
mod memo;
mod observe;
mod read;
mod rule;
mod set;
mod table;
mod url;
mod value;
mod warning;
mod words;

#[cfg(test)]
mod tests;

pub use kind::{IndicatorKind, Tlp};
pub(crate) use observe::Holds;
pub use observe::IndicatorWatch;
pub use read::{Indicator, IndicatorError, IndicatorLoader, IndicatorReport, SetAside};
pub use rule::indicator_rules;
pub use set::{IndicatorSet, Refused};
pub use warning::{WarningError, WarningLists};
