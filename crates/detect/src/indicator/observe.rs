//! What in an event can be an indicator, and looking it up: nothing is allocated unless one is met.

use std::net::IpAddr;
use std::sync::Arc;

use event::{Attr, Event, Finding, Value};

use super::host::{self, Host};
use super::kind::IndicatorKind;
use super::memo::{Known, Memo};
use super::rule;
use super::set::{IndicatorSet, Shape, is_past, seconds};
use super::table::{Entry, Space};
use super::{url, value, words};
use crate::limits::{INDICATOR_TEXT_BYTES_MAX, INDICATOR_URL_BYTES_MAX, MATCHES_MAX};

/// Looks for the indicators of a set; one for each thread. Keeps its buffers, and which values it
/// found clean.
#[derive(Debug)]
pub struct IndicatorWatch {
    set: Arc<IndicatorSet>,
    memo: Memo,
    scratch: Scratch,
}

/// Buffers used again and again.
#[derive(Debug, Default)]
struct Scratch {
    text: Vec<u8>,
    name: Vec<u8>,
    hits: Vec<Hit>,
    /// Whether anything was met since it was last asked, also what is past or listed.
    met: bool,
}

/// An indicator that was met.
#[derive(Debug, Clone)]
pub(super) struct Hit {
    pub(super) kind: IndicatorKind,
    /// The attribute's short name, or the source's own field.
    pub(super) field: &'static str,
    /// What stood there.
    pub(super) value: String,
    pub(super) entry: Entry,
}

/// What an attribute holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Holds {
    /// An address.
    Address,
    /// A host name or an address.
    Host,
    /// Host names and addresses with other words between (DNS answers).
    Hosts,
    /// A URL.
    Url,
    /// Digests.
    Hashes,
    /// Mail addresses with names.
    Emails,
    /// Text in which people and programs write any of these.
    Text,
}

const fn holds(attr: Attr) -> Option<Holds> {
    Some(match attr {
        Attr::SrcIp | Attr::DstIp => Holds::Address,
        Attr::SrcHost | Attr::DstHost | Attr::UrlHost | Attr::DnsQuery => Holds::Host,
        Attr::DnsAnswer => Holds::Hosts,
        Attr::Url | Attr::Referrer => Holds::Url,
        Attr::FileHash => Holds::Hashes,
        Attr::EmailFrom | Attr::EmailTo => Holds::Emails,
        Attr::CmdLine | Attr::RegValue | Attr::Message => Holds::Text,
        _ => return None,
    })
}

/// Fields of PowerShell's own logs that hold scripts.
const SCRIPT_FIELDS: [&str; 2] = ["ScriptBlockText", "Payload"];

fn is_windows(event: &Event) -> bool {
    event.logsource.product.as_deref() == Some("windows")
}

/// Returns whether an event is of PowerShell's own logs.
fn is_script(event: &Event) -> bool {
    let service = event.logsource.service.as_deref().unwrap_or_default();
    is_windows(event) && service.starts_with("powershell")
}

impl Default for IndicatorWatch {
    fn default() -> Self {
        Self::new(Arc::default())
    }
}

impl IndicatorWatch {
    /// Returns one that has seen nothing yet.
    pub fn new(set: Arc<IndicatorSet>) -> Self {
        let memo = Memo::new(set.seed());
        Self { set, memo, scratch: Scratch::default() }
    }

    /// Returns what is looked for.
    pub const fn set(&self) -> &Arc<IndicatorSet> {
        &self.set
    }

    /// Adds the findings of the indicators that an event holds: at most one of each kind.
    pub fn observe(&mut self, event: &Event, findings: &mut Vec<Finding>) {
        if self.set.is_empty() {
            return;
        }
        self.scratch.hits.clear();
        let is_windows = is_windows(event);
        for (attr, value) in event.attrs.iter() {
            let Some(holds) = holds(attr) else { continue };
            if !is_windows || attr != Attr::Message {
                self.members(event, holds, attr.alias(), value);
            }
        }
        if self.set.shape.urls {
            self.look(event).path_with_host(event);
        }
        if is_script(event) {
            for field in SCRIPT_FIELDS {
                if let Some(value) = event.fields.get(field) {
                    self.members(event, Holds::Text, field, value);
                }
            }
        }
        if !self.scratch.hits.is_empty() {
            rule::findings(&self.set, event, &self.scratch.hits, findings);
        }
    }

    /// Returns all that a value which becomes this attribute may hold, before it is fitted: a name may
    /// stand where an address belongs, and a port behind a host.
    pub(crate) fn looked_for(event: &Event, attr: Attr) -> &'static [Holds] {
        match holds(attr) {
            Some(Holds::Text) if attr == Attr::Message && is_windows(event) => &[],
            Some(Holds::Host) if attr == Attr::UrlHost => &[Holds::Host, Holds::Url],
            Some(Holds::Address | Holds::Host) => &[Holds::Host],
            Some(Holds::Hosts) => &[Holds::Hosts],
            Some(Holds::Url) => &[Holds::Url],
            Some(Holds::Hashes) => &[Holds::Hashes],
            Some(Holds::Emails) => &[Holds::Emails],
            Some(Holds::Text) => &[Holds::Text],
            None => &[],
        }
    }

    /// Returns the fields of an event's kind that hold scripts.
    pub(crate) fn scripts(event: &Event) -> impl Iterator<Item = (&'static str, Holds)> {
        let fields = if is_script(event) { &SCRIPT_FIELDS[..] } else { &[] };
        fields.iter().map(|field| (*field, Holds::Text))
    }

    /// Returns whether a host and a path from two values are looked for as one URL.
    pub(crate) fn joins_urls(&self) -> bool {
        self.set.shape.urls
    }

    /// Returns whether an indicator may stand in a value, at whatever time.
    pub(crate) fn may_hold(&mut self, holds: Holds, text: &str) -> bool {
        let known = match holds {
            Holds::Address | Holds::Host => Known::Never,
            _ => self.memo.place(holds, text),
        };
        if known == Known::Clean {
            return false;
        }
        self.scratch.met = false;
        let mut look = Look { set: &self.set, at_s: u32::MAX, scratch: &mut self.scratch };
        look.value(holds, "", text);
        self.scratch.hits.clear();
        let met = self.scratch.met;
        if let Known::Place(place) = known
            && !met
        {
            self.memo.keep(place, holds, text);
        }
        met
    }

    fn look(&mut self, event: &Event) -> Look<'_> {
        let at_s = seconds(event.occurred_at);
        Look { set: &self.set, at_s, scratch: &mut self.scratch }
    }

    fn members(&mut self, event: &Event, holds: Holds, field: &'static str, value: &Value) {
        for member in value.members() {
            let Value::Text(text) = member else { continue };
            // One look-up is as quick as remembering it.
            let known = match holds {
                Holds::Address | Holds::Host => Known::Never,
                _ => self.memo.place(holds, text),
            };
            if known == Known::Clean {
                continue;
            }
            self.scratch.met = false;
            self.look(event).value(holds, field, text);
            if let Known::Place(place) = known
                && !self.scratch.met
            {
                self.memo.keep(place, holds, text);
            }
        }
    }
}

/// Looking into one event.
struct Look<'a> {
    set: &'a IndicatorSet,
    at_s: u32,
    scratch: &'a mut Scratch,
}

impl<'a> Look<'a> {
    fn shape(&self) -> &'a Shape {
        &self.set.shape
    }

    fn value(&mut self, holds: Holds, field: &'static str, text: &str) {
        match holds {
            Holds::Address => {
                if let Some(address) = host::address(text) {
                    self.address(field, text, address);
                }
            }
            Holds::Host => self.host(field, text),
            Holds::Hosts => self.hosts(field, text),
            Holds::Url => self.url(field, text),
            Holds::Hashes => self.hashes(field, text),
            Holds::Emails => self.emails(field, text),
            Holds::Text => self.text(field, text),
        }
    }

    fn address(&mut self, field: &'static str, shown: &str, address: IpAddr) {
        let (set, shape) = (self.set, self.shape());
        match address {
            IpAddr::V4(four) => {
                for bits in &shape.v4_bits {
                    let mask = u32::MAX.checked_shl(32_u32.saturating_sub((*bits).into()));
                    let key = (four.to_bits() & mask.unwrap_or(0)).to_be_bytes();
                    let found = set.table.find(Space(*bits), &key);
                    self.address_hits(field, shown, address, found);
                }
            }
            IpAddr::V6(six) => {
                for bits in &shape.v6_bits {
                    let mask = u128::MAX.checked_shl(128_u32.saturating_sub((*bits).into()));
                    let key = (six.to_bits() & mask.unwrap_or(0)).to_be_bytes();
                    let found = set.table.find(Space(Space::IPV6.saturating_add(*bits)), &key);
                    self.address_hits(field, shown, address, found);
                }
            }
        }
    }

    fn address_hits(&mut self, field: &'static str, shown: &str, address: IpAddr, found: &[Entry]) {
        if found.is_empty() {
            return;
        }
        self.scratch.met = true;
        if self.set.warnings.address(address).is_none() {
            self.hits(IndicatorKind::Ip, field, shown, found);
        }
    }

    fn host(&mut self, field: &'static str, text: &str) {
        match host::read(text, &mut self.scratch.name) {
            Some(Host::Address(address)) => self.address(field, text, address),
            Some(Host::Name) => self.name(field, text),
            // Some write the port behind it.
            None => {
                if let Some(bare) = host::without_port(text) {
                    self.host(field, bare);
                }
            }
        }
    }

    /// Looks up the name in the buffer and those above it.
    fn name(&mut self, field: &'static str, shown: &str) {
        let labels = self.shape().domain_labels;
        if labels == 0 {
            return;
        }
        let name = std::mem::take(&mut self.scratch.name);
        for upper in host::upward(&name, labels) {
            let found = self.set.table.find(Space::DOMAIN, upper);
            if !found.is_empty() {
                self.scratch.met = true;
                let name = String::from_utf8_lossy(&name);
                if !self.set.warnings.has_name(&name) {
                    self.hits(IndicatorKind::Domain, field, shown, found);
                }
            }
        }
        self.scratch.name = name;
    }

    /// DNS answers: Sysmon writes `type:  5 name;::ffff:198.51.100.7;`, others lists.
    fn hosts(&mut self, field: &'static str, text: &str) {
        let between = |c: char| c == ';' || c == ',' || c.is_whitespace();
        for part in text.split(between).filter(|part| part.contains(['.', ':'])) {
            self.host(field, part);
        }
    }

    fn url(&mut self, field: &'static str, text: &str) {
        let buffers = &mut *self.scratch;
        let Some(parts) = url::read(text, &mut buffers.text, &mut buffers.name) else { return };
        if self.shape().urls {
            let whole = std::mem::take(&mut self.scratch.text);
            let folders = self.shape().folders_max;
            for form in url::forms(&whole, parts.path, folders) {
                let found = self.set.table.find(Space::URL, form);
                self.hits(IndicatorKind::Url, field, text, found);
            }
            self.scratch.text = whole;
        }
        match parts.kind {
            Host::Address(address) => self.address(field, text, address),
            Host::Name => self.name(field, text),
        }
    }

    /// Web servers and Zeek write the path alone: the host stands beside it.
    fn path_with_host(&mut self, event: &Event) {
        let path = event.attr_text(Attr::Url).or_else(|| event.attr_text(Attr::UrlPath));
        let Some(path) = path.filter(|path| path.starts_with('/') && !path.starts_with("//"))
        else {
            return;
        };
        let Some(host) = event.attr_text(Attr::UrlHost).filter(|host| !host.is_empty()) else {
            return;
        };
        if path.len() <= INDICATOR_URL_BYTES_MAX {
            self.url(Attr::Url.alias(), &[host, path].concat());
        }
    }

    fn hashes(&mut self, field: &'static str, text: &str) {
        if !self.shape().hashes {
            return;
        }
        for part in text.split(',') {
            let digest = part.split_once('=').map_or(part, |(_, digest)| digest).trim();
            if value::digest_into(digest, &mut self.scratch.text) {
                let found = self.set.table.find(Space::HASH, &self.scratch.text);
                self.hits(IndicatorKind::Hash, field, digest, found);
            }
        }
    }

    fn emails(&mut self, field: &'static str, text: &str) {
        let between =
            |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '<' | '>' | '"' | '\'');
        for part in text.split(between) {
            if let Some((local, domain)) = part.rsplit_once('@') {
                self.email(field, part, local, domain);
            }
        }
    }

    fn email(&mut self, field: &'static str, shown: &str, local: &str, domain: &str) {
        let buffers = &mut *self.scratch;
        if local.len() > 64 || !host::name(domain, &mut buffers.name) {
            return;
        }
        if self.set.shape.emails {
            buffers.text.clear();
            if local.is_ascii() {
                buffers.text.extend(local.bytes().map(|b| b.to_ascii_lowercase()));
            } else {
                buffers.text.extend_from_slice(local.to_lowercase().as_bytes());
            }
            buffers.text.push(b'@');
            buffers.text.extend_from_slice(&buffers.name);
            let found = self.set.table.find(Space::EMAIL, &buffers.text);
            self.hits(IndicatorKind::Email, field, shown, found);
        }
        self.name(field, shown);
    }

    /// Finds URLs, hosts, addresses and mail addresses in text: all of them have a dot, or are IPv6.
    fn text(&mut self, field: &'static str, text: &str) {
        let end = text.floor_char_boundary(INDICATOR_TEXT_BYTES_MAX);
        let text = text.get(..end).unwrap_or_default();
        let bytes = text.as_bytes();
        let mut from = 0;
        while let Some(dot) = bytes.get(from..).and_then(|rest| memchr::memchr(b'.', rest)) {
            let dot = from.saturating_add(dot);
            let before = bytes.get(from..dot).unwrap_or_default();
            let after = bytes.get(dot..).unwrap_or_default();
            let start = before
                .iter()
                .rposition(|b| !words::is_host_byte(*b))
                .map_or(from, |at| from.saturating_add(at).saturating_add(1));
            let length = after.iter().position(|b| !words::is_host_byte(*b)).unwrap_or(after.len());
            let end = dot.saturating_add(length);
            from = self.token(field, text, start, end).max(end);
            if let Some(wide) = words::widened(text, start, end) {
                self.token(field, text, wide.start, wide.end);
            }
        }
        if self.shape().urls || !self.shape().v6_bits.is_empty() {
            self.sixes(field, text);
        }
    }

    fn sixes(&mut self, field: &'static str, text: &str) {
        for run in words::sixes(text) {
            let Some(shown) = text.get(run.clone()) else { continue };
            let Some(address) = words::six(shown) else { continue };
            self.address(field, shown, address);
            let before = text.get(..run.start).and_then(|before| before.strip_suffix('['));
            if let Some(before) = before.filter(|before| before.ends_with("://")) {
                let end = words::url_end(text, run.end.saturating_add(1));
                let url = text.get(words::scheme_start(before)..end).unwrap_or_default();
                self.url(field, url);
            }
        }
    }

    /// Looks at a run of host characters in text; returns where to go on.
    fn token(&mut self, field: &'static str, text: &str, start: usize, end: usize) -> usize {
        let (Some(before), Some(token)) = (text.get(..start), text.get(start..end)) else {
            return end;
        };
        let name = token.trim_matches(['.', '-']);
        if name.len() < 4 || name.len() > host::HOST_BYTES_MAX || !name.contains('.') {
            return end;
        }
        if before.ends_with("://") {
            let start = words::scheme_start(before);
            let end = words::url_end(text, end);
            self.url(field, text.get(start..end).unwrap_or_default());
            return end;
        }
        if let Some(left) = before.strip_suffix('@') {
            if let Some(start) = words::user_start(left) {
                let end = words::url_end(text, end);
                self.url(field, text.get(start..end).unwrap_or_default());
                return end;
            }
            let is_local = |b: &u8| b.is_ascii_alphanumeric() || b"._%+-".contains(b);
            let local = left.bytes().rev().take(64).take_while(is_local).count();
            let local = left.get(left.len().saturating_sub(local)..).unwrap_or_default();
            if host::address(name).is_some() {
                self.host(field, name);
            } else if !local.is_empty() {
                let start = left.len().saturating_sub(local.len());
                let shown = text.get(start..end).unwrap_or(name);
                self.email(field, shown, local, name);
            }
            return end;
        }
        // A part of a path is no host; what follows `//` or `\\` is one.
        let is_path = before.ends_with(['/', '\\']);
        if is_path && !before.ends_with("//") && !before.ends_with("\\\\") {
            return end;
        }
        let next = text.get(end..).unwrap_or_default();
        if self.shape().urls && next.starts_with(['/', ':']) {
            let end = words::url_end(text, end);
            self.url(field, text.get(start..end).unwrap_or_default());
            return end;
        }
        self.host(field, name);
        end
    }

    fn hits(&mut self, kind: IndicatorKind, field: &'static str, shown: &str, found: &[Entry]) {
        self.scratch.met |= !found.is_empty();
        for entry in found.iter().filter(|entry| !is_past(entry, self.at_s)) {
            let hits = &mut self.scratch.hits;
            let is_known = |hit: &Hit| hit.kind == kind && hit.entry == *entry;
            let of_kind = hits.iter().filter(|hit| hit.kind == kind).count();
            if of_kind < MATCHES_MAX && !hits.iter().any(is_known) {
                hits.push(Hit { kind, field, value: shown.to_owned(), entry: *entry });
            }
        }
    }
}
