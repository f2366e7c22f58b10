//! What the duty page shows.

use askama::Template;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use web::charts::Chart;
use web::filters;

use crate::alert::{AlertRow, SeverityCount};
use crate::directory::{Coverage, SilentSource};
use crate::incident::IncidentRow;
use crate::roster::OnCallCard;
use crate::storage::Storage;
use crate::udp::UdpListener;

/// The duty page.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "duty/page.html")]
pub struct DutyPage {
    /// When it was made.
    pub now: DateTime<Utc>,
    /// Who is on call.
    pub on_call: OnCallCard,
    /// Open alerts of each severity.
    pub counts: Vec<SeverityCount>,
    /// Open alerts in all.
    pub open: u64,
    /// Open incidents.
    pub incidents: u64,
    /// Systems of level 3 and above that send logs now.
    pub coverage: Coverage,
    /// Events per second, now.
    pub events_per_s: f64,
    /// The platform's own disk, for those who may know of it.
    pub storage: Option<Storage>,
    /// This machine's UDP listeners, for the same readers: what came, and what was lost.
    pub udp: Vec<UdpListener>,
    /// The worst open alerts.
    pub alerts: Vec<AlertRow>,
    /// Sources from which nothing comes.
    pub silent: Vec<SilentSource>,
    /// Alerts that wait for the reader.
    pub mine: Vec<AlertRow>,
    /// Incidents that the reader leads.
    pub my_incidents: Vec<IncidentRow>,
    /// Events over the past day, with the new alerts marked upon them.
    pub events: Chart,
    /// Addresses with the most alerts.
    pub sources: Chart,
    /// Systems with the most alerts.
    pub targets: Chart,
}

impl DutyPage {
    /// Returns whether every system that must be watched is.
    pub fn covered(&self) -> bool {
        self.coverage.live >= self.coverage.all
    }
}
