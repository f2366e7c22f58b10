//! A record as text: the syslog header taken off, the content found.

use event::{Fields, Value};

use crate::envelope::Envelope;
use crate::scan::Scan;

/// A record's parts.
#[derive(Debug)]
pub(crate) struct Record<'a> {
    /// The syslog header, if there is one.
    pub(crate) envelope: Option<Envelope<'a>>,
    /// What the header was put round, or the whole text.
    pub(crate) content: &'a str,
    /// How often the sender saw the same message again and did not send it.
    pub(crate) repeated: Option<u32>,
}

impl<'a> Record<'a> {
    /// Takes the text apart.
    pub(crate) fn of(text: &'a str) -> Self {
        let text = trimmed(text);
        Self::with(Envelope::read(text), text)
    }

    /// Returns a record whose header was taken apart before.
    pub(crate) fn behind(header: Envelope<'a>) -> Self {
        let text = header.message;
        Self::with(Some(header), text)
    }

    /// Returns the record with the date of its header as part of the text, if it may be.
    pub(crate) fn with_own_date(&self) -> Option<Self> {
        let bare = self.envelope.as_ref()?.without_date()?;
        let text = bare.message;
        Some(Self::with(bare.priority.is_some().then_some(bare), text))
    }

    fn with(envelope: Option<Envelope<'a>>, text: &'a str) -> Self {
        let content = envelope.as_ref().map_or(text, |envelope| trimmed(envelope.message));
        let content = content.strip_prefix("@cee:").map_or(content, str::trim_start);
        match repeated(content) {
            Some((count, inner)) => Self { envelope, content: inner, repeated: Some(count) },
            None => Self { envelope, content, repeated: None },
        }
    }

    /// The program in the header, without folder and without `(pam_unix)`.
    pub(crate) fn program(&self) -> Option<&'a str> {
        let program = self.envelope.as_ref()?.program?;
        let program = program.split_once('(').map_or(program, |(before, _)| before);
        match program.rsplit_once('/') {
            Some((_, name)) if program.starts_with('/') => Some(name),
            _ => Some(program),
        }
    }

    /// The program's family: `postfix` of `postfix/smtpd`, `%ASA` of `%ASA-6-302013`.
    pub(crate) fn program_family(&self) -> Option<&'a str> {
        let program = self.program()?;
        let end = if program.starts_with('%') { program.find('-') } else { program.find('/') };
        program.get(..end?)
    }

    /// Adds what was taken off round the content.
    pub(crate) fn add_repeated(&self, fields: &mut Fields) {
        if let Some(count) = self.repeated {
            fields.push("repeated", Value::Int(i64::from(count)));
        }
    }
}

fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\0')
}

/// rsyslog's `message repeated 5 times: [ Failed password … ]`.
fn repeated(content: &str) -> Option<(u32, &str)> {
    let mut scan = Scan::new(content);
    if !scan.eat("message repeated ") {
        return None;
    }
    let count = scan.number(1, 9)?;
    if !scan.eat(" times: [") {
        return None;
    }
    Some((count, scan.rest.strip_suffix(']')?.trim()))
}
