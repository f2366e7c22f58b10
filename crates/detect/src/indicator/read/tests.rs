//! Each format, and what is wrong in it.

use std::sync::Arc;

use super::{IndicatorLoader, IndicatorReport};
use crate::indicator::{IndicatorSet, WarningLists};

fn load(path: &str, text: &str) -> (IndicatorSet, IndicatorReport) {
    let mut loader = IndicatorLoader::new(Arc::default(), 3);
    loader.read(path, text.as_bytes());
    loader.finish()
}

/// The indicators in the order of their text, with all that is known of them.
fn listed(set: &IndicatorSet) -> Vec<String> {
    let mut all: Vec<String> = set
        .table
        .entries()
        .iter()
        .map(|entry| {
            let confidence = entry.confidence;
            let tlp = crate::indicator::set::tlp_of(entry).map_or("", super::super::Tlp::word);
            let until = entry.valid_until_s;
            let (source, label) = (set.source(entry), set.label(entry));
            format!("{} | {source} | {label} | {confidence} | {tlp} | {until}", set.written(entry))
        })
        .collect();
    all.sort();
    all
}

fn errors(report: &IndicatorReport) -> Vec<String> {
    report.errors.iter().map(ToString::to_string).collect()
}

const FOREVER: u32 = u32::MAX;

#[test]
fn a_list_is_read_line_by_line() {
    let text = "\u{feff}# A list\n; confidence: high\n0.0.0.0 ads.example\n||pop.example^\n\nhxxp://x[.]example/a#b # label\n\
                nonsense line\nsingle\n203.0.113.7\r\nads.example\n";
    let (set, report) = load("feeds/own.txt", text);
    assert_eq!(
        listed(&set),
        [
            format!("203.0.113.7 | own.txt |  | 85 |  | {FOREVER}"),
            format!("ads.example | own.txt |  | 85 |  | {FOREVER}"),
            format!("http://x.example/a | own.txt | label | 85 |  | {FOREVER}"),
            format!("pop.example | own.txt |  | 85 |  | {FOREVER}"),
        ]
    );
    assert_eq!(
        errors(&report),
        [
            "feeds/own.txt:7: `nonsense line` is no domain name",
            "feeds/own.txt:8: `single` is a single word, not a domain of at least two labels",
        ]
    );
    assert_eq!(report.repeated, 1);
}

#[test]
fn csv_is_read_by_its_header() {
    let text = "indicator,type,source,confidence,valid_until,tlp,description\n\
                203.0.113.7,ip,CERT,80,1970-01-02T00:00:00Z,tlp:red,\"a, b\"\n\
                evil.example,domain,,,,,\n\
                evil.example,mutex,,,,,\n\
                evil,domain,,,,,\n";
    let (set, report) = load("a.csv", text);
    assert_eq!(
        listed(&set),
        [
            "203.0.113.7 | CERT | a, b | 80 | TLP:RED | 86400".to_owned(),
            format!("evil.example | a.csv |  | 255 |  | {FOREVER}"),
        ]
    );
    assert_eq!(
        errors(&report),
        [
            "a.csv:4, column `type`: type `mutex` is not looked for",
            "a.csv:5, column `indicator`: `evil` is a single word, not a domain of at least two labels",
        ]
    );
}

#[test]
fn exports_of_others_are_read() {
    let misp = "uuid,event_id,category,type,value,comment,to_ids,date\n\
                u,1,Network activity,ip-dst|port,203.0.113.7|443,c2,1,20260101\n\
                u,1,Network activity,domain,no.example,,0,20260101\n";
    let (set, report) = load("misp.csv", misp);
    assert_eq!(listed(&set), [format!("203.0.113.7 | misp.csv | c2 | 255 |  | {FOREVER}")]);
    assert_eq!((report.not_for_detection, report.errors.len()), (1, 0));
    let commented = "################\n# A title, with commas\n# \"first_seen\",\"ioc_value\",\"ioc_type\",\"malware_printable\"\n\
                     \"2026\", \"203.0.113.9:80\", \"ip:port\", \"Bot\"\n# end\n";
    let (set, report) = load("recent.csv", commented);
    assert_eq!(listed(&set), [format!("203.0.113.9 | recent.csv | Bot | 255 |  | {FOREVER}")]);
    assert_eq!(report.errors, []);
    let hashes = "sha256_hash;md5_hash;signature\n;d41d8cd98f00b204e9800998ecf8427e;Bot\nzz;;\n";
    let (set, report) = load("h.csv", hashes);
    assert_eq!(set.len(), 1);
    assert_eq!(
        errors(&report),
        ["h.csv:3, column `sha256_hash`: `zz` is no MD5, SHA-1 or SHA-256 digest"]
    );
}

#[test]
fn stix_patterns_of_values_are_read_and_others_reported() {
    let indicator = |id: u32, pattern: &str, more: &str| {
        format!(
            r#"{{"type":"indicator","id":"indicator--{id}","pattern_type":"stix","pattern":{},"name":"n{id}"{more}}}"#,
            serde_json::Value::from(pattern)
        )
    };
    let objects = [
        indicator(
            1,
            "[ipv4-addr:value = '203.0.113.7' OR ipv4-addr:value ISSUBSET '203.0.112.0/24']",
            r#","created_by_ref":"identity--1","confidence":70"#,
        ),
        indicator(
            2,
            "[domain-name:value = 'evil.example'] OR [url:value IN ('http://a.example/', 'http://b.example/x')]",
            r#","valid_until":"1970-01-01T00:01:00Z""#,
        ),
        indicator(
            3,
            "[file:hashes.'SHA-256' = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855']",
            r#","object_marking_refs":["marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"]"#,
        ),
        indicator(4, "[ipv4-addr:value = '203.0.113.1' AND network-traffic:dst_port = 443]", ""),
        indicator(5, "[windows-registry-key:key = 'x']", ""),
        indicator(6, "[domain-name:value = 'gone.example']", r#","revoked":true"#),
        indicator(7, "[domain-name:value LIKE '%.example']", ""),
        indicator(8, "[domain-name:value = 'it\\'s.example']", ""),
        r#"{"type":"indicator","pattern_type":"snort","pattern":"alert"}"#.to_owned(),
        r#"{"type":"identity","id":"identity--1","name":"National CERT"}"#.to_owned(),
    ];
    let bundle = format!(r#"{{"type":"bundle","id":"b","objects":[{}]}}"#, objects.join(","));
    let (set, report) = load("b.json", &bundle);
    assert_eq!(
        listed(&set),
        [
            format!("203.0.112.0/24 | National CERT | n1 | 70 |  | {FOREVER}"),
            format!("203.0.113.7 | National CERT | n1 | 70 |  | {FOREVER}"),
            format!(
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 | b.json | n3 | 255 | TLP:GREEN | {FOREVER}"
            ),
            "evil.example | b.json | n2 | 255 |  | 60".to_owned(),
            "http://a.example/ | b.json | n2 | 255 |  | 60".to_owned(),
            "http://b.example/x | b.json | n2 | 255 |  | 60".to_owned(),
        ]
    );
    assert_eq!(
        errors(&report),
        [
            "b.json, object indicator--4: pattern `[ipv4-addr:value = '203.0.113.1' AND network-traffic:dst_port = 443]` is not usable: `AND` is more than a list of values",
            "b.json, object indicator--5: pattern `[windows-registry-key:key = 'x']` is not usable: `windows-registry-key:key` is not looked for",
            "b.json, object indicator--7: pattern `[domain-name:value LIKE '%.example']` is not usable: `LIKE` is more than a list of values",
            "b.json, object indicator--8: `it's.example` is no domain name",
            "b.json, object 9 of `objects`: a pattern in `snort` is not usable as a list",
        ]
    );
    assert_eq!(report.not_for_detection, 1);
}

#[test]
fn misp_events_are_read() {
    let text = r#"{"response":[{"Event":{"info":"A campaign","Attribute":[
        {"uuid":"u1","type":"domain|ip","value":"evil.example|203.0.113.7","to_ids":true},
        {"uuid":"u2","type":"comment","value":"text","to_ids":true},
        {"uuid":"u3","type":"md5","value":"d41d8cd98f00b204e9800998ecf8427e","to_ids":false}],
        "Object":[{"name":"file","Attribute":[{"type":"filename|md5","value":"a.exe|d41d8cd98f00b204e9800998ecf8427e","to_ids":true,"comment":"dropper"}]}],
        "Orgc":{"name":"VN-CERT"},"Tag":[{"name":"type:OSINT"},{"name":"tlp:white"}]}},
        {"Event":{"info":"Another","Attribute":[{"type":"email-src","value":"a@b.example","to_ids":"1"}]}}]}"#;
    let (set, report) = load("dir/m.json", text);
    assert_eq!(
        listed(&set),
        [
            format!("203.0.113.7 | VN-CERT | A campaign | 255 | TLP:CLEAR | {FOREVER}"),
            format!("a@b.example | m.json | Another | 255 |  | {FOREVER}"),
            format!(
                "d41d8cd98f00b204e9800998ecf8427e | VN-CERT | dropper | 255 | TLP:CLEAR | {FOREVER}"
            ),
            format!("evil.example | VN-CERT | A campaign | 255 | TLP:CLEAR | {FOREVER}"),
        ]
    );
    assert_eq!(errors(&report), ["dir/m.json, object u2: type `comment` is not looked for"]);
    assert_eq!(report.not_for_detection, 1);
}

#[test]
fn broken_json_gives_what_stands_before_the_break() {
    let text = "{\"Event\":{\"Attribute\":[\n{\"type\":\"domain\",\"value\":\"evil.example\",\"to_ids\":true},\n{\"type\": oops";
    let (set, report) = load("m.json", text);
    assert_eq!(set.len(), 1);
    let [error] = report.errors.as_slice() else { panic!("{report:?}") };
    assert!(error.to_string().starts_with("m.json:3: not readable from here on: "), "{error}");
    let (_, report) = load("x.json", "{\"a\": 1}");
    assert_eq!(
        errors(&report),
        ["x.json: is neither a STIX bundle (`objects`) nor a MISP event (`Attribute`)"]
    );
}

#[test]
fn what_is_set_aside_is_counted_with_its_reason() {
    let mut warnings = WarningLists::default();
    assert_eq!(warnings.read("w.txt", "# Names of the state\n*.gov.vn/*\n8.8.8.8\n"), []);
    let mut loader = IndicatorLoader::new(Arc::new(warnings), 1);
    loader.read("f.txt", b"a.gov.vn\nhttp://b.gov.vn/x\n8.8.8.8\nevil.example\n8.8.8.0/24\n");
    let (set, report) = loader.finish();
    assert_eq!((set.len(), report.narrowed), (2, 1));
    let [aside] = report.set_aside.as_slice() else { panic!("{report:?}") };
    assert_eq!((aside.list.as_str(), aside.count), ("Names of the state", 3));
    assert_eq!(
        aside.examples,
        ["a.gov.vn (f.txt)", "http://b.gov.vn/x (f.txt)", "8.8.8.8 (f.txt)"]
    );
}

#[test]
fn a_time_that_cannot_be_read_is_told_and_any_that_feeds_write_is_read() {
    const DAY_END: u32 = 1_798_761_599;
    for (written, until) in [
        ("2026-12-31", DAY_END),
        ("20261231", DAY_END),
        ("2026/12/31", DAY_END),
        ("2026-12-31 23:59:59.123", DAY_END),
        ("2026-12-31T23:59:59Z", DAY_END),
        ("1798761599", DAY_END),
        ("1798761599123", DAY_END),
        ("never", FOREVER),
        ("0", FOREVER),
    ] {
        let (set, report) =
            load("a.csv", &format!("indicator,valid_until\nevil.example,{written}\n"));
        assert_eq!(errors(&report), [""; 0], "{written}");
        assert_eq!(set.table.entries()[0].valid_until_s, until, "{written}");
    }
    let wrong = "`31.12.2026` is no time: it never expires";
    let (set, report) = load("a.csv", "indicator,valid_until\nevil.example,31.12.2026\n");
    assert_eq!(errors(&report), [format!("a.csv:2, column `valid_until`: {wrong}")]);
    assert_eq!(set.len(), 1, "it is looked for all the same");
    let (_, report) = load("a.txt", "# valid_until: 31.12.2026\nevil.example\n");
    assert_eq!(errors(&report), [format!("a.txt:1: {wrong}")]);
}

#[test]
fn files_of_windows_are_read() {
    let text = "\u{feff}indicator\ttype\r\nbánh-mì.example\tdomain\r\n203.0.113.7\tip\r\n";
    let wide = |unit: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(unit).collect::<Vec<u8>>();
    for bytes in [text.as_bytes().to_vec(), wide(u16::to_le_bytes), wide(u16::to_be_bytes)] {
        let mut loader = IndicatorLoader::new(Arc::default(), 3);
        loader.read("a.txt", &bytes);
        let (set, report) = loader.finish();
        assert_eq!(errors(&report), [""; 0]);
        assert_eq!(
            listed(&set),
            [
                format!("203.0.113.7 | a.txt |  | 255 |  | {FOREVER}"),
                format!("xn--bnh-m-xqa5f.example | a.txt |  | 255 |  | {FOREVER}"),
            ]
        );
    }
}
