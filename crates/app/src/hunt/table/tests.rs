//! Tables as programs write them, and what is none.

use std::io::Read as _;

use proptest::prelude::*;
use serde_json::json;

use super::super::rewritten::Rewritten;
use super::*;

/// Returns what becomes of a table, line by line; `None` if it is none.
fn lines(text: &str) -> Option<Vec<Json>> {
    let table = Table::told_by(text.as_bytes())?;
    let mut out = String::new();
    Rewritten::new(text.as_bytes(), table).read_to_string(&mut out).unwrap();
    let line = |line: &str| match line {
        "" => Json::Null,
        line => serde_json::from_str(line).unwrap_or_else(|_| line.into()),
    };
    Some(out.split('\n').map(line).collect())
}

#[test]
fn event_viewer_writes_its_table_in_any_language() {
    let rows = "Information,20/11/2026 10:00:00,Microsoft-Windows-Sysmon,1,Process Create,\"Process Create:\r\nImage: C:\\a.exe\"\r\n\
        Information,1/12/2026 10:00:01,Microsoft-Windows-Security-Auditing,4624,Logon,\"An account was \"\"logged\"\" on.\"\r\n";
    for header in [
        "\u{feff}Level,Date and Time,Source,Event ID,Task Category\r\n",
        "Cấp độ,Ngày và Giờ,Nguồn,ID Sự kiện,Danh mục Tác vụ\r\n",
    ] {
        let want = vec![
            Json::Null,
            json!({
                "LevelDisplayName": "Information", "EventTime": "2026-11-20 10:00:00",
                "ProviderName": "Microsoft-Windows-Sysmon", "EventID": "1",
                "TaskDisplayName": "Process Create",
                "Message": "Process Create:\r\nImage: C:\\a.exe",
            }),
            Json::Null,
            json!({
                "LevelDisplayName": "Information", "EventTime": "2026-12-01 10:00:01",
                "ProviderName": "Microsoft-Windows-Security-Auditing", "EventID": "4624",
                "TaskDisplayName": "Logon", "Message": "An account was \"logged\" on.",
            }),
            Json::Null,
        ];
        assert_eq!(lines(&format!("{header}{rows}")), Some(want), "{header}");
    }
}

#[test]
fn programs_name_their_columns() {
    for (text, place, want) in [
        (
            "#TYPE System.Diagnostics.Eventing.Reader.EventLogRecord\n\"Message\",\"Id\",\"ProviderName\",\"LogName\",\"MachineName\",\"TimeCreated\"\n\
             \"a\nb\",\"1\",\"Microsoft-Windows-Sysmon\",\"Microsoft-Windows-Sysmon/Operational\",\"\",\"11/20/2026 1:00:00 PM\"\n",
            2,
            json!({"Message": "a\nb", "Id": "1", "ProviderName": "Microsoft-Windows-Sysmon",
                "LogName": "Microsoft-Windows-Sysmon/Operational", "EventTime": "2026-11-20 13:00:00"}),
        ),
        (
            "\"_raw\",\"_time\",host,\"__mv_host\"\n\"<Event xmlns='x'/>\",\"2026-11-20T10:00:00.000+0700\",dc,\"$dc$\"\n",
            1,
            json!({"_raw": "<Event xmlns='x'/>", "_time": "2026-11-20T10:00:00.000+0700", "host": "dc"}),
        ),
        (
            "Line,Event Record Id,Time Created,Event Id,Provider,Chunk Number,Payload\n1,7,2026-11-20 10:00:00.1234567,1,P,0,\"{\"\"EventData\"\":{}}\"\n",
            1,
            json!({"Line": "1", "EventRecordId": "7", "TimeCreated": "2026-11-20 10:00:00.1234567", "EventId": "1",
                "Provider": "P", "ChunkNumber": "0", "Payload": "{\"EventData\":{}}"}),
        ),
        (
            "sep=;\nTime;User;Note;\n01.02.2026 03:04;an;\"x;y\";z;more\n",
            2,
            json!({"@timestamp": "2026-02-01 03:04:00", "User": "an", "Note": "x;y", "column_4": "z",
                "column_5": "more"}),
        ),
        (
            "TimeGenerated [UTC]\tComputer\tEventID\n1/13/2026, 3:04:05.678 AM\tdc\t4624\n",
            1,
            json!({"TimeGenerated": "2026-01-13 03:04:05.678", "Computer": "dc", "EventID": "4624"}),
        ),
        (
            "RecordId,CreationDate,Operation,AuditData\n7,2026-11-20T10:00:00.0000000Z,x,\"{\"\"Operation\"\":\"\"MailItemsAccessed\"\",\"\"Size\"\":3}\"\n",
            1,
            json!({"RecordId": "7", "@timestamp": "2026-11-20T10:00:00.0000000Z",
                "Operation": "MailItemsAccessed", "Size": 3}),
        ),
        ("time,a,a\n1,2,3\ntime,a,a\n4,5,6\n", 3, json!({"time": "4", "a": "5", "column_3": "6"})),
    ] {
        let found = lines(text).unwrap();
        assert_eq!(found[place], want, "{text}");
        assert_eq!(
            found.len(),
            text.matches('\n').count() + 1,
            "every line keeps its place: {text}"
        );
    }
}

#[test]
fn what_names_no_columns_is_no_table() {
    for text in [
        "",
        "a,b,c\n1,2,3\n",
        "time,level\n1,2\n",
        "Nov 20 10:00:00 host sshd[1]: a, b, c\n",
        "Nov 20 10:00:00 host app: a, time, c\n",
        "2026-11-20,time,a\n",
        "time=\"2026-11-20\", level=info, msg=x\n",
        "[time], level, message\n",
        "{\"time\":1,\"a\":2,\"b\":3}\n",
        "<13>time, a, b\n",
        "\"time,a,b\n",
        "#separator \\x09\n",
        "sep=,",
    ] {
        assert_eq!(Table::told_by(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn quotes_that_never_close_leave_text() {
    let open = "time,a,b\n1,2,3\n4,\"5,6\n7,8,9\n";
    let found = lines(open).unwrap();
    assert_eq!(found[1], json!({"time": "1", "a": "2", "b": "3"}));
    assert_eq!(found[2..], [json!("4,\"5,6"), json!("7,8,9"), Json::Null]);
    // A row that fits no record is given up with all that was looked at.
    let long = format!("time,a,b\n1,\"{}", "x\",\"\n".repeat(RECORD_BYTES_MAX / 2));
    let found = lines(&long).unwrap();
    assert_eq!(found.len(), RECORD_BYTES_MAX / 2 + 2);
}

#[test]
fn rows_are_found_over_blocks() {
    let row = |number: usize| format!("{number},\"{}\n\",end\r\n", "é\n".repeat(number % 50));
    let rows: String = (0..5_000).map(row).collect();
    let found = lines(&format!("time,text,b\n{rows}")).unwrap();
    let objects: Vec<&Json> = found.iter().filter(|line| !line.is_null()).collect();
    assert_eq!(objects.len(), 5_000);
    let mut line = 1;
    for (number, object) in objects.iter().enumerate() {
        assert_eq!(object["time"], number.to_string());
        assert_eq!(&found[line], *object, "{number} stands on line {line}");
        line += number % 50 + 2;
    }
}

proptest! {
    #[test]
    fn every_text_stays_on_its_line(rest in "[a\",;\\n\\r é]{0,200}") {
        let text = format!("time,a,b\n{rest}");
        let mut out = String::new();
        let table = Table::told_by(text.as_bytes()).unwrap();
        Rewritten::new(text.as_bytes(), table).read_to_string(&mut out).unwrap();
        prop_assert_eq!(out.matches('\n').count(), text.matches('\n').count());
    }

    #[test]
    fn any_head_is_borne(head in "[a-z,;\\t\"\\n#= ]{0,80}") {
        Table::told_by(head.as_bytes());
    }
}
