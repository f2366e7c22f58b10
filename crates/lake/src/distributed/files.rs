//! What reads a shipped leaf's files on an executor: the store, its cache, the keys.

use std::sync::Arc;

use datafusion::datasource::physical_plan::ParquetSource;
use datafusion::datasource::physical_plan::parquet::ParquetRowSelection;
use datafusion::datasource::physical_plan::{FileGroup, ParquetFileReaderFactory};
use datafusion::error::{DataFusionError, Result};
use parquet::arrow::arrow_reader::RowSelection;

use super::leaf::part_file;
use super::message::FilePart;
use crate::ask::FooterReaders;
use crate::place::Place;
use crate::segment::{Footers, SegmentFile};

/// The files of the store.
#[derive(Debug)]
pub(super) struct StoreFiles {
    place: Arc<Place>,
    footers: Arc<Footers>,
}

impl StoreFiles {
    pub(super) fn new(place: Arc<Place>) -> Self {
        Self { place, footers: Arc::default() }
    }

    /// Lets a source read these files.
    pub(super) fn reads(
        &self,
        source: ParquetSource,
        groups: &[Vec<FilePart>],
    ) -> Result<ParquetSource> {
        let files: Vec<Arc<SegmentFile>> = groups
            .iter()
            .flatten()
            .map(|part| Arc::new(SegmentFile::new(&self.place, part.segment())))
            .collect();
        let segments: Vec<_> = files.iter().map(|file| file.segment.clone()).collect();
        self.place.check(&segments).map_err(|error| DataFusionError::External(error.into()))?;
        let store = self.place.for_sql(&files)?;
        let readers: Arc<dyn ParquetFileReaderFactory> =
            Arc::new(FooterReaders::new(store, &files, &self.footers));
        Ok(source.with_parquet_file_reader_factory(readers))
    }
}

/// Returns the files with the rows that are to be read of each.
pub(super) fn chosen(groups: Vec<Vec<FilePart>>) -> Vec<FileGroup> {
    let chosen = |part: FilePart| {
        let selection = part
            .ranges
            .clone()
            .map(|ranges| RowSelection::from_consecutive_ranges(ranges.into_iter(), part.rows));
        match selection {
            Some(selection) => part_file(part).with_extension(ParquetRowSelection::new(selection)),
            None => part_file(part),
        }
    };
    groups
        .into_iter()
        .map(|files| FileGroup::new(files.into_iter().map(chosen).collect()))
        .collect()
}
