//! Linux audit records: `type=EXECVE msg=audit(1795425601.042:77): argc=2 a0="nc" a1=…`.
//!
//! Values that the kernel writes as hex because they hold odd bytes are decoded, the arguments of a
//! command joined to `CommandLine`, and the inner `msg='…'` of user-space records spread out. A kind that is
//! written as a number (`audit: type=1400 audit(…)` in the kernel's log) is called as auditd calls it.

use std::borrow::Cow;

use event::{Fields, Note};

use super::audit_types;
use super::key_value::{self, Piece};
use crate::limits::FIELDS_MAX;
use crate::parsed::StatedTime;
use crate::time;

/// Fields that the kernel writes as hex when they hold a blank, a quote or a control character.
/// Source: audit-userspace, `lib/` type tables ("encoded string").
const ENCODED: [&str; 14] = [
    "proctitle",
    "name",
    "cwd",
    "exe",
    "comm",
    "cmd",
    "acct",
    "data",
    "key",
    "path",
    "dir",
    "file",
    "watch",
    "new_group",
];

/// Reads a record; `None` if it is none.
pub(crate) fn read(text: &str, fields: &mut Fields, notes: &mut Vec<Note>) -> Option<StatedTime> {
    let start = text.find("audit(")?;
    let before = text.get(..start)?;
    let (inside, after) = text.get(start..)?.strip_prefix("audit(")?.split_once(')')?;
    let (stamp, serial) = inside.rsplit_once(':')?;
    let stated = time::read(stamp)?;
    let body = after.trim_start_matches(':');

    for piece in key_value::pieces(before.trim_end_matches("msg=")) {
        let Piece::Pair { key, value, .. } = piece else { continue };
        match audit_types::name_of(&value).filter(|_| key == "type") {
            Some(name) => fields.push("type", name),
            None => fields.push(key.to_owned(), value.into_owned()),
        }
    }
    fields.push("audit_time", stamp);
    fields.push("audit_serial", serial);
    let is_execve = fields.get("type").is_some_and(|kind| kind.text() == "EXECVE");
    let mut command: Vec<String> = Vec::new();
    let mut pair_count = 0_usize;
    // 0x1d parts the record from the names that `log_format = ENRICHED` adds.
    for part in body.split('\u{1d}') {
        pairs(part, is_execve, &mut pair_count, fields, &mut command);
    }
    if pair_count > FIELDS_MAX {
        notes.push(Note::new("extra-fields", format!("only {FIELDS_MAX} pairs are kept")));
    }
    if !command.is_empty() {
        fields.push("CommandLine", command.join(" "));
    }
    if let (None, Some(name)) = (fields.get("SYSCALL"), syscall_name(fields)) {
        fields.push("SYSCALL", name);
    }
    Some(stated)
}

/// System calls that rules ask for by name: number on x86-64, number on arm64 (0: it has none).
/// Source: Linux' `syscall_64.tbl` and `asm-generic/unistd.h`.
const SYSCALLS: &[(&str, u32, u32)] = &[
    ("bind", 49, 200),
    ("bpf", 321, 280),
    ("connect", 42, 203),
    ("delete_module", 176, 106),
    ("execve", 59, 221),
    ("execveat", 322, 281),
    ("finit_module", 313, 273),
    ("init_module", 175, 105),
    ("kill", 62, 129),
    ("memfd_create", 319, 279),
    ("mknod", 133, 0),
    ("mknodat", 259, 33),
    ("openat", 257, 56),
    ("personality", 135, 92),
    ("ptrace", 101, 117),
    ("setuid", 105, 146),
    ("sysinfo", 99, 179),
    ("syslog", 103, 116),
    ("unlink", 87, 0),
    ("unlinkat", 263, 35),
];

/// Returns the system call's name, which `log_format = ENRICHED` would add. Elsewhere auditd itself
/// may write the name in the number's place.
pub(crate) fn syscall_name(fields: &Fields) -> Option<String> {
    let given = fields.get("syscall")?.text().into_owned();
    let Ok(number) = given.parse::<u32>() else { return Some(given) };
    let is_arm = match fields.get("arch")?.text().trim_start_matches("0x") {
        "c000003e" | "x86_64" => false,
        "c00000b7" | "aarch64" => true,
        _ => return None,
    };
    let own = |entry: &&(&str, u32, u32)| number == if is_arm { entry.2 } else { entry.1 };
    SYSCALLS.iter().find(own).filter(|_| number > 0).map(|(name, ..)| (*name).to_owned())
}

fn pairs(
    text: &str,
    is_execve: bool,
    pair_count: &mut usize,
    fields: &mut Fields,
    command: &mut Vec<String>,
) {
    for piece in key_value::pieces(text) {
        let Piece::Pair { key, value, is_quoted } = piece else { continue };
        *pair_count = pair_count.saturating_add(1);
        if *pair_count > FIELDS_MAX {
            return;
        }
        if key == "msg" {
            // One level only: what stands inside is read as plain pairs.
            for inner in key_value::pieces(&value) {
                *pair_count = pair_count.saturating_add(1);
                if let Piece::Pair { key, value, is_quoted } = inner
                    && *pair_count <= FIELDS_MAX
                {
                    let is_encoded = !is_quoted && ENCODED.contains(&key);
                    let value = if is_encoded { decoded(value) } else { value };
                    fields.push(key.to_owned(), value.into_owned());
                }
            }
            continue;
        }
        let is_argument = is_execve && is_argument_name(key);
        let is_encoded = !is_quoted && (is_argument || ENCODED.contains(&key));
        let value = if is_encoded { decoded(value) } else { value };
        if is_argument {
            command.push(value.clone().into_owned());
        }
        fields.push(key.to_owned(), value.into_owned());
    }
}

/// `a0`, `a12`, `a1[0]`; not `a1_len`.
fn is_argument_name(key: &str) -> bool {
    key.strip_prefix('a').is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_ascii_digit())
            && rest.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'[' | b']'))
    })
}

/// Decodes a value that was written as hex; one that is no hex stays as it is. What the kernel
/// writes in quotes is never hex.
fn decoded(value: Cow<'_, str>) -> Cow<'_, str> {
    let may_be_hex = value.len() >= 2
        && value.len().is_multiple_of(2)
        && value.bytes().all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b));
    if !may_be_hex {
        return value;
    }
    let bytes: Option<Vec<u8>> = (0..value.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(value.get(at..at.checked_add(2)?)?, 16).ok())
        .collect();
    let Some(bytes) = bytes else { return value };
    // Arguments inside proctitle are parted by NUL.
    let spaced: Vec<u8> = bytes.into_iter().map(|b| if b == 0 { b' ' } else { b }).collect();
    match String::from_utf8(spaced) {
        Ok(text) => Cow::Owned(text.trim_end().to_owned()),
        Err(_) => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_spread_out_and_decoded() {
        let cases = [
            (
                r#"type=EXECVE msg=audit(1795425601.042:77): argc=3 a0="nc" a1="-e" a2=2F62696E2F7368202D69"#,
                "CommandLine",
                "nc -e /bin/sh -i",
            ),
            (
                "node=m type=PROCTITLE msg=audit(1795425601.042:77): proctitle=6C73002D6C",
                "proctitle",
                "ls -l",
            ),
            (
                r#"type=USER_AUTH msg=audit(1795425601.042:78): pid=9 uid=0 msg='op=PAM:authentication acct="an" exe="/usr/sbin/sshd" addr=198.51.100.7 res=failed'"#,
                "res",
                "failed",
            ),
            (
                "type=SYSCALL msg=audit(1795425601.042:77): syscall=59 a0=AB12 exe=\"/bin/ls\"",
                "a0",
                "AB12",
            ),
            (
                "type=SYSCALL msg=audit(1795425601.042:77): syscall=59 uid=0\u{1d}UID=\"root\"",
                "UID",
                "root",
            ),
            (
                "type=SYSCALL msg=audit(1795425601.042:77): arch=c000003e syscall=42 exe=\"/bin/nc\"",
                "SYSCALL",
                "connect",
            ),
            (
                "type=SYSCALL msg=audit(1795425601.042:77): arch=aarch64 syscall=221 exe=\"/bin/nc\"",
                "SYSCALL",
                "execve",
            ),
            ("type=PATH msg=audit(1795425601.042:77): name=\"AB12\"", "name", "AB12"),
            (
                "[   12.345678] audit: type=1309 audit(1795425601.042:77): argc=2 a0=\"ls\" a1=2D6C",
                "CommandLine",
                "ls -l",
            ),
            (
                "audit: type=1400 audit(1795425601.042:77): apparmor=\"DENIED\" operation=\"open\"",
                "type",
                "AVC",
            ),
        ];
        for (text, name, expected) in cases {
            let mut fields = Fields::new();
            assert!(read(text, &mut fields, &mut Vec::new()).is_some(), "{text}");
            assert_eq!(fields.get(name).unwrap().text(), expected, "{text}");
        }
        assert_eq!(read("type=X", &mut Fields::new(), &mut Vec::new()), None);
    }
}
