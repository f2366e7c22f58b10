//! Observables: addresses, domains, URLs, hashes and mail addresses as people write them down, read from
//! any spelling into one, and shown so that nobody clicks on them.

use std::borrow::Cow;
use std::net::IpAddr;

use ipnet::IpNet;

/// Longest observable that is read, in bytes: browsers take no longer URL.
pub const OBSERVABLE_BYTES_MAX: usize = 2_048;

/// Longest host name, in bytes. Source: RFC 1035, section 2.3.4.
const HOST_BYTES_MAX: usize = 253;

/// Hexadecimal digits of digests: MD5, SHA-1, SHA-256, SHA-512.
const HASH_DIGITS: [usize; 4] = [32, 40, 64, 128];

/// What an observable is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ObservableKind {
    /// An address or network.
    Ip,
    /// A domain name.
    Domain,
    /// A URL.
    Url,
    /// The digest of a file.
    Hash,
    /// A mail address.
    Email,
}

impl ObservableKind {
    /// All kinds, in the order of lists.
    pub const ALL: [Self; 5] = [Self::Ip, Self::Domain, Self::Url, Self::Hash, Self::Email];

    /// Returns the word used in columns and the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::Domain => "domain",
            Self::Url => "url",
            Self::Hash => "hash",
            Self::Email => "email",
        }
    }

    /// Returns the kind that a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// One observable in its one spelling.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Observable {
    /// What it is.
    pub kind: ObservableKind,
    /// Its value, live: never shown without [`Observable::defanged`].
    pub value: String,
}

impl Observable {
    /// Reads one observable, defanged or not; its look tells what it is.
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() || text.len() > OBSERVABLE_BYTES_MAX {
            return None;
        }
        let mut text = Cow::Borrowed(text);
        // `[[.]]` hides `[.]`: each round makes it shorter, so this ends.
        loop {
            let plain = refang(&text).into_owned();
            if plain == text {
                break;
            }
            text = Cow::Owned(plain);
        }
        let text = text.as_ref();
        if text.contains("://") {
            return url(text);
        }
        if let Some(network) = network(text) {
            return Some(Self { kind: ObservableKind::Ip, value: network });
        }
        if text.contains('/') {
            return url(&format!("http://{text}"));
        }
        if let Some((local, name)) = text.split_once('@') {
            return email(local, name);
        }
        if HASH_DIGITS.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Some(Self { kind: ObservableKind::Hash, value: text.to_ascii_lowercase() });
        }
        Some(Self { kind: ObservableKind::Domain, value: domain(text)? })
    }

    /// Returns the name or address of the machine that it is about: the host of a URL, what stands behind
    /// the `@` of a mail address, an address or network, a domain; nothing for a digest.
    pub fn host(&self) -> Option<&str> {
        match self.kind {
            ObservableKind::Hash => None,
            ObservableKind::Ip | ObservableKind::Domain => Some(&self.value),
            ObservableKind::Email => self.value.rsplit_once('@').map(|(_, name)| name),
            ObservableKind::Url => {
                let (_, rest) = self.value.split_once("://")?;
                let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
                let (host, _) = rest.split_at_checked(end)?;
                let bare = match host.rsplit_once(':') {
                    Some((bare, port)) if port.parse::<u16>().is_ok() => bare,
                    _ => host,
                };
                Some(bare.trim_start_matches('[').trim_end_matches(']'))
            }
        }
    }

    /// Returns the value as it may be shown, mailed and printed: no program makes a link of it.
    pub fn defanged(&self) -> String {
        match self.kind {
            ObservableKind::Hash => self.value.clone(),
            ObservableKind::Ip | ObservableKind::Domain => dots(&self.value).replace(':', "[:]"),
            ObservableKind::Email => dots(&self.value).replace('@', "[@]"),
            ObservableKind::Url => {
                let (scheme, rest) = self.value.split_once("://").unwrap_or(("http", &self.value));
                let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
                let (host, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
                format!("{}://{}{path}", scheme.replacen("http", "hxxp", 1), dots(host))
            }
        }
    }
}

fn dots(text: &str) -> String {
    text.replace('.', "[.]")
}

/// Reads observables from text: one a line, or parted by spaces, commas, semicolons or bars. Returns
/// them without repeats, at most so many, and the words that are none.
pub fn read_all(text: &str, most: usize) -> (Vec<Observable>, Vec<String>) {
    let (mut found, mut other) = (Vec::new(), Vec::new());
    let words =
        text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '|' | '"' | '<' | '>'));
    for word in words.filter(|word| !word.is_empty()) {
        if found.len() + other.len() >= most {
            break;
        }
        match Observable::read(word) {
            Some(one) if found.contains(&one) => {}
            Some(one) => found.push(one),
            None => other.push(word.chars().take(HOST_BYTES_MAX).collect()),
        }
    }
    (found, other)
}

fn network(text: &str) -> Option<String> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Some(address.to_canonical().to_string());
    }
    if let Ok(network) = text.parse::<IpNet>() {
        return Some(network.trunc().to_string());
    }
    // An address with a port.
    let (address, port) = text.rsplit_once(':')?;
    let bracketed = address.starts_with('[') || !address.contains(':');
    port.parse::<u16>().ok().filter(|_| bracketed)?;
    let address = address.trim_start_matches('[').trim_end_matches(']');
    address.parse::<IpAddr>().ok().map(|address| address.to_canonical().to_string())
}

fn domain(text: &str) -> Option<String> {
    let name = text.trim_start_matches("*.").trim_end_matches('.').to_lowercase();
    let labels = |name: &str| {
        name.split('.').all(|label| {
            let inner = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
            !label.is_empty() && label.len() <= 63 && label.chars().all(inner)
        })
    };
    let (_, top) = name.rsplit_once('.')?;
    let is_top = top.chars().all(char::is_alphabetic) || top.starts_with("xn--");
    (name.len() <= HOST_BYTES_MAX && labels(&name) && is_top).then_some(name)
}

fn url(text: &str) -> Option<Observable> {
    let (scheme, rest) = text.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    if !matches!(scheme.as_str(), "http" | "https" | "ftp" | "ftps" | "sftp" | "ws" | "wss") {
        return None;
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, path) = rest.split_at_checked(end)?;
    let name = host.rsplit_once('@').map_or(host, |(_, name)| name);
    let (bare, port) = match name.rsplit_once(':') {
        Some((bare, port)) if port.parse::<u16>().is_ok() => (bare, format!(":{port}")),
        _ => (name, String::new()),
    };
    let bare = match bare.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')) {
        Some(inner) => format!("[{}]", inner.parse::<std::net::Ipv6Addr>().ok()?),
        None => match bare.parse::<std::net::Ipv4Addr>() {
            Ok(address) => address.to_string(),
            Err(_) => domain(bare)?,
        },
    };
    let is_plain = |c: char| !c.is_control() && !c.is_whitespace();
    let value = format!("{scheme}://{bare}{port}{path}");
    path.chars().all(is_plain).then_some(Observable { kind: ObservableKind::Url, value })
}

fn email(local: &str, name: &str) -> Option<Observable> {
    let letter = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let is_local = !local.is_empty() && local.len() <= 64 && local.chars().all(letter);
    let value = format!("{}@{}", local.to_lowercase(), domain(name)?);
    is_local.then_some(Observable { kind: ObservableKind::Email, value })
}

/// Undoes the usual ways of writing a dangerous address so that nobody clicks on it.
pub fn refang(text: &str) -> Cow<'_, str> {
    const PAIRS: [(&str, &str); 13] = [
        ("[://]", "://"),
        ("[:]", ":"),
        ("[.]", "."),
        ("(.)", "."),
        ("{.}", "."),
        ("[dot]", "."),
        ("(dot)", "."),
        ("[@]", "@"),
        ("(@)", "@"),
        ("[at]", "@"),
        ("(at)", "@"),
        ("[/]", "/"),
        ("\\.", "."),
    ];
    let text = text.trim();
    let mut text = Cow::Borrowed(text);
    if text.contains(['[', '(', '{', '\\']) {
        for (written, meant) in PAIRS {
            if text.contains(written) {
                text = Cow::Owned(text.replace(written, meant));
            }
        }
    }
    let mask = text.get(..4).filter(|start| start.eq_ignore_ascii_case("hxxp"));
    if mask.is_some() {
        let rest = text.get(4..).unwrap_or_default();
        text = Cow::Owned(format!("http{rest}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn any_spelling_becomes_one_and_is_shown_dead() {
        let hash = "D41D8CD98F00B204E9800998ECF8427E";
        let cases = [
            ("203[.]0[.]113[.]7", "ip 203.0.113.7", "203[.]0[.]113[.]7"),
            ("203.0.113.7:443", "ip 203.0.113.7", "203[.]0[.]113[.]7"),
            ("203.0.113.77/24", "ip 203.0.113.0/24", "203[.]0[.]113[.]0/24"),
            ("2001:DB8::1", "ip 2001:db8::1", "2001[:]db8[:][:]1"),
            ("Evil.Example.", "domain evil.example", "evil[.]example"),
            ("evil(.)example", "domain evil.example", "evil[.]example"),
            ("[[.]]", "", ""),
            (
                "hXXps://EVIL[.]example/A.php?x=1",
                "url https://evil.example/A.php?x=1",
                "hxxps://evil[.]example/A.php?x=1",
            ),
            ("evil.example/a", "url http://evil.example/a", "hxxp://evil[.]example/a"),
            ("javascript://x.vn/", "", ""),
            (hash, "hash d41d8cd98f00b204e9800998ecf8427e", "d41d8cd98f00b204e9800998ecf8427e"),
            ("Ke.Xau[@]evil[.]example", "email ke.xau@evil.example", "ke[.]xau[@]evil[.]example"),
            ("máy chủ", "", ""),
            ("1.2.3", "", ""),
            ("localhost", "", ""),
        ];
        for (typed, want, dead) in cases {
            let read = Observable::read(typed);
            let told = read.as_ref().map(|one| format!("{} {}", one.kind.word(), one.value));
            assert_eq!(told.unwrap_or_default(), want, "{typed}");
            assert_eq!(read.map(|one| one.defanged()).unwrap_or_default(), dead, "{typed}");
        }
        let (found, other) =
            read_all("1.2.3.4, 1[.]2[.]3[.]4\n evil.example; từ <x@evil.example>", 9);
        assert_eq!((found.len(), other), (3, vec!["từ".to_owned()]));
    }

    #[test]
    fn the_host_of_each_kind_is_known() {
        for (typed, want) in [
            ("203.0.113.7", Some("203.0.113.7")),
            ("evil.example", Some("evil.example")),
            ("https://evil.example:8443/a?b#c", Some("evil.example")),
            ("http://[2001:db8::1]:80/", Some("2001:db8::1")),
            ("http://203.0.113.7/a", Some("203.0.113.7")),
            ("ke.xau@evil.example", Some("evil.example")),
            ("d41d8cd98f00b204e9800998ecf8427e", None),
        ] {
            assert_eq!(Observable::read(typed).unwrap().host(), want, "{typed}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back_as_itself(text in "[a-zA-Z0-9.:/@\\[\\](){}\\\\?#_-]{0,40}") {
            if let Some(read) = Observable::read(&text) {
                prop_assert_eq!(Observable::read(&read.defanged()), Some(read.clone()));
                prop_assert_eq!(Observable::read(&read.value), Some(read));
            }
        }

        #[test]
        fn no_text_breaks_the_reader(text in ".{0,200}") {
            let (found, other) = read_all(&text, 50);
            prop_assert!(found.len() + other.len() <= 50);
        }
    }
}
