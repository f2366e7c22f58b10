//! Evidence of incidents: files taken from machines, their digest at receipt, who had them since, what stands
//! in them, until when they are kept, and how they go out sealed.
//!
//! A piece comes in parts, each durable before it is answered for, so that a broken line loses nothing; it is
//! *sealed* when its digest is taken. From then on its bytes never change; every access is a line of
//! [`crate::custody`].

mod actions;
#[cfg(test)]
mod at_rest_tests;
mod collector;
mod examine;
mod export;
mod look;
mod meta;
mod model;
mod pages;
mod receipt;
mod receive;
mod routes;
mod scan;
#[cfg(test)]
mod scan_tests;
mod stamp;
mod store;
pub mod tarball;
#[cfg(test)]
mod tests;
mod views;

pub use examine::{Examine, Examined, Examiner, Found};
pub use export::ExportEvidence;
pub use receipt::ReceiptRow;
pub(crate) use routes::routes;
pub use scan::{BadYara, Scan, ScanEvidence, Scanned, Scanner, YaraHit, YaraMatch, YaraString};
pub use stamp::{StampEvidence, TimeStamps};
pub(crate) use store::count;
pub use views::{EvidenceList, EvidencePage, EvidenceRow};
