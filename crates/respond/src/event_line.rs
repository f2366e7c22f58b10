//! One event as a person reads it: a line that says what happened, then every field, the original
//! record and why it was read so. Shared by the alert's page and the search.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use event::query::{Highlighter, Stretch, typed_name};
use event::{Attr, Class, Event, Match, Value};
use serde::Serialize;
use utoipa::ToSchema;

use crate::directory::Directory;
use crate::mark::{Piece, marked, pieces, split};

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
    /// The same with what was looked for marked, where it holds any.
    pub summary_marked: Vec<Piece>,
    /// Whether a rule's reason is in it.
    pub hit: bool,
    /// Every field, OCSF ones first.
    pub fields: Vec<FieldLine>,
    /// Why it was read so.
    pub notes: Vec<NoteLine>,
    /// The record as it came.
    pub raw: String,
    /// The same with what was looked for marked, where it holds any.
    pub raw_marked: Vec<Piece>,
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
    /// The value with a rule's reason or what was looked for marked, where it holds any.
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
    /// Returns the event as a line, with what a query looks for marked.
    pub(crate) fn found(event: &Event, sought: &Highlighter, directory: &dyn Directory) -> Self {
        let mut line = Self::of(event, &[], directory);
        let (summary, stretches) = summary(event, sought);
        line.summary_marked = split(&summary, &stretches);
        line.raw_marked = split(&line.raw, &sought.in_text(&event.raw));
        let attrs = event.attrs.iter().map(|(attr, value)| sought.in_attr(attr, value));
        let own = event.fields.iter().map(|(name, value)| sought.in_field(event, name, value));
        // In the order of `of`.
        for (field, stretches) in line.fields.iter_mut().zip(attrs.chain(own)) {
            field.marked = split(&field.value, &stretches);
        }
        line
    }

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
            time_quality: event.time_quality.word().to_owned(),
            class: event.class.word().to_owned(),
            parser: event.parser.to_string(),
            source: directory.source_name(event.origin.source).unwrap_or_default(),
            system: event.origin.system.and_then(|id| directory.system(id)).map(|card| card.name),
            summary: summary(event, &Highlighter::default()).0,
            summary_marked: Vec::new(),
            hit: fields.iter().any(|field| field.hit)
                || matched.iter().any(|one| one.field.is_empty() && event.raw.contains(&one.value)),
            fields,
            notes: event
                .notes
                .iter()
                .map(|note| NoteLine { code: note.code.to_string(), detail: note.detail.clone() })
                .collect(),
            raw: event.raw.clone(),
            raw_marked: Vec::new(),
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
    format!("{}:{}", typed_name(name), typed_value(value))
}

/// Returns a field's value as a query line has it: `an`, `"An Nguyễn"`.
pub(crate) fn typed_value(value: &str) -> Cow<'_, str> {
    let is_plain = !value.is_empty()
        && value.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '@'));
    if is_plain {
        return Cow::Borrowed(value);
    }
    Cow::Owned(format!("\"{}\"", value.replace('\\', r"\\").replace('"', "\\\"")))
}

/// Returns the few attributes that tell what happened in an event of this class.
const fn telling(class: Class) -> &'static [Attr] {
    use Attr::{
        Action, AuthProtocol, CmdLine, DnsAnswer, DnsQuery, DstIp, DstPort, FilePath, Host,
        HttpMethod, HttpStatus, ParentProcess, Process, Protocol, RegKey, ServiceName, Signature,
        SrcIp, Status, TargetUser, UrlPath, UrlQuery, User,
    };
    match class {
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
    }
}

/// Returns what happened, in a line, and where it holds what is looked for: the few attributes that
/// tell this class of event, else the message, else the record.
fn summary(event: &Event, sought: &Highlighter) -> (String, Vec<Stretch>) {
    let told: Vec<(Attr, &Value)> = telling(event.class)
        .iter()
        .filter_map(|attr| Some((*attr, event.attrs.get(*attr)?)))
        .filter(|(_, value)| !value.text().is_empty())
        .collect();
    let parts: Vec<(Cow<'_, str>, Vec<Stretch>)> = if told.len() >= 2 {
        told.iter().map(|(attr, value)| (value.text(), sought.in_attr(*attr, value))).collect()
    } else if let Some((text, value)) =
        event.attr_text(Attr::Message).zip(event.attrs.get(Attr::Message))
    {
        vec![(Cow::Borrowed(text), sought.in_attr(Attr::Message, value))]
    } else {
        vec![(Cow::Borrowed(event.raw.as_str()), sought.in_text(&event.raw))]
    };
    let mut line = String::new();
    let mut stretches = Vec::new();
    for (text, inside) in parts {
        if !line.is_empty() {
            line.push_str(" · ");
        }
        let begin = line.chars().count();
        stretches.extend(inside.into_iter().map(|(start, end)| (begin + start, begin + end)));
        line.push_str(&text);
    }
    // What the cut leaves out is not marked, nor the sign of it.
    let seen = |(start, end): Stretch| (start, end.min(SUMMARY_CHARS));
    (cut(&line, SUMMARY_CHARS), stretches.into_iter().map(seen).filter(|(a, b)| a < b).collect())
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
    fn what_was_looked_for_is_marked_in_its_place() {
        let event = event_of(&Maker::new().finding(0), "an");
        let found = |line: &str| {
            let sought = Highlighter::new(&event::query::parse(line).unwrap());
            EventLine::found(&event, &sought, &PaperDirectory)
        };
        let marks = |pieces: &[Piece]| -> Vec<String> {
            pieces.iter().filter(|piece| piece.marked).map(|piece| piece.text.clone()).collect()
        };
        let in_fields = |line: &EventLine| -> Vec<String> {
            let told =
                |field: &FieldLine| format!("{}:{}", field.name, marks(&field.marked).join(" "));
            line.fields.iter().filter(|field| !field.marked.is_empty()).map(told).collect()
        };
        let line = found("user:an");
        assert_eq!(in_fields(&line), ["user:an"]);
        assert!(line.raw_marked.is_empty(), "only in the field that was asked");
        assert!(!line.hit && line.fields.iter().all(|field| !field.hit), "no rule's reason");
        let line = found("cmd*");
        assert!(!marks(&line.summary_marked).is_empty(), "{}", line.summary);
        let whole: String = line.summary_marked.iter().map(|piece| piece.text.as_str()).collect();
        assert_eq!(whole, line.summary);
        let line = found("NOT gone");
        assert!(line.summary_marked.is_empty() && in_fields(&line).is_empty());
    }

    #[test]
    fn a_long_line_is_marked_as_far_as_it_is_shown() {
        let mut event = event_of(&Maker::new().finding(0), "an");
        event.class = Class::BaseEvent;
        event.attrs = event::Attrs::default();
        event.raw = format!("{} needle {}", "x".repeat(295), "needle ".repeat(9));
        let sought = Highlighter::new(&event::query::parse("needle").unwrap());
        let line = EventLine::found(&event, &sought, &PaperDirectory);
        let shown: Vec<(&str, bool)> =
            line.summary_marked.iter().map(|piece| (piece.text.as_str(), piece.marked)).collect();
        let before = format!("{} ", "x".repeat(295));
        assert_eq!(shown, [(before.as_str(), false), ("need", true), ("…", false)]);
        assert_eq!(line.raw_marked.iter().filter(|piece| piece.marked).count(), 10);
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
