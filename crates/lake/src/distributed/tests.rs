//! A leaf goes over the wire and comes back as it was; what is no leaf is refused.

use std::sync::Arc;

use chrono::NaiveDate;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{
    FileGroup, FileScanConfigBuilder, FileSource as _, ParquetSource,
};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{col, lit};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion_proto::physical_plan::AsExecutionPlan as _;
use datafusion_proto::protobuf::PhysicalPlanNode;
use proptest::prelude::*;
use uuid::Uuid;

use super::codec::{LakeCodec, decode_foreign};
use super::leaf::{Shipped, leaf, part_file, ship, shipped_of};
use super::message::FilePart;
use super::session::{lake_url, state};
use crate::catalogue::SegmentId;
use crate::catalogue::Where::{Folder, Store};
use crate::schema::{RAW, SCHEMA};

fn part(number: u128, ranges: Option<Vec<std::ops::Range<usize>>>) -> FilePart {
    FilePart {
        id: SegmentId::from_uuid(Uuid::from_u128(number)),
        day: NaiveDate::from_ymd_opt(2026, 9, 21).unwrap(),
        size_bytes: 4711,
        key: None,
        rows: 40_000,
        ranges,
    }
}

/// Returns a leaf of three files in two groups, filtered by a word, with two columns.
fn shipped() -> (Arc<dyn ExecutionPlan>, Arc<TaskContext>) {
    let context = SessionContext::new_with_state(state(SessionConfig::new()).unwrap());
    let schema = datafusion::common::DFSchema::try_from(SCHEMA.as_ref().clone()).unwrap();
    let has_token = context.state().scalar_functions().get("has_token").cloned().unwrap();
    let word = has_token.call(vec![col(RAW), lit("qz7")]);
    let predicate = context.state().create_physical_expr(word, &schema).unwrap();
    let source = ParquetSource::new(SCHEMA.clone()).with_predicate(predicate);
    let groups = vec![
        FileGroup::new(vec![
            part_file(part(1, Some(vec![0..8192, 16_384..24_576]))),
            part_file(part(2, None)),
        ]),
        FileGroup::new(vec![part_file(part(3, Some(std::iter::once(8192..40_000).collect())))]),
    ];
    let config = FileScanConfigBuilder::new(lake_url().unwrap(), Arc::new(source))
        .with_projection_indices(Some(vec![1, 4]))
        .unwrap()
        .with_limit(Some(9))
        .build();
    let own = config.file_source.as_ref().downcast_ref::<ParquetSource>().unwrap().clone();
    (leaf(&config, Arc::new(Shipped::new(own)), groups), context.task_ctx())
}

fn written(plan: Arc<dyn ExecutionPlan>) -> Vec<u8> {
    let message = PhysicalPlanNode::try_from_physical_plan(plan, &LakeCodec::passing()).unwrap();
    let mut bytes = Vec::new();
    message.try_encode(&mut bytes).unwrap();
    bytes
}

#[test]
fn a_leaf_comes_back_as_it_was() {
    let (plan, context) = shipped();
    let bytes = written(Arc::clone(&plan));
    let message = PhysicalPlanNode::try_decode(&bytes).unwrap();
    let back = message.try_into_physical_plan(&context, &LakeCodec::passing()).unwrap();
    assert_eq!(back.schema(), plan.schema());
    let (config, source) = shipped_of(&back).unwrap();
    let parts: Vec<Vec<FilePart>> = config
        .file_groups
        .iter()
        .map(|group| {
            group.iter().map(|file| file.extension::<FilePart>().unwrap().clone()).collect()
        })
        .collect();
    let first = part(1, Some(vec![0..8192, 16_384..24_576]));
    let wanted = vec![
        vec![first, part(2, None)],
        vec![part(3, Some(std::iter::once(8192..40_000).collect()))],
    ];
    assert_eq!((parts, config.limit), (wanted, Some(9)));
    assert!(source.filter().unwrap().to_string().starts_with("has_token(raw@"));
    assert_eq!(written(back), bytes);
}

#[test]
fn whole_files_of_the_store_are_shipped_and_nothing_else() {
    let place = crate::place::Place::in_folder(std::path::Path::new("nowhere"));
    let rows_shipped = |lies_in, range: Option<(i64, i64)>, path: &str| {
        let segment = crate::Segment { lies_in, ..part(1, None).segment() };
        let path = if path.is_empty() { segment.path.clone() } else { path.to_owned() };
        let segment = crate::Segment { path: path.clone(), ..segment };
        let file = Arc::new(crate::segment::SegmentFile::new(&place, segment));
        let ranges = Some(vec![0..8192, 16_384..24_576]);
        let own = PartitionedFile::new(path, 4711).with_extension(crate::ask::PartRead {
            file,
            ranges,
            rows: 40_000,
        });
        let own = range.map_or(own.clone(), |(start, end)| own.with_range(start, end));
        let source = Arc::new(ParquetSource::new(SCHEMA.clone()));
        let config = FileScanConfigBuilder::new(lake_url().unwrap(), source)
            .with_file_groups(vec![FileGroup::new(vec![own])])
            .build();
        let plan = DataSourceExec::from_data_source(config);
        ship(plan).unwrap().map(|(_, rows)| rows)
    };
    assert_eq!(rows_shipped(Store, None, ""), Some(16_384));
    assert_eq!(rows_shipped(Folder, None, ""), None);
    assert_eq!(rows_shipped(Store, None, "day=2026-09-21/another.parquet"), None);
    // Half a file would be read as the whole file, by two.
    assert_eq!(rows_shipped(Store, Some((0, 2000)), ""), None);
}

#[test]
fn a_leaf_that_is_cut_or_changed_is_an_error_or_a_leaf() {
    let (plan, context) = shipped();
    let bytes = written(plan);
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x41;
        for bytes in [&bytes[..at], &changed] {
            if let Ok(message) = PhysicalPlanNode::try_decode(bytes)
                && let Ok(plan) = message.try_into_physical_plan(&context, &LakeCodec::passing())
                && let Some((config, _)) = shipped_of(&plan)
            {
                let parts = config.file_groups.iter().flat_map(FileGroup::iter);
                for part in parts.map(|file| file.extension::<FilePart>().unwrap()) {
                    assert!(part.ranges.iter().flatten().all(|range| range.end <= part.rows));
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn foreign_bytes_are_no_leaf(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        decode_foreign(&bytes);
    }
}
