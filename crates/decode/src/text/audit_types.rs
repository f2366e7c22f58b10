//! What the kinds of Linux audit records are called. auditd writes their names; the kernel's own log, which has them
//! where no auditd runs, and auditd where it is older than the kernel, write their numbers.
//!
//! Source: Linux' `include/uapi/linux/audit.h` and audit-userspace's `lib/audit-records.h`.

/// Number and name, rising.
const TYPES: &[(u16, &str)] = &[
    (1006, "LOGIN"),
    (1100, "USER_AUTH"),
    (1101, "USER_ACCT"),
    (1102, "USER_MGMT"),
    (1103, "CRED_ACQ"),
    (1104, "CRED_DISP"),
    (1105, "USER_START"),
    (1106, "USER_END"),
    (1107, "USER_AVC"),
    (1108, "USER_CHAUTHTOK"),
    (1109, "USER_ERR"),
    (1110, "CRED_REFR"),
    (1112, "USER_LOGIN"),
    (1113, "USER_LOGOUT"),
    (1114, "ADD_USER"),
    (1115, "DEL_USER"),
    (1116, "ADD_GROUP"),
    (1117, "DEL_GROUP"),
    (1122, "USER_SELINUX_ERR"),
    (1123, "USER_CMD"),
    (1124, "USER_TTY"),
    (1126, "GRP_AUTH"),
    (1127, "SYSTEM_BOOT"),
    (1128, "SYSTEM_SHUTDOWN"),
    (1130, "SERVICE_START"),
    (1131, "SERVICE_STOP"),
    (1132, "GRP_MGMT"),
    (1133, "GRP_CHAUTHTOK"),
    (1135, "ACCT_LOCK"),
    (1136, "ACCT_UNLOCK"),
    (1137, "USER_DEVICE"),
    (1138, "SOFTWARE_UPDATE"),
    (1200, "DAEMON_START"),
    (1201, "DAEMON_END"),
    (1202, "DAEMON_ABORT"),
    (1203, "DAEMON_CONFIG"),
    (1300, "SYSCALL"),
    (1302, "PATH"),
    (1303, "IPC"),
    (1304, "SOCKETCALL"),
    (1305, "CONFIG_CHANGE"),
    (1306, "SOCKADDR"),
    (1307, "CWD"),
    (1309, "EXECVE"),
    (1318, "OBJ_PID"),
    (1319, "TTY"),
    (1320, "EOE"),
    (1321, "BPRM_FCAPS"),
    (1322, "CAPSET"),
    (1323, "MMAP"),
    (1324, "NETFILTER_PKT"),
    (1325, "NETFILTER_CFG"),
    (1326, "SECCOMP"),
    (1327, "PROCTITLE"),
    (1328, "FEATURE_CHANGE"),
    (1330, "KERN_MODULE"),
    (1331, "FANOTIFY"),
    (1332, "TIME_INJOFFSET"),
    (1333, "TIME_ADJNTPVAL"),
    (1334, "BPF"),
    (1335, "EVENT_LISTENER"),
    (1336, "URINGOP"),
    (1337, "OPENAT2"),
    (1400, "AVC"),
    (1401, "SELINUX_ERR"),
    (1402, "AVC_PATH"),
    (1403, "MAC_POLICY_LOAD"),
    (1404, "MAC_STATUS"),
    (1405, "MAC_CONFIG_CHANGE"),
    (1700, "ANOM_PROMISCUOUS"),
    (1701, "ANOM_ABEND"),
    (1702, "ANOM_LINK"),
];

/// Returns the name of a kind that is written as `1400` or `UNKNOWN[1334]`; `None` if it is no number that has one.
pub(super) fn name_of(kind: &str) -> Option<&'static str> {
    let number = kind.strip_prefix("UNKNOWN[").and_then(|rest| rest.strip_suffix(']'));
    let number: u16 = number.unwrap_or(kind).parse().ok()?;
    let at = TYPES.binary_search_by_key(&number, |(own, _)| *own).ok()?;
    TYPES.get(at).map(|(_, name)| *name)
}

/// Returns whether records of auditd are called so.
pub(crate) fn is_name(kind: &str) -> bool {
    TYPES.iter().any(|(_, name)| *name == kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_names_that_auditd_writes() {
        for (kind, name) in [
            ("1400", Some("AVC")),
            ("1309", Some("EXECVE")),
            ("1006", Some("LOGIN")),
            ("1702", Some("ANOM_LINK")),
            ("UNKNOWN[1334]", Some("BPF")),
            ("1999", None),
            ("EXECVE", None),
            ("", None),
        ] {
            assert_eq!(name_of(kind), name, "{kind}");
        }
        assert!(is_name("USER_LOGIN") && !is_name("user_login"));
        assert!(TYPES.is_sorted_by(|a, b| a.0 < b.0));
    }
}
