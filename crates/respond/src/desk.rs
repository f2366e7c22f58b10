//! What the pages of this crate stand on: wired once by the application.

use std::sync::Arc;

use db::Db;
use event::LakeReader;
use web::approval::Approvals;

use crate::directory::Directory;
use crate::duty::Days;
use crate::evidence::TimeStamps;
use crate::files::Files;
use crate::indicator::Lookout;
use crate::live::Hub;
use crate::look_back::Bench;
use crate::obligation::Obligations;
use crate::rule::RuleCatalogue;

/// The duty room's desk: state, events, names, rules, and the line to open pages.
#[derive(Debug, Clone)]
pub struct Desk {
    /// Alerts, incidents, exceptions; also the clock and the ids.
    pub db: Db,
    /// The events.
    pub lake: Arc<dyn LakeReader>,
    /// Names, levels and phones.
    pub directory: Arc<dyn Directory>,
    /// The rules.
    pub rules: Arc<dyn RuleCatalogue>,
    /// What can be looked for in the past.
    pub bench: Arc<dyn Bench>,
    /// What looks for indicators.
    pub lookout: Arc<dyn Lookout>,
    /// Where acts wait that take two people.
    pub approvals: Approvals,
    /// Who must be told of incidents, by when.
    pub obligations: Arc<Obligations>,
    /// The folder of files made for people.
    pub files: Files,
    /// The authority that stamps the digests of evidence with a time, if there is one.
    pub time_stamps: Option<TimeStamps>,
    /// The line to open pages.
    pub hub: Hub,
    /// The last day in numbers.
    pub days: Days,
}
