//! One file of the lake: written once, read many times, deleted when its last reader is done.

mod bloom;
mod checks;
mod counts;
mod dictionary;
mod file;
mod first;
mod footer_copy;
mod granules;
mod in_time;
mod keys;
mod measured;
mod outline;
mod rare;
mod read;
mod scan;
mod text_rows;
mod tokens;
mod words;
mod write;

pub(crate) use bloom::{Token, field_start, hash_words, is_word_byte, quick_hash, quick_hash_at};
pub(crate) use checks::{Damage, places_of};
pub(crate) use counts::{Condition, KeptCounts, ValueCounts};
pub(crate) use dictionary::{any_text, group_of};
#[cfg(feature = "distributed")]
pub(crate) use file::relative_path;
pub(crate) use file::{
    FileOrigin, Footer, Footers, SegmentFile, TEMP_EXTENSION, file_origin, merged_from,
};
pub(crate) use granules::Granule;
pub(crate) use in_time::read_in_time;
pub(crate) use outline::Outline;
pub(crate) use read::{Chosen, batch_rows, granule_rows, may_hold, read_chosen, read_rows};
pub(crate) use scan::Needle;
pub(crate) use text_rows::{TextRows, few_of, rows_that_may_have};
pub(crate) use tokens::{ATTR_STARTS, Tokens, add_exact};
pub(crate) use words::ascii_words;
pub(crate) use write::{
    Packing, SegmentWriter, properties, remove_left, remove_or_remember, remove_quietly, rename,
    sync_folder, write_segment,
};
