//! Tests of the query language.

use chrono::DateTime;

use super::*;
use crate::{
    AgencyId, Attr, Attrs, Class, Event, EventId, Fields, IdSource, LogSource, Origin, SourceId,
    TimeQuality, Value,
};

pub(super) fn login() -> Event {
    let ids = IdSource::seeded(1);
    let now = DateTime::from_timestamp_millis(1_790_000_000_123).unwrap();
    let mut attrs = Attrs::default();
    attrs.set(Attr::SrcIp, "10.1.2.3");
    attrs.set(Attr::SrcPort, 50_022_i64);
    attrs.set(Attr::User, "Backup");
    attrs.set(Attr::FileHash, Value::List(vec!["aa11".into(), "bb22".into()]));
    Event {
        id: EventId::from_uuid(ids.uuid(now)),
        origin: Origin {
            agency: AgencyId::from_uuid(ids.uuid(now)),
            system: None,
            source: SourceId::from_uuid(ids.uuid(now)),
        },
        occurred_at: now,
        time_quality: TimeQuality::Stated,
        collected_at: now,
        class: Class::Authentication,
        logsource: LogSource { product: Some("linux".into()), ..LogSource::default() },
        parser: "linux_sshd".into(),
        attrs,
        fields: [
            ("user", Value::from("own name")),
            ("host", Value::from("may-chu-01")),
            ("EventID", Value::Int(4625)),
            ("reason", Value::from("Đăng nhập thất bại")),
            ("empty", Value::Null),
            ("ratio", Value::Float(0.5)),
            ("Account Name", Value::from("An Nguyễn")),
            ("say \"it\\", Value::from("x")),
            ("path", Value::from(r"C:\Windows\System32\cmd.exe")),
        ]
        .into_iter()
        .collect::<Fields>(),
        notes: Vec::new(),
        raw: "sshd[7]: Failed password for backup from 10.1.2.3 port 50022 ssh2".to_owned(),
    }
}

#[track_caller]
fn check(cases: &[(&str, bool)]) {
    let event = login();
    for (text, expected) in cases {
        let query = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(matches(&query, &event), *expected, "{text} as {query:?}");
    }
}

#[test]
fn queries_find_what_they_say() {
    check(&[
        ("", true),
        ("*", true),
        ("failed", true),
        ("FAILED password", true),
        ("\"failed password\"", true),
        ("\"password failed\"", false),
        ("fail", false),
        ("fail*", true),
        ("*assword", true),
        ("*asswor", false),
        ("*asswor*", true),
        ("f?iled", true),
        ("10.1.2.3", true),
        ("10.1.2", true),
        ("0.1.2.3", false),
        ("that bai", true),
        ("\"THẤT BẠI\"", true),
        ("that-bai", false),
        (r"C:\Windows\System32\cmd.exe", true),
        (r"system32\\cmd", true),
        ("src_ip:10.1.2.3 AND \"failed password\" NOT user:root", true),
        ("src_ip:10.1.2.3 AND \"failed password\" NOT user:backup", false),
        ("src_ip:10.1.2.3 -user:backup", false),
        ("src_ip:10.0.0.0/8", true),
        ("src_ip:192.168.0.0/16", false),
        ("src_endpoint.ip:10.1.*", true),
        ("src_port:50022", true),
        ("src_port:>50000", true),
        ("src_port:>=50023", false),
        ("src_port:[50000 TO 50022]", true),
        ("src_port:[* TO 50021]", false),
        ("EventID:4625", true),
        ("EventID:<5000", true),
        ("eventid:4625", false),
        ("ratio:>0.25", true),
        ("ratio:0.5", true),
        ("ratio:0.50", true),
        ("ratio:5e-1", true),
        ("ratio:(0.6 OR \"0.500\")", true),
        ("ratio:0.51", false),
        ("EventID:4625.0", true),
        ("EventID:4625.5", false),
        ("file_hash:BB22", true),
        ("file_hash:cc33", false),
        ("file_hash:(cc33 OR bb22)", true),
        ("file_hash:(aa11 AND NOT cc33)", true),
        ("user:backup", true),
        ("user:\"own name\"", false),
        ("host:may-chu-*", true),
        ("host:may-chu-0?", true),
        ("host:may-chu", false),
        ("reason:\"dang nhap that bai\"", true),
        ("reason:/nhập (thất|bại)/", true),
        ("reason:/^nhập/", false),
        ("reason:*", true),
        ("empty:*", false),
        ("missing:*", false),
        ("NOT missing:x", true),
        ("class:authentication", true),
        ("parser:linux_*", true),
        ("logsource.product:linux", true),
        ("time_quality:stated", true),
        ("event_note:*", false),
    ]);
}

#[test]
fn notes_are_found_by_their_codes() {
    let note = |code| crate::Note::new(code, "why");
    let event = Event {
        notes: vec![note("unparsed"), note(crate::TIME_UNREADABLE), note("unparsed")],
        ..login()
    };
    for (text, expected) in [
        ("event_note:unparsed", true),
        ("event_note:time-unreadable", true),
        ("event_note:(\"clock-off\" OR \"time-unreadable\")", true),
        ("event_note:clock-off", false),
        ("event_note:why", false),
    ] {
        assert_eq!(matches(&parse(text).unwrap(), &event), expected, "{text}");
    }
}

#[test]
fn words_are_joined_and_names_quoted() {
    check(&[
        ("root OR backup", true),
        ("root OR (backup password)", true),
        ("(root OR admin) backup", false),
        ("!root", true),
        ("NOT NOT root", false),
        ("path:\"C:\\\\Windows\\\\System32\\\\cmd.exe\"", true),
        (r"path:C:\Windows\\*", true),
        ("\"Account Name\":\"an nguyen\"", true),
        ("\"Account Name\":an*", true),
        ("NOT \"Account Name\":(binh OR cuong)", true),
        ("\"Account Name\":*", true),
        ("\"account name\":*", false),
        (r#""say \"it\\":x"#, true),
        ("\"failed password\" :x", false),
        ("\"failed password\":", true),
        ("\"failed\":password", false),
    ]);
}

#[test]
fn text_with_colons_is_no_field() {
    for text in [
        "http://evil.example/x",
        "10:30:15",
        "aa:bb:cc:dd:ee:ff",
        "fe80::1",
        "dead:beef::1",
        "std::string",
        "::1",
    ] {
        assert_eq!(parse(text), Ok(Query::Text(text.to_owned())), "{text}");
    }
}

#[test]
fn errors_point_at_the_column() {
    let cases = [
        ("user:", "value-missing", 6),
        ("user: x", "value-missing", 6),
        ("a AND", "term-missing", 6),
        ("a OR OR b", "term-missing", 6),
        ("OR a", "term-missing", 1),
        ("AND a", "term-missing", 1),
        ("a ()", "term-missing", 4),
        ("(a", "close-missing", 1),
        ("a) b", "unexpected-close", 2),
        ("say \"never closed", "quote-open", 5),
        ("port:>many", "number-expected", 7),
        ("port:[1 TO 5", "range-open", 6),
        ("port:[1-5]", "range-shape", 6),
        ("port:[a TO 5]", "number-expected", 6),
        ("port:[5 TO 1]", "range-order", 6),
        ("occurred_at:[2026-11-23 TO 2026-11-22]", "range-order", 13),
        ("src_ip:10.0.0.0/40", "bad-network", 8),
        ("src_ip:(a OR ::1/129)", "bad-network", 14),
        ("src_ip:\"10.0.0.0/255.0.0.0\"", "bad-network", 8),
        ("user:/(/", "bad-regex", 6),
        ("mật_khẩu:", "value-missing", 10),
    ];
    for (text, code, column) in cases {
        let error = parse(text).unwrap_err();
        assert_eq!((error.code, error.column), (code, column), "{text}");
    }
    let deep = format!("{}a{}", "(".repeat(100), ")".repeat(100));
    assert_eq!(parse(&deep).unwrap_err().code, "too-deep");
    assert_eq!(parse(&"NOT ".repeat(100)).unwrap_err().code, "too-deep");
    assert_eq!(parse(&"a ".repeat(300)).unwrap_err().code, "too-many-terms");
    assert_eq!(parse(&"a".repeat(5000)).unwrap_err().code, "too-long");
}

#[test]
fn the_tree_reads_as_written() {
    let text = |word: &str| Query::Text(word.to_owned());
    assert_eq!(
        parse("a b OR NOT c"),
        Ok(Query::Or(vec![
            Query::And(vec![text("a"), text("b")]),
            Query::Not(Box::new(text("c"))),
        ]))
    );
    assert_eq!(parse(r#""50% *off*""#), Ok(text(r"50% \*off\*")));
    assert_eq!(parse("src_ip:2001:0DB8::1").unwrap().field_names(), ["src_ip"]);
}

#[test]
fn an_address_is_found_however_it_is_written() {
    let mut event = login();
    event.attrs.set(Attr::SrcIp, "2001:db8::1");
    assert!(matches(&parse("src_ip:2001:0DB8:0::1").unwrap(), &event));
    assert!(matches(&parse("src_ip:2001:db8::/32").unwrap(), &event));
    assert!(matches(&parse("src_ip:::/0").unwrap(), &event));
    assert!(matches(&parse(r#"src_ip:"2001:db8::/32""#).unwrap(), &event));
    assert!(!matches(&parse(r#"src_ip:"2001:db9::/32""#).unwrap(), &event));
    assert!(matches(&parse(r"src_ip:2001\:db8\:\:/32").unwrap(), &event));
    let literal = Test::Like("10.0.0.0/8".to_owned());
    let field = Query::Field { name: "subnet".to_owned(), test: literal };
    assert_eq!(parse(r#"subnet:"10.0.0.0/8""#), Ok(field), "a field of its own may hold that text");
    let not_there = Query::Field { name: "src_ip".to_owned(), test: Test::Like("n/a".to_owned()) };
    assert_eq!(parse("src_ip:n/a"), Ok(not_there), "what has no address is no network");
    assert!(!matches(&parse("src_ip:::1").unwrap(), &event));
    event.attrs.set(Attr::SrcIp, "::1");
    assert!(matches(&parse("src_ip:::1").unwrap(), &event));
    assert!(matches(&parse("src_ip:(::1 OR 10.0.0.1)").unwrap(), &event));
}

#[test]
fn an_index_is_asked_only_for_whole_words() {
    let cases: [(&str, &[&str]); 6] = [
        ("Failed", &["failed"]),
        ("10.1.2.30", &["10", "30"]),
        ("*led pass*", &[]),
        ("fail* password", &["password"]),
        ("*a bc d*", &["bc"]),
        ("x?yy zz", &["zz"]),
    ];
    for (pattern, expected) in cases {
        assert_eq!(TextPattern::new(pattern).whole_words(), expected, "{pattern}");
    }
    for (pattern, longest) in [
        ("*needle*", Some("needle")),
        ("ab*Đăng?x", Some("dang")),
        ("*", None),
        ("a b", Some("a b")),
    ] {
        assert_eq!(TextPattern::new(pattern).longest_literal(), longest, "{pattern}");
    }
}

#[test]
fn an_index_of_starts_is_asked_for_words_that_are_left_open() {
    let cases: [(&str, &[&str]); 10] = [
        ("Failed", &[]),
        ("Đăng*", &["dang"]),
        ("*led pass*", &["pass"]),
        ("fail* password", &["fail"]),
        ("a-b?c", &["b"]),
        ("/usr/loc*/bi*", &["loc", "bi"]),
        ("*abc*", &[]),
        ("ab*cd*", &["ab"]),
        ("pass-*", &[]),
        ("*", &[]),
    ];
    for (pattern, expected) in cases {
        assert_eq!(TextPattern::new(pattern).word_starts(), expected, "{pattern}");
    }
}

#[test]
fn what_begins_in_one_text_and_ends_in_the_next_stands_in_neither() {
    let fields = [("a", Value::from("WORD")), ("b", Value::List(vec!["x".into(), 7.into()]))];
    let event = Event {
        raw: "pass".to_owned(),
        attrs: Attrs::default(),
        fields: fields.into_iter().collect(),
        ..login()
    };
    for (text, expected) in [
        ("*password*", false),
        ("*wordx*", false),
        ("*x7*", false),
        ("pass word x 7", true),
        ("*ass* *wor*", true),
        ("(absent OR a:word) NOT user:*", true),
        ("NOT absent", true),
    ] {
        assert_eq!(matches(&parse(text).unwrap(), &event), expected, "{text}");
    }
}

#[test]
fn what_passes_may_pass_by_its_joined_text() {
    let list = Value::List(vec!["a,".into(), "10.1.2.3".into(), Value::Null, "Quản trị".into()]);
    let text = list.text();
    for (name, test, told, may_pass) in [
        ("user", "quan*", true, true),
        ("user", "*tri", true, true),
        ("user", "?0.1.*.3", true, true),
        ("user", "10*quan*", true, true),
        ("user", "*absent*", true, false),
        ("user", "10.1.2.?3", true, false),
        ("src_ip", "10.1.0.0/16", true, true),
        ("src_ip", "10.2.0.0/16", true, false),
        ("user", "10.1.2.3", false, true),
        ("user", "/absent/", false, true),
        ("user", ">5", false, true),
    ] {
        let Query::Field { name, test } = parse(&format!("{name}:{test}")).unwrap() else {
            panic!("{name}:{test} asks no field");
        };
        let test = ValueTest::new(&name, &test);
        assert_eq!(test.tells_joined(), told, "{test:?}");
        assert_eq!(test.may_pass_joined(&text), may_pass, "{test:?}");
        assert!(!test.passes(&list) || may_pass, "{test:?}");
    }
}

#[test]
fn a_click_on_a_value_asks_for_exactly_it() {
    let query = Query::equals("path", r"C:\Windows\System32\cmd.exe");
    assert!(matches(&query, &login()));
    assert!(!matches(&Query::equals("path", "*"), &login()));
}
