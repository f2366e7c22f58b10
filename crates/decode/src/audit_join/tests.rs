//! Records of one audit event, as auditd writes them, joined or left alone.

use super::*;
use crate::{Decoder, decode_record};

/// Decodes and joins the lines in their order.
fn joined(lines: &[&str]) -> Vec<Event> {
    let decoder = Decoder::builtin().unwrap();
    let mut join = AuditJoin::default();
    let read = |line: &&str| {
        let mut event = decode_record(&decoder, "linux_auditd", 0, line.as_bytes()).unwrap();
        join.join(&mut event);
        event
    };
    lines.iter().map(read).collect()
}

#[track_caller]
fn check(event: &Event, category: Option<&str>, expected: &[(&str, &str)]) {
    assert_eq!(event.logsource.category.as_deref(), category, "{event:?}");
    for (name, value) in expected {
        let found = event.fields.get(name).map(Value::text);
        assert_eq!(found.as_deref(), Some(*value), "{name} in {event:?}");
    }
}

const SYSCALL: &str = r#"type=SYSCALL msg=audit(1795425601.042:77): arch=c000003e syscall=59 success=yes ppid=4000 pid=4001 auid=1001 uid=33 ses=41 comm="nc" exe="/usr/bin/nc.openbsd" key="lenh""#;
const EXECVE: &str =
    r#"type=EXECVE msg=audit(1795425601.042:77): argc=3 a0="nc" a1="-e" a2="/bin/sh""#;

#[test]
fn a_started_program_knows_its_image_and_its_user() {
    let events = joined(&[SYSCALL, EXECVE]);
    check(&events[0], None, &[("exe", "/usr/bin/nc.openbsd")]);
    let expected =
        [("Image", "/usr/bin/nc.openbsd"), ("CommandLine", "nc -e /bin/sh"), ("User", "33")];
    check(&events[1], Some("process_creation"), &expected);
    assert_eq!(events[1].attr_text(Attr::Process), Some("/usr/bin/nc.openbsd"));
}

#[test]
fn records_of_other_events_stay_apart() {
    let other = EXECVE.replace(":77)", ":78)");
    for lines in [[EXECVE, SYSCALL], [SYSCALL, &other]] {
        for event in joined(&lines) {
            assert_eq!(event.fields.get("Image"), None, "{event:?}");
        }
    }
}

#[test]
fn a_made_file_is_named_from_its_folder() {
    let events = joined(&[
        &SYSCALL.replace("syscall=59", "syscall=257"),
        r#"type=CWD msg=audit(1795425601.042:77): cwd="/etc/cron.d""#,
        r#"type=PATH msg=audit(1795425601.042:77): item=0 name="/etc/cron.d" nametype=PARENT"#,
        r#"type=PATH msg=audit(1795425601.042:77): item=1 name="la" nametype=CREATE"#,
        r#"type=PATH msg=audit(1795425601.042:77): item=2 name="/tmp/cu" nametype=DELETE"#,
    ]);
    check(&events[2], None, &[("name", "/etc/cron.d")]);
    let made = [("TargetFilename", "/etc/cron.d/la"), ("Image", "/usr/bin/nc.openbsd")];
    check(&events[3], Some("file_event"), &made);
    check(&events[4], Some("file_delete"), &[("TargetFilename", "/tmp/cu")]);
}

#[test]
fn a_connection_knows_where_it_goes() {
    let connect = SYSCALL.replace("syscall=59", "syscall=42");
    for (address, ip, port) in [
        ("saddr=020001BBCB0071070000000000000000", "203.0.113.7", "443"),
        ("saddr=0A00115C0000000020010DB800000000000000000000000700000000", "2001:db8::7", "4444"),
    ] {
        let line = format!("type=SOCKADDR msg=audit(1795425601.042:77): {address}");
        let events = joined(&[&connect, &line]);
        let expected = [("DestinationIp", ip), ("DestinationPort", port), ("Initiated", "true")];
        check(&events[1], Some("network_connection"), &expected);
    }
    for address in ["saddr=01002F72756E2F78", "saddr=0200", "saddr=zz", ""] {
        let line = format!("type=SOCKADDR msg=audit(1795425601.042:77): {address}");
        check(&joined(&[&connect, &line])[1], None, &[]);
    }
}

#[test]
fn memory_is_bounded_and_keeps_the_latest() {
    let mut join = AuditJoin::default();
    let key = |serial: usize| Key {
        source: SourceId::from_uuid(uuid::Uuid::nil()),
        host: String::new(),
        stamp: "1".to_owned(),
        serial: serial.to_string(),
    };
    for serial in 0..AUDIT_EVENTS_MAX * 2 {
        join.remember(key(serial), Known::default());
        join.remember(key(serial), Known::default());
    }
    assert_eq!((join.known.len(), join.order.len()), (AUDIT_EVENTS_MAX, AUDIT_EVENTS_MAX));
    assert!(join.known.contains_key(&key(AUDIT_EVENTS_MAX * 2 - 1)));
}
