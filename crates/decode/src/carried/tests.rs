//! The same line by itself and as other programs hand it on must become the same event.

use std::sync::LazyLock;

use event::{Event, TimeQuality};
use serde_json::{Value as Json, json};

use crate::{Decoder, decode_record};

static DECODER: LazyLock<Decoder> = LazyLock::new(|| Decoder::builtin().unwrap());

fn decode(parser: &str, record: &str) -> Event {
    decode_record(&DECODER, parser, 0, record.as_bytes()).unwrap()
}

const SSHD: &str =
    "Nov 23 16:20:01 may-01 sshd[812]: Failed password for root from 203.0.113.7 port 50222 ssh2";
const AUDITD: &str =
    r#"type=EXECVE msg=audit(1795425601.042:79): argc=3 a0="chattr" a1="-i" a2="/etc/passwd""#;
const ACCESS: &str = r#"203.0.113.7 - - [23/Nov/2026:16:20:01 +0700] "GET /?x=../../etc/passwd HTTP/1.1" 200 10 "-" "curl/8""#;
const TRAIL: &str = r#"{"eventVersion":"1.08","eventTime":"2026-11-23T09:20:01Z","eventSource":"cloudtrail.amazonaws.com","eventName":"StopLogging","sourceIPAddress":"203.0.113.7"}"#;
const SURICATA: &str = r#"{"timestamp":"2026-11-23T09:20:01.000000+0000","flow_id":1,"event_type":"dns","src_ip":"10.0.0.1","dest_ip":"10.0.0.2","dns":{"type":"query","rrname":"x.example"}}"#;

/// The line as programs that follow files and sockets write it.
fn shapes(line: &str) -> Vec<(&'static str, Json)> {
    let filebeat = json!({"@timestamp": "2026-11-23T09:20:09Z", "message": line, "input": {"type": "log"},
        "log": {"file": {"path": "/var/log/x"}, "offset": 7}, "host": {"name": "vo-ngoai"},
        "agent": {"type": "filebeat"}, "ecs": {"version": "8.0.0"}});
    let mut agent = filebeat.clone();
    agent["event"] = json!({"original": line, "dataset": "x.y"});
    agent["message"] = json!("what an ingest pipeline made of it");
    vec![
        ("an Elasticsearch export", json!({"_index": "x", "_id": "1", "_source": filebeat})),
        ("Filebeat", filebeat),
        ("Elastic Agent", agent),
        ("Logstash", json!({"@version": "1", "path": "/var/log/x", "message": line})),
        ("Vector", json!({"file": "/var/log/x", "message": line, "source_type": "file"})),
        ("NXLog", json!({"SourceModuleType": "im_file", "Message": line})),
        ("Fluent Bit", json!({"date": 1_795_425_609.1, "log": line})),
        (
            "Docker",
            json!({"log": format!("{line}\n"), "stream": "stdout", "time": "2026-11-23T09:20:09Z"}),
        ),
        (
            "a Splunk export",
            json!({"preview": false, "offset": 0, "result": {"_raw": line, "host": "vo-ngoai"}}),
        ),
        (
            "a Splunk search",
            json!({"_raw": line, "_time": "2026-11-23T09:20:09Z", "sourcetype": "x"}),
        ),
        (
            "Splunk's HTTP collector",
            json!({"time": 1_795_425_609.1, "sourcetype": "x", "event": line}),
        ),
        (
            "CloudWatch",
            json!({"logEvents": [{"id": "1", "timestamp": 1_795_425_609_000_i64, "message": line}],
                "logGroup": "g", "logStream": "s", "messageType": "DATA_MESSAGE"}),
        ),
        (
            "an event of CloudWatch",
            json!({"id": "1", "timestamp": 1_795_425_609_000_i64, "message": line}),
        ),
        ("Wazuh", json!({"full_log": line, "decoder": {"name": "x"}, "location": "/var/log/x"})),
        ("Graylog", json!({"version": "1.1", "host": "vo-ngoai", "short_message": line})),
        (
            "Docker in Filebeat",
            json!({"log": {"offset": 1}, "message": json!({"log": line, "stream": "stdout"}).to_string()}),
        ),
    ]
}

#[test]
fn an_export_of_the_audit_log_is_read_by_what_it_carries() {
    let data = r#"{"CreationTime":"2026-11-23T09:20:01","Operation":"UserLoggedIn","RecordType":15,"Workload":"AzureActiveDirectory","UserId":"an@x.example"}"#;
    let alone = decode("auto", data);
    for export in [
        json!({"CreationDate": "2026-11-23T09:20:09Z", "UserIds": "an@x.example", "Operations": "UserLoggedIn",
            "RecordType": "AzureActiveDirectoryStsLogon", "AuditData": data}),
        json!({"RecordId": "1", "CreationDate": "2026-11-23T09:20:09Z", "RecordType": "15",
            "Operation": "UserLoggedIn", "UserId": "an@x.example", "AuditData": data}),
    ] {
        let event = decode("auto", &export.to_string());
        assert_eq!(event.parser, "microsoft_m365", "{export}");
        assert_eq!(event.logsource, alone.logsource, "{export}");
        assert_eq!(event.occurred_at, alone.occurred_at, "{export}");
        assert_eq!(event.fields.get("Workload"), Some(&"AzureActiveDirectory".into()), "{export}");
        assert_eq!(event.fields.get("RecordType"), Some(&15.into()), "{export}");
    }
}

#[test]
fn names_of_a_log_event_among_others_carry_nothing() {
    let record =
        json!({"id": "1", "timestamp": "2026-11-23T09:20:01Z", "message": SSHD, "level": "info"});
    assert_eq!(decode("auto", &record.to_string()).parser, "generic_json");
}

#[test]
fn a_line_is_read_alike_whoever_hands_it_on() {
    for (line, parser) in [
        (SSHD, "linux_sshd"),
        (AUDITD, "linux_auditd"),
        (ACCESS, "generic_access_log"),
        (TRAIL, "amazon_cloudtrail"),
        (SURICATA, "oisf_suricata"),
    ] {
        let alone = decode("auto", line);
        assert_eq!(alone.parser, parser);
        for (carrier, record) in shapes(line) {
            let event = decode("auto", &record.to_string());
            assert_eq!(event.parser, parser, "{carrier}: {line}");
            assert_eq!(event.logsource, alone.logsource, "{carrier}: {line}");
            assert_eq!(event.occurred_at, alone.occurred_at, "{carrier}: {line}");
            for (name, value) in alone.fields.iter() {
                assert_eq!(event.fields.get(name), Some(value), "{carrier}: {name}");
            }
            for (attr, value) in alone.attrs.iter() {
                assert_eq!(event.attrs.get(attr), Some(value), "{carrier}: {attr:?}");
            }
            assert!(!DECODER.reads_plainly(&event), "{carrier} {line}");
        }
    }
}

#[test]
fn a_record_whose_header_was_taken_apart_is_a_line_of_syslog() {
    let message = "Failed password for root from 203.0.113.7 port 50222 ssh2";
    for record in [
        json!({"__REALTIME_TIMESTAMP": "1795425601000000", "_HOSTNAME": "may-01", "_PID": "812",
            "SYSLOG_IDENTIFIER": "sshd", "MESSAGE": message}),
        json!({"__REALTIME_TIMESTAMP": "1795425601000000", "_HOSTNAME": "may-01", "_PID": "812",
            "SYSLOG_IDENTIFIER": "sshd", "MESSAGE": message.as_bytes()}),
        json!({"syslogtag": "sshd[812]:", "hostname": "may-01", "msg": message}),
        json!({"appname": "sshd", "facility": "auth", "hostname": "may-01", "procid": 812, "message": message,
            "source_type": "syslog"}),
        json!({"ident": "sshd", "pri": "38", "host": "may-01", "pid": "812", "message": message}),
        json!({"@timestamp": "2026-11-23T09:20:01Z", "process": {"name": "sshd", "pid": 812},
            "host": {"name": "may-01"}, "log": {"file": {"path": "/var/log/auth.log"}}, "message": message}),
    ] {
        let event = decode("auto", &record.to_string());
        assert_eq!(event.parser, "linux_sshd", "{record}");
        assert_eq!(event.attr_text(event::Attr::SrcIp), Some("203.0.113.7"), "{record}");
        assert_eq!(event.attr_text(event::Attr::Host), Some("may-01"), "{record}");
    }
}

#[test]
fn the_chosen_source_reads_what_is_carried() {
    for (carrier, record) in shapes(ACCESS) {
        let event = decode("nginx_nginx", &record.to_string());
        assert_eq!(event.parser, "nginx_nginx", "{carrier}");
        assert_eq!(event.logsource.product.as_deref(), Some("nginx"), "{carrier}");
    }
    let (_, filebeat) = &shapes(SSHD)[1];
    assert_eq!(decode("elastic_ecs", &filebeat.to_string()).parser, "linux_sshd");
    // Whoever chose any JSON wants just that.
    assert_eq!(decode("generic_json", &filebeat.to_string()).parser, "generic_json");
}

#[test]
fn what_stands_beside_is_kept_and_fills_what_is_wanting() {
    let (_, filebeat) = &shapes(AUDITD)[1];
    let event = decode("auto", &filebeat.to_string());
    assert_eq!(event.fields.get("log.file.path"), Some(&"/var/log/x".into()));
    assert_eq!(event.fields.get("message"), None, "the line stands in the raw record");
    assert_eq!(event.attr_text(event::Attr::Host), Some("vo-ngoai"));
    let journal = json!({"__REALTIME_TIMESTAMP": "1795425601000000", "SYSLOG_IDENTIFIER": "x", "MESSAGE": "y"});
    let event = decode("auto", &journal.to_string());
    assert_eq!((event.parser.as_ref(), event.time_quality), ("linux_syslog", TimeQuality::Stated));
}

/// Records of clouds as services and agents put them below a name of their own.
#[test]
fn a_record_below_another_name_is_that_record() {
    let trail: Json = serde_json::from_str(TRAIL).unwrap();
    let audit = json!({"CreationTime": "2026-11-23T09:20:01", "Operation": "UserLoggedIn", "Workload": "AzureActiveDirectory",
        "RecordType": 15, "ResultStatus": "Success", "UserId": "an@x.vn", "ClientIP": "203.0.113.7", "Id": "i",
        "OrganizationId": "o"});
    let call = json!({"kind": "Event", "apiVersion": "audit.k8s.io/v1", "auditID": "k", "stage": "ResponseComplete", "verb": "list",
        "user": {"username": "an"}, "objectRef": {"resource": "secrets"}, "requestURI": "/api/v1/secrets",
        "requestReceivedTimestamp": "2026-11-23T09:20:01.000000Z"});
    let ecs = |dataset: &str| json!({"module": "x", "dataset": dataset});
    let wazuh = |data: Json| {
        json!({"timestamp": "2026-11-23T09:20:09.000+0000", "rule": {"level": 3, "id": "1"}, "manager": {"name": "w"},
            "decoder": {"name": "json"}, "location": "x", "data": data})
    };
    for (carrier, own, record) in [
        (
            "EventBridge",
            &trail,
            json!({"version": "0", "id": "i", "detail-type": "AWS API Call via CloudTrail", "source": "aws.cloudtrail",
                "account": "1", "time": "2026-11-23T09:20:09Z", "region": "x", "resources": [], "detail": trail}),
        ),
        (
            "the event history of CloudTrail",
            &trail,
            json!({"EventId": "i", "EventName": "StopLogging", "ReadOnly": "false", "EventTime": "2026-11-23T09:20:01+00:00",
                "EventSource": "cloudtrail.amazonaws.com", "Username": "an", "Resources": [],
                "CloudTrailEvent": trail.to_string()}),
        ),
        ("Wazuh for AWS", &trail, wazuh(json!({"integration": "aws", "aws": trail}))),
        ("Wazuh for M365", &audit, wazuh(json!({"integration": "office365", "office365": audit}))),
        (
            "Elastic Agent for M365",
            &audit,
            json!({"@timestamp": "2026-11-23T09:20:09Z", "event": ecs("o365.audit"), "o365": {"audit": audit}}),
        ),
        (
            "Elastic Agent for Kubernetes",
            &call,
            json!({"@timestamp": "2026-11-23T09:20:09Z", "event": ecs("kubernetes.audit_logs"), "kubernetes": {"audit": call}}),
        ),
    ] {
        let alone = decode("auto", &own.to_string());
        assert_ne!(alone.parser, "generic_json", "{carrier}");
        let event = decode("auto", &record.to_string());
        assert_eq!(event.parser, alone.parser, "{carrier}");
        assert_eq!(event.logsource, alone.logsource, "{carrier}");
        assert_eq!(event.occurred_at, alone.occurred_at, "{carrier}");
        for (name, value) in alone.fields.iter() {
            assert_eq!(event.fields.get(name), Some(value), "{carrier}: {name}");
        }
    }
}

#[test]
fn the_event_of_a_list_is_that_event() {
    let okta = r#"{"eventType":"system.api_token.revoke","published":"2026-11-23T09:20:01.000Z","actor":{"alternateId":"an@x.example"},"target":[{"type":"Token"}]}"#;
    let call = r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"k","verb":"list","requestReceivedTimestamp":"2026-11-23T09:20:01.000000Z"}"#;
    for (own, record) in [
        (
            okta,
            format!(
                r#"{{"eventType":"com.okta.event_hook","source":"https://x.example","eventId":"e","data":{{"events":[{okta}]}},"eventTime":"2026-11-23T09:20:09Z"}}"#
            ),
        ),
        (
            call,
            format!(
                r#"{{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{{}},"items":[{call}]}}"#
            ),
        ),
        (TRAIL, format!(r#"{{"Records":[{TRAIL}],"more":1}}"#)),
    ] {
        let (alone, event) = (decode("auto", own), decode("auto", &record));
        assert_ne!(alone.parser, "generic_json", "{own}");
        assert_eq!(event.parser, alone.parser, "{record}");
        assert_eq!(event.logsource, alone.logsource, "{record}");
        assert_eq!(event.occurred_at, alone.occurred_at, "{record}");
        for (name, value) in alone.fields.iter() {
            assert_eq!(event.fields.get(name), Some(value), "{record}: {name}");
        }
        assert!(!DECODER.reads_plainly(&event), "{record}");
    }
    let two = decode("auto", r#"{"Records":[{"a":1},{"a":2}],"more":1}"#);
    assert_eq!(two.parser, "generic_json");
    assert!(!DECODER.reads_plainly(&two), "with one it would be read otherwise");
}

#[test]
fn only_names_say_that_something_is_carried() {
    for record in [
        json!({"time": "2026-11-23T09:20:01Z", "user": "x", "message": AUDITD}),
        json!({"@timestamp": "2026-11-23T09:20:01Z", "process": {"name": "sshd"}, "agent": {"type": "endpoint"},
            "message": "Endpoint process event"}),
        json!({"@version": "1", "message": "nothing that anyone knows"}),
        json!({"version": "1.1", "short_message": ""}),
        json!({"_raw": 7}),
    ] {
        let event = decode("auto", &record.to_string());
        assert!(
            matches!(event.parser.as_ref(), "generic_json" | "elastic_ecs"),
            "{record}: {event:?}"
        );
    }
}

#[test]
fn bytes_of_journald_are_text_whatever_the_field() {
    let record = json!({"__CURSOR": "s=1", "_CMDLINE": &b"nc -e /bin/sh \xff"[..]});
    let event = decode("auto", &record.to_string());
    assert_eq!(event.fields.get("_CMDLINE"), Some(&"nc -e /bin/sh \u{fffd}".into()));
    assert!(!DECODER.reads_plainly(&event), "its values are not those that stand there");
}

#[test]
fn windows_events_are_none_of_these() {
    let record = json!({"@version": "1", "message": SSHD, "SourceModuleType": "im_msvistalog",
        "EventID": 1, "Channel": "Microsoft-Windows-Sysmon/Operational", "Image": "x"});
    let event = decode("auto", &record.to_string());
    assert_eq!(event.parser, "microsoft_windows");
    assert!(DECODER.reads_plainly(&event));
}
