//! Puts the records of one Linux audit event together. The kernel tells one thing in several records
//! with one serial number: who did it (SYSCALL), what was run (EXECVE), where (CWD), on which files
//! (PATH), with whom (SOCKADDR). Rules ask for all of it in one event.
//!
//! Nothing waits: a record is given what the earlier records of its event said, and goes on at once.
//! The kernel writes SYSCALL first, so that suffices; a record that comes before its SYSCALL, or
//! after the memory for it is used up, stays what it was. Pure, with its state in the caller's hand.

use std::collections::{HashMap, VecDeque};
use std::net::{Ipv4Addr, Ipv6Addr};

use event::{Attr, Class, Event, Fields, Name, SourceId, Value};

use crate::limits::AUDIT_EVENTS_MAX;

/// What the records of an event have said so far, for the latest events of all machines.
#[derive(Debug, Default)]
pub struct AuditJoin {
    known: HashMap<Key, Known>,
    /// Keys from the oldest on.
    order: VecDeque<Key>,
}

/// An audit event: of which log source and machine, when, and its serial number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    source: SourceId,
    host: String,
    stamp: String,
    serial: String,
}

/// What later records of the same event are told, under Sysmon's names as the rules use them.
#[derive(Debug, Default)]
struct Known {
    fields: Vec<(&'static str, Value)>,
    is_connect: bool,
}

/// SYSCALL's names (the enriched ones first) → the names that rules ask for.
const FROM_SYSCALL: &[(&str, &str)] = &[
    ("exe", "Image"),
    ("pid", "ProcessId"),
    ("ppid", "ParentProcessId"),
    ("UID", "User"),
    ("uid", "User"),
    ("AUID", "LogonUser"),
    ("auid", "LogonUser"),
    ("ses", "LogonId"),
    ("comm", "comm"),
    ("key", "key"),
];

impl AuditJoin {
    /// Adds to an event what the earlier records of the same audit event said; remembers what it
    /// says itself. Events of other sources stay as they are.
    pub fn join(&mut self, event: &mut Event) {
        if event.parser != "linux_auditd" {
            return;
        }
        let Some(kind) = event.fields.get("type").map(|kind| kind.text().into_owned()) else {
            return;
        };
        let Some(key) = Key::of(event) else { return };
        match kind.as_str() {
            "SYSCALL" => self.remember(key, Known::of_syscall(&event.fields)),
            "CWD" => {
                if let (Some(known), Some(cwd)) =
                    (self.known.get_mut(&key), event.fields.get("cwd").cloned())
                {
                    known.fields.push(("CurrentDirectory", cwd));
                }
            }
            "EXECVE" => {
                if let Some(known) = self.known.get(&key) {
                    known.add_to(event);
                }
            }
            "PATH" => {
                if let Some(known) = self.known.get(&key) {
                    known.add_to(event);
                    file_changed(event);
                }
            }
            "SOCKADDR" => {
                if let Some(known) = self.known.get(&key) {
                    known.add_to(event);
                    if known.is_connect {
                        connected(event);
                    }
                }
            }
            _ => {}
        }
    }

    fn remember(&mut self, key: Key, known: Known) {
        if self.known.insert(key.clone(), known).is_none() {
            self.order.push_back(key);
        }
        while self.order.len() > AUDIT_EVENTS_MAX {
            if let Some(oldest) = self.order.pop_front() {
                self.known.remove(&oldest);
            }
        }
    }
}

impl Key {
    fn of(event: &Event) -> Option<Self> {
        let text = |name: &str| event.fields.get(name).map(|value| value.text().into_owned());
        Some(Self {
            source: event.origin.source,
            host: event.attr_text(Attr::Host).unwrap_or_default().to_owned(),
            stamp: text("audit_time")?,
            serial: text("audit_serial")?,
        })
    }
}

impl Known {
    fn of_syscall(fields: &Fields) -> Self {
        let mut known = Self::default();
        for (own, name) in FROM_SYSCALL {
            let is_free = known.fields.iter().all(|(taken, _)| taken != name);
            if is_free && let Some(value) = fields.get(own) {
                known.fields.push((name, value.clone()));
            }
        }
        known.is_connect = fields.get("SYSCALL").is_some_and(|name| name.text() == "connect");
        known
    }

    fn add_to(&self, event: &mut Event) {
        for (name, value) in &self.fields {
            if event.fields.get(name).is_some() {
                continue;
            }
            event.fields.set(*name, value.clone());
            let attr = match *name {
                "Image" => Attr::Process,
                "User" => Attr::User,
                "ProcessId" => Attr::Pid,
                "ParentProcessId" => Attr::ParentPid,
                "comm" => Attr::ProcessName,
                "key" => Attr::Signature,
                _ => continue,
            };
            match (attr, value.int()) {
                (Attr::Pid | Attr::ParentPid, Some(number)) => event.attrs.set(attr, number),
                (Attr::Pid | Attr::ParentPid, None) => {}
                _ => event.attrs.set(attr, value.clone()),
            }
        }
    }
}

/// A PATH record that tells of a made or removed name.
fn file_changed(event: &mut Event) {
    let text = |name: &str| event.fields.get(name).map(|value| value.text().into_owned());
    let category = match text("nametype").as_deref() {
        Some("CREATE") => "file_event",
        Some("DELETE") => "file_delete",
        _ => return,
    };
    let Some(name) = text("name").filter(|name| !name.is_empty()) else { return };
    let path = match text("CurrentDirectory") {
        Some(folder) if !name.starts_with('/') => {
            format!("{}/{name}", folder.trim_end_matches('/'))
        }
        _ => name,
    };
    event.attrs.set(Attr::FilePath, path.as_str());
    event.fields.set("TargetFilename", path);
    event.logsource.category = Some(Name::Borrowed(category));
}

/// A SOCKADDR record of a connection that this machine opens.
fn connected(event: &mut Event) {
    let text = |name: &str| event.fields.get(name).map(|value| value.text().into_owned());
    let enriched = text("laddr").zip(text("lport"));
    let Some((address, port)) = enriched.or_else(|| socket_address(&text("saddr")?)) else {
        return;
    };
    event.attrs.set(Attr::DstIp, address.as_str());
    event.fields.set("DestinationIp", address);
    if let Ok(number) = port.parse::<i64>() {
        event.attrs.set(Attr::DstPort, number);
    }
    event.fields.set("DestinationPort", port);
    event.fields.set("Initiated", "true");
    event.class = Class::NetworkActivity;
    event.logsource.category = Some(Name::Borrowed("network_connection"));
}

/// Reads the kernel's `sockaddr` in hex: family, port, address. Source: `struct sockaddr_in` and
/// `sockaddr_in6` of Linux on little-endian machines.
fn socket_address(hex: &str) -> Option<(String, String)> {
    let byte = |at: usize| {
        let start = at.checked_mul(2)?;
        u8::from_str_radix(hex.get(start..start.checked_add(2)?)?, 16).ok()
    };
    let port = u16::from_be_bytes([byte(2)?, byte(3)?]).to_string();
    let address = match byte(0)? {
        2 => Ipv4Addr::new(byte(4)?, byte(5)?, byte(6)?, byte(7)?).to_string(),
        10 => {
            let mut octets = [0_u8; 16];
            for (at, octet) in (8_usize..).zip(&mut octets) {
                *octet = byte(at)?;
            }
            Ipv6Addr::from(octets).to_string()
        }
        _ => return None,
    };
    Some((address, port))
}

#[cfg(test)]
mod tests;
