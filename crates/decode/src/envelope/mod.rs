//! The syslog header round a record: RFC 5424, RFC 3164 and the many variants of the latter.
//!
//! The header is evidence, not authority: whose event it is was decided before, by token or
//! listener. A header that cannot be read leaves the whole text as the message.

mod bsd;
mod rfc5424;

use event::{Attr, Attrs, Fields, Note, Value};

use crate::attribute;
use crate::parsed::StatedTime;
use crate::scan::Scan;
use crate::time;

/// What stands before and round the message.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Envelope<'a> {
    /// `facility * 8 + severity`, 0 to 191.
    pub(crate) priority: Option<u32>,
    /// The time as written.
    pub(crate) stamp: Option<&'a str>,
    /// The time as read.
    pub(crate) time: Option<StatedTime>,
    /// Who says it sent the record.
    pub(crate) host: Option<&'a str>,
    /// The program (`sshd`, `postfix/smtpd`, `%ASA-6-302013`).
    pub(crate) program: Option<&'a str>,
    /// Process number or name.
    pub(crate) pid: Option<&'a str>,
    /// RFC 5424 message id.
    pub(crate) message_id: Option<&'a str>,
    /// RFC 5424 structured data, as `sdid.param`; pairs of an element without a name as `param`.
    pub(crate) data: Vec<(String, String)>,
    /// What the header was put round.
    pub(crate) message: &'a str,
    /// All that stands behind the priority.
    pub(crate) behind_priority: &'a str,
    /// What is odd about the header.
    pub(crate) notes: Vec<Note>,
}

/// What the pairs of structured data are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DataNames {
    /// `sdid.param`.
    Whole,
    /// `param`.
    Own,
}

impl<'a> Envelope<'a> {
    /// Reads the header; `None` if the text has none.
    pub(crate) fn read(text: &'a str) -> Option<Self> {
        let mut scan = Scan::new(text);
        let priority = priority(&mut scan);
        let behind_priority = scan.rest;
        if priority.is_some()
            && let Some(envelope) = rfc5424::read(scan.rest)
        {
            return Some(Self { priority, behind_priority, ..envelope });
        }
        match bsd::read(scan.rest, priority.is_some()) {
            Some(envelope) => Some(Self { priority, behind_priority, ..envelope }),
            None => priority.map(|_| Self::of_priority(priority, behind_priority)),
        }
    }

    fn of_priority(priority: Option<u32>, text: &'a str) -> Self {
        Self { priority, message: text, behind_priority: text, ..Self::default() }
    }

    /// Returns the header without its date, which is then the text's, if it may be: programs write dates into their
    /// own files in these forms, and no program is named.
    pub(crate) fn without_date(&self) -> Option<Self> {
        let stamp = self.stamp.filter(|_| self.program.is_none())?;
        let is_in_two_parts =
            stamp.starts_with(|c: char| c.is_ascii_digit()) && stamp.contains(' ');
        (is_in_two_parts || time::behind_weekday(stamp).is_some())
            .then(|| Self::of_priority(self.priority, self.behind_priority))
    }

    /// Adds what the header says below whatever the message itself said.
    pub(crate) fn add_to(&self, fields: &mut Fields, attrs: &mut Attrs, notes: &mut Vec<Note>) {
        for (name, value) in &self.data {
            // A source that reads these pairs has put it there before, by this name or by the parameter's own.
            let is_own = |own: &Value| matches!(own, Value::Text(text) if text == value);
            let is_there = [name.as_str(), own_name(name)].into_iter().any(|name| {
                fields.get(name).is_some_and(|known| known.members().iter().any(is_own))
            });
            if !is_there {
                fields.push(name.clone(), value.as_str());
            }
        }
        let written = [
            ("timestamp", self.stamp, None),
            ("hostname", self.host, Some(Attr::Host)),
            ("program", self.program, Some(Attr::ProcessName)),
            ("program", self.program, Some(Attr::Provider)),
            ("pid", self.pid, Some(Attr::Pid)),
            ("msgid", self.message_id, Some(Attr::EventCode)),
            ("facility", self.facility(), Some(Attr::Facility)),
            ("severity", self.severity(), Some(Attr::SourceSeverity)),
        ];
        for (name, text, attr) in written {
            let Some(text) = text else { continue };
            if fields.get(name).is_none() {
                fields.push(name, text);
            }
            let is_number_name = attr == Some(Attr::Pid) && text.parse::<i64>().is_err();
            if let Some(attr) = attr
                && !is_number_name
            {
                attribute::set_if_free(attrs, attr, &Value::from(text), notes);
            }
        }
        notes.extend(self.notes.iter().cloned());
    }

    /// Returns the pairs of the structured data as fields, with what kind of message it is.
    pub(crate) fn data_fields(&self, names: DataNames) -> Fields {
        let mut fields = Fields::new();
        for (name, value) in &self.data {
            let name = match names {
                DataNames::Whole => name.as_str(),
                DataNames::Own => own_name(name),
            };
            fields.push(name.to_owned(), value.as_str());
        }
        if !self.data.is_empty()
            && let Some(id) = self.message_id
            && fields.get("msgid").is_none()
        {
            fields.push("msgid", id);
        }
        fields
    }

    fn facility(&self) -> Option<&'static str> {
        // RFC 5424 table 1, under the names that syslog.conf uses.
        const NAMES: [&str; 24] = [
            "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron",
            "authpriv", "ftp", "ntp", "audit", "alert", "clock", "local0", "local1", "local2",
            "local3", "local4", "local5", "local6", "local7",
        ];
        let number = usize::try_from(self.priority? >> 3).ok()?;
        NAMES.get(number).copied()
    }

    fn severity(&self) -> Option<&'static str> {
        // RFC 5424 table 2.
        const NAMES: [&str; 8] =
            ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];
        let number = usize::try_from(self.priority? & 7).ok()?;
        NAMES.get(number).copied()
    }
}

/// The name of a parameter without its element's (`id.param`).
fn own_name(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(_, own)| own)
}

/// `<0>` to `<191>`.
fn priority(scan: &mut Scan<'_>) -> Option<u32> {
    let mut ahead = *scan;
    if !ahead.eat("<") {
        return None;
    }
    let number = ahead.number(1, 3)?;
    if number > 191 || !ahead.eat(">") {
        return None;
    }
    *scan = ahead;
    Some(number)
}

#[cfg(test)]
mod tests;
