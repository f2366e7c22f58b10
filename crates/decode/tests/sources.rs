//! Decodes every source folder's sample and compares it with what the folder expects.

use decode::{Decoder, Mismatch, SourceFiles, SourceText, check_source, decode_sample, folders};

#[test]
fn every_source_folder_decodes_as_expected() {
    let decoder = Decoder::builtin().unwrap_or_else(|errors| {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        panic!("{}", errors.join("\n"))
    });
    let mut failures = Vec::new();
    let mut folder_count = 0;
    for files in folders() {
        folder_count += 1;
        match check_source(&decoder, &files) {
            Ok(report) => assert!(report.lines >= 3, "{}: the sample is too small", files.folder),
            Err(mismatches) => {
                for Mismatch { line, detail } in mismatches {
                    failures.push(format!("sources/{}/sample.log:{line}: {detail}", files.folder));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(folder_count >= 20, "only {folder_count} folders were found");
}

/// A source that `auto` does not find has to be chosen by hand: these, and why.
const CHOSEN_BY_HAND: [(&str, &str); 4] = [
    ("apache_httpd", "the Combined format does not say which server wrote it"),
    ("nginx_nginx", "the Combined format does not say which server wrote it"),
    ("generic_application", "an exception's name in a text is no proof of who wrote it"),
    ("linux_syslog", "what is left when nothing else fits"),
];

#[test]
fn auto_finds_most_lines_of_every_source() {
    let decoder = Decoder::builtin().unwrap();
    for files in folders() {
        if CHOSEN_BY_HAND.iter().any(|(folder, _)| *folder == files.folder) {
            continue;
        }
        let report = check_source(&decoder, &files).unwrap();
        let recognised = report.recognised + report.dead;
        assert!(
            recognised * 4 >= report.lines * 3,
            "{}: auto recognises {recognised} of {} lines",
            files.folder,
            report.lines
        );
    }
}

const ACME: &str = r#"
id = "acme_gate"
title_vi = "Cổng Acme"
title_en = "Acme gate"
format = "cef"
class = "network_activity"
logsource = { product = "acme", category = "firewall" }
[match]
fields = { DeviceVendor = "Acme" }
[map]
"địa chỉ" = "src_ip"
act = "action"
[values.action]
"chặn" = "blocked"
"*" = "allowed"
[[variant]]
when = { act = "chặn" }
class = "detection_finding"
"#;

#[test]
fn an_operator_adds_a_source_by_adding_a_folder() {
    let text = SourceText { folder: "acme_gate", definition: ACME };
    let decoder = Decoder::builtin().unwrap().with_definitions(&[text]).unwrap();
    let sample = "CEF:0|Acme|Gate|1|7|x|5|act=chặn src=10.1.2.3\nCEF:0|Acme|Gate|1|7|x|5|act=cho";
    let events = decode_sample(&decoder, "auto", sample);
    let spell = |event: &serde_json::Value| {
        format!("{} {} {}", event["parser"], event["class"], event["attributes"]["action"])
    };
    assert_eq!(spell(&events[0]), r#""acme_gate" "detection_finding" "blocked""#);
    assert_eq!(spell(&events[1]), r#""acme_gate" "network_activity" "allowed""#);
}

#[test]
fn a_text_may_be_known_by_other_marks() {
    let definition = r#"
id = "acme_text"
title_vi = "Acme"
title_en = "Acme"
format = "message"
[match]
starts_with = ["acme:"]
or = [{ contains = ["[gate]", " to "] }, { starts_with = ["ACME "] }]
[[pattern]]
name = "line"
regex = '(?P<src_ip>[0-9.]+) to'
"#;
    let text = SourceText { folder: "acme_text", definition };
    let decoder = Decoder::builtin().unwrap().with_definitions(&[text]).unwrap();
    for (line, is_own) in [
        ("acme: 10.1.2.3 to x", true),
        ("10.1.2.3 to [gate]", true),
        ("ACME 10.1.2.3 to x", true),
        ("10.1.2.3 to x", false),
        ("[gate] closed", false),
        ("ACME closed", false),
    ] {
        let events = decode_sample(&decoder, "auto", line);
        assert_eq!(events[0]["parser"] == "acme_text", is_own, "{line}");
    }
}

#[test]
fn a_text_may_be_known_by_a_regular_expression() {
    let decoder = Decoder::builtin().unwrap();
    for (line, parser) in [
        (
            "2026-11-23 09:20:01 10.20.0.5 GET /a x=1 443 - 203.0.113.7 curl - 200 0 0 31",
            "microsoft_iis",
        ),
        ("2026-11-23 09:20:01 ::1 OPTIONS * - 80 - fe80::1%4 - - 404 0 2 7", "microsoft_iis"),
        ("2026-11-23 09:20:01 10.20.0.5 GET /a x=1 443 - 203.0.113.7 curl - 200 0 0", "text"),
        ("2026-11-23 09:20:01 web01 GET /a x=1 443 - 203.0.113.7 curl - 200 0 0 31", "text"),
        ("2026-11-23 09:20:01 10.20.0.5 GET /a x=1 443 - 203.0.113.7 curl - 700 0 0 31", "text"),
    ] {
        let events = decode_sample(&decoder, "auto", line);
        assert_eq!(events[0]["parser"], parser, "{line}");
    }
    let bad = ACME.replace("[match]", "[match]\nregex = '('");
    let text = SourceText { folder: "acme_gate", definition: &bad };
    let errors = Decoder::builtin().unwrap().with_definitions(&[text]).unwrap_err();
    assert!(errors[0].to_string().contains("match.regex: "), "{}", errors[0]);
}

#[test]
fn a_date_behind_a_bare_priority_may_be_the_lines_own() {
    let decoder = Decoder::builtin().unwrap();
    for (line, parser, host) in [
        (
            "<14>11/23/2026 4:20:01 PM 0A3C PACKET  0000000012345678 UDP Rcv 10.20.0.7 1a2b   Q [0001   D   NOERROR] A      (7)example(2)vn(0)",
            "microsoft_dns",
            None,
        ),
        (
            "<14>2026-11-23 16:20:01 DROP TCP 203.0.113.7 198.51.100.10 50122 3389 52 S 1 0 64240 - - - RECEIVE",
            "microsoft_firewall",
            None,
        ),
        (
            "<14>2026-11-23 09:20:01 10.20.0.5 GET /a x=1 443 - 203.0.113.7 curl - 200 0 0 31",
            "microsoft_iis",
            None,
        ),
        (
            "<14>Nov 23 16:20:02 may-01 2026-11-23 16:20:01 ALLOW UDP 10.20.0.7 10.20.0.1 50122 53 0 - - - - - - - SEND",
            "microsoft_firewall",
            Some("may-01"),
        ),
        ("<14>2026-11-23 16:20:01 may-02 hello to - all", "linux_syslog", Some("may-02")),
    ] {
        let events = decode_sample(&decoder, "auto", line);
        assert_eq!(events[0]["parser"], parser, "{line}");
        assert_eq!(events[0]["attributes"]["device.hostname"].as_str(), host, "{line}");
        assert_eq!(events[0]["attributes"]["metadata.syslog.facility"], "user", "{line}");
    }
}

#[test]
fn structured_data_may_tell_whose_pairs_they_are() {
    let decoder = Decoder::builtin().unwrap();
    let line = r#"<134>1 2026-11-23T09:20:01Z gw log-1 7 - [action:"Drop"; loguid:"{0x1}"; origin:"10.20.0.1"; src:"203.0.113.7"; dst:"198.51.100.10"; service:"3389"]"#;
    let events = decode_sample(&decoder, "auto", line);
    assert_eq!(events[0]["parser"], "checkpoint_firewall");
    assert_eq!(events[0]["attributes"]["action"], "denied");
    assert_eq!(events[0]["attributes"]["dst_endpoint.port"], 3389);
    assert!(events[0].get("notes").is_none(), "{}", events[0]);
}

#[test]
fn a_line_that_differs_is_named_with_the_field() {
    let decoder = Decoder::builtin().unwrap();
    let mut files = folders().find(|files| files.folder == "linux_cron").unwrap();
    let wrong = files.expected.replacen("www-data", "nobody", 1);
    files.expected = &wrong;
    let mismatches = check_source(&decoder, &files).unwrap_err();
    assert_eq!(mismatches.len(), 1);
    assert_eq!(mismatches[0].line, 2);
    assert!(mismatches[0].detail.contains("expected"), "{}", mismatches[0].detail);

    let empty = SourceFiles { folder: "linux_cron", definition: "", sample: "", expected: "" };
    assert_eq!(check_source(&decoder, &empty).unwrap_err().len(), 3);
}
