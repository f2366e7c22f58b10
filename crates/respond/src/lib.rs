//! What people do with a finding: alerts, exceptions, incidents, the search, the rules as people see
//! them, and the duty page over all of it.
//!
//! Findings come in through [`alert::receive`]; everything else is pages. The crate knows neither
//! the lake nor the detection engine: it asks through [`event::LakeReader`] and
//! [`rule::RuleCatalogue`], and learns names and phones from a [`Directory`].

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may stop at the first surprise"))]

#[macro_use]
mod entity;

pub mod alert;
pub mod custody;
pub mod duty;
pub mod evidence;
pub mod exception;
pub mod export;
pub mod hold;
pub mod incident;
pub mod indicator;
pub mod look_back;
pub mod notice;
pub mod obligation;
pub mod order;
pub mod playbook;
pub mod queue_view;
pub mod report;
pub mod room;
pub mod roster;
pub mod rule;
pub mod saved;
pub mod search;
pub mod statistics;

mod actor;
mod address;
mod at_rest;
mod desk;
mod directory;
mod error;
mod event_line;
mod field_name;
mod file;
mod files;
mod limits;
mod live;
mod mark;
mod period;
mod storage;
#[cfg(test)]
mod testing;
mod udp;

use std::sync::Arc;

use web::approval::Grave;
use web::{NavCount, Routes, Tone, Who};

pub use actor::Handler;
pub use at_rest::{AtRest, Form};
pub use desk::Desk;
pub use directory::{
    AffectedError, AffectedSystem, AgencyCard, AgencyGroup, Concerned, Coverage, Directory,
    MinuteCount, Named, SilentSource, SystemCard,
};
pub use error::RespondError;
pub use files::{Files, KeptFile};
pub use live::Hub;
pub use mark::Piece;
pub use storage::{Storage, StorageTrouble};
pub use udp::UdpListener;

/// Returns all routes of this crate.
pub fn routes(desk: Desk) -> Routes {
    duty::routes()
        .merge(roster::routes())
        .merge(queue_view::routes())
        .merge(alert::routes())
        .merge(incident::routes())
        .merge(room::routes())
        .merge(evidence::routes())
        .merge(indicator::routes())
        .merge(playbook::routes())
        .merge(obligation::routes())
        .merge(report::routes())
        .merge(notice::routes())
        .merge(hold::routes())
        .merge(order::routes())
        .merge(statistics::routes())
        .merge(search::routes())
        .merge(saved::routes())
        .merge(export::routes())
        .merge(rule::routes())
        .merge(look_back::routes())
        .merge(exception::routes())
        .with_state(desk)
}

/// Returns the acts of this crate that take two people, over a desk whose own approvals they do not use.
pub fn grave_acts(desk: &Desk) -> Vec<Arc<dyn Grave>> {
    let block = playbook::BlockApproved { desk: desk.clone() };
    vec![Arc::new(exception::MakeProposed), Arc::new(block)]
}

/// Returns how many deadlines are open in the reader's scope and when the nearest is due, for the
/// clock in the top bar; nothing when there are none or they cannot be read.
pub async fn nearest_deadline(
    desk: &Desk,
    who: &Who,
) -> Option<(u64, chrono::DateTime<chrono::Utc>)> {
    if !who.may(web::Permission::IncidentRead) {
        return None;
    }
    obligation::nearest(desk.db.conn(), &who.scope).await.unwrap_or_default()
}

/// Returns the numbers beside this crate's places in the navigation: open alerts and incidents. They
/// are read from indexes and answered quickly; a number that cannot be read is left out.
pub async fn nav_counts(desk: &Desk, who: &Who) -> Vec<NavCount> {
    let mut counts = Vec::new();
    if let Ok(open) = alert::severity_counts(desk, who).await {
        let loud = open.iter().any(|one| one.count > 0 && one.severity >= event::Severity::High);
        let number = open.iter().map(|one| one.count).sum();
        let tone = if loud { Tone::Bad } else { Tone::Quiet };
        counts.push(NavCount { place: "/alerts", number, tone });
    }
    if let Ok(number) = incident::open_count(desk.db.conn(), &who.scope).await {
        let tone = if number > 0 { Tone::Warn } else { Tone::Quiet };
        counts.push(NavCount { place: "/incidents", number, tone });
    }
    counts
}
