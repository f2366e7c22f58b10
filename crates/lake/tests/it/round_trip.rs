//! An event comes back as it went in: from memory, from columns, from a file.

use std::fmt::Write as _;

use arrow::array::{Array as _, StringArray};
use chrono::DateTime;
use event::lake::LakeReader as _;
use event::{
    Attr, Attrs, Class, Event, EventId, Fields, LogSource, Note, Origin, Scope, SourceId, SystemId,
    TimeQuality, Value,
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use proptest::prelude::*;
use uuid::Uuid;

use crate::home::{Home, agency, all_ids, at, newest_first, run, search};

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just("Đăng nhập thất bại".to_owned()),
        Just("Tha\u{302}\u{301}t ba\u{323}i (NFD)".to_owned()),
        Just("a\"b\\c\n\td\0\u{1}{}[],:".to_owned()),
        Just("\",\"user\":\"x".to_owned()),
        Just("\u{fffd}\u{1f600} \u{2028}".to_owned()),
        ".{0,40}",
        "[a-z0-9.]{1,12}",
    ]
}

fn scalar() -> impl Strategy<Value = Value> {
    let finite = any::<f64>().prop_filter("events hold no NaN", |float| float.is_finite());
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        Just(Value::Int(i64::MAX)),
        Just(Value::Int(i64::MIN)),
        finite.prop_map(Value::Float),
        Just(Value::Float(18_446_744_073_709_551_615.0)),
        Just(Value::Float(0.1 + 0.2)),
        text().prop_map(Value::Text),
        Just(Value::from("00042")),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => scalar(),
        1 => prop::collection::vec(scalar(), 0..4).prop_map(Value::List),
    ]
}

/// Attributes in the order of the columns: the one thing that is not kept is their order.
fn attrs() -> impl Strategy<Value = Attrs> {
    let attr = (0..Attr::ALL.len()).prop_map(|place| Attr::ALL[place]);
    prop::collection::btree_map(attr, value(), 0..8).prop_map(|values| {
        let mut attrs = Attrs::default();
        for (attr, value) in values {
            attrs.set(attr, value);
        }
        attrs
    })
}

fn fields() -> impl Strategy<Value = Fields> {
    let name = prop_oneof!["[a-z_.-]{1,8}", text(), Just("user".to_owned())];
    prop::collection::vec((name, value()), 0..8).prop_map(|pairs| {
        let mut fields = Fields::new();
        for (name, value) in pairs {
            fields.set(name, value);
        }
        fields
    })
}

fn logsource() -> impl Strategy<Value = LogSource> {
    let word = || prop::option::of("[a-z]{0,6}".prop_map(Into::into));
    (word(), word(), word()).prop_map(|(product, category, service)| LogSource {
        product,
        category,
        service,
    })
}

fn event() -> impl Strategy<Value = Event> {
    let times = (-4_000_000_000_000_000..8_000_000_000_000_000_i64, any::<i32>());
    let quality = prop_oneof![
        Just(TimeQuality::Stated),
        Just(TimeQuality::AssumedZone),
        Just(TimeQuality::AssumedYear),
        Just(TimeQuality::Collected),
    ];
    let notes = prop::collection::vec(text().prop_map(|detail| Note::new("odd", detail)), 0..3);
    let class = (0..Class::ALL.len()).prop_map(|place| Class::ALL[place]);
    let origin = (any::<u128>(), prop::option::of(any::<u128>()), any::<u128>());
    (
        (any::<u128>(), origin, times, quality),
        (class, logsource(), attrs(), fields()),
        (notes, text()),
    )
        .prop_map(
            |((id, origin, times, quality), (class, logsource, attrs, fields), (notes, raw))| {
                Event {
                    id: EventId::from_uuid(Uuid::from_u128(id)),
                    origin: Origin {
                        agency: agency(origin.0 % 3),
                        system: origin.1.map(|id| SystemId::from_uuid(Uuid::from_u128(id))),
                        source: SourceId::from_uuid(Uuid::from_u128(origin.2)),
                    },
                    occurred_at: DateTime::from_timestamp_micros(times.0).unwrap(),
                    collected_at: DateTime::from_timestamp(i64::from(times.1), 0).unwrap(),
                    time_quality: quality,
                    class,
                    logsource,
                    parser: "odd_parser".into(),
                    attrs,
                    fields,
                    notes,
                    raw,
                }
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn events_come_back_as_they_were(events in prop::collection::vec(event(), 1..12)) {
        run(async {
            let home = Home::new();
            let lake = home.open().await;
            lake.append(events.clone(), at(1)).await.unwrap();
            let check = async |when: &str| {
                let page = lake.search(&Scope::platform(), &search("", 100)).await.unwrap();
                let mut expected = events.clone();
                expected.sort_by_key(|event| std::cmp::Reverse((event.occurred_at, event.id)));
                assert_eq!(page.events, expected, "{when}");
                let ids: Vec<EventId> = events.iter().map(|event| event.id).collect();
                expected.reverse();
                let by_id = lake.events(&Scope::platform(), &ids).await.unwrap();
                assert_eq!(by_id, expected, "{when}");
            };
            check("in memory").await;
            lake.flush().await.unwrap();
            check("in files").await;
            lake.close().await;
        });
    }
}

#[test]
fn a_long_tail_of_events_becomes_columns_without_loss() {
    run(async {
        let home = Home::new();
        let lake = home.open().await;
        let events = crate::home::events(0..10_000);
        for (number, batch) in events.chunks(700).enumerate() {
            lake.append(batch.to_vec(), at(u64::try_from(number).unwrap())).await.unwrap();
        }
        assert_eq!(all_ids(&lake).await, newest_first(&events));
        assert!(home.files().is_empty());
        let ids: Vec<EventId> = events.iter().step_by(97).map(|event| event.id).collect();
        let expected: Vec<Event> = events.iter().step_by(97).cloned().collect();
        assert_eq!(lake.events(&Scope::platform(), &ids).await.unwrap(), expected);
        lake.flush().await.unwrap();
        assert_eq!(all_ids(&lake).await, newest_first(&events));
        assert_eq!(lake.events(&Scope::platform(), &ids).await.unwrap(), expected);
        assert_eq!(lake.stats().await.unwrap().events, 10_000);
        lake.close().await;
    });
}

#[test]
fn times_are_kept_to_the_microsecond() {
    run(async {
        let home = Home::new();
        let lake = home.open().await;
        let mut event = crate::home::events(0..1).remove(0);
        let leap = chrono::NaiveDate::from_ymd_opt(2016, 12, 31).unwrap();
        event.occurred_at = leap.and_hms_nano_opt(23, 59, 59, 1_500_000_999).unwrap().and_utc();
        event.collected_at += chrono::TimeDelta::nanoseconds(1999);
        lake.append(vec![event], at(1)).await.unwrap();
        let hot = lake.search(&Scope::platform(), &search("", 1)).await.unwrap().events;
        lake.flush().await.unwrap();
        let cold = lake.search(&Scope::platform(), &search("", 1)).await.unwrap().events;
        assert_eq!(hot, cold);
        assert_eq!(hot[0].occurred_at.to_rfc3339(), "2017-01-01T00:00:00.500+00:00");
        lake.close().await;
    });
}

#[test]
fn events_are_handed_out_as_columns_in_their_order() {
    run(async {
        let home = Home::new();
        let lake = home.open().await;
        let mut events = crate::home::events(0..2_500);
        events.reverse();
        let mut file = lake.event_file().unwrap();
        let mut bytes = Vec::new();
        for page in events.chunks(1000) {
            bytes.extend(file.add(page).unwrap());
        }
        bytes.extend(file.finish().unwrap());
        let read = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes)).unwrap();
        let mut raws = Vec::new();
        for batch in read.build().unwrap() {
            let batch = batch.unwrap();
            let column = batch.column_by_name("raw").unwrap();
            let texts = column.as_any().downcast_ref::<StringArray>().unwrap();
            raws.extend(texts.iter().map(|text| text.unwrap().to_owned()));
        }
        let expected: Vec<&str> = events.iter().map(|event| event.raw.as_str()).collect();
        assert_eq!(raws, expected);
        lake.close().await;
    });
}

#[test]
fn a_large_file_is_handed_out_in_parts() {
    run(async {
        let home = Home::new();
        let lake = home.open().await;
        let mut event = crate::home::events(0..1).remove(0);
        let mut file = lake.event_file().unwrap();
        let (mut parts, mut noise) = (0, 1_u64);
        for _ in 0..40 {
            // Text that packs badly.
            event.raw.clear();
            while event.raw.len() < 1 << 20 {
                noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                write!(event.raw, "{noise:016x} ").unwrap();
            }
            parts += usize::from(file.add(std::slice::from_ref(&event)).unwrap().len() > 1 << 20);
        }
        assert!(parts >= 1, "what was taken in does not wait for the end");
        let end = file.finish().unwrap();
        assert!(end.ends_with(b"PAR1") && end.len() < 20 << 20, "{}", end.len());
        lake.close().await;
    });
}
