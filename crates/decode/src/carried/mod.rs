//! Records inside records. Programs that follow files and sockets hand each line on inside a JSON object of
//! their own, and an index or a search writes what it holds below a name of its own. What was carried is
//! read as if it had come by itself; what stands beside it stays.
//!
//! | who wrote it | how it is told | what is inside |
//! | --- | --- | --- |
//! | Filebeat, Elastic Agent, Logstash | `log.file.path`, `log.offset`, `input.type`, `@version` | `event.original`, `message` |
//! | Vector, NXLog | `source_type`, `SourceModuleType` | `message`, `raw_event`, `Message` |
//! | Fluent Bit, Docker, Kubernetes | `stream`, `date`, `filename`, `kubernetes.…` | `log` |
//! | Splunk: searches, exports, HTTP collector | `_raw`; `sourcetype` | `_raw`, `event` |
//! | Wazuh's archives | `location`, `decoder.name`, `manager.name` | `full_log` |
//! | Graylog (GELF) | `version` | `full_message`, `short_message` |
//! | journald, rsyslog, syslog inputs | the program in a field of its own | `MESSAGE`, `msg`, `message` |
//! | an Elasticsearch export, a Splunk export | every name begins with `_source.`, `result.` | the names behind that |
//! | Amazon `EventBridge` | `detail-type` | the names behind `detail.` |
//! | Elastic Agent for Microsoft 365, for Kubernetes | names begin with `o365.audit.`, `kubernetes.audit.` | the names behind that |
//! | `CloudWatch`: subscriptions, exports | `logGroup`, `logStream`; `id`, `timestamp`, `message` and no other name | `message` |
//! | exports of Microsoft 365's audit log | `CreationDate`, `Operations`, `UserIds` | `AuditData` |
//! | `CloudTrail`'s event history (`lookup-events`) | `EventId`, `EventName` | `CloudTrailEvent` |
//! | Wazuh's integrations for clouds | `decoder.name`; names begin with `data.aws.`, `data.office365.` … | the names behind that |
//!
//! Only the names decide, never the values: whoever can choose a text must not be able to choose how
//! another record is read.

mod journal;

use event::{Attr, Fields, Value};

use crate::attribute;
use crate::envelope::Envelope;
use crate::parsed::Parsed;
use crate::record::Record;

pub(crate) use journal::{is_of_journald, spell_out};

/// What stands before every name of the record itself, and, where that alone does not say enough, a name that
/// stands beside it.
const PREFIXES: &[(&str, Option<&str>)] = &[
    ("_source.", None),
    ("result.", Some("preview")),
    ("event.", Some("sourcetype")),
    ("detail.", Some("detail-type")),
    ("o365.audit.", None),
    ("kubernetes.audit.", None),
    ("data.aws.", Some("decoder.name")),
    ("data.gcp.", Some("decoder.name")),
    ("data.github.", Some("decoder.name")),
    ("data.office365.", Some("decoder.name")),
];

/// Names of which one tells that a program carries lines, and where these stand, the best first.
type Lines = (&'static [&'static str], &'static [&'static str]);

const LINES: &[Lines] = &[
    (&["_raw"], &["_raw"]),
    (&["full_log"], &["full_log"]),
    (
        &["log.file.path", "log.offset", "log.source.address", "input.type", "@version"],
        &["event.original", "message"],
    ),
    (
        &["source_type", "SourceModuleType", "SourceModuleName"],
        &["raw_event", "message", "Message"],
    ),
    (&["stream", "date", "filename", "kubernetes.pod_name", "kubernetes.pod.name"], &["log"]),
    (&["version"], &["full_message", "short_message"]),
    (&["sourcetype"], &["event"]),
    (&["logGroup", "logStream", "logStreamName"], &["message"]),
    (&["CreationDate", "Operations", "UserIds", "Operation", "UserId"], &["AuditData"]),
    (&["EventId", "EventName"], &["CloudTrailEvent"]),
];

/// All names of an event of `CloudWatch` that was taken out of what was round it.
const LOG_EVENT: &[&str] = &["id", "timestamp", "message"];

/// Where its line stands.
const LOG_EVENT_TEXTS: &[&str] = &["message"];

/// A line whose syslog header was taken apart: where the program, the text, the machine and the process
/// stand. All of the first two must be there.
struct Header {
    program: &'static str,
    /// A name without which the program means something else.
    beside: Option<&'static str>,
    texts: &'static [&'static str],
    host: &'static str,
    pid: &'static str,
}

const HEADERS: &[Header] = &[
    Header {
        program: "SYSLOG_IDENTIFIER",
        beside: None,
        texts: &["MESSAGE"],
        host: "_HOSTNAME",
        pid: "_PID",
    },
    Header {
        program: "_COMM",
        beside: Some("__REALTIME_TIMESTAMP"),
        texts: &["MESSAGE"],
        host: "_HOSTNAME",
        pid: "_PID",
    },
    Header {
        program: "syslogtag",
        beside: None,
        texts: &["msg", "message", "MESSAGE"],
        host: "hostname",
        pid: "procid",
    },
    Header {
        program: "programname",
        beside: None,
        texts: &["msg", "message", "MESSAGE"],
        host: "hostname",
        pid: "procid",
    },
    Header {
        program: "log.syslog.appname",
        beside: None,
        texts: &["message"],
        host: "log.syslog.hostname",
        pid: "log.syslog.procid",
    },
    Header {
        program: "appname",
        beside: Some("facility"),
        texts: &["message"],
        host: "hostname",
        pid: "procid",
    },
    Header { program: "ident", beside: Some("pri"), texts: &["message"], host: "host", pid: "pid" },
    Header {
        program: "process.name",
        beside: Some("log.file.path"),
        texts: &["message"],
        host: "host.name",
        pid: "process.pid",
    },
];

/// Takes the names of the record itself out of those that an export wrote round it.
pub(crate) fn take_out(fields: &mut Fields) {
    let has = |name: &str| fields.get(name).is_some();
    let is_before = |prefix: &str| fields.iter().any(|(name, _)| name.starts_with(prefix));
    let found =
        PREFIXES.iter().find(|(prefix, beside)| is_before(prefix) && beside.is_none_or(has));
    let Some((prefix, _)) = found else { return };
    let old = std::mem::take(fields);
    // The record's own names first: what the export says must not take their place.
    for (name, value) in old.iter() {
        if let Some(own) = name.strip_prefix(prefix) {
            fields.push(own.to_owned(), value.clone());
        }
    }
    for (name, value) in old.iter() {
        if !name.starts_with(prefix) && fields.get(name).is_none() {
            fields.push(name.to_owned(), value.clone());
        }
    }
}

/// What is carried: its text, and the header that was taken apart.
#[derive(Debug)]
pub(crate) struct Carried<'f> {
    name: &'static str,
    text: &'f str,
    header: Option<Envelope<'f>>,
}

impl<'f> Carried<'f> {
    /// Finds the record that stands inside one.
    pub(crate) fn find(fields: &'f Fields) -> Option<Self> {
        if let Some(header) = HEADERS.iter().find(|header| header.is_of(fields)) {
            return header.read(fields);
        }
        let texts = lines_of(fields)?;
        texts.iter().find_map(|name| {
            let text = text_of(fields, name)?;
            Some(Self { name, text, header: None })
        })
    }

    /// Returns the record, for itself.
    pub(crate) fn record(&self) -> Record<'f> {
        match &self.header {
            Some(header) => Record::behind(header.clone()),
            None => Record::of(self.text),
        }
    }

    /// Adds to what was read of the record what stands beside it.
    pub(crate) fn beside(&self, mut own: Parsed, outer: Parsed) -> Parsed {
        for (name, value) in outer.fields.iter() {
            let is_copy = matches!(value, Value::Text(text) if text == self.text);
            if name != self.name && !is_copy && own.fields.get(name).is_none() {
                own.fields.push(name.to_owned(), value.clone());
            }
        }
        for (attr, value) in outer.attrs.iter() {
            if attr != Attr::Message {
                attribute::set_if_free(&mut own.attrs, attr, value, &mut own.notes);
            }
        }
        own.notes.extend(outer.notes);
        own.time = own.time.or(outer.time);
        own.unread_time = own.unread_time.or(outer.unread_time);
        own
    }
}

/// Returns whether a record of these names may carry another.
pub(crate) fn is_carrier(fields: &Fields) -> bool {
    HEADERS.iter().any(|header| header.is_of(fields)) || lines_of(fields).is_some()
}

fn lines_of(fields: &Fields) -> Option<&'static [&'static str]> {
    let any = |names: &[&str]| names.iter().any(|name| fields.get(name).is_some());
    let found = LINES.iter().find(|(marks, texts)| any(marks) && any(texts));
    let is_log_event = || {
        fields.len() == LOG_EVENT.len() && fields.iter().all(|(name, _)| LOG_EVENT.contains(&name))
    };
    found.map(|(_, texts)| *texts).or_else(|| is_log_event().then_some(LOG_EVENT_TEXTS))
}

fn text_of<'f>(fields: &'f Fields, name: &str) -> Option<&'f str> {
    match fields.get(name) {
        Some(Value::Text(text)) if !text.trim().is_empty() => Some(text),
        _ => None,
    }
}

impl Header {
    fn is_of(&self, fields: &Fields) -> bool {
        let has = |name: &str| fields.get(name).is_some();
        has(self.program) && self.beside.is_none_or(has) && self.texts.iter().any(|name| has(name))
    }

    fn read<'f>(&self, fields: &'f Fields) -> Option<Carried<'f>> {
        let (name, text) =
            self.texts.iter().find_map(|name| Some((*name, text_of(fields, name)?)))?;
        // rsyslog's tag is `sshd[812]:`.
        let tag = text_of(fields, self.program)?.trim().trim_end_matches(':');
        let (program, pid) = match tag.split_once('[') {
            Some((program, rest)) => (program, rest.strip_suffix(']')),
            None => (tag, text_of(fields, self.pid)),
        };
        let header = Envelope {
            program: Some(program),
            pid,
            host: text_of(fields, self.host),
            message: text,
            ..Envelope::default()
        };
        Some(Carried { name, text, header: Some(header) })
    }
}

#[cfg(test)]
mod tests;
