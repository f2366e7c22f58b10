//! Whatever bytes come in: no panic, the raw text kept, the same answer twice, in bounded time.

#![expect(clippy::panic, reason = "a test may stop at the first surprise")]

use std::fmt::Write as _;
use std::sync::LazyLock;

use decode::Decoder;
use event::{DeadReason, Event, TimeQuality};
use proptest::prelude::*;

fn decoder() -> &'static Decoder {
    static DECODER: LazyLock<Decoder> = LazyLock::new(|| match Decoder::builtin() {
        Ok(decoder) => decoder,
        Err(errors) => panic!("{errors:?}"),
    });
    &DECODER
}

fn decode(bytes: &[u8], parser: &str) -> Result<Event, DeadReason> {
    decode::decode_record(decoder(), parser, 7, bytes)
}

fn parsers() -> Vec<String> {
    let own = decoder().sources().map(|source| source.id.to_string());
    own.chain(["auto".to_owned(), "no-such-parser".to_owned()]).collect()
}

fn check(bytes: &[u8], parser: &str) {
    let first = decode(bytes, parser);
    assert_eq!(first, decode(bytes, parser), "the same bytes gave two answers");
    match first {
        Ok(event) => {
            assert!(!event.raw.is_empty());
            if let Ok(text) = std::str::from_utf8(bytes) {
                assert_eq!(event.raw, text.strip_prefix('\u{feff}').unwrap_or(text));
            }
            assert!(event.occurred_at.timestamp() >= 946_684_800, "{}", event.occurred_at);
            assert!(event.occurred_at - event.collected_at <= chrono::Duration::hours(24));
        }
        Err(reason) => assert!(!reason.code.is_empty() && !reason.detail.is_empty()),
    }
}

/// Pieces that lead deep into the parsers, to be put together at random.
const PIECES: [&str; 50] = [
    "<13>",
    "<191>",
    "<",
    ">",
    "1 ",
    "2026-11-23T16:20:01+07:00 ",
    "Nov 23 16:20:01 ",
    "Feb 30 ",
    "host ",
    "sshd[1]: ",
    "kernel: ",
    "- - [a:\"x\"; ",
    "2026-11-23 09:20:01 ",
    "Mon Nov 23 09:20:01 2026\t",
    "\ta=1\tb=2 x\tc=",
    "named: ",
    "filterlog: ",
    "CEF:0|a|b|c|d|e|5|",
    "LEEF:2.0|a|b|c|d|^|",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "\\",
    "=",
    "|",
    ",",
    " ",
    "\t",
    "type=EXECVE msg=audit(1.1:1): a0=",
    "a=b ",
    "cs1Label=x cs1=y ",
    "IN= OUT= SRC=1.1.1.1 DST=",
    "é",
    "\u{0}",
    "\u{1d}",
    "- - [23/Nov/2026:16:20:01 +0700] ",
    "\"GET / HTTP/1.1\" 200 5 ",
    "5,,,0,em0,match,block,in,4,",
    "<Event><System>",
    "Failed password for ",
    " from 1.2.3.4 port 22 ssh2",
    "99999999999999999999999",
    "23/11/2026 4:20:01 CH ",
    "0AB4 PACKET 0 UDP Rcv 1.1.1.1 1a2b Q [0001 D NOERROR] A (3)www(0)",
    "[a:\"b\"; ",
    "1 2026-11-23T16:20:01Z h RT_FLOW - RT_FLOW_SESSION_CREATE [j@1.2 a=\"b\"]",
    "firewall,info DROP input: in:a out:b, proto TCP, 1.1.1.1:1->2.2.2.2:2, len 1",
    "1,2026/11/23 16:20:01,0,TRAFFIC,end,",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        check(&bytes, "auto");
    }

    #[test]
    fn any_text(text in "\\PC{0,200}", parser in proptest::sample::select(parsers())) {
        check(text.as_bytes(), &parser);
    }

    #[test]
    fn pieces_of_real_formats(
        pieces in proptest::collection::vec(proptest::sample::select(&PIECES[..]), 0..20),
        parser in proptest::sample::select(parsers()),
    ) {
        check(pieces.concat().as_bytes(), &parser);
        check(pieces.concat().as_bytes(), "auto");
    }

    #[test]
    fn real_lines_cut_and_bent(at in 0_usize..400, with in any::<u8>(), pick in 0_usize..10_000) {
        let lines: Vec<&str> = decode::folders().flat_map(|files| files.sample.lines()).collect();
        let mut bytes = lines[pick % lines.len()].as_bytes().to_vec();
        if let Some(byte) = bytes.get_mut(at) {
            *byte = with;
        }
        check(&bytes, "auto");
        bytes.truncate(at);
        check(&bytes, "auto");
    }
}

#[test]
fn what_cannot_be_read_says_why() {
    let long = vec![b'a'; 10 * 1024 * 1024];
    let deep = [b"{\"a\":".repeat(100_000), b"1".to_vec(), b"}".repeat(100_000)].concat();
    let cases: [(&[u8], &str, Result<(), &str>); 13] = [
        (b"", "auto", Err("empty")),
        (b"  \r\n", "auto", Err("empty")),
        (&long, "auto", Err("too-long")),
        (b"\x00\x01\x02\x03\xff\xfe\xfd", "auto", Err("not-text")),
        (b"{\"a\": 1,, }", "auto", Err("bad-json")),
        (b"{\"a\": ", "auto", Err("bad-json")),
        (&deep, "auto", Ok(())),
        (b"<Event><System>", "auto", Err("bad-xml")),
        (b"CEF:0|a|b", "auto", Err("bad-cef")),
        (b"CEF:0|a|b", "generic_cef", Err("bad-cef")),
        (b"hello", "generic_json", Err("bad-json")),
        (b"hello", "linux_sshd", Ok(())),
        (b"<13>Nov 23 16:20:01 h p: {\"a\": ", "auto", Ok(())),
    ];
    for (bytes, parser, expected) in cases {
        let found = decode(bytes, parser).map(|_| ());
        let start = String::from_utf8_lossy(&bytes[..bytes.len().min(40)]).into_owned();
        match expected {
            Ok(()) => assert_eq!(found, Ok(()), "{start}"),
            Err(code) => assert_eq!(found.unwrap_err().code, code, "{start}"),
        }
    }
}

#[test]
fn a_line_that_does_not_fit_its_parser_is_kept_with_the_right_log_source() {
    let event = decode(b"xin chao the gioi", "linux_sshd").unwrap();
    assert_eq!(event.notes[0].code, "unparsed");
    assert_eq!(event.logsource.service.as_deref(), Some("sshd"));
    assert_eq!(event.get("message").unwrap().text(), "xin chao the gioi");

    let event = decode(b"xin chao the gioi", "no-such-parser").unwrap();
    assert!(event.notes.iter().any(|note| note.code == "unknown-parser"));
}

#[test]
fn unknown_text_is_kept_as_text() {
    let event = decode("một dòng không ai biết".as_bytes(), "auto").unwrap();
    assert_eq!((event.parser.as_ref(), event.notes[0].code.as_ref()), ("text", "unknown-format"));
    assert_eq!(event.time_quality, TimeQuality::Collected);
}

#[test]
fn a_whole_machine_s_log_is_told_apart() {
    let line = b"Nov 23 16:20:01 h sudo: an : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/id";
    assert_eq!(decode(line, "linux_syslog").unwrap().parser, "linux_sudo");
    assert_eq!(
        decode(b"<13>Nov 23 16:20:01 h unheard: x", "linux_syslog").unwrap().parser,
        "linux_syslog"
    );
}

#[test]
fn thousands_of_fields_are_cut_with_a_note() {
    let mut many = String::new();
    for number in 0..5000 {
        write!(many, "k{number}={number} ").unwrap();
    }
    for text in [many.clone(), format!("CEF:0|a|b|c|d|e|5|{many}")] {
        let event = decode(text.as_bytes(), "auto").unwrap();
        assert!(event.fields.len() <= 1100, "{}", event.fields.len());
        assert!(event.notes.iter().any(|note| note.code == "extra-fields"));
    }
}

#[test]
fn what_an_attacker_types_does_not_choose_the_reader() {
    let typed = "CEF:0|a|b|c|d|e|5|x=1 LEEF:1.0|a| IN= OUT= SRC=1.1.1.1 DST=2.2.2.2 logid= type= subtype= level= audit(";
    let cases = [
        (
            format!("Nov 23 16:20:01 h sshd[1]: Invalid user {typed} from 203.0.113.7 port 22"),
            "linux_sshd",
        ),
        (format!("Nov 23 16:20:01 h sshd[1]: never seen: {typed}"), "linux_sshd"),
        (
            format!(
                "203.0.113.7 - - [23/Nov/2026:16:20:01 +0700] \"GET / HTTP/1.1\" 200 5 \"-\" \"{typed}\""
            ),
            "generic_access_log",
        ),
    ];
    for (line, parser) in cases {
        assert_eq!(decode(line.as_bytes(), "auto").unwrap().parser, parser, "{line}");
    }
}

#[test]
fn a_time_that_is_none_is_noted_with_what_was_stated() {
    let noted = |line: &str, parser: &str| {
        let event = decode(line.as_bytes(), parser).unwrap();
        let notes = event.notes.iter().filter(|note| note.code == event::TIME_UNREADABLE);
        let details: Vec<String> = notes.map(|note| note.detail.clone()).collect();
        assert_eq!(event.lost_its_time(), !details.is_empty(), "{line}");
        assert_eq!(event.time_quality == TimeQuality::Collected, !details.is_empty(), "{line}");
        details.join("; ")
    };
    for (line, stated) in [
        (
            r#"{"@timestamp":"2026-02-29T10:00:00Z","message":"x"}"#,
            "`@timestamp` says `2026-02-29T10:00:00Z`",
        ),
        (
            r#"{"@timestamp":"2026-11-23T09:00:00Z","@timestamp":"2026-11-23T08:00:00Z","message":"x"}"#,
            "`@timestamp` says `2026-11-23T09:00:00Z, 2026-11-23T08:00:00Z`",
        ),
        ("2026-02-29T10:00:00Z host app: x", "the record begins with `2026-02-29T10:00:00`"),
        ("<13>2026-11-23T25:00:00Z host app: x", "the record begins with `2026-11-23T25:00:00`"),
    ] {
        let detail = noted(line, "auto");
        assert!(detail.starts_with(stated) && detail.ends_with("which is no time"), "{detail}");
    }
    for line in [
        // The same twice is one; another field has it; a word is no time.
        r#"{"@timestamp":"2026-11-23T09:00:00Z","@timestamp":"2026-11-23T09:00:00Z","message":"x"}"#,
        r#"{"@timestamp":"2026-02-29T10:00:00Z","timestamp":"2026-11-23T09:00:00Z","a":1}"#,
        "Nov 23 16:20:01 h app: 2026-02-29T10:00:00Z",
    ] {
        assert_eq!(noted(line, "auto"), "", "{line}");
    }
    let silent = decode(br#"{"published":true,"message":"x"}"#, "auto").unwrap();
    assert!(!silent.lost_its_time() && silent.time_quality == TimeQuality::Collected);
    let off = decode(br#"{"time":"1980-01-01T00:00:00Z","message":"x"}"#, "auto").unwrap();
    assert!(off.lost_its_time(), "a clock that is off is counted too");
}
