//! Why a rule fired: the selections that made its condition true, with field, value and pattern.

use event::{Event, Finding, Match, MatchKind, Value};

use super::folded::Folded;
use crate::ast::{Condition, Detection, Item, Rule, Search};
use crate::explain::part;
use crate::limits::MATCHES_MAX;
use crate::reference::{self, Found, Sight};
use crate::{entity, taxonomy};

/// Makes the finding of a rule that fired on one event.
pub(crate) fn finding(rule: &Rule, event: &Event) -> Finding {
    let (entity, matched) = (entity::of_event(event), matches(rule, event));
    Finding { entity, matched, ..unexplained(rule, event) }
}

/// Makes a finding of a rule on one event, about its log source and without a reason yet.
pub(crate) fn unexplained(rule: &Rule, event: &Event) -> Finding {
    Finding {
        rule: rule.info.id.clone(),
        title: rule.info.title.clone(),
        title_vi: rule.info.title_vi.clone(),
        severity: rule.info.level,
        tags: rule.info.tags.clone(),
        event: event.id,
        events: vec![event.id],
        origin: event.origin,
        occurred_at: event.occurred_at,
        entity: entity::source(event),
        matched: Vec::new(),
        count: 1,
    }
}

/// Returns why a rule fired. For a rule that fires on what is *not* there, the selections that did
/// not match stand as such ([`MatchKind::Lacks`]).
fn matches(rule: &Rule, event: &Event) -> Vec<Match> {
    let mut matches = Vec::new();
    let sight = Folded::new(event);
    walk(&rule.search.condition, &rule.search, &sight, &mut matches);
    if matches.is_empty() {
        for (name, _) in rule.search.selections.iter().take(MATCHES_MAX) {
            matches.push(Match {
                selection: name.clone(),
                kind: Some(MatchKind::Lacks),
                ..Match::default()
            });
        }
    }
    matches
}

/// Adds what makes a condition hold, which it does.
fn walk(condition: &Condition, search: &Search, sight: &impl Sight, out: &mut Vec<Match>) {
    match condition {
        // Each part holds: nothing is to be asked again.
        Condition::All(parts) => parts.iter().for_each(|part| walk(part, search, sight, out)),
        Condition::Any(parts) => {
            for part in parts {
                if reference::condition(part, search, sight) {
                    walk(part, search, sight, out);
                }
            }
        }
        Condition::Not(_) => {}
        Condition::Selection(index) => {
            if let Some((name, detection)) = search.selections.get(*index) {
                reasons(name, detection, sight, out);
            }
        }
    }
}

/// Adds what makes a selection hold, which it does.
fn reasons(selection: &str, detection: &Detection, sight: &impl Sight, out: &mut Vec<Match>) {
    match detection {
        Detection::All(parts) => {
            for part in parts {
                reasons(selection, part, sight, out);
            }
        }
        Detection::Any(parts) => {
            for part in parts {
                if reference::detection(part, sight) {
                    reasons(selection, part, sight, out);
                }
            }
        }
        Detection::Item(item) => of_item(selection, item, sight, out),
    }
}

/// Adds what in the event meets an item.
pub(super) fn of_item(selection: &str, item: &Item, sight: &impl Sight, out: &mut Vec<Match>) {
    let field = item.field.as_deref();
    for wanted in &item.values {
        let find = |matcher| reference::found(field, matcher, sight).map(|found| (matcher, found));
        let (kind, (value, part)) = match (wanted.variants.iter().find_map(find), item.negated) {
            (Some((matcher, Found::Value(value))), false) => {
                let text = value.text();
                (part::kind(matcher), part::cut(&text, part::of(matcher, &text)))
            }
            (Some((_, Found::Absence)), false) => (MatchKind::Absent, (String::new(), None)),
            (None, true) => {
                let text =
                    field.and_then(|name| taxonomy::field(sight.event(), name)).map(Value::text);
                (MatchKind::Not, part::cut(&text.unwrap_or_default(), None))
            }
            _ => continue,
        };
        let reason = Match {
            selection: selection.to_owned(),
            field: field.unwrap_or_default().to_owned(),
            value,
            pattern: wanted.written.clone(),
            kind: Some(kind),
            part,
        };
        if out.len() < MATCHES_MAX && !out.contains(&reason) {
            out.push(reason);
        }
    }
}
