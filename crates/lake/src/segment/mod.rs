//! One file of the lake: written once, read many times, deleted when its last reader is done.

mod bloom;
mod checks;
mod file;
mod granules;
mod read;
mod write;

pub(crate) use bloom::{field_token, is_word_byte, quick_hash, word_token};
pub(crate) use checks::{Damage, places_of};
pub(crate) use file::{
    FileOrigin, Footer, Footers, SegmentFile, TEMP_EXTENSION, file_origin, read_inputs,
};
pub(crate) use granules::Granule;
pub(crate) use read::{batch_rows, granule_rows, may_hold, read_rows};
pub(crate) use write::{SegmentWriter, remove_quietly, write_segment};
