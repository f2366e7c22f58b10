//! The header of each sender we know of, and what is left when it is broken.

use super::{DataNames, Envelope};

/// Spells an envelope in one line: `priority|stamp|host|program|pid|msgid|data|message`.
fn spell(text: &str) -> String {
    let Some(read) = Envelope::read(text) else { return "none".to_owned() };
    let data: Vec<String> =
        read.data.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!(
        "{}|{}|{}|{}|{}|{}|{}|{}",
        read.priority.map(|number| number.to_string()).unwrap_or_default(),
        read.stamp.unwrap_or_default(),
        read.host.unwrap_or_default(),
        read.program.unwrap_or_default(),
        read.pid.unwrap_or_default(),
        read.message_id.unwrap_or_default(),
        data.join(","),
        read.message
    )
}

#[test]
fn headers_are_read_as_they_are_sent() {
    let cases = [
        (
            "<38>Nov 23 16:20:01 may-chu-01 sshd[812]: Hi",
            "38|Nov 23 16:20:01|may-chu-01|sshd|812|||Hi",
        ),
        (
            "Nov  3 06:02:01 may-chu-01 CRON[9]: (root) CMD (x)",
            "|Nov  3 06:02:01|may-chu-01|CRON|9|||(root) CMD (x)",
        ),
        ("Nov 23 16:20:01 may-chu-01 sudo:   an : X", "|Nov 23 16:20:01|may-chu-01|sudo||||an : X"),
        ("Nov 23 16:20:01 sshd[812]: no host", "|Nov 23 16:20:01||sshd|812|||no host"),
        ("2026-11-23T16:20:01.1+07:00 web nginx: x", "|2026-11-23T16:20:01.1+07:00|web|nginx||||x"),
        ("2026-11-23T16:20:01Z ERROR out of memory", "none"),
        ("Mon Nov 23 16:20:01 2026 -> /tmp/x: Win.Trojan.Agent-1 FOUND", "none"),
        ("2026-11-23 16:20:01,004 ERROR java.io.IOException: /tmp/x", "none"),
        (
            "<189>45: gw-01: Nov 23 09:20:01.123: %LINK-3-UPDOWN: down",
            "189|Nov 23 09:20:01.123|gw-01|%LINK-3-UPDOWN||||%LINK-3-UPDOWN: down",
        ),
        ("<134>filterlog[77]: 5,,,0,em0", "134|||filterlog|77|||5,,,0,em0"),
        ("<190>date=2026-11-23 time=1", "190|||||||date=2026-11-23 time=1"),
        ("<13>hello", "13|||||||hello"),
        (
            "<166>Nov 23 2026 16:20:01 fw01 : %ASA-6-302013: Built",
            "166|Nov 23 2026 16:20:01|fw01|%ASA-6-302013||||Built",
        ),
        (
            "<166>:Nov 23 16:20:01: %ASA-6-302013: Built",
            "166|Nov 23 16:20:01||%ASA-6-302013||||Built",
        ),
        (
            "<189>45: *Nov 23 09:20:01.123 UTC: %SYS-5-CONFIG_I: Configured",
            "189|*Nov 23 09:20:01.123 UTC||%SYS-5-CONFIG_I||||%SYS-5-CONFIG_I: Configured",
        ),
        (
            "<13>Nov 23 16:20:01 fw CEF:0|a|b|c|d|e|1|",
            "13|Nov 23 16:20:01|fw|||||CEF:0|a|b|c|d|e|1|",
        ),
        ("<13>Nov 23 16:20:01 CEF:0|a|b|c|d|e|1|", "13|Nov 23 16:20:01||||||CEF:0|a|b|c|d|e|1|"),
        ("<13>Nov 23 16:20:01 2001:db8::7 su: x", "13|Nov 23 16:20:01|2001:db8::7|su||||x"),
        ("<999>Nov 23 16:20:01 h p: x", "none"),
        (
            "<13>1 2026-11-23T16:20:01+07:00 h app 7 ID - \u{feff}xin chào",
            "13|2026-11-23T16:20:01+07:00|h|app|7|ID||xin chào",
        ),
        ("<13>1 2026-13-45T99:99:99Z h app 7 - - x", "13|2026-13-45T99:99:99Z|h|app|7|||x"),
        ("<13>1 - - - - - -", "13|||||||"),
        (
            r#"<13>1 2026-11-23T16:20:01Z h a - - [x k="open m"#,
            r#"13|2026-11-23T16:20:01Z|h|a||||[x k="open m"#,
        ),
        ("", "none"),
        ("<", "none"),
        ("<13>", "13|||||||"),
        ("Nov 23 16:20:01", "none"),
    ];
    for (text, expected) in cases {
        assert_eq!(spell(text), expected, "{text}");
    }
}

#[test]
fn structured_data_is_read_by_element_and_parameter() {
    let text = r#"<13>1 2026-11-23T16:20:01Z h a - - [x@1 k="a\"b\]c" l="2"][y z="3"] m"#;
    let read = Envelope::read(text).unwrap();
    let expected = [("x@1.k", "a\"b]c"), ("x@1.l", "2"), ("y.z", "3")];
    let found: Vec<(&str, &str)> =
        read.data.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!((found.as_slice(), read.message), (expected.as_slice(), "m"));
}

#[test]
fn pairs_of_an_element_without_a_name_are_read() {
    let text = r#"<134>1 2026-11-23T16:20:01Z gw CheckPoint 7 - [a:"x y"; b:"q\"]"; c:""] m"#;
    let read = Envelope::read(text).unwrap();
    let found: Vec<(&str, &str)> =
        read.data.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(found, [("a", "x y"), ("b", "q\"]"), ("c", "")]);
    assert_eq!((read.message, read.notes), ("m", Vec::new()));
    let close = r#"<134>1 2026-11-23T16:20:01Z gw CheckPoint 7 - [a:"1";b:"2"]"#;
    assert_eq!(Envelope::read(close).unwrap().data.len(), 2);
    for broken in [r#"[a:"x"; b]"#, r#"[a:"x""#, r#"[a:"x"; "#, "[:\"x\"]"] {
        let text = format!("<134>1 2026-11-23T16:20:01Z gw CheckPoint 7 - {broken}");
        let read = Envelope::read(&text).unwrap();
        assert_eq!((read.data.len(), read.message), (0, broken), "{broken}");
        assert_eq!(read.notes[0].code, "bad-structured-data", "{broken}");
    }
}

#[test]
fn structured_data_is_given_under_whole_and_own_names() {
    let text = r#"<13>1 2026-11-23T16:20:01Z h a - M [x@1.2 k="1"][y k="2"] m"#;
    let read = Envelope::read(text).unwrap();
    let spell = |names| serde_json::to_string(&read.data_fields(names)).unwrap();
    assert_eq!(spell(DataNames::Whole), r#"{"x@1.2.k":"1","y.k":"2","msgid":"M"}"#);
    assert_eq!(spell(DataNames::Own), r#"{"k":["1","2"],"msgid":"M"}"#);
}

#[test]
fn priority_names_facility_and_severity() {
    let read = Envelope::read("<86>Nov 23 16:20:01 h sshd[1]: x").unwrap();
    assert_eq!((read.facility(), read.severity()), (Some("authpriv"), Some("info")));
}
