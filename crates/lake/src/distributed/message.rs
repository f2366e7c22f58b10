//! The leaf as it goes over the wire. All of it may be foreign: [`FileMessage::read`] believes nothing.

use chrono::{Datelike as _, NaiveDate};
use datafusion_proto::protobuf::PhysicalExprNode;
use uuid::Uuid;

use crate::catalogue::{Segment, SegmentId, Where};
use crate::encryption::DataKeyId;
use crate::schema::SCHEMA_VERSION;

/// Files that one leaf may have: three years of twenty files a day, ten times over.
const FILES_MAX: usize = 200_000;

/// Groups of files that one leaf may have; each is a task.
const GROUPS_MAX: usize = 1024;

/// Rows that one file may have: far above what is ever written.
const ROWS_MAX: u64 = 1 << 32;

/// Columns and expressions that one leaf may give.
const PROJECTED_MAX: usize = 10_000;

/// Why a leaf cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no leaf of the lake: {0}")]
pub(super) struct BadLeaf(pub(super) &'static str);

/// Rows of files, and what is made of them.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct LeafMessage {
    /// Version of the columns that the plan was made with.
    #[prost(uint32, tag = "1")]
    pub(super) columns: u32,
    #[prost(message, repeated, tag = "2")]
    pub(super) projection: Vec<PhysicalExprNode>,
    /// A name for each.
    #[prost(string, repeated, tag = "3")]
    pub(super) names: Vec<String>,
    #[prost(message, optional, tag = "4")]
    pub(super) predicate: Option<PhysicalExprNode>,
    #[prost(uint64, optional, tag = "5")]
    pub(super) limit: Option<u64>,
    #[prost(message, repeated, tag = "6")]
    pub(super) groups: Vec<GroupMessage>,
}

impl LeafMessage {
    /// Checks what can be checked of the whole.
    pub(super) fn check(&self) -> Result<(), BadLeaf> {
        if self.columns != SCHEMA_VERSION {
            return Err(BadLeaf("its columns are those of another version of the program"));
        }
        if self.projection.len() > PROJECTED_MAX || self.projection.len() != self.names.len() {
            return Err(BadLeaf("columns and their names"));
        }
        let files: usize = self.groups.iter().map(|group| group.files.len()).sum();
        if self.groups.len() > GROUPS_MAX || files > FILES_MAX {
            return Err(BadLeaf("too many files"));
        }
        Ok(())
    }
}

/// Files that one task reads.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct GroupMessage {
    #[prost(message, repeated, tag = "1")]
    pub(super) files: Vec<FileMessage>,
}

/// One file, and which of its rows.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct FileMessage {
    #[prost(bytes = "vec", tag = "1")]
    id: Vec<u8>,
    /// Days since the beginning of the Common Era.
    #[prost(int32, tag = "2")]
    day: i32,
    #[prost(uint64, tag = "3")]
    size_bytes: u64,
    /// The data key; nothing for a plain file.
    #[prost(bytes = "vec", tag = "4")]
    key: Vec<u8>,
    /// All rows of the file.
    #[prost(uint64, tag = "5")]
    rows: u64,
    /// Rows to skip, rows to read, rows to skip …; nothing: all are read.
    #[prost(uint64, repeated, tag = "6")]
    turns: Vec<u64>,
}

/// One file that was shipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FilePart {
    pub(crate) id: SegmentId,
    pub(crate) day: NaiveDate,
    pub(crate) size_bytes: u64,
    pub(crate) key: Option<DataKeyId>,
    /// All its rows.
    pub(crate) rows: usize,
    /// Those to be read, ascending; `None` is all.
    pub(crate) ranges: Option<Vec<std::ops::Range<usize>>>,
}

impl FilePart {
    /// Returns how many rows are read of it.
    pub(super) fn rows_read(&self) -> usize {
        match &self.ranges {
            None => self.rows,
            Some(ranges) => ranges.iter().map(ExactSizeIterator::len).sum(),
        }
    }

    /// Returns its path in the store.
    pub(super) fn path(&self) -> String {
        crate::segment::relative_path(self.day, self.id)
    }

    /// Returns it as a file of the store; what nobody asks of it there is left empty.
    pub(super) fn segment(&self) -> Segment {
        let none = chrono::DateTime::UNIX_EPOCH;
        let nobody = event::EventId::from_uuid(Uuid::nil());
        Segment {
            id: self.id,
            path: self.path(),
            day: self.day,
            rows: self.rows as u64,
            size_bytes: self.size_bytes,
            min_occurred_at: none,
            max_occurred_at: none,
            min_collected_at: none,
            max_collected_at: none,
            min_id: nobody,
            max_id: nobody,
            sha256: String::new(),
            schema_version: SCHEMA_VERSION,
            key: self.key,
            lies_in: Where::Store,
        }
    }
}

impl FileMessage {
    pub(super) fn of(part: &FilePart) -> Self {
        let mut turns = Vec::new();
        let mut at = 0;
        for range in part.ranges.iter().flatten() {
            turns.extend([range.start.saturating_sub(at) as u64, range.len() as u64]);
            at = range.end;
        }
        Self {
            id: part.id.uuid().as_bytes().to_vec(),
            day: part.day.num_days_from_ce(),
            size_bytes: part.size_bytes,
            key: part.key.map(|key| key.uuid().as_bytes().to_vec()).unwrap_or_default(),
            rows: part.rows as u64,
            turns,
        }
    }

    /// Reads one file; its rows are ascending and inside it.
    pub(super) fn read(&self) -> Result<FilePart, BadLeaf> {
        let uuid = |bytes: &[u8]| Uuid::from_slice(bytes).map_err(|_| BadLeaf("an id"));
        let day = NaiveDate::from_num_days_from_ce_opt(self.day).ok_or(BadLeaf("a day"))?;
        // Years beyond these are written otherwise, and no event has them.
        if !(1..=9999).contains(&day.year()) {
            return Err(BadLeaf("a day"));
        }
        if self.rows == 0 || self.rows > ROWS_MAX {
            return Err(BadLeaf("rows of a file"));
        }
        let rows = usize::try_from(self.rows).map_err(|_| BadLeaf("rows of a file"))?;
        let key = match self.key.as_slice() {
            [] => None,
            bytes => Some(DataKeyId::from_uuid(uuid(bytes)?)),
        };
        Ok(FilePart {
            id: SegmentId::from_uuid(uuid(&self.id)?),
            day,
            size_bytes: self.size_bytes,
            key,
            rows,
            ranges: self.ranges(rows)?,
        })
    }

    fn ranges(&self, rows: usize) -> Result<Option<Vec<std::ops::Range<usize>>>, BadLeaf> {
        if self.turns.is_empty() {
            return Ok(None);
        }
        let bad = BadLeaf("which rows of a file");
        let (pairs, rest) = self.turns.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(bad);
        }
        let mut ranges = Vec::with_capacity(pairs.len());
        let mut at = 0_usize;
        for (number, [skip, read]) in pairs.iter().enumerate() {
            let (skip, read) = (usize::try_from(*skip), usize::try_from(*read));
            let (Ok(skip), Ok(read)) = (skip, read) else { return Err(bad) };
            let start = at.checked_add(skip).ok_or(bad)?;
            let end = start.checked_add(read).ok_or(bad)?;
            if read == 0 || end > rows || (number > 0 && skip == 0) {
                return Err(bad);
            }
            ranges.push(start..end);
            at = end;
        }
        Ok(Some(ranges))
    }
}

/// The border of a scope.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct BorderMessage {
    #[prost(string, repeated, tag = "1")]
    pub(super) agencies: Vec<String>,
    /// Columns that go on.
    #[prost(uint64, tag = "2")]
    pub(super) width: u64,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn part(ranges: Option<Vec<std::ops::Range<usize>>>) -> FilePart {
        FilePart {
            id: SegmentId::from_uuid(Uuid::from_u128(7)),
            day: NaiveDate::from_ymd_opt(2026, 9, 21).unwrap(),
            size_bytes: 4711,
            key: Some(DataKeyId::from_uuid(Uuid::from_u128(9))),
            rows: 100,
            ranges,
        }
    }

    #[test]
    fn a_file_comes_back_with_its_rows() {
        for ranges in
            [None, Some(std::iter::once(0..8).collect()), Some(vec![8..16, 24..32, 90..100])]
        {
            let part = part(ranges);
            assert_eq!(FileMessage::of(&part).read().unwrap(), part);
        }
        assert_eq!(part(Some(vec![8..16, 24..32])).rows_read(), 16);
        assert_eq!(part(None).path(), format!("day=2026-09-21/{}.parquet", Uuid::from_u128(7)));
    }

    #[test]
    fn rows_outside_the_file_are_refused() {
        let good = FileMessage::of(&part(None));
        for turns in [
            vec![0, 101],
            vec![0],
            vec![0, 0],
            vec![10, 10, 0, 5],
            vec![u64::MAX, 2],
            vec![1, u64::MAX],
            vec![90, 5, 4, 2],
        ] {
            let bad = FileMessage { turns: turns.clone(), ..good.clone() };
            assert_eq!(bad.read(), Err(BadLeaf("which rows of a file")), "{turns:?}");
        }
        assert!(FileMessage { rows: 0, ..good.clone() }.read().is_err());
        assert!(FileMessage { rows: u64::MAX, ..good.clone() }.read().is_err());
        assert!(FileMessage { id: vec![1; 15], ..good.clone() }.read().is_err());
        assert!(FileMessage { day: i32::MAX, ..good.clone() }.read().is_err());
        assert!(FileMessage { day: -400, ..good }.read().is_err());
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_ascending_and_inside(
            turns in prop::collection::vec(0_u64..40, 0..12),
            rows in 1_u64..200,
        ) {
            let message = FileMessage { rows, turns, ..FileMessage::of(&part(None)) };
            if let Ok(part) = message.read() {
                let mut at = 0;
                for range in part.ranges.iter().flatten() {
                    prop_assert!(range.start >= at && range.start < range.end);
                    at = range.end;
                }
                prop_assert!(at <= part.rows);
                prop_assert_eq!(FileMessage::of(&part), message);
            }
        }
    }
}
