//! Warning lists: names and networks that must never be alerted on, whatever a feed says. A feed that
//! names a ministry's portal or a public resolver is wrong far more often than the portal is bad.
//!
//! ```text
//! # Names of the state            the first comment is the list's title: the reason that is shown
//! gov.vn                          this name
//! *.gov.vn                        every name below it
//! *.gov.vn/*                      and also every URL and mail address there
//! 192.168.0.0/16                  an address or network
//! ```
//!
//! Without `/*` a URL is set aside only when it stands for a whole listed host: a single page on a
//! large host can be bad while the host is not. URLs on listed addresses are always set aside.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::host;
use super::value::{self, IndicatorValue, refang};
use crate::limits::INDICATOR_LABEL_CHARS_MAX;

/// What must never match, from any number of lists.
#[derive(Debug, Clone, Default)]
pub struct WarningLists {
    titles: Vec<String>,
    names: HashMap<String, Cover>,
    /// Names above listed ones: an indicator for one of these is wider than a listed name.
    above: HashSet<String>,
    networks: HashMap<IpNet, ListNumber>,
    v4_bits: Vec<u8>,
    v6_bits: Vec<u8>,
}

/// The number of a list.
type ListNumber = usize;

/// What a listed name covers.
#[derive(Debug, Clone, Copy, Default)]
struct Cover {
    itself: Option<Reach>,
    below: Option<Reach>,
}

/// Whose list says so, and whether URLs and mail addresses are meant too.
#[derive(Debug, Clone, Copy)]
struct Reach {
    list: ListNumber,
    all: bool,
}

/// A line of a warning list that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}:{line}: `{written}` is no name, address or network")]
pub struct WarningError {
    /// The file, as the caller named it.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// What stands there.
    pub written: String,
}

impl WarningLists {
    /// Adds a list. A line that cannot be used is returned and never stops the others.
    pub fn read(&mut self, path: &str, text: &str) -> Vec<WarningError> {
        let list = self.titles.len();
        let first = text.lines().map(str::trim).find(|line| !line.is_empty());
        let title = first.and_then(|line| line.strip_prefix('#')).unwrap_or(path);
        self.titles.push(title.trim().chars().take(INDICATOR_LABEL_CHARS_MAX).collect());
        let mut errors = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let written = line.split('#').next().unwrap_or_default().trim();
            if !written.is_empty() && self.add(list, written).is_none() {
                errors.push(WarningError {
                    path: path.to_owned(),
                    line: number.saturating_add(1),
                    written: written.chars().take(INDICATOR_LABEL_CHARS_MAX).collect(),
                });
            }
        }
        errors
    }

    /// Returns how many names and networks are listed.
    pub fn len(&self) -> usize {
        self.names.len().saturating_add(self.networks.len())
    }

    /// Returns whether nothing is listed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns a list's title.
    pub(super) fn title(&self, list: ListNumber) -> &str {
        self.titles.get(list).map_or("", String::as_str)
    }

    fn add(&mut self, list: ListNumber, written: &str) -> Option<()> {
        let written = refang(written);
        if let Ok(network) = written.parse::<IpNet>() {
            self.add_network(list, network.trunc());
            return Some(());
        }
        if let Some(address) = host::address(&written) {
            self.add_network(list, IpNet::from(address));
            return Some(());
        }
        let (name, all) = match written.strip_suffix("/*") {
            Some(name) => (name, true),
            None => (written.as_ref(), false),
        };
        let (name, is_below) = match name.strip_prefix("*.") {
            Some(name) => (name, true),
            None => (name, false),
        };
        let mut bytes = Vec::new();
        if !host::name(name, &mut bytes) {
            return None;
        }
        let name = String::from_utf8(bytes).ok()?;
        let mut rest = name.as_str();
        while let Some((_, upper)) = rest.split_once('.') {
            self.above.insert(upper.to_owned());
            rest = upper;
        }
        let cover = self.names.entry(name.clone()).or_default();
        let own = if is_below { &mut cover.below } else { &mut cover.itself };
        if own.is_none_or(|reach| all && !reach.all) {
            *own = Some(Reach { list, all });
        }
        if is_below {
            self.above.insert(name);
        }
        Some(())
    }

    fn add_network(&mut self, list: ListNumber, network: IpNet) {
        let bits = if network.addr().is_ipv4() { &mut self.v4_bits } else { &mut self.v6_bits };
        if let Err(place) = bits.binary_search(&network.prefix_len()) {
            bits.insert(place, network.prefix_len());
        }
        self.networks.entry(network).or_insert(list);
    }

    /// Returns the list by which an indicator never matches at all.
    pub(super) fn set_aside(&self, value: &IndicatorValue) -> Option<ListNumber> {
        match value {
            IndicatorValue::Network(network) => self.network(network.addr(), network.prefix_len()),
            IndicatorValue::Domain(name) => self.name(name).map(|reach| reach.list),
            IndicatorValue::Url { rest, host, .. } if host.is_empty() => {
                let end = rest.find('/').unwrap_or(rest.len());
                let authority = rest.get(..end).unwrap_or_default();
                let bare = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
                let address = host::address(authority).or_else(|| host::address(bare))?;
                self.address(address)
            }
            IndicatorValue::Url { host, is_root, .. } => {
                self.name(host).filter(|reach| *is_root || reach.all).map(|reach| reach.list)
            }
            IndicatorValue::Email(text) => {
                let (_, domain) = text.rsplit_once('@')?;
                self.name(domain).filter(|reach| reach.all).map(|reach| reach.list)
            }
            IndicatorValue::Hash(_) => None,
        }
    }

    /// Returns whether an indicator is wider than something listed, so that part of what it names
    /// never matches.
    pub(super) fn is_wider(&self, value: &IndicatorValue) -> bool {
        match value {
            IndicatorValue::Domain(name) => self.above.contains(name),
            IndicatorValue::Network(wide) if wide.prefix_len() < wide.max_prefix_len() => {
                let mut listed = self.networks.keys();
                listed.any(|network| wide.contains(network))
            }
            _ => false,
        }
    }

    /// Returns the list that an address stands on.
    pub(super) fn address(&self, address: IpAddr) -> Option<ListNumber> {
        self.network(address, u8::MAX)
    }

    /// Returns whether a name that was met must not be alerted on.
    pub(super) fn has_name(&self, name: &str) -> bool {
        self.name(name).is_some()
    }

    fn network(&self, address: IpAddr, bits_max: u8) -> Option<ListNumber> {
        let bits = if address.is_ipv4() { &self.v4_bits } else { &self.v6_bits };
        let mut wide_enough = bits.iter().take_while(|bits| **bits <= bits_max);
        wide_enough.find_map(|bits| self.networks.get(&value::prefix(address, *bits)?).copied())
    }

    fn name(&self, name: &str) -> Option<Reach> {
        let mut reach = self.names.get(name).and_then(|cover| cover.itself);
        let mut rest = name;
        while let Some((_, upper)) = rest.split_once('.') {
            let below = self.names.get(upper).and_then(|cover| cover.below);
            reach = match (reach, below) {
                (Some(own), Some(wider)) if wider.all && !own.all => Some(wider),
                (own, wider) => own.or(wider),
            };
            rest = upper;
        }
        reach
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "# Names of the state\n\ngov.vn/*\n*.gov.vn/* # all ministries\n\
        cdn.example\n10.0.0.0/8\n8.8.8.8\n*.update.example\nnot a name\n";

    #[test]
    fn what_is_listed_is_set_aside() {
        let mut lists = WarningLists::default();
        let errors = lists.read("own.txt", LIST);
        assert_eq!(errors.len(), 1);
        assert_eq!(errors[0].to_string(), "own.txt:9: `not a name` is no name, address or network");
        let cases = [
            ("gov.vn", true),
            ("portal.gov.vn", true),
            ("evilgov.vn", false),
            ("https://portal.gov.vn/login", true),
            ("boss@portal.gov.vn", true),
            ("cdn.example", true),
            ("evil.cdn.example", false),
            ("https://cdn.example/", true),
            ("https://cdn.example/bad.exe", false),
            ("boss@cdn.example", false),
            ("update.example", false),
            ("a.b.update.example", true),
            ("10.20.0.7", true),
            ("10.0.0.0/16", true),
            ("8.8.8.8", true),
            ("8.8.8.0/24", false),
            ("http://10.0.0.1:8080/x", true),
            ("d41d8cd98f00b204e9800998ecf8427e", false),
        ];
        for (written, expected) in cases {
            let value = IndicatorValue::guess(written).unwrap();
            let found = lists.set_aside(&value).map(|list| lists.title(list));
            assert_eq!(found, expected.then_some("Names of the state"), "{written}");
        }
        for (written, expected) in
            [("8.8.8.0/24", true), ("update.example", true), ("9.9.9.0/24", false)]
        {
            assert_eq!(lists.is_wider(&IndicatorValue::guess(written).unwrap()), expected);
        }
    }
}
