//! The operator's list of hosts that may be reached.

use std::str::FromStr;

use reqwest::Url;

/// Hosts that may be reached; empty: none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowList(Vec<Rule>);

/// One line: `host`, `host:port`, `*.domain`, `*`, with `http://` before it where TLS is not spoken.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    plain: bool,
    host: Host,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    Any,
    Below(String),
    Named(String),
}

/// Why a line cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no host: write `host`, `host:port`, `*.domain` or `http://host:port`")]
pub struct RuleError(String);

impl AllowList {
    /// Reads the lines of the configuration.
    ///
    /// # Errors
    /// Names the line that cannot be used.
    pub fn read<T: AsRef<str>>(lines: &[T]) -> Result<Self, RuleError> {
        lines.iter().map(|line| line.as_ref().parse()).collect::<Result<_, _>>().map(Self)
    }

    /// Returns whether a line names the address.
    pub(super) fn allows(&self, url: &Url) -> bool {
        self.0.iter().any(|rule| rule.allows(url))
    }
}

impl FromStr for Rule {
    type Err = RuleError;

    fn from_str(line: &str) -> Result<Self, RuleError> {
        let wrong = || RuleError(line.to_owned());
        let line = line.trim();
        let (plain, rest) = match line.split_once("://") {
            Some(("http", rest)) => (true, rest),
            Some(("https", rest)) => (false, rest),
            Some(_) => return Err(wrong()),
            None => (false, line),
        };
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
                (host, Some(port.parse().map_err(|_no_port| wrong())?))
            }
            _ => (rest, None),
        };
        let fits = |host: &str| {
            !host.is_empty() && host.chars().all(|c| c.is_alphanumeric() || "-._[]:".contains(c))
        };
        let host = match host.strip_prefix("*.") {
            _ if host == "*" => Host::Any,
            Some(domain) if fits(domain) => Host::Below(domain.to_lowercase()),
            None if fits(host) => Host::Named(host.to_lowercase()),
            _ => return Err(wrong()),
        };
        Ok(Self { plain, host, port })
    }
}

impl Rule {
    fn allows(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else { return false };
        let host = host.trim_end_matches('.');
        let named = match &self.host {
            Host::Any => true,
            Host::Named(named) => named == host,
            Host::Below(domain) => {
                host.strip_suffix(domain.as_str()).is_some_and(|rest| rest.ends_with('.'))
            }
        };
        let scheme = url.scheme() == if self.plain { "http" } else { "https" };
        named && scheme && self.port.is_none_or(|port| url.port_or_known_default() == Some(port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_name_hosts_and_nothing_else() {
        let list =
            AllowList::read(&["sso.example.vn", "*.gov.example", "http://10.0.0.5:8080"]).unwrap();
        let cases = [
            ("https://sso.example.vn/x", true),
            ("https://SSO.example.vn:8443/", true),
            ("http://sso.example.vn/", false),
            ("https://evil-sso.example.vn/", false),
            ("https://a.gov.example/", true),
            ("https://a.b.gov.example./", true),
            ("https://gov.example/", false),
            ("https://evilgov.example/", false),
            ("http://10.0.0.5:8080/hook", true),
            ("http://10.0.0.5/hook", false),
            ("https://10.0.0.5:8080/hook", false),
        ];
        for (address, allowed) in cases {
            assert_eq!(list.allows(&Url::parse(address).unwrap()), allowed, "{address}");
        }
        assert!(!AllowList::default().allows(&Url::parse("https://sso.example.vn/").unwrap()));
        for wrong in ["", "ftp://x", "*.", "host:99999", "a b", "http://"] {
            assert!(AllowList::read(&[wrong]).is_err(), "{wrong}");
        }
    }
}
