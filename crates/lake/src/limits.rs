//! The lake's limits, with why.

use std::time::Duration;

/// Rows that are indexed, skipped and read together. Small enough that a needle costs little to
/// read, large enough that the index stays under a tenth of the data.
pub(crate) const GRANULE_ROWS: usize = 8192;

/// Rows of a Parquet row group: sixteen granules.
pub(crate) const ROW_GROUP_ROWS: usize = 16 * GRANULE_ROWS;

/// Bytes of one page before packing. A granule of usual records is one page; long records make
/// several of it, so that nobody must unpack hundreds of megabytes at once.
pub(crate) const PAGE_BYTES_MAX: usize = 16 << 20;

/// Bytes of one page of long texts before packing: who reads a few records of a granule unpacks no more than a
/// thousand or two beside each.
pub(crate) const TEXT_PAGE_BYTES: usize = 512 << 10;

/// Bytes of records in a granule whose rows are put in the order that packs best: whoever wants them in
/// the order of time must have all of them in memory, so granules of long records stay as they are.
pub(crate) const PACKED_BYTES_MAX: usize = 16 << 20;

/// Rows of the largest file that compaction makes.
pub(crate) const FILE_ROWS_MAX: u64 = 1_000_000;

/// Rows decoded at a time where whole records are read: a record may be long.
pub(crate) const WIDE_BATCH_ROWS: usize = 1024;

/// Events that stand in memory as they came before they are turned into columns.
pub(crate) const TAIL_EVENTS_MAX: usize = 4096;

/// Raw bytes that stand in memory as they came: keeps a column's offsets far below 2 GiB.
pub(crate) const TAIL_BYTES_MAX: usize = 16 << 20;

/// Buffers that may wait for the disk before `append` waits too.
pub(crate) const WAITING_BUFFERS_MAX: usize = 2;

/// Events one page of a search may hold.
pub const PAGE_EVENTS_MAX: u32 = 1000;

/// Bars of a histogram: more than a screen has pixels for.
pub const BUCKETS_MAX: u32 = 10_000;

/// Different values `top` counts before it forgets the rarest half: bounds its memory to about
/// 20 MiB a question.
pub(crate) const TOP_VALUES_COUNTED: usize = 200_000;

/// Values one `top` may return.
pub const TOP_LIMIT_MAX: u32 = 1000;

/// Length of a SQL question in bytes.
pub const SQL_BYTES_MAX: usize = 16 * 1024;

/// First and longest wait before a failed flush is tried again.
pub(crate) const RETRY_FIRST: Duration = Duration::from_millis(500);
/// See [`RETRY_FIRST`].
pub(crate) const RETRY_LONGEST: Duration = Duration::from_secs(30);

/// Bytes of lines that are read at a time, on each thread that brings lines in: some granules, not so many that
/// they do not stay in the processor's cache.
pub(crate) const LINES_BYTES: u64 = 16 << 20;

/// Lines that wait for the next piece of the input, so that lines which are out of order by no more than these do
/// not begin another file.
pub(crate) const LINES_CARRIED: usize = 2048;

/// Small files of one day that are merged at a time: bounds the merge's open readers and memory.
pub(crate) const MERGE_FILES_MAX: usize = 16;

/// Small files of one day before they are worth merging.
pub(crate) const MERGE_FILES_MIN: usize = 8;

/// Rows each reader of a merge decodes at a time.
pub(crate) const MERGE_BATCH_ROWS: usize = 1024;

/// Footers kept in memory: ten kilobytes each, half a megabyte where rows were read.
pub(crate) const FOOTERS_KEPT: usize = 256;

/// Conditions whose counts are kept with one footer: a kilobyte each.
pub(crate) const CONDITIONS_KEPT: usize = 16;

/// Events that were found in a file before and are kept with its footer: some kilobytes each.
pub(crate) const RARE_EVENTS_KEPT: u32 = 32;

/// Bytes of the record of such an event.
pub(crate) const RARE_RECORD_BYTES_MAX: usize = 4096;

/// Values whose counts are kept with one footer: most addresses of a busy hour.
pub(crate) const COUNTED_VALUES_KEPT: usize = 32_768;

/// Bytes of such values of one field.
pub(crate) const COUNTED_BYTES_KEPT: usize = 1 << 20;
