//! How events come to lie on disk: memory first, then files, then fewer and larger files.

mod flush;
mod hot;
mod lines;
mod merge;
mod recover;
mod state;

pub(crate) use flush::write_files;
pub(crate) use hot::{Buffer, encode_lists};
pub(crate) use lines::bring_in;
pub(crate) use merge::{merge, pick, widened};
pub use recover::Recovered;
pub(crate) use recover::{LOST_FOLDER, SPILL_FOLDER, files, recover};
pub use state::LakeHealth;
pub(crate) use state::{State, View};
