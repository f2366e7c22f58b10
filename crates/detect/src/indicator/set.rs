//! A set of indicators: immutable, shared by all who match, small enough for millions.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::kind::{IndicatorKind, Tlp};
use super::table::{Entry, Space, Table, TableBuilder};
use super::url::Scheme;
use super::value::IndicatorValue;
use super::warning::WarningLists;
use crate::limits::{INDICATOR_LABEL_CHARS_MAX, URL_FOLDERS_MAX};

/// Indicators, ready to be looked for. Make one with an [`super::IndicatorLoader`].
#[derive(Debug)]
pub struct IndicatorSet {
    pub(super) table: Table,
    pub(super) warnings: Arc<WarningLists>,
    pub(super) shape: Shape,
    sources: Vec<Box<str>>,
    /// Each label with its length (two bytes) before it.
    labels: Vec<u8>,
    counts: [usize; IndicatorKind::ALL.len()],
    seed: u64,
}

/// What there is in a set: spares look-ups that cannot succeed.
#[derive(Debug, Clone, Default)]
pub(super) struct Shape {
    /// Prefix lengths of IPv4 networks.
    pub(super) v4_bits: Vec<u8>,
    /// Prefix lengths of IPv6 networks.
    pub(super) v6_bits: Vec<u8>,
    /// Labels of the longest domain; 0 without domains.
    pub(super) domain_labels: usize,
    /// Whether there are URLs.
    pub(super) urls: bool,
    /// How many folders of a URL are looked up; 0 unless some stand for all below them.
    pub(super) folders_max: usize,
    /// Whether there are digests.
    pub(super) hashes: bool,
    /// Whether there are mail addresses.
    pub(super) emails: bool,
}

/// Why a value is never looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused<'a> {
    /// It is none of its kind, or too wide: in English.
    Unfit(&'static str),
    /// It stands on the warning list of this title.
    Listed(&'a str),
}

/// What a source says of an indicator.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts<'a> {
    pub(super) source: &'a str,
    pub(super) label: &'a str,
    /// 0 to 100.
    pub(super) confidence: Option<u8>,
    pub(super) tlp: Option<Tlp>,
    pub(super) valid_until: Option<DateTime<Utc>>,
}

impl Default for IndicatorSet {
    /// An empty set.
    fn default() -> Self {
        SetBuilder::new(0).finish(Arc::default()).0
    }
}

impl IndicatorSet {
    /// Returns how many indicators there are, each source's counted.
    pub fn len(&self) -> usize {
        self.table.entries().len()
    }

    /// Returns whether there is none.
    pub fn is_empty(&self) -> bool {
        self.table.entries().is_empty()
    }

    /// Returns how many there are of each kind.
    pub fn counts(&self) -> impl Iterator<Item = (IndicatorKind, usize)> {
        IndicatorKind::ALL.into_iter().zip(self.counts)
    }

    /// Returns how many are past their time at this moment.
    pub fn expired(&self, at: DateTime<Utc>) -> usize {
        let at = seconds(at);
        self.table.entries().iter().filter(|entry| is_past(entry, at)).count()
    }

    /// Returns why a value is never looked for, whoever names it.
    pub fn refuses(&self, kind: IndicatorKind, value: &str) -> Option<Refused<'_>> {
        match IndicatorValue::of_kind(kind, value) {
            Err(why) => Some(Refused::Unfit(why)),
            Ok(value) => {
                let list = self.warnings.set_aside(&value)?;
                Some(Refused::Listed(self.warnings.title(list)))
            }
        }
    }

    /// Returns the memory that the set takes, in bytes.
    pub fn memory_bytes(&self) -> usize {
        let sources = self.sources.iter().map(|source| source.len()).fold(0, usize::saturating_add);
        self.table.bytes().saturating_add(self.labels.capacity()).saturating_add(sources)
    }

    /// Returns what keys its hashes.
    pub(super) const fn seed(&self) -> u64 {
        self.seed
    }

    /// Returns who named an indicator.
    pub(super) fn source(&self, entry: &Entry) -> &str {
        self.sources.get(usize::from(entry.source)).map_or("", AsRef::as_ref)
    }

    /// Returns what its source calls it; may be empty.
    pub(super) fn label(&self, entry: &Entry) -> &str {
        label_at(&self.labels, entry.label).unwrap_or_default()
    }

    /// Returns an indicator as people write it.
    pub(super) fn written(&self, entry: &Entry) -> String {
        let Some((space, key)) = self.table.key(entry) else { return String::new() };
        if let Some(network) = network_of(space, key) {
            let is_one = network.prefix_len() == network.max_prefix_len();
            return if is_one { network.addr().to_string() } else { network.to_string() };
        }
        let text = String::from_utf8_lossy(key);
        match space {
            Space::URL => format!("{}{text}", scheme_of(entry.marks).prefix()),
            Space::HASH => hexadecimal(key),
            _ => text.into_owned(),
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

/// Returns the TLP of an entry.
pub(super) fn tlp_of(entry: &Entry) -> Option<Tlp> {
    Tlp::from_number(entry.marks & 0xf)
}

const fn scheme_of(marks: u8) -> Scheme {
    match marks >> 4 {
        1 => Scheme::Http,
        2 => Scheme::Https,
        _ => Scheme::Written,
    }
}

const fn scheme_number(scheme: Scheme) -> u8 {
    match scheme {
        Scheme::Written => 0,
        Scheme::Http => 1,
        Scheme::Https => 2,
    }
}

/// Returns seconds since 1970, as entries keep them.
pub(super) fn seconds(at: DateTime<Utc>) -> u32 {
    let most = Entry::FOREVER.saturating_sub(1);
    u32::try_from(at.timestamp().max(0)).unwrap_or(most).min(most)
}

/// Returns whether an indicator's time is over at this moment.
pub(super) const fn is_past(entry: &Entry, at_s: u32) -> bool {
    entry.valid_until_s != Entry::FOREVER && entry.valid_until_s < at_s
}

fn label_at(labels: &[u8], at: u32) -> Option<&str> {
    let rest = labels.get(usize::try_from(at).ok()?..)?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let text = rest.get(..usize::from(u16::from_le_bytes(*length)))?;
    std::str::from_utf8(text).ok()
}

/// Returns the space of a network.
pub(super) fn space_of(network: &IpNet) -> Space {
    match network {
        IpNet::V4(four) => Space(four.prefix_len()),
        IpNet::V6(six) => Space(Space::IPV6.saturating_add(six.prefix_len())),
    }
}

fn network_of(space: Space, key: &[u8]) -> Option<IpNet> {
    if let Ok(octets) = <[u8; 4]>::try_from(key)
        && space.0 <= 32
    {
        return Ipv4Net::new(octets.into(), space.0).ok().map(IpNet::V4);
    }
    let octets = <[u8; 16]>::try_from(key).ok()?;
    let bits = space.0.checked_sub(Space::IPV6).filter(|bits| *bits <= 128)?;
    Ipv6Net::new(octets.into(), bits).ok().map(IpNet::V6)
}

/// A set on its way.
#[derive(Debug)]
pub(super) struct SetBuilder {
    table: TableBuilder,
    shape: Shape,
    sources: Vec<Box<str>>,
    source_numbers: HashMap<Box<str>, u16>,
    labels: Vec<u8>,
    label_places: HashMap<u64, u32, ahash::RandomState>,
    counts: [usize; IndicatorKind::ALL.len()],
    hasher: ahash::RandomState,
    seed: u64,
}

impl SetBuilder {
    /// Returns an empty one.
    pub(super) fn new(seed: u64) -> Self {
        let hasher = ahash::RandomState::with_seeds(!seed, seed, 3, 4);
        Self {
            table: TableBuilder::new(seed),
            shape: Shape::default(),
            sources: Vec::new(),
            source_numbers: HashMap::new(),
            // The label at place 0 is the empty one.
            labels: vec![0, 0],
            label_places: HashMap::with_hasher(hasher.clone()),
            counts: [0; IndicatorKind::ALL.len()],
            hasher,
            seed,
        }
    }

    /// Returns how many were added.
    pub(super) const fn len(&self) -> usize {
        self.table.len()
    }

    /// Adds an indicator. Returns whether there was room.
    pub(super) fn add(&mut self, value: &IndicatorValue, facts: &Facts<'_>) -> bool {
        let entry = Entry {
            at: 0,
            valid_until_s: facts.valid_until.map_or(Entry::FOREVER, seconds),
            label: self.label(facts.label),
            source: self.source(facts.source),
            confidence: facts.confidence.map_or(Entry::UNRATED, |sure| sure.min(100)),
            marks: Tlp::number(facts.tlp) | mark_of(value),
        };
        let added = match value {
            IndicatorValue::Network(IpNet::V4(four)) => {
                let space = space_of(&IpNet::V4(*four));
                self.table.push(space, &four.addr().octets(), entry)
            }
            IndicatorValue::Network(IpNet::V6(six)) => {
                let space = space_of(&IpNet::V6(*six));
                self.table.push(space, &six.addr().octets(), entry)
            }
            IndicatorValue::Domain(name) => self.table.push(Space::DOMAIN, name.as_bytes(), entry),
            IndicatorValue::Url { rest, .. } => self.table.push(Space::URL, rest.as_bytes(), entry),
            IndicatorValue::Hash(bytes) => self.table.push(Space::HASH, bytes, entry),
            IndicatorValue::Email(text) => self.table.push(Space::EMAIL, text.as_bytes(), entry),
        };
        if added {
            self.note(value);
        }
        added
    }

    fn note(&mut self, value: &IndicatorValue) {
        let shape = &mut self.shape;
        match value {
            IndicatorValue::Network(IpNet::V4(four)) => {
                note_bits(&mut shape.v4_bits, four.prefix_len());
            }
            IndicatorValue::Network(IpNet::V6(six)) => {
                note_bits(&mut shape.v6_bits, six.prefix_len());
            }
            IndicatorValue::Domain(name) => {
                let labels = name.split('.').count();
                shape.domain_labels = shape.domain_labels.max(labels);
            }
            IndicatorValue::Url { rest, .. } => {
                shape.urls = true;
                if rest.ends_with('/') {
                    shape.folders_max = URL_FOLDERS_MAX;
                }
            }
            IndicatorValue::Hash(_) => shape.hashes = true,
            IndicatorValue::Email(_) => shape.emails = true,
        }
    }

    /// Returns a source's number; past 65,535 sources the last one stands for all others.
    fn source(&mut self, name: &str) -> u16 {
        if let Some(number) = self.source_numbers.get(name) {
            return *number;
        }
        let Ok(number) = u16::try_from(self.sources.len()) else { return u16::MAX };
        let is_last = number == u16::MAX;
        let name: Box<str> = if is_last { "other sources".into() } else { name.into() };
        self.sources.push(name.clone());
        self.source_numbers.insert(name, number);
        number
    }

    /// Returns where a label stands; the same label stands once.
    fn label(&mut self, text: &str) -> u32 {
        let short: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let short: String = short.chars().take(INDICATOR_LABEL_CHARS_MAX).collect();
        if short.is_empty() {
            return 0;
        }
        let hash = self.hasher.hash_one(short.as_str());
        if let Some(at) = self.label_places.get(&hash)
            && label_at(&self.labels, *at) == Some(&short)
        {
            return *at;
        }
        let (Ok(at), Ok(length)) = (u32::try_from(self.labels.len()), u16::try_from(short.len()))
        else {
            return 0;
        };
        self.labels.extend_from_slice(&length.to_le_bytes());
        self.labels.extend_from_slice(short.as_bytes());
        self.label_places.insert(hash, at);
        at
    }

    /// Makes the set; returns how many were left out because their source says the same twice.
    pub(super) fn finish(mut self, warnings: Arc<WarningLists>) -> (IndicatorSet, usize) {
        let (table, left_out) = self.table.finish();
        for entry in table.entries() {
            let kind = table.key(entry).map(|(space, _)| kind_of(space));
            let count = kind.and_then(|kind| {
                let place = IndicatorKind::ALL.iter().position(|own| *own == kind)?;
                self.counts.get_mut(place)
            });
            if let Some(count) = count {
                *count = count.saturating_add(1);
            }
        }
        self.labels.shrink_to_fit();
        let Self { shape, sources, labels, counts, seed, .. } = self;
        (IndicatorSet { table, warnings, shape, sources, labels, counts, seed }, left_out)
    }
}

fn mark_of(value: &IndicatorValue) -> u8 {
    match value {
        IndicatorValue::Url { scheme, .. } => scheme_number(*scheme) << 4,
        _ => 0,
    }
}

fn note_bits(all: &mut Vec<u8>, bits: u8) {
    if let Err(place) = all.binary_search(&bits) {
        all.insert(place, bits);
    }
}

/// Returns the kind of the keys of a space.
pub(super) const fn kind_of(space: Space) -> IndicatorKind {
    match space {
        Space::DOMAIN => IndicatorKind::Domain,
        Space::URL => IndicatorKind::Url,
        Space::HASH => IndicatorKind::Hash,
        Space::EMAIL => IndicatorKind::Email,
        _ => IndicatorKind::Ip,
    }
}
