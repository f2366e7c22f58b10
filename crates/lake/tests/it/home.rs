//! A lake in a temporary folder, and events to put into it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use event::lake::{LakeReader as _, Search};
use event::query::{Query, parse};
use event::{
    AgencyId, Attr, Attrs, Class, Event, EventId, Fields, IdSource, LogSource, Name, Origin, Scope,
    SourceId, SpoolPosition, SystemClock, TimeQuality, Value,
};
use lake::{
    DataKey, DataKeyId, Keyring, Lake, LakeSettings, MasterKey, MemoryCatalogue, OpenError, Place,
    S3Settings, Store, WrappedKey,
};
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

use crate::s3;

/// A folder and a catalogue that outlive the lakes opened over them.
pub(crate) struct Home {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) catalogue: Arc<MemoryCatalogue>,
    pub(crate) store: Option<(tempfile::TempDir, S3Settings)>,
    pub(crate) keys: Option<Arc<Keyring>>,
}

/// Returns a keyring of so many keys: the same number, the same ids, never the same keys.
pub(crate) fn keyring(keys: u128) -> (MasterKey, Vec<WrappedKey>) {
    let master = MasterKey::generate().unwrap();
    let id = |number| DataKeyId::from_uuid(Uuid::from_u128(number));
    let wrapped = |number| master.wrap(&DataKey::generate(id(number)).unwrap()).unwrap();
    let wrapped = (1..=keys).map(wrapped).collect();
    (master, wrapped)
}

pub(crate) fn open_keyring((master, wrapped): &(MasterKey, Vec<WrappedKey>)) -> Arc<Keyring> {
    Arc::new(Keyring::open(master, wrapped).unwrap().unwrap())
}

impl Home {
    pub(crate) fn new() -> Self {
        let store = crate::IN_STORE.then(|| {
            let root = tempfile::tempdir().unwrap();
            std::fs::create_dir(root.path().join("logs")).unwrap();
            let address = s3::start(root.path(), SocketAddr::from(([127, 0, 0, 1], 0)));
            let settings = S3Settings {
                bucket: "logs".to_owned(),
                prefix: "tinh/lake".to_owned(),
                endpoint: format!("http://{address}"),
                region: "us-east-1".to_owned(),
                access_key_id: s3::KEY_ID.to_owned(),
                secret_access_key: s3::SECRET.to_owned(),
                cache_bytes: 1 << 30,
            };
            (root, settings)
        });
        let keys = crate::ENCRYPTED.then(|| open_keyring(&keyring(1)));
        Self { folder: tempfile::tempdir().unwrap(), catalogue: Arc::default(), store, keys }
    }

    /// Nothing is written or merged unless a test says so.
    pub(crate) fn settings(&self) -> LakeSettings {
        LakeSettings {
            flush_interval: Duration::from_hours(1),
            compact_interval: None,
            store: self.store.as_ref().map_or(Store::Folder, |(_, s3)| Store::S3(s3.clone())),
            keys: self.keys.clone(),
            ..LakeSettings::at(self.folder.path())
        }
    }

    pub(crate) async fn open(&self) -> Arc<Lake> {
        self.open_with(self.settings()).await
    }

    pub(crate) async fn open_with(&self, settings: LakeSettings) -> Arc<Lake> {
        self.try_open_with(settings).await.unwrap()
    }

    pub(crate) async fn try_open_with(
        &self,
        settings: LakeSettings,
    ) -> Result<Arc<Lake>, OpenError> {
        let catalogue = Arc::clone(&self.catalogue) as _;
        Lake::open(settings, catalogue, Arc::new(SystemClock)).await
    }

    /// Returns where the files lie.
    pub(crate) fn place(&self) -> Arc<Place> {
        Place::of(&self.settings()).unwrap()
    }

    /// Returns the lake's files, sorted.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        files_below(self.folder.path(), "parquet")
    }
}

/// Returns the files with an extension below a folder, sorted.
pub(crate) fn files_below(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path, extension));
        } else if path.extension().is_some_and(|own| own == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Runs a test's future on a runtime of its own.
pub(crate) fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.unwrap().block_on(test)
}

/// 2026-09-21 13:33:20 UTC.
pub(crate) fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_789_997_600, 0).unwrap()
}

pub(crate) fn agency(number: u128) -> AgencyId {
    AgencyId::from_uuid(Uuid::from_u128(0xa000 + number))
}

/// Returns a plain event of a number: one a second, every third of the second agency.
pub(crate) fn event(ids: &IdSource, number: i64) -> Event {
    let at = start() + TimeDelta::seconds(number);
    let user = format!("user{}", number % 7);
    let mut attrs = Attrs::default();
    attrs.set(Attr::SrcIp, format!("10.0.{}.{}", number % 3, number % 200));
    attrs.set(Attr::SrcPort, 1000 + number);
    attrs.set(Attr::User, user.clone());
    Event {
        id: ids.event(at),
        origin: Origin {
            agency: agency(u128::from(number % 3 == 0)),
            system: None,
            source: SourceId::from_uuid(Uuid::from_u128(0x50)),
        },
        occurred_at: at,
        time_quality: TimeQuality::Stated,
        collected_at: at,
        class: Class::Authentication,
        logsource: LogSource { product: Some("linux".into()), ..LogSource::default() },
        parser: "linux_sshd".into(),
        attrs,
        fields: [("number", Value::Int(number)), ("reason", "Thất bại".into())]
            .into_iter()
            .collect::<Fields>(),
        notes: Vec::new(),
        raw: format!("sshd[{number}]: Failed password for {user}"),
    }
}

pub(crate) fn events(numbers: std::ops::Range<i64>) -> Vec<Event> {
    let ids = IdSource::seeded(u64::try_from(numbers.start).unwrap() + 1);
    numbers.map(|number| event(&ids, number)).collect()
}

pub(crate) fn search(query: &str, limit: u32) -> Search {
    search_for(parse(query).unwrap(), limit)
}

pub(crate) fn search_for(query: Query, limit: u32) -> Search {
    let (from, to) = (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
    Search { query, from, to, limit, after: None }
}

/// Returns the ids of all events that match, newest first, page by page.
pub(crate) async fn found_ids(lake: &Lake, scope: &Scope, mut search: Search) -> Vec<EventId> {
    let mut found = Vec::new();
    loop {
        let page = lake.search(scope, &search).await.unwrap();
        assert!(page.events.len() <= usize::try_from(search.limit).unwrap());
        found.extend(page.events.iter().map(|event| event.id));
        let Some(next) = page.next else { return found };
        search.after = Some(next);
    }
}

/// Returns the ids of these events, newest first.
#[expect(single_use_lifetimes, reason = "an anonymous lifetime cannot stand there yet")]
pub(crate) fn newest_first<'a>(events: impl IntoIterator<Item = &'a Event>) -> Vec<EventId> {
    let mut keys: Vec<_> = events.into_iter().map(|event| (event.occurred_at, event.id)).collect();
    keys.sort_unstable();
    keys.into_iter().rev().map(|(_, id)| id).collect()
}

/// Returns everything in the lake, newest first.
pub(crate) async fn all_ids(lake: &Lake) -> Vec<EventId> {
    found_ids(lake, &Scope::platform(), search("", 1000)).await
}

pub(crate) const fn at(position: u64) -> SpoolPosition {
    SpoolPosition(position)
}

/// Returns up to three of these attributes, each with a value.
pub(crate) fn some_attrs<V: Strategy<Value = Value>>(
    names: &'static [Attr],
    value: impl Fn() -> V,
) -> impl Strategy<Value = Attrs> {
    prop::collection::vec((select(names), value()), 0..4).prop_map(|pairs| {
        let mut attrs = Attrs::default();
        for (attr, value) in pairs {
            attrs.set(attr, value);
        }
        attrs
    })
}

/// Returns up to three fields of the source's own, of these names.
pub(crate) fn some_fields<V: Strategy<Value = Value>>(
    names: &'static [&'static str],
    value: impl Fn() -> V,
) -> impl Strategy<Value = Fields> {
    prop::collection::vec((select(names), value()), 0..4).prop_map(|pairs| {
        pairs.into_iter().map(|(name, value)| (Name::Borrowed(name), value)).collect::<Fields>()
    })
}
