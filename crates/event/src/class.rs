//! What kind of thing an event tells: its OCSF class, and the log source that Sigma rules ask for.

use serde::{Deserialize, Serialize};

use crate::Name;

macro_rules! classes {
    ($($(#[$doc:meta])* $variant:ident = $uid:literal $word:literal),+ $(,)?) => {
        /// The OCSF event class. The number is OCSF's `class_uid` (schema 1.3).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Class {
            $($(#[$doc])* $variant = $uid),+
        }

        impl Class {
            /// All classes.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Returns the word used in source.toml, queries and translation keys.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
    };
}

classes! {
    /// Nothing more is known: the text is kept, searchable and matched by keyword rules.
    BaseEvent = 0 "base_event",
    /// A file was made, changed, read or removed.
    FileActivity = 1001 "file_activity",
    /// A kernel module, driver or library was loaded.
    ModuleActivity = 1005 "module_activity",
    /// A scheduled job was made or changed.
    ScheduledJobActivity = 1006 "scheduled_job_activity",
    /// A process started, stopped or touched another one.
    ProcessActivity = 1007 "process_activity",
    /// The registry was changed (Windows extension).
    RegistryActivity = 201_001 "registry_activity",
    /// A service was installed or changed.
    ServiceActivity = 201_004 "service_activity",
    /// A security product found something.
    DetectionFinding = 2004 "detection_finding",
    /// An account was made, changed, removed.
    AccountChange = 3001 "account_change",
    /// Someone signed in or failed to.
    Authentication = 3002 "authentication",
    /// A right was used (sudo, su, special logon).
    AuthorizeSession = 3003 "authorize_session",
    /// A group's members changed.
    GroupManagement = 3006 "group_management",
    /// A connection was made, allowed or refused.
    NetworkActivity = 4001 "network_activity",
    /// A web request.
    HttpActivity = 4002 "http_activity",
    /// A name was asked for.
    DnsActivity = 4003 "dns_activity",
    /// An address was leased.
    DhcpActivity = 4004 "dhcp_activity",
    /// A remote desktop session.
    RdpActivity = 4005 "rdp_activity",
    /// A Windows file share was used.
    SmbActivity = 4006 "smb_activity",
    /// An SSH session.
    SshActivity = 4007 "ssh_activity",
    /// A mail was sent, received, refused.
    EmailActivity = 4009 "email_activity",
    /// The log itself was cleared, an audit policy changed.
    EventLogActivity = 1008 "event_log_activity",
    /// An application did or reported something.
    ApplicationLifecycle = 6002 "application_lifecycle",
    /// A database or data store was read or changed.
    DatastoreActivity = 6005 "datastore_activity",
}

impl Class {
    /// Returns OCSF's `class_uid`.
    pub const fn uid(self) -> u32 {
        self as u32
    }

    /// Returns the class with this `class_uid`, if it is one we use.
    pub fn from_uid(uid: u32) -> Option<Self> {
        Self::ALL.iter().copied().find(|class| class.uid() == uid)
    }

    /// Returns the class that a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|class| class.word() == word)
    }
}

/// Sigma's log source: what a rule's `logsource` is compared with.
///
/// Source: Sigma specification 2.1, "Log Sources".
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct LogSource {
    /// `windows`, `linux`, `fortigate` …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<Name>,
    /// `process_creation`, `webserver`, `firewall` …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<Name>,
    /// `sysmon`, `security`, `sshd` …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<Name>,
}
