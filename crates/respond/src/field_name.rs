//! What people call the fields that rules speak of: `CommandLine` is "dòng lệnh", "command line".

use web::{Lang, Phrase};

/// Returns what people call a field; its own name where we know none.
pub(crate) fn human(field: &str, lang: Lang) -> String {
    key(field).map_or_else(|| field.to_owned(), |key| Phrase::key(key).text(lang))
}

fn key(field: &str) -> Option<&'static str> {
    NAMES.iter().find_map(|(names, key)| names.contains(&field).then_some(*key))
}

/// Sigma's names and our aliases, with the key of the words for them.
///
/// Source of the names: Sigma taxonomy appendix; `event::Attr` for the aliases.
const NAMES: &[(&[&str], &str)] = &[
    (&["Image", "NewProcessName", "ProcessName", "process", "exe"], "field-process"),
    (&["OriginalFileName"], "field-original-name"),
    (&["CommandLine", "ProcessCommandLine", "cmd_line"], "field-command-line"),
    (&["ParentImage", "ParentProcessName", "parent_process"], "field-parent-process"),
    (&["ParentCommandLine", "parent_cmd_line"], "field-parent-command-line"),
    (&["SourceImage"], "field-source-process"),
    (&["TargetImage"], "field-target-process"),
    (&["GrantedAccess"], "field-granted-access"),
    (&["ImageLoaded"], "field-module"),
    (&["IntegrityLevel"], "field-integrity"),
    (&["CurrentDirectory"], "field-folder"),
    (&["User", "SubjectUserName", "AccountName", "user_name", "username", "user"], "field-user"),
    (&["TargetUserName", "target_user"], "field-target-user"),
    (&["LogonType", "logon_type"], "field-logon-type"),
    (&["Computer", "ComputerName", "Hostname", "hostname", "host"], "field-host"),
    (
        &["SourceIp", "SourceIP", "IpAddress", "SourceAddress", "c-ip", "src_ip", "srcip"],
        "field-src-ip",
    ),
    (&["id.orig_h"], "field-src-ip"),
    (&["SourcePort", "IpPort", "src_port", "srcport", "id.orig_p"], "field-src-port"),
    (&["WorkstationName", "SourceHostname", "src_host"], "field-src-host"),
    (
        &["DestinationIp", "DestinationIP", "DestAddress", "dst_ip", "dstip", "id.resp_h"],
        "field-dst-ip",
    ),
    (&["DestinationPort", "DestPort", "dst_port", "dstport", "id.resp_p"], "field-dst-port"),
    (&["DestinationHostname", "dst_host", "r-dns"], "field-dst-host"),
    (&["bytes_out"], "field-bytes-out"),
    (&["bytes_in"], "field-bytes-in"),
    (&["TargetFilename", "FileName", "file_path"], "field-file"),
    (&["Hashes", "file_hash"], "field-hash"),
    (&["TargetObject", "reg_key"], "field-registry-key"),
    (&["Details", "reg_value"], "field-registry-value"),
    (&["ServiceName", "service_name"], "field-service"),
    (&["ImagePath", "ServiceFileName"], "field-service-file"),
    (&["PipeName"], "field-pipe"),
    (&["ScriptBlockText"], "field-script"),
    (&["TaskName"], "field-task"),
    (&["cs-method", "http_method"], "field-http-method"),
    (&["cs-uri", "c-uri", "url"], "field-url"),
    (&["cs-uri-stem", "c-uri-stem", "url_path"], "field-url-path"),
    (&["cs-uri-query", "c-uri-query", "url_query"], "field-url-query"),
    (&["cs-host", "url_host"], "field-url-host"),
    (&["sc-status", "http_status"], "field-http-status"),
    (&["cs-user-agent", "c-useragent", "user_agent"], "field-user-agent"),
    (&["cs-referer", "cs-referrer", "referrer"], "field-referrer"),
    (&["query", "QueryName", "dns_query"], "field-dns-query"),
    (&["QueryResults", "answers", "answer", "dns_answer"], "field-dns-answer"),
    (&["email_from"], "field-email-from"),
    (&["email_subject"], "field-email-subject"),
    (&["EventID", "event_code"], "field-event-code"),
    (&["Channel", "channel"], "field-channel"),
    (&["Provider_Name", "provider"], "field-provider"),
    (&["Message", "message"], "field-message"),
    (&["Status", "status_detail"], "field-status-detail"),
    (&["action"], "field-action"),
    (&["status"], "field-status"),
    (&["events judged without their fellows"], "field-lost-late"),
    (&["minutes this one came late"], "field-lost-minutes"),
    (&["groups given up"], "field-lost-groups"),
    (&["events given up with them"], "field-lost-events"),
    (&["windows judged without their oldest events"], "field-lost-windows"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_fields_have_words_and_others_keep_their_name() {
        assert_eq!(human("CommandLine", Lang::Vi), "dòng lệnh");
        assert_eq!(human("cmd_line", Lang::En), "command line");
        assert_eq!(human("SomeOddField", Lang::Vi), "SomeOddField");
        for (number, (names, _)) in NAMES.iter().enumerate() {
            for name in *names {
                let first = NAMES.iter().position(|(own, _)| own.contains(name));
                assert_eq!(first, Some(number), "{name} stands twice");
            }
        }
    }
}
