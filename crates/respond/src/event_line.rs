//! One event as a person reads it: a line that says what happened, then every field, the original
//! record and why it was read so. Shared by the alert's page and the search.

use chrono::{DateTime, Utc};
use event::query::typed_name;
use event::{Attr, Class, Event, Match, TimeQuality};
use serde::Serialize;
use utoipa::ToSchema;

use crate::directory::Directory;
use crate::mark::{Piece, marked, pieces};

/// Characters of the line; the rest is one press away.
const SUMMARY_CHARS: usize = 300;

/// One event on a page.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EventLine {
    /// Its id.
    pub id: String,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// When we received it.
    pub collected_at: DateTime<Utc>,
    /// `stated`, `assumed_zone`, `assumed_year` or `collected`.
    pub time_quality: String,
    /// Its OCSF class.
    pub class: String,
    /// What read it.
    pub parser: String,
    /// The log source's name.
    pub source: String,
    /// The system's name.
    pub system: Option<String>,
    /// What happened, in a line.
    pub summary: String,
    /// Whether a rule's reason is in it.
    pub hit: bool,
    /// Every field, OCSF ones first.
    pub fields: Vec<FieldLine>,
    /// Why it was read so.
    pub notes: Vec<NoteLine>,
    /// The record as it came.
    pub raw: String,
}

/// One field of an event.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FieldLine {
    /// Its name.
    pub name: String,
    /// Its value as text.
    pub value: String,
    /// What to add to a query to find events like this one.
    pub term: String,
    /// Whether it is an OCSF attribute (or the source's own field).
    pub normalised: bool,
    /// Whether a rule's reason is in it.
    pub hit: bool,
    /// The value with what matched marked, where a rule's reason is in it.
    pub marked: Vec<Piece>,
}

/// What the decoder says.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NoteLine {
    /// Its stable word.
    pub code: String,
    /// What and where.
    pub detail: String,
}

impl EventLine {
    /// Returns the event as a line, with what matched marked.
    pub(crate) fn of(event: &Event, matched: &[Match], directory: &dyn Directory) -> Self {
        let attrs = event.attrs.iter().map(|(attr, value)| (attr.alias(), value, true));
        let own = event.fields.iter().map(|(name, value)| (name, value, false));
        let fields: Vec<FieldLine> = attrs
            .chain(own)
            .map(|(name, value, normalised)| {
                let text = value.text().into_owned();
                let hits = || matched.iter().filter(|one| is_hit(one, event, name, &text));
                let parts: Vec<_> = hits().filter_map(|one| one.part).collect();
                let whole = hits().all(|one| one.value == text);
                let parts = if whole { parts } else { Vec::new() };
                let hit = hits().next().is_some();
                FieldLine {
                    marked: if hit {
                        pieces(&marked(&text, &parts, usize::MAX))
                    } else {
                        Vec::new()
                    },
                    hit,
                    term: term(name, &text),
                    name: name.to_owned(),
                    value: text,
                    normalised,
                }
            })
            .collect();
        Self {
            id: event.id.to_string(),
            at: event.occurred_at,
            collected_at: event.collected_at,
            time_quality: quality(event.time_quality).to_owned(),
            class: event.class.word().to_owned(),
            parser: event.parser.to_string(),
            source: directory.source_name(event.origin.source).unwrap_or_default(),
            system: event.origin.system.and_then(|id| directory.system(id)).map(|card| card.name),
            summary: summary(event),
            hit: fields.iter().any(|field| field.hit)
                || matched.iter().any(|one| one.field.is_empty() && event.raw.contains(&one.value)),
            fields,
            notes: event
                .notes
                .iter()
                .map(|note| NoteLine { code: note.code.to_string(), detail: note.detail.clone() })
                .collect(),
            raw: event.raw.clone(),
        }
    }

    /// Returns the key of the sentence that says how far the time can be trusted.
    pub fn time_key(&self) -> &'static str {
        match self.time_quality.as_str() {
            "assumed_zone" => "search-time-assumed-zone",
            "assumed_year" => "search-time-assumed-year",
            _ => "search-time-collected",
        }
    }

    /// Returns whether the time is not the source's own word.
    pub fn time_is_guessed(&self) -> bool {
        self.time_quality != "stated"
    }
}

/// Returns whether a field holds a reason of the rule: the field the rule names (or the attribute it
/// stands for), with the value that was there.
fn is_hit(one: &Match, event: &Event, name: &str, text: &str) -> bool {
    let named = one.field == name
        || Attr::from_name(&one.field).is_some_and(|attr| attr.alias() == name)
        || (event.fields.get(&one.field).is_none() && !one.field.is_empty());
    // A value as long as a finding keeps is a cutting.
    let is_cut = one.value.chars().count() >= Match::VALUE_CHARS_MAX;
    let same = if is_cut { text.contains(&one.value) } else { text == one.value };
    named && !one.value.is_empty() && same
}

/// Returns `field:"value"` for the query line.
pub(crate) fn term(name: &str, value: &str) -> String {
    let plain = !value.is_empty()
        && value.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '@'));
    let name = typed_name(name);
    if plain {
        format!("{name}:{value}")
    } else {
        format!("{name}:\"{}\"", value.replace('\\', r"\\").replace('"', "\\\""))
    }
}

const fn quality(quality: TimeQuality) -> &'static str {
    match quality {
        TimeQuality::Stated => "stated",
        TimeQuality::AssumedZone => "assumed_zone",
        TimeQuality::AssumedYear => "assumed_year",
        TimeQuality::Collected => "collected",
    }
}

/// Returns what happened, in a line: the few attributes that tell this class of event, else the
/// message, else the record.
fn summary(event: &Event) -> String {
    use Attr::{
        Action, AuthProtocol, CmdLine, DnsAnswer, DnsQuery, DstIp, DstPort, FilePath, Host,
        HttpMethod, HttpStatus, ParentProcess, Process, Protocol, RegKey, ServiceName, Signature,
        SrcIp, Status, TargetUser, UrlPath, UrlQuery, User,
    };
    let told: &[Attr] = match event.class {
        Class::HttpActivity => &[SrcIp, HttpMethod, UrlPath, UrlQuery, HttpStatus],
        Class::ProcessActivity => &[Host, User, ParentProcess, Process, CmdLine],
        Class::NetworkActivity | Class::SshActivity | Class::RdpActivity => {
            &[Action, Protocol, SrcIp, DstIp, DstPort]
        }
        Class::DnsActivity => &[SrcIp, DnsQuery, DnsAnswer],
        Class::Authentication | Class::AuthorizeSession => {
            &[Host, Status, User, TargetUser, SrcIp, AuthProtocol]
        }
        Class::AccountChange | Class::GroupManagement => &[Host, User, TargetUser, Status],
        Class::FileActivity | Class::ModuleActivity => &[Host, User, Process, FilePath],
        Class::RegistryActivity => &[Host, Process, RegKey],
        Class::ServiceActivity | Class::ScheduledJobActivity => &[Host, User, ServiceName],
        Class::DetectionFinding => &[Action, Signature, SrcIp, DstIp],
        _ => &[],
    };
    let parts: Vec<String> = told
        .iter()
        .filter_map(|attr| event.attrs.get(*attr))
        .map(|value| value.text().into_owned())
        .filter(|text| !text.is_empty())
        .collect();
    let line = if parts.len() >= 2 {
        parts.join(" · ")
    } else {
        event.attr_text(Attr::Message).unwrap_or(&event.raw).to_owned()
    };
    cut(&line, SUMMARY_CHARS)
}

/// Returns the first so many characters, with a sign that there is more.
pub(crate) fn cut(text: &str, chars: usize) -> String {
    let mut taken: String = text.chars().take(chars).collect();
    if taken.len() < text.len() {
        taken.push('…');
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Maker, PaperDirectory, event_of};

    #[test]
    fn what_matched_is_marked_and_nothing_else() {
        let finding = Maker::new().finding(0);
        let event = event_of(&finding, "an");
        let line = EventLine::of(&event, &finding.matched, &PaperDirectory);
        assert!(line.hit);
        let marked: Vec<&str> =
            line.fields.iter().filter(|field| field.hit).map(|field| field.name.as_str()).collect();
        assert_eq!(marked, ["Image"]);
        let unmarked = EventLine::of(&event, &[], &PaperDirectory);
        assert!(!unmarked.hit);
    }

    #[test]
    fn terms_read_back_as_the_same_value() {
        let cases = [
            ("src_ip", "10.0.0.1", "src_ip:10.0.0.1"),
            ("Image", r"C:\a b.exe", r#"Image:"C:\\a b.exe""#),
            ("Account Name", "an", r#""Account Name":an"#),
            ("cmd_line", r#"say "hi""#, r#"cmd_line:"say \"hi\"""#),
        ];
        for (name, value, expected) in cases {
            assert_eq!(term(name, value), expected);
            assert!(event::query::parse(&term(name, value)).is_ok(), "{name}:{value}");
        }
    }
}
