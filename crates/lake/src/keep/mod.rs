//! Keeping the files for years: are they as they were written, what can be saved of a damaged one,
//! how they are taken along to another installation, and how they go when their time is over.
//!
//! What is here reads and writes whole files in the background; nothing an event or a question waits
//! for.

mod export;
mod handed_out;
mod import;
mod lines;
mod prune;
mod read;
mod relocate;
mod repair;
mod rescue;
mod verify;

pub use export::{Export, ExportFormat, Exported, MANIFEST, Manifest, Taken, export};
pub(crate) use handed_out::{HandedOut, figures};
pub use import::{BadLine, ImportError, Imported};
pub use lines::{BroughtIn, LinesSettings};
pub use prune::{Owner, OwnerRows, Pruned, Verdict};
pub use read::{asked_rows, find_event, read_events};
pub use repair::{QUARANTINE_FOLDER, Salvaged};
pub use rescue::rescue;
pub use verify::{Fault, SetAside, set_aside, strangers, verify_bytes, verify_file};
