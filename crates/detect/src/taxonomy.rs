//! Sigma's field names → our attributes, so that a rule written for one product's names also reads
//! events whose source calls the same thing otherwise (Security 4688's `NewProcessName` is an `Image`).
//!
//! The source's own field of that name always wins; the table answers only where there is none.
//! Source: Sigma taxonomy appendix (process creation, network, webserver, proxy, dns, firewall, file,
//! registry), and the field names of SigmaHQ's log source table.

use event::{Attr, Event, LogSource, Value};

/// Returns the attribute that a Sigma field name means, if we normalise to one.
pub fn attr_of(name: &str) -> Option<Attr> {
    SIGMA
        .iter()
        .find_map(|(own, attr)| (*own == name).then_some(*attr))
        .or_else(|| Attr::from_name(name))
}

/// Returns the value that a rule's field name means in an event.
pub fn field<'e>(event: &'e Event, name: &str) -> Option<&'e Value> {
    event.fields.get(name).or_else(|| attr_of(name).and_then(|attr| event.attrs.get(attr)))
}

/// Returns a value that stands inside an object of this name: fields are its leaves, so no field has the name of
/// the object, which is there all the same.
pub(crate) fn inside<'e>(event: &'e Event, name: &str) -> Option<&'e Value> {
    let is_inside = |own: &str| own.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
    event.fields.iter().find_map(|(own, value)| is_inside(own).then_some(value))
}

/// All Sigma names we know, with their attribute.
const SIGMA: &[(&str, Attr)] = &[
    // processes
    ("Image", Attr::Process),
    ("NewProcessName", Attr::Process),
    ("exe", Attr::Process),
    ("CommandLine", Attr::CmdLine),
    ("ProcessCommandLine", Attr::CmdLine),
    ("ProcessId", Attr::Pid),
    ("NewProcessId", Attr::Pid),
    ("ParentImage", Attr::ParentProcess),
    ("ParentProcessName", Attr::ParentProcess),
    ("ParentCommandLine", Attr::ParentCmdLine),
    ("ParentProcessId", Attr::ParentPid),
    // people and machines
    ("User", Attr::User),
    ("SubjectUserName", Attr::User),
    ("AccountName", Attr::User),
    ("user_name", Attr::User),
    ("username", Attr::User),
    ("cs-username", Attr::User),
    ("SubjectDomainName", Attr::Domain),
    ("TargetUserName", Attr::TargetUser),
    ("Computer", Attr::Host),
    ("ComputerName", Attr::Host),
    ("Hostname", Attr::Host),
    ("hostname", Attr::Host),
    ("LogonType", Attr::LogonType),
    ("AuthenticationPackageName", Attr::AuthProtocol),
    // network
    ("SourceIp", Attr::SrcIp),
    ("SourceIP", Attr::SrcIp),
    ("IpAddress", Attr::SrcIp),
    ("SourceAddress", Attr::SrcIp),
    ("c-ip", Attr::SrcIp),
    ("srcip", Attr::SrcIp),
    ("id.orig_h", Attr::SrcIp),
    ("SourcePort", Attr::SrcPort),
    ("IpPort", Attr::SrcPort),
    ("srcport", Attr::SrcPort),
    ("id.orig_p", Attr::SrcPort),
    ("SourceHostname", Attr::SrcHost),
    ("WorkstationName", Attr::SrcHost),
    ("DestinationIp", Attr::DstIp),
    ("DestinationIP", Attr::DstIp),
    ("DestAddress", Attr::DstIp),
    ("s-ip", Attr::DstIp),
    ("dstip", Attr::DstIp),
    ("id.resp_h", Attr::DstIp),
    ("DestinationPort", Attr::DstPort),
    ("DestPort", Attr::DstPort),
    ("destination.port", Attr::DstPort),
    ("s-port", Attr::DstPort),
    ("dstport", Attr::DstPort),
    ("id.resp_p", Attr::DstPort),
    ("DestinationHostname", Attr::DstHost),
    ("r-dns", Attr::DstHost),
    ("Protocol", Attr::Protocol),
    ("proto", Attr::Protocol),
    // files and registry
    ("TargetFilename", Attr::FilePath),
    ("FileName", Attr::FilePath),
    ("Filename", Attr::FilePath),
    ("Hashes", Attr::FileHash),
    ("TargetObject", Attr::RegKey),
    ("Details", Attr::RegValue),
    ("ServiceName", Attr::ServiceName),
    // web
    ("cs-method", Attr::HttpMethod),
    ("cs-uri", Attr::Url),
    ("c-uri", Attr::Url),
    ("cs-uri-stem", Attr::UrlPath),
    ("c-uri-stem", Attr::UrlPath),
    ("cs-uri-query", Attr::UrlQuery),
    ("c-uri-query", Attr::UrlQuery),
    ("cs-host", Attr::UrlHost),
    ("sc-status", Attr::HttpStatus),
    ("cs-user-agent", Attr::UserAgent),
    ("c-useragent", Attr::UserAgent),
    ("cs-referer", Attr::Referrer),
    ("cs-referrer", Attr::Referrer),
    // names
    ("query", Attr::DnsQuery),
    ("QueryName", Attr::DnsQuery),
    ("record_type", Attr::DnsType),
    ("answer", Attr::DnsAnswer),
    ("answers", Attr::DnsAnswer),
    ("QueryResults", Attr::DnsAnswer),
    // what a scanner found
    ("Signature", Attr::Signature),
    // the event itself
    ("EventID", Attr::EventCode),
    ("Channel", Attr::Channel),
    ("Provider_Name", Attr::Provider),
    ("Message", Attr::Message),
    ("message", Attr::Message),
    ("Status", Attr::StatusDetail),
];

/// Returns whether a rule's log source covers an event's: what the rule states must be equal.
pub fn covers(rule: &LogSource, event: &LogSource) -> bool {
    is_stated(rule.product.as_deref(), event.product.as_deref())
        && (is_stated(rule.category.as_deref(), event.category.as_deref())
            || wider_category(event.category.as_deref())
                .is_some_and(|wider| rule.category.as_deref() == Some(wider)))
        && is_stated(rule.service.as_deref(), event.service.as_deref())
}

/// Returns whether a rule states all that a filter or a pipeline's condition asks for, in the same words: a rule
/// for `registry_set` is none for `registry_event`, though events of the one are events of the other.
pub(crate) fn states(wanted: &LogSource, rule: &LogSource) -> bool {
    is_stated(wanted.product.as_deref(), rule.product.as_deref())
        && is_stated(wanted.category.as_deref(), rule.category.as_deref())
        && is_stated(wanted.service.as_deref(), rule.service.as_deref())
}

fn is_stated(wanted: Option<&str>, own: Option<&str>) -> bool {
    wanted.is_none() || wanted == own
}

/// Returns the category that takes in an event's narrower one: rules for `registry_event` mean every
/// kind of registry change (Sysmon 12 to 14), those for `file_delete` also what Sysmon saw but did not
/// keep (26). Two kinds of event bear a second name in SigmaHQ's own lists (9, 24).
///
/// Source: SigmaHQ's table of log sources and its list of fields by log source.
pub(crate) fn wider_category(category: Option<&str>) -> Option<&'static str> {
    match category? {
        "registry_add" | "registry_delete" | "registry_set" | "registry_rename" => {
            Some("registry_event")
        }
        "file_delete_detected" => Some("file_delete"),
        "raw_access_thread" => Some("raw_access_read"),
        "clipboard_change" => Some("clipboard_capture"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_stands_once() {
        for (index, (name, _)) in SIGMA.iter().enumerate() {
            assert!(SIGMA[index + 1..].iter().all(|(other, _)| other != name), "{name}");
        }
        assert_eq!(attr_of("Image"), Some(Attr::Process));
        assert_eq!(attr_of("src_ip"), Some(Attr::SrcIp));
        assert_eq!(attr_of("NoSuchField"), None);
    }

    #[test]
    fn rules_for_registry_events_take_in_every_kind_of_registry_change() {
        let rule = "title: Any change\nid: 5b1b6f0e-0000-4000-8000-000000000001\nlogsource:\n  product: windows\n  \
                    category: registry_event\ndetection:\n  selection:\n    TargetObject|contains: Run\n  \
                    condition: selection\nlevel: low\n";
        let item = |category: &str| {
            format!(
                "  - name: {category}\n    logsource: {{ product: windows, category: {category} }}\n    \
                 fields: {{ TargetObject: 'HKLM\\Run' }}\n"
            )
        };
        let kinds = ["registry_add", "registry_delete", "registry_set", "registry_rename"];
        let fires: String = kinds.into_iter().map(item).collect();
        let tests = format!("fires:\n{fires}silent:\n{}", item("file_event"));
        assert_eq!(crate::testing::run_test_file(rule, &tests), Vec::new());
    }
}
