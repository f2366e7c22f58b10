//! One file of the lake: written once, read many times, deleted when its last reader is done.

mod bloom;
mod checks;
mod file;
mod first;
mod granules;
mod keys;
mod read;
mod scan;
mod write;

pub(crate) use bloom::{Token, is_word_byte, quick_hash};
pub(crate) use checks::{Damage, places_of};
pub(crate) use file::{
    FileOrigin, Footer, Footers, SegmentFile, TEMP_EXTENSION, file_origin, merged_from,
};
pub(crate) use granules::Granule;
pub(crate) use read::{batch_rows, granule_rows, may_hold, read_rows};
pub(crate) use scan::{Needle, granule_may_have};
pub(crate) use write::{Packing, SegmentWriter, remove_quietly, sync_folder, write_segment};
