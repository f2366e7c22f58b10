//! The columns of the lake's files. `docs` for everyone who reads them with another engine:
//!
//! | column | holds |
//! | --- | --- |
//! | `id` | the event's UUIDv7, 16 bytes |
//! | `occurred_at`, `collected_at` | microseconds, UTC |
//! | `time_quality` | `stated`, `assumed_zone`, `assumed_year`, `collected` |
//! | `agency_id`, `system_id`, `source_id` | UUIDs as text |
//! | `class_uid` | OCSF class |
//! | `log_product`, `log_category`, `log_service` | Sigma's log source |
//! | `parser` | which reader read it |
//! | one per [`Attr`], named by its alias | whole numbers as Int64, all else as text; a list's members joined with `, ` |
//! | `attrs_exact` | JSON object of those attributes that their column alone would not give back: lists, numbers in text columns |
//! | `fields` | JSON object of the source's own fields |
//! | `notes` | JSON list, null if there is none |
//! | `raw` | the record as it came |
//! | `extra_text` | folded values that do not stand in `raw` word for word, one a line: a text search reads `raw` and this |
//!
//! A column is found by its name: a file written before an attribute existed lacks its column, and
//! reads as null.

use std::sync::{Arc, LazyLock};

use ahash::AHashMap;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use event::{Attr, AttrType};

/// Version of columns and index, written to each file and to the catalogue. Files of version 1 have the
/// same columns and an index that is read more slowly; up to version 2 all rows stand in the order of time,
/// since then only granules do, and the rows of one may stand as they pack best.
pub const SCHEMA_VERSION: u32 = 3;

/// The last version in which all rows stand in the order of time.
pub(crate) const LAST_IN_TIME: u32 = 2;

pub(crate) const ID: &str = "id";
pub(crate) const OCCURRED_AT: &str = "occurred_at";
pub(crate) const COLLECTED_AT: &str = "collected_at";
pub(crate) const TIME_QUALITY: &str = "time_quality";
pub(crate) const AGENCY_ID: &str = "agency_id";
pub(crate) const SYSTEM_ID: &str = "system_id";
pub(crate) const SOURCE_ID: &str = "source_id";
pub(crate) const CLASS_UID: &str = "class_uid";
pub(crate) const LOG_PRODUCT: &str = "log_product";
pub(crate) const LOG_CATEGORY: &str = "log_category";
pub(crate) const LOG_SERVICE: &str = "log_service";
pub(crate) const PARSER: &str = "parser";
pub(crate) const ATTRS_EXACT: &str = "attrs_exact";
pub(crate) const FIELDS: &str = "fields";
pub(crate) const NOTES: &str = "notes";
pub(crate) const RAW: &str = "raw";
pub(crate) const EXTRA_TEXT: &str = "extra_text";

/// Columns whose values rarely repeat: a dictionary would only cost.
pub(crate) const RARELY_REPEATED: [&str; 8] =
    [RAW, FIELDS, EXTRA_TEXT, ATTRS_EXACT, "cmd_line", "parent_cmd_line", "url", "message"];

/// Columns of numbers that rarely repeat.
pub(crate) const SCATTERED: [&str; 5] = ["src_port", "bytes_in", "bytes_out", "pid", "parent_pid"];

/// Columns that make records alike: rows that share them stand together within a granule.
pub(crate) const KIND: [&str; 5] = [LOG_PRODUCT, LOG_CATEGORY, LOG_SERVICE, PARSER, "event_code"];

/// Columns with a Parquet bloom filter, for other engines and SQL.
pub(crate) const BLOOMED: [&str; 6] =
    ["src_ip", "dst_ip", "user", "host", "file_hash", "dns_query"];

/// Attributes whose values stand in our own index with their name. Long free text is left out: its
/// words are in the index anyway.
pub(crate) const INDEXED: [Attr; 27] = [
    Attr::SrcIp,
    Attr::SrcHost,
    Attr::DstIp,
    Attr::DstHost,
    Attr::Host,
    Attr::HostIp,
    Attr::User,
    Attr::Domain,
    Attr::TargetUser,
    Attr::Group,
    Attr::Process,
    Attr::ProcessName,
    Attr::ParentProcess,
    Attr::FilePath,
    Attr::FileHash,
    Attr::ServiceName,
    Attr::UrlHost,
    Attr::DnsQuery,
    Attr::EmailFrom,
    Attr::EmailTo,
    Attr::Signature,
    Attr::SignatureId,
    Attr::Action,
    Attr::Status,
    Attr::Channel,
    Attr::Provider,
    Attr::EventCode,
];

/// The Arrow schema of the lake.
pub(crate) static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let text = |name: &str| Field::new(name, DataType::Utf8, false);
    let maybe = |name: &str| Field::new(name, DataType::Utf8, true);
    let mut columns = vec![
        Field::new(ID, DataType::FixedSizeBinary(16), false),
        Field::new(OCCURRED_AT, time.clone(), false),
        Field::new(COLLECTED_AT, time, false),
        text(TIME_QUALITY),
        text(AGENCY_ID),
        maybe(SYSTEM_ID),
        text(SOURCE_ID),
        Field::new(CLASS_UID, DataType::Int32, false),
        maybe(LOG_PRODUCT),
        maybe(LOG_CATEGORY),
        maybe(LOG_SERVICE),
        text(PARSER),
    ];
    columns.extend(Attr::ALL.iter().map(|attr| match attr.kind() {
        AttrType::Int => Field::new(attr.alias(), DataType::Int64, true),
        AttrType::Text | AttrType::Ip => maybe(attr.alias()),
    }));
    columns.extend([maybe(ATTRS_EXACT), text(FIELDS), maybe(NOTES), text(RAW), maybe(EXTRA_TEXT)]);
    Arc::new(Schema::new(columns))
});

/// Attributes by alias and by path, for names that come by the million.
pub(crate) static ATTRS_BY_NAME: LazyLock<AHashMap<&'static str, Attr>> = LazyLock::new(|| {
    Attr::ALL.iter().flat_map(|attr| [(attr.alias(), *attr), (attr.path(), *attr)]).collect()
});
