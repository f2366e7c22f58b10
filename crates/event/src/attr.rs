//! The OCSF attributes that we normalise to: one table that decoder, matcher, query language, lake
//! and screens all read.
//!
//! Each attribute has its OCSF path (what exports and `expected.ndjson` show) and a short alias (what
//! people type in a search and what the lake's column is called).

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What an attribute holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttrType {
    /// Text.
    Text,
    /// A whole number.
    Int,
    /// An IPv4 or IPv6 address, as text in its shortest form.
    Ip,
}

macro_rules! attrs {
    ($($(#[$doc:meta])* $variant:ident $alias:literal $path:literal $kind:ident),+ $(,)?) => {
        /// An OCSF attribute. Serialised as its OCSF path.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Attr {
            $($(#[$doc])* $variant),+
        }

        impl Attr {
            /// All attributes, in the order of the lake's columns. Append only: the order is on disk.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Returns the short name: query field and lake column.
            pub const fn alias(self) -> &'static str {
                match self { $(Self::$variant => $alias),+ }
            }

            /// Returns the OCSF attribute path (schema 1.3).
            pub const fn path(self) -> &'static str {
                match self { $(Self::$variant => $path),+ }
            }

            /// Returns what the attribute holds.
            pub const fn kind(self) -> AttrType {
                match self { $(Self::$variant => AttrType::$kind),+ }
            }

            /// Returns the attribute that a name means: its alias or its OCSF path.
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($alias => Some(Self::$variant),)+
                    _ => Self::ALL.iter().copied().find(|attr| attr.path() == name),
                }
            }
        }
    };
}

attrs! {
    /// Where a connection or request came from.
    SrcIp "src_ip" "src_endpoint.ip" Ip,
    /// Source port.
    SrcPort "src_port" "src_endpoint.port" Int,
    /// Source machine's name.
    SrcHost "src_host" "src_endpoint.hostname" Text,
    /// Where it went.
    DstIp "dst_ip" "dst_endpoint.ip" Ip,
    /// Destination port.
    DstPort "dst_port" "dst_endpoint.port" Int,
    /// Destination machine's name.
    DstHost "dst_host" "dst_endpoint.hostname" Text,
    /// `tcp`, `udp`, `icmp` …, lower case.
    Protocol "protocol" "connection_info.protocol_name" Text,
    /// `inbound`, `outbound`, `lateral`.
    Direction "direction" "connection_info.direction" Text,
    /// Bytes towards us (responder to originator).
    BytesIn "bytes_in" "traffic.bytes_in" Int,
    /// Bytes away from us (originator to responder).
    BytesOut "bytes_out" "traffic.bytes_out" Int,
    /// The machine that the event tells of.
    Host "host" "device.hostname" Text,
    /// Its address.
    HostIp "host_ip" "device.ip" Ip,
    /// Who acts or signs in.
    User "user" "actor.user.name" Text,
    /// The acting account's domain or realm.
    Domain "domain" "actor.user.domain" Text,
    /// The account acted upon: made, changed, switched to.
    TargetUser "target_user" "user.name" Text,
    /// The group acted upon.
    Group "group" "group.name" Text,
    /// Logon session.
    Session "session" "actor.session.uid" Text,
    /// Windows logon type number.
    LogonType "logon_type" "logon_type_id" Int,
    /// `password`, `publickey`, `NTLM`, `Kerberos` …
    AuthProtocol "auth_protocol" "auth_protocol" Text,
    /// Full path of the process's program.
    Process "process" "process.file.path" Text,
    /// The program's short name (`sshd`, `cmd.exe`).
    ProcessName "process_name" "process.name" Text,
    /// Process number.
    Pid "pid" "process.pid" Int,
    /// Command line.
    CmdLine "cmd_line" "process.cmd_line" Text,
    /// Full path of the parent's program.
    ParentProcess "parent_process" "process.parent_process.file.path" Text,
    /// The parent's command line.
    ParentCmdLine "parent_cmd_line" "process.parent_process.cmd_line" Text,
    /// Parent process number.
    ParentPid "parent_pid" "process.parent_process.pid" Int,
    /// File acted upon.
    FilePath "file_path" "file.path" Text,
    /// Any hash of the file or program, lower-case hex.
    FileHash "file_hash" "file.hashes.value" Text,
    /// Registry key or value path.
    RegKey "reg_key" "reg_key.path" Text,
    /// Registry data written.
    RegValue "reg_value" "reg_value.data" Text,
    /// Windows or systemd service.
    ServiceName "service_name" "service.name" Text,
    /// Whole URL, as requested.
    Url "url" "http_request.url.url_string" Text,
    /// Host part of the URL or the Host header.
    UrlHost "url_host" "http_request.url.hostname" Text,
    /// Path part.
    UrlPath "url_path" "http_request.url.path" Text,
    /// Query part, without `?`.
    UrlQuery "url_query" "http_request.url.query_string" Text,
    /// `GET`, `POST` …
    HttpMethod "http_method" "http_request.http_method" Text,
    /// Status code answered.
    HttpStatus "http_status" "http_response.code" Int,
    /// User-Agent header.
    UserAgent "user_agent" "http_request.user_agent" Text,
    /// Referer header.
    Referrer "referrer" "http_request.referrer" Text,
    /// Name asked for.
    DnsQuery "dns_query" "query.hostname" Text,
    /// Record type asked for.
    DnsType "dns_type" "query.type" Text,
    /// Answers.
    DnsAnswer "dns_answer" "answers.rdata" Text,
    /// `NOERROR`, `NXDOMAIN` …
    DnsRcode "dns_rcode" "rcode" Text,
    /// Sender of a mail.
    EmailFrom "email_from" "email.from" Text,
    /// Receivers of a mail.
    EmailTo "email_to" "email.to" Text,
    /// Subject of a mail.
    EmailSubject "email_subject" "email.subject" Text,
    /// What a security product called its finding.
    Signature "signature" "finding_info.title" Text,
    /// The product's number for it.
    SignatureId "signature_id" "finding_info.uid" Text,
    /// What was done about it: `allowed`, `denied`, `blocked`, `detected`.
    Action "action" "action" Text,
    /// `success` or `failure`.
    Status "status" "status" Text,
    /// Why, in the source's words or code.
    StatusDetail "status_detail" "status_detail" Text,
    /// The source's own opinion of how bad it is.
    SourceSeverity "severity" "severity" Text,
    /// Product that wrote the event.
    Product "product" "metadata.product.name" Text,
    /// Windows channel, log file, Zeek path.
    Channel "channel" "metadata.log_name" Text,
    /// Windows provider, syslog program.
    Provider "provider" "metadata.log_provider" Text,
    /// The event's number or name in its product (Windows `EventID`).
    EventCode "event_code" "metadata.event_code" Text,
    /// Syslog facility.
    Facility "facility" "metadata.syslog.facility" Text,
    /// The message part, without header and prefix.
    Message "message" "message" Text,
}

impl Serialize for Attr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.path())
    }
}

impl<'de> Deserialize<'de> for Attr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::from_name(&name)
            .ok_or_else(|| serde::de::Error::custom(format!("`{name}` is no known attribute")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        for attr in Attr::ALL {
            assert_eq!(Attr::from_name(attr.alias()), Some(*attr));
            assert_eq!(Attr::from_name(attr.path()), Some(*attr));
        }
        assert_eq!(Attr::from_name("nonsense"), None);
    }
}
