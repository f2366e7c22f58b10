//! The same event in every shape must read the same; then what single channels need.

use proptest::prelude::*;

use super::*;
use crate::structured::{json, normalise as normalise_for, shape, xml};

fn read(json: &str) -> Fields {
    let (mut fields, _) = json::flatten(json.as_bytes()).unwrap();
    crate::carried::take_out(&mut fields);
    assert!(is_windows(&fields), "{json}");
    normalise(&mut fields);
    fields
}

#[track_caller]
pub(super) fn check(fields: &Fields, expected: &[(&str, Value)]) {
    for (name, value) in expected {
        assert_eq!(fields.get(name), Some(value), "{name} in {fields:?}");
    }
}

/// One Sysmon process creation, as shippers write it.
const SHAPES: &[(&str, &str)] = &[
    (
        "Winlogbeat 8",
        r#"{"@timestamp":"2026-10-05T01:02:03.004Z","message":"Process Create:","event":{"code":"1","provider":"Microsoft-Windows-Sysmon"},
        "winlog":{"event_id":1,"channel":"Microsoft-Windows-Sysmon/Operational","provider_name":"Microsoft-Windows-Sysmon","computer_name":"MAY01","event_data":{"Image":"C:\\Windows\\System32\\whoami.exe","CommandLine":"whoami /all"}}}"#,
    ),
    (
        "Winlogbeat 7, number as text, exported from an index",
        r#"{"_source":{"winlog":{"event_id":"1","channel":"Microsoft-Windows-Sysmon/Operational","provider_name":"Microsoft-Windows-Sysmon","computer_name":"MAY01","event_data":{"Image":"C:\\Windows\\System32\\whoami.exe","CommandLine":"whoami /all"}}}}"#,
    ),
    (
        "Winlogbeat 6",
        r#"{"event_id":1,"log_name":"Microsoft-Windows-Sysmon/Operational","source_name":"Microsoft-Windows-Sysmon","computer_name":"MAY01","event_data":{"Image":"C:\\Windows\\System32\\whoami.exe","CommandLine":"whoami /all"}}"#,
    ),
    (
        "NXLog",
        r#"{"EventTime":"2026-10-05 08:02:03","Hostname":"MAY01","EventType":"INFO","EventID":1,"SourceName":"Microsoft-Windows-Sysmon","Channel":"Microsoft-Windows-Sysmon/Operational","Image":"C:\\Windows\\System32\\whoami.exe","CommandLine":"whoami /all"}"#,
    ),
    (
        "evtx crate",
        r##"{"Event":{"#attributes":{"xmlns":"http://schemas.microsoft.com/win/2004/08/events/event"},"System":{"Provider":{"#attributes":{"Name":"Microsoft-Windows-Sysmon"}},"EventID":1,"Channel":"Microsoft-Windows-Sysmon/Operational","Computer":"MAY01","Correlation":null},
        "EventData":{"Image":"C:\\Windows\\System32\\whoami.exe","CommandLine":"whoami /all"}}}"##,
    ),
    (
        "evtx crate, separate attributes",
        r##"{"Event_attributes":{"xmlns":"x"},"Event":{"EventData":{"Image":"C:\\Windows\\System32\\whoami.exe","CommandLine":"whoami /all"},"System":{"Provider_attributes":{"Name":"Microsoft-Windows-Sysmon"},"EventID":"1","EventID_attributes":{"Qualifiers":16384},"Channel":"Microsoft-Windows-Sysmon/Operational","Computer":"MAY01"}}}"##,
    ),
    (
        "xmltodict",
        r##"{"Event":{"@xmlns":"x","System":{"Provider":{"@Name":"Microsoft-Windows-Sysmon"},"EventID":{"@Qualifiers":"0","#text":"1"},"Channel":"Microsoft-Windows-Sysmon/Operational","Computer":"MAY01"},"EventData":{"Data":[{"@Name":"Image","#text":"C:\\Windows\\System32\\whoami.exe"},{"@Name":"CommandLine","#text":"whoami /all"}]}}}"##,
    ),
    (
        "Velociraptor",
        r#"{"System":{"Provider":{"Name":"Microsoft-Windows-Sysmon"},"EventID":{"Value":1},"Channel":"Microsoft-Windows-Sysmon/Operational","Computer":"MAY01"},"EventData":{"Image":"C:\\Windows\\System32\\whoami.exe","CommandLine":"whoami /all"}}"#,
    ),
    (
        "Wazuh",
        r#"{"rule":{"id":"61603"},"data":{"win":{"system":{"providerName":"Microsoft-Windows-Sysmon","eventID":"1","channel":"Microsoft-Windows-Sysmon/Operational","computer":"MAY01"},"eventdata":{"image":"C:\\\\Windows\\\\System32\\\\whoami.exe","commandLine":"whoami /all"}}}}"#,
    ),
    (
        "Fluent Bit",
        r#"{"ProviderName":"Microsoft-Windows-Sysmon","EventID":1,"Channel":"Microsoft-Windows-Sysmon/Operational","Computer":"MAY01","StringInserts":["-"],"Image":"C:\\Windows\\System32\\whoami.exe","CommandLine":"whoami /all"}"#,
    ),
    (
        "Graylog",
        r#"{"timestamp":"2026-11-23T08:11:00.000Z","source":"MAY01","message":"Process Create:","winlogbeat_event_code":"1","winlogbeat_winlog_event_id":1,"winlogbeat_winlog_channel":"Microsoft-Windows-Sysmon/Operational","winlogbeat_winlog_provider_name":"Microsoft-Windows-Sysmon","winlogbeat_winlog_computer_name":"MAY01","winlogbeat_winlog_event_data_Image":"C:\\Windows\\System32\\whoami.exe","winlogbeat_winlog_event_data_CommandLine":"whoami /all"}"#,
    ),
    (
        "Graylog without a prefix",
        r#"{"source":"MAY01","winlog_event_id":1,"winlog_channel":"Microsoft-Windows-Sysmon/Operational","winlog_provider_name":"Microsoft-Windows-Sysmon","winlog_computer_name":"MAY01","winlog_event_data_Image":"C:\\Windows\\System32\\whoami.exe","winlog_event_data_CommandLine":"whoami /all"}"#,
    ),
    (
        "xml-js",
        r#"{"Event":{"System":{"Provider":{"_attributes":{"Name":"Microsoft-Windows-Sysmon"}},"EventID":{"_text":"1"},"Channel":{"_text":"Microsoft-Windows-Sysmon/Operational"},"Computer":{"_text":"MAY01"}},"EventData":{"Data":[{"_attributes":{"Name":"Image"},"_text":"C:\\Windows\\System32\\whoami.exe"},{"_attributes":{"Name":"CommandLine"},"_text":"whoami /all"}]}}}"#,
    ),
    (
        "a Splunk search",
        r#"{"preview":false,"offset":0,"result":{"EventCode":"1","Channel":"Microsoft-Windows-Sysmon/Operational","Name":"Microsoft-Windows-Sysmon","ComputerName":"MAY01","Image":"C:\\Windows\\System32\\whoami.exe","CommandLine":"whoami /all"}}"#,
    ),
    (
        "XML in JSON",
        r#"{"host":"MAY01","event":"<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='Microsoft-Windows-Sysmon'/><EventID>1</EventID><Channel>Microsoft-Windows-Sysmon/Operational</Channel><Computer>MAY01</Computer></System><EventData><Data Name='Image'>C:\\Windows\\System32\\whoami.exe</Data><Data Name='CommandLine'>whoami /all</Data></EventData></Event>"}"#,
    ),
];

#[test]
fn every_shape_reads_the_same() {
    for (shipper, json) in SHAPES {
        let fields = read(json);
        for (name, value) in [
            ("EventID", Value::Int(1)),
            ("Channel", "Microsoft-Windows-Sysmon/Operational".into()),
            ("Provider_Name", "Microsoft-Windows-Sysmon".into()),
            ("Computer", "MAY01".into()),
            ("Image", r"C:\Windows\System32\whoami.exe".into()),
            ("CommandLine", "whoami /all".into()),
        ] {
            assert_eq!(fields.get(name), Some(&value), "{shipper}: {name}");
        }
    }
}

#[test]
fn names_that_begin_small_are_kept_beside_those_that_wazuh_made_small() {
    let fields = read(
        r#"{"data":{"win":{"system":{"providerName":"Microsoft-Windows-Bits-Client","eventID":"3","channel":"Microsoft-Windows-Bits-Client/Operational"},"eventdata":{"processPath":"C:\\\\x\\\\bitsadmin.exe","remoteName":"http://x"}}}}"#,
    );
    check(
        &fields,
        &[
            ("processPath", r"C:\x\bitsadmin.exe".into()),
            ("ProcessPath", r"C:\x\bitsadmin.exe".into()),
            ("RemoteName", "http://x".into()),
        ],
    );
    let fields = read(
        r#"{"win":{"system":{"providerName":"Microsoft-Windows-Sysmon","eventID":"1"},"eventdata":{"image":"x"}}}"#,
    );
    assert_eq!((fields.get("Image"), fields.get("image")), (Some(&"x".into()), None));
}

#[test]
fn unnamed_data_of_exchange_is_found_under_every_shippers_name() {
    let fields = read(
        r#"{"winlog":{"event_id":6,"channel":"MSExchange Management","event_data":{"param1":"Install-TransportAgent","param2":"x"}}}"#,
    );
    check(&fields, &[("Data", Value::List(vec!["Install-TransportAgent".into(), "x".into()]))]);
}

#[test]
fn paths_below_the_event_become_names() {
    for (path, name) in [
        ("System.Provider.#attributes.Name", Some("Provider_Name")),
        ("System.Security.@UserID", Some("Security_UserID")),
        ("System.TimeCreated_attributes.SystemTime", Some("TimeCreated")),
        ("EventData.Data.#text", Some("Data")),
        ("EventData.#text", Some("Data")),
        ("EventData.Level", Some("EventData.Level")),
        ("EventData.#attributes.Name", None),
        ("UserData.RuleAndFileData.FilePath", Some("FilePath")),
        ("UserData.EventXML.#attributes.xmlns:auto-ns2", None),
        ("UserData.Text", Some("Text")),
        ("RenderingInfo.Message", Some("Message")),
        ("RenderingInfo.Keywords.Keyword", Some("RenderingInfo_Keywords_Keyword")),
        ("ProcessingErrorData.ErrorCode", Some("ProcessingErrorData_ErrorCode")),
        ("#attributes.xmlns", None),
        ("@xmlns", None),
        ("System", None),
        ("EventData", None),
        ("", Some("")),
    ] {
        assert_eq!(names::below_event(path).as_deref(), name, "{path}");
    }
}

#[test]
fn other_json_is_left_alone() {
    for json in [
        r#"{"EventID":7,"note":"no channel, no provider"}"#,
        r#"{"event":"<Events are here>"}"#,
        r#"{"event_id":"login","user":"a"}"#,
        r#"{"Id":1,"ProviderName":"x"}"#,
    ] {
        let (mut fields, _) = json::flatten(json.as_bytes()).unwrap();
        let before = fields.clone();
        normalise(&mut fields);
        assert_eq!(fields, before);
    }
}

#[test]
fn xml_gives_the_same_names() {
    let (fields, notes) = xml::windows_event(
        "<?xml version='1.0'?><e:Event xmlns:e='http://schemas.microsoft.com/win/2004/08/events/event'>
        <System><Provider Name='Microsoft-Windows-Eventlog' Guid='{fc65}'/><EventID Qualifiers='0'>1102</EventID><Version>0</Version><TimeCreated SystemTime='2026-10-05T01:02:03.004Z'/><Correlation/><Execution ProcessID='4' ThreadID='8'/><Channel>Security</Channel><Computer>MAY01</Computer><Security/></System>
        <UserData><LogFileCleared xmlns='http://manifests.microsoft.com/win/2004/08/windows/eventlog'><SubjectUserName>quan.tri</SubjectUserName><Channel>Security</Channel></LogFileCleared></UserData>
        <RenderingInfo Culture='vi-VN'><Message>Nhật ký đã bị xoá &amp; &#x1F600; &unknown;</Message><Keywords><Keyword>Audit Success</Keyword></Keywords></RenderingInfo></e:Event>",
    )
    .unwrap();
    check(
        &fields,
        &[
            ("EventID", Value::Int(1102)),
            ("Qualifiers", "0".into()),
            ("Provider_Name", "Microsoft-Windows-Eventlog".into()),
            ("TimeCreated", "2026-10-05T01:02:03.004Z".into()),
            ("Execution_ProcessID", "4".into()),
            ("Channel", "Security".into()),
            ("EventData.Channel", "Security".into()),
            ("SubjectUserName", "quan.tri".into()),
            ("Message", "Nhật ký đã bị xoá & 😀 &unknown;".into()),
            ("RenderingInfo_Culture", "vi-VN".into()),
        ],
    );
    assert!(fields.get("Correlation").is_none());
    assert!(notes.is_empty());
}

#[test]
fn xml_data_without_names_becomes_a_list() {
    let (fields, _) = xml::windows_event(
        "<Event><System><EventID>400</EventID><Channel>Windows PowerShell</Channel></System>\
         <EventData><Data>a &lt; b</Data><Data><![CDATA[<c>]]></Data><Data Name='x'/><Binary>00</Binary></EventData></Event>",
    )
    .unwrap();
    check(
        &fields,
        &[
            ("Data", Value::List(vec!["a < b".into(), "<c>".into()])),
            ("x", "".into()),
            ("Binary", "00".into()),
        ],
    );
}

#[test]
fn hostile_xml_is_refused_or_bounded() {
    for text in [
        "",
        "no xml",
        "<Event>",
        "<Event></Other>",
        "<Other></Other>",
        "<Event></Event><Event></Event>",
        "<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><Event>&b;</Event>",
        "<Event a=b></Event>x",
    ] {
        assert_eq!(xml::windows_event(text).unwrap_err().code, "bad-xml", "{text}");
    }
    let bomb = format!("<Event>{}", "<a>".repeat(100_000));
    assert_eq!(xml::windows_event(&bomb).unwrap_err().code, "bad-xml");
    let data: Vec<_> = (0..3000).map(|n| format!("<Data Name='d{n}'>x</Data>")).collect();
    let data = data.concat();
    let (fields, notes) =
        xml::windows_event(&format!("<Event><EventData>{data}</EventData></Event>")).unwrap();
    assert_eq!((fields.len(), notes[0].code.as_ref()), (1024, "extra-fields"));
}

#[test]
fn security_4688_reads_like_sysmon_1() {
    let fields = read(
        r#"{"EventID":"4688","Channel":"Security","SubjectUserName":"an.nv","SubjectDomainName":"SOTC","TargetUserName":"-","TargetDomainName":"-",
        "NewProcessName":"C:\\Windows\\System32\\cmd.exe","ParentProcessName":"C:\\Windows\\explorer.exe","ProcessId":"0x10","NewProcessId":"0x20","CommandLine":"cmd /c dir","MandatoryLabel":"S-1-16-12288"}"#,
    );
    check(
        &fields,
        &[
            ("Image", r"C:\Windows\System32\cmd.exe".into()),
            ("ParentImage", r"C:\Windows\explorer.exe".into()),
            ("CommandLine", "cmd /c dir".into()),
            ("IntegrityLevel", "High".into()),
            ("User", r"SOTC\an.nv".into()),
            ("ProcessId", "0x10".into()),
        ],
    );
}

#[test]
fn security_4657_reads_like_sysmon_13() {
    let fields = read(
        r#"{"EventID":4657,"Channel":"security","ObjectName":"\\REGISTRY\\MACHINE\\SOFTWARE\\Run","ObjectValueName":"x","NewValue":"evil.exe","ProcessName":"C:\\a.exe","OperationType":"%%1904"}"#,
    );
    check(
        &fields,
        &[
            ("TargetObject", r"HKLM\SOFTWARE\Run\x".into()),
            ("Details", "evil.exe".into()),
            ("Image", r"C:\a.exe".into()),
            ("EventType", "SetValue".into()),
        ],
    );
}

#[test]
fn security_4657_spells_keys_and_numbers_as_sysmon_does() {
    for (key, kind, value, target, details) in [
        (
            r"\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Services\\x",
            "%%1876",
            "4",
            r"HKLM\SYSTEM\CurrentControlSet\Services\x\v",
            "DWORD (0x00000004)",
        ),
        (
            r"\\Registry\\User\\S-1-5-21-1\\Software",
            "%%1873",
            "evil.exe",
            r"HKU\S-1-5-21-1\Software\v",
            "evil.exe",
        ),
        (
            r"\\REGISTRY\\MACHINE\\SOFTWARE",
            "%%1883",
            "0x100000002",
            r"HKLM\SOFTWARE\v",
            "QWORD (0x00000001-0x00000002)",
        ),
        (r"\\REGISTRY\\MACHINE\\SOFTWARE", "%%1875", "0102", r"HKLM\SOFTWARE\v", "Binary Data"),
        (r"\\REGISTRY\\MACHINE\\SOFTWARE", "%%1876", "x", r"HKLM\SOFTWARE\v", "x"),
    ] {
        let fields = read(&format!(
            r#"{{"EventID":4657,"Channel":"Security","ObjectName":"{key}","ObjectValueName":"v","NewValueType":"{kind}","NewValue":"{value}"}}"#
        ));
        check(&fields, &[("TargetObject", target.into()), ("Details", details.into())]);
    }
}

#[test]
fn values_that_windows_writes_in_two_ways_read_as_one() {
    let fields = read(
        r#"{"EventID":4624,"Channel":"Security","LogonProcessName":"NtLmSsp ","SubcategoryGuid":"0CCE9217-69AE-11D9-BED3-505054503030"}"#,
    );
    let braced = "{0CCE9217-69AE-11D9-BED3-505054503030}";
    check(&fields, &[("LogonProcessName", "NtLmSsp".into()), ("SubcategoryGuid", braced.into())]);
    let fields =
        read(&format!(r#"{{"EventID":4719,"Channel":"Security","SubcategoryGuid":"{braced}"}}"#));
    check(&fields, &[("SubcategoryGuid", braced.into())]);
}

#[test]
fn a_registry_event_type_that_the_shipper_overwrote_is_found_again() {
    let event = |id: u8, extra: &str| {
        format!(
            r#"{{"EventID":{id},"Channel":"Microsoft-Windows-Sysmon/Operational","EventType":"INFO"{extra}}}"#
        )
    };
    let deleted = event(
        12,
        r#","Message":"Registry object added or deleted:\r\nEventType: DeleteKey\r\nUtcTime: x""#,
    );
    assert_eq!(read(&deleted).get("EventType"), Some(&"DeleteKey".into()));
    assert_eq!(read(&event(13, "")).get("EventType"), Some(&"SetValue".into()));
    assert_eq!(read(&event(12, "")).get("EventType"), Some(&"INFO".into()));
}

#[test]
fn single_channels_get_the_names_that_rules_use() {
    let defender = read(
        r#"{"EventID":1116,"Channel":"Microsoft-Windows-Windows Defender/Operational","Threat Name":"HackTool","Path":"file:_C:\\x.exe"}"#,
    );
    check(
        &defender,
        &[
            ("ThreatName", "HackTool".into()),
            ("Threat_Name", "HackTool".into()),
            ("Signature", "HackTool".into()),
            ("Filename", r"file:_C:\x.exe".into()),
        ],
    );
    let classic = read(
        r#"{"winlog":{"event_id":400,"channel":"Windows PowerShell","event_data":{"param1":"Available","param2":"None"}}}"#,
    );
    check(&classic, &[("Data", Value::List(vec!["Available".into(), "None".into()]))]);
    let crash = read(
        r#"{"EventID":1000,"Channel":"Application","Provider_Name":"Application Error","Data":["MsMpEng.exe","4.1","x","mpengine.dll","1.1","y","c0000005","0"]}"#,
    );
    check(
        &crash,
        &[
            ("AppName", "MsMpEng.exe".into()),
            ("ModuleName", "mpengine.dll".into()),
            ("ExceptionCode", "c0000005".into()),
        ],
    );
    let without_channel = read(r#"{"EventID":5,"UtcTime":"x","ProcessGuid":"{y}"}"#);
    check(&without_channel, &[("Channel", "Microsoft-Windows-Sysmon/Operational".into())]);
}

#[test]
fn calls_that_rpc_firewall_saw_get_the_names_of_its_rules() {
    let xml = r#"<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event"><System><Provider Name="RPCFW"/><EventID Qualifiers="16386">3</EventID><Channel>RPCFW</Channel></System><EventData><Data>NdrServerCallAll</Data><Data>812</Data><Data>C:\Windows\System32\services.exe</Data><Data>ncacn_np</Data><Data></Data><Data>203.0.113.7</Data><Data>367abb81-9844-35f1-ad32-98f038001003</Data><Data>12</Data><Data>UBND\an</Data><Data>PACKET_PRIVACY</Data><Data>NTLM</Data></EventData></Event>"#;
    let parts = read(
        r#"{"winlog":{"event_id":3,"provider_name":"RPCFW","event_data":{"param1":"NdrServerCallAll","param10":"PACKET_PRIVACY","param2":"812","param3":"C:\\Windows\\System32\\services.exe","param6":"203.0.113.7","param7":"367abb81-9844-35f1-ad32-98f038001003","param8":"12","param9":"UBND\\an"}}}"#,
    );
    let message = read(
        r#"{"EventID":3,"SourceName":"RPCFW","Channel":"RPCFW","Message":"An RPC server function was called.\r\n\r\nProcess Information:\r\n\tProcess ID:\t812\r\n\tImage Path:\tC:\\Windows\\System32\\services.exe\r\n\tRPCRT_Func:\tNdrServerCallAll\r\n\r\nNetwork Information:\r\n\tProtocol:\tncacn_np\r\n\tEndpoint:\t\\pipe\\svcctl\r\n\tClient Network Address:\t203.0.113.7\r\n\tClient Port:\t\r\nRPC Information:\r\n\tInterfaceUuid:\t367abb81-9844-35f1-ad32-98f038001003\r\n\tOpNum:\t\t12\r\n\r\nSubject:\r\n\tSecurity ID:\tUBND\\an\r\n\r\nDetailed Authentication Information:\r\n\tAuthentication Level:\tPACKET_PRIVACY"}"#,
    );
    for fields in [xml::windows_event(xml).unwrap().0, parts, message] {
        check(
            &fields,
            &[
                ("Channel", "RPCFW".into()),
                ("InterfaceUuid", "367abb81-9844-35f1-ad32-98f038001003".into()),
                ("OpNum", "12".into()),
                ("ProcessId", "812".into()),
                ("Image", r"C:\Windows\System32\services.exe".into()),
                ("SourceAddress", "203.0.113.7".into()),
                ("User", r"UBND\an".into()),
                ("AuthenticationLevel", "PACKET_PRIVACY".into()),
            ],
        );
    }
    let protected =
        read(r#"{"EventID":1,"Channel":"RPCFW","ProviderName":"RPCFW","Data":["C:\\x.exe","7"]}"#);
    check(&protected, &[("Image", r"C:\x.exe".into()), ("ProcessId", "7".into())]);
}

#[test]
fn event_data_cannot_pass_for_the_system_part() {
    let fields = read(
        r#"{"Event":{"EventData":{"EventID":4624,"Channel":"Security","Computer":"X"},"System":{"EventID":1,"Channel":"Application","Computer":"MAY01"}}}"#,
    );
    check(
        &fields,
        &[
            ("EventID", Value::Int(1)),
            ("Channel", "Application".into()),
            ("Computer", "MAY01".into()),
            ("EventData.EventID", Value::Int(4624)),
        ],
    );
}

#[test]
fn accounts_are_split_from_their_domain() {
    for (account, user, domain) in [
        (r"SOTC\an.nv", "an.nv", Some("SOTC")),
        (r"NT AUTHORITY\SYSTEM", "SYSTEM", Some("NT AUTHORITY")),
        ("root", "root", None),
    ] {
        let mut attrs = Attrs::default();
        attrs.set(Attr::User, account);
        split_account(&mut attrs);
        assert_eq!(attrs.get(Attr::User), Some(&user.into()));
        assert_eq!(attrs.get(Attr::Domain), domain.map(Value::from).as_ref());
    }
}

/// Names that mean something in one shape or another, so that shapes mix.
fn any_name() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "EventID",
        "Channel",
        "winlog.event_id",
        "winlog.event_data.Image",
        "winlog.event_data.",
        "Event.System.EventID.#text",
        "Event.System.",
        "Event.EventData.Data.@Name",
        "Event.EventData.Data.#text",
        "Event.UserData.X",
        "data.win.system.eventID",
        "data.win.eventdata.",
        "event_id",
        "log_name",
        "event",
        "_source.winlog.event_id",
        "_path",
        "id_orig_h",
        "ts",
        "Message",
        "param1",
        "",
    ])
    .prop_map(str::to_owned)
}

fn any_value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::Int),
        "(4688|Security|<Event |Microsoft-Windows-Sysmon|.{0,8})".prop_map(Value::Text),
    ];
    prop_oneof![scalar.clone(), prop::collection::vec(scalar, 0..3).prop_map(Value::List),]
}

proptest! {
    #[test]
    fn mixed_shapes_never_panic_and_number_the_event(
        pairs in prop::collection::vec((any_name(), any_value()), 0..12),
    ) {
        let mut fields: Fields = pairs.into_iter().collect();
        let source = shape(&fields);
        normalise_for(source, &mut fields);
        if source == "microsoft_windows"
            && let Some(Value::Text(text)) = fields.get("EventID")
        {
            prop_assert!(text.trim().parse::<i64>().is_err(), "{text} is no number yet");
        }
    }

    #[test]
    fn arbitrary_xml_never_panics(inside in "[<>/&;#='a-zEventDataSystem \\n]{0,80}") {
        drop(xml::windows_event(&inside));
        drop(xml::windows_event(&format!("<Event>{inside}</Event>")));
    }
}
