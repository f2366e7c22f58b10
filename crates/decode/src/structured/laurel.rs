//! LAUREL's JSON of Linux audit events → the names of auditd's own records, for which rules are written. LAUREL puts the
//! records of an event together, each below its kind:
//!
//! | LAUREL | here |
//! | --- | --- |
//! | `ID` | `audit_time`, `audit_serial` |
//! | the kinds themselves | `type`, a list |
//! | `SYSCALL.exe`, `PATH.name`, `USER_LOGIN.acct` … | `exe`, `name`, `acct` … |
//! | `EXECVE.ARGV`, `EXECVE.ARGV_STR` | `a0`, `a1` …, `CommandLine` |
//! | `PROCTITLE.ARGV` | `proctitle` |
//! | the `PATH` that was made or removed | `TargetFilename`, with its folder |
//! | `SOCKADDR.SADDR` | `DestinationIp`, `DestinationPort` |
//!
//! What LAUREL wrote stays beside it.

use event::{Fields, Value};

use crate::text::key_value::{self, Piece};
use crate::text::{audit_types, auditd};

/// What LAUREL adds that is no record of the event.
const ADDED: &[&str] = &["PARENT_INFO", "CONTAINER_INFO", "ENV"];

/// How many arguments get a name of their own; all are in the command line.
const ARGUMENTS_MAX: usize = 64;

/// Returns whether flattened JSON is an event that LAUREL wrote; only names say so.
pub(super) fn is_laurel(fields: &Fields) -> bool {
    let is_of_record = |name: &str| {
        name.split_once('.').is_some_and(|(kind, own)| {
            matches!(own, "pid" | "auid" | "syscall" | "argc") && audit_types::is_name(kind)
        })
    };
    fields.get("ID").is_some() && fields.iter().any(|(name, _)| is_of_record(name))
}

/// Adds auditd's names.
pub(super) fn normalise(fields: &mut Fields) {
    let mut kinds: Vec<Value> = Vec::new();
    let mut flat: Vec<(String, Value)> = Vec::new();
    for (name, value) in fields.iter() {
        let Some((kind, own)) = name.split_once('.').filter(|(kind, _)| is_record(kind)) else {
            continue;
        };
        let word = Value::from(kind);
        if !kinds.contains(&word) {
            kinds.push(word);
        }
        if is_flat(kind, own) {
            flat.push((own.to_owned(), value.clone()));
        }
    }
    add(fields, "type", Value::List(kinds));
    for (name, value) in flat {
        add(fields, name, value);
    }
    if let Some((stamp, serial)) = first(fields, "ID").as_deref().and_then(|id| id.rsplit_once(':'))
    {
        add(fields, "audit_time", Value::from(stamp));
        add(fields, "audit_serial", Value::from(serial));
    }
    if let Some(name) = auditd::syscall_name(fields) {
        add(fields, "SYSCALL", Value::from(name));
    }
    add_command(fields);
    if let Some(path) = changed_file(fields) {
        add(fields, "TargetFilename", Value::from(path));
    }
    if let Some((address, port)) = peer(fields) {
        add(fields, "DestinationIp", Value::from(address));
        add(fields, "DestinationPort", Value::from(port));
        add(fields, "Initiated", Value::from("true"));
    }
}

fn add(fields: &mut Fields, name: impl Into<String>, value: Value) {
    let name = name.into();
    if fields.get(&name).is_none() {
        fields.push(name, value);
    }
}

fn is_record(kind: &str) -> bool {
    let is_upper = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    !kind.is_empty() && kind.bytes().all(is_upper) && !ADDED.contains(&kind)
}

/// Whether auditd writes what stands below this name of a record under the name alone. The arguments of a system call
/// are addresses, those of a command its words: rules mean these.
fn is_flat(kind: &str, own: &str) -> bool {
    match kind {
        _ if own.contains('.') => false,
        "SYSCALL" => !matches!(own, "a0" | "a1" | "a2" | "a3" | "ARGV"),
        "EXECVE" | "PROCTITLE" | "SOCKADDR" => false,
        _ => true,
    }
}

/// Returns the text of a field, of a list that of its first member.
fn first(fields: &Fields, name: &str) -> Option<String> {
    fields.get(name)?.members().first().map(|value| value.text().into_owned())
}

fn words(fields: &Fields, name: &str) -> Option<Vec<String>> {
    let members = fields.get(name)?.members().iter();
    Some(members.map(|word| word.text().into_owned()).collect())
}

fn add_command(fields: &mut Fields) {
    if let Some(arguments) = words(fields, "EXECVE.ARGV") {
        for (number, word) in arguments.iter().take(ARGUMENTS_MAX).enumerate() {
            add(fields, format!("a{number}"), Value::from(word.as_str()));
        }
        add(fields, "CommandLine", Value::from(arguments.join(" ")));
    } else if let Some(line) = first(fields, "EXECVE.ARGV_STR") {
        add(fields, "CommandLine", Value::from(line));
    }
    if let Some(title) = words(fields, "PROCTITLE.ARGV") {
        add(fields, "proctitle", Value::from(title.join(" ")));
    }
}

/// Returns the path that was made or removed.
fn changed_file(fields: &Fields) -> Option<String> {
    let names = fields.get("PATH.name")?.members();
    let kinds = fields.get("PATH.nametype")?.members();
    let is_change = |kind: &Value| matches!(kind.text().as_ref(), "CREATE" | "DELETE");
    let at = kinds.iter().position(is_change).filter(|_| names.len() == kinds.len())?;
    let name = names.get(at)?.text();
    match first(fields, "CWD.cwd") {
        Some(folder) if !name.starts_with('/') => {
            Some(format!("{}/{name}", folder.trim_end_matches('/')))
        }
        _ => Some(name.into_owned()),
    }
}

/// Returns the address and the port of the other end of a connection that this machine opens.
fn peer(fields: &Fields) -> Option<(String, String)> {
    first(fields, "SYSCALL").filter(|call| call == "connect")?;
    let part = |names: [&str; 2]| names.iter().find_map(|name| first(fields, name));
    let address = part(["SOCKADDR.SADDR.laddr", "SOCKADDR.SADDR.addr"]);
    let port = part(["SOCKADDR.SADDR.lport", "SOCKADDR.SADDR.port"]);
    if let Some(found) = address.zip(port) {
        return Some(found);
    }
    let text = first(fields, "SOCKADDR.SADDR")?;
    let pairs = key_value::pieces(text.trim_matches(['{', '}', ' ']));
    let mut found = (None, None);
    for piece in pairs {
        match piece {
            Piece::Pair { key: "laddr", value, .. } => found.0 = Some(value.into_owned()),
            Piece::Pair { key: "lport", value, .. } => found.1 = Some(value.into_owned()),
            _ => {}
        }
    }
    found.0.zip(found.1)
}

#[cfg(test)]
mod tests {
    use super::super::json;
    use super::*;

    fn normal(record: &str) -> Fields {
        let (mut fields, _) = json::flatten(record.as_bytes()).unwrap();
        assert!(!record.contains("pid") || is_laurel(&fields), "{record}");
        normalise(&mut fields);
        fields
    }

    fn check(fields: &Fields, expected: &[(&str, &str)]) {
        for (name, value) in expected {
            assert_eq!(fields.get(name).unwrap().text(), *value, "{name}: {fields:?}");
        }
    }

    #[test]
    fn a_started_program_has_auditds_names() {
        let fields = normal(
            r#"{"ID":"1795425601.123:4711","SYSCALL":{"arch":"0xc000003e","syscall":59,"pid":812,"a0":"0x1","exe":"/usr/bin/nc","key":null,"PPID":{"exe":"/bin/bash"}},"EXECVE":{"argc":3,"ARGV":["nc","-e","/bin/sh"]},"CWD":{"cwd":"/root"},"PARENT_INFO":{"exe":"x"}}"#,
        );
        check(
            &fields,
            &[
                ("audit_time", "1795425601.123"),
                ("audit_serial", "4711"),
                ("a0", "nc"),
                ("a2", "/bin/sh"),
                ("CommandLine", "nc -e /bin/sh"),
                ("exe", "/usr/bin/nc"),
                ("SYSCALL", "execve"),
                ("cwd", "/root"),
            ],
        );
        let kinds = ["SYSCALL", "EXECVE", "CWD"].map(Value::from);
        assert_eq!(fields.get("type"), Some(&Value::List(kinds.to_vec())));
    }

    #[test]
    fn made_files_and_connections_are_told() {
        let file = r#"{"ID":"1.0:1","SYSCALL":{"SYSCALL":"openat"},"CWD":{"cwd":"/etc/"},"PATH":[{"name":"/etc","nametype":"PARENT"},{"name":"x.conf","nametype":"CREATE"}]}"#;
        check(&normal(file), &[("TargetFilename", "/etc/x.conf")]);
        for peer in [
            r#"[{"SADDR":"{saddr_fam=inet laddr=203.0.113.7 lport=443}"}]"#,
            r#"[{"SADDR":{"saddr_fam":"inet","addr":"203.0.113.7","port":443}}]"#,
        ] {
            let record =
                format!(r#"{{"ID":"1.0:1","SYSCALL":{{"SYSCALL":"connect"}},"SOCKADDR":{peer}}}"#);
            let fields = normal(&record);
            check(&fields, &[("DestinationIp", "203.0.113.7"), ("DestinationPort", "443")]);
        }
        let bind = r#"{"ID":"1.0:1","SYSCALL":{"SYSCALL":"bind"},"SOCKADDR":[{"SADDR":"{laddr=10.0.0.1 lport=80}"}]}"#;
        assert_eq!(normal(bind).get("DestinationIp"), None);
    }
}
