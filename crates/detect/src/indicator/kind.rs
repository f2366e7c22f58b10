//! The kinds of indicators, and how far one may be passed on.

use serde::Serialize;

/// What kind of thing an indicator names. Each kind has a rule of its own, so that exceptions and
/// alerts can tell a bad address from a bad file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum IndicatorKind {
    /// An IPv4 or IPv6 address, or a network of them.
    Ip,
    /// A domain with all names below it.
    Domain,
    /// A URL.
    Url,
    /// The MD5, SHA-1 or SHA-256 digest of a file.
    Hash,
    /// A mail address.
    Email,
}

impl IndicatorKind {
    /// All kinds, in the order of every list.
    pub const ALL: [Self; 5] = [Self::Ip, Self::Domain, Self::Url, Self::Hash, Self::Email];

    /// Returns the word for it in files, matches and answers.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::Domain => "domain",
            Self::Url => "url",
            Self::Hash => "hash",
            Self::Email => "email",
        }
    }

    /// Returns the id of the rule that its findings carry.
    pub const fn rule_id(self) -> &'static str {
        match self {
            Self::Ip => "luytre-indicator-ip",
            Self::Domain => "luytre-indicator-domain",
            Self::Url => "luytre-indicator-url",
            Self::Hash => "luytre-indicator-hash",
            Self::Email => "luytre-indicator-email",
        }
    }

    /// Returns the kind that a file's `type` column means. Knows MISP's and `ThreatFox`'s words too.
    pub fn from_word(word: &str) -> Option<Self> {
        let word = word.trim().to_ascii_lowercase().replace(['_', ' '], "-");
        Some(match word.as_str() {
            "ip" | "ipv4" | "ipv6" | "ip-address" | "ipv4-addr" | "ipv6-addr" | "cidr"
            | "ip-src" | "ip-dst" | "ip-src|port" | "ip-dst|port" | "ip:port" | "address"
            | "network" => Self::Ip,
            "domain" | "domain-name" | "hostname" | "host" | "fqdn" | "hostname|port" => {
                Self::Domain
            }
            "url" | "link" => Self::Url,
            "hash" | "md5" | "sha1" | "sha-1" | "sha256" | "sha-256" | "md5-hash" | "sha1-hash"
            | "sha256-hash" | "filehash" | "filename|md5" | "filename|sha1" | "filename|sha256"
            | "file-hash" => Self::Hash,
            "email" | "e-mail" | "email-addr" | "email-address" | "email-src" | "email-dst"
            | "mail" => Self::Email,
            _ => return None,
        })
    }
}

/// The Traffic Light Protocol: how far an indicator may be passed on. `WHITE` of version 1 reads as
/// `CLEAR`. Source: FIRST, TLP 2.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tlp {
    /// To anyone.
    Clear,
    /// Within the community.
    Green,
    /// Within the organisation and its clients.
    Amber,
    /// Within the organisation.
    AmberStrict,
    /// To those present.
    Red,
}

impl Tlp {
    const ALL: [Self; 5] = [Self::Clear, Self::Green, Self::Amber, Self::AmberStrict, Self::Red];

    /// Returns it as written on papers: `TLP:AMBER`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Clear => "TLP:CLEAR",
            Self::Green => "TLP:GREEN",
            Self::Amber => "TLP:AMBER",
            Self::AmberStrict => "TLP:AMBER+STRICT",
            Self::Red => "TLP:RED",
        }
    }

    /// Returns what a word or tag (`amber`, `tlp:amber`) means.
    pub fn from_word(word: &str) -> Option<Self> {
        let word = word.trim().to_ascii_uppercase();
        let word = word.strip_prefix("TLP:").unwrap_or(&word);
        if word == "WHITE" {
            return Some(Self::Clear);
        }
        Self::ALL.into_iter().find(|tlp| tlp.word().strip_prefix("TLP:") == Some(word))
    }

    /// Returns what a STIX marking definition means.
    ///
    /// Source: STIX 2.1, section 7.2.1.4 (version 1), and OASIS's definitions of TLP 2.0.
    pub(super) fn from_marking(id: &str) -> Option<Self> {
        Some(match id.strip_prefix("marking-definition--")? {
            "613f2e26-407d-48c7-9eca-b8e91df99dc9" | "94868c89-83c2-464b-929b-a1a8aa3c8487" => {
                Self::Clear
            }
            "34098fce-860f-48ae-8e50-ebd3cc5e41da" | "bab4a63c-aed9-4cf5-a766-dfca5abac2bb" => {
                Self::Green
            }
            "f88d31f6-486f-44da-b317-01333bde0b82" | "55d920b0-5e8b-4f79-9ee9-91f868d9b421" => {
                Self::Amber
            }
            "939a9414-2ddd-4d32-a0cd-375ea402b003" => Self::AmberStrict,
            "5e57c739-391a-4eb3-b6be-7d15ca92d5ed" | "e828b379-4e03-4974-9ac4-e53a884c97c1" => {
                Self::Red
            }
            _ => return None,
        })
    }

    /// Returns the number kept in a table.
    pub(super) const fn number(tlp: Option<Self>) -> u8 {
        match tlp {
            None => 0,
            Some(Self::Clear) => 1,
            Some(Self::Green) => 2,
            Some(Self::Amber) => 3,
            Some(Self::AmberStrict) => 4,
            Some(Self::Red) => 5,
        }
    }

    /// Returns what a number kept in a table stands for.
    pub(super) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|tlp| Self::number(Some(*tlp)) == number)
    }
}
